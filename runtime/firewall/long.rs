//! Long messages whose parts go their way one by one: they use limits up as one message, with the first part that
//! comes.
//!
//! A part counts for free once, and only while the others may still come, so that nobody sends messages for free
//! by calling them parts.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use wasmsc_smpp::udh::Concat;

use crate::message::{Address, Timestamp};

/// Long messages that are known at once, about 5 MB. Beyond, each part counts as a message.
pub const MESSAGES_MAX: usize = 65_536;
/// All parts come within this time, or the later ones count again.
const PARTS_WITHIN_MS: u64 = 60_000;
/// How often all of them are gone through, at most.
const SWEEP_EVERY_MS: u64 = 1_000;

/// Which parts of which long messages came lately.
#[derive(Debug, Default)]
pub struct LongMessages {
    by_ends: HashMap<u64, Seen>,
    hasher: RandomState,
    swept_at: Timestamp,
}

#[derive(Debug)]
struct Seen {
    /// Bit n: part n came.
    parts: [u64; 4],
    until: Timestamp,
}

impl Seen {
    /// True for the first time.
    fn add(&mut self, number: u8) -> bool {
        let (word, bit) = (&mut self.parts[usize::from(number / 64)], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

impl LongMessages {
    /// A part of a message of which another part was charged; for each part true once.
    pub fn is_charged(&mut self, ends: (&Address, &Address), part: Concat, now: Timestamp) -> bool {
        let key = self.key(ends, part);
        self.by_ends.get_mut(&key).filter(|seen| now < seen.until).is_some_and(|seen| seen.add(part.number))
    }

    /// This part was: the others are free.
    pub fn charge(&mut self, ends: (&Address, &Address), part: Concat, now: Timestamp) {
        let key = self.key(ends, part);
        if self.by_ends.len() >= MESSAGES_MAX && now.0.abs_diff(self.swept_at.0) >= SWEEP_EVERY_MS {
            self.swept_at = now;
            self.by_ends.retain(|_, seen| now < seen.until);
        }
        if self.by_ends.len() < MESSAGES_MAX || self.by_ends.contains_key(&key) {
            let mut seen = Seen { parts: [0; 4], until: now.plus_ms(PARTS_WITHIN_MS) };
            seen.add(part.number);
            self.by_ends.insert(key, seen);
        }
    }

    fn key(&self, ends: (&Address, &Address), part: Concat) -> u64 {
        self.hasher.hash_one((ends, part.reference, part.total, part.wide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn part(reference: u16, number: u8) -> Concat {
        Concat { reference, total: 3, number, wide: false }
    }

    #[test]
    fn each_part_behind_the_first_is_free_once_and_for_a_minute() {
        let (mut long, device, number) = (LongMessages::default(), "+46701111111", "7001");
        let [device, number] = [device, number].map(|text| Address::parse(text).expect("valid"));
        let ends = (&device, &number);
        assert!(!long.is_charged(ends, part(7, 2), NOW));
        long.charge(ends, part(7, 2), NOW);
        assert!(long.is_charged(ends, part(7, 1), NOW) && long.is_charged(ends, part(7, 3), NOW));
        assert!(!long.is_charged(ends, part(7, 3), NOW), "a second message that says it is that part");
        assert!(!long.is_charged(ends, part(8, 1), NOW), "another reference");
        assert!(!long.is_charged((&number, &device), part(7, 1), NOW), "another direction");
        long.charge(ends, part(9, 1), NOW);
        assert!(!long.is_charged(ends, part(9, 2), NOW.plus_ms(PARTS_WITHIN_MS)), "too late");
    }

    #[test]
    fn a_flood_of_parts_takes_no_more_memory_than_it_may() {
        let (mut long, number) = (LongMessages::default(), Address::ShortCode("7001".into()));
        let flood = |long: &mut LongMessages, now| {
            for n in 0..MESSAGES_MAX as u64 + 10 {
                long.charge((&Address::Msisdn(n.to_string().into()), &number), part(1, 1), now);
            }
            long.by_ends.len()
        };
        assert_eq!(flood(&mut long, NOW), MESSAGES_MAX);
        let later = NOW.plus_ms(PARTS_WITHIN_MS);
        long.charge((&Address::ShortCode("1".into()), &number), part(1, 1), later);
        assert_eq!(long.by_ends.len(), 1, "what is over makes room");
    }
}
