//! Whom messages come from and go to: an account that binds to us, or an upstream that we bind to.
//!
//! One type for both, since routing, delivery and translation treat them alike; only `link` asks which
//! of the two opens the connection.

use std::sync::Arc;

use ipnet::IpNet;
use wasmsc_smpp::receipt::IdFormat;
use wasmsc_smpp::segment::Style;
use wasmsc_smpp::text::{Alphabet, EncodeOptions, NationalTables};

use super::{Numbering, Password, QueueIndex};
use crate::bucket::Rate;
use crate::config::{self, DefaultAlphabet, LongMessages, Mode, RelayTlvs};
use crate::message::Address;

/// An account or upstream, as the config has it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// `system_id` of an account, `name` of an upstream: what logs, keys and commands call it.
    pub name: Arc<str>,
    /// For an account: what it must know to bind. None: we bind to it.
    pub login: Option<Login>,
    /// For an upstream: where it is and how we bind.
    pub upstream: Option<config::Upstream>,
    /// For an account: where to ask it to bind.
    pub outbind: Option<Outbind>,
    /// Whose software this is; None: it carries devices of any customer.
    pub customer: Option<Arc<str>>,
    /// Queues whose messages it takes.
    pub queues: Vec<QueueIndex>,
    /// For an account: the queue of what is for itself, its receipts and an application's MOs.
    pub own_queue: Option<QueueIndex>,
    pub priority: u32,
    pub weight: u32,
    /// Our requests that may be outstanding on one bind.
    pub window: usize,
    /// Messages that it may submit in a second, and at once; for an upstream: that we may.
    pub rate: Option<Rate>,
    pub duplicate_window_ms: Option<u64>,
    /// Addresses that it may submit from; empty: any that its customer may use.
    pub sources: AddressSet,
    pub numbering: Numbering,
    pub default_alphabet: Alphabet,
    pub long_messages: Style,
    pub join_segments: bool,
    pub relay_tlvs: RelayTlvs,
    /// Receipts come for what it took.
    pub sends_receipts: bool,
    /// Who gives the ids in its responses: receipts for them may come on any link to the same centre.
    pub centre: Arc<str>,
    pub id_format: IdFormat,
    pub encode: EncodeOptions,
    pub message_id_tlv: Option<u16>,
}

/// Under which conditions an account may bind.
#[derive(Clone, Debug)]
pub struct Login {
    pub password: Password,
    pub binds_max: usize,
    pub modes: Vec<Mode>,
    pub networks: Vec<IpNet>,
}

/// How to ask an account to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbind {
    /// Host and port.
    pub address: Box<str>,
    pub password: Box<str>,
}

/// Exact addresses and prefixes of numbers.
#[derive(Clone, Debug, Default)]
pub struct AddressSet {
    exact: std::collections::BTreeSet<Address>,
    /// Digits without `+`.
    prefixes: Vec<Box<str>>,
}

impl AddressSet {
    /// Entries are addresses as people write them; those that end in `*` are prefixes.
    pub fn new<'t>(entries: impl IntoIterator<Item = &'t String>) -> AddressSet {
        let (prefixes, exact): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.ends_with('*'));
        AddressSet {
            exact: exact.iter().filter_map(|entry| Address::parse(entry).ok()).collect(),
            prefixes: prefixes.iter().map(|prefix| prefix.trim_matches(['+', '*']).into()).collect(),
        }
    }

    pub fn contains(&self, address: &Address) -> bool {
        let by_prefix = || match address {
            Address::Msisdn(digits) => self.prefixes.iter().any(|prefix| digits.starts_with(&**prefix)),
            _ => false,
        };
        self.exact.contains(address) || by_prefix()
    }

    /// How closely an entry fits: digits of the longest prefix, more for the address itself; None: no entry does.
    pub fn closeness(&self, address: &Address) -> Option<usize> {
        if self.exact.contains(address) {
            return Some(usize::MAX);
        }
        let Address::Msisdn(digits) = address else { return None };
        self.prefixes.iter().filter(|prefix| digits.starts_with(&***prefix)).map(|prefix| prefix.len()).max()
    }

    pub fn exact(&self) -> impl Iterator<Item = &Address> {
        self.exact.iter()
    }

    /// Their digits.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.prefixes.iter().map(|prefix| &**prefix)
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }
}

/// The alphabets of these names (3GPP TS 23.038 §6.2.1.2.4), or the name that is none.
pub fn national_tables(names: &[String]) -> Result<NationalTables, String> {
    NationalTables::from_names(names.iter().map(String::as_str)).map_err(|unknown| unknown.name)
}

impl Peer {
    /// It may submit from any address that its customer, or the network, has, or only from some.
    pub fn may_send_from(&self, address: &Address) -> bool {
        self.sources.is_empty() || self.sources.contains(address)
    }

