//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).
//!
//! One septet per octet, as SMPP carries it; [`pack`] and [`unpack`] serve the centres that send
//! eight septets in seven octets. National language tables take the place of either table
//! when a message's header says so.

use super::Shifts;
use super::national::{HOLE, Table};

/// Leads to the extension table.
const ESCAPE: u8 = 0x1B;
/// What is shown for an octet that is no septet, or a septet without a character.
const REPLACEMENT: char = '\u{FFFD}';

/// §6.2.1. The escape itself is shown as a space when nothing follows it.
pub(super) const TABLE: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', // 0x00
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', // 0x10
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', // 0x20
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', // 0x30
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', // 0x40
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', // 0x50
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', // 0x60
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', // 0x70
];

/// §6.2.1.1: septets behind an escape.
pub(super) const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// In [`REVERSE`]: the septet stands behind an escape.
const EXTENDED: u8 = 0x80;
/// In [`REVERSE`]: not in the alphabet.
const ABSENT: u8 = 0xFF;

/// Septets of the characters below U+0100, by code point.
const REVERSE: [u8; 256] = reverse();

const fn reverse() -> [u8; 256] {
    let mut reverse = [ABSENT; 256];
    let mut septet = 0;
    while septet < TABLE.len() {
        let code_point = TABLE[septet] as usize;
        if code_point < reverse.len() && septet != ESCAPE as usize {
            reverse[code_point] = septet as u8;
        }
        septet += 1;
    }
    let mut row = 0;
    while row < EXTENSION.len() {
        let (septet, character) = EXTENSION[row];
        if (character as usize) < reverse.len() {
            reverse[character as usize] = EXTENDED | septet;
        }
        row += 1;
    }
    reverse
}

/// Septets, one per octet, to text. An octet above 0x7F is none and becomes U+FFFD.
#[must_use]
pub fn decode(septets: &[u8]) -> String {
    // Two octets of UTF-8 per septet at most for all but '€' and U+FFFD.
    let mut text = String::with_capacity(septets.len() + septets.len() / 8);
    let mut septets = septets.iter().copied();
    while let Some(septet) = septets.next() {
        let character = match septet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' => char::from(septet),
            ESCAPE => septets.next().map_or(' ', extension),
            _ => TABLE.get(usize::from(septet)).copied().unwrap_or(REPLACEMENT),
        };
        text.push(character);
    }
    text
}

/// The same in national tables.
#[must_use]
pub fn decode_shifted(septets: &[u8], shifts: Shifts) -> String {
    if shifts.is_default() {
        return decode(septets);
    }
    chars(septets, shifts).map(|(character, _)| character).collect()
}

/// Characters with their length in septets.
pub(crate) fn chars(septets: &[u8], shifts: Shifts) -> impl Iterator<Item = (char, usize)> {
    let (locking, single) = (shifts.locking_table(), shifts.single_table());
    let mut septets = septets.iter().copied();
    std::iter::from_fn(move || {
        let septet = septets.next()?;
        if septet != ESCAPE {
            return Some((locked(septet, locking), 1));
        }
        let Some(septet) = septets.next() else { return Some((' ', 1)) };
        let shifted = match single {
            // A second escape shows a space (§6.2.1.1, note 1), as in the default alphabet.
            _ if septet == ESCAPE => ' ',
            Some(table) => in_table(table, septet).unwrap_or_else(|| locked(septet, locking)),
            None => in_extension(septet).unwrap_or_else(|| locked(septet, locking)),
        };
        Some((shifted, 2))
    })
}

/// A septet without an escape.
fn locked(septet: u8, locking: Option<&Table>) -> char {
    let character = match locking {
        Some(table) => in_table(table, septet),
        None => TABLE.get(usize::from(septet)).copied(),
    };
    character.unwrap_or(REPLACEMENT)
}

fn in_table(table: &Table, septet: u8) -> Option<char> {
    let code_point = *table.get(usize::from(septet))?;
    if code_point == HOLE { None } else { char::from_u32(u32::from(code_point)) }
}

fn in_extension(septet: u8) -> Option<char> {
    EXTENSION.iter().find(|(extended, _)| *extended == septet).map(|(_, character)| *character)
}

/// A septet the extension table lacks shows its default character, and a second escape a space
/// (§6.2.1.1, notes 1 and 5).
fn extension(septet: u8) -> char {
    in_extension(septet).unwrap_or_else(|| locked(septet, None))
}

/// Text to septets, one per octet; `None` when a character is not in the alphabet.
#[must_use]
pub fn encode(text: &str) -> Option<Vec<u8>> {
    encode_shifted(text, Shifts::default())
}

/// The same in national tables.
#[must_use]
pub fn encode_shifted(text: &str, shifts: Shifts) -> Option<Vec<u8>> {
    let writer = Writer::new(shifts);
    let mut septets = Vec::with_capacity(text.len());
    text.chars().all(|character| writer.put(character, &mut septets)).then_some(septets)
}

