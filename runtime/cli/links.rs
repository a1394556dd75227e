//! `wasmsc links`: the binds that are up, their PDUs and their history; ends one, and pauses an account or upstream.

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, json as as_json, shown, table};

/// Lists the binds that are up, of accounts and upstreams, the oldest first; or looks at one, ends it, or pauses what is sent. For the operator.
///
/// Example: wasmsc links pause sim --reason "maintenance until 06:00" --token-file data/operator-token
#[derive(Arguments, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(flatten)]
    of: Of,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Shows the last PDUs of a bind, the newest first, and keeps more from now on for 30 seconds.
    Pdus {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Tells which binds came up, ended and were refused since the start of the server, the newest first.
    History {
        #[command(flatten)]
        of: Of,
        /// Of this account or upstream only.
        #[arg(long)]
        account: Option<String>,
        /// So many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Ends a bind, when what is under way has its answer. Its account may bind again; to an upstream the server does.
    Drop {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Sends nothing new to an account or upstream until it is resumed, over restarts, too. Its binds stay, its queues wait.
    Pause {
        #[command(flatten)]
        of: Of,
        /// Its name.
        account: String,
        /// For whoever finds it paused.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Sends again, and what has waited first.
    Resume {
        #[command(flatten)]
        of: Of,
        /// Its name.
        account: String,
    },
    /// Lists what is paused.
    Pauses {
        #[command(flatten)]
        of: Of,
    },
}

impl Of {
    async fn show(&self, path: &str, listed: impl Fn(&Value) -> String) -> Result<(), Failure> {
        let found = self.remote.json(Ask::get(path)).await?;
        print!("{}", if self.form.json { as_json(&found) } else { listed(&found) });
        Ok(())
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        None => arguments.of.show("/v1/links", listed).await,
        Some(Verb::Pdus { of, id }) => of.show(&format!("/v1/links/{}/pdus", part(id)), pdus).await,
        Some(Verb::History { of, account, limit }) => {
            let limit = limit.to_string();
            let path = query("/v1/links/history", &[("account", account.as_deref()), ("limit", Some(&limit))]);
            of.show(&path, history).await
        }
        Some(Verb::Pauses { of }) => of.show("/v1/pauses", pauses).await,
        Some(Verb::Drop { of, id }) => {
            of.remote.json(Ask::delete(&format!("/v1/links/{}", part(id)))).await?;
            println!("It ends, once what is under way has its answer.");
            Ok(())
        }
        Some(Verb::Pause { of, account, reason }) => {
            let body = json!({ "reason": reason });
            of.remote.json(Ask::put(&format!("/v1/pauses/{}", part(account)), &body)).await?;
            println!("{} is paused: nothing new is sent to it.", shown(account));
            Ok(())
        }
        Some(Verb::Resume { of, account }) => {
            of.remote.json(Ask::delete(&format!("/v1/pauses/{}", part(account)))).await?;
            println!("{} goes on.", shown(account));
            Ok(())
        }
    }
}

fn all<'v>(found: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    found[name].as_array().into_iter().flatten()
}

/// As people read it.
pub fn listed(found: &Value) -> String {
    let rows = all(found, "links").map(|link| {
        let in_use = format!("{} of {}", cell(&link["window_in_use"]), cell(&link["window"]));
        let state = if link["paused"] == true { "paused" } else { "up" };
        let [account, mode, address, since, id] =
            ["account", "mode", "address", "since", "id"].map(|name| cell(&link[name]));
        [account, mode, address, in_use, state.to_owned(), since, id]
    });
    table(["ACCOUNT", "MODE", "ADDRESS", "WINDOW", "STATE", "SINCE", "ID"], rows)
}

fn history(found: &Value) -> String {
    let rows = all(found, "events")
        .map(|event| ["at", "account", "what", "mode", "address", "why"].map(|name| cell(&event[name])));
    table(["AT", "ACCOUNT", "WHAT", "MODE", "ADDRESS", "WHY"], rows)
}

fn pauses(found: &Value) -> String {
    let rows = all(found, "pauses").map(|pause| ["account", "since", "reason"].map(|name| cell(&pause[name])));
    table(["ACCOUNT", "SINCE", "REASON"], rows)
}

fn pdus(found: &Value) -> String {
    let rows = all(found, "pdus").map(|pdu| {
        let fields = all(pdu, "fields").skip(4).map(|field| {
            let value = field["value"].as_str().map_or_else(|| format!("({} octets)", field["length"]), str::to_owned);
            format!("{}={value}", cell(&field["name"]))
        });
        let fields: Vec<String> = fields.collect();
        let wrong = pdu["error"]["why"].as_str().map(|why| format!(" WRONG at {}: {why}", pdu["error"]["at"]));
        let told = shown(&(fields.join(" ") + &wrong.unwrap_or_default()));
        let [at, way, command, number, status] =
            ["at", "way", "command", "sequence_number", "command_status"].map(|name| cell(&pdu[name]));
        [at, way, command, number, status, told]
    });
    table(["AT", "WAY", "COMMAND", "SEQUENCE", "STATUS", "FIELDS"], rows)
}
