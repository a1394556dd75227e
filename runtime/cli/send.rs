//! `wasmsc send`: one message, by a customer's key.

use std::io::Read as _;

use clap::{Args as Arguments, ValueEnum};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote};
use super::table::{Form, cell, json as as_json};

/// Sends a message. When it has said the id, the message is on disk.
///
/// Example: wasmsc send --to +46701234567 --tag "order 1" WM1 CLOSE
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// A device of the customer.
    #[arg(long)]
    to: String,
    /// A number or name of the customer; without it, its first number.
    #[arg(long)]
    from: Option<String>,
    /// The text; several words are joined with spaces, and `-` reads standard input.
    #[arg(required_unless_present = "binary")]
    text: Vec<String>,
    /// Octets in hex instead of a text.
    #[arg(long, value_name = "HEX", conflicts_with = "text")]
    binary: Option<String>,
    /// User data header before --binary, in hex with its length octet.
    #[arg(long, value_name = "HEX", requires = "binary")]
    udh: Option<String>,
    /// data_coding of --binary.
    #[arg(long, requires = "binary")]
    data_coding: Option<u8>,
    /// How the text is written; without it, so that it takes the fewest SMS.
    #[arg(long, conflicts_with = "binary")]
    encoding: Option<Encoding>,
    /// Not before this time, such as 2026-12-24T15:00:00+01:00.
    #[arg(long, value_name = "TIME")]
    schedule_at: Option<String>,
    /// How long it is tried.
    #[arg(long, value_name = "SECONDS")]
    validity_secs: Option<u64>,
    /// 0 is bulk, 3 the most urgent.
    #[arg(long)]
    priority: Option<u8>,
    /// What you call it; shown when it is looked up.
    #[arg(long)]
    tag: Option<String>,
    /// Do not ask the network whether it arrived.
    #[arg(long)]
    no_receipt: bool,
    /// Idempotency key: the same message with the same key is sent once, however often you try.
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    Gsm,
    Ucs2,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let body = body(arguments)?;
    let ask = Ask { idempotency_key: arguments.once.as_deref(), ..Ask::post("/v1/messages", &body) };
    let accepted = arguments.remote.json(ask).await?;
    if arguments.form.json {
        print!("{}", as_json(&accepted));
    } else {
        // The id alone, so that it can be given to the next command.
        println!("{}", cell(&accepted["id"]));
    }
    Ok(())
}

fn body(arguments: &Args) -> Result<Value, Failure> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| value.map(|value| body.insert(name.to_owned(), value));
    set("to", Some(json!(arguments.to)));
    set("from", arguments.from.as_ref().map(|from| json!(from)));
    let hex = |octets: &String| json!({ "hex": octets });
    match &arguments.binary {
        Some(octets) => set("binary", Some(hex(octets))),
        None => set("text", Some(json!(text(&arguments.text)?))),
    };
    set("udh", arguments.udh.as_ref().map(hex));
    set("data_coding", arguments.data_coding.map(|coding| json!(coding)));
    let encoding = arguments.encoding.map(|encoding| match encoding {
        Encoding::Gsm => json!("gsm"),
        Encoding::Ucs2 => json!("ucs2"),
    });
    set("encoding", encoding);
    set("schedule_at", arguments.schedule_at.as_ref().map(|at| json!(at)));
    set("validity_secs", arguments.validity_secs.map(|secs| json!(secs)));
    set("priority", arguments.priority.map(|priority| json!(priority)));
    set("tag", arguments.tag.as_ref().map(|tag| json!(tag)));
    set("receipt", arguments.no_receipt.then_some(json!(false)));
    Ok(Value::Object(body))
}

fn text(words: &[String]) -> Result<String, Failure> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
    // What ends the last line is of the terminal, not of the message.
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}
