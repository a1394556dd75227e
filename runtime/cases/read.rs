//! A case file, read: `[given]`, and `[[event]]` one after the other.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};
use wasmsc_smpp::receipt::MessageState;

use super::case::{
    At, Body, Case, Coding, EarlierReceipt, Event, Given, GivenLimits, GivenTimer, Handler, Identity, Tlvs, Trigger,
};
use super::lapse;
use super::octets::{Octets, parse_hex};
use super::read_expect;
use super::source::{CaseError, Keys, Source, json};
use crate::message::{Address, MessageId, Timestamp};

const CASE: [&str; 3] = ["name", "given", "event"];
const GIVEN: [&str; 15] = [
    "now",
    "device",
    "number",
    "tags",
    "attributes",
    "config",
    "secrets",
    "senders",
    "http_hosts",
    "refused",
    "state",
    "shared",
    "timers",
    "http_calls",
    "limits",
];
const LIMITS: [&str; 7] =
    ["deadline_ms", "memory_mib", "messages_max", "state_kib", "timers_max", "http_calls_max", "state_room"];
const RECEIPT: [&str; 7] = ["of", "state", "error", "message_id", "tag", "recipient", "done_at"];
/// Of which an event has one.
const TRIGGERS: [&str; 7] = ["mo", "timer", "receipt", "http_reply", "request", "check", "again"];
pub const EXPECTED: [&str; 9] = ["outcome", "why", "state", "shared", "sent", "timers", "http", "log", "response"];
/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp(1_767_225_600_000);
const DEVICE: &str = "46700000003";
const NUMBER: &str = "7001";
/// States of a receipt, as wit/plugin.wit has them.
pub const STATES: [&str; 10] = MessageState::WORDS;

/// `file` is for messages, and its name for a case that has none.
pub fn case(text: &str, file: &Path) -> Result<Case, CaseError> {
    let source = Source { file, text };
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| source.line_of(span.start));
        source.error(line, error.message().trim_end())
    })?;
    let root = Keys::root(source, document.as_table(), &CASE)?;
    let name = root.text("name")?.map(|name| name.is);
    let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let given = match root.item("given") {
        Some(item) => given(&root.inner(item.is, item.line, "[given]", &GIVEN)?)?,
        None => Given::default(),
    };
    let mut events: Vec<Event> = Vec::new();
    for table in root.tables("event")? {
        let known = [&TRIGGERS[..], &EXPECTED[..], &["after", "id", "attempt", "seed"]].concat();
        let keys = root.within(table.is, table.line, "[[event]]", &known)?;
        let event = event(&keys)?;
        if event.trigger == Trigger::Again && events.is_empty() {
            return Err(source.error(event.line, "again: there is no event before this one"));
        }
        events.push(event);
    }
    if events.is_empty() {
        return Err(source.error(1, "no [[event]] in it; a case has one at least, such as mo = \"hello\""));
    }
    Ok(Case { file: file.to_owned(), name: name.unwrap_or_else(stem), given, events })
}

impl Default for Given {
    fn default() -> Given {
        Given {
            now: NOW,
            device: Address::Msisdn(DEVICE.into()),
            number: Address::ShortCode(NUMBER.into()),
            tags: Default::default(),
            attributes: BTreeMap::new(),
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            senders: Vec::new(),
            http_hosts: Vec::new(),
            refused: Vec::new(),
            state: BTreeMap::new(),
            shared: BTreeMap::new(),
            timers: Vec::new(),
            http_calls: Vec::new(),
            limits: GivenLimits::default(),
        }
    }
}

