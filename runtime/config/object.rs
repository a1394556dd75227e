//! Tables of the file that may also be made and changed over the API: customers, accounts, upstreams, shared numbers and
//! rules.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Config, Customer, Rule, Upstream, check};
use crate::firewall::PolicyError;

/// Fields as they are written.
pub type Settings = Map<String, Value>;

/// What a table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Customer,
    Account,
    Upstream,
    SharedNumber,
    Rule,
}

/// The field of a rule that says whose it is.
const OWNER: &str = "customer";

impl Kind {
    /// In the order in which they are told. They are checked all together, since customers and shared numbers name each other.
    pub const ALL: [Kind; 5] = [Kind::Customer, Kind::Account, Kind::Upstream, Kind::SharedNumber, Kind::Rule];

    /// As the file calls the table, and the store the kind.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Customer => "customer",
            Kind::Account => "account",
            Kind::Upstream => "upstream",
            Kind::Rule => "rule",
            Kind::SharedNumber => "shared_number",
        }
    }

    /// The field that names one of them; of a rule, among its customer's.
    pub fn id_field(self) -> &'static str {
        match self {
            Kind::Customer => "id",
            Kind::Account => "system_id",
            Kind::Upstream | Kind::Rule => "name",
            Kind::SharedNumber => "number",
        }
    }

    /// What it is called among all of its kind: a rule is `customer/name`.
    pub fn id_of(self, settings: &Settings) -> Option<String> {
        let text = |field: &str| settings.get(field).and_then(Value::as_str);
        let id = text(self.id_field())?;
        match self {
            Kind::Rule => Some(format!("{}/{id}", text(OWNER)?)),
            _ => Some(id.to_owned()),
        }
    }

    /// The fields that [`id_of`](Self::id_of) reads, with what they say in `id`.
    pub fn naming(self, id: &str) -> Vec<(&'static str, String)> {
        match (self, id.split_once('/')) {
            (Kind::Rule, Some((customer, name))) => {
                vec![(OWNER, customer.to_owned()), (self.id_field(), name.to_owned())]
            }
            _ => vec![(self.id_field(), id.to_owned())],
        }
    }
}

/// What a file declares, as it is written there.
#[derive(Clone, Debug, Default)]
pub struct Declared(BTreeMap<(Kind, String), Settings>);

impl Declared {
    /// Of a file that was read already.
    pub(super) fn of(text: &str) -> Declared {
        let tables: toml::Table = toml::from_str(text).unwrap_or_default();
        let mut declared = BTreeMap::new();
        for kind in Kind::ALL {
            let objects = tables.get(kind.name()).and_then(toml::Value::as_array).into_iter().flatten();
            for object in objects.filter_map(|object| serde_json::to_value(object).ok()) {
                let Value::Object(settings) = object else { continue };
                if let Some(id) = kind.id_of(&settings) {
                    declared.insert((kind, id), settings);
                }
            }
        }
        Declared(declared)
    }

    pub(super) fn add(&mut self, kind: Kind, id: String, settings: Settings) {
        self.0.insert((kind, id), settings);
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<&Settings> {
        self.0.get(&(kind, id.to_owned()))
    }

    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &Settings)> {
        self.0.iter().filter(move |((of, _), _)| *of == kind).map(|((_, id), settings)| (id.as_str(), settings))
    }
}

/// Which field of an object cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct Unreadable {
    pub field: String,
    pub detail: String,
}

impl Config {
    /// Adds an object as if the file had it; [`check`](Self::check) afterwards.
    pub fn add(&mut self, kind: Kind, settings: &Settings) -> Result<(), Unreadable> {
        match kind {
            Kind::Customer => self.customer.push(with_policy(read(settings)?)?),
            Kind::Account => self.account.push(read(settings)?),
            Kind::Upstream => self.upstream.push(rooted(read(settings)?)?),
            Kind::Rule => self.rule.push(of_a_plugin(read(settings)?)?),
            Kind::SharedNumber => self.shared_number.push(read(settings)?),
        }
        Ok(())
    }

    /// Do all references resolve, and do the numbers make sense?
    pub fn check(&self) -> Result<(), String> {
        check::check(self)
    }
}

/// Its policy is said to be wrong by the field in which it is.
fn with_policy(customer: Customer) -> Result<Customer, Unreadable> {
    match customer.policy.compile() {
        Ok(_) => Ok(customer),
        Err(PolicyError { field, what }) => {
            Err(Unreadable { field: format!("policy.{field}"), detail: format!("{what}; correct it") })
        }
    }
}

/// A path of the file is relative to the file; of others nobody knows to what.
fn rooted(upstream: Upstream) -> Result<Upstream, Unreadable> {
    let files =
        upstream.tls.as_ref().map(|tls| [("ca", &tls.ca), ("certificate", &tls.certificate), ("key", &tls.key)]);
    let relative = |(_, file): &(&str, &Option<PathBuf>)| file.as_ref().is_some_and(|file| file.is_relative());
    let wrong = files.into_iter().flatten().find(relative).map(|(name, _)| format!("tls.{name}"));
    match wrong {
        Some(field) => Err(Unreadable { field, detail: "it has to begin with \"/\"".into() }),
        None => Ok(upstream),
    }
}

/// A file on the server is the operator's to name, in the config file.
fn of_a_plugin(rule: Rule) -> Result<Rule, Unreadable> {
    let wrong = |field: &str, detail: &str| Err(Unreadable { field: field.into(), detail: detail.into() });
    match (&rule.component, &rule.plugin) {
        (Some(_), _) => {
            wrong("component", "it is for rules of the config file; upload the plugin and name it in plugin")
        }
        (None, None) => wrong("plugin", "it is missing; name an uploaded plugin as \"name@version\" or \"sha256:…\""),
        (None, Some(_)) => Ok(rule),
    }
}

fn read<T: DeserializeOwned>(settings: &Settings) -> Result<T, Unreadable> {
    serde_path_to_error::deserialize(Value::Object(settings.clone())).map_err(|error| {
        let detail = error.inner().to_string();
        let named = |what: &str| Some(detail.strip_prefix(what)?.split('`').next()?.to_owned());
        let path = error.path().to_string();
        let field = named("unknown field `").or_else(|| named("missing field `")).unwrap_or(path);
        Unreadable { field, detail }
    })
}
