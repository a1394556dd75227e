//! `[[customer]]`: a tenant, its numbers and devices, and how much it may have waiting.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Claim;
use crate::firewall::Policy;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    pub id: String,
    /// Short codes and long numbers that belong to it.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// First words of MOs to shared numbers that are its, see `shared_number`.
    #[serde(default)]
    pub keywords: Vec<Claim>,
    /// Names that its MTs may come from beside its numbers, such as "ACME".
    #[serde(default)]
    pub senders: Vec<String>,
    /// Exact addresses, or prefixes ending in `*`.
    #[serde(default)]
    pub devices: Vec<String>,
    /// MOs that may wait for its rules; above, senders get ESME_RMSGQFUL.
    #[serde(default = "default_queue_max")]
    pub queue_max: usize,
    /// Its share of the CPU time of rules, when more is wanted than there is: 200 gets twice as much as 100.
    #[serde(default = "default_cpu_weight")]
    pub cpu_weight: u32,
    /// CPU time that its rules may use together in a minute; above, their events wait for the next one.
    #[serde(default)]
    pub cpu_ms_per_minute: Option<u32>,
    /// Octets of state that its rules may have together; above, they hear quota-exceeded.
    #[serde(default)]
    pub rule_state_octets: Option<u64>,
    /// MTs that its rules may send together on a day (UTC); above, they hear quota-exceeded.
    #[serde(default)]
    pub rule_messages_per_day: Option<u64>,
    /// How long a message is tried that names no validity_period.
    #[serde(default = "default_validity_secs")]
    pub validity_secs: u64,
    /// The longest validity_period; a longer one is cut to it.
    #[serde(default = "default_validity_max_secs")]
    pub validity_max_secs: u64,
    /// How long the parts of a long MO wait for each other.
    #[serde(default = "default_join_timeout_secs")]
    pub join_timeout_secs: u64,
    /// What becomes of a long MO of which a part is still missing then.
    #[serde(default)]
    pub incomplete: Incomplete,
    /// Who may message whom, see docs/FIREWALL.md: a table, or a text of JSON where a field is to be null.
    /// Without one, all defaults but `loops`: null.
    #[serde(default = "no_policy", deserialize_with = "policy")]
    pub policy: Policy,
    /// Days that what happened to its messages is kept at least, instead of `history.days`; needs `[history]`.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Its MOs wait for `GET /v1/inbox` as well; without a rule or an application, there only.
    #[serde(default)]
    pub inbox: bool,
    /// MOs that may wait there; above, senders get ESME_RMSGQFUL.
    #[serde(default = "default_inbox_max")]
    pub inbox_max: usize,
    /// After so many days one that nobody has picked up is gone.
    #[serde(default = "default_inbox_days")]
    pub inbox_days: u32,
}

fn default_cpu_weight() -> u32 {
    100
}

/// Devices and numbers of the customer message each other as fast as they like, and nobody else does.
fn no_policy() -> Policy {
    Policy { loops: None, ..Policy::default() }
}

/// TOML has no null, JSON has.
fn policy<'de, D: Deserializer<'de>>(from: D) -> Result<Policy, D::Error> {
    struct TableOrText;

    impl<'de> Visitor<'de> for TableOrText {
        type Value = Policy;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a policy, or its JSON as a text")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Policy, A::Error> {
            Policy::deserialize(MapAccessDeserializer::new(map))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Policy, E> {
            Policy::parse(text).map_err(E::custom)
        }
    }

    from.deserialize_any(TableOrText)
}

/// Fate of a long message that stayed incomplete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Incomplete {
    /// Its parts become dead letters.
    #[default]
    Discard,
    /// What is there goes on as one message.
    Deliver,
}

fn default_queue_max() -> usize {
    100_000
}
/// Three days, as networks do.
fn default_validity_secs() -> u64 {
    3 * 86_400
}
fn default_validity_max_secs() -> u64 {
    7 * 86_400
}
fn default_inbox_max() -> usize {
    100_000
}
fn default_inbox_days() -> u32 {
    7
}
/// Half an hour, as Kannel waits.
fn default_join_timeout_secs() -> u64 {
    1_800
}
