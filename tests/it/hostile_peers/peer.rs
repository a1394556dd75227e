//! A socket and octets; nothing is answered or checked that the test does not answer or check itself.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::PATIENCE;

pub const GENERIC_NACK: u32 = 0x8000_0000;
pub const BIND_RECEIVER: u32 = 0x0000_0001;
pub const BIND_TRANSMITTER: u32 = 0x0000_0002;
pub const SUBMIT_SM: u32 = 0x0000_0004;
pub const DELIVER_SM: u32 = 0x0000_0005;
pub const BIND_TRANSCEIVER: u32 = 0x0000_0009;
pub const ENQUIRE_LINK: u32 = 0x0000_0015;
/// Added to a request's `command_id`, its response's.
pub const RESP: u32 = 0x8000_0000;

pub const ESME_ROK: u32 = 0x00;
pub const ESME_RMSGQFUL: u32 = 0x14;
pub const ESME_RINVCMDLEN: u32 = 0x02;
pub const ESME_RINVCMDID: u32 = 0x03;
pub const ESME_RINVBNDSTS: u32 = 0x04;
pub const ESME_RALYBND: u32 = 0x05;
pub const ESME_RINVSRCADR: u32 = 0x0A;
pub const ESME_RINVDSTADR: u32 = 0x0B;
pub const ESME_RINVPASWD: u32 = 0x0E;
pub const ESME_RINVSYSID: u32 = 0x0F;
pub const ESME_RX_T_APPN: u32 = 0x64;
pub const ESME_RX_P_APPN: u32 = 0x65;

const HEADER_OCTETS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    pub command_id: u32,
    pub command_status: u32,
    pub sequence_number: u32,
    pub body: Vec<u8>,
}

impl Pdu {
    /// `command_id`, `command_status`, `sequence_number`.
    pub fn header(&self) -> (u32, u32, u32) {
        (self.command_id, self.command_status, self.sequence_number)
    }

    /// The short_message of a deliver_sm.
    pub fn text(&self) -> String {
        assert_eq!(self.command_id, DELIVER_SM, "{self:?}");
        let mut rest = &self.body[..];
        skip_cstr(&mut rest); // service_type
        for _ in 0..2 {
            rest = &rest[2..]; // ton, npi
            skip_cstr(&mut rest);
        }
        rest = &rest[3..]; // esm_class, protocol_id, priority_flag
        skip_cstr(&mut rest); // schedule_delivery_time
        skip_cstr(&mut rest); // validity_period
        rest = &rest[4..]; // registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id
        let octets = &rest[1..=usize::from(rest[0])];
        String::from_utf8(octets.to_vec()).expect("tests send ASCII")
    }
}

fn skip_cstr(rest: &mut &[u8]) {
    let nul = rest.iter().position(|octet| *octet == 0).expect("a C-octet string ends");
    *rest = &rest[nul + 1..];
}

pub fn pdu(command_id: u32, command_status: u32, sequence_number: u32, body: &[u8]) -> Vec<u8> {
    let command_length = u32::try_from(HEADER_OCTETS + body.len()).expect("tests send short PDUs");
    let header = [command_length, command_id, command_status, sequence_number];
    header.into_iter().flat_map(u32::to_be_bytes).chain(body.iter().copied()).collect()
}

pub fn bind(mode: u32, sequence_number: u32, system_id: &str, password: &str) -> Vec<u8> {
    // system_type, interface_version 3.4, addr_ton, addr_npi, address_range
    let body = [system_id.as_bytes(), b"\0", password.as_bytes(), b"\0", &[0, 0x34, 0, 0, 0]].concat();
    pdu(mode, 0, sequence_number, &body)
}

pub fn enquire_link(sequence_number: u32) -> Vec<u8> {
    pdu(ENQUIRE_LINK, 0, sequence_number, &[])
}

/// Of addresses, the short one is a number of ours, the long one a device.
pub fn submit_sm(sequence_number: u32, source: &str, dest: &str, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("tests send short texts");
    let mut body = vec![0]; // service_type
    for address in [source, dest] {
        body.extend([u8::from(address.len() > 8), 1]);
        body.extend(address.as_bytes());
        body.push(0);
    }
    // esm_class … sm_default_msg_id, all 0: the SMSC's default alphabet, in which letters are as in ASCII
    body.extend([0; 9]);
    body.push(length);
    body.extend(text.as_bytes());
    pdu(SUBMIT_SM, 0, sequence_number, &body)
}

pub fn deliver_sm_resp(sequence_number: u32, command_status: u32) -> Vec<u8> {
    pdu(DELIVER_SM | RESP, command_status, sequence_number, b"\0")
}

