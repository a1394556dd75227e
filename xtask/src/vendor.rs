//! `cargo xtask vendor`: fetches the console's files of others as vendor.txt pins them. After a change of a version there,
//! it says which checksums are new.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::paths;
use crate::process::{self, is_there, output, say};

const FOLDER: &str = "runtime/console/assets/vendor";

pub fn run() -> Result<()> {
    ensure!(is_there("npm", &["--version"]), "npm is needed (on Debian: npm)");
    let folder = paths::root().join(FOLDER);
    let list = folder.join("vendor.txt");
    let list = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let mut new = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [package, version, _, from, name, sum] = columns[..] else { bail!("six columns are needed: {line}") };
        say(&format!("{package} {version}: {name}"));
        let unpacked = paths::target()?.join("vendor").join(package);
        fs::create_dir_all(&unpacked).with_context(|| format!("cannot create {}", unpacked.display()))?;
        let mut pack = Command::new("npm");
        pack.args(["pack", "--silent", &format!("{package}@{version}")]).current_dir(&unpacked);
        let archive = output(&mut pack)?;
        process::run(Command::new("tar").args(["xzf", archive.trim()]).current_dir(&unpacked))?;
        let (from, to) = (unpacked.join("package").join(from), folder.join(name));
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        let is = output(Command::new("sha256sum").arg(&to))?;
        let is = is.split_whitespace().next().unwrap_or_default();
        if is != sum {
            new.push(format!("{name}  {is}"));
        }
    }
    ensure!(
        new.is_empty(),
        "other than vendor.txt says; look at what changed, then write these there:\n{}",
        new.join("\n")
    );
    Ok(())
}
