//! Addresses as a peer writes them, and as it wants them written.
//!
//! Pure. Inside, a number is international; here alone it is anything else.

use bytes::Bytes;
use wasmsc_smpp::{Npi, Ton};

use crate::config::{self, NumberFormat};
use crate::message::{Address, InvalidAddress};

/// Digits that are a short code whatever their TON says.
const SHORT_CODE_DIGITS: usize = 6;
/// Fewer digits are no national number.
const NATIONAL_DIGITS_MIN: usize = 6;

/// What a peer's numbers mean, and what it wants to see.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    country_code: Option<Box<str>>,
    /// What people dial before a national number; may be empty.
    national_prefix: Box<str>,
    written: config::Numbering,
}

impl Numbering {
    pub(super) fn new(country_code: Option<&str>, national_prefix: &str, written: config::Numbering) -> Numbering {
        Numbering { country_code: country_code.map(Into::into), national_prefix: national_prefix.into(), written }
    }

    /// Reads an address. `is_short_code` knows the short codes that this peer may mean.
    pub fn read(
        &self,
        ton: Ton,
        octets: &[u8],
        is_short_code: impl Fn(&Address) -> bool,
    ) -> Result<Address, InvalidAddress> {
        let text: String = octets.iter().map(|octet| char::from(*octet)).collect(); // Latin-1: any octet is a character
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Many an ESME says "international" of everything, its short code too.
        if is_number && matches!(ton, Ton::UNKNOWN | Ton::INTERNATIONAL) {
            let as_short_code = Address::parse(&text).ok();
            if let Some(short_code @ Address::ShortCode(_)) = as_short_code
                && is_short_code(&short_code)
            {
                return Ok(short_code);
            }
        }
        match ton {
            // No number is that short.
            Ton::INTERNATIONAL if is_number && text.len() <= SHORT_CODE_DIGITS => Address::parse(&text),
            Ton::INTERNATIONAL if !text.starts_with('+') => {
                Address::parse(&format!("+{}", text.trim_start_matches("00")))
            }
            Ton::ALPHANUMERIC if !text.is_empty() => Ok(Address::Alphanumeric(text.into())),
            _ => match self.national(ton, &text).filter(|_| is_number) {
                Some(international) => Address::parse(&international),
                None => Address::parse(&text),
            },
        }
    }

    /// A national number in international form.
    fn national(&self, ton: Ton, digits: &str) -> Option<String> {
        let country_code = self.country_code.as_deref().filter(|_| digits.len() >= NATIONAL_DIGITS_MIN)?;
        let prefix = Some(&*self.national_prefix).filter(|prefix| !prefix.is_empty());
        let behind_prefix = prefix.and_then(|prefix| digits.strip_prefix(prefix));
        let significant = match ton {
            Ton::NATIONAL => behind_prefix.unwrap_or(digits),
            // "00" is what comes before an international number.
            Ton::UNKNOWN if !digits.starts_with("00") => behind_prefix?,
            _ => return None,
        };
        Some(format!("+{country_code}{significant}"))
    }

    pub fn write_source(&self, address: &Address) -> (Ton, Npi, Bytes) {
        self.write(address, self.written.source_ton, self.written.source_npi)
    }

    pub fn write_destination(&self, address: &Address) -> (Ton, Npi, Bytes) {
        self.write(address, self.written.dest_ton, self.written.dest_npi)
    }

    fn write(&self, address: &Address, ton: Option<Ton>, npi: Option<Npi>) -> (Ton, Npi, Bytes) {
        let fixed = |guess: (Ton, Npi)| (ton.unwrap_or(guess.0), npi.unwrap_or(guess.1));
        match address {
            Address::Msisdn(digits) => {
                let (guess, written) = self.number(digits);
                let (ton, npi) = fixed((guess, Npi::ISDN));
                (ton, npi, written.into())
            }
            // What carriers ask for; there is no ISDN plan of short codes.
            Address::ShortCode(digits) => {
                let (ton, npi) = fixed((Ton::NETWORK_SPECIFIC, Npi::UNKNOWN));
                (ton, npi, Bytes::copy_from_slice(digits.as_bytes()))
            }
            Address::Alphanumeric(name) => (Ton::ALPHANUMERIC, Npi::UNKNOWN, latin_1(name)),
        }
    }

    fn number(&self, digits: &str) -> (Ton, String) {
        let at_home = self.country_code.as_deref().and_then(|code| digits.strip_prefix(code));
        match (self.written.format, at_home) {
            (NumberFormat::National, Some(significant)) => {
                // Only "unknown" leaves room for a prefix (3GPP TS 24.008 §10.5.4.7).
                let ton = if self.national_prefix.is_empty() { Ton::NATIONAL } else { Ton::UNKNOWN };
                (ton, format!("{}{significant}", self.national_prefix))
            }
            (NumberFormat::Plus, _) => (Ton::INTERNATIONAL, format!("+{digits}")),
            (NumberFormat::DoubleZero, _) => (Ton::UNKNOWN, format!("00{digits}")),
            (NumberFormat::International | NumberFormat::National, _) => (Ton::INTERNATIONAL, digits.to_owned()),
        }
    }
}

fn latin_1(name: &str) -> Bytes {
    name.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering(country_code: &str, national_prefix: &str, format: NumberFormat) -> Numbering {
        let written = config::Numbering { format, ..config::Numbering::default() };
        Numbering::new(Some(country_code), national_prefix, written)
    }

    #[test]
    fn trunk_prefixes_are_those_of_the_country() {
        for (code, prefix, ton, digits, want) in [
            ("46", "0", Ton::UNKNOWN, "0701234567", "+46701234567"),
            ("46", "0", Ton::NATIONAL, "701234567", "+46701234567"),
            ("39", "", Ton::NATIONAL, "0612345678", "+390612345678"),
            ("47", "", Ton::NATIONAL, "41234567", "+4741234567"),
            ("7", "8", Ton::UNKNOWN, "89161234567", "+79161234567"),
            ("36", "06", Ton::UNKNOWN, "06201234567", "+36201234567"),
            ("46", "0", Ton::UNKNOWN, "0046701234567", "+46701234567"),
            ("46", "0", Ton::INTERNATIONAL, "4741234567", "+4741234567"),
        ] {
            let read = numbering(code, prefix, NumberFormat::International).read(ton, digits.as_bytes(), |_| false);
            assert_eq!(read.map(|address| address.to_string()), Ok(want.into()), "{ton:?} {digits}");
        }
    }

    #[test]
    fn only_those_of_the_country_are_written_as_national() {
        for (prefix, digits, want) in [
            ("0", "46701234567", (Ton::UNKNOWN, "0701234567")),
            ("", "46701234567", (Ton::NATIONAL, "701234567")),
            ("0", "4741234567", (Ton::INTERNATIONAL, "4741234567")),
        ] {
            let (ton, npi, written) =
                numbering("46", prefix, NumberFormat::National).write_source(&Address::Msisdn(digits.into()));
            assert_eq!((ton, npi, &*written), (want.0, Npi::ISDN, want.1.as_bytes()));
        }
    }
}
