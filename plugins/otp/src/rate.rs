//! How many codes a device is sent: who can ask for codes must not be able to flood a phone, or to guess for ever.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmsc_plugin::{Context, Failure, Timestamp};

const KEY: &str = "issues";
const HOUR: Duration = Duration::from_secs(3600);

/// When codes were issued within the last hour, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Issues {
    at: Vec<u64>,
}

impl Issues {
    pub fn load(cx: &Context<'_>) -> Result<Issues, Failure> {
        Ok(cx.state(KEY)?.unwrap_or_default())
    }

    pub fn store(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(cx.set_state(KEY, self)?)
    }

    /// How long until the next one may be issued; None: now.
    pub fn wait(&mut self, now: Timestamp, resend_after: Duration, per_hour: usize) -> Option<Duration> {
        self.at.retain(|at| Timestamp(*at) + HOUR > now);
        let spaced = self.at.last().map(|last| Timestamp(*last) + resend_after);
        let counted = self.at.len().checked_sub(per_hour).and_then(|index| self.at.get(index));
        let counted = counted.map(|oldest| Timestamp(*oldest) + HOUR);
        let next = spaced.max(counted)?;
        (next > now).then(|| next.since(now))
    }

    pub fn note(&mut self, now: Timestamp) {
        self.at.push(now.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spaced_and_counted_over_an_hour() {
        let (mut issues, gap) = (Issues::default(), Duration::from_secs(30));
        let at = |seconds: u64| Timestamp(seconds * 1000);
        assert_eq!(issues.wait(at(0), gap, 2), None);
        issues.note(at(0));
        assert_eq!(issues.wait(at(10), gap, 2), Some(Duration::from_secs(20)));
        assert_eq!(issues.wait(at(30), gap, 2), None);
        issues.note(at(30));
        assert_eq!(issues.wait(at(100), gap, 2), Some(Duration::from_secs(3500)));
        assert_eq!(issues.wait(at(3600), gap, 2), None);
        issues.note(at(3600));
        assert_eq!(issues.wait(at(3601), gap, 3), Some(Duration::from_secs(29)));
    }
}
