//! The config file: what it may say, and clear words for what it may not.
//!
//! Reading is done before any port is bound. Every error names file, line and what to do. Paths are
//! relative to the file. Callers: `main.rs` and tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::message::Address;

mod explain;

/// `wasmsc.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the store lives; one process per directory.
    pub data_dir: PathBuf,
    pub smpp: Smpp,
    #[serde(default)]
    pub customer: Vec<Customer>,
    #[serde(default)]
    pub account: Vec<Account>,
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// OS threads that run rules; default: one per core, at least 2, so that one slow rule leaves room.
    #[serde(default)]
    pub rule_threads: Option<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smpp {
    /// Address and port; port 0 takes a free one, printed at start.
    pub listen: std::net::SocketAddr,
    /// What peers see in bind responses.
    pub system_id: String,
    /// A connection that has not bound after this long is closed.
    #[serde(default = "default_session_init_timeout_secs")]
    pub session_init_timeout_secs: u64,
    /// A bind that sent nothing for this long is probed with enquire_link.
    #[serde(default = "default_enquire_link_secs")]
    pub enquire_link_secs: u64,
    /// A request of ours without a response after this long is sent again, maybe on another bind.
    #[serde(default = "default_response_timeout_secs")]
    pub response_timeout_secs: u64,
    /// Connections at once, all peers together.
    #[serde(default = "default_max_links")]
    pub max_links: usize,
}

fn default_session_init_timeout_secs() -> u64 {
    10
}
fn default_enquire_link_secs() -> u64 {
    30
}
fn default_response_timeout_secs() -> u64 {
    30
}
fn default_max_links() -> usize {
    1024
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    pub id: String,
    /// Short codes and long numbers that belong to it.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// Exact addresses, or prefixes ending in `*`.
    #[serde(default)]
    pub devices: Vec<String>,
    /// MOs that may wait for its rules; above, senders get ESME_RMSGQFUL.
    #[serde(default = "default_queue_max")]
    pub queue_max: usize,
}

fn default_queue_max() -> usize {
    100_000
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Carries devices: a mobile network, a SIM platform, a gateway, the simulator.
    Network,
    /// A customer's own software.
    Application,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub system_id: String,
    pub password: String,
    pub role: Role,
    /// For role "application": whose software this is.
    #[serde(default)]
    pub customer: Option<String>,
    /// For role "network": MTs to these prefixes go out here; the longest prefix wins.
    #[serde(default)]
    pub routes: Vec<String>,
    /// deliver_sm that may be outstanding on one bind.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Tag (0x1400 to 0x3FFF) of a vendor TLV in which each deliver_sm carries its message id, so that the
    /// peer can tell a repeat from a new message; default: none.
    #[serde(default)]
    pub message_id_tlv: Option<u16>,
}

fn default_window() -> usize {
    256
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub customer: String,
    pub name: String,
    pub component: PathBuf,
    /// Numbers whose MOs run this rule.
    pub numbers: Vec<String>,
    /// Only MOs whose first word is this (any case). A rule with the right keyword goes before one without.
    #[serde(default)]
    pub keyword: Option<String>,
    /// What the rule reads through its `config` interface.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// CPU and waiting time of one call.
    #[serde(default = "default_deadline_ms")]
    pub deadline_ms: u32,
    /// Linear memory of one call.
    #[serde(default = "default_memory_mib")]
    pub memory_mib: u32,
    /// MTs that one call may send.
    #[serde(default = "default_messages_max")]
    pub messages_max: u16,
    /// Octets of all state values that one call writes.
    #[serde(default = "default_state_kib")]
    pub state_kib: u32,
    /// Attempts before an MO is dead-lettered.
    #[serde(default = "default_attempts_max")]
    pub attempts_max: u32,
}

fn default_deadline_ms() -> u32 {
    100
}
fn default_memory_mib() -> u32 {
    64
}
fn default_messages_max() -> u16 {
    20
}
fn default_state_kib() -> u32 {
    64
}
fn default_attempts_max() -> u32 {
    5
}

/// What is wrong with a config file. `Display` is meant for the operator's eyes.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: cannot be read: {source}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {what}", file.display())]
    Syntax { file: PathBuf, line: usize, what: String },
    #[error("{}: {what}", file.display())]
    Meaning { file: PathBuf, what: String },
}

