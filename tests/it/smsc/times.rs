//! When messages leave and how long they are tried: schedule_delivery_time, validity_period, priority_flag.

use std::time::Duration;

use wasmsc::clock;
use wasmsc_smpp::{Body, CommandStatus, QuerySm, Sm, time};

use super::peer::{Peer, octets};
use super::site::{Plan, mt, read, receipt_words, wishing};

/// A second later than now in the absolute format, whose unit it is.
fn in_secs(secs: u64) -> String {
    let at = clock::now().plus_ms(secs * 1_000).0;
    String::from_utf8(time::format_absolute(at).to_vec()).expect("ASCII")
}

fn at(schedule: &str, text: &str) -> Sm {
    Sm { schedule_delivery_time: octets(schedule), ..mt(text) }
}

fn until(validity: &str, text: &str) -> Sm {
    Sm { validity_period: octets(validity), ..mt(text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_messages_leave_at_their_time_and_not_before() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let start = clock::instant();
    app.submitted(at("000000000003000R", "relative")).await;
    app.submitted(at(&in_secs(2), "absolute")).await;
    app.submitted(at("000101000000000+", "long ago")).await;
    app.submitted(at("", "now")).await;
    for text in ["long ago", "now", "absolute", "relative"] {
        assert_eq!(read(&sim.take().await), text);
    }
    let took = clock::instant() - start;
    assert!((Duration::from_millis(2_990)..Duration::from_secs(5)).contains(&took), "{took:?}");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_was_scheduled_before_a_restart_leaves_at_its_time_after_it() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    for n in [3, 2, 4] {
        app.submitted(at(&format!("00000000000{n}000R"), &format!("after {n}"))).await;
    }
    drop(app);
    let site = site.restart().await;
    let mut sim = site.sim().await;
    for n in 2..5 {
        assert_eq!(read(&sim.take().await), format!("after {n}"));
    }
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_times_are_refused_each_with_its_status() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    for wrong in
        ["now", "99", "261332000000000+", "260230000000000+", "260101250000000+", "26010100000000", "----------------"]
    {
        // Fourteen digits are a time without its end, and lenient reading takes them.
        if wrong.len() != 14 {
            assert_eq!(app.submit(at(wrong, "x")).await.0, CommandStatus::ESME_RINVSCHED, "{wrong}");
            assert_eq!(app.submit(until(wrong, "x")).await.0, CommandStatus::ESME_RINVEXPIRY, "{wrong}");
        }
    }
    assert_eq!(app.submit(until("200101000000000+", "over")).await.0, CommandStatus::ESME_RINVEXPIRY);
    let mut contradiction = at("000000010000000R", "never");
    contradiction.validity_period = octets("000000000100000R");
    assert_eq!(app.submit(contradiction).await.0, CommandStatus::ESME_RINVEXPIRY);
    app.submitted(mt("alive")).await;
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "alive", "none of the refused ones waits");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_ceiling_cuts_a_longer_validity_and_its_default_ends_what_names_none() {
    let plan = Plan::network().acme("validity_secs = 1\nvalidity_max_secs = 2");
    let site = plan.start().await;
    let mut app = site.app().await;
    let start = clock::instant();
    let default = app.submitted(wishing(1, mt("default"))).await;
    let ceiling = app.submitted(wishing(1, until("990000000000000R", "ninety-nine years"))).await;
    assert_eq!(receipt_words(&app.take().await), (default, "EXPIRED".into()));
    assert_eq!(receipt_words(&app.take().await), (ceiling, "EXPIRED".into()));
    let took = clock::instant() - start;
    assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&took), "{took:?}");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validity_counts_from_the_scheduled_time_on_and_that_is_no_years_ahead() {
    let plan = Plan::network().acme("validity_secs = 1\nvalidity_max_secs = 1");
    let site = plan.start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(at("000000000003000R", "later")).await;
    assert_eq!(app.submit(at("020000000000000R", "in two years")).await.0, CommandStatus::ESME_RINVSCHED);
    assert_eq!(read(&sim.take().await), "later");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_messages_go_before_bulk_and_each_kind_in_order() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    // The store hands out a message some microseconds after its response; of the last one nothing hangs on that.
    for (n, priority_flag) in [0, 3, 1, 2, 0, 3, 9, 0].into_iter().enumerate() {
        app.submitted(Sm { priority_flag, ..mt(&format!("{n}")) }).await;
    }
    let mut sim = site.sim().await;
    let mut order = String::new();
    for _ in 0..8 {
        order += &read(&sim.take().await);
    }
    assert_eq!(order, "15632047");
    site.end((app, sim)).await;
}

async fn is_known(app: &mut Peer, id: &str) -> bool {
    let query = QuerySm { message_id: octets(id), ..QuerySm::default() };
    app.ask(Body::QuerySm(query)).await.0.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_asked_for_after_a_restart() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let (done, waiting) = (app.submitted(mt("done")).await, app.submitted(at("000001000000000R", "later")).await);
    sim.take().await;
    sim.barrier().await;
    drop((app, sim));
    let site = site.restart().await;
    let mut app = site.app().await;
    assert!(is_known(&mut app, &done).await && is_known(&mut app, &waiting).await);
    site.end(app).await;
}
