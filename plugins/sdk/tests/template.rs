//! What `wasmsc plugin new --lang rust` writes: it must build and pass its own tests.

mod support;

use std::fs;

use support::{Scratch, cargo, project, target};

#[test]
fn the_template_builds_and_its_component_exports_what_it_lists() {
    let scratch = Scratch::new("template");
    project(scratch.path(), "front-door");
    cargo(scratch.path(), &["test", "--offline"]);
    cargo(scratch.path(), &["build", "--release", "--target", "wasm32-wasip2", "--offline"]);
    let component = fs::read(target().join("wasm32-wasip2/release/front_door.wasm")).expect("it is built");
    let names = String::from_utf8_lossy(&component);
    // A component has the names of what it imports and exports in the clear.
    for there in ["mo-handler", "config-check", "outbox", "state", "config"] {
        assert!(names.contains(&format!("wasmsc:plugin/{there}@0.1.0")), "{there} is missing");
    }
    let absent =
        ["timer-handler", "receipt-handler", "http-handler", "request-handler", "timers", "http", "shared-state"];
    for absent in absent {
        assert!(!names.contains(&format!("wasmsc:plugin/{absent}@0.1.0")), "{absent} is there");
    }
}
