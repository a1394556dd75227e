//! `wasmsc bench --endurance`: what many messages, many binds, rude peers and a long backlog leave behind.
//!
//! Each scenario is one server and one verdict; [`peer`] is a bind that does as it is told, for what
//! `simulate`'s well-behaved client would never do.

mod api;
mod backlog;
mod binds;
mod calls;
mod churn;
mod memory;
mod neighbour;
mod peer;
mod residents;
mod switch;
mod traffic;

use std::str::FromStr;
use std::time::Duration;

use anyhow::ensure;

use super::Args;
use super::server::{Server, Setup};
use crate::clock;

const API_SECONDS: u64 = 10;
const SWITCH_SECONDS: u64 = 20;
const RESIDENTS_SECONDS: u64 = 20;
const CHURN_SECONDS: u64 = 600;
/// Of each of its two phases.
const NEIGHBOUR_SECONDS: u64 = 20;
const BACKLOG_MESSAGES: u64 = 1_000_000;
/// The server may linger on a link after its peer is gone; see `LINGER` and `DRAIN` of `link::driver`.
const DESCRIPTORS_PATIENCE: Duration = Duration::from_secs(10);
/// How often something is looked at that nobody announces.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endurance {
    /// So many round trips, and the memory they leave behind.
    Memory(u64),
    Binds,
    Churn,
    Backlog,
    Api,
    Neighbour,
    Switch,
    Residents,
    Calls,
}

impl FromStr for Endurance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "binds" => Ok(Self::Binds),
            "churn" => Ok(Self::Churn),
            "backlog" => Ok(Self::Backlog),
            "api" => Ok(Self::Api),
            "neighbour" => Ok(Self::Neighbour),
            "switch" => Ok(Self::Switch),
            "residents" => Ok(Self::Residents),
            "calls" => Ok(Self::Calls),
            number => match number.parse() {
                Ok(messages) if messages > 0 => Ok(Self::Memory(messages)),
                _ => Err(format!(
                    "{number:?} is neither a number of messages nor binds, churn, backlog, api, neighbour, switch, residents or calls"
                )),
            },
        }
    }
}

/// True when the server stood it.
pub async fn run(endurance: Endurance, setup: Setup, args: &Args) -> anyhow::Result<bool> {
    match endurance {
        Endurance::Memory(messages) => memory::run(&setup, messages, args.devices).await,
        Endurance::Binds => binds::run(setup).await,
        Endurance::Churn => churn::run(setup, Duration::from_secs(args.seconds.unwrap_or(CHURN_SECONDS))).await,
        Endurance::Backlog => {
            let messages = args.messages.unwrap_or(BACKLOG_MESSAGES);
            // The number of a message is its device's, too, and a device's has six digits.
            ensure!(messages <= 1_000_000, "a backlog is of 1000000 messages at most");
            backlog::run(setup, messages as u32).await
        }
        Endurance::Switch => {
            switch::run(setup, args.devices, Duration::from_secs(args.seconds.unwrap_or(SWITCH_SECONDS))).await
        }
        Endurance::Residents => {
            let phase = Duration::from_secs(args.seconds.unwrap_or(RESIDENTS_SECONDS));
            residents::run(setup, args.plugins, args.devices, phase).await
        }
        Endurance::Calls => calls::run(&setup, args.plugins).await,
        Endurance::Api => api::run(setup, Duration::from_secs(args.seconds.unwrap_or(API_SECONDS))).await,
        Endurance::Neighbour => {
            neighbour::run(setup, Duration::from_secs(args.seconds.unwrap_or(NEIGHBOUR_SECONDS))).await
        }
    }
}

/// Waits until the server has no more descriptors than at its start, for a while. Yields how many it has.
async fn descriptors_back_at(server: &Server, start: usize) -> anyhow::Result<usize> {
    let until = clock::instant() + DESCRIPTORS_PATIENCE;
    loop {
        let descriptors = server.usage()?.descriptors;
        if descriptors <= start || clock::instant() >= until {
            return Ok(descriptors);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_have_names_and_a_number_means_memory() {
        assert_eq!("2000000".parse(), Ok(Endurance::Memory(2_000_000)));
        assert_eq!("churn".parse(), Ok(Endurance::Churn));
        for text in ["0", "", "-1", "sleep"] {
            assert!(text.parse::<Endurance>().is_err(), "{text}");
        }
    }
}
