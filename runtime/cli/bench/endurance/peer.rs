//! One connection that does as it is told: binds, asks one thing at a time, answers what it is asked, and
//! leaves in any way, rude ones too. No session, so nothing happens by itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use wasmsc_smpp::{Bind, Body, CommandStatus, InterfaceVersion, Npi, PDU_MAX_OCTETS, Pdu, Sm, SmResp, Ton};

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Peer {
    stream: TcpStream,
    input: BytesMut,
    last_sequence: u32,
    /// deliver_sm that were answered.
    pub delivered: u64,
    /// enquire_link that were answered.
    pub enquired: u64,
}

impl Peer {
    /// Ports of one address run out when connections come and go, so that callers name one of 127.0.0.0/8.
    pub async fn connect(address: &str, from: Ipv4Addr) -> anyhow::Result<Self> {
        let address: SocketAddr = address.parse().context("the server's address")?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        let stream = socket.connect(address).await.with_context(|| format!("cannot connect from {from}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: BytesMut::new(), last_sequence: 0, delivered: 0, enquired: 0 })
    }

    pub async fn bind(&mut self, system_id: &'static str, password: &'static str) -> anyhow::Result<CommandStatus> {
        Ok(self.ask(bind(system_id, password)).await?.command_status)
    }

    /// Sends a request and awaits its response; answers what comes before it.
    pub async fn ask(&mut self, body: Body) -> anyhow::Result<Pdu> {
        let sequence_number = self.send(body).await?;
        loop {
            let pdu = self.receive().await?.context("the server closed the link")?;
            let is_response = pdu.body.command_id().0 >> 31 == 1;
            if is_response && pdu.sequence_number == sequence_number {
                return Ok(pdu);
            }
            self.answer(pdu).await?;
        }
    }

    /// Sends a request and does not wait.
    pub async fn send(&mut self, body: Body) -> anyhow::Result<u32> {
        self.last_sequence += 1;
        let octets = encoded(CommandStatus::ESME_ROK, self.last_sequence, body);
        self.stream.write_all(&octets).await?;
        Ok(self.last_sequence)
    }

    /// Sends the first half of a request.
    pub async fn send_half(&mut self, body: Body) -> anyhow::Result<()> {
        let octets = encoded(CommandStatus::ESME_ROK, self.last_sequence + 1, body);
        Ok(self.stream.write_all(&octets[..octets.len() / 2]).await?)
    }

    /// Waits until something came that is not read.
    pub async fn has_unread(&self) -> anyhow::Result<()> {
        Ok(tokio::time::timeout(PATIENCE, self.stream.readable()).await??)
    }

    /// Answers what the server asks until it has asked `count` times whether we are there.
    pub async fn until_enquired(&mut self, count: u64) -> anyhow::Result<()> {
        while self.enquired < count {
            let pdu = self.receive().await?.context("the server closed the link")?;
            self.answer(pdu).await?;
        }
        Ok(())
    }

    /// Answers what the server asks until it has sent so many messages.
    pub async fn until_delivered(&mut self, count: u64) -> anyhow::Result<()> {
        while self.delivered < count {
            let pdu = self.receive().await?.context("the server closed the link")?;
            self.answer(pdu).await?;
        }
        Ok(())
    }

    /// Unbinds, and waits for the server to close.
    pub async fn unbind(mut self) -> anyhow::Result<()> {
        let response = self.ask(Body::Unbind).await?;
        ensure!(response.command_status.is_ok(), "unbind_resp: {}", response.command_status);
        self.until_closed().await
    }

    /// Reads until the server closes its side.
    pub async fn until_closed(mut self) -> anyhow::Result<()> {
        while self.receive().await?.is_some() {}
        Ok(())
    }

    /// Leaves with a reset instead of a farewell.
    pub fn reset(self) -> anyhow::Result<()> {
        Ok(self.stream.set_zero_linger()?)
    }

    /// None: the server closed.
    async fn receive(&mut self) -> anyhow::Result<Option<Pdu>> {
        loop {
            if let Some(frame) = wasmsc_smpp::next_frame(&mut self.input, PDU_MAX_OCTETS)? {
                return Ok(Some(wasmsc_smpp::decode(frame)?));
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
            if read.context("the server says nothing")?? == 0 {
                return Ok(None);
            }
        }
    }

    async fn answer(&mut self, pdu: Pdu) -> anyhow::Result<()> {
        let body = match pdu.body {
            Body::DeliverSm(_) => {
                self.delivered += 1;
                Body::DeliverSmResp(SmResp::default())
            }
            Body::EnquireLink => {
                self.enquired += 1;
                Body::EnquireLinkResp
            }
            other => bail!("the server sent {:?}", other.command_id()),
        };
        Ok(self.stream.write_all(&encoded(CommandStatus::ESME_ROK, pdu.sequence_number, body)).await?)
    }
}

fn encoded(command_status: CommandStatus, sequence_number: u32, body: Body) -> BytesMut {
    let mut octets = BytesMut::new();
    wasmsc_smpp::encode(&Pdu { command_status, sequence_number, body }, &mut octets);
    octets
}

pub fn bind(system_id: &'static str, password: &'static str) -> Body {
    Body::BindTransceiver(Bind {
        system_id: Bytes::from_static(system_id.as_bytes()),
        password: Bytes::from_static(password.as_bytes()),
        interface_version: InterfaceVersion::V3_4,
        ..Bind::default()
    })
}

/// A water meter's report, which the rule answers with one MT.
pub fn mo(device: Vec<u8>) -> Body {
    Body::SubmitSm(Sm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr_npi: Npi::ISDN,
        source_addr: device.into(),
        dest_addr_npi: Npi::ISDN,
        destination_addr: Bytes::from_static(b"7001"),
        short_message: Bytes::from_static(b"WM1 V=0001234.567 F=12.5 B=3.61 S=OPEN"),
        ..Sm::default()
    })
}
