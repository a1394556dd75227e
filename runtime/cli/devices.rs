//! `wasmsc devices`: the registered devices of a customer.

use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::progress::Progress;
use super::remote::{Ask, Remote, part};
use super::table::{Form, cell, fields, json as as_json, table};

/// Lists, shows, registers and removes devices. For a key with the scopes read and manage, or the operator.
///
/// Example: wasmsc devices set +46701234567 --tag pump --attribute site="Hall 3"
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Lists devices by their numbers.
    List {
        #[command(flatten)]
        of: Of,
        /// Only those that have it.
        #[arg(long)]
        tag: Option<String>,
        #[arg(long)]
        status: Option<Status>,
        /// How their numbers begin, such as +4670.
        #[arg(long)]
        prefix: Option<String>,
        /// As many as this.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
    /// Shows one.
    Get {
        #[command(flatten)]
        of: Of,
        address: String,
    },
    /// Registers a device, or changes what is named here and leaves the rest as it is.
    Set {
        #[command(flatten)]
        of: Of,
        address: String,
        /// Of its SIM card; empty to remove it.
        #[arg(long)]
        iccid: Option<String>,
        /// Of the equipment; empty to remove it.
        #[arg(long)]
        imei: Option<String>,
        /// All its tags from then on; give it several times for several.
        #[arg(long = "tag")]
        tags: Vec<String>,
        /// An attribute; an empty value removes it.
        #[arg(long = "attribute", value_name = "NAME=VALUE")]
        attributes: Vec<String>,
        #[arg(long)]
        status: Option<Status>,
    },
    /// Removes one from the registry.
    Remove {
        #[command(flatten)]
        of: Of,
        address: String,
    },
    /// Registers or changes up to 10,000 devices of a file. Ends with 1 if a line was refused; the others hold.
    Import {
        #[command(flatten)]
        of: Of,
        /// CSV (.csv) or JSON lines (.ndjson, .jsonl), see docs/API.md.
        file: PathBuf,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Arguments, Debug)]
struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// The customer's id; a key's is its own.
    #[arg(long)]
    customer: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Active,
    Suspended,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
        }
    }
}

impl Of {
    /// With what is asked beside the customer.
    fn path(&self, behind: &str, asked: &[(&str, Option<&str>)]) -> String {
        let all = [&[("customer", self.customer.as_deref())], asked].concat();
        let named = all.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        // A plus in a query means a space.
        let query: Vec<String> =
            named.map(|(name, value)| format!("{name}={}", part(value).replace('+', "%2B"))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v1/devices{behind}{mark}{}", query.join("&"))
    }

    fn show(&self, device: &Value) {
        print!("{}", if self.form.json { as_json(device) } else { fields(device) });
    }
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::List { of, tag, status, prefix, limit } => {
            let asked = [("tag", tag.as_deref()), ("status", status.map(Status::name)), ("prefix", prefix.as_deref())];
            let devices = pages(of, &asked, *limit).await?;
            let found = json!({ "devices": devices });
            print!("{}", if of.form.json { as_json(&found) } else { listed(&devices) });
        }
        Verb::Get { of, address } => {
            of.show(&of.remote.json(Ask::get(&of.path(&one(address), &[]))).await?);
        }
        Verb::Set { of, address, iccid, imei, tags, attributes, status } => {
            let path = of.path(&one(address), &[]);
            let settings = settings((iccid.as_deref(), imei.as_deref()), tags, attributes, *status)?;
            let changed = of.remote.json(Ask::patch(&path, &settings)).await;
            let device = match changed {
                Err(Failure::Refused(refusal)) if refusal.is("not_found") => {
                    of.remote.json(Ask::put(&path, &without_nulls(settings))).await?
                }
                changed => changed?,
            };
            of.show(&device);
        }
        Verb::Remove { of, address } => {
            of.remote.json(Ask::delete(&of.path(&one(address), &[]))).await?;
            if !of.form.json {
                println!("{address} is registered no more");
            }
        }
        Verb::Import { of, file, dry_run } => import(of, file, *dry_run).await?,
    }
    Ok(())
}

