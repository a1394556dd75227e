//! One link of the simulator: an ESME that connects, binds, and carries its traffic until that ends.
//!
//! One task per link around the sans-IO `Session`. Everything that one wake-up produced leaves in one
//! write, as syscalls are what limits a load generator. A fallen link comes back by itself; MOs without a
//! response are handed back to the [`Traffic`], which sends them again.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use wasmsc_smpp::{Bind, BindMode, Body, CommandId, CommandStatus, Event, InterfaceVersion, Session, SessionConfig};

use super::traffic::{Fate, Next, Traffic};
use crate::clock;

/// How long a server may be unreachable at the start, and after a link fell: a restart takes seconds.
const FIRST_CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const RECONNECT_PATIENCE: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// An unbind that nobody answers is not waited for any longer.
const UNBIND_PATIENCE: Duration = Duration::from_secs(2);
/// Room for what one read may bring: several hundred PDUs.
const READ_OCTETS: usize = 64 * 1024;
/// A server that reads slower than we write gets nothing new above this.
const OUTPUT_MAX_OCTETS: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// `host:port`.
    pub connect: String,
    pub system_id: String,
    pub password: String,
    /// submit_sm that may be outstanding on one link.
    pub window: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("cannot connect to {address}: {source}; does `wasmsc serve` run there?")]
    Unreachable { address: String, source: io::Error },
    #[error("bind refused: {command_status}{}", hint(*.command_status))]
    BindRefused { command_status: CommandStatus },
    #[error("{address} closed the link: {reason}")]
    Closed { address: String, reason: String },
}

fn hint(command_status: CommandStatus) -> &'static str {
    match command_status {
        CommandStatus::ESME_RINVPASWD | CommandStatus::ESME_RINVSYSID | CommandStatus::ESME_RBINDFAIL => {
            ": check --system-id and --password"
        }
        CommandStatus::ESME_RALYBND => ": the account allows no further bind",
        CommandStatus::ESME_RTHROTTLED => ": too many binds in a short time, try again later",
        _ => "",
    }
}

/// Runs link number `index` until its traffic is finished.
pub async fn run<T: Traffic>(config: Arc<LinkConfig>, index: usize, traffic: Arc<Mutex<T>>) -> Result<(), ClientError> {
    let (mut down_since, mut back_off) = (clock::instant(), BACK_OFF_FIRST);
    let mut has_been_bound = false;
    loop {
        let mut is_bound = false;
        let outcome = serve_once(&config, index, &traffic, &mut is_bound).await;
        if is_bound && has_been_bound {
            traffic.lock().tally().reconnects += 1;
        }
        let Err(error) = outcome else { return Ok(()) };
        let now = clock::instant();
        if is_bound {
            (down_since, back_off, has_been_bound) = (now, BACK_OFF_FIRST, true);
            tracing::warn!(link = index, %error, "the link fell, connecting again");
        }
        let patience = if has_been_bound { RECONNECT_PATIENCE } else { FIRST_CONNECT_PATIENCE };
        let is_hopeless = !has_been_bound && matches!(error, ClientError::BindRefused { .. });
        // A run whose time is up while the server is gone did not end well either.
        if is_hopeless || now >= down_since + patience || traffic.lock().is_finished(now) {
            return Err(error);
        }
        tokio::time::sleep(back_off).await;
        back_off = (back_off * 2).min(BACK_OFF_MAX);
    }
}

/// Connects, binds and serves until the traffic is finished or the link falls.
async fn serve_once<T: Traffic>(
    config: &LinkConfig,
    index: usize,
    traffic: &Mutex<T>,
    is_bound: &mut bool,
) -> Result<(), ClientError> {
    let unreachable = |source| ClientError::Unreachable { address: config.connect.clone(), source };
    let mut socket = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&config.connect))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(unreachable)?;
    // Without this, Nagle holds back a lone submit_sm until the server's delayed ACK: 40 ms.
    socket.set_nodelay(true).map_err(unreachable)?;

    let mut link = Link::new(config, index, traffic);
    let fall = link.carry(&mut socket).await;
    *is_bound = link.state != State::Binding;
    link.hand_back();
    match fall {
        // The server may close a link that is unbinding as it likes.
        _ if link.state == State::Unbinding => Ok(()),
        Fall::Refused(command_status) => Err(ClientError::BindRefused { command_status }),
        Fall::Closed(reason) => Err(ClientError::Closed { address: config.connect.clone(), reason }),
    }
}

