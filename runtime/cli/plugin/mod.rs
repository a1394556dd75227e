//! `wasmsc plugin`: from the first line of a plugin to a rule that serves.

mod build;
mod check;
mod deploy;
mod dev;
mod junit;
mod new;
mod project;
mod record;
mod report;
mod targets;
mod templates;
mod test;
mod watch;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};

use super::failure::exit;
use super::plugin_store;

/// Begins, builds, tests and tries plugins, and brings them to a running server.
///
/// Example: wasmsc plugin new door-alarm --lang rust
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    New(new::Args),
    Build(build::Args),
    Check(check::Args),
    Test(test::Args),
    Record(record::Args),
    Dev(dev::Args),
    Deploy(deploy::Args),
    #[command(flatten)]
    Store(plugin_store::Verb),
}

pub async fn run(arguments: &Args) -> ExitCode {
    match &arguments.command {
        Command::New(arguments) => exit(new::run(arguments)),
        Command::Build(arguments) => exit(build::run(arguments)),
        Command::Check(arguments) => exit(check::run(arguments).await),
        Command::Test(arguments) => test::run(arguments).await,
        Command::Record(arguments) => exit(record::run(arguments).await),
        Command::Dev(arguments) => exit(dev::run(arguments).await),
        Command::Deploy(arguments) => exit(deploy::run(arguments).await),
        Command::Store(verb) => exit(plugin_store::run(verb).await),
    }
}
