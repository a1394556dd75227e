//! A new version beside the one that answers: it runs on the same events, and what it would have done is compared and
//! dropped.
//!
//! On a thread of its own that gets what processor time is left, with few events waiting for it: when it does not keep up,
//! events are skipped and counted. The version that answers pays for a copy of its effects, and for nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parking_lot::Mutex;

use super::version::Version;
use crate::plugin::{Effects, Invocation, Outcome, PluginHost, Recording, Replay, StateView, Tape};

/// Events that wait for the thread.
const WAITING_MAX: usize = 64;
/// Differences that are shown.
const DIFFERENCES: usize = 10;
/// Of the thread: the least that there is.
const NICENESS: i32 = 19;

/// A version that runs beside, and what came of it.
pub struct Shadow {
    pub version: Arc<Version>,
    pub report: Report,
}

#[derive(Default)]
pub struct Report {
    same: AtomicU64,
    differed: AtomicU64,
    /// It read what the other version had not, and that may have changed meanwhile: not compared.
    unsure: AtomicU64,
    skipped: AtomicU64,
    /// The newest is last.
    differences: Mutex<VecDeque<String>>,
}

/// A report at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub same: u64,
    pub differed: u64,
    pub unsure: u64,
    pub skipped: u64,
    pub differences: Vec<String>,
}

impl Report {
    pub fn read(&self) -> Compared {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Compared {
            same: read(&self.same),
            differed: read(&self.differed),
            unsure: read(&self.unsure),
            skipped: read(&self.skipped),
            differences: self.differences.lock().iter().cloned().collect(),
        }
    }

    fn differ(&self, what: String) {
        self.differed.fetch_add(1, Ordering::Relaxed);
        let mut differences = self.differences.lock();
        differences.push_back(what);
        if differences.len() > DIFFERENCES {
            differences.pop_front();
        }
    }
}

/// A run of the version that answers, of which a tape is made.
pub struct Watched {
    shadow: Arc<Shadow>,
    tape: Arc<Tape>,
    state: Arc<dyn StateView>,
    invocation: Box<dyn Fn(Arc<Replay>) -> Invocation + Send>,
}

struct Job {
    watched: Watched,
    answered: Outcome,
}

/// The thread.
pub struct Shadows(SyncSender<Job>);

impl Shadows {
    pub fn start(host: Arc<PluginHost>) -> std::io::Result<Shadows> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // It ends when the last sender is gone.
        std::thread::Builder::new().name("shadow".into()).spawn(move || {
            // Of this thread only, as Linux has it.
            let _ = rustix::process::nice(NICENESS); // what a container forbids
            runtime.block_on(work(&host, &receiver));
        })?;
        Ok(Shadows(sender))
    }

    /// Takes down what the invocation reads.
    pub fn watch(shadow: &Arc<Shadow>, mut invocation: Invocation) -> (Invocation, Watched) {
        let tape = Arc::<Tape>::default();
        let state = invocation.state.clone();
        let recording = Arc::new(Recording { state: state.clone(), gate: invocation.gate.clone(), tape: tape.clone() });
        invocation.state = recording.clone();
        invocation.gate = recording;
        let (rule, id, attempt, seed) = (invocation.rule, invocation.id, invocation.attempt, invocation.seed);
        let (occasion, mo) = (invocation.occasion.clone(), invocation.mo.clone());
        let again = move |replay: Arc<Replay>| Invocation {
            rule,
            id,
            attempt,
            occasion: occasion.clone(),
            mo: mo.clone(),
            state: replay.clone(),
            gate: replay,
            log: None,
            seed,
            witness: None,
        };
        (invocation, Watched { shadow: shadow.clone(), tape, state, invocation: Box::new(again) })
    }

    /// The version that answers has done this.
    pub fn compare(&self, watched: Watched, outcome: &Outcome) {
        let shadow = watched.shadow.clone();
        if self.0.try_send(Job { watched, answered: copy(outcome) }).is_err() {
            shadow.report.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn work(host: &PluginHost, jobs: &Receiver<Job>) {
    while let Ok(Job { watched, answered }) = jobs.recv() {
        let Watched { shadow, tape, state, invocation } = watched;
        let replay = Arc::new(Replay { state, tape, has_guessed: AtomicBool::new(false) });
        let started = crate::clock::instant();
        let outcome = host.call(&shadow.version.loaded, invocation(replay.clone())).await;
        shadow.version.tally.record(&outcome, (started, crate::clock::instant()));
        let report = &shadow.report;
        if replay.has_guessed.load(Ordering::Relaxed) {
            report.unsure.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        match difference(&answered, &outcome) {
            None => {
                report.same.fetch_add(1, Ordering::Relaxed);
            }
            Some(what) => report.differ(what),
        }
    }
}

/// Without what the firewall counted.
fn copy(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Done(effects) => Outcome::Done(Effects {
            state: effects.state.clone(),
            state_growth: effects.state_growth,
            messages: effects.messages.clone(),
            timers: effects.timers.clone(),
            reads: effects.reads.clone(),
            shared: effects.shared.clone(),
            calls: effects.calls.clone(),
            response: effects.response.clone(),
            number: effects.number.clone(),
            passed: Default::default(),
        }),
        Outcome::Retry(after) => Outcome::Retry(*after),
        Outcome::Reject(why) => Outcome::Reject(why.clone()),
        Outcome::Broken(why) => Outcome::Broken(why.clone()),
    }
}

/// What another version did otherwise, without any text of a message.
fn difference(answered: &Outcome, shadow: &Outcome) -> Option<String> {
    let (old, new) = match (answered, shadow) {
        (Outcome::Done(old), Outcome::Done(new)) => (old, new),
        (Outcome::Broken(_), Outcome::Broken(_)) => return None, // with other words
        (old, new) if old == new => return None,
        (old, new) => return Some(format!("{} instead of {}", ended(new), ended(old))),
    };
    let mut parts = Vec::new();
    if old.messages != new.messages {
        parts.push(match (old.messages.len(), new.messages.len()) {
            (old, new) if old == new => "other messages".to_owned(),
            (old, new) => format!("{new} messages instead of {old}"),
        });
    }
    let differ = [
        ("state", old.state != new.state),
        ("timers", old.timers != new.timers),
        ("shared state", old.shared != new.shared),
        ("HTTP calls", old.calls != new.calls),
        ("response", old.response != new.response),
    ];
    parts.extend(differ.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| format!("other {what}")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn ended(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Retry(_) => "another attempt",
        Outcome::Reject(_) => "rejected",
        Outcome::Broken(_) => "broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_where_and_never_what() {
        let done = |state: &[&str]| {
            let state = state.iter().map(|name| ((*name).to_owned(), Some(b"secret".to_vec()))).collect();
            Outcome::Done(Effects { state, ..Effects::default() })
        };
        assert_eq!(difference(&done(&["n"]), &done(&["n"])), None);
        assert_eq!(difference(&done(&["n"]), &done(&["m"])).as_deref(), Some("other state"));
        assert_eq!(difference(&done(&[]), &Outcome::Retry(None)).as_deref(), Some("another attempt instead of done"));
        assert_eq!(difference(&Outcome::Broken("a".into()), &Outcome::Broken("b".into())), None);
    }
}
