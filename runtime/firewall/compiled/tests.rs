use proptest::prelude::*;

use super::*;
use crate::firewall::policy::TagOverride;

fn compile(json: &str) -> Result<CompiledPolicy, PolicyError> {
    Policy::parse(json)?.compile()
}

fn told(json: &str) -> String {
    compile(json).expect_err("refused").to_string()
}

fn device() -> Address {
    Address::parse("+46701111111").expect("valid")
}

#[test]
fn unknown_names_are_told_with_the_nearest() {
    let near = "policy: unknown field \"mesaging\" at line 1 column 11; did you mean \"messaging\"?";
    assert_eq!(told(r#"{"mesaging": "off"}"#), near);
    assert!(told(r#"{"p2p": "own-only"}"#).contains("unknown value \"own-only\""));
    assert!(told(r#"{"p2p": "own-only"}"#).contains("did you mean \"own_only\"?"));
    assert!(told(r#"{"tags": [{"tag": "x", "set": {"p2q": "off"}}]}"#).contains("did you mean \"p2p\"?"));
    assert!(told(r#"{"rates": {"everything": null}}"#).contains("known here: mo, mt, p2p, customer"));
    assert!(told("{").starts_with("policy: EOF"));
}

#[test]
fn mistakes_are_told_with_their_field() {
    for (json, want) in [
        (r#"{"rates": {"p2p": {"per_minute": 0}}}"#, "rates.p2p: per_minute and burst are 1 to"),
        (r#"{"rates": {"mt": {"per_minute": 1, "burst": 0}}}"#, "rates.mt: per_minute and burst"),
        (r#"{"quotas": {"device": 0}}"#, "quotas.device: is at least 1"),
        (r#"{"loops": {"turns": 1}}"#, "loops: turns is at least 2"),
        (r#"{"loops": {"cut_secs": 0}}"#, "loops: seconds are"),
        (r#"{"sources": {"allow": ["+46x"]}}"#, "sources.allow: \"+46x\" is no entry"),
        (r#"{"content": [{"pattern": "("}]}"#, "content: pattern 1: unclosed group"),
        (r#"{"opt_out": {"numbers": {"ACME": "on"}}}"#, "opt_out: \"ACME\" is no number"),
        (r#"{"tags": [{"tag": "", "set": {}}]}"#, "tags[0].tag: has 1 to 64 characters"),
        (r#"{"tags": [{"tag": "a", "set": {}}, {"tag": "a", "set": {}}]}"#, "tags[1].tag: is there twice"),
        (
            r#"{"tags": [{"tag": "a", "set": {"destinations": {"block": [""]}}}]}"#,
            "tags[0].set.destinations.block: \"\" is no entry",
        ),
        (r#"{"devices": {"7001": {}}}"#, "devices.7001: is no device"),
        (r#"{"devices": {"+46701111111": {}, "0046701111111": {}}}"#, "devices.0046701111111: is there twice"),
        (
            r#"{"devices": {"+46701111111": {"rates": {"mo": {"per_minute": 0}}}}}"#,
            "devices.+46701111111.rates.mo: per_minute",
        ),
    ] {
        assert!(compile(json).is_err(), "{json}");
        assert!(told(json).starts_with(want), "{json}: {}", told(json));
    }
}

#[test]
fn too_much_is_refused() {
    let tag = |n: usize| TagOverride { tag: n.to_string(), set: Override::default() };
    let policy = Policy { tags: (0..=TAGS_MAX).map(tag).collect(), ..Policy::default() };
    assert_eq!(policy.compile().expect_err("refused").field, "tags");
    let devices = (0..=DEVICES_MAX).map(|n| (format!("+46{n:09}"), Override::default())).collect();
    let policy = Policy { devices, ..Policy::default() };
    assert_eq!(policy.compile().expect_err("refused").field, "devices");
    assert!(Policy::parse(&" ".repeat(POLICY_MAX + 1)).is_err());
    let content: Vec<_> = (0..52).map(|n| serde_json::json!({ "pattern": n.to_string() })).collect();
    let tags: Vec<_> = (0..5).map(|n| serde_json::json!({"tag": n.to_string(), "set": {"content": content}})).collect();
    let told = told(&serde_json::json!({ "tags": tags }).to_string());
    assert_eq!(told, "content, with all overrides: 260 entries; at most 256");
}

#[test]
fn a_limit_that_is_null_is_none_and_one_that_is_absent_the_customers() {
    let policy = compile(
        r#"{"rates": {"mo": {"per_minute": 5}}, "quotas": {"device": 7},
            "tags": [{"tag": "free", "set": {"rates": {"mo": null, "p2p": {"per_minute": 9}}, "loops": null}}]}"#,
    )
    .expect("valid");
    let plain = policy.of_device(&device(), &[]);
    let free = policy.of_device(&device(), &["free".to_owned()]);
    assert_eq!(plain.rates.mo.map(|rate| rate.per_minute), Some(5));
    assert_eq!((free.rates.mo, free.rates.p2p.map(|rate| rate.per_minute)), (None, Some(9)));
    assert_eq!((free.quotas.device, free.loops, plain.loops.is_some()), (Some(7), None, true));
}

fn any_override() -> impl Strategy<Value = Override> {
    let one_of = |count| proptest::option::of(0..count);
    let quota = proptest::option::of(proptest::option::of(1u32..9));
    (one_of(Messaging::ALL.len()), one_of(A2p::ALL.len()), one_of(P2p::ALL.len()), quota).prop_map(
        |(m, a, p, quota)| Override {
            messaging: m.map(|index| Messaging::ALL[index]),
            a2p: a.map(|index| A2p::ALL[index]),
            p2p: p.map(|index| P2p::ALL[index]),
            quotas: QuotasOverride { device: quota },
            ..Override::default()
        },
    )
}

proptest! {
    /// The device, else the first listed tag that it has, else the customer: field by field.
    #[test]
    fn each_field_is_from_whoever_gives_it_first(
        listed in proptest::collection::vec(any_override(), 0..5),
        own in proptest::option::of(any_override()),
        has in proptest::collection::vec(0usize..6, 0..6),
    ) {
        let tag = |(index, set): (usize, &Override)| TagOverride { tag: format!("t{index}"), set: set.clone() };
        let mut policy = Policy { tags: listed.iter().enumerate().map(tag).collect(), ..Policy::default() };
        policy.devices.extend(own.clone().map(|set| (device().to_string(), set)));
        let tags: Vec<String> = has.iter().map(|index| format!("t{index}")).collect();
        let compiled = policy.compile().expect("valid");
        let effective = compiled.of_device(&device(), &tags);
        let in_order: Vec<&Override> =
            own.iter().chain(listed.iter().enumerate().filter(|(i, _)| has.contains(i)).map(|(_, set)| set)).collect();
        let first = |i: &dyn Fn(&Override) -> bool| in_order.iter().find(|set| i(set)).copied();
        let messaging = first(&|set| set.messaging.is_some()).and_then(|set| set.messaging);
        let a2p = first(&|set| set.a2p.is_some()).and_then(|set| set.a2p);
        let p2p = first(&|set| set.p2p.is_some()).and_then(|set| set.p2p);
        let quota = first(&|set| set.quotas.device.is_some()).and_then(|set| set.quotas.device);
        prop_assert_eq!(effective.messaging.value, messaging.unwrap_or(policy.messaging));
        prop_assert_eq!(effective.a2p.value, a2p.unwrap_or(policy.a2p));
        prop_assert_eq!(effective.p2p.value, p2p.unwrap_or(policy.p2p));
        prop_assert_eq!(effective.quotas.device, quota.unwrap_or(policy.quotas.device));
        // Another device, and the customer's numbers, are not concerned.
        let other = Address::parse("+46702222222").expect("valid");
        prop_assert_eq!(compiled.of_device(&other, &[]).p2p.value, policy.p2p);
        prop_assert_eq!(compiled.of_customer().a2p.value, policy.a2p);
    }

    #[test]
    fn what_is_written_reads_back(listed in proptest::collection::vec(any_override(), 0..4), own in any_override()) {
        let tag = |(index, set): (usize, &Override)| TagOverride { tag: format!("t{index}"), set: set.clone() };
        let mut policy = Policy { tags: listed.iter().enumerate().map(tag).collect(), ..Policy::default() };
        policy.devices.insert(device().to_string(), own);
        let text = serde_json::to_string_pretty(&policy).expect("serialises");
        prop_assert_eq!(Policy::parse(&text), Ok(policy));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = Policy::parse(&text);
    }
}
