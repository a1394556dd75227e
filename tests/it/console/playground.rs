//! The playground of a rule and of a plugin, and messages that are run again.

use serde_json::json;

use super::browser::{Browser, attribute, site};
use crate::api::client::{Client, key};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Site, mo, read};
use crate::support::server::{built, version};

const RULE: &str = "/console/c/acme/rules/echo";

/// `acme` with a rule that does what it is told, and another version of it.
async fn scene() -> (Site, Client, Client, Browser) {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send", "manage"]).await;
    acme.upload(("echo", "1"), "", std::fs::read(built("conformance")).expect("built")).await.expect(201);
    acme.upload(("echo", "2"), "", version("mark-two")).await.expect(201);
    let rule = json!({
        "plugin": "echo@1", "numbers": ["7001"], "config": { "greeting": "hej" }, "deadline_ms": 400, "attempts_max": 1,
        "secrets": { "token": "Bearer s3cret" }, "http_hosts": ["api.example.net"], "breaker": { "failures": 0 },
    });
    acme.request("PUT", "/v1/rules/echo", &[], Some(&rule.to_string())).await.expect(201);
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    (site, operator, acme, browser)
}

/// Text of an attribute, as a browser reads it.
fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_played_from_the_form_and_nothing_of_it_happens() {
    let (site, operator, acme, browser) = scene().await;
    let path = format!("{RULE}/playground");
    let page = browser.page(&path).await;
    assert!(page.contains("greeting = hej") && page.contains("value=\"7001\""), "{page}");
    let device = format!("+{DEVICE}");
    let usual =
        [("kind", "text"), ("device", &device), ("number", "7001"), ("before", "now"), ("config", "greeting = hej")];
    let with = |more: &[(&'static str, String)]| {
        let is_usual = |name: &str| !more.iter().any(|(other, _)| *other == name);
        let usual = usual.iter().filter(|(name, _)| is_usual(name)).map(|(name, value)| (*name, (*value).to_owned()));
        usual.chain(more.iter().cloned()).collect::<Vec<(&str, String)>>()
    };
    let play = async |more: &[(&'static str, String)]| {
        let fields = with(more);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(&path, &fields).await
    };
    let said = |text: &str| ("said", text.to_owned());
    let page = play(&[said("TIMER wake 60000 <b>up")]).await.expect(200).text;
    assert!(page.contains("is set, due in 60 s") && page.contains("Timer wake is due"), "{page}");
    assert!(page.contains("&lt;b&gt;up") && !page.contains("<b>up"), "{page}");
    let past = unescaped(attribute(&page, "name=\"past\" value=\""));
    assert_eq!(past, r#"[{"mo":"TIMER wake 60000 <b>up"}]"#);
    let clock = attribute(&page, "name=\"clock\" value=\"").to_owned();
    // What the page offers, and then one that traps; both stand behind what was before.
    let fires = json!({ "timer": "wake" }).to_string();
    let page = play(&[("past", past), ("next", fires), ("clock", clock.clone())]).await.expect(200).text;
    assert!(page.contains("timer wake &lt;b&gt;up") && !page.contains("Timer wake is due"), "{page}");
    assert_eq!(attribute(&page, "name=\"clock\" value=\""), clock, "time goes on by events only");
    let past = unescaped(attribute(&page, "name=\"past\" value=\""));
    let page = play(&[("past", past.clone()), said("TRAP")]).await.expect(200).text;
    assert!(page.contains("broken</span>") && page.contains("Backtrace") && page.contains("handle-mo"), "{page}");
    assert!(page.contains("outcome = &quot;broken&quot;"), "it is a case, too: {page}");
    let page = play(&[("past", past), ("act", "back".into())]).await.expect(200).text;
    assert_eq!(unescaped(attribute(&page, "name=\"past\" value=\"")), r#"[{"mo":"TIMER wake 60000 <b>up"}]"#);
    // HTTP, secrets, another version, other config, state as it is written.
    let page = play(&[said("HTTP https://api.example.net/x")]).await.expect(200).text;
    assert!(
        page.contains("HTTP, not made") && page.contains("is answered with 200") && !page.contains("s3cret"),
        "{page}"
    );
    let page = play(&[said("VERSION ?"), ("plugin", "echo@2".into())]).await.expect(200).text;
    assert!(page.contains("mark-two a ?"), "{page}");
    let page = play(&[said("CONFIG bad"), ("config", "bad = 1".into())]).await.expect(200).text;
    assert!(page.contains("The config does not suit it.") && page.contains("bad is set"), "{page}");
    let state = r#"{ "n": { "int": 41 } }"#;
    let written = [said("COUNT"), ("before", "json".into()), ("state", state.into())];
    let page = play(&written).await.expect(200).text;
    assert!(page.contains("<code>41</code>") && page.contains("<code>42</code>"), "{page}");
    // What is wrong is told, and stays in the form.
    let page = play(&[said("COUNT"), ("before", "json".into()), ("state", "{ no".into())]).await.expect(422).text;
    assert!(page.contains("Field: <code>state</code>") && page.contains(">{ no</textarea>"), "{page}");
    let page = play(&[said(""), ("event", "{ \"mu\": 1 }".into())]).await.expect(422).text;
    assert!(page.contains("did you mean") && page.contains("Field: <code>events[0]</code>"), "{page}");
    let rule = acme.get("/v1/rules/echo").await.expect(200).json();
    assert_eq!(rule["active"]["runs"], 0, "nothing ran: {rule}");
    // Who may only read is told what it takes.
    let reader = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), reader.token()).await;
    assert!(browser.page(&path).await.contains("scope <code>manage</code>"));
    browser.post(&path, &[("said", "COUNT"), ("kind", "text")]).await.expect(403);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_a_page_where_it_can_be_tried_before_any_rule_has_it() {
    let (site, operator, _, browser) = scene().await;
    let page = browser.page("/console/c/acme/rules").await;
    let path = "/console/c/acme/plugins/echo%401";
    assert!(page.contains(&format!("href=\"{path}\"")), "{page}");
    let page = browser.page(path).await;
    assert!(page.contains("mo-handler") && page.contains("acme/echo"), "{page}");
    let page = browser.post(path, &[("said", "0001"), ("kind", "hex")]).await.expect(200).text;
    assert!(page.contains("<code class=\"hex\">00 01</code>"), "{page}");
    let state = [("said", "COUNT"), ("kind", "text"), ("before", "json"), ("state", "{ \"n\": { \"int\": 6 } }")];
    assert!(browser.post(path, &state).await.expect(200).text.contains("<code>7</code>"));
    browser.get("/console/c/acme/plugins/echo%409").await.expect(404);
    let beta = key(&operator, "beta", &["read", "manage"]).await;
    let other = Browser::signed_in(site.api(), beta.token()).await;
    other.get("/console/c/acme/plugins/echo%401").await.expect(404);
    other.get("/console/c/beta/plugins/echo%401").await.expect(404);
    other.get(&format!("{RULE}/playground")).await.expect(404);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_run_again_where_its_rule_kept_the_call_and_else_the_page_says_what_to_set() {
    let (site, _, acme, browser) = scene().await;
    let mut sim = site.sim().await;
    let before = sim.submitted(mo("COUNT")).await;
    assert_eq!(read(&sim.take().await), "1");
    let shown = |id: String| {
        let browser = &browser;
        async move {
            eventually("its page offers it", || async {
                let page = browser.get(&format!("/console/c/acme/messages/{id}")).await;
                (page.status == 200 && page.text.contains("Run again here")).then_some(())
            })
            .await;
        }
    };
    shown(before.clone()).await;
    let page = browser.get(&format!("/console/c/acme/messages/{before}")).await.text;
    assert!(page.contains("is kept where its setting <code>replay_hours</code> says so"), "{page}");
    let again = |id: &str| format!("/console/c/acme/messages/{id}/replay");
    let page = browser.post(&again(&before), &[("rule", "echo")]).await.expect(404).text;
    assert!(page.contains("set replay_hours in its settings") && page.contains("/rules/echo/playground"), "{page}");
    let mut settings = acme.get("/v1/rules/echo").await.expect(200).json()["settings"].clone();
    settings["replay_hours"] = json!(1);
    acme.request("PUT", "/v1/rules/echo", &[], Some(&settings.to_string())).await.expect(200);
    let id = sim.submitted(mo("COUNT")).await;
    assert_eq!(read(&sim.take().await), "2");
    shown(id.clone()).await;
    let page = browser.get(&format!("/console/c/acme/messages/{id}")).await.text;
    for told in [
        "Sent by the rule for it",
        "saw and did",
        "attempt 1, until",
        "<strong><bdi class=\"said\">echo@1</bdi></strong>",
        "<bdi class=\"said\">n</bdi></th><td>the device</td><td class=\"text\"><code>1</code></td>",
        "<td class=\"text\"><code>1</code></td><td class=\"text\"><code>2</code></td>",
    ] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let page = browser.post(&again(&id), &[("rule", "echo")]).await.expect(200).text;
    assert!(page.contains("It does the same.") && page.contains("On <bdi class=\"said\">echo@1"), "{page}");
    assert!(page.contains("<code>1</code>") && page.contains("<code>2</code>"), "what it changes: {page}");
    let other = [("rule", "echo"), ("plugin", "echo@2")];
    let page = browser.post(&again(&id), &other).await.expect(200).text;
    assert!(page.contains("changed</span>") && page.contains("It does something else."), "{page}");
    browser.post(&again(&id), &[("rule", "echo"), ("plugin", "echo@9")]).await.expect(422);
    browser.post(&again(&id), &[("rule", "echo"), ("attempt", "many")]).await.expect(422);
    sim.submitted(mo("COUNT")).await;
    assert_eq!(read(&sim.take().await), "3", "nothing of that was done");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_config_is_shown_before_it_is_put_in_place() {
    let (site, _, acme, browser) = scene().await;
    let path = format!("{RULE}/config");
    let page = browser.page(&path).await;
    let tag = unescaped(attribute(&page, "name=\"tag\" value=\""));
    assert!(page.contains(">greeting = hej\n</textarea>"), "{page}");
    let edit = "greeting = <i>tjena\nmore = 1\n";
    let page = browser.post(&path, &[("config", edit), ("tag", &tag), ("act", "look")]).await.expect(200).text;
    assert!(page.contains("changed</span>") && page.contains("new</span>") && !page.contains("<i>tjena"), "{page}");
    assert!(page.contains("greeting = &lt;i&gt;tjena"), "the draft stays: {page}");
    let config = async || acme.get("/v1/rules/echo").await.expect(200).json()["settings"]["config"].clone();
    assert_eq!(config().await, json!({ "greeting": "hej" }), "looking changes nothing");
    // The plugin is asked, and says no.
    let page = browser.post(&path, &[("config", "bad = 1"), ("tag", &tag), ("act", "put")]).await;
    assert!(page.status.is_client_error() && page.text.contains("bad is set"), "{page:?}");
    browser.post(&path, &[("config", edit), ("tag", &tag), ("act", "put")]).await.expect(303);
    assert_eq!(config().await, json!({ "greeting": "<i>tjena", "more": "1" }));
    let page = browser.post(&path, &[("config", "a = b"), ("tag", &tag), ("act", "put")]).await.expect(412).text;
    assert!(page.contains("Somebody changed the rule meanwhile."), "{page}");
    let mut sim = site.sim().await;
    sim.submitted(mo("SECRET token")).await;
    assert_eq!(read(&sim.take().await), "13", "secrets stay");
    let page = browser.page(RULE).await;
    assert!(page.contains("Calls a second") && page.contains("(p99)") && page.contains("/config\">"), "{page}");
    site.end(sim).await;
}
