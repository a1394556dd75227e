//! The store: six verbs over rows that are durable before anybody outside hears of them.
//!
//! `accept` a message, `claim` an MO for its rule, `commit` what the rule did, read what is `due` in a
//! queue, `amend` rows by what links and receipts say, and read a subject's `state`. Each verb that changes
//! something is one batch in one partition, applied in memory at once and written to the commit log by
//! the next group (see [`writer`]). Whoever tells somebody outside hands in a [`Done`], which is called
//! after the sync. Inside, work goes on at once: the log keeps the order, so what was built on a change
//! that got lost is lost with it.
//!
//! Only this room knows the engine. It never sees a PDU, a plugin or a link.

mod answers;
mod backend;
pub mod backup;
mod campaigns;
mod change;
mod commit;
mod commit_log;
mod control;
mod dead;
mod depths;
mod devices;
pub mod disk;
mod due;
mod feed;
mod group;
mod history;
mod hooks;
mod http_calls;
pub mod keys;
pub mod memory;
mod of_device;
mod once;
mod opt_outs;
mod pages;
mod pickup;
mod recent;
mod record;
mod recorded;
mod retention;
mod runs;
mod seal;
mod search;
mod series;
mod shared;
mod tables;
mod timers;
mod usage;
mod verbs;
pub mod writer;

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::clock;
use crate::feed::EventId;
use crate::metrics::Histogram;

pub use answers::{Answer, AnswerRecord};
pub use backend::{Keeps, Opened};
pub use campaigns::{OfCampaign, PIECE};
pub use change::Change;
pub use commit::{Committed, Finished};
pub use control::{Audit, Control, ControlChange, Edit, SECRETS};
pub use dead::{DeadFailure, DeadFilter, DeadKind, DeadRecord, DeadWhat, Unsent};
pub use depths::Depth;
pub use devices::{Rewrite, Rewrites};
pub use due::Due;
pub use feed::Page as FeedPage;
pub use history::{Bounds, Found};
pub use hooks::{HOOK, Hook, HookChange, HookDead, HookWaiting};
pub use http_calls::{HttpCallKey, HttpCallRecord, HttpCallsDue};
pub use keys::{CallPlace, Kind};
pub use of_device::{Next as OfDeviceNext, OfDevicePage, StateShown};
pub use once::{NewOnce, OnceRecord};
pub use opt_outs::OptOutRecord;
pub use pickup::{Picked, PickupRecord};
pub use record::{InboxRecord, JoinedRecord, OutboxRecord, ParkedRecord, PartRecord, Taken};
pub use recorded::RecordedRow;
pub use retention::Over;
use tables::{Op, Tables};
pub use timers::{Fired, TimerShown};
pub use verbs::{Accepted, Failure, NewMessage, Place, Queued, Waiting, made_at};
pub use writer::Writer;

/// Why the store does nothing any more. A failed sync poisons it: what is on disk is unknown until the
/// next start has read it, so nothing more is accepted and nothing is guessed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreFailed(pub Arc<str>);

/// Why messages were not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotAccepted {
    #[error(transparent)]
    Failed(#[from] StoreFailed),
    /// The peer should try again in a moment.
    #[error("the disk does not keep up")]
    Busy,
}

/// Called once, by the writer: after the group with the change is durable, or when it never will be.
pub type Done = Box<dyn FnOnce(Result<(), StoreFailed>) + Send>;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("store: {0}")]
    Io(#[from] io::Error),
    #[error("store: {0}")]
    MalformedGroup(#[from] group::MalformedGroup),
}

pub struct Store {
    /// Locked before `inner` by whoever needs both.
    controls: RwLock<control::Controls>,
    inner: Mutex<Inner>,
    /// There is something to write, or the store closes.
    work: Condvar,
    /// Every group up to this one is durable and its [`Done`]s have been called.
    durable: AtomicU64,
    /// The [`Done`]s of every group behind this one are still to be called.
    speaking: AtomicU64,
    secret: [u8; 32],
    /// How long groups took to be written and synced.
    commits: Histogram,
    /// Checkpoints since the start.
    checkpoints: AtomicU64,
    /// The disk has no room for more.
    full: AtomicBool,
    /// A backup is being made. Held by the writer while it discards old segments.
    is_backed_up: Mutex<bool>,
    keeps: Keeps,
    seal: seal::Seal,
    /// Calls are made after the sync, with the customer who is told something.
    on_told: OnceLock<Ring>,
    /// Calls are made with the kind of control object of which one has changed, or is gone.
    on_changed: OnceLock<Ring>,
    /// All up to this one are durable.
    durable_told: AtomicU64,
    /// Behind this event all that were ever told are still there.
    told_floor: AtomicU64,
    /// Of the newest event of the history.
    last_number: AtomicU64,
}

/// Wakes whoever waits for news of a customer, or of a kind of control object.
pub type Ring = Box<dyn Fn(&str) + Send + Sync>;

/// Octets of changes that may wait for one sync. More of them is more than the disk takes in a second.
const GROUP_OCTETS_MAX: usize = 128 << 20;

/// How far a group of changes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody hears of it before its sync.
    Pending,
    /// Whoever waits for it hears of it just now, or has heard.
    Speaking,
    Durable,
}

