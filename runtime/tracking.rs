//! What became of a message that an application submitted: its state, and the receipts it causes.
//!
//! Pure: a [`Tracked`] changes by what happened to its message, and each change may yield a [`Notice`] for
//! whoever asked (SMPP 3.4 §5.2.17, Appendix B). `relay` reads and writes the rows, under one lock.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmsc_smpp::receipt::{MessageState, NetworkErrorCode, Receipt};
use wasmsc_smpp::text::Payload;
use wasmsc_smpp::{EsmClass, RegisteredDelivery, tlv};

use crate::message::{Address, Class, Content, Message, MessageId, Timestamp};

/// Characters of the text that a receipt repeats (SMPP 3.4 Appendix B).
const TEXT_MAX: usize = 20;

/// One message that can be asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracked {
    pub customer: Box<str>,
    /// `system_id` of the application that submitted it; empty when its customer did so over the API.
    pub account: Box<str>,
    /// The id in its submit_sm_resp; further destinations of a submit_multi have the id of the first.
    pub shown_id: MessageId,
    pub registered_delivery: u8,
    pub source: Address,
    pub destination: Address,
    pub service_type: Bytes,
    pub user_message_reference: Option<Bytes>,
    pub submitted_at: Timestamp,
    /// How the text begins, when somebody wants a receipt.
    text: Box<str>,
    /// Where it waits, while it does.
    pub waits: Option<Waits>,
    /// The last part of its life that is known (SMPP 3.4 §5.2.28).
    state: u8,
    /// Of the network or of the peer that refused it; 0 for none.
    pub error: u16,
    pub done_at: Option<Timestamp>,
    /// When peers had taken all of it.
    pub taken_at: Option<Timestamp>,
    /// What peers took that send receipts.
    pub parts: Vec<Part>,
    /// Receipts sent so far.
    pub receipts: u8,
    /// What its submitter calls it; empty: nothing.
    pub tag: Box<str>,
    /// A rule sent it and wants to hear of its end.
    pub for_rule: Option<Box<ForRule>>,
}

/// To which events of which rule the end of a message belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForRule {
    /// Name of the rule, without the customer.
    pub rule: Box<str>,
    /// The device about which the rule was called.
    pub device: Address,
    /// From which number it was answered.
    pub number: Address,
}

/// The row in the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    pub queue: Box<str>,
    pub class: u8,
    pub due: Timestamp,
}

/// One SMS of the message, at a peer that will send a receipt for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Who gave the id.
    pub centre: Arc<str>,
    /// As its response gave it.
    pub remote_id: Bytes,
    state: u8,
}

/// Something the submitter wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub state: MessageState,
    pub error: u16,
    pub at: Timestamp,
    /// Not the end: an intermediate notification.
    pub is_intermediate: bool,
}

impl Tracked {
    /// Of a message that is about to be accepted; the store fills in the ids.
    pub fn new(customer: &str, account: &str, registered_delivery: u8, message: &Message, is_later: Later) -> Tracked {
        let content = &message.content;
        let state = match is_later {
            Later::Scheduled => MessageState::Scheduled,
            Later::Now => MessageState::Enroute,
        };
        Tracked {
            customer: customer.into(),
            account: account.into(),
            shown_id: MessageId::accepted(0),
            registered_delivery,
            source: message.source.clone(),
            destination: message.destination.clone(),
            service_type: content.service_type.clone(),
            user_message_reference: content.tlv(tlv::tag::USER_MESSAGE_REFERENCE).cloned(),
            submitted_at: message.received_at,
            text: beginning(content, registered_delivery),
            waits: None,
            state: state.octet(),
            error: 0,
            done_at: None,
            taken_at: None,
            parts: Vec::new(),
            receipts: 0,
            tag: "".into(),
            for_rule: None,
        }
    }

    /// Its text or its wishes changed.
    pub fn replaced(&mut self, registered_delivery: u8, content: &Content) {
        self.registered_delivery = registered_delivery;
        self.text = beginning(content, registered_delivery);
    }

