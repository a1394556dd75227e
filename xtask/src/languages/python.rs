//! Rules in Python: a virtual environment with what plugins/sdk-py/requirements.txt pins.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{component, copy_sources, fill_template, folder};
use crate::process::run;
use crate::steps::Steps;
use crate::{paths, python};

/// A rule's folder in plugins/, and the name of its component.
const RULES: [(&str, &str); 2] = [("cold-chain", "cold-chain"), ("conformance/python", "conformance-python")];
const TEMPLATE: &str = "template-python";

pub fn build(steps: &mut Steps) -> Result<()> {
    let folder = folder()?.join("python");
    let interpreter = steps.run("Python: packages", || {
        copy_sources(&paths::plugins().join("sdk-py"), &folder.join("sdk-py"))?;
        python::rules(&folder)
    })?;
    let python = |arguments: &[&str], at: &Path| {
        let mut command = Command::new(&interpreter);
        command.args(arguments).current_dir(at);
        // The SDK as it is here, without installing it anew after each change.
        command.env("PYTHONPATH", folder.join("sdk-py")).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    steps.run("Python: tests of the SDK", || {
        run(&mut python(&["-m", "unittest", "discover", "-s", "tests"], &folder.join("sdk-py")))
    })?;
    for (rule, name) in RULES {
        steps.run(&format!("Python: {name}"), || {
            let at = folder.join(name);
            copy_sources(&paths::plugins().join(rule), &at)?;
            if at.join("tests").is_dir() {
                run(&mut python(&["-m", "unittest", "discover", "-s", "tests"], &at))?;
            }
            run(python(&["-m", "wasmsc_plugin", "build", "--out"], &at).arg(component(name)?))
        })?;
    }
    steps.run(&format!("Python: {TEMPLATE}"), || {
        let at = folder.join(TEMPLATE);
        fill_template(&paths::plugins().join("sdk-py/template"), &at, TEMPLATE, "wasmsc-plugin==0.1.0")?;
        run(python(&["-m", "wasmsc_plugin", "build", "--out"], &at).arg(component(TEMPLATE)?))
    })
}
