//! `[[account]]`, who binds to us, and `[[upstream]]`, whom we bind to.

use std::path::PathBuf;

use serde::Deserialize;

use super::Numbering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Carries devices: a mobile network, a SIM platform, a gateway, the simulator.
    Network,
    /// A customer's own software.
    Application,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Transmitter,
    Receiver,
    Transceiver,
}

/// The SMPP version that we ask an upstream for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum InterfaceVersion {
    /// It is sent no TLVs, whatever it answers.
    #[serde(rename = "3.3")]
    V3_3,
    #[default]
    #[serde(rename = "3.4")]
    V3_4,
    #[serde(rename = "5.0")]
    V5_0,
}

/// What data_coding 0 means for a peer (SMPP 3.4 §5.2.19 leaves it to the two).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultAlphabet {
    /// GSM 03.38, one septet per octet.
    #[default]
    Gsm,
    /// GSM 03.38, eight septets in seven octets.
    GsmPacked,
    #[serde(rename = "latin-1")]
    Latin1,
    Ascii,
    #[serde(rename = "utf-8")]
    Utf8,
}

/// How a message longer than one SMS leaves. Segments that came as such always leave as they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LongMessages {
    /// Parts with a user data header and an 8-bit reference.
    #[default]
    Udh8,
    /// The same with a 16-bit reference.
    Udh16,
    /// Parts with the sar_* TLVs.
    Sar,
    /// Whole, in message_payload.
    Payload,
}

/// How a peer writes message ids in its responses and in its receipts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdFormat {
    /// Any of the usual forms; found out per id.
    #[default]
    Auto,
    /// Responses in hexadecimal, receipts in decimal.
    Hex,
    /// The other way round.
    Decimal,
}

