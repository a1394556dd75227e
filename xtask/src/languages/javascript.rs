//! Rules in TypeScript and JavaScript: Node, and what plugins/package-lock.json pins.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{component, copy_sources, fill_template, folder};
use crate::process::run;
use crate::steps::Steps;
use crate::{node, paths};

/// Folders in plugins/ that are workspaces of its package.json; the first one is the SDK.
const WORKSPACES: [&str; 4] = ["sdk-ts", "alarm", "conformance/ts", "conformance/js"];
/// A rule's folder, and the name of its component.
const RULES: [(&str, &str); 3] =
    [("alarm", "alarm"), ("conformance/ts", "conformance-ts"), ("conformance/js", "conformance-js")];
const TEMPLATES: [(&str, &str); 2] = [("template", "template-ts"), ("template-js", "template-js")];

pub fn build(steps: &mut Steps) -> Result<()> {
    let folder = folder()?;
    let node = folder.join("node");
    steps.run("JavaScript: packages", || {
        for workspace in WORKSPACES {
            copy_sources(&paths::plugins().join(workspace), &node.join(workspace))?;
        }
        let npmrc = paths::plugins().join(".npmrc");
        fs::copy(&npmrc, node.join(".npmrc")).with_context(|| format!("cannot copy {}", npmrc.display()))?;
        node::packages(&folder, "plugins")
    })?;
    steps.run("JavaScript: tests of the SDK", || {
        run(Command::new("node").args(["--test", "sdk-ts/tests/"]).current_dir(&node))
    })?;
    for (rule, name) in RULES {
        steps.run(&format!("JavaScript: {name}"), || component_of(&node, rule, name))?;
    }
    for (template, name) in TEMPLATES {
        steps.run(&format!("JavaScript: {name}"), || {
            let from = paths::plugins().join("sdk-ts").join(template);
            fill_template(&from, &node.join(name), name, "0.1.0")?;
            component_of(&node, name, name)
        })?;
    }
    Ok(())
}

fn component_of(node: &Path, rule: &str, name: &str) -> Result<()> {
    let out = component(name)?;
    run(Command::new("node").args(["sdk-ts/bin/wasmsc-build.mjs", rule, "--out"]).arg(out).current_dir(node))
}
