//! `wasmsc status`: whether a server takes messages, who is bound, and what waits where.

use std::collections::BTreeMap;

use clap::Args as Arguments;
use serde_json::{Value, json};

use super::failure::Failure;
use super::links::listed;
use super::remote::{Ask, Remote};
use super::table::{Form, json as as_json, table};

/// Shows health, binds, queues and numbers of messages. For the operator; exit code 0 means that messages are taken.
///
/// Example: wasmsc status --token-file data/operator-token
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let remote = &arguments.remote;
    remote.json(Ask::get("/readyz")).await?;
    let links = remote.json(Ask::get("/v1/links")).await?;
    let queues = remote.json(Ask::get("/v1/queues")).await?;
    let text = remote.octets(Ask::get("/metrics")).await?;
    let numbers = Numbers::read(&String::from_utf8_lossy(&text));
    if arguments.form.json {
        let status =
            json!({ "ready": true, "links": links["links"], "queues": queues["queues"], "numbers": numbers.json() });
        print!("{}", as_json(&status));
    } else {
        println!("messages are taken\n");
        println!("{}\n{}\n{}", listed(&links), waiting(&queues), numbers.customers());
    }
    Ok(())
}

/// A row for each queue.
fn waiting(queues: &Value) -> String {
    let rows = queues["queues"].as_array().into_iter().flatten().map(|queue| {
        let peers: Vec<&str> = queue["peers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let overdue = queue["overdue_ms"].as_u64().unwrap_or_default();
        [
            queue["name"].as_str().unwrap_or_default().to_owned(),
            queue["messages"].to_string(),
            format!("{}.{} s", overdue / 1_000, overdue % 1_000 / 100),
            queue["links"].to_string(),
            peers.join(", "),
        ]
    });
    table(["QUEUE", "MESSAGES", "OVERDUE", "LINKS", "TAKEN BY"], rows)
}

/// Values by name and labels, as OpenMetrics writes them.
struct Numbers(Vec<(String, BTreeMap<String, String>, f64)>);

impl Numbers {
    fn read(text: &str) -> Numbers {
        Numbers(text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect())
    }

    /// Without histograms, which are for Prometheus.
    fn json(&self) -> Value {
        let plain = self.0.iter().filter(|(_, labels, _)| !labels.contains_key("le"));
        plain.map(|(name, labels, value)| json!({ "name": name, "labels": labels, "value": value })).collect()
    }

    /// A row for each customer.
    fn customers(&self) -> String {
        const STATES: [&str; 5] = ["accepted", "taken", "delivered", "undeliverable", "refused"];
        let mut rows: BTreeMap<&str, [f64; STATES.len() + 1]> = BTreeMap::new();
        for (name, labels, value) in &self.0 {
            let Some(customer) = labels.get("customer") else { continue };
            let column = match name.as_str() {
                "wasmsc_mos_waiting" => Some(0),
                "wasmsc_messages_total" => STATES.iter().position(|state| labels["state"] == *state).map(|at| at + 1),
                _ => None,
            };
            if let Some(column) = column {
                rows.entry(customer).or_default()[column] += value;
            }
        }
        let rows = rows.into_iter().map(|(customer, values)| {
            let mut cells = values.iter().map(f64::to_string);
            std::array::from_fn(|column| match column {
                0 => customer.to_owned(),
                _ => cells.next().unwrap_or_default(),
            })
        });
        table(["CUSTOMER", "MOS WAITING", "ACCEPTED", "TAKEN", "DELIVERED", "UNDELIVERABLE", "REFUSED"], rows)
    }
}

/// `name{label="value",…} number`
fn line(line: &str) -> Option<(String, BTreeMap<String, String>, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, rest) = series.split_once('{').unwrap_or((series, ""));
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    while let Some((label, behind)) = rest.split_once("=\"") {
        let (value, behind) = quoted(behind)?;
        labels.insert(label.to_owned(), value);
        rest = behind.trim_start_matches(',');
    }
    Some((name.to_owned(), labels, value.parse().ok()?))
}

/// Up to the closing quote, and what comes behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whatever_is_in_their_labels() {
        let text =
            "# HELP x y\nwasmsc_mos_waiting{customer=\"a \\\"},b=\\\"\"} 3\nwasmsc_store_checkpoints_total 2\n# EOF\n";
        let numbers = Numbers::read(text);
        assert_eq!(numbers.0.len(), 2);
        assert_eq!(numbers.0[0].1["customer"], "a \"},b=\"");
        assert_eq!((numbers.0[1].0.as_str(), numbers.0[1].2), ("wasmsc_store_checkpoints_total", 2.0));
    }
}
