//! PDUs in pieces, for the operator: the last ones of a link, and those that somebody pastes.
//!
//! Of a link neither passwords nor what people wrote are shown: only how long they are. Of what is pasted, passwords are not.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmsc_smpp::dissect::{self, Dissection, Field, Holds, Malformed};
use wasmsc_smpp::text::Payload;

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::links;
use super::rfc3339::Time;
use crate::clock;
use crate::tap::Traced;

/// PDUs that are decoded of what is pasted.
const PASTED_MAX: usize = 100;
/// Tag and length of an optional parameter.
const TLV_HEAD: usize = 4;

#[derive(Serialize, ToSchema)]
pub struct LinkPdus {
    /// `system_id` of the account, or `name` of the upstream.
    account: String,
    /// Since when all PDUs are kept; of those before, how it was bound.
    watched_since: Time,
    /// The newest first, 100 at most.
    pdus: Vec<LinkPdu>,
}

#[derive(Serialize, ToSchema)]
pub struct LinkPdu {
    /// Rises by one with each PDU that is kept of this link.
    number: u64,
    at: Time,
    /// `received` or `sent`, by this server.
    way: &'static str,
    #[serde(flatten)]
    pdu: PduView,
}

#[derive(Serialize, ToSchema)]
pub struct PduList {
    pdus: Vec<PduView>,
}

/// A PDU, field by field.
#[derive(Serialize, ToSchema)]
#[schema(as = Pdu)]
pub struct PduView {
    /// Absent where not even a header is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "submit_sm")]
    command: Option<String>,
    #[schema(example = "ESME_ROK (0x00000000)")]
    command_status: String,
    sequence_number: u32,
    /// Octets of it.
    length: usize,
    /// In hex, two digits each; `**` is hidden.
    octets: String,
    fields: Vec<FieldView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageView>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PduField)]
pub struct FieldView {
    /// As the specification calls it; `tlv_0x1401` for a vendor's optional parameter.
    #[schema(example = "data_coding")]
    name: String,
    /// The octet at which it begins, from 0.
    at: usize,
    /// Octets of it.
    length: usize,
    /// Absent where it is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0x08")]
    value: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>, example = "UCS-2")]
    meaning: String,
    /// It is an optional parameter.
    optional: bool,
}

/// What it carries.
#[derive(Serialize, ToSchema)]
#[schema(as = PduMessage)]
pub struct MessageView {
    /// Octets of it, the user data header among them.
    octets: usize,
    /// Of what is pasted only.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Elements of the user data header, as identifier and value in hex.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    udh: Vec<String>,
    /// The user data header is longer than the message.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(value_type = Option<bool>)]
    udh_broken: bool,
    /// Which part of a long message it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "part 1 of 2, reference 12")]
    part: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

/// What it says, if it is a receipt.
#[derive(Serialize, ToSchema)]
#[schema(as = PduReceipt)]
pub struct ReceiptView {
    message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "DELIVRD")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PduError)]
pub struct ErrorView {
    /// The octet at which the reading ended, from 0.
    at: usize,
    /// In which field.
    field: &'static str,
    /// What a peer that sends it is answered.
    #[schema(example = "ESME_RINVMSGLEN (0x00000001)")]
    command_status: String,
    why: String,
}

/// How much of it the reader may see.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Nothing that people wrote.
    Masked,
    /// All but passwords.
    Own,
}

impl Sight {
    fn hides(self, holds: Holds) -> bool {
        match holds {
            Holds::Plain => false,
            Holds::Password => true,
            Holds::Message => self == Sight::Masked,
        }
    }
}