/// Why a link ended.
enum Fall {
    Refused(CommandStatus),
    Closed(String),
}

impl From<io::Error> for Fall {
    fn from(error: io::Error) -> Self {
        Self::Closed(error.to_string())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Binding,
    Bound,
    /// By us: all is said and heard.
    Unbinding,
}

/// A submit_sm whose response is missing.
struct Awaited {
    sequence_number: u32,
    ticket: u32,
    sent_at: Instant,
}

struct Link<'a, T> {
    index: usize,
    traffic: &'a Mutex<T>,
    session: Session,
    state: State,
    /// In the order of sending. Servers answer nearly in that order, so a search ends early.
    awaited: VecDeque<Awaited>,
    /// When the traffic wants to be asked again.
    ask_at: Option<Instant>,
    unbind_until: Option<Instant>,
    /// Set when the session ended; the socket closes once the output is flushed.
    fall: Option<Fall>,
}

impl<'a, T: Traffic> Link<'a, T> {
    fn new(config: &LinkConfig, index: usize, traffic: &'a Mutex<T>) -> Self {
        let now = clock::instant();
        let mut session_config = SessionConfig::esme();
        session_config.window_max = config.window;
        let mut session = Session::new(session_config, now);
        let bind = Bind {
            system_id: Bytes::copy_from_slice(config.system_id.as_bytes()),
            password: Bytes::copy_from_slice(config.password.as_bytes()),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        session.bind(BindMode::Transceiver, bind, now);
        let awaited = VecDeque::with_capacity(config.window.min(4_096));
        let state = State::Binding;
        Self { index, traffic, session, state, awaited, ask_at: None, unbind_until: None, fall: None }
    }

    async fn carry(&mut self, socket: &mut TcpStream) -> Fall {
        match self.carry_until_error(socket).await {
            Ok(fall) => fall,
            Err(error) => error.into(),
        }
    }

    async fn carry_until_error(&mut self, socket: &mut TcpStream) -> io::Result<Fall> {
        let (mut reader, mut writer) = socket.split();
        let mut input = BytesMut::with_capacity(READ_OCTETS);
        let mut alarm = Alarm::new();
        self.work(&mut input, clock::instant());
        loop {
            let has_output = !self.session.output().is_empty();
            if !has_output && let Some(fall) = self.fall.take() {
                return Ok(fall);
            }
            input.reserve(READ_OCTETS);
            alarm.set(self.next_wake());
            tokio::select! {
                biased;
                written = writer.write_buf(self.session.output()), if has_output => {
                    written?;
                    continue;
                }
                read = reader.read_buf(&mut input) => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                () = alarm.ring() => {}
            }
            self.work(&mut input, clock::instant());
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        [self.session.next_deadline(), self.ask_at, self.unbind_until].into_iter().flatten().min()
    }

    /// Everything one wake-up brings: events in, traffic out. One lock for all of it.
    fn work(&mut self, input: &mut BytesMut, now: Instant) {
        if self.session.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.session.on_deadline(now);
        }
        let mut traffic = self.traffic.lock();
        while let Some(event) = self.session.poll(input, now) {
            self.on_event(event, &mut *traffic, now);
        }
        if self.state == State::Bound && self.fall.is_none() {
            self.fill_window(&mut *traffic, now);
        }
        if self.unbind_until.is_some_and(|until| now >= until) {
            self.fall.get_or_insert(Fall::Closed("no unbind_resp".to_owned()));
        }
    }

    fn on_event(&mut self, event: Event, traffic: &mut T, now: Instant) {
        match event {
            Event::Bound { .. } => self.state = State::Bound,
            Event::BindRefused { command_status } => self.fall = Some(Fall::Refused(command_status)),
            Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } => {
                // Receipts answer an MT of ours, and meters send MOs only.
                let is_mt = !sm.esm_class.is_delivery_receipt();
                let status = if is_mt { traffic.deliver(&sm, now) } else { CommandStatus::ESME_ROK };
                self.session.respond_sm(sequence_number, CommandId::DELIVER_SM, status, b"");
            }
            Event::Request { sequence_number, .. } => {
                self.session.respond(sequence_number, CommandStatus::ESME_RINVCMDID, Body::GenericNack);
            }
            Event::Response { sequence_number, command_status, body } => {
                let message_id = match &body {
                    Body::SubmitSmResp(resp) => &resp.message_id[..],
                    _ => &[],
                };
                let fate =
                    if command_status.is_ok() { Fate::Accepted { message_id } } else { Fate::Refused(command_status) };
                self.settle(sequence_number, fate, traffic, now);
            }
            Event::Alert(_) | Event::Outbind(_) => {}
            Event::Expired { sequence_number } => self.settle(sequence_number, Fate::Unknown, traffic, now),
            Event::Unbound => self.fall = Some(Fall::Closed("the server unbound".to_owned())),
            Event::Closed(reason) => {
                self.fall.get_or_insert(Fall::Closed(reason.to_string()));
            }
            Event::BindRequest { .. } => {}
        }
    }

