//! Backups: a copy of the store that is made while it works, and a data directory made of such a copy.
//!
//! ```text
//! 000000000000.run    the rows of the base, each of some moment while the copy was made
//! history/*.run       the history, as it is
//! events/*.run        the feeds, as they are
//! log/*.log           the commit log, from before the first row was copied to behind the last one
//! plugins/*.wasm      the plugins that were uploaded
//! secrets-key         what secrets among the rows are sealed with
//! backup.json         names, lengths and checksums of all of these; written last
//! ```
//! Replayed over the rows, the log makes them what they were at its end, as after a crash (see `disk`). So a backup holds
//! all that was durable when it began, and nothing by halves. It is made under another name and renamed: a directory
//! with a backup's name is whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::backend::Keeps;
use super::commit_log::sync_directory;
use super::disk;
use super::keys::Key;
use super::runs::file::Run;
use super::seal;
use super::{OpenError, Store, StoreFailed};
use crate::message::Timestamp;

/// Number of the run that holds the rows of the base.
pub(super) const ROWS: u64 = 0;
const ROWS_FILE: &str = "000000000000.run";
/// In a data directory, too: components of rules. What they were compiled to is made again.
const PLUGINS: &str = "plugins";
const MANIFEST: &str = "backup.json";
const FORMAT: u32 = 1;
/// Rows that a restore hands to the base at once: few syncs, and little memory.
const ROWS_AT_ONCE: usize = 20_000;

/// Why there is no backup, or none that can be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("a backup is being made already")]
    Running,
    #[error("{} has no room for a backup", .0.display())]
    NoRoom(PathBuf),
    #[error("{}: {why}", file.display())]
    Damaged { file: PathBuf, why: String },
    #[error("{} is not empty; a backup is restored into a new data directory only", .0.display())]
    NotEmpty(PathBuf),
    #[error("the backup cannot be opened: {0}")]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreFailed),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A backup that is whole and on disk.
#[derive(Debug)]
pub struct Made {
    pub directory: PathBuf,
    pub octets: u64,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    made_at: Timestamp,
    files: Vec<Listed>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Listed {
    name: String,
    octets: u64,
    crc32: u32,
}

/// While it lives, no segment of the log is discarded.
struct Hold<'s>(&'s Store);

impl<'s> Hold<'s> {
    fn take(store: &'s Store) -> Result<Hold<'s>, BackupError> {
        let mut is_backed_up = store.is_backed_up.lock();
        if std::mem::replace(&mut *is_backed_up, true) { Err(BackupError::Running) } else { Ok(Hold(store)) }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        *self.0.is_backed_up.lock() = false;
    }
}

impl Store {
    /// Makes the backup `name` in the folder `parent`. Takes as long as reading and writing the store does; messages go on.
    /// `data_dir` has the plugins.
    pub fn backup(&self, data_dir: &Path, parent: &Path, name: &str, now: Timestamp) -> Result<Made, BackupError> {
        let hold = Hold::take(self)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        if disk::is_nearly_full(parent)? {
            return Err(BackupError::NoRoom(parent.into()));
        }
        let unfinished = parent.join(format!("{name}.unfinished"));
        let directory = parent.join(name);
        fs::DirBuilder::new().mode(0o700).create(&unfinished)?;
        let base = self.inner.lock().tables.base();
        let copied = base.copy_to(&unfinished);
        // Behind the log: a plugin is on disk before the store knows of it.
        let copied =
            copied.and_then(|()| copy_plugins(data_dir, &unfinished)).and_then(|()| copy_key(data_dir, &unfinished));
        let copied = copied.and_then(|()| finish(&unfinished, now));
        drop(hold);
        let renamed = copied.and_then(|octets| fs::rename(&unfinished, &directory).map(|()| octets));
        match renamed {
            Ok(octets) => {
                sync_directory(parent)?;
                Ok(Made { directory, octets })
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&unfinished); // what is left of it says itself that it is nothing
                Err(error.into())
            }
        }
    }
}

fn copy_plugins(data_dir: &Path, to: &Path) -> io::Result<()> {
    let to = to.join(PLUGINS);
    fs::DirBuilder::new().mode(0o700).create(&to)?;
    let Some(entries) = present(fs::read_dir(data_dir.join(PLUGINS)))? else { return Ok(()) };
    for entry in entries {
        let file = entry?.path();
        let Some(name) = file.file_name().filter(|_| file.extension().is_some_and(|of| of == "wasm")) else { continue };
        // One that nobody needs any more may go meanwhile.
        if present(fs::copy(&file, to.join(name)))?.is_some() {
            File::open(to.join(name))?.sync_all()?;
        }
    }
    sync_directory(&to)
}

