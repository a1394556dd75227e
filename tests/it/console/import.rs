//! Import of devices: looked at first, then done.

use super::browser::{Browser, site};
use crate::api::client::key;

const PATH: &str = "/console/c/acme/devices";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_looked_at_and_tells_which_lines_are_wrong() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let csv = "address,tags,attr.site\r\n+46700000001,pump,<i>Hall\r\n+46700000002,two words,\r\n";
    let look = browser.post(PATH, &[("csv", csv), ("verb", "look")]).await.expect(200).text;
    assert!(
        look.contains("1 would be new") && look.contains("1 would be refused") && look.contains("Line 3: "),
        "{look}"
    );
    assert!(
        look.contains("Nothing is done yet.") && look.contains("+46700000001,pump,&lt;i&gt;Hall"),
        "the draft stays: {look}"
    );
    assert!(browser.page(PATH).await.contains("No registered devices."));
    let done = browser.post(PATH, &[("csv", csv), ("verb", "import")]).await.expect(200).text;
    assert!(done.contains("1 are new") && done.contains("/devices/%2B46700000001"), "{done}");
    assert!(!done.contains("<i>Hall") && !done.contains("two words</textarea>"), "{done}");
    let reader = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), reader.token()).await;
    assert!(!browser.page(PATH).await.contains("name=\"csv\""));
    let refused = browser.post(PATH, &[("csv", csv), ("verb", "import")]).await.text;
    assert!(refused.contains("This needs a key with the scope"), "{refused}");
    site.end(()).await;
}
