//! `wasmsc plugin upload`, `list`, `show` and `delete`: the plugins that a running server has.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Arguments, Subcommand};
use serde_json::Value;

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use super::table::{Form, cell, fields, json as as_json, table};

/// An upload is compiled before it is answered, perhaps behind others.
const UPLOAD_WITHIN: Duration = Duration::from_secs(1_200);

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Sends a component to a server, which checks and compiles it. Rules may name it as NAME@VERSION from then on.
    ///
    /// Example: wasmsc plugin upload alarm.wasm --name alarm --version 1.2.0
    Upload {
        #[command(flatten)]
        of: Of,
        /// The component, as the build made it.
        file: PathBuf,
        /// What rules call it.
        #[arg(long)]
        name: String,
        /// Cannot be given to another component later.
        #[arg(long)]
        version: String,
    },
    /// Lists what the caller may use: its own and the operator's.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Shows what one exports and imports, and which rules have to do with it.
    Show {
        #[command(flatten)]
        of: Of,
        /// NAME@VERSION, or a digest.
        plugin: String,
    },
    /// Deletes a version that no rule needs.
    Delete {
        #[command(flatten)]
        of: Of,
        /// NAME@VERSION, or a digest.
        plugin: String,
    },
}

#[derive(Arguments, Debug)]
pub struct Of {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose plugins; for the operator, whose plugins are everybody's without it. A customer's key has its own.
    #[arg(long)]
    customer: Option<String>,
}

impl Of {
    fn path(&self, behind: &str, parameters: &[(&str, Option<&str>)]) -> String {
        let all = [parameters, &[("customer", self.customer.as_deref())]].concat();
        query(&format!("/v1/plugins{behind}"), &all)
    }

    fn print(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        print!("{}", if self.form.json { as_json(answer) } else { people(answer) });
    }
}

pub async fn run(verb: &Verb) -> Result<(), Failure> {
    let one = |plugin: &str| format!("/{}", part(plugin));
    match verb {
        Verb::Upload { of, file, name, version } => {
            let wasm = std::fs::read(file);
            let wasm = wasm.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
            let path = of.path("", &[("name", Some(name)), ("version", Some(version))]);
            let raw = Some(("application/wasm", wasm.into()));
            let made = of.remote.json(Ask { raw, within: UPLOAD_WITHIN, ..Ask::do_it(&path) }).await?;
            of.print(&made, |made| format!("{name}@{version} {}\n", cell(&made["digest"])));
        }
        Verb::List { of } => of.print(&of.remote.json(Ask::get(&of.path("", &[]))).await?, listed),
        Verb::Show { of, plugin } => {
            of.print(&of.remote.json(Ask::get(&of.path(&one(plugin), &[]))).await?, fields);
        }
        Verb::Delete { of, plugin } => {
            of.remote.json(Ask::delete(&of.path(&one(plugin), &[]))).await?;
            if !of.form.json {
                println!("{plugin} is gone");
            }
        }
    }
    Ok(())
}

fn listed(found: &Value) -> String {
    let plugins = found["plugins"].as_array().into_iter().flatten();
    let rows = plugins.map(|plugin| {
        let owner = plugin["customer"].as_str().unwrap_or("(all)").to_owned();
        let label = format!("{}@{}", cell(&plugin["name"]), cell(&plugin["version"]));
        let digest = cell(&plugin["digest"]).chars().take("sha256:".len() + 12).collect();
        [label, owner, digest, cell(&plugin["octets"]), cell(&plugin["used_by"]), cell(&plugin["uploaded_at"])]
    });
    table(["PLUGIN", "OF", "DIGEST", "OCTETS", "USED BY", "UPLOADED"], rows)
}
