//! National language tables (3GPP TS 23.038 §6.2.1.2 and Annex A).
//!
//! A message says in its user data header which language's table replaces the default alphabet
//! (locking shift) and which stands behind an escape (single shift). Says which languages an operator
//! allows for encoding; decoding reads them all.

mod tables;

use crate::udh::{Udh, iei};
use bytes::Bytes;
pub(in crate::text) use tables::{HOLE, Table};

/// Names by identifier, from 1 (§6.2.1.2.4).
const NAMES: [&str; 13] = [
    "turkish",
    "spanish",
    "portuguese",
    "bengali",
    "gujarati",
    "hindi",
    "kannada",
    "malayalam",
    "oriya",
    "punjabi",
    "tamil",
    "telugu",
    "urdu",
];

/// Which national tables a text is written with; 0 is the default alphabet's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shifts {
    /// The language whose table replaces the default alphabet.
    pub locking: u8,
    /// The language whose table stands behind an escape.
    pub single: u8,
}

impl Shifts {
    /// What a header says.
    #[must_use]
    pub fn of(udh: &Udh) -> Shifts {
        Shifts { locking: udh.locking_shift().unwrap_or(0), single: udh.single_shift().unwrap_or(0) }
    }

    /// The header that says it; empty for the default alphabet.
    #[must_use]
    pub fn udh(self) -> Udh {
        let mut udh = Udh::new();
        for (iei, language) in [(iei::SINGLE_SHIFT, self.single), (iei::LOCKING_SHIFT, self.locking)] {
            if language != 0 {
                udh.push(iei, Bytes::copy_from_slice(&[language]));
            }
        }
        udh
    }

    /// True when no national table is in use.
    #[must_use]
    pub fn is_default(self) -> bool {
        self == Shifts::default()
    }

    /// The locking table; `None` for the default, which a reserved identifier means as well.
    pub(in crate::text) fn locking_table(self) -> Option<&'static Table> {
        language(self.locking)?.1.as_ref()
    }

    /// The single shift table; `None` for the default, which a reserved identifier means as well.
    pub(in crate::text) fn single_table(self) -> Option<&'static Table> {
        Some(&language(self.single)?.0)
    }
}

fn language(id: u8) -> Option<&'static tables::Language> {
    tables::LANGUAGES.get(usize::from(id).checked_sub(1)?)
}

/// A language name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no national table for {name:?}; there are {}", NAMES.join(", "))]
pub struct UnknownLanguage {
    /// As it was given.
    pub name: String,
}

/// The languages whose tables may be used for encoding. Handsets sold elsewhere may not know a
/// table and show the wrong characters, so an operator names the languages of its subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NationalTables(u16);

impl NationalTables {
    /// No national table.
    pub const NONE: NationalTables = NationalTables(0);
    /// Every language of 3GPP TS 23.038.
    pub const ALL: NationalTables = NationalTables(0x3FFE);

    /// The languages with these names, in small letters, as in "turkish".
    ///
    /// # Errors
    /// When a name is not one of the thirteen.
    pub fn from_names<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<NationalTables, UnknownLanguage> {
        names.into_iter().try_fold(NationalTables::NONE, |tables, name| {
            let name = name.as_ref();
            let unknown = || UnknownLanguage { name: name.to_owned() };
            let index = NAMES.iter().position(|known| *known == name).ok_or_else(unknown)?;
            Ok(NationalTables(tables.0 | 2 << index))
        })
    }

    /// True when the language with this identifier may be used.
    #[must_use]
    pub const fn contains(self, id: u8) -> bool {
        id < 16 && self.0 & (1 << id) != 0
    }

    /// Identifiers of the languages, ascending.
    pub fn ids(self) -> impl Iterator<Item = u8> {
        (1..=13).filter(move |id| self.contains(*id))
    }

    /// True without a language.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
