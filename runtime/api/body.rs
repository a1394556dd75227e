//! Reads what a request brings, and says what is wrong with it: JSON bodies, path, query.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Api;
use super::error::{Code, Problem};

/// A body that takes longer is a client that means harm, or a line that is down.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A JSON body, with its octets. Unknown fields are refused and named.
pub struct Json<T> {
    pub value: T,
    pub octets: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Json<T>, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedMediaType, "send it with Content-Type: application/json"));
        }
        let octets = read(request.into_body(), api.body_max_octets).await?;
        let value = parse(&octets)?;
        Ok(Json { value, octets })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

pub async fn read(body: Body, octets_max: usize) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(BODY_WITHIN, Limited::new(body, octets_max).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("a body may have {octets_max} octets")))
        }
        Ok(Err(error)) => Err(Problem::new(Code::MalformedRequest, format!("the body cannot be read: {error}"))),
        Err(_) => Err(Problem::new(Code::BodyTooSlow, format!("it was not there after {} s", BODY_WITHIN.as_secs()))),
    }
}

/// Names the field, by its path.
fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(octets);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        unreadable(error.inner(), (path != ".").then_some(path))
    })?;
    deserializer.end().map_err(|error| unreadable(&error, None))?;
    Ok(value)
}

/// serde words an unknown field as "unknown field `x`, expected one of `a`, `b` at line 1 column 2".
fn unreadable(error: &serde_json::Error, path: Option<String>) -> Problem {
    let detail = error.to_string();
    if !error.is_data() {
        return Problem::new(Code::MalformedJson, detail);
    }
    let named = |what: &str| Some(detail.strip_prefix(what)?.split('`').next()?.to_owned());
    if let Some(field) = named("unknown field `") {
        return Problem::of_field(Code::UnknownField, path.unwrap_or(field), detail);
    }
    match named("missing field `").or(path) {
        Some(field) => Problem::of_field(Code::InvalidField, field, detail),
        None => Problem::new(Code::InvalidField, detail),
    }
}

/// A JSON answer.
pub struct Reply<T>(pub T);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(octets) => {
                let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
                (headers, octets).into_response()
            }
            Err(error) => Problem::new(Code::Internal, format!("the answer is no JSON: {error}")).into_response(),
        }
    }
}

/// The query of the URL, decoded.
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<QueryOf<T>, Problem> {
        match Query::from_request_parts(parts, api).await {
            Ok(Query(value)) => Ok(QueryOf(value)),
            Err(rejection) => Err(Problem::new(Code::MalformedRequest, rejection.body_text())),
        }
    }
}

/// Parts of the path, decoded.
pub struct PathOf<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<PathOf<T>, Problem> {
        match Path::from_request_parts(parts, api).await {
            Ok(Path(value)) => Ok(PathOf(value)),
            Err(rejection) => Err(Problem::new(Code::MalformedRequest, rejection.body_text())),
        }
    }
}
