//! `GET /v1/overview`: how a customer or the whole house is doing: what its messages came to, what waits, what fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{QueryOf, Reply};
use super::error::{Answer, ProblemDetails};
use super::rfc3339::Time;
use crate::breaker::State as Breaker;
use crate::clock;
use crate::firewall::Reason;
use crate::message::Timestamp;
use crate::metrics::Reached;
use crate::relay::House;
use crate::route::{CustomerIndex, RuleIndex};
use crate::tally::{Point, Span};
use crate::timeline::Direction;

const MILLIS_PER_SEC: f64 = 1_000.0;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whose; a key may leave it out. The operator who leaves it out gets the sum of all customers.
    #[param(example = "acme")]
    customer: Option<String>,
    /// How far back `series` goes.
    #[serde(default)]
    #[param(inline)]
    span: SpanName,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanName {
    /// In steps of 10 seconds.
    #[default]
    Hour,
    /// In steps of 15 minutes.
    Day,
    /// 31 days, in steps of 6 hours.
    Month,
}

impl From<SpanName> for Span {
    fn from(name: SpanName) -> Span {
        match name {
            SpanName::Hour => Span::Hour,
            SpanName::Day => Span::Day,
            SpanName::Month => Span::Month,
        }
    }
}

/// How things are. What is counted is counted since the start of the server.
#[derive(Serialize, ToSchema)]
pub struct Overview {
    at: Time,
    mo: ReachedCounts,
    mt: ReachedCounts,
    /// Messages a second, over the last ten seconds that are over.
    mo_per_sec: f64,
    mt_per_sec: f64,
    /// What the firewall refused, by its reason.
    refused: BTreeMap<&'static str, u64>,
    /// MOs that wait for a rule, or run.
    mos_waiting: usize,
    dead_letters: usize,
    /// Every rule.
    rules: Vec<RuleNow>,
    /// Every SMPP account; for the operator without a customer, every upstream, too.
    accounts: Vec<AccountNow>,
    series: SeriesView,
}

/// Messages by what they have come to; one passes several.
#[derive(Default, Serialize, ToSchema)]
pub struct ReachedCounts {
    accepted: u64,
    /// At the door, by the firewall.
    refused: u64,
    /// A rule has run for it, or a peer took all of it.
    taken: u64,
    delivered: u64,
    undeliverable: u64,
    expired: u64,
    deleted: u64,
}

#[derive(Serialize, ToSchema)]
pub struct RuleNow {
    customer: String,
    name: String,
    /// Since the start of the server.
    calls: u64,
    mean_micros: u64,
    /// Events that wait for it, or run.
    waiting: usize,
    /// `closed`: it is called. `open`: too many of its last calls failed, it is not. `half_open`: one event is tried.
    breaker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_until: Option<Time>,
    /// Of its last calls, as far as the breaker looks back.
    last_calls: u32,
    last_failures: u32,
}

#[derive(Serialize, ToSchema)]
pub struct AccountNow {
    account: String,
    /// Binds that are up.
    binds: usize,
}

/// Messages step by step, the oldest first, from `from` on; the last step is not over yet. They go on over restarts; a crash
/// forgets what its last minute counted.
#[derive(Serialize, ToSchema)]
pub struct SeriesView {
    from: Time,
    step_secs: u64,
    /// Accepted.
    mo: Vec<u64>,
    mt: Vec<u64>,
    /// MTs that arrived.
    delivered: Vec<u64>,
    /// Undeliverable and expired ones, of both directions.
    failed: Vec<u64>,
    /// Those that the firewall did not let pass.
    refused: Vec<u64>,
}

