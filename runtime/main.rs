//! Arguments, logging and exit codes; nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use wasmsc::cli::{self, failure::exit};
use wasmsc::config::{Config, Kind};

/// A message is allocated by one thread and freed by another, which glibc's arenas make them wait for each other for
/// (docs/PERFORMANCE.md has the numbers).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// An SMSC whose message logic is WebAssembly.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server. Prints `ready smpp=<address>`, and further ports as ` smpp_tls=` and ` api=`, when it serves; SIGTERM or Ctrl-C ends it in order.
    ///
    /// Logs go to stderr; RUST_LOG sets what is shown, such as RUST_LOG=warn,rule=debug.
    ///
    /// Exit codes: 0 ended in order, 1 could not start or had to stop, 2 wrong arguments.
    ///
    /// Example: wasmsc serve --config /etc/wasmsc/wasmsc.toml
    Serve {
        /// The config file; paths in it are relative to it.
        #[arg(long, default_value = "wasmsc.toml")]
        config: PathBuf,
        /// How log lines are written.
        #[arg(long, value_enum, default_value_t, env = "WASMSC_LOG_FORMAT")]
        log_format: LogFormat,
    },
    /// Plays a fleet of water meters behind one network account, as a real SMPP client.
    ///
    /// Example: wasmsc simulate --connect 127.0.0.1:2775 --meters 100 --rate 20 --duration 1m
    Simulate(cli::simulate::Args),
    Messages(cli::messages::Args),
    Send(cli::send::Args),
    Message(cli::message::Args),
    Links(cli::links::Args),
    Numbers(cli::numbers::Args),
    Policy(cli::policy::Args),
    Keys(cli::keys::Args),
    Events(cli::events::Args),
    Webhooks(cli::webhooks::Args),
    Devices(cli::devices::Args),
    Campaign(cli::campaign::Args),
    Dead(cli::dead::Args),
    Usage(cli::usage::Args),
    /// Lists, shows and deletes customers, declared in the config file or made since; `wasmsc apply` makes and changes them.
    ///
    /// Example: wasmsc customers list --token-file data/operator-token
    Customers(cli::objects::Args),
    /// Lists, shows and deletes accounts, who bind to the server; `wasmsc apply` makes and changes them.
    ///
    /// Example: wasmsc accounts show meters --token-file data/operator-token
    Accounts(cli::objects::Args),
    /// Lists, shows and deletes upstreams, which the server binds to; `wasmsc apply` makes and changes them.
    ///
    /// Example: wasmsc upstreams delete carrier --token-file data/operator-token
    Upstreams(cli::objects::Args),
    SharedNumbers(cli::objects::SharedArgs),
    Rule(cli::rule::Args),
    Apply(cli::apply::Args),
    Status(cli::status::Args),
    Chat(cli::chat::Args),
    Plugin(cli::plugin::Args),
    Doctor(cli::doctor::Args),
    Backup(cli::backup::Args),
    Restore(cli::restore::Args),
    Completions(cli::completions::Args),
    /// Measures messages per second, latency and cost of a server that it starts itself.
    #[cfg(feature = "bench")]
    Bench(cli::bench::Args),
}

/// For people, or a JSON object each, for what collects logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Command {
    fn log_format(&self) -> LogFormat {
        match self {
            Command::Serve { log_format, .. } => *log_format,
            _ => LogFormat::Text,
        }
    }

    /// What is logged without RUST_LOG.
    fn log_filter(&self) -> &'static str {
        match self {
            // They show themselves what a rule logs.
            Command::Plugin(_) => "warn,rule=off",
            _ => "info",
        }
    }
}

fn main() -> ExitCode {
    // Before there is anything that a compilation does not need, such as threads.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == wasmsc::plugin::compile::COMMAND) {
        return wasmsc::plugin::compile::run(&words.collect::<Vec<_>>());
    }
    raise_descriptor_limit();
    let arguments = Arguments::parse();
    log(arguments.command.log_format(), arguments.command.log_filter());
    match execute(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("wasmsc: {error}"); // our errors name their cause themselves
            ExitCode::FAILURE
        }
    }
}