struct Inner {
    tables: Tables,
    depths: depths::Depths,
    pending: Pending,
    /// Number of the group that collects changes now.
    group: u64,
    last_event: u64,
    last_told: EventId,
    failed: Option<StoreFailed>,
    closing: bool,
    /// A checkpoint ended: its layer may go, and so may the old segments.
    checkpointed: bool,
    /// One is wanted before the segment is full.
    wants_checkpoint: bool,
}

#[derive(Default)]
struct Pending {
    octets: Vec<u8>,
    done: Vec<Done>,
    /// Prefixes of the feeds that have something new.
    told: BTreeSet<keys::Key>,
}

impl Pending {
    /// Somebody may wait for the changes before though nothing changed since.
    fn is_empty(&self) -> bool {
        self.octets.is_empty() && self.done.is_empty()
    }
}

impl Store {
    /// Opens what `opened` found, replays the log over the base, and hands back the writer, which somebody
    /// must run: a thread in production, the simulator in tests.
    pub fn open(opened: Opened) -> Result<(Arc<Store>, Writer), OpenError> {
        let mut tables = Tables::new(opened.base.clone());
        let (mut last_event, mut last_number) =
            (number(&*opened.base, keys::META_LAST_EVENT)?, number(&*opened.base, keys::META_LAST_NUMBER)?);
        let mut last_told = EventId(number(&*opened.base, keys::META_LAST_TOLD)?);
        let replayed = !opened.groups.is_empty();
        for group in &opened.groups {
            for op in group::read(group)? {
                if let Some(event) = verbs::accepted_event(op.key()) {
                    last_event = last_event.max(event);
                }
                last_number = last_number.max(keys::history_number(op.key()).unwrap_or_default());
                last_told = feed::parts(op.key()).map_or(last_told, |(_, id)| last_told.max(id));
                tables.apply(op, 0);
            }
        }
        drop(opened.groups);
        let secret = secret(&*opened.base)?;
        let told_floor = told_floor(&*opened.base, opened.keeps, &mut last_told)?;
        let controls = RwLock::new(control::Controls::recover(&tables, &opened.seal)?);
        let inner = Inner {
            tables,
            depths: depths::Depths::default(),
            pending: Pending::default(),
            group: 1,
            last_event,
            last_told,
            failed: None,
            closing: false,
            checkpointed: false,
            wants_checkpoint: false,
        };
        let store = Arc::new(Store {
            controls,
            inner: Mutex::new(inner),
            work: Condvar::new(),
            durable: AtomicU64::new(0),
            speaking: AtomicU64::new(0),
            secret,
            commits: Histogram::default(),
            checkpoints: AtomicU64::new(0),
            full: AtomicBool::new(false),
            is_backed_up: Mutex::new(false),
            keeps: opened.keeps,
            seal: opened.seal,
            on_told: OnceLock::new(),
            on_changed: OnceLock::new(),
            durable_told: AtomicU64::new(last_told.0),
            told_floor: AtomicU64::new(told_floor.0),
            last_number: AtomicU64::new(last_number),
        });
        store.count_depths()?;
        let mut writer = Writer::new(store.clone(), opened.log);
        if replayed {
            writer.checkpoint_now()?; // old segments go, and the next start has nothing to replay
        }
        Ok((store, writer))
    }

