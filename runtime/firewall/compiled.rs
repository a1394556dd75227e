//! A policy made ready: checked, its lists and patterns compiled, its overrides sorted.
//!
//! What holds for one device is put together on the stack for each message, without a copy of anything that
//! was compiled.

use std::collections::HashMap;

use super::content::{Content, ContentError};
use super::lists::{List, ListError, Lists};
use super::loops::LoopLimits;
use super::opt_out::{CompiledOptOut, OptOutError};
use super::policy::{A2p, Messaging, Override, P2p, Policy, Quotas, QuotasOverride, Rates, RatesOverride};
use super::rates::{PER_MINUTE_MAX, Rate};
use crate::config::nearest;
use crate::message::Address;

/// Tags with overrides: they are gone through for each message.
pub const TAGS_MAX: usize = 100;
/// Devices with overrides in one policy; more have something in common and deserve a tag.
pub const DEVICES_MAX: usize = 10_000;
pub const TAG_CHARS_MAX: usize = 64;
/// Content patterns of a policy with all its overrides: each may take memory.
pub const PATTERNS_MAX: usize = 256;
/// Octets of a policy in JSON.
pub const POLICY_MAX: usize = 4 << 20;
/// Seconds in `loops`.
const LOOP_SECS_MAX: u32 = 86_400;

/// What is wrong with a policy; names the field.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {what}")]
pub struct PolicyError {
    /// Such as `tags[0].set.sources.allow`; `policy` when it cannot be read at all.
    pub field: String,
    pub what: String,
}

/// Checked and compiled.
#[derive(Debug)]
pub struct CompiledPolicy {
    base: Fields,
    tags: Vec<(Box<str>, Partial)>,
    devices: HashMap<Address, Partial>,
    needs_text: bool,
    reads_keywords: bool,
}

#[derive(Debug)]
struct Fields {
    messaging: Messaging,
    a2p: A2p,
    p2p: P2p,
    sources: AllowAndBlock,
    destinations: AllowAndBlock,
    content: Content,
    opt_out: CompiledOptOut,
    rates: Rates,
    quotas: Quotas,
    loops: Option<LoopLimits>,
}

/// Compiled [`Lists`].
#[derive(Debug, Default)]
pub struct AllowAndBlock {
    pub allow: List,
    pub block: List,
}

#[derive(Debug)]
struct Partial {
    messaging: Option<Messaging>,
    a2p: Option<A2p>,
    p2p: Option<P2p>,
    sources: Option<AllowAndBlock>,
    destinations: Option<AllowAndBlock>,
    content: Option<Content>,
    opt_out: Option<CompiledOptOut>,
    rates: RatesOverride,
    quotas: QuotasOverride,
    loops: Option<Option<LoopLimits>>,
}

/// Where a field's value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'p> {
    Customer,
    Tag(&'p str),
    Device,
}

/// A value and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct Set<'p, T> {
    pub value: T,
    pub origin: Origin<'p>,
}

/// What holds for one end of a message.
#[derive(Debug, Clone, Copy)]
pub struct Effective<'p> {
    pub messaging: Set<'p, Messaging>,
    pub a2p: Set<'p, A2p>,
    pub p2p: Set<'p, P2p>,
    pub sources: &'p AllowAndBlock,
    pub destinations: &'p AllowAndBlock,
    pub content: &'p Content,
    pub opt_out: &'p CompiledOptOut,
    pub rates: Rates,
    pub quotas: Quotas,
    pub loops: Option<LoopLimits>,
}

impl Policy {
    /// Reads JSON. What is unknown is told with the nearest name that is known.
    pub fn parse(json: &str) -> Result<Policy, PolicyError> {
        let wrong = |what: String| PolicyError { field: "policy".into(), what };
        if json.len() > POLICY_MAX {
            return Err(wrong(format!("{} octets; at most {POLICY_MAX}", json.len())));
        }
        serde_json::from_str(json).map_err(|error| wrong(sentence(&error)))
    }

