//! One webhook: takes its customer's feed up page by page, sends, and tries again what was not taken.
//!
//! Events of one device are sent one after the other; one that is not taken holds up those of its device and no others.
//! What was taken and how far it is are written after a page, so that a crash repeats some and forgets none.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Office;
use super::backoff;
use super::client::{Post, post};
use super::lanes::{Lanes, Waiting};
use crate::clock;
use crate::feed::{EventId, Types};
use crate::message::Timestamp;
use crate::metrics::HookOutcome;
use crate::store::{Hook, HookChange, HookDead, HookWaiting, StoreFailed};

/// Requests to one webhook at once.
const AT_ONCE: usize = 8;
/// Events that are taken up at once.
const PAGE: usize = 100;
/// Events that may wait for one webhook; then the feed waits, which is kept for a while.
const WAITING_MAX: usize = 10_000;
/// Rows that are read at once.
const ROWS: usize = 1_000;
/// Pause after something of ours went wrong.
const TROUBLE: Duration = Duration::from_secs(5);
/// Without a waiting event it looks again after this long all the same.
const REST_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// Until the webhook is deleted, or the house closes.
pub async fn run(office: Office, id: Box<str>) {
    let mut worker = Worker { office, id, lanes: Lanes::default() };
    while let Err(trouble) = worker.work().await {
        tracing::error!(webhook = &*worker.id, "it stands still for a moment: {trouble}");
        tokio::time::sleep(TROUBLE).await;
    }
}

struct Worker {
    office: Office,
    id: Box<str>,
    lanes: Lanes,
}

/// Events of one device, in order.
type Lane = (Box<str>, Vec<Post>);

impl Worker {
    async fn work(&mut self) -> Result<(), Trouble> {
        let house = self.office.house.clone();
        let mut changes = house.hook_changes();
        let Some(first) = Hook::read(&house.store, &self.id) else { return Ok(()) };
        let mut bell = house.bell(&first.customer);
        let mut closing = self.office.closing.clone();
        self.recover(&first)?;
        loop {
            if *closing.borrow() {
                return Ok(());
            }
            let is_changed = changes.has_changed().unwrap_or_default();
            changes.mark_unchanged();
            bell.mark_unchanged();
            let Some(hook) = Hook::read(&house.store, &self.id).map(Arc::new) else {
                return Ok(house.store.forget_hook(&first.customer, &self.id)?);
            };
            if is_changed {
                self.recover(&hook)?; // something may have been replayed
            }
            let is_busy = self.try_again(&hook).await? | self.take_up(&hook).await?;
            if is_busy {
                continue;
            }
            let rest = self.lanes.next_due().map(|due| Duration::from_millis(due.0.saturating_sub(clock::now().0)));
            tokio::select! {
                _ = bell.changed(), if self.lanes.len() < WAITING_MAX => {}
                _ = changes.changed() => changes.mark_changed(),
                _ = closing.wait_for(|closing| *closing) => {}
                () = tokio::time::sleep(rest.map_or(REST_MAX, |rest| rest.min(REST_MAX))) => {}
            }
        }
    }

    /// What waits, as the store has it.
    fn recover(&mut self, hook: &Hook) -> Result<(), Trouble> {
        self.lanes = Lanes::default();
        let mut after = EventId::default();
        loop {
            let rows = self.office.house.store.hook_waiting(&hook.customer, &self.id, after, ROWS)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = *last;
            rows.iter().for_each(|(id, row)| self.lanes.push(&row.lane, Waiting { id: *id, due: row.due }));
        }
    }

    /// Sends what is due again; false: nothing is.
    async fn try_again(&mut self, hook: &Arc<Hook>) -> Result<bool, Trouble> {
        let store = self.office.house.store.clone();
        let mut lanes = Vec::new();
        for (lane, id) in self.lanes.due(clock::now(), AT_ONCE) {
            match store.hook_waits(&hook.customer, &self.id, id)? {
                Some(row) => lanes.push((lane, vec![Post { id, kind: row.kind, body: row.body }])),
                None => self.lanes.done(&lane),
            }
        }
        if lanes.is_empty() {
            return Ok(false);
        }
        let mut changes = Vec::new();
        for (lane, post, error) in self.send(hook, lanes).await {
            let Some(why) = error else {
                changes.push(HookChange::Done(post.id));
                self.lanes.done(&lane);
                continue;
            };
            let Some(mut row) = store.hook_waits(&hook.customer, &self.id, post.id)? else { continue };
            row.attempts += 1;
            match backoff::next(row.attempts, row.since, clock::now(), chance()) {
                Some(due) => {
                    row.due = due;
                    changes.push(HookChange::Wait(post.id, row));
                    self.lanes.again(&lane, due);
                }
                None => {
                    self.count(HookOutcome::Dead);
                    tracing::warn!(webhook = &*self.id, event = %post.id, "given up: {why}");
                    changes.push(HookChange::Dead(
                        post.id,
                        HookDead { waiting: row, died_at: clock::now(), why: why.into() },
                    ));
                    self.lanes.done(&lane);
                }
            }
        }
        store.change_hook(&hook.customer, &self.id, changes, None)?;
        Ok(true)
    }

