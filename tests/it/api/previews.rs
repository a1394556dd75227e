//! An edit of a policy, tried on the messages that came lately before it is put in place.

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use super::client::{Client, TABLE, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, mo};

const PREVIEW: &str = "/v1/customers/acme/policy:preview";

async fn seen(client: &Client, policy: Value) -> Value {
    client.post(PREVIEW, policy).await.expect(200).json()
}

fn codes(seen: &Value, which: &str) -> Vec<Value> {
    seen["changes"].as_array().expect("a list").iter().map(|change| change[which]["code"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_messages_that_an_edit_would_refuse_or_let_pass_are_listed_with_the_reason_and_nothing_changes() {
    let policy = "policy = '{ \"content\": [{ \"name\": \"links\", \"pattern\": \"https?://\" }], \"loops\": null }'";
    let plan = Plan::network().acme(policy).more("\n[history]\ndays = 1\n");
    let site = plan.more(TABLE).more("operator_texts = \"shown\"\n").start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let acme = key(&operator, "acme", &["read", "send", "manage"]).await;
    let mut sim = site.sim().await;
    let mut app = site.app().await;
    let plain = sim.submitted(mo("hello")).await;
    app.take().await;
    let (status, _) = sim.submit(mo("see http://x.example")).await;
    assert_ne!(status, CommandStatus::ESME_ROK);
    let message = json!({ "to": format!("+{DEVICE}"), "text": "BUY now" });
    let sent = acme.post("/v1/messages", message).await.expect(202).field("id");
    sim.take().await;
    eventually("all of it is in the history", || async {
        let seen = seen(&acme, json!({ "loops": null })).await;
        (seen["judged"] == 3).then_some(())
    })
    .await;

    let same = seen(&acme, json!({ "content": [{ "name": "links", "pattern": "https?://" }], "loops": null })).await;
    assert_eq!(
        (&same["changes"], &same["refused"], &same["sampled"]),
        (&json!([]), &json!(0), &json!(false)),
        "{same}"
    );
    // Another pattern: what was refused would pass, and another one would not.
    let edit = json!({ "content": [{ "name": "adverts", "pattern": "(?i)buy" }], "loops": null });
    let other = seen(&acme, edit.clone()).await;
    assert_eq!(
        (&other["refused"], &other["passed"], &other["otherwise"]),
        (&json!(1), &json!(1), &json!(0)),
        "{other}"
    );
    assert_eq!(codes(&other, "proposed"), [json!("content_blocked"), Value::Null]);
    assert_eq!(codes(&other, "now"), [Value::Null, json!("content_blocked")]);
    let advert = &other["changes"][0];
    assert_eq!((&advert["id"], &advert["direction"], &advert["by"]), (&json!(sent), &json!("mt"), &json!("api")));
    assert_eq!(other["changes"][1]["direction"], "mo");
    assert!(!other.to_string().contains("BUY now"), "texts are in the history, for who may read it");
    // A rate counts from the first message on.
    let slow = seen(
        &acme,
        json!({ "rates": { "customer": Value::Null, "mo": { "per_minute": 1, "burst": 1 } }, "loops": null }),
    )
    .await;
    assert_eq!((&slow["refused"], &slow["otherwise"]), (&json!(0), &json!(1)), "{slow}");
    assert_eq!(codes(&slow, "proposed"), [json!("rate_device")]);
    let off = seen(&acme, json!({ "messaging": "off" })).await;
    assert_eq!((&off["refused"], &off["otherwise"]), (&json!(2), &json!(1)), "{off}");
    assert!(off["changes"].to_string().contains(&plain));

    // None of that was put in place, counted or told.
    sim.submitted(mo("BUY mine")).await;
    app.take().await;
    let wrong = acme.post(PREVIEW, json!({ "messaging": "of" })).await.expect(422);
    assert_eq!(wrong.field("field"), "messaging");
    let wrong = acme.post(PREVIEW, json!({ "rates": { "mo": { "per_minute": 0 } } })).await.expect(422);
    assert_eq!(wrong.field("field"), "rates.mo");
    let limit = acme.post(PREVIEW, json!({ "quotas": { "customer": 5 } })).await.expect(422);
    assert_eq!(limit.field("field"), "quotas.customer", "that is the operator's");
    let own = seen(&operator, json!({ "quotas": { "customer": 1 }, "loops": null })).await;
    assert!(own["refused"].as_u64() >= Some(1) && own.to_string().contains("quota_customer"), "{own}");
    assert_eq!(key(&operator, "acme", &["read"]).await.post(PREVIEW, json!({})).await.problem(403), "forbidden");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_without_a_history_says_what_to_turn_on() {
    let (site, operator) = start(Plan::network()).await;
    let refused = key(&operator, "acme", &["manage"]).await.post(PREVIEW, json!({})).await;
    assert!(refused.text.contains("[history]"), "{refused:?}");
    assert_eq!(refused.problem(409), "history_off");
    site.end(()).await;
}
