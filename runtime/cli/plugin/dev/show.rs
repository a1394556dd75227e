//! What a sitting prints of an event: the replies first, then what else it did.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cases::{Body, Got, Octets, Outcome, World, headline};
use crate::cli::plugin::report::millis;
use crate::cli::table::shown;
use crate::message::Address;

type Values = BTreeMap<String, Vec<u8>>;

/// Lines of the reason of a call that broke.
const REASON_LINES: usize = 20;

/// `before`: state and shared state as they were. `asked`: receipts that were asked for so far.
pub fn got(got: &Got, before: (&Values, &Values), device: &Address, asked: usize) -> String {
    let mut text = String::new();
    for message in &got.sent {
        let to = if message.to == device.to_string() { String::new() } else { format!(" to {}", message.to) };
        let body = match &message.body {
            Body::Text(text) => shown(text),
            binary => binary.to_string(),
        };
        let _ = writeln!(text, "{}{}: {body}", shown(&message.from), shown(&to));
        if message.delay_ms > 0 {
            let _ = writeln!(text, "   delayed by {}", crate::cases::span_text(message.delay_ms));
        }
    }
    if let Some(answer) = &got.response {
        let _ = writeln!(text, "   response  {} {}", answer.status, shown(&String::from_utf8_lossy(&answer.body)));
    }
    for line in &got.log {
        let _ = writeln!(text, "   log       {}", shown(&line.to_string()));
    }
    changes(&mut text, "state ", before.0, &got.state);
    changes(&mut text, "shared", before.1, &got.shared);
    for timer in &got.timers {
        let _ = writeln!(text, "   timer     {}", shown(&timer.to_string()));
    }
    for call in &got.http {
        let _ = writeln!(
            text,
            "   http      {}; answer it with :http {} 200 BODY",
            shown(&call.to_string()),
            shown(&call.tag)
        );
    }
    if got.sent.iter().any(|message| message.receipt) {
        let _ = writeln!(text, "   receipt   asked for; it comes with :receipt {asked} delivered");
    }
    outcome(&mut text, got);
    text
}

fn outcome(text: &mut String, got: &Got) {
    let took = millis(got.took);
    let _ = match &got.outcome {
        Outcome::Done => writeln!(text, "   {took}"),
        Outcome::Retry(_) => {
            writeln!(text, "!! {}; nothing of it is kept, :again tries once more   {took}", got.outcome)
        }
        Outcome::Reject(why) => writeln!(text, "!! rejected, and nothing of it is kept: {}   {took}", shown(why)),
        Outcome::Broken(why) => {
            let _ = writeln!(text, "!! broken, and nothing of it is kept: {}   {took}", shown(headline(why)));
            why.lines().take(REASON_LINES).try_for_each(|line| writeln!(text, "   | {}", shown(line)))
        }
    };
}

fn changes(text: &mut String, what: &str, before: &Values, after: &Values) {
    for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
        let _ = writeln!(text, "   {what}    {} = {}", shown(name), shown(&Octets::like(value, None).to_string()));
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        let _ = writeln!(text, "   {what}    {} is deleted", shown(name));
    }
}

pub fn values(values: &Values) -> String {
    if values.is_empty() {
        return "   nothing\n".to_owned();
    }
    let line = |(name, value): (&String, &Vec<u8>)| {
        format!("   {} = {}\n", shown(name), shown(&Octets::like(value, None).to_string()))
    };
    values.iter().map(line).collect()
}

pub fn timers(world: &World) -> String {
    let timers = world.timers_shown();
    if timers.is_empty() {
        return "   none\n".to_owned();
    }
    timers.iter().map(|timer| format!("   {}\n", shown(timer))).collect()
}
