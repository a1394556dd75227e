//! The appointments of one device: one record, in the order of their times.

use serde::{Deserialize, Serialize};
use wasmsc_plugin::{Context, Failure, Timestamp};

use crate::time::Local;

const KEY: &str = "book";
const VERSION: u8 = 1;
/// Each has a number of one digit, with which the device answers.
pub const OPEN_MAX: usize = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No reminder has gone out yet.
    Booked,
    /// The device was asked and has not answered.
    Asked,
    Confirmed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Appointment {
    /// The application's.
    pub id: String,
    /// The device's: 1 to 9, free again when the appointment is over.
    pub number: u8,
    pub at_ms: u64,
    pub offset_minutes: i32,
    pub what: String,
    pub language: String,
    /// Reminders that are still to come, in minutes before the appointment, the earliest first.
    pub reminders: Vec<u64>,
    pub status: Status,
}

impl Appointment {
    pub fn local(&self) -> Local {
        Local { at: Timestamp(self.at_ms), offset_minutes: self.offset_minutes }
    }

    /// When the next reminder is due, or else the appointment itself.
    pub fn next_due(&self) -> Timestamp {
        let before = self.reminders.first().map_or(0, |minutes| minutes * 60_000);
        Timestamp(self.at_ms.saturating_sub(before))
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Book {
    #[serde(rename = "v")]
    version: u8,
    pub open: Vec<Appointment>,
}

impl Book {
    pub fn load(cx: &Context<'_>) -> Result<Book, Failure> {
        match cx.state::<Book>(KEY)? {
            None => Ok(Book { version: VERSION, open: Vec::new() }),
            Some(book) if book.version == VERSION => Ok(book),
            Some(book) => Err(Failure::reject(format!("state {KEY} is of version {}, not {VERSION}", book.version))),
        }
    }

    pub fn store(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.open.is_empty() {
            return Ok(cx.delete_state(KEY)?);
        }
        Ok(cx.set_state(KEY, self)?)
    }

    pub fn find(&mut self, id: &str) -> Option<&mut Appointment> {
        self.open.iter_mut().find(|appointment| appointment.id == id)
    }

    pub fn remove(&mut self, id: &str) -> Option<Appointment> {
        let index = self.open.iter().position(|appointment| appointment.id == id)?;
        Some(self.open.remove(index))
    }

    /// The smallest number that none has; None where there is no place for another.
    pub fn free_number(&self) -> Option<u8> {
        let is_free = |number: &u8| self.open.iter().all(|appointment| appointment.number != *number);
        (1..=OPEN_MAX as u8).find(is_free)
    }

    pub fn add(&mut self, appointment: Appointment) {
        self.open.push(appointment);
        self.open.sort_by_key(|appointment| (appointment.at_ms, appointment.number));
    }
}
