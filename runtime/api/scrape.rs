//! The house's numbers, as Prometheus reads them (OpenMetrics text). For the operator: they name customers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::Api;
use super::auth::Caller;
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::queue;
use crate::breaker;
use crate::clock;
use crate::firewall::Reason;
use crate::metrics::{BOUNDS_MICROS, DIRECTIONS, Durations, HookOutcome, Reached, SpanOutcome};
use crate::relay::House;
use crate::route::{CustomerIndex, RuleIndex};
use crate::store::disk;
use crate::timeline::Direction;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Above so many rules there is one series for all rules of a customer: each rule would be twenty lines of every scrape.
const RULES_MAX: usize = 1_000;
/// The label `rule` of such a series.
const ALL_RULES: &str = "*";
const MILLIS_PER_SEC: f64 = 1_000.0;
const MICROS_PER_SEC: f64 = 1_000_000.0;

/// The numbers of this process since its start.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses(
        (status = 200, description = "OpenMetrics text", body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn metrics(State(api): State<Arc<Api>>, caller: Caller) -> Answer<impl IntoResponse> {
    caller.must_be_operator()?;
    let mut registry = Registry::with_prefix("wasmsc");
    registry.register_collector(Box::new(Numbers(api.house.clone(), api.setup.file().data_dir.clone())));
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|error| Problem::new(Code::Internal, format!("the numbers cannot be written: {error}")))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}

/// Of the house, and of its data directory.
struct Numbers(Arc<House>, PathBuf);

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.messages(&mut encoder)?;
        self.refused(&mut encoder)?;
        self.waiting(&mut encoder)?;
        self.queues(&mut encoder)?;
        self.binds(&mut encoder)?;
        self.rules(&mut encoder)?;
        self.dead(&mut encoder)?;
        self.breakers(&mut encoder)?;
        self.hooks(&mut encoder)?;
        self.spans(&mut encoder)?;
        let commits = self.0.store.commits().read();
        let help = "Time to write and sync a group of changes";
        durations(
            &mut encoder.encode_descriptor("store_commit_seconds", help, None, MetricType::Histogram)?,
            &commits,
        )?;
        let help = "Octets that the store has on disk: log, tables, history and events";
        let used = disk::used_octets(&self.1);
        encoder.encode_descriptor("store_octets", help, None, MetricType::Gauge)?.encode_gauge(&used)?;
        if let Ok(free) = disk::free_octets(&self.1) {
            let help = "Octets that may still be written to its disk";
            encoder.encode_descriptor("store_free_octets", help, None, MetricType::Gauge)?.encode_gauge(&free)?;
        }
        let help = "Checkpoints of the store";
        let mut counter = encoder.encode_descriptor("store_checkpoints", help, None, MetricType::Counter)?;
        counter.encode_counter::<NoLabelSet, _, f64>(&self.0.store.checkpoints(), None)
    }
}

impl Numbers {
    fn customers(&self) -> Vec<(CustomerIndex, Arc<str>)> {
        self.0.directory().customers().map(|(index, customer)| (index, customer.id.clone())).collect()
    }

