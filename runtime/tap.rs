//! The last PDUs of one link, for whoever looks at it: how it was bound, and what comes and goes while somebody watches.
//!
//! `link` asks once a turn whether anybody does, which is one load, and tells nothing otherwise; `api` reads and so keeps the watch up.
//! Bounded by count and by octets. Kept as they were on the wire: who reads hides what is not for everybody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::message::Timestamp;

/// PDUs that are kept: what fills a few screens.
pub const KEPT_MAX: usize = 100;
/// Of one PDU: more than a message of ten SMS in message_payload takes.
const OCTETS_MAX: usize = 4_096;
/// A watch ends this long after the last look, so that a page which was left does no harm.
const WATCH_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Received,
    Sent,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Received => "received",
            Way::Sent => "sent",
        }
    }
}

/// A PDU as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Rises by one with each of this link.
    pub number: u64,
    pub at: Timestamp,
    pub way: Way,
    /// Its first octets; nearly always all.
    pub octets: Bytes,
    /// How many it had.
    pub length: usize,
}

#[derive(Debug, Default)]
pub struct Tap {
    /// Until when somebody watches, in milliseconds since 1970.
    until: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    pdus: VecDeque<Traced>,
    /// Since when all are kept.
    since: Option<Timestamp>,
}

impl Tap {
    /// Whether PDUs are to be told.
    pub fn is_watched(&self, now: Timestamp) -> bool {
        now.0 < self.until.load(Ordering::Relaxed)
    }

    /// Somebody looks: the PDUs that there are, the newest first, and since when none is missing.
    pub fn watch(&self, now: Timestamp) -> (Vec<Traced>, Timestamp) {
        let mut kept = self.kept.lock();
        if !self.is_watched(now) {
            kept.since = Some(now);
        }
        self.until.store(now.0 + WATCH_MS, Ordering::Relaxed);
        (kept.pdus.iter().rev().cloned().collect(), kept.since.unwrap_or(now))
    }

    /// One PDU.
    pub fn tell(&self, way: Way, pdu: &[u8], at: Timestamp) {
        let mut kept = self.kept.lock();
        let number = kept.next;
        kept.next += 1;
        if kept.pdus.len() == KEPT_MAX {
            kept.pdus.pop_front();
        }
        let octets = Bytes::copy_from_slice(&pdu[..pdu.len().min(OCTETS_MAX)]);
        kept.pdus.push_back(Traced { number, at, way, octets, length: pdu.len() });
    }

    /// Several that were written one behind the other.
    pub fn tell_all(&self, way: Way, mut octets: &[u8], at: Timestamp) {
        while let Some(length) = octets.first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let (pdu, rest) = octets.split_at(length.clamp(4, octets.len()));
            self.tell(way, pdu, at);
            octets = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pdus_are_kept_each_by_itself_and_no_more_of_them() {
        let tap = Tap::default();
        let two = [&[0, 0, 0, 6, 1, 2][..], &[0, 0, 0, 5, 3]].concat();
        tap.tell_all(Way::Sent, &two, Timestamp(1));
        let (pdus, _) = tap.watch(Timestamp(2));
        assert_eq!(pdus.iter().map(|pdu| &pdu.octets[..]).collect::<Vec<_>>(), [&two[6..], &two[..6]]);
        (0..1_000).for_each(|_| tap.tell(Way::Received, &[0; 10_000], Timestamp(3)));
        let (pdus, _) = tap.watch(Timestamp(4));
        let first = &pdus[0];
        assert_eq!((pdus.len(), first.number, first.octets.len(), first.length), (KEPT_MAX, 1_001, OCTETS_MAX, 10_000));
    }

    #[test]
    fn a_watch_ends_when_nobody_looks_and_says_since_when_it_is_whole() {
        let tap = Tap::default();
        assert!(!tap.is_watched(Timestamp(0)));
        assert_eq!(tap.watch(Timestamp(10)).1, Timestamp(10));
        assert_eq!(tap.watch(Timestamp(20_000)).1, Timestamp(10));
        assert!(tap.is_watched(Timestamp(49_999)) && !tap.is_watched(Timestamp(50_000)));
        assert_eq!(tap.watch(Timestamp(60_000)).1, Timestamp(60_000));
    }
}
