//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).
//!
//! One septet per octet, as SMPP carries it; [`pack`] and [`unpack`] serve the centres that send
//! eight septets in seven octets. National language tables are not here.

/// Leads to the extension table.
const ESCAPE: u8 = 0x1B;

/// §6.2.1. The escape itself is shown as a space when nothing follows it.
const TABLE: [char; 128] = [
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
const EXTENSION: [(u8, char); 10] = [
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
            _ => TABLE.get(usize::from(septet)).copied().unwrap_or('\u{FFFD}'),
        };
        text.push(character);
    }
    text
}

/// A septet the extension table lacks shows its default character, and a second escape a space
/// (§6.2.1.1, notes 1 and 5).
fn extension(septet: u8) -> char {
    match EXTENSION.iter().find(|(extended, _)| *extended == septet) {
        Some((_, character)) => *character,
        None => TABLE.get(usize::from(septet)).copied().unwrap_or('\u{FFFD}'),
    }
}

/// Text to septets, one per octet; `None` when a character is not in the alphabet.
#[must_use]
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::with_capacity(text.len());
    for character in text.chars() {
        match septet(character) {
            ABSENT => return None,
            septet if septet & EXTENDED != 0 => {
                septets.extend_from_slice(&[ESCAPE, septet & !EXTENDED]);
            }
            septet => septets.push(septet),
        }
    }
    Some(septets)
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

/// Eight septets into seven octets, lowest bits first (§6.1.2.1.1). Seven spare bits at the end would
/// read as '@', so they are filled with a carriage return, and a text that ends with one at an octet's
/// end gets a second.
#[must_use]
pub fn pack(septets: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(septets.len() * 7 / 8 + 1);
    let (mut bits, mut count) = (0u16, 0);
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
    let mut septets = Vec::with_capacity(octets.len() * 8 / 7);
    let (mut bits, mut count) = (0u16, 0);
    for octet in octets {
        bits |= u16::from(*octet) << count;
        count += 8;
        while count >= 7 {
            septets.push((bits & 0x7F) as u8);
            bits >>= 7;
            count -= 7;
        }
    }
    if octets.len().is_multiple_of(7) && matches!(septets.last(), Some(b'\r' | 0)) {
        septets.pop();
    }
    septets
}
