//! One task per link: moves octets between the socket and the session, messages between the session and
//! the house.
//!
//! Batched both ways: everything one read brought is handed to the relay as one batch, and all that it
//! caused leaves in one write. A link holds a bounded amount: it stops reading when too much of it is
//! pending at the store or when its peer does not take what we send.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use wasmsc_smpp::{Bind, BindMode, Body, CommandId, CommandStatus, Event, Session};

use super::mailbox::{Mailbox, Request};
use super::server::Shared;
use super::translate::{self, Sender};
use crate::clock;
use crate::message::Message;
use crate::relay::{self, Answer};
use crate::route::AccountIndex;
use crate::store::Queued;

/// Octets asked for in one read.
const READ_OCTETS: usize = 64 << 10;
/// Messages of this link that may wait for the store; above, we do not read, and the peer's TCP feels it.
const PENDING_MAX: usize = 4_096;
/// Octets that may wait for the peer to take them; above, we neither read nor deliver.
const OUTPUT_MAX: usize = 256 << 10;
/// Longest wait at the end for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);

/// What ended a link's wait.
enum Woken {
    /// The socket; true if there is something to read.
    Ready(bool),
    Bell,
    Timer,
    Closing,
}

pub struct Link {
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
    session: Session,
    input: BytesMut,
    mailbox: Arc<Mailbox>,
    account: Option<AccountIndex>,
    /// Whether this link takes deliveries.
    receives: bool,
    /// deliver_sm that may be outstanding, by the account's config.
    window: usize,
    /// submit_sm whose response waits for the store.
    pending: usize,
    /// deliver_sm whose response we wait for, by sequence_number.
    in_flight: HashMap<u32, Queued>,
    /// Since when the peer has taken nothing of a non-empty output.
    stuck_since: Option<Instant>,
    /// When the drain at the end is over, once the house closes.
    drain_until: Option<Instant>,
    closed: bool,
}

