//! `wasmsc events`: what happens to a customer's messages, links and rules, as it happens.

use std::io::{self, Write as _};

use clap::Args as Arguments;
use serde_json::Value;

use super::event_stream::{Event, Follow};
use super::failure::Failure;
use super::remote::{Remote, query};
use super::table::{Form, cell, shown};

/// Prints what happens, a line each, until it is ended. A server that is away for a while is waited for, and nothing is left out.
///
/// Example: wasmsc events --type message.received --type link.* --after oldest
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose events. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// Only events of this type, such as message.ended or rule.*; give it several times for several.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Behind the event with this id, or from the oldest that is kept; without it, from now on.
    #[arg(long, value_name = "ID|oldest")]
    after: Option<String>,
    /// Ends after so many events.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let types = arguments.types.join(",");
    let types = (!types.is_empty()).then_some(&*types);
    let path = |after: Option<&str>| {
        query("/v1/events", &[("customer", arguments.customer.as_deref()), ("after", after), ("types", types)])
    };
    let mut events = Follow::open(&arguments.remote, arguments.after.clone(), path).await?;
    let mut printed = 0;
    while arguments.limit.is_none_or(|limit| printed < limit) {
        if print(arguments, &events.next().await?).is_err() {
            return Ok(()); // nobody reads it any more
        }
        printed += 1;
    }
    Ok(())
}

fn print(arguments: &Args, event: &Event) -> io::Result<()> {
    if arguments.form.json {
        return writeln!(io::stdout(), "{}", event.data);
    }
    let json: Value = serde_json::from_str(&event.data).unwrap_or_default();
    writeln!(io::stdout(), "{}", shown(&line(&json)))
}

/// When, what, of which message, about whom, and what else there is to say.
fn line(event: &Value) -> String {
    let who = ["device", "account"].into_iter().map(|name| cell(&event[name])).find(|who| !who.is_empty());
    let message = &event["message"];
    let more = ["by", "peer", "rule", "reason", "state", "level", "text", "why", "again_at", "count"];
    let more = more.into_iter().map(|name| cell(&event[name])).chain([cell(&message["text"])]);
    let more: Vec<String> = more.filter(|text| !text.is_empty()).collect();
    let [at, kind, id] = ["at", "type", "message_id"].map(|name| cell(&event[name]));
    format!("{at}  {kind:<17}  {id:<20}  {}  {}", who.unwrap_or_default(), more.join("  ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_has_what_there_is_to_say() {
        let received = json!({ "at": "T", "type": "message.received", "message_id": "1", "device": "+46701234567",
            "message": { "text": "hi" } });
        assert_eq!(line(&received), format!("T  message.received   1{}  +46701234567  hi", " ".repeat(19)));
        let bound = json!({ "at": "T", "type": "link.bound", "account": "app", "mode": "receiver" });
        assert_eq!(line(&bound), format!("T  link.bound         {}  app", " ".repeat(20)));
    }
}
