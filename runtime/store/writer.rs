//! One writer makes everything durable: it takes whatever has gathered, writes it as one group, syncs
//! once, and then lets all who wait speak. While it syncs, the next group gathers: the busier the house,
//! the larger the groups.
//!
//! It also keeps the log short: when a segment is full, what is in memory is frozen and moved into the
//! base beside the traffic, and then the old segments go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::backend::{Base, Log};
use super::commit_log::SEGMENT_OCTETS;
use super::keys::{self, META_LAST_EVENT, META_LAST_NUMBER, META_LAST_TOLD};
use super::tables::Layer;
use super::{Inner, Pending, Store, StoreFailed};
use crate::clock;

/// What one turn of the writer found.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    Wrote,
    Idle,
    Failed,
}

/// A group of so many batches shows a busy house, for which fewer and larger groups cost less.
const BUSY_BATCHES: usize = 16;
/// How long a busy house gathers before the next group: about what a sync takes.
const GATHER: Duration = Duration::from_micros(250);

pub struct Writer {
    store: Arc<Store>,
    log: Box<dyn Log>,
    /// The last group was that of a busy house.
    is_busy: bool,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, log: Box<dyn Log>) -> Writer {
        Writer { store, log, is_busy: false }
    }

    /// Writes until the store is closed or has failed. Checkpoints run on a thread of their own.
    pub fn run(mut self) -> Result<(), StoreFailed> {
        loop {
            if self.is_busy {
                std::thread::sleep(GATHER);
            }
            if let Some(layer) = self.turn()? {
                let store = self.store.clone();
                let thread = std::thread::Builder::new().name("checkpoint".into());
                let spawned = thread.spawn(move || checkpoint_layer(&store, &layer));
                spawned.map_err(|error| self.store.inner.lock().poison(&error))?;
            }
            let mut inner = self.store.inner.lock();
            while inner.is_idle() && !inner.closing && inner.failed.is_none() {
                self.store.work.wait(&mut inner);
            }
            if let Some(failed) = &inner.failed {
                return Err(failed.clone());
            }
            if inner.closing && inner.pending.is_empty() {
                drop(inner);
                return self.close();
            }
        }
    }

    /// One turn without threads, checkpoint included: how the simulator drives the store.
    pub fn step(&mut self) -> Turn {
        let idle = self.store.inner.lock().is_idle();
        match self.turn() {
            Err(_) => Turn::Failed,
            Ok(Some(layer)) => {
                checkpoint_layer(&self.store, &layer);
                if self.store.failure().is_some() { Turn::Failed } else { Turn::Wrote }
            }
            Ok(None) if idle => Turn::Idle,
            Ok(None) => Turn::Wrote,
        }
    }

    /// Writes what is pending; yields a frozen layer when it is time for a checkpoint.
    fn turn(&mut self) -> Result<Option<Arc<Layer>>, StoreFailed> {
        let full = self.log.segment_octets() >= SEGMENT_OCTETS;
        let (pending, group, frozen, discard, told) = {
            let mut inner = self.store.inner.lock();
            if let Some(failed) = &inner.failed {
                let failed = failed.clone();
                let pending = std::mem::take(&mut inner.pending);
                drop(inner);
                return Err(refuse(pending, failed));
            }
            let discard = std::mem::take(&mut inner.checkpointed);
            if discard {
                inner.tables.thawed();
                self.store.checkpoints.fetch_add(1, Ordering::Relaxed);
            }
            let full = std::mem::take(&mut inner.wants_checkpoint) || full;
            // Frozen together with the pending group, whose changes the layer already has: that group goes
            // to the old segment and is synced before the base hears of it.
            let frozen = if full { inner.tables.freeze() } else { None };
            let group = inner.group;
            inner.group += 1;
            (std::mem::take(&mut inner.pending), group, frozen, discard, inner.last_told)
        };
        if !pending.octets.is_empty() {
            let started = clock::instant();
            if let Err(error) = self.log.append_synced(&pending.octets) {
                return Err(self.fail(pending, &error));
            }
            self.store.commits.record(started.elapsed());
        }
        self.is_busy = pending.done.len() >= BUSY_BATCHES;
        self.store.speaking.store(group, Ordering::SeqCst);
        for done in pending.done {
            done(Ok(()));
        }
        self.store.durable.store(group, Ordering::SeqCst);
        self.store.durable_told.store(told.0, Ordering::SeqCst);
        if let Some(call) = self.store.on_told.get() {
            pending.told.iter().filter_map(|prefix| keys::name(prefix)).for_each(call);
        }
        if discard {
            self.discard_old().map_err(|error| self.fail(Pending::default(), &error))?;
        }
        if frozen.is_some() {
            self.log.rotate().map_err(|error| self.fail(Pending::default(), &error))?;
        }
        Ok(frozen)
    }

    fn fail(&self, pending: Pending, error: &io::Error) -> StoreFailed {
        let (failed, rest) = {
            let mut inner = self.store.inner.lock();
            (inner.poison(error), std::mem::take(&mut inner.pending))
        };
        refuse(rest, refuse(pending, failed))
    }

    /// Moves everything into the base: at start after a replay, and at the end.
    pub(super) fn checkpoint_now(&mut self) -> io::Result<()> {
        let (layer, base, last) = {
            let mut inner = self.store.inner.lock();
            (inner.tables.freeze(), inner.tables.base(), self.store.last_numbers(&inner))
        };
        // A checkpoint is under way: the base has neither its layer nor what came after, so the log stays whole
        // and the next start replays it.
        let Some(layer) = layer else { return Ok(()) };
        self.log.rotate()?;
        write_layer(&*base, &layer, last)?;
        self.store.inner.lock().tables.thawed();
        self.discard_old()
    }

    /// Unless a backup reads them: then the next checkpoint does, or the next start replays them.
    fn discard_old(&mut self) -> io::Result<()> {
        let is_backed_up = self.store.is_backed_up.lock();
        if *is_backed_up { Ok(()) } else { self.log.discard_old() }
    }

    fn close(mut self) -> Result<(), StoreFailed> {
        self.turn()?;
        self.checkpoint_now().map_err(|error| self.fail(Pending::default(), &error))
    }
}

