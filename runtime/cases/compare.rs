//! Expected against got: every difference with the line that expects otherwise.

use std::collections::BTreeMap;
use std::fmt;

use super::case::{At, Event, Expect, Http, Log, Response, Sent, Timer, TimerChange, Wanted};
use super::got::{Answer, Got, HttpCall, LogLine, Message, Outcome, TimerEffect};
use super::lapse;
use super::octets::{Octets, hex};

/// One thing that is not as the case says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub line: usize,
    /// Such as `sent 1, text`.
    pub what: String,
    pub expected: String,
    pub got: String,
}

/// What came where nothing was expected, and the other way round.
const NOTHING: &str = "nothing";

pub fn compare(event: &Event, got: &Got) -> Vec<Difference> {
    let mut found = Found { line: event.line, differences: Vec::new() };
    let expect = &event.expect;
    found.outcome(expect, &got.outcome);
    found.list("sent", &expect.sent, &got.sent, |sent| (sent.line, shown_sent(sent)), Found::sent);
    found.timers(&expect.timers, &got.timers);
    found.list("http", &expect.http, &got.http, |http| (http.line, shown_http(http)), Found::http);
    if let Some(log) = &expect.log {
        found.list("log", &log.is, &got.log, |log| (log.line, shown_log(log)), Found::log);
    }
    found.response(expect.response.as_ref(), got.response.as_ref());
    found.values("state", expect.state.as_ref(), &got.state);
    found.values("shared", expect.shared.as_ref(), &got.shared);
    found.differences
}

/// One of a list alone, for `--update`: those that are right stay as they are written.
pub fn is_sent(expected: &Sent, got: &Message) -> bool {
    alone(|found| found.sent("", expected, got))
}

pub fn is_http(expected: &Http, got: &HttpCall) -> bool {
    alone(|found| found.http("", expected, got))
}

pub fn is_log(expected: &Log, got: &LogLine) -> bool {
    alone(|found| found.log("", expected, got))
}

pub fn is_timer(expected: &Timer, got: &TimerEffect) -> bool {
    alone(|found| found.timers(std::slice::from_ref(expected), std::slice::from_ref(got)))
}

fn alone(compare: impl FnOnce(&mut Found)) -> bool {
    let mut found = Found { line: 0, differences: Vec::new() };
    compare(&mut found);
    found.differences.is_empty()
}

struct Found {
    line: usize,
    differences: Vec<Difference>,
}

impl Found {
    fn add(&mut self, line: usize, what: impl Into<String>, expected: impl ToString, got: impl ToString) {
        let (expected, got) = (expected.to_string(), got.to_string());
        self.differences.push(Difference { line, what: what.into(), expected, got });
    }

    fn field<T: PartialEq>(&mut self, what: &str, expected: Option<&At<T>>, got: &T, show: impl Fn(&T) -> String) {
        if let Some(expected) = expected
            && expected.is != *got
        {
            self.add(expected.line, what, show(&expected.is), show(got));
        }
    }

    fn outcome(&mut self, expect: &Expect, got: &Outcome) {
        let wanted = expect.outcome.is;
        let is_as_wanted = match (wanted, got.wanted()) {
            (Wanted::Retry(None), Wanted::Retry(_)) => true,
            (wanted, got) => wanted == got,
        };
        if !is_as_wanted {
            self.add(expect.outcome.line, "outcome", wanted, got);
        } else if let Some(why) = &expect.why
            && !got.why().unwrap_or_default().contains(&why.is)
        {
            self.add(why.line, "why", format!("{:?} in it", why.is), format!("{:?}", got.why().unwrap_or_default()));
        }
    }

    /// One by one in their order, and what one side has more.
    fn list<E, G: fmt::Display>(
        &mut self,
        name: &str,
        expected: &[E],
        got: &[G],
        describe: impl Fn(&E) -> (usize, String),
        compare: impl Fn(&mut Self, &str, &E, &G),
    ) {
        for (index, expected) in expected.iter().enumerate() {
            let what = format!("{name} {}", index + 1);
            match got.get(index) {
                Some(got) => compare(self, &what, expected, got),
                None => {
                    let (line, shown) = describe(expected);
                    self.add(line, what, shown, NOTHING);
                }
            }
        }
        for (index, got) in got.iter().enumerate().skip(expected.len()) {
            self.add(self.line, format!("{name} {}", index + 1), NOTHING, got);
        }
    }

    fn sent(&mut self, what: &str, expected: &Sent, got: &Message) {
        let text = |text: &String| format!("{text:?}");
        let what = |key: &str| format!("{what}, {key}");
        self.field(&what("to"), expected.to.as_ref(), &got.to, text);
        self.field(&what("text"), expected.body.as_ref(), &got.body, ToString::to_string);
        self.field(&what("from"), expected.from.as_ref(), &got.from, text);
        if let Some(tag) = &expected.tag
            && got.tag.as_ref() != Some(&tag.is)
        {
            self.add(tag.line, what("tag"), text(&tag.is), shown(got.tag.as_ref(), text));
        }
        self.field(&what("receipt"), expected.receipt.as_ref(), &got.receipt, ToString::to_string);
        self.field(&what("delay"), expected.delay_ms.as_ref(), &got.delay_ms, |span| lapse::text(*span));
        if let Some(validity) = &expected.validity_ms
            && got.validity_ms != Some(validity.is)
        {
            let got = shown(got.validity_ms.as_ref(), |span| lapse::text(*span));
            self.add(validity.line, what("validity"), lapse::text(validity.is), got);
        }
        self.field(&what("priority"), expected.priority.as_ref(), &got.priority, ToString::to_string);
        self.field(&what("tlvs"), expected.tlvs.as_ref(), &got.tlvs, |tlvs| shown_tlvs(tlvs));
    }

