//! `wasmsc rule`: which plugin answers which MOs, and which version of it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, json as as_json, shown, table};
use super::{rule_logs, rule_replay};

/// Makes, changes and deletes rules of a running server, and switches their versions while messages flow. For a key with the scope
/// manage (read shows them), or the operator.
///
/// Example: wasmsc rule activate alarm alarm@1.2.0
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Lists rules with the version that answers, and how its runs ended.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Shows a rule's settings, as `rule set` takes them.
    Show {
        #[command(flatten)]
        of: Of,
        name: String,
    },
    /// Makes a rule, or changes all of its settings to what a file says: TOML as in [[rule]] of the config file, with plugin in
    /// place of component.
    Set {
        #[command(flatten)]
        of: Of,
        name: String,
        /// The file; `-` reads from standard input.
        file: PathBuf,
    },
    /// Deletes a rule. What waits for it waits, and runs when a rule of this name is back.
    Delete {
        #[command(flatten)]
        of: Of,
        name: String,
    },
    /// Lets every new event run this version.
    Activate {
        #[command(flatten)]
        of: Of,
        name: String,
        /// NAME@VERSION, or a digest.
        plugin: String,
    },
    /// Goes back to the version before, at once; ends a canary instead, where there is one.
    Rollback {
        #[command(flatten)]
        of: Of,
        name: String,
    },
    /// Gives another version to some devices, always the same ones; again with more percent to raise it. It is rolled back by
    /// itself when it is worse.
    Canary {
        #[command(flatten)]
        of: Of,
        name: String,
        /// NAME@VERSION, or a digest.
        plugin: String,
        /// Of the devices, 1 to 99.
        #[arg(long, default_value_t = 10)]
        percent: u8,
        /// Percentages that follow by themselves, such as 25,50,100; 100 makes it the version of all.
        #[arg(long, value_delimiter = ',', requires = "every_secs")]
        steps: Vec<u8>,
        /// Between the steps.
        #[arg(long)]
        every_secs: Option<u64>,
    },
    /// Runs another version beside the one that answers, and compares what it would have done; `rule status` shows it.
    Shadow {
        #[command(flatten)]
        of: Of,
        name: String,
        /// NAME@VERSION, or a digest; none with --end.
        #[arg(required_unless_present = "end")]
        plugin: Option<String>,
        /// Ends it.
        #[arg(long, conflicts_with = "plugin")]
        end: bool,
    },
    Logs(rule_logs::Args),
    Replay(rule_replay::Args),
    /// Shows the versions that are loaded, how their runs ended, and what was done to them.
    Status {
        #[command(flatten)]
        of: Of,
        name: String,
    },
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose rule. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
}

impl Of {
    fn path(&self, behind: &str) -> String {
        query(&format!("/v1/rules{behind}"), &[("customer", self.customer.as_deref())])
    }

    fn one(&self, name: &str, verb: &str) -> String {
        self.path(&format!("/{}{verb}", part(name)))
    }

    fn print(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        print!("{}", if self.form.json { as_json(answer) } else { people(answer) });
    }

    async fn turn(&self, name: &str, verb: &str, body: Option<Value>) -> Result<(), Failure> {
        let path = self.one(name, verb);
        let ask = match &body {
            Some(body) => Ask::post(&path, body),
            None => Ask::do_it(&path),
        };
        self.print(&self.remote.json(ask).await?, status);
        Ok(())
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::List { of } => of.print(&of.remote.json(Ask::get(&of.path(""))).await?, listed),
        Verb::Show { of, name } => {
            let found = of.remote.json(Ask::get(&of.one(name, ""))).await?;
            of.print(&found, |found| {
                toml::to_string(&found["settings"]).unwrap_or_else(|_| as_json(&found["settings"]))
            });
        }
        Verb::Set { of, name, file } => {
            let settings = read(file)?;
            of.print(&of.remote.json(Ask::put(&of.one(name, ""), &settings)).await?, status);
        }
        Verb::Delete { of, name } => {
            of.remote.json(Ask::delete(&of.one(name, ""))).await?;
            if !of.form.json {
                println!("rule {name} is gone");
            }
        }
        Verb::Activate { of, name, plugin } => of.turn(name, "/activate", Some(json!({ "plugin": plugin }))).await?,
        Verb::Rollback { of, name } => of.turn(name, "/rollback", None).await?,
        Verb::Canary { of, name, plugin, percent, steps, every_secs } => {
            let mut body = json!({ "plugin": plugin, "percent": percent, "steps": steps });
            if let Some(every_secs) = every_secs {
                body["every_secs"] = (*every_secs).into();
            }
            of.turn(name, "/canary", Some(body)).await?;
        }
        Verb::Shadow { of, name, plugin, .. } => match plugin {
            Some(plugin) => of.turn(name, "/shadow", Some(json!({ "plugin": plugin }))).await?,
            None => of.print(&of.remote.json(Ask::delete(&of.one(name, "/shadow"))).await?, status),
        },
        Verb::Logs(arguments) => rule_logs::run(arguments).await?,
        Verb::Replay(arguments) => Box::pin(rule_replay::run(arguments)).await?,
        Verb::Status { of, name } => of.print(&of.remote.json(Ask::get(&of.one(name, ""))).await?, status),
    }
    Ok(())
}

