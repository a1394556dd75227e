//! A case of a call that a server kept: the event, all that the call was given, and what it did.
//!
//! Pure. `api` shows it, `plugin record` writes it into files, `rule replay` runs it.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};
use wasmsc_smpp::text::Payload;

use super::case::Body;
use super::events;
use super::got::{Answer, Got, LogLine, headline};
use super::known::{Asked, Known, Listed};
use super::lapse::time_text;
use super::octets::{Octets, hex};
use super::read::STATES;
use super::update;
use super::world::{Call, What};
use crate::config;
use crate::message::{Address, Timestamp};
use crate::occasion::{Occasion, RuleReceipt};
use crate::plugin::{self, Effects};
use crate::recorded::{self, Before, Did, Ended, Recorded, With, placeholder};

/// What a recorded call is to people and to the host that runs it again.
pub struct Recording {
    /// A case file.
    pub case: String,
    pub known: Known,
    /// Of the device's state and of what is shared, as much as is kept, before it.
    pub before: (Rows, Rows),
    pub got: Got,
}

pub type Rows = BTreeMap<String, Vec<u8>>;

pub fn recording(call: &Recorded) -> Recording {
    let before = (own_state(call), shared_state(call));
    let got = found(call, before.clone());
    let mut document = DocumentMut::new();
    let name = format!("{} {}", call.before.occasion.name(), call.before.id);
    document["name"] = value(name);
    document["given"] = Item::Table(given(call, &before.0, &before.1));
    document["event"] = Item::ArrayOfTables(ArrayOfTables::from_iter([event(call, &before.1, &got)]));
    Recording { case: comment(call) + &document.to_string(), known: known(call), before, got }
}

/// What came of it, and what it logged.
fn found(call: &Recorded, (state, shared): (Rows, Rows)) -> Got {
    let log = call.log.iter().map(|line| LogLine {
        level: line.level.name().to_owned(),
        text: line.text.to_string(),
        fields: line.fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
    });
    let nothing = Got { state, shared, log: log.collect(), ..Got::default() };
    match &call.ended {
        Ended::Done(did) => got(call, did, nothing),
        _ => nothing,
    }
}

fn comment(call: &Recorded) -> String {
    let (at, attempt) = (time_text(call.at), call.before.attempt);
    let (customer, rule, version) = (&call.customer, &call.rule, &call.version);
    let mut text = format!(
        "# Recorded: rule {customer}/{rule} at {at}, attempt {attempt}, on\n# {version}.\n# Of the state that devices share, \
         what the call read is given.\n"
    );
    if call.before.state.is_none() {
        text += "# The device had more state than is kept: what the call read of it is given.\n";
    }
    if call.read.is_cut {
        text += "# The call read more than is kept: some of that is missing here.\n";
    }
    if !call.with.secrets.is_empty() {
        text +=
            "# Values of secrets are not kept; put yours in place of those below where the rule reads them itself.\n";
    }
    text
}

fn rows<'r>(values: impl Iterator<Item = (&'r Box<str>, &'r bytes::Bytes)>) -> Rows {
    values.map(|(name, value)| (name.to_string(), value.to_vec())).collect()
}

/// With empty values for names that were listed and not read.
fn asked_rows(asked: &recorded::Asked) -> Rows {
    let absent: BTreeSet<&str> =
        asked.values.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| &**name).collect();
    let listed = asked.listings.iter().flat_map(|listing| &listing.found).filter(|name| !absent.contains(&***name));
    let mut all: Rows = listed.map(|name| (name.to_string(), Vec::new())).collect();
    all.extend(rows(asked.values.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))));
    all
}

fn own_state(call: &Recorded) -> Rows {
    match &call.before.state {
        Some(whole) => rows(whole.iter().map(|(name, value)| (name, value))),
        None => asked_rows(&call.read.state),
    }
}

fn shared_state(call: &Recorded) -> Rows {
    asked_rows(&call.read.shared)
}

