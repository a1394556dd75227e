//! The HTTP server that the simulated rule calls: answers, fails, or says "later". Lives through every crash.

use std::collections::BTreeSet;

use bytes::Bytes;
use wasmsc::message::{MessageId, Timestamp};
use wasmsc::relay::{self, Attempted};

use crate::rng::Rng;
use crate::world::Alive;

/// Calls that are read at once.
const PAGE: usize = 8;

#[derive(Default)]
pub struct Web {
    /// What it was asked, by the id that is the Idempotency-Key: at least once each.
    pub asked: BTreeSet<MessageId>,
}

impl Web {
    pub fn act(&mut self, alive: &Alive, now: Timestamp, rng: &mut Rng) {
        let due = alive.store.http_calls_due(&"acme".into(), now, PAGE).expect("readable");
        for (key, record) in due.calls {
            if alive.house.room_of("acme") == 0 {
                return;
            }
            self.asked.insert(key.id);
            let answered = |status| Attempted::Answered { status, body: Bytes::from_static(b"{}") };
            // The second attempt succeeds: the pauses before later ones are long.
            let attempted = match rng.below(6) {
                0 if record.attempts == 0 => answered(503),
                1 if record.attempts == 0 => Attempted::Failed("the connection was reset".to_owned()),
                _ => answered(200),
            };
            // A failed store says so to the writer, which crashes.
            let _ = relay::http_called(&alive.house, key, record, attempted, now);
        }
    }
}
