//! A plugin's folder: what it is written in, how it is built, and where its component comes to lie.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;

use crate::cli::failure::Failure;

/// What Rust rules are compiled for.
const TARGET: &str = "wasm32-wasip2";
/// Where builds other than cargo's leave the component.
const OUTPUTS: [&str; 4] = ["dist", "build", "out", "."];

/// By the file that says how it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rust,
    Node,
    Make,
    /// `build.sh` knows how: Go, Python, and whatever else.
    Script,
}

/// A folder that holds a plugin.
#[derive(Debug)]
pub struct Project {
    pub folder: PathBuf,
    pub kind: Kind,
}

impl Project {
    pub fn find(folder: &Path) -> Result<Project, Failure> {
        let has = |name: &str| folder.join(name).is_file();
        let says = |name: &str| std::fs::read_to_string(folder.join(name)).is_ok_and(|text| text.contains("wasmsc"));
        let kind = if says("Cargo.toml") {
            Kind::Rust
        } else if says("package.json") {
            Kind::Node
        } else if has("Makefile") {
            Kind::Make
        } else if has("build.sh") {
            Kind::Script
        } else {
            return Err(Failure::Failed(format!(
                "{}: no plugin is here: expected a Cargo.toml or package.json that names wasmsc, a Makefile or a build.sh; \
                 wasmsc plugin new begins one",
                folder.display()
            )));
        };
        Ok(Project { folder: folder.to_owned(), kind })
    }

    /// Builds the component, with the tools that its language has; yields its path.
    pub fn build(&self) -> Result<PathBuf, Failure> {
        match self.kind {
            Kind::Rust => {
                self.ensure_rust_target()?;
                self.run("cargo", &["build", "--release", "--target", TARGET], RUST)?;
            }
            Kind::Node => {
                if !self.folder.join("node_modules").is_dir() {
                    self.run("npm", &["install"], NODE)?;
                }
                self.run("npm", &["run", "build"], NODE)?;
            }
            Kind::Make => self.run("make", &[], MAKE)?,
            Kind::Script => {
                for (sign, tool, version, install) in SCRIPTED {
                    if self.folder.join(sign).is_file() {
                        ensure_tool(tool, version, install)?;
                    }
                }
                self.run("sh", &["build.sh"], SHELL)?;
            }
        }
        self.component()
    }

    /// Where the last build left it.
    pub fn component(&self) -> Result<PathBuf, Failure> {
        let not_built = || {
            let folder = self.folder.display();
            Failure::Failed(format!("{folder}: no component is built yet; run wasmsc plugin build {folder}"))
        };
        match self.kind {
            Kind::Rust => self.cargo_component()?.filter(|file| file.is_file()).ok_or_else(not_built),
            _ => newest(OUTPUTS.iter().map(|output| self.folder.join(output))).ok_or_else(not_built),
        }
    }

    /// Cargo knows its build directory, which a workspace or the environment may have moved.
    fn cargo_component(&self) -> Result<Option<PathBuf>, Failure> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&self.folder);
        let output = command.output().map_err(|error| missing("cargo", RUST, &error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::Failed(format!("cargo metadata: {}", said.trim())));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let manifest = self.folder.join("Cargo.toml").canonicalize().unwrap_or_default();
        Ok(component_of(&metadata, &manifest))
    }

    fn ensure_rust_target(&self) -> Result<(), Failure> {
        let mut command = Command::new("rustc");
        command.args(["--print", "target-libdir", "--target", TARGET]).current_dir(&self.folder);
        let output = command.output().map_err(|error| missing("rustc", RUST, &error))?;
        let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && Path::new(&path).is_dir() {
            return Ok(());
        }
        Err(Failure::Failed(format!("Rust has no target {TARGET} here; add it with: rustup target add {TARGET}")))
    }

    /// What the tool says goes to stderr, so that stdout has the answer alone.
    fn run(&self, tool: &str, arguments: &[&str], install: &str) -> Result<(), Failure> {
        let line = [&[tool], arguments].concat().join(" ");
        eprintln!("> {line}");
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null()).stdout(io::stderr());
        let status = command.status().map_err(|error| missing(tool, install, &error))?;
        if status.success() { Ok(()) } else { Err(Failure::Failed(format!("{line}: ended with {status}"))) }
    }
}

