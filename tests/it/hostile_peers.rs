//! Peers that are broken, slow, dead or malicious get the right `command_status` or a closed link, and
//! nobody else notices: beside each of them a pair of good peers has its messages carried all the time.
//!
//! Octets are made by hand here, so that a test can send what our own codec never would.

mod binding;
mod framing;
mod house;
mod neighbours;
mod peer;
mod pressure;
mod redelivery;
mod silence;
