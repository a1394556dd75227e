//! `wasmsc restore`: a new data directory from a backup, before the server is started on it.

use std::path::PathBuf;

use clap::Args as Arguments;
use wasmsc_smpp::time::format_absolute;

use super::failure::Failure;
use super::progress::Progress;
use crate::config::Config;
use crate::store::backup;

/// Makes the data directory of a config from a backup, after every octet of the backup was checked.
///
/// The data directory must be missing or empty. It appears as a whole, or not at all. The next start makes a new
/// operator's token, unless you put the old `operator-token` there.
///
/// Example: wasmsc restore /var/backups/wasmsc/20261123T153000.250Z --config wasmsc.toml
#[derive(Arguments, Debug)]
pub struct Args {
    /// The backup, as `wasmsc backup` named it.
    directory: PathBuf,
    /// The config file of the server that is to use it.
    #[arg(long, default_value = "wasmsc.toml")]
    config: PathBuf,
}

pub fn run(arguments: &Args) -> Result<(), Failure> {
    let config = Config::load(&arguments.config).map_err(|error| Failure::Usage(error.to_string()))?;
    let shown = Progress::of(format!("restoring {}", config.data_dir.display()));
    let made_at = backup::restore(&arguments.directory, &config.data_dir)
        .map_err(|error| Failure::Failed(format!("not restored: {error}")))?;
    drop(shown);
    let time = String::from_utf8_lossy(&format_absolute(made_at.0)).into_owned();
    println!("{} is restored, as of 20{} UTC", config.data_dir.display(), time.get(..12).unwrap_or_default());
    Ok(())
}
