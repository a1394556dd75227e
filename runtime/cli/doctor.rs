//! `wasmsc doctor`: looks at all that a server needs, before or while it runs, and says what to do.
//!
//! It changes nothing but what every start changes, and opens the store only as the user that owns it.

mod certificates;
mod expiry;
mod places;
mod routes;
mod sharing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;

use crate::config::Config;
use crate::setup;

/// Checks a config and all that it names: ports, data directory, store, certificates, routes and rules.
///
/// Exit code 1 means that something is wrong; what is only worth a look is a note.
///
/// Example: wasmsc doctor --config wasmsc.toml
#[derive(Arguments, Debug)]
pub struct Args {
    /// The config file of the server.
    #[arg(short, long, default_value = "wasmsc.toml")]
    config: PathBuf,
}

/// What one look found.
enum Finding {
    Fine(String),
    /// It works, and may not be what is wanted.
    Note(String, &'static str),
    /// With what to do about it.
    Wrong(String, &'static str),
}

use Finding::{Fine, Note, Wrong};

pub async fn run(arguments: &Args) -> ExitCode {
    let findings = match Config::load(&arguments.config) {
        Err(error) => vec![Wrong(error.to_string(), "correct the file; runtime/config/ has every key")],
        Ok(config) => look(&config, &arguments.config.display().to_string()).await,
    };
    let mut wrong = 0;
    for finding in &findings {
        match finding {
            Fine(what) => println!("ok     {what}"),
            Note(what, advice) => println!("note   {what}\n       -> {advice}"),
            Wrong(what, advice) => {
                wrong += 1;
                println!("WRONG  {what}\n       -> {advice}");
            }
        }
    }
    println!("\n{}", if wrong == 0 { "nothing is wrong".to_owned() } else { format!("{wrong} wrong") });
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn look(config: &Config, file: &str) -> Vec<Finding> {
    let customers = config.customer.len();
    let mut findings = vec![Fine(format!("{file}: it can be read and makes sense; {customers} customers"))];
    findings.extend(places::data_dir(&config.data_dir));
    let store = places::store(&config.data_dir, config.keeps());
    let is_running = matches!(store, places::Found::InUse);
    findings.push(store.told(&config.data_dir));
    findings.extend(places::ports(config, is_running));
    findings.extend(certificates::all(config));
    findings.extend(routes::all(config));
    findings.extend(sharing::all(config));
    findings.extend(rules(config).await);
    findings
}

async fn rules(config: &Config) -> Vec<Finding> {
    let told = |fits: Result<String, String>| match fits {
        Ok(name) => Fine(format!("rule {name}: it compiles and fits")),
        Err(error) => Wrong(error, "build the rule for wasm32-wasip2, and name its file in component"),
    };
    setup::try_rules(config).await.into_iter().map(told).collect()
}
