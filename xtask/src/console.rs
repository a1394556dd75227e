//! `cargo xtask console`: a real browser walks through the web console of a real server with the simulator beside it.
//! With `--screenshots DIR` it takes a picture of every page instead, light and dark, wide and narrow; with `--measure WHAT` it
//! measures what the console costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{self, is_there, say};
use crate::server::{self, Log, Server};
use crate::{bench, debian, node, paths};

/// Customers are made over the API: what a file declares, the console could not change.
const CONFIG: &str = r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"

[api]
listen = "127.0.0.1:0"

[history]
days = 1

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
"#;

/// Where the browser's part is.
const SOURCES: &str = "tests/console";

/// What is to be done with the browser.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    Walk,
    /// Into this folder.
    Screenshots(&'a Path),
    /// `pages`, `stream` or `tab`.
    Measure(&'a str),
}

/// Where Node and its packages are, and the browser.
struct Tools {
    node: PathBuf,
    chromium: PathBuf,
}

pub fn run(what: What) -> Result<()> {
    let tools = tools()?;
    let profile = match what {
        // Numbers are those of what users run.
        What::Measure(_) => bench::build().map(|()| "release")?,
        What::Walk | What::Screenshots(_) => server::build().map(|()| "debug")?,
    };
    let wasmsc = paths::wasmsc(profile)?;
    let server = Server::start_of(&wasmsc, "console", CONFIG, Log::File)?;
    let walked = walk(&server, &tools, (&wasmsc, what));
    if walked.is_err() {
        server.show_log();
    }
    let stopped = server.stop();
    walked.and(stopped)
}

/// The two pictures of the README, of a server to which devices report meanwhile.
pub fn readme_pictures(server: &Server, folder: &Path) -> Result<()> {
    let mut command = tools()?.command(server, &paths::wasmsc("debug")?, "readme.mjs")?;
    process::run(command.env("SCREENSHOTS", std::path::absolute(folder)?))
}

fn tools() -> Result<Tools> {
    let folder = paths::target()?.join("console");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let chromium = chromium()?;
    node::packages(&folder, SOURCES)?;
    let node = folder.join("node");
    for name in ["house.mjs", "browser.mjs", "walk.mjs", "screenshots.mjs", "readme.mjs", "measure.mjs"] {
        let from = paths::root().join(SOURCES).join(name);
        fs::copy(&from, node.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(Tools { node, chromium })
}

impl Tools {
    /// A script that talks to this server.
    fn command(&self, server: &Server, wasmsc: &Path, script: &str) -> Result<Command> {
        let components = paths::component("any");
        let components = components.parent().context("components lie in a folder")?;
        let mut command = Command::new("node");
        command
            .arg(self.node.join(script))
            .env("WASMSC_URL", server.api_url()?)
            .env("WASMSC_SMPP", format!("127.0.0.1:{}", server.port()))
            .env("WASMSC_OPERATOR", server.operator_token()?)
            .env("WASMSC", wasmsc)
            .env("WASMSC_COMPONENTS", components)
            .env("CHROMIUM", &self.chromium)
            .stdin(Stdio::null());
        Ok(command)
    }
}

fn walk(server: &Server, tools: &Tools, (wasmsc, what): (&Path, What)) -> Result<()> {
    let script = |name: &str| tools.command(server, wasmsc, name);
    let mut command = match what {
        What::Screenshots(folder) => {
            say(&format!("taking pictures into {}", folder.display()));
            let mut command = script("screenshots.mjs")?;
            command.env("SCREENSHOTS", std::path::absolute(folder)?);
            command
        }
        What::Measure(what) => {
            say(&format!("measuring: {what}"));
            let mut command = script("measure.mjs")?;
            command.env("MEASURE", what).env("WASMSC_PID", server.pid().to_string());
            command
        }
        What::Walk => {
            say("walking through the console");
            script("walk.mjs")?
        }
    };
    process::run(&mut command)
}

/// Debian's; installed where that is missing and may be.
fn chromium() -> Result<PathBuf> {
    for name in ["chromium", "chromium-browser", "google-chrome"] {
        if is_there(name, &["--version"]) {
            return Ok(PathBuf::from(name_of(name)?));
        }
    }
    debian::ensure("chromium", &["/usr/bin/chromium"])?;
    Ok(PathBuf::from("/usr/bin/chromium"))
}

/// Playwright wants the whole path.
fn name_of(program: &str) -> Result<String> {
    let path = process::output(Command::new("sh").args(["-c", "command -v \"$1\"", "sh", program]))?;
    Ok(path.trim().to_owned())
}
