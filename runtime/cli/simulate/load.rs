//! Load: many devices, each with at most one MO outstanding, each MO answered by one MT.
//!
//! Because a device waits for its MT before it speaks again, the MT tells which MO it answers and the
//! latency is exact. Texts of MTs are not read and little is allocated: the load generator shares the
//! cores with the server it measures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton};

use super::numbers::Numbers;
use super::retry::Retries;
use super::rng::Rng;
use super::span::Span;
use super::tally::Tally;
use super::traffic::{Fate, Next, Pace, Traffic, is_temporary};

/// A timer is up to a millisecond late, which is ours and not the server's. An MO that leaves later than
/// this after it was due waited for the server, so its latency counts from when it was due.
const TIMER_SLACK: Duration = Duration::from_millis(2);
/// How soon a link asks again when every device waits for its MT.
const ALL_BUSY_RETRY: Duration = Duration::from_millis(1);

/// Numbers with more digits are international.
const SHORT_CODE_OCTETS: usize = 8;

#[derive(Debug)]
struct Device {
    number: Bytes,
    litres: u64,
    /// When the MO that waits for its MT was sent, or was due.
    waiting_since: Option<Instant>,
}

#[derive(Debug)]
pub struct Load {
    numbers: Numbers,
    destinations: Vec<Bytes>,
    devices: Vec<Device>,
    idle: VecDeque<u32>,
    retries: Retries,
    paces: Vec<Pace>,
    span: Span,
    tally: Tally,
    /// MOs of which no MT arrived yet, and how many may be.
    waiting: usize,
    in_flight_max: usize,
    /// MOs of which the submit_sm_resp is missing.
    unsettled: usize,
}

fn paces(rate: f64, links: usize, now: Instant) -> Vec<Pace> {
    vec![Pace::new(rate / links as f64, now); links]
}

impl Load {
    /// `rate` is for all `links` together, 0 for as fast as their windows allow.
    pub fn new(numbers: Numbers, number: &str, links: usize, rate: f64, span: Span, now: Instant) -> Self {
        let device = |device| Device {
            number: Bytes::from(numbers.of(device)),
            litres: 1_000_000 + u64::from(device) * 1_000,
            waiting_since: None,
        };
        Self {
            destinations: vec![Bytes::copy_from_slice(number.as_bytes())],
            devices: (0..numbers.devices()).map(device).collect(),
            idle: (0..numbers.devices()).collect(),
            retries: Retries::default(),
            paces: paces(rate, links.max(1), now),
            span,
            tally: Tally::default(),
            waiting: 0,
            in_flight_max: usize::MAX,
            unsettled: 0,
            numbers,
        }
    }

    /// At most so many devices wait for their MT at once.
    pub fn with_in_flight_max(mut self, in_flight_max: usize) -> Self {
        self.in_flight_max = in_flight_max;
        self
    }

    /// From now on so many MOs are due in a second, on all links together; 0 for as many as their windows allow.
    pub fn set_rate(&mut self, rate: f64, now: Instant) {
        self.paces = paces(rate, self.paces.len(), now);
    }

    /// From now on MOs go to these numbers, of which there is one at least.
    pub fn send_to(&mut self, numbers: Vec<Bytes>) {
        debug_assert!(!numbers.is_empty());
        self.destinations = numbers;
    }

    /// In no order that a cache could follow, and the same when an MO is sent again.
    fn destination(&self, ticket: u32, litres: u64) -> &Bytes {
        let mut rng = Rng::seeded(u64::from(ticket) << 40 ^ litres);
        &self.destinations[rng.below(self.destinations.len() as u32) as usize]
    }

