//! Reads a range of rows page by page, so that nobody else waits long for the tables.

use std::io;

use super::Store;
use super::keys::{self, Key, Kind, Partition};
use super::tables::Row;

/// Rows that are read under one lock: bounds what a page of long messages takes, too.
pub const PAGE_ROWS: usize = 256;

/// Calls `each` with every row that `page` finds from one key to another, until it says false.
pub fn each_while(
    mut from: Key,
    to: &[u8],
    page: impl Fn(&[u8], &[u8]) -> io::Result<Vec<Row>>,
    mut each: impl FnMut(Row) -> io::Result<bool>,
) -> io::Result<()> {
    loop {
        let rows = page(&from, to)?;
        let is_last = rows.len() < PAGE_ROWS;
        if let Some(last) = rows.last() {
            from = [&*last.key, b"\0"].concat().into();
        }
        for row in rows {
            if !each(row)? {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

impl Store {
    /// Rows as they are now, durable or not.
    pub(super) fn each_row_while(
        &self,
        from: Key,
        to: &[u8],
        each: impl FnMut(Row) -> io::Result<bool>,
    ) -> io::Result<()> {
        each_while(from, to, |from, to| self.inner.lock().tables.range(from, to, PAGE_ROWS), each)
    }

    /// The names that keys of this kind begin with, each once.
    pub(super) fn names_of(&self, kind: Kind) -> io::Result<Vec<Box<str>>> {
        let mut found = Vec::new();
        for partition in Partition::all() {
            let (mut from, to) = keys::all(partition, kind);
            loop {
                let rows = self.inner.lock().tables.range(&from, &to, 1)?;
                let Some(name) = rows.first().and_then(|row| keys::name(&row.key)) else { break };
                found.push(name.into());
                from = keys::after(&keys::prefixed(partition, kind, name, 0));
            }
        }
        Ok(found)
    }

    pub(super) fn each_row(&self, from: Key, to: &[u8], mut each: impl FnMut(Row) -> io::Result<()>) -> io::Result<()> {
        self.each_row_while(from, to, |row| each(row).map(|()| true))
    }
}