    fn settle(&mut self, sequence_number: u32, fate: Fate<'_>, traffic: &mut T, now: Instant) {
        let at = self.awaited.iter().position(|awaited| awaited.sequence_number == sequence_number);
        if let Some(awaited) = at.and_then(|at| self.awaited.remove(at)) {
            traffic.settled(awaited.ticket, fate, awaited.sent_at, now);
        }
    }

    fn fill_window(&mut self, traffic: &mut T, now: Instant) {
        self.ask_at = None;
        while self.session.window_free() > 0 {
            if self.session.output().len() > OUTPUT_MAX_OCTETS {
                self.ask_at = Some(now + Duration::from_millis(1));
                return;
            }
            match traffic.next(self.index, now) {
                Next::Send { ticket, sm } => match self.session.request(Body::SubmitSm(*sm), now) {
                    Ok(sequence_number) => {
                        self.awaited.push_back(Awaited { sequence_number, ticket, sent_at: now });
                    }
                    Err(error) => {
                        tracing::warn!(link = self.index, %error, "the session took no request");
                        traffic.settled(ticket, Fate::Unknown, now, now);
                        return;
                    }
                },
                Next::At(at) => {
                    self.ask_at = Some(at);
                    return;
                }
                Next::Finished => {
                    self.session.unbind(now);
                    self.state = State::Unbinding;
                    self.unbind_until = Some(now + UNBIND_PATIENCE);
                    return;
                }
            }
        }
    }

    /// The link is gone: nobody knows whether the server has what it did not answer.
    fn hand_back(&mut self) {
        let (now, mut traffic) = (clock::instant(), self.traffic.lock());
        for awaited in self.awaited.drain(..) {
            traffic.settled(awaited.ticket, Fate::Unknown, awaited.sent_at, now);
        }
    }
}

/// One timer for all that a link waits for. Moving a tokio timer costs more than an early ring, so it is
/// only moved forwards in time when it rang or when something is due before it.
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    rings_at: Option<Instant>,
}

impl Alarm {
    fn new() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), rings_at: None }
    }

    fn set(&mut self, wanted: Option<Instant>) {
        let is_early_enough = match (self.rings_at, wanted) {
            (Some(rings_at), Some(wanted)) => rings_at <= wanted,
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if let Some(wanted) = wanted.filter(|_| !is_early_enough) {
            self.sleep.as_mut().reset(wanted.into());
            self.rings_at = Some(wanted);
        }
    }

    async fn ring(&mut self) {
        if self.rings_at.is_none() {
            return std::future::pending().await;
        }
        self.sleep.as_mut().await;
        self.rings_at = None;
    }
}
