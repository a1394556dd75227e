//! Components in the data directory, and what they were compiled to.
//!
//! ```text
//! plugins/<digest>.wasm             as it was uploaded
//! plugins/<digest>-<engine>.cwasm   compiled by this program for its own engines; can be made again at any time
//! plugins/.new-…                    of an upload or a compilation that is under way
//! ```
//! A file gets its name when it is whole and on disk, so that a crash leaves no half of one. Customers that upload the
//! same component share its files; who may use it is said elsewhere.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::compile::{self, CompileLimits, NotCompiled};
use super::digest::Digest;

const UNFINISHED: &str = ".new-";
const WASM: &str = "wasm";
const COMPILED: &str = "cwasm";

pub struct PluginFiles {
    folder: PathBuf,
    /// Which engine a compiled form is for.
    engine: String,
    limits: CompileLimits,
    turns: Semaphore,
    /// Whoever compiles a component holds its lock; whoever wants the same one waits for it.
    flights: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
    unfinished: AtomicU64,
}

impl PluginFiles {
    /// Makes `folder` where it is missing, and removes what a crash left half done.
    pub fn open(folder: PathBuf, engine: String, limits: CompileLimits, at_once: usize) -> io::Result<PluginFiles> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(named)?;
        for name in names(&folder).map_err(named)?.into_iter().filter(|name| name.starts_with(UNFINISHED)) {
            let _ = fs::remove_file(folder.join(name)); // it is in nobody's way
        }
        let turns = Semaphore::new(at_once);
        let (flights, unfinished) = (Mutex::default(), AtomicU64::new(0));
        Ok(PluginFiles { folder, engine, limits, turns, flights, unfinished })
    }

    pub fn component(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.{WASM}", digest.hex()))
    }

    fn compiled(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}-{}.{COMPILED}", digest.hex(), self.engine))
    }

    fn unfinished(&self) -> PathBuf {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()))
    }

    /// A component that comes in pieces.
    pub fn receive(self: &Arc<Self>) -> io::Result<Incoming> {
        let path = self.unfinished();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Incoming { files: self.clone(), path, file: Some(file), hash: Sha256::new(), octets: 0, head: Vec::new() })
    }

    /// The file of a component's compiled form: made if it is not there. `source` has the component of this digest.
    pub async fn compile(&self, digest: Digest, source: &Path) -> Result<PathBuf, NotCompiled> {
        let target = self.compiled(&digest);
        let flight = self.flights.lock().entry(digest).or_default().clone();
        let landed = flight.lock().await;
        let result = match target.exists() {
            true => Ok(target),
            false => self.compile_now(digest, source, target).await,
        };
        drop(landed);
        let mut flights = self.flights.lock();
        // This one's and the table's: nobody else waits.
        if Arc::strong_count(&flight) == 2 {
            flights.remove(&digest);
        }
        result
    }

    async fn compile_now(&self, digest: Digest, source: &Path, target: PathBuf) -> Result<PathBuf, NotCompiled> {
        let failed = |error: io::Error| NotCompiled::Failed(error.to_string());
        let _turn = self.turns.acquire().await.map_err(|error| NotCompiled::Failed(error.to_string()))?;
        let unfinished = Unfinished(self.unfinished());
        compile::compile(source, digest, &unfinished.0, self.limits).await?;
        fs::rename(&unfinished.0, &target).map_err(failed)?;
        sync(&self.folder).map_err(failed)?;
        Ok(target)
    }

    /// A compiled form that does not load is none; the next look makes another one.
    pub fn forget_compiled(&self, digest: &Digest) {
        let _ = fs::remove_file(self.compiled(digest)); // it is not there
    }

    /// Removes a component that is not `wanted`.
    pub fn forget(&self, digest: &Digest, wanted: &HashSet<Digest>) {
        if !wanted.contains(digest) {
            let _ = fs::remove_file(self.component(digest)); // it never came
            self.forget_compiled(digest);
        }
    }

    /// Removes what is not `wanted` and older than `before`, and what other engines compiled to.
    pub fn sweep(&self, wanted: &HashSet<Digest>, before: SystemTime) -> io::Result<usize> {
        let mut removed = 0;
        for name in names(&self.folder)? {
            let (stem, engine) = match name.rsplit_once('.') {
                Some((stem, WASM)) => (stem, None),
                Some((stem, COMPILED)) => stem.split_once('-').map_or((stem, None), |(stem, of)| (stem, Some(of))),
                _ => continue,
            };
            let Ok(digest) = stem.parse::<Digest>() else { continue };
            let path = self.folder.join(&name);
            let is_old = fs::metadata(&path).and_then(|file| file.modified()).is_ok_and(|at| at < before);
            let is_foreign = engine.is_some_and(|engine| engine != self.engine);
            if is_old && (is_foreign || !wanted.contains(&digest)) {
                fs::remove_file(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Goes with whoever made it.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // it has its name already
    }
}

/// A component of which some has come. Without [`keep`](Self::keep) it leaves nothing.
pub struct Incoming {
    files: Arc<PluginFiles>,
    path: PathBuf,
    file: Option<File>,
    hash: Sha256,
    octets: u64,
    head: Vec<u8>,
}

/// As many tell what a file is.
const HEAD: usize = 8;

impl Incoming {
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let missing = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..missing]);
        self.hash.update(piece);
        self.octets += piece.len() as u64;
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(piece))
    }

    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Enough has come to tell what it is.
    pub fn is_known(&self) -> bool {
        self.head.len() == HEAD
    }

    /// What it is instead of a component, where that shows already.
    pub fn foreign(&self) -> Option<&'static str> {
        compile::foreign(&self.head)
    }

    /// All of it has come: it is on disk under its digest.
    pub fn keep(mut self) -> io::Result<Digest> {
        let digest = Digest::finish(std::mem::take(&mut self.hash));
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        fs::rename(&self.path, self.files.component(&digest))?;
        sync(&self.files.folder)?;
        Ok(digest)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // it has its name already
    }
}

#[cfg(test)]
mod tests;
