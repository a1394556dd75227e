//! Text and addresses between peers that write them differently.

use bytes::Bytes;
use wasmsc_smpp::text::{self, Alphabet, Payload};
use wasmsc_smpp::{Body, CommandStatus, DataCoding, Npi, ReplaceSm, Sm, Ton};

use super::peer::octets;
use super::site::{DEVICE, NUMBER, Plan, mo, mt, read};

const ALPHABETS: [(&str, Alphabet); 5] = [
    ("gsm", Alphabet::Gsm),
    ("gsm-packed", Alphabet::GsmPacked),
    ("latin-1", Alphabet::Latin1),
    ("ascii", Alphabet::Ascii),
    ("utf-8", Alphabet::Utf8),
];

/// As a peer of this alphabet writes it with data_coding 0; None where it cannot.
fn written(text: &str, alphabet: Alphabet) -> Option<Bytes> {
    let septets = text::gsm::encode(text).expect("the test's texts are in the GSM alphabet");
    text::to_default_alphabet(&septets, alphabet).map(Bytes::from)
}

fn understood(sm: &Sm, alphabet: Alphabet) -> String {
    match text::decode_as(Alphabet::of(sm.data_coding, alphabet), sm.payload()) {
        Payload::Text(text) => text,
        Payload::Binary(octets) => panic!("no text: {octets:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_means_the_same_at_both_ends_whatever_alphabets_they_have() {
    for (app_name, app_alphabet) in ALPHABETS {
        for (sim_name, sim_alphabet) in [ALPHABETS[0], ALPHABETS[1], ALPHABETS[2], ALPHABETS[4]] {
            let app_line = format!("default_alphabet = {app_name:?}");
            let site = Plan::network().app(&app_line).sim(&format!("default_alphabet = {sim_name:?}")).start().await;
            let (mut app, mut sim) = (site.app().await, site.sim().await);
            for text in ["plain", "@£$ {[€ åäö", "@_$ {[~^|\\]}", "seven77", "ÆØÅ ÄÖÜ ñ ß ¿¡ §", "ΔΦΓ"]
            {
                if let Some(octets) = written(text, app_alphabet) {
                    app.submitted(Sm { data_coding: DataCoding::DEFAULT, short_message: octets, ..mt("") }).await;
                    assert_eq!(understood(&sim.take().await, sim_alphabet), text, "{app_name} to {sim_name}");
                }
                if let Some(octets) = written(text, sim_alphabet) {
                    sim.submitted(Sm { data_coding: DataCoding::DEFAULT, short_message: octets, ..mo("") }).await;
                    assert_eq!(understood(&app.take().await, app_alphabet), text, "{sim_name} to {app_name}");
                }
            }
            site.end((app, sim)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_its_coding_passes_unchanged() {
    let site = Plan::network().app("default_alphabet = \"latin-1\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for data_coding in [0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x0E, 0x14, 0x15, 0x18, 0xE0, 0xF5, 0xF7] {
        let octets: Bytes = (0..140).map(|n| n * 7 % 251).map(|n: u16| n as u8).collect();
        let sent = Sm { data_coding: DataCoding(data_coding), short_message: octets, protocol_id: 0x41, ..mt("") };
        app.submitted(sent.clone()).await;
        let got = sim.take().await;
        assert_eq!(
            (got.data_coding, &got.short_message, got.protocol_id),
            (sent.data_coding, &sent.short_message, 0x41)
        );
    }
    // A flash message stays one.
    app.submitted(Sm { data_coding: DataCoding(0xF0), ..mt("flash") }).await;
    let got = sim.take().await;
    assert_eq!((got.data_coding, &*got.short_message), (DataCoding(0xF0), &b"flash"[..]));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn class_and_waiting_stay_where_a_text_has_to_become_ucs_2() {
    let plan = Plan::network().app("default_alphabet = \"utf-8\"").sim("default_alphabet = \"ascii\"");
    let site = plan.start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (text, why) in [("å", "the network's alphabet lacks it"), ("ж", "ours lacks it")] {
        for (sent, got) in
            [(0x00, 0x08), (0x10, 0x18), (0xF0, 0x18), (0xF1, 0x19), (0x12, 0x1A), (0xF3, 0x1B), (0xC8, 0xE8)]
        {
            let sm = Sm { data_coding: DataCoding(sent), short_message: octets(text), ..mt("") };
            app.submitted(sm).await;
            let sm = sim.take().await;
            assert_eq!((read(&sm), sm.data_coding), (text.into(), DataCoding(got)), "{sent:#x}, {why}");
        }
    }
    // A text that replaces that of a flash message is one, too.
    let later = octets("000001000000000R");
    let flash = Sm { data_coding: DataCoding(0x10), schedule_delivery_time: later, ..mt("old") };
    let replace = ReplaceSm {
        message_id: octets(&app.submitted(flash).await),
        schedule_delivery_time: octets("000101000000000+"),
        short_message: octets("ж"),
        ..ReplaceSm::default()
    };
    assert_eq!(app.ask(Body::ReplaceSm(replace)).await.0, CommandStatus::ESME_ROK);
    let sm = sim.take().await;
    assert_eq!((read(&sm), sm.data_coding), ("ж".into(), DataCoding(0x18)));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emoji_pass_both_ways() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("down 😀 ok")).await;
    assert_eq!(read(&sim.take().await), "down 😀 ok");
    sim.submitted(mo("up 👍🏽")).await;
    assert_eq!(read(&app.take().await), "up 👍🏽");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn national_numbers_get_the_country_code_of_their_peer() {
    let plan = Plan::network().sim("country_code = \"46\"").app("country_code = \"46\"");
    let site = plan.start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (ton, digits) in [
        (Ton::UNKNOWN, "0700000001"),
        (Ton::NATIONAL, "0700000001"),
        (Ton::NATIONAL, "700000001"),
        (Ton::UNKNOWN, "46700000001"),
        (Ton::UNKNOWN, "0046700000001"),
        (Ton::UNKNOWN, "+46700000001"),
        (Ton::INTERNATIONAL, "46700000001"),
        (Ton::INTERNATIONAL, "+46700000001"),
        (Ton::INTERNATIONAL, "0046700000001"),
    ] {
        sim.submitted(Sm { source_addr_ton: ton, source_addr: octets(digits), ..mo("up") }).await;
        let up = app.take().await;
        assert_eq!(
            (&*up.source_addr, up.source_addr_ton, up.source_addr_npi),
            (DEVICE.as_bytes(), Ton::INTERNATIONAL, Npi::ISDN),
            "{ton:?} {digits}"
        );
        app.submitted(Sm { dest_addr_ton: ton, destination_addr: octets(digits), ..mt("down") }).await;
        assert_eq!(&*sim.take().await.destination_addr, DEVICE.as_bytes(), "{ton:?} {digits}");
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_are_those_of_the_customer_by_name_number_or_none() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let from = |ton, source: &str| Sm { source_addr_ton: ton, source_addr: octets(source), ..mt("any") };
    for (ton, source, at_network, ton_at_network) in [
        (Ton::ALPHANUMERIC, "ACME", "ACME", Ton::ALPHANUMERIC),
        (Ton::UNKNOWN, "ACME", "ACME", Ton::ALPHANUMERIC),
        (Ton::UNKNOWN, "7001", "7001", Ton::NETWORK_SPECIFIC),
        (Ton::ABBREVIATED, "7001", "7001", Ton::NETWORK_SPECIFIC),
        (Ton::NETWORK_SPECIFIC, "7001", "7001", Ton::NETWORK_SPECIFIC),
        // Many applications say 1 for everything.
        (Ton::INTERNATIONAL, "7001", "7001", Ton::NETWORK_SPECIFIC),
        (Ton::UNKNOWN, "", "7001", Ton::NETWORK_SPECIFIC),
    ] {
        assert_eq!(app.submit(from(ton, source)).await.0, CommandStatus::ESME_ROK, "{ton:?} {source}");
        let sm = sim.take().await;
        assert_eq!((&*sm.source_addr, sm.source_addr_ton), (at_network.as_bytes(), ton_at_network));
    }
    for (ton, source) in [
        (Ton::ALPHANUMERIC, "BANK"),
        (Ton::UNKNOWN, "acme"),
        (Ton::UNKNOWN, "7002"),
        (Ton::INTERNATIONAL, DEVICE),
        (Ton::ALPHANUMERIC, "a name that is far too long for a sender"),
    ] {
        assert_eq!(app.submit(from(ton, source)).await.0, CommandStatus::ESME_RINVSRCADR, "{ton:?} {source}");
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_be_held_to_some_sources() {
    let plan = Plan::network().app("sources = [\"7001\"]").sim("sources = [\"+46700*\"]");
    let site = plan.start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let named = Sm { source_addr_ton: Ton::ALPHANUMERIC, source_addr: octets("ACME"), ..mt("any") };
    assert_eq!(app.submit(named).await.0, CommandStatus::ESME_RINVSRCADR);
    app.submitted(mt("from the number")).await;
    assert_eq!(&*sim.take().await.source_addr, NUMBER.as_bytes());
    let other = Sm { source_addr: octets("46701000001"), ..mo("any") };
    assert_eq!(sim.submit(other).await.0, CommandStatus::ESME_RINVSRCADR);
    sim.submitted(mo("from the device")).await;
    assert_eq!(read(&app.take().await), "from the device");
    site.end((app, sim)).await;
}
