//! `[smpp]`: where peers bind to us, and what keeps one of them from hurting the others.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smpp {
    /// Address and port; port 0 takes a free one, printed at start.
    pub listen: SocketAddr,
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
    /// A bind on which no message moved for this long is unbound (SMPP 3.4 §7.2); default: never.
    #[serde(default)]
    pub inactivity_timeout_secs: Option<u64>,
    /// Connections at once, all peers together.
    #[serde(default = "default_max_links")]
    pub max_links: usize,
    /// Connections at once from one IP address.
    #[serde(default = "default_max_links_per_ip")]
    pub max_links_per_ip: usize,
    /// A second port, for TLS.
    #[serde(default)]
    pub tls: Option<Tls>,
    #[serde(default)]
    pub ban: Ban,
}

/// `[smpp.tls]`: SMPP inside TLS 1.2 or 1.3. Files are read again when they change; links that are up stay up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub listen: SocketAddr,
    /// Our certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// With it, peers must show a certificate that one of these has signed, PEM.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// `[smpp.ban]`: an IP address whose binds fail again and again waits, longer each time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ban {
    /// Failed binds in a row after which the address has to wait; 0 never bans.
    pub after_failures: u32,
    /// The first wait; it doubles with every further failure.
    pub first_secs: u64,
    /// The longest wait.
    pub longest_secs: u64,
}

impl Default for Ban {
    /// Ten wrong passwords are more than a typing mistake, and an hour ends the use of a word list.
    fn default() -> Ban {
        Ban { after_failures: 10, first_secs: 10, longest_secs: 3_600 }
    }
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
    4_096
}
fn default_max_links_per_ip() -> usize {
    2_048
}
