//! What an event did, against what its case says.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::time::Duration;

use super::Ended;
use super::format;
use super::format::{Event, ExpectedSent, Http, Line, TimerChange, Value};
use crate::error::Failure;
use crate::message::{Body, Level, Timestamp};
use crate::testing::{self, Bench, Submitted};

/// What one event did.
pub struct Seen {
    ended: Ended,
    now: Timestamp,
    sent: Vec<testing::Sent>,
    timers: Vec<testing::TimerChange>,
    submitted: Vec<Submitted>,
    logged: Vec<(Level, String)>,
}

impl Seen {
    pub fn take(bench: &mut Bench, ended: Ended) -> Seen {
        Seen {
            ended,
            now: bench.now,
            sent: bench.take_sent(),
            timers: std::mem::take(&mut bench.timer_changes),
            submitted: bench.take_submitted(),
            logged: std::mem::take(&mut bench.logged),
        }
    }
}

type State = BTreeMap<String, Vec<u8>>;

pub fn differences(event: &Event, seen: &Seen, state: State, shared: State) -> Vec<String> {
    let mut wrong = Wrong(Vec::new());
    outcome(&mut wrong, event, &seen.ended);
    response(&mut wrong, event, &seen.ended);
    each(&mut wrong, "sent", &event.sent, &seen.sent, sent);
    each(&mut wrong, "http", &event.http, &seen.submitted, http);
    let mut expected: Vec<&TimerChange> = event.timers.iter().collect();
    expected.sort_by_key(|change| change.set.as_ref().or(change.cancel.as_ref()));
    let timer = |wrong: &mut Wrong, place: &str, expected: &&TimerChange, change: &testing::TimerChange| {
        timer_change(wrong, place, expected, change, seen.now);
    };
    each(&mut wrong, "timers", &expected, &last_changes(&seen.timers), timer);
    if let Some(expected) = &event.log {
        each(&mut wrong, "log", expected, &seen.logged, line);
    }
    for (what, expected, have) in [("state", &event.state, state), ("shared", &event.shared, shared)] {
        if let Some(expected) = expected {
            kept(&mut wrong, what, expected, &have);
        }
    }
    wrong.0
}

struct Wrong(Vec<String>);