/// Writes characters in one choice of tables.
pub(super) struct Writer {
    locking: Option<&'static Table>,
    single: Option<&'static Table>,
}

impl Writer {
    pub(super) fn new(shifts: Shifts) -> Writer {
        Writer { locking: shifts.locking_table(), single: shifts.single_table() }
    }

    /// Adds one character's septets; false, and nothing added, when the tables lack it.
    pub(super) fn put(&self, character: char, septets: &mut Vec<u8>) -> bool {
        let default = septet(character);
        let is_plain = default != ABSENT && default & EXTENDED == 0;
        let locked = match self.locking {
            Some(table) => of_table(table, character),
            None => is_plain.then_some(default),
        };
        if let Some(septet) = locked {
            septets.push(septet);
            return true;
        }
        let shifted = match self.single {
            Some(table) => of_table(table, character),
            None => (default != ABSENT && !is_plain).then_some(default & !EXTENDED),
        };
        if let Some(septet) = shifted {
            septets.extend_from_slice(&[ESCAPE, septet]);
        }
        shifted.is_some()
    }
}

/// The septet of a character in a national table.
fn of_table(table: &Table, character: char) -> Option<u8> {
    let code_point = u16::try_from(u32::from(character)).ok().filter(|code_point| *code_point != HOLE)?;
    // Most of a text are letters and digits that stand where ASCII has them.
    let in_place = usize::from(code_point);
    let is_in_place = table.get(in_place) == Some(&code_point);
    let septet = if is_in_place { in_place } else { table.iter().position(|listed| *listed == code_point)? };
    u8::try_from(septet).ok()
}

/// The septet of a character, with [`EXTENDED`] set behind an escape, or [`ABSENT`].
fn septet(character: char) -> u8 {
    if let Some(septet) = REVERSE.get(character as usize) {
        return *septet;
    }
    match character {
        'Δ' => 0x10,
        'Φ' => 0x12,
        'Γ' => 0x13,
        'Λ' => 0x14,
        'Ω' => 0x15,
        'Π' => 0x16,
        'Ψ' => 0x17,
        'Σ' => 0x18,
        'Θ' => 0x19,
        'Ξ' => 0x1A,
        '€' => EXTENDED | 0x65,
        _ => ABSENT,
    }
}

/// Fill bits between a header of this many octets and the septets behind it (3GPP TS 23.040
/// §9.2.3.24): text starts at a septet's boundary.
const fn fill_bits(header_octets: usize) -> u32 {
    [0, 6, 5, 4, 3, 2, 1][header_octets % 7]
}

/// Eight septets into seven octets, lowest bits first (§6.1.2.1.1). Seven spare bits at the end would
/// read as '@', so they are filled with a carriage return, and a text that ends with one at an octet's
/// end gets a second.
#[must_use]
pub fn pack(septets: &[u8]) -> Vec<u8> {
    pack_behind(0, septets)
}

/// The same behind a user data header of so many octets, its length octet included.
#[must_use]
pub fn pack_behind(header_octets: usize, septets: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(septets.len() * 7 / 8 + 2);
    let (mut bits, mut count) = (0u16, fill_bits(header_octets));
    let mut put = |septet: u8, octets: &mut Vec<u8>| {
        bits |= u16::from(septet & 0x7F) << count;
        count += 7;
        if count >= 8 {
            octets.push((bits & 0xFF) as u8);
            bits >>= 8;
            count -= 8;
        }
        count
    };
    let mut left = 0;
    for septet in septets {
        left = put(*septet, &mut octets);
    }
    match left {
        0 if septets.last() == Some(&b'\r') => {
            put(b'\r', &mut octets);
            put(0, &mut octets);
        }
        0 => {}
        1 => {
            put(b'\r', &mut octets);
        }
        _ => {
            put(0, &mut octets);
        }
    }
    octets
}

/// Seven octets into eight septets. A carriage return at the end of the last octet is the
/// filler of [`pack`] and dropped, and so is an '@': simple packers fill with zeros.
#[must_use]
pub fn unpack(octets: &[u8]) -> Vec<u8> {
    unpack_behind(0, octets)
}

/// The same behind a user data header of so many octets, its length octet included.
#[must_use]
pub fn unpack_behind(header_octets: usize, octets: &[u8]) -> Vec<u8> {
    let fill_bits = fill_bits(header_octets);
    let mut septets = Vec::with_capacity(octets.len() * 8 / 7);
    let (mut bits, mut count) = (0u16, 0);
    for (at, octet) in octets.iter().enumerate() {
        bits |= u16::from(*octet) << count;
        count += 8;
        if at == 0 {
            bits >>= fill_bits;
            count -= fill_bits;
        }
        while count >= 7 {
            septets.push((bits & 0x7F) as u8);
            bits >>= 7;
            count -= 7;
        }
    }
    let ends_with_octet = count == 0 && !octets.is_empty();
    if ends_with_octet && matches!(septets.last(), Some(b'\r' | 0)) {
        septets.pop();
    }
    septets
}
