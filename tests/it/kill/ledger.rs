//! What the client knows: each MO it sent, each answer, each MT. Lives through every death of the server.
//!
//! When has our deliver_sm_resp arrived? Nothing answers a response, but the server keeps order: once it
//! acknowledges an MO that we wrote later on the same link, it has read the response before, and both are in
//! the log. From then on the MT may never come again; before, a kill may repeat it, under its id.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use wasmsc::cli::simulate::tally::Tally;
use wasmsc::cli::simulate::traffic::{Fate, Next, Traffic};
use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton};

/// The vendor TLV in which each MT carries its message id.
pub const MESSAGE_ID_TLV: u16 = 0x1501;
/// Enough that MOs of different devices run beside each other.
const DEVICES: u32 = 500;
/// How long a link sends nothing after a refusal, as networks do when a queue is full.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What the client knows of the fate of an MO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    Outstanding,
    Acknowledged(String),
    Refused(CommandStatus),
    /// The server may have it or not.
    Unknown,
}

#[derive(Debug)]
pub struct Mo {
    pub fate: Known,
    pub mts: Vec<Mt>,
}

#[derive(Debug)]
pub struct Mt {
    id: String,
    life: u32,
    /// Our deliver_sm_resp is known to have arrived; also at the end of a life that ended in order.
    response_arrived: bool,
}

/// What a life of the server is waited for.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    Sent(u32),
    Acknowledged(u32),
    Delivered(u32),
    /// All is sent and settled, and each acknowledged MO has its MT.
    Answered,
}

/// Every MO ever sent, at its number, through all lives of the server.
pub struct Ledger {
    mos: Vec<Mo>,
    life: u32,
    /// MOs that may still be sent in this life.
    to_send: u64,
    pub outstanding: usize,
    /// Acknowledged MOs without an MT.
    pub unanswered: usize,
    sent: u32,
    acknowledged: u32,
    delivered: u32,
    pub goal: Goal,
    pub reached: Arc<Notify>,
    repeats: usize,
    /// What must not happen; the links' tasks go on, the test's task asserts.
    pub violations: Vec<String>,
}

impl Ledger {
    pub fn new() -> Ledger {
        Ledger {
            mos: Vec::new(),
            life: 0,
            to_send: 0,
            outstanding: 0,
            unanswered: 0,
            sent: 0,
            acknowledged: 0,
            delivered: 0,
            goal: Goal::Answered,
            reached: Arc::default(),
            repeats: 0,
            violations: Vec::new(),
        }
    }

    pub fn begin_life(&mut self, to_send: u64, goal: Goal) {
        self.life += 1;
        (self.to_send, self.goal) = (to_send, goal);
        (self.sent, self.acknowledged, self.delivered) = (0, 0, 0);
    }

    pub fn life_ended_in_order(&mut self) {
        for mt in self.mos.iter_mut().flat_map(|mo| &mut mo.mts) {
            mt.response_arrived = true;
        }
    }

    pub fn is_goal_reached(&self) -> bool {
        match self.goal {
            Goal::Sent(count) => self.sent >= count,
            Goal::Acknowledged(count) => self.acknowledged >= count,
            Goal::Delivered(count) => self.delivered >= count,
            Goal::Answered => self.to_send == 0 && self.outstanding == 0 && self.unanswered == 0,
        }
    }

    fn changed(&self) {
        if self.is_goal_reached() {
            self.reached.notify_one();
        }
    }

    fn send(&mut self) -> Option<u32> {
        self.to_send = self.to_send.checked_sub(1)?;
        self.mos.push(Mo { fate: Known::Outstanding, mts: Vec::new() });
        self.sent += 1;
        self.outstanding += 1;
        self.changed();
        Some(self.mos.len() as u32 - 1)
    }

    fn settled(&mut self, number: u32, fate: Known) {
        let mo = &mut self.mos[number as usize];
        if mo.fate != Known::Outstanding {
            self.violations.push(format!("MO {number} was settled as {:?} and as {fate:?}", mo.fate));
            return;
        }
        self.outstanding -= 1;
        if let Known::Acknowledged(_) = fate {
            self.acknowledged += 1;
            self.unanswered += usize::from(mo.mts.is_empty());
        }
        mo.fate = fate;
        self.changed();
    }

    /// Returns the MO's number and the MT's index there.
    fn delivered(&mut self, mt: &Sm) -> Option<(usize, usize)> {
        let text = String::from_utf8_lossy(mt.payload()).into_owned();
        let number: Option<usize> = text.strip_prefix("m ").and_then(|number| number.parse().ok());
        let found = number.and_then(|number| self.mos.get_mut(number).map(|mo| (number, mo)));
        let Some((number, mo)) = found.filter(|(number, _)| device_of(*number as u32) == mt.destination_addr) else {
            self.violations.push(format!("an MT {text:?} to {:?} that answers no MO", mt.destination_addr));
            return None;
        };
        let id = mt.tlvs.c_string(MESSAGE_ID_TLV).map(|id| String::from_utf8_lossy(&id).into_owned());
        let id = id.unwrap_or_else(|| "(without message id)".to_owned());
        for earlier in &mo.mts {
            if earlier.id != id {
                self.violations.push(format!("MO {number} was answered under two ids: {} and {id}", earlier.id));
            }
            if earlier.life == self.life {
                self.violations.push(format!("MT {id} came twice in one life of the server"));
            } else if earlier.response_arrived {
                let from = earlier.life;
                self.violations.push(format!("MT {id} of life {from} was repeated though its response had arrived"));
            }
        }
        self.repeats += usize::from(!mo.mts.is_empty());
        if mo.mts.is_empty() && matches!(mo.fate, Known::Acknowledged(_)) {
            self.unanswered -= 1;
        }
        mo.mts.push(Mt { id, life: self.life, response_arrived: false });
        let index = mo.mts.len() - 1;
        self.delivered += 1;
        self.changed();
        Some((number, index))
    }

