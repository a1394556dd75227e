//! Where what a reader sees as one character begins.
//!
//! A short form of Unicode's grapheme clusters (UAX #29) without its tables: the marks of the
//! scripts that SMS are written in, emoji sequences, flags. It errs towards keeping things together,
//! which costs at most a few units of a part.

const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Reads characters one by one.
#[derive(Default)]
pub(super) struct Clusters {
    before: Option<char>,
    /// `before` is the first half of a flag.
    is_half_flag: bool,
}

impl Clusters {
    /// True when a cluster starts with this character, which comes behind all those given before.
    pub(super) fn starts_with(&mut self, character: char) -> bool {
        let is_joined = self.before.is_some_and(|before| before == ZERO_WIDTH_JOINER || is_virama(before));
        let is_second_half = self.is_half_flag && is_regional(character);
        let is_line_end = self.before == Some('\r') && character == '\n';
        self.is_half_flag = is_regional(character) && !is_second_half;
        let starts = self.before.is_none() || !(is_joined || is_second_half || is_line_end || is_extending(character));
        self.before = Some(character);
        starts
    }
}

/// Half of a flag.
fn is_regional(character: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&character)
}

/// Kills an Indic consonant's vowel, so that it joins with the consonant behind it.
fn is_virama(character: char) -> bool {
    let code_point = u32::from(character);
    // The blocks from Devanagari to Sinhala have the same layout; Sinhala's sign is at 0x0DCA.
    (0x0900..0x0D80).contains(&code_point) && code_point & 0x7F == 0x4D || code_point == 0x0DCA
}

/// Belongs to the character before it.
fn is_extending(character: char) -> bool {
    match character {
        '\0'..='\u{02FF}' => false,
        // Combining marks, general and supplements, for symbols, and half marks.
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' => true,
        '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}' => true,
        // Joiners, variation selectors, skin tones, and the letters in a region's flag.
        '\u{200C}' | ZERO_WIDTH_JOINER | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => true,
        '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' => true,
        // Cyrillic, Hebrew and Arabic marks.
        '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}'..='\u{05C2}' => true,
        '\u{05C4}'..='\u{05C5}' | '\u{05C7}' | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' => true,
        '\u{0670}' | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}' | '\u{06E7}'..='\u{06E8}' => true,
        '\u{06EA}'..='\u{06ED}' => true,
        // Devanagari to Sinhala.
        '\u{0900}'..='\u{0DFF}' => is_indic_sign(u32::from(character)),
        // Thai and Lao vowels and tones, Myanmar, Khmer, and the later jamo of a Hangul syllable.
        '\u{0E31}' | '\u{0E33}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}' => true,
        '\u{0EB1}' | '\u{0EB3}'..='\u{0EBC}' | '\u{0EC8}'..='\u{0ECE}' => true,
        '\u{102B}'..='\u{103E}' | '\u{17B4}'..='\u{17D3}' | '\u{1160}'..='\u{11FF}' => true,
        // Japanese voicing marks.
        '\u{302A}'..='\u{302F}' | '\u{3099}'..='\u{309A}' | '\u{FF9E}'..='\u{FF9F}' => true,
        _ => false,
    }
}

/// Signs of the Indic blocks, which share one layout of 128 code points.
fn is_indic_sign(code_point: u32) -> bool {
    if code_point >= 0x0D80 {
        return matches!(code_point, 0x0D81..=0x0D83 | 0x0DCA..=0x0DDF | 0x0DF2..=0x0DF3);
    }
    match code_point & 0x7F {
        // Candrabindu, anusvara, visarga; nukta; vowel signs and virama; accents and length marks;
        // vocalic vowel signs.
        0x00..=0x03 | 0x3C | 0x3E..=0x4D | 0x51..=0x57 | 0x62..=0x63 => true,
        // Devanagari's own vowel signs, and Gurmukhi's tippi, addak and yakash.
        0x3A | 0x3B | 0x4F => code_point < 0x0980,
        0x70 | 0x71 | 0x75 => (0x0A00..0x0A80).contains(&code_point),
        _ => false,
    }
}
