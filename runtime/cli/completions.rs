//! `wasmsc completions`: what makes a shell complete the commands.

use clap::{Args as Arguments, Command};
use clap_complete::{Shell, generate};

/// Prints a script that makes your shell complete the commands of wasmsc.
///
/// Example: wasmsc completions bash > /etc/bash_completion.d/wasmsc
#[derive(Arguments, Debug)]
pub struct Args {
    shell: Shell,
}

pub fn run(arguments: &Args, mut command: Command) {
    generate(arguments.shell, &mut command, "wasmsc", &mut std::io::stdout());
}
