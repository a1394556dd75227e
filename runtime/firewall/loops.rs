//! Two automatons that answer each other: noticed by how they take turns, cut off for a while, reported.
//!
//! People do not answer within seconds thirty times in a row. Takes `now`, and forgets pairs that have been
//! quiet, so that memory follows the traffic of the last seconds and never passes its bound.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use crate::message::{Address, Timestamp};

/// Pairs that are watched at once, about 15 MB. Beyond, new ones are not watched until others are quiet: a
/// loop that goes on is noticed later, and nobody else is refused for it.
pub const PAIRS_MAX: usize = 262_144;
/// How often all pairs are gone through, at most.
const SWEEP_EVERY_MS: u64 = 1_000;

/// When two addresses are taken for automatons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoopLimits {
    /// Answers in a row that are still taken for a conversation.
    pub turns: u32,
    /// Within this time.
    pub window_secs: u32,
    /// An answer comes this soon, or it is none.
    pub answer_within_secs: u32,
    /// How long the two are cut off.
    pub cut_secs: u32,
}

impl Default for LoopLimits {
    /// A round trip over radio takes five to ten seconds, so that a real loop is cut within minutes.
    fn default() -> LoopLimits {
        LoopLimits { turns: 30, window_secs: 600, answer_within_secs: 10, cut_secs: 600 }
    }
}

/// Two addresses that were just cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopReport {
    /// Who sent the last message that passed, and to whom.
    pub source: Address,
    pub destination: Address,
    pub turns: u32,
    pub cut_until: Timestamp,
}

/// Which of the two spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Lower,
    Higher,
}

#[derive(Debug, Clone, Copy)]
struct Exchange {
    last_speaker: Speaker,
    last_at: Timestamp,
    /// When the row of quick answers began.
    since: Timestamp,
    turns: u32,
    /// An answer after this is none, and the pair is forgotten.
    quiet_at: Timestamp,
    cut_until: Timestamp,
}

/// Watches pairs of addresses.
#[derive(Debug, Default)]
pub struct Loops {
    /// By a keyed hash of the pair: two pairs in one place would need 2^32 pairs, and nobody can aim at it.
    pairs: HashMap<u64, Exchange>,
    hasher: RandomState,
    swept_at: Timestamp,
    /// When the last cut ends: after it, nobody has to be looked up.
    last_cut_until: Timestamp,
}

impl Loops {
    /// Until when the two are cut off; None when they are not.
    pub fn cut_until(&self, source: &Address, destination: &Address, now: Timestamp) -> Option<Timestamp> {
        if now >= self.last_cut_until {
            return None;
        }
        let exchange = self.pairs.get(&self.pair(source, destination).0)?;
        (now < exchange.cut_until).then_some(exchange.cut_until)
    }

    /// A message passed. Yields a report when it is the one that cuts the two off.
    pub fn passed(
        &mut self,
        (source, destination): (&Address, &Address),
        limits: &LoopLimits,
        now: Timestamp,
    ) -> Option<LoopReport> {
        let (pair, speaker) = self.pair(source, destination);
        if !self.pairs.contains_key(&pair) && !self.has_room(now) {
            return None;
        }
        let quiet_at = now.plus_ms(millis(limits.answer_within_secs));
        let first = Exchange { last_speaker: speaker, last_at: now, since: now, turns: 0, quiet_at, cut_until: now };
        let exchange = self.pairs.entry(pair).or_insert(first);
        let answers = exchange.last_speaker != speaker
            && now.0.abs_diff(exchange.last_at.0) <= millis(limits.answer_within_secs)
            && now.0.abs_diff(exchange.since.0) <= millis(limits.window_secs);
        // A second message of the same speaker is no turn, and interrupts nothing.
        let goes_on = exchange.last_speaker == speaker && now < exchange.quiet_at;
        (exchange.last_speaker, exchange.last_at, exchange.quiet_at) = (speaker, now, quiet_at);
        if !answers {
            if !goes_on {
                (exchange.turns, exchange.since) = (0, now);
            }
            return None;
        }
        exchange.turns += 1;
        if exchange.turns < limits.turns {
            return None;
        }
        let (turns, cut_until) = (exchange.turns, now.plus_ms(millis(limits.cut_secs)));
        (exchange.turns, exchange.since, exchange.cut_until) = (0, now, cut_until);
        self.last_cut_until = self.last_cut_until.max(cut_until);
        Some(LoopReport { source: source.clone(), destination: destination.clone(), turns, cut_until })
    }

    /// Ends a cut, for an operator who mended the automaton.
    pub fn mend(&mut self, one: &Address, other: &Address) {
        let (pair, _) = self.pair(one, other);
        self.pairs.remove(&pair);
    }

    /// Pairs that are watched.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    fn pair(&self, source: &Address, destination: &Address) -> (u64, Speaker) {
        let speaker = if source < destination { Speaker::Lower } else { Speaker::Higher };
        let ordered = if speaker == Speaker::Lower { (source, destination) } else { (destination, source) };
        (self.hasher.hash_one(ordered), speaker)
    }

    fn has_room(&mut self, now: Timestamp) -> bool {
        // Before the table grows, pairs that are quiet make room.
        let is_due = self.pairs.len() >= PAIRS_MAX || self.pairs.len() == self.pairs.capacity();
        if is_due && now.0.abs_diff(self.swept_at.0) >= SWEEP_EVERY_MS {
            self.swept_at = now;
            self.pairs.retain(|_, exchange| now < exchange.quiet_at || now < exchange.cut_until);
        }
        self.pairs.len() < PAIRS_MAX
    }
}

fn millis(secs: u32) -> u64 {
    u64::from(secs) * 1_000
}

#[cfg(test)]
mod tests;
