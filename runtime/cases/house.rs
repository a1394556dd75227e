//! The house that a case plays in: one customer with its numbers, a route to every device, one rule.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::case::{Case, Given, Trigger};
use crate::config::{self, Config};
use crate::message::Address;
use crate::route::{Current, Directory};

/// Names of what there is; rules see the customer's nowhere but in logs.
const CUSTOMER: &str = "trial";
const RULE: &str = "rule";
/// How errors of the plugin host begin, which name the rule.
pub const RULE_PREFIX: &str = "rule trial/rule: ";

/// The config of a case, as a server would have it in its file, and the directory that routing asks.
pub struct House {
    pub rule: config::Rule,
    pub directory: Arc<Current>,
}

impl House {
    /// `numbers`: beside the given one, those that the device writes to.
    pub fn new(given: &Given, numbers: &BTreeSet<Address>, component: &Path) -> Result<House, String> {
        let text = document(given, numbers, component).to_string();
        let mut config = Config::parse(&text, Path::new("[given]")).map_err(|error| error.to_string())?;
        let directory = Current::new(Directory::new(&config));
        let rule = config.rule.pop().ok_or("the trial has no rule")?;
        Ok(House { rule, directory })
    }

    pub fn of_case(case: &Case, component: &Path) -> Result<House, String> {
        let to = case.events.iter().filter_map(|event| match &event.trigger {
            Trigger::Mo { to, .. } => to.clone(),
            _ => None,
        });
        House::new(&case.given, &to.collect(), component)
    }
}

fn document(given: &Given, numbers: &BTreeSet<Address>, component: &Path) -> DocumentMut {
    let others = numbers.iter().filter(|number| **number != given.number);
    // A rule that is run by requests alone may write under a name.
    let is_number = |number: &&Address| !matches!(number, Address::Alphanumeric(_));
    let (numbers, names): (Vec<&Address>, Vec<&Address>) =
        std::iter::once(&given.number).chain(others).partition(is_number);
    let numbers: Array = numbers.into_iter().map(ToString::to_string).collect();
    // A recorded call may have written from numbers that are not the rule's.
    let (all_numbers, senders): (Vec<String>, Vec<String>) = given
        .senders
        .iter()
        .cloned()
        .chain(names.iter().map(ToString::to_string))
        .partition(|sender: &String| is_plain_number(sender));
    let mut customer = Table::new();
    customer["id"] = value(CUSTOMER);
    let all_numbers = numbers.iter().filter_map(Value::as_str).map(str::to_owned).chain(all_numbers);
    customer["numbers"] = value(all_numbers.collect::<Array>());
    customer["senders"] = value(senders.into_iter().collect::<Array>());
    customer["devices"] = value((1..10).map(|digit| format!("+{digit}*")).collect::<Array>());
    let mut account = Table::new();
    account["system_id"] = value("network");
    account["password"] = value("secret");
    account["role"] = value("network");
    account["routes"] = value((1..10).map(|digit| format!("+{digit}")).collect::<Array>());
    let mut document = DocumentMut::new();
    document["data_dir"] = value("none");
    document["smpp"] = Item::Table(Table::from_iter([("listen", "127.0.0.1:0"), ("system_id", "trial")]));
    for (name, table) in [("customer", customer), ("account", account), ("rule", rule(given, numbers, component))] {
        document[name] = Item::ArrayOfTables(ArrayOfTables::from_iter([table]));
    }
    document
}

fn is_plain_number(sender: &str) -> bool {
    !matches!(Address::parse(sender), Ok(Address::Alphanumeric(_)) | Err(_))
}

fn rule(given: &Given, numbers: Array, component: &Path) -> Table {
    let limits = &given.limits;
    let mut rule = Table::new();
    rule["customer"] = value(CUSTOMER);
    rule["name"] = value(RULE);
    rule["component"] = value(component.display().to_string());
    if numbers.is_empty() {
        rule["sender"] = value(given.number.to_string());
    }
    rule["numbers"] = value(numbers);
    let given_limits = [
        ("deadline_ms", limits.deadline_ms.map(i64::from)),
        ("memory_mib", limits.memory_mib.map(i64::from)),
        ("messages_max", limits.messages_max.map(i64::from)),
        ("state_kib", limits.state_kib.map(i64::from)),
        ("timers_max", limits.timers_max.map(i64::from)),
        ("http_calls_max", limits.http_calls_max.map(i64::from)),
    ];
    for (name, limit) in given_limits {
        if let Some(limit) = limit {
            rule[name] = value(limit);
        }
    }
    rule["http_hosts"] = value(given.http_hosts.iter().collect::<Array>());
    for (name, texts) in [("config", &given.config), ("secrets", &given.secrets)] {
        let texts = texts.iter().map(|(name, text)| (name.as_str(), Value::from(text)));
        rule[name] = Item::Table(Table::from_iter(texts));
    }
    rule
}
