//! `wasmsc plugin deploy`: a plugin's folder becomes the version that answers on a running server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as Arguments;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::build::size;
use super::project::Project;
use super::report::{self, Paint};
use super::targets::case_files;
use crate::cases::{Ran, Trial, read_case};
use crate::cli::failure::Failure;
use crate::cli::remote::{Ask, Remote, part, query};

/// An upload is compiled before it is answered, perhaps behind others.
const UPLOAD_WITHIN: Duration = Duration::from_secs(1_200);
/// Hexadecimal digits of the digest that make a version's label.
const LABEL_DIGITS: usize = 12;

/// Builds a plugin, checks it, runs its cases, uploads it and makes it the version of a rule. Each step ends it where something is wrong,
/// and until the last one the server answers as before.
///
/// For a key with the scope manage, or the operator. `wasmsc rule rollback` goes back.
///
/// Example: wasmsc plugin deploy door-alarm --rule alarm --number 7001
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// The plugin's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The rule that it is for.
    #[arg(long)]
    rule: String,
    /// Whose rule. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// Numbers of the rule, where it is not there yet and is to be made.
    #[arg(long = "number", value_name = "NUMBER")]
    numbers: Vec<String>,
    /// What the plugin is called on the server; default: as the rule.
    #[arg(long)]
    name: Option<String>,
    /// The version's label; default: of the component's digest, so that each build has its own.
    #[arg(long)]
    version: Option<String>,
    /// A component as it is, instead of one that is built.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let component = match &arguments.component {
        Some(component) => component.clone(),
        None => {
            let project = Project::find(&arguments.dir)?;
            tokio::task::block_in_place(|| project.build())?
        }
    };
    println!("built     {} ({})", component.display(), size(&component));
    let trial = Trial::load(&component).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let handlers: Vec<&str> = trial.handlers().iter().map(|handler| handler.name()).collect();
    println!("fits      {}", handlers.join(", "));
    println!("cases     {} pass", cases(&trial, &arguments.dir.join("cases")).await?);
    let plugin = upload(arguments, &component).await?;
    println!("uploaded  {plugin}");
    activate(arguments, &plugin).await?;
    println!("active    {plugin} answers for rule {}; wasmsc rule status {} shows how", arguments.rule, arguments.rule);
    Ok(())
}

/// How many passed; none fails.
async fn cases(trial: &Trial, folder: &Path) -> Result<usize, Failure> {
    let files = if folder.is_dir() { case_files(folder)? } else { Vec::new() };
    for file in &files {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::Failed(format!("{}: cannot be read: {error}", file.display())))?;
        let case = read_case(&text, file).map_err(|error| Failure::Failed(error.to_string()))?;
        let ran: Ran = trial.run(case).await;
        if !ran.passed() {
            print!("{}", report::case(&ran, Paint::of_stdout()));
            return Err(Failure::Failed("a case fails; nothing was uploaded".to_owned()));
        }
    }
    Ok(files.len())
}

/// NAME@VERSION, as the server has it from now on.
async fn upload(arguments: &Args, component: &Path) -> Result<String, Failure> {
    let wasm = std::fs::read(component);
    let wasm = wasm.map_err(|error| Failure::Failed(format!("{}: {error}", component.display())))?;
    let name = arguments.name.as_deref().unwrap_or(&arguments.rule);
    let label = arguments.version.clone().unwrap_or_else(|| label(&wasm));
    let parameters = [("name", Some(name)), ("version", Some(&*label)), ("customer", arguments.customer.as_deref())];
    let raw = Some(("application/wasm", wasm.into()));
    let path = query("/v1/plugins", &parameters);
    arguments.remote.json(Ask { raw, within: UPLOAD_WITHIN, ..Ask::do_it(&path) }).await?;
    Ok(format!("{name}@{label}"))
}

fn label(wasm: &[u8]) -> String {
    let digest = Sha256::digest(wasm);
    digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>().chars().take(LABEL_DIGITS).collect()
}

/// A rule that is not there is made, where its numbers are said.
async fn activate(arguments: &Args, plugin: &str) -> Result<Value, Failure> {
    let path = |verb: &str| {
        query(&format!("/v1/rules/{}{verb}", part(&arguments.rule)), &[("customer", arguments.customer.as_deref())])
    };
    let activated = arguments.remote.json(Ask::post(&path("/activate"), &json!({ "plugin": plugin }))).await;
    match activated {
        Err(Failure::Refused(refusal)) if refusal.is("not_found") && !arguments.numbers.is_empty() => {
            let settings = json!({ "plugin": plugin, "numbers": arguments.numbers });
            arguments.remote.json(Ask::put(&path(""), &settings)).await
        }
        Err(Failure::Refused(refusal)) if refusal.is("not_found") => Err(Failure::Failed(format!(
            "{plugin} is uploaded, and there is no rule {}; make it with --number, or with wasmsc rule set",
            arguments.rule
        ))),
        other => other,
    }
}
