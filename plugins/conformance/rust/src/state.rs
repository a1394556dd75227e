//! The commands for what outlives a call.

use std::time::Duration;

use wasmsc_plugin::{Context, Failure};

use crate::{none, reply};

pub fn of_device(cx: &mut Context<'_>, verb: &str, rest: &str) -> Result<(), Failure> {
    let answer = match verb {
        "COUNT" => cx.increment("n", 1)?.to_string(),
        "SET" => {
            let (key, value) = pair(rest)?;
            cx.set_state_bytes(key, value.as_bytes())?;
            ok()
        }
        "GET" => cx.state_bytes(rest)?.map_or_else(none, |value| String::from_utf8_lossy(&value).into_owned()),
        "DEL" => {
            cx.delete_state(rest)?;
            ok()
        }
        _ => joined(&cx.keys(rest)?),
    };
    reply(cx, answer)
}

pub fn shared(cx: &mut Context<'_>, verb: &str, rest: &str) -> Result<(), Failure> {
    let answer = match verb {
        "SADD" => {
            let (key, delta) = pair(rest)?;
            cx.add_shared(key, number(delta)?)?;
            ok()
        }
        "SSET" => {
            let (key, value) = pair(rest)?;
            cx.set_shared_bytes(key, value.as_bytes())?;
            ok()
        }
        "SGET" => match cx.shared_bytes(rest)? {
            None => none(),
            Some(value) => match <[u8; 8]>::try_from(value.as_slice()) {
                Ok(integer) => i64::from_le_bytes(integer).to_string(),
                Err(_) => String::from_utf8_lossy(&value).into_owned(),
            },
        },
        "SDEL" => {
            cx.delete_shared(rest)?;
            ok()
        }
        _ => joined(&cx.shared_keys(rest)?),
    };
    reply(cx, answer)
}

pub fn timers(cx: &mut Context<'_>, verb: &str, rest: &str) -> Result<(), Failure> {
    let answer = match verb {
        "TIMER" => {
            let (name, rest) = pair(rest)?;
            let (delay, payload) = rest.split_once(' ').unwrap_or((rest, ""));
            cx.set_timer(name, Duration::from_millis(number(delay)?), payload)?;
            ok()
        }
        _ => cx.cancel_timer(rest)?.to_string(),
    };
    reply(cx, answer)
}

fn ok() -> String {
    "ok".to_owned()
}

fn joined(keys: &[String]) -> String {
    if keys.is_empty() { none() } else { keys.join(",") }
}

fn pair(rest: &str) -> Result<(&str, &str), Failure> {
    rest.split_once(' ').ok_or_else(|| Failure::reject("two words are needed"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::reject(format!("{text:?} is no number")))
}
