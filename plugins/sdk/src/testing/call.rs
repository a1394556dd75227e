//! The host of one call on the bench: effects are staged here, and [`Bench`] keeps or drops them.

use std::collections::BTreeMap;

use super::staged::Staged;
use super::{
    AHEAD_MAX, Bench, HTTP_MAX, KEY_OCTETS_MAX, LOG_LINES_MAX, LOG_OCTETS_MAX, MESSAGES_MAX, Sent, State, Submitted,
    TIMER_PAYLOAD_OCTETS_MAX, TIMERS_MAX, TimerChange, outgoing,
};
use crate::draft::Draft;
use crate::error::{SendError, StateError, SubmitError, TimerError};
use crate::event::Timer;
use crate::handlers::Handlers;
use crate::host::{Host, Page};
use crate::http::HttpRequest;
use crate::message::{Body, Level, Timestamp, millis};

const RANDOM_OCTETS_MAX: u32 = 1024;
const CUT: &str = "this call logs too much; the rest of it is dropped";

/// About one event.
pub struct Facts {
    pub id: String,
    pub device: String,
    /// What `reply` sends from.
    pub number: String,
    pub is_mo: bool,
    pub segments: u32,
    /// The timer that the call is for, which is gone as it begins.
    pub fired: Option<String>,
}

/// What a call wants done.
pub struct Effects {
    pub device: String,
    pub state: State,
    pub shared: State,
    pub timers: BTreeMap<String, Timer>,
    pub timer_changes: Vec<TimerChange>,
    pub sent: Vec<Sent>,
    pub submitted: Vec<Submitted>,
}

pub struct Call<'b> {
    bench: &'b Bench,
    facts: Facts,
    handlers: Handlers,
    drawn: u64,
    state: Staged,
    shared: Staged,
    timers: BTreeMap<String, Timer>,
    timer_changes: Vec<TimerChange>,
    sent: Vec<Sent>,
    submitted: Vec<Submitted>,
    logged: Vec<(Level, String)>,
    log_octets: usize,
}

impl<'b> Call<'b> {
    pub fn new(bench: &'b Bench, facts: Facts, handlers: Handlers) -> Call<'b> {
        let mut device = bench.devices.get(&facts.device).cloned().unwrap_or_default();
        if let Some(fired) = &facts.fired {
            device.timers.remove(fired);
        }
        Call {
            bench,
            facts,
            handlers,
            drawn: 0,
            state: Staged::new(device.state),
            shared: Staged::new(bench.shared.clone()),
            timers: device.timers,
            timer_changes: Vec::new(),
            sent: Vec::new(),
            submitted: Vec::new(),
            logged: Vec::new(),
            log_octets: 0,
        }
    }

    /// What the call wants done, and what is kept in any case.
    pub fn end(self) -> (Effects, Vec<(Level, String)>) {
        let effects = Effects {
            device: self.facts.device,
            state: self.state.state,
            shared: self.shared.state,
            timers: self.timers,
            timer_changes: self.timer_changes,
            sent: self.sent,
            submitted: self.submitted,
        };
        (effects, self.logged)
    }

    pub fn into_logged(self) -> Vec<(Level, String)> {
        self.logged
    }

    /// splitmix64 over the number of the call: chance enough for a test, and the same in every run.
    fn random_octet(&mut self) -> u8 {
        self.drawn += 1;
        let mut mixed = (self.bench.calls << 20).wrapping_add(self.drawn).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56) as u8
    }
}

