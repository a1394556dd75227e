//! Rules in Go.

use std::fs;

use anyhow::{Context, Result};

use super::native::Tools;
use super::{component, fill_template, folder};
use crate::paths;
use crate::steps::Steps;

/// A rule's folder in plugins/, and the name of its component.
const RULES: [(&str, &str); 2] = [("conformance/go", "conformance-go"), ("device-config", "device-config")];
/// Packages with tests that need no WebAssembly, and where their modules are.
const TESTS: [(&str, &[&str]); 2] =
    [("sdk-go", &["test", "./internal/ending", "./cmd/component"]), ("device-config", &["test", "./protocol"])];
const TEMPLATE: &str = "template-go";

pub fn build(steps: &mut Steps) -> Result<()> {
    let tools = Tools::new(steps)?;
    for (module, arguments) in TESTS {
        steps.run(&format!("Go: tests of {module}"), || tools.run("go", arguments, &paths::plugins().join(module)))?;
    }
    for (rule, name) in RULES {
        steps.run(&format!("Go: {name}"), || {
            let out = component(name)?;
            let arguments = ["run", "wasmsc/cmd/component", "-o", &out.to_string_lossy()];
            tools.run("go", &arguments, &paths::plugins().join(rule))
        })?;
    }
    steps.run(&format!("Go: {TEMPLATE}"), || {
        let at = folder()?.join("native").join(TEMPLATE);
        fill_template(
            &paths::plugins().join("sdk-go/template"),
            &at,
            TEMPLATE,
            &paths::plugins().join("sdk-go").to_string_lossy(),
        )?;
        tools.run("sh", &["build.sh"], &at)?;
        let built = at.join("dist").join(format!("{TEMPLATE}.wasm"));
        fs::copy(&built, component(TEMPLATE)?).with_context(|| format!("cannot copy {}", built.display()))?;
        tools.check_exports(&built, &["mo-handler"])
    })
}
