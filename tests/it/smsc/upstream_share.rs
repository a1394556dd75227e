//! Several centres with the same prefix: who gets what, and who takes over.

use std::time::Duration;

use wasmsc_smpp::CommandStatus;

use super::peer::Peer;
use super::site::{Centre, DEVICE, Plan, mt, mt_to, read};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_by_priority_carries_all_and_the_next_takes_over_what_it_left() {
    let (first, second) = (Centre::new().await, Centre::new().await);
    let plan = Plan::upstream(&first, "priority = 1").and_upstream("spare", &second, "priority = 2");
    let site = plan.start().await;
    let (mut app, mut a, mut b) = (site.app().await, first.bound().await, second.bound().await);
    for n in 0..20 {
        app.submitted(mt(&format!("text {n}"))).await;
        assert_eq!(read(&a.take().await), format!("text {n}"));
    }
    app.submitted(mt("in flight")).await;
    a.next_sm().await;
    drop((a, first));
    assert_eq!(read(&b.take().await), "in flight");
    app.submitted(mt("next")).await;
    assert_eq!(read(&b.take().await), "next");
    site.end((app, b)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_has_its_messages_again_when_it_is_back() {
    let (first, second) = (Centre::new().await, Centre::new().await);
    let plan = Plan::upstream(&first, "").and_upstream("spare", &second, "priority = 1");
    let site = plan.start().await;
    let (mut app, a, mut b) = (site.app().await, first.bound().await, second.bound().await);
    drop(a);
    let mut a = first.bound().await;
    a.barrier().await; // it is attached
    app.submitted(mt("one")).await;
    assert_eq!(read(&a.take().await), "one");
    b.barrier().await;
    assert_eq!(b.next_within(Duration::from_millis(50)).await, None);
    site.end((app, a, b)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_centre_is_helped_by_the_one_behind_it() {
    let (first, second) = (Centre::new().await, Centre::new().await);
    let plan = Plan::upstream(&first, "").and_upstream("spare", &second, "priority = 1");
    let site = plan.start().await;
    let (mut app, mut a, mut b) = (site.app().await, first.bound().await, second.bound().await);
    app.submitted(mt("too much")).await;
    a.refuse(CommandStatus::ESME_RTHROTTLED).await;
    assert_eq!(read(&b.take().await), "too much");
    site.end((app, a, b)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_prefix_goes_before_any_priority() {
    let (wide, narrow) = (Centre::new().await, Centre::new().await);
    let plan = Plan::upstream(&wide, "");
    let port = narrow.port;
    let table = format!(
        "[[upstream]]\nname = \"narrow\"\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"we\"\npassword = \"secret\"\n\
         priority = 9\nroutes = [\"+4670000\"]\n"
    );
    let site = plan.more(&table).start().await;
    let (mut app, mut a, mut b) = (site.app().await, wide.bound().await, narrow.bound().await);
    app.submitted(mt("narrow")).await;
    assert_eq!((DEVICE, read(&b.take().await)), ("46700000001", "narrow".into()));
    app.submitted(mt_to("46701000001", "wide")).await;
    assert_eq!(read(&a.take().await), "wide");
    site.end((app, a, b)).await;
}

async fn count(mut up: Peer, taken: tokio::sync::mpsc::UnboundedSender<usize>, index: usize) {
    while taken.send(index).is_ok() {
        up.take().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equals_share_by_weight() {
    const COUNT: usize = 400;
    let (light, heavy) = (Centre::new().await, Centre::new().await);
    let plan = Plan::upstream(&light, "weight = 1").and_upstream("heavy", &heavy, "weight = 3");
    let site = plan.start().await;
    let mut app = site.app().await;
    let (sender, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let (a, b) = (light.bound().await, heavy.bound().await);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(count(a, sender.clone(), 0));
    tasks.spawn(count(b, sender, 1));
    for _ in 0..2 {
        taken.recv().await; // each says once that it is there
    }
    let mut shares = [0, 0];
    for n in 0..COUNT {
        app.submitted(mt(&format!("text {n}"))).await;
        shares[taken.recv().await.expect("the centres take")] += 1;
    }
    tasks.shutdown().await;
    assert!((COUNT / 4 - 20..=COUNT / 4 + 20).contains(&shares[0]), "{shares:?} of 100 and 300");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_one_centre_cannot_take_now_is_tried_again_and_ends_when_it_never_can() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more("[retry]\ntemporary = [0]\n").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("hard")).await;
    for _ in 0..3 {
        assert_eq!(read(&up.refuse(CommandStatus::ESME_RSYSERR).await), "hard");
    }
    // A number of a vendor's own, and one that is reserved: errors for now.
    for number in [0x0400, 0x01FF] {
        assert_eq!(read(&up.refuse(CommandStatus(number)).await), "hard");
    }
    up.refuse(CommandStatus::ESME_RINVDSTADR).await;
    app.submitted(mt("next")).await;
    assert_eq!(read(&up.take().await), "next");
    site.end((app, up)).await;
}