/// Tells the last PDUs of a bind, field by field. While somebody asks at least every 30 seconds all of its PDUs are kept, before that only those by
/// which it was bound.
#[utoipa::path(
    get, path = "/v1/links/{id}/pdus", operation_id = "listLinkPdus", tag = "operation",
    params(("id" = String, Path, description = "As the list of links has it")),
    responses(
        (status = 200, description = "Passwords and texts are hidden", body = LinkPdus),
        (status = 404, description = "There is no such bind any more; for a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn of_link(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Answer<Reply<LinkPdus>> {
    caller.must_be_operator()?;
    let bind = links::find(&api, &id)?;
    let (pdus, since) = bind.tap.watch(clock::now());
    let pdus = pdus.into_iter().map(of_traced).collect();
    Ok(Reply(LinkPdus { account: bind.peer.to_string(), watched_since: since.into(), pdus }))
}

fn of_traced(traced: Traced) -> LinkPdu {
    let mut pdu = view(&traced.octets, Sight::Masked);
    if traced.length > traced.octets.len() {
        pdu.length = traced.length;
        if let Some(error) = &mut pdu.error {
            error.why = format!("only its first {} octets are kept", traced.octets.len());
        }
    }
    LinkPdu { number: traced.number, at: traced.at.into(), way: traced.way.name(), pdu }
}

/// Octets in hex.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pasted {
    /// One PDU or several, two digits for each octet; spaces, line ends, colons, commas and 0x may stand between them.
    #[schema(example = "00000010 00000015 00000000 00000001")]
    hex: String,
}

/// Takes PDUs apart, field by field. Of one that cannot be read it says where and why.
#[utoipa::path(
    post, path = "/v1/pdus:decode", operation_id = "decodePdus", tag = "operation",
    request_body = Pasted,
    responses(
        (status = 200, description = "Passwords are hidden", body = PduList),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "It is no hex, or there is nothing",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn decode(caller: Caller, body: Json<Pasted>) -> Answer<Reply<PduList>> {
    caller.must_be_operator()?;
    let octets = octets(&body.value.hex).map_err(|why| Problem::of_field(Code::InvalidField, "hex", why))?;
    let (mut rest, mut pdus) = (Bytes::from(octets), Vec::new());
    while !rest.is_empty() && pdus.len() < PASTED_MAX {
        let pdu = view(&rest, Sight::Own);
        rest = rest.split_off(pdu.length.clamp(1, rest.len()));
        pdus.push(pdu);
    }
    Ok(Reply(PduList { pdus }))
}

/// As people paste them.
fn octets(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    let plain = text.replace("0x", "  ").replace("\\x", "  ");
    for (place, c) in plain.chars().enumerate() {
        match c.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None if c.is_whitespace() || ":,;-.".contains(c) => {}
            None => return Err(format!("{c:?} at character {} is no hex digit", place + 1)),
        }
    }
    if digits.is_empty() {
        return Err("there is no octet in it".to_owned());
    }
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} digits: the last octet has only one", digits.len()));
    }
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn view(octets: &Bytes, sight: Sight) -> PduView {
    let Dissection { command_id, command_status, sequence_number, fields, error, message } = dissect::dissect(octets);
    let end = match &error {
        // What comes behind a wrong length means nothing.
        Some(error) if error.at == 0 || command_id.is_none() => octets.len(),
        _ => octets.first_chunk().map_or(octets.len(), |length| u32::from_be_bytes(*length) as usize).min(octets.len()),
    };
    let message = message.map(|message| MessageView {
        octets: message.octets,
        text: match message.payload {
            Payload::Text(text) if sight == Sight::Own && message.receipt.is_none() => Some(text),
            _ => None,
        },
        udh: message.udh.iter().map(|(iei, value)| format!("{iei:02x}: {value:02x}")).collect(),
        udh_broken: message.is_header_broken,
        part: message
            .concat
            .map(|part| format!("part {} of {}, reference {}", part.number, part.total, part.reference)),
        receipt: message.receipt.map(|receipt| ReceiptView {
            message_id: String::from_utf8_lossy(&receipt.message_id).into_owned(),
            state: receipt.state.map(|state| state.name()),
            error: receipt.error,
        }),
    });
    let read = fields.last().map_or(0, |field| field.at + field.octets.len());
    PduView {
        command: command_id.map(|id| id.name().map_or_else(|| id.to_string(), str::to_lowercase)),
        command_status: command_status.to_string(),
        sequence_number,
        length: end,
        octets: hex(&octets[..end], &fields, (read, sight)),
        fields: fields.into_iter().map(|field| field_view(field, sight)).collect(),
        message,
        error: error.map(|Malformed { at, field, command_status, why }| ErrorView {
            at,
            field,
            command_status: command_status.to_string(),
            why,
        }),
    }
}