    pub fn count(&self, is_counted: impl Fn(&Mo) -> bool) -> usize {
        self.mos.iter().filter(|mo| is_counted(mo)).count()
    }

    pub fn check_so_far(&self, when: &str) {
        let first: Vec<&String> = self.violations.iter().take(5).collect();
        assert!(first.is_empty(), "{when}: {} violations, such as {first:#?}", self.violations.len());
        assert_eq!(self.outstanding, 0, "{when}: the links ended without settling every MO");
    }

    /// Once all lives are over; returns what there was.
    pub fn check_at_the_end(&self) -> String {
        self.check_so_far("at the end");
        let mut ids = HashSet::new();
        for (number, mo) in self.mos.iter().enumerate() {
            match &mo.fate {
                Known::Acknowledged(id) => {
                    assert!(!id.is_empty() && ids.insert(id), "message id {id:?} of MO {number} is not its own");
                    let mt = mo.mts.first();
                    let mt = mt.unwrap_or_else(|| panic!("MO {number} ({id}) was acknowledged and never answered"));
                    assert!(mt.id.len() > id.len() && mt.id.starts_with(id), "MO {id} was answered by MT {}", mt.id);
                }
                Known::Refused(status) => assert!(mo.mts.is_empty(), "MO {number}, refused with {status}, was kept"),
                Known::Unknown => {}
                Known::Outstanding => panic!("MO {number} was never settled"),
            }
        }
        let unknown = self.count(|mo| mo.fate == Known::Unknown);
        let kept = self.count(|mo| mo.fate == Known::Unknown && !mo.mts.is_empty());
        let refused = self.count(|mo| matches!(mo.fate, Known::Refused(_)));
        let proven = self.mos.iter().flat_map(|mo| &mo.mts).filter(|mt| mt.response_arrived).count();
        let mut summary = format!("{} MOs sent, {} acknowledged, all answered", self.mos.len(), ids.len());
        let _ = write!(summary, "; {unknown} unknown ({kept} kept), {refused} refused");
        let _ =
            write!(summary, "; {} MTs repeated, {proven} proven to have been settled and not repeated", self.repeats);
        summary
    }
}

/// One link's part of the load; its own, since an MT and the MOs behind it on one link keep their order.
pub struct LinkTraffic {
    ledger: Arc<Mutex<Ledger>>,
    tally: Tally,
    /// MTs answered on this link, in order, and how many of the responses are known to have arrived.
    responses: Vec<(usize, usize)>,
    arrived: usize,
    /// For each MO without a response: how many of `responses` were written before it.
    written_before: HashMap<u32, usize>,
    /// Nothing is sent before this, since the server refused something.
    backs_off_until: Option<Instant>,
}

impl LinkTraffic {
    pub fn new(ledger: &Arc<Mutex<Ledger>>) -> LinkTraffic {
        LinkTraffic {
            ledger: ledger.clone(),
            tally: Tally::default(),
            responses: Vec::new(),
            arrived: 0,
            written_before: HashMap::new(),
            backs_off_until: None,
        }
    }
}

impl Traffic for LinkTraffic {
    fn next(&mut self, _link: usize, now: Instant) -> Next {
        if let Some(until) = self.backs_off_until.filter(|until| now < *until) {
            return Next::At(until);
        }
        let Some(number) = self.ledger.lock().send() else {
            return Next::At(now + Duration::from_secs(1));
        };
        self.written_before.insert(number, self.responses.len());
        let sm = Sm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: device_of(number),
            dest_addr_npi: Npi::ISDN,
            destination_addr: Bytes::from_static(b"7001"),
            short_message: format!("m {number}").into(),
            ..Sm::default()
        };
        Next::Send { ticket: number, sm: Box::new(sm) }
    }

    fn settled(&mut self, number: u32, fate: Fate<'_>, _sent_at: Instant, now: Instant) {
        let written_before = self.written_before.remove(&number).unwrap_or_default();
        let mut ledger = self.ledger.lock();
        let fate = match fate {
            Fate::Accepted { message_id } => {
                while self.arrived < written_before {
                    let (mo, mt) = self.responses[self.arrived];
                    ledger.mos[mo].mts[mt].response_arrived = true;
                    self.arrived += 1;
                }
                Known::Acknowledged(String::from_utf8_lossy(message_id).into_owned())
            }
            Fate::Refused(status) => {
                self.backs_off_until = Some(now + BACK_OFF);
                Known::Refused(status)
            }
            Fate::Unknown => Known::Unknown,
        };
        ledger.settled(number, fate);
    }

    fn deliver(&mut self, mt: &Sm, _now: Instant) -> CommandStatus {
        self.responses.extend(self.ledger.lock().delivered(mt));
        CommandStatus::ESME_ROK
    }

    /// A link that falls shall not come back by itself: its server is dead.
    fn is_finished(&self, _now: Instant) -> bool {
        true
    }

    fn end(&mut self, _now: Instant) {}

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

fn device_of(number: u32) -> Bytes {
    format!("46700{:06}", number % DEVICES).into()
}
