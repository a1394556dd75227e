//! Splits a long message into parts that fit an SMS each, and joins parts again.
//!
//! Works on user data as SMPP carries it: one septet per octet for the GSM alphabet, UTF-16BE, or
//! octets. Knows what fits the 140 octets on the radio (3GPP TS 23.040 §9.2.3.24.1) and never cuts
//! through an escape, a surrogate pair or what a reader sees as one character. Keeps no state:
//! collecting parts and choosing references is the embedder's business.

mod cluster;
mod join;

use bytes::{BufMut, Bytes, BytesMut};

use crate::text::{Alphabet, Shifts, gsm};
use crate::udh::{Concat, Udh};
use crate::values::DataCoding;
use cluster::Clusters;

pub use join::{Joined, Unjoinable, join};

/// Parts of one message: what the total in a header or a SAR TLV can say.
pub const PARTS_MAX: usize = 255;

/// Octets of user data in one SMS, header included.
const RADIO_OCTETS: usize = 140;
/// What a concatenation element adds to a header that has others.
const CONCAT_8_OCTETS: usize = 5;
const CONCAT_16_OCTETS: usize = 6;
/// Longest message a `message_payload` TLV can say.
const PAYLOAD_OCTETS_MAX: usize = 65_535;
/// The least a part must hold: an escape with its septet. A surrogate pair takes four octets.
const PART_UNITS_MIN: usize = 2;

/// How parts of a long message say which they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// In the user data header, with an 8-bit reference. Every handset knows it.
    #[default]
    Udh8,
    /// In the user data header, with a 16-bit reference.
    Udh16,
    /// In the SAR TLVs (SMPP 3.4 §5.3.2.22); the parts are as short as with [`Style::Udh8`], so that
    /// the SMSC behind can still make a header of them.
    Sar,
    /// One message, in the `message_payload` TLV when it is too long for one SMS.
    Payload,
}

/// One message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The user data, with its header at the front when `has_udhi`.
    pub octets: Bytes,
    /// `esm_class` needs UDHI.
    pub has_udhi: bool,
    /// What the SAR TLVs say.
    pub sar: Option<Concat>,
    /// The octets go into `message_payload`, and `short_message` stays empty.
    pub is_payload: bool,
}

/// A message as the parts it is sent in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// In order, at least one.
    pub parts: Vec<Part>,
}

/// The message cannot be sent in one piece, nor in 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {octets} octets is too long for {PARTS_MAX} parts")]
pub struct TooLong {
    /// Length of the user data.
    pub octets: usize,
}

/// Splits what is too long for one SMS.
///
/// `octets` is the user data in `data_coding`: GSM septets unpacked, UTF-16BE, or octets; `udh` has
/// the elements every part carries (ports, shift tables), and a concatenation element in it is
/// dropped. What fits one SMS comes back as one part without concatenation. `reference` should differ
/// from that of other messages under way to the same subscriber; [`Style::Udh8`] uses its low octet.
///
/// # Errors
/// When it takes more than [`PARTS_MAX`] parts, or does not fit a TLV with [`Style::Payload`].
pub fn split(
    data_coding: DataCoding,
    udh: &Udh,
    octets: &Bytes,
    style: Style,
    reference: u16,
) -> Result<Segments, TooLong> {
    let udh = udh.without_concat();
    let too_long = TooLong { octets: octets.len() };
    let plan = Plan::of(data_coding, &udh, octets, style).ok_or(too_long)?;
    let cuts = match plan {
        Plan::Whole { is_payload } => {
            let whole = Part { is_payload, ..part(&udh, octets, None) };
            if is_payload && whole.octets.len() > PAYLOAD_OCTETS_MAX {
                return Err(too_long);
            }
            return Ok(Segments { parts: vec![whole] });
        }
        Plan::Cuts(cuts) => cuts,
    };
    let total = u8::try_from(cuts.len()).map_err(|_| too_long)?;
    let mut parts = Vec::with_capacity(cuts.len());
    let mut start = 0;
    for (number, end) in (1..=total).zip(cuts) {
        let user_data = octets.slice(start..end);
        let concat = Concat { reference, total, number, wide: style != Style::Udh8 };
        parts.push(if style == Style::Sar {
            Part { sar: Some(concat), ..part(&udh, &user_data, None) }
        } else {
            part(&udh, &user_data, Some(concat))
        });
        start = end;
    }
    Ok(Segments { parts })
}

/// How many parts [`split`] makes, also where that is more than it allows; `usize::MAX` when the
/// header leaves no room for text, or a TLV no room for all of it.
#[must_use]
pub fn parts_needed(data_coding: DataCoding, udh: &Udh, octets: &Bytes, style: Style) -> usize {
    match Plan::of(data_coding, &udh.without_concat(), octets, style) {
        Some(Plan::Whole { is_payload: true }) if udh.octets_len() + octets.len() > PAYLOAD_OCTETS_MAX => usize::MAX,
        Some(Plan::Whole { .. }) => 1,
        Some(Plan::Cuts(cuts)) => cuts.len(),
        None => usize::MAX,
    }
}

