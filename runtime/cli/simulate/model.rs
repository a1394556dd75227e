//! What kind of devices a fleet has: [`Devices`] says what comes next, and hears what they are sent.

use std::time::{Duration, Instant};

use super::alarm::Panels;
use super::cold_chain::Trailers;
use super::fleet::Fleet;
use super::numbers::Numbers;

/// Each is the device of a ready-made rule in plugins/.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Model {
    #[default]
    WaterMeter,
    Alarm,
    ColdChain,
}

/// What a device sends next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    pub device: u32,
    pub text: String,
}

/// A fleet of devices. Pure and seeded: the same seed and the same instants give the same messages.
pub trait Devices: Send {
    fn numbers(&self) -> &Numbers;
    fn say(&mut self, now: Instant) -> Saying;
    /// A device receives an MT.
    fn hear(&mut self, device: u32, text: &str, now: Instant);
}

impl Model {
    /// `day` is how long one simulated day lasts.
    pub fn devices(self, numbers: Numbers, day: Duration, seed: u64, now: Instant) -> Box<dyn Devices> {
        match self {
            Model::WaterMeter => Box::new(Fleet::new(numbers, day, seed, now)),
            Model::Alarm => Box::new(Panels::new(numbers, day, seed, now)),
            Model::ColdChain => Box::new(Trailers::new(numbers, day, seed, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_says_the_same_for_the_same_seed() {
        let now = crate::clock::instant();
        for model in [Model::WaterMeter, Model::Alarm, Model::ColdChain] {
            let said = |seed| {
                let numbers = Numbers::new("+46700", 20).expect("a fleet may have 20 devices");
                let mut devices = model.devices(numbers, Duration::from_secs(20), seed, now);
                devices.hear(3, "AL1 ARM", now);
                devices.hear(3, "CC1 SET -20.0", now);
                (0..200).map(|n| devices.say(now + Duration::from_millis(100) * n)).collect::<Vec<_>>()
            };
            assert_eq!(said(1), said(1), "{model:?}");
            assert_ne!(said(1), said(2), "{model:?}");
            assert!(said(1).iter().all(|saying| saying.text.is_ascii() && saying.text.len() <= 160), "{model:?}");
        }
    }
}
