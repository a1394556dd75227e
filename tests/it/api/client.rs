//! A plain HTTP client, and a site with an API.

use std::net::SocketAddr;

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::smsc::peer::Stream;
use crate::smsc::site::{Plan, Site};

/// The table that makes a server serve the API.
pub const TABLE: &str = "[api]\nlisten = \"127.0.0.1:0\"\n";

/// Somebody with a token, or without.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    token: Option<String>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A field of the body as text.
    pub fn field(&self, name: &str) -> String {
        let json = self.json();
        json[name].as_str().unwrap_or_else(|| panic!("no text {name} in {json}")).to_owned()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Holds that it is a problem with all that belongs to one; its code.
    #[track_caller]
    pub fn problem(self, status: u16) -> String {
        let reply = self.expect(status);
        assert_eq!(reply.headers[CONTENT_TYPE], "application/problem+json");
        let code = reply.field("code");
        assert_eq!(reply.field("type"), format!("urn:wasmsc:problem:{code}"));
        assert_eq!(reply.json()["status"], status);
        assert!(!reply.field("title").is_empty() && !reply.field("detail").is_empty(), "{reply:?}");
        code
    }
}

impl Client {
    pub fn new(address: SocketAddr, token: Option<&str>) -> Client {
        Client { address, token: token.map(str::to_owned) }
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.address, Some(token))
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("it has one")
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.request("POST", path, &[], Some(&body.to_string())).await
    }

    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.request("POST", path, &[("idempotency-key", key)], Some(&body.to_string())).await
    }

    /// With a body: as JSON, unless the headers say otherwise.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Reply {
        let stream = TcpStream::connect(self.address).await.expect("the API listens");
        exchange(stream, self.build(method, path, headers, body)).await
    }

    /// A component, as a plugin of this name and version.
    pub async fn upload(&self, (name, version): (&str, &str), query: &str, octets: Vec<u8>) -> Reply {
        let path = format!("/v1/plugins?name={name}&version={version}{query}");
        self.try_octets(&path, octets).await.expect("an answer")
    }

    /// The body of an answer that need not be text.
    pub async fn octets(&self, path: &str) -> Vec<u8> {
        let stream = TcpStream::connect(self.address).await.expect("the API listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let answer = sender.send_request(self.build("GET", path, &[], None)).await.expect("an answer");
        answer.into_body().collect().await.expect("all of it").to_bytes().to_vec()
    }

    /// None where the server is gone before it has answered.
    pub async fn try_octets(&self, path: &str, octets: Vec<u8>) -> Option<Reply> {
        let request = self.build("POST", path, &[("content-type", "application/wasm")], Some(""));
        let stream = TcpStream::connect(self.address).await.ok()?;
        try_exchange(stream, request.map(|_| Body::from(octets))).await
    }

    /// None where the server is gone before it has answered.
    pub async fn try_request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        let stream = TcpStream::connect(self.address).await.ok()?;
        try_exchange(stream, self.build(method, path, headers, (!body.is_empty()).then_some(body))).await
    }

    pub fn build(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "smsc.test");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned()))).expect("a request")
    }
}

/// One request on a connection of its own.
pub async fn exchange(stream: impl Stream + 'static, request: Request<Body>) -> Reply {
    try_exchange(stream, request).await.expect("an answer")
}

/// None where the server closed instead.
pub async fn try_exchange(stream: impl Stream + 'static, request: Request<Body>) -> Option<Reply> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
    let octets = body.collect().await.ok()?.to_bytes();
    let text = String::from_utf8(octets.to_vec()).expect("text");
    Some(Reply { status: parts.status, headers: parts.headers, text })
}

/// A site with an API.
pub async fn start(plan: Plan) -> (Site, Client) {
    let site = plan.more(TABLE).start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    (site, operator)
}

/// A key of `customer` with these scopes.
pub async fn key(operator: &Client, customer: &str, scopes: &[&str]) -> Client {
    let body = serde_json::json!({ "name": "test", "scopes": scopes });
    let made = operator.post(&format!("/v1/customers/{customer}/keys"), body).await.expect(201);
    operator.with_token(&made.field("key"))
}
