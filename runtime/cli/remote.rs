//! How commands reach a server's API: the options that say where and as whom, and one request over one connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, Uri};
use bytes::Bytes;
use clap::Args;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::failure::{Failure, Refusal};
use crate::config::UpstreamTls;
use crate::tls;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The server waits for a sync at most, and gives a slow body half of this.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The base of the API's addresses where nobody names another.
const USUAL_API: &str = "http://127.0.0.1:8080";

/// Options of every command that asks a server.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Server")]
pub struct Remote {
    /// Base of the API's addresses; without it http://127.0.0.1:8080.
    #[arg(long, value_name = "URL", env = "WASMSC_API")]
    api: Option<String>,
    /// A customer's API key, or the operator's token.
    #[arg(long, env = "WASMSC_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File that holds the token, such as `operator-token` in the data directory; comes before --token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's, for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// One request.
pub struct Ask<'a> {
    pub method: Method,
    /// Behind the base, such as `/v1/links`.
    pub path: &'a str,
    pub body: Option<&'a Value>,
    /// A body that is no JSON, with its Content-Type.
    pub raw: Option<(&'a str, Bytes)>,
    pub idempotency_key: Option<&'a str>,
    /// Longer without an answer means that there will be none.
    pub within: Duration,
}

impl<'a> Ask<'a> {
    pub fn get(path: &'a str) -> Ask<'a> {
        Ask { method: Method::GET, path, body: None, raw: None, idempotency_key: None, within: ANSWER_WITHIN }
    }

    pub fn delete(path: &'a str) -> Ask<'a> {
        Ask { method: Method::DELETE, ..Ask::get(path) }
    }

    /// Without a body.
    pub fn do_it(path: &'a str) -> Ask<'a> {
        Ask { method: Method::POST, ..Ask::get(path) }
    }

    pub fn post(path: &'a str, body: &'a Value) -> Ask<'a> {
        Ask { body: Some(body), ..Ask::do_it(path) }
    }

    pub fn put(path: &'a str, body: &'a Value) -> Ask<'a> {
        Ask { method: Method::PUT, ..Ask::post(path, body) }
    }

    pub fn patch(path: &'a str, body: &'a Value) -> Ask<'a> {
        Ask { method: Method::PATCH, ..Ask::post(path, body) }
    }
}

/// The head of an answer has come, and its body comes.
pub struct Answer {
    status: StatusCode,
    pub body: Incoming,
    /// It ends with this.
    connection: JoinSet<hyper::Result<()>>,
}

/// A word of the user's as one part of a path.
pub fn part(word: &str) -> String {
    let mut part = String::with_capacity(word.len());
    for octet in word.bytes() {
        if octet.is_ascii_alphanumeric() || b"-_.~+".contains(&octet) {
            part.push(char::from(octet));
        } else {
            part.push_str(&format!("%{octet:02X}"));
        }
    }
    part
}

/// A path with those parameters that are given.
pub fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    // In a query a plain sign is a space.
    let given: Vec<_> = given.map(|(name, value)| format!("{name}={}", part(value).replace('+', "%2B"))).collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

impl Remote {
    /// With these where the user named no others; None: nobody named a server.
    pub fn or(self, api: Option<String>, token_file: PathBuf) -> Option<Remote> {
        let has_token = self.token_file.is_some() || self.token.as_ref().is_some_and(|token| !token.is_empty());
        let token_file = if has_token { self.token_file } else { Some(token_file) };
        let api = self.api.filter(|api| !api.is_empty()).or(api)?;
        Some(Remote { api: Some(api), token_file, ..self })
    }

    pub fn base(&self) -> &str {
        self.api.as_deref().unwrap_or(USUAL_API)
    }

    /// The answer's JSON; null where there is no body.
    pub async fn json(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let octets = self.octets(ask).await?;
        if octets.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&octets).map_err(|error| Failure::Failed(format!("the answer is no JSON: {error}")))
    }

