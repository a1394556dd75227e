//! Signing in and out, and what browsers are told to hold to.

use super::browser::{Browser, leads_to, site};
use crate::api::client::key;
use crate::smsc::site::Plan;

const SIGN_IN: &str = "/console/sign-in";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_the_operators_token_sign_in_and_nothing_else_does() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    for (token, home) in [(acme.token(), "/console/c/acme"), (operator.token(), "/console/overview")] {
        let mut browser = Browser::new(site.api());
        leads_to(&browser.get("/console/").await, SIGN_IN);
        let reply = browser.sign_in(token).await;
        leads_to(&reply, "/console/");
        leads_to(&browser.get("/console/").await, home);
        assert!(browser.page(home).await.contains("<h1>"));
    }
    let mut browser = Browser::new(site.api());
    for wrong in ["", "wrong", &format!("{}x", acme.token()), &acme.token()[..acme.token().len() - 1]] {
        let reply = browser.sign_in(wrong).await.expect(401);
        assert!(reply.text.contains("not valid") && browser.cookie.is_empty(), "{wrong}: {reply:?}");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_kept_from_scripts_other_sites_and_other_paths_and_is_not_the_key() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut browser = Browser::new(site.api());
    let reply = browser.sign_in(acme.token()).await;
    let cookie = reply.headers["set-cookie"].to_str().expect("text");
    for part in ["Path=/console", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.split("; ").any(|has| has == part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "there is no TLS: {cookie}");
    let secret = acme.token().rsplit('_').next().expect("a secret");
    assert!(!cookie.contains(secret) && !cookie.contains(acme.token()));
    let other = Browser::signed_in(site.api(), acme.token()).await;
    assert_ne!(browser.cookie, other.cookie);
    // A proxy ends TLS.
    let headers = [("origin", "http://smsc.test"), ("x-forwarded-proto", "https")];
    let reply = browser.post_from(SIGN_IN, &[("token", acme.token())], &headers).await;
    assert!(reply.headers["set-cookie"].to_str().expect("text").ends_with("; Secure"));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_sign_out_and_with_its_key() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    browser.page("/console/c/acme").await;
    let reply = browser.post("/console/sign-out", &[]).await;
    leads_to(&reply, SIGN_IN);
    assert!(reply.headers["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    leads_to(&browser.get("/console/c/acme").await, SIGN_IN);

    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let piece = [("hx-request", "true")];
    browser.get_with("/console/c/acme", &piece).await.expect(200);
    let id = acme.token().split('_').nth(1).expect("an id");
    operator.delete(&format!("/v1/customers/acme/keys/{id}")).await.expect(204);
    assert_eq!(browser.get_with("/console/c/acme", &piece).await.expect(401).headers["hx-redirect"], SIGN_IN);
    leads_to(&browser.get("/console/c/acme").await, SIGN_IN);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fails_too_often_waits_even_with_a_key_that_is_valid() {
    let (site, operator) = site().await;
    let mut browser = Browser::new(site.api());
    for _ in 0..10 {
        browser.sign_in("wrong").await.expect(401);
    }
    assert!(browser.sign_in("wrong").await.expect(429).text.contains("Too many attempts"));
    browser.sign_in(operator.token()).await.expect(429);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_can_make_a_browser_do_nothing() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    let foreign: [&[(&str, &str)]; 6] = [
        &[],
        &[("origin", "http://evil.test")],
        &[("origin", "null")],
        &[("origin", "http://smsc.test.evil.test")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://smsc.test")],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        browser.post_from("/console/sign-out", &[], headers).await.expect(403);
        browser.post_from(SIGN_IN, &[("token", operator.token())], headers).await.expect(403);
    }
    browser.page("/console/overview").await;
    browser.post_from("/console/sign-out", &[], &[("sec-fetch-site", "same-origin")]).await.expect(303);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_forbids_what_no_page_needs() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    let paths = [
        SIGN_IN,
        "/console/overview",
        "/console/c/acme/messages",
        "/console/c/nobody",
        "/console/no/such",
        "/console/",
    ];
    for path in paths {
        let reply = browser.get(path).await;
        let policy = reply.headers["content-security-policy"].to_str().expect("text");
        let parts: Vec<&str> = policy.split("; ").collect();
        let wanted = [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ];
        assert_eq!(parts, wanted, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.headers[name], value, "{path}");
        }
        // Nothing for which the policy would have to be weaker.
        for weak in [" style=", " onclick", " onload", "<style", "javascript:"] {
            assert!(!reply.text.contains(weak), "{path}: {weak}");
        }
        for script in reply.text.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/console/assets/"), "{path}: {script}");
        }
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_can_be_turned_off() {
    let table = "[api]\nlisten = \"127.0.0.1:0\"\nconsole = false\n";
    let site = Plan::default().more(table).start().await;
    let browser = Browser::new(site.api());
    assert_eq!(browser.get(SIGN_IN).await.problem(404), "not_found");
    site.end(()).await;
}
