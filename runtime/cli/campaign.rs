//! `wasmsc campaign`: one message to many devices.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, json as as_json, table};

/// How often a campaign is looked at that is watched.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Characters of the bar.
const BAR: usize = 30;

/// Begins campaigns, shows how far they are, pauses and cancels them. For a key with the scopes send and read, or the
/// operator.
///
/// Example: wasmsc campaign start --tag pump --per-second 50 "Maintenance tonight"
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Begins one and prints its id.
    Start(Box<Start>),
    /// Lists campaigns, the newest first.
    List {
        #[command(flatten)]
        of: Of,
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows how far one is.
    Show {
        #[command(flatten)]
        of: Of,
        id: String,
        /// Shows it again and again, until it has ended.
        #[arg(long)]
        watch: bool,
    },
    /// Makes no more messages until it goes on.
    Pause {
        #[command(flatten)]
        of: Of,
        id: String,
    },
    /// Goes on where it was paused.
    Resume {
        #[command(flatten)]
        of: Of,
        id: String,
    },
    /// Ends it, and cancels its messages that wait.
    Cancel {
        #[command(flatten)]
        of: Of,
        id: String,
    },
}

#[derive(Arguments, Debug)]
struct Start {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    to: To,
    /// A number or name of the customer; without it, its first number.
    #[arg(long)]
    from: Option<String>,
    /// Messages in a second; without it, as fast as they go.
    #[arg(long, value_name = "N")]
    per_second: Option<u32>,
    /// Not before this, such as 2026-12-24T15:00:00+01:00.
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// How long each message is tried.
    #[arg(long, value_name = "SECS")]
    validity_secs: Option<u64>,
    /// The network is not asked whether messages arrived.
    #[arg(long)]
    no_receipt: bool,
    /// Of each message.
    #[arg(long, value_name = "TEXT")]
    message_tag: Option<String>,
    /// An idempotency key: the same command again begins no second campaign.
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    /// What each device is told; several words are one text.
    #[arg(required = true)]
    text: Vec<String>,
}

#[derive(Arguments, Debug)]
#[group(required = true, multiple = false)]
struct To {
    /// A device; give it several times for several.
    #[arg(long = "to", value_name = "ADDRESS")]
    devices: Vec<String>,
    /// File with a device on each line.
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
    /// Registered devices that have this tag.
    #[arg(long)]
    tag: Option<String>,
    /// All registered devices.
    #[arg(long)]
    all: bool,
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// The customer's id; a key's is its own.
    #[arg(long)]
    customer: Option<String>,
}

impl Of {
    fn path(&self, behind: &str, asked: &str) -> String {
        let customer = self.customer.as_ref().map(|customer| format!("customer={}", part(customer)));
        let query: Vec<String> = customer.into_iter().chain((!asked.is_empty()).then(|| asked.to_owned())).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v1/campaigns{behind}{mark}{}", query.join("&"))
    }

    async fn look(&self, id: &str) -> Result<Value, Failure> {
        self.remote.json(Ask::get(&self.path(&format!("/{}", part(id)), ""))).await
    }

    async fn change(&self, id: &str, verb: &str) -> Result<(), Failure> {
        let changed = self.remote.json(Ask::do_it(&self.path(&format!("/{}/{verb}", part(id)), ""))).await?;
        print!("{}", if self.form.json { as_json(&changed) } else { progress(&changed) + "\n" });
        Ok(())
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Start(start) => begin(start).await,
        Verb::List { of, limit } => {
            let found = of.remote.json(Ask::get(&of.path("", &format!("limit={limit}")))).await?;
            print!("{}", if of.form.json { as_json(&found) } else { listed(&found) });
            Ok(())
        }
        Verb::Show { of, id, watch: false } => {
            let found = of.look(id).await?;
            print!("{}", if of.form.json { as_json(&found) } else { progress(&found) + "\n" });
            Ok(())
        }
        Verb::Show { of, id, watch: true } => watch(of, id).await,
        Verb::Pause { of, id } => of.change(id, "pause").await,
        Verb::Resume { of, id } => of.change(id, "resume").await,
        Verb::Cancel { of, id } => of.change(id, "cancel").await,
    }
}

