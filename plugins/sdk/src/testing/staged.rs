//! State as a call sees it: what was kept before, with the call's own writes.

use super::{KEY_OCTETS_MAX, STATE_OCTETS_MAX, State, VALUE_OCTETS_MAX};
use crate::error::StateError;
use crate::host::Page;

const KEYS_PER_PAGE: usize = 100;

pub struct Staged {
    pub state: State,
    octets_left: usize,
}

impl Staged {
    pub fn new(state: State) -> Staged {
        Staged { state, octets_left: STATE_OCTETS_MAX }
    }

    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        Ok(self.state.get(key).cloned())
    }

    pub fn set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        check_key(key)?;
        if value.len() > VALUE_OCTETS_MAX {
            return Err(StateError::ValueTooLarge);
        }
        self.pay(key.len() + value.len())?;
        self.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    pub fn delete(&mut self, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.pay(key.len())?;
        self.state.remove(key);
        Ok(())
    }

    pub fn increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        let overflow = || StateError::Other(format!("{key} would overflow"));
        let sum = self.integer(key)?.checked_add(delta).ok_or_else(overflow)?;
        self.set(key, &sum.to_le_bytes())?;
        Ok(sum)
    }

    /// Wraps around, and what is no integer counts as 0: nothing is read when it is asked for.
    pub fn add(&mut self, key: &str, delta: i64) -> Result<(), StateError> {
        check_key(key)?;
        let sum = self.integer(key).unwrap_or(0).wrapping_add(delta);
        self.set(key, &sum.to_le_bytes())
    }

    pub fn list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        let is_next = |key: &&String| key.starts_with(prefix) && cursor.is_none_or(|last| key.as_str() > last);
        let mut keys: Vec<String> = self.state.keys().filter(is_next).take(KEYS_PER_PAGE + 1).cloned().collect();
        let has_more = keys.len() > KEYS_PER_PAGE;
        keys.truncate(KEYS_PER_PAGE);
        let cursor = keys.last().filter(|_| has_more).cloned();
        Ok((keys, cursor))
    }

    fn integer(&self, key: &str) -> Result<i64, StateError> {
        let Some(value) = self.get(key)? else { return Ok(0) };
        let no_integer = |_| StateError::Other(format!("{key} is not an integer of 8 octets"));
        value.try_into().map(i64::from_le_bytes).map_err(no_integer)
    }

    /// Every write counts, also a second one of the same key.
    fn pay(&mut self, octets: usize) -> Result<(), StateError> {
        self.octets_left = self.octets_left.checked_sub(octets).ok_or(StateError::QuotaExceeded)?;
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), StateError> {
    if (1..=KEY_OCTETS_MAX).contains(&key.len()) { Ok(()) } else { Err(StateError::InvalidKey) }
}