    /// Checks everything, and makes it ready to judge by.
    pub fn compile(&self) -> Result<CompiledPolicy, PolicyError> {
        at_most("tags", self.tags.len(), TAGS_MAX)?;
        at_most("devices", self.devices.len(), DEVICES_MAX)?;
        let overrides = || self.tags.iter().map(|entry| &entry.set).chain(self.devices.values());
        let patterns = overrides().filter_map(|o| o.content.as_ref()).map(Vec::len).sum::<usize>();
        at_most("content, with all overrides", self.content.len() + patterns, PATTERNS_MAX)?;
        let base = self.base()?;
        let mut tags: Vec<(Box<str>, Partial)> = Vec::new();
        for (index, entry) in self.tags.iter().enumerate() {
            let field = format!("tags[{index}].tag");
            let length = entry.tag.chars().count();
            ensure((1..=TAG_CHARS_MAX).contains(&length), &field, "has 1 to 64 characters")?;
            ensure(!tags.iter().any(|(tag, _)| **tag == entry.tag), &field, "is there twice")?;
            tags.push((entry.tag.as_str().into(), partial(&entry.set, &format!("tags[{index}].set."))?));
        }
        let mut devices = HashMap::new();
        for (device, entry) in &self.devices {
            let field = format!("devices.{}", device.chars().take(40).collect::<String>());
            let Ok(address @ Address::Msisdn(_)) = Address::parse(device) else {
                return Err(error(&field, "is no device; write it as \"+46701234567\""));
            };
            let twice = devices.insert(address, partial(entry, &format!("{field}."))?).is_some();
            ensure(!twice, &field, "is there twice")?;
        }
        let reads_keywords = {
            let own =
                tags.iter().map(|(_, partial)| partial).chain(devices.values()).filter_map(|p| p.opt_out.as_ref());
            own.chain([&base.opt_out]).any(CompiledOptOut::reads_any)
        };
        let needs_text = reads_keywords || {
            let partials = || tags.iter().map(|(_, partial)| partial).chain(devices.values());
            let filters = |content: &Content| !content.is_empty();
            filters(&base.content) || partials().any(|p| p.content.as_ref().is_some_and(filters))
        };
        Ok(CompiledPolicy { base, tags, devices, needs_text, reads_keywords })
    }

    fn base(&self) -> Result<Fields, PolicyError> {
        let rates = [
            ("rates.mo", self.rates.mo),
            ("rates.mt", self.rates.mt),
            ("rates.p2p", self.rates.p2p),
            ("rates.customer", self.rates.customer),
        ];
        rates.into_iter().try_for_each(|(field, rate)| check_rate(field, rate))?;
        check_quota("quotas.device", self.quotas.device)?;
        check_quota("quotas.customer", self.quotas.customer)?;
        check_loops("loops", self.loops)?;
        Ok(Fields {
            messaging: self.messaging,
            a2p: self.a2p,
            p2p: self.p2p,
            sources: lists(&self.sources, "sources")?,
            destinations: lists(&self.destinations, "destinations")?,
            content: Content::new(&self.content).map_err(|e| content_error("content", &e))?,
            opt_out: CompiledOptOut::new(&self.opt_out).map_err(|e| opt_out_error("opt_out", &e))?,
            rates: self.rates,
            quotas: self.quotas,
            loops: self.loops,
        })
    }
}

impl CompiledPolicy {
    /// False when no message's text matters, so that none needs to be decoded.
    pub fn needs_text(&self) -> bool {
        self.needs_text
    }

    /// Its opt-out keywords are on for some number or device.
    pub fn reads_keywords(&self) -> bool {
        self.reads_keywords
    }

    /// What holds for the customer's numbers and applications.
    #[inline]
    pub fn of_customer(&self) -> Effective<'_> {
        let base = &self.base;
        Effective {
            messaging: Set { value: base.messaging, origin: Origin::Customer },
            a2p: Set { value: base.a2p, origin: Origin::Customer },
            p2p: Set { value: base.p2p, origin: Origin::Customer },
            sources: &base.sources,
            destinations: &base.destinations,
            content: &base.content,
            opt_out: &base.opt_out,
            rates: base.rates,
            quotas: base.quotas,
            loops: base.loops,
        }
    }

    /// What holds for one of its devices.
    #[inline]
    pub fn of_device(&self, device: &Address, tags: &[String]) -> Effective<'_> {
        let mut effective = self.of_customer();
        // The least important first: later ones overwrite.
        if !tags.is_empty() {
            for (tag, partial) in self.tags.iter().rev().filter(|(tag, _)| tags.iter().any(|has| **has == **tag)) {
                effective.overwrite(partial, Origin::Tag(tag));
            }
        }
        if !self.devices.is_empty()
            && let Some(partial) = self.devices.get(device)
        {
            effective.overwrite(partial, Origin::Device);
        }
        effective
    }
}

