//! `wasmsc message`: what a running server knows of one message, all that happened to it, and cancelling it.

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, fields, json as as_json, shown};

/// Looks a message up, tells all that happened to it, or cancels it.
///
/// Example: wasmsc message show 1a209002b4d00000
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Shows what is known of a message.
    Show(One),
    /// Tells all that happened to a message, MO or MT; `[history]` keeps it.
    Timeline {
        #[command(flatten)]
        one: One,
        /// Whose message. The operator needs it, a customer's key does not.
        #[arg(long)]
        customer: Option<String>,
    },
    /// Shows the text of one message to who does not see texts otherwise; the audit has it.
    Reveal {
        #[command(flatten)]
        one: One,
        /// Whose message. The operator needs it, a customer's key does not.
        #[arg(long)]
        customer: Option<String>,
    },
    /// Cancels a message that still waits.
    Cancel(One),
}

#[derive(Arguments, Debug)]
struct One {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// As it was told when the message was sent.
    id: String,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Show(one) => {
            let found = one.remote.json(Ask::get(&path(one))).await?;
            print!("{}", if one.form.json { as_json(&found) } else { fields(&found) });
        }
        Verb::Timeline { one, customer } => {
            let path = query(&format!("{}/timeline", path(one)), &[("customer", customer.as_deref())]);
            let found = one.remote.json(Ask::get(&path)).await?;
            print!("{}", if one.form.json { as_json(&found) } else { told(&found) });
        }
        Verb::Reveal { one, customer } => {
            let path = query(&format!("{}/reveal", path(one)), &[("customer", customer.as_deref())]);
            let found = one.remote.json(Ask::post(&path, &json!({}))).await?;
            match &found["text"] {
                _ if one.form.json => print!("{}", as_json(&found)),
                Value::String(text) => println!("{}", shown(text)),
                _ => println!("(binary) {}", cell(&found["binary"]["hex"])),
            }
        }
        Verb::Cancel(one) => {
            one.remote.json(Ask::delete(&path(one))).await?;
            if !one.form.json {
                println!("{} will not be sent", one.id);
            }
        }
    }
    Ok(())
}

fn path(one: &One) -> String {
    format!("/v1/messages/{}", part(&one.id))
}

/// A line for each event.
fn told(timeline: &Value) -> String {
    let events = timeline["events"].as_array().into_iter().flatten();
    events.map(|event| format!("{}  {}\n", cell(&event["at"]), shown(&what(event)))).collect()
}

/// What a message says, where it is shown.
fn said(message: &Value) -> String {
    if message["masked"] == true { "(masked)".to_owned() } else { cell(&message["text"]) }
}

fn what(event: &Value) -> String {
    let word = |name: &str| cell(&event[name]);
    match &*word("event") {
        "received" => {
            let of = |name: &str| cell(&event["message"][name]);
            let cause = Some(of("cause")).filter(|cause| !cause.is_empty());
            let cause = cause.map(|cause| format!(", as the answer to {cause}")).unwrap_or_default();
            format!("received from {}{cause}: {} -> {}: {}", of("by"), of("from"), of("to"), said(&event["message"]))
        }
        "ran" => format!("rule {} ran and sent {}", word("rule"), word("sent")),
        "failed" => {
            let then = if event["again_at"].is_null() {
                "never again".into()
            } else {
                format!("again at {}", word("again_at"))
            };
            format!("attempt {} at {} failed: {}; {then}", word("attempt"), word("by"), word("why"))
        }
        "sent" => format!("{} took it as {}", word("peer"), word("ids")),
        "receipt" => {
            format!("receipt of {} for SMS {}: {}, error {}", word("peer"), word("sms"), word("state"), word("error"))
        }
        "replaced" => format!("replaced; due at {}", word("due_at")),
        "ended" => format!("ended: {}, error {}", word("state"), word("error")),
        other => other.to_owned(),
    }
}
