//! `[api]`: where the REST API is served, and how much a client may ask of it. Without the table there is none.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port, and no other; port 0 takes a free one, printed at start.
    pub listen: SocketAddr,
    /// With it, the port speaks HTTPS only.
    #[serde(default)]
    pub tls: Option<ApiTls>,
    /// The longest body of a request; a longer one gets 413.
    #[serde(default = "default_body_max_octets")]
    pub body_max_octets: usize,
    /// Where `POST /v1/backup` makes backups, a folder each; without it there are none.
    #[serde(default)]
    pub backup_dir: Option<PathBuf>,
    /// Requests of one customer in a second, with all its keys together; more get 429. The operator has no limit.
    #[serde(default = "default_requests_per_sec")]
    pub requests_per_sec: u32,
    /// `GET /v1/events` that a customer may have open at once; one more gets 429.
    #[serde(default = "default_event_streams_max")]
    pub event_streams_max: usize,
    /// The web console at `/console/`, on the same address.
    #[serde(default = "default_console")]
    pub console: bool,
    /// Whether the operator's token sees what customers' messages say. Masked, it can reveal one at a time, and the audit has it.
    #[serde(default)]
    pub operator_texts: OperatorTexts,
    /// Connections at once; more are closed as they come.
    #[serde(default = "default_connections_max")]
    pub connections_max: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorTexts {
    #[default]
    Masked,
    Shown,
}

/// `[api.tls]`: TLS 1.2 or 1.3. Files are read again when they change; connections that are up stay up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiTls {
    /// Our certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Room for any message, and for components of rules of a usual size.
fn default_body_max_octets() -> usize {
    4 << 20
}
/// More than people and most software ever ask for; who sends thousands in a second is given more.
fn default_requests_per_sec() -> u32 {
    1_000
}
/// Some for each of its programs; each is a connection, too.
fn default_event_streams_max() -> usize {
    8
}
fn default_console() -> bool {
    true
}
/// Each may hold a body of `body_max_octets`.
fn default_connections_max() -> usize {
    1_024
}
