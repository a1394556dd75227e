//! `wasmsc plugin new`: a project that builds, with a rule, a case and its SDK.

use std::path::{Path, PathBuf};

use clap::Args as Arguments;

use super::templates::{Language, project};
use crate::cli::failure::Failure;

/// Octets of a name: it becomes the name of packages and files.
const NAME_OCTETS_MAX: usize = 64;

/// Begins a plugin: writes a project with a rule that runs, a case that tests it, and the SDK.
///
/// Example: wasmsc plugin new door-alarm --lang rust
#[derive(Arguments, Debug)]
pub struct Args {
    /// Small letters, digits and dashes, such as door-alarm.
    name: String,
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// Where it is written; default: a new folder with its name.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub fn run(arguments: &Args) -> Result<(), Failure> {
    let name = &arguments.name;
    check_name(name).map_err(Failure::Usage)?;
    let folder = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    let files = project(arguments.lang, name).ok_or_else(|| {
        Failure::Failed(format!("this wasmsc carries no template for --lang {}", value_name(arguments.lang)))
    })?;
    if let Some(there) = files.keys().map(|path| folder.join(path)).find(|path| path.exists()) {
        let there = there.display();
        return Err(Failure::Failed(format!("{there} is there already and is not overwritten; choose another --dir")));
    }
    for (path, content) in &files {
        write(&folder.join(path), content)?;
    }
    let dir = folder.display();
    println!("{} files in {dir}/. Next:\n", files.len());
    println!("  cd {dir}");
    println!("  wasmsc plugin build     # makes the component");
    println!("  wasmsc plugin test      # runs cases/*.toml against it");
    println!("\nThen wasmsc plugin dev: type an SMS, see the answer; it builds again when you save.");
    Ok(())
}

fn value_name(language: Language) -> String {
    use clap::ValueEnum;
    language.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_well && name.chars().all(is_plain) && name.len() <= NAME_OCTETS_MAX && !name.ends_with('-') {
        return Ok(());
    }
    Err(format!("{name:?}: a name has small letters, digits and dashes, begins with a letter, such as door-alarm"))
}

fn write(file: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: cannot be written: {error}", file.display()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, content).map_err(failed)?;
    // Scripts begin with #! and are to be run.
    if content.starts_with(b"#!") {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_fit_for_packages_and_files() {
        assert!(check_name("door-alarm2").is_ok());
        for wrong in ["", "Door", "2door", "-door", "door-", "door_alarm", "../door", "door alarm"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