async fn begin(start: &Start) -> Result<(), Failure> {
    let To { devices, to_file, tag, all } = &start.to;
    let to = match (to_file, tag, all) {
        (Some(file), ..) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            json!({ "devices": lines.collect::<Vec<_>>() })
        }
        (None, Some(tag), _) => json!({ "tag": tag }),
        (None, None, true) => json!({ "all": true }),
        _ => json!({ "devices": devices }),
    };
    let mut body = json!({ "to": to, "text": start.text.join(" "), "receipt": !start.no_receipt });
    let asked = [
        ("customer", start.of.customer.as_ref().map(|text| json!(text))),
        ("from", start.from.as_ref().map(|text| json!(text))),
        ("pace", start.per_second.map(|per_second| json!({ "per_second": per_second }))),
        ("start_at", start.start_at.as_ref().map(|text| json!(text))),
        ("validity_secs", start.validity_secs.map(|secs| json!(secs))),
        ("tag", start.message_tag.as_ref().map(|text| json!(text))),
    ];
    for (name, value) in asked {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let ask = Ask { idempotency_key: start.once.as_deref(), ..Ask::post("/v1/campaigns", &body) };
    let begun = start.of.remote.json(ask).await?;
    if start.of.form.json {
        print!("{}", as_json(&begun));
    } else {
        println!("{}", cell(&begun["id"]));
    }
    Ok(())
}

/// On a terminal one line that changes, else a line for each change.
async fn watch(of: &Of, id: &str) -> Result<(), Failure> {
    let (is_terminal, mut last) = (std::io::stdout().is_terminal(), String::new());
    loop {
        let found = of.look(id).await?;
        let line = if of.form.json { found.to_string() } else { progress(&found) };
        if line != last {
            if is_terminal && !of.form.json {
                print!("\r\u{1b}[K{line}");
                let _ = std::io::stdout().flush(); // a terminal that is gone
            } else {
                println!("{line}");
            }
            last = line;
        }
        let enroute = found["counts"]["enroute"].as_u64().unwrap_or(0);
        let is_over = found["state"] == "done" || (found["state"] == "cancelled" && enroute == 0);
        if is_over {
            if is_terminal && !of.form.json {
                println!();
            }
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// `[######....]  60%  600 of 1000  running  delivered 590, enroute 10`
fn progress(campaign: &Value) -> String {
    let counts = &campaign["counts"];
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let of_map = |value: &Value| value.as_object().map(|map| map.values().map(number).sum::<u64>()).unwrap_or(0);
    let total = number(&counts["total"]);
    let done = of_map(&counts["ended"]) + of_map(&counts["refused"]);
    let full = (done * BAR as u64).checked_div(total).unwrap_or(0) as usize;
    let percent = (done * 100).checked_div(total).unwrap_or(0);
    let mut text = format!(
        "[{}{}] {percent:3}%  {done} of {total}  {}",
        "#".repeat(full.min(BAR)),
        ".".repeat(BAR.saturating_sub(full)),
        cell(&campaign["state"])
    );
    let named = |map: &Value, what: &str| -> Vec<String> {
        let map = map.as_object().into_iter().flatten();
        map.map(|(name, count)| format!("{what}{name} {count}")).collect()
    };
    let mut parts = named(&counts["ended"], "");
    parts.extend(named(&counts["refused"], "refused "));
    if number(&counts["enroute"]) > 0 {
        parts.push(format!("enroute {}", counts["enroute"]));
    }
    if !parts.is_empty() {
        let _ = write!(text, "  {}", parts.join(", ")); // into a String
    }
    text
}

fn listed(found: &Value) -> String {
    let campaigns = found["campaigns"].as_array().into_iter().flatten();
    let rows = campaigns.map(|campaign| {
        let counts = &campaign["counts"];
        [
            cell(&campaign["id"]),
            cell(&campaign["state"]),
            cell(&counts["total"]),
            cell(&counts["submitted"]),
            cell(&counts["enroute"]),
            cell(&campaign["created_at"]),
            cell(&campaign["tag"]),
        ]
    });
    table(["ID", "STATE", "DEVICES", "SUBMITTED", "ENROUTE", "CREATED", "TAG"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_what_has_ended() {
        let counts = json!({ "total": 10, "ended": { "delivered": 4 }, "refused": { "no_route": 1 }, "enroute": 2 });
        let line = progress(&json!({ "state": "running", "counts": counts }));
        assert_eq!(
            line,
            "[###############...............]  50%  5 of 10  running  delivered 4, refused no_route 1, enroute 2"
        );
    }
}