fn log(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// A connection is a descriptor, and the usual soft limit of 1,024 is below `smpp.max_links`.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("the async runtime cannot start")?;
    match command {
        Command::Serve { config, .. } => {
            let config = Config::load(&config)?;
            runtime.block_on(serve(config)).map(|()| ExitCode::SUCCESS)
        }
        Command::Simulate(arguments) => runtime.block_on(cli::simulate::run(arguments)),
        Command::Messages(arguments) => Ok(exit(runtime.block_on(cli::messages::run(&arguments)))),
        Command::Send(arguments) => Ok(exit(runtime.block_on(cli::send::run(&arguments)))),
        Command::Message(arguments) => Ok(exit(runtime.block_on(cli::message::run(&arguments)))),
        Command::Numbers(arguments) => Ok(exit(runtime.block_on(cli::numbers::run(&arguments)))),
        Command::Policy(arguments) => Ok(exit(runtime.block_on(cli::policy::run(&arguments)))),
        Command::Links(arguments) => Ok(exit(runtime.block_on(cli::links::run(&arguments)))),
        Command::Events(arguments) => Ok(exit(runtime.block_on(cli::events::run(&arguments)))),
        Command::Webhooks(arguments) => Ok(exit(runtime.block_on(cli::webhooks::run(&arguments)))),
        Command::Keys(arguments) => Ok(exit(runtime.block_on(cli::keys::run(&arguments)))),
        Command::Devices(arguments) => Ok(exit(runtime.block_on(cli::devices::run(&arguments)))),
        Command::Campaign(arguments) => Ok(exit(runtime.block_on(cli::campaign::run(&arguments)))),
        Command::Dead(arguments) => Ok(exit(runtime.block_on(cli::dead::run(&arguments)))),
        Command::Usage(arguments) => Ok(exit(runtime.block_on(cli::usage::run(&arguments)))),
        Command::Customers(arguments) => Ok(exit(runtime.block_on(cli::objects::run(Kind::Customer, &arguments)))),
        Command::Accounts(arguments) => Ok(exit(runtime.block_on(cli::objects::run(Kind::Account, &arguments)))),
        Command::Upstreams(arguments) => Ok(exit(runtime.block_on(cli::objects::run(Kind::Upstream, &arguments)))),
        Command::Rule(arguments) => Ok(exit(runtime.block_on(cli::rule::run(&arguments)))),
        Command::SharedNumbers(arguments) => Ok(exit(runtime.block_on(cli::objects::run_shared(&arguments)))),
        Command::Apply(arguments) => Ok(exit(runtime.block_on(cli::apply::run(&arguments)))),
        Command::Status(arguments) => Ok(exit(runtime.block_on(cli::status::run(&arguments)))),
        Command::Chat(arguments) => Ok(exit(runtime.block_on(cli::chat::run(&arguments)))),
        Command::Plugin(arguments) => Ok(runtime.block_on(cli::plugin::run(&arguments))),
        Command::Doctor(arguments) => Ok(runtime.block_on(cli::doctor::run(&arguments))),
        Command::Backup(arguments) => Ok(exit(runtime.block_on(cli::backup::run(&arguments)))),
        Command::Restore(arguments) => Ok(exit(cli::restore::run(&arguments))),
        Command::Completions(arguments) => {
            cli::completions::run(&arguments, Arguments::command());
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "bench")]
        Command::Bench(arguments) => runtime.block_on(cli::bench::run(arguments)),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // Before anybody can know that we serve, and tell us to end.
    let shutdown = terminated()?;
    let ready = |server: &wasmsc::Server| {
        tracing::info!(smpp = %server.smpp, "serving");
        let named = |name: &str, address: Option<SocketAddr>| {
            address.map(|address| format!(" {name}={address}")).unwrap_or_default()
        };
        // Not in the log, which goes to places where secrets must not be.
        let token = server.operator_token.as_ref().map(|token| format!("\noperator_token={token}"));
        println!(
            "ready smpp={}{}{}{}",
            server.smpp,
            named("smpp_tls", server.smpp_tls),
            named("api", server.api),
            token.unwrap_or_default()
        );
    };
    wasmsc::run(config, ready, shutdown).await?;
    tracing::info!("closed in order");
    Ok(())
}

/// Ready at SIGTERM or Ctrl-C, which are caught from now on.
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