fn given(keys: &Keys<'_>) -> Result<Given, CaseError> {
    let default = Given::default();
    let plain = |key| Ok(keys.texts_by_name(key)?.into_iter().map(|(name, text)| (name, text.is)).collect());
    let refused = |text: At<String>| address(&text.is).map_err(|why| keys.source.error(text.line, why));
    Ok(Given {
        now: keys.parsed("now", lapse::parse_time)?.map_or(default.now, |now| now.is),
        device: keys.parsed("device", device)?.map_or(default.device, |device| device.is),
        number: keys.parsed("number", address)?.map_or(default.number, |number| number.is),
        tags: keys.texts("tags")?.into_iter().map(|tag| tag.is).collect(),
        attributes: plain("attributes")?,
        config: plain("config")?,
        secrets: plain("secrets")?,
        senders: keys.texts("senders")?.into_iter().map(|sender| sender.is).collect(),
        http_hosts: keys.texts("http_hosts")?.into_iter().map(|host| host.is).collect(),
        refused: keys.texts("refused")?.into_iter().map(refused).collect::<Result<_, _>>()?,
        state: octets_by_name(keys, "state")?.map(|state| state.is).unwrap_or_default(),
        shared: octets_by_name(keys, "shared")?.map(|shared| shared.is).unwrap_or_default(),
        timers: keys.tables("timers")?.into_iter().map(|timer| given_timer(keys, timer)).collect::<Result<_, _>>()?,
        http_calls: keys.texts("http_calls")?.into_iter().map(|tag| tag.is).collect(),
        limits: match keys.item("limits") {
            Some(item) => limits(&keys.inner(item.is, item.line, "[given.limits]", &LIMITS)?)?,
            None => GivenLimits::default(),
        },
    })
}

/// `{ set = "silence", at = "2026-01-01T09:00:00Z", payload = "…" }`
fn given_timer(keys: &Keys<'_>, table: At<&dyn TableLike>) -> Result<GivenTimer, CaseError> {
    let keys = keys.within(table.is, table.line, "a timer", &["set", "at", "payload"])?;
    let missing = |what: &str| keys.source.error(keys.line, format!("a timer needs {what}"));
    let payload = match keys.item("payload") {
        Some(item) => octets(&keys, "payload", &item)?,
        None => Octets::Hex(Vec::new()),
    };
    Ok(GivenTimer {
        name: keys.text("set")?.ok_or_else(|| missing("a name, as set = \"…\""))?.is,
        at: keys.parsed("at", lapse::parse_time)?.ok_or_else(|| missing("the time when it is due, as at = \"…\""))?.is,
        payload,
    })
}

fn limits(keys: &Keys<'_>) -> Result<GivenLimits, CaseError> {
    Ok(GivenLimits {
        deadline_ms: keys.number("deadline_ms")?.map(|limit| limit.is),
        memory_mib: keys.number("memory_mib")?.map(|limit| limit.is),
        messages_max: keys.number("messages_max")?.map(|limit| limit.is),
        state_kib: keys.number("state_kib")?.map(|limit| limit.is),
        timers_max: keys.number("timers_max")?.map(|limit| limit.is),
        http_calls_max: keys.number("http_calls_max")?.map(|limit| limit.is),
        state_room: keys.number("state_room")?.map(|limit| limit.is),
    })
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn device(text: &str) -> Result<Address, String> {
    let device = address(text)?;
    let is_device = matches!(device, Address::Msisdn(_));
    if is_device { Ok(device) } else { Err(format!("{text:?} is no device, such as \"+46700000003\"")) }
}

fn event(keys: &Keys<'_>) -> Result<Event, CaseError> {
    let triggers: Vec<&str> = TRIGGERS.into_iter().filter(|key| keys.table.contains_key(key)).collect();
    let [key] = triggers[..] else {
        let found = if triggers.is_empty() { "none".to_owned() } else { triggers.join(" and ") };
        let what = format!("an event has exactly one of {}; this one has {found}", TRIGGERS.join(", "));
        return Err(keys.source.error(keys.line, what));
    };
    let trigger = trigger(keys, key)?;
    let after_ms = keys.parsed("after", lapse::parse)?.map_or(0, |after| after.is);
    let expect = read_expect::expect(keys)?;
    if let Some(response) = &expect.response
        && !matches!(trigger.handler(), Some(Handler::Request) | None)
    {
        return Err(keys.source.error(response.line, "only a request has a response"));
    }
    Ok(Event { line: keys.line, trigger, identity: identity(keys)?, after_ms, expect })
}

fn identity(keys: &Keys<'_>) -> Result<Identity, CaseError> {
    let seed = |text: &str| {
        let octets: Result<[u8; 32], _> = parse_hex(text)?.try_into();
        octets.map_err(|_| "a seed has 32 octets, as 64 hexadecimal digits".to_owned())
    };
    Ok(Identity {
        id: keys.parsed("id", message_id)?.map(|id| id.is),
        attempt: keys.number("attempt")?.map(|attempt| attempt.is),
        seed: keys.parsed("seed", seed)?.map(|seed| seed.is),
    })
}

fn message_id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text.as_bytes()).ok_or_else(|| format!("{text:?} is no message id, such as \"1a209002b4d00000\""))
}

