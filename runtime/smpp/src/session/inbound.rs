//! What a session does with the peer's octets.
//!
//! One PDU at a time: cut, decode, then either answer or hand out an event. A bad frame ends the
//! session, a bad body costs one response. Only [`Session::poll`] comes in here.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{BindMode, CloseReason, Event, Role, Session, State};
use crate::codec::{self, FrameError};
use crate::pdu::{Bind, BindResp, Body, Pdu};
use crate::tlv;
use crate::values::{CommandId, CommandStatus, InterfaceVersion};

/// How much is tapped of what is no PDU: enough to see "GET / HTTP".
const NO_PDU_OCTETS: usize = 64;

impl Session {
    /// Takes PDUs from `input` until one needs the embedder, and returns that; `None` when more octets
    /// are needed. Octets behind a bind stay in `input` until the bind is accepted, as they are judged
    /// by what it says. After `Closed` nothing is read any more.
    pub fn poll(&mut self, input: &mut BytesMut, now: Instant) -> Option<Event> {
        self.now = now;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if matches!(self.state, State::Closed(_) | State::BindRequested { .. }) {
                return None;
            }
            match codec::next_frame(input, self.config.pdu_max_octets) {
                Ok(Some(frame)) => {
                    self.timers.heard(now);
                    if let Some(tapped) = &mut self.tapped {
                        tapped.push(frame.clone());
                    }
                    if let Some(event) = self.receive(frame) {
                        return Some(event);
                    }
                }
                Ok(None) => {
                    if !input.is_empty() {
                        self.timers.half_pdu(now);
                    }
                    return None;
                }
                Err(FrameError::Length(command_length)) => {
                    if let Some(tapped) = &mut self.tapped {
                        tapped.push(Bytes::copy_from_slice(&input[..input.len().min(NO_PDU_OCTETS)]));
                    }
                    // The octets behind a wrong length mean nothing (SMPP 3.4 §4.3): sequence 0, then close.
                    self.answer(CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDLEN, 0);
                    self.close(CloseReason::BadFrame(command_length));
                }
            }
        }
    }

    fn receive(&mut self, frame: Bytes) -> Option<Event> {
        let pdu = match codec::decode(frame.clone()) {
            Ok(pdu) => pdu,
            Err(error) => {
                // Neither a response nor these two have one, however bad they are.
                let has_none = matches!(error.command_id, CommandId::ALERT_NOTIFICATION | CommandId::OUTBIND);
                if !error.command_id.is_response() && !has_none {
                    self.answer(error.command_id, error.command_status, error.sequence_number);
                }
                return None;
            }
        };
        let sequence_number = pdu.sequence_number;
        match pdu.body {
            Body::BindTransmitter(bind) => self.bind_asked(BindMode::Transmitter, sequence_number, bind),
            Body::BindReceiver(bind) => self.bind_asked(BindMode::Receiver, sequence_number, bind),
            Body::BindTransceiver(bind) => self.bind_asked(BindMode::Transceiver, sequence_number, bind),
            Body::BindTransmitterResp(resp) | Body::BindReceiverResp(resp) | Body::BindTransceiverResp(resp) => {
                self.bind_answered(sequence_number, pdu.command_status, resp)
            }
            Body::Unbind => self.unbind_asked(sequence_number),
            Body::UnbindResp => self.unbind_answered(),
            Body::EnquireLink => {
                // Answered in every state: some peers probe before they bind.
                self.answer(CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, sequence_number);
                None
            }
            // Every PDU counts as a sign of life; this one says nothing else.
            Body::EnquireLinkResp => None,
            Body::SubmitSm(_)
            | Body::DeliverSm(_)
            | Body::DataSm(_)
            | Body::SubmitMulti(_)
            | Body::QuerySm(_)
            | Body::CancelSm(_)
            | Body::ReplaceSm(_)
            | Body::BroadcastSm(_)
            | Body::QueryBroadcastSm(_)
            | Body::CancelBroadcastSm(_) => self.request_came(pdu, frame),
            Body::SubmitSmResp(_)
            | Body::DeliverSmResp(_)
            | Body::DataSmResp(_)
            | Body::SubmitMultiResp(_)
            | Body::QuerySmResp(_)
            | Body::CancelSmResp
            | Body::ReplaceSmResp
            | Body::BroadcastSmResp(_)
            | Body::QueryBroadcastSmResp(_)
            | Body::CancelBroadcastSmResp => self.response_came(pdu),
            // These two have no response, not even when they come at the wrong time.
            Body::AlertNotification(alert) => self.mode_if_serving().map(|_| Event::Alert(alert)),
            Body::Outbind(outbind) => (self.state == State::Open).then_some(Event::Outbind(outbind)),
            Body::GenericNack => self.nack_came(pdu),
            Body::Unknown(_) => self.unknown_came(pdu),
        }
    }

    fn bind_asked(&mut self, mode: BindMode, sequence_number: u32, bind: Bind) -> Option<Event> {
        let refusal = match (self.config.role, self.state) {
            (Role::Smsc, State::Open) => {
                self.state = State::BindRequested { mode, sequence_number };
                self.peer_version = Some(bind.interface_version.normalised());
                return Some(Event::BindRequest { mode, sequence_number, bind });
            }
            (Role::Smsc, _) => CommandStatus::ESME_RALYBND,
            (Role::Esme, _) => CommandStatus::ESME_RINVBNDSTS,
        };
        self.answer(mode.command_id(), refusal, sequence_number);
        None
    }

    fn bind_answered(&mut self, answered: u32, command_status: CommandStatus, resp: BindResp) -> Option<Event> {
        match self.state {
            State::BindSent { mode, sequence_number } if sequence_number == answered => {
                if !command_status.is_ok() {
                    self.close(CloseReason::BindRejected);
                    return Some(Event::BindRefused { command_status });
                }
                // A centre that does not say its version speaks 3.3 (SMPP 3.4 §3.4), but 3.3 has no transceivers,
                // and many a centre that has them does not say.
                let silent = match mode {
                    BindMode::Transceiver => InterfaceVersion::V3_4,
                    _ => InterfaceVersion::V3_3,
                };
                let said =
                    resp.tlvs.octet(tlv::tag::SC_INTERFACE_VERSION).map(|octet| InterfaceVersion(octet).normalised());
                // What both speak: a newer centre takes us for what we said.
                let spoken = said.unwrap_or(silent);
                self.peer_version = Some(self.peer_version.map_or(spoken, |asked| asked.min(spoken)));
                self.state = State::Bound(mode);
                self.timers.bound(self.now);
                Some(Event::Bound { system_id: resp.system_id })
            }
            _ => None,
        }
    }

    fn unbind_asked(&mut self, sequence_number: u32) -> Option<Event> {
        if self.unanswered > 0 && !matches!(self.state, State::Draining { .. }) {
            self.timers.draining(self.now);
            self.state = State::Draining { sequence_number };
            return None;
        }
        self.answer(CommandId::UNBIND, CommandStatus::ESME_ROK, sequence_number);
        self.close(CloseReason::Unbound);
        Some(Event::Unbound)
    }

    fn unbind_answered(&mut self) -> Option<Event> {
        if !matches!(self.state, State::Unbinding { .. }) {
            return None;
        }
        self.close(CloseReason::Unbound);
        Some(Event::Unbound)
    }

    /// A request is served while the bind mode allows it. An SMSC we are bound to may also submit: two
    /// centres often share one session, and refusing would cost the message.
    fn request_came(&mut self, pdu: Pdu, raw: Bytes) -> Option<Event> {
        let Some(mode) = self.mode_if_serving() else {
            return self.refuse(&pdu);
        };
        let is_served = match (self.config.role, &pdu.body) {
            // A network that carries devices may hand over their messages as deliver_sm, as an SMSC does.
            (Role::Smsc, _) => mode.can_submit(),
            (Role::Esme, Body::DeliverSm(_) | Body::DataSm(_)) => mode.can_receive(),
            (Role::Esme, _) => true,
        };
        if !is_served {
            return self.refuse(&pdu);
        }
        self.unanswered += 1;
        Some(Event::Request { sequence_number: pdu.sequence_number, body: pdu.body, raw })
    }

    /// What we are bound for, while the peer's requests are still served.
    fn mode_if_serving(&self) -> Option<BindMode> {
        match self.state {
            State::Bound(mode) | State::Unbinding { mode, .. } => Some(mode),
            _ => None,
        }
    }

    fn refuse(&mut self, pdu: &Pdu) -> Option<Event> {
        let status = CommandStatus::ESME_RINVBNDSTS;
        self.answer(pdu.body.command_id(), status, pdu.sequence_number);
        None
    }

    /// A response nobody waits for, late or invented, is ignored.
    fn response_came(&mut self, pdu: Pdu) -> Option<Event> {
        let Pdu { command_status, sequence_number, body } = pdu;
        let resolved = self.window.resolve(sequence_number, body.command_id());
        resolved.then_some(Event::Response { sequence_number, command_status, body })
    }

    /// `generic_nack` answers any request of ours, our bind and unbind included.
    fn nack_came(&mut self, mut pdu: Pdu) -> Option<Event> {
        if pdu.command_status.is_ok() {
            // A refusal that says OK must not look like success.
            pdu.command_status = CommandStatus::ESME_RUNKNOWNERR;
        }
        match self.state {
            State::BindSent { .. } => self.bind_answered(pdu.sequence_number, pdu.command_status, BindResp::default()),
            State::Unbinding { sequence_number, .. } if sequence_number == pdu.sequence_number => {
                self.unbind_answered()
            }
            _ => self.response_came(pdu),
        }
    }

    fn unknown_came(&mut self, pdu: Pdu) -> Option<Event> {
        let sequence_number = pdu.sequence_number;
        let event = self.response_came(pdu);
        if event.is_none() {
            self.answer(CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDID, sequence_number);
        }
        event
    }
}
