//! `wasmsc messages`: the history of a customer's messages, and those that come.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args as Arguments, ValueEnum};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event_stream::Events;
use super::failure::Failure;
use super::remote::{Ask, Remote, query};
use super::table::{Form, cell, json as as_json, shown, table};

/// The most that the server shows in one answer.
const PAGE_MAX: usize = 1_000;
/// Pause between two looks for new messages, where there are no events that tell of them.
const PAUSE: Duration = Duration::from_secs(1);
/// So long behind the newest message another one may still show.
const LATE: time::Duration = time::Duration::seconds(60);

/// Lists messages that `[history]` keeps, the newest first, or with --follow those that come.
///
/// Example: wasmsc messages --device +46701234567 --state undeliverable --since 2026-11-23T00:00:00Z
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    wanted: Wanted,
    /// At most so many messages; with --follow, so many of those that are there already.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Goes on with each message that comes in, a line each, until it is ended. With --json each line is a message.
    #[arg(long, conflicts_with_all = ["since", "until"])]
    follow: bool,
}

#[derive(Arguments, Debug)]
#[command(next_help_heading = "Which messages")]
struct Wanted {
    /// Whose messages. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// From or to this device, such as +46701234567.
    #[arg(long)]
    device: Option<String>,
    /// To or from this number or name of the customer.
    #[arg(long)]
    number: Option<String>,
    /// From devices (mo), or to them (mt).
    #[arg(long)]
    direction: Option<Direction>,
    /// MOs that this rule was called for, and MTs that it sent.
    #[arg(long)]
    rule: Option<String>,
    /// In this state, such as enroute, delivered, undeliverable, expired, deleted.
    #[arg(long)]
    state: Option<String>,
    /// Received at or after this time, such as 2026-11-23T14:30:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Received before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// With this in their text, in any case.
    #[arg(long)]
    text: Option<String>,
    /// With this tag.
    #[arg(long)]
    tag: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Direction {
    Mo,
    Mt,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    // Before the look at what is there: nothing comes between the two.
    let news = if arguments.follow { News::open(arguments).await? } else { None };
    let found = find(arguments, arguments.wanted.since.as_deref(), arguments.limit).await?;
    if arguments.follow {
        return follow(arguments, news, found.messages).await;
    }
    if arguments.form.json {
        print!("{}", as_json(&json!({ "messages": found.messages })));
        return Ok(());
    }
    let columns = ["RECEIVED", "DIRECTION", "ID", "STATE", "FROM", "TO", "TEXT"];
    print!("{}", table(columns, found.messages.iter().map(row)));
    if found.is_cut {
        eprintln!("there are more; --limit shows them");
    }
    Ok(())
}

struct Found {
    /// The newest first.
    messages: Vec<Value>,
    is_cut: bool,
}

/// Page after page.
async fn find(arguments: &Args, since: Option<&str>, limit: usize) -> Result<Found, Failure> {
    let Wanted { customer, device, number, direction, rule, state, until, text, tag, .. } = &arguments.wanted;
    let direction = direction.map(|direction| match direction {
        Direction::Mo => "mo",
        Direction::Mt => "mt",
    });
    let (mut messages, mut next) = (Vec::new(), None::<String>);
    loop {
        let page = limit.saturating_sub(messages.len()).clamp(1, PAGE_MAX).to_string();
        let path = query(
            "/v1/messages",
            &[
                ("customer", customer.as_deref()),
                ("device", device.as_deref()),
                ("number", number.as_deref()),
                ("direction", direction),
                ("rule", rule.as_deref()),
                ("state", state.as_deref()),
                ("since", since),
                ("until", until.as_deref()),
                ("text", text.as_deref()),
                ("tag", tag.as_deref()),
                ("limit", Some(&page)),
                ("cursor", next.as_deref()),
            ],
        );
        let mut answer = arguments.remote.json(Ask::get(&path)).await?;
        if let Value::Array(found) = answer["messages"].take() {
            messages.extend(found);
        }
        next = answer["next"].as_str().map(str::to_owned);
        if next.is_none() || messages.len() >= limit {
            return Ok(Found { messages, is_cut: next.is_some() });
        }
    }
}

/// Who tells that there are new messages.
struct News;

impl News {
    /// None: the server keeps no events, and has to be asked now and then.
    async fn open(arguments: &Args) -> Result<Option<Events>, Failure> {
        let types = match arguments.wanted.rule {
            None => "message.received,message.accepted,message.refused",
            // An MO is of a rule when that was called for it.
            Some(_) => "message.accepted,message.ran,message.failed",
        };
        let path = query("/v1/events", &[("customer", arguments.wanted.customer.as_deref()), ("types", Some(types))]);
        match Events::open(&arguments.remote, &path).await {
            Ok(events) => Ok(Some(events)),
            Err(Failure::Refused(refusal)) if refusal.is("events_off") => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// Prints what is there, the oldest first, and then what comes, until nobody reads it any more.
async fn follow(arguments: &Args, mut news: Option<Events>, there: Vec<Value>) -> Result<(), Failure> {
    let start = crate::clock::now().0 / 1_000;
    let mut newest = OffsetDateTime::from_unix_timestamp(start.cast_signed()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut seen: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
    let mut fresh = there;
    loop {
        for message in fresh.iter().rev() {
            let at = message["received_at"].as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
            let at = at.unwrap_or(newest);
            newest = newest.max(at);
            if seen.insert(cell(&message["id"]), at).is_none() && print(arguments, message).is_err() {
                return Ok(());
            }
        }
        let since = newest - LATE;
        seen.retain(|_, at| *at >= since - LATE);
        match &mut news {
            Some(news) => drop(news.next().await?),
            None => tokio::time::sleep(PAUSE).await,
        }
        let since = since.format(&Rfc3339).map_err(|error| Failure::Failed(error.to_string()))?;
        fresh = find(arguments, Some(&since), usize::MAX).await?.messages;
    }
}

fn print(arguments: &Args, message: &Value) -> io::Result<()> {
    let line = if arguments.form.json {
        message.to_string()
    } else {
        let [at, direction, id, state, from, to, text] = row(message).map(|cell| shown(&cell));
        format!("{at}  {direction}  {id:<20}  {state:<13}  {from} -> {to}  {text}")
    };
    writeln!(io::stdout(), "{line}")
}

fn row(message: &Value) -> [String; 7] {
    let text = match &message["text"] {
        Value::String(text) => text.clone(),
        _ if message["masked"] == true => "(masked)".to_owned(),
        _ => "(binary)".to_owned(),
    };
    let [at, direction, id, state, from, to] =
        ["received_at", "direction", "id", "state", "from", "to"].map(|name| cell(&message[name]));
    [at, direction, id, state, from, to, text]
}
