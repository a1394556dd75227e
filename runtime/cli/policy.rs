//! `wasmsc policy`: what a customer's firewall allows, and what it would say to a message.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json as object};

use super::failure::{Failure, Refusal};
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, json, table};

/// Shows or changes a customer's policy, or tells what the firewall would do with a message.
///
/// Example: wasmsc policy explain --from +46701234567 --to 7001 STATUS
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Shows what a customer's policy says; what it does not say has its default (docs/FIREWALL.md).
    Show {
        #[command(flatten)]
        remote: Remote,
        /// The customer's id.
        customer: String,
    },
    /// Changes all of a customer's policy to what a file says, in JSON as `policy show` prints it. It holds for every message
    /// from then on. For the operator, or a key with the scope manage.
    Set {
        #[command(flatten)]
        remote: Remote,
        /// The customer's id.
        customer: String,
        /// The file; `-` reads from standard input.
        file: PathBuf,
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

fn path(customer: &str) -> String {
    format!("/v1/customers/{}/policy", part(customer))
}

fn read(file: &Path) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
    let mut text = String::new();
    let octets = match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    octets.map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("it is no JSON: {error}")))
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Show { remote, customer } => {
            let found = remote.json(Ask::get(&path(customer))).await?;
            print!("{}", json(&found["policy"]));
            Ok(())
        }
        Verb::Set { remote, customer, file } => {
            let policy = read(file)?;
            remote.json(Ask::put(&path(customer), &policy)).await?;
            println!("the policy of {customer} is changed");
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
