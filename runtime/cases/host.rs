//! What a call in a case sees of its house, in memory: state, what is registered of the device, the firewall, the log.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use parking_lot::Mutex;

use super::case::Given;
use super::got::LogLine;
use crate::device::Device;
use crate::feed::Level;
use crate::firewall::{Kind, Reason, Refusal, Reject, Side};
use crate::message::{Address, Message, Timestamp};
use crate::plugin::{Gate, RuleLog, StateView};

/// State as the last event left it, and the device as the case gives it.
pub struct State {
    pub rows: BTreeMap<String, Vec<u8>>,
    pub device: Device,
}

impl State {
    pub fn new(rows: BTreeMap<String, Vec<u8>>, given: &Given) -> State {
        let (tags, attributes) = (given.tags.clone(), given.attributes.clone());
        State { rows, device: Device { tags, attributes, ..Device::default() } }
    }
}

impl StateView for State {
    fn get(&self, name: &str) -> io::Result<Option<Bytes>> {
        Ok(self.rows.get(name).map(|value| Bytes::copy_from_slice(value)))
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        let names =
            self.rows.keys().filter(|name| name.starts_with(prefix) && after.is_none_or(|it| name.as_str() > it));
        Ok(names.take(limit).cloned().collect())
    }

    fn device(&self) -> io::Result<Option<Device>> {
        Ok(Some(self.device.clone()))
    }
}

/// Lets everything through but what the case refuses.
pub struct Refusing(pub Vec<Address>);

impl Gate for Refusing {
    fn admit(&self, message: &Message, _text: Option<&str>) -> Result<(), Reject> {
        if !self.0.contains(&message.destination) {
            return Ok(());
        }
        let reason = Reason::BlockedDestination;
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