const RUST: &str = "install Rust from https://rustup.rs";
const NODE: &str = "install Node.js 20 or later, which brings npm, from https://nodejs.org";
const MAKE: &str = "install make, on Debian and Ubuntu: apt install make";
const SHELL: &str = "a POSIX shell is needed";
/// A file that shows the language, its tool, how it tells its version, and where it is from.
const SCRIPTED: [(&str, &str, &str, &str); 2] = [
    ("go.mod", "go", "version", "install Go from https://go.dev/dl"),
    (
        "pyproject.toml",
        "python3",
        "--version",
        "install Python 3.11 or later, on Debian and Ubuntu: apt install python3-venv",
    ),
];

fn ensure_tool(tool: &str, version: &str, install: &str) -> Result<(), Failure> {
    let asked =
        Command::new(tool).arg(version).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.map(drop).map_err(|error| missing(tool, install, &error))
}

fn missing(tool: &str, install: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::Failed(format!("{tool} is not installed: {install}")),
        _ => Failure::Failed(format!("{tool} cannot be run: {error}")),
    }
}

/// Of `cargo metadata`: the library of this manifest that is a cdylib.
fn component_of(metadata: &Value, manifest: &Path) -> Option<PathBuf> {
    let is_it = |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
    let package = metadata["packages"].as_array()?.iter().find(is_it)?;
    let is_cdylib = |target: &&Value| {
        target["crate_types"].as_array().is_some_and(|types| types.iter().any(|it| it.as_str() == Some("cdylib")))
    };
    let target = package["targets"].as_array()?.iter().find(is_cdylib)?;
    let file = format!("{}.wasm", target["name"].as_str()?.replace('-', "_"));
    Some(Path::new(metadata["target_directory"].as_str()?).join(TARGET).join("release").join(file))
}

/// The `.wasm` that was written last.
fn newest(folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let components = files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "wasm"));
    let written = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    components.max_by_key(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_folder_is_known_by_the_file_that_builds_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let kind = || Project::find(folder.path()).map(|project| project.kind).map_err(|error| error.to_string());
        assert!(kind().expect_err("empty").contains("no plugin is here"));
        write("build.sh", "");
        assert_eq!(kind(), Ok(Kind::Script));
        write("Makefile", "");
        assert_eq!(kind(), Ok(Kind::Make));
        write("package.json", "{}");
        assert_eq!(kind(), Ok(Kind::Make), "somebody else's package");
        write("package.json", "{ \"devDependencies\": { \"wasmsc-plugin\": \"1\" } }");
        assert_eq!(kind(), Ok(Kind::Node));
        write("Cargo.toml", "[dependencies]\nwasmsc-plugin = \"0.1\"\n");
        assert_eq!(kind(), Ok(Kind::Rust));
    }

    #[test]
    fn cargo_tells_where_the_component_is() {
        let target = |name: &str, kind: &str| json!({ "name": name, "crate_types": [kind] });
        let package = |path: &str, targets: Value| json!({ "manifest_path": path, "targets": targets });
        let metadata = json!({ "target_directory": "/t", "packages": [
            package("/other/Cargo.toml", json!([target("other", "cdylib")])),
            package("/mine/Cargo.toml", json!([target("x", "bin"), target("my-rule", "cdylib")])),
        ] });
        let found = component_of(&metadata, Path::new("/mine/Cargo.toml"));
        assert_eq!(found, Some(PathBuf::from("/t/wasm32-wasip2/release/my_rule.wasm")));
        assert_eq!(component_of(&metadata, Path::new("/none/Cargo.toml")), None);
    }

    #[test]
    fn the_component_is_what_was_built_last() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let dist = folder.path().join("dist");
        assert_eq!(newest(std::iter::once(dist.clone())), None);
        std::fs::create_dir(&dist).expect("made");
        for (name, age) in [("old.wasm", 60), ("new.wasm", 0), ("newer.txt", 0)] {
            let file = std::fs::File::create(dist.join(name)).expect("made");
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
            file.set_modified(at).expect("its time can be set");
        }
        assert_eq!(newest(std::iter::once(dist.clone())), Some(dist.join("new.wasm")));
    }
}
