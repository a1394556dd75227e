//! Calls of rules that are kept to be run again: what is taken down before a call, what is written with its end, and when it
//! goes.
//!
//! Only of rules with `replay_hours`; of others nothing is taken down and nothing is written. The row is in the batch of the
//! call's effects, or of its failure, so that what is kept is what happened. It is not kept while the disk is nearly full.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;

use super::House;
use super::rule_call::{self, SubjectState};
use crate::config;
use crate::message::Timestamp;
use crate::occasion::{SharedWrite, TimerChange};
use crate::plugin::{
    Broken, Effects, Gate, Invocation, Listening, Outcome, Question, Recording, RuleLog, Seed, StateView, Tape, Told,
    Witness, Witnessed,
};
use crate::recorded::{Asked, Before, Did, Ended, Hidden, Listing, Logged, Read, Recorded, STATE_OCTETS_MAX, With};
use crate::route::{Directory, RuleIndex};
use crate::schedule::{Event, SubjectKey};
use crate::slots::Slots;
use crate::store::{CallPlace, Change, RecordedRow};

/// Octets of calls that are kept of one rule: about 60,000 usual ones. Above, the oldest go.
const OCTETS_MAX: u64 = 64 << 20;
/// Of all rules of one customer, each of which has the same part of it: who makes many rules fills the disk for nobody else.
const CUSTOMER_OCTETS_MAX: u64 = 256 << 20;
/// Timers of a device that are kept with a call; more than a rule may have, usually.
const TIMERS_MAX: usize = 1_000;
/// Calls that are forgotten in one batch.
const BATCH_MAX: usize = 500;
const HOUR_MS: u64 = 3_600_000;

/// How much is kept, beside the store.
pub struct Recordings {
    /// By rule. Of those since the start only, before `counted`.
    octets: Slots<AtomicU64>,
    /// Those of before are added by the first sweep.
    counted: AtomicBool,
    started: Timestamp,
    /// Some rule has more than may be kept.
    is_over: AtomicBool,
}

impl Recordings {
    pub fn new(started: Timestamp) -> Recordings {
        Recordings {
            octets: Slots::default(),
            counted: AtomicBool::new(false),
            started,
            is_over: AtomicBool::new(true),
        }
    }

    /// So many octets are stored.
    pub fn kept(&self, rule: RuleIndex, octets: u64) {
        if octets > 0 {
            self.add(rule, octets);
        }
    }

