//! The checks, in the order in which they are made, and what each of them finds.
//!
//! [`judge`](super::judge) stops at the first that refuses; [`explain`](super::explain) shows all.

use std::fmt;

use super::compiled::{Origin, Set};
use super::ends::{Ends, device_rate};
use super::judge::Context;
use super::lists::{Hit, List};
use super::opt_out::{Keyword, Keywords};
use super::packet::{By, DeviceStatus, Kind, Unclaimed, Whose};
use super::policy::{A2p, Messaging, P2p, Policy};
use super::rates::{Rate, next_day};
use super::reason::{Reason, Side};
use crate::message::{Address, Timestamp};

/// A message on trial.
pub(super) struct Case<'p, 'c> {
    pub ends: &'c Ends<'p, 'c>,
    pub context: Context<'c>,
    pub now: Timestamp,
    /// It used limits up already: with another of its parts, or before it was replaced.
    pub is_charged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// There was nothing to check.
    Skipped,
    Refused {
        reason: Reason,
        retry_at: Option<Timestamp>,
    },
}

/// What a check found, and at whose side.
pub(super) struct Found<'p> {
    pub outcome: Outcome,
    pub side: Side,
    pub why: Why<'p>,
}

/// Words for people, put together only when somebody reads them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why<'p> {
    Plain(&'static str),
    /// A field of the policy and its value, and whose the other end is.
    Field {
        name: &'static str,
        value: &'static str,
        origin: Origin<'p>,
        whose: Whose,
    },
    Entry {
        list: &'static str,
        hit: Hit<'p>,
    },
    Pattern(&'p str),
    Keyword(Keyword<'p>),
    Rate(Rate),
    Quota {
        used: u32,
        most: u32,
    },
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Plain(text) => f.write_str(text),
            Why::Field { name, value, origin, whose } => {
                write!(f, "{name} is {value}")?;
                match origin {
                    Origin::Customer => {}
                    Origin::Tag(tag) => write!(f, " for tag {tag:?}")?,
                    Origin::Device => f.write_str(" for this device")?,
                }
                f.write_str(match whose {
                    Whose::Own => "; the other end is the customer's own",
                    Whose::Foreign => "; the other end is another customer's",
                    Whose::Nobody => "; the other end is no customer's here",
                })
            }
            Why::Entry { list, hit: Hit::Exact } => write!(f, "{list} names it"),
            Why::Entry { list, hit: Hit::Prefix(digits) } => write!(f, "{list} has its first {digits} digits"),
            Why::Entry { list, hit: Hit::Pattern(pattern) } => write!(f, "{list} has {pattern:?}"),
            Why::Pattern(name) => write!(f, "content pattern {name:?} is in the text"),
            Why::Keyword(word) => write!(f, "the text is the keyword {} ({:?})", word.action.name(), word.language),
            Why::Rate(rate) => write!(f, "{} a minute, {} at once", rate.per_minute, rate.burst()),
            Why::Quota { used, most } => write!(f, "{used} of {most} used today"),
        }
    }
}

