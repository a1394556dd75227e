//! The config: which keywords there are, and what is replied.

use std::time::Duration;

use wasmsc_plugin::{ConfigError, Context, Template};

use crate::texts;

/// One keyword, with its other spellings.
pub struct Keyword {
    pub name: String,
    aliases: Vec<String>,
    pub reply: Template,
    /// Whether its uses are counted over all devices.
    pub is_counted: bool,
}

impl Keyword {
    /// In any case.
    pub fn is(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.name == word || self.aliases.contains(&word)
    }
}

pub fn check_all(cx: &Context<'_>) -> Result<(), ConfigError> {
    let keywords = keywords(cx)?;
    let mut spellings: Vec<&str> = Vec::new();
    for keyword in &keywords {
        for spelling in std::iter::once(&keyword.name).chain(&keyword.aliases) {
            if spellings.contains(&spelling.as_str()) {
                return Err(ConfigError(format!("config keywords has {spelling:?} twice")));
            }
            spellings.push(spelling);
        }
    }
    let known = |name: &String| keywords.iter().any(|keyword| keyword.name == *name);
    if let Some(unknown) = counted(cx).into_iter().find(|name| !known(name)) {
        return Err(ConfigError(format!("config counted names {unknown:?}, which is none of the keywords")));
    }
    default_reply(cx)?;
    default_every(cx)?;
    utc_offset(cx).map(drop)
}

/// As `keywords` lists them: `info|help, price`. The first spelling is the name.
pub fn keywords(cx: &Context<'_>) -> Result<Vec<Keyword>, ConfigError> {
    let text = cx.config("keywords").unwrap_or_default();
    let counted = counted(cx);
    let mut keywords = Vec::new();
    for entry in words(&text, ',') {
        let mut spellings = words(&entry, '|').into_iter();
        let Some(name) = spellings.next() else { continue };
        let aliases: Vec<String> = spellings.collect();
        if let Some(wrong) = std::iter::once(&name).chain(&aliases).find(|one| !is_one_word(one)) {
            return Err(ConfigError(format!(
                "config keywords has {wrong:?}, which is no single word of letters and digits"
            )));
        }
        let key = format!("reply.{name}");
        let Some(reply) = template(cx, &key)? else {
            return Err(ConfigError(format!("config {key} is missing, and keywords has {name:?}")));
        };
        keywords.push(Keyword { is_counted: counted.contains(&name), name, aliases, reply });
    }
    if keywords.is_empty() {
        return Err(ConfigError(format!("config keywords = {text:?} names none; write such as \"info|help, price\"")));
    }
    Ok(keywords)
}

/// What is said to anything else; None: nothing.
pub fn default_reply(cx: &Context<'_>) -> Result<Option<Template>, ConfigError> {
    template(cx, "default_reply")
}

/// How often a device gets that at most.
pub fn default_every(cx: &Context<'_>) -> Result<Duration, ConfigError> {
    cx.config_within("default_every_minutes", 60, 0..=10_080).map(|minutes: u64| Duration::from_secs(minutes * 60))
}

/// In which `{now}` is written, in minutes.
pub fn utc_offset(cx: &Context<'_>) -> Result<i64, ConfigError> {
    cx.config_within("utc_offset_minutes", 0, -840..=840)
}

fn counted(cx: &Context<'_>) -> Vec<String> {
    words(&cx.config("counted").unwrap_or_default(), ',')
}

fn template(cx: &Context<'_>, key: &str) -> Result<Option<Template>, ConfigError> {
    let Some(text) = cx.config(key).filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let template = texts::parse(&text);
    template.map(Some).map_err(|why| ConfigError(format!("config {key} = {text:?} cannot be read: {why}")))
}

/// In lower case, without those that are empty.
fn words(text: &str, separator: char) -> Vec<String> {
    text.split(separator).map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// As `first_word` of the rule would find it in a text.
fn is_one_word(word: &str) -> bool {
    let ends = [word.chars().next(), word.chars().next_back()];
    !word.contains(char::is_whitespace) && ends.into_iter().flatten().all(char::is_alphanumeric)
}