    fn add(&self, rule: RuleIndex, octets: u64) {
        let before = self.octets.at(rule.0).fetch_add(octets, Ordering::Relaxed);
        if before + octets > OCTETS_MAX {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    fn sub(&self, rule: RuleIndex, octets: u64) {
        let less = |kept: u64| Some(kept.saturating_sub(octets));
        let _ = self.octets.at(rule.0).fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// The call of this event, taken down where its rule's calls are kept.
pub fn watched(
    house: &House,
    key: &SubjectKey,
    event: Event,
    state: &Arc<SubjectState>,
    invocation: Invocation,
) -> Invocation {
    if house.directory().rules[key.rule.0].replay_hours == 0 || house.store.is_full() {
        return invocation;
    }
    match before(house, key, event, state, &invocation) {
        Ok(before) => {
            let tape = Arc::<Tape>::default();
            let recording: Arc<Recording> = Arc::new(Recording {
                state: invocation.state.clone(),
                gate: invocation.gate.clone(),
                tape: tape.clone(),
            });
            let gate: Arc<dyn Gate> = recording.clone();
            let log: Arc<dyn RuleLog> = Arc::new(Listening { log: invocation.log.clone(), tape: tape.clone() });
            let witness = Some(Arc::new(Witness { before, tape }));
            Invocation { state: recording, gate, log: Some(log), witness, ..invocation }
        }
        Err(error) => {
            tracing::error!(message_id = %invocation.id, "a call is not kept, as its state cannot be read: {error}");
            invocation
        }
    }
}

fn before(
    house: &House,
    key: &SubjectKey,
    event: Event,
    state: &Arc<SubjectState>,
    invocation: &Invocation,
) -> io::Result<Before> {
    let subject = rule_call::subject(house, key.rule, &key.device, event.partition);
    let timers = house.store.timers(&subject, TIMERS_MAX)?.into_iter();
    Ok(Before {
        id: invocation.id,
        attempt: invocation.attempt,
        occasion: invocation.occasion.clone(),
        message: invocation.mo.clone(),
        seed: Seed::House(*house.store.secret()).of_event(invocation.id),
        state: house.store.whole_state(&subject, STATE_OCTETS_MAX)?,
        timers: timers.map(|timer| (timer.name.into(), timer.due)).collect(),
        device: state.device()?.unwrap_or_default(),
        room: state.room(),
    })
}

/// A call's row, for the batch of its end.
pub struct Kept(RecordedRow);

impl Kept {
    /// Yields how many octets it has.
    pub fn put(kept: Option<Kept>, changes: &mut Vec<Change>) -> u64 {
        let octets = kept.as_ref().map_or(0, |Kept(row)| row.octets() as u64);
        changes.extend(kept.map(|Kept(row)| Change::Record(row)));
        octets
    }
}

/// The row of a call that ended like this.
pub fn row(
    house: &House,
    rule: RuleIndex,
    (outcome, version): (&Outcome, &str),
    of: Witnessed,
    now: Timestamp,
) -> Kept {
    let Witnessed { witness, settings } = of;
    let hidden = Hidden::of(&settings.secrets);
    let mut before = witness.before.clone();
    before.state =
        before.state.map(|rows| rows.into_iter().map(|(name, value)| (name, hidden.octets(&value))).collect());
    let call = Recorded {
        customer: settings.customer.as_str().into(),
        rule: house.directory().rules[rule.0].name.as_str().into(),
        at: now,
        version: version.into(),
        read: read(&witness.tape, before.state.is_some(), &hidden),
        before,
        with: with(settings),
        ended: ended(outcome, &hidden),
        log: witness.tape.log().into_iter().map(|line| logged(line, &hidden)).collect(),
    };
    Kept(RecordedRow::new(&call))
}

fn logged(line: Logged, hidden: &Hidden) -> Logged {
    let fields = line.fields.into_iter().map(|(name, value)| (name, hidden.text(&value))).collect();
    Logged { text: hidden.text(&line.text), fields, ..line }
}

fn with(settings: config::Rule) -> With {
    With {
        secrets: settings.secrets.into_keys().collect(),
        config: settings.config,
        http_hosts: settings.http_hosts,
        deadline_ms: settings.deadline_ms,
        memory_mib: settings.memory_mib,
        messages_max: settings.messages_max,
        state_kib: settings.state_kib,
        timers_max: settings.timers_max,
        http_calls_max: settings.http_calls_max,
    }
}

/// As much of it as is kept.
fn read(tape: &Tape, is_state_whole: bool, hidden: &Hidden) -> Read {
    let (answers, is_all) = tape.answers();
    let mut read = Read { is_cut: !is_all, ..Read::default() };
    let (mut octets, mut names_octets, mut names) = (0, 0, HashSet::new());
    for (question, told) in answers {
        if let Question::Get(name) = &question
            && names_octets + name.len() <= STATE_OCTETS_MAX
            && names.insert(name.clone())
        {
            names_octets += name.len();
            read.names.push(name.as_str().into());
        }
        let is_own = matches!(question, Question::Get(_) | Question::Names(..));
        let is_shared = matches!(question, Question::Shared(_) | Question::SharedNames(..));
        if !(is_shared || is_own && !is_state_whole) {
            continue;
        }
        octets += match &told {
            Told::Value(Some(value)) => value.len(),
            Told::Names(names) => names.iter().map(String::len).sum(),
            _ => 0,
        };
        if octets > STATE_OCTETS_MAX {
            read.is_cut = true;
            break;
        }
        add_answer(if is_own { &mut read.state } else { &mut read.shared }, question, told, hidden);
    }
    let why = |verdict: Result<(), crate::firewall::Reject>| verdict.err().map(|reject| reject.to_string().into());
    read.verdicts = tape.verdicts().into_iter().map(|(from, to, verdict)| (from, to, why(verdict))).collect();
    read.too_many = tape.too_many().and_then(|count| u32::try_from(count).ok());
    read
}

fn add_answer(asked: &mut Asked, question: Question, told: Told, hidden: &Hidden) {
    match (question, told) {
        // The first answer is the one that a call goes on with.
        (Question::Get(name) | Question::Shared(name), Told::Value(value))
            if asked.values.iter().all(|(known, _)| **known != *name) =>
        {
            asked.values.push((name.into(), value.map(|value| hidden.octets(&value))));
        }
        (Question::Names(prefix, after, limit) | Question::SharedNames(prefix, after, limit), Told::Names(found)) => {
            asked.listings.push(Listing {
                prefix: prefix.into(),
                after: after.map(Into::into),
                limit: limit as u32,
                found: found.into_iter().map(Into::into).collect(),
            })
        }
        _ => {}
    }
}

fn ended(outcome: &Outcome, hidden: &Hidden) -> Ended {
    match outcome {
        Outcome::Done(effects) => Ended::Done(Box::new(did(effects, hidden))),
        Outcome::Retry(after) => Ended::Retry(*after),
        Outcome::Reject(why) => Ended::Reject(hidden.text(why)),
        Outcome::Broken(Broken { why, backtrace }) => {
            Ended::Broken { why: hidden.text(why), backtrace: backtrace.as_str().into() }
        }
    }
}

fn did(effects: &Effects, hidden: &Hidden) -> Did {
    let octets = |value: &Vec<u8>| hidden.octets(&Bytes::copy_from_slice(value));
    let timer = |change: &TimerChange| match change.clone() {
        TimerChange::Set { before, now, payload, number } => {
            TimerChange::Set { before, now, payload: hidden.octets(&payload), number }
        }
        gone => gone,
    };
    let shared = |write: &SharedWrite| match write {
        SharedWrite::Put(value) => SharedWrite::Put(hidden.octets(value)),
        other => other.clone(),
    };
    Did {
        state: effects.state.iter().map(|(name, value)| (name.clone(), value.as_ref().map(octets))).collect(),
        messages: effects.messages.clone(),
        timers: effects.timers.iter().map(|(name, change)| (name.clone(), timer(change))).collect(),
        shared: effects.shared.iter().map(|(name, write)| (name.clone(), shared(write))).collect(),
        calls: effects.calls.iter().map(|call| hidden.call(call)).collect(),
        response: effects.response.clone().map(|mut response| {
            response.body = hidden.octets(&response.body);
            response
        }),
    }
}

/// Forgets what is too old, or too much. To be called now and then; `is_time` where it is due, without it only if some rule
/// has far too much.
pub fn sweep(house: &House, is_time: bool, now: Timestamp) -> io::Result<()> {
    let recordings = &house.recordings;
    if !recordings.is_over.swap(false, Ordering::Relaxed) && !is_time {
        return Ok(());
    }
    let is_first = !recordings.counted.load(Ordering::Relaxed);
    let directory = house.directory();
    let recording = recording_rules(&directory);
    for name in house.store.recorded_rules()? {
        let index = name.split_once('/').and_then(|(customer, rule)| directory.rule(customer, rule));
        // Of a rule that is gone, or keeps none any more, all go.
        let hours = index.map_or(0, |index| directory.rules[index.0].replay_hours);
        if let (true, Some(index)) = (is_first, index) {
            recordings.add(index, before_start(house, &name)?);
        }
        let kept = index.map_or(0, |index| recordings.octets.at(index.0).load(Ordering::Relaxed));
        let rules = name.split_once('/').and_then(|(customer, _)| recording.get(customer));
        let max = OCTETS_MAX.min(CUSTOMER_OCTETS_MAX / rules.copied().unwrap_or(1));
        // A rule at its limit is not swept all the time.
        let too_much = if kept > max { kept - max / 4 * 3 } else { 0 };
        let mut over = Over { hours, now, too_much, octets: 0, places: Vec::new() };
        house.store.recorded_places(&name, |place, octets| over.add(place, octets as u64))?;
        for places in over.places.chunks(BATCH_MAX) {
            let forgotten = places.iter().map(|place| Change::Unrecord(name.clone(), *place)).collect();
            house.store.amend(forgotten, None).map_err(io::Error::other)?;
        }
        if let Some(index) = index {
            recordings.sub(index, over.octets);
        }
    }
    recordings.counted.store(true, Ordering::Relaxed);
    Ok(())
}

/// How many rules of each customer keep calls.
fn recording_rules(directory: &Directory) -> HashMap<&str, u64> {
    let mut rules = HashMap::new();
    for (index, rule) in directory.rules.iter().enumerate() {
        if rule.replay_hours > 0 && directory.has_rule(RuleIndex(index)) {
            *rules.entry(&*rule.customer).or_default() += 1;
        }
    }
    rules
}

/// Which calls of a rule go, of the oldest first.
struct Over {
    hours: u32,
    now: Timestamp,
    /// So many octets go in any case.
    too_much: u64,
    octets: u64,
    places: Vec<CallPlace>,
}

impl Over {
    /// False: this one stays, and so do all behind it.
    fn add(&mut self, place: CallPlace, octets: u64) -> bool {
        let is_old = self.hours == 0 || place.at.plus_ms(u64::from(self.hours) * HOUR_MS) <= self.now;
        let goes = is_old || self.octets < self.too_much;
        if goes {
            self.octets += octets;
            self.places.push(place);
        }
        goes
    }
}

/// Octets of the calls that were there when the house began.
fn before_start(house: &House, rule: &str) -> io::Result<u64> {
    let mut octets = 0;
    house.store.recorded_places(rule, |place, size| {
        let is_before = place.at < house.recordings.started;
        octets += if is_before { size as u64 } else { 0 };
        is_before
    })?;
    Ok(octets)
}

#[cfg(test)]
mod tests;
