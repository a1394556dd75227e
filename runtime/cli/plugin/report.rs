//! What `wasmsc plugin test` prints: a line for each case, what was not as it says, and what no case calls.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use crate::cases::{Got, Handler, Outcome, Ran, Step};

/// Lines of a backtrace that are shown; the first ones say where.
const REASON_LINES: usize = 20;

/// Colours for people at a terminal that wants them.
#[derive(Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    pub fn of_stdout() -> Paint {
        Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// One case, with its differences if there are any.
pub fn case(ran: &Ran, paint: Paint) -> String {
    let calls: Vec<String> = ran.steps.iter().filter_map(called).collect();
    let (name, calls) = (shown(&ran.case.name), paint.faint(&calls.join(", ")));
    if ran.passed() {
        return format!("{}  {name}  {calls}\n", paint.good("ok  "));
    }
    let mut text = format!("{}  {name}  {calls}\n", paint.bad("FAIL"));
    for (index, step) in ran.steps.iter().enumerate().filter(|(_, step)| !step.differences.is_empty()) {
        text += &differences(ran, step, paint);
        if let Some((_, got)) = &step.call {
            text += &aside(index + 1, got);
        }
    }
    text
}

fn called(step: &Step) -> Option<String> {
    let (handler, got) = step.call.as_ref()?;
    Some(format!("{} {}", handler.key(), millis(got.took)))
}

fn differences(ran: &Ran, step: &Step, paint: Paint) -> String {
    let file = ran.case.file.display();
    let mut text = String::new();
    for difference in &step.differences {
        let (expected, got) = (shown(&difference.expected), shown(&difference.got));
        let _ = writeln!(text, "  {file}:{}: {}", difference.line, difference.what);
        if step.call.is_some() {
            let _ = writeln!(text, "    expected  {}\n    got       {}", paint.good(&expected), paint.bad(&got));
        }
    }
    text
}

/// What helps to see why: the log, and the whole reason of a call that broke.
fn aside(event: usize, got: &Got) -> String {
    let mut text = String::new();
    for line in &got.log {
        let _ = writeln!(text, "    event {event} logged  {}", shown(&line.to_string()));
    }
    if let Outcome::Broken(why) = &got.outcome {
        for line in why.lines().take(REASON_LINES) {
            let _ = writeln!(text, "    | {}", shown(line));
        }
    }
    text
}

/// How many passed, and what no case calls.
pub fn summary(all: &[Ran], exported: &[Handler], paint: Paint) -> String {
    let failed = all.iter().filter(|ran| !ran.passed()).count();
    let took: Duration = all.iter().map(|ran| ran.took).sum();
    let passed = all.len() - failed;
    let line = format!("{passed} passed, {failed} failed, {}", millis(took));
    let mut text = format!("\n{}\n", if failed == 0 { paint.good(&line) } else { paint.bad(&line) });
    let calls = |handler: Handler| {
        let calls = all.iter().flat_map(|ran| &ran.steps).filter_map(|step| step.call.as_ref());
        calls.filter(|(called, _)| *called == handler).count()
    };
    let counted: Vec<String> =
        exported.iter().map(|handler| format!("{} {}", handler.name(), calls(*handler))).collect();
    let _ = writeln!(text, "calls: {}", counted.join(", "));
    for handler in exported.iter().filter(|handler| calls(**handler) == 0) {
        let _ = writeln!(text, "no case calls {}: add an event with `{} = …`", handler.name(), handler.key());
    }
    text
}

pub fn millis(took: Duration) -> String {
    match took.as_secs_f64() {
        secs if secs < 0.01 => format!("{:.2} ms", secs * 1_000.0),
        secs if secs < 1.0 => format!("{:.0} ms", secs * 1_000.0),
        secs => format!("{secs:.1} s"),
    }
}

/// On one line of a terminal, whatever the text says to it.
fn shown(text: &str) -> String {
    crate::cli::table::shown(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cases::{Difference, LogLine, read_case};

    fn ran(outcome: Outcome, differences: Vec<Difference>) -> Ran {
        let case = read_case("name = 'a leak'\n[[event]]\nmo = 'x'\n", Path::new("cases/leak.toml")).expect("right");
        let log = vec![LogLine { level: "warn".into(), text: "low".into(), fields: Vec::new() }];
        let got = Got { outcome, log, took: Duration::from_micros(420), ..Got::default() };
        let steps = vec![Step { line: 2, call: Some((Handler::Mo, got)), differences }];
        Ran { case, steps, took: Duration::from_millis(12) }
    }

    #[test]
    fn a_case_that_passes_is_a_line() {
        let text = case(&ran(Outcome::Done, Vec::new()), Paint(false));
        assert_eq!(text, "ok    a leak  mo 0.42 ms\n");
    }

    #[test]
    fn a_difference_names_the_line_and_both_sides() {
        let [what, expected, got] = ["sent 1, text", "\"a\"", "\"b\u{1b}\""].map(str::to_owned);
        let difference = Difference { line: 5, what, expected, got };
        let text = case(&ran(Outcome::Broken("trap\n  0: f".into()), vec![difference]), Paint(false));
        assert_eq!(
            text,
            "FAIL  a leak  mo 0.42 ms\n  cases/leak.toml:5: sent 1, text\n    expected  \"a\"\n    got       \"b\u{FFFD}\"\n    \
             event 1 logged  warn \"low\"\n    | trap\n    |   0: f\n"
        );
    }

    #[test]
    fn the_summary_tells_what_no_case_calls() {
        let all = [ran(Outcome::Done, Vec::new())];
        let text = summary(&all, &[Handler::Mo, Handler::Timer], Paint(false));
        assert_eq!(
            text,
            "\n1 passed, 0 failed, 12 ms\ncalls: mo-handler 1, timer-handler 0\nno case calls timer-handler: add an \
             event with `timer = …`\n"
        );
    }
}
