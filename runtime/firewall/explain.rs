//! What would happen to a message, and why: every check with its outcome, without sending or counting anything.
//!
//! Walks the same list as [`judge`](super::judge()). For `route:explain` of the REST API and the command line.

use serde::Serialize;

use super::checks::{Case, Outcome, steps};
use super::ends::Ends;
use super::judge::{Context, Refusal, Verdict, judge};
use super::opt_out::Action;
use super::packet::Packet;
use crate::message::Timestamp;

/// Who reads an explanation: a customer sees nothing of another's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer<'a> {
    Operator,
    Customer(&'a str),
}

/// The verdict, and every check in order. The first step that is refused decides; those after it tell what
/// else would be in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refused>,
    /// The opt-out keyword that an MO is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyword: Option<Action>,
    pub steps: Vec<Step>,
}

/// A refusal as the sender gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub code: &'static str,
    pub side: &'static str,
    pub advice: &'static str,
    /// By name, such as "ESME_RINVDSTADR".
    pub command_status: &'static str,
    pub http_status: u16,
    /// Milliseconds since 1970, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Refused {
        Refused {
            code: refusal.reason.code(),
            side: refusal.side.name(),
            advice: refusal.reason.advice(),
            command_status: refusal.command_status().name().unwrap_or_default(),
            http_status: refusal.reason.http_status(),
            retry_at: refusal.retry_at,
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub check: &'static str,
    /// Whose policy, or which end: "sender" or "receiver".
    pub side: &'static str,
    pub outcome: Passing,
    /// The reason code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passing {
    Passed,
    /// There was nothing to check.
    Skipped,
    Refused,
}

/// Answers what [`judge`](super::judge()) would say, and shows every check.
pub fn explain(packet: &Packet<'_>, context: Context<'_>, now: Timestamp, viewer: Viewer<'_>) -> Explanation {
    let verdict = judge(packet, context, now);
    let ends = Ends::new(packet);
    let case = Case { ends: &ends, context, now, is_charged: false };
    let step = |(check, side): (&'static super::checks::Check, _)| {
        let found = (check.run)(&case, side);
        let (outcome, code) = match found.outcome {
            Outcome::Passed => (Passing::Passed, None),
            Outcome::Skipped => (Passing::Skipped, None),
            Outcome::Refused { reason, .. } => (Passing::Refused, Some(reason.code())),
        };
        let is_shown = match (viewer, case.ends.customer(found.side)) {
            (Viewer::Operator, _) | (_, None) => true,
            (Viewer::Customer(viewer), Some(owner)) => viewer == owner,
        };
        let why = if is_shown { found.why.to_string() } else { "by the policy of the other end's customer".into() };
        Step { check: check.name, side: found.side.name(), outcome, code, why }
    };
    let steps = steps(packet.kind).map(step).collect();
    let (allowed, refusal, keyword) = match verdict {
        Verdict::Allowed { keyword } => (true, None, keyword.map(|word| word.action)),
        Verdict::Refused(refusal) => (false, Some(Refused::from(&refusal)), None),
    };
    Explanation { allowed, refusal, keyword, steps }
}

#[cfg(test)]
mod tests;