fn one(address: &str) -> String {
    format!("/{}", part(address))
}

async fn pages(of: &Of, asked: &[(&str, Option<&str>)], limit: usize) -> Result<Vec<Value>, Failure> {
    let (mut devices, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = (limit - devices.len()).clamp(1, 1_000).to_string();
        let asked = [asked, &[("limit", Some(page.as_str())), ("cursor", cursor.as_deref())]].concat();
        let mut found = of.remote.json(Ask::get(&of.path("", &asked))).await?;
        if let Value::Array(more) = found["devices"].take() {
            devices.extend(more);
        }
        match found["next"].as_str() {
            Some(next) if devices.len() < limit => cursor = Some(next.to_owned()),
            _ => return Ok(devices),
        }
    }
}

fn settings(
    (iccid, imei): (Option<&str>, Option<&str>),
    tags: &[String],
    attributes: &[String],
    status: Option<Status>,
) -> Result<Value, Failure> {
    let mut settings = Map::new();
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    for (name, value) in [("iccid", iccid), ("imei", imei)] {
        settings.extend(value.map(|value| (name.to_owned(), or_null(value))));
    }
    if !tags.is_empty() {
        settings.insert("tags".to_owned(), json!(tags));
    }
    let mut map = Map::new();
    for attribute in attributes {
        let wrong = || Failure::Usage(format!("--attribute {attribute}: expected NAME=VALUE"));
        let (name, value) = attribute.split_once('=').ok_or_else(wrong)?;
        map.insert(name.to_owned(), or_null(value));
    }
    if !map.is_empty() {
        settings.insert("attributes".to_owned(), Value::Object(map));
    }
    settings.extend(status.map(|status| ("status".to_owned(), json!(status.name()))));
    Ok(Value::Object(settings))
}

/// What is not there yet has nothing to remove.
fn without_nulls(mut settings: Value) -> Value {
    if let Some(settings) = settings.as_object_mut() {
        settings.retain(|_, value| !value.is_null());
        if let Some(attributes) = settings.get_mut("attributes").and_then(Value::as_object_mut) {
            attributes.retain(|_, value| !value.is_null());
        }
    }
    settings
}

async fn import(of: &Of, file: &Path, dry_run: bool) -> Result<(), Failure> {
    let kind = match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => "text/csv",
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        _ => return Err(Failure::Usage(format!("{}: expected .csv, .ndjson or .jsonl", file.display()))),
    };
    let octets = std::fs::read(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let path = of.path(":import", &[("dry_run", dry_run.then_some("true"))]);
    let report = {
        let _shown = Progress::of(format!(
            "importing {}, {} lines",
            file.display(),
            octets.iter().filter(|octet| **octet == b'\n').count()
        ));
        of.remote.json(Ask { raw: Some((kind, octets.into())), ..Ask::do_it(&path) }).await?
    };
    let refused = report["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    if of.form.json {
        print!("{}", as_json(&report));
    } else {
        let would = if dry_run { "would be " } else { "" };
        let count = |name: &str| cell(&report[name]);
        println!("{would}created {}, updated {}, unchanged {}", count("created"), count("updated"), count("unchanged"));
        refused.iter().for_each(|line| eprintln!("{}:{}: {}", file.display(), line["line"], cell(&line["reason"])));
    }
    match refused.len() {
        0 => Ok(()),
        lines => Err(Failure::Failed(format!("{lines} of its lines were refused"))),
    }
}

fn listed(devices: &[Value]) -> String {
    let rows = devices.iter().map(|device| {
        let attributes = device["attributes"].as_object().into_iter().flatten();
        let attributes: Vec<String> = attributes.map(|(name, value)| format!("{name}={}", cell(value))).collect();
        let named = ["address", "status", "tags", "last_seen_at"].map(|field| cell(&device[field]));
        let [address, status, tags, seen] = named;
        [address, status, tags, seen, attributes.join(" ")]
    });
    table(["ADDRESS", "STATUS", "TAGS", "LAST SEEN", "ATTRIBUTES"], rows)
}
