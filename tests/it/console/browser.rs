//! A browser as far as HTTP goes: a cookie, forms, and where a page's links and files lead.

use std::net::SocketAddr;

use hyper::StatusCode;

use crate::api::client::{Client, Reply, start};
use crate::smsc::site::{Plan, Site};

pub struct Browser {
    client: Client,
    /// What it sends as `Cookie`.
    pub cookie: String,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Browser {
        Browser { client: Client::new(address, None), cookie: String::new() }
    }

    pub async fn signed_in(address: SocketAddr, token: &str) -> Browser {
        let mut browser = Browser::new(address);
        browser.sign_in(token).await.expect(303);
        browser
    }

    /// Keeps the cookie of the answer.
    pub async fn sign_in(&mut self, token: &str) -> Reply {
        let reply = self.post("/console/sign-in", &[("token", token)]).await;
        if let Some(set) = reply.headers.get("set-cookie") {
            let set = set.to_str().expect("text");
            self.cookie = set.split(';').next().expect("a cookie").to_owned();
        }
        reply
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut all = vec![("cookie", self.cookie.as_str())];
        all.extend(headers);
        self.client.request("GET", path, &all, None).await
    }

    /// A form of a page of this server.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_from(path, fields, &[("origin", "http://smsc.test")]).await
    }

    pub async fn post_from(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
        let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let mut all = vec![("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.client.request("POST", path, &all, Some(&form.join("&"))).await
    }

    /// A page that is there.
    pub async fn page(&self, path: &str) -> String {
        self.get(path).await.expect(200).text
    }

    pub fn client(&self) -> &Client {
        &self.client
    }
}

pub fn escaped(text: &str) -> String {
    let keep = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes().map(|octet| if keep(octet) { (octet as char).to_string() } else { format!("%{octet:02X}") }).collect()
}

/// What is between a place in the page and the next quote: the value of an attribute.
pub fn attribute<'p>(page: &'p str, before: &str) -> &'p str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split('"').next().expect("a value")
}

/// A site whose house keeps history, and the operator as a client of the API.
pub async fn site() -> (Site, Client) {
    start(Plan::network().more("\n[history]\ndays = 1\n")).await
}

#[track_caller]
pub fn leads_to(reply: &Reply, path: &str) {
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
    assert_eq!(reply.headers["location"], path);
}
