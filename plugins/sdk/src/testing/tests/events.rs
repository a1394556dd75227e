//! Every kind of event, and what may leave a call.

use std::time::Duration;

use crate::testing::{AHEAD_MAX, Bench, HTTP_MAX, STATE_OCTETS_MAX, TIMERS_MAX, TimerChange};
use crate::*;

const DEVICE: &str = "+46700000001";
const OTHER: &str = "+46700000002";

/// Does with its context what a test asks for by text.
struct Asked;

impl Rule for Asked {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let text = mo.text().unwrap_or_default();
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let number = rest.parse::<u64>().unwrap_or(0);
        match verb {
            "timer" => cx.set_timer_json("t", Duration::from_millis(number), &number)?,
            "timers" => (0..number).try_for_each(|n| cx.set_timer(&format!("t{n}"), Duration::ZERO, ""))?,
            "named" => cx.set_timer(rest, Duration::ZERO, "")?,
            "payload" => cx.set_timer("t", Duration::ZERO, vec![0; number as usize])?,
            "cancel" => drop(cx.cancel_timer("t")?),
            "wanted" => drop(Draft::new(cx.msisdn(), "x").tag(rest).request_receipt().send(cx)?),
            "delay" => drop(Draft::new(cx.msisdn(), "x").delay(Duration::from_millis(number)).send(cx)?),
            "priority" => drop(Draft::new(cx.msisdn(), "x").priority(number as u8).send(cx)?),
            "tlv" => drop(Draft::new(cx.msisdn(), "x").tlv(number as u16, [1]).send(cx)?),
            "sender" => drop(Draft::new(cx.msisdn(), "x").sender(rest).send(cx)?),
            "http" => post(rest).submit(cx)?,
            "https" => (0..number).try_for_each(|_| post("https://a.example/").submit(cx))?,
            "large" => post("https://a.example/").body(vec![0; number as usize]).submit(cx)?,
            "tagged" => post("https://a.example/").tag(rest).submit(cx)?,
            "method" => HttpRequest::new(rest, "https://a.example/").submit(cx)?,
            "secret" => post("https://a.example/").authorization(rest).submit(cx)?,
            "tlvs" => {
                let draft = Draft::new(cx.msisdn(), "x").tlv(0x1400, vec![1; 200]);
                drop(draft.tlv(0x1401, vec![1; number as usize]).send(cx)?)
            }
            "again" => drop(Draft::new(cx.msisdn(), "x").tlv(0x1400, [1]).tlv(0x1400, [2]).send(cx)?),
            "valid" => drop(Draft::new(cx.msisdn(), "x").validity(Duration::from_millis(number)).send(cx)?),
            "header" => post("https://a.example/").header(rest, "x").submit(cx)?,
            "value" => post("https://a.example/").header("x", "a\nb").submit(cx)?,
            "share" => cx.add_shared("sum", number as i64)?,
            "mix" => mix_shared(cx)?,
            "overwrite" => (0..number).try_for_each(|_| cx.set_state_bytes("k", &[0; 1023]))?,
            "fail" => {
                cx.set_timer("t", Duration::ZERO, "")?;
                cx.add_shared("sum", 1)?;
                post("https://a.example/").submit(cx)?;
                return Err(Failure::reject("asked"));
            }
            "facts" => {
                let facts = format!("{:?} {} {:?}", cx.data_coding(), cx.segments(), cx.tlv(0x1400));
                drop(cx.reply(facts)?)
            }
            other => return Err(Failure::reject(other)),
        }
        Ok(())
    }
}

/// A call reads what it wrote itself.
fn mix_shared(cx: &mut Context<'_>) -> Result<(), Failure> {
    cx.add_shared("a", 2)?;
    cx.add_shared("a", -5)?;
    assert_eq!((cx.shared_count("a")?, cx.shared_count("sum")?), (-3, 5));
    cx.set_shared("b", &["x"])?;
    assert_eq!(cx.shared::<Vec<String>>("b")?, Some(vec!["x".to_owned()]));
    cx.add_shared("b", 7)?;
    assert_eq!(cx.shared_count("b")?, 7, "what is no integer counts as 0");
    assert_eq!(cx.shared_keys("")?, ["a", "b", "sum"]);
    cx.delete_shared("a")?;
    assert_eq!((cx.shared_bytes("a")?, cx.shared_keys("a")?), (None, Vec::new()));
    Ok(())
}

fn post(url: &str) -> HttpRequest {
    HttpRequest::post(url).tag("x")
}

