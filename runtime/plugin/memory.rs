//! What a call may have of memory, and the most that it had.

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// The limits of one call.
pub struct Memory {
    limits: StoreLimits,
    /// Octets of all its linear memories now; none gives any back.
    octets: usize,
}

impl Memory {
    pub fn new(octets_max: usize) -> Memory {
        let limits = StoreLimitsBuilder::new().memory_size(octets_max).trap_on_grow_failure(true).build();
        Memory { limits, octets: 0 }
    }

    pub fn octets(&self) -> usize {
        self.octets
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let may = self.limits.memory_growing(current, desired, maximum)?;
        if may {
            self.octets += desired.saturating_sub(current);
        }
        Ok(may)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