    fn messages(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Messages by what they have come to; one passes several states";
        let mut family = encoder.encode_descriptor("messages", help, None, MetricType::Counter)?;
        for (index, customer) in self.customers() {
            for direction in DIRECTIONS {
                for reached in Reached::ALL {
                    let count = self.0.metrics.messages(index, direction, reached);
                    let labels = [("customer", &*customer), ("direction", name(direction)), ("state", reached.name())];
                    family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&count, None)?;
                }
            }
        }
        Ok(())
    }

    fn refused(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Messages that the firewall refused, by its reason";
        let mut family = encoder.encode_descriptor("refused", help, None, MetricType::Counter)?;
        for (index, customer) in self.customers() {
            for reason in Reason::ALL {
                let count = self.0.metrics.refused(index, *reason);
                let labels = [("customer", &*customer), ("reason", reason.code())];
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn waiting(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "MOs that wait for a rule of their customer, or run";
        let mut family = encoder.encode_descriptor("mos_waiting", help, None, MetricType::Gauge)?;
        for (index, customer) in self.customers() {
            family.encode_family(&[("customer", &*customer)])?.encode_gauge(&(self.0.mos_waiting_of(index) as u64))?;
        }
        Ok(())
    }

    /// An alarm is for what is not 0.
    fn breakers(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let directory = self.0.directory();
        let now = clock::now();
        // Of very many, those that there is something to say of.
        let is_told = |status: &breaker::Status| {
            directory.rules.len() <= RULES_MAX || status.opened > 0 || !matches!(status.state, breaker::State::Closed)
        };
        let all = || directory.rules.iter().enumerate();
        let rules = || {
            all()
                .map(|(index, rule)| (self.0.breaker(RuleIndex(index), now), rule))
                .filter(|(status, _)| is_told(status))
        };
        let help =
            "Whether a rule is called: 0 yes, 1 one event at a time is tried, 2 no, too many of its calls failed";
        let mut family = encoder.encode_descriptor("rule_breaker", help, None, MetricType::Gauge)?;
        for (status, rule) in rules() {
            let state: u64 = match status.state {
                breaker::State::Closed => 0,
                breaker::State::HalfOpen => 1,
                breaker::State::Open(_) => 2,
            };
            let labels = [("customer", rule.customer.as_str()), ("rule", rule.name.as_str())];
            family.encode_family(&labels)?.encode_gauge(&state)?;
        }
        let help = "How often it was no more called because too many of its calls failed";
        let mut family = encoder.encode_descriptor("rule_breaker_opened", help, None, MetricType::Counter)?;
        for (status, rule) in rules() {
            let labels = [("customer", rule.customer.as_str()), ("rule", rule.name.as_str())];
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&status.opened, None)?;
        }
        Ok(())
    }

    fn dead(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Dead letters that are kept for their customer";
        let mut family = encoder.encode_descriptor("dead_letters", help, None, MetricType::Gauge)?;
        for (index, customer) in self.customers() {
            family.encode_family(&[("customer", &*customer)])?.encode_gauge(&(self.0.dead_of(index) as u64))?;
        }
        Ok(())
    }

    /// Of those that have peers, and of others in which something waits.
    fn queues(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let queues = queue::all(&self.0, clock::now()).map_err(|_| fmt::Error)?;
        let help = "Messages that wait for a link, or that links have in hand";
        let mut family = encoder.encode_descriptor("queue_messages", help, None, MetricType::Gauge)?;
        for queue in &queues {
            family.encode_family(&[("queue", &*queue.name)])?.encode_gauge(&(queue.messages as u64))?;
        }
        let help = "For how long the message that waits longest could have gone out";
        let mut family = encoder.encode_descriptor("queue_overdue_seconds", help, None, MetricType::Gauge)?;
        for queue in &queues {
            let seconds = queue.overdue_ms as f64 / MILLIS_PER_SEC;
            family.encode_family(&[("queue", &*queue.name)])?.encode_gauge(&seconds)?;
        }
        Ok(())
    }

    /// Of every account and upstream, the absent ones too: an alarm is for those.
    fn binds(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let directory = self.0.directory();
        let present = directory.peers.iter().filter(|peer| !peer.is_gone());
        let mut up: BTreeMap<&str, u64> = present.map(|peer| (&*peer.name, 0)).collect();
        for bind in self.0.metrics.binds().all() {
            if let Some(count) = up.get_mut(&*bind.peer) {
                *count += 1;
            }
        }
        let mut family = encoder.encode_descriptor("binds", "Binds that are up", None, MetricType::Gauge)?;
        up.iter().try_for_each(|(account, count)| family.encode_family(&[("account", *account)])?.encode_gauge(count))
    }

    fn hooks(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Events that were sent to webhooks, by what came of it";
        let mut family = encoder.encode_descriptor("webhook_attempts", help, None, MetricType::Counter)?;
        HookOutcome::ALL.into_iter().try_for_each(|outcome| {
            let count = self.0.metrics.hooks(outcome);
            family.encode_family(&[("outcome", outcome.name())])?.encode_counter::<NoLabelSet, _, f64>(&count, None)
        })
    }

    fn spans(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let mut family =
            encoder.encode_descriptor("spans", "Spans of traces, by outcome", None, MetricType::Counter)?;
        SpanOutcome::ALL.into_iter().try_for_each(|outcome| {
            let count = self.0.metrics.spans(outcome);
            family.encode_family(&[("outcome", outcome.name())])?.encode_counter::<NoLabelSet, _, f64>(&count, None)
        })
    }

    fn rules(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Time that a call of a rule took";
        let mut family = encoder.encode_descriptor("rule_call_seconds", help, None, MetricType::Histogram)?;
        let directory = self.0.directory();
        let all = directory.rules.iter().enumerate();
        let calls = all.map(|(index, rule)| (rule, self.0.metrics.rule(RuleIndex(index)).read()));
        if directory.rules.len() <= RULES_MAX {
            for (rule, calls) in calls {
                let labels = [("customer", rule.customer.as_str()), ("rule", rule.name.as_str())];
                durations(&mut family.encode_family(&labels)?, &calls)?;
            }
            return Ok(());
        }
        let mut by_customer: BTreeMap<&str, Durations> = BTreeMap::new();
        calls.for_each(|(rule, calls)| *by_customer.entry(&rule.customer).or_default() += calls);
        let summed = |(customer, calls): (&&str, &Durations)| {
            durations(&mut family.encode_family(&[("customer", *customer), ("rule", ALL_RULES)])?, calls)
        };
        by_customer.iter().try_for_each(summed)
    }
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Mo => "mo",
        Direction::Mt => "mt",
    }
}

fn durations(encoder: &mut MetricEncoder, read: &Durations) -> fmt::Result {
    let bounds = BOUNDS_MICROS.iter().map(|bound| *bound as f64 / MICROS_PER_SEC).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(read.buckets).collect();
    let count = read.buckets.iter().sum();
    encoder.encode_histogram::<NoLabelSet>(read.sum_micros as f64 / MICROS_PER_SEC, count, &buckets, None)
}
