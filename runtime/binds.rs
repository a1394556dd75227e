//! Binds that are up, and what became of those that were or wanted to be: for whoever looks after links.
//!
//! `link` tells, `api` asks. Bounded: as many binds as there are links, and of each account its last events. Nothing here is on
//! disk; what happened before the start is in the log.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::message::Timestamp;
use crate::tap::Tap;

/// Events that are kept of one account or upstream, and of all that have no account: a peer that comes and goes once a minute has an hour.
const EVENTS_MAX: usize = 100;

/// One bind, as it is seen from outside.
#[derive(Debug)]
pub struct Bind {
    /// Name of the account or upstream.
    pub peer: Arc<str>,
    pub mode: &'static str,
    /// It takes messages from us.
    pub receives: bool,
    pub address: SocketAddr,
    /// Requests of ours that may be outstanding.
    pub window: usize,
    pub since: Timestamp,
    /// Its last PDUs.
    pub tap: Arc<Tap>,
    in_use: AtomicUsize,
    is_dropped: AtomicBool,
    bell: Arc<Notify>,
}

impl Bind {
    pub fn new(
        peer: Arc<str>,
        (mode, receives): (&'static str, bool),
        (address, since): (SocketAddr, Timestamp),
        window: usize,
    ) -> Bind {
        let (in_use, is_dropped, bell) = (AtomicUsize::new(0), AtomicBool::new(false), Arc::default());
        Bind { peer, mode, receives, address, window, since, tap: Arc::default(), in_use, is_dropped, bell }
    }

    /// With the link's own: its PDUs, and what wakes it.
    pub fn of_link(self, tap: &Arc<Tap>, bell: &Arc<Notify>) -> Bind {
        Bind { tap: tap.clone(), bell: bell.clone(), ..self }
    }

    /// Requests of ours that are outstanding.
    pub fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Its link ends as soon as what is under way has its answer.
    pub fn drop_it(&self) {
        self.is_dropped.store(true, Ordering::Release);
        self.bell.notify_one();
    }
}

/// What happened to a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Bound,
    Unbound,
    Refused,
    /// An upstream that we could not connect to.
    Unreachable,
}

impl What {
    pub fn name(self) -> &'static str {
        match self {
            What::Bound => "bound",
            What::Unbound => "unbound",
            What::Refused => "refused",
            What::Unreachable => "unreachable",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindEvent {
    pub at: Timestamp,
    /// The account or upstream, or the system_id that somebody gave.
    pub account: Arc<str>,
    pub what: What,
    pub mode: Option<&'static str>,
    pub address: Option<SocketAddr>,
    /// Empty for a bind that came up.
    pub why: Box<str>,
}

/// Whose event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Known,
    /// No account has this name: they share one place, or names that somebody makes up would fill the memory.
    Stranger,
}

/// All of them.
#[derive(Default)]
pub struct Binds {
    by_number: Mutex<BTreeMap<u64, Arc<Bind>>>,
    next: AtomicU64,
    /// By account; strangers under no name.
    events: Mutex<BTreeMap<Arc<str>, VecDeque<BindEvent>>>,
}

impl Binds {
    /// It is up until what this returns is dropped.
    pub fn add(self: &Arc<Binds>, bind: Bind) -> Registration {
        let (number, bind) = (self.next.fetch_add(1, Ordering::Relaxed), Arc::new(bind));
        self.by_number.lock().insert(number, bind.clone());
        Registration { binds: self.clone(), number, bind }
    }

    /// The oldest first.
    pub fn all(&self) -> Vec<Arc<Bind>> {
        self.by_number.lock().values().cloned().collect()
    }

    /// With their names; the oldest first.
    pub fn named(&self) -> Vec<(String, Arc<Bind>)> {
        self.by_number.lock().iter().map(|(number, bind)| (name(*number, bind), bind.clone())).collect()
    }

    pub fn find(&self, id: &str) -> Option<Arc<Bind>> {
        let number = id.rsplit('-').next()?.parse().ok()?;
        let found = self.by_number.lock().get(&number).cloned();
        found.filter(|bind| name(number, bind) == id)
    }

    pub fn note(&self, event: BindEvent, whose: Whose) {
        let key = if whose == Whose::Known { event.account.clone() } else { "".into() };
        let mut events = self.events.lock();
        let own = events.entry(key).or_default();
        if own.len() == EVENTS_MAX {
            own.pop_front();
        }
        own.push_back(event);
    }

    /// Of an account, or of all; the newest first.
    pub fn history(&self, account: Option<&str>, limit: usize) -> Vec<BindEvent> {
        let events = self.events.lock();
        let wanted = |event: &&BindEvent| account.is_none_or(|account| *event.account == *account);
        let mut found: Vec<BindEvent> = events.values().flatten().filter(wanted).cloned().collect();
        drop(events);
        // Those of one millisecond stay in their order.
        found.sort_by_key(|event| event.at);
        found.reverse();
        found.truncate(limit);
        found
    }
}

/// Unlike any of an earlier start, so that nobody drops another bind than they saw.
fn name(number: u64, bind: &Bind) -> String {
    format!("{:x}-{number}", bind.since.0)
}

pub struct Registration {
    binds: Arc<Binds>,
    number: u64,
    bind: Arc<Bind>,
}

impl Registration {
    pub fn set_in_use(&self, in_use: usize) {
        self.bind.in_use.store(in_use, Ordering::Relaxed);
    }

    pub fn mode(&self) -> &'static str {
        self.bind.mode
    }

    /// Somebody wants it to end.
    pub fn is_dropped(&self) -> bool {
        self.bind.is_dropped.load(Ordering::Acquire)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.binds.by_number.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(peer: &str) -> Bind {
        let address = "127.0.0.1:1".parse().expect("an address");
        Bind::new(peer.into(), ("receiver", true), (address, Timestamp(7)), 5)
    }

    fn refused(account: &str, at: u64) -> BindEvent {
        let account = account.into();
        BindEvent { at: Timestamp(at), account, what: What::Refused, mode: None, address: None, why: "no".into() }
    }

    #[test]
    fn a_bind_is_listed_until_its_registration_goes() {
        let binds = Arc::new(Binds::default());
        let first = binds.add(bind("a"));
        let second = binds.add(bind("b"));
        second.set_in_use(3);
        let (id, _) = binds.named().swap_remove(0);
        assert!(binds.find(&id).is_some_and(|bind| &*bind.peer == "a"));
        drop(first);
        assert!(binds.find(&id).is_none() && binds.find("").is_none() && binds.find("8-1").is_none());
        let all = binds.all();
        assert_eq!(all.iter().map(|bind| (&*bind.peer, bind.in_use())).collect::<Vec<_>>(), [("b", 3)]);
        assert!(!second.is_dropped());
        all[0].drop_it();
        assert!(second.is_dropped());
    }

    #[test]
    fn history_is_bounded_and_strangers_push_nobody_else_out() {
        let binds = Binds::default();
        binds.note(refused("app", 1), Whose::Known);
        (0..5_000).for_each(|n| binds.note(refused(&format!("x{n}"), n), Whose::Stranger));
        assert_eq!(binds.history(Some("app"), 10), [refused("app", 1)]);
        let all = binds.history(None, 1_000);
        assert_eq!((all.len(), &*all[0].account), (EVENTS_MAX + 1, "x4999"));
    }
}
