//! What keeps one peer from hurting the others: rates, binds, connections per address, bans.
//!
//! Shared by all links. Takes `now`; only the counters are atomic or under short locks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::{Bucket, Rate};
use crate::config::Ban;
use crate::route::PeerIndex;
use crate::slots::Slots;

/// Addresses that are remembered for their failed binds; beyond, the oldest news goes first.
const STRIKES_MAX: usize = 10_000;
/// Without another failure for this long, an address starts over.
const FORGET_AFTER: Duration = Duration::from_secs(3_600);

pub struct Limits {
    /// By [`PeerIndex`].
    binds: Slots<AtomicUsize>,
    buckets: Slots<Mutex<Option<Bucket>>>,
    ban: Ban,
    strikes: Mutex<HashMap<IpAddr, Strikes>>,
    connections: Mutex<HashMap<IpAddr, usize>>,
    connections_max: usize,
}

struct Strikes {
    failures: u32,
    last: Instant,
    until: Option<Instant>,
}

impl Limits {
    pub fn new(ban: Ban, connections_max: usize) -> Limits {
        Limits {
            binds: Slots::default(),
            buckets: Slots::default(),
            ban,
            strikes: Mutex::default(),
            connections: Mutex::default(),
            connections_max,
        }
    }

    /// One more bind of this account, unless it has `max`.
    pub fn bound(&self, peer: PeerIndex, max: usize) -> bool {
        let add = |count| (count < max).then_some(count + 1);
        self.binds.at(peer.0).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    pub fn unbound(&self, peer: PeerIndex) {
        self.binds.at(peer.0).fetch_sub(1, Ordering::Relaxed);
    }

    /// May this account, which has this rate by now, submit one more message?
    pub fn may_submit(&self, peer: PeerIndex, rate: Option<Rate>, now: Instant) -> bool {
        let Some(rate) = rate else { return true };
        let mut bucket = self.buckets.at(peer.0).lock();
        let own = bucket.take().filter(|bucket| bucket.rate() == rate);
        bucket.insert(own.unwrap_or_else(|| Bucket::new(rate))).take(now)
    }

    /// One more connection from this address, unless it has as many as it may or has to wait.
    pub fn connected(&self, address: IpAddr, now: Instant) -> Result<(), &'static str> {
        if self.strikes.lock().get(&address).and_then(|s| s.until).is_some_and(|until| now < until) {
            return Err("its binds failed too often, it has to wait (smpp.ban)");
        }
        let mut connections = self.connections.lock();
        let count = connections.entry(address).or_default();
        if *count >= self.connections_max {
            return Err("smpp.max_links_per_ip connections from this address are open already");
        }
        *count += 1;
        Ok(())
    }

    pub fn disconnected(&self, address: IpAddr) {
        let mut connections = self.connections.lock();
        if let Some(count) = connections.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&address);
            }
        }
    }

    /// A bind failed for want of the right name or password. Yields the wait that this costs, if any.
    pub fn bind_failed(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        if self.ban.after_failures == 0 {
            return None;
        }
        let mut all = self.strikes.lock();
        if all.len() >= STRIKES_MAX {
            all.retain(|_, strikes| now < strikes.last + FORGET_AFTER);
        }
        if all.len() >= STRIKES_MAX && !all.contains_key(&address) {
            return None;
        }
        let strikes = all.entry(address).or_insert(Strikes { failures: 0, last: now, until: None });
        if now >= strikes.last + FORGET_AFTER {
            strikes.failures = 0;
        }
        (strikes.failures, strikes.last) = (strikes.failures.saturating_add(1), now);
        let over = strikes.failures.checked_sub(self.ban.after_failures)?;
        let wait = self.ban.first_secs.saturating_mul(1 << over.min(32)).min(self.ban.longest_secs);
        let wait = Duration::from_secs(wait);
        strikes.until = Some(now + wait);
        Some(wait)
    }

    pub fn bind_succeeded(&self, address: IpAddr) {
        self.strikes.lock().remove(&address);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test's first instant has to come from somewhere
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn limits() -> Limits {
        Limits::new(Ban { after_failures: 3, first_secs: 10, longest_secs: 30 }, 2)
    }

    #[test]
    fn failed_binds_cost_a_wait_that_doubles_up_to_the_longest() {
        let (limits, start) = (limits(), Instant::now());
        let waits: Vec<_> = (0..6).map(|_| limits.bind_failed(ADDRESS, start).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [None, None, Some(10), Some(20), Some(30), Some(30)]);
        assert!(limits.connected(ADDRESS, start + Duration::from_secs(29)).is_err());
        assert!(limits.connected(ADDRESS, start + Duration::from_secs(30)).is_ok());
        limits.bind_succeeded(ADDRESS);
        assert_eq!(limits.bind_failed(ADDRESS, start), None, "a success wipes the slate");
    }

    #[test]
    fn connections_and_binds_are_counted_down_again() {
        let (limits, start) = (limits(), Instant::now());
        assert!(limits.connected(ADDRESS, start).is_ok() && limits.connected(ADDRESS, start).is_ok());
        assert!(limits.connected(ADDRESS, start).is_err());
        limits.disconnected(ADDRESS);
        assert!(limits.connected(ADDRESS, start).is_ok());
        let peer = PeerIndex(0);
        assert!(limits.bound(peer, 1) && !limits.bound(peer, 1));
        limits.unbound(peer);
        assert!(limits.bound(peer, 1));
    }
}
