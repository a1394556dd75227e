//! `wasmsc webhooks`: where a customer's events are sent.

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, fields, json as as_json, table};

/// Makes, lists, changes and deletes webhooks, and sends again what was given up. For a key with the scope manage
/// (read lists), or the operator.
///
/// Example: wasmsc webhooks make https://hooks.example.net/sms --type message.ended
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Makes a webhook, and prints its secret, this once.
    Make {
        #[command(flatten)]
        of: Of,
        /// Where events are sent: https, unless the server allows others.
        url: String,
        /// Only events of this type, such as message.ended or link.*; give it several times for several.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
    },
    /// Lists webhooks, without their secrets.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Shows one.
    Show {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Changes where it leads, and of what it is told. What waits is sent to the new address.
    Change {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
        /// Where events are sent.
        url: String,
        /// Only events of this type; without any, all.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
    },
    /// Deletes it, with what waits for it.
    Delete {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Lists events that were given up.
    Dead {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Sends events that were given up once more.
    Replay {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose webhooks. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
}

impl Of {
    fn path(&self, behind: &str) -> String {
        query(&format!("/v1/webhooks{behind}"), &[("customer", self.customer.as_deref())])
    }

    /// As JSON, or as people read it.
    fn print(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        print!("{}", if self.form.json { as_json(answer) } else { people(answer) });
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let one = |id: &str| format!("/{}", part(id));
    match &arguments.verb {
        Verb::Make { of, url, types } => {
            let made = of.remote.json(Ask::post(&of.path(""), &json!({ "url": url, "types": types }))).await?;
            if !of.form.json {
                eprintln!("webhook {}; its secret is shown this once:", cell(&made["id"]));
            }
            of.print(&made, |made| format!("{}\n", cell(&made["secret"])));
        }
        Verb::List { of } => of.print(&of.remote.json(Ask::get(&of.path(""))).await?, listed),
        Verb::Show { of, id } => of.print(&of.remote.json(Ask::get(&of.path(&one(id)))).await?, fields),
        Verb::Change { of, id, url, types } => {
            let body = json!({ "url": url, "types": types });
            of.print(&of.remote.json(Ask::put(&of.path(&one(id)), &body)).await?, fields);
        }
        Verb::Delete { of, id } => {
            of.remote.json(Ask::delete(&of.path(&one(id)))).await?;
            if !of.form.json {
                println!("webhook {id} is gone");
            }
        }
        Verb::Dead { of, id } => {
            of.print(&of.remote.json(Ask::get(&of.path(&format!("{}/dead", one(id))))).await?, dead);
        }
        Verb::Replay { of, id } => {
            let path = of.path(&format!("{}/dead:replay", one(id)));
            of.print(&of.remote.json(Ask::do_it(&path)).await?, fields);
        }
    }
    Ok(())
}

fn listed(found: &Value) -> String {
    let hooks = found["webhooks"].as_array().into_iter().flatten();
    let rows = hooks.map(|hook| ["id", "url", "types", "created_at"].map(|name| cell(&hook[name])));
    table(["ID", "URL", "TYPES", "CREATED"], rows)
}

fn dead(found: &Value) -> String {
    let events = found["dead"].as_array().into_iter().flatten();
    let rows = events.map(|event| ["event", "type", "died_at", "attempts", "why"].map(|name| cell(&event[name])));
    table(["EVENT", "TYPE", "GIVEN UP", "ATTEMPTS", "WHY"], rows)
}
