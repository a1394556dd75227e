//! Plugins that were uploaded: a row per version, of a customer or the operator's for all. What they contain is in
//! `plugin::PluginFiles`, by the digest.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::rollout::Rollout;
use crate::config::Kind;
use crate::message::Timestamp;
use crate::plugin::Digest;
use crate::store::{Control, ControlChange, Store};

/// Of control objects; the id is the customer, or nothing for all, a stroke, name, at sign, version.
pub const KIND: &str = "plugin";
/// Versions that one customer may have.
pub const VERSIONS_MAX: usize = 1_000;
/// Octets of a name, and of a version.
const LABEL_OCTETS: usize = 64;

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// None: the operator's, which every customer may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    pub name: String,
    pub version: String,
    /// Its digest.
    pub component: String,
    pub octets: u64,
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    /// Who uploaded it.
    pub by: String,
    #[serde(skip)]
    pub uploaded_at: Timestamp,
}

impl Plugin {
    /// `name@version`: how rules name it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    pub fn id(&self) -> String {
        id(self.customer.as_deref(), &self.label())
    }

    pub fn digest(&self) -> Option<Digest> {
        self.component.parse().ok()
    }

    pub fn row(&self) -> ControlChange {
        let json = serde_json::to_string(self).expect("it has text and numbers only");
        ControlChange { kind: KIND.into(), id: self.id().into(), json: Some(json) }
    }

    fn is_named(&self, reference: &str) -> bool {
        self.component == reference || self.label() == reference
    }
}

fn id(customer: Option<&str>, label: &str) -> String {
    format!("{}/{label}", customer.unwrap_or_default())
}

/// What is wrong with a name or a version.
pub fn label_fault(label: &str) -> Option<String> {
    let is_usual = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    let begins_well = label.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if begins_well && label.len() <= LABEL_OCTETS && label.bytes().all(is_usual) {
        return None;
    }
    Some(format!("{label:?} is none: 1 to {LABEL_OCTETS} letters, digits and ._+- that begin with a letter or digit"))
}

fn read(control: &Control) -> Option<Plugin> {
    let plugin: Plugin = serde_json::from_str(&control.json).ok()?;
    Some(Plugin { uploaded_at: control.changed_at, ..plugin })
}

/// All that a customer may use, or all there are; by owner, name and version.
pub fn list(store: &Store, customer: Option<&str>) -> Vec<Plugin> {
    let all = store.controls(KIND, |_| true).into_iter().filter_map(|(_, control)| read(&control));
    all.filter(|plugin| may_use(plugin, customer)).collect()
}

fn may_use(plugin: &Plugin, customer: Option<&str>) -> bool {
    customer.is_none() || plugin.customer.is_none() || plugin.customer.as_deref() == customer
}

/// Components that somebody has.
pub fn digests(store: &Store) -> HashSet<Digest> {
    list(store, None).iter().filter_map(Plugin::digest).collect()
}

/// What `name@version` or a digest means to a customer; its own goes before the operator's. For the operator itself, `customer` is
/// None.
pub fn find(store: &Store, customer: Option<&str>, reference: &str) -> Option<Plugin> {
    let by_label = |owner| store.control(KIND, &id(owner, reference)).as_ref().and_then(read);
    if reference.contains('@') {
        return customer.and_then(|customer| by_label(Some(customer))).or_else(|| by_label(None));
    }
    // There may be very many, and few are read.
    let fitting = store.controls(KIND, |control| control.json.contains(reference)).into_iter();
    let fitting: Vec<Plugin> = fitting.filter_map(|(_, control)| read(&control)).collect();
    find_among(&fitting, customer, reference).cloned()
}

fn find_among<'p>(all: &'p [Plugin], customer: Option<&str>, reference: &str) -> Option<&'p Plugin> {
    let mut fitting = all.iter().filter(|plugin| may_use(plugin, customer) && plugin.is_named(reference));
    let first = fitting.next()?;
    Some(fitting.find(|plugin| plugin.customer.is_some() && first.customer.is_none()).unwrap_or(first))
}

/// Rules, as `customer/name`, that name this plugin: as the version that serves, or for a rollback, a canary or a shadow.
pub fn users(store: &Store, plugin: &Plugin) -> Vec<String> {
    distinct(named_by(&list(store, None), store, plugin))
}

/// Those of them that would miss it: the same component may be there once more, for a rule that names it by its digest.
pub fn needed_by(store: &Store, plugin: &Plugin) -> Vec<String> {
    let mut all = list(store, None);
    let using = named_by(&all, store, plugin);
    all.retain(|one| one.id() != plugin.id());
    let misses = |(_, customer, reference): &Named| find_among(&all, Some(customer), reference).is_none();
    distinct(using.into_iter().filter(misses).collect())
}

/// Rule, customer, and what it calls a plugin.
type Named = (String, String, String);

fn named_by(all: &[Plugin], store: &Store, plugin: &Plugin) -> Vec<Named> {
    let id = plugin.id();
    let is_it = |(_, customer, reference): &Named| {
        find_among(all, Some(customer), reference).is_some_and(|found| found.id() == id)
    };
    references(store).into_iter().filter(is_it).collect()
}

fn distinct(named: Vec<Named>) -> Vec<String> {
    let mut rules: Vec<String> = named.into_iter().map(|(rule, ..)| rule).collect();
    rules.dedup();
    rules
}

/// For every version that a rule has to do with.
fn references(store: &Store) -> Vec<Named> {
    let mut references = Vec::new();
    for (rule, control) in store.controls(Kind::Rule.name(), |_| true) {
        let Some((customer, _)) = rule.split_once('/') else { continue };
        let settings: serde_json::Value = serde_json::from_str(&control.json).unwrap_or_default();
        let others = Rollout::read(store, &rule);
        let others = others.iter().flat_map(Rollout::others).map(String::as_str);
        let named = settings["plugin"].as_str().into_iter().chain(others);
        references.extend(named.map(|name| (rule.to_string(), customer.to_owned(), name.to_owned())));
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(customer: Option<&str>, version: &str, component: &str) -> Plugin {
        Plugin {
            customer: customer.map(str::to_owned),
            name: "alarm".into(),
            version: version.into(),
            component: component.into(),
            octets: 1,
            exports: Vec::new(),
            imports: Vec::new(),
            by: "operator".into(),
            uploaded_at: Timestamp(0),
        }
    }

    #[test]
    fn a_customer_finds_its_own_before_the_operators_and_never_anothers() {
        let all = [
            plugin(None, "1", "sha256:a"),
            plugin(Some("acme"), "1", "sha256:a"),
            plugin(Some("beta"), "2", "sha256:b"),
        ];
        let owner = |customer, reference| find_among(&all, customer, reference).map(|found| found.customer.as_deref());
        assert_eq!(owner(Some("acme"), "sha256:a"), Some(Some("acme")));
        assert_eq!(owner(Some("beta"), "sha256:a"), Some(None));
        assert_eq!((owner(Some("acme"), "sha256:b"), owner(Some("acme"), "alarm@2")), (None, None));
    }

    #[test]
    fn labels_are_plain_words() {
        for good in ["alarm", "1.2.0", "1.0.0-rc.1+build.5", "A_b"] {
            assert_eq!(label_fault(good), None, "{good}");
        }
        for bad in ["", "-a", "a/b", "a@b", "a b", "å", "sha256:0", &"a".repeat(65)] {
            assert!(label_fault(bad).is_some(), "{bad}");
        }
    }
}