impl Wrong {
    fn say(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    /// A key that is absent is not compared.
    fn compare<T: PartialEq + Debug>(&mut self, place: impl Display, expected: Option<T>, have: T) {
        if let Some(expected) = expected
            && expected != have
        {
            self.say(format!("{place} is {have:?}, expected {expected:?}"));
        }
    }
}

fn each<E, H: Debug>(
    wrong: &mut Wrong,
    what: &str,
    expected: &[E],
    have: &[H],
    one: impl Fn(&mut Wrong, &str, &E, &H),
) {
    if expected.len() != have.len() {
        wrong.say(format!("{what} has {} entries, expected {}: {have:#?}", have.len(), expected.len()));
    }
    for (index, (expected, have)) in expected.iter().zip(have).enumerate() {
        one(wrong, &format!("{what} {}", index + 1), expected, have);
    }
}

fn outcome(wrong: &mut Wrong, event: &Event, ended: &Ended) {
    let expected = event.outcome.as_deref().unwrap_or("done");
    let (have, why) = match ended {
        Ended::Done(_) => ("done".to_owned(), String::new()),
        Ended::Failed(Failure::Retry { after_ms: Some(after) }) if expected != "retry" => {
            (format!("retry {after}"), String::new())
        }
        Ended::Failed(Failure::Retry { .. }) => ("retry".to_owned(), String::new()),
        Ended::Failed(Failure::Reject(why)) => ("reject".to_owned(), why.clone()),
        Ended::Broken(why) => ("broken".to_owned(), why.clone()),
    };
    if have != expected {
        wrong.say(format!("ended in {have}, expected {expected}; why: {why:?}"));
    } else if let Some(part) = &event.why
        && !why.contains(part.as_str())
    {
        wrong.say(format!("{part:?} is not in the reason {why:?}"));
    }
}

fn response(wrong: &mut Wrong, event: &Event, ended: &Ended) {
    let Some(expected) = &event.response else { return };
    let Ended::Done(Some(response)) = ended else { return wrong.say("there is no response") };
    wrong.compare("response.status", expected.status, response.status);
    if !expected.content().is(&response.body) {
        let (have, expected) = (String::from_utf8_lossy(&response.body), expected.content().octets());
        wrong.say(format!("response: body is {have:?}, expected {:?}", String::from_utf8_lossy(&expected)));
    }
}

fn sent(wrong: &mut Wrong, place: &str, expected: &ExpectedSent, have: &testing::Sent) {
    wrong.compare(format!("{place}: to"), expected.to.as_ref(), &have.to);
    wrong.compare(format!("{place}: from"), expected.from.as_ref(), &have.from);
    let text = expected.text.as_ref().map(|text| Body::Text(text.clone()));
    let body = text.or_else(|| expected.hex.as_ref().map(|hex| Body::Binary(hex.0.clone())));
    wrong.compare(format!("{place}: body"), body.as_ref(), &have.body);
    wrong.compare(format!("{place}: tag"), expected.tag.as_ref().map(Some), have.tag.as_ref());
    wrong.compare(format!("{place}: receipt"), expected.receipt, have.wants_receipt);
    let delay = Duration::from_millis(have.delay_ms);
    wrong.compare(format!("{place}: delay"), expected.delay.map(|span| span.0), delay);
    let validity = have.validity_ms.map(Duration::from_millis);
    wrong.compare(format!("{place}: validity"), expected.validity.map(|span| Some(span.0)), validity);
    wrong.compare(format!("{place}: priority"), expected.priority, have.priority);
    match expected.tlvs.as_ref().map(format::tlvs) {
        Some(Ok(tlvs)) => wrong.compare(format!("{place}: tlvs"), Some(&tlvs), &have.tlvs),
        Some(Err(why)) => wrong.say(format!("{place}: tlvs: {why}")),
        None => {}
    }
}

fn http(wrong: &mut Wrong, place: &str, expected: &Http, have: &Submitted) {
    let have = &have.request;
    wrong.compare(format!("{place}: method"), expected.method.as_ref(), &have.method);
    wrong.compare(format!("{place}: url"), expected.url.as_ref(), &have.url);
    wrong.compare(format!("{place}: tag"), expected.tag.as_ref(), &have.tag);
    wrong.compare(
        format!("{place}: authorization"),
        expected.authorization.as_ref().map(Some),
        have.authorization.as_ref(),
    );
    for (name, value) in &expected.headers {
        let found = have.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        wrong.compare(format!("{place}: header {name}"), Some(Some(value)), found);
    }
    let octets = have.body.as_deref().unwrap_or_default();
    if !expected.content().is(octets) {
        let (have, expected) = (String::from_utf8_lossy(octets), expected.content().octets());
        wrong.say(format!("{place}: body is {have:?}, expected {:?}", String::from_utf8_lossy(&expected)));
    }
}

/// The last change of each timer, in the order of names: what of several changes in one call is left.
fn last_changes(changes: &[testing::TimerChange]) -> Vec<testing::TimerChange> {
    let by_name: BTreeMap<&str, &testing::TimerChange> = changes.iter().map(|change| (change.name(), change)).collect();
    by_name.into_values().cloned().collect()
}

fn timer_change(wrong: &mut Wrong, place: &str, expected: &TimerChange, have: &testing::TimerChange, now: Timestamp) {
    match have {
        testing::TimerChange::Set(timer) => {
            wrong.compare(format!("{place}: set"), Some(expected.set.as_ref()), Some(&timer.name));
            let ahead = timer.due_at.since(now);
            wrong.compare(format!("{place}: in"), expected.r#in.map(|span| span.0), ahead);
            if let Some(payload) = expected.payload.as_ref().filter(|payload| !payload.is(&timer.payload)) {
                let have = String::from_utf8_lossy(&timer.payload);
                wrong.say(format!("{place}: payload is {have:?}, expected {payload:?}"));
            }
        }
        testing::TimerChange::Cancelled(name) => {
            wrong.compare(format!("{place}: cancel"), Some(expected.cancel.as_ref()), Some(name));
        }
    }
}

fn line(wrong: &mut Wrong, place: &str, expected: &Line, (level, text): &(Level, String)) {
    let level = format!("{level:?}").to_lowercase();
    wrong.compare(format!("{place}: level"), expected.level.as_ref(), &level);
    for (name, value) in &expected.fields {
        let field = format!(" {name}={value}");
        if !text.contains(&field) {
            wrong.say(format!("{place}: the field{field} is not in {text:?}"));
        }
    }
    if let Some(part) = expected.contains.as_ref().filter(|part| !text.contains(part.as_str())) {
        wrong.say(format!("{place}: {part:?} is not in {text:?}"));
    }
}

fn kept(wrong: &mut Wrong, what: &str, expected: &BTreeMap<String, Value>, have: &State) {
    for (key, value) in expected {
        match have.get(key) {
            None => wrong.say(format!("{what}: {key} is not there")),
            Some(octets) if !value.is(octets) => {
                let have = String::from_utf8_lossy(octets);
                wrong.say(format!("{what}: {key} is {have:?}, expected {value:?}"));
            }
            Some(_) => {}
        }
    }
    for key in have.keys().filter(|key| !expected.contains_key(*key)) {
        wrong.say(format!("{what}: {key} is there"));
    }
}
