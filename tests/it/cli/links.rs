//! `wasmsc links`: looking at binds, ending one, pausing what is sent.

use super::{REFUSED, Shell};
use crate::api::client::start;
use crate::smsc::peer::eventually;
use crate::smsc::site::{Plan, mt, read};

#[tokio::test(flavor = "multi_thread")]
async fn links_are_looked_at_paused_and_dropped_from_a_shell() {
    let (site, operator) = start(Plan::network()).await;
    let shell = Shell::new(site.api(), &operator);
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = |account: &str| {
        let listed = shell.json(&["links"]);
        let link = listed["links"].as_array().and_then(|all| all.iter().find(|link| link["account"] == account));
        link.and_then(|link| link["id"].as_str()).map(str::to_owned)
    };
    let up = id("app").expect("it is bound");
    let shown = shell.prints(&["links", "pdus", &up]);
    assert!(shown.contains("bind_transceiver") && shown.contains("system_id=app"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");

    let paused = shell.prints(&["links", "pause", "sim", "--reason", "until 06:00"]);
    assert_eq!(paused, "sim is paused: nothing new is sent to it.");
    assert!(shell.prints(&["links", "pauses"]).contains("until 06:00"));
    assert!(shell.prints(&["links"]).contains("paused"));
    app.submitted(mt("waits")).await;
    assert_eq!(shell.prints(&["links", "resume", "sim"]), "sim goes on.");
    assert_eq!(read(&sim.take().await), "waits");

    shell.prints(&["links", "drop", &up]);
    app.expect_closed().await;
    eventually("the link is gone", || async { id("app").is_none().then_some(()) }).await;
    let told = shell.prints(&["links", "history", "--account", "app"]);
    assert!(told.contains("bound") && told.contains("operator"), "{told}");
    for line in [["links", "drop", "no-such"], ["links", "pdus", "no-such"], ["links", "pause", "nobody"]] {
        let said = shell.fails(REFUSED, &line);
        assert!(said.contains("[404 "), "{line:?}: {said}");
    }
    site.end(sim).await;
}
