//! `log`: kept even when a call's effects are discarded, and bounded.

use super::Call;
use crate::clock;
use crate::feed;
use crate::plugin::bindings::wasmsc::plugin::log::{Host, Level};
use crate::plugin::invocation::{LOG_LINES, LOG_OCTETS};

/// What this call may still log.
pub struct LogBudget {
    lines: usize,
    octets: usize,
    cut: bool,
}

impl Default for LogBudget {
    fn default() -> Self {
        LogBudget { lines: LOG_LINES, octets: LOG_OCTETS, cut: false }
    }
}

enum Verdict {
    Keep,
    /// The first line beyond the limit.
    Cut,
    Drop,
}

impl LogBudget {
    pub fn lines_taken(&self) -> usize {
        LOG_LINES - self.lines
    }

    fn take(&mut self, octets: usize) -> Verdict {
        match (self.lines.checked_sub(1), self.octets.checked_sub(octets)) {
            (Some(lines), Some(octets)) if !self.cut => {
                (self.lines, self.octets) = (lines, octets);
                Verdict::Keep
            }
            _ if std::mem::replace(&mut self.cut, true) => Verdict::Drop,
            _ => Verdict::Cut,
        }
    }
}

impl Host for Call {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let octets = message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        match self.log.take(octets) {
            Verdict::Keep => self.write_log(level, &message, &fields),
            Verdict::Cut => self.write_log(Level::Warn, "this call logs too much; the rest of it is dropped", &[]),
            Verdict::Drop => {}
        }
        Ok(())
    }
}

fn heard(level: Level) -> feed::Level {
    match level {
        Level::Trace => feed::Level::Trace,
        Level::Debug => feed::Level::Debug,
        Level::Info => feed::Level::Info,
        Level::Warn => feed::Level::Warn,
        Level::Error => feed::Level::Error,
    }
}

impl Call {
    fn write_log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        if let Some(heard_by) = &self.heard_by {
            heard_by.line(clock::now(), heard(level), message, fields);
        }
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let (rule, id, attempt, fields) = (&*self.rule.name, self.id, self.attempt, fields.join(" "));
        match level {
            Level::Trace => tracing::trace!(target: "rule", rule, message_id = %id, attempt, %fields, "{message}"),
            Level::Debug => tracing::debug!(target: "rule", rule, message_id = %id, attempt, %fields, "{message}"),
            Level::Info => tracing::info!(target: "rule", rule, message_id = %id, attempt, %fields, "{message}"),
            Level::Warn => tracing::warn!(target: "rule", rule, message_id = %id, attempt, %fields, "{message}"),
            Level::Error => tracing::error!(target: "rule", rule, message_id = %id, attempt, %fields, "{message}"),
        }
    }

    /// Puts what the guest printed into its log, after the call.
    pub(in crate::plugin) fn log_printed(&self) {
        let Some((stdout, stderr)) = self.wasi.printed() else { return };
        for (stream, text) in [("stdout", stdout), ("stderr", stderr)] {
            for line in text.lines().take(LOG_LINES) {
                self.write_log(Level::Info, line, &[("stream".into(), stream.into())]);
            }
        }
    }
}