    /// MOs that no MT has answered yet.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes what was counted so far, so that a warm-up does not count.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn mo(&self, ticket: u32) -> Next {
        let device = &self.devices[ticket as usize];
        let destination = self.destination(ticket, device.litres).clone();
        let sm = Sm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: device.number.clone(),
            dest_addr_ton: if destination.len() > SHORT_CODE_OCTETS { Ton::INTERNATIONAL } else { Ton::UNKNOWN },
            dest_addr_npi: Npi::ISDN,
            destination_addr: destination,
            short_message: report_text(device.litres),
            ..Sm::default()
        };
        Next::Send { ticket, sm: Box::new(sm) }
    }

    fn new_mo(&mut self, link: usize, now: Instant) -> Next {
        let due = self.paces[link].due(now);
        if due > now {
            return Next::At(due);
        }
        if self.waiting >= self.in_flight_max {
            return Next::At(now + ALL_BUSY_RETRY);
        }
        let Some(ticket) = self.idle.pop_front() else {
            return Next::At(now + ALL_BUSY_RETRY);
        };
        self.paces[link].advance();
        self.span.take(now);
        let device = &mut self.devices[ticket as usize];
        device.litres += 1;
        device.waiting_since = Some(if now - due > TIMER_SLACK { due } else { now });
        self.waiting += 1;
        self.unsettled += 1;
        self.tally.sent += 1;
        self.mo(ticket)
    }
}

impl Traffic for Load {
    fn next(&mut self, link: usize, now: Instant) -> Next {
        if let Some(ticket) = self.retries.take_due(now) {
            return self.mo(ticket);
        }
        if self.is_finished(now) {
            return Next::Finished;
        }
        if self.span.ended_at(now).is_some() {
            // Answers wake the link up; this is for the last of several links and for the grace period.
            return Next::At(self.retries.next_due().unwrap_or(now + Duration::from_millis(10)));
        }
        match self.new_mo(link, now) {
            Next::At(at) => Next::At(self.retries.next_due().map_or(at, |due| due.min(at))),
            next => next,
        }
    }

    fn settled(&mut self, ticket: u32, fate: Fate<'_>, sent_at: Instant, now: Instant) {
        match fate {
            Fate::Accepted { .. } => {
                self.unsettled -= 1;
                self.tally.acknowledge(sent_at, now);
            }
            Fate::Refused(status) if is_temporary(status) => {
                self.tally.deferred += 1;
                self.retries.after_pause(ticket, now);
            }
            Fate::Refused(status) => {
                self.unsettled -= 1;
                *self.tally.refused.entry(status.0).or_default() += 1;
                if self.devices[ticket as usize].waiting_since.take().is_some() {
                    self.waiting -= 1;
                    self.idle.push_back(ticket);
                }
            }
            Fate::Unknown => {
                self.tally.resent += 1;
                self.retries.at_once(ticket);
            }
        }
    }

    fn deliver(&mut self, mt: &Sm, now: Instant) -> CommandStatus {
        let Some(index) = self.numbers.device(&mt.destination_addr) else {
            self.tally.mts_to_others += 1;
            return CommandStatus::ESME_ROK;
        };
        self.tally.mts += 1;
        if let Some(since) = self.devices[index as usize].waiting_since.take() {
            self.tally.answers += 1;
            self.tally.answer_latency.record(now.saturating_duration_since(since));
            self.waiting -= 1;
            self.idle.push_back(index);
        }
        CommandStatus::ESME_ROK
    }

    fn is_finished(&self, now: Instant) -> bool {
        let is_ended = self.span.ended_at(now).is_some();
        is_ended && ((self.waiting == 0 && self.unsettled == 0) || self.span.is_grace_over(now))
    }

