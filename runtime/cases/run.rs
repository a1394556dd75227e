//! Runs cases in the host that production uses: a fresh instance for each event, with the limits of the rule.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, Given, Handler, Trigger};
use super::compare::{Difference, compare};
use super::events;
use super::got::{Got, Outcome};
use super::house::House;
use super::ran::{Ran, Step};
use super::world::{What, World};
use crate::clock;
use crate::plugin::{EngineError, LoadError, LoadedRule, PluginHost};

/// Why a component cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Load(#[from] LoadError),
    /// `[given]` makes no sense together.
    #[error("{0}")]
    Given(String),
}

/// A component that is compiled, and tried with whatever is given.
pub struct Trial {
    host: PluginHost,
    rule: LoadedRule,
}

/// A component as one case has it: with its config and limits.
pub struct Stage {
    pub(super) house: House,
    pub(super) rule: LoadedRule,
}

impl Trial {
    pub async fn load(component: &Path) -> Result<Trial, TrialError> {
        let host = PluginHost::new(1)?;
        let house = House::new(&Given::default(), &Default::default(), component).map_err(TrialError::Given)?;
        let rule = host.load(&house.rule, house.directory.clone()).await?;
        Ok(Trial { host, rule })
    }

    /// What it exports, of all that would be called.
    pub fn handlers(&self) -> Vec<Handler> {
        events::handlers(&self.rule)
    }

    pub fn stage(&self, given: &Given, numbers: &[crate::message::Address]) -> Result<Stage, TrialError> {
        let numbers = numbers.iter().cloned().collect();
        self.staged(House::new(given, &numbers, Path::new("trial.wasm")))
    }

    fn staged(&self, house: Result<House, String>) -> Result<Stage, TrialError> {
        let house = house.map_err(TrialError::Given)?;
        let rule = self.rule.with(&house.rule, house.directory.clone());
        Ok(Stage { house, rule })
    }

    /// Runs one case to its end, or to an event that cannot happen.
    pub async fn run(&self, case: Case) -> Ran {
        let started = clock::instant();
        let mut steps = Vec::with_capacity(case.events.len());
        match self.staged(House::of_case(&case, Path::new("trial.wasm"))) {
            Err(error) => steps.push(impossible(1, error.to_string())),
            Ok(stage) => {
                let mut world = World::new(&case.given);
                for event in &case.events {
                    match self.event(&stage, &mut world, &event.trigger, event.after_ms, &case.given).await {
                        Ok((handler, got)) => {
                            let differences = compare(event, &got);
                            steps.push(Step { line: event.line, call: Some((handler, got)), differences });
                        }
                        Err(why) => {
                            steps.push(impossible(event.line, why));
                            break;
                        }
                    }
                }
            }
        }
        Ran { case, steps, took: started.elapsed() }
    }

    /// One event: time passes, the rule is called, and what it did is kept where it is done.
    pub async fn event(
        &self,
        stage: &Stage,
        world: &mut World,
        trigger: &Trigger,
        after_ms: u64,
        given: &Given,
    ) -> Result<(Handler, Got), String> {
        let call = world.call(trigger, after_ms, given)?;
        let handler = handler(&call.what);
        if !self.handlers().contains(&handler) {
            let name = handler.name();
            return Err(format!("the component exports no {name}, so that nothing would be called"));
        }
        let (invocation, lines) = events::invocation(stage, world, &call, given);
        let started = clock::instant();
        let outcome = self.host.call(&stage.rule, invocation).await;
        let took = started.elapsed();
        let log = std::mem::take(&mut *lines.0.lock());
        let mut got = Got { log, took, state: world.state.clone(), shared: world.shared.clone(), ..Got::default() };
        events::take(outcome, &call, world, &mut got);
        world.commit(&call, &got);
        Ok((handler, got))
    }

    /// How long a fresh instance and a call take, each of `count` times, sorted.
    pub async fn time_calls(&self, count: usize) -> Result<Vec<Duration>, TrialError> {
        let given = Given::default();
        let stage = self.stage(&given, &[])?;
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let mut world = World::new(&given);
            let trigger = events::first_trigger(&self.handlers());
            if let Ok((_, got)) = self.event(&stage, &mut world, &trigger, 0, &given).await {
                times.push(got.took);
            }
        }
        times.sort_unstable();
        Ok(times)
    }
}

fn impossible(line: usize, what: String) -> Step {
    let difference = Difference { line, what, expected: String::new(), got: String::new() };
    Step { line, call: None, differences: vec![difference] }
}

fn handler(what: &What) -> Handler {
    match what {
        What::Mo { .. } => Handler::Mo,
        What::Timer { .. } => Handler::Timer,
        What::Receipt { .. } => Handler::Receipt,
        What::HttpReply { .. } => Handler::Http,
        What::Request { .. } => Handler::Request,
        What::Check => Handler::Check,
    }
}

/// The same in every run, so that what follows from random octets can be expected.
pub const SECRET: [u8; 32] = *b"every run of a case draws alike.";

/// Shared by the calls of a case.
pub type Log = Arc<super::host::Lines>;

#[allow(unused)]
fn _outcome(_: Outcome) {}
