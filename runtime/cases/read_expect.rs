//! What an event of a case must lead to, read.

use super::case::{At, Body, Expect, Http, Log, Response, Sent, Timer, TimerChange, Wanted};
use super::lapse;
use super::octets::parse_hex;
use super::read::{body, octets, octets_by_name, tlvs};
use super::source::{CaseError, Keys};

const SENT: [&str; 10] = ["to", "text", "hex", "from", "tag", "receipt", "delay", "validity", "priority", "tlvs"];
const TIMER: [&str; 4] = ["set", "cancel", "in", "payload"];
const HTTP: [&str; 8] = ["method", "url", "tag", "json", "body", "hex", "authorization", "headers"];
const LOG: [&str; 3] = ["level", "contains", "fields"];
const RESPONSE: [&str; 4] = ["status", "json", "body", "hex"];
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

pub fn expect(keys: &Keys<'_>) -> Result<Expect, CaseError> {
    let outcome = keys.parsed("outcome", wanted)?.unwrap_or(At { line: keys.line, is: Wanted::Done });
    let why = keys.text("why")?;
    if let Some(why) = &why
        && !matches!(outcome.is, Wanted::Reject | Wanted::Broken)
    {
        return Err(keys.source.error(why.line, "only \"reject\" and \"broken\" have a reason"));
    }
    let log = match keys.item("log") {
        Some(item) => Some(At { line: item.line, is: each(keys, "log", "[[event.log]]", &LOG, log)? }),
        None => None,
    };
    let response = match keys.item("response") {
        Some(item) => Some(response(&keys.inner(item.is, item.line, "response", &RESPONSE)?)?),
        None => None,
    };
    Ok(Expect {
        outcome,
        why,
        state: octets_by_name(keys, "state")?,
        shared: octets_by_name(keys, "shared")?,
        sent: each(keys, "sent", "[[event.sent]]", &SENT, sent)?,
        timers: each(keys, "timers", "[[event.timers]]", &TIMER, timer)?,
        http: each(keys, "http", "[[event.http]]", &HTTP, http)?,
        log,
        response,
    })
}

fn each<T>(
    keys: &Keys<'_>,
    key: &str,
    name: &str,
    known: &[&str],
    read: impl Fn(&Keys<'_>) -> Result<T, CaseError>,
) -> Result<Vec<T>, CaseError> {
    keys.tables(key)?.into_iter().map(|table| read(&keys.within(table.is, table.line, name, known)?)).collect()
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let retry = text.strip_prefix("retry ").map(|millis| millis.parse());
    match (text, retry) {
        ("done", _) => Ok(Wanted::Done),
        ("retry", _) => Ok(Wanted::Retry(None)),
        ("reject", _) => Ok(Wanted::Reject),
        ("broken", _) => Ok(Wanted::Broken),
        (_, Some(Ok(millis))) => Ok(Wanted::Retry(Some(millis))),
        _ => Err(format!("{text:?} is none of done, retry, \"retry 1500\" (milliseconds), reject, broken")),
    }
}

fn sent(keys: &Keys<'_>) -> Result<Sent, CaseError> {
    let text = keys.text("text")?.map(|text| At { line: text.line, is: Body::Text(text.is) });
    let hex = keys.parsed("hex", parse_hex)?.map(|hex| At { line: hex.line, is: Body::Binary(hex.is) });
    if let (Some(_), Some(hex)) = (&text, &hex) {
        return Err(keys.source.error(hex.line, "a message has either text or hex"));
    }
    Ok(Sent {
        line: keys.line,
        to: keys.text("to")?,
        body: text.or(hex),
        from: keys.text("from")?,
        tag: keys.text("tag")?,
        receipt: keys.bool("receipt")?,
        delay_ms: keys.parsed("delay", lapse::parse)?,
        validity_ms: keys.parsed("validity", lapse::parse)?,
        priority: keys.number("priority")?,
        tlvs: tlvs(keys)?,
    })
}

fn timer(keys: &Keys<'_>) -> Result<Timer, CaseError> {
    let (set, cancel) = (keys.text("set")?, keys.text("cancel")?);
    let in_ms = keys.parsed("in", lapse::parse)?;
    let payload = match keys.item("payload") {
        Some(item) => Some(At { line: item.line, is: octets(keys, "payload", &item)? }),
        None => None,
    };
    let (name, change) = match (set, cancel) {
        (Some(set), None) => (set.is, TimerChange::Set { in_ms, payload }),
        (None, Some(cancel)) if in_ms.is_none() && payload.is_none() => (cancel.is, TimerChange::Cancel),
        (None, Some(_)) => {
            return Err(keys.source.error(keys.line, "what is cancelled has neither in nor payload"));
        }
        _ => return Err(keys.source.error(keys.line, "a timer is either set or cancelled: set = \"name\"")),
    };
    Ok(Timer { line: keys.line, name, change })
}

fn http(keys: &Keys<'_>) -> Result<Http, CaseError> {
    Ok(Http {
        line: keys.line,
        method: keys.text("method")?,
        url: keys.text("url")?,
        tag: keys.text("tag")?,
        body: body(keys)?,
        authorization: keys.text("authorization")?,
        headers: keys.texts_by_name("headers")?,
    })
}

fn log(keys: &Keys<'_>) -> Result<Log, CaseError> {
    let level = |text: &str| {
        let is_level = LEVELS.contains(&text);
        if is_level { Ok(text.to_owned()) } else { Err(format!("{text:?} is none of {}", LEVELS.join(", "))) }
    };
    Ok(Log {
        line: keys.line,
        level: keys.parsed("level", level)?,
        contains: keys.text("contains")?,
        fields: keys.texts_by_name("fields")?,
    })
}

fn response(keys: &Keys<'_>) -> Result<Response, CaseError> {
    Ok(Response { line: keys.line, status: keys.number("status")?, body: body(keys)? })
}
