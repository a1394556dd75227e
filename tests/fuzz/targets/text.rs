//! `wasmsc_fuzz::text`, on whatever libFuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| wasmsc_fuzz::text(octets));
