//! The keys of registered devices.

use super::{Key, Kind, Partition, after, prefixed};

/// A registered device; of no number, what the keys of all of them begin with.
pub fn device(partition: Partition, customer: &str, digits: &str) -> Key {
    of_device(partition, Kind::Device, customer, digits)
}

pub fn seen(partition: Partition, customer: &str, digits: &str) -> Key {
    of_device(partition, Kind::Seen, customer, digits)
}

fn of_device(partition: Partition, kind: Kind, customer: &str, digits: &str) -> Key {
    let mut key = prefixed(partition, kind, customer, digits.len());
    key.extend_from_slice(digits.as_bytes());
    key.into()
}

/// A registered device by its tag, which is shorter than 256 octets.
pub fn tagged(partition: Partition, customer: &str, tag: &str, digits: &str) -> Key {
    let mut key = prefixed(partition, Kind::Tagged, customer, 1 + tag.len() + digits.len());
    key.push(tag.len() as u8);
    key.extend_from_slice(tag.as_bytes());
    key.extend_from_slice(digits.as_bytes());
    key.into()
}

/// Keys that begin with `all` and then with `prefix`, behind `all` and `behind`.
pub fn under(all: &[u8], prefix: &str, behind: Option<&str>) -> (Key, Key) {
    let first = [all, prefix.as_bytes()].concat();
    let to = after(&first);
    let from = behind.map(|behind| [all, behind.as_bytes(), b"\0"].concat()).filter(|from| *from > first);
    (from.unwrap_or(first).into(), to)
}

/// The text that ends a key, from an octet on.
pub fn rest(key: &[u8], from: usize) -> std::io::Result<&str> {
    let text = key.get(from..).and_then(|octets| std::str::from_utf8(octets).ok());
    text.ok_or_else(|| std::io::Error::other("a key is malformed"))
}