fn known(call: &Recorded) -> Known {
    let asked = |asked: &recorded::Asked| Asked {
        names: asked.values.iter().map(|(name, _)| name.to_string()).collect(),
        listings: asked
            .listings
            .iter()
            .map(|listing| Listed {
                prefix: listing.prefix.to_string(),
                after: listing.after.as_ref().map(ToString::to_string),
                limit: listing.limit as usize,
                is_all: listing.found.len() < listing.limit as usize,
            })
            .collect(),
    };
    let judged = call.read.verdicts.iter().map(|(from, to, _)| (from.to_string(), to.to_string()));
    Known {
        state: call.before.state.is_none().then(|| asked(&call.read.state)),
        shared: asked(&call.read.shared),
        judged: judged.collect::<BTreeSet<_>>().into_iter().collect(),
    }
}

// ---- what is given ------------------------------------------------------------------------------

fn given(call: &Recorded, state: &Rows, shared: &Rows) -> Table {
    let Before { message, device, occasion, timers, .. } = &call.before;
    let number = &message.destination;
    let mut given = Table::new();
    given["now"] = value(time_text(message.received_at));
    given["device"] = value(message.source.to_string());
    given["number"] = value(number.to_string());
    let texts = |list: BTreeSet<String>| list.into_iter().collect::<Array>();
    let verdicts = &call.read.verdicts;
    let passed = verdicts.iter().filter(|(from, _, why)| why.is_none() && from != number);
    let refused = verdicts.iter().filter(|(.., why)| why.is_some());
    let lists = [
        ("tags", device.tags.clone()),
        ("senders", passed.map(|(from, ..)| from.to_string()).collect()),
        ("http_hosts", call.with.http_hosts.iter().cloned().collect()),
        ("refused", refused.map(|(_, to, _)| to.to_string()).collect()),
    ];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        given[key] = value(texts(list));
    }
    if let Occasion::HttpReply(reply) = occasion {
        given["http_calls"] = value(Array::from_iter([reply.tag.to_string()]));
    }
    let timers = given_timers(timers, occasion);
    if !timers.is_empty() {
        given["timers"] = value(timers);
    }
    let secrets = call.with.secrets.iter().map(|name| (name.clone(), placeholder(name)));
    for (key, texts) in [
        ("attributes", device.attributes.clone()),
        ("config", call.with.config.clone()),
        ("secrets", secrets.collect::<BTreeMap<_, _>>()),
    ] {
        table(&mut given, key, texts.into_iter().map(|(name, text)| (name, text.into())));
    }
    let octets = |rows: &Rows| rows.iter().map(|(name, octets)| (name.clone(), exact(octets))).collect::<Vec<_>>();
    table(&mut given, "state", octets(state).into_iter());
    table(&mut given, "shared", octets(shared).into_iter());
    table(&mut given, "limits", limits(call).into_iter());
    given
}

/// Nothing where there is nothing.
fn table(given: &mut Table, key: &str, fields: impl Iterator<Item = (String, Value)>) {
    let fields: Table = fields.map(|(name, field)| (name, Item::Value(field))).collect();
    if !fields.is_empty() {
        given[key] = Item::Table(fields);
    }
}

/// Those that are not as usual.
fn limits(call: &Recorded) -> Vec<(String, Value)> {
    let usual = config::Rule::usual();
    let With { deadline_ms, memory_mib, messages_max, state_kib, timers_max, http_calls_max, .. } = call.with;
    // A quota of the day that was nearly used up is one of the call.
    let left = call.read.too_many.map_or(u32::from(messages_max), |more| more.saturating_sub(1));
    let all = [
        ("deadline_ms", deadline_ms, usual.deadline_ms),
        ("memory_mib", memory_mib, usual.memory_mib),
        ("messages_max", left.min(messages_max.into()), usual.messages_max.into()),
        ("state_kib", state_kib, usual.state_kib),
        ("timers_max", timers_max, usual.timers_max),
        ("http_calls_max", http_calls_max.into(), usual.http_calls_max.into()),
    ];
    let unusual = all.into_iter().filter(|(_, limit, usual)| limit != usual);
    let mut limits: Vec<_> = unusual.map(|(name, limit, _)| (name, i64::from(limit))).collect();
    limits.extend(call.before.room.map(|room| ("state_room", i64::try_from(room).unwrap_or(i64::MAX))));
    limits.into_iter().map(|(name, limit)| (name.to_owned(), limit.into())).collect()
}

