//! Waits until files of a plugin change.
//!
//! It looks at times and sizes twice a second. That works on every file system, containers and network shares among them,
//! and a plugin's folder is small once what builds leave is not looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Files that are looked at; what is beyond is not watched.
const FILES_MAX: usize = 20_000;
/// What builds and tools write.
const NOT_WATCHED: [&str; 8] = ["target", "node_modules", "dist", "build", "out", "wasmsc-sdk", "__pycache__", "venv"];

/// How files are at one time.
#[derive(Debug, Default, PartialEq)]
pub struct Look(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Look {
    /// At files, and at all that is in folders.
    pub fn at(paths: &[PathBuf]) -> Look {
        let mut look = Look::default();
        paths.iter().for_each(|path| look.add(path));
        look
    }

    fn add(&mut self, path: &Path) {
        if self.0.len() >= FILES_MAX {
            return;
        }
        let Ok(about) = path.metadata() else { return };
        if !about.is_dir() {
            let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            self.0.insert(path.to_owned(), (modified, about.len()));
            return;
        }
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_watched = !name.starts_with('.') && !NOT_WATCHED.contains(&&*name);
            if is_watched && !entry.path().is_symlink() {
                self.add(&entry.path());
            }
        }
    }
}

/// Returns when something is not as it was at `before`, and nothing changed any more between two looks: editors and
/// compilers write in steps.
pub async fn changed(paths: &[PathBuf], before: &Look) -> Look {
    let mut last = Look::at(paths);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Look::at(paths);
        if now != *before && now == last {
            return now;
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_looked_at_and_build_output_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let paths = [folder.path().to_owned()];
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().expect("inside")).expect("made");
            std::fs::write(file, text).expect("written");
        };
        write("src/lib.rs", "a");
        let before = Look::at(&paths);
        for output in ["target/x", "node_modules/y/z", ".git/index", "dist/rule.wasm"] {
            write(output, "new");
        }
        assert_eq!(Look::at(&paths), before);
        write("src/lib.rs", "longer");
        let after = Look::at(&paths);
        assert_ne!(after, before);
        write("cases/new.toml", "");
        assert_ne!(Look::at(&paths), after);
    }
}
