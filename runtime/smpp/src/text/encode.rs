//! Chooses how a text is written.

use bytes::Bytes;

use super::transliterate::transliterate;
use super::{Alphabet, Encoded, NationalTables, Shifts, gsm, transcode};
use crate::segment::{self, Style};
use crate::values::DataCoding;

/// What [`encode_with`] may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Languages whose tables the subscribers' handsets know.
    pub national: NationalTables,
    /// Characters that GSM lacks may become similar ones: "č" an "c", a curly quote a straight one.
    pub transliterate: bool,
    /// What `data_coding` 0 means to the peer. Only characters that it has are written in the GSM
    /// alphabet, and national tables only where it is the GSM alphabet.
    pub default_alphabet: Alphabet,
}

/// Encodes a text so that it takes the fewest SMS; among those of the same number the first of GSM
/// default alphabet, a national single shift, a locking shift, transliteration, UTF-16. That order
/// takes what most handsets show before what is shorter.
///
/// What is written in the GSM alphabet comes out as unpacked septets whatever `default_alphabet` is,
/// because they are what [`crate::segment::split`] has to count; [`super::to_default_alphabet`] turns
/// each part into what the peer wants, and cannot fail on them.
#[must_use]
pub fn encode_with(text: &str, options: &EncodeOptions) -> Encoded {
    let default = candidate(text, Shifts::default(), options, Rank::Default);
    if let Some(default) = default.as_ref().filter(|default| default.sms == 1 || options.national.is_empty()) {
        return default.encoded.clone();
    }
    // UTF-16 never takes fewer SMS than the default alphabet: 67 units a part against at least 76.
    let utf_16 = default.is_none().then(|| Candidate::new(utf_16(text), 0, Rank::Utf16));
    let mut candidates: Vec<Candidate> = default.into_iter().collect();
    if matches!(options.default_alphabet, Alphabet::Gsm | Alphabet::GsmPacked) {
        candidates
            .extend(national(options.national).filter_map(|(shifts, rank)| candidate(text, shifts, options, rank)));
    }
    if options.transliterate && utf_16.is_some() {
        let all = std::iter::once((Shifts::default(), Rank::Default)).chain(national(options.national));
        candidates.extend(all.filter_map(|(shifts, _)| transliterated(text, shifts, options)));
    }
    candidates.extend(utf_16);
    let best = candidates.into_iter().min_by_key(Candidate::cost).expect("the default alphabet or UTF-16 is there");
    best.encoded
}

/// UTF-16, big endian, which has every character.
pub(super) fn utf_16(text: &str) -> Encoded {
    let mut octets = Vec::with_capacity(text.len() * 2);
    for unit in text.encode_utf16() {
        octets.extend_from_slice(&unit.to_be_bytes());
    }
    let units = octets.len() / 2;
    Encoded { data_coding: DataCoding::UCS_2, octets: octets.into(), units, shifts: Shifts::default() }
}

/// The GSM alphabet with these tables.
pub(super) fn gsm_text(septets: Vec<u8>, shifts: Shifts) -> Encoded {
    let units = septets.len();
    Encoded { data_coding: DataCoding::DEFAULT, octets: Bytes::from(septets), units, shifts }
}

/// In which order ways of the same cost are taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Default,
    Single,
    Locking,
    Transliterated,
    Utf16,
}

struct Candidate {
    encoded: Encoded,
    sms: usize,
    /// Characters that became others.
    lost: usize,
    rank: Rank,
}

impl Candidate {
    fn new(encoded: Encoded, lost: usize, rank: Rank) -> Candidate {
        let header = encoded.shifts.udh();
        let sms = segment::parts_needed(encoded.data_coding, &header, &encoded.octets, Style::Udh8);
        Candidate { encoded, sms, lost, rank }
    }

    fn cost(&self) -> (usize, Rank, usize, usize) {
        (self.sms, self.rank, self.lost, self.encoded.units)
    }
}

/// The tables that may be tried: each language alone, the locking tables also with the single shift.
fn national(tables: NationalTables) -> impl Iterator<Item = (Shifts, Rank)> {
    tables.ids().flat_map(|id| {
        let single = Shifts { locking: 0, single: id };
        let locking = Shifts { locking: id, single: 0 };
        let both = Shifts { locking: id, single: id };
        let has_locking = locking.locking_table().is_some();
        let locking = [(locking, Rank::Locking), (both, Rank::Locking)].into_iter().filter(move |_| has_locking);
        std::iter::once((single, Rank::Single)).chain(locking)
    })
}

/// The text in these tables, if they and the peer's alphabet have all of it.
fn candidate(text: &str, shifts: Shifts, options: &EncodeOptions, rank: Rank) -> Option<Candidate> {
    let has = |character| transcode::has(options.default_alphabet, character);
    if !text.chars().all(has) {
        return None;
    }
    Some(Candidate::new(gsm_text(gsm::encode_shifted(text, shifts)?, shifts), 0, rank))
}

/// The text in these tables, with similar characters for those they lack.
fn transliterated(text: &str, shifts: Shifts, options: &EncodeOptions) -> Option<Candidate> {
    let writer = gsm::Writer::new(shifts);
    let mut septets = Vec::with_capacity(text.len());
    let mut lost = 0;
    for character in text.chars() {
        let has = |character| transcode::has(options.default_alphabet, character);
        if has(character) && writer.put(character, &mut septets) {
            continue;
        }
        lost += 1;
        let similar = transliterate(character)?;
        if !similar.chars().all(|character| has(character) && writer.put(character, &mut septets)) {
            return None;
        }
    }
    Some(Candidate::new(gsm_text(septets, shifts), lost, Rank::Transliterated))
}
