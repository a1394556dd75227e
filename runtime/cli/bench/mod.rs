//! `wasmsc bench`: messages per second, latency and cost of a server that it starts itself.
//!
//! Each row of the table is a fresh server process on a fresh data directory, and the load generator of
//! [`crate::cli::simulate`] in this process. `cargo xtask bench` builds both and calls it.

mod endurance;
mod measure;
mod procfs;
mod scenario;
mod server;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

use self::endurance::Endurance;
use self::measure::Until;
use self::scenario::{Breadth, Variant};
use self::server::{Extras, Setup};

const WARM_UP: Duration = Duration::from_secs(1);
const SECONDS_DEFAULT: u64 = 5;
const SECONDS_QUICK: u64 = 2;

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The water-meter rule, a component
    #[arg(long)]
    pub rule: PathBuf,
    /// Fewer rows, measured for 2 s each
    #[arg(long)]
    pub quick: bool,
    /// Measure each row for so many messages instead of seconds
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: Option<u64>,
    /// Measure each row for so long
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: Option<u64>,
    /// Only rows whose name contains this, such as wasm/synced, 4x64 or @1000
    #[arg(long)]
    pub scenario: Option<String>,
    /// Instead of the table: send so many messages and watch the server's memory; or "binds", "churn" (for
    /// --seconds, 600), "backlog" (of --messages, 1000000) "api" (twice for --seconds, 10), "switch" (likewise, 20),
    /// "residents" (of --plugins; likewise, 20) or "calls" (of --plugins)
    #[arg(long, value_name = "MESSAGES|NAME")]
    pub endurance: Option<Endurance>,
    /// Meters that take turns
    #[arg(long, default_value_t = 10_000)]
    pub devices: u32,
    /// Plugins that are resident at once
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub plugins: u32,
    /// Where the servers keep their data; the system's temporary directory, which should be on a disk
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// Exit code 0 when every row was measured and every message of it answered.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    // The links share one thread, as the load generator may not take the core that the server needs.
    let measured = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("the async runtime cannot start")?.block_on(until_interrupted(&args))
    });
    Ok(if measured.await?? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ctrl-C drops what runs, which ends the server and removes its folder.
async fn until_interrupted(args: &Args) -> anyhow::Result<bool> {
    tokio::select! {
        result = bench(args) => result,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn bench(args: &Args) -> anyhow::Result<bool> {
    let setup = |variant: Variant, window: usize| Setup {
        rule: args.rule.clone(),
        folder: args.folder.clone().unwrap_or_else(std::env::temp_dir),
        variant,
        window,
        extras: Extras::default(),
    };
    println!("{}", procfs::machine());
    if let Some(endurance) = args.endurance {
        return endurance::run(endurance, setup(Variant::Full, 64), args).await;
    }
    let breadth = if args.quick { Breadth::Quick } else { Breadth::All };
    let scenarios = scenario::scenarios(breadth, args.scenario.as_deref());
    if scenarios.is_empty() {
        bail!("no row's name contains {:?}", args.scenario.as_deref().unwrap_or_default());
    }
    let seconds = args.seconds.unwrap_or(if args.quick { SECONDS_QUICK } else { SECONDS_DEFAULT });
    let until = args.messages.map_or(Until::Elapsed(Duration::from_secs(seconds)), Until::Answers);
    println!(
        "MO -> durable -> rule -> durable -> MT acknowledged; window: submit_sm and deliver_sm outstanding on a bind\n"
    );
    println!("{}", table::HEAD);
    let mut rows = Vec::new();
    for scenario in scenarios {
        let setup = setup(scenario.variant, scenario.window);
        let measured = measure::measure(&setup, &scenario, args.devices, WARM_UP, until)
            .await
            .with_context(|| format!("row {}", scenario.name()))?;
        println!("{}", table::line(&scenario, &measured));
        rows.push((scenario, measured));
    }
    println!();
    for line in table::verdict(&rows) {
        println!("{line}");
    }
    Ok(rows.iter().all(|(_, measured)| measured.unanswered == 0 && measured.refused == 0))
}