fn passed(side: Side, why: Why<'_>) -> Found<'_> {
    Found { outcome: Outcome::Passed, side, why }
}

fn skipped(side: Side, why: &'static str) -> Found<'static> {
    Found { outcome: Outcome::Skipped, side, why: Why::Plain(why) }
}

fn refused(side: Side, reason: Reason, why: Why<'_>) -> Found<'_> {
    Found { outcome: Outcome::Refused { reason, retry_at: None }, side, why }
}

fn later(side: Side, reason: Reason, retry_at: Timestamp, why: Why<'_>) -> Found<'_> {
    Found { outcome: Outcome::Refused { reason, retry_at: Some(retry_at) }, side, why }
}

const CHARGED: &str = "counted already";
const NO_POLICY: &str = "no customer here owns this end";

/// One thing that is checked, for each side or for both together.
pub(super) struct Check {
    pub name: &'static str,
    is_for_each_side: bool,
    pub run: for<'p> fn(&Case<'p, '_>, Side) -> Found<'p>,
}

/// In order: who it is, whether the policy allows it, what it says, and how many there were. The cheap
/// ones and those that a sender can mend come first; a limit refuses only what would pass otherwise.
static CHECKS: [Check; 13] = [
    Check { name: "submitter", is_for_each_side: false, run: submitter },
    Check { name: "customer", is_for_each_side: false, run: customer },
    Check { name: "device_status", is_for_each_side: true, run: device_status },
    Check { name: "loop", is_for_each_side: false, run: automatons },
    Check { name: "policy", is_for_each_side: true, run: policy },
    Check { name: "block_list", is_for_each_side: true, run: block_list },
    Check { name: "allow_list", is_for_each_side: true, run: allow_list },
    Check { name: "content", is_for_each_side: true, run: content },
    Check { name: "opt_out", is_for_each_side: false, run: opt_out },
    Check { name: "rate_device", is_for_each_side: false, run: rate_device },
    Check { name: "rate_customer", is_for_each_side: false, run: rate_customer },
    Check { name: "quota_device", is_for_each_side: false, run: quota_device },
    Check { name: "quota_customer", is_for_each_side: false, run: quota_customer },
];

/// Every check, with the side that it is for.
pub(super) fn steps(kind: Kind) -> impl Iterator<Item = (&'static Check, Side)> {
    let sides = kind.asked();
    CHECKS.iter().flat_map(move |check| {
        let count = if check.is_for_each_side { 2 } else { 1 };
        sides.into_iter().take(count).map(move |side| (check, side))
    })
}

fn submitter<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    use Side::{Receiver, Sender};
    let packet = case.ends.packet;
    let (source, by) = (packet.source.address, packet.submitter.by);
    let may_send = (packet.submitter.may_send_from)(source);
    let forged = |why| refused(Sender, Reason::SourceForged, Why::Plain(why));
    let not_allowed = |why| refused(Sender, Reason::SenderNotAllowed, Why::Plain(why));
    match (by, packet.kind) {
        (By::Network, Kind::Mt) => forged("a network account sends for devices, never for a customer's number"),
        (By::Network, _) if !matches!(source, Address::Msisdn(_)) => forged("a device has an international number"),
        (By::Network, _) if !may_send => forged("the source is in none of the account's ranges"),
        (By::Network, _) => passed(Sender, Why::Plain("the source is in the account's ranges")),
        (_, Kind::P2p) => not_allowed("only a network account sends for devices"),
        (_, _) if !may_send => not_allowed("the source is neither a number nor an allowed name of the customer"),
        (By::Rule, Kind::Mo) => refused(Receiver, Reason::RuleToRule, Why::Plain("a rule sends to devices only")),
        (_, Kind::Mo) => refused(Receiver, Reason::NotADevice, Why::Plain("an application sends to devices only")),
        (_, Kind::Mt) => passed(Sender, Why::Plain("the source is the customer's")),
    }
}

fn customer<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let unknown = |why| refused(Side::Receiver, Reason::UnknownDestination, Why::Plain(why));
    let unclaimed = |reason, why| refused(Side::Receiver, reason, Why::Plain(why));
    match case.ends.packet.unclaimed {
        Some(Unclaimed::Word) => {
            return unclaimed(Reason::KeywordUnclaimed, "nobody who shares the number has the first word");
        }
        Some(Unclaimed::LaterPart) => {
            return unclaimed(Reason::FirstPartMissing, "the first part, which says whose it is, has not come");
        }
        None => {}
    }
    let is_number = matches!(case.ends.packet.destination.address, Address::Msisdn(_));
    match case.ends.charged() {
        None => unknown("no customer here owns either end"),
        // A device's message to a short code would be an MO if anybody had that.
        Some(_) if case.ends.packet.kind == Kind::P2p && !is_number => unknown("no customer here has this short code"),
        Some((side, ..)) => passed(side, Why::Plain("a customer here owns an end")),
    }
}

fn device_status<'p>(case: &Case<'p, '_>, side: Side) -> Found<'p> {
    match case.ends.packet.end(side).status {
        DeviceStatus::Active => passed(side, Why::Plain("active")),
        DeviceStatus::Suspended => refused(side, Reason::DeviceSuspended, Why::Plain("suspended")),
    }
}

fn automatons<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let packet = case.ends.packet;
    let Some((side, effective, _)) = case.ends.metered() else { return skipped(Side::Sender, NO_POLICY) };
    if effective.loops.is_none() {
        return skipped(side, "loops is null");
    }
    let ends = (packet.source.address, packet.destination.address);
    match case.context.state.loops.cut_until(ends.0, ends.1, case.now) {
        None => passed(side, Why::Plain("the two do not answer each other without end")),
        Some(until) => later(side, Reason::LoopCut, until, Why::Plain("they did, and are cut off until then")),
    }
}

fn policy<'p>(case: &Case<'p, '_>, side: Side) -> Found<'p> {
    let Some(effective) = case.ends.effective(side) else { return skipped(side, NO_POLICY) };
    let whose = case.ends.whose_other(side);
    let kind = case.ends.packet.kind;
    if kind != Kind::P2p && whose == Whose::Own && side != kind.asked()[0] {
        return skipped(side, "the same policy for both ends");
    }
    fn field<'p, T>(set: Set<'p, T>, name: &'static str, value: &'static str, whose: Whose) -> Why<'p> {
        Why::Field { name, value, origin: set.origin, whose }
    }
    let (messaging, a2p, p2p) = (effective.messaging, effective.a2p, effective.p2p);
    let by_messaging = field(messaging, "messaging", messaging.value.name(), whose);
    let by_field = match kind {
        Kind::P2p => field(p2p, "p2p", p2p.value.name(), whose),
        Kind::Mo | Kind::Mt => field(a2p, "a2p", a2p.value.name(), whose),
    };
    if let Err(reason) = messaging_allows(messaging.value, kind) {
        return refused(side, reason, by_messaging);
    }
    match field_allows((a2p.value, p2p.value), kind, side, whose) {
        Ok(()) => passed(side, by_field),
        Err(reason) => refused(side, reason, by_field),
    }
}

