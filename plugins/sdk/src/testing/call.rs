//! The host of one call on the bench: effects are staged here, and [`Bench`] keeps or drops them.

use super::{Bench, KEY_OCTETS_MAX, MESSAGES_MAX, Sent, State, VALUE_OCTETS_MAX, fits_ten_sms};
use crate::host::Host;
use crate::message::{Body, Level, Mo, SendError, StateError, Timestamp};

/// Octets of a binary message: ten SMS, each with room for 133 beside what says which part it is.
const BINARY_OCTETS_MAX: usize = 10 * 133;
const KEYS_PER_PAGE: usize = 100;
const RANDOM_OCTETS_MAX: u32 = 1024;

pub struct Call<'b> {
    bench: &'b Bench,
    id: String,
    device: String,
    drawn: u64,
    pub state: State,
    pub sent: Vec<Sent>,
    pub logged: Vec<(Level, String)>,
}

impl<'b> Call<'b> {
    pub fn new(bench: &'b Bench, mo: &Mo) -> Call<'b> {
        Call {
            bench,
            id: mo.id.clone(),
            device: mo.source.clone(),
            drawn: 0,
            state: bench.devices.get(&mo.source).cloned().unwrap_or_default(),
            sent: Vec::new(),
            logged: Vec::new(),
        }
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
        self.id.clone()
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
        self.bench.data_coding
    }
    fn tlv(&self, tag: u16) -> Option<Vec<u8>> {
        self.bench.tlvs.get(&tag).cloned()
    }
    fn msisdn(&self) -> String {
        self.device.clone()
    }
    fn attribute(&self, key: &str) -> Option<String> {
        self.bench.attributes.get(key).cloned()
    }
    fn tags(&self) -> Vec<String> {
        self.bench.tags.iter().cloned().collect()
    }
    fn reply(&mut self, body: Body) -> Result<String, SendError> {
        let to = self.device.clone();
        self.send(&to, body)
    }
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError> {
        check_address(to)?;
        if self.bench.forbidden.contains(to) {
            return Err(SendError::NotPermitted(format!("{to} is forbidden on this bench")));
        }
        let fits = match &body {
            Body::Text(text) => fits_ten_sms(text),
            Body::Binary(octets) => octets.len() <= BINARY_OCTETS_MAX,
        };
        if !fits {
            return Err(SendError::TooLong);
        }
        if self.sent.len() >= MESSAGES_MAX {
            return Err(SendError::QuotaExceeded);
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
        if value.len() > VALUE_OCTETS_MAX {
            return Err(StateError::ValueTooLarge);
        }
        self.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }
    fn state_delete(&mut self, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.state.remove(key);
        Ok(())
    }
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        let before = match self.state_get(key)? {
            Some(value) => {
                let no_integer = |_| StateError::Other(format!("{key} is not an integer of 8 octets"));
                i64::from_le_bytes(value.try_into().map_err(no_integer)?)
            }
            None => 0,
        };
        let overflow = || StateError::Other(format!("{key} would overflow"));
        let sum = before.checked_add(delta).ok_or_else(overflow)?;
        self.state_set(key, &sum.to_le_bytes())?;
        Ok(sum)
    }
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError> {
        let is_next = |key: &&String| key.starts_with(prefix) && cursor.is_none_or(|last| key.as_str() > last);
        let mut keys: Vec<String> = self.state.keys().filter(is_next).take(KEYS_PER_PAGE + 1).cloned().collect();
        let has_more = keys.len() > KEYS_PER_PAGE;
        keys.truncate(KEYS_PER_PAGE);
        let cursor = keys.last().filter(|_| has_more).cloned();
        Ok((keys, cursor))
    }
    fn config(&self, key: &str) -> Option<String> {
        self.bench.config.get(key).cloned()
    }
    fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.logged.push((level, format!("{message}{fields}")));
    }
}

fn check_key(key: &str) -> Result<(), StateError> {
    if (1..=KEY_OCTETS_MAX).contains(&key.len()) { Ok(()) } else { Err(StateError::InvalidKey) }
}

/// A number, with or without `+`, or an alphanumeric name of up to 11 characters.
fn check_address(address: &str) -> Result<(), SendError> {
    let digits = address.strip_prefix('+').unwrap_or(address);
    let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    let is_name = (1..=11).contains(&address.len())
        && address.bytes().all(|octet| octet.is_ascii_alphanumeric() || b" -_.&".contains(&octet))
        && !address.bytes().all(|octet| octet.is_ascii_digit());
    if is_number || is_name { Ok(()) } else { Err(SendError::InvalidAddress) }
}
