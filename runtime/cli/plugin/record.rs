//! `wasmsc plugin record`: case files of calls that a server keeps.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args as Arguments;

use crate::cli::calls::{Call, Calls, Wanted, none};
use crate::cli::failure::Failure;
use crate::cli::remote::Remote;

/// Writes calls of a rule that the server keeps (`replay_hours` of the rule) as cases, one file each: the event, all that the call
/// was given, and what it did. For a key with the scope manage, or the operator.
///
/// A case passes on the version that ran. Texts and numbers of real devices are in it: think of that before you keep it.
///
/// Example: wasmsc plugin record alarm --since 1h --limit 20 --out cases
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Whose rule. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// The rule's name.
    rule: String,
    #[command(flatten)]
    wanted: Wanted,
    /// The folder for the files; made where it is not there. A file that is there already stays as it is.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    out: PathBuf,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let Args { remote, customer, rule, wanted, out } = arguments;
    let mut calls = Calls::of(remote, (rule, customer.as_deref()), wanted);
    let mut is_any = false;
    while let Some(page) = calls.page().await? {
        for call in page {
            is_any = true;
            write(out, &call)?;
        }
    }
    if is_any { Ok(()) } else { Err(none(rule)) }
}

fn write(folder: &Path, call: &Call) -> Result<(), Failure> {
    let attempt = if call.attempt == 1 { String::new() } else { format!("-attempt-{}", call.attempt) };
    // A server's words are no paths.
    let name: String = format!("{}-{}{attempt}", call.event, call.message_id)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let file = folder.join(format!("{name}.toml"));
    let failed = |error| Failure::Failed(format!("{}: cannot be written: {error}", file.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    if file.exists() {
        println!("kept      {}", file.display());
        return Ok(());
    }
    let made = OpenOptions::new().write(true).create_new(true).open(&file);
    made.and_then(|mut made| made.write_all(call.case.as_bytes())).map_err(failed)?;
    println!("recorded  {}", file.display());
    Ok(())
}
