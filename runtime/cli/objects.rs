//! `wasmsc customers`, `accounts` and `upstreams`: what is set up on a server, declared in its config file or made since.

use clap::{Args as Arguments, Subcommand};
use serde_json::Value;

use super::failure::Failure;
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, fields, json, table};
use crate::config::Kind;

/// Lists, shows and deletes them; `wasmsc apply` makes and changes them. For the operator.
///
/// Example: wasmsc customers list --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
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
    let all = format!("/v1/{}s", kind.name());
    let one = |id: &str| format!("{all}/{}", part(id));
    match &arguments.verb {
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
