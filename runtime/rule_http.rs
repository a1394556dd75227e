//! Makes the HTTP calls that rules submitted: each after the commit that submitted it, until somebody answers or it is
//! given up, at least once. What was answered is an event of the rule.
//!
//! One task looks for what is due; calls are tasks of their own, few at once, and fewer still of one customer.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, HOST, USER_AGENT};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock;
use crate::config::{Rule, Webhooks};
use crate::grant::HttpGrant;
use crate::message::Timestamp;
use crate::outgoing;
use crate::relay::{self, Attempted, House};
use crate::store::{HttpCallKey, HttpCallRecord, StoreFailed};

/// Calls at once, of all customers.
const AT_ONCE: usize = 256;
/// Of one customer: its slow server leaves room for others.
const AT_ONCE_EACH: usize = 16;
/// Octets of an answer that a rule gets.
const ANSWER_OCTETS: usize = 64 << 10;
/// It looks again after this long even if nobody woke it.
const REST_MAX: Duration = Duration::from_secs(5);
/// Pause after something of ours went wrong.
const TROUBLE: Duration = Duration::from_secs(1);

/// Until the house closes. What is under way then is made again after the next start.
pub async fn run(house: Arc<House>, allowed: Webhooks, mut closing: watch::Receiver<bool>) {
    let mut submitted = house.http_calls_submitted();
    let mut caller =
        Caller { house, allowed, under_way: Default::default(), of: HashMap::new(), tasks: JoinSet::new() };
    while !*closing.borrow() {
        submitted.mark_unchanged();
        let rest = match caller.take_up(clock::now()).await {
            Ok(next) => next.map_or(REST_MAX, |next| Duration::from_millis(next.0.saturating_sub(clock::now().0))),
            Err(error) => {
                tracing::error!("HTTP calls of rules cannot be read: {error}");
                TROUBLE
            }
        };
        tokio::select! {
            _ = submitted.changed() => {}
            _ = closing.wait_for(|closing| *closing) => {}
            Some(ended) = caller.tasks.join_next(), if !caller.tasks.is_empty() => caller.ended(ended),
            () = tokio::time::sleep(rest.clamp(Duration::from_millis(1), REST_MAX)) => {}
        }
        while let Some(ended) = caller.tasks.try_join_next() {
            caller.ended(ended);
        }
    }
}

struct Caller {
    house: Arc<House>,
    allowed: Webhooks,
    under_way: HashSet<HttpCallKey>,
    /// Calls under way of each customer.
    of: HashMap<Arc<str>, usize>,
    tasks: JoinSet<HttpCallKey>,
}

impl Caller {
    /// Begins what is due, as far as there is room. Yields when more is due.
    async fn take_up(&mut self, now: Timestamp) -> io::Result<Option<Timestamp>> {
        for customer in self.house.http_callers_due(now) {
            if self.tasks.len() >= AT_ONCE {
                return Ok(None); // one that ends makes it look again
            }
            let under_way = self.of.get(&customer).copied().unwrap_or_default();
            let calls = self.house.take_http_calls(&customer, (under_way, AT_ONCE_EACH), now)?;
            calls.into_iter().for_each(|(key, record)| self.begin(key, record));
        }
        Ok(self.house.next_http_call())
    }

    fn begin(&mut self, key: HttpCallKey, record: HttpCallRecord) {
        let of_customer = self.of.entry(key.customer.clone()).or_default();
        // What is left out is looked at again when one of its customer's ends.
        if *of_customer >= AT_ONCE_EACH || !self.under_way.insert(key.clone()) {
            return;
        }
        *of_customer += 1;
        let (house, allowed) = (self.house.clone(), self.allowed);
        self.tasks.spawn(async move {
            let attempted = attempt(&house, allowed, &key, &record).await;
            if let Err(StoreFailed(why)) = relay::http_called(&house, key.clone(), record, attempted, clock::now()) {
                tracing::error!(call = %key.id, "what came of an HTTP call is not recorded: {why}");
            }
            key
        });
    }

    fn ended(&mut self, ended: Result<HttpCallKey, tokio::task::JoinError>) {
        let key = match ended {
            Ok(key) => key,
            Err(error) => return tracing::error!("an HTTP call of a rule ended badly: {error}"),
        };
        self.under_way.remove(&key);
        if let Some(count) = self.of.get_mut(&key.customer) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&key.customer);
            }
        }
        self.house.http_call_ended(&key.customer, clock::now());
    }
}

async fn attempt(house: &House, allowed: Webhooks, key: &HttpCallKey, record: &HttpCallRecord) -> Attempted {
    let request = {
        let directory = house.directory();
        let Some(rule) = directory.rule(&key.customer, &record.rule) else {
            return Attempted::Failed("its rule is gone".to_owned());
        };
        request(&directory.rules[rule.0], allowed, key, record)
    };
    let (target, request) = match request {
        Ok(request) => request,
        Err(why) => return Attempted::Refused(why),
    };
    match outgoing::send_and_read(&target, allowed, request, ANSWER_OCTETS).await {
        Ok(answered) => Attempted::Answered { status: answered.status.as_u16(), body: answered.body },
        Err(why) => Attempted::Failed(why),
    }
}

/// As the rule may make it now: its grants and secrets may have changed since it submitted the call.
fn request(
    rule: &Rule,
    allowed: Webhooks,
    key: &HttpCallKey,
    record: &HttpCallRecord,
) -> Result<(crate::target::Target, Request<Body>), String> {
    let call = &record.call;
    let target = HttpGrant { hosts: rule.http_hosts.clone(), allowed }.check(&call.url)?;
    let mut request = Request::builder()
        .method(&*call.method)
        .uri(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, concat!("wasmsc/", env!("CARGO_PKG_VERSION")))
        .header("idempotency-key", format!("{}-http", key.id));
    for (name, value) in &call.headers {
        request = request.header(&**name, &**value);
    }
    if let Some(name) = &call.authorization {
        let secret = rule.secrets.get(&**name).ok_or_else(|| format!("the rule has no secret {name:?} any more"))?;
        request = request.header(AUTHORIZATION, secret);
    }
    let body = call.body.clone().map_or_else(Body::empty, Body::from);
    Ok((target, request.body(body).map_err(|error| error.to_string())?))
}
