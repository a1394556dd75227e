//! A customer's policy as people and the REST API write it, and what differs for single devices and tags.
//!
//! Everything has a default, and all defaults together allow what a house without policies does: devices and
//! numbers of the same customer message each other, nobody else does. [`CompiledPolicy`] is what the firewall
//! asks.
//!
//! [`CompiledPolicy`]: super::CompiledPolicy

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::content::Pattern;
use super::lists::Lists;
use super::loops::LoopLimits;
use super::opt_out::OptOut;
use super::rates::Rate;

/// A closed set of words, each with its name in JSON.
macro_rules! words {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $type {
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// What may pass at all.
    Messaging {
        Off = "off",
        /// Between devices and applications (numbers), no P2P.
        A2pOnly = "a2p_only",
        /// Between devices, no A2P.
        P2pOnly = "p2p_only",
        Both = "both",
    }
}

words! {
    /// Whose devices a customer's numbers exchange messages with, and whose numbers its devices do.
    A2p {
        Off = "off",
        OwnOnly = "own_only",
        /// Those of other customers, and of nobody here.
        ForeignOnly = "foreign_only",
        Open = "open",
    }
}

words! {
    /// Whom a device exchanges messages with, other than applications.
    P2p {
        Off = "off",
        OwnOnly = "own_only",
        /// Those of other customers, and of nobody here.
        ForeignOnly = "foreign_only",
        /// Sends to any, receives from none.
        NoIncoming = "no_incoming",
        /// Receives from any, sends to none.
        NoOutgoing = "no_outgoing",
        Open = "open",
    }
}

/// What a customer allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    pub messaging: Messaging,
    pub a2p: A2p,
    pub p2p: P2p,
    /// Whom its devices and numbers receive from.
    pub sources: Lists,
    /// Whom its devices and numbers send to.
    pub destinations: Lists,
    /// Texts that contain one of these do not pass.
    pub content: Vec<Pattern>,
    pub opt_out: OptOut,
    pub rates: Rates,
    pub quotas: Quotas,
    /// None (`null`): automatons may answer each other for ever.
    pub loops: Option<LoopLimits>,
    /// What differs for devices with a tag. Of several that give the same field, the first listed decides.
    pub tags: Vec<TagOverride>,
    /// What differs for single devices; beats tags.
    pub devices: BTreeMap<String, Override>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            messaging: Messaging::Both,
            a2p: A2p::OwnOnly,
            p2p: P2p::Off,
            sources: Lists::default(),
            destinations: Lists::default(),
            content: Vec::new(),
            opt_out: OptOut::default(),
            rates: Rates::default(),
            quotas: Quotas::default(),
            loops: Some(LoopLimits::default()),
            tags: Vec::new(),
            devices: BTreeMap::new(),
        }
    }
}

/// Messages a minute. None (`null`): as many as come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// From one device to numbers.
    pub mo: Option<Rate>,
    /// From numbers to one device.
    pub mt: Option<Rate>,
    /// From one device to other devices.
    pub p2p: Option<Rate>,
    /// All of the customer's messages together.
    pub customer: Option<Rate>,
}

impl Default for Rates {
    /// A person types no faster than six messages a minute; a device that sends more to others is broken or abused.
    fn default() -> Rates {
        Rates { mo: None, mt: None, p2p: Some(Rate { per_minute: 6, burst: None }), customer: None }
    }
}

/// Messages a day, which begins at midnight UTC. None (`null`): as many as come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// To and from one device.
    pub device: Option<u32>,
    /// All of the customer's messages together.
    pub customer: Option<u32>,
}

/// What differs from the customer's policy: the fields that are given, and only those.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Override {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging: Option<Messaging>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a2p: Option<A2p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p2p: Option<P2p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Lists>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destinations: Option<Lists>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<Pattern>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<OptOut>,
    #[serde(skip_serializing_if = "RatesOverride::is_empty")]
    pub rates: RatesOverride,
    #[serde(skip_serializing_if = "QuotasOverride::is_empty")]
    pub quotas: QuotasOverride,
    /// `null`: no loop protection.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub loops: Option<Option<LoopLimits>>,
}

/// A rate that is absent is the customer's; `null` is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesOverride {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub mo: Option<Option<Rate>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub mt: Option<Option<Rate>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub p2p: Option<Option<Rate>>,
}

impl RatesOverride {
    fn is_empty(&self) -> bool {
        *self == RatesOverride::default()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotasOverride {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub device: Option<Option<u32>>,
}

impl QuotasOverride {
    fn is_empty(&self) -> bool {
        *self == QuotasOverride::default()
    }
}

/// Devices with this tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagOverride {
    pub tag: String,
    pub set: Override,
}

/// Tells a field that is `null` from one that is not there.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
