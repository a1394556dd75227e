//! What happened during a run: counts and latencies.
//!
//! Filled by [`super::client`] and the traffic behind it; [`super::report`] turns it into words.

use std::collections::BTreeMap;
use std::time::Instant;

use super::histogram::Histogram;

#[derive(Debug, Default)]
pub struct Tally {
    /// MOs written to a link for the first time.
    pub sent: u64,
    /// MOs answered with ESME_ROK.
    pub acknowledged: u64,
    /// When the last of them was: what follows is waiting, which no rate should count.
    pub acknowledged_at: Option<Instant>,
    /// MOs sent again: the link fell or the answer did not come in time, so their fate was unknown.
    pub resent: u64,
    /// MOs sent again because the server said "slower" (ESME_RTHROTTLED, ESME_RMSGQFUL, ESME_RSYSERR).
    pub deferred: u64,
    /// MOs refused for good, by command_status.
    pub refused: BTreeMap<u32, u64>,
    /// MTs delivered to a device of the fleet.
    pub mts: u64,
    /// Of those: the first MT after an MO of the device.
    pub answers: u64,
    /// MTs to numbers outside the fleet, such as an operator's phone.
    pub mts_to_others: u64,
    /// Links that were established again after one fell.
    pub reconnects: u64,
    /// From submit_sm written to submit_sm_resp read.
    pub submit_latency: Histogram,
    /// From submit_sm written to the MT read.
    pub answer_latency: Histogram,
}

impl Tally {
    pub fn acknowledge(&mut self, sent_at: Instant, now: Instant) {
        self.acknowledged += 1;
        self.acknowledged_at = Some(now);
        self.submit_latency.record(now.saturating_duration_since(sent_at));
    }

    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// MOs that no final answer was received for.
    pub fn unacknowledged(&self) -> u64 {
        self.sent.saturating_sub(self.acknowledged + self.refused_total())
    }

    /// MOs that no MT answered; only in load mode must that be zero.
    pub fn unanswered(&self) -> u64 {
        self.sent.saturating_sub(self.answers)
    }
}
