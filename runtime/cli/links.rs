//! `wasmsc links`: the binds that are up.

use clap::Args as Arguments;
use serde_json::Value;

use super::failure::Failure;
use super::remote::{Ask, Remote};
use super::table::{Form, cell, json, table};

/// Lists the binds that are up, of accounts and upstreams, the oldest first. For the operator.
///
/// Example: wasmsc links --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let found = arguments.remote.json(Ask::get("/v1/links")).await?;
    print!("{}", if arguments.form.json { json(&found) } else { listed(&found) });
    Ok(())
}

/// As people read it.
pub fn listed(found: &Value) -> String {
    let links = found["links"].as_array().into_iter().flatten();
    let rows = links.map(|link| {
        let in_use = format!("{} of {}", cell(&link["window_in_use"]), cell(&link["window"]));
        [cell(&link["account"]), cell(&link["mode"]), cell(&link["address"]), in_use]
    });
    table(["ACCOUNT", "MODE", "ADDRESS", "WINDOW"], rows)
}
