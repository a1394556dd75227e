//! What the store needs from whatever keeps its octets: a commit log and a base of rows.
//!
//! Two forms: `disk` (log files and sled) and `memory` (for the simulator, with faults on demand). A
//! clustered form would put a replicated stream in place of the log; nothing above would change.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::keys::Key;
use super::retention::Over;
use super::seal::Seal;

/// The append-only record of groups of changes. What it has synced survives everything.
pub trait Log: Send {
    /// Appends one group and returns when it is durable. After an error the log is not used again.
    fn append_synced(&mut self, group: &[u8]) -> io::Result<()>;
    /// Octets since the last rotation.
    fn segment_octets(&self) -> u64;
    /// Ends the current segment; later groups go to a new one.
    fn rotate(&mut self) -> io::Result<()>;
    /// Forgets all segments before the current one: the base holds what they say.
    fn discard_old(&mut self) -> io::Result<()>;
}

/// Rows that have been checkpointed. A torn `apply` is harmless: the log is replayed over it.
pub trait Base: Send + Sync {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>>;
    /// At most `limit` rows with `from <= key < to`, in order.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> io::Result<Vec<(Key, Bytes)>>;
    /// Writes (Some) or removes (None) rows; they are durable when this returns.
    fn apply(&self, rows: &mut dyn Iterator<Item = (&[u8], Option<&Bytes>)>) -> io::Result<()>;
    /// Adds rows of the history, or of feeds, in order; they are durable when this returns. The same rows may come again.
    fn append(&self, rows: &[(&[u8], &[u8])]) -> io::Result<()>;
    /// Ends the history from before this time (milliseconds since 1970), and the oldest above so many octets.
    fn prune(&self, before_ms: u64, octets_max: u64) -> io::Result<()>;
    /// Ends the part of the history that is over for its customers.
    fn forget(&self, over: &Over) -> io::Result<()>;
    /// Ends feeds as [`prune`](Self::prune) does the history; `first` is told of when the youngest of what goes is.
    fn prune_feeds(&self, before_ms: u64, octets_max: u64, first: &dyn Fn(u64) -> io::Result<()>) -> io::Result<()>;
    /// Copies the rows, and then the log, into an empty directory, beside the traffic. No segment of the log may be
    /// discarded meanwhile.
    fn copy_to(&self, directory: &Path) -> io::Result<()>;
}

/// A store's files, opened, with the groups that the base may not have yet.
pub struct Opened {
    pub log: Box<dyn Log>,
    pub base: Arc<dyn Base>,
    /// In the order in which they were appended.
    pub groups: Vec<Bytes>,
    pub keeps: Keeps,
    /// For secrets among what is set up.
    pub seal: Seal,
}

/// What is kept beside what the house needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// What happens to messages can be looked up.
    pub history: bool,
    /// Customers are told what happens.
    pub events: bool,
}

impl Keeps {
    pub const ALL: Keeps = Keeps { history: true, events: true };

    /// Somebody wants to know what happens to messages.
    pub fn any(self) -> bool {
        self.history || self.events
    }
}
