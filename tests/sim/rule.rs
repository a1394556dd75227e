//! The rule of the simulated house, native: counts the device's MOs in state and replies with the count.
//!
//! Which MOs fail, and how, follows from their text, so that the ledger knows what to expect.

use wasmsc::message::{Content, Message};
use wasmsc::occasion::Outgoing;
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

pub fn run(invocation: &Invocation) -> Outcome {
    let number = number_in(&invocation.mo.content);
    let fate = fate(number);
    match fate {
        Fate::Poison => return Outcome::Broken("poisoned".into()),
        Fate::Rejected => return Outcome::Reject("not wanted".into()),
        Fate::SecondTry if invocation.attempt == 1 => return Outcome::Retry(Some(300)),
        _ => {}
    }
    let counted = invocation.state.get("n").expect("readable");
    let counted = counted.map_or(0, |octets| u64::from_le_bytes(octets[..].try_into().expect("8 octets"))) + 1;
    let message = |index: u16| {
        let encoded = text::encode(&format!("{number} {counted} {index}"));
        Message {
            source: invocation.mo.destination.clone(),
            destination: invocation.mo.source.clone(),
            content: Content { data_coding: encoded.data_coding.0, octets: encoded.octets, ..Content::default() },
            received_at: invocation.mo.received_at,
        }
    };
    Outcome::Done(Effects {
        state: vec![("n".into(), Some(counted.to_le_bytes().to_vec()))],
        messages: (1..=replies(fate)).map(|index| Outgoing::plain(message(index))).collect(),
        ..Effects::default()
    })
}
