//! Integration tests: ONE binary. Real sockets on port 0, real files in temporary folders, no sleeps.

mod api;
mod backup;
mod cli;
mod cli_rules;
mod conformance;
mod console;
mod contract;
mod firewall;
mod hostile_peers;
mod hostile_rules;
mod kill;
mod log;
mod plugin_tools;
mod replay;
mod shared_numbers;
mod smsc;
mod support;
mod tidy;
