//! The state that a call sees: what was committed, under what the call itself wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::invocation::{KEY_OCTETS, PAGE_NAMES, StateView, VALUE_OCTETS};

/// Why a state function refused. `interfaces::state` turns it into the contract's `state-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("a key has 1 to {KEY_OCTETS} octets")]
    InvalidKey,
    #[error("a value has at most {VALUE_OCTETS} octets")]
    ValueTooLarge,
    #[error("this call has written as much state as it may, or the rule has as much")]
    QuotaExceeded,
    #[error("the value is no 8-octet little-endian integer")]
    NotAnInteger,
    #[error("the sum does not fit into 64 bits")]
    Overflow,
    #[error("{0}")]
    Store(String),
}

pub struct StagedState {
    committed: Arc<dyn StateView>,
    written: BTreeMap<String, Option<Vec<u8>>>,
    octets_left: usize,
    /// What was written takes so much more than what it replaces; counted where the view has a `room`.
    growth: i64,
}

/// Keys and, where there are more, the cursor of the next page.
pub type Page = (Vec<String>, Option<String>);

impl StagedState {
    pub fn new(committed: Arc<dyn StateView>, octets: usize) -> StagedState {
        StagedState { committed, written: BTreeMap::new(), octets_left: octets, growth: 0 }
    }

    pub fn view(&self) -> &dyn StateView {
        &*self.committed
    }

    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        if let Some(written) = self.written.get(key) {
            return Ok(written.clone());
        }
        let committed = self.committed.get(key).map_err(|error| StateError::Store(error.to_string()))?;
        Ok(committed.map(|value| value.to_vec()))
    }

    pub fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), StateError> {
        check_key(key)?;
        if value.len() > VALUE_OCTETS {
            return Err(StateError::ValueTooLarge);
        }
        self.write(key, Some(value))
    }

    pub fn delete(&mut self, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.write(key, None)
    }

    pub fn increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        let now = match self.get(key)? {
            Some(value) => i64::from_le_bytes(value.try_into().map_err(|_| StateError::NotAnInteger)?),
            None => 0,
        };
        let sum = now.checked_add(delta).ok_or(StateError::Overflow)?;
        self.write(key, Some(sum.to_le_bytes().to_vec()))?;
        Ok(sum)
    }

    pub fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        // Deleted names hide committed ones, so that many more may have to be read than are shown.
        let hidden = self.written.values().filter(|value| value.is_none()).count();
        let committed = self
            .committed
            .names(prefix, cursor, PAGE_NAMES + hidden + 1)
            .map_err(|error| StateError::Store(error.to_string()))?;
        let mut names: std::collections::BTreeSet<String> = committed.into_iter().collect();
        for (name, value) in self.written.iter().filter(|(name, _)| name.starts_with(prefix)) {
            match value {
                Some(_) if cursor.is_none_or(|cursor| name.as_str() > cursor) => names.insert(name.clone()),
                _ => names.remove(name),
            };
        }
        let more = names.len() > PAGE_NAMES;
        let page: Vec<String> = names.into_iter().take(PAGE_NAMES).collect();
        let cursor = page.last().filter(|_| more).cloned();
        Ok((page, cursor))
    }

    /// Every write counts, also a second one of the same key: the quota bounds work, not only what stays.
    fn write(&mut self, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        let octets = key.len() + value.as_ref().map_or(0, Vec::len);
        let left = self.octets_left.checked_sub(octets).ok_or(StateError::QuotaExceeded)?;
        if let Some(room) = self.committed.room() {
            let octets = |value: Option<usize>| value.map_or(0, |length| (key.len() + length) as i64);
            let more = octets(value.as_ref().map(Vec::len)) - octets(self.get(key)?.map(|value| value.len()));
            // What makes it smaller is always welcome.
            if more > 0 && self.growth + more > i64::try_from(room).unwrap_or(i64::MAX) {
                return Err(StateError::QuotaExceeded);
            }
            self.growth += more;
        }
        self.octets_left = left;
        self.written.insert(key.to_owned(), value);
        Ok(())
    }

    pub fn growth(&self) -> i64 {
        self.growth
    }

    pub fn into_writes(self) -> Vec<(String, Option<Vec<u8>>)> {
        self.written.into_iter().collect()
    }
}

pub fn check_key(key: &str) -> Result<(), StateError> {
    if (1..=KEY_OCTETS).contains(&key.len()) { Ok(()) } else { Err(StateError::InvalidKey) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::committed::Committed;

    fn state(names: impl Iterator<Item = String>) -> StagedState {
        let rows = names.map(|name| (name, b"old".to_vec())).collect();
        StagedState::new(Arc::new(Committed { state: rows, ..Committed::default() }), 1000)
    }

    #[test]
    fn a_call_reads_its_own_writes() {
        let mut state = state(["a".to_owned()].into_iter());
        assert_eq!(state.get("a"), Ok(Some(b"old".to_vec())));
        state.set("a", b"new".to_vec()).expect("fits");
        assert_eq!(state.get("a"), Ok(Some(b"new".to_vec())));
        state.delete("a").expect("fits");
        assert_eq!(state.get("a"), Ok(None));
        assert_eq!(state.into_writes(), [("a".to_owned(), None)]);
    }

    #[test]
    fn increments_count_from_zero_and_refuse_what_is_no_integer() {
        let mut state = state(["text".to_owned()].into_iter());
        assert_eq!((state.increment("n", 5), state.increment("n", -7)), (Ok(5), Ok(-2)));
        assert_eq!(state.increment("text", 1), Err(StateError::NotAnInteger));
        assert_eq!(state.increment("n", i64::MIN), Err(StateError::Overflow));
    }

    #[test]
    fn listing_pages_through_committed_and_written_names_once_each() {
        let mut state = state((0..250).map(|n| format!("k{n:03}")));
        state.delete("k000").expect("fits");
        state.set("k0005", b"x".to_vec()).expect("fits");
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let (page, next) = state.list("k", cursor.as_deref()).expect("lists");
            all.extend(page);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((all.len(), all[0].as_str()), (250, "k0005"));
        assert!(all.is_sorted());
    }

    #[test]
    fn a_rule_that_has_all_its_state_may_replace_and_delete_but_not_add() {
        let committed =
            Committed { state: [("old".to_owned(), b"12345".to_vec())].into(), room: Some(10), ..Committed::default() };
        let mut state = StagedState::new(Arc::new(committed), 1_000);
        assert_eq!(state.set("new", vec![0; 8]), Err(StateError::QuotaExceeded));
        assert_eq!((state.set("new", vec![0; 7]), state.growth()), (Ok(()), 10));
        assert_eq!(state.set("old", b"123456".to_vec()), Err(StateError::QuotaExceeded));
        assert_eq!((state.set("old", b"54321".to_vec()), state.growth()), (Ok(()), 10));
        assert_eq!((state.delete("old"), state.delete("absent"), state.growth()), (Ok(()), Ok(()), 2));
        assert_eq!((state.set("more", vec![0; 4]), state.growth()), (Ok(()), 10));
    }

    #[test]
    fn limits_hold() {
        let mut state = state(std::iter::empty());
        assert_eq!(state.set("", vec![]), Err(StateError::InvalidKey));
        assert_eq!(state.set(&"k".repeat(129), vec![]), Err(StateError::InvalidKey));
        assert_eq!(state.set("k", vec![0; VALUE_OCTETS + 1]), Err(StateError::ValueTooLarge));
        assert_eq!(state.set("k", vec![0; 999]), Ok(()));
        assert_eq!(state.set("k", vec![]), Err(StateError::QuotaExceeded));
    }
}
