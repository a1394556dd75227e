//! Reads from a certificate until when it is valid: the one field of X.509 that the doctor needs.
//!
//! ```text
//! Certificate ::= SEQUENCE { TBSCertificate ::= SEQUENCE { [0] version OPTIONAL, serial INTEGER, algorithm SEQUENCE,
//!                 issuer SEQUENCE, validity SEQUENCE { notBefore Time, notAfter Time }, … }, … }     RFC 5280 §4.1
//! ```

use time::format_description::well_known::Rfc3339;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Milliseconds since 1970; none where the octets are no certificate.
pub fn expiry(der: &[u8]) -> Option<u64> {
    let (_, certificate, _) = element(der)?;
    let (_, tbs, _) = element(certificate)?;
    let (tag, _, behind) = element(tbs)?;
    let mut rest = if tag == VERSION { behind } else { tbs };
    for _serial_algorithm_issuer in 0..3 {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    let (_, _, not_after) = element(validity).filter(|_| tag == SEQUENCE)?;
    let (tag, text, _) = element(not_after)?;
    let text = std::str::from_utf8(text).ok()?;
    let digits = match tag {
        // Two digits: below 50 is this century (RFC 5280 §4.1.2.5.1).
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| digits.get(from..to);
    let (day, hour) = (part(6, 8)?, part(8, 10)?);
    let written = format!("{}-{}-{day}T{hour}:{}:{}Z", part(0, 4)?, part(4, 6)?, part(10, 12)?, part(12, 14)?);
    let time = time::OffsetDateTime::parse(&written, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp()).ok()?.checked_mul(1_000)
}

/// Tag, content, and what comes behind the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let octets = usize::from(first & 0x7f);
        if octets > 4 {
            return None;
        }
        let (length, rest) = rest.split_at_checked(octets)?;
        (length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((tag, content, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_in_both_forms_and_no_cut_panics() {
        for (year, millis) in [(2031, 1_924_992_000_000), (2055, 2_682_374_400_000_u64)] {
            let mut params = rcgen::CertificateParams::new(vec!["smsc.test".to_owned()]).expect("a name");
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let key = rcgen::KeyPair::generate().expect("a key");
            let der = params.self_signed(&key).expect("signed").der().to_vec();
            assert_eq!(expiry(&der), Some(millis), "{year}");
            assert!((0..der.len()).all(|cut| expiry(&der[..cut]).is_none()));
        }
    }
}
