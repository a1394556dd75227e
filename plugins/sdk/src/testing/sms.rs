//! How many SMS a body takes.

use crate::message::Body;

/// SMS that one message may become.
const PARTS_MAX: usize = 10;

/// Whether a text is one SMS: 160 septets in the GSM alphabet, else 70 UTF-16 code units.
pub fn fits_one_sms(text: &str) -> bool {
    parts(&Body::from(text)) <= 1
}

/// Whether a text is sent at all: ten SMS at most, each with room for 152 septets or 66 UTF-16 code units
/// beside what says which part it is.
pub fn fits_ten_sms(text: &str) -> bool {
    fits(&Body::from(text))
}

pub(super) fn fits(body: &Body) -> bool {
    parts(body) <= PARTS_MAX
}

/// SMS that a body takes, with 16-bit references in those of a long one.
pub(super) fn parts(body: &Body) -> usize {
    let (units, whole, part) = match body {
        Body::Binary(octets) => (octets.len(), 140, 133),
        Body::Text(text) => match text.chars().map(septets).sum::<Option<usize>>() {
            Some(septets) => (septets, 160, 152),
            None => (text.encode_utf16().count(), 70, 66),
        },
    };
    if units <= whole { 1 } else { units.div_ceil(part) }
}

/// Septets of a character in the GSM 03.38 default alphabet, the extension table included.
fn septets(char: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                         ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENSION: &str = "^{}\\[~]|€\u{c}";
    match char {
        _ if BASIC.contains(char) => Some(1),
        _ if EXTENSION.contains(char) => Some(2),
        _ => None,
    }
}
