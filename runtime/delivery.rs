//! Due messages to links with window space, and what became of them back to the relay.
//!
//! Links pull: a link with room in its window takes what waits in its peer's queues. What was committed just
//! now comes straight from memory; when more waits than memory should hold, the rest stays in the store
//! and is read when there is room. A message is in one pair of hands at a time until it is settled.

mod queue;

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::clock;
use crate::message::{Class, MessageId, Timestamp};
use crate::relay::{self, Alert, Answer, House, Outlet};
use crate::route::{Current, Peer, PeerIndex, QueueIndex};
use crate::slots::Slots;
use crate::store::Queued;
use crate::store::keys::{OutboxKey, Partition};
pub use queue::Filter;
use queue::{HOT_MAX, HOT_OCTETS_MAX, Queue};

/// Pause before looking again for messages that the store is about to make durable.
const NOT_YET_DURABLE_MS: u64 = 5;
/// Shortest pause between two searches of a queue for messages whose time is over. A search that took long
/// makes it longer, so that searching never takes more than a tenth of one core.
const SWEEP_PAUSE_MS: u64 = 1_000;
const SWEEP_PAUSE_PER_MS: u64 = 10;
/// Shortest pause between two looks for what the store held for later when we started.
const NEXT_DUE_PAUSE_MS: u64 = 50;
/// Longest pause. Within it, what applications submit is looked for when its time is over; what rules send
/// lives for days.
const SWEEP_PAUSE_MAX_MS: u64 = 600_000;
/// Devices of which an account that is not bound is told when it is; the message that waits tells of the others.
const ALERTS_MAX: usize = 1_000;
/// Messages that one search ends; the next one follows.
const SWEEP_MAX: usize = 10_000;

/// Rings when there may be something to take.
pub type Bell = Arc<Notify>;

pub struct Delivery {
    directory: Arc<Current>,
    /// By [`QueueIndex`].
    queues: Slots<Mutex<Queue>>,
    /// Links that receive, with their peers.
    links: Mutex<Vec<(PeerIndex, Bell)>>,
    /// Set once the house stands; links come after that, and hold it. Weak, as the house holds this.
    house: OnceLock<Weak<House>>,
    /// When to look into the store again: (due, queue), earliest first.
    alarms: Mutex<BinaryHeap<std::cmp::Reverse<(Timestamp, usize)>>>,
    alarm_set: Notify,
    /// By [`QueueIndex`]: when the next message is due that has waited since before the start. Those that came
    /// after it have alarms.
    sleepers: Mutex<Vec<Option<Timestamp>>>,
    /// By [`PeerIndex`]: the operator wants nothing new to be sent to it.
    held: Slots<AtomicBool>,
    /// What accounts are to be told of devices that came back.
    alerts: Mutex<BTreeMap<PeerIndex, BTreeSet<Alert>>>,
    /// When to search each queue for what expired.
    sweeps: Mutex<Vec<Timestamp>>,
}

impl Delivery {
    pub fn new(directory: &Arc<Current>) -> Arc<Delivery> {
        Arc::new(Delivery {
            directory: directory.clone(),
            queues: Slots::default(),
            links: Mutex::default(),
            house: OnceLock::new(),
            alarms: Mutex::new(BinaryHeap::new()),
            alarm_set: Notify::new(),
            sleepers: Mutex::new(Vec::new()),
            held: Slots::default(),
            alerts: Mutex::default(),
            sweeps: Mutex::new(Vec::new()),
        })
    }

    /// Connects both halves, and sets an alarm for what the store holds for later.
    pub fn open(&self, house: &Arc<House>, now: Timestamp) -> std::io::Result<()> {
        self.house.get_or_init(|| Arc::downgrade(house));
        self.open_new_queues(now)?;
        self.hold();
        Ok(())
    }

    /// Whether nothing new is to be sent to this peer. Its links stay, and what it sends is taken.
    pub fn is_held(&self, peer: PeerIndex) -> bool {
        self.held.at(peer.0).load(Ordering::Relaxed)
    }

    /// Holds those for which there is a pause, and lets the others go on.
    fn hold(&self) {
        let (directory, house) = (self.directory.load(), self.house());
        for (index, peer) in directory.peers.iter().enumerate() {
            let held = house.store.control(relay::PAUSE, &peer.name).is_some();
            let was = self.held.at(index).swap(held, Ordering::Relaxed);
            for queue in &peer.queues {
                self.queue(*queue).set_held(PeerIndex(index), held);
            }
            if was && !held {
                let links = self.links.lock();
                links.iter().filter(|(of, _)| of.0 == index).for_each(|(_, bell)| bell.notify_one());
            }
        }
    }