    /// Sends the next page of the feed; false: there is none, or too much waits.
    async fn take_up(&mut self, hook: &Arc<Hook>) -> Result<bool, Trouble> {
        if self.lanes.len() >= WAITING_MAX {
            return Ok(false);
        }
        let store = self.office.house.store.clone();
        let cursor = store.hook_cursor(&hook.customer, &self.id)?.unwrap_or_default();
        let page = {
            let (store, customer) = (store.clone(), hook.customer.clone());
            let read = tokio::task::spawn_blocking(move || store.feed(&customer, cursor, PAGE));
            read.await.map_err(io::Error::other)??
        };
        let types = Types::parse(hook.types.iter().map(String::as_str)).unwrap_or_default();
        let (now, form) = (clock::now(), self.office.form);
        let gap = page.gap.map(|before| (Box::default(), gap(before, (form.gap)(before, now))));
        let wanted = page.events.iter().filter(|(_, told)| types.wants(told)).map(|(id, told)| {
            let lane = told.device().map(|device| device.to_string().into_boxed_str()).unwrap_or_default();
            (lane, Post { id: *id, kind: told.kind().name().into(), body: (form.event)(*id, told).into() })
        });
        let (mut changes, mut lanes) = (Vec::new(), Vec::<Lane>::new());
        for (lane, post) in gap.into_iter().chain(wanted) {
            if self.lanes.holds(&lane) {
                changes.push(self.wait(&lane, post, 0, now));
            } else if let Some((_, posts)) = lanes.iter_mut().find(|(of, _)| *of == lane) {
                posts.push(post);
            } else {
                lanes.push((lane, vec![post]));
            }
        }
        let is_empty = lanes.is_empty() && changes.is_empty();
        for (lane, post, error) in self.send(hook, lanes).await {
            match error {
                None => {}
                // Behind one that was not taken.
                Some(_) if self.lanes.holds(&lane) => changes.push(self.wait(&lane, post, 0, now)),
                Some(_) => changes.push(self.wait(&lane, post, 1, now)),
            }
        }
        if page.next > cursor && (!is_empty || page.has_more || page.next.0 - cursor.0 > CURSOR_LAG) {
            changes.push(HookChange::Cursor(page.next));
        }
        let is_busy = !changes.is_empty();
        if is_busy {
            store.change_hook(&hook.customer, &self.id, changes, None)?;
        }
        Ok(is_busy)
    }

    fn wait(&mut self, lane: &str, post: Post, attempts: u32, now: Timestamp) -> HookChange {
        let due = if attempts == 0 { now } else { backoff::next(attempts, now, now, chance()).unwrap_or(now) };
        self.lanes.push(lane, Waiting { id: post.id, due });
        let Post { id, kind, body } = post;
        HookChange::Wait(id, HookWaiting { lane: lane.into(), attempts, due, since: now, kind, body })
    }

    /// Every event with why it was not taken; behind such a one of a lane, the others are not tried.
    async fn send(&self, hook: &Arc<Hook>, lanes: Vec<Lane>) -> Vec<(Box<str>, Post, Option<String>)> {
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (lane, posts) in lanes {
            let (hook, free, office) = (hook.clone(), free.clone(), self.office.clone());
            tasks.spawn(async move {
                let _permit = free.acquire().await;
                let (mut sent, mut failed) = (Vec::with_capacity(posts.len()), false);
                for one in posts {
                    let error = match failed {
                        true => Some("another event of its device comes first".to_owned()),
                        false => post(&hook.url, &hook.secret, office.allowed, &one).await.err(),
                    };
                    if !failed {
                        let outcome = if error.is_some() { HookOutcome::Failed } else { HookOutcome::Delivered };
                        office.house.metrics.count_hook(outcome);
                    }
                    failed |= error.is_some();
                    sent.push((lane.clone(), one, error));
                }
                sent
            });
        }
        tasks.join_all().await.into_iter().flatten().collect()
    }

    fn count(&self, outcome: HookOutcome) {
        self.office.house.metrics.count_hook(outcome);
    }
}

/// The place moves on its own in steps of a minute, so that a webhook that wants little stays within what is kept.
const CURSOR_LAG: u64 = 60_000 << 20;

fn gap(before: EventId, json: String) -> Post {
    Post { id: before, kind: "gap".into(), body: json.into() }
}

fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