    /// 32 random octets of this data directory, for what nobody outside may predict.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The number of the newest event.
    pub fn last_event(&self) -> u64 {
        self.inner.lock().last_event
    }

    /// How many checkpoints there were since the start, whose memory is free again.
    pub fn checkpoints(&self) -> u64 {
        self.checkpoints.load(Ordering::Relaxed)
    }

    /// How long groups took to be written and synced, since the start.
    pub fn commits(&self) -> &Histogram {
        &self.commits
    }

    /// Says whether the disk has room. Without it nothing new is accepted, so that what waits can still end.
    pub fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::Relaxed) == full {
            return;
        }
        match full {
            true => tracing::error!("the disk is nearly full: no message is accepted until there is room"),
            false => tracing::info!("the disk has room again"),
        }
    }

    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// What happens to messages is kept.
    pub fn keeps_history(&self) -> bool {
        self.keeps.history
    }

    pub fn keeps(&self) -> Keeps {
        self.keeps
    }

    /// To be set once, before anything is told.
    pub fn on_told(&self, call: Ring) {
        let _ = self.on_told.set(call); // the first one stays
    }

    /// To be set once, before any control object changes.
    pub fn on_changed(&self, call: Ring) {
        let _ = self.on_changed.set(call); // the first one stays
    }

    pub fn failure(&self) -> Option<StoreFailed> {
        self.inner.lock().failed.clone()
    }

    /// Asks the writer to finish what is pending, checkpoint, and end.
    pub fn close(&self) {
        self.inner.lock().closing = true;
        self.work.notify_all();
    }

    fn standing(&self, group: u64) -> Standing {
        if group <= self.durable.load(Ordering::SeqCst) {
            Standing::Durable
        } else if group <= self.speaking.load(Ordering::SeqCst) {
            Standing::Speaking
        } else {
            Standing::Pending
        }
    }
}

impl Inner {
    /// There is nothing for the writer to do.
    fn is_idle(&self) -> bool {
        self.pending.is_empty() && !self.checkpointed && !self.wants_checkpoint
    }

    /// Who brings so much should come again later.
    fn is_busy(&self, batch_octets: usize) -> bool {
        self.pending.octets.len() + batch_octets > GROUP_OCTETS_MAX || self.tables.is_behind(batch_octets)
    }

    /// Adds one atomic batch to the group that is collected now.
    fn submit(&mut self, batch: Vec<Op>, done: Option<Done>) -> Result<(), StoreFailed> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        for op in batch {
            let op = match op {
                Op::Tell { prefix, at, value } => {
                    self.last_told = self.last_told.next(at);
                    let key = feed::key(&prefix, self.last_told);
                    self.pending.told.insert(prefix);
                    Op::Insert(key, value)
                }
                other => other,
            };
            self.depths.follow(&op);
            group::write(&op, &mut self.pending.octets);
            self.tables.apply(op, self.group);
        }
        self.pending.done.extend(done);
        Ok(())
    }

    fn poison(&mut self, error: &dyn std::fmt::Display) -> StoreFailed {
        let failed = StoreFailed(format!("the disk refused a write or sync: {error}").into());
        self.failed.get_or_insert(failed).clone()
    }
}

fn number(base: &dyn backend::Base, name: &[u8]) -> io::Result<u64> {
    let value = base.get(name)?;
    Ok(value.and_then(|value| value.get(..8)?.try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// While nothing was told, much may have happened: there is a gap in every feed.
fn told_floor(base: &dyn backend::Base, keeps: Keeps, last: &mut EventId) -> io::Result<EventId> {
    let floor = EventId(number(base, keys::META_TOLD_FLOOR)?);
    if keeps.events || last.0 == 0 {
        return Ok(floor);
    }
    *last = last.next(clock::now());
    feed::write_floor(base, *last).map(|()| *last)
}

/// The secret is made at the first start and written to the base before anything else.
fn secret(base: &dyn backend::Base) -> io::Result<[u8; 32]> {
    if let Some(secret) = base.get(keys::META_SECRET)?.and_then(|value| value[..].try_into().ok()) {
        return Ok(secret);
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let value = bytes::Bytes::copy_from_slice(&secret);
    base.apply(&mut std::iter::once((keys::META_SECRET, Some(&value))))?;
    Ok(secret)
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod tests;
