//! Type of number and numbering plan: what is guessed, what the config says, and what peers' numbers mean.

use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton};

use super::peer::octets;
use super::site::{Centre, DEVICE, NUMBER, Plan, mo, mt, read};

/// Both ends of a message as the peer sees them.
fn ends(sm: &Sm) -> [(u8, u8, String); 2] {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    [
        (sm.source_addr_ton.0, sm.source_addr_npi.0, text(&sm.source_addr)),
        (sm.dest_addr_ton.0, sm.dest_addr_npi.0, text(&sm.destination_addr)),
    ]
}

fn named(text: &str) -> Sm {
    Sm { source_addr_ton: Ton::ALPHANUMERIC, source_addr: octets("ACME"), ..mt(text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn ton_and_npi_are_guessed_for_numbers_short_codes_and_names() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("from a short code")).await;
    assert_eq!(ends(&sim.take().await), [(3, 0, NUMBER.into()), (1, 1, DEVICE.into())]);
    app.submitted(named("from a name")).await;
    assert_eq!(ends(&sim.take().await), [(5, 0, "ACME".into()), (1, 1, DEVICE.into())]);
    sim.submitted(mo("up")).await;
    assert_eq!(ends(&app.take().await), [(1, 1, DEVICE.into()), (3, 0, NUMBER.into())]);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_peer_gets_the_ton_and_npi_that_its_config_says_and_names_stay_names() {
    let lines = "numbering = { source_ton = \"abbreviated\", source_npi = 9, dest_ton = 0, dest_npi = \"national\" }";
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, lines).app("numbering = { source_ton = \"national\" }").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("from a short code")).await;
    assert_eq!(ends(&up.take().await), [(6, 9, NUMBER.into()), (0, 8, DEVICE.into())]);
    app.submitted(named("from a name")).await;
    assert_eq!(ends(&up.take().await), [(5, 0, "ACME".into()), (0, 8, DEVICE.into())]);
    up.deliver(mo("up")).await;
    assert_eq!(ends(&app.take().await), [(2, 1, DEVICE.into()), (3, 0, NUMBER.into())]);
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_written_in_the_format_of_the_peer_and_come_back_from_it() {
    for (lines, ton, written) in [
        ("numbering = { format = \"international\" }", 1, DEVICE),
        ("numbering = { format = \"plus\" }", 1, "+46700000001"),
        ("numbering = { format = \"00\" }", 0, "0046700000001"),
        ("country_code = \"46\"\nnumbering = { format = \"national\" }", 0, "0700000001"),
        ("country_code = \"46\"\nnational_prefix = \"\"\nnumbering = { format = \"national\" }", 2, "700000001"),
        ("country_code = \"47\"\nnumbering = { format = \"national\" }", 1, DEVICE),
    ] {
        let site = Plan::network().sim(lines).start().await;
        let (mut app, mut sim) = (site.app().await, site.sim().await);
        app.submitted(mt("down")).await;
        let down = sim.take().await;
        assert_eq!(ends(&down)[1], (ton, 1, written.into()), "{lines}");
        // The device answers, and its network writes the number in the same way.
        let up = Sm { source_addr_ton: down.dest_addr_ton, source_addr: down.destination_addr.clone(), ..mo("up") };
        sim.submitted(up).await;
        assert_eq!(ends(&app.take().await)[0], (1, 1, DEVICE.into()), "{lines}");
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn national_numbers_have_the_trunk_prefix_of_their_peer() {
    let plan = Plan::network().sim("country_code = \"46\"\nnational_prefix = \"9\"");
    let site = plan.app("country_code = \"46\"\nnational_prefix = \"\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (ton, digits) in [(Ton::UNKNOWN, "9700000001"), (Ton::NATIONAL, "9700000001"), (Ton::NATIONAL, "700000001")] {
        sim.submitted(Sm { source_addr_ton: ton, source_addr: octets(digits), ..mo("up") }).await;
        assert_eq!(&*app.take().await.source_addr, DEVICE.as_bytes(), "{ton:?} {digits}");
    }
    for (ton, digits, status) in [
        (Ton::NATIONAL, "700000001", CommandStatus::ESME_ROK),
        // Without a trunk prefix the leading 0 belongs to the number.
        (Ton::NATIONAL, "0700000001", CommandStatus::ESME_RINVDSTADR),
        (Ton::UNKNOWN, "0700000001", CommandStatus::ESME_RINVDSTADR),
    ] {
        let sm = Sm { dest_addr_ton: ton, destination_addr: octets(digits), ..mt("down") };
        assert_eq!(app.submit(sm).await.0, status, "{ton:?} {digits}");
    }
    assert_eq!(read(&sim.take().await), "down");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digits_of_a_short_code_are_that_short_code_and_others_are_numbers() {
    let plan = Plan::default().more(
        "[[customer]]\nid = \"gamma\"\nnumbers = [\"46700000\", \"0700001\"]\ndevices = [\"+4676*\"]\n\
         [[account]]\nsystem_id = \"gamma-app\"\npassword = \"secret\"\nrole = \"application\"\ncustomer = \"gamma\"\n\
         country_code = \"46\"\n",
    );
    let site = plan.sim("country_code = \"46\"\nroutes = [\"+46\"]").start().await;
    let mut gamma = site.bind(super::peer::Login::new("gamma-app")).await;
    let mut sim = site.sim().await;
    for (ton, short_code) in [
        (Ton::INTERNATIONAL, "46700000"),
        (Ton::UNKNOWN, "46700000"),
        // It looks like a national number.
        (Ton::UNKNOWN, "0700001"),
        (Ton::INTERNATIONAL, "0700001"),
    ] {
        let from = Sm { source_addr_ton: ton, source_addr: octets(short_code), ..mt("down") };
        gamma.submitted(Sm { destination_addr: octets("46760000001"), ..from }).await;
        assert_eq!(ends(&sim.take().await)[0], (3, 0, short_code.into()), "{ton:?}");
        let to = Sm { dest_addr_ton: ton, destination_addr: octets(short_code), ..mo("up") };
        sim.submitted(Sm { source_addr: octets("46760000001"), ..to }).await;
        assert_eq!(ends(&gamma.take().await)[1], (3, 0, short_code.into()), "{ton:?}");
    }
    // That of another customer is nothing to this one: the digits are a number.
    let mut app = site.app().await;
    let to = Sm { destination_addr: octets("46700000"), ..mt("to a short number") };
    assert_eq!(app.submit(to).await.0, CommandStatus::ESME_ROK);
    assert_eq!(ends(&sim.take().await)[1], (1, 1, "46700000".into()));
    site.end((gamma, app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn npi_of_a_peer_is_not_judged() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for npi in [Npi::UNKNOWN, Npi::ISDN, Npi::NATIONAL, Npi(77)] {
        app.submitted(Sm { dest_addr_npi: npi, source_addr_npi: npi, ..mt("any") }).await;
        assert_eq!(ends(&sim.take().await), [(3, 0, NUMBER.into()), (1, 1, DEVICE.into())]);
    }
    site.end((app, sim)).await;
}
