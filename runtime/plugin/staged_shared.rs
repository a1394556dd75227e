//! The state that all devices of a rule share, as a call sees and changes it: what it read is checked when its effects
//! are stored, and what it only added to is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::invocation::{PAGE_NAMES, StateView, VALUE_OCTETS};
use super::staged_state::{Page, StateError, check_key};
use crate::occasion::{SharedRead, SharedWrite, sum};

pub struct StagedShared {
    committed: Arc<dyn StateView>,
    reads: BTreeMap<String, Option<Bytes>>,
    listings: Vec<SharedRead>,
    writes: BTreeMap<String, SharedWrite>,
    octets_left: usize,
}

impl StagedShared {
    pub fn new(committed: Arc<dyn StateView>, octets: usize) -> StagedShared {
        let (reads, listings, writes) = Default::default();
        StagedShared { committed, reads, listings, writes, octets_left: octets }
    }

    /// With what the call itself wrote and added.
    pub fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        match self.writes.get(key) {
            Some(SharedWrite::Put(value)) => return Ok(Some(value.to_vec())),
            Some(SharedWrite::Delete) => return Ok(None),
            Some(SharedWrite::Add(_)) | None => {}
        }
        if !self.reads.contains_key(key) {
            let committed = self.committed.shared(key).map_err(|error| StateError::Store(error.to_string()))?;
            self.reads.insert(key.to_owned(), committed);
        }
        let read = self.reads.get(key).and_then(Option::as_ref);
        Ok(match self.writes.get(key) {
            Some(SharedWrite::Add(delta)) => Some(sum(read.map(|value| &value[..]), *delta).to_vec()),
            _ => read.map(|value| value.to_vec()),
        })
    }

    pub fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), StateError> {
        check_key(key)?;
        if value.len() > VALUE_OCTETS {
            return Err(StateError::ValueTooLarge);
        }
        self.spend(key.len() + value.len())?;
        self.writes.insert(key.to_owned(), SharedWrite::Put(value.into()));
        Ok(())
    }

    pub fn delete(&mut self, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.spend(key.len())?;
        self.writes.insert(key.to_owned(), SharedWrite::Delete);
        Ok(())
    }

    /// Adds to what is there when the effects are stored, whatever that is then.
    pub fn add(&mut self, key: &str, delta: i64) -> Result<(), StateError> {
        check_key(key)?;
        self.spend(key.len() + 8)?;
        let add = match self.writes.get(key) {
            Some(SharedWrite::Put(value)) => SharedWrite::Put(Bytes::copy_from_slice(&sum(Some(value), delta))),
            Some(SharedWrite::Delete) => SharedWrite::Put(Bytes::copy_from_slice(&sum(None, delta))),
            Some(SharedWrite::Add(before)) => SharedWrite::Add(before.wrapping_add(delta)),
            None => SharedWrite::Add(delta),
        };
        self.writes.insert(key.to_owned(), add);
        Ok(())
    }

    pub fn list(&mut self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        let hidden = self.writes.values().filter(|write| matches!(write, SharedWrite::Delete)).count();
        let limit = PAGE_NAMES + hidden + 1;
        let found = self.committed.shared_names(prefix, cursor, limit);
        let found = found.map_err(|error| StateError::Store(error.to_string()))?;
        self.spend(prefix.len() + found.iter().map(String::len).sum::<usize>() / 16)?; // it is kept to be checked
        let mut names: std::collections::BTreeSet<String> = found.iter().cloned().collect();
        let (prefix, after) = (prefix.to_owned(), cursor.map(str::to_owned));
        for (name, write) in self.writes.iter().filter(|(name, _)| name.starts_with(&prefix)) {
            match write {
                SharedWrite::Delete => names.remove(name),
                _ if cursor.is_none_or(|cursor| name.as_str() > cursor) => names.insert(name.clone()),
                _ => false,
            };
        }
        self.listings.push(SharedRead::Names { prefix, after, limit, found });
        let more = names.len() > PAGE_NAMES;
        let page: Vec<String> = names.into_iter().take(PAGE_NAMES).collect();
        let cursor = page.last().filter(|_| more).cloned();
        Ok((page, cursor))
    }

    /// What must still be so, and what is written then.
    pub fn into_effects(self) -> (Vec<SharedRead>, Vec<(String, SharedWrite)>) {
        let values = self.reads.into_iter().map(|(name, value)| SharedRead::Value(name, value));
        (values.chain(self.listings).collect(), self.writes.into_iter().collect())
    }

    fn spend(&mut self, octets: usize) -> Result<(), StateError> {
        self.octets_left = self.octets_left.checked_sub(octets).ok_or(StateError::QuotaExceeded)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::committed::Committed;

    fn shared(rows: &[(&str, &[u8])]) -> StagedShared {
        let rows = rows.iter().map(|(name, value)| (name.to_string(), value.to_vec())).collect();
        StagedShared::new(Arc::new(Committed { shared: rows, ..Committed::default() }), 1_000)
    }

    #[test]
    fn adding_reads_nothing_and_reading_is_remembered_once() {
        let mut state = shared(&[("n", &5_i64.to_le_bytes())]);
        state.add("n", 2).expect("fits");
        state.add("n", 3).expect("fits");
        let (reads, writes) = shared(&[]).into_effects();
        assert!(reads.is_empty() && writes.is_empty());
        assert_eq!(state.get("n"), Ok(Some(10_i64.to_le_bytes().to_vec())));
        state.get("n").expect("again");
        let (reads, writes) = state.into_effects();
        assert_eq!(reads, [SharedRead::Value("n".into(), Some(5_i64.to_le_bytes().to_vec().into()))]);
        assert_eq!(writes, [("n".to_owned(), SharedWrite::Add(5))]);
    }

    #[test]
    fn what_a_call_wrote_is_what_it_adds_to() {
        let mut state = shared(&[("n", &5_i64.to_le_bytes())]);
        state.set("n", 40_i64.to_le_bytes().to_vec()).expect("fits");
        state.add("n", 2).expect("fits");
        state.delete("gone").expect("fits");
        state.add("gone", -1).expect("fits");
        assert_eq!(state.get("n"), Ok(Some(42_i64.to_le_bytes().to_vec())));
        assert_eq!(state.get("gone"), Ok(Some((-1_i64).to_le_bytes().to_vec())));
        let (reads, writes) = state.into_effects();
        assert!(reads.is_empty(), "what it wrote itself depends on nobody: {reads:?}");
        assert!(writes.iter().all(|(_, write)| matches!(write, SharedWrite::Put(_))));
    }

    #[test]
    fn a_listing_is_checked_as_it_was_found() {
        let mut state = shared(&[("a1", b"x"), ("a2", b"x"), ("b", b"x")]);
        state.delete("a1").expect("fits");
        state.set("a3", b"x".to_vec()).expect("fits");
        assert_eq!(state.list("a", None), Ok((vec!["a2".into(), "a3".into()], None)));
        let (reads, _) = state.into_effects();
        let found = vec!["a1".to_owned(), "a2".to_owned()];
        assert_eq!(reads, [SharedRead::Names { prefix: "a".into(), after: None, limit: PAGE_NAMES + 2, found }]);
    }

    #[test]
    fn limits_hold() {
        let mut state = shared(&[]);
        assert_eq!(state.add("", 1), Err(StateError::InvalidKey));
        assert_eq!(state.set("k", vec![0; VALUE_OCTETS + 1]), Err(StateError::ValueTooLarge));
        assert_eq!(state.set("k", vec![0; 999]), Ok(()));
        assert_eq!(state.add("k", 1), Err(StateError::QuotaExceeded));
    }
}
