//! Who owns a number or a device, which rule runs, and which account carries an MT.
//!
//! Pure lookups on tables that are built once from the config. Never sees a PDU, a link or the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::{self, Config};
use crate::message::Address;

/// Index of an account in [`Directory::accounts`]; as a route it says where an MT leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountIndex(pub usize);

/// Index of a rule in [`Directory::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub usize);

/// A tenant.
#[derive(Debug)]
pub struct Customer {
    pub id: Arc<str>,
    pub queue_max: usize,
    numbers: BTreeSet<Address>,
    devices: BTreeSet<Address>,
    /// Digits without `+`.
    device_prefixes: Vec<Box<str>>,
}

impl Customer {
    pub fn owns_device(&self, address: &Address) -> bool {
        let Address::Msisdn(digits) = address else {
            return false;
        };
        self.devices.contains(address) || self.device_prefixes.iter().any(|prefix| digits.starts_with(&**prefix))
    }

    pub fn owns_number(&self, address: &Address) -> bool {
        self.numbers.contains(address)
    }

    /// The sender of an MT that names none.
    pub fn first_number(&self) -> Option<&Address> {
        self.numbers.first()
    }
}

/// Where an MO to a customer's number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Rule(RuleIndex),
    /// No rule takes it, but the customer's own software does.
    Application(AccountIndex),
}

/// Every table that routing asks.
#[derive(Debug)]
pub struct Directory {
    pub customers: Vec<Customer>,
    pub accounts: Vec<config::Account>,
    pub rules: Vec<config::Rule>,
    rule_names: Vec<Box<str>>,
    number_owner: HashMap<Address, usize>,
    /// (digits, account), longest first.
    routes: Vec<(Box<str>, AccountIndex)>,
    rules_by_number: HashMap<Address, Vec<RuleIndex>>,
}

impl Directory {
    /// `config` has been checked: its addresses parse and its references resolve.
    pub fn new(config: &Config) -> Directory {
        let customers: Vec<Customer> = config.customer.iter().map(customer).collect();
        let mut number_owner = HashMap::new();
        for (index, customer) in customers.iter().enumerate() {
            number_owner.extend(customer.numbers.iter().map(|number| (number.clone(), index)));
        }
        let mut routes: Vec<(Box<str>, AccountIndex)> = Vec::new();
        for (index, account) in config.account.iter().enumerate() {
            let digits = account.routes.iter().map(|r| r.trim_start_matches('+').into());
            routes.extend(digits.map(|d| (d, AccountIndex(index))));
        }
        routes.sort_by_key(|(digits, _)| std::cmp::Reverse(digits.len()));
        let mut rules_by_number: HashMap<Address, Vec<RuleIndex>> = HashMap::new();
        for (index, rule) in config.rule.iter().enumerate() {
            for number in rule.numbers.iter().filter_map(|n| Address::parse(n).ok()) {
                rules_by_number.entry(number).or_default().push(RuleIndex(index));
            }
        }
        for rules in rules_by_number.values_mut() {
            rules.sort_by_key(|r| config.rule[r.0].keyword.is_none()); // keywords first, else file order
        }
        let (accounts, rules) = (config.account.clone(), config.rule.clone());
        let rule_names = rules.iter().map(|r| format!("{}/{}", r.customer, r.name).into()).collect();
        Directory { customers, accounts, rules, rule_names, number_owner, routes, rules_by_number }
    }

    pub fn owner_of_number(&self, number: &Address) -> Option<&Customer> {
        self.number_owner.get(number).map(|index| &self.customers[*index])
    }

