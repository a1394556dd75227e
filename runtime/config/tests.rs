use super::*;

const GOOD: &str = r#"
data_dir = "data"
[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"
[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+4670*", "+46731234567"]
[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
[[rule]]
customer = "acme"
name = "water-meter"
component = "rules/water_meter.wasm"
numbers = ["7001"]
[rule.config]
daily_allowance_litres = "500"
"#;

fn error(text: &str) -> String {
    Config::parse(text, Path::new("wasmsc.toml")).expect_err("must be refused").to_string()
}

#[test]
fn the_contract_of_the_issue_parses() {
    let config = Config::parse(GOOD, Path::new("wasmsc.toml")).expect("valid");
    assert_eq!(config.rule[0].config["daily_allowance_litres"], "500");
    assert_eq!(config.account[0].role, Role::Network);
}

#[test]
fn an_unknown_key_is_named_with_line_and_nearest_key() {
    let text = GOOD.replace("password", "pasword");
    assert_eq!(error(&text), "wasmsc.toml:12: unknown key \"pasword\"; did you mean \"password\"?");
    let text = GOOD.replace("data_dir", "xyzzy");
    assert!(error(&text).contains("wasmsc.toml:2: unknown key \"xyzzy\"; known here: data_dir"), "{}", error(&text));
}

#[test]
fn references_and_addresses_are_checked() {
    for (from, to, want) in [
        ("customer = \"acme\"", "customer = \"acne\"", "did you mean \"acme\"?"),
        ("[\"+4670*\", ", "[\"4670*\", ", "must be \"+46701234567\" or a prefix"),
        ("[\"+46\"]", "[\"46\"]", "write it as \"+46\""),
        ("name = \"water-meter\"", "name = \"w\"\nattempts_max = 0", "attempts_max must be at least 1"),
        ("role = \"network\"", "role = \"application\"", "needs customer"),
        ("role = \"network\"", "role = \"netwerk\"", "unknown variant `netwerk`"),
        ("listen = \"127.0.0.1:0\"", "listen = \"nowhere\"", "wasmsc.toml:4: invalid socket address"),
        ("password = \"secret\"", "password = \"secret\"\nmessage_id_tlv = 5", "vendor range"),
        (
            "password = \"secret\"",
            "password = \"secret\"\nnumbering = { source_ton = \"foreign\" }",
            "wasmsc.toml:13: invalid value: string \"foreign\", expected \"auto\", \"unknown\", \"international\"",
        ),
        ("password = \"secret\"", "password = \"secret\"\noutbind = \"host\"", "write it as \"host:2775\""),
        ("password = \"secret\"", "password = \"secret\"\noutbind_password = \"x\"", "is for outbind"),
        ("password = \"secret\"", "password = \"secret\"\nnumbering = { dest_npi = 256 }", "or 0 to 255"),
        ("password = \"secret\"", "password = \"secret\"\nnumbering = { ton = 1 }", "known here: source_ton"),
        (
            "password = \"secret\"",
            "password = \"secret\"\nnational_prefix = \"0\"",
            "national_prefix needs country_code",
        ),
        (
            "password = \"secret\"",
            "password = \"secret\"\nnumbering = { format = \"national\" }",
            "format = \"national\" needs country_code",
        ),
    ] {
        let message = error(&GOOD.replace(from, to));
        assert!(message.contains(want), "{message}");
    }
    let upstream = "[[upstream]]\nname = \"up\"\nhost = \"h\"\nport = 1\nsystem_id = \"we\"\npassword = \"\"";
    let message = error(&format!("{GOOD}\n{upstream}\ninterface_version = \"3.5\"\n"));
    assert!(message.contains("unknown variant `3.5`, expected one of `3.3`, `3.4`, `5.0`"), "{message}");
    let twice = format!("{GOOD}\n[[customer]]\nid = \"b\"\nnumbers = [\"7001\"]\n");
    assert!(error(&twice).contains("belongs to customer acme and to b"));
}
