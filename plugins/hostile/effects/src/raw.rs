//! What the SDK does not let a rule do: the contract's bare functions.

#[cfg(target_family = "wasm")]
mod bare {
    use wasmsc_plugin::wasm::imports::wasmsc::plugin::{outbox, shared_state, state, timers, types::Body};

    /// Keeps the handle: nothing is given back.
    pub fn make_a_draft() {
        std::mem::forget(outbox::Draft::new("+46700000001", &Body::Text("never sent".to_owned())));
    }

    pub fn leave_effects() {
        let _id = outbox::reply(&Body::Text("from the check".to_owned()));
        let _id = outbox::send("+46700000001", &Body::Text("from the check".to_owned()));
        let _set = state::set("from-the-check", b"x");
        let _set = shared_state::set("from-the-check", b"x");
        let _set = timers::set("from-the-check", 0, b"x");
    }
}

#[cfg(not(target_family = "wasm"))]
mod bare {
    pub fn make_a_draft() {
        panic!("handles are there in WebAssembly only");
    }

    pub fn leave_effects() {
        panic!("the bare functions are there in WebAssembly only");
    }
}

pub use bare::leave_effects;

pub fn drafts_without_sending(count: u64) {
    (0..count).for_each(|_| bare::make_a_draft());
}

pub fn drafts_for_ever() -> ! {
    loop {
        bare::make_a_draft();
    }
}