    pub async fn octets(&self, ask: Ask<'_>) -> Result<Bytes, Failure> {
        let request = self.request(&ask)?;
        let whole = async { self.whole(self.exchange(request).await?).await };
        let answer = tokio::time::timeout(ask.within, whole).await;
        let late = || self.unreachable(&io::Error::other(format!("no answer within {} s", ask.within.as_secs())));
        answer.map_err(|_| late())?
    }

    /// An answer that goes on and on.
    pub async fn stream(&self, path: &str) -> Result<Answer, Failure> {
        let answer = self.exchange(self.request(&Ask::get(path))?).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(self.whole(answer).await.err().unwrap_or_else(|| self.no_url()))
        }
    }

    async fn whole(&self, answer: Answer) -> Result<Bytes, Failure> {
        let Answer { status, body, connection: _connection } = answer;
        let octets = body.collect().await.map_err(|error| self.unreachable(&io::Error::other(error)))?.to_bytes();
        if status.is_success() { Ok(octets) } else { Err(Failure::Refused(Refusal::read(status, &octets))) }
    }

    fn request(&self, ask: &Ask<'_>) -> Result<Request<Body>, Failure> {
        let base: Uri =
            self.base().parse().map_err(|error| Failure::Usage(format!("--api {}: {error}", self.base())))?;
        let authority = base.authority().ok_or_else(|| self.no_url())?;
        let path = format!("{}{}", base.path().trim_end_matches('/'), ask.path);
        let mut request = Request::builder().method(ask.method.clone()).uri(path).header(HOST, authority.as_str());
        if let Some(token) = self.token()? {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = ask.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let body = match (ask.body, &ask.raw) {
            (Some(body), _) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            (None, Some((kind, octets))) => {
                request = request.header(CONTENT_TYPE, *kind);
                Body::from(octets.clone())
            }
            (None, None) => Body::empty(),
        };
        request.body(body).map_err(|error| Failure::Usage(error.to_string()))
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        let token = std::fs::read_to_string(file)
            .map_err(|error| Failure::Usage(format!("--token-file {}: {error}", file.display())))?;
        Ok(Some(token.trim().to_owned()))
    }

    fn no_url(&self) -> Failure {
        Failure::Usage(format!("--api {}: expected something such as {USUAL_API}", self.base()))
    }

    fn unreachable(&self, error: &io::Error) -> Failure {
        Failure::Unreachable(format!("{}: {error}", self.base()))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Answer, Failure> {
        let base: Uri = self.base().parse().map_err(|_| self.no_url())?;
        let host = base.host().ok_or_else(|| self.no_url())?.trim_matches(['[', ']']);
        let (is_tls, port) = match base.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(self.no_url()),
        };
        let connect = TcpStream::connect((host, base.port_u16().unwrap_or(port)));
        let connected = tokio::time::timeout(CONNECT_WITHIN, connect).await.map_err(io::Error::from);
        let stream = connected.and_then(|stream| stream).map_err(|error| self.unreachable(&error))?;
        if !is_tls {
            return self.over(stream, request).await;
        }
        let files = UpstreamTls { ca: self.ca.clone(), ..UpstreamTls::default() };
        let (connector, name) =
            tls::connector(host, &files).map_err(|error| Failure::Usage(format!("TLS: {error}")))?;
        let stream = connector.connect(name, stream).await.map_err(|error| self.unreachable(&error))?;
        self.over(stream, request).await
    }

    async fn over<S>(&self, stream: S, request: Request<Body>) -> Result<Answer, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| self.unreachable(&io::Error::other(error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let (parts, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        Ok(Answer { status: parts.status, body, connection: tasks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_users_stay_one_part_of_a_path() {
        assert_eq!(part("752b97b869e56e11"), "752b97b869e56e11");
        assert_eq!(query("/v1/x", &[("a", None)]), "/v1/x");
        assert_eq!(query("/v1/x", &[("a", Some("+46 & b")), ("c", Some("d"))]), "/v1/x?a=%2B46%20%26%20b&c=d");
        assert_eq!(part("../å?x#y z"), "..%2F%C3%A5%3Fx%23y%20z");
    }
}