    fn open_new_queues(&self, now: Timestamp) -> std::io::Result<()> {
        let directory = self.directory.load();
        let (mut sleepers, mut sweeps) = (self.sleepers.lock(), self.sweeps.lock());
        for queue in &directory.queues[sleepers.len()..] {
            sleepers.push(self.house().store.next_due(&queue.name, now)?);
            sweeps.push(now.plus_ms(SWEEP_PAUSE_MS));
        }
        drop((sleepers, sweeps));
        self.alarm_set.notify_one();
        Ok(())
    }

    fn house(&self) -> Arc<House> {
        self.house.get().and_then(Weak::upgrade).expect("whoever uses links holds the house")
    }

    fn peer(&self, peer: PeerIndex) -> Arc<Peer> {
        self.directory.load().peer(peer).clone()
    }

    fn queue(&self, queue: QueueIndex) -> MutexGuard<'_, Queue> {
        self.queues.at(queue.0).lock()
    }

    fn name(&self, queue: QueueIndex) -> Arc<str> {
        self.directory.load().queues[queue.0].name.clone()
    }

    /// A link of this peer can receive from now on; `bell` rings when something waits.
    pub fn attach(&self, peer: PeerIndex, bell: &Bell) {
        let mut links = self.links.lock();
        links.push((peer, bell.clone()));
        let config = self.peer(peer);
        for queue in &config.queues {
            self.queue(*queue).attach(peer, &config, bell.clone());
        }
        bell.notify_one();
    }

    /// The link is gone; what it had in hand and nobody answered for goes to the front again, in order.
    pub fn detach(&self, peer: PeerIndex, bell: &Bell, unsettled: Vec<Queued>) {
        let mut by_queue: HashMap<QueueIndex, Vec<Queued>> = HashMap::new();
        for queued in unsettled {
            if let Some(queue) = self.directory.load().queue_named(&queued.key.queue) {
                by_queue.entry(queue).or_default().push(queued);
            }
        }
        let mut links = self.links.lock();
        links.retain(|(_, other)| !Arc::ptr_eq(other, bell));
        // Also those that are not its peer's any more.
        let queues: BTreeSet<QueueIndex> = self.peer(peer).queues.iter().chain(by_queue.keys()).copied().collect();
        for queue in queues {
            let unsettled = by_queue.remove(&queue).unwrap_or_default();
            self.queue(queue).detach(bell, unsettled);
        }
    }

    /// Rings when something waits in a queue of this peer and no link at all takes it.
    pub fn ring_when_unheard(&self, peer: PeerIndex, bell: &Bell) {
        for queue in &self.peer(peer).queues {
            self.queue(*queue).ring_when_unheard(bell.clone());
        }
    }

    /// Something is due in a queue of this peer that no link takes.
    pub fn is_unheard(&self, peer: PeerIndex, now: Timestamp) -> bool {
        self.peer(peer).queues.iter().any(|queue| !self.queue(*queue).has_links() && self.has_due(*queue, now))
    }

    fn has_due(&self, queue: QueueIndex, now: Timestamp) -> bool {
        let name = self.name(queue);
        let first = |class| self.house().store.due((&name, class), now, (Partition(0), 1, HOT_OCTETS_MAX), &|_| false);
        Class::all().any(|class| match first(class) {
            Ok(due) => !due.rows.is_empty() || !due.is_complete,
            Err(error) => {
                tracing::error!(queue = &*name, "messages that are due cannot be read: {error}");
                false
            }
        })
    }

    /// What this account is to be told, once.
    pub fn take_alerts(&self, peer: PeerIndex) -> BTreeSet<Alert> {
        self.alerts.lock().remove(&peer).unwrap_or_default()
    }

    /// The peer asked for a pause: others of the same queues take over until it ends.
    pub fn pause(&self, peer: PeerIndex, paused: bool) {
        for queue in &self.peer(peer).queues {
            self.queue(*queue).set_paused(peer, paused);
        }
    }

    /// Messages that a link took and could not send at all now, back to the front.
    pub fn put_back(&self, messages: Vec<Queued>) {
        for queued in messages.into_iter().rev() {
            if let Some(queue) = self.directory.load().queue_named(&queued.key.queue) {
                self.queue(queue).put_back(queued);
            }
        }
    }

    /// At most `count` messages that are due now, the most urgent first. None means that there are none.
    pub fn take(&self, peer: PeerIndex, bell: &Bell, count: usize, now: Timestamp, filter: Filter<'_>) -> Vec<Queued> {
        loop {
            let due = self.take_due(peer, bell, count, now, filter);
            let is_over = due.is_empty();
            let alive = self.without_expired(due, now);
            // Behind those whose time is over, others may wait.
            if is_over || !alive.is_empty() {
                return alive;
            }
        }
    }

    fn take_due(&self, peer: PeerIndex, bell: &Bell, count: usize, now: Timestamp, filter: Filter<'_>) -> Vec<Queued> {
        let mut taken = Vec::new();
        for queue in &self.peer(peer).queues {
            let mut locked = self.queue(*queue);
            let (before, want) = (taken.len(), count - taken.len());
            let yields = locked.must_yield(peer);
            for class in Class::all() {
                if yields || taken.len() == count {
                    break;
                }
                if let Some(look) = locked.wants_refill(class, now) {
                    self.refill(*queue, class, look, &mut locked);
                }
                locked.take(class, count - taken.len(), filter, &mut taken);
            }
            let took = taken.len() - before;
            locked.visited(bell, took, took < want, filter.is_some());
            if !locked.is_empty() {
                locked.ring_others(bell);
            }
        }
        taken
    }

    fn without_expired(&self, taken: Vec<Queued>, now: Timestamp) -> Vec<Queued> {
        if taken.iter().all(|queued| now < queued.record.expires) {
            return taken;
        }
        let (alive, expired): (Vec<_>, Vec<_>) = taken.into_iter().partition(|queued| now < queued.record.expires);
        self.settle(None, expired.into_iter().map(|queued| (queued, Answer::Expired)).collect(), now);
        alive
    }

    fn refill(&self, index: QueueIndex, class: Class, (first, until): (Partition, Timestamp), queue: &mut Queue) {
        let name = self.name(index);
        let is_known = |key: &OutboxKey| queue.known.contains(&key.id);
        match self.house().store.due((&name, class), until, (first, HOT_MAX, HOT_OCTETS_MAX), &is_known) {
            Ok(due) => {
                let found_nothing = due.rows.is_empty() && !due.is_complete;
                queue.refilled(class, due);
                if found_nothing {
                    self.set_alarm(until.plus_ms(NOT_YET_DURABLE_MS), index.0);
                }
            }
            Err(error) => tracing::error!(queue = &*name, "messages that are due cannot be read: {error}"),
        }
    }

    /// What a peer said about messages that a link took; None: nobody said it, their time is over.
    pub fn settle(&self, peer: Option<PeerIndex>, answers: Vec<(Queued, Answer)>, now: Timestamp) {
        let ids: Vec<(Arc<str>, MessageId)> =
            answers.iter().map(|(queued, _)| (queued.key.queue.clone(), queued.key.id)).collect();
        // The alarm that `settle` sets when it is durable may ring while they are still known.
        let retries = relay::settle(&self.house(), peer, answers, now);
        for (name, id) in &ids {
            if let Some(queue) = self.directory.load().queue_named(name) {
                self.queue(queue).known.remove(id);
            }
        }
        retries.unwrap_or_default().iter().for_each(|key| self.later(key));
    }

    fn set_alarm(&self, due: Timestamp, queue: usize) {
        self.alarms.lock().push(std::cmp::Reverse((due, queue)));
        self.alarm_set.notify_one();
    }

    /// Looks into the store for every queue with an alarm up to `now`; the next alarm after that.
    pub fn ring_alarms(&self, now: Timestamp) -> Option<Timestamp> {
        let (mut due, next) = self.due_alarms(now);
        let next_sleeper = self.wake_sleepers(now, &mut due);
        // Without the alarms' lock: whoever holds a queue may set an alarm.
        for queue in due {
            self.queue(QueueIndex(queue)).look_again(now);
        }
        next.into_iter().chain(next_sleeper).min()
    }

    fn due_alarms(&self, now: Timestamp) -> (BTreeSet<usize>, Option<Timestamp>) {
        let mut alarms = self.alarms.lock();
        let mut queues = BTreeSet::new();
        while let Some(std::cmp::Reverse((due, queue))) = alarms.peek().copied() {
            if due > now {
                return (queues, Some(due));
            }
            alarms.pop();
            queues.insert(queue);
        }
        (queues, None)
    }

    fn wake_sleepers(&self, now: Timestamp, queues: &mut BTreeSet<usize>) -> Option<Timestamp> {
        let mut sleepers = self.sleepers.lock();
        for (index, sleeper) in sleepers.iter_mut().enumerate().filter(|(_, due)| due.is_some_and(|due| due <= now)) {
            queues.insert(index);
            let name = self.name(QueueIndex(index));
            let next = self.house.get().and_then(Weak::upgrade).map(|house| house.store.next_due(&name, now));
            *sleeper = match next.transpose() {
                Ok(next) => next.flatten().map(|due| due.max(now.plus_ms(NEXT_DUE_PAUSE_MS))),
                Err(error) => {
                    tracing::error!(queue = &*name, "what is due next cannot be read: {error}");
                    Some(now.plus_ms(SWEEP_PAUSE_MS))
                }
            };
        }
        sleepers.iter().flatten().min().copied()
    }

    /// Rings alarms when they are due, for as long as it is polled.
    pub async fn run_alarms(&self) {
        loop {
            let now = clock::now();
            match self.ring_alarms(now) {
                Some(due) => {
                    let pause = std::time::Duration::from_millis(due.0.saturating_sub(now.0).max(1));
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.alarm_set.notified() => {}
                    }
                }
                None => self.alarm_set.notified().await,
            }
        }
    }

    /// Ends messages whose time is over while no link takes them. Reads whole queues, a page at a time, so
    /// it is for a thread that may take long.
    pub fn sweep(&self, now: Timestamp) {
        for index in 0..self.directory.load().queues.len() {
            if self.sweeps.lock()[index] <= now
                && let Err(error) = self.sweep_queue(index, now)
            {
                tracing::error!(queue = &*self.name(QueueIndex(index)), "expired messages cannot be read: {error}");
            }
        }
    }

    fn sweep_queue(&self, index: usize, now: Timestamp) -> std::io::Result<()> {
        let name = self.name(QueueIndex(index));
        let started = clock::instant();
        let mut expired = Vec::new();
        let mut next = now.plus_ms(SWEEP_PAUSE_MAX_MS);
        for partition in Partition::all() {
            self.house().store.each_queued(partition, &name, |queued| {
                if queued.record.expires > now || expired.len() == SWEEP_MAX {
                    next = next.min(queued.record.expires);
                } else {
                    expired.push(queued);
                }
            })?;
        }
        // Those that a link has in hand are the link's to settle, and so are those that it settled just now.
        expired.retain(|queued| self.queue(QueueIndex(index)).withdraw(queued.key.class, queued.key.id));
        let mut over = Vec::with_capacity(expired.len());
        for Queued { key, .. } in expired {
            // Its time may have been prolonged since, or it went.
            match self.house().store.queued(key.clone()) {
                Ok(Some(queued)) if queued.record.expires <= now => over.push((queued, Answer::Expired)),
                Ok(Some(_)) | Err(_) => self.give_back(&key, now),
                Ok(None) => self.release(&key),
            }
        }
        self.settle(None, over, now);
        let took_ms = started.elapsed().as_millis() as u64;
        self.sweeps.lock()[index] = next.max(now.plus_ms(SWEEP_PAUSE_MS + took_ms * SWEEP_PAUSE_PER_MS));
        Ok(())
    }

    fn expect_expiry(&self, queue: QueueIndex, expires: Timestamp) {
        if let Some(next) = self.sweeps.lock().get_mut(queue.0) {
            *next = expires.min(*next);
        }
    }
}

