//! Messages cost no allocation of their own: ten thousand pass through a bound session.
//!
//! A binary to itself, as it counts every allocation of the process.

#![allow(clippy::disallowed_methods)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::{Bind, BindMode, Body, CommandStatus, Event, Pdu, Session, SessionConfig, Sm, SmResp, encode};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system allocator unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

const MESSAGES: u32 = 10_000;

/// What may be left: buffers that grow by doubling, and one shared header per buffer cut up.
const ALLOCATIONS_MAX: usize = 100;

fn put(sequence_number: u32, body: Body, out: &mut BytesMut) {
    encode(&Pdu { command_status: CommandStatus::ESME_ROK, sequence_number, body }, out);
}

#[test]
fn message_and_response_allocate_nothing_of_their_own() {
    let now = Instant::now();
    let mut session = Session::new(SessionConfig::smsc(), now);
    let sm = Sm {
        source_addr: Bytes::from_static(b"1234"),
        destination_addr: Bytes::from_static(b"38599000111"),
        short_message: Bytes::from_static(&[b'x'; 100]),
        ..Sm::default()
    };
    let mut input = BytesMut::new();
    put(1, Body::BindTransceiver(Bind::default()), &mut input);
    for sequence_number in 2..MESSAGES + 2 {
        put(sequence_number, Body::SubmitSm(sm.clone()), &mut input);
    }
    let bound = session.poll(&mut input, now);
    assert!(matches!(bound, Some(Event::BindRequest { mode: BindMode::Transceiver, .. })));
    session.accept_bind(b"smsc");

    // The other direction at the same time: what we deliver is answered over a buffer of its own.
    let mut responses = BytesMut::with_capacity(4_096);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let mut served = 0;
    while let Some(Event::Request { sequence_number, body, .. }) = session.poll(&mut input, now) {
        let status = CommandStatus::ESME_ROK;
        session.respond_sm(sequence_number, body.command_id(), status, b"0123456789");
        let number = session.request(Body::DeliverSm(sm.clone()), now).expect("window is free");
        put(number, Body::DeliverSmResp(SmResp::default()), &mut responses);
        let event = session.poll(&mut responses, now);
        assert!(matches!(event, Some(Event::Response { .. })));
        session.output().clear();
        served += 1;
    }
    assert_eq!(served, MESSAGES);
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(allocations <= ALLOCATIONS_MAX, "{allocations} allocations for {MESSAGES} messages");
}
