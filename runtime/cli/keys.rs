//! `wasmsc keys`: the API keys of a customer.

use clap::{Args as Arguments, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, json as as_json, table};

/// Makes, lists and deletes the API keys of a customer. For the operator, or a key with the scope manage.
///
/// Example: wasmsc keys make acme --name billing --scope send --scope read
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Makes a key and prints it, this once.
    Make {
        #[command(flatten)]
        of: Of,
        /// For people: what uses it.
        #[arg(long)]
        name: String,
        /// What it may do; give it several times for several.
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// It does not see what messages say; with the scope reveal it shows one at a time, and the audit has it.
        #[arg(long)]
        masked: bool,
        /// Not valid from then on, such as 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Lists keys, without their secrets.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Deletes a key; it is refused from then on.
    Delete {
        #[command(flatten)]
        of: Of,
        /// The key's id, as the list shows it.
        id: String,
    },
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// The customer's id.
    customer: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    Read,
    Send,
    Receive,
    Manage,
    Reveal,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Send => "send",
            Scope::Receive => "receive",
            Scope::Manage => "manage",
            Scope::Reveal => "reveal",
        }
    }
}

impl Of {
    fn path(&self) -> String {
        format!("/v1/customers/{}/keys", part(&self.customer))
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Make { of, name, scopes, masked, expires_at } => {
            let scopes: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
            let mut body = json!({ "name": name, "scopes": scopes });
            if *masked {
                body["texts"] = json!("masked");
            }
            if let Some(at) = expires_at {
                body["expires_at"] = json!(at);
            }
            let made = of.remote.json(Ask::post(&of.path(), &body)).await?;
            if of.form.json {
                print!("{}", as_json(&made));
            } else {
                eprintln!("key {} of {}; it is shown this once:", cell(&made["id"]), of.customer);
                println!("{}", cell(&made["key"]));
            }
        }
        Verb::List { of } => {
            let found = of.remote.json(Ask::get(&of.path())).await?;
            print!("{}", if of.form.json { as_json(&found) } else { listed(&found) });
        }
        Verb::Delete { of, id } => {
            of.remote.json(Ask::delete(&format!("{}/{}", of.path(), part(id)))).await?;
            if !of.form.json {
                println!("key {id} of {} is refused from now on", of.customer);
            }
        }
    }
    Ok(())
}

fn listed(found: &Value) -> String {
    let keys = found["keys"].as_array().into_iter().flatten();
    let rows = keys.map(|key| {
        ["id", "name", "scopes", "texts", "created_at", "last_used_at", "expires_at"].map(|f| cell(&key[f]))
    });
    table(["ID", "NAME", "SCOPES", "TEXTS", "CREATED", "LAST USED", "EXPIRES"], rows)
}
