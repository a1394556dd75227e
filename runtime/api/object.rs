//! Customers, accounts, upstreams and shared numbers: what the config file declares and what is made here, alike.
//!
//! The same fields as in the file's tables, see `config`. What the file declares is shown and cannot be changed here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::rfc3339::Time;
use crate::config::{Kind, Settings};
use crate::setup::{Action, Edit, Expect, NotSetUp, Object};

/// A customer, account, upstream or shared number.
#[derive(Serialize, ToSchema)]
pub struct ObjectView {
    #[schema(example = "acme")]
    id: String,
    /// In the config file: to be changed there only.
    declared: bool,
    /// When it was changed here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<Time>,
    /// As they are written; what is absent has its default. Passwords are not shown.
    #[schema(value_type = Object)]
    settings: Settings,
}

#[derive(Serialize, ToSchema)]
pub struct ObjectList {
    objects: Vec<ObjectView>,
}

impl From<Object> for ObjectView {
    fn from(object: Object) -> ObjectView {
        let Object { id, settings, made } = object;
        ObjectView { id, declared: made.is_none(), changed_at: made.map(|made| Time(made.changed_at)), settings }
    }
}

/// The settings of a customer, account, upstream or shared number, with the field names of the config file.
#[derive(ToSchema)]
#[schema(as = Settings, value_type = Object)]
#[allow(dead_code)] // shows in the description only
pub struct SettingsSchema(Map<String, Value>);

impl From<NotSetUp> for Problem {
    fn from(not_set_up: NotSetUp) -> Problem {
        let detail = not_set_up.to_string();
        match not_set_up {
            NotSetUp::Declared { .. } => Problem::new(Code::Declared, detail),
            NotSetUp::NotFound { .. } => Problem::not_found(),
            NotSetUp::Changed { .. } => Problem::new(Code::PreconditionFailed, detail),
            NotSetUp::Unreadable { field, .. } => Problem::of_field(Code::InvalidField, field, detail),
            NotSetUp::Invalid(_) | NotSetUp::NoTurn(_) => Problem::new(Code::DoesNotFit, detail),
            NotSetUp::Unfit(_) => Problem::new(Code::PluginUnfit, detail),
            NotSetUp::Store(failed) => Problem::store_failed(&failed),
        }
    }
}

fn with_tag(status: StatusCode, object: Object) -> Response {
    tagged(status, object, ObjectView::from)
}

/// With the ETag that `If-Match` takes.
pub fn tagged<V: Serialize>(status: StatusCode, object: Object, view: impl FnOnce(Object) -> V) -> Response {
    let tag = object.made.and_then(|made| HeaderValue::from_str(&format!("\"{}\"", made.revision)).ok());
    let mut response = (status, Reply(view(object))).into_response();
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// `If-Match: "…"` or `*`, `If-None-Match: *`.
pub fn expectation(headers: &HeaderMap) -> Answer<Expect> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default().trim());
    let malformed = |what: &str| Problem::new(Code::MalformedRequest, what);
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Expect::Anything),
        (None, Some("*")) => Ok(Expect::Nothing),
        (Some("*"), None) => Ok(Expect::Something),
        (Some(tag), None) => {
            let revision = tag.trim_start_matches("W/").trim_matches('"').parse();
            revision.map(Expect::Revision).map_err(|_| malformed("If-Match is no ETag of ours"))
        }
        _ => Err(malformed("send If-Match with one ETag, or If-None-Match: *")),
    }
}

pub fn find(api: &Api, kind: Kind, id: &str) -> Answer<Object> {
    api.setup.get(kind, id).ok_or_else(Problem::not_found)
}

fn list(api: &Api, caller: &Caller, kind: Kind) -> Answer<Reply<ObjectList>> {
    caller.must_be_operator()?;
    Ok(Reply(ObjectList { objects: api.setup.list(kind).into_iter().map(ObjectView::from).collect() }))
}

async fn put(
    api: &Api,
    caller: &Caller,
    (kind, id): (Kind, String),
    headers: &HeaderMap,
    to: Settings,
) -> Answer<Response> {
    caller.must_be_operator()?;
    let edit = Edit { kind, id: id.clone(), to: Some(to), expect: expectation(headers)? };
    let planned = api.setup.change(caller.name(), vec![edit]).await?;
    let is_new = planned.iter().any(|change| change.action == Action::Create);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(with_tag(status, find(api, kind, &id)?))
}

