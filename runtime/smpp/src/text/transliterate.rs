//! Similar characters for those an alphabet lacks.
//!
//! Typographic signs become the ones of a typewriter, Latin letters with marks their base letter,
//! ligatures two letters; combining marks and invisible signs go. Other scripts are left alone: a
//! reader would not recognise them. What comes out is in both ASCII and the GSM alphabet; letters that
//! only the latter has are listed for peers with ASCII, and stay themselves elsewhere.

/// Signs and what they become.
#[rustfmt::skip]
const SIGNS: &[(&str, &str)] = &[
    ("'", "‘’‚‛′ʹʼʻ´`‹›"),
    ("\"", "“”„‟″«»"),
    ("-", "‐‑‒–—―−⁃"),
    ("...", "…"),
    (".", "․·"),
    ("*", "•‣●∗"),
    (" ", "\u{A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}\t"),
    ("\n", "\u{0B}\u{85}\u{2028}\u{2029}"),
    // Invisible: soft hyphen, zero width, direction marks, byte order mark.
    ("", "\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FEFF}"),
    ("/", "⁄∕÷"), ("|", "¦"), ("x", "×"), ("~", "∼"), ("<", "≤"), (">", "≥"),
    ("(c)", "©"), ("(R)", "®"), ("(TM)", "™"), ("No.", "№"), ("o", "º°"), ("a", "ª"), ("u", "µμ"), ("+-", "±"),
    ("1", "¹"), ("2", "²"), ("3", "³"), ("1/4", "¼"), ("1/2", "½"), ("3/4", "¾"), ("c", "¢"),
    ("EUR", "€"), ("!", "¡"), ("?", "¿"),
];

/// Base letters and the letters with marks that become them.
#[rustfmt::skip]
const LETTERS: &[(&str, &str)] = &[
    ("A", "ÄÅÀÁÂÃĀĂĄǍȀȂȦǺẠẢẤẦẨẪẬẮẰẲẴẶ"), ("a", "äåàáâãāăąǎȁȃȧǻạảấầẩẫậắằẳẵặ"),
    ("AE", "ÆǼǢ"), ("ae", "æǽǣ"),
    ("B", "Ḃ"), ("b", "ḃ"),
    ("C", "ĆĈĊČÇ"), ("c", "çćĉċč"),
    ("D", "ĎĐÐḌ"), ("d", "ďđðḍ"),
    ("E", "ÉÈÊËĒĔĖĘĚȄȆȨẸẺẼẾỀỂỄỆƏ"), ("e", "éèêëēĕėęěȅȇȩẹẻẽếềểễệə"),
    ("F", "Ḟ"), ("f", "ḟƒ"), ("ff", "ﬀ"), ("fi", "ﬁ"), ("fl", "ﬂ"),
    ("G", "ĜĞĠĢǦǴḠ"), ("g", "ĝğġģǧǵḡ"),
    ("H", "ĤĦȞḤ"), ("h", "ĥħȟḥ"),
    ("I", "ÌÍÎÏĨĪĬĮİǏȈȊỈỊ"), ("i", "ìíîïĩīĭįıǐȉȋỉị"),
    ("IJ", "Ĳ"), ("ij", "ĳ"),
    ("J", "Ĵ"), ("j", "ĵǰ"),
    ("K", "ĶǨḲ"), ("k", "ķĸǩḳ"),
    ("L", "ĹĻĽĿŁḶ"), ("l", "ĺļľŀłḷ"),
    ("LJ", "Ǉ"), ("Lj", "ǈ"), ("lj", "ǉ"), ("NJ", "Ǌ"), ("Nj", "ǋ"), ("nj", "ǌ"),
    ("DZ", "ǄǱ"), ("Dz", "ǅǲ"), ("dz", "ǆǳ"),
    ("M", "Ṁ"), ("m", "ṁ"),
    ("N", "ÑŃŅŇŊǸṆ"), ("n", "ñńņňŉŋǹṇ"),
    ("O", "ÖØǾÒÓÔÕŌŎŐƠǑȌȎȮǪỌỎỐỒỔỖỘỚỜỞỠỢ"), ("o", "öøǿòóôõōŏőơǒȍȏȯǫọỏốồổỗộớờởỡợ"),
    ("OE", "Œ"), ("oe", "œ"),
    ("P", "Ṗ"), ("p", "ṗ"),
    ("R", "ŔŖŘȐȒṚ"), ("r", "ŕŗřȑȓṛ"),
    ("S", "ŚŜŞŠȘṠṢ"), ("s", "śŝşšșſṡṣ"), ("SS", "ẞ"), ("ss", "ß"),
    ("T", "ŢŤŦȚṪṬ"), ("t", "ţťŧțṫṭ"), ("Th", "Þ"), ("th", "þ"),
    ("U", "ÜÙÚÛŨŪŬŮŰŲƯǓȔȖỤỦỨỪỬỮỰ"), ("u", "üùúûũūŭůűųưǔȕȗụủứừửữự"),
    ("V", "Ṽ"), ("v", "ṽ"),
    ("W", "ŴẀẂẄ"), ("w", "ŵẁẃẅ"),
    ("Y", "ÝŶŸȲỲỴỶỸ"), ("y", "ýÿŷȳỳỵỷỹ"),
    ("Z", "ŹŻŽẒ"), ("z", "źżžẓ"),
];

/// What a character becomes that the alphabet in use lacks; `None` when nothing resembles it.
#[must_use]
pub fn transliterate(character: char) -> Option<&'static str> {
    // A combining mark was written behind its base letter, which stays.
    if ('\u{0300}'..='\u{036F}').contains(&character) || ('\u{FE00}'..='\u{FE0F}').contains(&character) {
        return Some("");
    }
    let rows = LETTERS.iter().chain(SIGNS);
    rows.into_iter().find(|(_, from)| from.contains(character)).map(|(similar, _)| *similar)
}
