//! One link without its socket: octets in, octets out, messages between the session and the house.
//!
//! Sans-IO, like the session it holds: `driver` gives it a socket and real time, the simulator neither.
//! Batched both ways: everything that came in is handed to the relay as one batch, and all that it caused
//! is in `output` at once. Holds a bounded amount: [`LinkCore::may_read`] says when to stop reading.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use wasmsc_smpp::{Bind, BindMode, Body, CommandId, CommandStatus, Event, Session, SessionConfig};

use super::mailbox::{Mailbox, Request};
use super::translate::{self, Sender};
use crate::delivery::{Bell, Delivery};
use crate::message::{Message, Timestamp};
use crate::relay::{self, Answer, House};
use crate::route::AccountIndex;
use crate::store::Queued;

/// Messages of this link that may wait for the store; above, we do not read, and the peer's TCP feels it.
const PENDING_MAX: usize = 4_096;
/// As [`PENDING_MAX`], in octets of text: long messages count for more.
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
}

/// Both kinds of time, asked for once per turn.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    pub timestamp: Timestamp,
}

pub struct LinkCore {
    peer: SocketAddr,
    shared: Arc<Shared>,
    session: Session,
    /// What the peer sent and the session has not taken.
    pub input: BytesMut,
    mailbox: Arc<Mailbox>,
    account: Option<AccountIndex>,
    /// Whether this link takes deliveries.
    receives: bool,
    /// deliver_sm that may be outstanding, by the account's config.
    window: usize,
    /// Messages of the peer whose response waits for the store.
    pending: usize,
    pending_octets: usize,
    /// deliver_sm whose response we wait for, by sequence_number.
    in_flight: HashMap<u32, Queued>,
    /// The house closes: no new messages either way, and unbind when nothing is under way.
    draining: bool,
    closed: bool,
}

