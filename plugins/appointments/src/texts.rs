//! Every text that a device gets, and every word that it may answer, in the languages that the config lists.

use wasmsc_plugin::{ConfigError, Context, Template};

use crate::book::Appointment;

/// The texts, by the names that they have in the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// A reminder that wants an answer.
    Ask,
    /// A reminder of what is confirmed already.
    Remind,
    Confirmed,
    Declined,
    /// A new time is wanted.
    Moved,
    /// The answer could be about several.
    Which,
    /// The answer is none of the words.
    Help,
    /// An answer, and no appointment.
    Nothing,
}

const TEXTS: [(Text, &str, &str); 8] = [
    (
        Text::Ask,
        "ask",
        "Reminder: {what} on {date} at {time}. Please reply YES to confirm, NO to cancel or MOVE for another time.",
    ),
    (Text::Remind, "remind", "Reminder: {what} on {date} at {time}. See you then!"),
    (Text::Confirmed, "confirmed", "Thank you. We expect you on {date} at {time}: {what}."),
    (Text::Declined, "declined", "Thank you for telling us. {what} on {date} at {time} is cancelled."),
    (Text::Moved, "moved", "Thank you. We will contact you about another time than {date} at {time} for {what}."),
    (Text::Which, "which", "Which one? Please reply with its number, such as YES {n}. {list}"),
    (Text::Help, "help", "Please reply YES, NO or MOVE."),
    (Text::Nothing, "nothing", "We have no appointment for this number."),
];

/// What a device may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Yes,
    No,
    Move,
}

const WORDS: [(Word, &str, &str); 3] =
    [(Word::Yes, "yes", "YES, Y, OK"), (Word::No, "no", "NO, N"), (Word::Move, "move", "MOVE")];

const PLACEHOLDERS: [&str; 5] = ["what", "date", "time", "n", "list"];

pub fn check_all(cx: &Context<'_>) -> Result<(), ConfigError> {
    for language in languages(cx)? {
        for (text, _, _) in TEXTS {
            template(cx, &language, text)?;
        }
        words(cx, &language)?;
    }
    Ok(())
}

/// In lower case; the first is that of devices of which nothing else is known.
pub fn languages(cx: &Context<'_>) -> Result<Vec<String>, ConfigError> {
    let text = cx.config("languages").unwrap_or_else(|| "en".to_owned());
    let languages: Vec<String> = text
        .split(',')
        .map(|language| language.trim().to_lowercase())
        .filter(|language| !language.is_empty())
        .collect();
    if languages.is_empty() {
        return Err(ConfigError(format!("config languages = {text:?} names none")));
    }
    Ok(languages)
}

/// The first that is configured: the asked one, that of the device's attribute `language`, else the first of all.
pub fn language(cx: &Context<'_>, asked: Option<&str>) -> Result<String, ConfigError> {
    let known = languages(cx)?;
    let wanted = [asked.map(str::to_owned), cx.attribute("language")];
    let found = wanted.into_iter().flatten().map(|language| language.to_lowercase()).find(|one| known.contains(one));
    Ok(found.unwrap_or_else(|| known.into_iter().next().unwrap_or_default()))
}

/// The text about an appointment.
pub fn about(cx: &Context<'_>, text: Text, appointment: &Appointment) -> Result<String, ConfigError> {
    Ok(template(cx, &appointment.language, text)?.fill(|name| match name {
        "what" => appointment.what.clone(),
        "date" => appointment.local().date(),
        "time" => appointment.local().clock(),
        "n" => appointment.number.to_string(),
        _ => String::new(),
    }))
}

/// The question which of these an answer is about.
pub fn which(cx: &Context<'_>, language: &str, appointments: &[&Appointment]) -> Result<String, ConfigError> {
    let line =
        |one: &&Appointment| format!("{}: {} {} {}", one.number, one.what, one.local().date(), one.local().clock());
    let list: Vec<String> = appointments.iter().map(line).collect();
    let first = appointments.first().map_or(1, |one| one.number).to_string();
    Ok(template(cx, language, Text::Which)?.fill(|name| match name {
        "n" => first.clone(),
        "list" => list.join("; "),
        _ => String::new(),
    }))
}

/// A text about nothing in particular.
pub fn plain(cx: &Context<'_>, language: &str, text: Text) -> Result<String, ConfigError> {
    Ok(template(cx, language, text)?.fill(|_| String::new()))
}

fn template(cx: &Context<'_>, language: &str, text: Text) -> Result<Template, ConfigError> {
    let (_, name, english) = TEXTS[text as usize];
    let key = format!("text.{language}.{name}");
    let written = read(cx, &key, language, english)?;
    Template::parse_with(&written, &PLACEHOLDERS)
        .map_err(|error| ConfigError(format!("config {key} = {written:?} cannot be read: {error}")))
}

/// What a word means, in any of the languages: a device may answer in another than it was asked in.
pub fn meaning(cx: &Context<'_>, word: &str) -> Result<Option<Word>, ConfigError> {
    let word = word.to_lowercase();
    for language in languages(cx)? {
        let found = words(cx, &language)?.into_iter().find(|(_, known)| *known == word);
        if let Some((meaning, _)) = found {
            return Ok(Some(meaning));
        }
    }
    Ok(None)
}

/// In lower case.
fn words(cx: &Context<'_>, language: &str) -> Result<Vec<(Word, String)>, ConfigError> {
    let mut all: Vec<(Word, String)> = Vec::new();
    for (word, name, english) in WORDS {
        let key = format!("words.{language}.{name}");
        let written = read(cx, &key, language, english)?;
        for one in written.split(',').map(|one| one.trim().to_lowercase()).filter(|one| !one.is_empty()) {
            if let Some((other, _)) = all.iter().find(|(other, known)| *known == one && *other != word) {
                return Err(ConfigError(format!("config {key} = {written:?} has {one:?}, which is {other:?} already")));
            }
            all.push((word, one));
        }
        if !all.iter().any(|(known, _)| *known == word) {
            return Err(ConfigError(format!("config {key} = {written:?} has no word")));
        }
    }
    Ok(all)
}

fn read(cx: &Context<'_>, key: &str, language: &str, english: &str) -> Result<String, ConfigError> {
    match cx.config(key) {
        Some(text) => Ok(text),
        None if language == "en" => Ok(english.to_owned()),
        None => {
            Err(ConfigError(format!("config {key} is missing, and languages has {language}; {english:?} in English")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_at_its_place() {
        for (index, (text, _, english)) in TEXTS.into_iter().enumerate() {
            assert_eq!(text as usize, index);
            assert!(Template::parse_with(english, &PLACEHOLDERS).is_ok(), "{english}");
        }
    }
}
