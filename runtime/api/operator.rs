//! The operator's token: made at the first start, kept in a file that only the operator can read.
//!
//! Whoever can read the data directory is the operator anyway. To change the token, write another one into the
//! file, or delete it, and start again.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::secret::{Digest, Secret};

/// In the data directory.
pub const FILE: &str = "operator-token";
/// How every operator's token begins, so that people and scanners for leaked secrets see what it is.
const PREFIX: &str = "wso_";
/// Shorter ones could be guessed; ours have 43 characters behind the prefix.
const LENGTH_MIN: usize = 24;

pub struct OperatorToken {
    pub(super) digest: Digest,
    /// It was made just now, and is to be shown once.
    pub new: Option<String>,
}

impl OperatorToken {
    pub fn load(data_dir: &Path) -> io::Result<OperatorToken> {
        let file = data_dir.join(FILE);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        match fs::File::open(&file) {
            Ok(opened) => Self::read(opened).map_err(named),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(data_dir, &file).map_err(named),
            Err(error) => Err(named(error)),
        }
    }

    fn read(mut file: fs::File) -> io::Result<OperatorToken> {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let token = text.trim();
        if token.len() < LENGTH_MIN || !token.bytes().all(|b| b.is_ascii_graphic()) {
            let why = format!("holds no token: {LENGTH_MIN} or more visible ASCII characters are expected");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(OperatorToken { digest: Digest::of(token), new: None })
    }

    /// Under another name first: a crash in between leaves no half token.
    fn make(data_dir: &Path, file: &Path) -> io::Result<OperatorToken> {
        let token = Secret::new()?.with_prefix(PREFIX);
        let unfinished = data_dir.join(format!("{FILE}.new"));
        let _ = fs::remove_file(&unfinished); // of a crash before
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        new.write_all(format!("{token}\n").as_bytes())?;
        new.sync_all()?;
        fs::rename(&unfinished, file)?;
        fs::File::open(data_dir)?.sync_all()?;
        Ok(OperatorToken { digest: Digest::of(&token), new: Some(token) })
    }

    pub fn is(&self, token: &Digest) -> bool {
        self.digest.is(token)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_token_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let first = OperatorToken::load(folder.path()).expect("made");
        let token = first.new.clone().expect("shown once");
        let again = OperatorToken::load(folder.path()).expect("read");
        assert!(again.new.is_none() && again.is(&Digest::of(&token)) && !again.is(&Digest::of("wso_other")));
        let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_token_is_told_and_never_lets_anybody_in() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join(FILE), "\n").expect("written");
        let error = OperatorToken::load(folder.path()).err().expect("refused").to_string();
        assert!(error.contains(FILE) && error.contains("holds no token"), "{error}");
    }
}
