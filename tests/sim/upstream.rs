//! An SMSC behind the house: takes messages, loses and delays responses, throttles, sends receipts early,
//! late and twice. Lives through every crash of the house.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use wasmsc_smpp::receipt::{MessageState, Receipt};
use wasmsc_smpp::{Body, CommandStatus, EsmClass, Event, Sm, SmResp, Ton, Udh};

use crate::application::{BLOCKED, destination, fate, text};
use crate::pipe::Pipe;
use crate::rng::{Rng, mix};

#[derive(Default)]
pub struct Upstream {
    next_id: u64,
    /// Receipts that the house has not acknowledged.
    receipts: VecDeque<(String, u64, MessageState)>,
    /// Those under way, by sequence_number.
    sent: HashMap<u32, (String, u64, MessageState)>,
    /// Responses that come later: (sequence_number, message_id).
    late: VecDeque<(u32, String)>,
    /// Parts by message and reference.
    parts: HashMap<(u64, u16), BTreeMap<u8, Bytes>>,
    /// Messages that came whole.
    pub carried: BTreeSet<u64>,
    pub throttled: usize,
    pub early_receipts: usize,
}

impl Upstream {
    pub fn event(&mut self, pipe: &mut Pipe, event: Event, rng: &mut Rng) {
        match event {
            Event::Request { sequence_number, body: Body::SubmitSm(sm), .. } => {
                self.submitted(pipe, sequence_number, &sm, rng);
            }
            Event::Response { sequence_number, command_status, .. } => {
                if let Some(receipt) = self.sent.remove(&sequence_number)
                    && !command_status.is_ok()
                {
                    self.receipts.push_back(receipt);
                }
            }
            Event::Expired { sequence_number } => self.receipts.extend(self.sent.remove(&sequence_number)),
            _ => {}
        }
    }

    fn submitted(&mut self, pipe: &mut Pipe, sequence_number: u32, sm: &Sm, rng: &mut Rng) {
        let digits = String::from_utf8_lossy(&sm.destination_addr);
        assert!(!digits.starts_with(BLOCKED), "a device got what its customer's policy keeps from it");
        let number: u64 = digits[2..].parse().expect("our own device");
        assert_eq!(digits, destination(number));
        if rng.below(12) == 0 {
            self.throttled += 1;
            let status = CommandStatus::ESME_RTHROTTLED;
            return pipe.peer.respond(sequence_number, status, Body::SubmitSmResp(SmResp::default()));
        }
        self.collect(number, sm);
        self.next_id += 1;
        let id = format!("{:016x}f", mix(self.next_id));
        // Receipts in another case and with more zeros than the response had.
        self.receipts.push_back((format!("00{}", id.to_uppercase()), number, fate(number)));
        match rng.below(12) {
            0 => {} // the response gets lost
            1..=3 => self.late.push_back((sequence_number, id)),
            _ => respond(pipe, sequence_number, &id),
        }
    }

    fn collect(&mut self, number: u64, sm: &Sm) {
        let (udh, body) = match sm.esm_class.has_udhi() {
            true => Udh::split(sm.payload()).expect("our own header"),
            false => (Udh::default(), sm.payload().clone()),
        };
        let (reference, part, total) = udh.concat().map_or((0, 1, 1), |c| (c.reference, c.number, c.total));
        let parts = self.parts.entry((number, reference)).or_default();
        parts.insert(part, body);
        if parts.len() == usize::from(total) {
            let whole: Vec<u8> = parts.values().flat_map(|part| part.to_vec()).collect();
            assert_eq!(String::from_utf8_lossy(&whole), text(number), "a device got another text");
            self.carried.insert(number);
        }
    }

    /// Late responses and receipts, in any order and some twice.
    pub fn act(&mut self, pipe: &mut Pipe, now: Instant, rng: &mut Rng) {
        if !pipe.bound {
            return;
        }
        if rng.below(3) == 0
            && let Some((sequence_number, id)) = self.late.pop_front()
        {
            respond(pipe, sequence_number, &id);
        }
        for _ in 0..rng.below(4) {
            let at = rng.below(self.receipts.len().max(1) as u64) as usize;
            let Some((id, number, state)) = self.receipts.remove(at) else { return };
            if self.late.iter().any(|(_, late)| id.to_lowercase().ends_with(late.as_str())) {
                self.early_receipts += 1;
            }
            let copies = if rng.below(6) == 0 { 2 } else { 1 };
            for _ in 0..copies {
                match pipe.peer.request(Body::DeliverSm(receipt(&id, number, state)), now) {
                    Ok(sequence_number) => drop(self.sent.insert(sequence_number, (id.clone(), number, state))),
                    Err(_) => self.receipts.push_back((id.clone(), number, state)),
                }
            }
        }
    }

    /// The connection broke: what nobody acknowledged is sent again, what was not answered never is.
    pub fn cut(&mut self) {
        self.late.clear();
        self.receipts.extend(self.sent.drain().map(|(_, receipt)| receipt));
    }

    pub fn is_done(&self) -> bool {
        self.receipts.is_empty() && self.sent.is_empty() && self.late.is_empty()
    }
}

fn respond(pipe: &mut Pipe, sequence_number: u32, id: &str) {
    let resp = SmResp { message_id: id.to_owned().into(), ..SmResp::default() };
    pipe.peer.respond(sequence_number, CommandStatus::ESME_ROK, Body::SubmitSmResp(resp));
}

fn receipt(id: &str, number: u64, state: MessageState) -> Sm {
    let receipt = Receipt { message_id: id.to_owned().into(), state: Some(state), ..Receipt::default() };
    Sm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr: destination(number).into(),
        destination_addr: Bytes::from_static(b"7001"),
        esm_class: EsmClass::DELIVERY_RECEIPT,
        short_message: receipt.to_text().into(),
        ..Sm::default()
    }
}
