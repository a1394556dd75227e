//! `wasmsc backup`: has a running server make a backup of itself.

use std::time::Duration;

use clap::Args as Arguments;

use super::failure::Failure;
use super::progress::Progress;
use super::remote::{Ask, Remote};
use super::table::{Form, cell, json};

/// The disk may have a lot to read and write.
const MADE_WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// Makes a backup of a running server, in the folder that its config names, and prints where. For the operator.
///
/// What was acknowledged before is in it; the config file, rules and the operator's token are not.
///
/// Example: wasmsc backup --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let ask = Ask { within: MADE_WITHIN, ..Ask::do_it("/v1/backup") };
    let made = {
        let _shown = Progress::of("the server makes a backup");
        arguments.remote.json(ask).await?
    };
    if arguments.form.json {
        print!("{}", json(&made));
    } else {
        // The folder alone, so that it can be given to the next command.
        println!("{}", cell(&made["directory"]));
    }
    Ok(())
}
