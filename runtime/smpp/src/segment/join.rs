//! Parts back into one message.

use bytes::{Bytes, BytesMut};

use super::Part;
use crate::text::Shifts;
use crate::udh::{Concat, MalformedUdh, Udh};

/// A message made whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// The header of the first part, less its concatenation.
    pub udh: Udh,
    /// The user data of all parts.
    pub octets: Bytes,
}

/// Why parts make no message. The embedder should pass them on one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unjoinable {
    /// There are no parts, or one that is none stands among others.
    #[error("not a part of a longer message")]
    NotAPart,
    /// The parts say different totals or references.
    #[error("parts of different messages")]
    Mixed,
    /// A part is not there.
    #[error("part {number} of {total} is missing")]
    Missing {
        /// The first that is not there.
        number: u8,
        /// How many there should be.
        total: u8,
    },
    /// The parts are written with different national tables, so their septets must not be mixed.
    #[error("parts with different national language tables")]
    MixedTables,
    /// A part's header is longer than the part.
    #[error(transparent)]
    Udh(#[from] MalformedUdh),
}

impl Part {
    /// Which part this is, from the header or else from the SAR TLVs; `None` for a whole message.
    #[must_use]
    pub fn concat(&self) -> Option<Concat> {
        let in_header = || Udh::split(&self.octets).ok()?.0.concat();
        let in_tlvs = || self.sar.filter(|sar| sar.is_valid());
        self.has_udhi.then(in_header).flatten().or_else(in_tlvs)
    }

    /// The header and the user data behind it.
    fn split(&self) -> Result<(Udh, Bytes), MalformedUdh> {
        if self.has_udhi { Udh::split(&self.octets) } else { Ok((Udh::new(), self.octets.clone())) }
    }
}

/// Joins parts, given in any order, by number; a part that came twice counts once. A whole message
/// alone is a message.
///
/// # Errors
/// When the parts are not all parts of one message.
pub fn join(parts: &[Part]) -> Result<Joined, Unjoinable> {
    let first = parts.first().ok_or(Unjoinable::NotAPart)?;
    let Some(concat) = first.concat() else {
        let (udh, octets) = first.split()?;
        let joined = Joined { udh: udh.without_concat(), octets };
        return if parts.len() == 1 { Ok(joined) } else { Err(Unjoinable::NotAPart) };
    };
    let mut by_number: Vec<Option<&Part>> = vec![None; usize::from(concat.total)];
    for part in parts {
        let other = part.concat().ok_or(Unjoinable::NotAPart)?;
        if (other.reference, other.total) != (concat.reference, concat.total) {
            return Err(Unjoinable::Mixed);
        }
        by_number[usize::from(other.number) - 1].get_or_insert(part);
    }
    let mut header: Option<Udh> = None;
    let mut octets = BytesMut::new();
    for (number, part) in (1..=concat.total).zip(by_number) {
        let (udh, user_data) = part.ok_or(Unjoinable::Missing { number, total: concat.total })?.split()?;
        octets.extend_from_slice(&user_data);
        let header = header.get_or_insert_with(|| udh.without_concat());
        if Shifts::of(header) != Shifts::of(&udh) {
            return Err(Unjoinable::MixedTables);
        }
    }
    Ok(Joined { udh: header.unwrap_or_default(), octets: octets.freeze() })
}
