//! Octets to PDUs and back (SMPP 3.4 §3.2).
//!
//! Framing comes first and alone: [`next_frame`] cuts one PDU off the stream, [`decode`] looks at
//! nothing but that cut. So a malformed body costs one response and never the stream. Neither side
//! allocates by a length that a peer claimed. `session` is the main caller.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::pdu::{Body, Pdu};
use crate::values::{CommandId, CommandStatus};

/// Largest PDU accepted unless the embedder says otherwise. `message_payload` alone may hold 65,535
/// octets and the other fields stay under 1,500, so 70,000 is the least that accepts every legal
/// message; twice 65,536 also accepts a second TLV of full size, and still bounds what one
/// connection can make us hold.
pub const PDU_MAX_OCTETS: usize = 131_072;

/// `command_length`, `command_id`, `command_status`, `sequence_number`: four octets each.
pub const HEADER_OCTETS: usize = 16;

/// The stream is not SMPP, or no longer in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// `command_length` below 16 or above the limit: answer `generic_nack` with `ESME_RINVCMDLEN` and
    /// sequence number 0, then close (SMPP 3.4 §4.3).
    #[error("command_length {0} is out of range")]
    Length(u32),
}

/// One PDU could not be read, the stream is in step. Answer `command_id.response()` with
/// `command_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command_id}: bad {what}, {command_status}")]
pub struct DecodeError {
    /// Command of the PDU.
    pub command_id: CommandId,
    /// Its sequence number.
    pub sequence_number: u32,
    /// What to answer.
    pub command_status: CommandStatus,
    /// The field that decided it.
    pub what: &'static str,
}

/// Cuts the next PDU off the front of `input`, header included, or says `None` while it is not
/// complete. The length is judged as soon as its four octets are there, before anything is reserved
/// for it: "HTTP" or "GET " on the port is a length as well.
///
/// # Errors
///
/// [`FrameError::Length`] when `command_length` is below 16 or above `max`; `input` stays untouched.
pub fn next_frame(input: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(command_length) = input.first_chunk::<4>() else { return Ok(None) };
    let command_length = u32::from_be_bytes(*command_length);
    let octets = usize::try_from(command_length).unwrap_or(usize::MAX);
    if octets < HEADER_OCTETS || octets > max {
        return Err(FrameError::Length(command_length));
    }
    if input.len() < octets {
        return Ok(None);
    }
    Ok(Some(input.split_to(octets).freeze()))
}

/// Reads one PDU as [`next_frame`] cut it. Strings are slices of `frame` and keep its buffer alive:
/// copy what is to outlive the PDU.
///
/// # Errors
///
/// When a mandatory field is missing or too long, or `sm_length` exceeds what is there.
pub fn decode(mut frame: Bytes) -> Result<Pdu, DecodeError> {
    let Some(header) = frame.first_chunk::<HEADER_OCTETS>() else {
        return Err(DecodeError {
            command_id: CommandId::GENERIC_NACK,
            sequence_number: 0,
            command_status: CommandStatus::ESME_RINVCMDLEN,
            what: "header",
        });
    };
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let command_length = usize::try_from(word(0)).unwrap_or(usize::MAX);
    let command_id = CommandId(word(4));
    let command_status = CommandStatus(word(8));
    let sequence_number = word(12);
    let error = |(command_status, what)| DecodeError { command_id, sequence_number, command_status, what };
    if !(HEADER_OCTETS..=frame.len()).contains(&command_length) {
        return Err(error((CommandStatus::ESME_RINVCMDLEN, "command_length")));
    }
    frame.truncate(command_length);
    frame.advance(HEADER_OCTETS);
    let body = Body::read(command_id, frame).map_err(error)?;
    Ok(Pdu { command_status, sequence_number, body })
}

/// Appends one PDU to `out`. Nothing is allocated but room in `out`.
///
/// An error response without content leaves without a body (SMPP 3.4 §4.4.2, §4.1.2). What the format
/// has no room for, a TLV over 65,535 octets, is cut; [`crate::Session::request`] refuses it.
pub fn encode(pdu: &Pdu, out: &mut BytesMut) {
    encode_parts(pdu.command_status, pdu.sequence_number, &pdu.body, out);
}

/// [`encode`] for a body that is only borrowed.
pub fn encode_parts(command_status: CommandStatus, sequence_number: u32, body: &Body, out: &mut BytesMut) {
    let start = out.len();
    put_header(body.command_id(), command_status, sequence_number, HEADER_OCTETS, out);
    if command_status.is_ok() || !body.is_blank_response() {
        body.write(out);
    }
    let octets = out.len() - start;
    let command_length = u32::try_from(octets).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&command_length.to_be_bytes());
}

/// Appends a PDU that is only a header: `enquire_link`, `unbind`, their responses, `generic_nack`,
/// and any error response.
pub fn encode_header(command_id: CommandId, command_status: CommandStatus, sequence_number: u32, out: &mut BytesMut) {
    put_header(command_id, command_status, sequence_number, HEADER_OCTETS, out);
}

/// Appends the response of `submit_sm`, `deliver_sm` or `data_sm`, the PDU there are most of, without
/// building one: `message_id`, and `congestion_state` for peers of 5.0.
pub fn encode_sm_resp(
    command_id: CommandId,
    command_status: CommandStatus,
    sequence_number: u32,
    (message_id, congestion_state): (&[u8], Option<u8>),
    out: &mut BytesMut,
) {
    const CONGESTION_OCTETS: usize = 5;
    let tlv_octets = if congestion_state.is_some() { CONGESTION_OCTETS } else { 0 };
    if !command_status.is_ok() && message_id.is_empty() && tlv_octets == 0 {
        return encode_header(command_id.response(), command_status, sequence_number, out);
    }
    let octets = HEADER_OCTETS + message_id.len() + 1 + tlv_octets;
    put_header(command_id.response(), command_status, sequence_number, octets, out);
    crate::fields::put_cstr(out, message_id);
    if let Some(congestion_state) = congestion_state {
        crate::tlv::put_tlv(out, crate::tlv::tag::CONGESTION_STATE, &[congestion_state]);
    }
}

/// Writes the sixteen octets in one piece, so that `out` is asked for room once.
fn put_header(
    command_id: CommandId,
    command_status: CommandStatus,
    sequence_number: u32,
    octets: usize,
    out: &mut BytesMut,
) {
    let command_length = u32::try_from(octets).unwrap_or(u32::MAX);
    let words = [command_length, command_id.0, command_status.0, sequence_number];
    let mut header = [0; HEADER_OCTETS];
    for (slot, word) in header.chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_be_bytes());
    }
    out.put_slice(&header);
}