/// What is hidden is not there at all. Behind what could be read there may be anything.
fn hex(octets: &[u8], fields: &[Field], (read, sight): (usize, Sight)) -> String {
    let hidden = fields.iter().filter(|field| sight.hides(field.holds)).map(|field| {
        let head = if field.is_tlv { TLV_HEAD } else { 0 };
        field.at + head..field.at + field.octets.len()
    });
    let hidden: Vec<_> = hidden.collect();
    let is_hidden =
        |at: usize| hidden.iter().any(|range| range.contains(&at)) || (at >= read && sight == Sight::Masked);
    let shown = octets.iter().enumerate().map(
        |(at, octet)| {
            if is_hidden(at) { "**".to_owned() } else { format!("{octet:02x}") }
        },
    );
    shown.collect()
}

fn field_view(field: Field, sight: Sight) -> FieldView {
    let is_hidden = sight.hides(field.holds);
    FieldView {
        name: field.name,
        at: field.at,
        length: field.octets.len(),
        value: (!is_hidden).then_some(field.value),
        meaning: if is_hidden { String::new() } else { field.meaning },
        optional: field.is_tlv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bind_transceiver with the password "geheim", and a submit_sm with the text "secret".
    const BIND: &str = "0000002100000009000000000000000161700067656865696d000034000000 00";
    const SUBMIT: &str = "0000003a 00000004 00000000 00000005 00 05014100 010134363700 00 00 00 00 00 01 00 00 00 06 736563726574 0424 0003 736563";

    fn pdu(hex: &str, sight: Sight) -> PduView {
        let mut octets = octets(hex).expect("hex");
        let length = u32::try_from(octets.len()).expect("short");
        octets[..4].copy_from_slice(&length.to_be_bytes());
        view(&octets.into(), sight)
    }

    #[test]
    fn neither_passwords_nor_texts_of_a_link_are_shown_in_any_form() {
        for (hex, secret) in [(BIND, "geheim"), (SUBMIT, "secret"), (SUBMIT, "sec")] {
            let seen = serde_json::to_string(&pdu(hex, Sight::Masked)).expect("JSON");
            let in_hex: String = secret.bytes().map(|octet| format!("{octet:02x}")).collect();
            assert!(!seen.contains(secret) && !seen.contains(&in_hex) && seen.contains("**"), "{seen}");
        }
        // One that ends in the middle of its password, too.
        let cut = serde_json::to_string(&pdu(&BIND[..40], Sight::Masked)).expect("JSON");
        assert!(!cut.contains("6768") && !cut.contains("geh"), "{cut}");
    }

    #[test]
    fn what_is_pasted_is_shown_but_its_password() {
        let seen = serde_json::to_string(&pdu(SUBMIT, Sight::Own)).expect("JSON");
        assert!(seen.contains(r#""text":"secret""#) && !seen.contains("**"), "{seen}");
        assert!(!serde_json::to_string(&pdu(BIND, Sight::Own)).expect("JSON").contains("67656865"));
    }

    #[test]
    fn hex_is_read_as_people_paste_it() {
        assert_eq!(octets("0x00, 0x10\n ab:CD"), Ok(vec![0, 16, 0xab, 0xcd]));
        assert_eq!(octets("0g"), Err("'g' at character 2 is no hex digit".to_owned()));
        assert!(octets(" \n").is_err() && octets("abc").is_err());
    }
}
