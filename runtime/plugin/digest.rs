//! What a component is known by: the SHA-256 of its octets.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Written `sha256:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

pub const PREFIX: &str = "sha256:";

impl Digest {
    pub fn of(octets: &[u8]) -> Digest {
        Digest(Sha256::digest(octets).into())
    }

    pub(super) fn finish(hash: Sha256) -> Digest {
        Digest(hash.finalize().into())
    }

    /// Without what stands before them.
    pub fn hex(&self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// It is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is written \"sha256:\" and 64 digits of 0-9 and a-f")]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Digest, NoDigest> {
        let hex = text.strip_prefix(PREFIX).unwrap_or(text);
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(NoDigest);
        }
        let mut octets = [0; 32];
        for (octet, pair) in octets.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NoDigest)?;
            *octet = u8::from_str_radix(pair, 16).map_err(|_| NoDigest)?;
        }
        Ok(Digest(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let digest = Digest::of(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((digest.to_string().as_str(), text.parse(), text[7..].parse()), (text, Ok(digest), Ok(digest)));
        for wrong in ["", "sha256:", &text[..70], &text.to_uppercase(), &format!("{text}0"), &text.replace('e', "é")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong:?}");
        }
    }
}
