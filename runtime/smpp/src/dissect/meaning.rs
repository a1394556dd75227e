//! What numbers in a PDU mean, in the specification's words.

use crate::receipt::{MessageState, NetworkErrorCode};
use crate::text::Alphabet;
use crate::text::dcs::Dcs;
use crate::time;
use crate::tlv::{Tlv, tag};
use crate::values::{DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton};

pub(super) fn named(name: Option<&str>) -> String {
    name.unwrap_or("unknown").to_owned()
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// As text, where all of it can be seen.
pub(super) fn text_or_hex(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => hex(octets),
    }
}

/// Of strings that have a form of their own.
pub(super) fn of_string(name: &str, value: &[u8]) -> &'static str {
    let is_time = matches!(name, "schedule_delivery_time" | "validity_period" | "final_date");
    if is_time && time::parse(value).is_err() {
        return "no time of SMPP (§7.1.1)";
    }
    match (name, value) {
        ("schedule_delivery_time", b"") => "at once",
        ("validity_period", b"") => "the default",
        ("final_date", b"") => "no final state yet",
        _ => "",
    }
}

pub(super) fn of_octet(name: &str, octet: u8) -> String {
    match name {
        "esm_class" => esm_class(EsmClass(octet)),
        "registered_delivery" => registered_delivery(RegisteredDelivery(octet)),
        "data_coding" => data_coding(DataCoding(octet)),
        "interface_version" => version(octet),
        "message_state" => named(MessageState::from_octet(octet).map(MessageState::name)),
        "priority_flag" => named(["lowest", "1", "2", "3", "4"].get(usize::from(octet)).copied()),
        "replace_if_present_flag" => named(["no", "replaces an earlier one"].get(usize::from(octet)).copied()),
        "sm_default_msg_id" if octet == 0 => "none".to_owned(),
        "error_code" if octet == 0 => "none".to_owned(),
        "protocol_id" => protocol_id(octet),
        name if name.ends_with("_ton") => named(Ton(octet).name()),
        name if name.ends_with("_npi") => named(Npi(octet).name()),
        _ => String::new(),
    }
}

fn version(octet: u8) -> String {
    match InterfaceVersion(octet) {
        InterfaceVersion::V3_3 => "SMPP 3.3".to_owned(),
        InterfaceVersion::V3_4 => "SMPP 3.4".to_owned(),
        InterfaceVersion::V5_0 => "SMPP 5.0".to_owned(),
        other => match other.normalised() {
            InterfaceVersion::V3_3 => "taken for SMPP 3.3".to_owned(),
            InterfaceVersion::V3_4 => "taken for SMPP 3.4".to_owned(),
            _ => "taken for SMPP 5.0".to_owned(),
        },
    }
}

fn esm_class(class: EsmClass) -> String {
    let mode = ["default mode", "datagram", "forward", "store and forward"][usize::from(class.messaging_mode())];
    let kind = match class.message_type() {
        0x00 => "default message type",
        0x04 => "delivery receipt",
        0x08 => "delivery acknowledgement",
        0x10 => "user acknowledgement",
        0x18 => "conversation abort",
        0x20 => "intermediate notification",
        _ => "reserved message type",
    };
    let mut told = format!("{mode}, {kind}");
    for (is_set, what) in [(class.has_udhi(), ", UDHI"), (class.has_reply_path(), ", reply path")] {
        told += if is_set { what } else { "" };
    }
    told
}

fn registered_delivery(flags: RegisteredDelivery) -> String {
    let receipt = ["no receipt", "receipt always", "receipt on failure", "receipt on success"];
    let mut told = receipt[usize::from(flags.receipt())].to_owned();
    told += ["", ", delivery acknowledgement", ", user acknowledgement", ", both acknowledgements"]
        [usize::from(flags.0 >> 2 & 0x03)];
    told += if flags.wants_intermediate() { ", intermediate notifications" } else { "" };
    told
}

fn data_coding(coding: DataCoding) -> String {
    let dcs = Dcs::of(coding);
    let mut told = match (coding.0, dcs.alphabet) {
        (0, _) => "the SMSC's default alphabet",
        (_, Alphabet::Gsm | Alphabet::GsmPacked) => "GSM 03.38",
        (_, Alphabet::Latin1) => "Latin-1",
        (_, Alphabet::Ascii) => "ASCII",
        (_, Alphabet::Utf8) => "UTF-8",
        (_, Alphabet::Utf16) => "UCS-2",
        (_, Alphabet::Binary) => "octets",
    }
    .to_owned();
    if let Some(class) = dcs.class {
        told += &format!(", class {}", class as u8);
    }
    let flags = [
        (dcs.is_compressed, ", compressed"),
        (dcs.is_deleted_after_reading, ", deleted after reading"),
        (dcs.waiting.is_some(), ", message waiting"),
    ];
    for (is_set, what) in flags {
        told += if is_set { what } else { "" };
    }
    told
}

/// 3GPP TS 23.040 §9.2.3.9.
fn protocol_id(octet: u8) -> String {
    match octet {
        0x00 => "usual SMS".to_owned(),
        0x40 => "short message type 0".to_owned(),
        0x41..=0x47 => format!("replace short message type {}", octet - 0x40),
        0x7D => "ME data download".to_owned(),
        0x7F => "SIM data download".to_owned(),
        _ => String::new(),
    }
}

/// Value and meaning of an optional parameter.
pub(super) fn of_tlv(tlv: &Tlv) -> (String, String) {
    let value = &*tlv.value;
    let none = String::new();
    match (tlv.tag, value) {
        (tag::MESSAGE_PAYLOAD, _) => (hex(value), none),
        (tag::MESSAGE_STATE, [octet]) => (format!("0x{octet:02X}"), of_octet("message_state", *octet)),
        (tag::SC_INTERFACE_VERSION, [octet]) => (format!("0x{octet:02X}"), version(*octet)),
        (tag::NETWORK_ERROR_CODE, _) => match NetworkErrorCode::parse(value) {
            Some(error) => {
                let network = ["not said", "ANSI-136", "IS-95", "GSM"].get(usize::from(error.network_type));
                (hex(value), format!("code {} of network type {}", error.code, network.unwrap_or(&"other")))
            }
            None => (hex(value), named(None)),
        },
        (tag::MS_AVAILABILITY_STATUS, [octet]) => {
            (format!("0x{octet:02X}"), named(["available", "denied", "unavailable"].get(usize::from(*octet)).copied()))
        }
        (tag::CONGESTION_STATE, [octet]) => (octet.to_string(), "0 idle, 80 optimal, 100 congested".to_owned()),
        (tag::DPF_RESULT, [octet]) => {
            (format!("0x{octet:02X}"), named(["not set", "set"].get(usize::from(*octet)).copied()))
        }
        (tag::RECEIPTED_MESSAGE_ID | tag::ADDITIONAL_STATUS_INFO_TEXT, _) => {
            (text_or_hex(value.strip_suffix(b"\0").unwrap_or(value)), none)
        }
        (_, []) => (none.clone(), none),
        (_, [octet]) => (format!("0x{octet:02X}"), octet.to_string()),
        (_, [high, low]) => (hex(value), u16::from_be_bytes([*high, *low]).to_string()),
        (_, [a, b, c, d]) => (hex(value), u32::from_be_bytes([*a, *b, *c, *d]).to_string()),
        _ => {
            let text = text_or_hex(value.strip_suffix(b"\0").unwrap_or(value));
            let hex = hex(value);
            if text == hex { (hex, none) } else { (text, none) }
        }
    }
}
