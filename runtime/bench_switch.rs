//! Switches of a build for `cargo xtask bench`, which no deployment has: the feature `bench` turns them on.
//!
//! They show what durability and the sandbox cost, by leaving them out.

use std::sync::LazyLock;

static SYNC_OFF: LazyLock<bool> = LazyLock::new(|| std::env::var("WASMSC_BENCH_SYNC").is_ok_and(|v| v == "off"));
static NATIVE_RULE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("WASMSC_BENCH_NATIVE_RULE").is_some());

/// `WASMSC_BENCH_SYNC=off`: the commit log is written and not synced.
pub fn sync_is_off() -> bool {
    *SYNC_OFF
}

/// `WASMSC_BENCH_NATIVE_RULE`: the water-meter rule runs as native code, without a sandbox.
pub fn rule_is_native() -> bool {
    *NATIVE_RULE
}
