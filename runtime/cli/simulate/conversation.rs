//! The fleet's traffic: MOs from the devices, MTs back to them, and both as lines for people.
//!
//! Implements [`Traffic`] for [`super::client`]. The fleet itself knows no SMPP; texts become PDUs here.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmsc_smpp::text::Payload;
use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton, text};

use super::model::{Devices, Saying};
use super::retry::Retries;
use super::span::Span;
use super::tally::Tally;
use super::traffic::{Fate, Next, Pace, Traffic, is_temporary};
use crate::message::Timestamp;

/// At the end, after so long without an MO's response or an MT, nobody has anything more to say.
const QUIET_AT_END: Duration = Duration::from_millis(500);
/// How often a link looks whether that is the case.
const QUIET_CHECK: Duration = Duration::from_millis(50);

/// Where the lines go; `None` keeps quiet.
pub type Transcript = Option<Box<dyn Write + Send>>;

pub struct Conversation {
    fleet: Box<dyn Devices>,
    number: Bytes,
    open: HashMap<u32, Saying>,
    next_ticket: u32,
    retries: Retries,
    paces: Vec<Pace>,
    span: Span,
    tally: Tally,
    /// When a device spoke last, until an MT answers it.
    spoke_at: HashMap<u32, Instant>,
    heard_at: Instant,
    transcript: Transcript,
    anchor: (Instant, Timestamp),
}

impl Conversation {
    /// `rate` is for all `links` together; `today` is the wall clock at `now`, for the transcript.
    pub fn new(
        fleet: Box<dyn Devices>,
        number: &str,
        links: usize,
        rate: f64,
        span: Span,
        now: Instant,
        today: Timestamp,
    ) -> Self {
        Self {
            fleet,
            number: Bytes::copy_from_slice(number.strip_prefix('+').unwrap_or(number).as_bytes()),
            open: HashMap::new(),
            next_ticket: 0,
            retries: Retries::default(),
            paces: vec![Pace::new(rate / links.max(1) as f64, now); links.max(1)],
            span,
            tally: Tally::default(),
            spoke_at: HashMap::new(),
            heard_at: now,
            transcript: None,
            anchor: (now, today),
        }
    }

    pub fn with_transcript(mut self, transcript: Transcript) -> Self {
        self.transcript = transcript;
        self
    }

    fn new_mo(&mut self, link: usize, now: Instant) -> Next {
        let due = self.paces[link].due(now);
        if due > now {
            return Next::At(due);
        }
        if self.retries.is_full() {
            return Next::At(self.retries.next_due().unwrap_or(now + QUIET_CHECK));
        }
        self.paces[link].advance();
        self.span.take(now);
        let ticket = self.next_ticket;
        self.next_ticket = self.next_ticket.wrapping_add(1);
        let saying = self.fleet.say(now);
        self.tally.sent += 1;
        self.spoke_at.insert(saying.device, now);
        let sm = self.mo(&saying);
        self.write_line(now, "MO", &sm.source_addr, &sm.destination_addr, &saying.text);
        self.open.insert(ticket, saying);
        Next::Send { ticket, sm: Box::new(sm) }
    }

    fn mo(&self, saying: &Saying) -> Sm {
        let encoded = text::encode(&saying.text);
        Sm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: Bytes::from(self.fleet.numbers().of(saying.device)),
            dest_addr_npi: Npi::ISDN,
            destination_addr: self.number.clone(),
            data_coding: encoded.data_coding,
            short_message: encoded.octets,
            ..Sm::default()
        }
    }

    fn write_line(&mut self, now: Instant, direction: &str, from: &[u8], to: &[u8], text: &str) {
        let Some(transcript) = &mut self.transcript else { return };
        let (start, today) = self.anchor;
        let millis = today.0 + now.saturating_duration_since(start).as_millis() as u64;
        let (at, from, to) = (time_of_day(millis), address(from), address(to));
        // A closed pipe (`| head`) ends the transcript, not the run.
        if writeln!(transcript, "{at}  {direction}  {from} -> {to}  {}", printable(text)).is_err() {
            self.transcript = None;
        }
    }
}

impl Traffic for Conversation {
    fn next(&mut self, link: usize, now: Instant) -> Next {
        while let Some(ticket) = self.retries.take_due(now) {
            if let Some(saying) = self.open.get(&ticket) {
                return Next::Send { ticket, sm: Box::new(self.mo(saying)) };
            }
        }
        if self.is_finished(now) {
            return Next::Finished;
        }
        let next = match self.span.ended_at(now) {
            Some(_) => Next::At(now + QUIET_CHECK),
            None => self.new_mo(link, now),
        };
        match next {
            Next::At(at) => Next::At(self.retries.next_due().map_or(at, |due| due.min(at))),
            next => next,
        }
    }

    fn settled(&mut self, ticket: u32, fate: Fate<'_>, sent_at: Instant, now: Instant) {
        self.heard_at = now;
        match fate {
            Fate::Accepted { .. } => {
                self.open.remove(&ticket);
                self.tally.acknowledge(sent_at, now);
            }
            Fate::Refused(status) if is_temporary(status) => {
                self.tally.deferred += 1;
                self.retries.after_pause(ticket, now);
            }
            Fate::Refused(status) => {
                *self.tally.refused.entry(status.0).or_default() += 1;
                if let Some(saying) = self.open.remove(&ticket) {
                    let number = self.number.clone();
                    let device = self.fleet.numbers().of(saying.device);
                    self.write_line(now, "!!", &device, &number, &format!("refused: {status}"));
                }
            }
            Fate::Unknown => {
                self.tally.resent += 1;
                self.retries.at_once(ticket);
            }
        }
    }

    fn deliver(&mut self, mt: &Sm, now: Instant) -> CommandStatus {
        self.heard_at = now;
        let text = match text::decode(mt.data_coding, mt.payload()) {
            Payload::Text(text) => text,
            Payload::Binary(octets) => format!("({} octets of binary)", octets.len()),
        };
        match self.fleet.numbers().device(&mt.destination_addr) {
            Some(device) => {
                self.tally.mts += 1;
                if let Some(spoke_at) = self.spoke_at.remove(&device) {
                    self.tally.answers += 1;
                    self.tally.answer_latency.record(now.saturating_duration_since(spoke_at));
                }
                self.fleet.hear(device, &text, now);
            }
            None => self.tally.mts_to_others += 1,
        }
        self.write_line(now, "MT", &mt.source_addr, &mt.destination_addr, &text);
        CommandStatus::ESME_ROK
    }

    fn is_finished(&self, now: Instant) -> bool {
        let Some(ended_at) = self.span.ended_at(now) else { return false };
        let quiet_since = self.heard_at.max(ended_at);
        (self.open.is_empty() && now >= quiet_since + QUIET_AT_END) || self.span.is_grace_over(now)
    }

    fn end(&mut self, now: Instant) {
        self.span.end(now);
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

/// The UTC time of day, such as `12:00:01.123`.
fn time_of_day(since_epoch_ms: u64) -> String {
    let (secs, millis) = (since_epoch_ms / 1_000, since_epoch_ms % 1_000);
    format!("{:02}:{:02}:{:02}.{millis:03}", secs / 3_600 % 24, secs / 60 % 60, secs % 60)
}

/// Long numbers get their `+`; short codes and names stay as they are.
fn address(octets: &[u8]) -> String {
    let is_msisdn = octets.len() > 8 && octets.iter().all(u8::is_ascii_digit);
    format!("{}{}", if is_msisdn { "+" } else { "" }, String::from_utf8_lossy(octets))
}

/// A text of several lines stays one line of the transcript.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
