//! A temporary folder that goes away with its owner.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use anyhow::{Context, Result, bail};

/// Left-overs of killed runs may hold earlier names; more of them than this means something else is wrong.
const NAMES_MAX: u32 = 100;

/// A new folder below the system's temporary one; removed with all that is in it when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub fn new(purpose: &str) -> Result<Self> {
        for n in 0..NAMES_MAX {
            let name = format!("wasmsc-{purpose}-{}-{n}", process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot create {}", path.display()));
                }
            }
        }
        bail!("no free name in {}", env::temp_dir().display())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing to do about an error: the folder is in the system's temporary one.
        let _ = fs::remove_dir_all(&self.path);
    }
}
