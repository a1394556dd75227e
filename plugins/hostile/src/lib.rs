//! A rule that misbehaves on demand: the text of the MO says how. For the tests of the host; never deploy it.
//!
//! | MO | What it does |
//! |---|---|
//! | `LOOP` | computes for ever |
//! | `TRAP` | panics with `hostile: boom` in `burst_into_flames` |
//! | `ABORT` | executes `unreachable` |
//! | `EAT` | allocates and touches memory without end |
//! | `DEEP` | recurses without end |
//! | `SLEEP` | waits an hour inside WASI |
//! | `RETRY`, `RETRY <ms>` | asks for another attempt |
//! | `REJECT <reason>` | gives the MO up |
//! | `FLOOD <n>` | replies n times, fails when one is refused |
//! | `FLOODQ <n>` | replies n times, ignores refusals |
//! | `STATE <octets>` | writes one state value of that size |
//! | `KEYS <n>` | writes n state keys |
//! | `LOG <n>`, `LOGFOREVER` | logs lines of 1 KB |
//! | `PRINT` | prints a line to stdout and one to stderr |
//! | `FILE`, `ENV`, `CLOCK`, `RANDOM` | replies with what WASI gives it |
//! | `COUNT` | counts in its state and replies with the count |
//! | `DEVICE <attribute>` | replies with the tags of its device, and that attribute |
//! | `NAMES` | replies with the names of its state keys |
//! | `TWICE CLOCK`, `TWICE RANDOM` | logs the answer; replies with it on the second attempt, that it asked for |
//! | `HALF` | writes state, replies, then panics: nothing of it may survive |
//! | `VERSION <text>` | replies twice with its mark and the text; tests make another version by writing another mark into the component, and one that panics here with `mark-bad` |
//! | `ECHO <text>`, anything else | replies with the text |
//!
//! `FLOOD`, `STATE` and `KEYS` fail with what the host answered, as a reject.

mod appetite;
mod wasi;

use wasmsc_plugin::{Body, Context, Failure, Mo, Rule, export_rule};

pub struct Hostile;

impl Rule for Hostile {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Some(text) = mo.text() else {
            cx.reply(mo.body.clone())?;
            return Ok(());
        };
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "LOOP" => appetite::compute_for_ever(),
            "TRAP" => burst_into_flames(),
            "ABORT" => abort(),
            "EAT" => appetite::eat_memory(),
            "DEEP" => reply(cx, appetite::recurse(1).to_string()),
            "SLEEP" => wasi::sleep_an_hour(),
            "RETRY" => Err(Failure::Retry { after_ms: rest.parse().ok() }),
            "REJECT" => Err(Failure::Reject(rest.to_owned())),
            "FLOOD" => appetite::flood(cx, number(rest)?),
            "FLOODQ" => appetite::flood_quietly(cx, number(rest)?),
            "STATE" => appetite::write_value(cx, number(rest)?),
            "KEYS" => appetite::write_keys(cx, number(rest)?),
            "LOG" => appetite::log(cx, number(rest)?),
            "LOGFOREVER" => appetite::log_for_ever(cx),
            "PRINT" => wasi::print(),
            "FILE" => reply(cx, wasi::open_a_file()),
            "ENV" => reply(cx, wasi::environment()),
            "CLOCK" => reply(cx, wasi::clocks()),
            "RANDOM" => {
                let drawn = random(cx);
                reply(cx, drawn)
            }
            "TWICE" => twice(cx, rest),
            "DEVICE" => device(cx, rest),
            "NAMES" => names(cx),
            "COUNT" => count(cx),
            "HALF" => half(cx),
            "VERSION" => version(cx, rest),
            "ECHO" => reply(cx, rest),
            _ => reply(cx, text),
        }
    }
}

export_rule!(Hostile);

fn reply(cx: &mut Context<'_>, body: impl Into<Body>) -> Result<(), Failure> {
    cx.reply(body)?;
    Ok(())
}

fn number(text: &str) -> Result<u32, Failure> {
    text.trim().parse().map_err(|error| Failure::Reject(format!("{text:?} is no count: {error}")))
}

/// A frame of its own, so that the backtrace has its name.
#[inline(never)]
fn burst_into_flames() -> ! {
    panic!("hostile: boom")
}

fn abort() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

fn random(cx: &mut Context<'_>) -> String {
    let ours: String = cx.random_bytes(8).iter().map(|octet| format!("{octet:02x}")).collect();
    format!("contract {ours} wasi {:016x}", wasi::random())
}

/// Only the log outlives a failed attempt, so that both attempts can be compared there.
fn twice(cx: &mut Context<'_>, what: &str) -> Result<(), Failure> {
    let answer = match what {
        "CLOCK" => wasi::clocks(),
        "RANDOM" => random(cx),
        other => return Err(Failure::Reject(format!("TWICE {other:?} is nothing to do twice"))),
    };
    cx.info(&answer);
    if cx.attempt() == 1 {
        return Err(Failure::Retry { after_ms: Some(20) });
    }
    reply(cx, answer)
}

fn device(cx: &mut Context<'_>, attribute: &str) -> Result<(), Failure> {
    let (tags, value) = (cx.tags().join(" "), cx.attribute(attribute));
    reply(cx, format!("tags: {tags}; {attribute}: {value:?}"))
}

fn names(cx: &mut Context<'_>) -> Result<(), Failure> {
    let (names, _more) = cx.list_keys("", None)?;
    reply(cx, format!("names: {}", names.join(" ")))
}

fn count(cx: &mut Context<'_>) -> Result<(), Failure> {
    let count = cx.increment("count", 1)?;
    reply(cx, count.to_string())
}

/// As long as every other mark is.
const MARK: &str = "mark-one";

fn version(cx: &mut Context<'_>, text: &str) -> Result<(), Failure> {
    let mark = std::hint::black_box(MARK);
    if mark == "mark-bad" {
        burst_into_flames()
    }
    for part in ["a", "b"] {
        cx.reply(format!("{mark} {part} {text}"))?;
    }
    Ok(())
}

fn half(cx: &mut Context<'_>) -> Result<(), Failure> {
    cx.set_state_bytes("half", b"done")?;
    cx.increment("count", 1000)?;
    cx.reply("half done")?;
    burst_into_flames()
}

#[cfg(test)]
mod tests;
