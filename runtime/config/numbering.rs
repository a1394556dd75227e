//! `numbering = { … }` of an account or upstream: how numbers are written for it.
//!
//! How its own numbers are read is `country_code` and `national_prefix` beside it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use wasmsc_smpp::{Npi, Ton};

/// Type of number and numbering plan as this peer wants them. `None`, "auto" in the file, is what fits the
/// address: 1 and 1 for an international number, 3 and 0 for a short code. A name has 5 and 0 whatever stands here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Numbering {
    /// "auto", "unknown", "international", "national", "network", "subscriber", "alphanumeric", "abbreviated", or
    /// a number.
    #[serde(deserialize_with = "ton")]
    pub source_ton: Option<Ton>,
    /// "auto", "unknown", "isdn", "data", "telex", "land-mobile", "national", "private", "ermes", "internet",
    /// "wap", or a number.
    #[serde(deserialize_with = "npi")]
    pub source_npi: Option<Npi>,
    #[serde(deserialize_with = "ton")]
    pub dest_ton: Option<Ton>,
    #[serde(deserialize_with = "npi")]
    pub dest_npi: Option<Npi>,
    pub format: NumberFormat,
}

/// How the digits of an international number are written; short codes and names are always as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// 46701234567
    #[default]
    International,
    /// +46701234567
    Plus,
    /// 0046701234567
    #[serde(rename = "00")]
    DoubleZero,
    /// Those of `country_code` behind the `national_prefix`, 0701234567; others international.
    National,
}

const TON_WORDS: [(&str, u8); 7] = [
    ("unknown", Ton::UNKNOWN.0),
    ("international", Ton::INTERNATIONAL.0),
    ("national", Ton::NATIONAL.0),
    ("network", Ton::NETWORK_SPECIFIC.0),
    ("subscriber", Ton::SUBSCRIBER.0),
    ("alphanumeric", Ton::ALPHANUMERIC.0),
    ("abbreviated", Ton::ABBREVIATED.0),
];

const NPI_WORDS: [(&str, u8); 10] = [
    ("unknown", Npi::UNKNOWN.0),
    ("isdn", Npi::ISDN.0),
    ("data", Npi::DATA.0),
    ("telex", Npi::TELEX.0),
    ("land-mobile", Npi::LAND_MOBILE.0),
    ("national", Npi::NATIONAL.0),
    ("private", Npi::PRIVATE.0),
    ("ermes", Npi::ERMES.0),
    ("internet", Npi::INTERNET.0),
    ("wap", Npi::WAP_CLIENT_ID.0),
];

fn ton<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Ton>, D::Error> {
    Ok(from.deserialize_any(Words(&TON_WORDS))?.map(Ton))
}

fn npi<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Npi>, D::Error> {
    Ok(from.deserialize_any(Words(&NPI_WORDS))?.map(Npi))
}

/// Reads a word of a list, "auto", or an octet.
struct Words(&'static [(&'static str, u8)]);

impl Visitor<'_> for Words {
    type Value = Option<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"auto\", ")?;
        self.0.iter().try_for_each(|(word, _)| write!(f, "{word:?}, "))?;
        f.write_str("or 0 to 255")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Option<u8>, E> {
        if word == "auto" {
            return Ok(None);
        }
        let found = self.0.iter().find(|(known, _)| *known == word);
        found.map(|(_, octet)| Some(*octet)).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<u8>, E> {
        let octet = u8::try_from(number).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self));
        octet.map(Some)
    }
}
