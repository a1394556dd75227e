//! How a case went: each event with what it led to, and what was not as the case says.

use std::time::Duration;

use super::case::{Case, Handler};
use super::compare::Difference;
use super::got::Got;

/// One case.
#[derive(Debug)]
pub struct Ran {
    pub case: Case,
    /// As many as were run; a case ends at an event that cannot happen.
    pub steps: Vec<Step>,
    pub took: Duration,
}

/// One event.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    /// None: it could not happen.
    pub call: Option<(Handler, Got)>,
    pub differences: Vec<Difference>,
}

impl Ran {
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.differences.is_empty())
    }

    /// What came of the events that were run, for `--update`.
    pub fn got(&self) -> Vec<Got> {
        self.steps.iter().filter_map(|step| step.call.as_ref()).map(|(_, got)| got.clone()).collect()
    }
}
