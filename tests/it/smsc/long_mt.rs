//! Long messages to devices: how they are cut, for each kind of peer.

use wasmsc_smpp::text::{self, Payload};
use wasmsc_smpp::{Body, CommandStatus, EsmClass, ReplaceSm, Sm, Tlv, Tlvs, Udh, tlv::tag};

use super::peer::{Login, Peer, octets};
use super::site::{Centre, Plan, mo, mt, read, receipt_words, tlv, wishing};

/// The text of one part, and which part of how many it says it is.
fn piece(sm: &Sm) -> (String, Option<(u8, u8)>) {
    let header = sm.esm_class.has_udhi().then(|| Udh::split(sm.payload()).expect("a header").0.concat()).flatten();
    let sar = |tag| sm.tlvs.octet(tag);
    let by_sar = sar(tag::SAR_SEGMENT_SEQNUM).zip(sar(tag::SAR_TOTAL_SEGMENTS));
    (read(sm), header.map(|concat| (concat.number, concat.total)).or(by_sar))
}

async fn pieces(sim: &mut Peer, count: u8) -> Vec<String> {
    let mut texts = Vec::new();
    for number in 1..=count {
        let sm = sim.take().await;
        let (text, place) = piece(&sm);
        assert_eq!(place, Some((number, count)), "{sm:?}");
        texts.push(text);
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_with_long_messages_carries_all_of_the_text() {
    let text: String = ('a'..='z').cycle().take(300).collect();
    for (style, headers) in [("udh8", Some(5)), ("udh16", Some(6)), ("sar", None), ("payload", None)] {
        let site = Plan::network().sim(&format!("long_messages = {style:?}")).start().await;
        let (mut app, mut sim) = (site.app().await, site.sim().await);
        app.submitted(mt(&text)).await;
        let first = sim.take().await;
        if style == "payload" {
            assert_eq!((read(&first), &*first.short_message), (text.clone(), &b""[..]));
        } else {
            let second = sim.take().await;
            assert_eq!(piece(&first).0 + &piece(&second).0, text, "{style}");
            for (number, sm) in [(1, &first), (2, &second)] {
                assert_eq!(piece(sm).1, Some((number, 2)), "{style}");
                assert_eq!(headers, sm.esm_class.has_udhi().then(|| sm.short_message[0]), "{style}");
                assert!(piece(sm).0.len() <= 153, "{style}");
            }
            let reference = |sm: &Sm| headers.map(|octets| sm.short_message[..usize::from(octets) - 1].to_vec());
            assert_eq!(reference(&first), reference(&second), "{style}");
            assert_eq!(tlv(&first, tag::SAR_MSG_REF_NUM), tlv(&second, tag::SAR_MSG_REF_NUM));
        }
        // What fits one SMS is not cut.
        app.submitted(mt(&text[..160])).await;
        let whole = sim.take().await;
        assert_eq!((read(&whole), piece(&whole).1), (text[..160].into(), None), "{style}");
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_escapes_and_what_a_reader_sees_as_one_are_not_cut() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let family = "👩‍👩‍👧‍👦";
    for (text, count) in [
        (format!("a{}", "😀".repeat(100)), 4),
        (format!("a{}", "€".repeat(100)), 2),
        (format!("{}{family}", "ж".repeat(66)), 2),
        (format!("{}e\u{301}{}", "ж".repeat(66), "ж".repeat(10)), 2),
    ] {
        app.submitted(mt(&text)).await;
        let texts = pieces(&mut sim, count).await;
        assert_eq!(texts.concat(), text);
        for piece in &texts {
            assert!(!piece.contains('\u{FFFD}') && !piece.starts_with(['\u{301}', '\u{200D}']), "{texts:?}");
        }
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_that_the_application_made_leave_as_they_came_whatever_the_network_prefers() {
    for style in ["udh16", "sar", "payload"] {
        let site = Plan::network().sim(&format!("long_messages = {style:?}")).start().await;
        let (mut app, mut sim) = (site.app().await, site.sim().await);
        let mut by_header = mt("part");
        by_header.esm_class = EsmClass::UDHI;
        by_header.short_message = b"\x05\x00\x03\x77\x02\x01part".as_slice().into();
        app.submitted(by_header.clone()).await;
        let got = sim.take().await;
        assert_eq!((&got.short_message, got.esm_class), (&by_header.short_message, EsmClass::UDHI), "{style}");
        let mut by_sar = mt("part");
        for (tag, value) in
            [(tag::SAR_MSG_REF_NUM, vec![1, 2]), (tag::SAR_TOTAL_SEGMENTS, vec![2]), (tag::SAR_SEGMENT_SEQNUM, vec![1])]
        {
            by_sar.tlvs.push(Tlv { tag, value: value.into() });
        }
        app.submitted(by_sar).await;
        assert_eq!(piece(&sim.take().await), ("part".into(), Some((1, 2))), "{style}");
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_with_ports_is_in_every_part() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut sm = mt("");
    sm.esm_class = EsmClass::UDHI;
    sm.data_coding = wasmsc_smpp::DataCoding::OCTETS;
    let data: Vec<u8> = (0..=255).collect();
    sm.set_payload([&[6, 5, 4, 0x0B, 0x84, 0, 0][..], &data].concat().into());
    app.submitted(sm).await;
    let mut joined = Vec::new();
    for _ in 0..3 {
        let part = sim.take().await;
        let (udh, octets) = Udh::split(part.payload()).expect("a header");
        assert!(udh.elements().any(|(iei, value)| iei == 5 && **value == [0x0B, 0x84, 0, 0]), "{udh:?}");
        assert!(part.payload().len() <= 140);
        joined.extend_from_slice(&octets);
        if joined.len() == data.len() {
            break;
        }
    }
    assert_eq!(joined, data);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_message_takes_255_parts_and_a_longer_one_is_refused() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let text: String = ('a'..='z').cycle().take(255 * 153).collect();
    let id = app.submitted(wishing(1, mt(&text))).await;
    assert_eq!(pieces(&mut sim, 255).await.concat(), text);
    assert_eq!(receipt_words(&app.take().await), (id, "DELIVRD".into()));
    let longer = mt(&(text + "z"));
    assert_eq!(app.submit(longer.clone()).await.0, CommandStatus::ESME_RINVMSGLEN);
    // The same as the new text of a message that waits.
    let id = app.submitted(Sm { schedule_delivery_time: octets("000001000000000R"), ..mt("waits") }).await;
    let mut replace = ReplaceSm { message_id: octets(&id), ..ReplaceSm::default() };
    replace.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: longer.payload().clone() });
    assert_eq!(app.ask(Body::ReplaceSm(replace.clone())).await.0, CommandStatus::ESME_RINVMSGLEN);
    replace.tlvs = Tlvs::default();
    (replace.short_message, replace.schedule_delivery_time) = (octets("new"), octets("000101000000000+"));
    assert_eq!(app.ask(Body::ReplaceSm(replace)).await.0, CommandStatus::ESME_ROK);
    assert_eq!(read(&sim.take().await), "new");
    // To an application as well, unless it takes long messages whole.
    let up = Sm { short_message: longer.payload().clone(), ..mo("") };
    assert_eq!(sim.submit(up).await.0, CommandStatus::ESME_RINVMSGLEN);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_long_for_one_peer_of_a_route_is_taken_while_another_sends_it_whole() {
    let centre = Centre::new().await;
    let plan = Plan::network().and_upstream("whole", &centre, "long_messages = \"payload\"\npriority = 1");
    let site = plan.start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let text = "z".repeat(255 * 153 + 1);
    app.submitted(mt(&text)).await;
    assert_eq!(read(&up.take().await), text);
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_not_taken_is_sent_again_alone() {
    let site = Plan::network().more("[retry]\ntemporary = [0]\n").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(1, mt(&"x".repeat(400)))).await;
    sim.take().await;
    sim.refuse(CommandStatus::ESME_RSYSERR).await;
    sim.take().await;
    let again = sim.take().await;
    assert_eq!(piece(&again).1, Some((2, 3)));
    assert_eq!(receipt_words(&app.take().await), (id, "DELIVRD".into()));
    app.submitted(mt("next")).await;
    assert_eq!(read(&sim.take().await), "next");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_3_3_gets_parts_by_header_whatever_the_config_says_and_no_tlvs() {
    for style in ["sar", "payload"] {
        let site = Plan::network().sim(&format!("long_messages = {style:?}\nmessage_id_tlv = 0x1400")).start().await;
        let mut app = site.app().await;
        let mut sim = site.bind(Login::new("sim").version(0x33)).await;
        let mut sm = mt(&"x".repeat(200));
        sm.tlvs.push(Tlv { tag: 0x1401, value: vec![1].into() });
        app.submitted(sm).await;
        for number in [1, 2] {
            let part = sim.take().await;
            assert_eq!((piece(&part).1, part.tlvs.len()), (Some((number, 2)), 0), "{style}");
        }
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_with_tlvs_get_a_header_for_a_peer_of_3_3() {
    for (style, wide) in [("udh8", false), ("udh16", true), ("sar", false), ("payload", false)] {
        let site =
            Plan::network().sim(&format!("long_messages = {style:?}")).app("relay_tlvs = \"none\"").start().await;
        let mut app = site.app().await;
        let mut sim = site.bind(Login::new("sim").version(0x33)).await;
        // The second has a header of its own already, with ports.
        let ports: &[u8] = &[6, 5, 4, 0x0B, 0x84, 0, 0];
        for (number, header) in [(1, &[][..]), (2, ports)] {
            let mut sm = mt("");
            sm.short_message = [header, b"part"].concat().into();
            sm.esm_class = if header.is_empty() { EsmClass::default() } else { EsmClass::UDHI };
            for (tag, value) in [
                (tag::SAR_MSG_REF_NUM, vec![1, 2]),
                (tag::SAR_TOTAL_SEGMENTS, vec![2]),
                (tag::SAR_SEGMENT_SEQNUM, vec![number]),
            ] {
                sm.tlvs.push(Tlv { tag, value: value.into() });
            }
            app.submitted(sm).await;
            let got = sim.take().await;
            assert_eq!((piece(&got), got.tlvs.len()), (("part".into(), Some((number, 2))), 0), "{style}");
            let (udh, _) = Udh::split(got.payload()).expect("a header");
            let reference = udh.concat().map(|concat| (concat.reference, concat.wide));
            assert_eq!(reference, Some(if wide { (0x0102, true) } else { (2, false) }), "{style}");
            assert_eq!(udh.elements().count(), 1 + usize::from(!header.is_empty()), "{style}");
        }
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_in_a_peers_own_alphabet_is_cut_by_what_fits_the_radio() {
    let site = Plan::network().sim("default_alphabet = \"latin-1\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let text = "å@£$".repeat(60);
    app.submitted(mt(&text)).await;
    let mut joined = Vec::new();
    for _ in 0..2 {
        let part = sim.take().await;
        joined.extend_from_slice(&Udh::split(part.payload()).expect("a header").1);
    }
    assert_eq!(text::decode_as(text::Alphabet::Latin1, &joined.into()), Payload::Text(text));
    site.end((app, sim)).await;
}
