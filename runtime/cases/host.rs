//! What a call in a case sees of its house, in memory: state, what is registered of the device, the firewall, the log.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::case::Given;
use super::got::LogLine;
use super::world::{Due, World};
use crate::device::Device;
use crate::feed::Level;
use crate::firewall::{Kind, Reason, Refusal, Reject, Side};
use crate::message::{Address, Message, Timestamp};
use crate::occasion::TimerSet;
use crate::plugin::{Gate, RuleLog, StateView};
use crate::route::Directory;

type Rows = BTreeMap<String, Vec<u8>>;

/// State and timers as the last event left them, and the device as the case gives it.
pub struct State {
    rows: Rows,
    shared: Rows,
    timers: BTreeMap<String, TimerSet>,
    device: Device,
    room: Option<u64>,
}

impl State {
    pub fn new(world: &World, given: &Given) -> State {
        let (tags, attributes) = (given.tags.clone(), given.attributes.clone());
        let timer = |(name, due): (&String, &Due)| (name.clone(), TimerSet { id: due.set, due: due.at });
        State {
            rows: world.state.clone(),
            shared: world.shared.clone(),
            timers: world.timers.iter().map(timer).collect(),
            device: Device { tags, attributes, ..Device::default() },
            room: given.limits.state_room,
        }
    }
}

fn get(rows: &Rows, name: &str) -> io::Result<Option<Bytes>> {
    Ok(rows.get(name).map(|value| Bytes::copy_from_slice(value)))
}

fn names(rows: &Rows, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
    let is_wanted = |name: &&String| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after);
    Ok(rows.keys().filter(is_wanted).take(limit).cloned().collect())
}

impl StateView for State {
    fn get(&self, name: &str) -> io::Result<Option<Bytes>> {
        get(&self.rows, name)
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        names(&self.rows, prefix, after, limit)
    }

    fn shared(&self, name: &str) -> io::Result<Option<Bytes>> {
        get(&self.shared, name)
    }

    fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        names(&self.shared, prefix, after, limit)
    }

    fn timer(&self, name: &str) -> io::Result<Option<TimerSet>> {
        Ok(self.timers.get(name).copied())
    }

    fn timers(&self, limit: usize) -> io::Result<usize> {
        Ok(self.timers.len().min(limit))
    }

    fn room(&self) -> Option<u64> {
        self.room
    }

    fn device(&self) -> io::Result<Option<Device>> {
        Ok(Some(self.device.clone()))
    }
}

/// Lets everything through but what the case refuses, and what nobody may send from.
pub struct Refusing {
    refused: Vec<Address>,
    directory: Arc<Directory>,
}

impl Refusing {
    pub fn new(given: &Given, directory: Arc<Directory>) -> Refusing {
        Refusing { refused: given.refused.clone(), directory }
    }
}

impl Gate for Refusing {
    fn admit(&self, message: &Message, _text: Option<&str>) -> Result<(), Reject> {
        let reason = if self.refused.contains(&message.destination) {
            Reason::BlockedDestination
        } else if self.directory.owner_of_sender(&message.source).is_none() {
            Reason::SenderNotAllowed
        } else {
            return Ok(());
        };
        Err(Reject::Firewall(Refusal { reason, side: Side::Sender, kind: Kind::Mt, retry_at: None }))
    }

    fn keep(&self) {}
}

/// Keeps what the rule logs.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<LogLine>>);

impl RuleLog for Lines {
    fn line(&self, _at: Timestamp, level: Level, text: &str, fields: &[(String, String)]) {
        let line = LogLine { level: level.name().to_owned(), text: text.to_owned(), fields: fields.to_vec() };
        self.0.lock().push(line);
    }
}
