//! May this message pass? One list of checks, for the verdict and for its explanation alike.
//!
//! Reads state and never changes it; [`State::admit`] judges and then counts what passed. Judging does not
//! allocate. Called by the relay, for every message.

use wasmsc_smpp::CommandStatus;

use super::checks::{Case, Outcome, Why, steps};
use super::ends::{Ends, device_rate};
use super::loops::{LoopReport, Loops};
use super::opt_out::{Keyword, OptOuts};
use super::packet::{Kind, Packet};
use super::rates::{Limit, Usage};
use super::reason::{Reason, Side};
use crate::message::Timestamp;

/// What the firewall remembers of messages that passed.
#[derive(Debug, Default)]
pub struct State {
    pub usage: Usage,
    pub loops: Loops,
}

/// What a message is judged by beside itself and the policies.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub state: &'a State,
    pub opt_outs: &'a dyn OptOuts,
}

/// Why a message does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// Whose policy, or which end, it was.
    pub side: Side,
    pub kind: Kind,
    /// When it would pass, where time alone changes that.
    pub retry_at: Option<Timestamp>,
}

impl Refusal {
    pub fn command_status(&self) -> CommandStatus {
        self.reason.command_status(self.side, self.kind)
    }
}

/// May it pass?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// With the opt-out keyword that an MO is.
    Allowed {
        keyword: Option<Keyword<'a>>,
    },
    Refused(Refusal),
}

/// The first check that refuses decides.
pub fn judge<'p>(packet: &Packet<'p>, context: Context<'_>, now: Timestamp) -> Verdict<'p> {
    judge_ends(&Ends::new(packet), context, now)
}

fn judge_ends<'p>(ends: &Ends<'p, '_>, context: Context<'_>, now: Timestamp) -> Verdict<'p> {
    let (case, kind) = (Case { ends, context, now }, ends.packet.kind);
    let mut keyword = None;
    let refusal = steps(kind).find_map(|(check, side)| {
        let found = (check.run)(&case, side);
        if let Why::Keyword(word) = found.why {
            keyword = Some(word);
        }
        match found.outcome {
            Outcome::Refused { reason, retry_at } => Some(Refusal { reason, side: found.side, kind, retry_at }),
            Outcome::Passed | Outcome::Skipped => None,
        }
    });
    refusal.map_or(Verdict::Allowed { keyword }, Verdict::Refused)
}

impl State {
    /// Judges, and counts the message when it passes. Reports the two ends when this is the message for which
    /// they are taken for automatons: what they send each other from now on is refused for a while.
    pub fn admit<'p>(
        &mut self,
        packet: &Packet<'p>,
        opt_outs: &dyn OptOuts,
        now: Timestamp,
    ) -> (Verdict<'p>, Option<LoopReport>) {
        self.usage.make_room(now);
        let ends = Ends::new(packet);
        let verdict = judge_ends(&ends, Context { state: self, opt_outs }, now);
        let report = match verdict {
            Verdict::Allowed { .. } => self.passed(&ends, now),
            Verdict::Refused(_) => None,
        };
        (verdict, report)
    }

    /// Counts a message that passes.
    fn passed(&mut self, ends: &Ends<'_, '_>, now: Timestamp) -> Option<LoopReport> {
        let packet = ends.packet;
        if let Some((_, effective, customer)) = ends.charged() {
            let limit = Limit { rate: effective.rates.customer, per_day: effective.quotas.customer };
            self.usage.passed_customer(customer, &limit, now);
        }
        let (_, effective, device) = ends.metered()?;
        let limit = Limit { rate: device_rate(effective, packet.kind), per_day: effective.quotas.device };
        self.usage.passed(&device, &limit, now);
        self.loops.passed((packet.source.address, packet.destination.address), effective.loops.as_ref()?, now)
    }
}

#[cfg(test)]
mod tests;