impl Host for Call<'_> {
    fn invocation_id(&self) -> String {
        self.facts.id.clone()
    }
    fn attempt(&self) -> u32 {
        self.bench.attempt.max(1)
    }
    fn now(&self) -> Timestamp {
        self.bench.now
    }
    fn remaining_ms(&self) -> u32 {
        100
    }
    fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        assert!(count <= RANDOM_OCTETS_MAX, "random_bytes: at most {RANDOM_OCTETS_MAX} at once, {count} asked for");
        (0..count).map(|_| self.random_octet()).collect()
    }
    fn data_coding(&self) -> Option<u8> {
        self.bench.data_coding.filter(|_| self.facts.is_mo)
    }
    fn segments(&self) -> u32 {
        self.facts.segments
    }
    fn tlv(&self, tag: u16) -> Option<Vec<u8>> {
        self.bench.tlvs.get(&tag).filter(|_| self.facts.is_mo).cloned()
    }
    fn msisdn(&self) -> String {
        self.facts.device.clone()
    }
    fn attribute(&self, key: &str) -> Option<String> {
        self.bench.attributes.get(key).cloned()
    }
    fn tags(&self) -> Vec<String> {
        self.bench.tags.iter().cloned().collect()
    }
    fn reply(&mut self, body: Body) -> Result<String, SendError> {
        let to = self.facts.device.clone();
        self.send(&to, body)
    }
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError> {
        self.send_draft(&Draft::new(to, body))
    }
    fn send_draft(&mut self, draft: &Draft) -> Result<String, SendError> {
        assert!(
            !draft.wants_receipt || self.handlers.receipts.is_some(),
            "the rule asks for a receipt and exports no `receipts`: list it in export_rule!"
        );
        outgoing::check_address(&draft.to)?;
        if self.sent.len() >= MESSAGES_MAX {
            return Err(SendError::QuotaExceeded);
        }
        let from = outgoing::check_draft(self.bench, draft, &self.facts.number)?;
        let id = format!("{}{:04x}", self.facts.id, self.sent.len() + 1);
        self.sent.push(Sent {
            id: id.clone(),
            device: self.facts.device.clone(),
            from,
            to: draft.to.clone(),
            body: draft.body.clone(),
            tag: draft.tag.clone(),
            wants_receipt: draft.wants_receipt,
            delay_ms: draft.delay_ms.unwrap_or(0),
            validity_ms: draft.validity_ms,
            priority: draft.priority.unwrap_or(3).min(3),
            tlvs: draft.tlvs.clone(),
        });
        Ok(id)
    }
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.state.get(key)
    }
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.state.set(key, value)
    }
    fn state_delete(&mut self, key: &str) -> Result<(), StateError> {
        self.state.delete(key)
    }
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        self.state.increment(key, delta)
    }
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        self.state.list_keys(prefix, cursor)
    }
    fn shared_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.shared.get(key)
    }
    fn shared_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.shared.set(key, value)
    }
    fn shared_delete(&mut self, key: &str) -> Result<(), StateError> {
        self.shared.delete(key)
    }
    fn shared_add(&mut self, key: &str, delta: i64) -> Result<(), StateError> {
        self.shared.add(key, delta)
    }
    fn shared_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        self.shared.list_keys(prefix, cursor)
    }
    fn timer_set(&mut self, name: &str, delay_ms: u64, payload: &[u8]) -> Result<(), TimerError> {
        assert!(
            self.handlers.timers.is_some(),
            "the rule sets a timer and exports no `timers`: list it in export_rule!"
        );
        if !(1..=KEY_OCTETS_MAX).contains(&name.len()) || payload.len() > TIMER_PAYLOAD_OCTETS_MAX {
            return Err(TimerError::QuotaExceeded);
        }
        if delay_ms > millis(AHEAD_MAX) {
            return Err(TimerError::TooFar);
        }
        if !self.timers.contains_key(name) && self.timers.len() >= TIMERS_MAX {
            return Err(TimerError::QuotaExceeded);
        }
        let due_at = Timestamp(self.bench.now.0 + delay_ms);
        let timer = Timer { name: name.to_owned(), due_at, payload: payload.to_vec() };
        self.timer_changes.push(TimerChange::Set(timer.clone()));
        self.timers.insert(name.to_owned(), timer);
        Ok(())
    }
    fn timer_cancel(&mut self, name: &str) -> Result<bool, TimerError> {
        let was_set = self.timers.remove(name).is_some();
        if was_set {
            self.timer_changes.push(TimerChange::Cancelled(name.to_owned()));
        }
        Ok(was_set)
    }
    fn config(&self, key: &str) -> Option<String> {
        self.bench.config.get(key).cloned()
    }
    fn secret(&self, name: &str) -> Option<String> {
        self.bench.secrets.get(name).cloned()
    }
    fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.log_octets += message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        match self.logged.len() {
            lines if lines > LOG_LINES_MAX || self.logged.last().is_some_and(|(_, line)| line == CUT) => {}
            LOG_LINES_MAX => self.logged.push((Level::Warn, CUT.to_owned())),
            _ if self.log_octets > LOG_OCTETS_MAX => self.logged.push((Level::Warn, CUT.to_owned())),
            _ => {
                let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                self.logged.push((level, format!("{message}{fields}")));
            }
        }
    }
    fn http_submit(&mut self, request: &HttpRequest) -> Result<(), SubmitError> {
        if self.submitted.len() >= HTTP_MAX {
            return Err(SubmitError::QuotaExceeded);
        }
        outgoing::check_http(self.bench, request)?;
        self.submitted.push(Submitted { device: self.facts.device.clone(), request: request.clone() });
        Ok(())
    }
}