/// A segment that came with SAR TLVs as one that says in its header which part it is, for a peer that knows
/// no TLVs. One that filled an SMS before is longer than an SMS then: whoever made it left no room.
#[must_use]
pub fn in_header(udh: &Udh, octets: &Bytes, concat: Concat) -> Part {
    part(&udh.without_concat(), octets, Some(concat))
}

/// One part with its header. The concatenation stands first: some handsets look nowhere else.
fn part(udh: &Udh, user_data: &Bytes, concat: Option<Concat>) -> Part {
    let mut header = Udh::new();
    if let Some((iei, value)) = concat.map(|concat| concat.element()) {
        header.push(iei, value);
    }
    for (iei, value) in udh.elements() {
        header.push(iei, value.clone());
    }
    let octets = if header.is_empty() {
        user_data.clone()
    } else {
        let mut octets = BytesMut::with_capacity(header.octets_len() + user_data.len());
        octets.put(header.encode());
        octets.put_slice(user_data);
        octets.freeze()
    };
    Part { octets, has_udhi: !header.is_empty(), sar: None, is_payload: false }
}

/// Where a message is cut.
enum Plan {
    Whole {
        is_payload: bool,
    },
    /// Where each part ends, in octets of the user data.
    Cuts(Vec<usize>),
}

impl Plan {
    /// `None` when the header leaves no room. `udh` has no concatenation element.
    fn of(data_coding: DataCoding, udh: &Udh, octets: &Bytes, style: Style) -> Option<Plan> {
        let unit = Unit::of(data_coding);
        if unit.room(udh.octets_len()).is_some_and(|room| octets.len() <= room) {
            return Some(Plan::Whole { is_payload: false });
        }
        let concat_octets = match style {
            Style::Udh8 | Style::Sar => CONCAT_8_OCTETS,
            Style::Udh16 => CONCAT_16_OCTETS,
            Style::Payload => return Some(Plan::Whole { is_payload: true }),
        };
        let room = unit.room(udh.octets_len().max(1) + concat_octets)?;
        let mut cuts = Cuts { room, start: 0, cluster: 0, at: 0, clusters: Clusters::default(), ends: Vec::new() };
        match unit {
            Unit::Septet => gsm::chars(octets, Shifts::of(udh)).for_each(|(character, len)| cuts.step(character, len)),
            Unit::Utf16 => utf_16_chars(octets).for_each(|(character, len)| cuts.step(character, len)),
            Unit::Octet => cuts.ends.extend((1..octets.len().div_ceil(room)).map(|number| number * room)),
        }
        cuts.ends.push(octets.len());
        Some(Plan::Cuts(cuts.ends))
    }
}

/// What a part is counted in.
#[derive(Clone, Copy)]
enum Unit {
    Septet,
    Utf16,
    Octet,
}

impl Unit {
    fn of(data_coding: DataCoding) -> Unit {
        match Alphabet::of(data_coding, Alphabet::Gsm) {
            Alphabet::Gsm | Alphabet::GsmPacked => Unit::Septet,
            Alphabet::Utf16 => Unit::Utf16,
            _ => Unit::Octet,
        }
    }

    /// Octets of user data, as SMPP carries them, beside a header; `None` when that is too little.
    /// On the radio septets start at a septet's boundary behind the header (§9.2.3.24).
    fn room(self, header_octets: usize) -> Option<usize> {
        let radio_octets = RADIO_OCTETS.checked_sub(header_octets)?;
        let (room, unit_octets) = match self {
            Unit::Septet => (radio_octets * 8 / 7, 1),
            Unit::Utf16 => (radio_octets / 2 * 2, 2),
            Unit::Octet => (radio_octets, 1),
        };
        (room >= PART_UNITS_MIN * unit_octets).then_some(room)
    }
}

/// Walks over characters and notes where parts end.
struct Cuts {
    room: usize,
    /// Where the part under way starts.
    start: usize,
    /// Where the cluster under way starts.
    cluster: usize,
    at: usize,
    clusters: Clusters,
    ends: Vec<usize>,
}

impl Cuts {
    /// Takes the next character, `len` octets long.
    fn step(&mut self, character: char, len: usize) {
        if self.clusters.starts_with(character) {
            self.cluster = self.at;
        }
        while self.at + len - self.start > self.room {
            // A cluster longer than a part is cut between its characters.
            self.start = if self.cluster > self.start { self.cluster } else { self.at };
            self.ends.push(self.start);
        }
        self.at += len;
    }
}

/// Characters of UTF-16BE with their length in octets; half a pair and an odd octet count as one.
fn utf_16_chars(octets: &[u8]) -> impl Iterator<Item = (char, usize)> {
    let (pairs, odd) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let whole = char::decode_utf16(units).map(|unit| match unit {
        Ok(character) => (character, character.len_utf16() * 2),
        Err(_) => ('\u{FFFD}', 2),
    });
    whole.chain((!odd.is_empty()).then_some(('\u{FFFD}', 1)))
}
