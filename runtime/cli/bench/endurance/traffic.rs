//! What `--endurance backlog` says over its links: an application that submits, a network that takes.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton};

use super::backlog::Progress;
use crate::cli::simulate::numbers::Numbers;
use crate::cli::simulate::tally::Tally;
use crate::cli::simulate::traffic::{Fate, Next, Traffic, is_temporary};

/// Pause after "slower, please".
const PAUSE: Duration = Duration::from_millis(100);
/// How soon a link asks again that has nothing to say.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// MTs from an application, each to another device, and the ids they got.
pub struct Fill {
    numbers: Numbers,
    next: u32,
    until: u32,
    again: VecDeque<u32>,
    paused_until: Option<Instant>,
    ids: HashSet<Box<[u8]>>,
    answered: u32,
    deferred: u64,
    refused: u32,
    resent: u32,
    tally: Tally,
}

impl Fill {
    pub fn new(numbers: Numbers, count: u32) -> Self {
        Self {
            numbers,
            next: 0,
            until: count,
            again: VecDeque::new(),
            paused_until: None,
            ids: HashSet::new(),
            answered: 0,
            deferred: 0,
            refused: 0,
            resent: 0,
            tally: Tally::default(),
        }
    }

    /// So many further ones.
    pub fn more(&mut self, count: u32) {
        self.until += count;
    }

    pub fn distinct(&self) -> usize {
        self.ids.len()
    }

    pub fn oddities(&self) -> String {
        format!("{} refused, {} sent again as nobody answered", self.refused, self.resent)
    }
}

impl Progress for Fill {
    fn done(&self) -> u32 {
        self.answered
    }

    fn deferred(&self) -> u64 {
        self.deferred
    }
}

impl Traffic for Fill {
    fn next(&mut self, _: usize, now: Instant) -> Next {
        if let Some(until) = self.paused_until.filter(|until| now < *until) {
            return Next::At(until);
        }
        let ticket = self.again.pop_front().or_else(|| {
            let ticket = Some(self.next).filter(|next| *next < self.until)?;
            self.next += 1;
            Some(ticket)
        });
        match ticket {
            Some(ticket) => {
                let device = self.numbers.of(ticket % self.numbers.devices());
                Next::Send { ticket, sm: Box::new(mt(device, ticket)) }
            }
            None if self.is_finished(now) => Next::Finished,
            None => Next::At(now + ASK_AGAIN),
        }
    }

    fn settled(&mut self, ticket: u32, fate: Fate<'_>, _: Instant, now: Instant) {
        match fate {
            Fate::Accepted { message_id } => {
                self.answered += 1;
                self.ids.insert(message_id.into());
            }
            Fate::Refused(status) if is_temporary(status) => {
                self.deferred += 1;
                self.paused_until = Some(now + PAUSE);
                self.again.push_back(ticket);
            }
            Fate::Refused(_) => {
                self.answered += 1;
                self.refused += 1;
            }
            Fate::Unknown => {
                self.resent += 1;
                self.again.push_back(ticket);
            }
        }
    }

    fn deliver(&mut self, _: &Sm, _: Instant) -> CommandStatus {
        CommandStatus::ESME_ROK
    }

    fn is_finished(&self, _: Instant) -> bool {
        self.answered >= self.until
    }

    fn end(&mut self, _: Instant) {
        self.until = self.answered;
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

fn mt(device: Vec<u8>, number: u32) -> Sm {
    Sm {
        source_addr_npi: Npi::ISDN,
        source_addr: Bytes::from_static(b"7001"),
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: device.into(),
        short_message: format!("waiting, number {number}").into(),
        ..Sm::default()
    }
}

/// A network that takes what waits, until it has enough.
pub struct Drain {
    numbers: Numbers,
    /// By device.
    seen: Vec<bool>,
    until: u32,
    taken: u32,
    pub repeated: u32,
    tally: Tally,
}

impl Drain {
    pub fn new(numbers: Numbers, until: u32) -> Self {
        let seen = vec![false; numbers.devices() as usize];
        Self { numbers, seen, until, taken: 0, repeated: 0, tally: Tally::default() }
    }

    /// So many are enough after all.
    pub fn expect(&mut self, until: u32) {
        self.until = until;
    }
}

impl Progress for Drain {
    fn done(&self) -> u32 {
        self.taken
    }

    fn deferred(&self) -> u64 {
        0
    }
}

impl Traffic for Drain {
    fn next(&mut self, _: usize, now: Instant) -> Next {
        if self.is_finished(now) { Next::Finished } else { Next::At(now + ASK_AGAIN) }
    }

    fn settled(&mut self, _: u32, _: Fate<'_>, _: Instant, _: Instant) {}

    fn deliver(&mut self, mt: &Sm, _: Instant) -> CommandStatus {
        let device = self.numbers.device(&mt.destination_addr);
        if let Some(seen) = device.and_then(|device| self.seen.get_mut(device as usize)) {
            self.repeated += u32::from(std::mem::replace(seen, true));
            self.taken += 1;
        }
        CommandStatus::ESME_ROK
    }

    fn is_finished(&self, _: Instant) -> bool {
        self.taken >= self.until
    }

    fn end(&mut self, _: Instant) {
        self.until = self.taken;
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Numbers {
        Numbers::new("+46700", 10).unwrap()
    }

    #[test]
    fn a_deferred_message_is_sent_again_and_every_id_counts_once() {
        let start = crate::clock::instant();
        let mut fill = Fill::new(numbers(), 2);
        let sent = |fill: &mut Fill, now| match fill.next(0, now) {
            Next::Send { ticket, .. } => Some(ticket),
            _ => None,
        };
        assert_eq!((sent(&mut fill, start), sent(&mut fill, start), sent(&mut fill, start)), (Some(0), Some(1), None));
        fill.settled(0, Fate::Refused(CommandStatus::ESME_RMSGQFUL), start, start);
        fill.settled(1, Fate::Accepted { message_id: b"a" }, start, start);
        assert_eq!(sent(&mut fill, start), None);
        assert_eq!(sent(&mut fill, start + PAUSE), Some(0));
        fill.settled(0, Fate::Accepted { message_id: b"a" }, start, start);
        assert!(fill.is_finished(start) && fill.distinct() == 1);
    }

    #[test]
    fn a_drain_notices_what_comes_twice() {
        let start = crate::clock::instant();
        let mut drain = Drain::new(numbers(), 3);
        for index in [1, 2, 1] {
            let mt = Sm { destination_addr: numbers().of(index).into(), ..Sm::default() };
            drain.deliver(&mt, start);
        }
        assert!(drain.is_finished(start) && drain.repeated == 1);
    }
}
