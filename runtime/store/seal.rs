//! Secrets at rest. Control objects that have any are sealed with a key that lies in a file of its own, so that whoever
//! gets hold of rows or log alone reads no password, webhook secret or secret of a rule.
//!
//! ChaCha20-Poly1305 (RFC 8439) with a random nonce; what a row is called is authenticated with it, so that rows cannot
//! be exchanged.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// In the data directory.
pub const FILE: &str = "secrets-key";
const KEY_OCTETS: usize = 32;
/// Begins what is sealed; no JSON does.
const MARK: &str = "sealed:";

pub struct Seal(LessSafeKey);

impl Seal {
    /// The key of a data directory; made where there is none yet.
    pub fn load_or_make(directory: &Path) -> io::Result<Seal> {
        let file = directory.join(FILE);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        match fs::read(&file) {
            Ok(octets) => Seal::of(&octets).map_err(named),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seal::make(directory, &file).map_err(named),
            Err(error) => Err(named(error)),
        }
    }

    /// Under another name first: a crash in between leaves no half key.
    fn make(directory: &Path, file: &Path) -> io::Result<Seal> {
        let mut key = [0; KEY_OCTETS];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let unfinished = directory.join(format!("{FILE}.new"));
        let _ = fs::remove_file(&unfinished); // of a crash before
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        new.write_all(&key)?;
        new.sync_all()?;
        fs::rename(&unfinished, file)?;
        fs::File::open(directory)?.sync_all()?;
        Seal::of(&key)
    }

    pub fn of(key: &[u8]) -> io::Result<Seal> {
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, key);
        let unbound =
            unbound.map_err(|_| io::Error::other(format!("holds no key: {KEY_OCTETS} octets are expected")))?;
        Ok(Seal(LessSafeKey::new(unbound)))
    }

    /// `name`: of the row.
    pub fn seal(&self, name: &[u8], text: &str) -> io::Result<String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let mut sealed = text.as_bytes().to_vec();
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed);
        done.map_err(|_| io::Error::other("too long to be sealed"))?;
        Ok(format!("{MARK}{}", STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// What is not sealed is as it is.
    pub fn open(&self, name: &[u8], text: &str) -> io::Result<String> {
        let Some(sealed) = text.strip_prefix(MARK) else { return Ok(text.to_owned()) };
        let wrong = || {
            let why = format!(
                "what is set up cannot be read: it was sealed with another key than that in {FILE}; put that one back"
            );
            io::Error::new(io::ErrorKind::InvalidData, why)
        };
        let octets = STANDARD_NO_PAD.decode(sealed).map_err(|_| wrong())?;
        let (nonce, rest) = octets.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut rest = rest.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(name), &mut rest).map_err(|_| wrong())?;
        String::from_utf8(opened.to_vec()).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_under_its_name_only() {
        let (seal, other) = (Seal::of(&[1; 32]).expect("a key"), Seal::of(&[2; 32]).expect("a key"));
        let sealed = seal.seal(b"rule acme/x", "{\"secrets\":{}}").expect("sealed");
        assert!(
            !sealed.contains("secrets") && sealed != seal.seal(b"rule acme/x", "{\"secrets\":{}}").expect("sealed")
        );
        assert_eq!(seal.open(b"rule acme/x", &sealed).expect("opens"), "{\"secrets\":{}}");
        assert!(seal.open(b"rule beta/x", &sealed).is_err(), "a row of another object");
        let error = other.open(b"rule acme/x", &sealed).expect_err("another key").to_string();
        assert!(error.contains(FILE), "{error}");
        assert_eq!(seal.open(b"n", "{}").expect("as it is"), "{}");
        for cut in [0, 5, sealed.len() - 9] {
            assert!(seal.open(b"rule acme/x", &format!("{MARK}{}", &sealed[MARK.len()..][..cut])).is_err());
        }
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let sealed = Seal::load_or_make(folder.path()).expect("made").seal(b"n", "text").expect("sealed");
        assert_eq!(Seal::load_or_make(folder.path()).expect("read").open(b"n", &sealed).expect("opens"), "text");
        let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.path().join(FILE), "short").expect("written");
        assert!(Seal::load_or_make(folder.path()).is_err());
    }
}
