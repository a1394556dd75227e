//! The rule of the simulated house, native: counts the device's MOs in state and replies with the count. Each MO that it
//! takes also sets a timer, submits an HTTP call and is added to what all devices share; what comes of the first two is
//! counted like the MOs.
//!
//! Which MOs fail, and how, follows from their text, so that the ledger knows what to expect.

use wasmsc::message::{Content, Message};
use wasmsc::occasion::{HttpCall, Occasion, Outgoing, SharedWrite, TimerChange, TimerSet};
use wasmsc::plugin::{Effects, Invocation, Outcome};
use wasmsc_smpp::text::{self, Payload};

use crate::rng::mix;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Replies(u16),
    /// Fails on the first attempt, then replies once.
    SecondTry,
    /// Traps on every attempt.
    Poison,
    Rejected,
}

pub fn fate(number: u64) -> Fate {
    match mix(number) % 20 {
        0 => Fate::Poison,
        1 => Fate::Rejected,
        2 | 3 => Fate::SecondTry,
        4..=6 => Fate::Replies(3),
        7 => Fate::Replies(0),
        _ => Fate::Replies(1),
    }
}

/// MTs that an MO of this fate causes in the end.
pub fn replies(fate: Fate) -> u16 {
    match fate {
        Fate::Replies(count) => count,
        Fate::SecondTry => 1,
        Fate::Poison | Fate::Rejected => 0,
    }
}

pub fn number_in(content: &Content) -> u64 {
    match content.payload() {
        Payload::Text(text) => text.split(' ').next().and_then(|n| n.parse().ok()).expect("our own text"),
        Payload::Binary(_) => panic!("the simulator sends text only"),
    }
}

/// The state that counts events of these kinds.
pub const MOS: &str = "n";
pub const TIMERS: &str = "timers";
pub const REPLIES: &str = "replies";
/// The shared state.
pub const TOTAL: &str = "total";
const TIMER_MS: u64 = 700;

pub fn run(invocation: &Invocation) -> Outcome {
    match &invocation.occasion {
        Occasion::Mo => take_mo(invocation),
        Occasion::Timer(fired) => {
            let before = Some(TimerSet { id: fired.id, due: fired.due_at });
            let gone = (fired.name.to_string(), TimerChange::Gone { before });
            Outcome::Done(Effects { state: count(invocation, TIMERS).1, timers: vec![gone], ..Effects::default() })
        }
        Occasion::HttpReply(_) => Outcome::Done(Effects { state: count(invocation, REPLIES).1, ..Effects::default() }),
        other => panic!("nobody asked for a {}", other.name()),
    }
}

type Writes = Vec<(String, Option<Vec<u8>>)>;

/// The next count, and the state that has it.
fn count(invocation: &Invocation, name: &str) -> (u64, Writes) {
    let before = invocation.state.get(name).expect("readable");
    let counted = before.map_or(0, |octets| integer(&octets)) + 1;
    (counted, vec![(name.to_owned(), Some(counted.to_le_bytes().to_vec()))])
}

pub fn integer(octets: &[u8]) -> u64 {
    u64::from_le_bytes(octets.try_into().expect("8 octets"))
}

fn take_mo(invocation: &Invocation) -> Outcome {
    let number = number_in(&invocation.mo.content);
    let fate = fate(number);
    match fate {
        Fate::Poison => return Outcome::Broken("poisoned".into()),
        Fate::Rejected => return Outcome::Reject("not wanted".into()),
        Fate::SecondTry if invocation.attempt == 1 => return Outcome::Retry(Some(300)),
        _ => {}
    }
    let (counted, state) = count(invocation, MOS);
    let message = |index: u16| {
        let encoded = text::encode(&format!("{number} {counted} {index}"));
        Message {
            source: invocation.mo.destination.clone(),
            destination: invocation.mo.source.clone(),
            content: Content { data_coding: encoded.data_coding.0, octets: encoded.octets, ..Content::default() },
            received_at: invocation.mo.received_at,
        }
    };
    let due = invocation.mo.received_at.plus_ms(TIMER_MS);
    let now = TimerSet { id: invocation.id.effect(100), due };
    let (payload, number) = (Default::default(), invocation.mo.destination.clone());
    Outcome::Done(Effects {
        state,
        shared: vec![(TOTAL.to_owned(), SharedWrite::Add(1))],
        messages: (1..=replies(fate)).map(|index| Outgoing::plain(message(index))).collect(),
        timers: vec![(invocation.id.to_string(), TimerChange::Set { before: None, now, payload, number })],
        calls: vec![HttpCall {
            method: "POST".into(),
            url: "https://api.example.net/".into(),
            headers: Vec::new(),
            body: None,
            authorization: None,
            tag: "h".into(),
        }],
        ..Effects::default()
    })
}