fn messaging_allows(messaging: Messaging, kind: Kind) -> Result<(), Reason> {
    match (messaging, kind) {
        (Messaging::Off, _) => Err(Reason::MessagingOff),
        (Messaging::A2pOnly, Kind::P2p) => Err(Reason::P2pOff),
        (Messaging::P2pOnly, Kind::Mo | Kind::Mt) => Err(Reason::A2pOff),
        (Messaging::A2pOnly | Messaging::P2pOnly | Messaging::Both, _) => Ok(()),
    }
}

/// What one side answers to messages of a kind: the cells of the tables in docs/FIREWALL.md.
pub(super) fn allows(policy: &Policy, kind: Kind, side: Side, whose: Whose) -> Result<(), Reason> {
    messaging_allows(policy.messaging, kind)?;
    field_allows((policy.a2p, policy.p2p), kind, side, whose)
}

fn field_allows((a2p, p2p): (A2p, P2p), kind: Kind, side: Side, whose: Whose) -> Result<(), Reason> {
    match kind {
        Kind::P2p => p2p_allows(p2p, side, whose),
        Kind::Mo | Kind::Mt => a2p_allows(a2p, whose),
    }
}

fn a2p_allows(a2p: A2p, whose: Whose) -> Result<(), Reason> {
    match (a2p, whose) {
        (A2p::Off, _) => Err(Reason::A2pOff),
        (A2p::OwnOnly, Whose::Foreign | Whose::Nobody) => Err(Reason::A2pOwnOnly),
        (A2p::ForeignOnly, Whose::Own) => Err(Reason::A2pForeignOnly),
        (A2p::OwnOnly | A2p::ForeignOnly | A2p::Open, _) => Ok(()),
    }
}

fn p2p_allows(p2p: P2p, side: Side, whose: Whose) -> Result<(), Reason> {
    match (p2p, side, whose) {
        (P2p::Off, ..) => Err(Reason::P2pOff),
        (P2p::OwnOnly, _, Whose::Foreign | Whose::Nobody) => Err(Reason::P2pOwnOnly),
        (P2p::ForeignOnly, _, Whose::Own) => Err(Reason::P2pForeignOnly),
        (P2p::NoIncoming, Side::Receiver, _) => Err(Reason::P2pNoIncoming),
        (P2p::NoOutgoing, Side::Sender, _) => Err(Reason::P2pNoOutgoing),
        _ => Ok(()),
    }
}

/// Who sends is held against the lists of whom it sends to, who receives against those of whom it receives from.
fn listed<'p>(case: &Case<'p, '_>, side: Side) -> Option<(&'p List, &'p List, &'p Address)> {
    let effective = case.ends.effective(side)?;
    let lists = match side {
        Side::Sender => effective.destinations,
        Side::Receiver => effective.sources,
    };
    Some((&lists.allow, &lists.block, case.ends.packet.end(side.other()).address))
}

fn block_list<'p>(case: &Case<'p, '_>, side: Side) -> Found<'p> {
    let Some((_, block, other)) = listed(case, side) else { return skipped(side, NO_POLICY) };
    if block.is_empty() {
        return skipped(side, "no block list");
    }
    let (reason, list) = match side {
        Side::Sender => (Reason::BlockedDestination, "destinations.block"),
        Side::Receiver => (Reason::BlockedSource, "sources.block"),
    };
    match block.find(other) {
        None => passed(side, Why::Plain("on no block list")),
        Some(hit) => refused(side, reason, Why::Entry { list, hit }),
    }
}

