//! What came of running a recorded call again: whether it can be compared, and what was other than it was.

use super::compare::Difference;
use super::got::Outcome;
use super::ran::{Ran, Step};

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Same,
    Changed,
    /// It broke, which the call had not, or cannot be run.
    Failed,
    NotComparable,
}

impl Verdict {
    pub const ALL: [Verdict; 4] = [Verdict::Same, Verdict::Changed, Verdict::Failed, Verdict::NotComparable];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Changed => "changed",
            Verdict::Failed => "failed",
            Verdict::NotComparable => "not_comparable",
        }
    }
}

pub struct Replayed {
    pub verdict: Verdict,
    pub differences: Vec<Difference>,
    /// What it asked for that is not known.
    pub guessed: Vec<String>,
    /// Why it broke.
    pub why: Option<String>,
}

impl Replayed {
    /// `outcome`: the recorded one, by its name.
    pub fn of(ran: Ran, guessed: Vec<String>, outcome: &str) -> Replayed {
        let broke = |step: &Step| match &step.call {
            Some((_, got)) => match &got.outcome {
                Outcome::Broken(why) if outcome != "broken" => Some(why.clone()),
                _ => None,
            },
            None => step.differences.first().map(|difference| difference.what.clone()),
        };
        let why = ran.steps.iter().find_map(broke);
        let differences: Vec<Difference> = ran.steps.into_iter().flat_map(|step| step.differences).collect();
        let verdict = match (&why, differences.is_empty(), guessed.is_empty()) {
            (_, _, false) => Verdict::NotComparable,
            (Some(_), _, true) => Verdict::Failed,
            (None, false, true) => Verdict::Changed,
            (None, true, true) => Verdict::Same,
        };
        Replayed { verdict, differences, guessed, why }
    }

    /// The call cannot even be read.
    pub fn unreadable(why: String) -> Replayed {
        Replayed { verdict: Verdict::NotComparable, differences: Vec::new(), guessed: Vec::new(), why: Some(why) }
    }
}
