//! How an MO ends that a rule ran for: its receipt, another attempt, or the dead letters.

use std::sync::Arc;

use wasmsc_smpp::receipt::MessageState;

use super::recordings::Kept;
use super::{House, Stored, receipts, requests};
use crate::message::{MessageId, Timestamp};
use crate::metrics::Reached;
use crate::occasion::Occasion;
use crate::plugin::{Broken, Outcome};
use crate::route::RuleIndex;
use crate::schedule::{Ended, Event};
use crate::store::keys::Partition;
use crate::store::{Change, DeadFailure, Failure, InboxRecord, Queued};
use crate::timeline::Direction;
use crate::tracking::Tracked;

/// First pause before another attempt; doubles up to the last.
const RETRY_FIRST_MS: u64 = 1_000;
pub const RETRY_LAST_MS: u64 = 300_000;

/// The end of an MO whose sender wants a receipt: its new row, and the receipt.
pub fn mo_ended(
    house: &House,
    (partition, id): (Partition, MessageId),
    state: MessageState,
    now: Timestamp,
) -> (Option<(MessageId, Box<Tracked>)>, Vec<Queued>) {
    let _lock = house.tracking.lock();
    let Ok(Some(mut tracked)) = house.store.tracked(partition, id) else { return (None, Vec::new()) };
    let notice = match state {
        MessageState::Delivered => tracked.taken(state, Vec::new(), now),
        state => tracked.failed(state, 0, now),
    };
    // An MO is no rule's.
    let receipts = receipts::notify(house, (partition, id), &mut tracked, notice, &mut Vec::new());
    (Some((id, Box::new(tracked))), receipts)
}

/// A call failed: again later, or never.
pub fn fail(
    house: &Arc<House>,
    rule: RuleIndex,
    event: Event,
    (outcome, version, kept): (Outcome, &str, Option<Kept>),
    now: Timestamp,
) -> Stored<Ended> {
    let id = MessageId::accepted(event.number);
    let Ok(Some(record)) = house.store.claim(event.partition, event.number) else {
        return Ok(Ended::Gone);
    };
    let config = &house.directory().rules[rule.0];
    let directory = house.directory();
    let name = directory.rule_name(rule);
    let attempt = record.attempts + 1;
    let (reason, backtrace, after, may_retry) = match outcome {
        Outcome::Retry(after) => ("the rule asked for another attempt".to_owned(), String::new(), after, true),
        Outcome::Reject(reason) => (format!("rejected by the rule: {reason}"), String::new(), None, false),
        Outcome::Broken(Broken { why, backtrace }) => (why, backtrace, None, true),
        Outcome::Done(_) => return Ok(Ended::Gone),
    };
    let told = if backtrace.is_empty() { reason.clone() } else { format!("{reason}: {backtrace}") };
    let failure = if may_retry && attempt < config.attempts_max {
        let due = now.plus_ms(after.map_or_else(|| back_off(record.attempts), u64::from));
        tracing::warn!(rule = name, message_id = %id, attempt, "attempt failed, another one follows: {told}");
        Failure::RetryAt(due, reason.into())
    } else {
        tracing::error!(rule = name, message_id = %id, attempt, "dead letter: {told}");
        Failure::Dead(DeadFailure { reason: reason.into(), backtrace: backtrace.into(), version: version.into() })
    };
    let mut changes = Vec::new();
    let kept = Kept::put(kept, &mut changes);
    let ended = postpone(house, event, record, (failure, changes), now)?;
    house.recordings.kept(rule, kept);
    Ok(ended)
}

fn postpone(
    house: &Arc<House>,
    event: Event,
    record: InboxRecord,
    (failure, mut changes): (Failure, Vec<Change>),
    now: Timestamp,
) -> Stored<Ended> {
    let ended = match &failure {
        Failure::RetryAt(due, _) => Ended::Again(*due),
        Failure::Dead(_) => Ended::Gone,
    };
    if ended == Ended::Gone && event.is_mo {
        house.count_message(&record.customer, Direction::Mo, Reached::Undeliverable);
    }
    if ended == Ended::Gone {
        house.count_dead(&record.customer, 1);
    }
    let mut offers = Vec::new();
    let id = MessageId::accepted(event.number);
    let is_request = matches!(record.occasion, Occasion::Request(_));
    if let (Failure::Dead(failure), true) = (&failure, is_request) {
        changes.push(requests::refused(&record.customer, &record.rule, id, &failure.reason, now));
    }
    if record.tracked && ended == Ended::Gone {
        let (tracked, receipts) = mo_ended(house, (event.partition, id), MessageState::Undeliverable, now);
        changes.extend(tracked.map(|(id, tracked)| Change::Track(event.partition, id, tracked)));
        offers = receipts;
    }
    let (changes, mut done) = receipts::with_offers(house, changes, offers);
    if is_request && ended == Ended::Gone {
        let house = house.clone();
        done = Some(Box::new(move |_| house.requests.answered(id)));
    }
    let also = (changes, done);
    house.store.postpone(event.partition, event.number, record, failure, now, also)?;
    Ok(ended)
}

/// 1 s, 2 s, 4 s … 5 min, by the number of attempts that failed before.
fn back_off(attempts: u32) -> u64 {
    RETRY_FIRST_MS.saturating_mul(1 << attempts.min(20)).min(RETRY_LAST_MS)
}