/// Without it, nobody could read what is sealed. As readable as it is here: for its owner alone.
fn copy_key(data_dir: &Path, to: &Path) -> io::Result<()> {
    let copy = to.join(seal::FILE);
    match present(fs::copy(data_dir.join(seal::FILE), &copy))? {
        Some(_) => File::open(&copy)?.sync_all(),
        None => Ok(()), // a store in memory has none
    }
}

/// None: it is not there.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Writes down what there is.
fn finish(directory: &Path, now: Timestamp) -> io::Result<u64> {
    let mut files = Vec::new();
    for name in names(directory)? {
        files.push(listed(directory, name)?);
    }
    let octets = files.iter().map(|file| file.octets).sum();
    let manifest = Manifest { format: FORMAT, made_at: now, files };
    let mut file = File::create(directory.join(MANIFEST))?;
    file.write_all(&serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?)?;
    file.sync_all()?;
    sync_directory(directory)?;
    Ok(octets)
}

/// Of all files but the manifest, in order.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in ["", disk::HISTORY, disk::EVENTS, disk::LOG, PLUGINS] {
        // Older backups have no plugins.
        let entries = present(fs::read_dir(directory.join(folder)))?;
        let entries = match (entries, folder) {
            (None, PLUGINS) => continue,
            (None, _) => return Err(io::Error::new(io::ErrorKind::NotFound, format!("{folder} is missing"))),
            (Some(entries), _) => entries,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| io::Error::other(format!("{name:?}")))?;
            if entry.file_type()?.is_file() && name != MANIFEST {
                names.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn listed(directory: &Path, name: String) -> io::Result<Listed> {
    let mut file = File::open(directory.join(&name))?;
    let mut hasher = crc32fast::Hasher::new();
    let (mut octets, mut piece) = (0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Listed { name, octets, crc32: hasher.finalize() }),
            length => {
                hasher.update(&piece[..length]);
                octets += length as u64;
            }
        }
    }
}

/// Makes a data directory of a backup, after every octet of it was checked. The directory appears as a whole, or not.
pub fn restore(backup: &Path, data_dir: &Path) -> Result<Timestamp, BackupError> {
    let manifest = verify(backup)?;
    if data_dir.exists() && fs::read_dir(data_dir)?.next().is_some() {
        return Err(BackupError::NotEmpty(data_dir.into()));
    }
    let absolute = std::path::absolute(data_dir)?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(BackupError::NotEmpty(data_dir.into()));
    };
    fs::create_dir_all(parent)?;
    let unfinished = parent.join(format!("{}.unfinished", name.to_string_lossy()));
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {} // of a restore that did not come to its end
    }
    fill(backup, &unfinished, &manifest)?;
    fs::rename(&unfinished, &absolute)?; // over an empty directory, if there is one
    sync_directory(parent)?;
    Ok(manifest.made_at)
}

fn verify(backup: &Path) -> Result<Manifest, BackupError> {
    let damaged = |name: &str, why: String| BackupError::Damaged { file: backup.join(name), why };
    let text = fs::read(backup.join(MANIFEST))
        .map_err(|error| damaged(MANIFEST, format!("{error}; is this a backup, and did it come to its end?")))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(MANIFEST, error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(damaged(MANIFEST, format!("format {} is of another version of wasmsc", manifest.format)));
    }
    let expected: Vec<&str> = manifest.files.iter().map(|file| &*file.name).collect();
    if names(backup)? != expected {
        return Err(damaged(MANIFEST, "files are missing, or there are others".to_owned()));
    }
    for file in &manifest.files {
        if listed(backup, file.name.clone())? != *file {
            return Err(damaged(&file.name, "it is not what was written".to_owned()));
        }
    }
    Ok(manifest)
}

fn fill(backup: &Path, data_dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    for folder in [disk::HISTORY, disk::EVENTS, disk::LOG, PLUGINS] {
        fs::create_dir_all(data_dir.join(folder))?;
    }
    for file in manifest.files.iter().filter(|file| file.name != ROWS_FILE) {
        let copy = data_dir.join(&file.name);
        fs::copy(backup.join(&file.name), &copy)?;
        File::open(&copy)?.sync_all()?;
    }
    // No feed goes on over a restore: whoever was told more since the backup has to hear of the gap.
    let opened = disk::open(data_dir, Keeps { history: true, events: false })?;
    let rows = Run::open(&backup.join(ROWS_FILE))?;
    let mut cursor = rows.cursor(&[])?;
    loop {
        let page: Vec<(Key, Bytes)> = cursor.by_ref().take(ROWS_AT_ONCE).collect::<io::Result<_>>()?;
        if page.is_empty() {
            break;
        }
        opened.base.apply(&mut page.iter().map(|(key, value)| (&**key, Some(value))))?;
    }
    // Replays the log, and writes what comes of it to the base: what cannot be opened is told now.
    let (store, writer) = Store::open(opened)?;
    store.close();
    writer.run()?;
    Ok(())
}

#[cfg(test)]
mod tests;