/// Optional parameters that travel through us to or from a peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayTlvs {
    #[default]
    All,
    /// Only those of the specification, no vendor's.
    Standard,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub system_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// In place of `password`: its Argon2 hash in PHC string format, "$argon2id$…".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    pub role: Role,
    /// For role "application": whose software this is.
    #[serde(default)]
    pub customer: Option<String>,
    /// For role "network": MTs to these prefixes go out here; the longest prefix wins.
    #[serde(default)]
    pub routes: Vec<String>,
    /// Among accounts and upstreams with the same prefix, those with the lowest number that are bound
    /// carry it.
    #[serde(default)]
    pub priority: u32,
    /// Share of the messages among those of equal priority.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// deliver_sm that may be outstanding on one bind.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Binds at once; one more gets ESME_RALYBND.
    #[serde(default = "default_binds_max")]
    pub binds_max: usize,
    /// What it may bind as; another mode gets ESME_RBINDFAIL.
    #[serde(default = "default_modes")]
    pub modes: Vec<Mode>,
    /// Messages that it may submit in a second, all binds together; above, ESME_RTHROTTLED. Default: any.
    #[serde(default)]
    pub messages_per_sec: Option<u32>,
    /// Messages that it may submit at once after a pause; default: one second's.
    #[serde(default)]
    pub burst: Option<u32>,
    /// A message that it submits again within this long, the same or with the same user_message_reference, gets
    /// the id of the first and is not sent twice; default: never.
    #[serde(default)]
    pub duplicate_window_secs: Option<u64>,
    /// Addresses that it may submit from, exact or prefixes ending in `*`; default: any that its customer
    /// may use.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Where it listens, such as "host:2775": while messages wait for it that no bind takes, we connect there and
    /// send outbind, and it binds on that connection; default: nowhere.
    #[serde(default)]
    pub outbind: Option<String>,
    /// By which it knows us in outbind.
    #[serde(default)]
    pub outbind_password: Option<String>,
    /// Where it may connect from, such as "10.0.0.0/8"; default: anywhere.
    #[serde(default)]
    pub allowed_networks: Vec<String>,
    /// Country code without `+`, put before numbers that come as national ones (TON 2, or TON 0 with the
    /// `national_prefix`).
    #[serde(default)]
    pub country_code: Option<String>,
    /// What is dialled before a national number; default: "0", "" where there is none.
    #[serde(default)]
    pub national_prefix: Option<String>,
    #[serde(default)]
    pub numbering: Numbering,
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// Default: "udh8", and "payload" with `join_segments`.
    #[serde(default)]
    pub long_messages: Option<LongMessages>,
    /// Segments that devices send are joined before this application gets them.
    #[serde(default)]
    pub join_segments: bool,
    #[serde(default)]
    pub relay_tlvs: RelayTlvs,
    /// It answers deliver_sm with a message_id and sends receipts for it later.
    #[serde(default)]
    pub sends_receipts: bool,
    #[serde(default)]
    pub id_format: IdFormat,
    /// National alphabets (3GPP TS 23.038 Annex A) that its devices read, such as ["turkish"].
    #[serde(default)]
    pub national_alphabets: Vec<String>,
    /// Letters that the GSM alphabet lacks leave as those nearest to them, where that saves UCS-2.
    #[serde(default)]
    pub transliterate: bool,
    /// Tag (0x1400 to 0x3FFF) of a vendor TLV in which each deliver_sm carries its message id, so that the
    /// peer can tell a repeat from a new message; default: none.
    #[serde(default)]
    pub message_id_tlv: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// What logs and commands call it; no account has the same name.
    pub name: String,
    pub host: String,
    pub port: u16,
    pub system_id: String,
    pub password: String,
    #[serde(default)]
    pub system_type: String,
    #[serde(default = "default_mode")]
    pub mode: Mode,
    #[serde(default)]
    pub interface_version: InterfaceVersion,
    /// Links that are kept up at once.
    #[serde(default = "default_binds")]
    pub binds: usize,
    /// MTs to these prefixes go out here; the longest prefix wins.
    #[serde(default)]
    pub routes: Vec<String>,
    #[serde(default)]
    pub priority: u32,
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// submit_sm that may be outstanding on one bind.
    #[serde(default = "default_upstream_window")]
    pub window: usize,
    /// submit_sm that we send in a second on one bind; default: as many as it takes.
    #[serde(default)]
    pub messages_per_sec: Option<u32>,
    /// With it, this SMSC may connect to `smpp.listen` and send outbind with our `system_id` there and this
    /// password; we then bind as receiver on that connection.
    #[serde(default)]
    pub outbind_password: Option<String>,
    #[serde(default)]
    pub country_code: Option<String>,
    #[serde(default)]
    pub national_prefix: Option<String>,
    #[serde(default)]
    pub numbering: Numbering,
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    #[serde(default)]
    pub long_messages: LongMessages,
    #[serde(default)]
    pub relay_tlvs: RelayTlvs,
    #[serde(default)]
    pub id_format: IdFormat,
    #[serde(default)]
    pub national_alphabets: Vec<String>,
    #[serde(default)]
    pub transliterate: bool,
    #[serde(default)]
    pub tls: Option<UpstreamTls>,
}

/// TLS towards an upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTls {
    /// Whose certificates we believe, PEM; default: those that this system believes.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The name in its certificate; default: `host`.
    #[serde(default)]
    pub server_name: Option<String>,
    /// Our certificate, where it asks for one, PEM.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    #[serde(default)]
    pub key: Option<PathBuf>,
}

fn default_weight() -> u32 {
    1
}
fn default_window() -> usize {
    256
}
fn default_binds_max() -> usize {
    1_024
}
fn default_modes() -> Vec<Mode> {
    vec![Mode::Transmitter, Mode::Receiver, Mode::Transceiver]
}
fn default_mode() -> Mode {
    Mode::Transceiver
}
fn default_binds() -> usize {
    1
}
/// What most centres allow unless agreed otherwise.
fn default_upstream_window() -> usize {
    10
}
