//! `wasmsc doctor`: looks at all that a server needs, before or while it runs, and says what to do.
//!
//! It changes nothing but what every start changes, and opens the store only as the user that owns it. What was made over the API it
//! takes from the server that runs, or from the store where none does.

mod certificates;
mod expiry;
mod made;
mod places;
mod routes;
mod sharing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;

use super::progress::Progress;
use super::remote::Remote;
use crate::config::Config;
use crate::setup;

/// Checks a config and all that it names: ports, data directory, store, certificates, routes and rules.
///
/// What was made over the API is looked at, too: a server that runs with the data directory is asked, at the address of its config and
/// with the operator's token in the data directory, unless the options below say otherwise. Where none runs, it is read from the
/// store.
///
/// Exit code 1 means that something is wrong; what is only worth a look is a note.
///
/// Example: wasmsc doctor --config wasmsc.toml
#[derive(Arguments, Debug)]
pub struct Args {
    /// The config file of the server.
    #[arg(short, long, default_value = "wasmsc.toml")]
    config: PathBuf,
    #[command(flatten)]
    remote: Remote,
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
        Ok(config) => look(&config, &arguments.config.display().to_string(), &arguments.remote).await,
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

async fn look(config: &Config, file: &str, remote: &Remote) -> Vec<Finding> {
    let customers = config.customer.len();
    let mut findings = vec![Fine(format!("{file}: it can be read and makes sense; {customers} customers"))];
    findings.extend(places::data_dir(&config.data_dir));
    let store = places::store(&config.data_dir, config.keeps());
    let is_running = matches!(store, places::Found::InUse);
    let made = match &store {
        places::Found::Opens(store) => made::read(config, store),
        places::Found::InUse => made::ask(config, remote).await,
        places::Found::New => made::none(config),
        places::Found::Foreign(_) | places::Found::Broken(_) => made::unknown(config),
    };
    findings.push(store.told(&config.data_dir));
    findings.extend(made.finding);
    findings.extend(places::ports(config, is_running));
    findings.extend(certificates::all(&made.all));
    findings.extend(routes::all(&made.all, made.is_known));
    findings.extend(sharing::all(&made.all));
    let shown = Progress::of("compiling the rules");
    findings.extend(rules(config).await);
    drop(shown);
    findings
}

async fn rules(config: &Config) -> Vec<Finding> {
    let told = |fits: Result<String, String>| match fits {
        Ok(name) => Fine(format!("rule {name}: it compiles and fits")),
        Err(error) => Wrong(error, "build the rule for wasm32-wasip2, and name its file in component"),
    };
    setup::try_rules(config).await.into_iter().map(told).collect()
}
