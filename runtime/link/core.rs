//! One link without its socket: octets in, octets out, messages between the session and the house.
//!
//! Sans-IO, like the session it holds: `driver` gives it a socket and real time, the simulator neither.
//! Batched both ways: everything that came in is handed to the relay as one batch, and all that it caused
//! is in `output` at once. Holds a bounded amount: [`LinkCore::may_read`] says when to stop reading.
//!
//! The same for both roles: `binding` is how a link comes to belong to a peer, `requests` what the peer
//! asks, `sending` what we asked the peer.

mod binding;
mod requests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use wasmsc_smpp::{Body, CloseReason, CommandStatus, Event, Session, SessionConfig, Sm, tlv};

use super::limits::Limits;
use super::mailbox::Mailbox;
use super::parts;
use super::sending::Sending;
use super::told::ToldBind;
use super::translate;
use crate::binds::{BindEvent, Registration, What, Whose};
use crate::clock;
use crate::delivery::{Bell, Delivery};
use crate::message::{Message, Timestamp};
use crate::relay::{self, Answer, House};
use crate::retry::ErrorClass;
use crate::route::{Changes, Peer, PeerIndex};
use crate::store::Queued;
use crate::tap::{Tap, Way};
use requests::{Multi, Requests};

/// Requests of this link that may wait for the store; above, we do not read, and the peer's TCP feels it.
const PENDING_MAX: usize = 4_096;
/// As [`PENDING_MAX`], in octets: long messages count for more.
const PENDING_OCTETS_MAX: usize = 4 << 20;
/// Messages that are turned into PDUs before the length of the output is looked at again.
const DELIVER_AT_ONCE: usize = 32;
/// Octets that may wait for the peer to take them; above, we neither read nor deliver.
pub const OUTPUT_MAX: usize = 256 << 10;

/// What every link shares.
pub struct Shared {
    pub house: Arc<House>,
    pub delivery: Arc<Delivery>,
    /// Our name in bind responses.
    pub system_id: String,
    pub session: SessionConfig,
    pub response_timeout: Duration,
    pub inactivity_timeout: Option<Duration>,
    pub limits: Limits,
}

/// Both kinds of time, asked for once per turn.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    pub timestamp: Timestamp,
}

pub struct LinkCore {
    address: SocketAddr,
    shared: Arc<Shared>,
    session: Session,
    /// What the peer sent and the session has not taken.
    pub input: BytesMut,
    mailbox: Arc<Mailbox>,
    /// Whom it belongs to, once it is bound, or before for an upstream.
    peer: Option<PeerIndex>,
    /// Of that one, for the log; "-" before.
    name: Arc<str>,
    was_bound: bool,
    /// It counts among its account's binds.
    is_counted: bool,
    /// Whether the peer takes messages from us.
    receives: bool,
    /// Which destinations this bind takes: its address_range.
    range: Option<regex_lite::Regex>,
    /// Our requests that may be outstanding, by the config.
    window: usize,
    /// Requests of the peer whose response waits for the store.
    pending: usize,
    pending_octets: usize,
    multis: HashMap<u64, Multi>,
    next_multi: u64,
    sending: Sending,
    /// When the last message moved, for the inactivity timer.
    moved_at: Instant,
    /// The house closes: no new messages either way, and unbind when nothing is under way.
    draining: bool,
    closed: bool,
    /// While it is bound.
    registration: Option<Registration>,
    told: Option<ToldBind>,
    /// Its last PDUs, while somebody looks.
    tap: Arc<Tap>,
    /// Why it ends, once that is known.
    why: Box<str>,
}

impl LinkCore {
    /// For a connection that a peer opened.
    pub fn new(address: SocketAddr, shared: Arc<Shared>, now: Instant) -> LinkCore {
        let session = Session::new(shared.session.clone(), now);
        LinkCore {
            address,
            shared,
            session,
            input: BytesMut::new(),
            mailbox: Arc::default(),
            peer: None,
            name: "-".into(),
            was_bound: false,
            is_counted: false,
            receives: false,
            range: None,
            window: 0,
            pending: 0,
            pending_octets: 0,
            multis: HashMap::new(),
            next_multi: 0,
            sending: Sending::default(),
            moved_at: now,
            draining: false,
            closed: false,
            registration: None,
            told: None,
            tap: Arc::default(),
            why: "".into(),
        }
    }

    /// Rings when a turn is due though nothing came from the peer.
    pub fn bell(&self) -> &Bell {
        &self.mailbox.bell
    }

