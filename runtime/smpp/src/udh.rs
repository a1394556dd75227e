//! User data header: what stands before the text when `esm_class` has UDHI (3GPP TS 23.040 §9.2.3.24).
//!
//! Keeps every element in wire order, known or not, so that a relay passes on what it was given.
//! Reads concatenation and the national language elements; the rest is octets.

use bytes::{BufMut, Bytes, BytesMut};

/// Information element identifiers this crate gives a meaning to (§9.2.3.24).
pub mod iei {
    /// Concatenated short messages, 8-bit reference (§9.2.3.24.1).
    pub const CONCAT_8: u8 = 0x00;
    /// Application port addressing, 16-bit ports (§9.2.3.24.4).
    pub const PORTS_16: u8 = 0x05;
    /// Concatenated short messages, 16-bit reference (§9.2.3.24.8).
    pub const CONCAT_16: u8 = 0x08;
    /// National language single shift (§9.2.3.24.15).
    pub const SINGLE_SHIFT: u8 = 0x24;
    /// National language locking shift (§9.2.3.24.16).
    pub const LOCKING_SHIFT: u8 = 0x25;
}

/// Identifier and length of one element.
const ELEMENT_HEADER_OCTETS: usize = 2;

/// Octets of all elements together: what the one octet UDHL can say.
const ELEMENTS_OCTETS_MAX: usize = 255;

/// Which part of a long message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The same in all parts of one message.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// Which of them this is, from 1.
    pub number: u8,
    /// The reference has 16 bits (element 0x08, or SAR TLVs) instead of 8.
    pub wide: bool,
}

impl Concat {
    /// The header element that says this. Without `wide` the reference loses its high octet.
    #[must_use]
    pub fn element(&self) -> (u8, Bytes) {
        let [high, low] = self.reference.to_be_bytes();
        if self.wide {
            (iei::CONCAT_16, Bytes::copy_from_slice(&[high, low, self.total, self.number]))
        } else {
            (iei::CONCAT_8, Bytes::copy_from_slice(&[low, self.total, self.number]))
        }
    }

    /// §9.2.3.24.1: a total of 0, a number of 0 and a number above the total are to be ignored.
    pub(crate) const fn is_valid(self) -> bool {
        self.number != 0 && self.number <= self.total
    }
}

/// The header claims more octets than the message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("user data header of {claimed} octets in a message that has {present}")]
pub struct MalformedUdh {
    /// UDHL and its own octet.
    pub claimed: usize,
    /// Octets of the message.
    pub present: usize,
}

/// The elements of a user data header, in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Udh(Vec<(u8, Bytes)>);

impl Udh {
    /// No elements; allocates nothing.
    #[must_use]
    pub const fn new() -> Udh {
        Udh(Vec::new())
    }

    /// Splits `octets` (`esm_class` has UDHI) into the header and the user data behind it.
    ///
    /// A header whose last element does not end where the header ends is ignored as a whole, as
    /// §9.2.3.24 demands: no elements, but its octets are not text either.
    ///
    /// # Errors
    /// When UDHL is missing or exceeds what is there.
    pub fn split(octets: &Bytes) -> Result<(Udh, Bytes), MalformedUdh> {
        let claimed = 1 + octets.first().map_or(0, |udhl| usize::from(*udhl));
        if claimed > octets.len() {
            return Err(MalformedUdh { claimed, present: octets.len() });
        }
        let elements = Udh::read(&octets.slice(1..claimed)).unwrap_or_default();
        Ok((elements, octets.slice(claimed..)))
    }

    /// Reads the elements; `None` when the last one does not end with `octets`.
    fn read(octets: &Bytes) -> Option<Udh> {
        let mut elements = Vec::new();
        let mut at = 0;
        while at < octets.len() {
            let header = octets.get(at..at + ELEMENT_HEADER_OCTETS)?;
            let start = at + ELEMENT_HEADER_OCTETS;
            let end = start + usize::from(header[1]);
            if end > octets.len() {
                return None;
            }
            elements.push((header[0], octets.slice(start..end)));
            at = end;
        }
        Some(Udh(elements))
    }

    /// Which part of a long message this is; `None` when it is whole or the element makes no sense.
    ///
    /// Of several elements the last one counts (§9.2.3.24).
    #[must_use]
    pub fn concat(&self) -> Option<Concat> {
        let concat = self.0.iter().rev().find_map(|(iei, value)| match (*iei, value.as_ref()) {
            (iei::CONCAT_8, &[reference, total, number]) => {
                Some(Concat { reference: u16::from(reference), total, number, wide: false })
            }
            (iei::CONCAT_16, &[high, low, total, number]) => {
                Some(Concat { reference: u16::from_be_bytes([high, low]), total, number, wide: true })
            }
            _ => None,
        })?;
        concat.is_valid().then_some(concat)
    }

    /// The national language whose table replaces the default alphabet (element 0x25).
    #[must_use]
    pub fn locking_shift(&self) -> Option<u8> {
        self.octet(iei::LOCKING_SHIFT)
    }

    /// The national language whose table stands behind an escape (element 0x24).
    #[must_use]
    pub fn single_shift(&self) -> Option<u8> {
        self.octet(iei::SINGLE_SHIFT)
    }

    /// The last element of one octet with this identifier.
    fn octet(&self, wanted: u8) -> Option<u8> {
        self.0.iter().rev().find_map(|(iei, value)| match value.as_ref() {
            &[octet] if *iei == wanted => Some(octet),
            _ => None,
        })
    }

    /// Identifiers and values, in wire order.
    pub fn elements(&self) -> impl Iterator<Item = (u8, &Bytes)> {
        self.0.iter().map(|(iei, value)| (*iei, value))
    }

    /// What is left when parts are joined: every element but concatenation, valid or not.
    #[must_use]
    pub fn without_concat(&self) -> Udh {
        let is_concat = |iei: u8| matches!(iei, iei::CONCAT_8 | iei::CONCAT_16);
        Udh(self.0.iter().filter(|(iei, _)| !is_concat(*iei)).cloned().collect())
    }

    /// Adds an element at the end. One that takes the header over the 255 octets its length octet
    /// can say is left out: an SMS has room for 140, so nothing that could be sent is lost.
    pub fn push(&mut self, iei: u8, value: Bytes) {
        if self.elements_octets() + ELEMENT_HEADER_OCTETS + value.len() <= ELEMENTS_OCTETS_MAX {
            self.0.push((iei, value));
        }
    }

    /// True without elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The length of [`Udh::encode`], its UDHL octet included; 0 without elements.
    #[must_use]
    pub fn octets_len(&self) -> usize {
        if self.is_empty() { 0 } else { 1 + self.elements_octets() }
    }

    /// The header with its UDHL octet; no octets at all without elements.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        if self.is_empty() {
            return Bytes::new();
        }
        let mut out = BytesMut::with_capacity(self.octets_len());
        out.put_u8(octet_of(self.elements_octets()));
        for (iei, value) in &self.0 {
            out.put_u8(*iei);
            out.put_u8(octet_of(value.len()));
            out.put_slice(value);
        }
        out.freeze()
    }

    fn elements_octets(&self) -> usize {
        self.0.iter().map(|(_, value)| ELEMENT_HEADER_OCTETS + value.len()).sum()
    }
}

/// A length inside the header; `split` and `push` keep them all below 256.
fn octet_of(len: usize) -> u8 {
    u8::try_from(len).expect("a header never exceeds 255 octets")
}
