//! Texts that somebody else wrote: what SMS say, senders' names, attributes of devices, lines of logs.
//!
//! `maud` escapes what HTML would take for tags. What is left is harmless to the page and can still mislead a reader:
//! characters that are not seen, or that turn the order of others around. Here they are seen, and what they do ends with
//! the text they are in.

use maud::{Markup, html};

/// Shown so. The direction of what is around it stays as it is.
pub fn shown(text: &str) -> Markup {
    html! {
        bdi.said { @for piece in pieces(text) {
            @match piece {
                Piece::Plain(plain) => (plain),
                Piece::Odd(sign, name) => span.odd title=(name) { (sign) },
            }
        } }
    }
}

/// For places that take no HTML: attributes, titles.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(part) => plain.push_str(part),
            Piece::Odd(sign, _) => plain.push_str(&sign),
        }
    }
    plain
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Plain(&'t str),
    /// A character that nobody would see: a sign for it, and its name.
    Odd(String, String),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, character) in text.char_indices() {
        let Some((sign, name)) = odd(character) else { continue };
        if from < at {
            pieces.push(Piece::Plain(&text[from..at]));
        }
        pieces.push(Piece::Odd(sign, name));
        from = at + character.len_utf8();
    }
    if from < text.len() {
        pieces.push(Piece::Plain(&text[from..]));
    }
    pieces
}

/// A sign for a character that is not seen by itself. Line breaks and tabs do what they are for.
fn odd(character: char) -> Option<(String, String)> {
    let code = u32::from(character);
    let name = |name: &str| format!("U+{code:04X} {name}");
    let short = |sign: &str, full: &str| Some((format!("⟦{sign}⟧"), name(full)));
    match code {
        0x09 | 0x0a => None,
        // Unicode has a picture of each.
        0x00..0x20 => Some((char::from_u32(0x2400 + code)?.to_string(), name("control character"))),
        0x7f => Some(("␡".to_owned(), name("delete"))),
        0x80..0xa0 => short(&format!("{code:02X}"), "control character"),
        0xad => short("SHY", "soft hyphen"),
        0x061c => short("ALM", "Arabic letter mark"),
        0x200b => short("ZWSP", "zero width space"),
        0x200c => short("ZWNJ", "zero width non-joiner"),
        // It joins the parts of an emoji, and is shown as the emoji is.
        0x200d => None,
        0x200e => short("LRM", "left-to-right mark"),
        0x200f => short("RLM", "right-to-left mark"),
        0x2028 => short("LS", "line separator"),
        0x2029 => short("PS", "paragraph separator"),
        0x202a => short("LRE", "left-to-right embedding"),
        0x202b => short("RLE", "right-to-left embedding"),
        0x202c => short("PDF", "pop directional formatting"),
        0x202d => short("LRO", "left-to-right override"),
        0x202e => short("RLO", "right-to-left override"),
        0x2060..=0x2064 => short("WJ", "invisible character"),
        0x2066 => short("LRI", "left-to-right isolate"),
        0x2067 => short("RLI", "right-to-left isolate"),
        0x2068 => short("FSI", "first strong isolate"),
        0x2069 => short("PDI", "pop directional isolate"),
        0xfeff => short("BOM", "zero width no-break space"),
        0xfff9..=0xfffb => short("IA", "interlinear annotation"),
        0xe0000..=0xe007f => short("TAG", "tag character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_and_scripts_are_text() {
        let shown = shown("<script>alert('x')</script><img src=x onerror=\"alert(1)\"> & </bdi>").into_string();
        assert!(
            !shown.contains("<script") && !shown.contains("<img") && shown.matches("</bdi>").count() == 1,
            "{shown}"
        );
        assert!(shown.contains("&lt;script&gt;") && shown.contains("&amp;"), "{shown}");
    }

    #[test]
    fn control_characters_are_seen() {
        let all: String = (0..=0x9f).filter_map(char::from_u32).collect();
        let plain = plain(&all);
        assert!(plain.chars().all(|c| !c.is_control() || c == '\t' || c == '\n'), "{plain:?}");
        assert!(plain.starts_with("␀␁") && plain.contains("␛") && plain.contains("⟦9B⟧"), "{plain}");
    }

    #[test]
    fn marks_that_turn_the_order_around_are_seen_and_end_with_the_text() {
        let marks = "a\u{202e}b\u{2066}c\u{200f}d\u{61c}e\u{feff}";
        let shown = shown(marks).into_string();
        assert!(shown.starts_with("<bdi class=\"said\">") && shown.ends_with("</bdi>"), "{shown}");
        assert!(!shown.chars().any(|c| marks.contains(c) && !c.is_ascii()), "{shown:?}");
        assert!(shown.contains("title=\"U+202E right-to-left override\""), "{shown}");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["Grüße, 日本\n👩‍🚒\tשלום", "", "plain"] {
            assert_eq!(plain(text), text);
        }
    }
}
