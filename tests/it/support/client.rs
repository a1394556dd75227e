//! An SMPP peer on a real socket. Answers every deliver_sm with ESME_ROK and keeps it for the test.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wasmsc::clock;
use wasmsc_smpp::text::{self, Payload};
use wasmsc_smpp::{
    Bind, BindMode, Body, CommandId, CommandStatus, Event, InterfaceVersion, Npi, Session, SessionConfig, Sm, Ton,
};

use super::PATIENCE;

/// Requests that a test may have outstanding.
const WINDOW: usize = 1_000;

/// A deliver_sm that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub text: String,
    pub source: String,
    pub dest: String,
}

pub struct Client {
    stream: TcpStream,
    session: Session,
    input: BytesMut,
    bound: Option<CommandStatus>,
    /// By sequence_number: status and message_id.
    responses: HashMap<u32, (CommandStatus, String)>,
    deliveries: VecDeque<Delivery>,
    closed: bool,
}

impl Client {
    pub async fn connect_and_bind(
        addr: SocketAddr,
        system_id: &str,
        password: &str,
        mode: BindMode,
    ) -> Result<Client, CommandStatus> {
        let stream = TcpStream::connect(addr).await.expect("the server listens");
        let session = Session::new(SessionConfig { window_max: WINDOW, ..SessionConfig::esme() }, clock::instant());
        let mut client = Client {
            stream,
            session,
            input: BytesMut::new(),
            bound: None,
            responses: HashMap::new(),
            deliveries: VecDeque::new(),
            closed: false,
        };
        let bind = Bind {
            system_id: Bytes::copy_from_slice(system_id.as_bytes()),
            password: Bytes::copy_from_slice(password.as_bytes()),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        client.session.bind(mode, bind, clock::instant());
        let status = client.until(PATIENCE, |c| c.bound).await.expect("the server answers a bind");
        if status.is_ok() { Ok(client) } else { Err(status) }
    }

    /// Sends submit_sm without waiting; [`response`](Self::response) takes the answer.
    pub async fn send(&mut self, source: &str, dest: &str, text: &str) -> u32 {
        let encoded = text::encode(text);
        let (source_addr_ton, source_addr) = address(source);
        let (dest_addr_ton, destination_addr) = address(dest);
        let sm = Sm {
            source_addr_ton,
            source_addr_npi: Npi::ISDN,
            source_addr,
            dest_addr_ton,
            dest_addr_npi: Npi::ISDN,
            destination_addr,
            data_coding: encoded.data_coding,
            short_message: encoded.octets,
            ..Sm::default()
        };
        let sent = self.session.request(Body::SubmitSm(sm), clock::instant());
        self.flush().await.expect("the connection is up");
        sent.expect("the window has room")
    }

    /// The status and message_id that answered [`send`](Self::send).
    pub async fn response(&mut self, sequence_number: u32) -> (CommandStatus, String) {
        self.until(PATIENCE, |c| c.responses.remove(&sequence_number)).await.expect("the server answers submit_sm")
    }

    pub async fn submit(&mut self, source: &str, dest: &str, text: &str) -> (CommandStatus, String) {
        let sequence_number = self.send(source, dest, text).await;
        self.response(sequence_number).await
    }

    /// None when nothing came in time.
    pub async fn next_delivery(&mut self, timeout: Duration) -> Option<Delivery> {
        self.until(timeout, |c| c.deliveries.pop_front()).await
    }

    /// Ends the session in order.
    pub async fn unbind(mut self) {
        self.session.unbind(clock::instant());
        self.until(PATIENCE, |c| c.closed.then_some(())).await.expect("the server agrees to unbind");
    }

    /// Moves octets both ways until `wanted` has something; None after `timeout` or when the link is gone.
    async fn until<T>(&mut self, timeout: Duration, wanted: impl FnMut(&mut Client) -> Option<T>) -> Option<T> {
        tokio::time::timeout(timeout, self.exchange(wanted)).await.ok().flatten()
    }

    async fn exchange<T>(&mut self, mut wanted: impl FnMut(&mut Client) -> Option<T>) -> Option<T> {
        loop {
            while let Some(event) = self.session.poll(&mut self.input, clock::instant()) {
                self.take(event);
            }
            let gone = self.flush().await.is_err();
            if let Some(found) = wanted(self) {
                return Some(found);
            }
            if gone || self.closed || !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return None;
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        // Written from the session's own buffer: a wait that is cut off loses no octet.
        let output = self.session.output();
        while !output.is_empty() {
            self.stream.write_buf(output).await?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Bound { .. } => self.bound = Some(CommandStatus::ESME_ROK),
            Event::BindRefused { command_status } => self.bound = Some(command_status),
            Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } => {
                self.session.respond_sm(sequence_number, CommandId::DELIVER_SM, CommandStatus::ESME_ROK, b"");
                self.deliveries.push_back(delivery(&sm));
            }
            Event::Response { sequence_number, command_status, body } => {
                let message_id = match body {
                    Body::SubmitSmResp(resp) => String::from_utf8_lossy(&resp.message_id).into_owned(),
                    _ => String::new(),
                };
                self.responses.insert(sequence_number, (command_status, message_id));
            }
            Event::Closed(_) => self.closed = true,
            Event::Alert(_) | Event::Outbind(_) => {}
            Event::Unbound | Event::Expired { .. } | Event::BindRequest { .. } | Event::Request { .. } => {}
        }
    }
}

fn delivery(sm: &Sm) -> Delivery {
    let text = match text::decode(sm.data_coding, sm.payload()) {
        Payload::Text(text) => text,
        Payload::Binary(octets) => format!("{octets:?}"),
    };
    let written = |ton: Ton, octets: &Bytes| {
        let plus = if ton == Ton::INTERNATIONAL { "+" } else { "" };
        format!("{plus}{}", String::from_utf8_lossy(octets))
    };
    Delivery {
        text,
        source: written(sm.source_addr_ton, &sm.source_addr),
        dest: written(sm.dest_addr_ton, &sm.destination_addr),
    }
}

/// `+4670…` is international, anything else as it stands.
fn address(text: &str) -> (Ton, Bytes) {
    match text.strip_prefix('+') {
        Some(digits) => (Ton::INTERNATIONAL, Bytes::copy_from_slice(digits.as_bytes())),
        None => (Ton::UNKNOWN, Bytes::copy_from_slice(text.as_bytes())),
    }
}
