//! `wasmsc messages`: what happened to messages, from the data directory of a server that does not run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args as Arguments;
use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::time::format_absolute;

use crate::clock;
use crate::config::Config;
use crate::message::{Address, MessageId, Timestamp};
use crate::store::{self, Bounds, Store};
use crate::timeline::{Direction, Event, Filter, Happened, Listed};

/// Shows a customer's messages, the newest first, or all that happened to one.
///
/// It reads the data directory itself, so the server must not be running. What is there is what `[history]`
/// keeps.
///
/// Example: wasmsc messages acme --device +46701234567 --state delivered
#[derive(Arguments, Debug)]
pub struct Args {
    /// The customer.
    customer: String,
    /// The config file of the server.
    #[arg(long, default_value = "wasmsc.toml")]
    config: PathBuf,
    /// All that happened to this message.
    #[arg(long, conflicts_with_all = ["device", "number", "state", "text"])]
    id: Option<String>,
    /// Only messages from or to this device, such as +46701234567.
    #[arg(long)]
    device: Option<String>,
    /// Only messages to or from this number or name of the customer.
    #[arg(long)]
    number: Option<String>,
    /// Only messages in this state, such as enroute, delivered, undeliverable, expired, deleted.
    #[arg(long)]
    state: Option<String>,
    /// Only messages whose text contains this, in any case.
    #[arg(long)]
    text: Option<String>,
    /// At most so many messages.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    ensure!(config.data_dir.exists(), "{} is not there: no server has run with it", config.data_dir.display());
    let known = config.customer.iter().any(|customer| customer.id == arguments.customer);
    ensure!(known, "{} has no customer {:?}", arguments.config.display(), arguments.customer);
    let opened = store::disk::open(&config.data_dir, config.keeps())
        .context("the data directory cannot be opened; a running server has it for itself")?;
    let (store, _writer) = Store::open(opened)?;
    match &arguments.id {
        Some(id) => show(&store, &arguments.customer, id),
        None => list(&store, &config, arguments),
    }
}

fn show(store: &Store, customer: &str, id: &str) -> anyhow::Result<ExitCode> {
    let number = MessageId::parse(id.as_bytes()).with_context(|| format!("{id:?} is no message id of wasmsc"))?;
    let timeline = store.timeline(customer, number)?;
    ensure!(!timeline.is_empty(), "nothing is known of message {id} of {customer}");
    timeline.iter().for_each(|happened| println!("{}", line(happened)));
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, config: &Config, arguments: &Args) -> anyhow::Result<ExitCode> {
    let address = |text: &Option<String>| text.as_deref().map(Address::parse).transpose();
    let now = clock::now();
    let filter = Filter {
        device: address(&arguments.device)?,
        number: address(&arguments.number)?,
        state: arguments.state.as_deref().map(state).transpose()?.map(|state| (state, now)),
        text: arguments.text.clone(),
        ..Filter::default()
    };
    let bounds = Bounds { limit: arguments.limit.max(1), scan_max: usize::MAX };
    let found = store.messages(&arguments.customer, &filter, None, bounds)?;
    for listed in &found.messages {
        println!("{}", row(listed, now));
    }
    if found.messages.is_empty() && !config.history.is_kept() {
        eprintln!("nothing is kept: {} has no [history] with days above 0", arguments.config.display());
    }
    if found.next.is_some() {
        eprintln!("there are more; --limit shows them");
    }
    Ok(ExitCode::SUCCESS)
}

const STATES: [MessageState; 9] = [
    MessageState::Scheduled,
    MessageState::Enroute,
    MessageState::Delivered,
    MessageState::Expired,
    MessageState::Deleted,
    MessageState::Undeliverable,
    MessageState::Accepted,
    MessageState::Unknown,
    MessageState::Rejected,
];

fn state(name: &str) -> anyhow::Result<MessageState> {
    let found = STATES.into_iter().find(|state| format!("{state:?}").eq_ignore_ascii_case(name));
    let Some(found) = found else {
        let names = STATES.map(|state| format!("{state:?}").to_lowercase());
        bail!("{name:?} is no state; there are {}", names.join(", "));
    };
    Ok(found)
}

/// UTC, as people read it: `2026-11-23 14:05:09`.
fn time(at: Timestamp) -> String {
    let digits = String::from_utf8_lossy(&format_absolute(at.0)).into_owned();
    let part = |from: usize| digits.get(from..from + 2).unwrap_or("??");
    format!("20{}-{}-{} {}:{}:{}", part(0), part(2), part(4), part(6), part(8), part(10))
}

fn row(listed: &Listed, now: Timestamp) -> String {
    let direction = match listed.received.direction {
        Direction::Mo => "MO",
        Direction::Mt => "MT",
    };
    let message = &listed.received.message;
    let text = listed.text().map_or_else(|| "(binary)".to_owned(), |text| shown(&text));
    let (at, id, state) =
        (time(message.received_at), listed.id.to_string(), format!("{:?}", listed.state_at(now)).to_lowercase());
    format!("{at}  {direction}  {id:<20}  {state:<13}  {} -> {}  {text}", message.source, message.destination)
}

/// On one line of a terminal, whatever the text says to it.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn line(happened: &Happened) -> String {
    let what = match &happened.event {
        Event::Received(received) => {
            let message = &received.message;
            let cause = received.cause.map(|cause| format!(", as the answer to {cause}")).unwrap_or_default();
            let text = Listed::of(MessageId::accepted(0), std::slice::from_ref(happened)).and_then(|one| one.text());
            let text = text.map_or_else(|| "(binary)".to_owned(), |text| shown(&text));
            format!("received from {}{cause}: {} -> {}: {text}", received.by, message.source, message.destination)
        }
        Event::Ran { rule, sent } => format!("rule {rule} ran and sent {sent}"),
        Event::Failed { by, attempt, why, again, .. } => {
            let then = again.map_or_else(|| "never again".to_owned(), |at| format!("again at {}", time(at)));
            format!("attempt {attempt} at {by} failed: {}; {then}", shown(why))
        }
        Event::Sent { peer, ids } => {
            let ids: Vec<_> = ids.iter().map(|id| shown(&String::from_utf8_lossy(id))).collect();
            format!("{peer} took it as {}", ids.join(", "))
        }
        Event::Receipt { peer, part, state, error } => {
            format!("receipt of {peer} for SMS {}: {}, error {error}", u16::from(*part) + 1, named(*state))
        }
        Event::Replaced { due, .. } => format!("replaced; due at {}", time(*due)),
        Event::Refused { reason } => format!("refused by the firewall: {reason}"),
        Event::Ended { state, error } => format!("ended: {}, error {error}", named(*state)),
    };
    format!("{}  {what}", time(happened.at))
}

fn named(state: u8) -> String {
    MessageState::from_octet(state)
        .map_or_else(|| format!("state {state}"), |state| format!("{state:?}").to_lowercase())
}