impl<'p> Effective<'p> {
    fn overwrite(&mut self, by: &'p Partial, origin: Origin<'p>) {
        fn set<'p, T: Copy>(field: &mut Set<'p, T>, by: Option<T>, origin: Origin<'p>) {
            if let Some(value) = by {
                *field = Set { value, origin };
            }
        }
        fn put<T>(field: &mut T, by: Option<T>) {
            if let Some(value) = by {
                *field = value;
            }
        }
        set(&mut self.messaging, by.messaging, origin);
        set(&mut self.a2p, by.a2p, origin);
        set(&mut self.p2p, by.p2p, origin);
        put(&mut self.sources, by.sources.as_ref());
        put(&mut self.destinations, by.destinations.as_ref());
        put(&mut self.content, by.content.as_ref());
        put(&mut self.opt_out, by.opt_out.as_ref());
        put(&mut self.rates.mo, by.rates.mo);
        put(&mut self.rates.mt, by.rates.mt);
        put(&mut self.rates.p2p, by.rates.p2p);
        put(&mut self.quotas.device, by.quotas.device);
        put(&mut self.loops, by.loops);
    }
}

fn partial(from: &Override, at: &str) -> Result<Partial, PolicyError> {
    let field = |name: &str| format!("{at}{name}");
    for (name, rate) in [("mo", from.rates.mo), ("mt", from.rates.mt), ("p2p", from.rates.p2p)] {
        check_rate(&format!("{at}rates.{name}"), rate.flatten())?;
    }
    check_quota(&field("quotas.device"), from.quotas.device.flatten())?;
    check_loops(&field("loops"), from.loops.flatten())?;
    let compiled = |lists_of: &Option<Lists>, name| lists_of.as_ref().map(|l| lists(l, &field(name))).transpose();
    let content = from.content.as_deref().map(Content::new).transpose();
    let opt_out = from.opt_out.as_ref().map(CompiledOptOut::new).transpose();
    Ok(Partial {
        messaging: from.messaging,
        a2p: from.a2p,
        p2p: from.p2p,
        sources: compiled(&from.sources, "sources")?,
        destinations: compiled(&from.destinations, "destinations")?,
        content: content.map_err(|e| content_error(&field("content"), &e))?,
        opt_out: opt_out.map_err(|e| opt_out_error(&field("opt_out"), &e))?,
        rates: from.rates.clone(),
        quotas: from.quotas.clone(),
        loops: from.loops,
    })
}

fn lists(from: &Lists, field: &str) -> Result<AllowAndBlock, PolicyError> {
    let list = |entries: &[String], name: &str| {
        List::new(entries).map_err(|e: ListError| error(&format!("{field}.{name}"), &e.to_string()))
    };
    Ok(AllowAndBlock { allow: list(&from.allow, "allow")?, block: list(&from.block, "block")? })
}

fn check_rate(field: &str, rate: Option<Rate>) -> Result<(), PolicyError> {
    let range = 1..=PER_MINUTE_MAX;
    let fits = rate.is_none_or(|rate| range.contains(&rate.per_minute) && range.contains(&rate.burst()));
    ensure(fits, field, "per_minute and burst are 1 to 60000000; to allow none, use messaging, a2p or p2p")
}

fn check_quota(field: &str, quota: Option<u32>) -> Result<(), PolicyError> {
    ensure(quota != Some(0), field, "is at least 1; to allow none, use messaging, a2p or p2p")
}

fn check_loops(field: &str, loops: Option<LoopLimits>) -> Result<(), PolicyError> {
    let Some(loops) = loops else { return Ok(()) };
    ensure(loops.turns >= 2, field, "turns is at least 2: one answer is no loop")?;
    let secs = [loops.window_secs, loops.answer_within_secs, loops.cut_secs];
    ensure(secs.iter().all(|secs| (1..=LOOP_SECS_MAX).contains(secs)), field, "seconds are 1 to 86400")
}

fn content_error(field: &str, from: &ContentError) -> PolicyError {
    error(field, &from.to_string())
}

fn opt_out_error(field: &str, from: &OptOutError) -> PolicyError {
    error(field, &from.to_string())
}

fn error(field: &str, what: &str) -> PolicyError {
    PolicyError { field: field.to_owned(), what: what.to_owned() }
}

fn ensure(holds: bool, field: &str, what: &str) -> Result<(), PolicyError> {
    if holds { Ok(()) } else { Err(error(field, what)) }
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), PolicyError> {
    ensure(count <= most, field, &format!("{count} entries; at most {most}"))
}

/// serde words what it does not know as "unknown field `x`, expected one of `a`, `b` at line 1 column 2".
fn sentence(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if !message.starts_with("unknown ") {
        return message;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let what = if message.starts_with("unknown variant") { "value" } else { "field" };
    let at = format!("line {} column {}", error.line(), error.column());
    match nearest(unknown, names.clone()) {
        Some(near) => format!("unknown {what} {unknown:?} at {at}; did you mean {near:?}?"),
        None => format!("unknown {what} {unknown:?} at {at}; known here: {}", names.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests;
