//! Lists the SDKs and templates of plugins/ for `wasmsc plugin new`, which writes them out (runtime/cli/plugin/templates.rs).
//!
//! Sources only: what builds leave there is left out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folders of plugins/ that are SDKs.
const SDKS: [&str; 5] = ["sdk", "sdk-ts", "sdk-py", "sdk-go", "sdk-c"];
/// What builds and tools leave behind.
const NOT_OURS: [&str; 7] = ["target", "node_modules", "dist", ".venv", "venv", "__pycache__", ".git"];
/// A template is a few files; what is larger got there by mistake.
const FILE_OCTETS_MAX: u64 = 512 << 10;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut code = String::from("pub static SDKS: &[(&str, &[File])] = &[\n");
    for sdk in SDKS {
        let folder = root.join("plugins").join(sdk);
        let mut files = Vec::new();
        if folder.is_dir() {
            list(&folder, &folder, &mut files);
        }
        files.sort();
        writeln!(code, "({sdk:?}, &[").expect("a String takes everything");
        for (name, file) in files {
            println!("cargo::rerun-if-changed={}", file.display());
            writeln!(code, "({name:?}, include_bytes!({:?})),", file.display().to_string()).expect("likewise");
        }
        code.push_str("]),\n");
    }
    code.push_str("];\n");
    std::fs::write(out.join("sdks.rs"), code).expect("the build directory can be written");
}

/// Names are relative to `base`, with slashes.
fn list(base: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let entries: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (ours, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| !NOT_OURS.contains(&&*name(path)));
    if others.is_empty() {
        // New files are noticed, too; not in a folder with build output, whose changes are none of ours.
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    for path in ours {
        if path.is_symlink() || name(&path).ends_with(".pyc") {
            continue;
        }
        if path.is_dir() {
            list(base, &path, files);
        } else if path.metadata().is_ok_and(|file| file.len() <= FILE_OCTETS_MAX) {
            let relative = path.strip_prefix(base).expect("inside").to_string_lossy().replace('\\', "/");
            files.push((relative, path));
        }
    }
}
