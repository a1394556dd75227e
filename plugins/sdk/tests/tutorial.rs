//! docs/plugins/rust.md does what it says: its files are written, its commands are run.
//!
//! `wasmsc` itself is not there for the tests of the rules. What it does for the page is done here in its place: `new` copies the
//! template, `build` runs cargo for the component, `test` runs the cases natively.

mod support;

use std::fs;
use std::path::Path;

use support::{Scratch, cargo, project};

enum Step {
    File(String, String),
    Command(String),
}

/// Blocks with a path behind their language are files; blocks of `sh` are commands.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut lines) = (Vec::new(), page.lines());
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match info.split_once(' ') {
            Some((_, path)) => steps.push(Step::File(path.to_owned(), block.join("\n") + "\n")),
            None if info == "sh" => steps.extend(block.iter().map(|command| Step::Command((*command).to_owned()))),
            None => {}
        }
    }
    steps
}

fn run(command: &str, folder: &Path) {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["wasmsc", "plugin", "new", name, "--lang", "rust"] => project(folder, name),
        ["cd", "door-alarm"] => {}
        ["wasmsc", "plugin", "build"] => {
            cargo(folder, &["build", "--release", "--target", "wasm32-wasip2", "--offline"]);
        }
        ["wasmsc", "plugin", "test"] | ["cargo", "test"] => cargo(folder, &["test", "--offline"]),
        ["rm", file] => fs::remove_file(folder.join(file)).expect("it is there"),
        _ => panic!("the page has a command that this test does not know: {command}"),
    }
}

#[test]
fn the_tutorial_does_what_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/rust.md");
    let steps = steps(&fs::read_to_string(page).expect("the page is there"));
    let scratch = Scratch::new("tutorial");
    let (mut files, mut commands) = (0, 0);
    for step in steps {
        match step {
            Step::File(path, text) => {
                files += 1;
                fs::write(scratch.path().join(path), text).expect("writable");
            }
            Step::Command(command) => {
                commands += 1;
                run(&command, scratch.path());
            }
        }
    }
    assert!(files >= 4 && commands >= 7, "{files} files, {commands} commands: is the page in another form?");
    let component = fs::read(support::target().join("wasm32-wasip2/release/door_alarm.wasm")).expect("it is built");
    let names = String::from_utf8_lossy(&component);
    for there in ["mo-handler", "timer-handler", "request-handler", "config-check"] {
        assert!(names.contains(&format!("wasmsc:plugin/{there}@0.1.0")), "{there} is missing");
    }
    assert!(!names.contains("wasmsc:plugin/http"), "what the rule does not use is not imported");
}