fn trigger(keys: &Keys<'_>, key: &str) -> Result<Trigger, CaseError> {
    let Some(item) = keys.item(key) else { return Ok(Trigger::Check) };
    let table = |name, known| keys.inner(item.is, item.line, name, known);
    let missing = |what: &str| keys.source.error(item.line, format!("{key} needs {what}"));
    Ok(match key {
        "mo" => match item.is.as_str() {
            Some(text) => Trigger::Mo { body: Body::Text(text.to_owned()), to: None, tlvs: Vec::new(), coding: None },
            None => mo(&table("mo", &["text", "hex", "to", "tlvs", "data_coding", "esm_class"])?)?,
        },
        "timer" => Trigger::Timer(item.is.as_str().ok_or_else(|| missing("the name of a timer"))?.to_owned()),
        "receipt" => receipt(&table("receipt", &RECEIPT)?)?,
        "http_reply" => {
            let keys = table("http_reply", &["tag", "status", "body", "json", "hex"])?;
            let tag = keys.text("tag")?.ok_or_else(|| missing("the tag of the call that it answers"))?.is;
            let body = body(&keys)?.map_or_else(Vec::new, |body| body.is.to_vec());
            Trigger::HttpReply { tag, status: keys.number("status")?.map(|status| status.is), body }
        }
        "request" => {
            let keys = table("request", &["name", "body", "json", "hex"])?;
            let name = keys.text("name")?.ok_or_else(|| missing("a name"))?.is;
            Trigger::Request { name, body: body(&keys)?.map_or_else(Vec::new, |body| body.is.to_vec()) }
        }
        key => match item.is.as_bool() {
            Some(true) if key == "again" => Trigger::Again,
            Some(true) => Trigger::Check,
            _ => return Err(keys.wrong(key, "true", &item)),
        },
    })
}

fn receipt(keys: &Keys<'_>) -> Result<Trigger, CaseError> {
    let missing = |what: &str| keys.source.error(keys.line, format!("receipt needs {what}"));
    let state = keys.parsed("state", state)?.ok_or_else(|| missing("a state, such as \"delivered\""))?.is;
    let code = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number, such as \"001\""));
    let error = keys.parsed("error", code)?.map(|error| error.is);
    let of: Option<At<usize>> = keys.number("of")?;
    if let Some(message_id) = keys.parsed("message_id", message_id)? {
        if let Some(of) = of {
            return Err(keys.source.error(of.line, "a receipt has either of or message_id"));
        }
        let recipient = keys.parsed("recipient", address)?.ok_or_else(|| missing("a recipient"))?.is;
        let (message_id, tag) = (message_id.is, keys.text("tag")?.map(|tag| tag.is));
        let done_at = keys.parsed("done_at", lapse::parse_time)?.map(|at| at.is);
        return Ok(Trigger::ReceiptOf(Box::new(EarlierReceipt { message_id, tag, recipient, state, error, done_at })));
    }
    for key in ["tag", "recipient", "done_at"] {
        if let Some(item) = keys.item(key) {
            return Err(keys.source.error(item.line, format!("{key} is for a receipt with message_id")));
        }
    }
    match of {
        Some(of) if of.is == 0 => Err(keys.source.error(of.line, "of counts from 1")),
        of => Ok(Trigger::Receipt { of: of.map_or(1, |of| of.is), state, error }),
    }
}

fn state(text: &str) -> Result<String, String> {
    if STATES.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(match crate::config::nearest(text, STATES.into_iter()) {
        Some(near) => format!("no state {text:?}; did you mean {near:?}?"),
        None => format!("no state {text:?}; there are {}", STATES.join(", ")),
    })
}

