//! What a run read of the house and was told by the firewall, so that another version can be run on the same, later and
//! without any effect: a shadow at once, and whoever replays what was kept, some day.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::invocation::{Gate, LOG_LINES, LOG_OCTETS, RuleLog, StateView};
use crate::device::Device;
use crate::feed::Level;
use crate::firewall::Reject;
use crate::message::{Address, Message, Timestamp};
use crate::occasion::TimerSet;
use crate::recorded::Logged;

/// Answers that a tape holds, and octets of them: a call that asks on and on is not to fill the memory.
const ANSWERS_MAX: usize = 4_096;
const OCTETS_MAX: usize = 1 << 20;

/// A question to the house.
#[derive(Clone, PartialEq)]
pub enum Question {
    Get(String),
    Names(String, Option<String>, usize),
    Shared(String),
    SharedNames(String, Option<String>, usize),
    Timer(String),
    Timers(usize),
    Device,
}

#[derive(Clone)]
pub enum Told {
    Value(Option<Bytes>),
    Names(Vec<String>),
    Timer(Option<TimerSet>),
    Count(usize),
    Device(Option<Device>),
}

/// From, to, and what the firewall said.
pub type Judged = (Address, Address, Result<(), Reject>);

/// Questions with their answers, and the firewall's verdicts by the ends of the messages.
#[derive(Default)]
pub struct Tape {
    answers: Mutex<Answered>,
    verdicts: Mutex<Vec<Judged>>,
    /// So many messages were more than the rule might send.
    too_many: Mutex<Option<usize>>,
    log: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    list: Vec<Logged>,
    octets: usize,
}

#[derive(Default)]
struct Answered {
    list: Vec<(Question, Told)>,
    octets: usize,
    is_cut: bool,
}

impl Tape {
    fn add(&self, question: Question, told: &Told) {
        let octets = match told {
            Told::Value(value) => value.as_ref().map_or(0, Bytes::len),
            Told::Names(names) => names.iter().map(String::len).sum(),
            Told::Timer(_) | Told::Count(_) | Told::Device(_) => 0,
        };
        let mut answers = self.answers.lock();
        if answers.list.len() < ANSWERS_MAX && answers.octets + octets <= OCTETS_MAX {
            answers.octets += octets;
            answers.list.push((question, told.clone()));
        } else {
            answers.is_cut = true;
        }
    }

    /// In the order of asking, and whether that is all.
    pub fn answers(&self) -> (Vec<(Question, Told)>, bool) {
        let answers = self.answers.lock();
        (answers.list.clone(), !answers.is_cut)
    }

    fn line(&self, level: Level, text: &str, fields: &[(String, String)]) {
        let octets = text.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let mut log = self.log.lock();
        if log.list.len() < LOG_LINES && log.octets + octets <= LOG_OCTETS {
            log.octets += octets;
            let fields = fields.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
            log.list.push(Logged { level, text: text.into(), fields });
        }
    }

    /// What the call logged, in its order.
    pub fn log(&self) -> Vec<Logged> {
        self.log.lock().list.clone()
    }

    pub fn verdicts(&self) -> Vec<Judged> {
        self.verdicts.lock().clone()
    }

    /// How many messages the rule might not send any more, where it heard so.
    pub fn too_many(&self) -> Option<usize> {
        *self.too_many.lock()
    }
}

/// Writes a tape while a run reads.
pub struct Recording {
    pub state: Arc<dyn StateView>,
    pub gate: Arc<dyn Gate>,
    pub tape: Arc<Tape>,
}

/// Writes what a run logs on its tape, and passes it on.
pub struct Listening {
    pub log: Option<Arc<dyn RuleLog>>,
    pub tape: Arc<Tape>,
}

impl RuleLog for Listening {
    fn line(&self, at: Timestamp, level: Level, text: &str, fields: &[(String, String)]) {
        self.tape.line(level, text, fields);
        if let Some(log) = &self.log {
            log.line(at, level, text, fields);
        }
    }
}

/// Plays a tape. What is not on it is read as it is now, which may be other than it was then.
pub struct Replay {
    pub state: Arc<dyn StateView>,
    pub tape: Arc<Tape>,
    pub has_guessed: AtomicBool,
}

