//! The other end of a link, application or centre: a session on a socket. Answers only what every session
//! answers by itself; messages are the test's to answer.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use wasmsc::clock;
use wasmsc_smpp::{
    AlertNotification, Bind, BindMode, Body, CommandId, CommandStatus, Event, InterfaceVersion, Outbind, Pdu, Session,
    SessionConfig, Sm, Unknown,
};

use crate::support::PATIENCE;

/// Requests that a test may have outstanding.
const WINDOW: usize = 1_000;
/// A command that no SMPP knows.
const NO_COMMAND: u32 = 0x0000_0F0F;
/// Beyond those that the session gives.
const OUT_OF_ROLE: u32 = 0x7000_0000;

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub struct Peer {
    stream: Box<dyn Stream>,
    session: Session,
    input: BytesMut,
    /// What the server asked and nobody took.
    requests: VecDeque<(u32, Body)>,
    responses: HashMap<u32, (CommandStatus, Body)>,
    /// How our bind, or the server's, went.
    pub bound: Option<CommandStatus>,
    /// What the server sent when it bound to us.
    pub bind: Option<(BindMode, Bind)>,
    alerts: VecDeque<AlertNotification>,
    /// How the server asked us to bind.
    outbind: Option<Outbind>,
    closed: bool,
}

/// Who binds, and how.
#[derive(Clone)]
pub struct Login {
    pub mode: BindMode,
    pub bind: Bind,
}

impl Login {
    /// A transceiver of SMPP 3.4 with the password that all have.
    pub fn new(system_id: &str) -> Login {
        let bind = Bind {
            system_id: octets(system_id),
            password: octets("secret"),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        Login { mode: BindMode::Transceiver, bind }
    }

    pub fn mode(self, mode: BindMode) -> Login {
        Login { mode, ..self }
    }

    pub fn version(mut self, version: u8) -> Login {
        self.bind.interface_version = InterfaceVersion(version);
        self
    }

    pub fn range(mut self, address_range: &str) -> Login {
        self.bind.address_range = octets(address_range);
        self
    }

    pub fn password(mut self, password: &str) -> Login {
        self.bind.password = octets(password);
        self
    }
}

impl Peer {
    pub fn over(stream: impl Stream + 'static, config: SessionConfig) -> Peer {
        Peer {
            stream: Box::new(stream),
            session: Session::new(SessionConfig { window_max: WINDOW, ..config }, clock::instant()),
            input: BytesMut::new(),
            requests: VecDeque::new(),
            responses: HashMap::new(),
            bound: None,
            bind: None,
            alerts: VecDeque::new(),
            outbind: None,
            closed: false,
        }
    }

    /// An application or network that binds to the server.
    pub async fn try_bind(smpp: SocketAddr, login: Login) -> Result<Peer, CommandStatus> {
        let stream = TcpStream::connect(smpp).await.expect("the server listens");
        Peer::bind_over(stream, login).await
    }

    pub async fn bind_over(stream: impl Stream + 'static, login: Login) -> Result<Peer, CommandStatus> {
        let mut peer = Peer::over(stream, SessionConfig::esme());
        let status = peer.bind(login).await;
        if status.is_ok() { Ok(peer) } else { Err(status) }
    }

    /// The server's end of a connection that it bound to us on; None when it closed instead.
    pub async fn until_bound(mut self) -> Option<Peer> {
        let outcome = self.until("bind", |peer| peer.bound.map(|_| true).or(peer.closed.then_some(false))).await;
        outcome.then_some(self)
    }

    /// As an application that the server connected to: waits to be asked to bind.
    pub async fn asked_to_bind(&mut self) -> Outbind {
        self.until("outbind", |peer| peer.outbind.take()).await
    }

    /// Binds on a connection that is there.
    pub async fn bind(&mut self, login: Login) -> CommandStatus {
        self.session.bind(login.mode, login.bind, clock::instant());
        self.until("bind response", |peer| peer.bound).await
    }

    /// As [`Peer::bind`], on a connection that may be closed already.
    pub async fn bind_if_it_is_up(&mut self, login: Login) -> bool {
        self.session.bind(login.mode, login.bind, clock::instant());
        let bound = tokio::time::timeout(PATIENCE, self.exchange(|peer| peer.bound)).await;
        bound.expect("an answer or an end").is_some_and(CommandStatus::is_ok)
    }

