//! One SMPP session, either side, as a state machine without I/O (SMPP 3.4 §2).
//!
//! The embedder owns socket and clock. After every call it takes events with [`Session::poll`] until
//! `None`, then writes [`Session::output`] in one go and sleeps until octets arrive or
//! [`Session::next_deadline`] comes. The session answers by itself whatever needs no decision:
//! `enquire_link`, `unbind`, unknown commands, malformed bodies, requests in the wrong state.
//!
//! Never decides who may bind and never keeps a message: requests are the embedder's to answer.

mod config;
mod inbound;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

pub use config::{BindMode, CloseReason, Event, RequestError, Role, SessionConfig};

use crate::codec;
use crate::pdu::{AlertNotification, Bind, BindResp, Body, Outbind, SmResp};
use crate::timers::{Due, Limits, Timers};
use crate::tlv::{self, Tlv, Tlvs};
use crate::values::{CommandId, CommandStatus, InterfaceVersion};
use crate::window::Window;

/// Longest value of a TLV: its length has two octets.
const TLV_VALUE_MAX: usize = 65_535;

/// Where the session is (SMPP 3.4 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Connected; nobody bound.
    Open,
    /// SMSC: the embedder judges a bind.
    BindRequested { mode: BindMode, sequence_number: u32 },
    /// ESME: the SMSC judges our bind.
    BindSent { mode: BindMode, sequence_number: u32 },
    /// Messages flow.
    Bound(BindMode),
    /// We sent `unbind`. What the peer sent before it saw that is still served.
    Unbinding { mode: BindMode, sequence_number: u32 },
    /// The peer sent `unbind` behind requests we have not answered; they go first.
    Draining { sequence_number: u32 },
    /// Nothing more is read or written.
    Closed(CloseReason),
}

/// One session.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
    timers: Timers,
    window: Window,
    /// Events found outside of `poll`: at most one per window slot, and the end.
    events: VecDeque<Event>,
    output: BytesMut,
    /// The peer's requests that the embedder has not answered.
    unanswered: usize,
    /// PDUs of the peer as they came, while somebody wants them.
    tapped: Option<Vec<Bytes>>,
    peer_version: Option<InterfaceVersion>,
    congestion_state: Option<u8>,
    /// The latest instant we were told.
    now: Instant,
}

impl Session {
    /// A session on a connection that opened at `now`.
    #[must_use]
    pub fn new(config: SessionConfig, now: Instant) -> Session {
        let limits = Limits {
            session_init: config.session_init_timeout,
            enquire_link_interval: config.enquire_link_interval,
            response: config.response_timeout,
        };
        Session {
            state: State::Open,
            timers: Timers::new(limits, now),
            window: Window::new(config.window_max),
            events: VecDeque::new(),
            output: BytesMut::new(),
            unanswered: 0,
            tapped: None,
            peer_version: None,
            congestion_state: None,
            now,
            config,
        }
    }

    /// SMSC: accepts the bind of the last `BindRequest`. `system_id` is our name. Does nothing in any
    /// other state.
    pub fn accept_bind(&mut self, system_id: &[u8]) {
        let State::BindRequested { mode, sequence_number } = self.state else { return };
        let mut resp = BindResp { system_id: Bytes::copy_from_slice(system_id), tlvs: Tlvs::new() };
        if let Some(version) = self.peer_version.filter(|version| version.knows_tlvs()) {
            // The version both will speak: what the ESME asked for, as far as we know it.
            let value = Bytes::copy_from_slice(&[version.0]);
            resp.tlvs.push(Tlv { tag: tlv::tag::SC_INTERFACE_VERSION, value });
        }
        let body = match mode {
            BindMode::Transmitter => Body::BindTransmitterResp(resp),
            BindMode::Receiver => Body::BindReceiverResp(resp),
            BindMode::Transceiver => Body::BindTransceiverResp(resp),
        };
        codec::encode_parts(CommandStatus::ESME_ROK, sequence_number, &body, &mut self.output);
        self.state = State::Bound(mode);
        self.timers.bound(self.now);
    }

