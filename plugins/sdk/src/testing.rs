//! A bench for rules: runs them natively, with state, a clock and an outbox in memory.

use std::collections::BTreeMap;

use crate::host::Host;
use crate::message::{Body, Failure, Level, Mo, SendError, StateError, Timestamp};
use crate::{Context, Rule};

/// A message that a rule sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub body: Body,
}

/// State of one device: kept between calls that succeed, untouched by those that fail.
type State = BTreeMap<String, Vec<u8>>;

/// Plays wasmsc for one rule.
#[derive(Default)]
pub struct Bench {
    /// The time that the next MO comes in.
    pub now: Timestamp,
    pub config: BTreeMap<String, String>,
    /// All that was sent by calls that succeeded, in order.
    pub sent: Vec<Sent>,
    /// All that was logged, by failed calls too.
    pub logged: Vec<(Level, String)>,
    devices: BTreeMap<String, State>,
    calls: u64,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { now: Timestamp(1_767_225_600_000), ..Bench::default() } // 2026-01-01T00:00Z
    }

    #[must_use]
    pub fn with_config(mut self, key: &str, value: &str) -> Bench {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn advance_ms(&mut self, millis: u64) {
        self.now.0 += millis;
    }

    /// Runs the rule for one MO; a failure leaves no effect, as in production.
    pub fn receive<R: Rule>(&mut self, from: &str, to: &str, body: impl Into<Body>) -> Result<(), Failure> {
        self.calls += 1;
        let id = format!("{:016x}", self.calls);
        let mo = Mo {
            id: id.clone(),
            source: from.to_owned(),
            destination: to.to_owned(),
            body: body.into(),
            received_at: self.now,
        };
        let mut call = Call {
            id,
            now: self.now,
            device: from.to_owned(),
            config: &self.config,
            state: self.devices.get(from).cloned().unwrap_or_default(),
            sent: Vec::new(),
            logged: &mut self.logged,
        };
        let result = R::handle_mo(&mo, &mut Context::new(&mut call));
        let Call { state, sent, .. } = call;
        if result.is_ok() {
            self.devices.insert(from.to_owned(), state);
            self.sent.extend(sent);
        }
        result
    }

    /// Texts sent so far.
    pub fn sent_texts(&self) -> Vec<&str> {
        let text = |sent: &'_ Sent| matches!(&sent.body, Body::Text(_));
        self.sent.iter().filter(|sent| text(sent)).map(|sent| match &sent.body {
            Body::Text(text) => text.as_str(),
            Body::Binary(_) => "",
        }).collect()
    }

    /// Takes what was sent since the last time.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }
}

struct Call<'b> {
    id: String,
    now: Timestamp,
    device: String,
    config: &'b BTreeMap<String, String>,
    state: State,
    sent: Vec<Sent>,
    logged: &'b mut Vec<(Level, String)>,
}

impl Host for Call<'_> {
    fn invocation_id(&self) -> String {
        self.id.clone()
    }
    fn attempt(&self) -> u32 {
        1
    }
    fn now(&self) -> Timestamp {
        self.now
    }
    fn remaining_ms(&self) -> u32 {
        100
    }
    fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        (0..count).map(|n| (n as u8).wrapping_mul(151).wrapping_add(self.id.len() as u8)).collect()
    }
    fn data_coding(&self) -> Option<u8> {
        Some(0)
    }
    fn tlv(&self, _tag: u16) -> Option<Vec<u8>> {
        None
    }
    fn msisdn(&self) -> String {
        self.device.clone()
    }
    fn reply(&mut self, body: Body) -> Result<String, SendError> {
        let to = self.device.clone();
        self.send(&to, body)
    }
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError> {
        let too_long = match &body {
            Body::Text(text) if text.is_ascii() => text.len() > 160,
            Body::Text(text) => text.encode_utf16().count() > 70,
            Body::Binary(octets) => octets.len() > 140,
        };
        if too_long {
            return Err(SendError::TooLong);
        }
        self.sent.push(Sent { to: to.to_owned(), body });
        Ok(format!("{}{:04x}", self.id, self.sent.len()))
    }
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        Ok(self.state.get(key).cloned())
    }
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        check_key(key)?;
        self.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }
    fn state_delete(&mut self, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.state.remove(key);
        Ok(())
    }
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        let now = match self.state_get(key)? {
            Some(value) => {
                let octets = value.try_into().map_err(|_| StateError::Other("no integer".to_owned()))?;
                i64::from_le_bytes(octets)
            }
            None => 0,
        };
        let sum = now.checked_add(delta).ok_or_else(|| StateError::Other("overflow".to_owned()))?;
        self.state_set(key, &sum.to_le_bytes())?;
        Ok(sum)
    }
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError> {
        let keys = self.state.keys().filter(|key| key.starts_with(prefix) && cursor.is_none_or(|c| key.as_str() > c));
        let mut keys: Vec<String> = keys.take(101).cloned().collect();
        let more = keys.len() > 100;
        keys.truncate(100);
        let cursor = keys.last().filter(|_| more).cloned();
        Ok((keys, cursor))
    }
    fn config(&self, key: &str) -> Option<String> {
        self.config.get(key).cloned()
    }
    fn log(&mut self, level: Level, message: &str, _fields: &[(&str, &str)]) {
        self.logged.push((level, message.to_owned()));
    }
}

fn check_key(key: &str) -> Result<(), StateError> {
    if (1..=128).contains(&key.len()) { Ok(()) } else { Err(StateError::InvalidKey) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter;
    impl Rule for Counter {
        fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
            cx.increment("n", 1)?;
            cx.reply("counted")?;
            if mo.text() == Some("fail") { Err(Failure::Reject("as told".to_owned())) } else { Ok(()) }
        }
    }

    #[test]
    fn a_failed_call_leaves_nothing_behind() {
        let mut bench = Bench::new();
        bench.receive::<Counter>("+46701", "7001", "ok").expect("accepted");
        bench.receive::<Counter>("+46701", "7001", "fail").expect_err("refused");
        assert_eq!(bench.sent.len(), 1);
        assert_eq!(bench.devices["+46701"]["n"], 1_i64.to_le_bytes());
    }
}
