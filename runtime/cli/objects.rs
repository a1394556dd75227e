//! `wasmsc customers`, `accounts`, `upstreams` and `shared-numbers`: what is set up on a server, declared in its config
//! file or made since.

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json as body};

use super::failure::Failure;
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, fields, json, table};
use crate::config::Kind;

/// For the operator. What it is and an example stand with each command.
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// Lists, makes, shows and deletes numbers that several customers share by keywords. For the operator.
///
/// Whose words are whose stands with the customers: `keywords` of each, see wasmsc apply. MOs that begin with nobody's word are
/// the default customer's.
///
/// Example: wasmsc shared-numbers set 7009 --default-customer acme --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct SharedArgs {
    #[command(subcommand)]
    verb: SharedVerb,
}

#[derive(Subcommand, Debug)]
enum SharedVerb {
    /// Makes a shared number, or changes who gets what begins with nobody's word.
    Set {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        form: Form,
        /// Such as 7009 or +46701234567.
        number: String,
        /// Gets MOs that begin with nobody's word; without it, they are refused.
        #[arg(long, value_name = "CUSTOMER")]
        default_customer: Option<String>,
    },
    #[command(flatten)]
    Object(Verb),
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Lists all, declared or made.
    List {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        form: Form,
    },
    /// Shows the settings of one, without its passwords.
    Show {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        form: Form,
        id: String,
    },
    /// Deletes one that nothing refers to. Links of an account that goes are closed.
    Delete {
        #[command(flatten)]
        remote: Remote,
        id: String,
    },
}

pub async fn run(kind: Kind, arguments: &Args) -> Result<(), Failure> {
    act(kind, &arguments.verb).await
}

pub async fn run_shared(arguments: &SharedArgs) -> Result<(), Failure> {
    match &arguments.verb {
        SharedVerb::Object(verb) => act(Kind::SharedNumber, verb).await,
        SharedVerb::Set { remote, form, number, default_customer } => {
            let settings = match default_customer {
                Some(customer) => body!({ "default_customer": customer }),
                None => body!({}),
            };
            let path = format!("{}/{}", all(Kind::SharedNumber), part(number));
            let set = remote.json(Ask::put(&path, &settings)).await?;
            print!("{}", if form.json { json(&set) } else { fields(&set["settings"]) });
            Ok(())
        }
    }
}

/// The path of all of a kind.
pub fn all(kind: Kind) -> String {
    format!("/v1/{}s", kind.name().replace('_', "-"))
}

async fn act(kind: Kind, verb: &Verb) -> Result<(), Failure> {
    let all = all(kind);
    let one = |id: &str| format!("{all}/{}", part(id));
    match verb {
        Verb::List { remote, form } => {
            let found = remote.json(Ask::get(&all)).await?;
            print!("{}", if form.json { json(&found) } else { listed(&found) });
        }
        Verb::Show { remote, form, id } => {
            let found = remote.json(Ask::get(&one(id))).await?;
            print!("{}", if form.json { json(&found) } else { fields(&found["settings"]) });
        }
        Verb::Delete { remote, id } => {
            remote.json(Ask::delete(&one(id))).await?;
            println!("{} {id} is gone", kind.name());
        }
    }
    Ok(())
}

fn listed(found: &Value) -> String {
    let objects = found["objects"].as_array().into_iter().flatten();
    let rows = objects.map(|object| {
        let origin = if object["declared"] == true { "config file" } else { "API" };
        [cell(&object["id"]), origin.to_owned(), cell(&object["changed_at"])]
    });
    table(["ID", "FROM", "CHANGED"], rows)
}