impl TimerHandler for Asked {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        if timer.payload == b"7" && cx.attempt() == 1 {
            return Err(Failure::retry());
        }
        let facts = format!("{} {} {:?} {}", timer.name, cx.now().0 - timer.due_at.0, cx.data_coding(), cx.segments());
        cx.reply(facts)?;
        Ok(())
    }
}

impl ReceiptHandler for Asked {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Receipt { tag, recipient, state, error_code, .. } = receipt;
        cx.reply(format!("{tag:?} {recipient} {state} {error_code:?}"))?;
        Ok(())
    }
}

impl HttpHandler for Asked {
    fn handle_http_reply(reply: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure> {
        cx.reply(format!("{} {:?} {}", reply.tag, reply.status, reply.is_success()))?;
        Ok(())
    }
}

impl RequestHandler for Asked {
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure> {
        match request.name.as_str() {
            "status" => Ok(Response::empty(request.json()?)),
            "long" => Response::json(200, &"x".repeat(64 << 10)),
            "text" => Ok(Response { status: 200, body: b"no JSON".to_vec() }),
            name => {
                cx.reply(format!("asked {name}"))?;
                Response::error(422, "no such thing")
            }
        }
    }
}

impl ConfigCheck for Asked {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        cx.config_optional::<u32>("limit").map(drop)
    }
}

export_rule!(Asked: mo, receipts, timers, http, requests, config);

/// Exports less than it uses.
struct Deaf;

impl Rule for Deaf {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        Asked::handle_mo(mo, cx)
    }
}

export_rule!(Deaf);

fn bench() -> Bench {
    Bench::new().with_http_host("a.example").with_secret("token", "s3cret")
}

fn ask(bench: &mut Bench, text: &str) -> Result<(), Failure> {
    bench.receive::<Asked>(DEVICE, "7001", text)
}

fn assert_rejects(texts: &[&str], reason: &str) {
    for text in texts {
        let result = ask(&mut bench(), text);
        let rejects = matches!(&result, Err(Failure::Reject(why)) if why.contains(reason));
        assert!(rejects, "{text}: {result:?} has no {reason:?}");
    }
}

#[test]
fn timers_fire_when_due_in_their_order_and_once() {
    let mut bench = bench();
    ask(&mut bench, "timer 2000").unwrap();
    bench.receive::<Asked>(OTHER, "7002", "timer 1000").unwrap();
    bench.pass::<Asked>(Duration::from_millis(999)).unwrap();
    assert!(bench.sent.is_empty());
    bench.pass::<Asked>(Duration::from_secs(60)).unwrap();
    let sent: Vec<(&str, &str, &str)> =
        bench.sent.iter().map(|sent| (sent.from.as_str(), sent.to.as_str(), sent.text().unwrap_or_default())).collect();
    assert_eq!(sent, [("7002", OTHER, "t 0 None 0"), ("7001", DEVICE, "t 0 None 0")]);
    assert_eq!(bench.now, Timestamp(1_767_225_600_000 + 60_999));
    assert_eq!(bench.timers(DEVICE).count(), 0);
}

#[test]
fn a_timer_that_is_set_again_or_cancelled_does_not_fire_as_it_was() {
    let mut bench = bench();
    ask(&mut bench, "timer 1000").unwrap();
    ask(&mut bench, "timer 5000").unwrap();
    bench.pass::<Asked>(Duration::from_secs(4)).unwrap();
    assert!(bench.sent.is_empty());
    assert_eq!(bench.timer(DEVICE, "t").map(|timer| timer.payload.as_slice()), Some(&b"5000"[..]));
    ask(&mut bench, "cancel").unwrap();
    ask(&mut bench, "cancel").unwrap();
    bench.pass::<Asked>(Duration::from_secs(4)).unwrap();
    assert!(bench.sent.is_empty());
    let cancelled = bench.timer_changes.iter().filter(|change| matches!(change, TimerChange::Cancelled(_))).count();
    assert_eq!(cancelled, 1, "what was not set is not cancelled");
}