    /// What is to be written to the peer.
    pub fn output(&mut self) -> &mut BytesMut {
        self.session.output()
    }

    /// The session is over; the socket goes when `output` is empty.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn may_read(&self) -> bool {
        !self.closed && self.has_room(0, 0)
    }

    fn has_room(&self, more: usize, more_octets: usize) -> bool {
        self.pending + more < PENDING_MAX && self.pending_octets + more_octets < PENDING_OCTETS_MAX
    }

    /// The peer sends no more. What it sent is still answered.
    pub fn is_answered(&self) -> bool {
        self.pending == 0 && self.multis.is_empty()
    }

    /// It was bound at some time.
    pub fn was_bound(&self) -> bool {
        self.was_bound
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let is_delivering = self.receives && !self.draining && self.session.is_bound() && !self.is_held();
        let sending = self.sending.next_deadline().filter(|_| is_delivering);
        let deadlines = [self.session.next_deadline(), sending, self.inactive_at()];
        deadlines.into_iter().flatten().min()
    }

    fn inactive_at(&self) -> Option<Instant> {
        let is_idle = self.is_answered() && self.sending.is_idle();
        let timeout = self.shared.inactivity_timeout.filter(|_| is_idle && self.session.is_bound())?;
        self.moved_at.checked_add(timeout)
    }

    pub fn on_deadline(&mut self, now: Instant) {
        let before = self.session.output().len();
        self.session.on_deadline(now);
        if self.inactive_at().is_some_and(|at| at <= now) {
            tracing::info!(peer = %self.address, account = self.account_name(), "unbound: no message for long");
            self.ends_because("no message for longer than inactivity_timeout_secs");
            self.session.unbind(now);
        }
        if self.session.is_tapped() {
            self.tap_output(before, clock::now());
        }
    }

    /// Its account or upstream is not there any more: it should end.
    pub fn is_orphan(&self) -> bool {
        self.config().is_some_and(|peer| peer.is_gone())
    }

    pub fn changes(&self) -> Changes {
        self.shared.house.directory_changes()
    }

    /// Begins the end: see `draining`.
    pub fn drain(&mut self) {
        let why = if self.is_orphan() { "its account or upstream is gone" } else { "the server stops" };
        self.ends_because(why);
        self.draining = true;
    }

    /// The end has begun.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// The connection broke, or the peer closed it.
    pub fn lost(&mut self, why: &str) {
        self.ends_because(why);
    }

    /// The first reason is the one.
    fn ends_because(&mut self, why: &str) {
        if self.why.is_empty() {
            self.why = why.into();
        }
    }

    /// The connection is gone: what nobody answered for goes back to delivery, in order.
    pub fn disconnected(mut self) {
        let Some(peer) = self.peer else { return };
        if self.was_bound {
            let why = std::mem::take(&mut self.why);
            self.note(What::Unbound, (self.name.clone(), Whose::Known), why);
        }
        if self.receives {
            self.shared.delivery.detach(peer, &self.mailbox.bell, self.sending.unsettled());
        }
        if self.is_counted {
            self.shared.limits.unbound(peer);
        }
    }

    fn config(&self) -> Option<Arc<Peer>> {
        self.peer.map(|index| self.shared.house.directory().peer(index).clone())
    }

    /// For the history of binds.
    fn note(&self, what: What, (account, whose): (Arc<str>, Whose), why: Box<str>) {
        let mode =
            self.registration.as_ref().map(Registration::mode).or_else(|| self.session.mode().map(binding::name));
        let event = BindEvent { at: clock::now(), account, what, mode, address: Some(self.address), why };
        self.shared.house.metrics.binds().note(event, whose);
    }

    /// Everything that can be done without waiting.
    pub fn turn(&mut self, now: Now) {
        // How it was bound, and all while somebody watches.
        self.session.set_tapped(!self.was_bound || self.tap.is_watched(now.timestamp));
        let before = self.session.output().len();
        self.take_turn(now);
        if self.session.is_tapped() {
            self.session.tapped().iter().for_each(|pdu| self.tap.tell(Way::Received, pdu, now.timestamp));
            self.tap_output(before, now.timestamp);
        }
    }

    /// What was written behind the first `before` octets; a link that turned around has a new session.
    fn tap_output(&mut self, before: usize, now: Timestamp) {
        let written = self.session.output();
        self.tap.tell_all(Way::Sent, written.get(before..).unwrap_or(written), now);
    }

    fn take_turn(&mut self, now: Now) {
        self.take_outcomes();
        self.poll_session(now);
        self.deliver(now);
        let is_quiet = self.is_answered() && self.sending.is_idle();
        if let Some(registration) = &self.registration {
            registration.set_in_use(self.sending.len());
            if registration.is_dropped() && !self.draining {
                self.ends_because("dropped by the operator");
                self.draining = true;
            }
        }
        if self.draining && is_quiet && !self.closed {
            self.session.unbind(now.instant);
        }
    }

    fn poll_session(&mut self, now: Now) {
        let mut requests = Requests::default();
        let mut answers = Vec::new();
        while self.has_room(requests.len(), requests.octets) {
            let Some(event) = self.session.poll(&mut self.input, now.instant) else { break };
            match event {
                Event::BindRequest { mode, bind, .. } => self.bind_asked(mode, &bind, now.instant),
                Event::Bound { .. } => self.bound(now.instant),
                Event::BindRefused { command_status } => {
                    tracing::warn!(peer = %self.address, account = self.account_name(), "bind refused: {command_status}");
                    let why = format!("the peer answered {command_status}").into();
                    self.note(What::Refused, (self.name.clone(), Whose::Known), why);
                }
                Event::Outbind(outbind) => self.outbind(&outbind, now.instant),
                Event::Alert(alert) => self.alert(&alert, now.timestamp),
                Event::Request { sequence_number, body, raw } => {
                    self.moved_at = now.instant;
                    self.asked(sequence_number, body, raw.len(), now, &mut requests);
                }
                Event::Response { sequence_number, command_status, body } => {
                    self.moved_at = now.instant;
                    let answer = Some((command_status, &body));
                    answers.extend(self.sending.answered(sequence_number, answer, now.instant));
                }
                Event::Expired { sequence_number } => {
                    answers.extend(self.sending.answered(sequence_number, None, now.instant));
                }
                Event::Closed(reason) => {
                    tracing::info!(peer = %self.address, account = self.account_name(), "link closed: {reason}");
                    // Our own unbind had a reason of its own.
                    let why = match reason {
                        CloseReason::Unbound => "the peer sent unbind".to_owned(),
                        _ => reason.to_string(),
                    };
                    self.ends_because(&why);
                    self.closed = true;
                    (self.registration, self.told) = (None, None);
                }
                Event::Unbound => {}
            }
        }
        self.settle(answers, now.timestamp);
        self.hand_over(requests, now.timestamp);
    }

    fn settle(&self, answers: Vec<(Queued, Answer)>, now: Timestamp) {
        if !answers.is_empty() {
            self.shared.delivery.settle(self.peer, answers, now);
        }
    }

    fn alert(&self, alert: &wasmsc_smpp::AlertNotification, now: Timestamp) {
        let Some(peer) = self.config().filter(|peer| peer.customer.is_none()) else { return };
        // ms_availability_status (SMPP 3.4 §5.3.2.30): 0 available, 1 denied, 2 unavailable.
        if alert.tlvs.octet(tlv::tag::MS_AVAILABILITY_STATUS).is_some_and(|status| status != 0) {
            return;
        }
        let directory = &self.shared.house.directory();
        if let Ok(device) = directory.read_address(&peer, alert.source_addr_ton, &alert.source_addr) {
            relay::wake(&self.shared.house, &device, now);
        }
    }

    // ---- to the peer ----------------------------------------------------------------------------

    fn deliver(&mut self, now: Now) {
        let Some(peer) = self.peer.filter(|_| self.receives) else { return };
        self.send_alerts(peer);
        self.end_pause(peer, now.instant);
        if self.draining || self.closed || !self.session.is_bound() || self.sending.is_paused(now.instant) {
            return;
        }
        if self.is_held() {
            // What was begun is of no use to its receiver before it is whole.
            return self.send_parts(now);
        }
        loop {
            self.send_parts(now);
            let room = self.room(now.instant);
            if room == 0 || self.sending.has_unsent() || self.deliver_some(peer, room.min(DELIVER_AT_ONCE), now) == 0 {
                return;
            }
        }
    }

    /// alert_notification came with SMPP 3.4. It has no response and takes no room in the window.
    fn send_alerts(&mut self, index: PeerIndex) {
        let knows_alerts = self.session.peer_version().is_some_and(|version| version.knows_tlvs());
        if self.closed || !self.session.can_deliver() {
            return;
        }
        let shared = self.shared.clone();
        for alert in shared.delivery.take_alerts(index) {
            if !knows_alerts {
                continue;
            }
            let pdu = translate::alert_notification(&alert, shared.house.directory().peer(index));
            if let Err(error) = self.session.alert(pdu) {
                tracing::warn!(account = self.account_name(), "an alert_notification is lost: {error}");
            }
        }
    }

    fn end_pause(&mut self, peer: PeerIndex, now: Instant) {
        if let Some(held) = self.sending.release_held(now) {
            self.shared.delivery.put_back(held);
        }
        if self.sending.is_paused(now) {
            self.shared.delivery.pause(peer, true);
        } else if self.sending.end_pause(now) {
            self.shared.delivery.pause(peer, false);
        }
    }

    /// The operator wants nothing new to be sent to its account or upstream.
    fn is_held(&self) -> bool {
        self.peer.is_some_and(|peer| self.shared.delivery.is_held(peer))
    }

    /// Requests that may be sent now.
    fn room(&mut self, now: Instant) -> usize {
        let allowed = self.sending.allowed(now);
        if self.session.output().len() >= OUTPUT_MAX {
            return 0;
        }
        let window = self.window.saturating_sub(self.sending.len()).min(self.session.window_free());
        window.min(allowed)
    }

    /// Takes and sends at most `count` messages; returns how many there were.
    fn deliver_some(&mut self, peer: PeerIndex, count: usize, now: Now) -> usize {
        let range = self.range.clone();
        let in_range = range.map(|range| move |message: &Message| range.is_match(message.destination.digits()));
        let filter = in_range.as_ref().map(|accepts| accepts as &dyn Fn(&Message) -> bool);
        let taken = self.shared.delivery.take(peer, &self.mailbox.bell, count, now.timestamp, filter);
        let taken_count = taken.len();
        let knows_tlvs = self.session.peer_version().is_some_and(|version| version.knows_tlvs());
        let mut refused = Vec::new();
        for queued in taken {
            let shared = self.shared.clone();
            match parts::outgoing(&queued, shared.house.directory().peer(peer), knows_tlvs) {
                Ok(mut parts) if parts.len() == 1 && queued.record.taken.is_empty() => {
                    let (_, sm) = parts.remove(0);
                    match self.send(sm, now.instant) {
                        Ok(sequence_number) => self.sending.sent_whole(sequence_number, queued),
                        Err((class, why)) => refused.push((queued, cannot(class, why))),
                    }
                }
                Ok(parts) if parts.is_empty() => refused.push((queued, Answer::Taken(Vec::new()))),
                Ok(parts) => self.sending.begin(queued, parts),
                Err(too_long) => refused.push((queued, cannot(ErrorClass::Permanent, too_long.to_string()))),
            }
        }
        self.settle(refused, now.timestamp);
        taken_count
    }

    /// Parts of long messages that were begun.
    fn send_parts(&mut self, now: Now) {
        let mut failed = Vec::new();
        while self.sending.has_unsent() && self.room(now.instant) > 0 {
            let Some((open, number, sm)) = self.sending.next_part() else { break };
            match self.send(sm, now.instant) {
                Ok(sequence_number) => self.sending.sent_part(sequence_number, (open, number)),
                Err((class, why)) => failed.extend(self.sending.part_failed(open, (class, why))),
            }
        }
        self.settle(failed, now.timestamp);
    }

    fn send(&mut self, sm: Sm, now: Instant) -> Result<u32, (ErrorClass, String)> {
        let is_upstream = self.config().is_some_and(|peer| peer.upstream.is_some());
        let body = if is_upstream { Body::SubmitSm(sm) } else { Body::DeliverSm(sm) };
        self.moved_at = now;
        self.sending.spend(now);
        let class = |error: &wasmsc_smpp::RequestError| match error {
            // It will never be shorter.
            wasmsc_smpp::RequestError::TooLong => ErrorClass::Permanent,
            _ => ErrorClass::Temporary,
        };
        self.session.request(body, now).map_err(|error| (class(&error), error.to_string()))
    }

    pub fn account_name(&self) -> &str {
        &self.name
    }
}

fn cannot(class: ErrorClass, why: String) -> Answer {
    Answer::Refused { class, error: 0, why, taken: Vec::new() }
}

/// What a response says when there is nothing to say but a status.
fn status_of<T>(result: &Result<T, CommandStatus>) -> CommandStatus {
    match result {
        Ok(_) => CommandStatus::ESME_ROK,
        Err(command_status) => *command_status,
    }
}
