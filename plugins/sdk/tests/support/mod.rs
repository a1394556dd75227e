//! Projects of their own, made of the template as `wasmsc plugin new --lang rust` makes them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The template, filled in, with the SDK beside it and versions as the workspace has them: nothing has to be looked up.
pub fn project(folder: &Path, name: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&here.join("template"), folder, &|text| text.replace("{{name}}", name).replace("{{sdk}}", "./wasmsc-sdk"));
    let sdk = folder.join("wasmsc-sdk");
    for part in ["src", "wit"] {
        copy(&here.join(part), &sdk.join(part), &|text| text);
    }
    let manifest = fs::read_to_string(here.join("Cargo.toml")).expect("the SDK is a package");
    fs::write(sdk.join("Cargo.toml"), alone(&manifest)).expect("writable");
    fs::copy(here.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("the workspace has a lock");
}

/// The SDK's manifest as it is outside of this repository: a workspace of its own, which inherits from no other.
fn alone(manifest: &str) -> String {
    let workspace = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).expect("readable");
    let inherited = |key: &str| {
        let begins = format!("{key} = ");
        workspace.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("no {key} to inherit"))
    };
    let line = |line: &str| match line.strip_suffix(".workspace = true") {
        Some(key) => format!("{}\n", inherited(key)),
        None => format!("{line}\n"),
    };
    let whole: String = manifest.lines().map(line).collect();
    whole.replace("[lints]\nworkspace = true\n", "") + "\n[workspace]\n"
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

/// A folder that is gone with the test, whatever its end. One at a time, over all test processes: two copies of the SDK in
/// workspaces of their own have one name among the compiled crates of the target folder they share, and a build of the one
/// takes the other's away.
pub struct Scratch {
    folder: PathBuf,
    _turn: File,
}

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("scratch.lock")).expect("writable");
        turn.lock().expect("the file system has locks");
        let folder = std::env::temp_dir().join(format!("wasmsc-{name}-{}", std::process::id()));
        Scratch { folder, _turn: turn }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// The workspace's own, where the dependencies are compiled already.
pub fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder")
}

pub fn cargo(folder: &Path, args: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("cargo runs");
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo {args:?}\n{said}\n{why}");
}
