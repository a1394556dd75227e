//! May this message pass? One list of checks, for the verdict and for its explanation alike.
//!
//! Reads state and never changes it; [`State::admit`] judges and then counts what passed. Judging does not
//! allocate. Called by the relay, for every message.

use wasmsc_smpp::CommandStatus;
use wasmsc_smpp::udh::Concat;

use super::checks::{Case, Outcome, Why, steps};
use super::ends::{Ends, device_rate};
use super::long::LongMessages;
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
    long: LongMessages,
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
    judge_ends(&Ends::new(packet), context, now, false)
}

/// As [`judge`], for a message that passed once and used limits up then: it is to say something else.
pub fn judge_again<'p>(packet: &Packet<'p>, context: Context<'_>, now: Timestamp) -> Verdict<'p> {
    judge_ends(&Ends::new(packet), context, now, true)
}

fn judge_ends<'p>(ends: &Ends<'p, '_>, context: Context<'_>, now: Timestamp, is_charged: bool) -> Verdict<'p> {
    let (case, kind) = (Case { ends, context, now, is_charged }, ends.packet.kind);
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
        let verdict = judge_ends(&ends, Context { state: self, opt_outs }, now, false);
        let report = match verdict {
            Verdict::Allowed { keyword } => {
                let is_answered = keyword.is_some_and(|keyword| !keyword.reply.is_empty());
                let report = self.passed(&ends, now);
                report.or_else(|| is_answered.then(|| self.answered(&ends, now)).flatten())
            }
            Verdict::Refused(_) => None,
        };
        (verdict, report)
    }

    /// The answer to a keyword is not judged, but an automaton that answers it with another keyword is noticed.
    fn answered(&mut self, ends: &Ends<'_, '_>, now: Timestamp) -> Option<LoopReport> {
        let (packet, (_, effective, _)) = (ends.packet, ends.metered()?);
        self.loops.passed((packet.destination.address, packet.source.address), effective.loops.as_ref()?, now)
    }

    /// As [`admit`](Self::admit), for a part of a long message that goes its way by itself: the first one to come
    /// counts for all of them.
    pub fn admit_part<'p>(
        &mut self,
        packet: &Packet<'p>,
        part: Concat,
        opt_outs: &dyn OptOuts,
        now: Timestamp,
    ) -> (Verdict<'p>, Option<LoopReport>) {
        let ends = (packet.source.address, packet.destination.address);
        if self.long.is_charged(ends, part, now) {
            let context = Context { state: self, opt_outs };
            return (judge_ends(&Ends::new(packet), context, now, true), None);
        }
        let (verdict, report) = self.admit(packet, opt_outs, now);
        if let Verdict::Allowed { .. } = verdict {
            self.long.charge(ends, part, now);
        }
        (verdict, report)
    }

    /// A message that was admitted did not pass after all: the rule that sent it failed.
    pub fn take_back(&mut self, packet: &Packet<'_>, now: Timestamp) {
        let ends = Ends::new(packet);
        if let Some((_, effective, customer)) = ends.charged() {
            let limit = Limit { rate: effective.rates.customer, per_day: effective.quotas.customer };
            self.usage.take_back_customer(customer, &limit, now);
        }
        if let Some((_, effective, device)) = ends.metered() {
            let limit = Limit { rate: device_rate(effective, packet.kind), per_day: effective.quotas.device };
            self.usage.take_back(&device, &limit, now);
        }
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
