//! `wasmsc apply`: brings a running server to what files declare, and says what differed.

use std::path::{Path, PathBuf};

use clap::Args as Arguments;
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Ask, Remote};
use super::table::{Form, cell, json as as_json};
use crate::config::Kind;

/// Makes customers, accounts, upstreams, shared numbers and rules of a running server as these files have them: all, or none.
///
/// The files are TOML with [[customer]], [[account]], [[upstream]], [[shared_number]] and [[rule]] tables as in the config file; a rule names an
/// uploaded plugin in place of a component. What the config file of
/// the server declares itself is changed there only. For the operator.
///
/// Example: wasmsc apply -f setup/ --dry-run
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// A file, or a folder of *.toml files.
    #[arg(short, long = "file", value_name = "FILE|DIR")]
    file: PathBuf,
    /// Only prints what would change.
    #[arg(long)]
    dry_run: bool,
    /// Deletes what was made before over the API and is not in the files.
    #[arg(long)]
    prune: bool,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let mut wanted = json!({ "prune": arguments.prune });
    for file in files(&arguments.file)? {
        read(&file, &mut wanted)?;
    }
    let path = if arguments.dry_run { "/v1/apply?dry_run=true" } else { "/v1/apply" };
    let difference = arguments.remote.json(Ask::post(path, &wanted)).await?;
    print!("{}", if arguments.form.json { as_json(&difference) } else { told(&difference) });
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Failure::Usage(format!("{} has no *.toml files", path.display()))),
        false => Ok(files),
    }
}

fn read(file: &Path, wanted: &mut Value) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let tables: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    for (name, value) in tables {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let kind = kind.ok_or_else(|| {
            let taken = Kind::ALL.map(|kind| format!("[[{}]]", kind.name())).join(", ");
            wrong(format!("{name}: apply takes {taken}; the rest is the config file's"))
        })?;
        let toml::Value::Array(objects) = value else { return Err(wrong(format!("write it as [[{name}]]"))) };
        let list = &mut wanted[format!("{}s", kind.name())];
        let objects = objects.into_iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let objects = objects.map_err(|error| wrong(error.to_string()))?;
        match list {
            Value::Array(list) => list.extend(objects),
            _ => *list = objects.into(),
        }
    }
    Ok(())
}

/// A line for each object, and one for each of its fields that differs.
fn told(difference: &Value) -> String {
    let mut text = String::new();
    for change in difference["changes"].as_array().into_iter().flatten() {
        let sign = match change["action"].as_str() {
            Some("create") => '+',
            Some("delete") => '-',
            _ => '~',
        };
        text += &format!("{sign} {} {}\n", cell(&change["kind"]), cell(&change["id"]));
        let (before, after) = (&change["before"], &change["after"]);
        let mut names: Vec<&String> =
            [before, after].into_iter().filter_map(Value::as_object).flat_map(|object| object.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| before[name.as_str()] != after[name.as_str()]) {
            let side = |object: &Value| match &object[name.as_str()] {
                Value::Null => "(none)".to_owned(),
                value => value.to_string(),
            };
            text += &format!("    {name}: {} -> {}\n", side(before), side(after));
        }
    }
    let mode = if difference["dry_run"] == true { "would change" } else { "changed" };
    let count = difference["changes"].as_array().map_or(0, Vec::len);
    text + &format!("{count} {mode}, {} as they were\n", cell(&difference["unchanged"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_is_other_and_nothing_else() {
        let change = |action: &str, before: Value, after: Value| json!({ "kind": "customer", "id": "a", "action": action, "before": before, "after": after });
        let difference = json!({ "dry_run": true, "unchanged": 2, "changes": [
            change("update", json!({ "id": "a", "numbers": ["1"] }), json!({ "id": "a", "numbers": ["2"] })),
            change("delete", json!({ "id": "a" }), Value::Null),
        ] });
        let lines = [
            "~ customer a",
            "    numbers: [\"1\"] -> [\"2\"]",
            "- customer a",
            "    id: \"a\" -> (none)",
            "2 would change, 2 as they were",
        ];
        assert_eq!(told(&difference).lines().collect::<Vec<_>>(), lines);
    }
}
