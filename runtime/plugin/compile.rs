//! Compiles a component in a process of its own, which may use so much memory and time and no more.
//!
//! The process is this program again, with the hidden command `compile-plugin`: a component that makes the compiler
//! swell, hang or fall ends that process, and whoever uploaded it hears why. It works at a low priority, beside the traffic.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Resource, Rlimit};
use tokio::io::AsyncReadExt as _;

use super::digest::Digest;
use super::engine;
use super::filling::Filling;

/// The hidden command's name.
pub const COMMAND: &str = "compile-plugin";
/// Niceness of the process: it gets what the traffic leaves.
const NICENESS: i32 = 10;
/// By the clock it may take so many times its CPU time: a busy machine gives it little.
const PATIENCE: u32 = 4;
/// Octets of what it says that are read.
const SAID_OCTETS: u64 = 4 << 10;
/// Exit code for "the component is wrong, and stderr says why".
const REFUSED: u8 = 65;

/// What compiling one component may use up.
#[derive(Debug, Clone, Copy)]
pub struct CompileLimits {
    pub memory_mib: u64,
    pub cpu_secs: u64,
}

/// Why there is no compiled form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCompiled {
    #[error("is no WebAssembly component: {0}")]
    NotAComponent(String),
    #[error("takes more than {0} s of CPU time to compile; make it smaller, or raise compile_cpu_secs of [plugins]")]
    TooSlow(u64),
    #[error("takes more than {0} MiB of memory to compile; make it smaller, or raise compile_memory_mib of [plugins]")]
    TooLarge(u64),
    #[error("cannot be compiled: {0}")]
    Failed(String),
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Which program compiles; unless told, the one that runs. For programs that are not `wasmsc` themselves, such as tests.
pub fn compiler_is(program: impl Into<PathBuf>) {
    let _ = PROGRAM.set(program.into()); // it was told before
}

/// Also after an upgrade has replaced its file.
fn program() -> PathBuf {
    PROGRAM.get().cloned().unwrap_or_else(|| PathBuf::from("/proc/self/exe"))
}

/// Writes the compiled form of `source`, which has this digest, to `target`.
pub async fn compile(source: &Path, digest: Digest, target: &Path, limits: CompileLimits) -> Result<(), NotCompiled> {
    let failed = |error: io::Error| NotCompiled::Failed(format!("{}: {error}", program().display()));
    let mut command = tokio::process::Command::new(program());
    command.arg(COMMAND).arg(source).arg(digest.to_string()).arg(target);
    command.arg(limits.memory_mib.to_string()).arg(limits.cpu_secs.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut octets = Vec::new();
        let patience = Duration::from_secs(limits.cpu_secs).saturating_mul(PATIENCE);
        // It says something at its end only.
        let read = async {
            stderr.take(SAID_OCTETS).read_to_end(&mut octets).await?;
            child.wait().await
        };
        if tokio::time::timeout(patience, read).await.is_err() {
            let _ = child.kill().await; // it ended just now
            return Err(NotCompiled::TooSlow(limits.cpu_secs));
        }
        said = String::from_utf8_lossy(&octets).trim().to_owned();
    }
    let status = child.wait().await.map_err(failed)?;
    let out_of_memory = said.contains("memory allocation of") || said.contains("Cannot allocate memory");
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) if code == i32::from(REFUSED) => Err(NotCompiled::NotAComponent(said)),
        (_, Some(libc::SIGXCPU)) => Err(NotCompiled::TooSlow(limits.cpu_secs)),
        _ if out_of_memory => Err(NotCompiled::TooLarge(limits.memory_mib)),
        _ => Err(NotCompiled::Failed(format!("the compiler ended with {status}: {said}"))),
    }
}

/// The hidden command: source, digest, target, MiB, seconds.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let [source, digest, target, memory_mib, cpu_secs] = arguments else {
        eprintln!("{COMMAND} is wasmsc's own; use wasmsc plugin upload");
        return ExitCode::FAILURE;
    };
    let number = |text: &OsString| text.to_str().and_then(|text| text.parse().ok());
    let digest = digest.to_str().and_then(|text| text.parse().ok());
    let (Some(digest), Some(memory_mib), Some(cpu_secs)) = (digest, number(memory_mib), number(cpu_secs)) else {
        eprintln!("{COMMAND}: its arguments are a file, its digest, a file, MiB and seconds");
        return ExitCode::FAILURE;
    };
    if let Err(error) = be_modest(CompileLimits { memory_mib, cpu_secs }) {
        eprintln!("its limits cannot be set: {error}");
        return ExitCode::FAILURE;
    }
    match compile_here(Path::new(source), digest, Path::new(target)) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, why)) => {
            eprintln!("{why}");
            ExitCode::from(code)
        }
    }
}

fn be_modest(limits: CompileLimits) -> io::Result<()> {
    let most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    // What is written, not what is merely reserved: a pool of instances reserves far more than there is.
    rustix::process::setrlimit(Resource::Data, most(limits.memory_mib << 20))?;
    let cpu = Rlimit { current: Some(limits.cpu_secs), maximum: Some(limits.cpu_secs + 1) };
    rustix::process::setrlimit(Resource::Cpu, cpu)?;
    rustix::process::setrlimit(Resource::Core, most(0))?;
    // Nobody would take what it makes.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let _ = rustix::process::nice(NICENESS); // what a container forbids
    Ok(())
}

fn compile_here(source: &Path, digest: Digest, target: &Path) -> Result<(), (u8, String)> {
    let failed = |file: &Path, error: io::Error| (1, format!("{}: {error}", file.display()));
    let wasm = std::fs::read(source).map_err(|error| failed(source, error))?;
    if Digest::of(&wasm) != digest {
        return Err((1, format!("{} has changed meanwhile", source.display())));
    }
    if let Some(why) = foreign(&wasm) {
        return Err((REFUSED, why.to_owned()));
    }
    let engine = engine::for_compiling(Filling::of(&wasm)).map_err(|error| (1, format!("{error:#}")))?;
    let compiled = engine.precompile_component(&wasm).map_err(|error| (REFUSED, format!("{error:#}")))?;
    let write = || {
        let mut file = File::create(target)?;
        file.write_all(&compiled)?;
        file.sync_all()
    };
    write().map_err(|error| failed(target, error))
}

/// What it is instead of a component, where its first octets tell.
pub fn foreign(octets: &[u8]) -> Option<&'static str> {
    const MAGIC: &[u8] = b"\0asm";
    match octets {
        [] => Some("it is empty"),
        [0x7f, b'E', b'L', b'F', ..] => {
            Some("it is compiled already, and only the server itself may do that; upload the component (.wasm)")
        }
        [_, _, _, _, version @ ..] if octets.starts_with(MAGIC) => match version {
            [1, 0, 0, 0, ..] => Some(
                "it is a core module; build it for wasm32-wasip2, or make a component of it with wasm-tools component new",
            ),
            _ => None,
        },
        _ => Some("it does not begin with \"\\0asm\"; upload the .wasm file that the build made"),
    }
}
