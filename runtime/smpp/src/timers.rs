//! The timers of one session (SMPP 3.4 §7.2), without a clock.
//!
//! Keeps when things happened and says when something is due. Never acts: `session` asks
//! [`Timers::due`] and closes, probes or waits.

use std::time::{Duration, Instant};

/// What is due now, most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Not bound within `session_init_timeout`.
    SessionInit,
    /// A PDU began and did not end.
    HalfPdu,
    /// Our `enquire_link` got no sign of life.
    PeerSilent,
    /// Our `unbind` got no answer.
    UnbindUnanswered,
    /// The peer's `unbind` waited long enough for our responses.
    DrainOver,
    /// Nothing was heard for `enquire_link_interval`.
    Probe,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) session_init: Duration,
    /// Zero: never probe.
    pub(crate) enquire_link_interval: Duration,
    pub(crate) response: Duration,
}

/// When things happened. An instant too far away to be represented never comes.
#[derive(Debug)]
pub(crate) struct Timers {
    limits: Limits,
    session_init: Option<Instant>,
    half_pdu: Option<Instant>,
    silence: Option<Instant>,
    probe: Option<Instant>,
    unbind: Option<Instant>,
    drain: Option<Instant>,
}

impl Timers {
    pub(crate) fn new(limits: Limits, now: Instant) -> Timers {
        Timers {
            limits,
            session_init: now.checked_add(limits.session_init),
            half_pdu: None,
            silence: None,
            probe: None,
            unbind: None,
            drain: None,
        }
    }

    /// A response to a request sent now is overdue then.
    pub(crate) fn response_deadline(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.limits.response)
    }

    /// From now on the peer is probed instead of expected to bind.
    pub(crate) fn bound(&mut self, now: Instant) {
        self.session_init = None;
        self.heard(now);
        self.rearm_silence(now);
    }

    /// A whole PDU came: the peer lives.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.half_pdu = None;
        self.probe = None;
        if self.silence.is_some() {
            self.rearm_silence(now);
        }
    }

    /// Part of a PDU is waiting. Only the first call starts the timer: one octet per second must not
    /// keep a connection.
    pub(crate) fn half_pdu(&mut self, now: Instant) {
        if self.half_pdu.is_none() {
            self.half_pdu = self.response_deadline(now);
        }
    }

    /// Our `enquire_link` left.
    pub(crate) fn probed(&mut self, now: Instant) {
        self.probe = self.response_deadline(now);
        self.rearm_silence(now);
    }

    /// Our `unbind` left.
    pub(crate) fn unbinding(&mut self, now: Instant) {
        self.silence = None;
        self.unbind = self.response_deadline(now);
    }

    /// The peer's `unbind` came while we still owe it responses.
    pub(crate) fn draining(&mut self, now: Instant) {
        self.silence = None;
        self.unbind = None;
        self.drain = self.response_deadline(now);
    }

    /// The earliest instant at which [`Timers::due`] says something.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        // An unanswered probe decides about the peer; another one would tell nothing new.
        let silence = if self.probe.is_some() { None } else { self.silence };
        [self.session_init, self.half_pdu, self.probe, self.unbind, self.drain, silence].into_iter().flatten().min()
    }

    /// What is due, if anything.
    pub(crate) fn due(&self, now: Instant) -> Option<Due> {
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let order = [
            (self.session_init, Due::SessionInit),
            (self.half_pdu, Due::HalfPdu),
            (self.probe, Due::PeerSilent),
            (self.unbind, Due::UnbindUnanswered),
            (self.drain, Due::DrainOver),
        ];
        if let Some((_, due)) = order.into_iter().find(|(deadline, _)| is_over(*deadline)) {
            return Some(due);
        }
        (self.probe.is_none() && is_over(self.silence)).then_some(Due::Probe)
    }

    fn rearm_silence(&mut self, now: Instant) {
        let interval = self.limits.enquire_link_interval;
        self.silence = if interval.is_zero() { None } else { now.checked_add(interval) };
    }
}
