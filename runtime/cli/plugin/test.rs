//! `wasmsc plugin test`: the cases of a plugin, run in the host that production uses.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as Arguments;

use super::report::{self, Paint};
use super::targets::Targets;
use super::watch::{self, Look};
use super::{junit, targets};
use crate::cases::{self, Case, Ran, Trial, read_case};
use crate::cli::failure::{Failure, exit};

/// Cases failed, or could not be run.
const FAILED: u8 = 1;

/// Runs a plugin's cases, each event in a fresh instance under the limits of production.
///
/// Exit codes: 0 all cases pass, 1 one does not or cannot be run, 2 wrong arguments.
///
/// Example: wasmsc plugin test --watch
#[derive(Arguments, Debug)]
pub struct Args {
    /// Folders of plugins or of cases, case files, or a component; default: the folder that you are in.
    #[arg(value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// The component; default: what the plugin's last build left.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Only cases whose name has this in it.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Writes what came out into the case files, where it is not what they say. Look at the changes before you keep them.
    #[arg(long, conflicts_with = "watch")]
    update: bool,
    /// Runs again when the component or a case changes, until it is ended.
    #[arg(long)]
    watch: bool,
    /// Writes the results into this file as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub async fn run(arguments: &Args) -> ExitCode {
    if arguments.watch {
        return exit(watch(arguments).await);
    }
    match once(arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(failure) => exit(Err(failure)),
    }
}

/// Whether all pass.
async fn once(arguments: &Args) -> Result<bool, Failure> {
    let targets = Targets::find(&arguments.paths, arguments.component.as_deref())?;
    let (cases, unreadable) = read(&targets, arguments.filter.as_deref());
    unreadable.iter().for_each(|why| eprintln!("wasmsc: {why}"));
    if cases.is_empty() && unreadable.is_empty() {
        return Err(Failure::Usage("no case has that in its name".to_owned()));
    }
    let trial = Trial::load(&targets.component).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let paint = Paint::of_stdout();
    let mut all = Vec::with_capacity(cases.len());
    for case in cases {
        let ran = trial.run(case).await;
        print!("{}", report::case(&ran, paint));
        all.push(ran);
    }
    print!("{}", report::summary(&all, &trial.handlers(), paint));
    if let Some(file) = &arguments.junit {
        write(file, &junit::xml(&targets.component.display().to_string(), &all))?;
    }
    if arguments.update {
        update(&all)?;
    }
    Ok(unreadable.is_empty() && all.iter().all(Ran::passed))
}

fn read(targets: &Targets, filter: Option<&str>) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut unreadable) = (Vec::new(), Vec::new());
    for file in &targets.files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
        match text.and_then(|text| read_case(&text, file).map_err(|error| error.to_string())) {
            Ok(case) if filter.is_none_or(|part| case.name.contains(part)) => cases.push(case),
            Ok(_) => {}
            Err(why) => unreadable.push(why),
        }
    }
    (cases, unreadable)
}

fn update(all: &[Ran]) -> Result<(), Failure> {
    for ran in all.iter().filter(|ran| !ran.passed()) {
        let file = &ran.case.file;
        let unreadable = |error| Failure::Failed(format!("{}: cannot be read: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let new = cases::update(&text, &ran.case, &ran.got())
            .map_err(|why| Failure::Failed(format!("{}: {why}", file.display())))?;
        if new != text {
            write(file, &new)?;
            println!("updated  {}", file.display());
        }
    }
    Ok(())
}

fn write(file: &std::path::Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text)
        .map_err(|error| Failure::Failed(format!("{}: cannot be written: {error}", file.display())))
}

async fn watch(arguments: &Args) -> Result<(), Failure> {
    loop {
        let watched = watched(arguments);
        let before = Look::at(&watched);
        match once(arguments).await {
            Err(usage @ Failure::Usage(_)) => return Err(usage),
            Err(failure) => eprintln!("wasmsc: {failure}"),
            Ok(_) => {}
        }
        println!("\nwaiting for changes; end with Ctrl-C");
        watch::changed(&watched, &before).await;
        println!();
    }
}

/// The component, and what cases there are or may come.
fn watched(arguments: &Args) -> Vec<PathBuf> {
    match Targets::find(&arguments.paths, arguments.component.as_deref()) {
        Ok(targets) => {
            let targets::Targets { component, files, folders } = targets;
            [vec![component], files, folders].concat()
        }
        // Not built yet, or no case: whatever comes will do.
        Err(_) if arguments.paths.is_empty() => vec![PathBuf::from(".")],
        Err(_) => arguments.paths.clone(),
    }
}
