//! The engines' settings, and the thread that makes deadlines pass.
//!
//! Every number here was measured before it was chosen (docs/PERFORMANCE.md). Fresh instances come from a
//! pool whose memories are reset page by page where the kernel can say which pages were written.

use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::filling::Filling;

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

/// An engine for each [`Filling`]: it is a setting of the whole engine, and what is compiled for the one does not suit the other.
pub struct Engines {
    mapped: Engine,
    copied: Engine,
}

impl Engines {
    /// `slots`: instances that may be alive at once, one per rule thread; in each engine, as all may be of one kind.
    pub fn new(slots: u32, at_ticks: Arc<AtTicks>) -> Result<Engines, EngineError> {
        let engine = |filling| Engine::new(&config(slots, filling)).map_err(EngineError::Engine);
        let engines = Engines { mapped: engine(Filling::Mapped)?, copied: engine(Filling::Copied)? };
        if !PoolingAllocationConfig::is_pagemap_scan_available() {
            tracing::warn!(
                "this kernel has no PAGEMAP_SCAN (Linux 6.7 or later): rules reset their memory by clearing it, \
                 which slows down those with large memories; build them with a 64 KiB stack"
            );
        }
        let weak = [engines.mapped.weak(), engines.copied.weak()];
        std::thread::Builder::new().name("epoch".into()).spawn(move || {
            while let [Some(mapped), Some(copied)] = weak.each_ref().map(EngineWeak::upgrade) {
                mapped.increment_epoch();
                copied.increment_epoch();
                drop((mapped, copied));
                if let Some(at_tick) = at_ticks.get() {
                    at_tick();
                }
                std::thread::sleep(TICK);
            }
        })?;
        Ok(engines)
    }

    pub fn of(&self, filling: Filling) -> &Engine {
        match filling {
            Filling::Mapped => &self.mapped,
            Filling::Copied => &self.copied,
        }
    }

    /// What a component was compiled for.
    pub fn filling(&self, component: &Component) -> Filling {
        if Engine::same(component.engine(), &self.copied) { Filling::Copied } else { Filling::Mapped }
    }

    /// What a compiled form must have been compiled for: one of these, which it says of itself.
    pub fn compatibility(&self) -> String {
        let mut hash = Stable(Sha256::new());
        for engine in [&self.mapped, &self.copied] {
            engine.precompile_compatibility_hash().hash(&mut hash);
        }
        hash.0.finalize()[..8].iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// With the same settings, since what is compiled fits those only, and without a clock.
pub fn for_compiling(filling: Filling) -> wasmtime::Result<Engine> {
    Engine::new(&config(1, filling))
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

fn config(slots: u32, filling: Filling) -> Config {
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
        .memory_init_cow(filling == Filling::Mapped)
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

#[cfg(test)]
mod tests {
    use wasmtime::Store;
    use wasmtime::component::Linker;

    use super::*;

    /// Of the memory, 16 pages, what is not zero; `fill` makes it so.
    fn component(data_octets: usize) -> Vec<u8> {
        let text = format!(
            r#"(component (core module $m (memory 16)
                (data (i32.const 0) "{}")
                (func (export "fill") (memory.fill (i32.const 0) (i32.const 170) (i32.const 1048576)))
                (func (export "count") (result i32) (local $at i32) (local $count i32)
                    (loop $next
                        (local.set $count (i32.add (local.get $count)
                            (i32.ne (i32.load8_u (local.get $at)) (i32.const 0))))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.const 1048576))))
                    (local.get $count)))
              (core instance $i (instantiate $m))
              (func (export "fill") (canon lift (core func $i "fill")))
              (func (export "count") (result u32) (canon lift (core func $i "count"))))"#,
            "x".repeat(data_octets)
        );
        wat::parse_str(text).expect("valid")
    }

    /// With one slot, each instance gets the memory of the one before.
    #[test]
    fn a_memory_begins_with_its_own_data_and_zeros_whoever_had_it_before() {
        let engines = Engines::new(1, Arc::default()).expect("an engine");
        for filling in [Filling::Mapped, Filling::Copied] {
            let engine = engines.of(filling);
            let sizes = [1, 70_000, 5];
            let components = sizes.map(|octets| Component::new(engine, component(octets)).expect("valid"));
            for (size, component) in sizes.iter().zip(&components).cycle().take(7) {
                let mut store = Store::new(engine, ());
                store.set_epoch_deadline(1_000_000);
                let instance = Linker::new(engine).instantiate(&mut store, component).expect("fits the pool");
                let count = instance.get_typed_func::<(), (u32,)>(&mut store, "count").expect("exported");
                let fill = instance.get_typed_func::<(), ()>(&mut store, "fill").expect("exported");
                assert_eq!(count.call(&mut store, ()).expect("runs").0 as usize, *size, "{filling:?}");
                fill.call(&mut store, ()).expect("runs");
                assert_eq!(count.call(&mut store, ()).expect("runs").0, 1 << 20, "{filling:?}");
            }
        }
    }
}
