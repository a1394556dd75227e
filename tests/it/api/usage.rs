//! What rules use is told by the day, and a rule that fails too often is not called for a while.

use serde_json::{Value, json};

use super::client::{key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{Plan, mo, read};
use crate::support::server::built;

fn plan(lines: &str) -> Plan {
    let component = built("hostile");
    let rule = format!(
        "\n[[rule]]\ncustomer = \"acme\"\nname = \"hostile\"\ncomponent = {component:?}\nnumbers = [\"7001\"]\n\
         attempts_max = 1\ndeadline_ms = 5000\n{lines}\n[events]\nhours = 1\n"
    );
    Plan::network().more(&rule)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_a_rule_has_its_calls_and_their_effects_and_a_quota_ends_its_messages() {
    let (site, operator) = start(plan("messages_per_day = 1")).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut sim = site.sim().await;
    sim.submitted(mo("COUNT")).await;
    assert_eq!(read(&sim.take().await), "1");
    sim.submitted(mo("COUNT")).await; // has nothing left to answer with
    let used = || async {
        let listed = acme.get("/v1/usage?rule=hostile").await.expect(200).json();
        let row = listed["usage"][0].clone();
        (row["calls"] == 2).then_some(row)
    };
    let row: Value = eventually("two calls", used).await;
    for (name, value) in
        [("rule", json!("hostile")), ("messages", json!(1)), ("failures", json!(1)), ("timers", json!(0))]
    {
        assert_eq!(row[name], value, "{row}");
    }
    assert!(row["memory_octets_max"].as_u64() > Some(0) && row["state_octets_written"].as_u64() > Some(0), "{row}");
    let total = acme.get("/v1/usage").await.expect(200).json()["total"].clone();
    assert_eq!(
        (&total["calls"], &total["messages"]),
        (&row["calls"], &row["messages"]),
        "there is one rule, and one day"
    );
    let letters = acme.get("/v1/dead-letters").await.expect(200).json();
    assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(1), "{letters}");
    let day = row["day"].as_str().expect("a day");
    let none = acme.get("/v1/usage?from=2020-01-01&to=2020-01-31").await.expect(200).json();
    assert_eq!((&none["usage"], &none["total"]["calls"]), (&json!([]), &json!(0)));
    let same = acme.get(&format!("/v1/usage?from={day}&to={day}&rule=other")).await.expect(200).json();
    assert_eq!((&same["usage"], &same["total"]["calls"]), (&json!([]), &json!(0)));
    acme.get("/v1/usage?from=yesterday").await.problem(400);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_fails_too_often_answers_with_its_fallback_until_a_call_succeeds() {
    let breaker = "breaker = { failures = 50, calls = 2, open_secs = 1 }\nfallback = \"busy, try later\"";
    let (site, operator) = start(plan(breaker)).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut sim = site.sim().await;
    for _ in 0..2 {
        sim.submitted(mo("REJECT me")).await;
    }
    sim.submitted(mo("COUNT")).await;
    assert_eq!(read(&sim.take().await), "busy, try later");
    loop {
        sim.submitted(mo("COUNT")).await;
        if read(&sim.take().await) == "1" {
            break;
        }
    }
    let numbers = operator.get("/metrics").await.expect(200).text;
    assert!(numbers.contains("wasmsc_rule_breaker_opened_total{customer=\"acme\",rule=\"hostile\"} 1"), "{numbers}");
    assert!(numbers.contains("wasmsc_rule_breaker{customer=\"acme\",rule=\"hostile\"} 0"), "{numbers}");
    drop(acme);
    site.end(sim).await;
}
