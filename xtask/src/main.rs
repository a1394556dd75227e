//! `cargo xtask`: the few things that need more than one `cargo` command.
//!
//! Each command is one file with one `run`. This crate never does what cargo does itself: it only calls
//! programs, in order, and says which one failed. It depends on nothing but `anyhow`, so it builds in seconds.

mod api;
mod bench;
mod capture;
mod check;
mod console;
mod debian;
mod demo;
mod fuzz;
mod interop;
mod languages;
mod matrix;
mod node;
mod paths;
mod plugins;
mod process;
mod python;
mod release;
mod scratch;
mod server;
mod steps;
mod test;
mod vendor;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  demo [--seconds N] [--keep | --pictures DIR]
                                start a server and 20 simulated water meters, show the conversation; leave the server running with its
                                web console, or take the README's pictures of it (needs what console needs)
  test                          formatting, clippy, rules, all tests; needs nothing but Rust
  check                         formatting and clippy only
  plugins                       build the rules in plugins/ to WebAssembly components
  languages                     build the rules in other languages than Rust, play their cases; needs Node and Python
  fuzz [--seconds N]            libFuzzer on every promise of the SMPP crate, N seconds each (60); needs nightly Rust
  interop [NAME]                third-party SMPP stacks and tshark against a running server; with NAME only those
                                rows of the matrix whose name contains it, such as drive_smpp or \"as SMSC\"
  api                           the REST API against its own description, a generated client, the commands of the docs
  console [--screenshots DIR | --measure pages|stream|tab]
                                a browser walks through the web console, takes a picture of every page, or measures it; needs Node
                                and npm, and installs Debian's chromium where there is none
  vendor                        fetch the web console's files of others from npm, as they are pinned; needs npm
  bench [ARGS...]               release build and `wasmsc bench` with these arguments
  release                       the server, optimised for the code that it runs under load: built, run and built again; takes
                                half an hour and more, and needs rustup";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    match command.as_str() {
        "demo" => demo::run(&demo_options(rest)?),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(&fuzz_options(rest)?),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        "test" | "check" | "plugins" | "languages" | "api" | "vendor" | "release" if !rest.is_empty() => {
            bail!("{command} takes no arguments\n\n{USAGE}")
        }
        "test" => test::run(),
        "check" => check::run(),
        "plugins" => plugins::run(),
        "languages" => languages::run(),
        "api" => api::run(),
        "vendor" => vendor::run(),
        "release" => release::run(),
        "console" => console::run(console_what(rest)?),
        "interop" => interop::run(interop_rows(rest)?),
        other => bail!("unknown command {other}\n\n{USAGE}"),
    }
}

fn demo_options(args: &[String]) -> Result<demo::Options> {
    let mut options = demo::Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--keep" => options.afterwards = demo::Afterwards::Keep,
            "--pictures" => {
                let folder = args.next().context("--pictures needs a folder")?;
                options.afterwards = demo::Afterwards::Pictures(folder.into());
            }
            "--seconds" => {
                let value = args.next().context("--seconds needs a number")?;
                options.seconds = value.parse().with_context(|| format!("--seconds {value}: not a number"))?;
            }
            other => bail!("demo does not know {other}\n\n{USAGE}"),
        }
    }
    Ok(options)
}

fn console_what(args: &[String]) -> Result<console::What<'_>> {
    match args {
        [] => Ok(console::What::Walk),
        [option, folder] if option == "--screenshots" => Ok(console::What::Screenshots(Path::new(folder))),
        [option, what] if option == "--measure" && ["pages", "stream", "tab"].contains(&what.as_str()) => {
            Ok(console::What::Measure(what))
        }
        _ => bail!("console takes --screenshots DIR, or --measure pages, stream or tab\n\n{USAGE}"),
    }
}

fn interop_rows(args: &[String]) -> Result<Option<&str>> {
    match args {
        [] => Ok(None),
        [name] => Ok(Some(name)),
        _ => bail!("interop takes one NAME and nothing else\n\n{USAGE}"),
    }
}

fn fuzz_options(args: &[String]) -> Result<fuzz::Options> {
    match args {
        [] => Ok(fuzz::Options::default()),
        [option, value] if option == "--seconds" => {
            let seconds = value.parse().with_context(|| format!("--seconds {value}: not a number"))?;
            Ok(fuzz::Options { seconds })
        }
        _ => bail!("fuzz takes --seconds N and nothing else\n\n{USAGE}"),
    }
}
