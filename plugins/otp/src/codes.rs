//! A code: drawn, kept as a salted hash, tried a few times.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmsc_plugin::{Context, Failure, Timestamp};

const KEY: &str = "code";
const VERSION: u8 = 1;
const SALT_OCTETS: u32 = 16;

/// What is kept of a code that waits to be verified.
#[derive(Debug, Serialize, Deserialize)]
pub struct Code {
    #[serde(rename = "v")]
    version: u8,
    salt: String,
    hash: String,
    expires_at: u64,
    attempts_left: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong { attempts_left: u32 },
    Expired,
}

impl Code {
    /// A new one, and what it says. Every attempt of a call draws the same.
    pub fn draw(cx: &mut Context<'_>, digits: u32, expires_at: Timestamp, attempts: u32) -> (Code, String) {
        let number = cx.random_below(10_u64.pow(digits));
        let secret = format!("{number:0width$}", width = digits as usize);
        let salt = hex(&cx.random_bytes(SALT_OCTETS));
        let hash = hash(&salt, &cx.msisdn(), &secret);
        (Code { version: VERSION, salt, hash, expires_at: expires_at.0, attempts_left: attempts }, secret)
    }

    pub fn load(cx: &Context<'_>) -> Result<Option<Code>, Failure> {
        match cx.state::<Code>(KEY)? {
            Some(code) if code.version != VERSION => {
                Err(Failure::reject(format!("state {KEY} is of version {}, not {VERSION}", code.version)))
            }
            other => Ok(other),
        }
    }

    pub fn store(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(cx.set_state(KEY, self)?)
    }

    pub fn forget(cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(cx.delete_state(KEY)?)
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.0 >= self.expires_at
    }

    /// Uses up an attempt where the code is wrong.
    pub fn try_code(&mut self, device: &str, tried: &str, now: Timestamp) -> Verdict {
        if self.is_expired(now) {
            return Verdict::Expired;
        }
        // Hashes are compared, so that the time it takes tells nothing about the code.
        if hash(&self.salt, device, tried) == self.hash {
            return Verdict::Right;
        }
        self.attempts_left = self.attempts_left.saturating_sub(1);
        Verdict::Wrong { attempts_left: self.attempts_left }
    }
}

/// SHA-256 over salt, device and code, in hex.
fn hash(salt: &str, device: &str, code: &str) -> String {
    let mut hash = Sha256::new();
    for part in [salt, device, code] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_all_three_parts() {
        let all =
            [("s", "d", "c"), ("t", "d", "c"), ("s", "e", "c"), ("s", "d", "e"), ("sd", "", "c"), ("s", "dc", "")];
        let hashes: std::collections::BTreeSet<String> = all.iter().map(|(s, d, c)| hash(s, d, c)).collect();
        assert_eq!(hashes.len(), all.len());
        assert_eq!(hash("s", "d", "c").len(), 64);
    }
}
