//! What a link asks of the traffic behind it, and the pace at which traffic flows.
//!
//! [`super::client`] calls it with one lock per wake-up; [`super::conversation`], [`super::load`] and the
//! kill test implement it. No implementation may block or wait.

use std::time::{Duration, Instant};

use wasmsc_smpp::{CommandStatus, Sm};

use super::tally::Tally;

/// What a link with free window shall do.
#[derive(Debug)]
pub enum Next {
    /// Send this MO. The ticket comes back with its fate.
    Send { ticket: u32, sm: Box<Sm> },
    /// Ask again at this instant, or when something arrived.
    At(Instant),
    /// All is said and heard: unbind.
    Finished,
}

/// What became of an MO.
#[derive(Debug)]
pub enum Fate<'a> {
    Accepted {
        message_id: &'a [u8],
    },
    Refused(CommandStatus),
    /// The link fell or the response never came: the server may have it or not.
    Unknown,
}

pub trait Traffic: Send + 'static {
    fn next(&mut self, link: usize, now: Instant) -> Next;
    /// `sent_at` is when the MO was written.
    fn settled(&mut self, ticket: u32, fate: Fate<'_>, sent_at: Instant, now: Instant);
    /// An MT arrived; the status goes into the deliver_sm_resp.
    fn deliver(&mut self, mt: &Sm, now: Instant) -> CommandStatus;
    /// Nothing is left to send or to wait for, so that a link that is down need not come back.
    fn is_finished(&self, now: Instant) -> bool;
    /// Send nothing new; what is outstanding may still be answered.
    fn end(&mut self, now: Instant);
    fn tally(&mut self) -> &mut Tally;
}

/// "Slower, please": the MO is sent again after a pause.
pub fn is_temporary(status: CommandStatus) -> bool {
    matches!(status, CommandStatus::ESME_RTHROTTLED | CommandStatus::ESME_RMSGQFUL | CommandStatus::ESME_RSYSERR)
}

/// An open-loop schedule: message k is due at start + k/rate, however late its predecessors left.
#[derive(Debug, Clone)]
pub struct Pace {
    started: Instant,
    per_sec: f64,
    due_count: u64,
}

impl Pace {
    /// A rate of 0 means no schedule: every message is due at once.
    pub fn new(per_sec: f64, now: Instant) -> Self {
        Self { started: now, per_sec, due_count: 0 }
    }

    /// When the next message is due; that may be in the past.
    pub fn due(&self, now: Instant) -> Instant {
        if self.per_sec <= 0.0 {
            return now;
        }
        self.started + Duration::from_secs_f64(self.due_count as f64 / self.per_sec)
    }

    /// The due message was taken.
    pub fn advance(&mut self) {
        self.due_count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_keeps_its_schedule_when_late() {
        let start = crate::clock::instant();
        let mut pace = Pace::new(4.0, start);
        assert_eq!(pace.due(start), start);
        for _ in 0..8 {
            pace.advance();
        }
        assert_eq!(pace.due(start + Duration::from_secs(9)), start + Duration::from_secs(2));
    }

    #[test]
    fn rate_zero_is_always_due() {
        let start = crate::clock::instant();
        let mut pace = Pace::new(0.0, start);
        pace.advance();
        assert_eq!(pace.due(start), start);
    }

    #[test]
    fn only_slower_please_is_temporary() {
        assert!(is_temporary(CommandStatus::ESME_RTHROTTLED));
        assert!(!is_temporary(CommandStatus::ESME_RINVSRCADR));
    }
}