    pub fn state(&self) -> MessageState {
        MessageState::from_octet(self.state).unwrap_or(MessageState::Unknown)
    }

    pub fn is_final(&self) -> bool {
        self.done_at.is_some()
    }

    /// Somebody wants to hear of its end, one way or the other.
    pub fn wants_receipt(&self) -> bool {
        let wish = RegisteredDelivery(self.registered_delivery);
        wish.wants_success() || wish.wants_failure() || wish.wants_intermediate()
    }

    /// A peer took all of it. `parts`: what it will send receipts for; when there are none, `state` is all that
    /// will be known: Delivered by a peer that carries devices, Accepted by a centre behind which we see nothing.
    pub fn taken(&mut self, state: MessageState, parts: Vec<(Arc<str>, Bytes)>, now: Timestamp) -> Option<Notice> {
        (self.waits, self.taken_at) = (None, Some(now));
        if parts.is_empty() {
            return self.end(state, 0, now);
        }
        let enroute = MessageState::Enroute.octet();
        self.state = enroute;
        self.parts = parts.into_iter().map(|(centre, remote_id)| Part { centre, remote_id, state: enroute }).collect();
        None
    }

    /// It will not be delivered: expired, refused, cancelled.
    pub fn failed(&mut self, state: MessageState, error: u16, now: Timestamp) -> Option<Notice> {
        self.waits = None;
        self.end(state, error, now)
    }

    /// It was not taken now and waits for another attempt.
    pub fn deferred(&mut self, waits: Waits, error: u16, now: Timestamp) -> Option<Notice> {
        let was_enroute = self.state() == MessageState::Enroute && self.waits.is_some();
        (self.waits, self.error, self.state) = (Some(waits), error, MessageState::Enroute.octet());
        let is_first = !was_enroute || self.receipts == 0;
        (is_first && RegisteredDelivery(self.registered_delivery).wants_intermediate())
            .then(|| self.notice(MessageState::Enroute, error, now, true))
    }

    /// A receipt came for one part. What is final stays final: several receipts for one part count once.
    pub fn receipt(&mut self, part: usize, state: MessageState, error: u16, now: Timestamp) -> Option<Notice> {
        let slot = self.parts.get_mut(part)?;
        let before = MessageState::from_octet(slot.state).unwrap_or(MessageState::Unknown);
        if self.done_at.is_some() || before.is_final() {
            return None;
        }
        slot.state = state.octet();
        if !state.is_final() {
            self.error = error;
            return RegisteredDelivery(self.registered_delivery)
                .wants_intermediate()
                .then(|| self.notice(state, error, now, true));
        }
        if error != 0 {
            self.error = error;
        }
        let states =
            self.parts.iter().map(|part| MessageState::from_octet(part.state).unwrap_or(MessageState::Unknown));
        let all: Vec<MessageState> = states.collect();
        if !all.iter().all(|state| state.is_final()) {
            return None;
        }
        // The whole is delivered when every part is; else it is what the first other part is.
        let whole = all.into_iter().find(|state| *state != MessageState::Delivered);
        self.end(whole.unwrap_or(MessageState::Delivered), self.error, now)
    }

    /// Its time is over and no receipt told its fate.
    pub fn lost_sight(&mut self, now: Timestamp) -> Option<Notice> {
        self.end(MessageState::Unknown, self.error, now)
    }

    fn end(&mut self, state: MessageState, error: u16, now: Timestamp) -> Option<Notice> {
        if self.done_at.is_some() {
            return None;
        }
        (self.state, self.error, self.done_at) = (state.octet(), error, Some(now));
        let wish = RegisteredDelivery(self.registered_delivery);
        let is_wanted = match state {
            MessageState::Delivered | MessageState::Accepted => wish.wants_success(),
            _ => wish.wants_failure(),
        };
        is_wanted.then(|| self.notice(state, error, now, false))
    }

