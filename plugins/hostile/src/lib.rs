//! A rule that misbehaves on demand: the text of the MO says how. For the tests of the host; never deploy it.
//!
//! | MO | What it does |
//! |---|---|
//! | `LOOP` | computes for ever |
//! | `TRAP` | panics with `hostile: boom` in `trap_on_purpose` |
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
//! | `HALF` | writes state, replies, then panics: nothing of it may survive |
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
            "TRAP" => trap_on_purpose(),
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
            "RANDOM" => random(cx),
            "COUNT" => count(cx),
            "HALF" => half(cx),
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
fn trap_on_purpose() -> ! {
    panic!("hostile: boom")
}

fn abort() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

fn random(cx: &mut Context<'_>) -> Result<(), Failure> {
    let ours: String = cx.random_bytes(8).iter().map(|octet| format!("{octet:02x}")).collect();
    reply(cx, format!("contract {ours} wasi {:016x}", wasi::random()))
}

fn count(cx: &mut Context<'_>) -> Result<(), Failure> {
    let count = cx.increment("count", 1)?;
    reply(cx, count.to_string())
}

fn half(cx: &mut Context<'_>) -> Result<(), Failure> {
    cx.set_state_bytes("half", b"done")?;
    cx.increment("count", 1000)?;
    cx.reply("half done")?;
    trap_on_purpose()
}

#[cfg(test)]
mod tests;
