//! `wasmsc policy`: what a customer's firewall allows, and what it would say to a message.

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json as object};

use super::failure::{Failure, Refusal};
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, json, table};

/// Shows a customer's policy, or tells what the firewall would do with a message. `wasmsc apply` changes policies.
///
/// Example: wasmsc policy explain --from +46701234567 --to 7001 STATUS
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Shows what a customer's policy says; what it does not say has its default (docs/FIREWALL.md). For the operator.
    Show {
        #[command(flatten)]
        remote: Remote,
        /// The customer's id.
        customer: String,
    },
    /// Tells what would happen to a message, and why, without sending it. Ends with 0 if it would pass and with 3 if not.
    Explain {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        form: Form,
        /// A device, or a number or name of a customer.
        #[arg(long)]
        from: String,
        /// A device, or a customer's number.
        #[arg(long)]
        to: String,
        /// The account or upstream that would hand it in, held to its ranges.
        #[arg(long)]
        account: Option<String>,
        /// What it says.
        text: Vec<String>,
    },
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Show { remote, customer } => {
            let found = remote.json(Ask::get(&format!("/v1/customers/{}", part(customer)))).await?;
            let policy = &found["settings"]["policy"];
            print!("{}", if policy.is_null() { "{}\n".to_owned() } else { json(policy) });
            Ok(())
        }
        Verb::Explain { remote, form, from, to, account, text } => {
            let mut question = object!({ "from": from, "to": to });
            if !text.is_empty() {
                question["text"] = text.join(" ").into();
            }
            if let Some(account) = account {
                question["account"] = account.as_str().into();
            }
            let found = remote.json(Ask::post("/v1/route:explain", &question)).await?;
            print!("{}", if form.json { json(&found) } else { explained(&found) });
            match Refusal::told(&found["refusal"]) {
                Some(refusal) => Err(Failure::Refused(refusal)),
                None => Ok(()),
            }
        }
    }
}

fn explained(found: &Value) -> String {
    let steps = found["steps"].as_array().into_iter().flatten();
    let rows = steps.map(|step| ["check", "side", "outcome", "why"].map(|name| cell(&step[name])));
    let goes_to = found["goes_to"].as_object().and_then(|place| place.iter().next());
    let goes_to = goes_to.map_or_else(|| "nobody".to_owned(), |(kind, name)| format!("{kind} {}", cell(name)));
    format!("{}\n{}, would go to {goes_to}\n", table(["CHECK", "SIDE", "OUTCOME", "WHY"], rows), cell(&found["kind"]))
}