    /// It was taken out of the config: nobody binds as it, and nothing leaves for it. A link of it knows to end.
    pub fn is_gone(&self) -> bool {
        self.login.is_none() && self.upstream.is_none()
    }

    pub(super) fn gone(&self) -> Peer {
        let (login, upstream, outbind, own_queue) = (None, None, None, None);
        Peer { login, upstream, outbind, own_queue, queues: Vec::new(), ..self.clone() }
    }

    pub(super) fn account(from: &config::Account) -> Peer {
        let login = Login {
            password: Password::of(from),
            binds_max: from.binds_max,
            modes: from.modes.clone(),
            networks: from.allowed_networks.iter().filter_map(|network| network.parse().ok()).collect(),
        };
        // Who wants segments joined wants them whole.
        let whole = if from.join_segments { LongMessages::Payload } else { LongMessages::default() };
        Peer {
            name: from.system_id.as_str().into(),
            login: Some(login),
            upstream: None,
            outbind: from.outbind.as_deref().map(|address| Outbind {
                address: address.into(),
                password: from.outbind_password.as_deref().unwrap_or_default().into(),
            }),
            customer: from.customer.as_deref().map(Into::into),
            queues: Vec::new(),
            own_queue: None,
            priority: from.priority,
            weight: from.weight,
            window: from.window,
            rate: rate(from.messages_per_sec, from.burst),
            duplicate_window_ms: from.duplicate_window_secs.map(|secs| secs.saturating_mul(1_000)),
            sources: AddressSet::new(&from.sources),
            numbering: numbering(from.country_code.as_deref(), from.national_prefix.as_deref(), from.numbering),
            default_alphabet: alphabet(from.default_alphabet),
            long_messages: style(from.long_messages.unwrap_or(whole)),
            join_segments: from.join_segments,
            relay_tlvs: from.relay_tlvs,
            sends_receipts: from.sends_receipts,
            centre: from.system_id.as_str().into(),
            id_format: id_format(from.id_format),
            encode: encode_options(&from.national_alphabets, from.transliterate),
            message_id_tlv: from.message_id_tlv,
        }
    }

    pub(super) fn upstream(from: &config::Upstream) -> Peer {
        Peer {
            name: from.name.as_str().into(),
            login: None,
            upstream: Some(from.clone()),
            outbind: None,
            customer: None,
            queues: Vec::new(),
            own_queue: None,
            priority: from.priority,
            weight: from.weight,
            window: from.window,
            rate: rate(from.messages_per_sec, None),
            duplicate_window_ms: None,
            sources: AddressSet::default(),
            numbering: numbering(from.country_code.as_deref(), from.national_prefix.as_deref(), from.numbering),
            default_alphabet: alphabet(from.default_alphabet),
            long_messages: style(from.long_messages),
            join_segments: false,
            relay_tlvs: from.relay_tlvs,
            sends_receipts: true,
            centre: format!("{}@{}:{}", from.system_id, from.host, from.port).into(),
            id_format: id_format(from.id_format),
            encode: encode_options(&from.national_alphabets, from.transliterate),
            message_id_tlv: None,
        }
    }
}

fn numbering(country_code: Option<&str>, national_prefix: Option<&str>, written: config::Numbering) -> Numbering {
    Numbering::new(country_code, national_prefix.unwrap_or("0"), written)
}

fn rate(messages_per_sec: Option<u32>, burst: Option<u32>) -> Option<Rate> {
    messages_per_sec.map(|per_sec| Rate { per_sec, burst: burst.unwrap_or(per_sec) })
}

/// Texts that rules write leave in GSM 03.38 or UTF-16; a peer's own default alphabet is the matter of
/// `link::translate`.
fn encode_options(national: &[String], transliterate: bool) -> EncodeOptions {
    let national = national_tables(national).unwrap_or(NationalTables::NONE);
    EncodeOptions { national, transliterate, ..EncodeOptions::default() }
}

fn alphabet(from: DefaultAlphabet) -> Alphabet {
    match from {
        DefaultAlphabet::Gsm => Alphabet::Gsm,
        DefaultAlphabet::GsmPacked => Alphabet::GsmPacked,
        DefaultAlphabet::Latin1 => Alphabet::Latin1,
        DefaultAlphabet::Ascii => Alphabet::Ascii,
        DefaultAlphabet::Utf8 => Alphabet::Utf8,
    }
}

fn style(from: LongMessages) -> Style {
    match from {
        LongMessages::Udh8 => Style::Udh8,
        LongMessages::Udh16 => Style::Udh16,
        LongMessages::Sar => Style::Sar,
        LongMessages::Payload => Style::Payload,
    }
}

fn id_format(from: config::IdFormat) -> IdFormat {
    match from {
        config::IdFormat::Auto => IdFormat::Auto,
        config::IdFormat::Hex => IdFormat::Hex,
        config::IdFormat::Decimal => IdFormat::Decimal,
    }
}
