//! A registered device: what its customer says about it, and what may be said.
//!
//! Pure. `relay` keeps devices in the store, `route` knows whose they are, `api` reads and shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::firewall::DeviceStatus;
use crate::message::Timestamp;

/// Tags of one device: rules and policies look at all of them.
pub const TAGS_MAX: usize = 32;
/// Octets of a tag: it is part of keys.
pub const TAG_OCTETS_MAX: usize = 64;
/// Attributes of one device.
pub const ATTRIBUTES_MAX: usize = 64;
pub const ATTRIBUTE_NAME_OCTETS_MAX: usize = 64;
/// With all of them, a device stays below 20 KiB.
pub const ATTRIBUTE_OCTETS_MAX: usize = 256;
/// 19 digits with the check digit, 20 as SIM makers print them (ITU-T E.118 §4).
const ICCID_DIGITS: std::ops::RangeInclusive<usize> = 19..=20;
/// With the check digit (3GPP TS 23.003 §6.2.1).
const IMEI_DIGITS: std::ops::RangeInclusive<usize> = 15..=15;

/// What its customer says about a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Of its SIM card.
    pub iccid: Option<Box<str>>,
    /// Of the equipment.
    pub imei: Option<Box<str>>,
    pub tags: BTreeSet<String>,
    pub attributes: BTreeMap<String, String>,
    pub status: DeviceStatus,
}

/// A device as it is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    pub device: Device,
    /// Number of its last change in the audit.
    pub revision: u64,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

/// What cannot be said about a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidDevice {
    /// Such as `attributes.site`.
    pub field: String,
    pub why: String,
}

impl Device {
    pub fn check(&self) -> Result<(), InvalidDevice> {
        check_number("iccid", self.iccid.as_deref(), ICCID_DIGITS)?;
        check_number("imei", self.imei.as_deref(), IMEI_DIGITS)?;
        ensure(self.tags.len() <= TAGS_MAX, "tags", || format!("a device has at most {TAGS_MAX}"))?;
        for tag in &self.tags {
            ensure(is_tag(tag), "tags", || {
                format!("{tag:?}: a tag has 1 to {TAG_OCTETS_MAX} octets, no spaces, commas or semicolons")
            })?;
        }
        let count = self.attributes.len();
        ensure(count <= ATTRIBUTES_MAX, "attributes", || format!("a device has at most {ATTRIBUTES_MAX}"))?;
        for (name, value) in &self.attributes {
            let is_name = !name.is_empty() && name.len() <= ATTRIBUTE_NAME_OCTETS_MAX && !name.chars().any(is_odd);
            ensure(is_name, "attributes", || {
                format!("{name:?}: a name has 1 to {ATTRIBUTE_NAME_OCTETS_MAX} octets and no spaces")
            })?;
            let fits = value.len() <= ATTRIBUTE_OCTETS_MAX && !value.chars().any(char::is_control);
            ensure(fits, &format!("attributes.{name}"), || {
                format!("a value has at most {ATTRIBUTE_OCTETS_MAX} octets, none to control")
            })?;
        }
        Ok(())
    }
}

/// What a tag may look like: fit for a query, a cell of a table and a key.
pub fn is_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= TAG_OCTETS_MAX && !tag.chars().any(|c| is_odd(c) || matches!(c, ',' | ';'))
}

fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

fn ensure(holds: bool, field: &str, why: impl FnOnce() -> String) -> Result<(), InvalidDevice> {
    if holds { Ok(()) } else { Err(InvalidDevice { field: field.to_owned(), why: why() }) }
}

fn check_number(
    field: &str,
    number: Option<&str>,
    digits: std::ops::RangeInclusive<usize>,
) -> Result<(), InvalidDevice> {
    let Some(number) = number else { return Ok(()) };
    let is_number = number.bytes().all(|octet| octet.is_ascii_digit()) && digits.contains(&number.len());
    ensure(is_number, field, || match digits.start() == digits.end() {
        true => format!("it has {} digits", digits.start()),
        false => format!("it has {} to {} digits", digits.start(), digits.end()),
    })?;
    ensure(passes_luhn(number), field, || "its last digit does not fit the others (Luhn)".to_owned())
}

/// The check digit of ISO/IEC 7812-1: every second digit from the right counts twice.
fn passes_luhn(number: &str) -> bool {
    let digits = number.bytes().rev().map(|octet| u32::from(octet - b'0')).enumerate();
    let sum: u32 = digits
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(device: Device) -> String {
        device.check().expect_err("refused").field
    }

    #[test]
    fn numbers_of_cards_and_equipment_are_held_to_their_check_digit() {
        let good = Device {
            iccid: Some("8946071512360089522".into()),
            imei: Some("490154203237518".into()),
            ..Device::default()
        };
        assert_eq!(good.check(), Ok(()));
        assert_eq!(wrong(Device { imei: Some("490154203237517".into()), ..Device::default() }), "imei");
        assert_eq!(wrong(Device { imei: Some("49015420323751".into()), ..Device::default() }), "imei");
        assert_eq!(wrong(Device { imei: Some("49015420323751x".into()), ..Device::default() }), "imei");
        assert_eq!(wrong(Device { iccid: Some("8946071512360089523".into()), ..Device::default() }), "iccid");
        assert_eq!(wrong(Device { iccid: Some("0".into()), ..Device::default() }), "iccid");
    }

    #[test]
    fn tags_and_attributes_are_bounded() {
        let tags = |tags: &[&str]| Device { tags: tags.iter().map(|t| (*t).into()).collect(), ..Device::default() };
        assert_eq!(tags(&["hall-3", "pumpe-süd"]).check(), Ok(()));
        for bad in ["", "two words", "a;b", "a,b", &"x".repeat(65)] {
            assert_eq!(wrong(tags(&[bad])), "tags", "{bad:?}");
        }
        let many = (0..33).map(|n| n.to_string()).collect();
        assert_eq!(wrong(Device { tags: many, ..Device::default() }), "tags");
        let with = |name: &str, value: &str| Device {
            attributes: [(name.to_owned(), value.to_owned())].into(),
            ..Device::default()
        };
        assert_eq!(with("site", "Hall 3, north").check(), Ok(()));
        assert_eq!(wrong(with("", "x")), "attributes");
        assert_eq!(wrong(with("site", &"x".repeat(257))), "attributes.site");
        let many = (0..65).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(wrong(Device { attributes: many, ..Device::default() }), "attributes");
    }
}
