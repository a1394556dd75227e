//! Plays the cases of the rules against the components that were built, in the host that serves in production.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{component, folder};
use crate::paths;
use crate::process::{cargo, run};
use crate::steps::Steps;

/// The same rule in every language, and so the same cases: whatever component has this before its name.
const CONFORMANCE: &str = "conformance-";
/// A component, and the folder in plugins/ with its cases.
const OTHERS: [(&str, &str); 5] = [
    ("alarm", "alarm/cases"),
    ("cold-chain", "cold-chain/cases"),
    ("template-ts", "sdk-ts/template/cases"),
    ("template-js", "sdk-ts/template-js/cases"),
    ("template-python", "sdk-py/template/cases"),
];

pub fn play(steps: &mut Steps) -> Result<()> {
    steps.run("cases: wasmsc", || run(&mut cargo(&["build", "--package", "wasmsc", "--bin", "wasmsc"])?))?;
    let names = conformance()?;
    ensure!(!names.is_empty(), "no component is named {CONFORMANCE}…");
    for name in &names {
        steps.run(&format!("cases: {name}"), || test(name, "conformance/cases"))?;
    }
    for (name, cases) in OTHERS {
        steps.run(&format!("cases: {name}"), || test(name, cases))?;
    }
    Ok(())
}

fn conformance() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()?)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let name = name.strip_suffix(".wasm").filter(|name| name.starts_with(CONFORMANCE));
        names.extend(name.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn test(name: &str, cases: &str) -> Result<()> {
    let cases = Path::new("plugins").join(cases);
    let mut command = Command::new(paths::wasmsc("debug")?);
    command.args(["plugin", "test"]).arg(cases).arg("--component").arg(component(name)?);
    run(command.current_dir(paths::root()))
}