impl Link {
    pub fn new(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, closing: watch::Receiver<bool>) -> Link {
        // Batches are made here, so the kernel need not wait for more (a 40 ms matter with delayed acks).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, "TCP_NODELAY: {error}");
        }
        let session = Session::new(shared.session.clone(), clock::instant());
        Link {
            stream,
            peer,
            shared,
            closing,
            session,
            input: BytesMut::new(),
            mailbox: Arc::default(),
            account: None,
            receives: false,
            window: 0,
            pending: 0,
            in_flight: HashMap::new(),
            stuck_since: None,
            drain_until: None,
            closed: false,
        }
    }

    /// Runs the link to its end.
    pub async fn run(mut self) {
        let result = self.serve().await;
        if let Err(error) = result {
            tracing::info!(peer = %self.peer, account = self.account_name(), "link lost: {error}");
        }
        if let Some(account) = self.account.filter(|_| self.receives) {
            let unsettled = self.in_flight.drain().map(|(_, queued)| queued);
            let mut unsettled: Vec<Queued> = unsettled.collect();
            unsettled.sort_by(|a, b| a.key.cmp(&b.key));
            self.shared.delivery.detach(account, &self.mailbox.bell, unsettled);
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let now = clock::instant();
            self.turn(now);
            self.flush(now)?;
            if self.closed && self.session.output().is_empty() {
                return Ok(());
            }
            let deadline = self.next_deadline(now);
            if timer.deadline().into_std() != deadline {
                timer.as_mut().reset(deadline.into());
            }
            let interest = self.interest();
            let woken = tokio::select! {
                ready = self.stream.ready(interest.unwrap_or(Interest::READABLE)), if interest.is_some() => {
                    Woken::Ready(ready?.is_readable())
                }
                () = self.mailbox.bell.notified() => Woken::Bell,
                () = &mut timer => Woken::Timer,
                _ = self.closing.changed(), if self.drain_until.is_none() => Woken::Closing,
            };
            match woken {
                Woken::Ready(true) if self.may_read() && !self.read()? => return Ok(()),
                Woken::Ready(_) | Woken::Bell => {}
                Woken::Timer => self.on_deadline()?,
                Woken::Closing => self.drain_until = Some(clock::instant() + DRAIN),
            }
        }
    }

    fn may_read(&self) -> bool {
        !self.closed && self.pending < PENDING_MAX && self.stuck_since.is_none()
    }

    fn interest(&mut self) -> Option<Interest> {
        let write = !self.session.output().is_empty();
        match (self.may_read(), write) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }
    }

    fn next_deadline(&self, now: Instant) -> Instant {
        let stuck = self.stuck_since.map(|since| since + self.shared.response_timeout);
        let deadlines = [self.session.next_deadline(), stuck, self.drain_until];
        deadlines.into_iter().flatten().min().unwrap_or(now + DRAIN)
    }

    fn on_deadline(&mut self) -> io::Result<()> {
        let now = clock::instant();
        self.session.on_deadline(now);
        if self.stuck_since.is_some_and(|since| now >= since + self.shared.response_timeout) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read what we send"));
        }
        if self.drain_until.is_some_and(|until| now >= until) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not finish before the shutdown"));
        }
        Ok(())
    }

    /// False: the peer closed the connection.
    fn read(&mut self) -> io::Result<bool> {
        self.input.reserve(READ_OCTETS);
        match self.stream.try_read_buf(&mut self.input) {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        let output = self.session.output();
        let before = output.len();
        while !output.is_empty() {
            match self.stream.try_write(output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => output.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let output = self.session.output();
        self.stuck_since = match output.len() {
            left if left < OUTPUT_MAX => None,
            left if left < before => Some(now),
            _ => self.stuck_since.or(Some(now)),
        };
        Ok(())
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self, now: Instant) {
        self.take_acknowledgements();
        self.poll_session(now);
        self.deliver(now);
        if self.drain_until.is_some() && self.pending == 0 && self.in_flight.is_empty() && !self.closed {
            self.session.unbind(now);
        }
    }

    fn take_acknowledgements(&mut self) {
        let acknowledgements = self.mailbox.empty();
        self.pending -= acknowledgements.len();
        for (request, result) in acknowledgements {
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

    fn poll_session(&mut self, now: Instant) {
        let mut batch = Vec::new();
        let mut answers = Vec::new();
        while self.pending + batch.len() < PENDING_MAX {
            let Some(event) = self.session.poll(&mut self.input, now) else { break };
            match event {
                Event::BindRequest { mode, bind, .. } => self.bind(mode, &bind),
                Event::Request { sequence_number, body, .. } => {
                    let request = Request { sequence_number, command_id: body.command_id() };
                    match self.submitted(body) {
                        Ok(message) => batch.push((request, message)),
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
                Event::Bound { .. } | Event::BindRefused { .. } | Event::Unbound => {}
            }
        }
        self.hand_over(batch, answers);
    }

    fn hand_over(&mut self, batch: Vec<(Request, Message)>, answers: Vec<(Queued, Answer)>) {
        let Some(account) = self.account else { return };
        if !answers.is_empty() {
            self.shared.delivery.settle(account, answers, clock::now());
        }
        if !batch.is_empty() {
            self.pending += batch.len();
            let mailbox = self.mailbox.clone();
            relay::accept(&self.shared.house, account, batch, clock::now(), move |verdicts| mailbox.put(verdicts));
        }
    }

    fn submitted(&self, body: Body) -> Result<Message, CommandStatus> {
        let (Body::SubmitSm(sm) | Body::DeliverSm(sm)) = body else {
            return Err(CommandStatus::ESME_RINVCMDID);
        };
        if self.drain_until.is_some() {
            return Err(CommandStatus::ESME_RSYSERR); // the house closes; the peer keeps its message
        }
        let directory = &self.shared.house.directory;
        let account = self.account.map(|index| &directory.accounts[index.0]);
        let customer = account.and_then(|account| account.customer.as_deref());
        let sender = match customer.and_then(|id| directory.customer(id)) {
            Some(customer) => Sender::Application { default_source: customer.first_number() },
            None => Sender::Network,
        };
        translate::message(&sm, sender, clock::now()).map_err(|refused| {
            tracing::warn!(peer = %self.peer, account = self.account_name(), "refused: {}", refused.why);
            refused.command_status
        })
    }

    fn bind(&mut self, mode: BindMode, bind: &Bind) {
        let directory = &self.shared.house.directory;
        let account = directory.account(&bind.system_id);
        let status = match account.map(|index| &directory.accounts[index.0]) {
            None => CommandStatus::ESME_RINVSYSID,
            Some(account) if !same_octets(account.password.as_bytes(), &bind.password) => {
                CommandStatus::ESME_RINVPASWD
            }
            Some(_) if self.drain_until.is_some() => CommandStatus::ESME_RSYSERR,
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

    fn deliver(&mut self, now: Instant) {
        let Some(account) = self.account.filter(|_| self.receives) else { return };
        if self.drain_until.is_some() || self.closed || !self.session.is_bound() {
            return;
        }
        let room = self.window.saturating_sub(self.in_flight.len()).min(self.session.window_free());
        if room == 0 || self.session.output().len() >= OUTPUT_MAX {
            return;
        }
        let taken = self.shared.delivery.take(account, room, clock::now());
        let message_id_tlv = self.shared.house.directory.accounts[account.0].message_id_tlv;
        let mut refused = Vec::new();
        for queued in taken {
            match self.session.request(Body::DeliverSm(translate::deliver_sm(&queued, message_id_tlv)), now) {
                Ok(sequence_number) => drop(self.in_flight.insert(sequence_number, queued)),
                Err(error) => refused.push((queued, Answer::Later(error.to_string()))),
            }
        }
        if !refused.is_empty() {
            self.shared.delivery.settle(account, refused, clock::now());
        }
    }

    fn account_name(&self) -> &str {
        let accounts = &self.shared.house.directory.accounts;
        self.account.map_or("-", |index| accounts[index.0].system_id.as_str())
    }
}

/// Takes as long for a password that is nearly right as for one that is not.
fn same_octets(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

