//! `--junit`: how the cases went, in the form that CI systems read.

use std::fmt::Write as _;

use crate::cases::Ran;

/// A test suite with a test for each case.
pub fn xml(component: &str, all: &[Ran]) -> String {
    let failed = all.iter().filter(|ran| !ran.passed()).count();
    let seconds: f64 = all.iter().map(|ran| ran.took.as_secs_f64()).sum();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let (name, tests) = (escaped(component), all.len());
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" time=\"{seconds:.4}\">"
    );
    all.iter().for_each(|ran| text += &test(ran));
    text + "  </testsuite>\n</testsuites>\n"
}

fn test(ran: &Ran) -> String {
    let (file, name) = (escaped(&ran.case.file.display().to_string()), escaped(&ran.case.name));
    let head = format!("    <testcase classname=\"{file}\" name=\"{name}\" time=\"{:.4}\"", ran.took.as_secs_f64());
    if ran.passed() {
        return head + "/>\n";
    }
    let mut text = head + ">\n";
    for difference in ran.steps.iter().flat_map(|step| &step.differences) {
        let (line, what) = (difference.line, escaped(&difference.what));
        let (expected, got) = (escaped(&difference.expected), escaped(&difference.got));
        let _ =
            writeln!(text, "      <failure message=\"{file}:{line}: {what}\">expected {expected}\ngot {got}</failure>");
    }
    text + "    </testcase>\n"
}

/// XML has no place for most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => escaped.push('\u{FFFD}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::cases::{Difference, Step, read_case};

    #[test]
    fn a_case_is_a_test_and_a_difference_a_failure() {
        let case = || read_case("name = 'a \"b\" & c'\n[[event]]\nmo = 'x'\n", Path::new("c.toml")).expect("right");
        let difference = Difference { line: 3, what: "sent 1".into(), expected: "<a>".into(), got: "\u{1}".into() };
        let step = |differences| vec![Step { line: 2, call: None, differences }];
        let took = Duration::from_millis(5);
        let all = [
            Ran { case: case(), steps: step(Vec::new()), took },
            Ran { case: case(), steps: step(vec![difference]), took },
        ];
        assert_eq!(
            xml("rule.wasm", &all),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
             <testsuite name=\"rule.wasm\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"0.0100\">\n    \
             <testcase classname=\"c.toml\" name=\"a &quot;b&quot; &amp; c\" time=\"0.0050\"/>\n    \
             <testcase classname=\"c.toml\" name=\"a &quot;b&quot; &amp; c\" time=\"0.0050\">\n      \
             <failure message=\"c.toml:3: sent 1\">expected &lt;a&gt;\ngot \u{FFFD}</failure>\n    \
             </testcase>\n  </testsuite>\n</testsuites>\n"
        );
    }
}
