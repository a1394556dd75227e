//! What keeps one peer from hurting the others: modes, binds, networks, rates, bans, timers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use wasmsc::clock;
use wasmsc_smpp::{BindMode, CommandStatus, SessionConfig};

use super::peer::{Login, Peer, eventually};
use super::site::{Plan, Site, mo, mt, mt_to, read};
use crate::support::PATIENCE;

async fn refused(site: &Site, login: Login) -> CommandStatus {
    match Peer::try_bind(site.smpp, login).await {
        Ok(_) => CommandStatus::ESME_ROK,
        Err(status) => status,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_binds_in_its_modes_only() {
    let site = Plan::network().app("modes = [\"transmitter\"]").start().await;
    for (mode, status) in [
        (BindMode::Transmitter, CommandStatus::ESME_ROK),
        (BindMode::Receiver, CommandStatus::ESME_RBINDFAIL),
        (BindMode::Transceiver, CommandStatus::ESME_RBINDFAIL),
    ] {
        assert_eq!(refused(&site, Login::new("app").mode(mode)).await, status, "{mode:?}");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bind_too_many_is_refused_until_another_ends() {
    let site = Plan::network().app("binds_max = 2").start().await;
    let (one, two) = (site.app().await, site.app().await);
    assert_eq!(refused(&site, Login::new("app")).await, CommandStatus::ESME_RALYBND);
    one.unbind().await;
    let again = || async { Peer::try_bind(site.smpp, Login::new("app")).await.ok() };
    let three = eventually("free bind", again).await;
    drop(two); // without a word
    let four = eventually("free bind", again).await;
    site.end((three, four)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_binds_from_its_networks_only() {
    for (networks, status) in [
        ("[\"10.0.0.0/8\", \"2001:db8::/32\"]", CommandStatus::ESME_RBINDFAIL),
        ("[\"10.0.0.0/8\", \"127.0.0.1/32\"]", CommandStatus::ESME_ROK),
    ] {
        let site = Plan::network().app(&format!("allowed_networks = {networks}")).start().await;
        assert_eq!(refused(&site, Login::new("app")).await, status, "{networks}");
        site.end(()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn above_its_rate_an_account_is_throttled_and_the_bind_stays() {
    let site = Plan::network().app("messages_per_sec = 2\nburst = 5").start().await;
    // All binds of the account share the rate.
    let mut binds = [site.app().await, site.app().await];
    let mut sim = site.sim().await;
    let mut statuses = Vec::new();
    for n in 0..20 {
        statuses.push(binds[n % 2].submit(mt("any")).await.0);
    }
    let taken = statuses.iter().filter(|status| status.is_ok()).count();
    assert!((5..=8).contains(&taken), "{taken} of 20 at once");
    assert!(statuses.iter().all(|s| s.is_ok() || *s == CommandStatus::ESME_RTHROTTLED), "{statuses:?}");
    for _ in 0..taken {
        sim.take().await;
    }
    let [mut one, other] = binds;
    let start = clock::instant();
    while one.submit(mt("again")).await.0 == CommandStatus::ESME_RTHROTTLED {
        assert!(clock::instant() - start < PATIENCE, "throttled for ever");
    }
    assert_eq!(read(&sim.take().await), "again");
    site.end((one, other, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_for_submitting_and_not_for_receipts_and_deliveries() {
    let site = Plan::network().app("messages_per_sec = 1").sim("sends_receipts = true").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for n in 0..10 {
        sim.submitted(mo(&format!("text {n}"))).await;
        assert_eq!(read(&app.take().await), format!("text {n}"));
    }
    site.end((app, sim)).await;
}

/// A connection that the server closes without a word.
async fn closed_at_once(smpp: SocketAddr) -> bool {
    let stream = TcpStream::connect(smpp).await.expect("the server listens");
    Peer::over(stream, SessionConfig::esme()).is_closed_within(Duration::from_millis(300)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_whose_binds_fail_has_to_wait_longer_each_time() {
    let ban = "ban = { after_failures = 2, first_secs = 1, longest_secs = 3 }";
    let site = Plan::network().smpp(ban).start().await;
    let wrong = || Login::new("app").password("wrong");
    let mut bound = site.app().await;
    assert_eq!(refused(&site, wrong()).await, CommandStatus::ESME_RINVPASWD);
    assert!(!closed_at_once(site.smpp).await, "one failure is a typing mistake");
    assert_eq!(refused(&site, Login::new("nobody")).await, CommandStatus::ESME_RINVSYSID);
    let start = clock::instant();
    assert!(closed_at_once(site.smpp).await);
    let connects = || async { (!closed_at_once(site.smpp).await).then_some(()) };
    eventually("end of the ban", connects).await;
    let waited = clock::instant() - start;
    assert!(waited > Duration::from_millis(700), "{waited:?}");
    // The third failure costs more, and who is bound already notices nothing.
    assert_eq!(refused(&site, wrong()).await, CommandStatus::ESME_RINVPASWD);
    let start = clock::instant();
    assert!(closed_at_once(site.smpp).await);
    bound.submitted(mt("any")).await;
    eventually("end of the ban", connects).await;
    let waited = clock::instant() - start;
    assert!(waited > Duration::from_millis(1_500), "{waited:?}");
    // A bind that succeeds wipes the slate.
    drop(site.app().await);
    assert_eq!(refused(&site, wrong()).await, CommandStatus::ESME_RINVPASWD);
    assert!(!closed_at_once(site.smpp).await);
    site.end(bound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_from_one_address_are_counted_and_freed() {
    let site = Plan::network().smpp("max_links_per_ip = 2").start().await;
    let (app, sim) = (site.app().await, site.sim().await);
    for _ in 0..5 {
        assert!(closed_at_once(site.smpp).await);
    }
    drop(app);
    let is_served = || async { (!closed_at_once(site.smpp).await).then_some(()) };
    eventually("free place", is_served).await;
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_on_which_nothing_moves_is_unbound_and_one_with_traffic_stays() {
    let site = Plan::network().smpp("inactivity_timeout_secs = 1").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut idle = site.bind(Login::new("rival")).await;
    let start = clock::instant();
    while clock::instant() - start < Duration::from_millis(1_500) {
        app.submitted(mt("any")).await;
        sim.take().await;
        tokio::time::sleep(Duration::from_millis(50)).await; // traffic, not a wait for something
    }
    idle.expect_closed().await;
    app.submitted(mt("any")).await;
    sim.take().await;
    app.expect_closed().await;
    site.end((app, sim)).await;
}

/// CPU time of this process in clock ticks, of which there are a hundred a second.
pub fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("the name ends").split(' ').collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_link_that_owes_an_answer_costs_no_cpu() {
    let site = Plan::network().smpp("inactivity_timeout_secs = 1").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("any")).await;
    let (number, _) = sim.next_sm().await;
    app.expect_closed().await;
    let before = cpu_ticks();
    assert_eq!(sim.next_within(Duration::from_secs(1)).await, None);
    let ticks = cpu_ticks() - before;
    assert!(ticks < 30, "{ticks} ticks of CPU in a second of waiting");
    sim.answer(number, CommandStatus::ESME_ROK, "").await;
    sim.expect_closed().await;
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_gets_what_its_address_range_names_and_others_the_rest() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut even = site.bind(Login::new("sim").range("^46700000[0-9]*[02468]$")).await;
    let mut odd = site.bind(Login::new("sim").range("^46700000[0-9]*[13579]$")).await;
    for n in 1..=6 {
        app.submitted(mt_to(&format!("4670000000{n}"), &format!("to {n}"))).await;
    }
    for (peer, numbers) in [(&mut even, [2, 4, 6]), (&mut odd, [1, 3, 5])] {
        for n in numbers {
            assert_eq!(read(&peer.take().await), format!("to {n}"));
        }
    }
    // What neither takes waits for one who does; a range that is none takes everything.
    app.submitted(mt_to("46701000000", "to nobody's")).await;
    even.barrier().await;
    odd.barrier().await;
    drop((even, odd));
    let mut any = site.bind(Login::new("sim").range("*(not a range")).await;
    assert_eq!(read(&any.take().await), "to nobody's");
    site.end((app, any)).await;
}
