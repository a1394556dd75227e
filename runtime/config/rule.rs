//! `[[rule]]`: which plugin answers which MOs, and what it may use up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub customer: String,
    pub name: String,
    pub component: PathBuf,
    /// Numbers whose MOs run this rule: the customer's, or those that it shares.
    pub numbers: Vec<String>,
    /// Only MOs whose first word is this, in any case and whatever punctuation is behind it. A rule with the right keyword goes before one without.
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
