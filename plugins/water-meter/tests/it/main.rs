//! The rule as a customer sees it: texts in, texts out, on the SDK's bench.

mod follow;
mod hostile;
mod owners;
mod publish;
mod settings;
mod valve;
mod warnings;

use wasmsc_plugin::Failure;
use wasmsc_plugin::testing::Bench;
use water_meter::WaterMeter;

pub const METER: &str = "+46701234567";
pub const OWNER: &str = "+46731234567";
pub const OPERATOR: &str = "+46709999999";
const SERVICE: &str = "7001";

/// One service with the rule installed.
pub struct Town(pub Bench);

impl Town {
    /// It is midnight, and a day starts.
    pub fn new(config: &[(&str, &str)]) -> Town {
        Town(config.iter().fold(Bench::new(), |bench, (key, value)| bench.with_config(key, value)))
    }

    pub fn try_send(&mut self, from: &str, text: &str) -> Result<(), Failure> {
        self.0.receive::<WaterMeter>(from, SERVICE, text)
    }

    /// What a text leads to: each message as `(to, text)`.
    pub fn send(&mut self, from: &str, text: &str) -> Vec<(String, String)> {
        self.try_send(from, text).expect("accepted");
        let texts: Vec<String> = self.0.sent_texts().into_iter().map(str::to_owned).collect();
        self.0.take_sent().into_iter().map(|sent| sent.to).zip(texts).collect()
    }

    /// A report of the meter, and what the meter alone is answered.
    pub fn report(&mut self, volume: &str, flow: &str, valve: &str) -> Vec<String> {
        self.report_with(&format!("V={volume} F={flow} B=3.61 S={valve}"))
    }

    pub fn report_with(&mut self, fields: &str) -> Vec<String> {
        let sent = self.send(METER, &format!("WM1 {fields}"));
        assert!(sent.iter().all(|(to, _)| to == METER), "{sent:?}");
        sent.into_iter().map(|(_, text)| text).collect()
    }

    pub fn status(&mut self) -> String {
        let mut sent = self.send(METER, "STATUS");
        assert_eq!(sent.len(), 1);
        sent.remove(0).1
    }

    pub fn pass_minutes(&mut self, minutes: u64) {
        self.0.advance_ms(minutes * 60_000);
    }
}

#[test]
fn the_cases_hold() {
    wasmsc_plugin::testing::cases::check::<WaterMeter>("cases");
}

/// Nothing was sent.
pub const QUIET: [String; 0] = [];
