//! Due messages to links with window space, and what became of them back to the relay.
//!
//! Links pull: a link with room in its window takes what waits for its account. What was committed just
//! now comes straight from memory; when more waits than memory should hold, the rest stays in the store
//! and is read when there is room. A message is in one pair of hands at a time until it is settled.

use std::collections::{BTreeSet, BinaryHeap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;
use crate::message::{MessageId, Timestamp};
use crate::relay::{self, Answer, House, Outlet};
use crate::route::{AccountIndex, Directory};
use crate::store::Queued;
use crate::store::keys::OutboxKey;

/// Messages of one account that wait in memory; the others wait in the store only.
const HOT_MAX: usize = 8_192;
/// As [`HOT_MAX`], in octets of text: long messages count for more.
const HOT_OCTETS_MAX: usize = 8 << 20;

/// Pause before looking again for messages that the store is about to make durable.
const NOT_YET_DURABLE_MS: u64 = 5;

/// Rings when there may be something to take.
pub type Bell = Arc<Notify>;

pub struct Delivery {
    routes: Vec<Route>,
    /// Set once the house stands; links come after that.
    house: OnceLock<Arc<House>>,
    /// When to look into the store again: (due, route), earliest first.
    alarms: Mutex<BinaryHeap<std::cmp::Reverse<(Timestamp, usize)>>>,
    alarm_set: Notify,
}

struct Route {
    name: Arc<str>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    hot: VecDeque<Queued>,
    /// Octets of text in `hot`.
    hot_octets: usize,
    /// Ids in `hot` or in a link's hands.
    known: HashSet<MessageId>,
    /// The store may hold due messages that are not known here.
    behind: bool,
    bells: Vec<Bell>,
}

impl Delivery {
    pub fn new(directory: &Directory) -> Arc<Delivery> {
        let route = |account: &crate::config::Account| Route {
            name: account.system_id.as_str().into(),
            queue: Mutex::new(Queue { behind: true, ..Queue::default() }),
        };
        Arc::new(Delivery {
            routes: directory.accounts.iter().map(route).collect(),
            house: OnceLock::new(),
            alarms: Mutex::new(BinaryHeap::new()),
            alarm_set: Notify::new(),
        })
    }

    /// Connects both halves, and sets an alarm for what the store holds for later.
    pub fn open(&self, house: Arc<House>, now: Timestamp) -> std::io::Result<()> {
        for (index, route) in self.routes.iter().enumerate() {
            if let Some(due) = house.store.next_due(&route.name, now)? {
                self.set_alarm(due, index);
            }
        }
        self.house.get_or_init(|| house);
        Ok(())
    }

    fn house(&self) -> &House {
        self.house.get().expect("links are opened after the house")
    }

    /// A link of this account can receive from now on; `bell` rings when something waits.
    pub fn attach(&self, account: AccountIndex, bell: Bell) {
        bell.notify_one();
        self.routes[account.0].queue.lock().bells.push(bell);
    }

    /// The link is gone; what it had in hand and nobody answered for goes to the front again.
    pub fn detach(&self, account: AccountIndex, bell: &Bell, unsettled: Vec<Queued>) {
        let mut queue = self.routes[account.0].queue.lock();
        queue.bells.retain(|b| !Arc::ptr_eq(b, bell));
        for queued in unsettled.into_iter().rev() {
            queue.hot_octets += octets(&queued);
            queue.hot.push_front(queued);
        }
        ring(&queue);
    }

    /// At most `count` messages that are due now.
    pub fn take(&self, account: AccountIndex, count: usize, now: Timestamp) -> Vec<Queued> {
        let route = &self.routes[account.0];
        let mut queue = route.queue.lock();
        if queue.hot.is_empty() && queue.behind {
            self.refill(route, &mut queue, now);
            if queue.hot.is_empty() && queue.behind {
                self.set_alarm(now.plus_ms(NOT_YET_DURABLE_MS), account.0);
            }
        }
        let count = count.min(queue.hot.len());
        let taken: Vec<Queued> = queue.hot.drain(..count).collect();
        queue.hot_octets -= taken.iter().map(octets).sum::<usize>();
        taken
    }

    fn refill(&self, route: &Route, queue: &mut Queue, now: Timestamp) {
        let is_known = |key: &OutboxKey| queue.known.contains(&key.id);
        match self.house().store.due(&route.name, now, (HOT_MAX, HOT_OCTETS_MAX), &is_known) {
            Ok((due, complete)) => {
                queue.behind = !complete;
                queue.known.extend(due.iter().map(|q| q.key.id));
                queue.hot_octets += due.iter().map(octets).sum::<usize>();
                queue.hot.extend(due);
            }
            Err(error) => tracing::error!(account = &*route.name, "messages that are due cannot be read: {error}"),
        }
    }

    /// What the peer said about messages that a link took.
    pub fn settle(&self, account: AccountIndex, answers: Vec<(Queued, Answer)>, now: Timestamp) {
        let ids: Vec<MessageId> = answers.iter().map(|(queued, _)| queued.key.id).collect();
        let retries = relay::settle(self.house(), answers, now);
        let mut queue = self.routes[account.0].queue.lock();
        for id in &ids {
            queue.known.remove(id);
        }
        drop(queue);
        for due in retries.unwrap_or_default() {
            self.set_alarm(due, account.0);
        }
    }

    fn set_alarm(&self, due: Timestamp, route: usize) {
        self.alarms.lock().push(std::cmp::Reverse((due, route)));
        self.alarm_set.notify_one();
    }

    /// Rings for every route with an alarm up to `now`; the next alarm after that.
    pub fn ring_alarms(&self, now: Timestamp) -> Option<Timestamp> {
        let (due, next) = self.due_alarms(now);
        // Without the alarms' lock: whoever holds a queue may set an alarm.
        for route in due {
            let mut queue = self.routes[route].queue.lock();
            queue.behind = true;
            ring(&queue);
        }
        next
    }

    fn due_alarms(&self, now: Timestamp) -> (BTreeSet<usize>, Option<Timestamp>) {
        let mut alarms = self.alarms.lock();
        let mut routes = BTreeSet::new();
        while let Some(std::cmp::Reverse((due, route))) = alarms.peek().copied() {
            if due > now {
                return (routes, Some(due));
            }
            alarms.pop();
            routes.insert(route);
        }
        (routes, None)
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
}

fn octets(queued: &Queued) -> usize {
    queued.record.message.content.octets.len()
}

fn ring(queue: &Queue) {
    for bell in &queue.bells {
        bell.notify_one();
    }
}

impl Outlet for Delivery {
    fn offer(&self, queued: Vec<Queued>) {
        for one in queued {
            let Some(route) = self.routes.iter().find(|route| route.name == one.key.route) else {
                continue; // its account is not in the config; the message waits in the store
            };
            let mut queue = route.queue.lock();
            if queue.hot.len() >= HOT_MAX || queue.hot_octets >= HOT_OCTETS_MAX {
                queue.behind = true;
            } else if queue.known.insert(one.key.id) {
                queue.hot_octets += octets(&one);
                queue.hot.push_back(one);
            }
            ring(&queue);
        }
    }
}
