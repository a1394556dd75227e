//! `wasmsc plugin check`: would a server take this component, what does it ask for, and how long does a call take?

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as Arguments;
use serde_json::{Value, json};

use super::build::size;
use super::project::Project;
use super::report::millis;
use crate::cases::{Handler, Trial};
use crate::cli::failure::Failure;
use crate::clock;

/// Calls of a fresh instance that are timed, without `--calls`.
const CALLS: usize = 200;
const CALLS_MAX: usize = 1_000_000;
/// A component that is larger takes long to upload and to compile.
const LARGE_OCTETS: u64 = 8 << 20;
/// Every call begins with all of this.
const MUCH_MEMORY_OCTETS: u64 = 16 << 20;

/// Tells whether a component fits the contract: its handlers, imports, size and memory, and how long a fresh call takes.
///
/// Exit codes: 0 it fits, 1 it does not.
///
/// Example: wasmsc plugin check target/wasm32-wasip2/release/door_alarm.wasm
#[derive(Arguments, Debug)]
pub struct Args {
    /// A component, or a plugin's folder; default: the folder that you are in.
    #[arg(default_value = ".", value_name = "FILE|DIR")]
    file: PathBuf,
    /// Text of the MO whose calls are timed
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    mo: String,
    /// So many calls are timed
    #[arg(long, value_name = "COUNT", default_value_t = CALLS, value_parser = calls)]
    calls: usize,
    /// Prints what was found as JSON.
    #[arg(long)]
    json: bool,
}

fn calls(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=CALLS_MAX).contains(count));
    count.ok_or_else(|| format!("1 to {CALLS_MAX} are possible"))
}

/// What a look found.
struct Found {
    file: PathBuf,
    octets: u64,
    handlers: Vec<Handler>,
    imports: Vec<String>,
    memory_octets: u64,
    loading: Duration,
    /// Sorted.
    calls: Vec<Duration>,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let file = match arguments.file.is_dir() {
        true => Project::find(&arguments.file)?.component()?,
        false => arguments.file.clone(),
    };
    let found = look(&file, arguments).await?;
    match arguments.json {
        true => println!("{:#}", found.json()),
        false => print!("{}", found.text()),
    }
    Ok(())
}

async fn look(file: &Path, arguments: &Args) -> Result<Found, Failure> {
    let octets = file.metadata().map_or(0, |file| file.len());
    let failed = |error: crate::cases::TrialError| Failure::Failed(error.to_string());
    let started = clock::instant();
    let trial = Trial::load(file).await.map_err(failed)?;
    let loading = started.elapsed();
    let calls = trial.time_calls(arguments.calls, &arguments.mo).await.map_err(failed)?;
    let about = trial.about();
    Ok(Found {
        file: file.to_owned(),
        octets,
        handlers: trial.handlers(),
        imports: about.imports.clone(),
        memory_octets: about.memory_octets,
        loading,
        calls,
    })
}

impl Found {
    fn percentile(&self, percent: usize) -> Option<Duration> {
        self.calls.get((self.calls.len() * percent / 100).min(self.calls.len().saturating_sub(1))).copied()
    }

