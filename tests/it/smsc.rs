//! What an SMSC does, over real sockets: a server in this process, applications and networks that bind to it,
//! and stand-ins for the centres that it binds to.
//!
//! Enemy-minded: late, early, repeated, reordered, out of form. That something does not come is shown by
//! what comes instead.

pub mod certificates;
mod device_status;
mod fields;
mod groups;
mod history;
mod limits;
mod long_mo;
mod long_mt;
mod multi_fields;
mod network_receipts;
mod numbering;
mod operations;
mod outgoing;
pub mod peer;
mod reachable;
mod receipt_ids;
mod receipts;
mod repeats;
mod replacing;
pub mod site;
mod text;
mod throttling;
mod times;
mod tls;
mod upstream;
mod upstream_share;
mod wire;