fn allow_list<'p>(case: &Case<'p, '_>, side: Side) -> Found<'p> {
    let Some((allow, _, other)) = listed(case, side) else { return skipped(side, NO_POLICY) };
    if allow.is_empty() {
        return skipped(side, "no allow list");
    }
    let (list, missing) = match side {
        Side::Sender => ("destinations.allow", "destinations.allow does not have it"),
        Side::Receiver => ("sources.allow", "sources.allow does not have it"),
    };
    match allow.find(other) {
        Some(hit) => passed(side, Why::Entry { list, hit }),
        None => refused(side, Reason::NotOnAllowList, Why::Plain(missing)),
    }
}

fn content<'p>(case: &Case<'p, '_>, side: Side) -> Found<'p> {
    let Some(effective) = case.ends.effective(side) else { return skipped(side, NO_POLICY) };
    if effective.content.is_empty() {
        return skipped(side, "no content patterns");
    }
    let first = case.ends.packet.kind.asked()[0];
    if side != first && case.ends.effective(first).is_some_and(|e| std::ptr::eq(e.content, effective.content)) {
        return skipped(side, "the same patterns for both ends");
    }
    let Some(text) = case.ends.packet.text else { return skipped(side, "no text") };
    match effective.content.find(text) {
        None => passed(side, Why::Plain("no content pattern is in the text")),
        Some(name) => refused(side, Reason::ContentBlocked, Why::Pattern(name)),
    }
}

/// An MO may be a keyword; an MT is held against the opt-outs of its device.
fn opt_out<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let (ends, packet) = (case.ends, case.ends.packet);
    let side = packet.kind.charged();
    if packet.kind == Kind::P2p {
        return skipped(side, "not between devices");
    }
    let Some(effective) = ends.effective(side) else { return skipped(side, NO_POLICY) };
    let (number, device) = (packet.end(side).address, packet.end(side.other()).address);
    let opt_out = effective.opt_out;
    if opt_out.keywords(number) == Keywords::Off {
        return skipped(side, "opt_out.keywords is off for this number");
    }
    if packet.kind == Kind::Mo {
        let keyword = packet.text.and_then(|text| opt_out.keyword(number, text));
        return passed(side, keyword.map_or(Why::Plain("the text is no keyword"), Why::Keyword));
    }
    match case.context.opt_outs.has_opted_out(number, device) {
        true => refused(side, Reason::OptedOut, Why::Plain("the device opted out of this number")),
        false => passed(side, Why::Plain("the device did not opt out")),
    }
}

fn rate_device<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let Some((side, effective, device)) = case.ends.metered() else { return skipped(Side::Sender, NO_POLICY) };
    if case.is_charged {
        return skipped(side, CHARGED);
    }
    let Some(rate) = device_rate(effective, case.ends.packet.kind) else { return skipped(side, "no rate") };
    match case.context.state.usage.device_free_at(&device, rate, case.now) {
        None => passed(side, Why::Rate(rate)),
        Some(at) => later(side, Reason::RateDevice, at, Why::Rate(rate)),
    }
}

fn rate_customer<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let Some((side, effective, customer)) = case.ends.charged() else { return skipped(Side::Sender, NO_POLICY) };
    if case.is_charged {
        return skipped(side, CHARGED);
    }
    let Some(rate) = effective.rates.customer else { return skipped(side, "no rate") };
    match case.context.state.usage.customer_free_at(customer, rate, case.now) {
        None => passed(side, Why::Rate(rate)),
        Some(at) => later(side, Reason::RateCustomer, at, Why::Rate(rate)),
    }
}

fn quota_device<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let Some((side, effective, device)) = case.ends.metered() else { return skipped(Side::Sender, NO_POLICY) };
    if case.is_charged {
        return skipped(side, CHARGED);
    }
    let Some(most) = effective.quotas.device else { return skipped(side, "no quota") };
    let used = case.context.state.usage.device_today(&device, case.now);
    quota(side, Reason::QuotaDevice, (used, most), case.now)
}

fn quota_customer<'p>(case: &Case<'p, '_>, _: Side) -> Found<'p> {
    let Some((side, effective, customer)) = case.ends.charged() else { return skipped(Side::Sender, NO_POLICY) };
    if case.is_charged {
        return skipped(side, CHARGED);
    }
    let Some(most) = effective.quotas.customer else { return skipped(side, "no quota") };
    let used = case.context.state.usage.customer_today(customer, case.now);
    quota(side, Reason::QuotaCustomer, (used, most), case.now)
}

fn quota(side: Side, reason: Reason, (used, most): (u32, u32), now: Timestamp) -> Found<'static> {
    match used < most {
        true => passed(side, Why::Quota { used, most }),
        false => later(side, reason, next_day(now), Why::Quota { used, most }),
    }
}
