//! `wasmsc plugin build`: the component, with the usual tools of its language.

use std::path::PathBuf;

use clap::Args as Arguments;

use super::project::Project;
use super::report::millis;
use crate::cli::failure::Failure;
use crate::clock;

/// Builds a plugin's component with the tools of its language, and prints its path.
///
/// Cargo.toml: cargo. package.json: npm. Makefile: make. build.sh: sh.
///
/// Example: wasmsc plugin build door-alarm
#[derive(Arguments, Debug)]
pub struct Args {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(arguments: &Args) -> Result<(), Failure> {
    let started = clock::instant();
    let component = Project::find(&arguments.dir)?.build()?;
    eprintln!("{} in {}", size(&component), millis(started.elapsed()));
    println!("{}", component.display());
    Ok(())
}

/// Of a file, as people read it.
pub fn size(file: &std::path::Path) -> String {
    let octets = file.metadata().map_or(0, |file| file.len());
    if octets < 10 << 20 { format!("{:.1} KiB", octets as f64 / 1024.0) } else { format!("{} MiB", octets >> 20) }
}
