//! `wasmsc numbers`: whose numbers are whose, and who takes what is sent to them.

use clap::Args as Arguments;
use serde_json::Value;

use super::failure::Failure;
use super::remote::{Ask, Remote, query};
use super::table::{Form, cell, json, table};

/// Lists numbers with the rules, the application and the inbox that take MOs to them.
///
/// Example: wasmsc numbers --customer acme --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose numbers. A customer's key does not need it, the operator gets all without it.
    #[arg(long)]
    customer: Option<String>,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let path = query("/v1/numbers", &[("customer", arguments.customer.as_deref())]);
    let found = arguments.remote.json(Ask::get(&path)).await?;
    print!("{}", if arguments.form.json { json(&found) } else { listed(&found) });
    Ok(())
}

fn listed(found: &Value) -> String {
    let numbers = found["numbers"].as_array().into_iter().flatten();
    let rows = numbers
        .map(|number| [cell(&number["number"]), cell(&number["customer"]), words(number), takers(number).join(", ")]);
    table(["NUMBER", "CUSTOMER", "WORDS", "TAKEN BY"], rows)
}

/// What an MO begins with that is this customer's.
fn words(number: &Value) -> String {
    if number["shared"] != true {
        return "all".to_owned();
    }
    let words = number["words"].as_array().into_iter().flatten().map(cell);
    let rest = (number["is_default"] == true).then(|| "all others".to_owned());
    words.chain(rest).collect::<Vec<_>>().join(", ")
}

fn takers(number: &Value) -> Vec<String> {
    let rules = number["rules"].as_array().into_iter().flatten().map(|rule| match rule["keyword"].as_str() {
        Some(keyword) => format!("rule {} ({keyword})", cell(&rule["name"])),
        None => format!("rule {}", cell(&rule["name"])),
    });
    let application = number["application"].as_str().map(|name| format!("application {name}"));
    let inbox = (number["inbox"] == true).then(|| "inbox".to_owned());
    let takers: Vec<String> = rules.chain(application).chain(inbox).collect();
    if takers.is_empty() { vec!["nobody".to_owned()] } else { takers }
}
