use super::*;
use crate::{Context, Draft, HttpRequest, Rule, Timer, TimerHandler, export_rule};

/// Counts, sets a timer and says what it was told.
struct Counts;

impl Rule for Counts {
    fn handle_mo(mo: &crate::Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let count = cx.increment("n", 1)?;
        cx.set_timer("later", std::time::Duration::from_secs(60), "hi")?;
        cx.log(crate::Level::Warn, "counted", &[("kind", "test")]);
        match mo.text() {
            Some("reject") => return Err(Failure::reject("as asked")),
            Some("panic") => panic!("as asked"),
            Some("retry") if cx.attempt() == 1 => return Err(Failure::retry()),
            Some("tlv") => {
                let value = cx.tlv(0x1400).unwrap_or_default();
                Draft::new(cx.msisdn(), value).tlv(0x1401, [7]).send(cx)?;
                HttpRequest::post("https://a.example/").header("X-Test", "1").authorization("token").submit(cx)?;
                return Ok(());
            }
            _ => {}
        }
        cx.reply(format!("{count}"))?;
        Ok(())
    }
}

impl TimerHandler for Counts {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        cx.reply(timer.text().unwrap_or_default())?;
        Ok(())
    }
}

export_rule!(Counts: mo, timers);

fn wrong(case: &str) -> Vec<String> {
    run::<Counts>(&toml::from_str(case).unwrap())
}

const TRUE: &str = r#"
[given]
now = "2026-03-01T08:00:00Z"
state = { n = { int = 5 } }
secrets = { token = "s3cret" }
http_hosts = ["a.example"]
[[event]]
mo = "count"
state = { n = { int = 6 } }
[[event.sent]]
to = "+46700000003"
from = "7001"
text = "6"
[[event.timers]]
set = "later"
in = "1m"
payload = "hi"
[[event.log]]
level = "warn"
contains = "counted"
fields = { kind = "test" }
[[event]]
mo = "reject"
outcome = "reject"
why = "asked"
state = { n = { int = 6 } }
[[event]]
mo = "panic"
outcome = "broken"
[[event]]
timer = "later"
[[event.sent]]
text = "hi"
[[event]]
mo = "retry"
outcome = "retry"
[[event]]
again = true
sent = [{ text = "7" }]
timers = [{ set = "later" }]
[[event]]
mo = { text = "tlv", tlvs = { "1400" = "0102" } }
timers = [{ set = "later" }]
[[event.sent]]
hex = "0102"
tlvs = { "1401" = "07" }
[[event.http]]
authorization = "token"
headers = { x-test = "1" }
body = ""
"#;

#[test]
fn a_case_that_is_true_has_no_differences() {
    assert_eq!(wrong(TRUE), Vec::<String>::new());
}

#[test]
fn each_lie_of_a_case_is_told() {
    for (truth, lie, told) in [
        ("text = \"6\"", "text = \"7\"", "sent 1: body"),
        ("to = \"+46700000003\"", "to = \"+46700000004\"", "sent 1: to"),
        ("from = \"7001\"", "from = \"7002\"", "sent 1: from"),
        ("in = \"1m\"", "in = \"2m\"", "timers 1: in"),
        ("payload = \"hi\"", "payload = { json = 1 }", "timers 1: payload"),
        ("set = \"later\"", "cancel = \"later\"", "timers 1: set"),
        ("level = \"warn\"", "level = \"error\"", "log 1: level"),
        ("contains = \"counted\"", "contains = \"lost\"", "log 1: \"lost\""),
        ("kind = \"test\"", "kind = \"other\"", "the field kind=other"),
        ("again = true", "mo = \"retry\"", "ended in retry, expected done"),
        ("tlvs = { \"1401\" = \"07\" }", "tlvs = {}", "sent 1: tlvs"),
        ("tlvs = { \"1400\" = \"0102\" }", "tlvs = {}", "sent 1: body"),
        ("authorization = \"token\"", "authorization = \"other\"", "http 1: authorization"),
        ("x-test = \"1\"", "x-test = \"2\"", "http 1: header x-test"),
        ("body = \"\"", "body = \"x\"", "http 1: body"),
        ("why = \"asked\"", "why = \"never\"", "\"never\" is not in the reason"),
        ("outcome = \"reject\"", "outcome = \"done\"", "ended in reject, expected done"),
        ("outcome = \"broken\"", "outcome = \"retry\"", "ended in broken, expected retry"),
        ("state = { n = { int = 6 } }", "state = { n = { int = 7 } }", "state: n is"),
        ("state = { n = { int = 6 } }", "state = {}", "state: n is there"),
        ("timer = \"later\"", "timer = \"sooner\"", "ended in broken, expected done"),
        ("text = \"hi\"\n", "text = \"hi\"\n[[event.http]]\ntag = \"x\"\n", "http has 0 entries, expected 1"),
    ] {
        assert!(TRUE.contains(truth), "{truth}");
        let found = wrong(&TRUE.replace(truth, lie));
        assert!(found.iter().any(|wrong| wrong.contains(told)), "{lie}: {told:?} is not in {found:#?}");
    }
}

#[test]
fn what_is_no_case_is_refused_with_its_reason() {
    for (text, told) in [
        ("[[event]]\nmo = \"x\"\nsend = 1", "unknown field `send`"),
        ("[[event]]\nhttp_reply = { tag = \"x\", stat = 1 }", "unknown field `stat`"),
        ("[[event]]\nmo = \"x\"\nhttp = [{ header = 1 }]", "unknown field `header`"),
        ("[[event]]\nmo = \"x\"\nafter = \"5 minutes\"", "is no time span"),
        ("[[event]]\nmo = { hex = \"0g\" }", "any variant of untagged enum Mo"),
    ] {
        let Err(error) = toml::from_str::<Case>(text) else { panic!("{text} is a case") };
        assert!(error.to_string().contains(told), "{error}");
    }
    assert!(wrong("[[event]]\ntimer = \"a\"\nmo = \"b\"")[0].contains("an event is one of"));
    assert!(wrong("[[event]]\nagain = true")[0].contains("no event before"));
    assert!(wrong("[given]\nlimits = { state_kib = 1 }")[0].contains("limits hold in a host only"));
    assert!(wrong("[given]\nnow = \"yesterday\"")[0].contains("is no time"));
}

#[test]
fn times_are_read_as_the_calendar_has_them() {
    let now = |text: &str| {
        let case: Case = toml::from_str(&format!("[given]\nnow = \"{text}\"")).unwrap();
        case.given.bench().map(|bench| bench.now.0)
    };
    assert_eq!(now("1970-01-01T00:00:00Z"), Ok(0));
    assert_eq!(now("2026-01-01T00:00:00Z"), Ok(1_767_225_600_000));
    assert_eq!(now("2024-02-29T23:59:59.500Z"), Ok(1_709_251_199_500));
    assert!(now("2026-01-01T00:00:00+01:00").is_err());
}

#[test]
fn a_recorded_case_has_its_own_id_attempt_and_timers() {
    let case = r#"
[given]
timers = [{ set = "due", at = "2025-12-31T23:59:59.5Z", payload = "late" }]
http_calls = ["report"]
[[event]]
timer = "due"
id = "1a209002b4d00000"
attempt = 2
seed = "00"
[[event.sent]]
text = "late"
[[event]]
mo = "count"
id = "1a209002b4d00000"
[[event.sent]]
text = "1"
[[event.timers]]
set = "later"
"#;
    assert!(wrong(case).is_empty(), "{:?}", wrong(case));
}