    fn notice(&self, state: MessageState, error: u16, at: Timestamp, is_intermediate: bool) -> Notice {
        Notice { state, error, at, is_intermediate }
    }

    /// The message that tells the submitter. Its addresses are those of the message, the other way round.
    pub fn receipt_message(&self, notice: Notice) -> Message {
        let is_delivered = notice.state == MessageState::Delivered;
        let receipt = Receipt {
            message_id: self.shown_id.to_string().into(),
            state: Some(notice.state),
            error: Some(format!("{:03}", notice.error)),
            network_error_code: (notice.error != 0)
                .then_some(NetworkErrorCode { network_type: self.network_type(), code: notice.error }),
            submitted: Some(1),
            delivered: Some(u32::from(is_delivered)),
            submit_date_ms: Some(self.submitted_at.0),
            done_date_ms: Some(notice.at.0),
            text: Some(self.text.chars().map(receipt_char).collect()),
        };
        let mut tlvs: Vec<(u16, Bytes)> = receipt.tlvs().into_iter().map(|tlv| (tlv.tag, tlv.value)).collect();
        if let Some(reference) = &self.user_message_reference {
            tlvs.push((tlv::tag::USER_MESSAGE_REFERENCE, reference.clone()));
        }
        let esm_class = if notice.is_intermediate { INTERMEDIATE } else { EsmClass::DELIVERY_RECEIPT };
        let content = Content { esm_class: esm_class.0, octets: receipt.to_text().into(), tlvs, ..Content::default() };
        Message { source: self.destination.clone(), destination: self.source.clone(), content, received_at: notice.at }
    }

    /// Whose number the error is: of the network when a peer took the message and told of it in a receipt, else
    /// it is the command_status with which a peer refused it.
    fn network_type(&self) -> u8 {
        if self.parts.is_empty() { SMPP } else { GSM }
    }

    /// The class of its receipts in the outbox.
    pub const RECEIPT_CLASS: Class = Class::INBOUND;
}

/// Whether a message waits for its schedule_delivery_time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    Now,
    Scheduled,
}

/// esm_class of an intermediate delivery notification (SMPP 3.4 §5.2.12).
const INTERMEDIATE: EsmClass = EsmClass(0x20);
/// network_type (SMPP 3.4 §5.3.2.31).
const GSM: u8 = 3;
/// The same (SMPP 5.0 §4.8.4.42).
const SMPP: u8 = 7;

/// A receipt is text; whatever else the message began with shows as a dot.
fn receipt_char(c: char) -> char {
    if (' '..='~').contains(&c) { c } else { '.' }
}

