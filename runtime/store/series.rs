//! How many messages a customer had, step by step: one row for each customer that had any, a few kilobytes at most.

use std::io;

use super::keys::{self, Kind};
use super::{Store, record};
use crate::tally::KeptSeries;

impl Store {
    pub fn series(&self, customer: &str) -> io::Result<Option<KeptSeries>> {
        let row = self.inner.lock().tables.get(&keys::series(customer))?;
        row.map(|value| record::decode(&value).map_err(io::Error::other)).transpose()
    }

    /// Whose there are.
    pub fn with_series(&self) -> io::Result<Vec<Box<str>>> {
        self.names_of(Kind::Series)
    }
}
