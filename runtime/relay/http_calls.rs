//! HTTP calls of rules: when they are tried again, and the event that tells the rule of the answer.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::next_due::NextDue;
use super::timers::LOOK_AGAIN_MS;
use super::{House, Stored};
use crate::message::Timestamp;
use crate::occasion::{HttpReply, Occasion};
use crate::store::keys::Kind;
use crate::store::{Change, HttpCallKey, HttpCallRecord, Store};

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempted {
    Answered {
        status: u16,
        body: Bytes,
    },
    /// Nobody answered, for this reason.
    Failed(String),
    /// It will never be: the rule is not allowed to, any more.
    Refused(String),
}

/// Pauses before each further attempt: about a quarter of an hour in all.
const PAUSES_MS: [u64; 6] = [1_000, 5_000, 30_000, 120_000, 300_000, 480_000];
/// Statuses by which a server says that the same call may succeed later (RFC 9110 §15.6, RFC 6585 §4).
const LATER: [u16; 5] = [408, 429, 502, 503, 504];

/// Which calls are due, and whoever makes them is woken.
pub struct HttpCalls {
    /// When the first call of each customer that is not under way is due, or earlier.
    next: Mutex<NextDue>,
    submitted: watch::Sender<()>,
}

impl HttpCalls {
    pub fn recover(store: &Store) -> io::Result<HttpCalls> {
        let next = NextDue::recover(store, Kind::HttpCall)?;
        Ok(HttpCalls { next: Mutex::new(next), submitted: watch::Sender::new(()) })
    }

    /// The store has it, and it is durable.
    pub fn submitted(&self, customer: &str, due: Timestamp) {
        if self.next.lock().bring_forward(customer, due) {
            self.submitted.send_replace(());
        }
    }
}

impl House {
    /// Hears when a call may be due that was not before.
    pub fn http_calls_submitted(&self) -> watch::Receiver<()> {
        self.http_calls.submitted.subscribe()
    }

    /// Customers that may have calls that are due, whoever has waited longest first.
    pub fn http_callers_due(&self, now: Timestamp) -> Vec<Arc<str>> {
        self.http_calls.next.lock().due(now)
    }

    /// When the next one may have.
    pub fn next_http_call(&self) -> Option<Timestamp> {
        self.http_calls.next.lock().first()
    }

    /// One of a customer's calls has ended, so that there may be room for another.
    pub fn http_call_ended(&self, customer: &str, now: Timestamp) {
        self.http_calls.next.lock().bring_forward(customer, now);
    }

    /// A customer's calls that are due, those under way among them: as many as have room, of `at_once`. Of a customer
    /// that has no room for answers, none.
    pub fn take_http_calls(
        &self,
        customer: &Arc<str>,
        (under_way, at_once): (usize, usize),
        now: Timestamp,
    ) -> io::Result<Vec<(HttpCallKey, HttpCallRecord)>> {
        // Held until its next one is written down: what is submitted meanwhile comes before or after both.
        let mut next = self.http_calls.next.lock();
        // Each answer will be an event more that waits.
        let limit = self.room_of(customer).min(at_once);
        if under_way >= limit {
            // One that ends makes it look again.
            next.put(customer, (under_way == 0).then(|| now.plus_ms(LOOK_AGAIN_MS)));
            return Ok(Vec::new());
        }
        let due = self.store.http_calls_due(customer, now, limit)?;
        next.put(customer, due.next);
        Ok(due.calls)
    }
}

