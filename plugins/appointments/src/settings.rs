//! The customer's settings but for texts.

use std::time::Duration;

use wasmsc_plugin::{ConfigError, Context};

use crate::time;

/// More would be a nuisance, and none of them can be before the booking.
const REMINDERS_MAX: usize = 4;
const REMINDER_AHEAD_MAX: Duration = Duration::from_secs(60 * 86_400);

pub fn check_all(cx: &Context<'_>) -> Result<(), ConfigError> {
    reminders(cx)?;
    if let Some(url) = callback_url(cx)
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        return Err(ConfigError(format!("config callback_url = {url:?} does not begin with https:// or http://")));
    }
    match callback_secret(cx) {
        Some(name) if cx.secret(&name).is_none() => {
            Err(ConfigError(format!("config callback_secret = {name:?} names no secret of this rule")))
        }
        _ => Ok(()),
    }
}

/// Minutes before an appointment at which the device is reminded.
pub fn reminders(cx: &Context<'_>) -> Result<Vec<u64>, ConfigError> {
    let text = cx.config("reminders").unwrap_or_else(|| "24h, 2h".to_owned());
    let spans = text.split(',').map(str::trim).filter(|span| !span.is_empty());
    read_reminders(spans).map_err(|why| ConfigError(format!("config reminders = {text:?} cannot be read: {why}")))
}

/// In minutes, the earliest first, each once.
pub fn read_reminders<'t>(spans: impl Iterator<Item = &'t str>) -> Result<Vec<u64>, String> {
    let mut minutes = Vec::new();
    for text in spans {
        let span = time::parse_span(text).ok_or_else(|| format!("{text:?} is no time such as 24h, 90m or 2d"))?;
        if span > REMINDER_AHEAD_MAX {
            return Err(format!("{text:?} is more than 60 days"));
        }
        minutes.push(span.as_secs() / 60);
    }
    minutes.sort_by(|a, b| b.cmp(a));
    minutes.dedup();
    if minutes.len() > REMINDERS_MAX {
        return Err(format!("there are {}, and {REMINDERS_MAX} are the most", minutes.len()));
    }
    Ok(minutes)
}

/// Where outcomes are told; None: nowhere.
pub fn callback_url(cx: &Context<'_>) -> Option<String> {
    set(cx, "callback_url")
}

/// Name of the secret that the host puts into the Authorization header.
pub fn callback_secret(cx: &Context<'_>) -> Option<String> {
    set(cx, "callback_secret")
}

fn set(cx: &Context<'_>, key: &str) -> Option<String> {
    cx.config(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