fn read(file: &Path) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
    let mut text = String::new();
    let octets = match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    octets.map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    serde_json::to_value(table).map_err(|error| wrong(error.to_string()))
}

fn listed(found: &Value) -> String {
    let rules = found["rules"].as_array().into_iter().flatten();
    let rows = rules.map(|rule| {
        let origin = if rule["declared"] == true { "file" } else { "API" };
        let active = &rule["active"];
        let canary = match &rule["canary"] {
            Value::Null => String::new(),
            canary => format!("{} {} %", cell(&canary["version"]["plugin"]), cell(&canary["percent"])),
        };
        [
            cell(&rule["customer"]),
            cell(&rule["name"]),
            origin.to_owned(),
            cell(&rule["state"]),
            cell(&active["plugin"]),
            canary,
            cell(&active["runs"]),
            cell(&active["broken"]),
        ]
    });
    table(["CUSTOMER", "RULE", "FROM", "STATE", "VERSION", "CANARY", "RUNS", "BROKEN"], rows)
}

fn status(rule: &Value) -> String {
    let mut text = format!("{}/{} {}", cell(&rule["customer"]), cell(&rule["name"]), cell(&rule["state"]));
    if let Some(why) = rule["why"].as_str() {
        text += &format!(": {why}");
    }
    text.push('\n');
    let version = |role: String, version: &Value| {
        let fields =
            ["plugin", "runs", "retried", "rejected", "broken", "mean_micros"].map(|name| cell(&version[name]));
        let [plugin, runs, retried, rejected, broken, micros] = fields;
        [role, plugin, runs, retried, rejected, broken, micros]
    };
    let mut rows = Vec::new();
    for role in ["active", "previous"] {
        if rule[role].is_object() {
            rows.push(version(role.to_owned(), &rule[role]));
        }
    }
    if rule["canary"].is_object() {
        let canary = &rule["canary"];
        rows.push(version(format!("canary {} %", cell(&canary["percent"])), &canary["version"]));
    }
    if rule["shadow"].is_object() {
        rows.push(version("shadow".to_owned(), &rule["shadow"]["version"]));
    }
    text += &table(["VERSION", "PLUGIN", "RUNS", "RETRIED", "REJECTED", "BROKEN", "MEAN US"], rows);
    if rule["shadow"].is_object() {
        let shadow = &rule["shadow"];
        let [same, differed, unsure, skipped] =
            ["same", "differed", "unsure", "skipped"].map(|name| cell(&shadow[name]));
        text += &format!("\nshadow: {same} the same, {differed} other, {unsure} not comparable, {skipped} skipped\n");
        let differences = shadow["differences"].as_array().into_iter().flatten();
        differences.for_each(|what| text += &format!("  {}\n", shown(&cell(what))));
    }
    let history = rule["history"].as_array().into_iter().flatten();
    let rows = history.map(|step| ["at", "who", "what", "plugin", "percent", "why"].map(|name| cell(&step[name])));
    text + "\n" + &table(["AT", "WHO", "WHAT", "PLUGIN", "PERCENT", "WHY"], rows)
}
