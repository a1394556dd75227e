//! What a rule finds when it asks WASI instead of the contract.

// The rest of the house takes time as an argument; here the question is what a rule gets that does not.
#![allow(clippy::disallowed_methods)]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmsc_plugin::Failure;

/// A wait that no epoch deadline sees: the guest is inside the host.
pub fn sleep_an_hour() -> Result<(), Failure> {
    std::thread::sleep(Duration::from_secs(3600));
    Ok(())
}

pub fn print() -> Result<(), Failure> {
    println!("hostile: on stdout");
    eprintln!("hostile: on stderr");
    Ok(())
}

pub fn open_a_file() -> String {
    match std::fs::File::open("/etc/passwd") {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

/// Number of environment variables and of arguments.
pub fn environment() -> String {
    format!("env {} args {}", std::env::vars_os().count(), std::env::args_os().count())
}

/// Wall clock in ms since 1970, and what an Instant of 1,000 rounds measured, in ns.
pub fn clocks() -> String {
    let started = Instant::now();
    (0..1000).for_each(|round: u32| {
        std::hint::black_box(round);
    });
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    format!("wall {wall} elapsed {}", started.elapsed().as_nanos())
}

/// WASI's random number, as the standard library draws it for a hash map.
pub fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}
