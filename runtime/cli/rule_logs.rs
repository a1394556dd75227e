//! `wasmsc rule logs`: what rules log, as they log it.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args as Arguments, ValueEnum};
use serde_json::Value;

use super::event_stream::Follow;
use super::failure::Failure;
use super::remote::{Remote, query};
use super::table::{Form, cell, shown};

/// Prints what a customer's rules logged, a line each; with -f what they log from now on, over a server that is away, too.
///
/// Lines are kept as long as events are ([events] of the config). A rule that writes very many is told with a line of its
/// own how many were left out.
///
/// Example: wasmsc rule logs door-alarm -f --level warn
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Only this rule.
    rule: Option<String>,
    /// Goes on with what comes, until it is ended.
    #[arg(short, long)]
    follow: bool,
    /// Whose rules. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// Only lines about this device.
    #[arg(long, value_name = "NUMBER")]
    device: Option<String>,
    /// Only lines of this level and above.
    #[arg(long, value_enum, default_value = "trace")]
    level: Level,
    /// Only lines of the call for this message or event.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Behind the event with this id, or from the oldest that is kept; default: the oldest, with -f from now on.
    #[arg(long, value_name = "ID|oldest")]
    after: Option<String>,
    /// Ends after so many lines.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Without -f: the server sends what it keeps at once, so that nothing more is kept when nothing came for so long.
const QUIET: Duration = Duration::from_secs(1);

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let path = |after: Option<&str>| {
        let customer = arguments.customer.as_deref();
        query("/v1/events", &[("customer", customer), ("after", after), ("types", Some("rule.*"))])
    };
    let oldest = (!arguments.follow).then(|| "oldest".to_owned());
    let mut events = Follow::open(&arguments.remote, arguments.after.clone().or(oldest), path).await?;
    let mut printed = 0;
    while arguments.limit.is_none_or(|limit| printed < limit) {
        let event = match arguments.follow {
            true => events.next().await?,
            false => match tokio::time::timeout(QUIET, events.next()).await {
                Ok(event) => event?,
                Err(_) => return Ok(()),
            },
        };
        let event: Value = serde_json::from_str(&event.data).unwrap_or_default();
        if is_wanted(arguments, &event) {
            if print(arguments, &event).is_err() {
                return Ok(()); // nobody reads it any more
            }
            printed += 1;
        }
    }
    Ok(())
}

fn is_wanted(arguments: &Args, event: &Value) -> bool {
    let is = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| event[name] == **wanted);
    if event["type"] == "rule.log_dropped" {
        // It tells of no rule in particular.
        return arguments.device.is_none() && arguments.id.is_none();
    }
    let level = Level::from_str(event["level"].as_str().unwrap_or_default(), true).unwrap_or(Level::Trace);
    // Events name a rule with its customer.
    let rule = event["rule"].as_str().unwrap_or_default();
    let is_rule = |wanted: &String| rule == wanted || rule.rsplit('/').next() == Some(wanted);
    event["type"] == "rule.log"
        && arguments.rule.as_ref().is_none_or(is_rule)
        && is("device", &arguments.device)
        && is("message_id", &arguments.id)
        && level >= arguments.level
}

fn print(arguments: &Args, event: &Value) -> io::Result<()> {
    let text = if arguments.form.json { event.to_string() } else { shown(&line(event)) };
    writeln!(io::stdout(), "{text}")
}

/// When, how bad, which rule, about whom, what, and the fields of it.
fn line(event: &Value) -> String {
    if event["type"] == "rule.log_dropped" {
        return format!("{}  {} lines were too many for their second", cell(&event["at"]), cell(&event["lines"]));
    }
    let [at, level, rule, device, text] = ["at", "level", "rule", "device", "line"].map(|name| cell(&event[name]));
    let field = |field: &Value| format!("  {}={:?}", cell(&field["name"]), cell(&field["value"]));
    let fields: String = event["fields"].as_array().into_iter().flatten().map(field).collect();
    let id = cell(&event["message_id"]);
    format!("{at}  {level:<5}  {rule}  {device}  {id}  {text}{fields}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde_json::json;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Args,
    }

    fn arguments(line: &[&str]) -> Args {
        Line::try_parse_from([&["logs"], line].concat()).expect("right").arguments
    }

    fn event() -> Value {
        json!({ "at": "T", "type": "rule.log", "message_id": "1", "device": "+46701234567", "rule": "acme/alarm", "attempt": 1,
            "level": "warn", "line": "low", "fields": [{ "name": "volts", "value": "2.9" }] })
    }

    #[test]
    fn lines_are_chosen_by_rule_device_level_and_event() {
        let wanted = |line: &[&str]| is_wanted(&arguments(line), &event());
        for line in
            [&[][..], &["alarm"], &["acme/alarm"], &["--level", "warn"], &["--device", "+46701234567"], &["--id", "1"]]
        {
            assert!(wanted(line), "{line:?}");
        }
        for line in [&["other"][..], &["--level", "error"], &["--device", "+46701234568"], &["--id", "2"]] {
            assert!(!wanted(line), "{line:?}");
        }
        assert!(!is_wanted(&arguments(&[]), &json!({ "type": "message.ran", "rule": "alarm" })));
        let dropped = json!({ "at": "T", "type": "rule.log_dropped", "lines": 7 });
        assert!(is_wanted(&arguments(&["alarm"]), &dropped));
        assert_eq!(line(&dropped), "T  7 lines were too many for their second");
    }

    #[test]
    fn a_line_has_its_fields_behind_it() {
        assert_eq!(line(&event()), "T  warn   acme/alarm  +46701234567  1  low  volts=\"2.9\"");
    }
}
