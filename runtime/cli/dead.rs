//! `wasmsc dead`: what rules or peers could not process or deliver, and what becomes of it.

use clap::{Args as Arguments, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, fields, json as as_json, shown, table};

/// Lists dead letters, tries them again, and drops them. For a key with the scope manage (read lists), or the operator.
///
/// Example: wasmsc dead retry --all --rule water-meter --since 2026-11-23T08:00:00Z
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Lists dead letters, of the newest message first.
    List {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        wanted: Wanted,
        /// So many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Behind the last page: its `next`.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Shows one, with the backtrace of a rule that trapped.
    Show {
        #[command(flatten)]
        of: Of,
        /// As the list shows it.
        id: String,
    },
    /// Tries one again, or all that are wanted.
    Retry {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        which: Which,
        /// With this text in the place of what was said; of one only.
        #[arg(long, conflicts_with = "all")]
        text: Option<String>,
    },
    /// Drops one for good, or all that are wanted.
    Drop {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose dead letters. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An event that a rule failed on.
    Event,
    /// A message that could not be delivered.
    Message,
    /// A part of a long message whose others never came.
    Part,
}

#[derive(Arguments, Debug)]
struct Wanted {
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Of this rule.
    #[arg(long)]
    rule: Option<String>,
    /// From or to this device.
    #[arg(long)]
    device: Option<String>,
    /// Died at or after this, such as 2026-11-23T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Died before this.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(Arguments, Debug)]
struct Which {
    /// As the list shows it.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All, or those that the options below want.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    wanted: Wanted,
}

impl Wanted {
    fn pairs(&self) -> [(&'static str, Option<&str>); 5] {
        let kind = self.kind.map(|kind| match kind {
            Kind::Event => "event",
            Kind::Message => "message",
            Kind::Part => "part",
        });
        [
            ("kind", kind),
            ("rule", self.rule.as_deref()),
            ("device", self.device.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
        ]
    }

    fn body(&self) -> Value {
        let given = self.pairs().into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

impl Of {
    fn path(&self, behind: &str) -> String {
        query(&format!("/v1/dead-letters{behind}"), &[("customer", self.customer.as_deref())])
    }

    /// As JSON, or as people read it.
    fn print(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        print!("{}", if self.form.json { as_json(answer) } else { people(answer) });
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::List { of, wanted, limit, cursor } => {
            let limit = limit.to_string();
            let page =
                [("customer", of.customer.as_deref()), ("limit", Some(limit.as_str())), ("cursor", cursor.as_deref())];
            let path = query("/v1/dead-letters", &[&wanted.pairs()[..], &page].concat());
            of.print(&of.remote.json(Ask::get(&path)).await?, listed);
        }
        Verb::Show { of, id } => {
            let path = of.path(&format!("/{}", part(id)));
            of.print(&of.remote.json(Ask::get(&path)).await?, whole);
        }
        Verb::Retry { of, which, text } => {
            let body = match text {
                Some(text) => json!({ "text": text }),
                None => json!({}),
            };
            change(of, which, "retry", Some(&body)).await?;
        }
        Verb::Drop { of, which } => change(of, which, "drop", None).await?,
    }
    Ok(())
}

async fn change(of: &Of, which: &Which, verb: &str, body: Option<&Value>) -> Result<(), Failure> {
    let wanted = which.wanted.body();
    let (path, body) = match &which.id {
        Some(id) => (of.path(&format!("/{}/{verb}", part(id))), body),
        None => (of.path(&format!(":{verb}")), Some(&wanted)),
    };
    let ask = match body {
        Some(body) => Ask::post(&path, body),
        None => Ask::do_it(&path),
    };
    of.print(&of.remote.json(ask).await?, fields);
    Ok(())
}

fn listed(found: &Value) -> String {
    let letters = found["dead_letters"].as_array().into_iter().flatten();
    let rows = letters.map(|letter| {
        let at = if letter["rule"].is_null() { &letter["queue"] } else { &letter["rule"] };
        let [id, kind, device, died_at, attempts, reason] =
            ["id", "kind", "device", "died_at", "attempts", "reason"].map(|name| cell(&letter[name]));
        [id, kind, cell(at), device, died_at, attempts, reason]
    });
    let mut text = table(["ID", "KIND", "AT", "DEVICE", "DIED", "ATTEMPTS", "REASON"], rows);
    if let Some(next) = found["next"].as_str() {
        text += &format!("more: --cursor {next}\n");
    }
    text
}

/// The backtrace has lines of its own.
fn whole(letter: &Value) -> String {
    let mut rest = letter.clone();
    let backtrace = rest.as_object_mut().and_then(|object| object.remove("backtrace"));
    let mut text = fields(&rest);
    let lines = backtrace.as_ref().and_then(Value::as_str).into_iter().flat_map(str::lines);
    lines.for_each(|line| text += &format!("{}\n", shown(line)));
    text
}