impl Outlet for Delivery {
    fn offer(&self, queued: Vec<Queued>) {
        for one in queued {
            let Some(index) = self.directory.load().queue_named(&one.key.queue) else {
                continue; // the config has no such queue any more; the message waits in the store
            };
            self.queue(index).offer(one);
        }
    }

    fn later(&self, key: &OutboxKey) {
        if let Some(index) = self.directory.load().queue_named(&key.queue) {
            self.set_alarm(key.due, index.0);
        }
    }

    fn expires(&self, key: &OutboxKey, at: Timestamp) {
        if let Some(index) = self.directory.load().queue_named(&key.queue) {
            self.expect_expiry(index, at);
        }
    }

    fn withdraw(&self, key: &OutboxKey) -> bool {
        match self.directory.load().queue_named(&key.queue) {
            Some(index) => self.queue(index).withdraw(key.class, key.id),
            None => true,
        }
    }

    fn release(&self, key: &OutboxKey) {
        if let Some(index) = self.directory.load().queue_named(&key.queue) {
            self.queue(index).known.remove(&key.id);
        }
    }

    fn give_back(&self, key: &OutboxKey, now: Timestamp) {
        if let Some(index) = self.directory.load().queue_named(&key.queue) {
            self.queue(index).give_back(key.class, key.id, now);
        }
    }

    fn directory_changed(&self, now: Timestamp) -> std::io::Result<()> {
        self.open_new_queues(now)?;
        let directory = self.directory.load();
        let links = self.links.lock();
        for (index, queue) in directory.queues.iter().enumerate() {
            self.queues.at(index).lock().serve(&links, &queue.peers, |peer| directory.peer(peer));
        }
        drop(links);
        self.hold();
        Ok(())
    }

    fn pauses_changed(&self) {
        self.hold();
    }

    fn alert(&self, peer: PeerIndex, alert: Alert) {
        {
            let mut alerts = self.alerts.lock();
            let own = alerts.entry(peer).or_default();
            if own.len() < ALERTS_MAX {
                own.insert(alert);
            }
        }
        if let Some(own) = self.peer(peer).own_queue {
            self.queue(own).ring_one(peer);
        }
    }
}