pub struct Peer {
    stream: TcpStream,
    sequence_number: u32,
}

impl Peer {
    pub async fn connect(smpp: SocketAddr) -> Peer {
        let stream = TcpStream::connect(smpp).await.expect("the server listens");
        Peer { stream, sequence_number: 100 }
    }

    /// With so small a buffer in our kernel that what we do not read is soon the server's problem.
    pub async fn connect_with_small_buffer(smpp: SocketAddr) -> Peer {
        let socket = TcpSocket::new_v4().expect("there are sockets left");
        socket.set_recv_buffer_size(4096).expect("the kernel raises what is too small");
        let stream = socket.connect(smpp).await.expect("the server listens");
        Peer { stream, sequence_number: 100 }
    }

    pub async fn bound(smpp: SocketAddr, mode: u32, system_id: &str) -> Peer {
        let mut peer = Peer::connect(smpp).await;
        peer.write(&bind(mode, 1, system_id, "secret")).await;
        assert_eq!(peer.read().await.header(), (mode | RESP, ESME_ROK, 1));
        peer
    }

    pub async fn write(&mut self, octets: &[u8]) {
        self.try_write(octets).await.expect("the link is up");
    }

    pub async fn try_write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(octets).await
    }

    /// The next PDU of the server, which comes within the timeout; None when the link is closed instead.
    async fn next(&mut self, timeout: Duration) -> Option<Pdu> {
        let pdu = tokio::time::timeout(timeout, read_pdu(&mut self.stream));
        pdu.await.unwrap_or_else(|_| panic!("the server says nothing for {timeout:?}"))
    }

    pub async fn read(&mut self) -> Pdu {
        self.next(PATIENCE).await.expect("the link is up")
    }

    /// Both directions at once, for more octets than sockets hold.
    pub async fn write_and_read(&mut self, octets: &[u8], count: usize) -> Vec<Pdu> {
        let (mut reader, mut writer) = self.stream.split();
        let reading = async {
            let mut pdus = Vec::with_capacity(count);
            while pdus.len() < count {
                let pdu = tokio::time::timeout(PATIENCE, read_pdu(&mut reader)).await;
                pdus.push(pdu.expect("the server answers").expect("the link is up"));
            }
            pdus
        };
        let (written, pdus) = tokio::join!(writer.write_all(octets), reading);
        written.expect("the link is up");
        pdus
    }

    /// Whether the server closes the link within the timeout without another word.
    pub async fn is_closed_within(&mut self, timeout: Duration) -> bool {
        match tokio::time::timeout(timeout, read_pdu(&mut self.stream)).await {
            Ok(Some(pdu)) => panic!("unexpected {pdu:?}"),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// The next PDU; None when the link is closed instead.
    pub async fn read_unless_closed(&mut self) -> Option<Pdu> {
        self.next(PATIENCE).await
    }

    pub async fn expect_closed(&mut self) {
        assert!(self.is_closed_within(PATIENCE).await, "the link is still open after {PATIENCE:?}");
    }

    /// The link lives, and nothing waits on it: what comes next is the answer to what we ask now.
    pub async fn expect_alive(&mut self) {
        self.sequence_number += 1;
        self.write(&enquire_link(self.sequence_number)).await;
        assert_eq!(self.read().await.header(), (ENQUIRE_LINK | RESP, ESME_ROK, self.sequence_number));
    }

    pub async fn submit(&mut self, source: &str, dest: &str, text: &str) -> u32 {
        self.sequence_number += 1;
        self.write(&submit_sm(self.sequence_number, source, dest, text)).await;
        let response = self.read().await;
        assert_eq!((response.command_id, response.sequence_number), (SUBMIT_SM | RESP, self.sequence_number));
        response.command_status
    }

    /// Answers the next deliver_sm with ESME_ROK and yields its text.
    pub async fn take(&mut self) -> String {
        let delivery = self.read().await;
        self.write(&deliver_sm_resp(delivery.sequence_number, ESME_ROK)).await;
        delivery.text()
    }
}

/// None at the end of the stream, however the peer made it.
async fn read_pdu(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Pdu> {
    let mut header = [0; HEADER_OCTETS];
    stream.read_exact(&mut header).await.ok()?;
    let word = |index: usize| {
        let octets = header[4 * index..4 * index + 4].try_into();
        u32::from_be_bytes(octets.expect("four octets"))
    };
    let mut body = vec![0; word(0) as usize - HEADER_OCTETS];
    stream.read_exact(&mut body).await.ok()?;
    Some(Pdu { command_id: word(1), command_status: word(2), sequence_number: word(3), body })
}