fn beginning(content: &Content, registered_delivery: u8) -> Box<str> {
    if registered_delivery == 0 {
        return Box::default();
    }
    match content.payload() {
        Payload::Text(text) => text.chars().take(TEXT_MAX).collect(),
        Payload::Binary(octets) => octets.iter().take(TEXT_MAX).map(|octet| char::from(*octet)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn tracked(registered_delivery: u8) -> Tracked {
        let message = Message {
            source: Address::ShortCode("7001".into()),
            destination: Address::Msisdn("46701234567".into()),
            content: Content { octets: Bytes::from_static(b"WM1 CLOSE and more than twenty"), ..Content::default() },
            received_at: NOW,
        };
        Tracked::new("acme", "app", registered_delivery, &message, Later::Now)
    }

    fn remote(ids: &[&'static str]) -> Vec<(Arc<str>, Bytes)> {
        ids.iter().map(|id| ("up".into(), Bytes::from_static(id.as_bytes()))).collect()
    }

    #[test]
    fn registered_delivery_decides_who_hears_of_what() {
        // SMPP 3.4 §5.2.17: 0 nothing, 1 both, 2 failure; 3 is success in 5.0.
        for (wish, on_success, on_failure) in [(0, false, false), (1, true, true), (2, false, true), (3, true, false)] {
            assert_eq!(tracked(wish).taken(MessageState::Delivered, Vec::new(), NOW).is_some(), on_success, "{wish}");
            assert_eq!(tracked(wish).failed(MessageState::Expired, 0, NOW).is_some(), on_failure, "{wish}");
        }
    }

    #[test]
    fn a_message_of_three_parts_is_delivered_when_the_last_of_them_is() {
        let mut message = tracked(1);
        assert_eq!(message.taken(MessageState::Accepted, remote(&["a", "b", "c"]), NOW), None);
        assert_eq!(message.receipt(2, MessageState::Delivered, 0, NOW), None);
        assert_eq!(message.receipt(2, MessageState::Delivered, 0, NOW), None, "the same receipt again");
        assert_eq!(message.receipt(0, MessageState::Delivered, 0, NOW), None);
        let notice = message.receipt(1, MessageState::Delivered, 0, NOW).expect("the last one");
        assert_eq!(notice.state, MessageState::Delivered);
        assert_eq!(message.receipt(1, MessageState::Undeliverable, 0, NOW), None, "the end stays the end");
    }

    #[test]
    fn one_undelivered_part_makes_the_whole_undelivered() {
        let mut message = tracked(2);
        message.taken(MessageState::Accepted, remote(&["a", "b"]), NOW);
        assert_eq!(message.receipt(0, MessageState::Undeliverable, 27, NOW), None);
        let notice = message.receipt(1, MessageState::Delivered, 0, NOW).expect("a failure");
        assert_eq!((notice.state, notice.error), (MessageState::Undeliverable, 27));
    }

    #[test]
    fn intermediate_states_are_told_to_who_asked_and_end_nothing() {
        let mut message = tracked(0x11);
        message.taken(MessageState::Accepted, remote(&["a"]), NOW);
        let notice = message.receipt(0, MessageState::Enroute, 0, NOW).expect("asked for");
        assert!(notice.is_intermediate && !message.is_final());
        assert_eq!(message.receipt_message(notice).content.esm_class, 0x20);
        assert!(message.receipt(0, MessageState::Delivered, 0, NOW).is_some());
    }

    #[test]
    fn a_receipt_repeats_characters_and_not_octets() {
        let octets = "Läckage på Ängsvägen 7".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let content = Content { octets: octets.into(), data_coding: 8, ..Content::default() };
        let message = Message {
            source: Address::ShortCode("7001".into()),
            destination: Address::Msisdn("46701234567".into()),
            content,
            received_at: NOW,
        };
        let mut tracked = Tracked::new("acme", "app", 1, &message, Later::Now);
        let notice = tracked.taken(MessageState::Delivered, Vec::new(), NOW).expect("asked for");
        let receipt = tracked.receipt_message(notice);
        let text = String::from_utf8_lossy(&receipt.content.octets);
        assert!(text.ends_with("text:L.ckage p. .ngsv.gen"), "{text}");
    }

    #[test]
    fn the_receipt_has_the_standard_layout_and_the_tlvs() {
        let mut message = tracked(1);
        message.shown_id = MessageId::accepted(0xabc);
        let notice = message.taken(MessageState::Delivered, Vec::new(), NOW.plus_ms(60_000)).expect("asked for");
        let receipt = message.receipt_message(notice);
        assert_eq!(receipt.content.esm_class, 0x04);
        assert_eq!((&receipt.source, &receipt.destination), (&message.destination, &message.source));
        let text = String::from_utf8_lossy(&receipt.content.octets);
        assert_eq!(
            text,
            "id:0000000000000abc sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 stat:DELIVRD err:000 \
             text:WM1 CLOSE and more t"
        );
        assert_eq!(
            receipt.content.tlv(tlv::tag::RECEIPTED_MESSAGE_ID).map(|id| &id[..]),
            Some(&b"0000000000000abc\0"[..])
        );
        assert_eq!(receipt.content.tlv(tlv::tag::MESSAGE_STATE).map(|id| &id[..]), Some(&[2][..]));
    }
}
