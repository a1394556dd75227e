//! `cargo xtask api`: the REST API as others see it. Schemathesis holds the server to the description that it serves,
//! a client generated from that description sends a message and follows it, and the commands of docs/API.md are run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{self, Guard, cargo, is_there};
use crate::server::{self, Log, Server};
use crate::steps::{self, Steps};
use crate::{node, paths, python};

/// What an answer must be, whatever was asked.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// For one token; several run one after the other.
const SECONDS: &str = "40";
/// It answers without end, and its tests are in tests/it/api/events.rs.
const ENDLESS: &str = "streamEvents";
/// The same requests every time: what fails on one machine fails on all.
const SEED: &str = "7001";
/// Longer than the client needs to see its message arrive.
const NETWORK_FOR: &str = "90s";

const CONFIG: &str = r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"

[api]
listen = "127.0.0.1:0"

[history]
days = 1

[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+4670*"]

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
"#;

pub fn run() -> Result<()> {
    steps::list("api", |steps| {
        let folder = paths::target()?.join("api");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let schemathesis = steps.run("schemathesis", || python::schemathesis(&folder))?;
        steps.run("Node packages", || node::packages(&folder, "tests/api"))?;
        steps.run("generated client", || generate(&folder.join("node")))?;
        steps.run("build", server::build)?;
        with_server(steps, |steps, server| {
            steps.run("send and follow (TypeScript)", || follow(server, &folder.join("node")))
        })?;
        for caller in ["the operator", "a customer"] {
            // A server each: one fills it with keys, and may delete those that it finds.
            with_server(steps, |steps, server| {
                steps.run(&format!("description, as {caller}"), || hold_to_description(server, &schemathesis, caller))
            })?;
        }
        steps.run("commands of docs/API.md", commands_of_the_docs)
    })
}

fn with_server(steps: &mut Steps, body: impl FnOnce(&mut Steps, &Server) -> Result<()>) -> Result<()> {
    let server = Server::start_with("api", CONFIG, Log::File)?;
    let result = body(steps, &server);
    if result.is_err() {
        server.show_log();
    }
    let stopped = server.stop();
    result.and(stopped)
}

fn follow(server: &Server, node: &Path) -> Result<()> {
    let _network = network(server.port())?;
    let client = node.join("out/client.js");
    process::run(Command::new("node").arg(client).args([server.api_url()?, server.operator_token()?]))
}

fn hold_to_description(server: &Server, schemathesis: &Path, caller: &str) -> Result<()> {
    let (url, operator) = (server.api_url()?, server.operator_token()?);
    let token = if caller == "a customer" { key(&url, &operator)? } else { operator };
    let header = format!("Authorization: Bearer {token}");
    let mut command = Command::new(schemathesis);
    command.env("SCHEMATHESIS_HOOKS", paths::root().join("tests/api/schemathesis_hooks.py"));
    command.args(["run", &format!("{url}/v1/openapi.json"), "--header", &header, "--checks", CHECKS]);
    command.args(["--max-time", SECONDS, "--seed", SEED, "--generation-database", "none"]);
    command.args(["--exclude-operation-id", ENDLESS]);
    command.args(["--warnings", "off", "--no-color"]).current_dir(server.folder());
    process::run(command.stdin(Stdio::null()))
}

/// From docs/openapi.json, which a test holds to what is served.
fn generate(node: &Path) -> Result<()> {
    let sources = paths::root().join("tests/api");
    for name in ["client.ts", "tsconfig.json"] {
        fs::copy(sources.join(name), node.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let tool = |name: &str| {
        let mut command = Command::new(node.join("node_modules/.bin").join(name));
        command.current_dir(node).stdin(Stdio::null());
        command
    };
    // Without the option, what may be left out because it has a default has to be given.
    let description = paths::root().join("docs/openapi.json");
    let options = ["--default-non-nullable=false", "--output", "schema.ts"];
    process::run(tool("openapi-typescript").arg(description).args(options))?;
    process::run(tool("tsc").args(["--project", "."]))
}

/// A meter's network account, which takes what is sent to its devices.
fn network(port: u16) -> Result<Guard> {
    let mut command = Command::new(paths::wasmsc("debug")?);
    command.args(["simulate", "--connect", &format!("127.0.0.1:{port}"), "--system-id", "sim", "--password", "secret"]);
    command.args(["--number", "7001", "--prefix", "+46700", "--meters", "1", "--rate", "1", "--duration", NETWORK_FOR]);
    Guard::spawn("wasmsc simulate", command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
}

/// A key of the customer with all scopes, made with curl, as docs/API.md says.
fn key(url: &str, operator: &str) -> Result<String> {
    if !is_there("curl", &["--version"]) {
        bail!("curl is needed (on Debian: apt-get install curl)");
    }
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body", "--header", "Content-Type: application/json"]);
    command.args(["--header", &format!("Authorization: Bearer {operator}")]);
    command.args(["--data", r#"{"name": "schemathesis", "scopes": ["read", "send", "manage"]}"#]);
    let made = process::output(command.arg(format!("{url}/v1/customers/acme/keys")))?;
    let key = made.split("\"key\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let key = key.with_context(|| format!("no key in {made}"))?;
    ensure!(key.starts_with("wsk_"), "{key} is no key");
    Ok(key.to_owned())
}

/// A test of ours, left out of `cargo xtask test` because it needs curl.
fn commands_of_the_docs() -> Result<()> {
    process::run(&mut cargo(&["test", "-p", "wasmsc", "--test", "it", "api::docs::", "--", "--ignored"])?)
}
