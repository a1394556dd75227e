//! The SDKs and templates that this program carries, and how a new project is made of them.
//!
//! A project has its SDK beside it, in `wasmsc-sdk/`, so that it builds on a fresh machine without any package of ours.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item};

/// Path in its SDK, and content.
type File = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/sdks.rs"));

/// The contract, which every SDK generates from.
const WIT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wit/plugin.wit"));
/// What packages of the workspace plugins/ inherit.
const WORKSPACE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/Cargo.toml"));
/// Folder of the SDK in a project.
const VENDORED: &str = "wasmsc-sdk";
/// As manifests name it: npm and Go take a word without `./` for a package of somebody's.
const SDK: &str = "./wasmsc-sdk";

/// What rules can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Rust,
    Ts,
    Js,
    Python,
    Go,
    C,
}

impl Language {
    /// SDK, and folder of the template in it.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Language::Rust => ("sdk", "template/"),
            Language::Ts => ("sdk-ts", "template/"),
            Language::Js => ("sdk-ts", "template-js/"),
            Language::Python => ("sdk-py", "template/"),
            Language::Go => ("sdk-go", "template/"),
            Language::C => ("sdk-c", "template/"),
        }
    }
}

/// Path, relative to the project, and content of every file of a new project; None: this program carries no such
/// template.
pub fn project(language: Language, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let (sdk, template) = language.place();
    let (_, files) = SDKS.iter().find(|(folder, _)| *folder == sdk)?;
    let mut project = BTreeMap::new();
    for (path, content) in files.iter() {
        if let Some(path) = path.strip_prefix(template) {
            project.insert(filled(path, name), filled_octets(content, name));
        }
    }
    if project.is_empty() {
        return None;
    }
    // Its own tests stay here: they look for the rest of this repository.
    let is_sdk = |path: &str| !path.starts_with("template") && !path.starts_with("tests/");
    for (path, content) in files.iter().filter(|(path, _)| is_sdk(path)) {
        project.insert(format!("{VENDORED}/{path}"), alone(path, content));
    }
    project.insert(format!("{VENDORED}/wit/plugin.wit"), WIT.into());
    Some(project)
}

/// Names with dashes are no identifiers: `{{ident}}` has them as underscores.
fn filled(text: &str, name: &str) -> String {
    text.replace("{{name}}", name).replace("{{ident}}", &name.replace('-', "_")).replace("{{sdk}}", SDK)
}

fn filled_octets(content: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(content) {
        Ok(text) => filled(text, name).into_bytes(),
        Err(_) => content.to_vec(),
    }
}

/// A file of an SDK as it is outside of this repository: it inherits from no workspace, and has the contract beside it.
fn alone(path: &str, content: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else { return content.to_vec() };
    let text = text.replace("../../wit", "wit");
    let is_manifest = path.ends_with("Cargo.toml");
    let manifest = is_manifest.then(|| manifest_alone(&text)).flatten();
    manifest.unwrap_or(text).into_bytes()
}

fn manifest_alone(text: &str) -> Option<String> {
    let mut manifest: DocumentMut = text.parse().ok()?;
    let workspace: DocumentMut = WORKSPACE.parse().ok()?;
    let inherited = workspace.get("workspace")?.get("package")?;
    let package = manifest.get_mut("package")?.as_table_mut()?;
    let names: Vec<String> = package.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let inherits = package.get(&name).and_then(Item::as_table_like).is_some_and(|it| it.contains_key("workspace"));
        if inherits {
            package.insert(&name, inherited.get(&name)?.clone());
        }
    }
    manifest.remove("lints");
    // Lying in the project's folder, it is a member of the project's own workspace.
    Some(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn an_sdk_stands_alone() {
        let (_, files) = SDKS.iter().find(|(sdk, _)| *sdk == "sdk").expect("it is carried");
        let (_, manifest) = files.iter().find(|(path, _)| *path == "Cargo.toml").expect("it is a package");
        let text = String::from_utf8(alone("Cargo.toml", manifest)).expect("text");
        assert!(!text.contains("workspace = true") && text.contains("edition = \"2024\""), "{text}");
        for (path, content) in files.iter() {
            assert!(!String::from_utf8_lossy(&alone(path, content)).contains("../../wit"), "{path}");
        }
    }

    #[test]
    fn every_sdk_that_is_carried_has_its_template_and_nothing_is_left_to_fill_in() {
        for language in Language::value_variants() {
            let (sdk, _) = language.place();
            let is_carried = SDKS.iter().any(|(folder, files)| *folder == sdk && !files.is_empty());
            let project = project(*language, "my-rule");
            assert_eq!(project.is_some(), is_carried, "{language:?}");
            for (path, content) in project.into_iter().flatten() {
                let is_own = !path.starts_with("wasmsc-sdk/");
                let left = is_own && (path.contains("{{") || String::from_utf8_lossy(&content).contains("{{"));
                assert!(!left, "{language:?}: {path}");
            }
        }
    }

    #[test]
    fn build_output_is_not_carried() {
        for (sdk, files) in SDKS {
            for (path, _) in files.iter() {
                let is_output =
                    ["target/", "node_modules/", "__pycache__/", "dist/"].iter().any(|it| path.contains(it));
                assert!(!is_output, "{sdk}/{path}");
            }
        }
    }

    #[test]
    fn placeholders_are_filled_in_names_and_contents() {
        assert_eq!(filled("{{ident}}/{{name}}={{sdk}}", "my-rule"), "my_rule/my-rule=./wasmsc-sdk");
    }
}
