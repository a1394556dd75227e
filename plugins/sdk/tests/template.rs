//! What `wasmsc plugin new --lang rust` writes: it must build and pass its own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A project made of the template, as `wasmsc plugin new` fills it in.
fn project(folder: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&here.join("template"), folder, &|text: String| {
        text.replace("{{name}}", "front-door").replace("{{sdk}}", &here.display().to_string())
    });
}

fn copy(from: &Path, to: &Path, fill: &dyn Fn(String) -> String) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the template is there") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target, fill);
        } else {
            fs::write(target, fill(fs::read_to_string(&path).expect("text"))).expect("writable");
        }
    }
}

/// Gone with the test, whatever its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("wasmsc-{name}-{}", std::process::id()));
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// The workspace's own, where the dependencies are compiled already.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder")
}

fn cargo(folder: &Path, args: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo {args:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_template_builds_and_its_component_exports_what_it_lists() {
    let scratch = Scratch::new("template");
    project(&scratch.0);
    // Versions as the workspace has them, so that nothing has to be looked up.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, scratch.0.join("Cargo.lock")).expect("the workspace has a lock");
    cargo(&scratch.0, &["test", "--offline"]);
    cargo(&scratch.0, &["build", "--release", "--target", "wasm32-wasip2", "--offline"]);
    let component = fs::read(target().join("wasm32-wasip2/release/front_door.wasm")).expect("it is built");
    let names = String::from_utf8_lossy(&component);
    // A component has the names of what it imports and exports in the clear.
    for there in ["mo-handler", "config-check", "outbox", "state", "config"] {
        assert!(names.contains(&format!("wasmsc:plugin/{there}@0.1.0")), "{there} is missing");
    }
    for absent in
        ["timer-handler", "receipt-handler", "http-handler", "request-handler", "timers", "http", "shared-state"]
    {
        assert!(!names.contains(&format!("wasmsc:plugin/{absent}@0.1.0")), "{absent} is there");
    }
}
