//! The phone numbers of a fleet: prefix and index, either way, without a table.

/// Digits after the prefix; enough for a million meters.
const INDEX_DIGITS: usize = 6;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NumbersError {
    #[error("prefix {0:?} is not a country code and digits, such as +46700")]
    Prefix(String),
    #[error("prefix {prefix} with {INDEX_DIGITS} digits behind it is longer than the 15 digits of a number")]
    TooLong { prefix: String },
    #[error("a fleet has 1 to 1000000 meters, not {0}")]
    Devices(u32),
}

/// E.164 digits without `+`: the prefix, then the device's index in six digits.
#[derive(Debug, Clone)]
pub struct Numbers {
    prefix: Vec<u8>,
    devices: u32,
}

impl Numbers {
    pub fn new(prefix: &str, devices: u32) -> Result<Self, NumbersError> {
        let digits = prefix.strip_prefix('+').unwrap_or(prefix);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NumbersError::Prefix(prefix.to_owned()));
        }
        if digits.len() + INDEX_DIGITS > 15 {
            return Err(NumbersError::TooLong { prefix: prefix.to_owned() });
        }
        if devices == 0 || devices > 10u32.pow(INDEX_DIGITS as u32) {
            return Err(NumbersError::Devices(devices));
        }
        Ok(Self { prefix: digits.as_bytes().to_vec(), devices })
    }

    pub fn devices(&self) -> u32 {
        self.devices
    }

    /// The number of a device, as digits.
    pub fn of(&self, device: u32) -> Vec<u8> {
        let mut number = Vec::with_capacity(self.prefix.len() + INDEX_DIGITS);
        number.extend_from_slice(&self.prefix);
        let mut divisor = 10u32.pow(INDEX_DIGITS as u32 - 1);
        while divisor > 0 {
            number.push(b'0' + (device / divisor % 10) as u8);
            divisor /= 10;
        }
        number
    }

    /// The device that has this number, with or without `+`.
    pub fn device(&self, number: &[u8]) -> Option<u32> {
        let number = number.strip_prefix(b"+").unwrap_or(number);
        let index = number.strip_prefix(self.prefix.as_slice())?;
        if index.len() != INDEX_DIGITS {
            return None;
        }
        let mut device = 0;
        for digit in index {
            if !digit.is_ascii_digit() {
                return None;
            }
            device = device * 10 + u32::from(digit - b'0');
        }
        (device < self.devices).then_some(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_device_are_inverse() {
        let numbers = Numbers::new("+46700", 123_457).unwrap();
        assert_eq!(numbers.of(3), b"46700000003");
        for device in [0, 3, 99_999, 123_456] {
            assert_eq!(numbers.device(&numbers.of(device)), Some(device));
        }
        assert_eq!(numbers.device(b"+46700000003"), Some(3));
    }

    #[test]
    fn strangers_are_no_device() {
        let numbers = Numbers::new("46700", 20).unwrap();
        for number in ["46700000020", "4670000000", "467000000031", "46731234567", "4670000000x", ""] {
            assert_eq!(numbers.device(number.as_bytes()), None, "{number}");
        }
    }

    #[test]
    fn unusable_prefix_is_named() {
        assert_eq!(Numbers::new("+46x", 1).unwrap_err(), NumbersError::Prefix("+46x".to_owned()));
        assert!(matches!(Numbers::new("+4670000000", 1), Err(NumbersError::TooLong { .. })));
        assert_eq!(Numbers::new("+46", 0).unwrap_err(), NumbersError::Devices(0));
    }
}
