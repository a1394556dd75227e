//! A loaded version of a rule, which versions serve it now, and how their runs end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::lately::Lately;
use super::shadow::Shadow;
use crate::config;
use crate::plugin::{Compiled, Digest, LoadedRule, Outcome};

/// A component with the settings of a rule, ready to run.
pub struct Version {
    /// As the rule names it: `name@version`, a digest, or the component's file.
    pub plugin: String,
    pub digest: Digest,
    /// The digest in words, made once: every run carries it.
    pub digest_text: Arc<str>,
    /// What it was loaded with.
    pub settings: config::Rule,
    pub loaded: LoadedRule,
    pub tally: Tally,
    /// Other rules with the same component find it while this one is there; it can be tried with other settings.
    pub(super) component: Arc<Compiled>,
}

impl Version {
    /// The same but for the plugin: what was loaded can be used.
    pub(super) fn is_of(&self, settings: &config::Rule, digest: Digest) -> bool {
        let plain = |rule: &config::Rule| config::Rule { plugin: None, component: None, ..rule.clone() };
        self.digest == digest && plain(&self.settings) == plain(settings)
    }
}

/// How runs of a version ended since it was loaded, and how long they took lately.
pub struct Tally {
    pub lately: Lately,
    runs: AtomicU64,
    retried: AtomicU64,
    rejected: AtomicU64,
    broken: AtomicU64,
    micros: AtomicU64,
}

/// A tally at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    pub runs: u64,
    pub retried: u64,
    pub rejected: u64,
    pub broken: u64,
    pub micros: u64,
}

impl Tally {
    pub fn new(now: Instant) -> Tally {
        let (runs, retried, rejected, broken, micros) = Default::default();
        Tally { lately: Lately::new(now), runs, retried, rejected, broken, micros }
    }

    pub fn record(&self, outcome: &Outcome, (started, ended): (Instant, Instant)) {
        let took = ended.saturating_duration_since(started);
        let add = |counter: &AtomicU64, more: u64| {
            let _ = counter.fetch_add(more, Ordering::Relaxed);
        };
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Retry(_) => add(&self.retried, 1),
            Outcome::Reject(_) => add(&self.rejected, 1),
            Outcome::Broken(_) => add(&self.broken, 1),
        }
        add(&self.micros, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        add(&self.runs, 1);
        self.lately.record(ended, took);
    }

    pub fn read(&self) -> Runs {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Runs {
            runs: read(&self.runs),
            retried: read(&self.retried),
            rejected: read(&self.rejected),
            broken: read(&self.broken),
            micros: read(&self.micros),
        }
    }
}

impl Runs {
    pub fn since(self, before: Runs) -> Runs {
        Runs {
            runs: self.runs - before.runs,
            retried: self.retried - before.retried,
            rejected: self.rejected - before.rejected,
            broken: self.broken - before.broken,
            micros: self.micros - before.micros,
        }
    }

    /// Runs that a rule rejected or that broke.
    pub fn failed(self) -> u64 {
        self.rejected + self.broken
    }

    pub fn mean_micros(self) -> u64 {
        self.micros.checked_div(self.runs).unwrap_or_default()
    }
}

/// The versions of one rule that are loaded, as an event finds them. Never changes: a switch makes another one.
pub struct Serving {
    pub active: Arc<Version>,
    /// Where a rollback leads at once.
    pub previous: Option<Arc<Version>>,
    pub canary: Option<Canary>,
    pub shadow: Option<Arc<Shadow>>,
}

/// A version that some devices have.
pub struct Canary {
    pub version: Arc<Version>,
    pub percent: u8,
    /// What the active version's tally was when it began, and its own.
    pub began: (Runs, Runs),
}

impl Canary {
    /// Runs of the active version and of this one since it began.
    pub fn since_it_began(&self, active: &Version) -> (Runs, Runs) {
        (active.tally.read().since(self.began.0), self.version.tally.read().since(self.began.1))
    }
}

impl Serving {
    /// The version that an event of this device runs, all of it.
    pub fn version_for(&self, rule: &str, device: &str) -> &Arc<Version> {
        match &self.canary {
            Some(canary) if share(rule, device) < canary.percent => &canary.version,
            _ => &self.active,
        }
    }

    pub(super) fn loaded(&self) -> impl Iterator<Item = &Arc<Version>> {
        let canary = self.canary.as_ref().map(|canary| &canary.version);
        let shadow = self.shadow.as_ref().map(|shadow| &shadow.version);
        [Some(&self.active), self.previous.as_ref(), canary, shadow].into_iter().flatten()
    }
}

/// 0 to 99: the same for the same device of the same rule at all times, so that raising a percentage keeps those that had
/// the new version, and other ones for another rule.
fn share(rule: &str, device: &str) -> u8 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(rule.as_bytes());
    hash.update(b"\0");
    hash.update(device.as_bytes());
    // A checksum alone would put neighbours of a number range side by side.
    let mixed = u64::from(hash.finalize()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    (mixed % 100) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_one_of_the_devices_and_not_of_the_same_ones_for_every_rule() {
        let devices: Vec<String> = (0..10_000).map(|n| format!("+4670{n:07}")).collect();
        for percent in [1, 10, 50] {
            let inside = devices.iter().filter(|device| share("acme/alarm", device) < percent).count();
            let wanted = usize::from(percent) * 100;
            assert!(inside.abs_diff(wanted) < wanted / 5 + 20, "{percent} %: {inside} of 10,000");
        }
        let of = |rule| devices.iter().filter(|device| share(rule, device) < 10).collect::<Vec<_>>();
        assert_ne!(of("acme/alarm"), of("acme/meter"));
    }
}
