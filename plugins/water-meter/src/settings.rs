//! The customer's settings. Each is read when an event needs it; a bad one rejects the event.
//!
//! A setting that is needed rarely would stay wrong until the day a valve must close, so the first report of
//! a device and of each day asks for all of them: see [`check_all`].

use std::time::Duration;

use wasmsc_plugin::{ConfigError, Context};

use crate::values::{Milli, Phone};

const YEAR_MINUTES: u32 = 366 * 1440;

/// Reads and checks every setting but the owners' lists.
pub fn check_all(cx: &Context<'_>) -> Result<(), ConfigError> {
    leak_minutes(cx)?;
    allowance_litres(cx)?;
    throttle_percent(cx)?;
    throttle_litres_per_hour(cx)?;
    resend_secs(cx)?;
    day_starts_minutes(cx)?;
    battery_low(cx)?;
    acknowledge(cx)?;
    confirm_within(cx)?;
    silent_after(cx)?;
    check_report_url(cx)?;
    operator(cx).map(drop)
}

fn check_report_url(cx: &Context<'_>) -> Result<(), ConfigError> {
    match (report_url(cx), report_secret(cx)) {
        (Some(url), _) if !(url.starts_with("https://") || url.starts_with("http://")) => {
            Err(ConfigError(format!("config report_url = {url:?} does not begin with https:// or http://")))
        }
        (None, Some(_)) => Err(ConfigError::new("config report_secret is set, and report_url is not")),
        (Some(_), Some(name)) if cx.secret(&name).is_none() => {
            Err(ConfigError(format!("config report_secret = {name:?} names no secret of this rule")))
        }
        _ => Ok(()),
    }
}

/// 0: leaks are not watched.
pub fn leak_minutes(cx: &Context<'_>) -> Result<u64, ConfigError> {
    cx.config_within("leak_minutes", 360, 0..=YEAR_MINUTES).map(u64::from)
}

/// 0: no allowance.
pub fn allowance_litres(cx: &Context<'_>) -> Result<u64, ConfigError> {
    cx.config_within("daily_allowance_litres", 1000, 0..=1_000_000_000_u32).map(u64::from)
}

/// Of the allowance; 0: never throttled.
pub fn throttle_percent(cx: &Context<'_>) -> Result<u64, ConfigError> {
    cx.config_within("throttle_percent", 80, 0..=100_u32).map(u64::from)
}

pub fn throttle_litres_per_hour(cx: &Context<'_>) -> Result<u32, ConfigError> {
    cx.config_within("throttle_litres_per_hour", 60, 1..=1_000_000)
}

pub fn resend_secs(cx: &Context<'_>) -> Result<u64, ConfigError> {
    cx.config_within("resend_minutes", 15, 0..=YEAR_MINUTES).map(|minutes| u64::from(minutes) * 60)
}

/// After midnight UTC.
pub fn day_starts_minutes(cx: &Context<'_>) -> Result<u64, ConfigError> {
    cx.config_within("day_starts_minutes_utc", 0, 0..=1439_u32).map(u64::from)
}

/// 0: the battery is not watched.
pub fn battery_low(cx: &Context<'_>) -> Result<Milli, ConfigError> {
    cx.config_within("battery_low_volts", Milli(3300), Milli(0)..=Milli(100_000))
}

pub fn acknowledge(cx: &Context<'_>) -> Result<bool, ConfigError> {
    cx.config_parsed("acknowledge_reports", false)
}

/// How long a CLOSE waits to be confirmed before it is sent again. 0: it is not watched.
pub fn confirm_within(cx: &Context<'_>) -> Result<Duration, ConfigError> {
    cx.config_within("confirm_minutes", 15, 0..=1440).map(|minutes: u64| Duration::from_secs(minutes * 60))
}

/// How long a meter may say nothing. 0: silence is not watched.
pub fn silent_after(cx: &Context<'_>) -> Result<Duration, ConfigError> {
    cx.config_within("silent_after_hours", 0, 0..=8760).map(|hours: u64| Duration::from_secs(hours * 3600))
}

/// Where readings are posted; None: nowhere.
pub fn report_url(cx: &Context<'_>) -> Option<String> {
    set(cx, "report_url")
}

/// Name of the secret that the host puts into the Authorization header.
pub fn report_secret(cx: &Context<'_>) -> Option<String> {
    set(cx, "report_secret")
}

fn set(cx: &Context<'_>, key: &str) -> Option<String> {
    cx.config(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

pub fn operator(cx: &Context<'_>) -> Result<Option<Phone>, ConfigError> {
    match cx.config("operator") {
        None => Ok(None),
        Some(text) if text.trim().is_empty() => Ok(None),
        Some(text) => read_phone("operator", &text).map(Some),
    }
}

/// The meters of an owner; None for a phone that is none.
pub fn meters_of(cx: &Context<'_>, owner: &Phone) -> Result<Option<Vec<Phone>>, ConfigError> {
    let keys = [format!("owner.{owner}"), format!("owner.{}", owner.digits())];
    for key in keys {
        if let Some(list) = cx.config(&key) {
            let numbers = list.split(',').filter(|number| !number.trim().is_empty());
            return numbers.map(|number| read_phone(&key, number)).collect::<Result<_, _>>().map(Some);
        }
    }
    Ok(None)
}

fn read_phone(key: &str, text: &str) -> Result<Phone, ConfigError> {
    text.trim().parse().map_err(|error| ConfigError(format!("config {key} = {text:?} cannot be read: {error}")))
}
