//! WASI for rules: all of 0.2 is there, and nothing is granted.
//!
//! No files, sockets, arguments or environment. The clock stands at the event's time and random numbers
//! follow from the event, so that every attempt sees the same world. What a rule prints goes to its log:
//! that is where language runtimes say why they panic.
//!
//! Built when a guest first asks for it: a Rust rule that only computes never does.

use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView};

use super::invocation::{PRINT_OCTETS, Seed};
use crate::message::{MessageId, Timestamp};

/// Random octets of one event: the same on every attempt, and not to be guessed without the seed.
pub struct EventRandom {
    from: (Seed, MessageId, u8),
    /// Made when something is drawn: most calls draw nothing.
    seed: Option<Sha256>,
    block: [u8; 32],
    used: usize,
    counter: u64,
}

impl EventRandom {
    /// `stream` keeps the contract's random-bytes and WASI's apart.
    pub fn new(seed: Seed, id: MessageId, stream: u8) -> EventRandom {
        EventRandom { from: (seed, id, stream), seed: None, block: [0; 32], used: 32, counter: 0 }
    }

    pub fn fill(&mut self, octets: &mut [u8]) {
        let (from, id, stream) = self.from;
        let seed = self.seed.get_or_insert_with(|| match from {
            // Cases say what comes of these octets, so that they stay as they are.
            Seed::Known(secret) => Sha256::new_with_prefix(secret).chain_update(id.to_key()).chain_update([stream]),
            other => Sha256::new_with_prefix(other.of_event(id)).chain_update([stream]),
        });
        for octet in octets {
            if self.used == self.block.len() {
                self.block = seed.clone().chain_update(self.counter.to_be_bytes()).finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *octet = self.block[self.used];
            self.used += 1;
        }
    }
}

impl rand_core::TryRng for EventRandom {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut octets = [0; 4];
        self.fill(&mut octets);
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        self.fill(&mut octets);
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
        self.fill(octets);
        Ok(())
    }
}

/// A clock that stands still at the event's time.
#[derive(Clone, Copy)]
struct EventClock(Timestamp);

impl HostWallClock for EventClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.0)
    }
}

impl HostMonotonicClock for EventClock {
    fn resolution(&self) -> u64 {
        1
    }
    /// It stands, too, but not at 0: Go's runtime takes that for a clock that does not work, and ends.
    fn now(&self) -> u64 {
        1
    }
}

/// The WASI side of one call.
pub struct LazyWasi {
    seed: Seed,
    id: MessageId,
    now: Timestamp,
    built: Option<Box<(WasiCtx, ResourceTable)>>,
    printed: Option<(MemoryOutputPipe, MemoryOutputPipe)>,
}

impl LazyWasi {
    pub fn new(seed: Seed, id: MessageId, now: Timestamp) -> LazyWasi {
        LazyWasi { seed, id, now, built: None, printed: None }
    }

    pub fn view(&mut self) -> WasiCtxView<'_> {
        let (events_seed, id, now) = (self.seed, self.id, self.now);
        let printed = &mut self.printed;
        let built = self.built.get_or_insert_with(|| {
            let (stdout, stderr) = (MemoryOutputPipe::new(PRINT_OCTETS), MemoryOutputPipe::new(PRINT_OCTETS));
            let mut seed = [0; 16];
            EventRandom::new(events_seed, id, 3).fill(&mut seed);
            let context = WasiCtxBuilder::new()
                .stdout(stdout.clone())
                .stderr(stderr.clone())
                .wall_clock(EventClock(now))
                .monotonic_clock(EventClock(now))
                .secure_random(EventRandom::new(events_seed, id, 1))
                .insecure_random(EventRandom::new(events_seed, id, 2))
                .insecure_random_seed(u128::from_le_bytes(seed))
                .max_random_size(1 << 16)
                .allow_tcp(false)
                .allow_udp(false)
                .build();
            *printed = Some((stdout, stderr));
            Box::new((context, ResourceTable::new()))
        });
        WasiCtxView { ctx: &mut built.0, table: &mut built.1 }
    }

    /// What the guest printed: (stdout, stderr).
    pub fn printed(&self) -> Option<(String, String)> {
        let (stdout, stderr) = self.printed.as_ref()?;
        let text = |pipe: &MemoryOutputPipe| String::from_utf8_lossy(&pipe.contents()).into_owned();
        Some((text(stdout), text(stderr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_is_never_zero() {
        assert!(HostMonotonicClock::now(&EventClock(Timestamp(0))) > 0);
    }
}
