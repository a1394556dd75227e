//! `wasmsc rule replay`: what another version would have done with the calls that a server keeps. Runs here, and performs
//! nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as Arguments;
use serde_json::{Value, json};

use super::calls::{Call, Calls, Wanted, none};
use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, json as as_json, shown};
use crate::cases::{Difference, Replayed, Trial, Verdict, read_case};

/// Lines of a reason that are shown; the first ones say where.
const REASON_LINES: usize = 20;

/// Runs calls that the server keeps (`replay_hours` of the rule) again on another version, here and without any effect, and shows
/// what it did otherwise. For a key with the scope manage, or the operator.
///
/// A version that asks for what the call did not read, and that was not kept therefore, cannot be compared on that call.
///
/// Exit codes: 0 no call that can be compared changed, 1 one did, 2 wrong arguments.
///
/// Example: wasmsc rule replay alarm --since 2h --component target/alarm.wasm
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Prints all of it as JSON, for scripts.
    #[command(flatten)]
    form: Form,
    /// Whose rule. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// The rule's name.
    rule: String,
    /// The other version, as a component's file.
    #[arg(long, value_name = "FILE", required_unless_present = "version", conflicts_with = "version")]
    component: Option<PathBuf>,
    /// The other version as one that was uploaded: NAME@VERSION, or its digest.
    #[arg(long, value_name = "PLUGIN")]
    version: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// The value of a secret, which the server does not keep with calls; without it the rule reads `secret-NAME`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = secret)]
    secret: Vec<(String, String)>,
}

fn secret(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let trial = load(arguments).await?;
    let secrets: BTreeMap<&str, &str> = arguments.secret.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut calls = Calls::of(&arguments.remote, (&arguments.rule, arguments.customer.as_deref()), &arguments.wanted);
    let (mut counts, mut others) = (BTreeMap::<Verdict, usize>::new(), Vec::new());
    while let Some(page) = calls.page().await? {
        for call in page {
            let replayed = replay(&trial, &call, &secrets).await;
            *counts.entry(replayed.verdict).or_default() += 1;
            match (replayed.verdict, arguments.form.json) {
                (Verdict::Same, _) => {}
                (_, true) => others.push(as_value(&call, &replayed)),
                (_, false) => print!("{}", told(&call, &replayed)),
            }
        }
    }
    let count = |verdict| counts.get(&verdict).copied().unwrap_or_default();
    let all: usize = counts.values().sum();
    if all == 0 {
        return Err(none(&arguments.rule));
    }
    if arguments.form.json {
        let mut answer = json!({ "calls": all, "others": others });
        Verdict::ALL.iter().for_each(|verdict| answer[verdict.name()] = count(*verdict).into());
        print!("{}", as_json(&answer));
    } else {
        let [same, changed, failed, not] = Verdict::ALL.map(count);
        println!("{all} calls: {same} the same, {changed} changed, {failed} failed, {not} not comparable");
    }
    match count(Verdict::Changed) + count(Verdict::Failed) {
        0 => Ok(()),
        others => Err(Failure::Failed(format!("{others} of {all} calls end otherwise"))),
    }
}

async fn load(arguments: &Args) -> Result<Trial, Failure> {
    let failed = |error: crate::cases::TrialError| Failure::Failed(error.to_string());
    if let Some(file) = &arguments.component {
        return Trial::load(file).await.map_err(failed);
    }
    let version = arguments.version.as_deref().unwrap_or_default();
    let path =
        query(&format!("/v1/plugins/{}/component", part(version)), &[("customer", arguments.customer.as_deref())]);
    let wasm = arguments.remote.octets(Ask::get(&path)).await?;
    Trial::of(&wasm, version).await.map_err(failed)
}

async fn replay(trial: &Trial, call: &Call, secrets: &BTreeMap<&str, &str>) -> Replayed {
    let mut case = match read_case(&call.case, Path::new(&call.message_id)) {
        Ok(case) => case,
        Err(error) => {
            return Replayed::unreadable(format!("the call cannot be read: {error}"));
        }
    };
    for (name, value) in &mut case.given.secrets {
        if let Some(given) = secrets.get(name.as_str()) {
            (*given).clone_into(value);
        }
    }
    let (ran, guessed) = trial.replay(case, call.known.clone()).await;
    Replayed::of(ran, guessed, &call.outcome)
}

fn as_value(call: &Call, replayed: &Replayed) -> Value {
    let difference = |found: &Difference| json!({ "what": found.what, "recorded": found.expected, "now": found.got });
    let mut value = json!({
        "message_id": call.message_id,
        "attempt": call.attempt,
        "event": call.event,
        "device": call.device,
        "at": call.at,
        "verdict": replayed.verdict.name(),
        "differences": replayed.differences.iter().map(difference).collect::<Vec<_>>(),
        "unknown": replayed.guessed,
    });
    if let Some(why) = &replayed.why {
        value["why"] = why.as_str().into();
    }
    value
}

fn told(call: &Call, replayed: &Replayed) -> String {
    let Call { message_id, attempt, event, device, at, .. } = call;
    let verdict = replayed.verdict.name().replace('_', " ");
    let mut text = format!("{verdict}  {message_id}  attempt {attempt}  {event} of {device}  {at}\n");
    for what in &replayed.guessed {
        text += &format!("  it asks for what was not kept: {}\n", shown(what));
    }
    if replayed.verdict != Verdict::NotComparable {
        for Difference { what, expected, got, .. } in &replayed.differences {
            text += &format!("  {}\n    recorded  {}\n    now       {}\n", shown(what), shown(expected), shown(got));
        }
    }
    let lines = replayed.why.iter().flat_map(|why| why.lines()).take(REASON_LINES);
    lines.for_each(|line| text += &format!("  | {}\n", shown(line)));
    text
}
