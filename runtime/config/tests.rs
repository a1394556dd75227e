use super::*;
use crate::firewall::policy::P2p;

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

#[test]
fn the_policies_of_the_firewall_s_page_can_be_used() {
    const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FIREWALL.md"));
    let blocks: Vec<_> = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    let (house, _) = GOOD.split_once("[[customer]]").expect("a customer");
    let sharing = Config::parse(&format!("{house}{}", blocks[1]), Path::new("wasmsc.toml")).expect("valid");
    assert_eq!(sharing.shared_by(&sharing.customer[1]).collect::<Vec<_>>(), ["7009"]);
    let customer = |block: &str| {
        let config = Config::parse(&format!("{house}{block}"), Path::new("wasmsc.toml")).expect("valid");
        config.customer[0].policy.clone()
    };
    let policy = customer(blocks[0]);
    assert_eq!((policy.p2p, policy.loops.is_some()), (P2p::OwnOnly, true));
    // The line that is commented out, instead of the one above it.
    let policy = customer(&blocks[0].replace("\npolicy", "\n#").replace("# policy", "policy"));
    assert_eq!((policy.p2p, policy.loops.is_some()), (P2p::Off, false));
    assert!(customer(&blocks[0].replace("\npolicy", "\n#")).loops.is_none(), "no policy, no cut of loops");
}

const SHARING: &str = r#"
[[shared_number]]
number = "7009"
default_customer = "acme"
[[customer]]
id = "beta"
keywords = [{ number = "7009", words = ["METER", "Välve"] }]
[[customer]]
id = "gamma"
keywords = [
    { number = "7009", words = ["PUMP"] },
]
"#;

#[test]
fn who_shares_a_number_has_words_that_nobody_else_has() {
    let good = format!("{GOOD}{SHARING}");
    let config = Config::parse(&good, Path::new("wasmsc.toml")).expect("valid");
    let shares = |index: usize| config.shared_by(&config.customer[index]).collect::<Vec<_>>();
    assert_eq!([shares(0), shares(1), shares(2)], [["7009"]; 3]);
    let line = good.lines().position(|line| line.contains("PUMP")).expect("there") + 1;
    let twice = error(&good.replace("PUMP", "VÄLVE!"));
    assert_eq!(
        twice,
        format!(
            "wasmsc.toml:{line}: keyword \"VÄLVE!\" of the shared number 7009 is claimed by customer beta and by gamma; \
             one of them has to give it up"
        )
    );
    for (from, to, want) in [
        ("[\"PUMP\"]", "[]", "customer gamma: keywords of 7009: 0 words"),
        ("PUMP", "two words", "\"two words\" is no word"),
        ("PUMP", "...", "\"...\" is no word"),
        ("PUMP", "stopp", "asks all who share the number for stop"),
        (
            "{ number = \"7009\", words = [\"PUMP",
            "{ number = \"7008\", words = [\"PUMP",
            "there is no [[shared_number]]",
        ),
        ("number = \"7009\"\ndefault", "number = \"ACME\"\ndefault", "shared_number ACME: it is no number"),
        ("number = \"7009\"\ndefault", "number = \"7001\"\ndefault", "it is in numbers of customer acme"),
        ("default_customer = \"acme\"", "default_customer = \"acne\"", "did you mean \"acme\"?"),
        ("id = \"beta\"", "id = \"beta\"\nnumbers = [\"7009\"]", "a number is shared or one customer's"),
    ] {
        let message = error(&good.replace(from, to));
        assert!(message.contains(want), "{message}");
    }
    let rule = |customer: &str| {
        format!("{good}\n[[rule]]\ncustomer = \"{customer}\"\nname = \"r\"\ncomponent = \"r\"\nnumbers = [\"7009\"]\n")
    };
    Config::parse(&rule("beta"), Path::new("t")).expect("a sharer's rule takes MOs to the number");
    let other = rule("gamma").replace("7009\", words = [\"PUMP", "7008\", words = [\"PUMP");
    let other = format!("{other}[[shared_number]]\nnumber = \"7008\"\n");
    assert!(error(&other).contains("neither in numbers nor in keywords of customer gamma"), "{}", error(&other));
}
