//! Expected against got where the case says all that happened: what it does not mention was as a plain message, call or
//! answer has it, and is a difference when it is not.

use super::case::{At, Event, Http, Response, Sent, TimerChange, Wanted};
use super::compare::{Difference, compare};
use super::got::{Got, HttpCall, Message, Outcome, PRIORITY, TimerEffect};
use super::lapse;
use super::octets::Octets;
use crate::message::Address;

/// As [`compare`], and what the case leaves unsaid.
pub fn compare_whole(event: &Event, got: &Got, number: &Address) -> Vec<Difference> {
    let expect = &event.expect;
    let mut unsaid = Unsaid { line: event.line, differences: compare(event, got) };
    if let (Wanted::Retry(None), Outcome::Retry(Some(_))) = (expect.outcome.is, &got.outcome) {
        unsaid.add("outcome", "retry", &got.outcome.wanted().to_string());
    }
    for (index, (expected, got)) in expect.sent.iter().zip(&got.sent).enumerate() {
        unsaid.sent(&format!("sent {}", index + 1), expected, got, number);
    }
    for (index, (expected, got)) in expect.http.iter().zip(&got.http).enumerate() {
        unsaid.http(&format!("http {}", index + 1), expected, got);
    }
    for expected in &expect.timers {
        let effect = got.timers.iter().find(|effect| effect.name == expected.name);
        if let (TimerChange::Set { payload: None, .. }, Some(TimerEffect { name, set: Some(set) })) =
            (&expected.change, effect)
        {
            unsaid.octets(&format!("timer {name:?}, payload"), &set.payload);
        }
    }
    if let (None, Some(answer)) = (&expect.response, &got.response) {
        unsaid.add("response", "nothing", &answer.status.to_string());
    } else if let (Some(Response { body: None, .. }), Some(answer)) = (&expect.response, &got.response) {
        unsaid.octets("response, body", &answer.body);
    }
    unsaid.differences
}

struct Unsaid {
    line: usize,
    differences: Vec<Difference>,
}

impl Unsaid {
    fn add(&mut self, what: &str, expected: &str, got: &str) {
        let [what, expected, got] = [what, expected, got].map(str::to_owned);
        self.differences.push(Difference { line: self.line, what, expected, got });
    }

    fn field<T>(&mut self, what: &str, said: Option<&At<T>>, (usual, got): (&str, String)) {
        if said.is_none() && usual != got {
            self.add(what, usual, &got);
        }
    }

    fn octets(&mut self, what: &str, got: &[u8]) {
        if !got.is_empty() {
            self.add(what, "nothing", &Octets::like(got, None).to_string());
        }
    }

    fn sent(&mut self, what: &str, expected: &Sent, got: &Message, number: &Address) {
        let what = |key: &str| format!("{what}, {key}");
        let tlvs = got.tlvs.iter().map(|(tag, _)| format!("{tag:04x}")).collect::<Vec<_>>().join(" ");
        self.field(&what("from"), expected.from.as_ref(), (&number.to_string(), got.from.clone()));
        self.field(&what("tag"), expected.tag.as_ref(), ("", got.tag.clone().unwrap_or_default()));
        self.field(&what("receipt"), expected.receipt.as_ref(), ("false", got.receipt.to_string()));
        self.field(&what("delay"), expected.delay_ms.as_ref(), ("0", lapse::text(got.delay_ms)));
        let validity = got.validity_ms.map_or_else(String::new, lapse::text);
        self.field(&what("validity"), expected.validity_ms.as_ref(), ("", validity));
        self.field(&what("priority"), expected.priority.as_ref(), (&PRIORITY.to_string(), got.priority.to_string()));
        self.field(&what("tlvs"), expected.tlvs.as_ref(), ("", tlvs));
    }

    fn http(&mut self, what: &str, expected: &Http, got: &HttpCall) {
        let secret = got.authorization.clone().unwrap_or_default();
        self.field(&format!("{what}, authorization"), expected.authorization.as_ref(), ("", secret));
        if expected.body.is_none() {
            self.octets(&format!("{what}, body"), got.body.as_deref().unwrap_or_default());
        }
        for (name, value) in &got.headers {
            if !expected.headers.iter().any(|(said, _)| said.eq_ignore_ascii_case(name)) {
                self.add(&format!("{what}, header {name}"), "nothing", value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cases::Body;
    use crate::cases::read::case;

    fn differences(text: &str, got: &Got) -> Vec<String> {
        let case = case(text, Path::new("c.toml")).expect("right");
        let differences = compare_whole(&case.events[0], got, &case.given.number);
        differences.into_iter().map(|found| format!("{}: {} -> {}", found.what, found.expected, found.got)).collect()
    }

    fn message() -> Message {
        Message {
            id: "1".into(),
            from: "7001".into(),
            to: "+46700000003".into(),
            body: Body::Text("a".into()),
            tag: None,
            receipt: false,
            delay_ms: 0,
            validity_ms: None,
            priority: PRIORITY,
            tlvs: Vec::new(),
        }
    }

    #[test]
    fn what_a_case_does_not_mention_was_as_usual() {
        let text = "[[event]]\nmo = 'x'\n[[event.sent]]\nto = '+46700000003'\ntext = 'a'\n";
        let got = |sent| Got { sent: vec![sent], ..Got::default() };
        assert!(differences(text, &got(message())).is_empty());
        let other = Message { tag: Some("t".into()), delay_ms: 5_000, receipt: true, ..message() };
        assert_eq!(
            differences(text, &got(other)),
            ["sent 1, tag:  -> t", "sent 1, receipt: false -> true", "sent 1, delay: 0 -> 5s"]
        );
        let said = "[[event]]\nmo = 'x'\n[[event.sent]]\ntext = 'a'\ntag = 't'\n";
        assert!(differences(said, &got(Message { tag: Some("t".into()), ..message() })).is_empty());
    }

    #[test]
    fn a_response_that_nobody_expected_is_a_difference() {
        let answer = crate::cases::Answer { status: 200, body: Vec::new() };
        let got = Got { response: Some(answer), ..Got::default() };
        assert_eq!(differences("[[event]]\nrequest = { name = 'n' }\n", &got), ["response: nothing -> 200"]);
    }
}
