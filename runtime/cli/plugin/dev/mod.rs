//! `wasmsc plugin dev`: builds when a file is saved, and plays a device in the terminal.
//!
//! The rule runs as in `wasmsc plugin test`: in the host of production, in this process, with time that passes when one
//! says so. There is no server behind it, so nothing is on disk and nothing leaves.

mod command;
mod session;
mod show;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args as Arguments;
use tokio::sync::mpsc;

use super::build::size;
use super::project::Project;
use super::report::millis;
use super::targets::case_files;
use super::watch::{self, Look};
use crate::cases::{Given, Trial, read_case};
use crate::cli::failure::Failure;
use crate::clock;
use session::Session;

/// Plays a device in the terminal against a plugin that is built again whenever you save: type an SMS, see the answer,
/// what the rule keeps, logs and asks for, and how long it took.
///
/// It is the host of production without a server: nothing leaves, and time passes with :advance. :help lists what else.
///
/// Example: wasmsc plugin dev door-alarm --given cases/hello.toml
#[derive(Arguments, Debug)]
pub struct Args {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// A case file whose [given] holds: config, secrets, state and more.
    #[arg(long, value_name = "FILE")]
    given: Option<PathBuf>,
    /// A component as it is, instead of one that is built.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    component: Option<PathBuf>,
}

/// What the loop is woken by.
enum Woken {
    Line(Option<String>),
    Changed(Look),
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let given = given(arguments)?;
    let project = match &arguments.component {
        Some(_) => None,
        None => Some(Project::find(&arguments.dir)?),
    };
    let watched = [arguments.component.clone().unwrap_or_else(|| arguments.dir.clone())];
    let mut look = Look::at(&watched);
    let trial = made(project.as_ref(), arguments).await?;
    let mut session = Session::new(trial, given).map_err(Failure::Failed)?;
    let (device, number) = session.ends();
    println!("You are {device} and write to {number}. Type an SMS; :help lists what else there is, Ctrl-D ends.");
    let mut lines = typed();
    let is_terminal = io::stdin().is_terminal();
    loop {
        if is_terminal {
            print!("> ");
            let _ = io::stdout().flush(); // a prompt that is not seen is no loss
        }
        let woken = tokio::select! {
            biased;
            line = lines.recv() => Woken::Line(line),
            now = watch::changed(&watched, &look) => Woken::Changed(now),
        };
        match woken {
            Woken::Line(None) => return Ok(()),
            Woken::Line(Some(line)) => match command::parse(&line) {
                Err(why) => println!("!! {why}"),
                Ok(command) => match session.execute(command).await {
                    Some(text) => print!("{text}"),
                    None => return Ok(()),
                },
            },
            Woken::Changed(now) => {
                look = now;
                println!();
                match made(project.as_ref(), arguments).await {
                    Ok(trial) => session.reload(trial).map_err(Failure::Failed)?,
                    Err(failure) => eprintln!("!! {failure}; the rule is as it was"),
                }
            }
        }
    }
}

fn given(arguments: &Args) -> Result<Given, Failure> {
    let Some(file) = &arguments.given else { return Ok(Given::default()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Failed(format!("{}: cannot be read: {error}", file.display())))?;
    read_case(&text, file).map(|case| case.given).map_err(|error| Failure::Failed(error.to_string()))
}

/// Built, loaded, and its cases run once.
async fn made(project: Option<&Project>, arguments: &Args) -> Result<Trial, Failure> {
    let started = clock::instant();
    let component = match (project, &arguments.component) {
        (Some(project), _) => tokio::task::block_in_place(|| project.build())?,
        (None, Some(component)) => component.clone(),
        (None, None) => return Err(Failure::Usage("name a folder or a component".to_owned())),
    };
    let trial = Trial::load(&component).await.map_err(|error| Failure::Failed(error.to_string()))?;
    println!("{}: {}, in {}", component.display(), size(&component), millis(started.elapsed()));
    if let Some(project) = project {
        println!("{}", cases(&trial, &project.folder.join("cases")).await);
    }
    Ok(trial)
}

async fn cases(trial: &Trial, folder: &std::path::Path) -> String {
    let files = if folder.is_dir() { case_files(folder).unwrap_or_default() } else { Vec::new() };
    let mut failed = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        match read_case(&text, file) {
            Err(error) => failed.push(error.to_string()),
            Ok(case) => {
                let ran = trial.run(case).await;
                if !ran.passed() {
                    failed.push(ran.case.name);
                }
            }
        }
    }
    match failed.first() {
        None => format!("{} cases pass", files.len()),
        Some(first) => {
            format!("{} of {} cases fail, such as {first:?}; see wasmsc plugin test", failed.len(), files.len())
        }
    }
}

/// On a thread of its own, which a terminal may hold for as long as it likes.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