    fn names(&self) -> Vec<&'static str> {
        self.handlers.iter().map(|handler| handler.name()).collect()
    }

    fn json(&self) -> Value {
        let micros = |percent| self.percentile(percent).map(|took| (took.as_secs_f64() * 1e7).round() / 10.0);
        json!({
            "component": self.file.display().to_string(), "octets": self.octets, "handlers": self.names(),
            "imports": self.imports, "memory_octets": self.memory_octets, "load_ms": self.loading.as_millis() as u64,
            "call_us": { "count": self.calls.len(), "p50": micros(50), "p99": micros(99) },
        })
    }

    fn text(&self) -> String {
        let of_ours = |import: &&String| import.starts_with("wasmsc:");
        let has_functions = |name: &&str| !matches!(*name, "types" | "state-types");
        let ours = self.imports.iter().filter(of_ours).filter_map(|import| short(import));
        let ours: Vec<&str> = ours.filter(has_functions).collect();
        let wasi = self.imports.iter().filter(|import| !of_ours(import)).count();
        let mut text = format!("{}: it fits the contract\n", self.file.display());
        let mut line = |name: &str, value: String| text += &format!("  {name:<9} {value}\n");
        line("exports", self.names().join(", "));
        line("imports", format!("{}; {wasi} interfaces of WASI", ours.join(", ")));
        line("size", size(&self.file));
        line("memory", format!("{} KiB at the start of a call", self.memory_octets >> 10));
        line("loaded", format!("in {}, compiled and checked", millis(self.loading)));
        if let (Some(median), Some(slow)) = (self.percentile(50), self.percentile(99)) {
            let calls = self.calls.len();
            line("call", format!("p50 {}, p99 {} of {calls} with a fresh instance each", micros(median), micros(slow)));
        }
        self.notes().iter().for_each(|note| text += &format!("note: {note}\n"));
        text
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let is_there = |handler| self.handlers.contains(&handler);
        let asks =
            |interface: &str| self.imports.iter().filter_map(|import| short(import)).any(|name| name == interface);
        for (interface, handler, what) in [
            ("timers", Handler::Timer, "a timer that fires calls nothing"),
            ("http", Handler::Http, "the answer to an HTTP call calls nothing"),
        ] {
            if asks(interface) && !is_there(handler) {
                notes.push(format!("it imports {interface} and exports no {}: {what}", handler.name()));
            }
        }
        if !is_there(Handler::Mo) {
            notes.push("it takes no MOs: its rule has no numbers".to_owned());
        }
        if self.octets > LARGE_OCTETS {
            notes.push("it is large: build it without debug information (strip) and optimised for size".to_owned());
        }
        if self.memory_octets > MUCH_MEMORY_OCTETS {
            notes.push(
                "it begins with much memory, which every call pays for: give it a smaller stack and heap".to_owned(),
            );
        }
        notes
    }
}

fn micros(took: Duration) -> String {
    match took.as_secs_f64() * 1e6 {
        micros if micros < 100.0 => format!("{micros:.1} us"),
        micros if micros < 10_000.0 => format!("{micros:.0} us"),
        _ => millis(took),
    }
}

/// `wasmsc:plugin/state@0.1.0` is `state`.
fn short(import: &str) -> Option<&str> {
    import.strip_prefix("wasmsc:plugin/")?.split('@').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(handlers: &[Handler], imports: &[&str]) -> Found {
        Found {
            file: PathBuf::from("rule.wasm"),
            octets: 10,
            handlers: handlers.to_vec(),
            imports: imports.iter().map(|import| (*import).to_owned()).collect(),
            memory_octets: 131_072,
            loading: Duration::from_millis(250),
            calls: (1..=200).map(Duration::from_micros).collect(),
        }
    }

    #[test]
    fn what_was_found_is_told_with_what_may_be_missed() {
        let found = found(&[Handler::Mo], &["wasmsc:plugin/timers@0.1.0", "wasi:io/error@0.2.0"]);
        let text = found.text();
        assert!(text.contains("  imports   timers; 1 interfaces of WASI\n"), "{text}");
        assert!(text.contains("  memory    128 KiB at the start of a call\n"), "{text}");
        assert!(text.contains("p50 101 us, p99 199 us of 200 with"), "{text}");
        assert!(
            text.ends_with("note: it imports timers and exports no timer-handler: a timer that fires calls nothing\n"),
            "{text}"
        );
        assert_eq!(found.json()["call_us"]["p50"], 101.0);
    }

    #[test]
    fn a_component_that_takes_no_mos_is_told_so() {
        assert_eq!(found(&[Handler::Request], &[]).notes(), ["it takes no MOs: its rule has no numbers"]);
        assert!(found(&[Handler::Mo, Handler::Timer], &["wasmsc:plugin/timers@0.1.0"]).notes().is_empty());
    }
}