/// Tells how a customer is doing, or all of them together.
#[utoipa::path(
    get, path = "/v1/overview", operation_id = "getOverview", tag = "operation",
    params(Wanted),
    responses(
        (status = 200, description = "As it is now", body = Overview),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<Overview>> {
    let one = match (&caller, &wanted.customer) {
        (Caller::Operator, None) => None,
        (_, named) => Some(caller.customer_of(&api, named.as_deref(), Scope::Read)?),
    };
    Ok(Reply(look(&api.house, one, wanted.span.into(), clock::now())))
}

fn look(house: &House, one: Option<CustomerIndex>, span: Span, now: Timestamp) -> Overview {
    let directory = house.directory();
    let customers: Vec<CustomerIndex> = match one {
        Some(customer) => vec![customer],
        None => directory.customers().map(|(index, _)| index).collect(),
    };
    let counts = |direction| {
        let mut counts = ReachedCounts::default();
        customers.iter().for_each(|customer| counts.add(house, *customer, direction));
        counts
    };
    let refused = Reason::ALL.iter().map(|reason| {
        let count = customers.iter().map(|customer| house.metrics.refused(*customer, *reason)).sum::<u64>();
        (reason.code(), count)
    });
    let recent = last_step(house, &customers, now);
    let step_secs = Span::Hour.step_ms() as f64 / MILLIS_PER_SEC;
    Overview {
        at: now.into(),
        mo: counts(Direction::Mo),
        mt: counts(Direction::Mt),
        mo_per_sec: recent.mo as f64 / step_secs,
        mt_per_sec: recent.mt as f64 / step_secs,
        refused: refused.filter(|(_, count)| *count > 0).collect(),
        mos_waiting: customers.iter().map(|customer| house.mos_waiting_of(*customer)).sum(),
        dead_letters: customers.iter().map(|customer| house.dead_of(*customer)).sum(),
        rules: rules(house, one, now),
        accounts: accounts(house, one),
        series: SeriesView::of(house, &customers, span, now),
    }
}

/// The last one that is over.
fn last_step(house: &House, customers: &[CustomerIndex], now: Timestamp) -> Point {
    let before = Timestamp(now.0.saturating_sub(Span::Hour.step_ms()));
    let mut sum = Point::default();
    for customer in customers {
        let points = house.metrics.series(*customer, Span::Hour, before).1;
        points.last().into_iter().for_each(|point| sum += *point);
    }
    sum
}

fn rules(house: &House, one: Option<CustomerIndex>, now: Timestamp) -> Vec<RuleNow> {
    let directory = house.directory();
    let name = one.map(|customer| directory.customer_at(customer).id.clone());
    let all = directory.rules.iter().enumerate();
    let wanted = all.filter(|(_, rule)| name.as_deref().is_none_or(|name| *rule.customer == *name));
    let rules = wanted.map(|(index, rule)| {
        let index = RuleIndex(index);
        let (calls, status) = (house.metrics.rule(index).read(), house.breaker(index, now));
        let count: u64 = calls.buckets.iter().sum();
        let (breaker, open_until) = match status.state {
            Breaker::Closed => ("closed", None),
            Breaker::HalfOpen => ("half_open", None),
            Breaker::Open(until) => ("open", Some(Time(until))),
        };
        RuleNow {
            customer: rule.customer.to_string(),
            name: rule.name.to_string(),
            calls: count,
            mean_micros: calls.sum_micros.checked_div(count).unwrap_or_default(),
            waiting: house.waiting_of(index),
            breaker,
            open_until,
            last_calls: status.calls,
            last_failures: status.failures,
        }
    });
    rules.collect()
}

fn accounts(house: &House, one: Option<CustomerIndex>) -> Vec<AccountNow> {
    let (directory, binds) = (house.directory(), house.metrics.binds().all());
    let name = one.map(|customer| directory.customer_at(customer).id.clone());
    let present = directory.peers.iter().filter(|peer| !peer.is_gone());
    let wanted = present.filter(|peer| one.is_none() || peer.customer == name);
    let accounts = wanted.map(|peer| AccountNow {
        account: peer.name.to_string(),
        binds: binds.iter().filter(|bind| *bind.peer == *peer.name).count(),
    });
    accounts.collect()
}

impl ReachedCounts {
    fn add(&mut self, house: &House, customer: CustomerIndex, direction: Direction) {
        for reached in Reached::ALL {
            let count = match reached {
                Reached::Accepted => &mut self.accepted,
                Reached::Refused => &mut self.refused,
                Reached::Taken => &mut self.taken,
                Reached::Delivered => &mut self.delivered,
                Reached::Undeliverable => &mut self.undeliverable,
                Reached::Expired => &mut self.expired,
                Reached::Deleted => &mut self.deleted,
            };
            *count += house.metrics.messages(customer, direction, reached);
        }
    }
}

impl SeriesView {
    fn of(house: &House, customers: &[CustomerIndex], span: Span, now: Timestamp) -> SeriesView {
        let mut sums = vec![Point::default(); span.steps()];
        let mut from = now;
        for customer in customers {
            let (first, points) = house.metrics.series(*customer, span, now);
            from = first;
            sums.iter_mut().zip(points).for_each(|(sum, point)| *sum += point);
        }
        let column = |of: fn(&Point) -> u64| sums.iter().map(of).collect();
        SeriesView {
            from: from.into(),
            step_secs: span.step_ms() / 1_000,
            mo: column(|point| point.mo),
            mt: column(|point| point.mt),
            delivered: column(|point| point.delivered),
            failed: column(|point| point.failed),
            refused: column(|point| point.refused),
        }
    }
}
