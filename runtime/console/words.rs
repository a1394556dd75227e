//! What the house's words mean to people, and how good or bad each is.

use super::parts::Mood;

/// Of a message's state.
pub fn mood(state: &str) -> Mood {
    match state {
        "delivered" | "accepted" => Mood::Good,
        "scheduled" | "enroute" => Mood::Busy,
        "undeliverable" | "expired" | "rejected" => Mood::Bad,
        _ => Mood::Calm,
    }
}

/// Details of the API begin without a capital, since they may stand behind something.
pub fn first_up(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// With its full stop.
pub fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first_up(text) + end
}

/// "1 message", "2 messages".
pub fn count(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", super::parts::number(count), if count == 1 { one } else { many })
}

/// In the unit that is easy to read.
pub fn duration_ms(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

pub fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1_000.0),
        _ => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

/// Of what may not have happened at all.
pub fn some_micros(micros: Option<u64>) -> String {
    micros.map_or_else(|| "–".to_owned(), self::micros)
}

/// A second, with as many places as say something.
pub fn rate(per_sec: f64) -> String {
    match per_sec {
        0.0 => "0".to_owned(),
        0.0..0.01 => "< 0.01".to_owned(),
        0.01..10.0 => format!("{per_sec:.2}"),
        _ => format!("{per_sec:.0}"),
    }
}

/// Memory, as people speak of it.
pub fn size(octets: u64) -> String {
    match octets {
        0..1_048_576 => format!("{} KiB", octets.div_ceil(1_024)),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", octets as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", octets as f64 / 1_073_741_824.0),
    }
}
