//! The store's files: the commit log, and as the base sled and the runs of the history.
//!
//! sled 0.34 on Linux makes a flush "durable" with sync_file_range(2), which neither empties the disk's
//! cache nor records that the file has grown: enough for a killed process, not for a power cut. So the
//! base syncs sled's file itself, and only the commit log's word counts between checkpoints.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::backend::{Base, Keeps, Opened};
use super::backup;
use super::commit_log::{self, CommitLog, sync_directory};
use super::feed;
use super::keys::{self, Key};
use super::retention::Over;
use super::runs::Runs;
use super::runs::file::Run;
use super::seal::Seal;

/// sled's page cache. Most reads are answered by the layers in memory above it.
const CACHE_OCTETS: u64 = 16 << 20;

/// Below this nothing is accepted any more.
const FREE_OCTETS_MIN: u64 = 512 << 20;

pub(super) const LOG: &str = "log";
const TABLES: &str = "tables";
pub(super) const HISTORY: &str = "history";
pub(super) const EVENTS: &str = "events";

/// Opens or creates the store in `directory`.
pub fn open(directory: &Path, keeps: Keeps) -> io::Result<Opened> {
    std::fs::create_dir_all(directory)
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be made: {error}", directory.display())))?;
    let tables = directory.join(TABLES);
    let base = sled::Config::new()
        .path(&tables)
        .cache_capacity(CACHE_OCTETS)
        .flush_every_ms(None)
        .open()
        .map_err(|error| explain(&error, &tables))?;
    // The base holds the directory's lock, so the log is opened after it.
    let log_directory = directory.join(LOG);
    let (log, groups) = CommitLog::open(&log_directory)?;
    let runs = Runs::open(&directory.join(HISTORY))?;
    let feeds = Runs::open(&directory.join(EVENTS))?;
    let base = DiskBase { tree: base, file: tables.join("db"), runs, feeds, log: log_directory };
    let seal = Seal::load_or_make(directory)?;
    Ok(Opened { log: Box::new(log), base: Arc::new(base), groups, keeps, seal })
}

/// Whether so little is free that a checkpoint may not fit any more: it writes what memory holds, and sled copies
/// what it changes.
pub fn is_nearly_full(directory: &Path) -> io::Result<bool> {
    Ok(free_octets(directory)? < FREE_OCTETS_MIN)
}

/// What may still be written to the disk of a data directory.
pub fn free_octets(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What the store has there: log, tables, history and events. Looks at every file of them.
pub fn used_octets(directory: &Path) -> u64 {
    [LOG, TABLES, HISTORY, EVENTS].map(|folder| octets_in(&directory.join(folder))).iter().sum()
}

/// Of its files and those of its folders. What goes meanwhile counts no more.
fn octets_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(of) if of.is_dir() => octets_in(&entry.path()),
            Ok(of) => of.len(),
            Err(_) => 0,
        })
        .sum()
}

fn explain(error: &sled::Error, tables: &Path) -> io::Error {
    let text = error.to_string();
    if text.contains("lock") {
        return io::Error::other(format!("{} is in use by another wasmsc process", tables.display()));
    }
    io::Error::other(format!("{}: {text}", tables.display()))
}

/// Rows that change are in sled, those of the history and of feeds in runs. No range of keys spans both.
struct DiskBase {
    tree: sled::Db,
    file: PathBuf,
    runs: Runs,
    feeds: Runs,
    /// For copies; who writes the log has it open.
    log: PathBuf,
}

impl Base for DiskBase {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        Ok(self.tree.get(key).map_err(io::Error::other)?.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> io::Result<Vec<(Key, Bytes)>> {
        if from >= to {
            return Ok(Vec::new());
        }
        if keys::is_history(from) {
            return self.runs.range(from, to, limit);
        }
        if feed::is_event(from) {
            return self.feeds.range(from, to, limit);
        }
        let rows = self.tree.range(from..to).take(limit);
        rows.map(|row| {
            let (key, value) = row.map_err(io::Error::other)?;
            Ok((key.as_ref().into(), Bytes::copy_from_slice(&value)))
        })
        .collect()
    }

    fn apply(&self, rows: &mut dyn Iterator<Item = (&[u8], Option<&Bytes>)>) -> io::Result<()> {
        // One by one: each insert copies its leaf, and sled frees the old one only when the epoch is pinned anew,
        // which a batch does once. With batches of 1,000 rows the garbage grew by 5 GB for a million messages.
        for (key, value) in rows {
            match value {
                Some(value) => self.tree.insert(key, &**value),
                None => self.tree.remove(key),
            }
            .map_err(io::Error::other)?;
        }
        self.tree.flush().map_err(io::Error::other)?;
        File::open(&self.file)?.sync_all()
    }

    fn append(&self, rows: &[(&[u8], &[u8])]) -> io::Result<()> {
        match rows.first() {
            Some((key, _)) if feed::is_event(key) => self.feeds.write(rows),
            _ => self.runs.write(rows),
        }
    }

    fn prune(&self, before_ms: u64, octets_max: u64) -> io::Result<()> {
        match self.runs.prune(before_ms, octets_max, &|_| Ok(()))? {
            0 => {}
            runs => tracing::info!(runs, "the oldest history is over"),
        }
        Ok(())
    }

    fn forget(&self, over: &Over) -> io::Result<()> {
        match self.runs.forget(over)? {
            0 => {}
            runs => tracing::info!(runs, "the history of some customers is over and was taken out"),
        }
        Ok(())
    }

    fn prune_feeds(&self, before_ms: u64, octets_max: u64, first: &dyn Fn(u64) -> io::Result<()>) -> io::Result<()> {
        self.feeds.prune(before_ms, octets_max, first).map(|_| ())
    }

    // Checkpoints go on, so the rows are of different moments. Whatever a checkpoint adds or removes meanwhile is in
    // the log, which is copied last: as after a torn checkpoint, replaying it makes the rows right.
    fn copy_to(&self, directory: &Path) -> io::Result<()> {
        let rows = self.tree.iter().map(|row| row.map_err(io::Error::other));
        Run::write(directory, backup::ROWS, rows)?;
        for (folder, runs) in [(HISTORY, &self.runs), (EVENTS, &self.feeds)] {
            let folder = directory.join(folder);
            std::fs::create_dir(&folder)?;
            runs.all().iter().try_for_each(|run| run.copy_to(&folder))?;
            sync_directory(&folder)?;
        }
        commit_log::copy(&self.log, &directory.join(LOG))
    }
}