impl LinkCore {
    pub fn new(peer: SocketAddr, shared: Arc<Shared>, now: Instant) -> LinkCore {
        let session = Session::new(shared.session.clone(), now);
        LinkCore {
            peer,
            shared,
            session,
            input: BytesMut::new(),
            mailbox: Arc::default(),
            account: None,
            receives: false,
            window: 0,
            pending: 0,
            pending_octets: 0,
            in_flight: HashMap::new(),
            draining: false,
            closed: false,
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

    pub fn next_deadline(&self) -> Option<Instant> {
        self.session.next_deadline()
    }

    pub fn on_deadline(&mut self, now: Instant) {
        self.session.on_deadline(now);
    }

    /// Begins the end: see `draining`.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// The connection is gone: what nobody answered for goes back to delivery, in order.
    pub fn disconnected(mut self) {
        if let Some(account) = self.account.filter(|_| self.receives) {
            let mut unsettled: Vec<Queued> = self.in_flight.drain().map(|(_, queued)| queued).collect();
            unsettled.sort_by(|a, b| a.key.cmp(&b.key));
            self.shared.delivery.detach(account, &self.mailbox.bell, unsettled);
        }
    }

    /// Everything that can be done without waiting.
    pub fn turn(&mut self, now: Now) {
        self.take_acknowledgements();
        self.poll_session(now);
        self.deliver(now);
        if self.draining && self.pending == 0 && self.in_flight.is_empty() && !self.closed {
            self.session.unbind(now.instant);
        }
    }

    fn take_acknowledgements(&mut self) {
        let acknowledgements = self.mailbox.empty();
        self.pending -= acknowledgements.len();
        for (request, result) in acknowledgements {
            self.pending_octets -= request.octets;
            match result {
                Ok(id) => self.respond(request, CommandStatus::ESME_ROK, id.to_string().as_bytes()),
                Err(reject) => self.respond(request, translate::command_status(&reject), b""),
            }
        }
    }

    fn respond(&mut self, request: Request, command_status: CommandStatus, message_id: &[u8]) {
        // deliver_sm_resp has an unused message_id (SMPP 3.4 §4.6.2).
        let message_id = if request.command_id == CommandId::SUBMIT_SM { message_id } else { b"" };
        self.session.respond_sm(request.sequence_number, request.command_id, command_status, message_id);
    }

    fn poll_session(&mut self, now: Now) {
        let (mut batch, mut octets) = (Vec::new(), 0);
        let mut answers = Vec::new();
        while self.has_room(batch.len(), octets) {
            let Some(event) = self.session.poll(&mut self.input, now.instant) else { break };
            match event {
                Event::BindRequest { mode, bind, .. } => self.bind(mode, &bind),
                Event::Request { sequence_number, body, raw } => {
                    let request = Request { sequence_number, command_id: body.command_id(), octets: raw.len() };
                    match self.submitted(body, now.timestamp) {
                        Ok(message) => {
                            octets += request.octets;
                            batch.push((request, message));
                        }
                        Err(command_status) => self.respond(request, command_status, b""),
                    }
                }
                Event::Response { sequence_number, command_status, .. } => {
                    let queued = self.in_flight.remove(&sequence_number);
                    answers.extend(queued.map(|queued| (queued, translate::answer(command_status))));
                }
                Event::Expired { sequence_number } => {
                    let queued = self.in_flight.remove(&sequence_number);
                    answers.extend(queued.map(|queued| (queued, Answer::Later("no response in time".into()))));
                }
                Event::Closed(reason) => {
                    tracing::info!(peer = %self.peer, account = self.account_name(), "link closed: {reason}");
                    self.closed = true;
                }
                Event::Bound { .. }
                | Event::BindRefused { .. }
                | Event::Unbound
                | Event::Alert(_)
                | Event::Outbind(_) => {}
            }
        }
        self.hand_over(batch, answers, now.timestamp);
    }

    fn hand_over(&mut self, batch: Vec<(Request, Message)>, answers: Vec<(Queued, Answer)>, now: Timestamp) {
        let Some(account) = self.account else { return };
        if !answers.is_empty() {
            self.shared.delivery.settle(account, answers, now);
        }
        if !batch.is_empty() {
            self.pending += batch.len();
            self.pending_octets += batch.iter().map(|(request, _)| request.octets).sum::<usize>();
            let mailbox = self.mailbox.clone();
            relay::accept(&self.shared.house, account, batch, now, move |verdicts| mailbox.put(verdicts));
        }
    }

    fn submitted(&self, body: Body, now: Timestamp) -> Result<Message, CommandStatus> {
        let (Body::SubmitSm(sm) | Body::DeliverSm(sm)) = body else {
            return Err(CommandStatus::ESME_RINVCMDID);
        };
        if self.draining {
            return Err(CommandStatus::ESME_RSYSERR); // the house closes; the peer keeps its message
        }
        let directory = &self.shared.house.directory;
        let account = self.account.map(|index| &directory.accounts[index.0]);
        let customer = account.and_then(|account| account.customer.as_deref());
        let sender = match customer.and_then(|id| directory.customer(id)) {
            Some(customer) => Sender::Application { default_source: customer.first_number() },
            None => Sender::Network,
        };
        translate::message(&sm, sender, now).map_err(|refused| {
            tracing::warn!(peer = %self.peer, account = self.account_name(), "refused: {}", refused.why);
            refused.command_status
        })
    }

    fn bind(&mut self, mode: BindMode, bind: &Bind) {
        let directory = &self.shared.house.directory;
        let account = directory.account(&bind.system_id);
        let status = match account.map(|index| &directory.accounts[index.0]) {
            None => CommandStatus::ESME_RINVSYSID,
            Some(account) if !same_octets(account.password.as_bytes(), &bind.password) => CommandStatus::ESME_RINVPASWD,
            Some(_) if self.draining => CommandStatus::ESME_RSYSERR,
            Some(_) => CommandStatus::ESME_ROK,
        };
        let name = String::from_utf8_lossy(&bind.system_id).into_owned();
        let Some(account) = account.filter(|_| status.is_ok()) else {
            tracing::warn!(peer = %self.peer, account = name, "bind refused: {status}");
            return self.session.reject_bind(status);
        };
        tracing::info!(peer = %self.peer, account = name, ?mode, "bound");
        self.account = Some(account);
        let config = &directory.accounts[account.0];
        self.window = config.window;
        self.session.accept_bind(self.shared.system_id.as_bytes());
        self.receives = mode.can_receive();
        if self.receives {
            self.shared.delivery.attach(account, self.mailbox.bell.clone());
        }
    }

    fn deliver(&mut self, now: Now) {
        let Some(account) = self.account.filter(|_| self.receives) else { return };
        if self.draining || self.closed || !self.session.is_bound() {
            return;
        }
        loop {
            let room = self.window.saturating_sub(self.in_flight.len()).min(self.session.window_free());
            let full = self.session.output().len() >= OUTPUT_MAX;
            let count = if full { 0 } else { room.min(DELIVER_AT_ONCE) };
            if count == 0 || self.deliver_some(account, count, now) == 0 {
                return;
            }
        }
    }

    /// Takes and sends at most `count` messages; returns how many there were.
    fn deliver_some(&mut self, account: AccountIndex, count: usize, now: Now) -> usize {
        let taken = self.shared.delivery.take(account, count, now.timestamp);
        let taken_count = taken.len();
        let message_id_tlv = self.shared.house.directory.accounts[account.0].message_id_tlv;
        let mut refused = Vec::new();
        for queued in taken {
            match self.session.request(Body::DeliverSm(translate::deliver_sm(&queued, message_id_tlv)), now.instant) {
                Ok(sequence_number) => drop(self.in_flight.insert(sequence_number, queued)),
                Err(error) => refused.push((queued, Answer::Later(error.to_string()))),
            }
        }
        if !refused.is_empty() {
            self.shared.delivery.settle(account, refused, now.timestamp);
        }
        taken_count
    }

    pub fn account_name(&self) -> &str {
        let accounts = &self.shared.house.directory.accounts;
        self.account.map_or("-", |index| accounts[index.0].system_id.as_str())
    }
}

/// Takes as long for a password that is nearly right as for one that is not.
fn same_octets(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}
