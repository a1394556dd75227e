//! Holds docs/CONFORMANCE.md to the tests: whatever it names there is.

use std::path::Path;

/// How the document shortens folders.
const FOLDERS: [(&str, &str); 4] = [
    ("smpp/", "runtime/smpp/tests/it/"),
    ("oracle/", "runtime/smpp/tests/oracle/"),
    ("hostile/", "tests/it/hostile_peers/"),
    ("smsc/", "tests/it/smsc/"),
];
/// Where it says how tests are named.
const PATTERN: &str = "folder/file::test";

/// The file that a name is in, without its ending, and the function.
fn file_and_test(name: &str) -> Option<(String, &str)> {
    let (path, test) = name.split_once("::")?;
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_/".contains(&b));
    if name == PATTERN || !path.contains('/') || !is_name(path) || !is_name(test) {
        return None;
    }
    let long = FOLDERS.iter().find_map(|(short, long)| path.strip_prefix(short).map(|rest| format!("{long}{rest}")));
    Some((long.unwrap_or_else(|| path.to_owned()), test))
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/CONFORMANCE.md")).expect("readable");
    let quoted = document.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted.filter_map(|name| Some((name, file_and_test(name)?))).collect();
    assert!(named.len() > 200, "only {} tests were recognised", named.len());
    let is_there = |file: &str, test: &str| {
        let text = std::fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        text.contains(&format!("fn {test}("))
    };
    let missing: Vec<&str> =
        named.iter().filter(|(_, (file, test))| !is_there(file, test)).map(|(name, _)| *name).collect();
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}
