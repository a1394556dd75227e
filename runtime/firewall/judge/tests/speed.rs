//! Judging allocates nothing, and takes less time than it takes to read the message.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use super::{NOON, Scene};
use crate::firewall::{Context, Kind, Policy, State, Verdict, judge};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Of the whole test binary, counting for each thread by itself.
struct Counting;

// SAFETY: every call goes to the system allocator unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no counter any more and may still allocate.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, so from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(of: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    of();
    ALLOCATIONS.get() - before
}

const DEFAULT: &str = "{}";
const RICH: &str = r#"{
    "p2p": "open",
    "sources": {"allow": ["+46*", "+47*"], "block": ["+46900*", "+4670*9999999"]},
    "destinations": {"block": ["+882*"]},
    "content": [{"pattern": "casino"}, {"pattern": "https?://"}],
    "opt_out": {"keywords": "on"},
    "rates": {"mo": {"per_minute": 60000000}, "p2p": {"per_minute": 60000000}, "customer": {"per_minute": 60000000}},
    "quotas": {"device": 4000000000},
    "loops": null,
    "tags": [{"tag": "fleet", "set": {"a2p": "open"}}]
}"#;

fn scene(json: &str) -> Scene {
    let policy = Policy::parse(json).expect("reads");
    Scene::new(Some(("acme", &policy)), Some(("acme", &policy)))
}

#[test]
fn judging_allocates_nothing() {
    for json in [DEFAULT, RICH] {
        let (scene, mut state) = (scene(json), State::default());
        for kind in Kind::ALL {
            let mut packet = scene.packet(kind);
            packet.text = Some("level 7, battery 80 %");
            state.admit(&packet, &(), NOON);
            let context = Context { state: &state, opt_outs: &() };
            judge(&packet, context, NOON); // the matcher makes its cache on first use
            let count = allocations(|| {
                black_box(judge(&packet, context, NOON));
            });
            assert_eq!(count, 0, "{kind:?} {json}");
        }
        let again = allocations(|| {
            black_box(state.admit(&scene.packet(Kind::Mo), &(), NOON));
        });
        assert_eq!(again, if json == RICH { 1 } else { 0 }, "counting a device with a limit copies its address");
    }
}

/// The quickest of many batches: what else the machine does makes the others slower.
#[allow(clippy::disallowed_methods)]
fn fastest(mut once: impl FnMut()) -> std::time::Duration {
    const ROUNDS: u32 = 10_000;
    let batch = |_| {
        let start = std::time::Instant::now();
        (0..ROUNDS).for_each(|_| once());
        start.elapsed() / ROUNDS
    };
    (0..100).map(batch).min().expect("not empty")
}

/// `cargo nextest run --release -p wasmsc --lib --run-ignored only --no-capture firewall` prints the numbers.
#[test]
#[ignore = "a measurement"]
fn measure() {
    for (name, json) in [("default", DEFAULT), ("rich", RICH)] {
        let scene = scene(json);
        for kind in Kind::ALL {
            let (mut packet, mut state) = (scene.packet(kind), State::default());
            packet.text = (name == "rich").then_some("level 7, battery 80 %");
            let judged = fastest(|| {
                let context = Context { state: &state, opt_outs: &() };
                black_box(judge(black_box(&packet), context, NOON));
            });
            let mut passed = 0;
            let admitted = fastest(|| {
                let allowed = matches!(state.admit(black_box(&packet), &(), NOON).0, Verdict::Allowed { .. });
                passed += u32::from(allowed);
            });
            println!("{name} {kind:?}: judge {judged:?}, admit {admitted:?}, {passed} passed");
        }
    }
}
