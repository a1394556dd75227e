use std::path::Path;

use crate::config::Config;
use crate::message::Timestamp;
use crate::relay::home::{Home, NOW};
use crate::relay::{self};
use crate::route::Directory;
use crate::schedule::{Ended, Next};

const RULE: &str = "[[rule]]\ncustomer = \"acme\"\nname = \"r\"\ncomponent = \"c\"\nnumbers = [\"7001\"]\n";

fn directory(home: &Home, text: &str) -> Directory {
    home.house.directory().next(&Config::parse(text, Path::new("t")).expect("valid"))
}

/// What the MOs say that would run, in their order.
fn run_all(home: &mut Home, now: Timestamp) -> Vec<String> {
    let mut said = Vec::new();
    while let Next::Run(key, event) = home.house.next(now) {
        let invocation = relay::claim(&home.house, &key, event, now).expect("it waits");
        said.push(String::from_utf8(invocation.mo.content.octets.to_vec()).expect("text"));
        let ended = relay::conclude(&home.house, &key, event, crate::plugin::Outcome::Reject("heard".into()), now);
        home.house.finished(key, ended, std::time::Duration::ZERO, now);
        assert_eq!(ended, Ended::Gone);
    }
    home.write();
    said
}

#[test]
fn what_waited_for_a_rule_that_nobody_knew_runs_before_what_came_since() {
    let mut home = Home::new("", RULE);
    for text in ["one", "two"] {
        home.accepted(text, NOW);
    }
    let mut home = home.crash_with(|tables| tables.replace(RULE, ""));
    assert_eq!(home.house.mos_waiting(), 0, "nobody knows the rule");
    assert_eq!(run_all(&mut home, NOW), [""; 0]);
    let with_rule = format!("{}{RULE}", home.tables());
    home.house.change_directory(directory(&home, &with_rule), NOW);
    assert_eq!(home.house.mos_waiting(), 2);
    home.accepted("three", NOW);
    assert_eq!(run_all(&mut home, NOW), ["one", "two", "three"]);
    // It is gone and comes back in the same life: it has its place and what is new for it.
    let without = home.tables();
    home.house.change_directory(directory(&home, &without), NOW);
    home.house.change_directory(directory(&home, &with_rule), NOW);
    home.accepted("four", NOW);
    assert_eq!(run_all(&mut home, NOW), ["four"], "nothing twice");
}

#[test]
fn what_waits_for_a_rule_that_goes_is_kept_and_runs_once_when_it_is_back() {
    let mut home = Home::new("", RULE);
    let without = home.tables().replace(RULE, "");
    home.accepted("one", NOW);
    home.house.change_directory(directory(&home, &without), NOW);
    home.house.settle_rules(|rule| home.house.directory().has_rule(rule));
    assert_eq!(run_all(&mut home, NOW), [""; 0], "it is held");
    let with_rule = home.tables();
    home.house.change_directory(directory(&home, &with_rule), NOW);
    home.house.settle_rules(|rule| home.house.directory().has_rule(rule));
    home.accepted("two", NOW);
    assert_eq!(run_all(&mut home, NOW), ["one", "two"]);
}
