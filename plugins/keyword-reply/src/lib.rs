//! Answers keywords with texts, all of it from the config: nobody has to write code.
//!
//! Here is what happens to an MO; `settings` reads the config, `texts` fills in.

mod settings;
mod texts;

use std::collections::BTreeMap;

use wasmsc_plugin::{
    ConfigCheck, ConfigError, Context, Failure, Mo, Request, RequestHandler, Response, Rule, Timestamp, export_rule,
    json,
};

use crate::settings::Keyword;

/// The rule.
pub struct KeywordReply;

/// When the default text was sent last to this device.
const DEFAULT_AT: &str = "default_at";

impl Rule for KeywordReply {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let keywords = settings::keywords(cx)?;
        match keywords.iter().find(|keyword| keyword.is(first_word(mo.text().unwrap_or_default()))) {
            Some(keyword) => known(cx, keyword),
            None => unknown(cx),
        }
    }
}

impl RequestHandler for KeywordReply {
    /// How often the counted keywords came, from all devices together.
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure> {
        if request.name != "counts" {
            return Response::error(404, format!("there is no request {:?}; there is counts", request.name));
        }
        let mut counts = BTreeMap::new();
        for keyword in settings::keywords(cx)?.iter().filter(|keyword| keyword.is_counted) {
            counts.insert(keyword.name.clone(), cx.shared_count(&total_key(keyword))?);
        }
        Response::json(200, &json!({ "counts": counts }))
    }
}

impl ConfigCheck for KeywordReply {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        settings::check_all(cx)
    }
}

export_rule!(KeywordReply: mo, requests, config);

fn known(cx: &mut Context<'_>, keyword: &Keyword) -> Result<(), Failure> {
    let count = cx.increment(&format!("count.{}", keyword.name), 1)?;
    if keyword.is_counted {
        // Added without reading, so that devices that write at once do not have to wait for each other.
        cx.add_shared(&total_key(keyword), 1)?;
    }
    let text = texts::fill(cx, &keyword.reply, count)?;
    cx.reply(text)?;
    Ok(())
}

fn unknown(cx: &mut Context<'_>) -> Result<(), Failure> {
    let Some(reply) = settings::default_reply(cx)? else { return Ok(()) };
    let now = cx.now();
    let last: Option<u64> = cx.state(DEFAULT_AT)?;
    // Two machines that do not understand each other must not talk for ever.
    let every = settings::default_every(cx)?;
    if last.is_some_and(|last| now.since(Timestamp(last)) < every) {
        return Ok(());
    }
    cx.set_state(DEFAULT_AT, &now.0)?;
    let count = cx.increment("count", 1)?;
    let text = texts::fill(cx, &reply, count)?;
    cx.reply(text)?;
    Ok(())
}

fn total_key(keyword: &Keyword) -> String {
    format!("total.{}", keyword.name)
}

/// Without punctuation around it.
fn first_word(text: &str) -> &str {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.trim_matches(|char: char| !char.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::first_word;

    #[test]
    fn the_first_word_is_bare() {
        assert_eq!(first_word(" \"Info!\" please"), "Info");
        assert_eq!(first_word("öppettider?"), "öppettider");
        assert_eq!((first_word(""), first_word("!!!")), ("", ""));
    }
}
