//! Named steps with a table at the end: what ran, how long it took, which one failed.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::process::say;

/// Runs named steps; the first failure ends the list.
#[derive(Debug, Default)]
pub struct Steps {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    seconds: f64,
    outcome: &'static str,
}

impl Steps {
    /// Runs one step, which may return something for later steps.
    pub fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        say(name);
        let started = now();
        let result = step();
        self.rows.push(Row {
            name: name.to_owned(),
            seconds: started.elapsed().as_secs_f64(),
            outcome: if result.is_ok() { "ok" } else { "FAILED" },
        });
        result.with_context(|| format!("{name} failed"))
    }

    /// Notes a step that this machine cannot do and that is not required.
    pub fn skip(&mut self, name: &str, why: &'static str) {
        self.rows.push(Row { name: name.to_owned(), seconds: 0.0, outcome: why });
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max();
        let width = width.unwrap_or(0).max("step".len());
        let mut table = format!("{:width$}  seconds  result\n", "step");
        for row in &self.rows {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{:width$}  {:7.1}  {}", row.name, row.seconds, row.outcome);
        }
        table
    }
}

/// Runs a list of steps and prints its table, also when one of them failed.
pub fn list(command: &str, body: impl FnOnce(&mut Steps) -> Result<()>) -> Result<()> {
    let mut steps = Steps::default();
    let result = body(&mut steps);
    print!("\n{}", steps.table());
    if result.is_ok() {
        println!("{command}: all ok");
    }
    result
}

#[expect(clippy::disallowed_methods, reason = "only the table wants it, and xtask has no clock.rs")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_tells_which_step_failed() {
        let mut steps = Steps::default();
        let fine = steps.run("first", || Ok(()));
        let broken: Result<()> = steps.run("second step", || anyhow::bail!("no luck"));

        assert!(fine.is_ok());
        let error = broken.expect_err("the step failed");
        assert_eq!(format!("{error:#}"), "second step failed: no luck");
        // Whatever the seconds are.
        let table = steps.table();
        let rows: Vec<(&str, &str)> =
            table.lines().map(|line| (line[..13].trim_end(), line.rsplit(' ').next().unwrap_or_default())).collect();
        assert_eq!(rows, [("step", "result"), ("first", "ok"), ("second step", "FAILED")]);
    }
}