    pub fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.iter().find(|c| &*c.id == id)
    }

    pub fn account(&self, system_id: &[u8]) -> Option<AccountIndex> {
        self.accounts.iter().position(|a| a.system_id.as_bytes() == system_id).map(AccountIndex)
    }

    pub fn rule(&self, customer: &str, name: &str) -> Option<RuleIndex> {
        self.rules.iter().position(|r| r.customer == customer && r.name == name).map(RuleIndex)
    }

    /// `customer/name`: how logs and keys call a rule.
    pub fn rule_name(&self, rule: RuleIndex) -> &str {
        &self.rule_names[rule.0]
    }

    /// The network account with the longest prefix of this device.
    pub fn route_to_device(&self, device: &Address) -> Option<AccountIndex> {
        let Address::Msisdn(digits) = device else {
            return None;
        };
        self.routes.iter().find(|(prefix, _)| digits.starts_with(&**prefix)).map(|(_, account)| *account)
    }

    /// Which rule or application takes an MO to `number` that begins with `first_word`.
    pub fn destination(
        &self,
        customer: &Customer,
        number: &Address,
        first_word: impl Fn() -> String,
    ) -> Option<Destination> {
        let candidates = self.rules_by_number.get(number).map(Vec::as_slice).unwrap_or_default();
        let rule = candidates.iter().find(|index| match &self.rules[index.0].keyword {
            Some(keyword) => keyword.eq_ignore_ascii_case(&first_word()),
            None => true,
        });
        rule.map(|index| Destination::Rule(*index)).or_else(|| {
            let own = |a: &config::Account| a.customer.as_deref() == Some(&*customer.id);
            self.accounts.iter().position(own).map(|index| Destination::Application(AccountIndex(index)))
        })
    }
}

fn customer(from: &config::Customer) -> Customer {
    let (prefixes, exact): (Vec<_>, Vec<_>) = from.devices.iter().partition(|d| d.ends_with('*'));
    Customer {
        id: from.id.as_str().into(),
        queue_max: from.queue_max,
        numbers: from.numbers.iter().filter_map(|n| Address::parse(n).ok()).collect(),
        devices: exact.iter().filter_map(|d| Address::parse(d).ok()).collect(),
        device_prefixes: prefixes.iter().map(|p| p.trim_matches(['+', '*']).into()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(extra: &str) -> Directory {
        let text = format!(
            r#"
data_dir = "d"
smpp = {{ listen = "127.0.0.1:0", system_id = "x" }}
customer = [{{ id = "acme", numbers = ["7001"], devices = ["+4670*", "+46731234567"] }},
            {{ id = "b", numbers = ["7002"], devices = ["+47*"] }}]
account = [{{ system_id = "wide", password = "", role = "network", routes = ["+4"] }},
           {{ system_id = "narrow", password = "", role = "network", routes = ["+4670"] }},
           {{ system_id = "app", password = "", role = "application", customer = "b" }}]
{extra}"#
        );
        Directory::new(&Config::parse(&text, std::path::Path::new("t")).expect("valid"))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).expect("valid")
    }

    #[test]
    fn the_longest_prefix_carries_an_mt() {
        let d = directory("");
        assert_eq!(d.route_to_device(&address("+46701111111")), Some(AccountIndex(1)));
        assert_eq!(d.route_to_device(&address("+46711111111")), Some(AccountIndex(0)));
        assert_eq!(d.route_to_device(&address("+11711111111")), None);
    }

    #[test]
    fn devices_match_exactly_or_by_prefix_and_never_another_customers() {
        let d = directory("");
        let acme = d.customer("acme").expect("there");
        assert!(acme.owns_device(&address("+46701111111")) && acme.owns_device(&address("+46731234567")));
        assert!(!acme.owns_device(&address("+467312345678")) && !acme.owns_device(&address("+4711111111")));
        assert!(!acme.owns_device(&address("7001")));
    }

    #[test]
    fn a_keyword_goes_before_a_catch_all_and_an_application_takes_the_rest() {
        let d = directory(
            r#"rule = [{ customer = "acme", name = "all", component = "a", numbers = ["7001"] },
                       { customer = "acme", name = "wm", component = "a", numbers = ["7001"], keyword = "WM1" }]"#,
        );
        let acme = d.customer("acme").expect("there");
        let number = address("7001");
        assert_eq!(d.destination(acme, &number, || "wm1".into()), Some(Destination::Rule(RuleIndex(1))));
        assert_eq!(d.destination(acme, &number, || "HELLO".into()), Some(Destination::Rule(RuleIndex(0))));
        let b = d.customer("b").expect("there");
        assert_eq!(d.destination(b, &address("7002"), String::new), Some(Destination::Application(AccountIndex(2))));
    }
}