/// Both answer every question of a [`StateView`] by one function.
trait Answers: Send + Sync {
    fn live(&self) -> &dyn StateView;
    fn answer(&self, question: Question, ask: &dyn Fn(&dyn StateView) -> io::Result<Told>) -> io::Result<Told>;
}

impl Answers for Recording {
    fn live(&self) -> &dyn StateView {
        &*self.state
    }

    fn answer(&self, question: Question, ask: &dyn Fn(&dyn StateView) -> io::Result<Told>) -> io::Result<Told> {
        let told = ask(self.live())?;
        self.tape.add(question, &told);
        Ok(told)
    }
}

impl Answers for Replay {
    fn live(&self) -> &dyn StateView {
        &*self.state
    }

    fn answer(&self, question: Question, ask: &dyn Fn(&dyn StateView) -> io::Result<Told>) -> io::Result<Told> {
        let known =
            self.tape.answers.lock().list.iter().find(|(asked, _)| *asked == question).map(|(_, told)| told.clone());
        if let Some(told) = known {
            return Ok(told);
        }
        self.has_guessed.store(true, Ordering::Relaxed);
        ask(self.live())
    }
}

macro_rules! state_view {
    ($of:ty) => {
        impl StateView for $of {
            fn get(&self, name: &str) -> io::Result<Option<Bytes>> {
                let told = self.answer(Question::Get(name.into()), &|live| live.get(name).map(Told::Value))?;
                Ok(if let Told::Value(value) = told { value } else { None })
            }
            fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
                let question = Question::Names(prefix.into(), after.map(str::to_owned), limit);
                let told = self.answer(question, &|live| live.names(prefix, after, limit).map(Told::Names))?;
                Ok(if let Told::Names(names) = told { names } else { Vec::new() })
            }
            fn shared(&self, name: &str) -> io::Result<Option<Bytes>> {
                let told = self.answer(Question::Shared(name.into()), &|live| live.shared(name).map(Told::Value))?;
                Ok(if let Told::Value(value) = told { value } else { None })
            }
            fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
                let question = Question::SharedNames(prefix.into(), after.map(str::to_owned), limit);
                let told = self.answer(question, &|live| live.shared_names(prefix, after, limit).map(Told::Names))?;
                Ok(if let Told::Names(names) = told { names } else { Vec::new() })
            }
            fn timer(&self, name: &str) -> io::Result<Option<TimerSet>> {
                let told = self.answer(Question::Timer(name.into()), &|live| live.timer(name).map(Told::Timer))?;
                Ok(if let Told::Timer(timer) = told { timer } else { None })
            }
            fn timers(&self, limit: usize) -> io::Result<usize> {
                let told = self.answer(Question::Timers(limit), &|live| live.timers(limit).map(Told::Count))?;
                Ok(if let Told::Count(count) = told { count } else { 0 })
            }
            fn room(&self) -> Option<u64> {
                self.live().room()
            }
            fn device(&self) -> io::Result<Option<Device>> {
                let told = self.answer(Question::Device, &|live| live.device().map(Told::Device))?;
                Ok(if let Told::Device(device) = told { device } else { None })
            }
        }
    };
}

state_view!(Recording);
state_view!(Replay);

impl Gate for Recording {
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject> {
        let verdict = self.gate.admit(message, text);
        self.tape.verdicts.lock().push((message.source.clone(), message.destination.clone(), verdict.clone()));
        verdict
    }

    fn has_room(&self, more: usize) -> bool {
        let has_room = self.gate.has_room(more);
        if !has_room {
            self.tape.too_many.lock().get_or_insert(more);
        }
        has_room
    }

    fn keep(&self) {
        self.gate.keep();
    }
}

/// Nothing of what it lets pass is counted or sent.
impl Gate for Replay {
    fn admit(&self, message: &Message, _text: Option<&str>) -> Result<(), Reject> {
        let is_it = |(from, to, _): &&Judged| *from == message.source && *to == message.destination;
        self.tape.verdicts.lock().iter().find(is_it).map_or(Ok(()), |(.., verdict)| verdict.clone())
    }

    fn keep(&self) {}
}
