//! Plays the cases of rules in the host of this build, with `wasmsc plugin test`.

use std::process::Command;

use anyhow::Result;

use super::component;
use crate::paths;
use crate::process::run;
use crate::server;
use crate::steps::Steps;

/// A component, and the folder of its cases in plugins/.
const CASES: [(&str, &str); 14] = [
    ("conformance-ts", "conformance/cases"),
    ("conformance-js", "conformance/cases"),
    ("conformance-python", "conformance/cases"),
    ("conformance-c", "conformance/cases"),
    ("conformance-go", "conformance/cases"),
    ("conformance-go", "conformance/go/cases"),
    ("alarm", "alarm/cases"),
    ("cold-chain", "cold-chain/cases"),
    ("device-config", "device-config/cases"),
    ("template-ts", "sdk-ts/template/cases"),
    ("template-js", "sdk-ts/template-js/cases"),
    ("template-python", "sdk-py/template/cases"),
    ("template-c", "sdk-c/template/cases"),
    ("template-go", "sdk-go/template/cases"),
];

pub fn play(steps: &mut Steps) -> Result<()> {
    steps.run("cases: wasmsc", server::build)?;
    for (name, cases) in CASES {
        steps.run(&format!("cases: {name}, {cases}"), || {
            let mut command = Command::new(paths::wasmsc("debug")?);
            command.args(["plugin", "test"]).arg(paths::plugins().join(cases));
            run(command.arg("--component").arg(component(name)?))
        })?;
    }
    Ok(())
}
