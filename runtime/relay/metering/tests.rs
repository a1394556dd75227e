use super::*;
use crate::message::{Address, Content, Message};
use crate::plugin::Outcome;
use crate::relay::home::{DAY_MS, Home, NOW};
use crate::relay::{claim, conclude};
use crate::schedule::Next;

const RULE: RuleIndex = RuleIndex(0);
const ACME: CustomerIndex = CustomerIndex(0);

fn home(acme: &str, rule: &str) -> Home {
    let table = "routes = [\"+46\"]\n[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\n\
                 numbers = [\"7001\"]\n";
    Home::new(acme, &format!("{table}{rule}\n"))
}

fn charge(home: &Home, cpu_ms: u64, messages: u64, now: Timestamp) {
    let used = Used { calls: 1, cpu_micros: cpu_ms * 1_000, ..Used::default() };
    home.house.charge(RULE, (used, Used { messages, ..Used::default() }), Ended::Gone, now);
}

fn rows(home: &Home) -> Vec<UsageRow> {
    let mut rows = Vec::new();
    let each = |row| {
        rows.push(row);
        true
    };
    home.house.store.usage("acme", (0, u32::MAX), each).expect("readable");
    rows
}

#[test]
fn a_day_that_was_written_down_counts_on_over_a_crash() {
    let mut home = home("", "");
    charge(&home, 5, 2, NOW);
    assert_eq!((keep_usage(&home.house).expect("writes"), keep_usage(&home.house).expect("writes")), (1, 0));
    home.write();
    charge(&home, 100, 100, NOW); // nobody wrote that down
    let mut home = home.crash();
    charge(&home, 1, 1, NOW);
    keep_usage(&home.house).expect("writes");
    home.write();
    let [row] = &rows(&home)[..] else { panic!("{:?}", rows(&home)) };
    assert_eq!(
        (&*row.rule, row.day, row.used.calls, row.used.cpu_micros, row.used.messages),
        ("meter", 19_675, 2, 6_000, 3)
    );
    assert_eq!(home.house.used_by_customer(ACME, NOW).messages, 3);
    charge(&home, 1, 1, NOW.plus_ms(DAY_MS));
    keep_usage(&home.house).expect("writes");
    assert_eq!(rows(&home).len(), 2);
    forget(&home.house, NOW.plus_ms(u64::from(KEPT_DAYS) * DAY_MS)).expect("works");
    assert_eq!(rows(&home).len(), 1);
}

#[test]
fn events_wait_for_the_next_minute_when_the_minute_of_the_rule_or_of_its_customer_is_used_up() {
    for (acme, rule) in [("cpu_ms_per_minute = 100", ""), ("", "cpu_ms_per_minute = 100")] {
        let mut home = home(acme, rule);
        home.accepted("one", NOW);
        charge(&home, 99, 0, NOW);
        let Next::Run(key, event) = home.house.next(NOW) else { panic!("there is some left") };
        let invocation = claim(&home.house, &key, event, NOW);
        assert!(invocation.is_some());
        let ended = conclude(&home.house, &key, event, Outcome::Done(Effects::default()), NOW);
        home.house.finished(key, ended, std::time::Duration::ZERO, NOW);
        charge(&home, 1, 0, NOW);
        home.accepted("two", NOW);
        let until = meter::next_minute(NOW);
        assert_eq!(home.house.next(NOW), Next::WaitUntil(until), "{acme} {rule}");
        assert!(matches!(home.house.next(until), Next::Run(..)), "{acme} {rule}");
    }
}

#[test]
fn a_rule_that_has_sent_its_messages_of_the_day_may_send_no_more_on_it() {
    for (acme, rule) in [("rule_messages_per_day = 3", ""), ("", "messages_per_day = 3")] {
        let mut home = home(acme, rule);
        charge(&home, 1, 2, NOW);
        home.accepted("one", NOW);
        let Next::Run(key, event) = home.house.next(NOW) else { panic!("it may run") };
        let gate = claim(&home.house, &key, event, NOW).expect("it waits").gate;
        assert_eq!((gate.has_room(1), gate.has_room(2)), (true, false), "{acme} {rule}");
        assert!(home.house.may_send(RULE, 3, NOW.plus_ms(DAY_MS)), "a new day");
    }
}

#[test]
fn effects_count_where_they_are_stored() {
    let home = home("", "");
    let message = Message {
        source: Address::ShortCode("7001".into()),
        destination: Address::Msisdn("46700000001".into()),
        content: Content::default(),
        received_at: NOW,
    };
    let effects = Effects {
        state: vec![("name".into(), Some(vec![0; 10])), ("gone".into(), None)],
        messages: vec![crate::occasion::Outgoing::plain(message)],
        ..Effects::default()
    };
    let used = used_by(&Outcome::Done(effects).into());
    assert_eq!((used.0.calls, used.0.failures, used.1.state_octets_written, used.1.messages), (1, 0, 18, 1));
    home.house.charge(RULE, used, Ended::Again(NOW), NOW);
    assert_eq!(home.house.used_today(RULE, NOW).0.messages, 0, "others were faster, it runs again");
    home.house.charge(RULE, used_by(&Outcome::Reject("no".into()).into()), Ended::Gone, NOW);
    assert_eq!((home.house.used_today(RULE, NOW).0.calls, home.house.used_today(RULE, NOW).0.failures), (2, 1));
}
