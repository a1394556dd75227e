//! Mandatory fields that we fill in ourselves on the way out, whatever came in.

use wasmsc::clock;
use wasmsc_smpp::{Sm, time};

use super::peer::octets;
use super::site::{Centre, Plan, mo, mt, read};
use crate::support::server::built;

/// The unit in which we write an absolute time.
const SECOND_MS: u64 = 1_000;

fn now_ms() -> u64 {
    clock::now().0
}

fn absolute(at_ms: u64) -> String {
    String::from_utf8(time::format_absolute(at_ms).to_vec()).expect("ASCII")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_learns_when_a_message_expires_here_and_no_schedule() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").acme("validity_secs = 600\nvalidity_max_secs = 7200").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let in_an_hour = absolute(now_ms() + 3_600_000);
    let scheduled = "000000000001000R";
    // Named by the application, in two ways; the first message waits for its schedule here.
    for (schedule, validity) in [(scheduled, &*in_an_hour), ("", &*in_an_hour)] {
        let sm = Sm { schedule_delivery_time: octets(schedule), validity_period: octets(validity), ..mt("any") };
        app.submitted(sm).await;
        let sm = up.take_as("any").await;
        assert_eq!((sm.schedule_delivery_time, sm.validity_period), (octets(""), octets(&in_an_hour)));
    }
    // Relative, the customer's own, and cut to the customer's longest.
    for (validity, secs) in [("000000001500000R", 900), ("", 600), ("000001000000000R", 7_200)] {
        let before = now_ms() - SECOND_MS;
        app.submitted(Sm { validity_period: octets(validity), ..mt("any") }).await;
        let sm = up.take_as("any").await;
        let expires = time::parse(&sm.validity_period).expect("a time").expect("there is one");
        assert_eq!(sm.validity_period.last(), Some(&b'+'), "it is absolute: {:?}", sm.validity_period);
        assert_eq!(sm.schedule_delivery_time, "");
        let expected = before + secs * SECOND_MS..=now_ms() + secs * SECOND_MS;
        assert!(expected.contains(&expires.at_ms(0)), "{validity}: {:?}", sm.validity_period);
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_binds_to_us_gets_neither_schedule_nor_validity() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let times = |sm: Sm| Sm {
        schedule_delivery_time: octets("000000000001000R"),
        validity_period: octets("000000010000000R"),
        ..sm
    };
    app.submitted(times(mt("down"))).await;
    sim.submitted(times(mo("up"))).await;
    for (sm, text) in [(sim.take().await, "down"), (app.take().await, "up")] {
        assert_eq!((read(&sm), sm.schedule_delivery_time, sm.validity_period), (text.into(), octets(""), octets("")));
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_if_present_flag_and_sm_default_msg_id_leave_as_0() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").sim("routes = [\"+46700000009\"]").start().await;
    let (mut app, mut sim, mut up) = (site.app().await, site.sim().await, centre.bound().await);
    let to_network = Sm { destination_addr: octets("46700000009"), ..mt("to the network") };
    for sm in [mt("to the upstream"), to_network] {
        app.submitted(Sm { replace_if_present_flag: 1, ..sm }).await;
    }
    // A network's MO may have both; they mean nothing here, and nothing to the application.
    sim.submitted(Sm { replace_if_present_flag: 1, sm_default_msg_id: 7, ..mo("to the application") }).await;
    let got = [up.take_as("any").await, sim.take().await, app.take().await];
    assert_eq!(got.each_ref().map(read), ["to the upstream", "to the network", "to the application"]);
    for sm in got {
        assert_eq!((sm.replace_if_present_flag, sm.sm_default_msg_id), (0, 0), "{}", read(&sm));
    }
    site.end((app, sim, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_network_and_a_rule_say_of_priority_protocol_and_service() {
    let component = built("hostile").display().to_string();
    let rule =
        format!("[[rule]]\ncustomer = \"beta\"\nname = \"echo\"\ncomponent = {component:?}\nnumbers = [\"7002\"]\n");
    let site = Plan { sim: "routes = [\"+4670\", \"+4673\"]".into(), ..Plan::default() }.more(&rule).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let said = |sm: Sm| Sm { priority_flag: 3, protocol_id: 0x41, service_type: octets("CMT"), ..sm };
    let says = |sm: &Sm| (read(sm), sm.priority_flag, sm.protocol_id, sm.service_type.clone());
    sim.submitted(said(mo("up"))).await;
    assert_eq!(says(&app.take().await), ("up".into(), 3, 0x41, octets("CMT")));
    app.submitted(said(mt("down"))).await;
    assert_eq!(says(&sim.take().await), ("down".into(), 3, 0x41, octets("CMT")));
    // A rule's answer is a message of its own.
    let to_rule = Sm { source_addr: octets("46730000001"), destination_addr: octets("7002"), ..mo("ECHO hello") };
    sim.submitted(said(to_rule)).await;
    assert_eq!(says(&sim.take().await), ("hello".into(), 0, 0, octets("")));
    site.end((app, sim)).await;
}

// Values above 3 are reserved (SMPP 3.4 §5.2.14): a peer may refuse them for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_priority_flag_above_3_leaves_as_3() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(Sm { priority_flag: 9, ..mt("urgent") }).await;
    assert_eq!(sim.take().await.priority_flag, 3);
    site.end((app, sim)).await;
}
