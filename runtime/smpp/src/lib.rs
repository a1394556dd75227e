//! SMPP 3.3, 3.4 and 5.0 without I/O: framing, PDUs, the session state machine, and the text inside messages.
//!
//! Octets go in, events and octets come out. Nothing here opens a socket, starts a task or reads a
//! clock: the embedder passes `std::time::Instant` in, which makes every timer testable in virtual
//! time. The crate is lenient towards what peers in service really send and strict in what it sends.
//!
//! - [`codec`]: cut PDUs off a stream, decode, encode; [`dissect`]: every field with its place, for people
//! - [`pdu`]: the commands and their fields; [`values`] and [`tlv`]: the numbers in them
//! - [`session`]: binds, windows, timers, the answers every session owes its peer
//! - [`receipt`] and [`time`]: delivery receipts and the time format
//! - [`text`]: GSM 03.38, UCS-2, Latin-1 and what `data_coding` says about them
//! - [`udh`] and [`segment`]: the header before a text, and long messages in parts
//!
//! ```
//! use bytes::BytesMut;
//! use wasmsc_smpp::{CommandStatus, Event, Session, SessionConfig};
//!
//! let now = std::time::Instant::now();
//! let mut session = Session::new(SessionConfig::smsc(), now);
//! // What the socket gave: a bind_transceiver by "me" without a password.
//! let mut input = BytesMut::from(&b"\0\0\0\x18\0\0\0\x09\0\0\0\0\0\0\0\x01me\0\0\0\x34\x01\x01"[..]);
//! while let Some(event) = session.poll(&mut input, now) {
//!     match event {
//!         Event::BindRequest { bind, .. } if &bind.system_id[..] == b"me" => session.accept_bind(b"smsc"),
//!         Event::BindRequest { .. } => session.reject_bind(CommandStatus::ESME_RINVSYSID),
//!         Event::Request { sequence_number, body, .. } => {
//!             session.respond_sm(sequence_number, body.command_id(), CommandStatus::ESME_ROK, b"1");
//!         }
//!         _ => {}
//!     }
//! }
//! assert!(session.is_bound());
//! let to_send = session.output().split();
//! assert_eq!(&to_send[4..8], [0x80, 0, 0, 9]); // bind_transceiver_resp
//! // Sleep until octets come or session.next_deadline(), then session.on_deadline(now).
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod codec;
pub mod destinations;
pub mod dissect;
mod fields;
pub mod pdu;
pub mod receipt;
pub mod segment;
pub mod session;
pub mod text;
pub mod time;
mod timers;
pub mod tlv;
pub mod udh;
pub mod values;
mod window;

pub use codec::{DecodeError, FrameError, PDU_MAX_OCTETS, decode, encode, next_frame};
pub use destinations::{Destination, Unsuccess};
pub use pdu::{
    AlertNotification, Bind, BindResp, Body, BroadcastSm, CancelBroadcastSm, CancelSm, DataSm, Outbind, Pdu,
    QueryBroadcastSm, QuerySm, QuerySmResp, ReplaceSm, Sm, SmResp, SubmitMulti, SubmitMultiResp, Unknown,
};
pub use session::{BindMode, CloseReason, Event, RequestError, Role, Session, SessionConfig};
pub use tlv::{Tlv, Tlvs};
pub use udh::{Concat, Udh};
pub use values::{CommandId, CommandStatus, DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton};
