//! Rows that are written once and read seldom: the history. Each checkpoint writes those of its layer as one sorted
//! file, a **run**; nothing is moved again, and the oldest runs go as a whole. A run is written again without what is over in it: for
//! customers whose history is over sooner, and where it has rows of a long time, as in a quiet house.
//!
//! sled would update a tree for each row; a run costs one sequential write. A run that is small is written again together
//! with the next one, so that a house that restarts often does not gather them.
//!
//! Rows in several runs with one key are the same row: a checkpoint that was torn is repeated.

pub(super) mod file;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::keys::Key;
use super::retention::{Over, happened_ms};
use file::{Cursor, Run};

/// A run below this is written again together with the next one.
const SMALL_OCTETS: u64 = 4 << 20;

pub struct Runs {
    directory: PathBuf,
    /// Oldest first.
    runs: Mutex<Vec<Arc<Run>>>,
    /// Held by who writes a file.
    writing: Mutex<()>,
}

impl Runs {
    /// Opens the runs in `directory`; what a crash left half written goes.
    pub fn open(directory: &Path) -> io::Result<Runs> {
        std::fs::create_dir_all(directory)?;
        let mut runs = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("run") => runs.push(Arc::new(Run::open(&path)?)),
                Some("new") => std::fs::remove_file(&path)?,
                _ => {}
            }
        }
        runs.sort_by_key(|run| run.number);
        Ok(Runs { directory: directory.into(), runs: Mutex::new(runs), writing: Mutex::default() })
    }

    /// Writes rows, in order of their keys, as one run; they are durable when this returns.
    pub fn write(&self, rows: &[(&[u8], &[u8])]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let _writing = self.writing.lock();
        let last = self.runs.lock().last().cloned();
        let number = last.as_ref().map_or(1, |run| run.number + 1);
        let small = last.filter(|run| run.octets < SMALL_OCTETS);
        let run = match &small {
            Some(small) => {
                let mut all: BTreeMap<Key, Bytes> = small.cursor(&[])?.collect::<io::Result<_>>()?;
                let row = |(key, value): &(&[u8], &[u8])| (Key::from(*key), Bytes::copy_from_slice(value));
                all.extend(rows.iter().map(row));
                Run::write(&self.directory, number, all.iter().map(Ok))?
            }
            None => Run::write(&self.directory, number, rows.iter().copied().map(Ok))?,
        };
        let mut runs = self.runs.lock();
        runs.push(Arc::new(run));
        if let Some(small) = small {
            runs.retain(|run| run.number != small.number);
            small.remove()?;
        }
        Ok(())
    }

    /// At most `limit` rows with `from <= key < to`, in order.
    pub fn range(&self, from: &[u8], to: &[u8], limit: usize) -> io::Result<Vec<(Key, Bytes)>> {
        let runs = self.all();
        let mut sources: Vec<Cursor<'_>> = Vec::with_capacity(runs.len());
        let mut heads: BinaryHeap<Reverse<(Key, usize)>> = BinaryHeap::new();
        let mut values: Vec<Bytes> = vec![Bytes::new(); runs.len()];
        for run in &runs {
            sources.push(run.cursor(from)?);
        }
        let mut advance = |index: usize, heads: &mut BinaryHeap<_>, values: &mut Vec<Bytes>| -> io::Result<()> {
            if let Some((key, value)) = sources[index].next().transpose()?.filter(|(key, _)| **key < *to) {
                values[index] = value;
                heads.push(Reverse((key, index)));
            }
            Ok(())
        };
        for index in 0..runs.len() {
            advance(index, &mut heads, &mut values)?;
        }
        let mut rows: Vec<(Key, Bytes)> = Vec::new();
        while let Some(Reverse((key, index))) = heads.pop() {
            if rows.last().is_none_or(|(last, _)| *last != key) {
                if rows.len() == limit {
                    break;
                }
                rows.push((key, std::mem::take(&mut values[index])));
            }
            advance(index, &mut heads, &mut values)?;
        }
        Ok(rows)
    }

    /// Removes runs that were written before this time (milliseconds since 1970), and the oldest ones above so many
    /// octets of all; out of the others goes, once an hour, what happened before. `first` is told before, up to when what goes
    /// happened. Yields how many runs went or were written again.
    pub fn prune(&self, before_ms: u64, octets_max: u64, first: &dyn Fn(u64) -> io::Result<()>) -> io::Result<usize> {
        let mut over = Vec::new();
        {
            let mut runs = self.runs.lock();
            let mut octets: u64 = runs.iter().map(|run| run.octets).sum();
            let mut count = 0;
            while let Some(oldest) = runs.get(count) {
                if oldest.written_ms >= before_ms && octets <= octets_max {
                    break;
                }
                octets -= oldest.octets;
                count += 1;
            }
            if let Some(youngest_ms) = runs[..count].iter().map(|run| run.written_ms).max() {
                first(youngest_ms)?;
            }
            over.extend(runs.drain(..count));
        }
        over.iter().try_for_each(|run| run.remove())?;
        let before_ms = whole_hours(before_ms);
        let has_older = |run: &Run| run.oldest_ms < before_ms;
        if !self.all().iter().any(|run| has_older(run)) {
            return Ok(over.len());
        }
        first(before_ms - 1)?;
        let is_over = |key: &[u8]| happened_ms(key).is_some_and(|at| at < before_ms);
        Ok(over.len() + self.write_again(|run| Ok(has_older(run)), is_over)?)
    }

    /// Writes those runs again that have rows which are over, without these. Yields how many it were.
    pub fn forget(&self, over: &Over) -> io::Result<usize> {
        self.write_again(|run| has_any(run, over), |key| over.has(key))
    }

    /// Those that are wanted, without the rows that are over.
    fn write_again(
        &self,
        wanted: impl Fn(&Run) -> io::Result<bool>,
        is_over: impl Fn(&[u8]) -> bool,
    ) -> io::Result<usize> {
        let mut written = 0;
        for Run { number, .. } in self.all().iter().map(|run| &**run) {
            let _writing = self.writing.lock();
            let Some(run) = self.all().into_iter().find(|run| run.number == *number) else { continue };
            if !wanted(&run)? {
                continue;
            }
            let rows = run.cursor(&[])?.filter(|row| !row.as_ref().is_ok_and(|(key, _)| is_over(key)));
            let rest = Arc::new(Run::write_of(&self.directory, run.number, run.written_ms, rows)?);
            let mut runs = self.runs.lock();
            if rest.is_empty() {
                runs.retain(|run| run.number != rest.number);
                rest.remove()?;
            }
            runs.iter_mut().filter(|run| run.number == rest.number).for_each(|run| *run = rest.clone());
            written += 1;
        }
        Ok(written)
    }

    /// Files and octets of all runs.
    #[cfg(test)]
    pub fn size(&self) -> (usize, u64) {
        let runs = self.runs.lock();
        (runs.len(), runs.iter().map(|run| run.octets).sum())
    }

    pub fn all(&self) -> Vec<Arc<Run>> {
        self.runs.lock().clone()
    }
}

/// What is over goes so often: each time costs writing a run that has some of it.
pub(super) fn whole_hours(ms: u64) -> u64 {
    const HOUR_MS: u64 = 3_600_000;
    ms / HOUR_MS * HOUR_MS
}

/// A look for each customer, and no more: most runs have nothing that is over.
fn has_any(run: &Run, over: &Over) -> io::Result<bool> {
    for (from, to) in over.ranges() {
        if run.cursor(&from)?.next().transpose()?.is_some_and(|(key, _)| key < to) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
