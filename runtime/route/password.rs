//! What an account must know to bind: as the config file has it, or hashed, as the API keeps it.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config;

/// 4 MiB and two passes: some milliseconds for each bind with a wrong password, of which one address has few
/// (`smpp.ban`). SMPP's passwords have eight octets at most, so that more would not make them safe either.
const MEMORY_KIB: u32 = 4_096;
const PASSES: u32 = 2;

#[derive(Clone, Debug)]
pub enum Password {
    Plain(Box<str>),
    Hashed(Hashed),
}

#[derive(Clone, Debug)]
pub struct Hashed {
    /// PHC string format: "$argon2id$…".
    hash: Box<str>,
    /// Digest of the right one, since somebody knew it: many binds at once cost one hash only.
    known: OnceLock<[u8; 32]>,
}

impl Password {
    pub(super) fn of(account: &config::Account) -> Password {
        match (&account.password, &account.password_hash) {
            (_, Some(hash)) => Password::Hashed(Hashed { hash: hash.as_str().into(), known: OnceLock::new() }),
            (password, None) => Password::Plain(password.as_deref().unwrap_or_default().into()),
        }
    }

    /// Takes as long for a password that is nearly right as for one that is not.
    pub fn is(&self, octets: &[u8]) -> bool {
        match self {
            Password::Plain(password) => password.as_bytes().ct_eq(octets).into(),
            Password::Hashed(hashed) => hashed.is(octets),
        }
    }
}

impl Hashed {
    fn is(&self, octets: &[u8]) -> bool {
        let digest = || -> [u8; 32] { Sha256::new().chain_update(&*self.hash).chain_update(octets).finalize().into() };
        if let Some(known) = self.known.get() {
            return known.ct_eq(&digest()).into();
        }
        let is_right = verify(&self.hash, octets);
        if is_right {
            self.known.get_or_init(digest);
        }
        is_right
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("constants within the limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// As it may be kept: nobody reads the password from it.
pub fn hash_password(password: &str) -> Result<String, String> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Is this its password?
pub fn knows_password(hash: &str, password: &str) -> bool {
    verify(hash, password.as_bytes())
}

fn verify(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password, &hash).is_ok())
}

/// Is this a hash that we can check passwords with?
pub fn is_password_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| hash.algorithm.as_str().starts_with("argon2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = hash_password("secret").expect("hashed");
        assert!(is_password_hash(&hash) && !hash.contains("secret") && !is_password_hash("secret"));
        assert_ne!(hash, hash_password("secret").expect("hashed"), "each has its own salt");
        let password = Password::Hashed(Hashed { hash: hash.into(), known: OnceLock::new() });
        for _ in 0..2 {
            assert!(!password.is(b"secreT") && !password.is(b"") && password.is(b"secret"));
        }
    }
}