fn refuse(pending: Pending, failed: StoreFailed) -> StoreFailed {
    for done in pending.done {
        done(Err(failed.clone()));
    }
    failed
}

fn checkpoint_layer(store: &Store, layer: &Layer) {
    let (base, last) = {
        let inner = store.inner.lock();
        (inner.tables.base(), store.last_numbers(&inner))
    };
    let result = write_layer(&*base, layer, last);
    let mut inner = store.inner.lock();
    match result {
        Ok(()) => inner.checkpointed = true,
        Err(error) => {
            inner.poison(&error);
        }
    }
    drop(inner);
    store.work.notify_all();
}

type LastNumbers = [(&'static [u8], Bytes); 3];

impl Store {
    /// Above all that were given, also of what is in no layer yet.
    fn last_numbers(&self, inner: &Inner) -> LastNumbers {
        let value = |number: u64| Bytes::copy_from_slice(&number.to_be_bytes());
        let last_number = self.last_number.load(Ordering::Relaxed);
        [
            (META_LAST_EVENT, value(inner.last_event)),
            (META_LAST_NUMBER, value(last_number)),
            (META_LAST_TOLD, value(inner.last_told.0)),
        ]
    }
}

fn write_layer(base: &dyn Base, layer: &Layer, last: LastNumbers) -> io::Result<()> {
    let meta = last.iter().map(|(name, value)| (*name, Some(value)));
    base.append(&layer.history.rows())?;
    let events = layer.feeds.rows();
    base.append(&events.iter().map(|(key, value)| (&**key, &**value)).collect::<Vec<_>>())?;
    let rows = layer.rows.iter().map(|(key, slot)| (&**key, slot.value.as_ref()));
    base.apply(&mut meta.chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Content, Message, Timestamp};
    use crate::store::keys::Partition;
    use crate::store::memory::MemoryDisk;
    use crate::store::{NewMessage, Place};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const LONG: usize = 60_000;

    fn long_mo() -> NewMessage {
        let content = Content { octets: Bytes::from(vec![b'x'; LONG]), ..Content::default() };
        let message = Message {
            source: Address::Msisdn("46701111111".into()),
            destination: Address::ShortCode("7001".into()),
            content,
            received_at: NOW,
        };
        let place = Place::Inbox { rule: "wm".into(), tracked: None };
        NewMessage { customer: "acme".into(), place, message, by: "sim".into(), sibling: 0, is_picked_up: false }
    }

    #[test]
    fn closing_while_a_checkpoint_is_under_way_keeps_everything() {
        let disk = MemoryDisk::new();
        let (store, mut writer) = Store::open(disk.open()).expect("opens");
        let mut accepted = 0;
        let layer = loop {
            store.accept(vec![long_mo()], NOW, |_| {});
            accepted += 1;
            if let Some(layer) = writer.turn().expect("writes") {
                break layer;
            }
        };
        // The layer is frozen and its rows are not in the base yet; more comes in, and then the end.
        store.accept(vec![long_mo()], NOW, |_| {});
        store.close();
        writer.close().expect("closes");
        drop((layer, store));
        let (store, _writer) = Store::open(disk.open()).expect("opens");
        let waiting = store.waiting(Partition::of("acme"), 0, 10_000).expect("readable");
        assert_eq!(waiting.len(), accepted + 1);
    }
}