impl Config {
    /// Reads and checks `file`; afterwards every reference resolves and every address parses.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.into(), source })?;
        let mut config = Self::parse(&text, file)?;
        let base = file.parent().unwrap_or(Path::new("."));
        config.data_dir = base.join(&config.data_dir);
        for rule in &mut config.rule {
            rule.component = base.join(&rule.component);
        }
        Ok(config)
    }

    /// As [`load`](Self::load), from text; `file` is for messages only and paths stay as written.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| explain::syntax(&error, text, file))?;
        config.check().map_err(|what| ConfigError::Meaning { file: file.into(), what })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let mut numbers = BTreeMap::new();
        unique("customer", self.customer.iter().map(|c| c.id.as_str()))?;
        unique("account", self.account.iter().map(|a| a.system_id.as_str()))?;
        for customer in &self.customer {
            check_customer(customer)?;
            for number in &customer.numbers {
                if let Some(other) = numbers.insert(number.as_str(), customer.id.as_str()) {
                    return Err(format!("number {number} belongs to customer {other} and to {}", customer.id));
                }
            }
        }
        self.account.iter().try_for_each(|account| self.check_account(account))?;
        self.rule.iter().try_for_each(|rule| self.check_rule(rule))?;
        unique("rule", self.rule.iter().map(|r| format!("{}/{}", r.customer, r.name)))
    }

    fn check_account(&self, account: &Account) -> Result<(), String> {
        let name = &account.system_id;
        match (account.role, &account.customer) {
            (Role::Application, None) => {
                return Err(format!("account {name}: role \"application\" needs customer = \"…\""));
            }
            (Role::Application, Some(id)) => self.check_known_customer(&format!("account {name}"), id)?,
            (Role::Network, Some(_)) => {
                return Err(format!(
                    "account {name}: role \"network\" carries devices of any customer; remove customer"
                ));
            }
            (Role::Network, None) => {}
        }
        if account.role == Role::Application && !account.routes.is_empty() {
            return Err(format!("account {name}: routes are for role \"network\""));
        }
        for route in &account.routes {
            if !route.strip_prefix('+').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())) {
                return Err(format!("account {name}: route {route:?} is no prefix; write it as \"+46\""));
            }
        }
        if account.window == 0 {
            return Err(format!("account {name}: window must be at least 1"));
        }
        match account.message_id_tlv {
            Some(tag) if !(0x1400..=0x3FFF).contains(&tag) => {
                Err(format!("account {name}: message_id_tlv {tag:#06x} is outside the vendor range 0x1400 to 0x3fff"))
            }
            _ => Ok(()),
        }
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), String> {
        let name = format!("rule {}/{}", rule.customer, rule.name);
        self.check_known_customer(&name, &rule.customer)?;
        let owner = self.customer.iter().find(|c| c.id == rule.customer);
        for number in &rule.numbers {
            if !owner.is_some_and(|c| c.numbers.contains(number)) {
                return Err(format!("{name}: number {number} is not in numbers of customer {}", rule.customer));
            }
        }
        if rule.numbers.is_empty() {
            return Err(format!("{name}: numbers is empty, so that no MO would ever run it"));
        }
        for (key, value) in
            [("deadline_ms", rule.deadline_ms), ("memory_mib", rule.memory_mib), ("attempts_max", rule.attempts_max)]
        {
            if value == 0 {
                return Err(format!("{name}: {key} must be at least 1"));
            }
        }
        Ok(())
    }

    fn check_known_customer(&self, who: &str, id: &str) -> Result<(), String> {
        let ids = self.customer.iter().map(|c| c.id.as_str());
        if ids.clone().any(|known| known == id) {
            return Ok(());
        }
        let hint = explain::nearest(id, ids).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        Err(format!("{who}: there is no [[customer]] with id {id:?}{hint}"))
    }
}

fn check_customer(customer: &Customer) -> Result<(), String> {
    if customer.id.is_empty() || customer.id.contains(['/', '\0']) {
        return Err(format!("customer id {:?} must not be empty or contain '/'", customer.id));
    }
    for number in &customer.numbers {
        match Address::parse(number) {
            Ok(Address::Alphanumeric(_)) => {
                return Err(format!("customer {}: {number:?} is no number", customer.id));
            }
            Ok(_) => {}
            Err(error) => return Err(format!("customer {}: numbers: {error}", customer.id)),
        }
    }
    for device in &customer.devices {
        let wrong = match device.strip_suffix('*') {
            Some(prefix) => !prefix.strip_prefix('+').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())),
            None => !matches!(Address::parse(device), Ok(Address::Msisdn(_))),
        };
        if wrong {
            return Err(format!(
                "customer {}: device {device:?} must be \"+46701234567\" or a prefix \"+4670*\"",
                customer.id
            ));
        }
    }
    Ok(())
}

fn unique<T: Ord + std::fmt::Display>(what: &str, names: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(format!("two entries [[{what}]] are called {name}"));
        }
        seen.insert(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
