use super::*;
use crate::firewall::{By, DeviceStatus, End, Kind, Owner, Policy, State, Submitter};
use crate::message::Address;

/// An application of `acme` with `policy` sends to a device of `other`, which takes P2P only.
fn explained(policy: &str, viewer: Viewer<'_>) -> Explanation {
    let own = Policy::parse(policy).and_then(|policy| policy.compile()).expect("valid");
    let theirs = r#"{"messaging": "p2p_only", "sources": {"block": ["7*"]}, "tags": [{"tag": "secret", "set": {"messaging": "p2p_only"}}]}"#;
    let theirs = Policy::parse(theirs).and_then(|policy| policy.compile()).expect("valid");
    let [number, device] = ["7001", "+46701111111"].map(|text| Address::parse(text).expect("valid"));
    let tags = ["secret".to_owned()];
    let active = DeviceStatus::Active;
    let owner = |customer, policy| Some(Owner { customer, policy });
    let packet = Packet {
        kind: Kind::Mt,
        submitter: Submitter { by: By::Application, may_send_from: &|_| true },
        source: End { address: &number, owner: owner("acme", &own), tags: &[], status: active },
        destination: End { address: &device, owner: owner("other", &theirs), tags: &tags, status: active },
        unclaimed: None,
        text: Some("hello"),
    };
    let state = State::default();
    explain(&packet, Context { state: &state, opt_outs: &() }, Timestamp(0), viewer)
}

#[test]
fn every_check_is_shown_in_order_with_its_outcome_and_why() {
    let explanation = explained("{}", Viewer::Operator);
    assert!(!explanation.allowed);
    let refusal = explanation.refusal.expect("refused");
    assert_eq!((refusal.code, refusal.side), ("a2p_own_only", "sender"));
    assert_eq!((refusal.command_status, refusal.http_status), ("ESME_RINVDSTADR", 403));
    let policies: Vec<_> = explanation.steps.iter().filter(|step| step.check == "policy").collect();
    assert_eq!(policies[0].why, "a2p is own_only; the other end is another customer's");
    assert_eq!(policies[1].why, "messaging is p2p_only for tag \"secret\"; the other end is another customer's");
    assert_eq!(policies[1].code, Some("a2p_off"), "what else is in the way is shown too");
    let names: Vec<_> = explanation.steps.iter().map(|step| step.check).collect();
    assert_eq!((names.first(), names.last()), (Some(&"submitter"), Some(&"quota_customer")));
    assert_eq!(names.len(), 13 + 5, "five checks have two sides");
}

#[test]
fn a_customer_sees_nothing_of_anothers_policy_but_the_reason() {
    let explanation = explained(r#"{"a2p": "open"}"#, Viewer::Customer("acme"));
    assert_eq!(explanation.refusal.as_ref().map(|refusal| refusal.code), Some("a2p_off"));
    let text = serde_json::to_string(&explanation).expect("serialises");
    assert!(!text.contains("secret") && !text.contains("7*") && !text.contains("p2p_only for"), "{text}");
    let own = explanation.steps.iter().find(|step| step.check == "policy").expect("there");
    assert_eq!(own.why, "a2p is open; the other end is another customer's");
}
