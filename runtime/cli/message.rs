//! `wasmsc message`: what a running server knows of one message, and cancelling it.

use clap::{Args as Arguments, Subcommand};

use super::failure::Failure;
use super::remote::{Ask, Remote, part};
use super::table::{Form, fields, json};

/// Looks a message up, or cancels it.
///
/// Example: wasmsc message show 1a209002b4d00000
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Shows what is known of a message.
    Show(One),
    /// Cancels a message that still waits.
    Cancel(One),
}

#[derive(Arguments, Debug)]
struct One {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// As it was told when the message was sent.
    id: String,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Show(one) => {
            let found = one.remote.json(Ask::get(&path(one))).await?;
            print!("{}", if one.form.json { json(&found) } else { fields(&found) });
        }
        Verb::Cancel(one) => {
            one.remote.json(Ask::delete(&path(one))).await?;
            if !one.form.json {
                println!("{} will not be sent", one.id);
            }
        }
    }
    Ok(())
}

fn path(one: &One) -> String {
    format!("/v1/messages/{}", part(&one.id))
}
