//! Runs files `cases/*.toml` on the bench, which `wasmsc plugin test` runs on the built component.
//!
//! ```toml
//! [given]
//! config = { greeting = "hi" }
//!
//! [[event]]
//! mo = "hello"
//!
//! [[event.sent]]
//! text = "hi"
//! ```
//!
//! One call in a native test checks all of them: `cases::check::<Hello>("cases")`.

mod compare;
mod format;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use self::compare::Seen;
use self::format::{Case, Event, FullMo, Kind, Mo};
use super::Bench;
use crate::error::Failure;
use crate::event::Response;
use crate::handlers::Exported;
use crate::message::{Body, MessageState};

/// How an event ended.
enum Ended {
    Done(Option<Response>),
    Failed(Failure),
    /// The rule panicked, or did what ends a call.
    Broken(String),
}

/// Runs all cases of a folder, which is relative to the crate as in every test. Panics with all that differs.
pub fn check<R: Exported>(folder: impl AsRef<Path>) {
    check_but::<R>(folder, &[]);
}

/// Leaves out files that cannot run natively, such as a loop that only a host ends.
pub fn check_but<R: Exported>(folder: impl AsRef<Path>, left_out: &[&str]) {
    let folder = folder.as_ref();
    let files: Vec<PathBuf> = toml_files(folder);
    assert!(!files.is_empty(), "{} has no file *.toml", folder.display());
    for name in left_out {
        assert!(files.iter().any(|file| file.ends_with(name)), "{} has no {name} to leave out", folder.display());
    }
    let wanted = files.iter().filter(|file| !left_out.iter().any(|name| file.ends_with(name)));
    let wrong: Vec<String> = wanted.flat_map(|file| check_file::<R>(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs in one file, a line each.
pub fn check_file<R: Exported>(file: &Path) -> Vec<String> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return vec![format!("{}: cannot be read: {error}", file.display())],
    };
    match toml::from_str::<Case>(&text) {
        Ok(case) => {
            let named = case.name.as_deref().map_or_else(String::new, |name| format!(" ({name})"));
            let wrong = run::<R>(&case);
            wrong.into_iter().map(|wrong| format!("{}{named}: {wrong}", file.display())).collect()
        }
        Err(error) => vec![format!("{}: is no case: {error}", file.display())],
    }
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => panic!("{} cannot be read: {error}", folder.display()),
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn run<R: Exported>(case: &Case) -> Vec<String> {
    let mut bench = match case.given.bench() {
        Ok(bench) => bench,
        Err(why) => return vec![format!("[given]: {why}")],
    };
    let mut wrong = Vec::new();
    let mut before: Option<&Event> = None;
    for (index, event) in case.event.iter().enumerate() {
        let place = format!("event {}", index + 1);
        bench.advance(event.after.0);
        let kind = match (event.kind(), before) {
            (Ok(Kind::Again), None) => Err("again: there is no event before this one".to_owned()),
            (Ok(Kind::Again), Some(before)) => {
                bench.attempt = bench.attempt.max(1) + 1;
                before.kind()
            }
            (kind, _) => {
                before = Some(event);
                event.identify(&mut bench).and(kind)
            }
        };
        match kind {
            Ok(kind) => {
                let ended = run_event::<R>(&mut bench, case, kind);
                let seen = Seen::take(&mut bench, ended);
                let state = || bench.states(&case.given.device).map(|(k, v)| (k.to_owned(), v.to_vec())).collect();
                let shared = || bench.shared().map(|(k, v)| (k.to_owned(), v.to_vec())).collect();
                let differences = compare::differences(event, &seen, state(), shared());
                wrong.extend(differences.into_iter().map(|difference| format!("{place}: {difference}")));
            }
            Err(why) => wrong.push(format!("{place}: {why}")),
        }
    }
    wrong
}

fn run_event<R: Exported>(bench: &mut Bench, case: &Case, kind: Kind<'_>) -> Ended {
    let device = case.given.device.as_str();
    let result = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Mo(mo) => {
            let (to, body, tlvs) = mo_of(case, mo);
            bench.tlvs = tlvs.into_iter().collect();
            bench.receive::<R>(device, &to, body).map(|()| None)
        }
        Kind::Timer(name) => bench.fire::<R>(device, name).map(|()| None),
        Kind::Receipt(receipt) => {
            let state = MessageState::ALL.into_iter().find(|state| state.name() == receipt.state);
            let state = state.unwrap_or_else(|| panic!("there is no message state {:?}", receipt.state));
            let of = receipt.of(bench, device);
            bench.receipt_with::<R>(of, state, receipt.error.as_deref()).map(|()| None)
        }
        Kind::HttpReply(reply) => {
            bench.http_reply::<R>(&reply.tag, reply.status, reply.content().octets()).map(|()| None)
        }
        Kind::Request(request) => bench.request::<R>(device, &request.name, request.content().octets()).map(Some),
        Kind::Check => bench.check_config::<R>().map(|()| None).map_err(Failure::from),
        Kind::Again => unreachable!("it stands for the event before"),
    }));
    match result {
        Ok(Ok(response)) => Ended::Done(response),
        Ok(Err(failure)) => Ended::Failed(failure),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Ended::Broken(text.unwrap_or_default())
        }
    }
}

/// Where it goes, what it says, its TLVs. What cannot be panics, as what the rule does wrong.
fn mo_of(case: &Case, mo: &Mo) -> (String, Body, Vec<(u16, Vec<u8>)>) {
    let number = &case.given.number;
    match mo {
        Mo::Text(text) => (number.clone(), Body::from(text.as_str()), Vec::new()),
        Mo::Full(FullMo { data_coding: Some(coding), .. }) => {
            panic!("data_coding = {coding} is read by a host only: leave this file out with cases::check_but")
        }
        Mo::Full(FullMo { to, text, hex, tlvs, .. }) => {
            let body = match (text, hex) {
                (Some(text), None) => Body::from(text.as_str()),
                (None, Some(octets)) => Body::from(octets.0.clone()),
                _ => panic!("an MO has text or hex, one of them"),
            };
            let tlvs = format::tlvs(tlvs).unwrap_or_else(|why| panic!("{why}"));
            (to.clone().unwrap_or_else(|| number.clone()), body, tlvs)
        }
    }
}

impl Event {
    fn kind(&self) -> Result<Kind<'_>, String> {
        let kinds = [
            self.mo.as_ref().map(Kind::Mo),
            self.timer.as_deref().map(Kind::Timer),
            self.receipt.as_ref().map(Kind::Receipt),
            self.http_reply.as_ref().map(Kind::HttpReply),
            self.request.as_ref().map(Kind::Request),
            self.check.filter(|check| *check).map(|_| Kind::Check),
            self.again.filter(|again| *again).map(|_| Kind::Again),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(kind),
            _ => {
                Err("an event is one of mo, timer, receipt, http_reply, request, check = true and again = true"
                    .to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests;