#[test]
fn a_timer_whose_handler_asks_for_a_retry_waits_for_it() {
    let mut bench = bench();
    ask(&mut bench, "timer 7").unwrap();
    assert_eq!(bench.pass::<Asked>(Duration::from_secs(1)), Err(Failure::retry()));
    bench.attempt = 2;
    bench.fire::<Asked>(DEVICE, "t").unwrap();
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn timers_have_the_servers_limits() {
    let mut bench = bench();
    ask(&mut bench, &format!("timer {}", AHEAD_MAX.as_millis())).unwrap();
    ask(&mut bench, &format!("timers {}", TIMERS_MAX - 1)).unwrap();
    ask(&mut bench, "timer 1").expect("replacing one takes no place");
    let one_more = ask(&mut bench, "named one-more");
    assert_eq!(one_more, Err(TimerError::QuotaExceeded.into()));
    assert_rejects(&[&format!("timer {}", AHEAD_MAX.as_millis() + 1)], "366 days");
    let (name, longer) = (format!("named {}", "n".repeat(128)), format!("named {}", "n".repeat(129)));
    ask(&mut Bench::new(), &name).unwrap();
    ask(&mut Bench::new(), "payload 4096").unwrap();
    assert_rejects(&[&longer, "named ", "payload 4097"], "timer: more timers");
}

#[test]
fn a_receipt_comes_for_what_asked_for_one() {
    let mut bench = bench();
    ask(&mut bench, "wanted a").unwrap();
    bench.receive::<Asked>(OTHER, "7001", "wanted b").unwrap();
    bench.take_sent();
    bench.receipt::<Asked>(2, MessageState::Delivered).unwrap();
    bench.receipt_with::<Asked>(1, MessageState::Undeliverable, Some("001")).unwrap();
    let expected =
        [format!("Some(\"b\") {OTHER} delivered None"), format!("Some(\"a\") {DEVICE} undeliverable Some(\"001\")")];
    assert_eq!(bench.sent_texts(), expected);
    assert_eq!(bench.sent[0].to, OTHER, "it is an event of the device whose event had sent the message");
}

#[test]
fn drafts_have_the_servers_limits() {
    let mut bench = bench();
    bench.senders.insert("ACME".to_owned());
    for text in
        ["delay 31622400000", "priority 9", "tlv 5120", "tlv 16383", "sender ACME", "sender 7001", "tlvs 56", "again"]
    {
        ask(&mut bench, text).unwrap();
    }
    assert_eq!(bench.sent.iter().map(|sent| sent.from.as_str()).collect::<Vec<_>>()[4..6], ["ACME", "7001"]);
    assert_eq!((bench.sent[1].priority, &bench.sent[7].tlvs), (3, &vec![(0x1400, vec![2])]));
    assert_rejects(&["delay 31622400001", "valid 31622400001"], "366 days");
    assert_rejects(&["tlv 5119", "tlv 16384", "tlvs 57"], "0x1400 to 0x3FFF");
    assert_rejects(&["sender 7009", "sender ACME"], "not permitted");
    assert_rejects(&[&format!("wanted {}", "t".repeat(65))], "64 octets");
}

#[test]
fn http_calls_have_the_servers_limits() {
    let mut bench = bench();
    bench.http_hosts.extend(["b.example:8443".to_owned(), "*.c.example".to_owned()]);
    for text in
        ["http https://A.example?y#z", "http https://b.example:8443/", "http https://x.c.example/", "secret token"]
    {
        ask(&mut bench, text).unwrap();
    }
    ask(&mut bench, &format!("https {HTTP_MAX}")).unwrap();
    assert_rejects(&[&format!("https {}", HTTP_MAX + 1)], "more HTTP calls");
    for url in [
        "https://b.example/",
        "https://a.example.evil/",
        "https://c.example/",
        "https://a.example:1/",
        "a.example",
        "http://a.example/",
        "https://a.example@b.example/",
        "https:///",
        "https://a.example:x/",
    ] {
        let refused = ask(&mut bench, &format!("http {url}"));
        assert!(matches!(&refused, Err(Failure::Reject(why)) if why.contains("not permitted")), "{url} {refused:?}");
    }
    assert_rejects(&["secret other"], "not permitted");
    assert_rejects(&["header Idempotency-Key", "header AUTHORIZATION"], "sets the header");
    assert_rejects(&["header a:b", "header ", "value"], "is none");
    assert_rejects(&["method post", "method TRACE"], "is none of GET");
    assert_rejects(&["large 65536", &format!("tagged {}", "t".repeat(65))], "over 64 KiB");
}

#[test]
fn http_replies_go_to_whose_call_it_was() {
    let mut bench = bench();
    ask(&mut bench, "http https://a.example/").unwrap();
    bench.receive::<Asked>(OTHER, "7001", "http https://a.example/").unwrap();
    bench.http_reply::<Asked>("x", Some(204), "").unwrap();
    bench.http_reply::<Asked>("x", None, "").unwrap();
    assert_eq!(bench.sent_texts(), ["x Some(204) true", "x None false"]);
    assert_eq!((bench.sent[0].to.as_str(), bench.sent[1].to.as_str()), (DEVICE, OTHER));
}

#[test]
#[should_panic(expected = "no HTTP call with the tag \"x\" waits")]
fn an_http_call_is_answered_once() {
    let mut bench = bench();
    ask(&mut bench, "http https://a.example/").unwrap();
    bench.http_reply::<Asked>("x", Some(200), "").unwrap();
    let _never = bench.http_reply::<Asked>("x", Some(200), "");
}

#[test]
fn a_request_is_answered_and_its_effects_are_kept() {
    let mut bench = bench();
    let response = bench.request::<Asked>(DEVICE, "what", "").unwrap();
    assert_eq!((response.status, response.body.as_slice()), (422, &br#"{"error":"no such thing"}"#[..]));
    assert_eq!((bench.sent_texts(), bench.sent[0].from.as_str()), (vec!["asked what"], "7001"));
    assert!(matches!(bench.request::<Asked>(DEVICE, "status", "soon"), Err(Failure::Reject(_))));
    for status in [200, 299, 400, 499] {
        assert_eq!(bench.request::<Asked>(DEVICE, "status", status.to_string()), Ok(Response::empty(status)));
    }
}

#[test]
fn a_response_that_no_server_passes_on_is_a_reject_without_effects() {
    for (name, body) in [("status", "99"), ("status", "300"), ("status", "500"), ("text", ""), ("long", "")] {
        let mut bench = bench();
        assert!(matches!(bench.request::<Asked>(DEVICE, name, body), Err(Failure::Reject(_))), "{name} {body}");
        assert!(bench.sent.is_empty());
    }
}

#[test]
fn shared_state_is_shared_and_a_failed_call_leaves_nothing_anywhere() {
    let mut bench = bench();
    ask(&mut bench, "share 5").unwrap();
    bench.receive::<Asked>(OTHER, "7001", "share 6").unwrap();
    assert!(ask(&mut bench, "fail").is_err());
    assert_eq!(bench.shared().collect::<Vec<_>>(), [("sum", &11_i64.to_le_bytes()[..])]);
    assert_eq!((bench.timers(DEVICE).count(), bench.submitted.len(), bench.timer_changes.len()), (0, 0, 0));
}

#[test]
fn a_call_reads_its_own_shared_writes() {
    let mut bench = bench();
    ask(&mut bench, "share 5").unwrap();
    ask(&mut bench, "mix").unwrap();
    let kept: Vec<(&str, &[u8])> = bench.shared().collect();
    assert_eq!(kept, [("b", &7_i64.to_le_bytes()[..]), ("sum", &5_i64.to_le_bytes()[..])]);
}

#[test]
fn a_call_writes_so_much_state_and_no_more() {
    ask(&mut bench(), &format!("overwrite {}", STATE_OCTETS_MAX / 1024)).unwrap();
    assert_rejects(&[&format!("overwrite {}", STATE_OCTETS_MAX / 1024 + 1)], "more state");
}

#[test]
fn the_facts_of_an_mo_are_there_for_an_mo_only() {
    let mut bench = bench();
    bench.tlvs.insert(0x1400, vec![9]);
    ask(&mut bench, &format!("facts {}", "x".repeat(200))).unwrap();
    assert_eq!(bench.sent_texts(), ["Some(0) 2 Some([9])"]);
}

#[test]
fn a_config_is_checked() {
    assert_eq!(bench().check_config::<Asked>(), Ok(()));
    let Err(error) = bench().with_config("limit", "many").check_config::<Asked>() else { panic!("accepted") };
    assert!(error.0.contains("limit") && error.0.contains("many"), "{error}");
}

#[test]
fn what_is_not_exported_is_not_called() {
    for text in ["timer 1", "wanted x"] {
        let used = std::panic::catch_unwind(|| bench().receive::<Deaf>(DEVICE, "7001", text));
        assert!(used.is_err(), "{text}");
    }
    assert!(std::panic::catch_unwind(|| bench().request::<Deaf>(DEVICE, "x", "")).is_err());
}

#[test]
fn drawing_below_a_bound_stays_below_and_reaches_all() {
    struct Draws;
    impl Rule for Draws {
        fn handle_mo(_: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
            let mut seen = [false; 6];
            (0..200).for_each(|_| seen[cx.random_below(6) as usize] = true);
            assert_eq!((seen, cx.random_below(1), cx.random_below(0)), ([true; 6], 0, 0));
            assert!(cx.random_below(u64::MAX) < u64::MAX);
            Ok(())
        }
    }
    export_rule!(Draws);
    bench().receive::<Draws>(DEVICE, "7001", "").unwrap();
}

#[test]
fn a_secret_does_not_show_itself() {
    let secret = Secret::new("s3cret".to_owned());
    assert_eq!((format!("{secret:?}").contains("s3cret"), secret.expose()), (false, "s3cret"));
}
