//! What charts show goes on over restarts.

use serde_json::Value;

use super::client::{Client, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{Plan, mo, mt};

/// MOs and MTs of a span, all its steps together.
async fn counted(operator: &Client, query: &str) -> (u64, u64) {
    let overview = operator.get(&format!("/v1/overview?{query}")).await.expect(200).json();
    let sum = |name: &str| overview["series"][name].as_array().expect("a list").iter().filter_map(Value::as_u64).sum();
    (sum("mo"), sum("mt"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_a_day_and_a_month_have_what_came_before_a_restart() {
    let (site, operator) = start(Plan::network()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("one")).await;
    sim.take().await;
    sim.submitted(mo("two")).await;
    app.take().await;
    app.submitted(mt("three")).await;
    sim.take().await;
    drop((app, sim));
    // What nobody had counted yet is counted at the end.
    let site = site.restart().await;
    let operator = Client::new(site.api(), Some(operator.token()));
    for span in ["hour", "day", "month"] {
        assert_eq!(counted(&operator, &format!("span={span}")).await, (1, 2), "{span}");
        assert_eq!(counted(&operator, &format!("span={span}&customer=acme")).await, (1, 2), "{span}");
        assert_eq!(counted(&operator, &format!("span={span}&customer=beta")).await, (0, 0), "{span}");
    }
    let mut app = site.app().await;
    app.submitted(mt("four")).await;
    eventually("one more", || async { (counted(&operator, "span=day").await == (1, 3)).then_some(()) }).await;
    drop(app);
    let site = site.restart().await;
    let operator = Client::new(site.api(), Some(operator.token()));
    assert_eq!(counted(&operator, "span=month").await, (1, 3));
    site.end(()).await;
}
