//! `wasmsc doctor`: what it finds, with a server that runs and with none.

use std::path::Path;

use serde_json::json;

use super::Shell;
use crate::api::client::start;
use crate::smsc::site::Plan;

/// With nobody to ask but whom the config names.
fn doctor(config: &Path) -> (Option<i32>, String) {
    doctor_as(&Shell { api: String::new(), token: String::new() }, config)
}

fn doctor_as(shell: &Shell, config: &Path) -> (Option<i32>, String) {
    let output = shell.run(&["doctor", "--config", config.to_str().expect("text")]);
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_wrong_with_a_server_that_runs_or_has_ended() {
    let (site, _operator) = start(Plan::network().more(
        "[[upstream]]\nname = \"up\"\nhost = \"127.0.0.1\"\nport = 1\n\
        system_id = \"we\"\npassword = \"p\"\nroutes = [\"+4673\"]\n",
    ))
    .await;
    let config = site.folder().join("wasmsc.toml");
    std::fs::write(&config, site.text()).expect("written");
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": a server runs with it\n") && said.ends_with("\nnothing is wrong\n"), "{said}");
    let premises = site.leave(()).await;
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": it opens, and no server runs with it\n"), "{said}");
    premises.start().await.expect("still starts").stop().await.expect("closes");
}

#[test]
fn the_doctor_names_all_that_is_wrong_and_what_to_do() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address");
    let config = home.path().join("wasmsc.toml");
    let text = format!(
        "data_dir = \"no/such/parent\"\n[smpp]\nlisten = \"{listen}\"\nsystem_id = \"x\"\n\
         [api]\nlisten = \"127.0.0.1:0\"\ntls = {{ certificate = \"no.pem\", key = \"no.key\" }}\n\
         [[customer]]\nid = \"acme\"\nnumbers = [\"7001\"]\ndevices = [\"+4670*\"]\n\
         [[rule]]\ncustomer = \"acme\"\nname = \"wm\"\ncomponent = \"no.wasm\"\nnumbers = [\"7001\"]\n"
    );
    std::fs::write(&config, text).expect("written");
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(1), "{said}");
    let wrong: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("WRONG  ")).collect();
    let of = |word: &str| wrong.iter().filter(|line| line.contains(word)).count();
    assert_eq!(wrong.len(), 5, "{said}");
    for word in ["data_dir", "smpp.listen", "api.tls", "devices +4670*", "rule acme/wm"] {
        assert_eq!(of(word), 1, "{word}: {said}");
    }
    assert_eq!(said.matches("\n       -> ").count(), 5, "{said}");
    std::fs::write(&config, "data_dirr = 1\n").expect("written");
    let (code, said) = doctor(&config);
    assert!(code == Some(1) && said.contains("wasmsc.toml:1: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_knows_what_was_made_over_the_api_from_the_server_or_from_its_store() {
    // Nothing of the file leads to the devices of `beta`.
    let (site, operator) = start(Plan::network()).await;
    let config = site.folder().join("wasmsc.toml");
    std::fs::write(&config, site.text()).expect("written");
    let reached = "ok     customer beta, devices +4673*: a route leads to them\n";
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("note   made over the API: it is not looked at, since the server cannot be asked: "),
        "{said}"
    );
    assert!(said.contains("note   customer beta, devices +4673*: no route of the config file leads there\n"), "{said}");
    let shell = Shell::new(site.api(), &operator);
    let (code, said) = doctor_as(&shell, &config);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG  customer beta, devices +4673*: no route leads there\n"), "{said}");

    let net = json!({ "password": "secret", "role": "network", "routes": ["+4673"] });
    operator.request("PUT", "/v1/accounts/net", &[], Some(&net.to_string())).await.expect(201);
    let up = json!({ "host": "127.0.0.1", "port": 1, "system_id": "we", "password": "secret" });
    operator.request("PUT", "/v1/upstreams/up", &[], Some(&up.to_string())).await.expect(201);
    let (code, said) = doctor_as(&shell, &config);
    assert_eq!(code, Some(0), "{said}");
    let asked = format!("ok     made over the API: 1 account, 1 upstream, as http://{} says\n", site.api());
    assert!(said.contains(&asked) && said.contains(reached), "{said}");
    // The token is in the data directory.
    let shell = Shell { token: String::new(), ..shell };
    assert_eq!(doctor_as(&shell, &config).0, Some(0));
    let shell = Shell { token: "wso_wrong".into(), ..shell };
    let (_, said) = doctor_as(&shell, &config);
    assert!(said.contains("cannot be asked: refused: ") && said.contains("[401 unauthorized]\n"), "{said}");

    let premises = site.leave(()).await;
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(0), "{said}");
    let read = "ok     made over the API: 1 account, 1 upstream, read from the store\n";
    assert!(said.contains(read) && said.contains(reached), "{said}");
    let clash = premises.text()
        + "\n[[upstream]]\nname = \"net\"\nhost = \"h\"\nport = 1\nsystem_id = \"s\"\npassword = \"p\"\n";
    std::fs::write(&config, clash).expect("written");
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("WRONG  made over the API: what is in the store and this config do not fit together: "),
        "{said}"
    );
    premises.start().await.expect("still starts").stop().await.expect("closes");
}
