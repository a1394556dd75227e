//! Who is signed in. A session is a claim, never a token, under the hash of a random id that only the browser has; the API
//! judges the claim with each request, so a key that is deleted or expires ends its sessions at once.
//!
//! In memory only: a start of the server signs everybody out. Takes `now`.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::asking::Claim;
use crate::message::Timestamp;
use crate::secret::{Digest, Secret};

const MINUTE_MS: u64 = 60_000;
/// A browser that somebody left: pages that refresh themselves do not count as use.
const IDLE_MS: u64 = 60 * MINUTE_MS;
/// A working day, whatever is done in it.
const LASTS_MS: u64 = 12 * 60 * MINUTE_MS;
/// More than people sign in; above, the one that was not used for longest ends.
const SESSIONS_MAX: usize = 10_000;
/// A person who mistypes has as many chances in a minute; tokens have 256 random bits and cannot be guessed anyway.
const FAILURES_MAX: u32 = 10;
/// Addresses whose failures are remembered; above, sign-in waits until a minute is over.
const ADDRESSES_MAX: usize = 4_096;

/// Whether a request shows that somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Person,
    /// A page that refreshes itself.
    Machine,
}

struct Session {
    claim: Claim,
    made: Timestamp,
    used: Timestamp,
    /// Dropped with the session, which ends what streams for it.
    ended: watch::Sender<()>,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now.0.saturating_sub(self.used.0) >= IDLE_MS || now.0.saturating_sub(self.made.0) >= LASTS_MS
    }
}

/// A session that holds.
pub struct Open {
    pub claim: Claim,
    /// Under which it is ended.
    pub id: SessionId,
    pub ended: watch::Receiver<()>,
}

/// The hash of what the browser has.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

impl SessionId {
    fn of(secret: &str) -> SessionId {
        SessionId(Digest::of(secret).to_text())
    }
}

#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<SessionId, Session>>,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
}

impl Sessions {
    /// What the browser is to send from now on.
    pub fn begin(&self, claim: Claim, now: Timestamp) -> io::Result<String> {
        let secret = Secret::new()?.with_prefix("");
        let session = Session { claim, made: now, used: now, ended: watch::Sender::new(()) };
        let mut open = self.open.lock();
        open.retain(|_, session| !session.is_over(now));
        if open.len() >= SESSIONS_MAX
            && let Some(oldest) = open.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone())
        {
            open.remove(&oldest);
        }
        open.insert(SessionId::of(&secret), session);
        Ok(secret)
    }

    pub fn find(&self, secret: &str, by: Use, now: Timestamp) -> Option<Open> {
        let id = SessionId::of(secret);
        let mut open = self.open.lock();
        let session = open.get_mut(&id)?;
        if session.is_over(now) {
            open.remove(&id);
            return None;
        }
        if by == Use::Person {
            session.used = now;
        }
        Some(Open { claim: session.claim.clone(), ended: session.ended.subscribe(), id })
    }

    /// For what goes on for long: looking on is no use of a session.
    pub fn holds(&self, id: &SessionId, now: Timestamp) -> bool {
        let mut open = self.open.lock();
        let holds = open.get(id).is_some_and(|session| !session.is_over(now));
        if !holds {
            open.remove(id);
        }
        holds
    }

    pub fn end(&self, id: &SessionId) {
        self.open.lock().remove(id);
    }

    /// Whether somebody at this address may try to sign in.
    pub fn may_try(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut failures = self.failures.lock();
        failures.retain(|_, failed| now.0.saturating_sub(failed.since.0) < MINUTE_MS);
        match failures.get(&address) {
            Some(failed) => failed.count < FAILURES_MAX,
            None => failures.len() < ADDRESSES_MAX,
        }
    }

    pub fn failed(&self, address: IpAddr, now: Timestamp) {
        let mut failures = self.failures.lock();
        failures.entry(address).or_insert(Failures { since: now, count: 0 }).count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_796_040_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn later(ms: u64) -> Timestamp {
        Timestamp(NOW.0 + ms)
    }

    #[test]
    fn a_session_ends_when_nobody_used_it_for_an_hour_though_its_page_refreshed_itself() {
        let sessions = Sessions::default();
        let secret = sessions.begin(Claim::of("token"), NOW).expect("chance");
        assert!(sessions.find(&secret, Use::Person, later(IDLE_MS - 1)).is_some());
        let late = IDLE_MS - 1 + IDLE_MS;
        assert!(sessions.find(&secret, Use::Machine, later(late - 1)).is_some());
        assert!(sessions.find(&secret, Use::Machine, later(late)).is_none());
    }

    #[test]
    fn a_session_ends_after_half_a_day_however_much_it_is_used() {
        let sessions = Sessions::default();
        let secret = sessions.begin(Claim::of("token"), NOW).expect("chance");
        for minutes in (30..12 * 60).step_by(30) {
            assert!(sessions.find(&secret, Use::Person, later(minutes * MINUTE_MS)).is_some());
        }
        assert!(sessions.find(&secret, Use::Person, later(LASTS_MS)).is_none());
    }

    #[test]
    fn what_streams_for_a_session_ends_when_nobody_uses_it() {
        let sessions = Sessions::default();
        let secret = sessions.begin(Claim::of("token"), NOW).expect("chance");
        let open = sessions.find(&secret, Use::Person, NOW).expect("it holds");
        assert!(sessions.holds(&open.id, later(IDLE_MS - 1)));
        assert!(!sessions.holds(&open.id, later(IDLE_MS)) && open.ended.has_changed().is_err());
        assert!(!sessions.holds(&open.id, NOW), "it is over for good");
    }

    #[test]
    fn ids_differ_are_kept_as_hashes_and_end_what_streams() {
        let sessions = Sessions::default();
        let [one, two] = [(); 2].map(|()| sessions.begin(Claim::of("token"), NOW).expect("chance"));
        assert_ne!(one, two);
        assert!(sessions.open.lock().keys().all(|id| id.0 != one && id.0 != two));
        let mut open = sessions.find(&one, Use::Person, NOW).expect("it holds");
        assert!(open.ended.has_changed().is_ok());
        sessions.end(&open.id);
        assert!(open.ended.has_changed().is_err() && open.ended.borrow_and_update().eq(&()));
        assert!(sessions.find(&one, Use::Person, NOW).is_none() && sessions.find(&two, Use::Person, NOW).is_some());
    }

    #[test]
    fn whoever_fails_ten_times_in_a_minute_waits_and_nobody_else_does() {
        let sessions = Sessions::default();
        for _ in 0..FAILURES_MAX {
            assert!(sessions.may_try(HOME, NOW));
            sessions.failed(HOME, NOW);
        }
        assert!(!sessions.may_try(HOME, later(MINUTE_MS - 1)));
        assert!(sessions.may_try(IpAddr::from([192, 0, 2, 1]), NOW));
        assert!(sessions.may_try(HOME, later(MINUTE_MS)));
    }

    #[test]
    fn many_addresses_that_fail_cost_a_bounded_amount() {
        let sessions = Sessions::default();
        for n in 0..2 * ADDRESSES_MAX as u32 {
            let address = IpAddr::from(n.to_be_bytes());
            if sessions.may_try(address, NOW) {
                sessions.failed(address, NOW);
            }
        }
        assert_eq!(sessions.failures.lock().len(), ADDRESSES_MAX);
        assert!(sessions.may_try(HOME, later(MINUTE_MS)));
    }
}
