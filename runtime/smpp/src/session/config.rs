//! What an embedder chooses about a session, and what a session tells it.
//!
//! Plain types without behaviour beyond naming; `session` acts on them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::PDU_MAX_OCTETS;
use crate::pdu::{AlertNotification, Bind, Body, Outbind};
use crate::values::{CommandId, CommandStatus};

/// Which side of the session we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The centre: the peer binds to us.
    Smsc,
    /// The application: we bind to the peer.
    Esme,
}

/// What a session was bound for, seen from the ESME (SMPP 3.4 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// The ESME submits.
    Transmitter,
    /// The ESME receives.
    Receiver,
    /// Both.
    Transceiver,
}

impl BindMode {
    /// The ESME may send `submit_sm`.
    #[must_use]
    pub const fn can_submit(self) -> bool {
        matches!(self, BindMode::Transmitter | BindMode::Transceiver)
    }

    /// The SMSC may send `deliver_sm`.
    #[must_use]
    pub const fn can_receive(self) -> bool {
        matches!(self, BindMode::Receiver | BindMode::Transceiver)
    }

    /// The command that asks for this mode.
    #[must_use]
    pub const fn command_id(self) -> CommandId {
        match self {
            BindMode::Transmitter => CommandId::BIND_TRANSMITTER,
            BindMode::Receiver => CommandId::BIND_RECEIVER,
            BindMode::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }
}

/// Limits and timers of one session.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Which side we are.
    pub role: Role,
    /// Our requests that may wait for a response at once. `enquire_link` and `unbind` do not count.
    pub window_max: usize,
    /// From the connection to the bind.
    pub session_init_timeout: Duration,
    /// Silence after which the peer is probed; zero never probes.
    pub enquire_link_interval: Duration,
    /// For a response to any request of ours, and for the rest of a PDU that began.
    pub response_timeout: Duration,
    /// Largest PDU accepted and sent.
    pub pdu_max_octets: usize,
}

impl SessionConfig {
    /// The centre's side. A window of 10 is what most ESMEs expect unless agreed otherwise; five
    /// seconds suffice for a peer that connects in order to bind, and starve one that does not; thirty
    /// seconds of silence stay below the minute after which many address translators forget a
    /// connection; ten seconds are long for a response and short enough to retry elsewhere.
    #[must_use]
    pub fn smsc() -> SessionConfig {
        SessionConfig {
            role: Role::Smsc,
            window_max: 10,
            session_init_timeout: Duration::from_secs(5),
            enquire_link_interval: Duration::from_secs(30),
            response_timeout: Duration::from_secs(10),
            pdu_max_octets: PDU_MAX_OCTETS,
        }
    }

    /// The application's side: as [`SessionConfig::smsc`], but thirty seconds for the bind, as the
    /// other centre may ask a directory about us first.
    #[must_use]
    pub fn esme() -> SessionConfig {
        SessionConfig { role: Role::Esme, session_init_timeout: Duration::from_secs(30), ..SessionConfig::smsc() }
    }

    /// The defaults of a role.
    #[must_use]
    pub fn for_role(role: Role) -> SessionConfig {
        match role {
            Role::Smsc => SessionConfig::smsc(),
            Role::Esme => SessionConfig::esme(),
        }
    }
}

/// What [`crate::Session::poll`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// SMSC: the peer wants to bind. Nothing more is read until `accept_bind` or `reject_bind`.
    BindRequest {
        /// What for.
        mode: BindMode,
        /// The peer's sequence number.
        sequence_number: u32,
        /// Who it is.
        bind: Bind,
    },
    /// ESME: the SMSC accepted our bind.
    Bound {
        /// Its name.
        system_id: Bytes,
    },
    /// ESME: the SMSC refused our bind; `Closed` follows.
    BindRefused {
        /// Why.
        command_status: CommandStatus,
    },
    /// The peer wants something. Answer with `respond` or `respond_sm`.
    Request {
        /// The peer's sequence number, to be given back.
        sequence_number: u32,
        /// What it wants.
        body: Body,
        /// The whole PDU as it came, for relaying and tracing.
        raw: Bytes,
    },
    /// The peer says that a subscriber became reachable. There is no response.
    Alert(AlertNotification),
    /// The SMSC at the other end asks us to bind; whether it is one that we know is the embedder's to
    /// judge. There is no response but our bind.
    Outbind(Outbind),
    /// A request of ours was answered.
    Response {
        /// As `request` returned it.
        sequence_number: u32,
        /// How it went.
        command_status: CommandStatus,
        /// The response, or `GenericNack`.
        body: Body,
    },
    /// A request of ours was not answered in time; its slot is free, a later response is ignored.
    Expired {
        /// As `request` returned it.
        sequence_number: u32,
    },
    /// One side unbound and the other agreed; `Closed` follows.
    Unbound,
    /// The end, exactly once and last. Flush the output, then close the socket. Requests still
    /// outstanding get neither `Response` nor `Expired` any more.
    Closed(CloseReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Our `enquire_link` or `unbind` got no answer.
    PeerSilent,
    /// No bind in time.
    SessionInitTimeout,
    /// The stream is not SMPP; the value is the `command_length` that showed it.
    BadFrame(u32),
    /// A PDU began and did not end in time.
    HalfPdu,
    /// The bind was refused, by us or by the peer.
    BindRejected,
    /// Orderly unbind.
    Unbound,
    /// The embedder ended the session without unbind.
    Shutdown,
    /// The embedder said that the connection is gone.
    Disconnected,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::PeerSilent => f.write_str("peer is silent"),
            CloseReason::SessionInitTimeout => f.write_str("no bind in time"),
            CloseReason::BadFrame(length) => write!(f, "command_length {length} is out of range"),
            CloseReason::HalfPdu => f.write_str("PDU began and did not end in time"),
            CloseReason::BindRejected => f.write_str("bind rejected"),
            CloseReason::Unbound => f.write_str("unbound"),
            CloseReason::Shutdown => f.write_str("shut down"),
            CloseReason::Disconnected => f.write_str("connection lost"),
        }
    }
}

/// Why [`crate::Session::request`] sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RequestError {
    /// As many requests as the window holds wait for their response.
    #[error("window is full")]
    WindowFull,
    /// Not bound yet, or not any more.
    #[error("session is not bound")]
    NotBound,
    /// The bind mode does not allow this command in this direction.
    #[error("bind mode does not allow the command")]
    WrongMode,
    /// A response, or a command the session sends by itself.
    #[error("not a request an embedder sends")]
    NotARequest,
    /// Above `pdu_max_octets`, or a TLV above 65,535 octets.
    #[error("message is too long for a PDU")]
    TooLong,
}