    /// As a centre that connected to the server: asks it to bind.
    pub async fn outbind(&mut self, system_id: &str, password: &str) {
        self.session.outbind(Outbind { system_id: octets(system_id), password: octets(password) });
        self.flush().await;
    }

    pub fn peer_version(&self) -> Option<InterfaceVersion> {
        self.session.peer_version()
    }

    // ---- what we ask ----------------------------------------------------------------------------

    pub async fn send(&mut self, body: Body) -> u32 {
        let sent = self.session.request(body, clock::instant());
        self.flush().await;
        sent.expect("the session is bound and the window has room")
    }

    /// Several requests in one go: the server reads them together.
    pub async fn send_all(&mut self, bodies: impl IntoIterator<Item = Body>) -> Vec<u32> {
        let now = clock::instant();
        let sent = bodies.into_iter().map(|body| self.session.request(body, now).expect("the window has room"));
        let numbers = sent.collect();
        self.flush().await;
        numbers
    }

    /// What our end of the link may not send, such as a network's deliver_sm; nobody waits for its response.
    pub async fn send_out_of_role(&mut self, body: Body) {
        let pdu = Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: OUT_OF_ROLE, body };
        wasmsc_smpp::encode(&pdu, self.session.output());
        self.flush().await;
    }

    pub async fn response(&mut self, sequence_number: u32) -> (CommandStatus, Body) {
        self.until("response", |peer| peer.responses.remove(&sequence_number)).await
    }

    pub async fn ask(&mut self, body: Body) -> (CommandStatus, Body) {
        let sequence_number = self.send(body).await;
        self.response(sequence_number).await
    }

    /// Status and message_id.
    pub async fn submit(&mut self, sm: Sm) -> (CommandStatus, String) {
        sm_resp(self.ask(Body::SubmitSm(sm)).await)
    }

    /// The message_id of what the server takes.
    pub async fn submitted(&mut self, sm: Sm) -> String {
        let (status, id) = self.submit(sm).await;
        assert_eq!(status, CommandStatus::ESME_ROK);
        id
    }

    /// As a centre: the server takes this deliver_sm.
    pub async fn deliver(&mut self, sm: Sm) {
        assert_eq!(self.ask(Body::DeliverSm(sm)).await.0, CommandStatus::ESME_ROK);
    }

    pub async fn alert(&mut self, alert: AlertNotification) {
        self.session.alert(alert).expect("the server is bound as receiver");
        self.flush().await;
    }

    /// Returns when the server has read all that we wrote: its answer to this comes behind the others.
    pub async fn barrier(&mut self) {
        let unknown = Unknown { command_id: CommandId(NO_COMMAND), body: Bytes::new() };
        let (status, _) = self.ask(Body::Unknown(unknown)).await;
        assert_eq!(status, CommandStatus::ESME_RINVCMDID);
    }

    /// Sends no more, but reads on.
    pub async fn shut_write(&mut self) {
        self.flush().await;
        self.stream.shutdown().await.expect("the link is up");
    }

    pub async fn unbind(mut self) {
        self.session.unbind(clock::instant());
        self.until("unbind_resp", |peer| peer.closed.then_some(())).await;
    }

    // ---- what the server asks -------------------------------------------------------------------

    pub async fn next(&mut self) -> (u32, Body) {
        self.until("request", |peer| peer.requests.pop_front()).await
    }

    pub async fn next_alert(&mut self) -> AlertNotification {
        self.until("alert_notification", |peer| peer.alerts.pop_front()).await
    }

    /// Those that came and nobody took.
    pub fn alerts(&self) -> usize {
        self.alerts.len()
    }

    /// The next message, which is answered by whoever asks.
    pub async fn next_sm(&mut self) -> (u32, Sm) {
        sm(self.next().await)
    }

    /// The next message, if one comes within a time in which nothing should.
    pub async fn next_within(&mut self, time: Duration) -> Option<Sm> {
        let wanted = self.exchange(|peer| peer.requests.pop_front());
        tokio::time::timeout(time, wanted).await.ok().flatten().map(|request| sm(request).1)
    }

    pub async fn answer(&mut self, sequence_number: u32, status: CommandStatus, id: &str) {
        let is_centre = self.bind.is_some();
        let command_id = if is_centre { CommandId::SUBMIT_SM } else { CommandId::DELIVER_SM };
        self.session.respond_sm(sequence_number, command_id, status, id.as_bytes());
        self.flush().await;
    }