    fn end(&mut self, now: Instant) {
        self.span.end(now);
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

/// A report as a meter sends it; only the volume changes.
fn report_text(litres: u64) -> Bytes {
    let mut text = b"WM1 V=0000000.000 F=12.5 B=3.61 S=OPEN".to_vec();
    let mut rest = litres;
    for at in [16, 15, 14, 12, 11, 10, 9, 8, 7, 6] {
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(devices: u32, rate: f64, messages: u64, now: Instant) -> Load {
        let numbers = Numbers::new("+46700", devices).unwrap();
        Load::new(numbers, "7001", 1, rate, Span::new(None, Some(messages)), now)
    }

    fn sent(next: Next) -> (u32, Sm) {
        match next {
            Next::Send { ticket, sm } => (ticket, *sm),
            other => panic!("{other:?}"),
        }
    }

    fn mt_to(number: &Bytes) -> Sm {
        Sm { destination_addr: number.clone(), ..Sm::default() }
    }

    #[test]
    fn report_text_is_a_meter_report() {
        assert_eq!(&report_text(1_234_567)[..], b"WM1 V=0001234.567 F=12.5 B=3.61 S=OPEN");
    }

    #[test]
    fn a_device_waits_for_its_mt_and_the_latency_is_exact() {
        let start = crate::clock::instant();
        let mut load = load(1, 0.0, 2, start);
        let (ticket, sm) = sent(load.next(0, start));
        assert_eq!(&sm.source_addr[..], b"46700000000");
        assert!(matches!(load.next(0, start), Next::At(_)));
        let at = |millis| start + Duration::from_millis(millis);
        load.settled(ticket, Fate::Accepted { message_id: b"1" }, start, at(1));
        load.deliver(&mt_to(&sm.source_addr), at(3));
        assert_eq!(load.tally.answer_latency.max(), Duration::from_millis(3));
        assert_eq!(load.tally.submit_latency.max(), Duration::from_millis(1));
        let (ticket, sm) = sent(load.next(0, at(4)));
        load.deliver(&mt_to(&sm.source_addr), at(5));
        assert!(!load.is_finished(at(5)), "the response is missing");
        load.settled(ticket, Fate::Accepted { message_id: b"2" }, at(4), at(6));
        assert!(matches!(load.next(0, at(6)), Next::Finished));
    }

    #[test]
    fn mos_go_to_all_numbers_and_again_to_the_same_one() {
        let start = crate::clock::instant();
        let mut load = load(1_000, 0.0, 1_000, start);
        load.send_to((0..10).map(|n| Bytes::from(format!("700{n}"))).collect());
        let first = sent(load.next(0, start));
        load.settled(first.0, Fate::Unknown, start, start);
        assert_eq!(sent(load.next(0, start)).1.destination_addr, first.1.destination_addr);
        let mut counts = std::collections::BTreeMap::<Bytes, u32>::new();
        (1..1_000).for_each(|_| *counts.entry(sent(load.next(0, start)).1.destination_addr).or_default() += 1);
        assert!(counts.len() == 10 && counts.values().all(|count| (50..150).contains(count)), "{counts:?}");
    }

    #[test]
    fn latency_counts_from_when_it_was_due_if_the_server_held_us_up() {
        let start = crate::clock::instant();
        let mut load = load(10, 100.0, 10, start);
        sent(load.next(0, start));
        let (_, sm) = sent(load.next(0, start + Duration::from_millis(500)));
        load.deliver(&mt_to(&sm.source_addr), start + Duration::from_millis(501));
        assert_eq!(load.tally.answer_latency.max(), Duration::from_millis(491));
    }

    #[test]
    fn lost_and_deferred_mos_are_sent_again_and_refused_ones_are_counted() {
        let start = crate::clock::instant();
        let mut load = load(3, 0.0, 3, start);
        for _ in 0..3 {
            sent(load.next(0, start));
        }
        load.settled(0, Fate::Unknown, start, start);
        load.settled(1, Fate::Refused(CommandStatus::ESME_RTHROTTLED), start, start);
        load.settled(2, Fate::Refused(CommandStatus::ESME_RINVSRCADR), start, start);
        assert_eq!(sent(load.next(0, start)).0, 0);
        let Next::At(due) = load.next(0, start) else { panic!("nothing is due") };
        assert_eq!(sent(load.next(0, due)).0, 1);
        let tally = load.take_tally();
        assert_eq!((tally.sent, tally.resent, tally.deferred, tally.refused_total()), (3, 1, 1, 1));
    }

    #[test]
    fn a_missing_mt_ends_the_run_after_the_grace_period() {
        let start = crate::clock::instant();
        let mut load = load(1, 0.0, 1, start);
        sent(load.next(0, start));
        load.settled(0, Fate::Accepted { message_id: b"1" }, start, start);
        assert!(!load.is_finished(start + super::super::span::GRACE / 2));
        assert!(load.is_finished(start + super::super::span::GRACE));
        assert_eq!(load.tally.unanswered(), 1);
    }
}