async fn delete(api: &Api, caller: &Caller, (kind, id): (Kind, String), headers: &HeaderMap) -> Answer<StatusCode> {
    caller.must_be_operator()?;
    let edit = Edit { kind, id, to: None, expect: expectation(headers)? };
    api.setup.change(caller.name(), vec![edit]).await?;
    Ok(StatusCode::NO_CONTENT)
}

macro_rules! objects {
    ($($module:ident $kind:ident $path:literal $one:literal $id:literal $tag:literal, $list:literal $get:literal $put:literal $delete:literal)*) => { $(
        pub mod $module {
            use super::*;

            /// Lists them all, declared or made, by their ids.
            #[utoipa::path(
                get, path = $path, operation_id = $list, tag = $tag,
                responses(
                    (status = 200, description = "All of them", body = ObjectList),
                    (status = 404, description = "For a key: only the operator has this",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
                ),
            )]
            pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Answer<Reply<ObjectList>> {
                super::list(&api, &caller, Kind::$kind)
            }

            /// Shows one.
            #[utoipa::path(
                get, path = $one, operation_id = $get, tag = $tag,
                params(($id = String, Path, description = "Its name")),
                responses(
                    (status = 200, description = "As it is", body = ObjectView),
                    (status = 403, description = "The key has not the scope for this",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
                ),
            )]
            pub async fn get(State(api): State<Arc<Api>>, caller: Caller, PathOf(id): PathOf<String>) -> Answer<Response> {
                match Kind::$kind {
                    Kind::Customer => drop(caller.customer(&api, &id, Scope::Read)?),
                    _ => caller.must_be_operator()?,
                }
                Ok(with_tag(StatusCode::OK, find(&api, Kind::$kind, &id)?))
            }

            /// Makes one or changes it: the body has all its settings, as the config file has them. Passwords that it
            /// does not name stay.
            #[utoipa::path(
                put, path = $one, operation_id = $put, tag = $tag,
                params(($id = String, Path, description = "Its name")),
                request_body = SettingsSchema,
                responses(
                    (status = 200, description = "Changed, durably so", body = ObjectView),
                    (status = 201, description = "Made, durably so", body = ObjectView),
                    (status = 409, description = "The config file declares it, or it would not fit the others",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = 412, description = "It is not what If-Match or If-None-Match expects",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
                ),
            )]
            pub async fn put(
                State(api): State<Arc<Api>>,
                caller: Caller,
                PathOf(id): PathOf<String>,
                headers: HeaderMap,
                body: Json<Settings>,
            ) -> Answer<Response> {
                super::put(&api, &caller, (Kind::$kind, id), &headers, body.value).await
            }

            /// Deletes one that nothing refers to.
            #[utoipa::path(
                delete, path = $one, operation_id = $delete, tag = $tag,
                params(($id = String, Path, description = "Its name")),
                responses(
                    (status = 204, description = "Gone, and durably so"),
                    (status = 409, description = "The config file declares it, or something refers to it",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = 412, description = "It is not what If-Match expects",
                        body = ProblemDetails, content_type = "application/problem+json"),
                    (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
                ),
            )]
            pub async fn delete(
                State(api): State<Arc<Api>>,
                caller: Caller,
                PathOf(id): PathOf<String>,
                headers: HeaderMap,
            ) -> Answer<StatusCode> {
                super::delete(&api, &caller, (Kind::$kind, id), &headers).await
            }
        }
    )* };
}

objects! {
    customer Customer "/v1/customers" "/v1/customers/{id}" "id" "customers",
        "listCustomers" "getCustomer" "putCustomer" "deleteCustomer"
    account Account "/v1/accounts" "/v1/accounts/{id}" "id" "accounts",
        "listAccounts" "getAccount" "putAccount" "deleteAccount"
    upstream Upstream "/v1/upstreams" "/v1/upstreams/{id}" "id" "accounts",
        "listUpstreams" "getUpstream" "putUpstream" "deleteUpstream"
    shared_number SharedNumber "/v1/shared-numbers" "/v1/shared-numbers/{number}" "number" "customers",
        "listSharedNumbers" "getSharedNumber" "putSharedNumber" "deleteSharedNumber"
}
