//! Holds the code to docs/ARCHITECTURE.md: imports point down, files and functions stay small.

use std::path::{Path, PathBuf};

/// Lines a file may have, and lines a function may have.
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder is there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && name != "node_modules" {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let path = root().join(folder);
    let files = if path.is_dir() { rust_files(&path) } else { vec![path] };
    assert!(!files.is_empty(), "{folder} is empty");
    let name = |file: &Path| file.strip_prefix(root()).expect("inside").display().to_string();
    files.iter().map(|f| (name(f), std::fs::read_to_string(f).expect("readable"))).collect()
}

/// Rooms, and the names that must not occur in them.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("runtime/smpp/src", &["tokio", "sled", "wasmtime", "std::net", "std::fs", "Instant::now", "SystemTime"]),
    ("runtime/message.rs", &["tokio", "sled", "wasmtime", "crate::", "clock::"]),
    ("runtime/firewall.rs", &["tokio", "sled", "wasmtime", "clock::", "crate::store", "crate::relay", "CommandStatus"]),
    (
        "runtime/firewall",
        &["tokio", "sled", "wasmtime", "clock::", "crate::store", "crate::relay", "crate::route", "crate::link"],
    ),
    ("runtime/route.rs", &["tokio", "sled", "wasmtime", "clock::", "crate::store", "crate::relay", "CommandStatus"]),
    ("runtime/schedule.rs", &["tokio", "sled", "wasmtime", "clock::", "crate::relay", "crate::plugin"]),
    (
        "runtime/store",
        &["tokio", "wasmtime", "crate::plugin", "crate::relay", "crate::link", "crate::delivery", "crate::api"],
    ),
    ("runtime/plugin", &["sled", "crate::store", "crate::relay", "crate::link", "crate::delivery"]),
    (
        "runtime/relay.rs",
        &["tokio", "sled::", "wasmtime", "crate::link", "crate::api", "crate::delivery", "clock::", "async"],
    ),
    ("runtime/delivery.rs", &["sled::", "wasmtime", "crate::link", "crate::cli"]),
    ("runtime/link", &["sled::", "wasmtime", "crate::cli", "crate::plugin", "crate::api"]),
    (
        "runtime/api",
        &["sled::", "wasmtime", "crate::cli", "crate::plugin", "crate::delivery", "crate::console", "CommandStatus"],
    ),
    // It asks the API as others do, and nobody else.
    (
        "runtime/console",
        &[
            "sled::",
            "wasmtime",
            "crate::api",
            "crate::relay",
            "crate::store",
            "crate::route",
            "crate::plugin",
            "crate::link",
        ],
    ),
    (
        "runtime/cases",
        &["tokio", "sled::", "wasmtime", "crate::store", "crate::relay", "crate::link", "crate::api", "crate::cli"],
    ),
    ("runtime/cli", &["sled::", "wasmtime", "crate::relay", "crate::plugin", "crate::link"]),
    ("runtime/cli/simulate", &["crate::store"]),
    ("runtime/cli/bench", &["crate::store"]),
];

/// Comment lines may name what the code must not.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (folder, names) in FORBIDDEN {
        for (file, text) in sources(folder) {
            let body = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code(body) {
                wrong
                    .extend(names.iter().filter(|n| line.contains(**n)).map(|n| format!("{file}:{}: {n}", number + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "rooms reach up or out:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_store_names_sled_and_only_the_plugin_room_names_wasmtime() {
    for (file, text) in sources("runtime") {
        for (engine, room) in [("sled::", "runtime/store/"), ("wasmtime::", "runtime/plugin/")] {
            let named = code(&text).any(|(_, line)| line.contains(engine));
            assert!(!named || file.starts_with(room), "{file} names {engine}");
        }
    }
}

#[test]
fn files_and_functions_stay_small() {
    let mut wrong = Vec::new();
    for folder in ["runtime", "xtask", "tests", "plugins"] {
        for (file, text) in sources(folder) {
            if text.lines().count() > FILE_LINES {
                wrong.push(format!("{file}: {} lines", text.lines().count()));
            }
            wrong.extend(long_functions(&text).into_iter().map(|f| format!("{file}: {f}")));
        }
    }
    assert!(wrong.is_empty(), "too long (files {FILE_LINES}, functions {FUNCTION_LINES}):\n{}", wrong.join("\n"));
}

/// By the layout that rustfmt gives: a function ends at the first `}` of its own indentation.
fn long_functions(text: &str) -> Vec<String> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim_start();
        let starts = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(crate) fn ", "pub(super) fn ", "const fn "];
        if open.is_none() && starts.iter().any(|s| trimmed.starts_with(s)) {
            open = Some((number, indent, trimmed));
        }
        if let Some((start, at, head)) = open
            && indent == at
            && (trimmed.starts_with('}') || trimmed.ends_with(';') || (number == start && trimmed.ends_with('}')))
        {
            if number - start + 1 > FUNCTION_LINES {
                long.push(format!("{head} has {} lines", number - start + 1));
            }
            open = None;
        }
    }
    long
}

#[test]
fn every_room_says_what_it_is() {
    for (file, text) in sources("runtime") {
        let first = text.lines().find(|line| !line.starts_with("#!") && !line.is_empty()).unwrap_or_default();
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        assert!(is_test || first.starts_with("//!"), "{file} does not begin with //!");
    }
}
