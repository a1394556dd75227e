//! What is known of the house of a recorded call, beside what its case gives: another version may ask for more, and what
//! it is told then is a guess.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::host::{Refusing, State};
use crate::device::Device;
use crate::firewall::Reject;
use crate::message::Message;
use crate::occasion::TimerSet;
use crate::plugin::{Gate, StateView};

/// As the API tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// None: all state of the device is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Asked>,
    #[serde(default)]
    pub shared: Asked,
    /// From whom to whom the firewall let messages pass, or not.
    #[serde(default)]
    pub judged: Vec<(String, String)>,
}

/// What was asked for, and is known therefore.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub names: BTreeSet<String>,
    pub listings: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// So many names at most.
    pub limit: usize,
    /// There were no more.
    pub is_all: bool,
}

impl Asked {
    fn has_listed(&self, prefix: &str, after: Option<&str>, limit: usize) -> bool {
        let is_it = |listed: &Listed| listed.prefix == prefix && listed.after.as_deref() == after;
        self.listings.iter().any(|listed| is_it(listed) && (listed.is_all || limit <= listed.limit))
    }
}

/// What is known, and what was asked for beyond it.
pub struct Knowledge {
    known: Known,
    guessed: Mutex<BTreeSet<String>>,
}

impl Knowledge {
    pub fn new(known: Known) -> Knowledge {
        Knowledge { known, guessed: Mutex::default() }
    }

    pub fn guessed(&self) -> Vec<String> {
        self.guessed.lock().iter().cloned().collect()
    }

    fn guess(&self, what: String) {
        self.guessed.lock().insert(what);
    }
}

/// The house of a case, of which a recorded call knew so much.
pub struct Watched {
    pub state: State,
    pub gate: Refusing,
    pub known: Arc<Knowledge>,
}

impl StateView for Watched {
    fn get(&self, name: &str) -> io::Result<Option<Bytes>> {
        if self.known.known.state.as_ref().is_some_and(|asked| !asked.names.contains(name)) {
            self.known.guess(format!("state {name:?}"));
        }
        self.state.get(name)
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        if self.known.known.state.as_ref().is_some_and(|asked| !asked.has_listed(prefix, after, limit)) {
            self.known.guess(format!("names of state that begin with {prefix:?}"));
        }
        self.state.names(prefix, after, limit)
    }

    fn shared(&self, name: &str) -> io::Result<Option<Bytes>> {
        if !self.known.known.shared.names.contains(name) {
            self.known.guess(format!("shared state {name:?}"));
        }
        self.state.shared(name)
    }

    fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        if !self.known.known.shared.has_listed(prefix, after, limit) {
            self.known.guess(format!("names of shared state that begin with {prefix:?}"));
        }
        self.state.shared_names(prefix, after, limit)
    }

    fn timer(&self, name: &str) -> io::Result<Option<TimerSet>> {
        self.state.timer(name)
    }

    fn timers(&self, limit: usize) -> io::Result<usize> {
        self.state.timers(limit)
    }

    fn room(&self) -> Option<u64> {
        self.state.room()
    }

    fn device(&self) -> io::Result<Option<Device>> {
        self.state.device()
    }
}

impl Gate for Watched {
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject> {
        let (from, to) = (message.source.to_string(), message.destination.to_string());
        if !self.known.known.judged.iter().any(|(source, destination)| *source == from && *destination == to) {
            self.known.guess(format!("whether the firewall lets a message from {from} to {to} pass"));
        }
        self.gate.admit(message, text)
    }

    fn keep(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_known_when_it_was_asked_for_or_was_all() {
        let listed = |is_all| Listed { prefix: "a".into(), after: None, limit: 10, is_all };
        let asked = |is_all| Asked { listings: vec![listed(is_all)], ..Asked::default() };
        assert!(asked(false).has_listed("a", None, 10) && !asked(false).has_listed("a", None, 11));
        assert!(asked(true).has_listed("a", None, 11));
        assert!(!asked(true).has_listed("b", None, 1) && !asked(true).has_listed("a", Some("a"), 1));
    }
}
