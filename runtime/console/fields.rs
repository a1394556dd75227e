//! How a message is written: fields of SMPP in numbers and in words, and its octets.

use maud::{Markup, html};
use serde::Deserialize;
use wasmsc_smpp::text::Alphabet;
use wasmsc_smpp::{DataCoding, EsmClass, dissect};

use super::parts::{self, Octets};
use super::text;
use super::words;

/// As the API has them.
#[derive(Debug, Deserialize)]
pub struct Fields {
    #[serde(default)]
    pub service_type: String,
    pub esm_class: u8,
    pub protocol_id: u8,
    pub priority_flag: u8,
    pub data_coding: u8,
    pub length: u64,
    pub udh: Option<Octets>,
    /// Absent where texts are masked.
    pub octets: Option<Octets>,
    #[serde(default)]
    pub tlvs: Vec<Tlv>,
    /// Absent where no PDU brought it.
    pub arrival: Option<Arrival>,
}

#[derive(Debug, Deserialize)]
pub struct Arrival {
    command: String,
    sequence_number: u32,
    source_addr_ton: u8,
    source_addr_npi: u8,
    dest_addr_ton: u8,
    dest_addr_npi: u8,
    registered_delivery: u8,
}

#[derive(Debug, Deserialize)]
pub struct Tlv {
    tag: u16,
    name: Option<String>,
    value: Option<Octets>,
}

pub fn card(fields: &Fields) -> Markup {
    let octet = |value: u8, said: &str| html! { code { (format!("0x{value:02X}")) } " " (said) };
    html! {
        details.card {
            summary { "Fields and octets" }
            dl.facts {
                div { dt { "data_coding" } dd { (octet(fields.data_coding, alphabet(fields.data_coding))) } }
                div { dt { "esm_class" } dd { (octet(fields.esm_class, &class(fields.esm_class))) } }
                div { dt { "protocol_id" } dd { (octet(fields.protocol_id, "")) } }
                div { dt { "priority_flag" } dd { (fields.priority_flag) } }
                @if !fields.service_type.is_empty() { div { dt { "service_type" } dd { (text::shown(&fields.service_type)) } } }
                div { dt { "Length" } dd { (words::count(fields.length, "octet", "octets")) } }
            }
            @if let Some(udh) = &fields.udh { h3 { "User data header" } p { code.hex { (parts::spaced(&udh.hex)) } } }
            h3 { "Octets" }
            @match &fields.octets {
                Some(octets) => pre tabindex="0" aria-label="Octets" { (dump(&octets.hex)) },
                None => p { (parts::masked()) },
            }
            @if !fields.tlvs.is_empty() { (tlvs(&fields.tlvs)) }
            @if let Some(arrival) = &fields.arrival { (arrived(arrival)) }
            p.faint { "As the house keeps it: a text in the default alphabet is GSM 03.38 here, an octet for each septet." }
        }
    }
}

/// What its PDU said to the link alone.
fn arrived(arrival: &Arrival) -> Markup {
    let fields = [
        ("source_addr_ton", arrival.source_addr_ton),
        ("source_addr_npi", arrival.source_addr_npi),
        ("dest_addr_ton", arrival.dest_addr_ton),
        ("dest_addr_npi", arrival.dest_addr_npi),
        ("registered_delivery", arrival.registered_delivery),
    ];
    html! {
        h3 { "To the link alone" }
        dl.facts {
            div { dt { "Command" } dd { code { (text::shown(&arrival.command)) } } }
            div { dt { "sequence_number" } dd { (arrival.sequence_number) } }
            @for (name, octet) in fields {
                div { dt { (name) } dd { code { (format!("0x{octet:02X}")) } " " (dissect::meaning(name, octet)) } }
            }
        }
    }
}

fn tlvs(tlvs: &[Tlv]) -> Markup {
    html! {
        h3 { "Optional parameters" }
        div.scroll { table {
            thead { tr { th scope="col" { "Tag" } th scope="col" { "Name" } th scope="col" { "Value" } } }
            tbody { @for tlv in tlvs { tr {
                td { code { (format!("0x{:04X}", tlv.tag)) } }
                td { (tlv.name.as_deref().unwrap_or("of a vendor")) }
                td { @match &tlv.value {
                    Some(octets) => code.hex { (parts::spaced(&octets.hex)) },
                    None => (parts::masked()),
                } }
            } } }
        } }
    }
}

fn alphabet(data_coding: u8) -> &'static str {
    // No data_coding means UTF-8 by itself, so that the answer can only be the default.
    match Alphabet::of(DataCoding(data_coding), Alphabet::Utf8) {
        Alphabet::Utf8 => "default alphabet",
        Alphabet::Gsm | Alphabet::GsmPacked => "GSM 03.38",
        Alphabet::Latin1 => "Latin-1",
        Alphabet::Ascii => "ASCII",
        Alphabet::Utf16 => "UCS-2",
        Alphabet::Binary => "octets",
    }
}

/// What the bits mean (SMPP 3.4 §5.2.12), those that say something.
fn class(esm_class: u8) -> String {
    let class = EsmClass(esm_class);
    let mode = match class.messaging_mode() {
        1 => Some("datagram mode"),
        2 => Some("forward mode"),
        3 => Some("store and forward mode"),
        _ => None,
    };
    let kind = match class.message_type() {
        0x00 => None,
        0x04 => Some("delivery receipt"),
        0x08 => Some("delivery acknowledgement"),
        0x10 => Some("user acknowledgement"),
        0x20 => Some("intermediate notification"),
        _ => Some("reserved message type"),
    };
    let header = class.has_udhi().then_some("user data header");
    let path = class.has_reply_path().then_some("reply path");
    let said: Vec<&str> = [mode, kind, header, path].into_iter().flatten().collect();
    if said.is_empty() { "default".to_owned() } else { said.join(", ") }
}

/// Sixteen octets in a line, with their place before them and what is ASCII of them behind.
fn dump(hex: &str) -> String {
    let octets: Vec<u8> =
        (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    let line = |(at, octets): (usize, &[u8])| {
        let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let ascii =
            octets.iter().map(|octet| if octet.is_ascii_graphic() || *octet == b' ' { *octet as char } else { '.' });
        format!("{:04x}  {:<47}  {}\n", 16 * at, pairs.join(" "), ascii.collect::<String>())
    };
    octets.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_octets_are_said_in_words() {
        assert_eq!(class(0), "default");
        assert_eq!(class(0xC3), "store and forward mode, user data header, reply path");
        assert_eq!(class(0x04), "delivery receipt");
        for (coding, name) in
            [(0x00, "default alphabet"), (0x08, "UCS-2"), (0x04, "octets"), (0xF5, "octets"), (0x03, "Latin-1")]
        {
            assert_eq!(alphabet(coding), name, "{coding:02X}");
        }
        let hex: String = (0x30u8..0x42).map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            dump(&hex),
            "0000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?\n0010  40 41                                            @A\n"
        );
        assert_eq!(dump(""), "");
    }
}
