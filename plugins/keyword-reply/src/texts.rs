//! What may stand in a text: `{attribute:x}`, `{tag}`, `{count}`, `{now}`, each with `|` and what is said without it.

use wasmsc_plugin::{Context, Failure, Template};

use crate::settings;

const KNOWN: &str = "{attribute:NAME}, {tag}, {count} and {now}";

/// A text whose placeholders are all known, or what is wrong with it.
pub fn parse(text: &str) -> Result<Template, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    for name in template.names() {
        let (what, _) = split(name);
        let is_known = match what.split_once(':') {
            Some((kind, key)) => kind == "attribute" && !key.is_empty(),
            None => matches!(what, "tag" | "count" | "now"),
        };
        if !is_known {
            return Err(format!("{{{name}}} is not known; there is {KNOWN}"));
        }
    }
    Ok(template)
}

/// `count`: which message of its kind this is from the device.
pub fn fill(cx: &Context<'_>, template: &Template, count: i64) -> Result<String, Failure> {
    let offset = settings::utc_offset(cx)?;
    Ok(template.fill(|name| {
        let (what, otherwise) = split(name);
        let value = match what.split_once(':') {
            Some((_, key)) => cx.attribute(key),
            None if what == "tag" => cx.tags().into_iter().next(),
            None if what == "count" => Some(count.to_string()),
            None => Some(date_and_time(cx.now().0, offset)),
        };
        value.filter(|value| !value.is_empty()).unwrap_or_else(|| otherwise.to_owned())
    }))
}

/// `attribute:name|customer`: the placeholder, and what stands there where it has no value.
fn split(name: &str) -> (&str, &str) {
    name.split_once('|').unwrap_or((name, ""))
}

/// `2026-03-01 09:30`.
fn date_and_time(millis: u64, offset_minutes: i64) -> String {
    let minutes = i64::try_from(millis / 60_000).unwrap_or(0) + offset_minutes;
    let (days, of_day) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    // Years begin with March here, so that a leap day comes last.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", of_day / 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_their_zone() {
        assert_eq!(date_and_time(0, 0), "1970-01-01 00:00");
        assert_eq!(date_and_time(1_767_225_600_000, -1), "2025-12-31 23:59");
        assert_eq!(date_and_time(1_709_164_800_000, 90), "2024-02-29 01:30");
        assert_eq!(date_and_time(951_782_400_000, 0), "2000-02-29 00:00");
    }

    #[test]
    fn only_known_placeholders_are_taken() {
        for text in ["{attribute:name|you} {tag} {count} {now}", "{tag|none}", "plain"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["{name}", "{attribute:}", "{attribute}", "{tag:x}", "{", "{tags}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
