//! The first word of a text, as keywords are compared: of rules, and of customers that share a number.

/// What people and their telephones put behind a word.
const TRAILING: &[char] = &['.', ',', '!', '?', ';', ':', '"', '\'', '”', '’', '»', '…', ')'];

/// In lower case, without punctuation behind it. Empty when there is none.
pub fn first_word(text: &str) -> String {
    folded(text.split_whitespace().next().unwrap_or_default())
}

/// The word that stands last.
pub fn last_word(text: &str) -> String {
    folded(text.split_whitespace().next_back().unwrap_or_default())
}

fn folded(word: &str) -> String {
    word.trim_end_matches(TRAILING).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_any_case_and_with_any_punctuation_behind_them() {
        for text in ["METER 12", " \t\nmeter", "Meter: 12", "meter!?", "meter»"] {
            assert_eq!(first_word(text), "meter", "{text:?}");
        }
        for (text, want) in
            [("", ""), ("...", ""), ("ÄPPLE, tack", "äpple"), ("m.eter", "m.eter"), ("-meter", "-meter")]
        {
            assert_eq!(first_word(text), want, "{text:?}");
        }
        assert_eq!((last_word("stop meter."), last_word(" ")), ("meter".to_owned(), String::new()));
    }
}
