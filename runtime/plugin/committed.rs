//! What earlier calls left, in memory: for tests of what is staged over it.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;

use super::invocation::StateView;
use crate::device::Device;
use crate::occasion::TimerSet;

#[derive(Default)]
pub struct Committed {
    pub state: BTreeMap<String, Vec<u8>>,
    pub shared: BTreeMap<String, Vec<u8>>,
    pub timers: BTreeMap<String, TimerSet>,
    pub room: Option<u64>,
}

fn value(rows: &BTreeMap<String, Vec<u8>>, name: &str) -> Option<Bytes> {
    rows.get(name).map(|value| value.clone().into())
}

fn names(rows: &BTreeMap<String, Vec<u8>>, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let names = rows.keys().filter(|name| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after));
    names.take(limit).cloned().collect()
}

impl StateView for Committed {
    fn get(&self, name: &str) -> io::Result<Option<Bytes>> {
        Ok(value(&self.state, name))
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        Ok(names(&self.state, prefix, after, limit))
    }

    fn shared(&self, name: &str) -> io::Result<Option<Bytes>> {
        Ok(value(&self.shared, name))
    }

    fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        Ok(names(&self.shared, prefix, after, limit))
    }

    fn timer(&self, name: &str) -> io::Result<Option<TimerSet>> {
        Ok(self.timers.get(name).copied())
    }

    fn timers(&self, limit: usize) -> io::Result<usize> {
        Ok(self.timers.len().min(limit))
    }

    fn room(&self) -> Option<u64> {
        self.room
    }

    fn device(&self) -> io::Result<Option<Device>> {
        Ok(None)
    }
}
