//! How a message is written: what the house keeps of the fields of SMPP that it came with.
//!
//! Those that travel on with it, and what its PDU said to the link alone.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use wasmsc_smpp::{CommandId, tlv};

use super::compose::Octets;
use super::masking::Texts;
use crate::message::{Arrival, Content};

/// Fields of SMPP as the house keeps them, of a message of the API or of a rule as it will send them.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageFields)]
pub struct FieldsView {
    #[serde(skip_serializing_if = "str::is_empty")]
    service_type: String,
    esm_class: u8,
    protocol_id: u8,
    priority_flag: u8,
    data_coding: u8,
    /// Octets of the whole message, header and text; of a long one, of all its parts together.
    #[schema(example = 9)]
    length: usize,
    /// The user data header with its length octet, where there is one. It, the octets and the values of TLVs are not there where texts are
    /// masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    udh: Option<Octets>,
    /// The text or the octets behind the header. A text in the default alphabet is GSM 03.38 here, an octet for each septet,
    /// whatever alphabet the link has.
    #[serde(skip_serializing_if = "Option::is_none")]
    octets: Option<Octets>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tlvs: Vec<TlvView>,
    /// Absent where no PDU brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrival: Option<ArrivalView>,
}

/// What the PDU said besides, to the link alone: nothing of it travels on. Of a long message in parts, that of its first part.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageArrival)]
struct ArrivalView {
    #[schema(example = "submit_sm")]
    command: String,
    sequence_number: u32,
    source_addr_ton: u8,
    source_addr_npi: u8,
    dest_addr_ton: u8,
    dest_addr_npi: u8,
    /// As it came; on a deliver_sm it asks for nothing.
    registered_delivery: u8,
}

impl ArrivalView {
    fn of(arrival: &Arrival) -> ArrivalView {
        ArrivalView {
            command: CommandId(arrival.command_id).name().unwrap_or("unknown").to_ascii_lowercase(),
            sequence_number: arrival.sequence_number,
            source_addr_ton: arrival.source_numbering.0,
            source_addr_npi: arrival.source_numbering.1,
            dest_addr_ton: arrival.destination_numbering.0,
            dest_addr_npi: arrival.destination_numbering.1,
            registered_delivery: arrival.registered_delivery,
        }
    }
}

/// An optional parameter.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageTlv)]
struct TlvView {
    #[schema(example = 516)]
    tag: u16,
    /// As SMPP calls it; absent for a tag of a vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "user_message_reference")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Octets>,
}

impl FieldsView {
    pub fn of(content: &Content, texts: Texts) -> FieldsView {
        let (udh, octets) = content.split_udh();
        let header = udh.encode();
        let shown = |octets: &[u8]| (!texts.are_masked()).then(|| Octets::of(octets));
        let tlv = |(tag, value): &(u16, Bytes)| TlvView {
            tag: *tag,
            name: tlv::tag::name(*tag).map(str::to_ascii_lowercase),
            value: shown(value),
        };
        FieldsView {
            service_type: String::from_utf8_lossy(&content.service_type).into_owned(),
            esm_class: content.esm_class,
            protocol_id: content.protocol_id,
            priority_flag: content.priority_flag,
            data_coding: content.data_coding,
            length: content.octets.len(),
            udh: shown(&header).filter(|_| !header.is_empty()),
            octets: shown(&octets),
            tlvs: content.tlvs.iter().map(tlv).collect(),
            arrival: content.arrival.as_ref().map(ArrivalView::of),
        }
    }
}
