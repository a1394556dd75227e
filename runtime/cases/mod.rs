//! Cases of rules: files that say which events happen to a device, and what must come out of its rule.
//!
//! `read` makes a [`Case`] of a file, `world` keeps what stands between its events, `compare` tells what is not as the case
//! says, and `update` writes what came out into the file. All of these are pure. The commands `wasmsc plugin test` and `dev`
//! are the callers; docs/PLUGINS.md has the format. `from_json` reads what the API is asked to try. `recording` makes a case of a call that a server kept, for `plugin record` and
//! `rule replay`.

#[cfg(feature = "bench")]
mod beside;
mod case;
mod compare;
mod compare_whole;
mod events;
mod from_json;
mod got;
mod host;
mod house;
mod known;
mod lapse;
mod octets;
mod ran;
mod read;
mod read_expect;
mod recording;
mod replayed;
mod run;
mod source;
mod update;
mod world;

#[cfg(feature = "bench")]
pub use beside::{BareRule, Beside};
pub use case::{At, Body, Case, Event, Given, Handler, Trigger};
pub use compare::{Difference, compare};
pub use from_json::{Fields, Misread, Written, case_of_json};
pub use got::{Answer, Got, HttpCall, LogLine, Message, Outcome, TimerEffect, TimerSet, headline};
pub use known::Known;
pub use lapse::{parse as parse_span, text as span_text, time_text};
pub use octets::{Octets, parse_hex};
pub use ran::{Ran, Step};
pub use read::{STATES as MESSAGE_STATES, case as read_case};
pub use recording::{Recording, Rows, recording};
pub use replayed::{Replayed, Verdict};
pub use run::{Played, Stage, Timed, Trial, TrialError};
pub use source::CaseError;
pub use update::update;
pub use world::{Call, Due, What, World};