    /// By their names: a call has one effect on each.
    fn timers(&mut self, expected: &[Timer], got: &[TimerEffect]) {
        for timer in expected {
            let Some(effect) = got.iter().find(|effect| effect.name == timer.name) else {
                let verb = if timer.change == TimerChange::Cancel { "cancel" } else { "set" };
                self.add(timer.line, format!("timer {:?}", timer.name), format!("{verb} {:?}", timer.name), NOTHING);
                continue;
            };
            let what = format!("timer {:?}", timer.name);
            match (&timer.change, &effect.set) {
                (TimerChange::Cancel, None) => {}
                (TimerChange::Cancel, Some(_)) => self.add(timer.line, what, "cancelled", effect),
                (TimerChange::Set { .. }, None) => self.add(timer.line, what, "set", "cancelled"),
                (TimerChange::Set { in_ms, payload }, Some(set)) => {
                    self.field(&format!("{what}, in"), in_ms.as_ref(), &set.in_ms, |span| lapse::text(*span));
                    self.octets(&format!("{what}, payload"), payload.as_ref(), &set.payload);
                }
            }
        }
        for effect in got.iter().filter(|effect| expected.iter().all(|timer| timer.name != effect.name)) {
            self.add(self.line, format!("timer {:?}", effect.name), NOTHING, effect);
        }
    }

    fn octets(&mut self, what: &str, expected: Option<&At<Octets>>, got: &[u8]) {
        if let Some(expected) = expected
            && !expected.is.matches(got)
        {
            self.add(expected.line, what, &expected.is, Octets::like(got, Some(&expected.is)));
        }
    }

    fn http(&mut self, what: &str, expected: &Http, got: &HttpCall) {
        let text = |text: &String| format!("{text:?}");
        let what = |key: &str| format!("{what}, {key}");
        self.field(&what("method"), expected.method.as_ref(), &got.method, text);
        self.field(&what("url"), expected.url.as_ref(), &got.url, text);
        self.field(&what("tag"), expected.tag.as_ref(), &got.tag, text);
        self.octets(&what("body"), expected.body.as_ref(), got.body.as_deref().unwrap_or_default());
        if let Some(secret) = &expected.authorization
            && got.authorization.as_ref() != Some(&secret.is)
        {
            let got = shown(got.authorization.as_ref(), text);
            self.add(secret.line, what("authorization"), text(&secret.is), got);
        }
        for (name, value) in &expected.headers {
            let got = got.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            if got.is_none_or(|(_, got)| *got != value.is) {
                let got = shown(got.map(|(_, got)| got), text);
                self.add(value.line, what(&format!("header {name}")), text(&value.is), got);
            }
        }
    }

    fn log(&mut self, what: &str, expected: &Log, got: &LogLine) {
        let is_level = expected.level.as_ref().is_none_or(|level| level.is == got.level);
        let says_it = expected.contains.as_ref().is_none_or(|part| got.text.contains(&part.is));
        let has = |(name, value): &(String, At<String>)| {
            got.fields.iter().any(|(given, said)| given == name && *said == value.is)
        };
        if !(is_level && says_it && expected.fields.iter().all(has)) {
            self.add(expected.line, what, shown_log(expected), got);
        }
    }

    fn response(&mut self, expected: Option<&Response>, got: Option<&Answer>) {
        let Some(expected) = expected else { return };
        let Some(got) = got else { return self.add(expected.line, "response", "one", NOTHING) };
        self.field("response, status", expected.status.as_ref(), &got.status, ToString::to_string);
        self.octets("response, body", expected.body.as_ref(), &got.body);
    }

    /// All of them, by their names.
    fn values(&mut self, what: &str, expected: Option<&At<BTreeMap<String, Octets>>>, got: &BTreeMap<String, Vec<u8>>) {
        let Some(expected) = expected else { return };
        for (name, value) in &expected.is {
            let what = format!("{what}, {name}");
            match got.get(name) {
                Some(got) if value.matches(got) => {}
                Some(got) => self.add(expected.line, what, value, Octets::like(got, Some(value))),
                None => self.add(expected.line, what, value, NOTHING),
            }
        }
        for (name, value) in got.iter().filter(|(name, _)| !expected.is.contains_key(*name)) {
            self.add(expected.line, format!("{what}, {name}"), NOTHING, Octets::like(value, None));
        }
    }
}

fn shown<T>(value: Option<&T>, show: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), show)
}

fn shown_tlvs(tlvs: &[(u16, Vec<u8>)]) -> String {
    let one = |(tag, value): &(u16, Vec<u8>)| format!("{tag:04x} = {:?}", hex(value));
    format!("{{ {} }}", tlvs.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn shown_sent(sent: &Sent) -> String {
    let to = sent.to.as_ref().map_or("", |to| &to.is);
    let body = sent.body.as_ref().map_or_else(String::new, |body| body.is.to_string());
    format!("to {to}: {body}")
}

fn shown_http(http: &Http) -> String {
    let text = |field: &Option<At<String>>| field.as_ref().map_or("…", |field| &field.is).to_owned();
    format!("{} {} (tag {:?})", text(&http.method), text(&http.url), text(&http.tag))
}

fn shown_log(log: &Log) -> String {
    let level = log.level.as_ref().map_or("any level", |level| &level.is);
    let part = log.contains.as_ref().map_or_else(String::new, |part| format!(" with {:?} in it", part.is));
    let fields = log.fields.iter().map(|(name, value)| format!(" {name}={:?}", value.is)).collect::<String>();
    format!("{level}{part}{fields}")
}

#[cfg(test)]
mod tests;
