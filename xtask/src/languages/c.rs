//! Rules in C, compiled by zig.

use std::fs;

use anyhow::{Context, Result};

use super::native::Tools;
use super::{component, fill_template, folder};
use crate::paths;
use crate::steps::Steps;

/// A rule's folder in plugins/, and the name of its component.
const RULES: [(&str, &str); 1] = [("conformance/c", "conformance-c")];
const TEMPLATE: &str = "template-c";

pub fn build(steps: &mut Steps) -> Result<()> {
    let tools = Tools::new(steps)?;
    tools.check_bindings(steps)?;
    let sdk = paths::plugins().join("sdk-c");
    steps.run("C: tests of the SDK", || {
        let test = folder()?.join("native").join("text-test");
        let files = ["-Isrc", "tests/text_test.c", "src/format.c", "src/text.c", "-o", &test.to_string_lossy()];
        tools.run("cc", &[&["-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude"], &files[..]].concat(), &sdk)?;
        tools.run(&test.to_string_lossy(), &[], &sdk)
    })?;
    for (rule, name) in RULES {
        steps.run(&format!("C: {name}"), || {
            let at = paths::plugins().join(rule);
            let out = component(name)?;
            // The shell lists the files.
            let script = "exec \"$0\"/wasmsc-cc -o \"$1\" *.c";
            tools.run("sh", &["-c", script, &sdk.to_string_lossy(), &out.to_string_lossy()], &at)
        })?;
    }
    steps.run(&format!("C: {TEMPLATE}"), || {
        let at = folder()?.join("native").join(TEMPLATE);
        fill_template(&sdk.join("template"), &at, TEMPLATE, &sdk.to_string_lossy())?;
        tools.run("make", &["--silent"], &at)?;
        let built = at.join("dist").join(format!("{TEMPLATE}.wasm"));
        fs::copy(&built, component(TEMPLATE)?).with_context(|| format!("cannot copy {}", built.display()))?;
        tools.check_exports(&built, &["mo-handler"])
    })
}
