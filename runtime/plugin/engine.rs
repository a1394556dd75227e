//! The engine's settings, and the thread that makes deadlines pass.
//!
//! Every number here was measured before it was chosen (docs/PERFORMANCE.md). Fresh instances come from a
//! pool whose memories are reset page by page where the kernel can say which pages were written.

use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

/// One tick of the epoch clock; deadlines are counted in ticks.
pub const TICK: Duration = Duration::from_millis(1);
/// Stack of a guest. Recursion beyond it traps.
const GUEST_STACK_OCTETS: usize = 512 << 10;
/// Stack of the fibre that a guest and the host functions it calls run on.
const FIBRE_STACK_OCTETS: usize = 1 << 20;
/// Hard ceiling of one linear memory; a rule's own ceiling (`memory_mib`) lies below.
pub const MEMORY_MAX_OCTETS: usize = 256 << 20;
/// Octets of a memory slot that are cleared in place instead of being given back to the kernel.
const KEEP_RESIDENT_OCTETS: usize = 1 << 20;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the WebAssembly engine cannot start: {0:#}")]
    Engine(wasmtime::Error),
    #[error("the epoch thread cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// What else is done at each tick, once somebody has said.
pub type AtTicks = OnceLock<Box<dyn Fn() + Send + Sync>>;

/// `slots`: instances that may be alive at once, one per rule thread.
pub fn new(slots: u32, at_ticks: Arc<AtTicks>) -> Result<Engine, EngineError> {
    let engine = Engine::new(&config(slots)).map_err(EngineError::Engine)?;
    if !PoolingAllocationConfig::is_pagemap_scan_available() {
        tracing::warn!(
            "this kernel has no PAGEMAP_SCAN (Linux 6.7 or later): rules reset their memory by clearing it, \
             which slows down those with large memories; build them with a 64 KiB stack"
        );
    }
    let weak = engine.weak();
    std::thread::Builder::new().name("epoch".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            if let Some(at_tick) = at_ticks.get() {
                at_tick();
            }
            std::thread::sleep(TICK);
        }
    })?;
    Ok(engine)
}

/// With the same settings, since what is compiled fits those only, and without a clock.
pub fn for_compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config(1))
}

/// What a compiled form must have been compiled for.
pub fn compatibility(engine: &Engine) -> String {
    let mut hash = Stable(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hash);
    hash.0.finalize()[..8].iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The same in every build of wasmsc.
struct Stable(Sha256);

impl Hasher for Stable {
    fn write(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    fn finish(&self) -> u64 {
        let first: [u8; 8] = std::array::from_fn(|index| self.0.clone().finalize()[index]);
        u64::from_le_bytes(first)
    }
}

fn config(slots: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    // Counters cost nothing; memories reserve address space only. Interpreters need dozens of core
    // instances in one component.
    pool.total_component_instances(slots)
        .total_core_instances(slots * 40)
        .total_memories(slots * 4)
        .total_tables(slots * 16)
        .total_stacks(slots * 2)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_memories_per_component(4)
        .max_tables_per_component(64)
        .max_tables_per_module(4)
        .max_memories_per_module(2)
        .table_elements(20_000)
        .max_memory_size(MEMORY_MAX_OCTETS)
        .max_unused_warm_slots(slots * 4)
        .linear_memory_keep_resident(KEEP_RESIDENT_OCTETS)
        .table_keep_resident(256 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(GUEST_STACK_OCTETS)
        .async_stack_size(FIBRE_STACK_OCTETS)
        .memory_guaranteed_dense_image_size(64 << 20)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // For debuggers from outside; backtraces of traps do without. With ten thousand components libgcc's list of
        // them takes seconds to undo, and each has 13 KiB of it.
        .native_unwind_info(false);
    config
}
