//! What is there before the first event, where whoever asks does not say it: as the rule has it, and as the house is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::Api;
use super::super::dead::{barrier, durable};
use super::super::error::{Answer, Problem};
use crate::cases::{Fields, Given, Octets, time_text};
use crate::config;
use crate::message::{Address, Timestamp};
use crate::recorded::placeholder;
use crate::relay::{self, AsIs};
use crate::route::RuleIndex;

/// The firewall of the house says what passes, and its customer who sends.
const OF_THE_HOUSE: [&str; 2] = ["refused", "senders"];

fn texts(values: &BTreeMap<String, String>) -> Value {
    values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into()
}

/// Where it is not said.
fn fill(given: &mut Fields, key: &str, value: Value) {
    given.entry(key).or_insert(value);
}

pub fn of_rule(given: &mut Fields, rule: &config::Rule, now: Timestamp) -> Answer<()> {
    if let Some(key) = OF_THE_HOUSE.into_iter().find(|key| given.contains_key(*key)) {
        return Err(Problem::invalid("given", format!("{key}: the firewall of the house is asked; leave it out")));
    }
    fill(given, "now", time_text(now).into());
    if let Some(number) = rule.sender() {
        fill(given, "number", number.to_string().into());
    }
    fill(given, "config", texts(&rule.config));
    let secrets = rule.secrets.keys().map(|name| (name.clone(), Value::from(placeholder(name))));
    fill(given, "secrets", secrets.collect::<Map<_, _>>().into());
    fill(given, "http_hosts", json!(rule.http_hosts));
    let own = json!({
        "deadline_ms": rule.deadline_ms, "memory_mib": rule.memory_mib, "messages_max": rule.messages_max,
        "state_kib": rule.state_kib, "timers_max": rule.timers_max, "http_calls_max": rule.http_calls_max,
    });
    limits(given, own);
    Ok(())
}

/// A component of a language with a runtime of its own needs more than a rule has by itself.
pub fn of_plugin(given: &mut Fields, plugins: &config::Plugins, now: Timestamp) {
    fill(given, "now", time_text(now).into());
    limits(given, json!({ "deadline_ms": plugins.deadline_max_ms, "memory_mib": plugins.memory_max_mib }));
}

/// One by one.
fn limits(given: &mut Fields, usual: Value) {
    if let (Value::Object(limits), Value::Object(usual)) =
        (given.entry("limits").or_insert_with(|| Value::Object(Map::new())), usual)
    {
        for (name, value) in usual {
            limits.entry(name).or_insert(value);
        }
    }
}

/// Octet for octet.
fn rows<'r>(rows: impl Iterator<Item = (&'r str, &'r [u8])>) -> Value {
    rows.map(|(name, octets)| (name.to_owned(), Octets::exact(octets).to_json())).collect::<Map<_, _>>().into()
}

/// Yields what is more than is taken.
pub async fn as_is(api: &Arc<Api>, rule: RuleIndex, given: &mut Fields) -> Answer<Vec<&'static str>> {
    let named = given.get("device").and_then(Value::as_str);
    let named = named.ok_or_else(|| Problem::invalid("given", "as_is is about a device: name it as given.device"))?;
    let device = Address::parse(named).ok().filter(|address| matches!(address, Address::Msisdn(_)));
    let device = device.ok_or_else(|| Problem::invalid("given", format!("device: {named:?} is no device")))?;
    let house = api.house.clone();
    let read = api.readers.read(&api.house.store, move |_| relay::as_is(&house, rule, &device)).await;
    let read = read.map_err(Problem::unreadable)?;
    // What was seen is durable before anybody hears of it.
    let seen = api.clone();
    durable(move |done| barrier(&seen, done)).await?;
    let AsIs { state, timers, shared, device, is_cut } = read;
    fill(given, "state", rows(state.iter().map(|(name, value)| (&**name, &**value))));
    fill(given, "shared", rows(shared.iter().map(|(name, value)| (&**name, &**value))));
    let timers = timers.iter().map(|timer| {
        let payload = Octets::exact(&timer.payload).to_json();
        json!({ "set": timer.name, "at": time_text(timer.due), "payload": payload })
    });
    fill(given, "timers", timers.collect::<Vec<_>>().into());
    fill(given, "tags", json!(device.tags));
    fill(given, "attributes", texts(&device.attributes));
    let parts = [("state", is_cut.0), ("shared", is_cut.1)];
    Ok(parts.into_iter().filter(|(_, is_cut)| *is_cut).map(|(part, _)| part).collect())
}

/// The rule as it is tried. Values of its secrets are gone: those of the case are in their place.
pub fn settings(rule: config::Rule, given: &Given) -> config::Rule {
    let limits = &given.limits;
    config::Rule {
        config: given.config.clone(),
        secrets: given.secrets.clone(),
        http_hosts: given.http_hosts.clone(),
        deadline_ms: limits.deadline_ms.unwrap_or(rule.deadline_ms),
        memory_mib: limits.memory_mib.unwrap_or(rule.memory_mib),
        messages_max: limits.messages_max.unwrap_or(rule.messages_max),
        state_kib: limits.state_kib.unwrap_or(rule.state_kib),
        timers_max: limits.timers_max.unwrap_or(rule.timers_max),
        http_calls_max: limits.http_calls_max.unwrap_or(rule.http_calls_max),
        ..rule
    }
}