    /// With a body of the test's own.
    pub async fn answer_with(&mut self, sequence_number: u32, status: CommandStatus, body: Body) {
        self.session.respond(sequence_number, status, body);
        self.flush().await;
    }

    /// Takes the next message.
    pub async fn take(&mut self) -> Sm {
        self.take_as("").await
    }

    /// Takes the next message under an id of ours.
    pub async fn take_as(&mut self, id: &str) -> Sm {
        self.answer_next(CommandStatus::ESME_ROK, id).await
    }

    pub async fn refuse(&mut self, status: CommandStatus) -> Sm {
        self.answer_next(status, "").await
    }

    async fn answer_next(&mut self, status: CommandStatus, id: &str) -> Sm {
        let (sequence_number, sm) = self.next_sm().await;
        self.answer(sequence_number, status, id).await;
        sm
    }

    /// The server ends the session, and nothing else comes before.
    pub async fn expect_closed(&mut self) {
        self.until("end", |peer| peer.closed.then_some(())).await;
        assert!(self.requests.is_empty(), "{:?}", self.requests);
    }

    pub async fn is_closed_within(&mut self, time: Duration) -> bool {
        let closed = self.exchange(|peer| peer.closed.then_some(()));
        tokio::time::timeout(time, closed).await.is_ok()
    }

    // ---- octets ---------------------------------------------------------------------------------

    async fn until<T>(&mut self, what: &str, wanted: impl FnMut(&mut Peer) -> Option<T>) -> T {
        let found = tokio::time::timeout(PATIENCE, self.exchange(wanted)).await;
        match found {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the link ended before its {what}"),
            Err(_) => panic!("no {what} within {PATIENCE:?}"),
        }
    }

    /// Moves octets until `wanted` has something; None when the link is gone before.
    async fn exchange<T>(&mut self, mut wanted: impl FnMut(&mut Peer) -> Option<T>) -> Option<T> {
        loop {
            while let Some(event) = self.session.poll(&mut self.input, clock::instant()) {
                self.event(event);
            }
            self.flush().await;
            if let Some(found) = wanted(self) {
                return Some(found);
            }
            if self.closed {
                return None;
            }
            self.closed = !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..));
        }
    }

    /// What cannot be written any more is of no interest: the read that follows tells.
    async fn flush(&mut self) {
        while !self.session.output().is_empty() {
            if self.stream.write_buf(self.session.output()).await.is_err() {
                self.session.output().clear();
            }
        }
        let _ = self.stream.flush().await;
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::BindRequest { mode, bind, .. } => {
                self.session.accept_bind(b"centre");
                (self.bind, self.bound) = (Some((mode, bind)), Some(CommandStatus::ESME_ROK));
            }
            Event::Bound { .. } => self.bound = Some(CommandStatus::ESME_ROK),
            Event::BindRefused { command_status } => self.bound = Some(command_status),
            Event::Request { sequence_number, body, .. } => self.requests.push_back((sequence_number, body)),
            Event::Response { sequence_number, command_status, body } => {
                self.responses.insert(sequence_number, (command_status, body));
            }
            Event::Closed(_) => self.closed = true,
            Event::Alert(alert) => self.alerts.push_back(alert),
            Event::Outbind(outbind) => self.outbind = Some(outbind),
            Event::Unbound | Event::Expired { .. } => {}
        }
    }
}

fn sm(request: (u32, Body)) -> (u32, Sm) {
    match request {
        (sequence_number, Body::SubmitSm(sm) | Body::DeliverSm(sm)) => (sequence_number, sm),
        other => panic!("no message: {other:?}"),
    }
}

/// Status and message_id of a response.
pub fn sm_resp((status, body): (CommandStatus, Body)) -> (CommandStatus, String) {
    let id = match &body {
        Body::SubmitSmResp(resp) | Body::DataSmResp(resp) | Body::DeliverSmResp(resp) => &resp.message_id,
        Body::SubmitMultiResp(resp) => &resp.message_id,
        _ => &Bytes::new(),
    };
    (status, String::from_utf8_lossy(id).into_owned())
}

pub fn octets(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Waits for something that no PDU tells, by asking again and again.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let start = clock::instant();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(clock::instant() - start < PATIENCE, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
