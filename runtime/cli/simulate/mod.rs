//! `wasmsc simulate`: a fleet of simulated devices behind one network account.
//!
//! A real SMPP client towards a running server: devices send MOs, obey the MTs they get, and a summary says
//! how it went. [`fleet`] and [`load`] decide what is said, [`client`] carries it. The bench and the
//! kill test use the same parts.

mod alarm;
pub mod client;
#[cfg(test)]
mod client_tests;
mod cold_chain;
pub mod conversation;
pub mod fleet;
pub mod histogram;
pub mod load;
pub mod meter;
pub mod model;
pub mod numbers;
pub mod report;
mod retry;
pub mod rng;
pub mod span;
pub mod tally;
pub mod traffic;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use self::client::{ClientError, LinkConfig};
use self::conversation::{Conversation, Transcript};
use self::load::Load;
use self::model::Model;
use self::numbers::Numbers;
use self::report::{Expect, Report};
use self::span::Span;
use self::traffic::Traffic;
use crate::clock;

/// Without `--duration` or `--messages`.
const DURATION_DEFAULT: Duration = Duration::from_secs(20);
/// One day of the meters when no duration says otherwise: short enough to see the evening.
const DAY_DEFAULT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The server, as host:port
    #[arg(long, default_value = "127.0.0.1:2775")]
    pub connect: String,
    /// Network account of the server's config
    #[arg(long, default_value = "sim")]
    pub system_id: String,
    #[arg(long, default_value = "secret", hide_default_value = true)]
    pub password: String,
    /// What kind of devices they are
    #[arg(long, value_enum, default_value_t)]
    pub model: Model,
    /// Where the devices send their messages
    #[arg(long, default_value = "7001")]
    pub number: String,
    /// How many devices there are
    #[arg(long, default_value_t = 20)]
    pub meters: u32,
    /// Numbers of the devices begin with this; six digits follow
    #[arg(long, default_value = "+46700")]
    pub prefix: String,
    /// Messages per second of all devices together; 0 = as fast as the window allows
    #[arg(long, default_value_t = 5.0, value_parser = parse_rate)]
    pub rate: f64,
    /// How long to send, such as 500ms, 20s, 5m or 1h; 20s unless --messages is given
    #[arg(long, value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Stop after so many messages
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: Option<u64>,
    /// How long one day of the devices lasts; the duration, or 60s
    #[arg(long, value_parser = parse_duration)]
    pub day: Option<Duration>,
    /// The same seed gives the same fleet
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Binds at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub binds: u16,
    /// submit_sm outstanding on each bind
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub window: u16,
    /// Print one line per MO and MT
    #[arg(long)]
    pub conversation: bool,
    /// Only well-formed reports; each must be answered by an MT before its meter speaks again
    #[arg(long, conflicts_with = "conversation")]
    pub load: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the fleet and prints the summary. Exit code 0 when every MO was acknowledged, and with `--load`
/// also answered.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let report = simulate(&args).await?;
    if args.json {
        println!("{}", report.to_json());
    } else {
        println!("{}{report}", if args.conversation { "\n" } else { "" });
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The run without the printing, for tests.
pub async fn simulate(args: &Args) -> anyhow::Result<Report> {
    let numbers = Numbers::new(&args.prefix, args.meters)?;
    let now = clock::instant();
    let duration = match (args.duration, args.messages) {
        (None, None) => Some(DURATION_DEFAULT),
        (duration, _) => duration,
    };
    let span = Span::new(duration.map(|duration| now + duration), args.messages);
    let links = usize::from(args.binds);
    if args.load {
        anyhow::ensure!(args.model == Model::WaterMeter, "--load sends reports of water meters; leave --model out");
        let load = Load::new(numbers, &args.number, links, args.rate, span, now);
        return drive(args, load, Expect::Answered, now).await;
    }
    let day = args.day.or(duration).unwrap_or(DAY_DEFAULT);
    let fleet = args.model.devices(numbers, day, args.seed, now);
    let transcript: Transcript = if args.conversation { Some(Box::new(std::io::stdout())) } else { None };
    let conversation =
        Conversation::new(fleet, &args.number, links, args.rate, span, now, clock::now()).with_transcript(transcript);
    drive(args, conversation, Expect::Acknowledged, now).await
}

async fn drive<T: Traffic>(args: &Args, traffic: T, expect: Expect, started: Instant) -> anyhow::Result<Report> {
    let config = LinkConfig {
        connect: args.connect.clone(),
        system_id: args.system_id.clone(),
        password: args.password.clone(),
        window: usize::from(args.window),
    };
    let traffic = Arc::new(Mutex::new(traffic));
    let mut links = start_links(config, usize::from(args.binds), &traffic);
    let mut errors = Vec::new();
    let mut is_interrupted = false;
    loop {
        tokio::select! {
            ended = links.join_next() => match ended {
                None => break,
                Some(ended) => {
                    if let Err(error) = ended? {
                        // One link that cannot go on ends the run: the rest would only wait for it.
                        traffic.lock().end(clock::instant());
                        errors.push(error.to_string());
                    }
                }
            },
            pressed = tokio::signal::ctrl_c(), if !is_interrupted => {
                pressed?;
                is_interrupted = true;
                traffic.lock().end(clock::instant());
            }
        }
    }
    errors.dedup();
    let mut traffic = traffic.lock();
    let tally = traffic.tally();
    let ended = tally.acknowledged_at.unwrap_or_else(clock::instant);
    Ok(Report::new(tally, ended.saturating_duration_since(started), expect, errors))
}

/// One task per bind; each ends when the traffic is finished or its link cannot go on.
pub fn start_links<T: Traffic>(
    config: LinkConfig,
    links: usize,
    traffic: &Arc<Mutex<T>>,
) -> JoinSet<Result<(), ClientError>> {
    let config = Arc::new(config);
    let mut tasks = JoinSet::new();
    for index in 0..links {
        tasks.spawn(client::run(Arc::clone(&config), index, Arc::clone(traffic)));
    }
    tasks
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err("a rate is 0 or more".to_owned()) }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(unit_at);
    let amount: f64 = amount.parse().map_err(|_| format!("{text:?} is not a duration such as 20s"))?;
    let secs = match unit {
        "ms" => amount / 1_000.0,
        "s" => amount,
        "m" => amount * 60.0,
        "h" => amount * 3_600.0,
        _ => return Err(format!("{text:?} needs a unit: ms, s, m or h")),
    };
    Duration::try_from_secs_f64(secs).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "20", "s", "-3s", "3 weeks"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn rates_are_finite_and_not_negative() {
        assert_eq!(parse_rate("0.5"), Ok(0.5));
        for text in ["-1", "inf", "NaN", "many"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
