//! One check at a time.

use std::collections::HashSet;

use super::{NOON, Scene, address, compiled};
use crate::firewall::opt_out::{Action, Keywords};
use crate::firewall::policy::{P2p, Policy};
use crate::firewall::rates::Rate;
use crate::firewall::{By, Context, DeviceStatus, Kind, Packet, Reason, Side, State, Submitter, Verdict, judge};
use crate::message::{Address, Timestamp};

fn reason(verdict: Verdict<'_>) -> Option<Reason> {
    match verdict {
        Verdict::Allowed { .. } => None,
        Verdict::Refused(refusal) => Some(refusal.reason),
    }
}

fn judged(packet: &Packet<'_>) -> Option<Reason> {
    let state = State::default();
    reason(judge(packet, Context { state: &state, opt_outs: &() }, NOON))
}

/// A customer whose policy is `json`, at both ends.
fn scene(json: &str) -> Scene {
    let policy = Policy::parse(json).expect("reads");
    Scene::new(Some(("acme", &policy)), Some(("acme", &policy)))
}

#[test]
fn senders_cannot_be_forged() {
    let scene = scene(r#"{"p2p": "open"}"#);
    let in_range = |source: &Address| source.to_string().starts_with("+4670");
    let never = |_: &Address| false;
    let name = address("ACME");
    let with = |kind, by, may_send_from: &dyn Fn(&Address) -> bool, source: Option<&Address>| {
        let mut packet = scene.packet(kind);
        packet.submitter = Submitter { by, may_send_from };
        if let Some(source) = source {
            packet.source.address = source;
        }
        judged(&packet)
    };
    for kind in [Kind::Mo, Kind::P2p] {
        assert_eq!(with(kind, By::Network, &in_range, None), None);
        assert_eq!(with(kind, By::Network, &in_range, Some(&address("+47701111111"))), Some(Reason::SourceForged));
        assert_eq!(
            with(kind, By::Network, &|_| true, Some(&name)),
            Some(Reason::SourceForged),
            "a device has a number"
        );
        assert_eq!(with(kind, By::Network, &|_| true, Some(&address("7001"))), Some(Reason::SourceForged));
    }
    assert_eq!(with(Kind::Mt, By::Network, &|_| true, None), Some(Reason::SourceForged), "nor sends it for customers");
    for by in [By::Application, By::Rest, By::Rule] {
        assert_eq!(with(Kind::Mt, by, &|_| true, Some(&name)), None, "an allowed name");
        assert_eq!(with(Kind::Mt, by, &never, None), Some(Reason::SenderNotAllowed));
        assert_eq!(with(Kind::P2p, by, &|_| true, None), Some(Reason::SenderNotAllowed), "only devices are devices");
    }
    assert_eq!(with(Kind::Mo, By::Rule, &|_| true, None), Some(Reason::RuleToRule), "a rule never triggers a rule");
    assert_eq!(with(Kind::Mo, By::Application, &|_| true, None), Some(Reason::NotADevice));
    assert_eq!(with(Kind::Mo, By::Rest, &|_| true, None), Some(Reason::NotADevice));
}

#[test]
fn a_short_code_that_nobody_has_is_unknown_and_no_device() {
    let scene = scene(r#"{"p2p": "open"}"#);
    let nobodys = address("7999");
    let mut packet = scene.packet(Kind::P2p);
    (packet.destination.address, packet.destination.owner) = (&nobodys, None);
    assert_eq!(judged(&packet), Some(Reason::UnknownDestination));
}

#[test]
fn a_suspended_device_neither_sends_nor_receives() {
    let scene = scene(r#"{"p2p": "open"}"#);
    for (kind, side) in
        [(Kind::Mo, Side::Sender), (Kind::Mt, Side::Receiver), (Kind::P2p, Side::Sender), (Kind::P2p, Side::Receiver)]
    {
        let mut packet = scene.packet(kind);
        let end = if side == Side::Sender { &mut packet.source } else { &mut packet.destination };
        end.status = DeviceStatus::Suspended;
        assert_eq!(judged(&packet), Some(Reason::DeviceSuspended), "{kind:?} {side:?}");
    }
}

#[test]
fn lists_hold_for_whom_one_sends_to_and_for_whom_one_receives_from() {
    let check = |json: &str, kind| judged(&scene(json).packet(kind));
    assert_eq!(check(r#"{"destinations": {"block": ["+4670*"]}}"#, Kind::Mt), Some(Reason::BlockedDestination));
    assert_eq!(check(r#"{"destinations": {"block": ["+4670*"]}}"#, Kind::Mo), None, "the destination is 7001");
    assert_eq!(check(r#"{"sources": {"block": ["*1111"]}}"#, Kind::Mo), Some(Reason::BlockedSource));
    assert_eq!(check(r#"{"sources": {"block": ["*1111"]}}"#, Kind::Mt), None);
    assert_eq!(check(r#"{"sources": {"allow": ["+47*"]}}"#, Kind::Mo), Some(Reason::NotOnAllowList));
    assert_eq!(check(r#"{"sources": {"allow": ["+46*"]}}"#, Kind::Mo), None);
    assert_eq!(check(r#"{"destinations": {"allow": ["+47*"]}}"#, Kind::Mt), Some(Reason::NotOnAllowList));
    let both = r#"{"sources": {"allow": ["+46*"], "block": ["+46701111111"]}}"#;
    assert_eq!(check(both, Kind::Mo), Some(Reason::BlockedSource), "block beats allow");
}

#[test]
fn content_is_refused_by_either_side() {
    let (plain, strict) = (r#"{"a2p": "open"}"#, r#"{"a2p": "open", "content": [{"pattern": "casino"}]}"#);
    let read = |json| Policy::parse(json).expect("reads");
    for (sender, receiver, want) in [
        (plain, plain, None),
        (strict, plain, Some(Reason::ContentBlocked)),
        (plain, strict, Some(Reason::ContentBlocked)),
    ] {
        let scene = Scene::new(Some(("a", &read(sender))), Some(("b", &read(receiver))));
        let mut packet = scene.packet(Kind::Mt);
        packet.text = Some("A Casino for you");
        assert_eq!(judged(&packet), want);
        packet.text = None;
        assert_eq!(judged(&packet), None, "binary has no text");
    }
    assert!(compiled(&read(strict)).needs_text() && !compiled(&read(plain)).needs_text());
}

#[test]
fn who_opted_out_gets_nothing_from_that_number() {
    let scene = scene(r#"{"opt_out": {"keywords": "on", "numbers": {"7002": "off"}}}"#);
    let machines = address("7002");
    let opt_outs: HashSet<_> = [7001, 7002].map(|n| (address(&n.to_string()), scene.device.clone())).into();
    let state = State::default();
    let judged = |packet: &Packet<'_>| reason(judge(packet, Context { state: &state, opt_outs: &opt_outs }, NOON));
    let mut packet = scene.packet(Kind::Mt);
    assert_eq!(judged(&packet), Some(Reason::OptedOut));
    packet.source.address = &machines;
    assert_eq!(judged(&packet), None, "switched off for machine traffic");
    let mut other = scene.packet(Kind::Mt);
    other.destination.address = &scene.other_device;
    assert_eq!(judged(&other), None);
    assert_eq!(judged(&scene.packet(Kind::Mo)), None, "the device itself may send, START for one");
}

#[test]
fn an_mo_that_is_a_keyword_passes_and_says_so() {
    let scene = scene(r#"{"opt_out": {"keywords": "on", "languages": ["sv"]}}"#);
    let state = State::default();
    let context = Context { state: &state, opt_outs: &() };
    let mut packet = scene.packet(Kind::Mo);
    packet.text = Some("Stopp!");
    let Verdict::Allowed { keyword: Some(keyword) } = judge(&packet, context, NOON) else { panic!("no keyword") };
    assert_eq!(keyword.action, Action::Stop);
    assert!(keyword.reply.contains("START"));
    packet.text = Some("WM1 STOP");
    assert_eq!(judge(&packet, context, NOON), Verdict::Allowed { keyword: None });
    let off = Policy::default();
    assert_eq!(off.opt_out.keywords, Keywords::Off);
}

/// Sends as often as it goes, up to 100 times; yields how often, and the refusal.
fn flood(scene: &Scene, kind: Kind) -> (usize, Option<(Reason, Option<Timestamp>)>) {
    let (packet, mut state) = (scene.packet(kind), State::default());
    for sent in 0..100 {
        if let (Verdict::Refused(refusal), _) = state.admit(&packet, &(), NOON) {
            return (sent, Some((refusal.reason, refusal.retry_at)));
        }
    }
    (100, None)
}

#[test]
fn rates_and_quotas_refuse_and_say_until_when() {
    let midnight = Some(Timestamp(20_001 * 86_400_000));
    let secs = |secs: u64| Some(NOON.plus_ms(secs * 1_000));
    for (json, kind, want) in [
        (r#"{"p2p": "open"}"#, Kind::P2p, (6, Some((Reason::RateDevice, secs(10))))),
        (r#"{}"#, Kind::Mo, (100, None)),
        (r#"{"rates": {"mo": {"per_minute": 30, "burst": 2}}}"#, Kind::Mo, (2, Some((Reason::RateDevice, secs(2))))),
        (r#"{"rates": {"mo": {"per_minute": 30, "burst": 2}}}"#, Kind::Mt, (100, None)),
        (r#"{"rates": {"mt": {"per_minute": 5}}}"#, Kind::Mt, (5, Some((Reason::RateDevice, secs(12))))),
        (r#"{"rates": {"customer": {"per_minute": 4}}}"#, Kind::Mt, (4, Some((Reason::RateCustomer, secs(15))))),
        (r#"{"quotas": {"device": 3}}"#, Kind::Mo, (3, Some((Reason::QuotaDevice, midnight)))),
        (r#"{"quotas": {"customer": 2}}"#, Kind::Mt, (2, Some((Reason::QuotaCustomer, midnight)))),
    ] {
        assert_eq!(flood(&scene(json), kind), want, "{json} {kind:?}");
    }
}

#[test]
fn a_stranger_is_held_to_the_limits_of_the_customer_that_it_writes_to() {
    let policy = Policy::parse(r#"{"a2p": "open", "rates": {"mo": {"per_minute": 3}}}"#).expect("reads");
    let scene = Scene::new(None, Some(("acme", &policy)));
    assert_eq!(flood(&scene, Kind::Mo).0, 3);
}

#[test]
fn what_is_refused_uses_up_no_limit() {
    let mut policy = Policy { p2p: P2p::Open, ..Policy::default() };
    policy.rates.p2p = Some(Rate { per_minute: 1, burst: None });
    policy.content = vec![serde_json::from_str(r#"{"pattern": "spam"}"#).expect("reads")];
    let scene = Scene::new(Some(("acme", &policy)), Some(("acme", &policy)));
    let (mut state, mut packet) = (State::default(), scene.packet(Kind::P2p));
    packet.text = Some("spam");
    assert_eq!(reason(state.admit(&packet, &(), NOON).0), Some(Reason::ContentBlocked));
    packet.text = Some("fine");
    assert_eq!(reason(state.admit(&packet, &(), NOON).0), None);
    assert_eq!(reason(state.admit(&packet, &(), NOON).0), Some(Reason::RateDevice));
}

#[test]
fn two_automatons_are_cut_off_reported_once_and_heard_again_later() {
    let scene = scene("{}");
    let (mut state, mut now, mut reports, mut passed) = (State::default(), NOON, Vec::new(), 0);
    for turn in 0..100 {
        let packet = scene.packet(if turn % 2 == 0 { Kind::Mo } else { Kind::Mt });
        now = now.plus_ms(1_000);
        let (verdict, report) = state.admit(&packet, &(), now);
        reports.extend(report);
        match verdict {
            Verdict::Allowed { .. } => passed += 1,
            Verdict::Refused(refusal) => {
                assert_eq!((refusal.reason, refusal.retry_at), (Reason::LoopCut, Some(NOON.plus_ms(631_000))));
            }
        }
    }
    assert_eq!((passed, reports.len(), reports[0].turns), (31, 1, 30));
    let verdict = state.admit(&scene.packet(Kind::Mo), &(), NOON.plus_ms(631_000)).0;
    assert_eq!(reason(verdict), None);
}
