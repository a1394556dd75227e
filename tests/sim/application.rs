//! An application that submits messages for an upstream's devices and wants receipts, and what it knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use bytes::Bytes;
use wasmsc_smpp::receipt::{MessageState, Receipt};
use wasmsc_smpp::{Body, CommandStatus, Event, RegisteredDelivery, Sm, SmResp, Ton};

use crate::pipe::Pipe;
use crate::rng::{Rng, mix};

/// Lives through every crash.
#[derive(Default)]
pub struct Application {
    next_number: u64,
    /// Numbers by the message id that their submit_sm got.
    accepted: BTreeMap<String, u64>,
    /// Final states by message id.
    receipts: BTreeMap<String, BTreeSet<u8>>,
    /// submit_sm without a response.
    pub open: HashMap<u32, u64>,
    /// Messages that the customer's policy kept from their devices.
    pub refused: usize,
}

/// What the upstream's devices do with a message.
pub fn fate(number: u64) -> MessageState {
    if mix(number).is_multiple_of(5) { MessageState::Undeliverable } else { MessageState::Delivered }
}

/// What devices of the upstream begin with that the customer's policy blocks.
pub const BLOCKED: &str = "4799";

fn is_blocked(number: u64) -> bool {
    mix(number ^ 11).is_multiple_of(6)
}

/// The destination says which message it is, on every part of it.
pub fn destination(number: u64) -> String {
    if is_blocked(number) { format!("{BLOCKED}{number:07}") } else { format!("47{number:09}") }
}

pub fn text(number: u64) -> String {
    let longer = if mix(number ^ 7).is_multiple_of(3) { 330 } else { 0 };
    format!("{number} {}", "abcdefghij".repeat(longer / 10))
}

impl Application {
    pub fn submit(&mut self, pipe: &mut Pipe, now: Instant) {
        let number = self.next_number;
        let mut sm = Sm {
            source_addr: Bytes::from_static(b"7001"),
            dest_addr_ton: Ton::INTERNATIONAL,
            destination_addr: destination(number).into(),
            registered_delivery: RegisteredDelivery::ALWAYS,
            ..Sm::default()
        };
        sm.set_payload(text(number).into());
        if pipe.bound
            && let Ok(sequence_number) = pipe.peer.request(Body::SubmitSm(sm), now)
        {
            self.open.insert(sequence_number, number);
            self.next_number += 1;
        }
    }

    pub fn event(&mut self, pipe: &mut Pipe, event: Event, rng: &mut Rng) {
        match event {
            Event::Response { sequence_number, command_status, body } => {
                let Some(number) = self.open.remove(&sequence_number) else { return };
                match (command_status, body) {
                    (CommandStatus::ESME_RINVDSTADR, _) if is_blocked(number) => self.refused += 1,
                    (CommandStatus::ESME_ROK, Body::SubmitSmResp(resp)) if !is_blocked(number) => {
                        let id = String::from_utf8_lossy(&resp.message_id).into_owned();
                        assert!(self.accepted.insert(id, number).is_none(), "one id for two messages");
                    }
                    (CommandStatus::ESME_RMSGQFUL | CommandStatus::ESME_RSYSERR, _) => {}
                    other => panic!("message {number} was answered with {other:?}"),
                }
            }
            Event::Expired { sequence_number } => drop(self.open.remove(&sequence_number)),
            Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } => {
                let receipt = Receipt::read(sm.esm_class, sm.payload(), &sm.tlvs).expect("receipts only");
                let state = receipt.state.expect("it says what became of it");
                let id = String::from_utf8_lossy(&receipt.message_id).into_owned();
                self.receipts.entry(id).or_default().insert(state.octet());
                if rng.below(10) > 0 {
                    pipe.peer.respond(sequence_number, CommandStatus::ESME_ROK, Body::DeliverSmResp(SmResp::default()));
                }
            }
            _ => {}
        }
    }

    pub fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// Everything that was accepted has its receipt.
    pub fn is_done(&self) -> bool {
        self.open.is_empty() && self.accepted.keys().all(|id| self.receipts.contains_key(id))
    }

    /// One final state for each message, the one that its device gave it; `carried`: what devices got.
    pub fn check(&self, carried: &BTreeSet<u64>, context: &str) {
        for (id, number) in &self.accepted {
            let states = self.receipts.get(id).cloned().unwrap_or_default();
            let want = BTreeSet::from([fate(*number).octet()]);
            assert_eq!(states, want, "{context}: receipts for message {number} ({id})");
            assert!(carried.contains(number), "{context}: message {number} never reached its device whole");
        }
    }
}
