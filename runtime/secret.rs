//! Random secrets, and how they are compared: by their SHA-256, in constant time.
//!
//! A slow hash such as Argon2 is for passwords, which people choose and a thief can guess. 256 random bits cannot
//! be guessed however fast the hash is, and a fast one lets every request be checked.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// Random octets of a secret.
const OCTETS: usize = 32;

/// 256 random bits; not printed by accident, as it has no `Debug`.
pub struct Secret([u8; OCTETS]);

impl Secret {
    pub fn new() -> io::Result<Secret> {
        let mut octets = [0; OCTETS];
        getrandom::fill(&mut octets).map_err(io::Error::other)?;
        Ok(Secret(octets))
    }

    pub fn with_prefix(&self, prefix: &str) -> String {
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// SHA-256 of a token.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(token: &str) -> Digest {
        Digest(Sha256::digest(token.as_bytes()).into())
    }

    /// As it is stored.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn from_text(text: &str) -> Option<Digest> {
        Some(Digest(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// Takes as long for what is nearly right as for what is not.
    pub fn is(&self, other: &Digest) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
