//! What is published of this crate.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A checkout that turns the link into a file of its own could go on with another contract than the host's.
#[test]
fn the_contract_in_the_crate_is_that_of_the_repository() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = fs::read(here.join("wit/plugin.wit")).expect("the crate has the contract");
    let hosts = fs::read(here.join("../../wit/plugin.wit")).expect("the repository has the contract");
    assert!(ours == hosts, "plugins/sdk/wit/plugin.wit differs from wit/plugin.wit");
}

/// Without it the crate would build nowhere but here.
#[test]
fn the_package_has_the_contract() {
    let list = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let files = String::from_utf8_lossy(&list.stdout);
    assert!(files.lines().any(|file| file == "wit/plugin.wit"), "{files}{}", String::from_utf8_lossy(&list.stderr));
    assert!(files.lines().any(|file| file == "src/wasm/contract.rs"), "{files}");
}
