//! Turns the TOML reader's errors into sentences with file, line and the nearest known key.

use std::path::Path;

use super::ConfigError;

/// Names at most this many edits away are offered as "did you mean".
const NEAR_EDITS: usize = 3;

pub fn syntax(error: &toml::de::Error, text: &str, file: &Path) -> ConfigError {
    at(error.span().map_or(0, |span| span.start), text, file, sentence(error.message()))
}

/// What is wrong at this offset.
pub fn at(start: usize, text: &str, file: &Path, what: String) -> ConfigError {
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    ConfigError::Syntax { file: file.into(), line, what }
}

/// serde words an unknown key as "unknown field `x`, expected one of `a`, `b`".
fn sentence(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else {
        return message.trim_end().to_owned();
    };
    let mut names = rest.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("unknown key {unknown:?}; did you mean {near:?}?"),
        None => format!("unknown key {unknown:?}; known here: {}", known.join(", ")),
    }
}

/// The known name closest to `word`, where one is close.
pub fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(edits, name)| *edits <= NEAR_EDITS.min(name.len() / 2))
        .min()
        .map(|(_, name)| name)
}