/// Also the one that was due, with what it carries.
fn given_timers(timers: &[(Box<str>, Timestamp)], occasion: &Occasion) -> Array {
    let fired = match occasion {
        Occasion::Timer(fired) => Some(&**fired),
        _ => None,
    };
    let others = timers.iter().filter(|(name, _)| fired.is_none_or(|fired| fired.name != *name));
    let set = |name: &str, at: Timestamp| {
        let mut timer = InlineTable::new();
        timer.insert("set", name.into());
        timer.insert("at", time_text(at).into());
        timer
    };
    let mut all: Array = others.map(|(name, at)| Value::InlineTable(set(name, *at))).collect();
    if let Some(fired) = fired {
        let mut timer = set(&fired.name, fired.due_at);
        if !fired.payload.is_empty() {
            timer.insert("payload", exact(&fired.payload));
        }
        all.push(Value::InlineTable(timer));
    }
    all
}

fn exact(octets: &[u8]) -> Value {
    update::value(&Octets::exact(octets))
}

// ---- what happens, and what comes of it ---------------------------------------------------------

fn event(call: &Recorded, shared: &Rows, got: &Got) -> Table {
    let before = &call.before;
    let mut row = Table::new();
    let (key, trigger) = trigger(before);
    row[key] = value(trigger);
    row["id"] = value(before.id.to_string());
    row["attempt"] = value(i64::from(before.attempt));
    row["seed"] = value(hex(&before.seed));
    match &call.ended {
        Ended::Done(did) => {
            let has_shared = !shared.is_empty() || !did.shared.is_empty();
            row["state"] = value(inline(&got.state));
            if has_shared {
                row["shared"] = value(inline(&got.shared));
            }
            effects(&mut row, got, &before.message.destination);
        }
        Ended::Retry(None) => row["outcome"] = value("retry"),
        Ended::Retry(Some(after)) => row["outcome"] = value(format!("retry {after}")),
        Ended::Reject(why) | Ended::Broken { why, .. } => {
            row["outcome"] = value(call.ended.name());
            row["why"] = value(headline(why));
        }
    }
    row
}

fn inline(rows: &Rows) -> InlineTable {
    rows.iter().map(|(name, octets)| (name.as_str(), update::value(&Octets::like(octets, None)))).collect()
}

fn trigger(before: &Before) -> (&'static str, Value) {
    let mut fields = InlineTable::new();
    let key = match &before.occasion {
        Occasion::Mo => return ("mo", mo(before)),
        Occasion::Timer(fired) => return ("timer", (&*fired.name).into()),
        Occasion::Receipt(receipt) => {
            receipt_fields(&mut fields, receipt);
            "receipt"
        }
        Occasion::HttpReply(reply) => {
            fields.insert("tag", (&*reply.tag).into());
            if let Some(status) = reply.status {
                fields.insert("status", i64::from(status).into());
            }
            body(&mut fields, &reply.body);
            "http_reply"
        }
        Occasion::Request(request) => {
            fields.insert("name", (&*request.name).into());
            body(&mut fields, &request.body);
            "request"
        }
    };
    (key, Value::InlineTable(fields))
}

fn receipt_fields(fields: &mut InlineTable, receipt: &RuleReceipt) {
    fields.insert("message_id", receipt.message_id.to_string().into());
    if !receipt.tag.is_empty() {
        fields.insert("tag", (&*receipt.tag).into());
    }
    fields.insert("recipient", receipt.recipient.to_string().into());
    fields.insert("state", STATES.get(usize::from(receipt.state)).copied().unwrap_or("unknown").into());
    if receipt.error != 0 {
        fields.insert("error", receipt.error.to_string().into());
    }
    fields.insert("done_at", time_text(receipt.done_at).into());
}

