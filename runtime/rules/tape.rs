//! What a run read of the house and was told by the firewall, so that another version can be run on the same, later and
//! without any effect.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::device::Device;
use crate::firewall::Reject;
use crate::message::{Address, Message};
use crate::occasion::TimerSet;
use crate::plugin::{Gate, StateView};

/// A question to the house.
#[derive(Clone, PartialEq)]
enum Question {
    Get(String),
    Names(String, Option<String>, usize),
    Shared(String),
    SharedNames(String, Option<String>, usize),
    Timer(String),
    Timers(usize),
    Device,
}

#[derive(Clone)]
enum Told {
    Value(Option<Bytes>),
    Names(Vec<String>),
    Timer(Option<TimerSet>),
    Count(usize),
    Device(Option<Device>),
}

/// From, to, and what the firewall said.
type Judged = (Address, Address, Result<(), Reject>);

/// Questions with their answers, and the firewall's verdicts by the ends of the messages.
#[derive(Default)]
pub struct Tape {
    answers: Mutex<Vec<(Question, Told)>>,
    verdicts: Mutex<Vec<Judged>>,
}

/// Writes a tape while a run reads.
pub struct Recording {
    pub state: Arc<dyn StateView>,
    pub gate: Arc<dyn Gate>,
    pub tape: Arc<Tape>,
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
        self.tape.answers.lock().push((question, told.clone()));
        Ok(told)
    }
}

impl Answers for Replay {
    fn live(&self) -> &dyn StateView {
        &*self.state
    }

    fn answer(&self, question: Question, ask: &dyn Fn(&dyn StateView) -> io::Result<Told>) -> io::Result<Told> {
        let known = self.tape.answers.lock().iter().find(|(asked, _)| *asked == question).map(|(_, told)| told.clone());
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
        self.gate.has_room(more)
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
