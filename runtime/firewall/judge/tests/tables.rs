//! Every combination of messaging x a2p x p2p on both sides x kind x whose devices, against the written tables.

use std::collections::HashMap;

use super::doc::table;
use super::{NOON, Scene, policy};
use crate::firewall::policy::{A2p, Messaging, Override, P2p, Policy};
use crate::firewall::{Context, Kind, Reason, Side, State, Verdict, Viewer, Whose, explain, judge};

/// What a side answers, by (its setting, its column).
struct Tables {
    cells: HashMap<(&'static str, &'static str, String), &'static str>,
}

impl Tables {
    fn read() -> Tables {
        let mut cells = HashMap::new();
        for field in ["a2p", "p2p"] {
            let rows = table(&["messaging", field]);
            let (heading, rows) = rows.split_first().expect("has a heading");
            for row in rows {
                for (column, cell) in heading.iter().zip(row).skip(2) {
                    cells.insert((row[0], row[1], format!("{field} {column}")), *cell);
                }
            }
        }
        let a2p = Messaging::ALL.len() * A2p::ALL.len() * 2 * Whose::ALL.len();
        let p2p = Messaging::ALL.len() * P2p::ALL.len() * 2 * Whose::ALL.len();
        assert_eq!(cells.len(), a2p + p2p, "every combination is written down, and no other");
        Tables { cells }
    }

    fn answer(&self, of: &Policy, kind: Kind, side: Side, whose: Whose) -> Option<Reason> {
        let (value, column) = match (kind, side) {
            (Kind::P2p, Side::Sender) => (of.p2p.name(), "p2p sends"),
            (Kind::P2p, Side::Receiver) => (of.p2p.name(), "p2p receives"),
            (Kind::Mo, _) => (of.a2p.name(), "a2p mo"),
            (Kind::Mt, _) => (of.a2p.name(), "a2p mt"),
        };
        let key = (of.messaging.name(), value, format!("{column} {}", whose.name()));
        match *self.cells.get(&key).unwrap_or_else(|| panic!("{key:?} is not written down")) {
            "ok" => None,
            code => Some(Reason::from_code(code).unwrap_or_else(|| panic!("{code} is no reason"))),
        }
    }
}

fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for messaging in Messaging::ALL {
        for a2p in A2p::ALL {
            all.extend(P2p::ALL.iter().map(|p2p| policy(*messaging, *a2p, *p2p)));
        }
    }
    all
}

fn verdict(scene: &Scene, kind: Kind) -> Option<(Reason, Side)> {
    let (packet, state) = (scene.packet(kind), State::default());
    let context = Context { state: &state, opt_outs: &() };
    let refused = match judge(&packet, context, NOON) {
        Verdict::Allowed { .. } => None,
        Verdict::Refused(refusal) => Some((refusal.reason, refusal.side)),
    };
    let explanation = explain(&packet, context, NOON, Viewer::Operator);
    assert_eq!(explanation.allowed, refused.is_none());
    let first = explanation.steps.iter().find_map(|step| step.code.map(|code| (code, step.side)));
    assert_eq!(first, refused.map(|(reason, side)| (reason.code(), side.name())), "explain and judge agree");
    refused
}

/// The first side that refuses: the number's of A2P, the sender's of P2P.
fn expected(tables: &Tables, kind: Kind, asked: &[(Side, &Policy, Whose)]) -> Option<(Reason, Side)> {
    asked.iter().find_map(|(side, policy, whose)| Some((tables.answer(policy, kind, *side, *whose)?, *side)))
}

fn number_first(kind: Kind) -> [Side; 2] {
    match kind {
        Kind::Mo => [Side::Receiver, Side::Sender],
        Kind::Mt | Kind::P2p => [Side::Sender, Side::Receiver],
    }
}

#[test]
fn between_two_customers_every_pair_of_policies_does_what_is_written() {
    let (tables, policies) = (Tables::read(), policies());
    for (sender, receiver) in policies.iter().flat_map(|s| policies.iter().map(move |r| (s, r))) {
        let scene = Scene::new(Some(("a", sender)), Some(("b", receiver)));
        for kind in Kind::ALL {
            let of = |side| (side, if side == Side::Sender { sender } else { receiver }, Whose::Foreign);
            let want = expected(&tables, kind, &number_first(kind).map(of));
            assert_eq!(verdict(&scene, kind), want, "{kind:?} {sender:?} {receiver:?}");
        }
    }
}