fn body(fields: &mut InlineTable, octets: &[u8]) {
    if octets.is_empty() {
        return;
    }
    match exact(octets) {
        Value::String(text) => fields.insert("body", Value::String(text)),
        _ => fields.insert("hex", hex(octets).into()),
    };
}

/// As text where a network would send that text the same way.
fn mo(before: &Before) -> Value {
    let content = &before.message.content;
    let plain = match content.payload() {
        Payload::Text(text) => Body::Text(text),
        Payload::Binary(octets) => Body::Binary(octets.to_vec()),
    };
    let again = events::content(&plain, None);
    let is_same = (again.data_coding, again.has_udhi(), &again.octets)
        == (content.data_coding, content.has_udhi(), &content.octets);
    let mut fields = InlineTable::new();
    match plain {
        Body::Text(text) if is_same && content.tlvs.is_empty() => return text.into(),
        Body::Text(text) if is_same => fields.insert("text", text.into()),
        Body::Binary(octets) if is_same => fields.insert("hex", hex(&octets).into()),
        _ => {
            fields.insert("data_coding", i64::from(content.data_coding).into());
            fields.insert("esm_class", i64::from(content.esm_class).into());
            fields.insert("hex", hex(&content.octets).into())
        }
    };
    if !content.tlvs.is_empty() {
        let tlvs: Vec<(u16, Vec<u8>)> = content.tlvs.iter().map(|(tag, value)| (*tag, value.to_vec())).collect();
        fields.insert("tlvs", update::tlvs(&tlvs));
    }
    Value::InlineTable(fields)
}

/// As the host tells what came of a call.
fn got(call: &Recorded, did: &Did, mut before: Got) -> Got {
    let Before { id, attempt, message, occasion, .. } = &call.before;
    let what = match occasion {
        Occasion::Timer(fired) => {
            What::Timer { name: fired.name.to_string(), set: fired.id, due_at: fired.due_at, payload: Vec::new() }
        }
        _ => What::Check,
    };
    let number = message.destination.clone();
    let played = Call { id: *id, attempt: *attempt, now: message.received_at, number, seed: None, what };
    let octets = |value: &bytes::Bytes| value.to_vec();
    let effects = Effects {
        state: did.state.iter().map(|(name, value)| (name.clone(), value.as_ref().map(octets))).collect(),
        messages: did.messages.clone(),
        timers: did.timers.clone(),
        shared: did.shared.clone(),
        calls: did.calls.clone(),
        response: did.response.clone(),
        ..Effects::default()
    };
    events::take(plugin::Outcome::Done(effects), &played, &mut before);
    before
}

fn effects(row: &mut Table, got: &Got, number: &Address) {
    let number = number.to_string();
    list(row, "sent", &got.sent, |row, sent| update::sent(row, true, sent, &number));
    list(row, "timers", &got.timers, |row, effect| update::timer(row, effect, None));
    list(row, "http", &got.http, |row, call| {
        update::http(row, true, call);
        let headers: InlineTable = call.headers.iter().map(|(name, text)| (name.as_str(), Value::from(text))).collect();
        if !headers.is_empty() {
            row.insert("headers", value(headers));
        }
    });
    if let Some(Answer { status, body }) = &got.response {
        let mut response = Table::new();
        response["status"] = value(i64::from(*status));
        if !body.is_empty() {
            update::body(&mut response, &Octets::like(body, None));
        }
        row["response"] = Item::Table(response);
    }
}

fn list<G>(row: &mut Table, key: &str, got: &[G], write: impl Fn(&mut dyn TableLike, &G)) {
    let tables = got.iter().map(|got| {
        let mut table = Table::new();
        write(&mut table, got);
        table
    });
    let tables: ArrayOfTables = tables.collect();
    if !tables.is_empty() {
        row[key] = Item::ArrayOfTables(tables);
    }
}

#[cfg(test)]
mod tests;
