//! `[[rule]]`: which plugin answers which MOs, and what it may use up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::breaker;
use crate::message::Address;

#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub customer: String,
    pub name: String,
    /// The component's file; for rules of a file.
    #[serde(default)]
    pub component: Option<PathBuf>,
    /// A plugin that was uploaded, as `name@version` or by its digest `sha256:…`; for rules that are made over the API.
    #[serde(default)]
    pub plugin: Option<String>,
    /// Numbers whose MOs run this rule: the customer's, or those that it shares. None: it is run by requests alone.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// Whose name its messages carry where no MO says which number the device knows; default: the first of `numbers`.
    #[serde(default)]
    pub sender: Option<String>,
    /// Only MOs whose first word is this, in any case and whatever punctuation is behind it. A rule with the right keyword goes before one without.
    #[serde(default)]
    pub keyword: Option<String>,
    /// What the rule reads through its `config` interface.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// What it reads through `config.secret`, and what goes into the Authorization header of its HTTP calls by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Hosts that its HTTP calls may lead to: "api.example.net", with ":port" where it is another than the scheme's,
    /// or "*.example.net". `[webhooks]` says whether http and private addresses are possible.
    #[serde(default)]
    pub http_hosts: Vec<String>,
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
    /// Timers that one device may have at a time.
    #[serde(default = "default_timers_max")]
    pub timers_max: u32,
    /// HTTP calls that one call may submit.
    #[serde(default = "default_http_calls_max")]
    pub http_calls_max: u16,
    /// CPU time that it may use in a minute; above, its events wait for the next one.
    #[serde(default)]
    pub cpu_ms_per_minute: Option<u32>,
    /// Octets of state, names and values, that it may have of all its devices together; above, it hears quota-exceeded.
    #[serde(default)]
    pub state_octets_max: Option<u64>,
    /// MTs that it may send on a day (UTC); above, it hears quota-exceeded.
    #[serde(default)]
    pub messages_per_day: Option<u64>,
    /// When it is not called for a while, as too many of its calls failed: `{ failures = 50, calls = 20, open_secs = 30 }`,
    /// 50 percent of the last 20 and half a minute. `failures = 0`: never.
    #[serde(default)]
    pub breaker: breaker::Settings,
    /// What MOs are answered with while it is not called; they end with that. Without it they wait.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Attempts before an event is dead-lettered.
    #[serde(default = "default_attempts_max")]
    pub attempts_max: u32,
    /// Hours for which its calls are kept, with all that they saw, so that they can be run again; 0: none are.
    #[serde(default)]
    pub replay_hours: u32,
}

/// A week: what is kept has texts of devices in it.
pub const REPLAY_HOURS_MAX: u32 = 168;

impl Rule {
    /// `customer/name`: how logs and keys call it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.customer, self.name)
    }

    /// Of nobody, to see whether a component can be brought up at all.
    pub fn trial(deadline_ms: u32, memory_mib: u32) -> Rule {
        Rule { deadline_ms, memory_mib, ..Rule::usual() }
    }

    /// Of nobody, with every default.
    pub fn usual() -> Rule {
        let fields = serde_json::json!({ "customer": "", "name": "" });
        serde_json::from_value(fields).expect("all other fields have defaults")
    }

    /// Where its component is from, for people.
    pub fn source(&self) -> String {
        match (&self.component, &self.plugin) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(plugin)) => format!("plugin {plugin}"),
            (None, None) => "nowhere".to_owned(),
        }
    }
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
fn default_timers_max() -> u32 {
    32
}
fn default_http_calls_max() -> u16 {
    4
}
fn default_attempts_max() -> u32 {
    5
}

impl Rule {
    /// From which number it writes where no MO says which.
    pub fn sender(&self) -> Option<Address> {
        let sender = self.sender.as_ref().or(self.numbers.first())?;
        Address::parse(sender).ok()
    }
}

/// Without what its secrets are.
impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("customer", &self.customer)
            .field("name", &self.name)
            .field("component", &self.component)
            .field("numbers", &self.numbers)
            .field("keyword", &self.keyword)
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
