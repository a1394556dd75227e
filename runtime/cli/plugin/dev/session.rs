//! The devices of one sitting, and the rule that answers them.

use std::collections::BTreeMap;

use super::command::{Command, HELP, Table};
use super::show;
use crate::cases::{Given, Stage, Trial, Trigger, World, span_text, time_text};
use crate::message::Address;

/// Timers that fire in one `:advance`: a rule that sets them without end must not hold the terminal.
const TIMERS_MAX: usize = 1_000;

pub struct Session {
    trial: Trial,
    stage: Stage,
    given: Given,
    /// Those that wrote before.
    others: BTreeMap<Address, World>,
    world: World,
}

impl Session {
    pub fn new(trial: Trial, given: Given) -> Result<Session, String> {
        let stage = trial.stage(&given).map_err(|error| error.to_string())?;
        let world = World::new(&given);
        Ok(Session { trial, stage, given, others: BTreeMap::new(), world })
    }

    /// Another build of the rule; what is kept of the devices stays.
    pub fn reload(&mut self, trial: Trial) -> Result<(), String> {
        self.stage = trial.stage(&self.given).map_err(|error| error.to_string())?;
        self.trial = trial;
        Ok(())
    }

    /// Who writes to what.
    pub fn ends(&self) -> (String, String) {
        (self.given.device.to_string(), self.given.number.to_string())
    }

    /// What is to be printed; None: it is over.
    pub async fn execute(&mut self, command: Command) -> Option<String> {
        Some(match command {
            Command::Event(trigger) => self.event(&trigger).await,
            Command::Advance(millis) => self.advance(millis).await,
            Command::Device(device) => self.turn_into(device),
            Command::Number(number) => {
                self.given.number = number;
                self.staged()
            }
            Command::Set(table, name, value) => self.set(table, name, value),
            Command::State => show::values(&self.world.state),
            Command::Shared => show::values(&self.world.shared),
            Command::Timers => show::timers(&self.world),
            Command::Help => format!("{HELP}\n"),
            Command::Nothing => String::new(),
            Command::Quit => return None,
        })
    }

    async fn event(&mut self, trigger: &Trigger) -> String {
        let before = self.world.state.clone();
        let shared = self.world.shared.clone();
        match self.trial.event(&self.stage, &mut self.world, trigger, 0, &self.given).await {
            Ok((_, got)) => show::got(&got, (&before, &shared), &self.given.device, self.world.receipts_asked()),
            Err(why) => format!("!! {why}\n"),
        }
    }

    async fn advance(&mut self, millis: u64) -> String {
        let until = self.world.now.plus_ms(millis);
        let mut text = String::new();
        for _ in 0..TIMERS_MAX {
            let Some((name, due)) = self.world.next_timer().filter(|(_, due)| due.at <= until) else {
                self.world.now = until;
                return text + &format!("-- it is {}\n", time_text(until));
            };
            let name = name.to_owned();
            text += &format!("-- {}: timer {name}\n", time_text(due.at));
            text += &self.event(&Trigger::Timer(name)).await;
        }
        text + &format!("!! {TIMERS_MAX} timers fired within {}; it stops here\n", span_text(millis))
    }

    /// Time and what is shared go on; each device has its own state and timers.
    fn turn_into(&mut self, device: Address) -> String {
        let old = std::mem::replace(&mut self.given.device, device.clone());
        let next = self.others.remove(&device).unwrap_or_else(|| World::new(&self.given));
        let before = std::mem::replace(&mut self.world, next);
        self.world.now = before.now;
        self.world.shared = before.shared.clone();
        self.others.insert(old, before);
        format!("-- you are {device}\n")
    }

    fn set(&mut self, table: Table, name: String, value: Option<String>) -> String {
        let rows = match table {
            Table::Config => &mut self.given.config,
            Table::Secret => &mut self.given.secrets,
            Table::Attribute => &mut self.given.attributes,
        };
        match value {
            Some(value) => drop(rows.insert(name, value)),
            None => drop(rows.remove(&name)),
        }
        self.staged()
    }

    fn staged(&mut self) -> String {
        match self.trial.stage(&self.given) {
            Ok(stage) => {
                self.stage = stage;
                "-- from now on\n".to_owned()
            }
            Err(error) => format!("!! {error}\n"),
        }
    }
}