#[test]
fn with_nobody_at_one_end_the_other_side_alone_decides() {
    let tables = Tables::read();
    for policy in policies() {
        for (kind, side) in Kind::ALL.into_iter().flat_map(|k| [(k, Side::Sender), (k, Side::Receiver)]) {
            let there = Some(("a", &policy));
            let scene = if side == Side::Sender { Scene::new(there, None) } else { Scene::new(None, there) };
            let want = expected(&tables, kind, &[(side, &policy, Whose::Nobody)]);
            assert_eq!(verdict(&scene, kind), want, "{kind:?} {side:?} {policy:?}");
        }
    }
}

#[test]
fn within_a_customer_the_one_policy_holds_for_both_ends() {
    let tables = Tables::read();
    for policy in policies() {
        let scene = Scene::new(Some(("a", &policy)), Some(("a", &policy)));
        for kind in Kind::ALL {
            let want = expected(&tables, kind, &number_first(kind).map(|side| (side, &policy, Whose::Own)));
            assert_eq!(verdict(&scene, kind), want, "{kind:?} {policy:?}");
        }
    }
}

fn as_override(policy: &Policy) -> Override {
    Override { messaging: Some(policy.messaging), a2p: Some(policy.a2p), p2p: Some(policy.p2p), ..Override::default() }
}

#[test]
fn within_a_customer_two_devices_with_overrides_of_their_own() {
    let (tables, policies) = (Tables::read(), policies());
    for (sender, receiver) in policies.iter().flat_map(|s| policies.iter().map(move |r| (s, r))) {
        let mut customer = policy(Messaging::Off, A2p::Off, P2p::Off);
        customer.devices.insert("+46701111111".into(), as_override(sender));
        customer.devices.insert("+46702222222".into(), as_override(receiver));
        let scene = Scene::new(Some(("a", &customer)), Some(("a", &customer)));
        let sides = [(Side::Sender, sender, Whose::Own), (Side::Receiver, receiver, Whose::Own)];
        assert_eq!(verdict(&scene, Kind::P2p), expected(&tables, Kind::P2p, &sides), "{sender:?} {receiver:?}");
        for kind in [Kind::Mo, Kind::Mt] {
            // The device is the same in both directions, and its override holds for the number too.
            let [first, _] = number_first(kind);
            let want = expected(&tables, kind, &[(first, sender, Whose::Own)]);
            assert_eq!(verdict(&scene, kind), want, "{kind:?} {sender:?}");
        }
    }
}

#[test]
fn nobody_to_nobody_never_passes() {
    let scene = Scene::new(None, None);
    for kind in Kind::ALL {
        assert_eq!(verdict(&scene, kind), Some((Reason::UnknownDestination, Side::Receiver)));
    }
}

#[test]
fn the_default_policy_is_what_a_house_without_policies_does() {
    let default = Policy::default();
    let own = Scene::new(Some(("a", &default)), Some(("a", &default)));
    assert_eq!(verdict(&own, Kind::Mo), None);
    assert_eq!(verdict(&own, Kind::Mt), None);
    assert_eq!(verdict(&own, Kind::P2p), Some((Reason::P2pOff, Side::Sender)));
    // The statuses that peers got before there were policies.
    let statuses = |scene: &Scene, kind| {
        let (reason, side) = verdict(scene, kind).expect("refused");
        reason.command_status(side, kind).name().expect("known")
    };
    let foreign = Scene::new(Some(("a", &default)), Some(("b", &default)));
    let from_nobody = Scene::new(None, Some(("b", &default)));
    let to_nobody = Scene::new(Some(("a", &default)), None);
    assert_eq!(statuses(&foreign, Kind::Mo), "ESME_RINVSRCADR");
    assert_eq!(statuses(&from_nobody, Kind::Mo), "ESME_RINVSRCADR");
    assert_eq!(statuses(&foreign, Kind::Mt), "ESME_RINVDSTADR");
    assert_eq!(statuses(&to_nobody, Kind::Mt), "ESME_RINVDSTADR");
    assert_eq!(statuses(&Scene::new(None, None), Kind::Mo), "ESME_RINVDSTADR");
    assert_eq!(statuses(&own, Kind::P2p), "ESME_RINVDSTADR");
    assert_eq!(statuses(&to_nobody, Kind::P2p), "ESME_RINVDSTADR");
}
