//! `[webhooks]`: where customers' webhooks may lead. Without the table, to public addresses over https.

use serde::Deserialize;

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Also over http: whoever is on the way reads texts.
    pub allow_http: bool,
    /// Also to addresses of private networks and of this machine: customers reach what only we should.
    pub allow_private: bool,
}