fn mo(keys: &Keys<'_>) -> Result<Trigger, CaseError> {
    let (text, hex) = (keys.text("text")?, keys.parsed("hex", parse_hex)?);
    let body = match (text, hex) {
        (Some(text), None) => Body::Text(text.is),
        (None, Some(octets)) => Body::Binary(octets.is),
        _ => return Err(keys.source.error(keys.line, "an MO has either text or hex")),
    };
    let tlvs = tlvs(keys)?.map(|tlvs| tlvs.is).unwrap_or_default();
    let (data_coding, esm_class) = (keys.number("data_coding")?, keys.number("esm_class")?);
    let coding = match (&body, data_coding, esm_class) {
        (Body::Binary(_), Some(coding), class) => {
            Some(Coding { data_coding: coding.is, esm_class: class.map_or(0, |class: At<u8>| class.is) })
        }
        (_, None, None) => None,
        _ => {
            return Err(keys.source.error(keys.line, "data_coding is for hex, and esm_class for hex with data_coding"));
        }
    };
    Ok(Trigger::Mo { body, to: keys.parsed("to", address)?.map(|to| to.is), tlvs, coding })
}

/// `tlvs = { "1400" = "0102" }`: tag and value in hex.
pub fn tlvs(keys: &Keys<'_>) -> Result<Option<At<Tlvs>>, CaseError> {
    let Some(item) = keys.item("tlvs") else { return Ok(None) };
    let tlv = |(tag, value): (String, At<String>)| {
        let wrong = |why: String| keys.source.error(value.line, why);
        let number =
            u16::from_str_radix(&tag, 16).map_err(|_| wrong(format!("{tag:?} is no tag, such as \"1400\"")))?;
        Ok((number, parse_hex(&value.is).map_err(wrong)?))
    };
    let tlvs: Result<_, _> = keys.texts_by_name("tlvs")?.into_iter().map(tlv).collect();
    Ok(Some(At { line: item.line, is: tlvs? }))
}

/// `json`, or `body` as text, or `hex`.
pub fn body(keys: &Keys<'_>) -> Result<Option<At<Octets>>, CaseError> {
    let given: Vec<(&str, At<&Item>)> =
        ["json", "body", "hex"].into_iter().filter_map(|key| Some((key, keys.item(key)?))).collect();
    let (key, item) = match &given[..] {
        [] => return Ok(None),
        [one] => one,
        [_, (second, item), ..] => {
            return Err(keys.source.error(item.line, format!("{second}: one of json, body and hex is enough")));
        }
    };
    let is = match *key {
        "json" => json(item.is).map(Octets::Json).ok_or_else(|| keys.wrong(key, "JSON", item))?,
        "body" => Octets::Text(item.is.as_str().ok_or_else(|| keys.wrong(key, "text", item))?.to_owned()),
        _ => Octets::Hex(keys.parsed("hex", parse_hex)?.map(|hex| hex.is).unwrap_or_default()),
    };
    Ok(Some(At { line: item.line, is }))
}

/// A text, or a table with `json`, `hex` or `int`.
pub fn octets(keys: &Keys<'_>, name: &str, item: &At<&Item>) -> Result<Octets, CaseError> {
    if let Some(text) = item.is.as_str() {
        return Ok(Octets::Text(text.to_owned()));
    }
    let wrong = || keys.wrong(name, "text, { json = … }, { hex = \"…\" } or { int = … }", item);
    let table = item.is.as_table_like().ok_or_else(wrong)?;
    let inner = keys.within(table, item.line, "a value", &["json", "hex", "int"])?;
    if table.len() != 1 {
        return Err(wrong());
    }
    if let Some(number) = inner.number("int")? {
        return Ok(Octets::Int(number.is));
    }
    if let Some(hex) = inner.parsed("hex", parse_hex)? {
        return Ok(Octets::Hex(hex.is));
    }
    table.get("json").and_then(json).map(Octets::Json).ok_or_else(wrong)
}

/// Values by their names.
pub fn octets_by_name(keys: &Keys<'_>, key: &str) -> Result<Option<At<BTreeMap<String, Octets>>>, CaseError> {
    let Some(item) = keys.item(key) else { return Ok(None) };
    let table = item.is.as_table_like().ok_or_else(|| keys.wrong(key, "a table", &item))?;
    let names: Vec<&str> = table.iter().map(|(name, _)| name).collect();
    let inner = keys.within(table, item.line, key, &names)?;
    let entry = |name: &str| {
        let item = inner.item(name).unwrap_or(At { line: inner.line, is: item.is });
        Ok((name.to_owned(), octets(&inner, name, &item)?))
    };
    let values: Result<_, _> = names.into_iter().map(entry).collect();
    Ok(Some(At { line: item.line, is: values? }))
}

#[cfg(test)]
mod tests;