    /// Whether [`Session::tapped`] is to have the peer's PDUs from now on.
    pub fn set_tapped(&mut self, is_tapped: bool) {
        if is_tapped != self.tapped.is_some() {
            self.tapped = is_tapped.then(Vec::new);
        }
    }

    /// Whether it is to have them.
    #[must_use]
    pub fn is_tapped(&self) -> bool {
        self.tapped.is_some()
    }

    /// The peer's PDUs since the last call, as they were on the wire: those that could not be read, too, and of what
    /// is no PDU the beginning.
    pub fn tapped(&mut self) -> Vec<Bytes> {
        self.tapped.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// SMSC: refuses the bind of the last `BindRequest`. The response is written, then the session is
    /// over. Does nothing in any other state.
    pub fn reject_bind(&mut self, command_status: CommandStatus) {
        let State::BindRequested { mode, sequence_number } = self.state else { return };
        self.answer(mode.command_id(), command_status, sequence_number);
        self.close(CloseReason::BindRejected);
    }

    /// ESME: asks to bind. Does nothing unless the session is fresh.
    pub fn bind(&mut self, mode: BindMode, bind: Bind, now: Instant) {
        self.now = now;
        if self.config.role != Role::Esme || self.state != State::Open {
            return;
        }
        let asked = bind.interface_version.normalised();
        let body = match mode {
            BindMode::Transmitter => Body::BindTransmitter(bind),
            BindMode::Receiver => Body::BindReceiver(bind),
            BindMode::Transceiver => Body::BindTransceiver(bind),
        };
        let sequence_number = self.window.next_sequence_number();
        codec::encode_parts(CommandStatus::ESME_ROK, sequence_number, &body, &mut self.output);
        self.peer_version = Some(asked);
        self.state = State::BindSent { mode, sequence_number };
    }

    /// Sends a request and returns its sequence number, under which `Response` or `Expired` comes.
    ///
    /// # Errors
    ///
    /// Nothing is sent when the window is full, the session is not bound for it, or the message does
    /// not fit a PDU.
    pub fn request(&mut self, body: Body, now: Instant) -> Result<u32, RequestError> {
        self.now = now;
        let mode = match self.state {
            State::Bound(mode) => mode,
            _ => return Err(RequestError::NotBound),
        };
        let is_allowed = match &body {
            Body::SubmitSm(_)
            | Body::SubmitMulti(_)
            | Body::QuerySm(_)
            | Body::CancelSm(_)
            | Body::ReplaceSm(_)
            | Body::BroadcastSm(_)
            | Body::QueryBroadcastSm(_)
            | Body::CancelBroadcastSm(_) => self.config.role == Role::Esme && mode.can_submit(),
            Body::DeliverSm(_) => self.config.role == Role::Smsc && mode.can_receive(),
            Body::DataSm(_) if self.config.role == Role::Esme => mode.can_submit(),
            Body::DataSm(_) => mode.can_receive(),
            Body::Unknown(unknown) if !unknown.command_id.is_response() => true,
            _ => return Err(RequestError::NotARequest),
        };
        if !is_allowed {
            return Err(RequestError::WrongMode);
        }
        if self.window.free() == 0 {
            return Err(RequestError::WindowFull);
        }
        if !fits_tlvs(&body) {
            return Err(RequestError::TooLong);
        }
        let sequence_number = self.window.next_sequence_number();
        let start = self.output.len();
        codec::encode_parts(CommandStatus::ESME_ROK, sequence_number, &body, &mut self.output);
        if self.output.len() - start > self.config.pdu_max_octets {
            self.output.truncate(start);
            return Err(RequestError::TooLong);
        }
        let deadline = self.timers.response_deadline(now);
        self.window.insert(sequence_number, body.command_id().response(), deadline);
        Ok(sequence_number)
    }

    /// Answers a `Request`. Does nothing once the session is closed.
    pub fn respond(&mut self, sequence_number: u32, command_status: CommandStatus, body: Body) {
        if !self.is_closed() {
            codec::encode_parts(command_status, sequence_number, &body, &mut self.output);
            self.answered();
        }
    }

    /// [`Session::respond`] for `submit_sm`, `deliver_sm` and `data_sm` without building a body: `command_id` is
    /// that of the request. With an error status and no `message_id` the response has no body.
    pub fn respond_sm(
        &mut self,
        sequence_number: u32,
        command_id: CommandId,
        command_status: CommandStatus,
        message_id: &[u8],
    ) {
        if !self.is_closed() {
            let out = &mut self.output;
            let congestion = self.congestion_state.filter(|_| self.peer_version == Some(InterfaceVersion::V5_0));
            codec::encode_sm_resp(command_id, command_status, sequence_number, (message_id, congestion), out);
            self.answered();
        }
    }

    /// [`Session::respond_sm`] for success, with optional parameters: for peers that know them.
    pub fn respond_sm_with(&mut self, sequence_number: u32, command_id: CommandId, message_id: Bytes, mut tlvs: Tlvs) {
        if let Some(state) = self.congestion_state.filter(|_| self.peer_version == Some(InterfaceVersion::V5_0)) {
            tlvs.push(Tlv { tag: tlv::tag::CONGESTION_STATE, value: Bytes::copy_from_slice(&[state]) });
        }
        let resp = SmResp { message_id, tlvs };
        let body = match command_id {
            CommandId::DATA_SM => Body::DataSmResp(resp),
            CommandId::DELIVER_SM => Body::DeliverSmResp(resp),
            _ => Body::SubmitSmResp(resp),
        };
        self.respond(sequence_number, CommandStatus::ESME_ROK, body);
    }

    /// Says how busy we are, 0 to 99 (SMPP 5.0 §4.8.4.18): peers of 5.0 find it as `congestion_state` in
    /// every later response of [`Session::respond_sm`].
    pub fn set_congestion_state(&mut self, congestion_state: u8) {
        self.congestion_state = Some(congestion_state.min(99));
    }

    /// SMSC: says that a subscriber became reachable. There is no response and no window slot.
    ///
    /// # Errors
    ///
    /// Nothing is sent when the peer is not bound to receive.
    pub fn alert(&mut self, alert: AlertNotification) -> Result<(), RequestError> {
        if !self.can_deliver() {
            return Err(RequestError::NotBound);
        }
        let sequence_number = self.window.next_sequence_number();
        let body = Body::AlertNotification(alert);
        codec::encode_parts(CommandStatus::ESME_ROK, sequence_number, &body, &mut self.output);
        Ok(())
    }

    /// SMSC: asks an ESME that we connected to, to bind. There is no response but its bind.
    pub fn outbind(&mut self, outbind: Outbind) {
        if self.config.role == Role::Smsc && self.state == State::Open {
            let sequence_number = self.window.next_sequence_number();
            let body = Body::Outbind(outbind);
            codec::encode_parts(CommandStatus::ESME_ROK, sequence_number, &body, &mut self.output);
        }
    }

    /// Ends the session in order: sends `unbind`, then `Unbound` and `Closed` come with the peer's
    /// answer. Responses to our requests are still taken. A session that is not bound just closes.
    pub fn unbind(&mut self, now: Instant) {
        self.now = now;
        match self.state {
            State::Bound(mode) => {
                let sequence_number = self.window.next_sequence_number();
                self.send_header(CommandId::UNBIND, CommandStatus::ESME_ROK, sequence_number);
                self.state = State::Unbinding { mode, sequence_number };
                self.timers.unbinding(now);
            }
            State::Unbinding { .. } | State::Draining { .. } | State::Closed(_) => {}
            State::Open | State::BindRequested { .. } | State::BindSent { .. } => self.shutdown(),
        }
    }

    /// Ends the session without a word.
    pub fn shutdown(&mut self) {
        self.close(CloseReason::Shutdown);
    }

    /// Says that the connection is gone.
    pub fn disconnected(&mut self) {
        self.close(CloseReason::Disconnected);
    }

    /// Octets to send; the embedder takes them.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// When to call [`Session::on_deadline`], at the latest. In the past when events already wait.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.events.is_empty() {
            return Some(self.now);
        }
        if self.is_closed() {
            return None;
        }
        self.timers.next_deadline().into_iter().chain(self.window.next_deadline()).min()
    }

    /// Does what time demands: probes, expires requests, closes. Poll afterwards, also with no input.
    /// Too early a call does no harm. Octets that wait unpolled do not count as heard.
    pub fn on_deadline(&mut self, now: Instant) {
        self.now = now;
        if self.is_closed() {
            return;
        }
        while let Some(sequence_number) = self.window.expire(now) {
            self.events.push_back(Event::Expired { sequence_number });
        }
        match self.timers.due(now) {
            Some(Due::SessionInit) => self.close(CloseReason::SessionInitTimeout),
            Some(Due::HalfPdu) => self.close(CloseReason::HalfPdu),
            Some(Due::PeerSilent | Due::UnbindUnanswered) => self.close(CloseReason::PeerSilent),
            Some(Due::DrainOver) => self.finish_drain(),
            Some(Due::Probe) => {
                let sequence_number = self.window.next_sequence_number();
                self.send_header(CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, sequence_number);
                self.timers.probed(now);
            }
            None => {}
        }
    }

    /// How many more requests [`Session::request`] takes now.
    #[must_use]
    pub fn window_free(&self) -> usize {
        self.window.free()
    }

    /// Our requests that wait for their response.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.window.outstanding()
    }

    /// The peer's requests that were not answered yet. An embedder that stops polling above its own
    /// limit makes the peer wait.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// What the session is bound for, while it is.
    #[must_use]
    pub fn mode(&self) -> Option<BindMode> {
        match self.state {
            State::Bound(mode) => Some(mode),
            _ => None,
        }
    }

    /// Messages may flow.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.mode().is_some()
    }

    /// We are the SMSC and the peer takes `deliver_sm`.
    #[must_use]
    pub fn can_deliver(&self) -> bool {
        self.config.role == Role::Smsc && self.mode().is_some_and(BindMode::can_receive)
    }

    /// We are the ESME and the peer takes `submit_sm`.
    #[must_use]
    pub fn can_submit(&self) -> bool {
        self.config.role == Role::Esme && self.mode().is_some_and(BindMode::can_submit)
    }

    /// What the peer speaks, normalised to 3.3, 3.4 or 5.0 (before its bind response: what we asked for): known from its bind or bind response. A peer
    /// of 3.3 must not be sent TLVs (SMPP 3.4 §3.4).
    #[must_use]
    pub fn peer_version(&self) -> Option<InterfaceVersion> {
        self.peer_version
    }

    /// Why the session ended, once it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self.state {
            State::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    fn close(&mut self, reason: CloseReason) {
        if !self.is_closed() {
            self.state = State::Closed(reason);
            self.events.push_back(Event::Closed(reason));
        }
    }

    /// One of the peer's requests has its answer; the last one lets a waiting unbind through.
    fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if self.unanswered == 0 {
            self.finish_drain();
        }
    }

    /// Answers the peer's `unbind` if one waits.
    fn finish_drain(&mut self) {
        if let State::Draining { sequence_number } = self.state {
            self.answer(CommandId::UNBIND, CommandStatus::ESME_ROK, sequence_number);
            self.events.push_back(Event::Unbound);
            self.close(CloseReason::Unbound);
        }
    }

    /// Answers `command_id` with a header and nothing else.
    fn answer(&mut self, command_id: CommandId, status: CommandStatus, sequence_number: u32) {
        self.send_header(command_id.response(), status, sequence_number);
    }

    fn send_header(&mut self, command_id: CommandId, status: CommandStatus, sequence_number: u32) {
        codec::encode_header(command_id, status, sequence_number, &mut self.output);
    }
}

/// True when no TLV of this message, `message_payload` included, is longer than the format allows.
fn fits_tlvs(body: &Body) -> bool {
    let fits = |octets: &Bytes| octets.len() <= TLV_VALUE_MAX;
    let message_fits = match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => fits(&sm.short_message),
        Body::SubmitMulti(sm) => fits(&sm.short_message),
        Body::ReplaceSm(sm) => fits(&sm.short_message),
        _ => true,
    };
    message_fits && body.tlvs().is_none_or(|tlvs| tlvs.iter().all(|tlv| fits(&tlv.value)))
}
