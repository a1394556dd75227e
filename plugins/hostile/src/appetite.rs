//! What uses up time, memory, stack, messages, state and log.

use std::hint::black_box;

use wasmsc_plugin::{Context, Failure, Level};

/// Octets taken at a time: one page of WebAssembly.
const BITE: usize = 64 << 10;
const LOG_LINE_OCTETS: usize = 1 << 10;

pub fn compute_for_ever() -> ! {
    let mut round = 0_u64;
    loop {
        round = black_box(round.wrapping_add(1));
    }
}

/// Ends in the host's limit, or in a failed allocation.
pub fn eat_memory() -> ! {
    let mut stomach: Vec<Vec<u8>> = Vec::new();
    loop {
        stomach.push(vec![0xa5; BITE]);
        black_box(&stomach);
    }
}

/// Ends on the bottom of the stack that the host gives. The sum after the call keeps it from becoming a loop, and
/// nothing lies in linear memory, where the guest's own stack would end first.
#[inline(never)]
pub fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        return 0;
    }
    let deeper = recurse(depth + 1);
    (deeper ^ depth).wrapping_add(deeper.rotate_left(7))
}

pub fn flood(cx: &mut Context<'_>, count: u32) -> Result<(), Failure> {
    for number in 1..=count {
        cx.reply(format!("flood {number}"))?;
    }
    Ok(())
}

pub fn flood_quietly(cx: &mut Context<'_>, count: u32) -> Result<(), Failure> {
    for number in 1..=count {
        let _refused = cx.reply(format!("flood {number}"));
    }
    Ok(())
}

pub fn write_value(cx: &mut Context<'_>, octets: u32) -> Result<(), Failure> {
    cx.set_state_bytes("value", &vec![0x5a; octets as usize])?;
    Ok(())
}

pub fn write_keys(cx: &mut Context<'_>, count: u32) -> Result<(), Failure> {
    for number in 0..count {
        cx.set_state_bytes(&format!("key{number:06}"), b"x")?;
    }
    Ok(())
}

pub fn log(cx: &mut Context<'_>, lines: u32) -> Result<(), Failure> {
    let line = "l".repeat(LOG_LINE_OCTETS);
    for _ in 0..lines {
        cx.log(Level::Info, &line, &[]);
    }
    Ok(())
}

pub fn log_for_ever(cx: &mut Context<'_>) -> ! {
    let line = "l".repeat(LOG_LINE_OCTETS);
    loop {
        cx.log(Level::Info, &line, &[("n", "1")]);
    }
}
