//! The customer's settings, each with its limits.

use std::ops::RangeInclusive;
use std::time::Duration;

use wasmsc_plugin::{ConfigError, Context, Template};

/// Digits of a code. Fewer are guessed, more are mistyped.
pub const DIGITS: RangeInclusive<u32> = 4..=10;
const TEXT: &str = "Your code is {code}. It is valid for {minutes} min.";
const PLACEHOLDERS: [&str; 2] = ["code", "minutes"];

pub fn check_all(cx: &Context<'_>) -> Result<(), ConfigError> {
    digits(cx)?;
    valid(cx)?;
    attempts_max(cx)?;
    issues_per_hour(cx)?;
    resend_after(cx)?;
    text(cx).map(drop)
}

pub fn digits(cx: &Context<'_>) -> Result<u32, ConfigError> {
    cx.config_within("digits", 6, DIGITS)
}

/// For how long a code is valid.
pub fn valid(cx: &Context<'_>) -> Result<Duration, ConfigError> {
    cx.config_within("expires_seconds", 300, 30..=86_400).map(Duration::from_secs)
}

/// Of one code.
pub fn attempts_max(cx: &Context<'_>) -> Result<u32, ConfigError> {
    cx.config_within("attempts_max", 3, 1..=10)
}

pub fn issues_per_hour(cx: &Context<'_>) -> Result<usize, ConfigError> {
    cx.config_within("issues_per_hour", 5, 1..=100)
}

pub fn resend_after(cx: &Context<'_>) -> Result<Duration, ConfigError> {
    cx.config_within("resend_seconds", 30, 0..=3600).map(Duration::from_secs)
}

/// None: the number that the rule answers from.
pub fn sender(cx: &Context<'_>) -> Option<String> {
    cx.config("sender").map(|sender| sender.trim().to_owned()).filter(|sender| !sender.is_empty())
}

pub fn text(cx: &Context<'_>) -> Result<Template, ConfigError> {
    let text = cx.config("text").unwrap_or_else(|| TEXT.to_owned());
    read_text(&text).map_err(|why| ConfigError(format!("config text = {text:?} {why}")))
}

/// A text with a place for the code, or what is wrong with it.
pub fn read_text(text: &str) -> Result<Template, String> {
    let template = Template::parse_with(text, &PLACEHOLDERS).map_err(|error| format!("cannot be read: {error}"))?;
    if template.names().any(|name| name == "code") {
        Ok(template)
    } else {
        Err("has no {code}, so that nobody would get to know it".to_owned())
    }
}
