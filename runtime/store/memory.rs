//! A store in memory whose disk can be told to fail: for the simulator and the tests.
//!
//! A [`MemoryDisk`] outlives the store opened on it, as a real disk outlives a process. Only what was
//! synced before the crash is there when it is opened again.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::backend::{Base, Keeps, Log, Opened};
use super::keys::Key;
use super::retention::Over;
use super::seal::Seal;

/// What the next syncs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The `n`-th sync from now (1 is the next) fails before anything is kept.
    LostAtSync(u64),
    /// The `n`-th sync fails after the octets were kept: nobody can know.
    KeptAtSync(u64),
    /// No space from the `n`-th sync on.
    DiskFullAtSync(u64),
}

#[derive(Default)]
struct Platter {
    /// Segments of synced groups.
    segments: Vec<Vec<Bytes>>,
    rows: BTreeMap<Key, Bytes>,
    syncs: u64,
    fault: Option<Fault>,
    dead: bool,
}

/// A disk in memory.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    platter: Arc<Mutex<Platter>>,
}

impl MemoryDisk {
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// Syncs that happened so far, of the log and of the base.
    pub fn syncs(&self) -> u64 {
        self.platter.lock().syncs
    }

    pub fn inject(&self, fault: Fault) {
        let mut platter = self.platter.lock();
        let now = platter.syncs;
        platter.fault = Some(match fault {
            Fault::LostAtSync(n) => Fault::LostAtSync(now + n),
            Fault::KeptAtSync(n) => Fault::KeptAtSync(now + n),
            Fault::DiskFullAtSync(n) => Fault::DiskFullAtSync(now + n),
        });
    }

    /// Opens what survived; faults of the past are over.
    pub fn open(&self) -> Opened {
        let mut platter = self.platter.lock();
        platter.fault = None;
        platter.dead = false;
        let groups = platter.segments.iter().flatten().cloned().collect();
        platter.segments.push(Vec::new());
        drop(platter);
        let log = MemoryLog { disk: self.clone(), octets: 0 };
        let seal = Seal::of(&[7; 32]).expect("as long as a key is");
        let base = Arc::new(MemoryBase { disk: self.clone() });
        Opened { log: Box::new(log), base, groups, keeps: Keeps::ALL, seal }
    }

    /// Counts one sync; an error is a crash or a full disk, after which this opening is dead.
    fn sync(&self, keep: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let mut platter = self.platter.lock();
        if platter.dead {
            return Err(io::Error::other("the disk is gone"));
        }
        platter.syncs += 1;
        let now = platter.syncs;
        let error = match platter.fault {
            Some(Fault::LostAtSync(at)) if at == now => io::Error::other("sync failed"),
            Some(Fault::KeptAtSync(at)) if at == now => {
                keep(&mut platter);
                io::Error::other("sync failed")
            }
            Some(Fault::DiskFullAtSync(at)) if at <= now => io::ErrorKind::StorageFull.into(),
            _ => {
                keep(&mut platter);
                return Ok(());
            }
        };
        platter.dead = true;
        Err(error)
    }
}

struct MemoryLog {
    disk: MemoryDisk,
    octets: u64,
}

/// Segments of the memory form are tiny, so that every scenario passes several checkpoints.
const SEGMENT_OCTETS_SHOWN_AS: u64 = 2 << 10;

impl Log for MemoryLog {
    fn append_synced(&mut self, group: &[u8]) -> io::Result<()> {
        let group = Bytes::copy_from_slice(group);
        // One octet here counts as many of the real log.
        self.octets += group.len() as u64 * (super::commit_log::SEGMENT_OCTETS / SEGMENT_OCTETS_SHOWN_AS);
        self.disk.sync(|platter| {
            if let Some(segment) = platter.segments.last_mut() {
                segment.push(group);
            }
        })
    }

    fn segment_octets(&self) -> u64 {
        self.octets
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.octets = 0;
        self.disk.sync(|platter| platter.segments.push(Vec::new()))
    }

    fn discard_old(&mut self) -> io::Result<()> {
        self.disk.sync(|platter| {
            let current = platter.segments.pop().unwrap_or_default();
            platter.segments = vec![current];
        })
    }
}

struct MemoryBase {
    disk: MemoryDisk,
}

impl Base for MemoryBase {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        Ok(self.disk.platter.lock().rows.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> io::Result<Vec<(Key, Bytes)>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let platter = self.disk.platter.lock();
        let rows = platter.rows.range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)));
        Ok(rows.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn append(&self, rows: &[(&[u8], &[u8])]) -> io::Result<()> {
        self.disk.sync(|platter| {
            let row = |(key, value): &(&[u8], &[u8])| (Key::from(*key), Bytes::copy_from_slice(value));
            platter.rows.extend(rows.iter().map(row));
        })
    }

    /// A test's history is short.
    fn prune(&self, _before_ms: u64, _octets_max: u64) -> io::Result<()> {
        Ok(())
    }

    fn forget(&self, over: &Over) -> io::Result<()> {
        self.disk.sync(|platter| platter.rows.retain(|key, _| !over.has(key)))
    }

    fn prune_feeds(&self, _: u64, _: u64, _: &dyn Fn(u64) -> io::Result<()>) -> io::Result<()> {
        Ok(())
    }

    fn copy_to(&self, _directory: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Each half is a sync of its own, so that a crash in the middle leaves a torn checkpoint.
    fn apply(&self, rows: &mut dyn Iterator<Item = (&[u8], Option<&Bytes>)>) -> io::Result<()> {
        let rows: Vec<(Key, Option<Bytes>)> = rows.map(|(key, value)| (key.into(), value.cloned())).collect();
        let (first, second) = rows.split_at(rows.len() / 2);
        for half in [first, second] {
            self.disk.sync(|platter| {
                for (key, value) in half {
                    match value {
                        Some(value) => platter.rows.insert(key.clone(), value.clone()),
                        None => platter.rows.remove(key),
                    };
                }
            })?;
        }
        Ok(())
    }
}