/// Records an attempt. Yields when the next one is due; None: the rule is told of the end.
pub fn http_called(
    house: &Arc<House>,
    key: HttpCallKey,
    mut record: HttpCallRecord,
    attempted: Attempted,
    now: Timestamp,
) -> Stored<Option<Timestamp>> {
    let customer = key.customer.clone();
    let rule = format!("{customer}/{}", record.rule);
    record.attempts += 1;
    let pause = PAUSES_MS.get(record.attempts as usize - 1);
    let is_later = match &attempted {
        Attempted::Answered { status, .. } => LATER.contains(status),
        Attempted::Failed(_) => true,
        Attempted::Refused(_) => false,
    };
    if let (true, Some(pause)) = (is_later, pause) {
        let (attempt, due) = (record.attempts, now.plus_ms(*pause));
        tracing::warn!(rule, call = %key.id, attempt, "an HTTP call is tried again: {attempted:?}");
        let again = HttpCallKey { due, ..key.clone() };
        house.store.amend(vec![Change::HttpCalled(key), Change::HttpCall(again, Box::new(record))], None)?;
        return Ok(Some(due));
    }
    let (status, body) = match attempted {
        Attempted::Answered { status, body } => (Some(status), body),
        Attempted::Failed(why) | Attempted::Refused(why) => {
            tracing::warn!(rule, call = %key.id, attempt = record.attempts, "an HTTP call is given up: {why}");
            (None, Bytes::new())
        }
    };
    let HttpCallRecord { rule, device, number, call, .. } = record;
    let occasion = Occasion::HttpReply(Box::new(HttpReply { tag: call.tag, status, body }));
    let (_, arrival) = house.arrival((&customer, &rule), (device, number), occasion, now);
    house.amend(vec![Change::HttpCalled(key), arrival], None, now)?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::message::{Address, Content, Message};
    use crate::occasion::HttpCall;
    use crate::plugin::{Effects, Outcome};
    use crate::relay::home::{Home, NOW};
    use crate::relay::{claim, conclude};
    use crate::schedule::Next;

    const AT_ONCE: usize = 4;

    /// A rule of each of both customers.
    fn rules() -> String {
        [("acme", "7001"), ("beta", "7002")]
            .map(|(customer, number)| {
                format!(
                    "[[rule]]\ncustomer = {customer:?}\nname = \"r\"\ncomponent = \"x.wasm\"\nnumbers = [{number:?}]\n"
                )
            })
            .concat()
    }

    /// A device's MO to that number, upon which its rule makes so many calls.
    fn calls(home: &mut Home, number: &str, count: usize) {
        let message = Message {
            source: Address::Msisdn("46700000001".into()),
            destination: Address::ShortCode(number.into()),
            content: Content::default(),
            received_at: NOW,
        };
        home.bring(message, 0, NOW);
        let call = HttpCall {
            method: "POST".into(),
            url: "https://example.com/".into(),
            headers: Vec::new(),
            body: None,
            authorization: None,
            tag: "t".into(),
        };
        while let Next::Run(key, event) = home.house.next(NOW) {
            claim(&home.house, &key, event, NOW).expect("it waits");
            let effects = Effects { calls: vec![call.clone(); count], ..Effects::default() };
            let ended = conclude(&home.house, &key, event, Outcome::Done(effects), NOW);
            home.house.finished(key, ended, Duration::ZERO, NOW);
        }
        home.write();
    }

    fn due(home: &Home, now: Timestamp) -> Vec<String> {
        home.house.http_callers_due(now).iter().map(|customer| customer.to_string()).collect()
    }

    /// How many calls of a customer are begun, with so many under way.
    fn begun(home: &Home, customer: &str, under_way: usize, now: Timestamp) -> usize {
        let found = home.house.take_http_calls(&customer.into(), (under_way, AT_ONCE), now).expect("readable");
        found.len().saturating_sub(under_way)
    }

    #[test]
    fn calls_of_one_customer_beyond_its_share_do_not_hold_up_those_of_another() {
        let mut home = Home::new("", &rules());
        calls(&mut home, "7001", 10);
        calls(&mut home, "7002", 1);
        assert_eq!(due(&home, NOW), ["acme", "beta"]);
        assert_eq!(begun(&home, "acme", 0, NOW), AT_ONCE);
        assert_eq!(begun(&home, "acme", AT_ONCE, NOW), 0);
        assert_eq!(due(&home, NOW.plus_ms(60_000)), ["beta"], "acme is not even looked at until one of its calls ends");
        let later = NOW.plus_ms(10);
        home.house.http_call_ended("acme", later);
        assert_eq!(due(&home, later), ["beta", "acme"], "whoever has waited longest first");
        assert_eq!((begun(&home, "beta", 0, later), begun(&home, "acme", AT_ONCE - 1, later)), (1, 1));
        assert_eq!(due(&home, later), ["acme"], "it has more, beta has not");
    }

    #[test]
    fn a_call_waits_while_there_is_no_room_for_its_answer() {
        let mut home = Home::new("queue_max = 2", &rules());
        calls(&mut home, "7001", 4);
        assert_eq!(begun(&home, "acme", 0, NOW), 2, "the answers will be two events");
        assert_eq!(begun(&home, "acme", 2, NOW), 0);
    }

    #[test]
    fn a_restart_finds_what_was_under_way() {
        let mut home = Home::new("", &rules());
        calls(&mut home, "7001", 2);
        assert_eq!((begun(&home, "acme", 0, NOW), due(&home, NOW).len()), (2, 0));
        let home = home.crash();
        assert_eq!((due(&home, NOW), begun(&home, "acme", 0, NOW)), (vec!["acme".to_owned()], 2));
    }

    #[test]
    fn what_is_tried_again_is_due_then() {
        let mut home = Home::new("", &rules());
        calls(&mut home, "7001", 1);
        let (key, record) = home.house.take_http_calls(&"acme".into(), (0, AT_ONCE), NOW).expect("readable").remove(0);
        let again = http_called(&home.house, key, record, Attempted::Failed("reset".to_owned()), NOW).expect("stored");
        home.write();
        home.house.http_call_ended("acme", NOW);
        assert_eq!((begun(&home, "acme", 0, NOW), home.house.next_http_call()), (0, again));
        assert_eq!(begun(&home, "acme", 0, again.expect("once more")), 1);
    }
}
