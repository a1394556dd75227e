//! Under which names a peer's message id may come back: hex, decimal, padded, in another case, cut off.
//!
//! The names of a response are what to index, the names of a receipt are what to look up, best first.
//! Never keeps an id; the embedder's index does.

/// Most octets of `receipted_message_id` without its NUL (SMPP 3.4 §5.3.2.12): longer ids come back cut.
const RECEIPTED_ID_MAX: usize = 64;

/// How a peer writes in its receipts the ids it gave in its `submit_sm_resp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdFormat {
    /// Not known: as it was, then as if it had been decimal, then as if it had been hexadecimal.
    #[default]
    Auto,
    /// Hexadecimal in receipts, decimal in responses.
    Hex,
    /// Decimal in receipts, hexadecimal in responses.
    Decimal,
}

/// Where an id was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdSource {
    /// In a `submit_sm_resp`, `data_sm_resp` or `submit_multi_resp`: names to index.
    Response,
    /// In a receipt: names to look up, in this order.
    Receipt,
}

/// The names of a message id, none twice. The names of a response and those of the receipt for the same
/// message share at least one, unless the peer does what nobody can undo.
///
/// A response has its id as it came, then in lower case without leading zeros; the same for every
/// `format`, so that an index outlives a change of it. A receipt has these too, and the same number in
/// the other base where it is one of up to 128 bits. With [`IdFormat::Auto`] that comes last: an id of
/// digits only may be either, and peers that count have both `10` and `16` given away. State the format
/// for a peer whose ids are short.
#[must_use]
pub fn canonical_ids(id: &[u8], format: IdFormat, from: IdSource) -> Vec<String> {
    let id = trimmed(id);
    let mut names = Vec::new();
    if id.is_empty() {
        return names;
    }
    let same = normal(id);
    let decimal = || from_radix(&same, 10).map(|number| format!("{number:x}"));
    let hex = || from_radix(&same, 16).map(|number| number.to_string());
    let (first, last) = match (from, format) {
        (IdSource::Response, _) => ([None, None], [None, None]),
        (IdSource::Receipt, IdFormat::Auto) => ([None, None], [decimal(), hex()]),
        (IdSource::Receipt, IdFormat::Hex) => ([hex(), None], [None, None]),
        (IdSource::Receipt, IdFormat::Decimal) => ([decimal(), None], [None, None]),
    };
    let cut = (id.len() > RECEIPTED_ID_MAX).then(|| normal(&id[..RECEIPTED_ID_MAX]));
    let as_it_came = [Some(latin_1(id)), Some(same.clone()), cut];
    for name in first.into_iter().chain(as_it_came).chain(last).flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Without the NUL and space that some peers fill the field with.
fn trimmed(id: &[u8]) -> &[u8] {
    let is_filler = |octet: &u8| *octet == 0 || octet.is_ascii_whitespace();
    let start = id.iter().position(|octet| !is_filler(octet)).unwrap_or(id.len());
    let end = id.iter().rposition(|octet| !is_filler(octet)).map_or(start, |last| last + 1);
    &id[start..end]
}

/// Lower case without leading zeros and without `0x`; zero stays `0`.
fn normal(id: &[u8]) -> String {
    let lower = latin_1(id).to_ascii_lowercase();
    let digits = lower.strip_prefix("0x").unwrap_or(&lower).trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
}

/// Every octet as the character of its number, so that different ids have different names.
fn latin_1(id: &[u8]) -> String {
    id.iter().map(|octet| char::from(*octet)).collect()
}

/// The number, unless there is something else than digits or it is beyond 128 bits.
fn from_radix(text: &str, radix: u32) -> Option<u128> {
    // `from_str_radix` alone takes a sign.
    text.chars().all(|c| c.is_digit(radix)).then(|| u128::from_str_radix(text, radix).ok()).flatten()
}
