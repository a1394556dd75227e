//! Receipts find their message whatever a centre does to its ids, and never another's; parts of long
//! messages make one receipt.

use wasmsc_smpp::CommandStatus;

use super::peer::Peer;
use super::site::{Centre, Plan, mt, read, receipt, receipt_words, wishing};

const DELIVRD: &str = "DELIVRD";

/// (id_format, id in the response, id in the receipt)
const FORMS: [(&str, &str, &str); 9] = [
    ("auto", "1a2b3c4d", "439041101"),
    ("auto", "455884110", "1B2C3D4E"),
    ("auto", "00ab12cd", "AB12CD"),
    ("auto", "ABCDEF12", "abcdef12"),
    ("auto", "0000012345", "12345"),
    ("auto", "78634E33-7c1f-4C27", "78634e33-7C1F-4c27"),
    ("decimal", "10", "16"),
    ("hex", "16", "10"),
    ("hex", "18446744073709551615", "FFFFFFFFFFFFFFFF"),
];

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_another_base_case_or_padding_are_the_same_also_when_the_receipt_comes_first() {
    for id_format in ["auto", "decimal", "hex"] {
        let centre = Centre::new().await;
        let site = Plan::upstream(&centre, &format!("id_format = {id_format:?}")).start().await;
        let (mut app, mut up) = (site.app().await, centre.bound().await);
        for (_, in_response, in_receipt) in FORMS.iter().filter(|form| form.0 == id_format) {
            for is_early in [false, true] {
                let id = app.submitted(wishing(1, mt("any"))).await;
                let (number, _) = up.next_sm().await;
                if is_early {
                    up.deliver(receipt(in_receipt, DELIVRD)).await;
                }
                up.answer(number, CommandStatus::ESME_ROK, in_response).await;
                if !is_early {
                    up.deliver(receipt(in_receipt, DELIVRD)).await;
                }
                let words = receipt_words(&app.take().await);
                assert_eq!(words, (id, DELIVRD.into()), "{id_format} {in_response} {in_receipt} {is_early}");
            }
        }
        site.end((app, up)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_receipt_never_settles_a_message_whose_id_is_the_same_number_in_another_base() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let ten = app.submitted(wishing(1, mt("ten"))).await;
    up.take_as("10").await;
    let sixteen = app.submitted(wishing(1, mt("sixteen"))).await;
    up.take_as("16").await;
    for _ in 0..2 {
        up.deliver(receipt("16", DELIVRD)).await; // hexadecimal 10
    }
    assert_eq!(receipt_words(&app.take().await), (sixteen, DELIVRD.into()));
    up.deliver(receipt("10", "UNDELIV")).await;
    assert_eq!(receipt_words(&app.take().await), (ten, "UNDELIV".into()));
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_came_early_settles_its_message_only() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let ten = app.submitted(wishing(1, mt("ten"))).await;
    let (number, _) = up.next_sm().await;
    up.deliver(receipt("10", DELIVRD)).await;
    up.answer(number, CommandStatus::ESME_ROK, "10").await;
    assert_eq!(receipt_words(&app.take().await), (ten, DELIVRD.into()));
    // Not what hexadecimal 10, or decimal 10 in hexadecimal, would be.
    for id in ["16", "a"] {
        let other = app.submitted(wishing(1, mt("other"))).await;
        up.take_as(id).await;
        up.barrier().await;
        up.deliver(receipt(id, "UNDELIV")).await;
        assert_eq!(receipt_words(&app.take().await), (other, "UNDELIV".into()), "{id}");
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_receipt_of_an_old_message_does_not_settle_a_new_one_with_its_id() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let old = app.submitted(wishing(1, mt("old"))).await;
    up.take_as("r1").await;
    up.deliver(receipt("r1", DELIVRD)).await;
    up.deliver(receipt("r1", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (old, DELIVRD.into()));
    // The centre began to count anew.
    let new = app.submitted(wishing(1, mt("new"))).await;
    up.take_as("r1").await;
    up.barrier().await;
    up.deliver(receipt("r1", "UNDELIV")).await;
    assert_eq!(receipt_words(&app.take().await), (new, "UNDELIV".into()));
    site.end((app, up)).await;
}

/// More than two segments.
fn long() -> String {
    "0123456789".repeat(40)
}

async fn take_parts(up: &mut Peer, ids: &[&str]) {
    for id in ids {
        let part = up.take_as(id).await;
        assert!(part.esm_class.has_udhi() && part.registered_delivery.receipt() == 1, "{part:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_three_parts_in_any_order_make_one_when_the_last_is_there() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(1, mt(&long()))).await;
    take_parts(&mut up, &["p1", "p2", "p3"]).await;
    for part in ["p2", "p3", "p2"] {
        up.deliver(receipt(part, DELIVRD)).await;
    }
    let marker = app.submitted(wishing(1, mt("marker"))).await;
    up.take_as("m").await;
    up.deliver(receipt("m", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await).0, marker, "two of three parts are not the whole");
    up.deliver(receipt("p1", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    up.deliver(receipt("p1", "UNDELIV")).await;
    let last = app.submitted(wishing(1, mt("last"))).await;
    up.take_as("l").await;
    up.deliver(receipt("l", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await).0, last, "nothing more about the long one");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_that_is_not_delivered_makes_the_whole_undelivered() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(2, mt(&long()))).await;
    take_parts(&mut up, &["p1", "p2", "p3"]).await;
    for (part, stat) in [("p1", DELIVRD), ("p2", "UNDELIV"), ("p3", DELIVRD)] {
        up.deliver(receipt(part, stat)).await;
    }
    assert_eq!(receipt_words(&app.take().await), (id, "UNDELIV".into()));
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_refused_for_ever_ends_the_whole_and_the_others_receipts_do_no_harm() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(1, mt(&long()))).await;
    take_parts(&mut up, &["p1"]).await;
    up.refuse(CommandStatus::ESME_RINVMSGLEN).await;
    take_parts(&mut up, &["p3"]).await;
    assert_eq!(receipt_words(&app.take().await), (id, "UNDELIV".into()));
    up.deliver(receipt("p1", DELIVRD)).await;
    up.deliver(receipt("p3", DELIVRD)).await;
    let next = app.submitted(wishing(1, mt("next"))).await;
    up.take_as("n").await;
    up.deliver(receipt("n", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await).0, next);
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_the_first_centre_took_count_when_a_second_one_takes_the_rest() {
    let (first, second) = (Centre::new().await, Centre::new().await);
    let port = first.port;
    let plan = Plan::upstream(&first, "window = 1").and_upstream("spare", &second, "priority = 1");
    let site = plan.start().await;
    let (mut app, mut a, mut b) = (site.app().await, first.bound().await, second.bound().await);
    let id = app.submitted(wishing(1, mt(&long()))).await;
    take_parts(&mut a, &["a1"]).await;
    a.next_sm().await;
    drop((a, first));
    // Whether the first part comes again is the server's choice; that all are accounted for is not.
    let mut taken = Vec::new();
    while taken.iter().map(String::len).sum::<usize>() < 400 - 153 {
        let part = b.take_as(&format!("b{}", taken.len())).await;
        taken.push(read(&part));
    }
    b.barrier().await;
    for number in 0..taken.len() {
        b.deliver(receipt(&format!("b{number}"), DELIVRD)).await;
    }
    // The first centre is back, with a receipt for what it took.
    let mut a = Centre::on(port).await.bound().await;
    a.deliver(receipt("a1", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, a, b)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_come_on_the_receiver_of_a_pair_find_what_the_transmitter_sent() {
    let centre = Centre::new().await;
    let transmitter = Plan::upstream(&centre, "mode = \"transmitter\"");
    let receiver = "[[upstream]]\nname = \"up-rx\"\nhost = \"127.0.0.1\"\nsystem_id = \"we\"\npassword = \"secret\"\n\
                    mode = \"receiver\"\n";
    let site = transmitter.more(&format!("{receiver}port = {}\n", centre.port)).start().await;
    let mut app = site.app().await;
    let (one, other) = (centre.bound().await, centre.bound().await);
    let is_transmitter = |peer: &Peer| peer.bind.as_ref().is_some_and(|(mode, _)| !mode.can_receive());
    let (mut tx, mut rx) = if is_transmitter(&one) { (one, other) } else { (other, one) };
    let id = app.submitted(wishing(1, mt("any"))).await;
    tx.take_as("77").await;
    rx.deliver(receipt("77", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, tx, rx)).await;
}
