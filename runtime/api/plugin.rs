//! `/v1/plugins`: components that are uploaded, checked, compiled and listed, for rules to name.
//!
//! A customer sees its own and the operator's. What is not taken leaves nothing behind; one upload of a customer at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::rfc3339::Time;
use crate::message::Timestamp;
use crate::rules::stock::{self, Plugin};
use crate::rules::{Digest, Incoming, Unfit};
use crate::setup::{Listed, PluginRefused};

/// Octets of a refused body that are read so that its sender gets the answer.
const PASSED_OVER_MAX: u64 = 256 << 20;
/// All of it has to come within this; the largest ones over a slow line.
const BODY_WITHIN: Duration = Duration::from_secs(300);
/// Uploads at once, of all customers: each may have a compilation waiting behind it.
const UPLOADS_MAX: usize = 8;

/// Whose uploads are under way; the operator's are nobody's.
#[derive(Default)]
pub struct Uploads(Mutex<BTreeSet<Option<String>>>);

struct Upload<'u>(&'u Uploads, Option<String>);

impl Uploads {
    fn begin(&self, customer: Option<String>) -> Answer<Upload<'_>> {
        let mut running = self.0.lock();
        if running.len() >= UPLOADS_MAX || !running.insert(customer.clone()) {
            let detail = "an upload is under way; send this one when it has been answered";
            return Err(Problem::new(Code::TooManyUploads, detail));
        }
        Ok(Upload(self, customer))
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        self.0.0.lock().remove(&self.1);
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Label {
    /// What rules call it, together with its version.
    #[param(example = "alarm")]
    name: String,
    #[param(example = "1.2.0")]
    version: String,
    /// For the operator: whose it is; without it every customer may use it. A key's is its own.
    customer: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// For the operator: what this customer sees. A key's is its own.
    customer: Option<String>,
}

impl Whose {
    pub fn customer(&self) -> Option<&str> {
        self.customer.as_deref()
    }
}

/// A version of a plugin.
#[derive(Serialize, ToSchema)]
#[schema(as = Plugin)]
pub struct PluginView {
    #[schema(example = "alarm")]
    name: String,
    #[schema(example = "1.2.0")]
    version: String,
    /// Whose it is; absent: the operator's, for all customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// SHA-256 of the component; rules may name it by that, too.
    digest: String,
    octets: u64,
    /// Interfaces that it offers.
    exports: Vec<String>,
    /// Interfaces that it uses.
    imports: Vec<String>,
    /// Rules that have to do with it, as `customer/name`.
    used_by: Vec<String>,
    uploaded_at: Time,
    uploaded_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct PluginList {
    plugins: Vec<PluginView>,
}

impl From<PluginRefused> for Problem {
    fn from(refused: PluginRefused) -> Problem {
        let detail = refused.to_string();
        match refused {
            PluginRefused::VersionExists { .. } | PluginRefused::NameTaken(_) => {
                Problem::new(Code::VersionExists, detail)
            }
            PluginRefused::TooMany => Problem::new(Code::TooMany, detail),
            PluginRefused::Used { .. } => Problem::new(Code::DoesNotFit, detail),
            PluginRefused::NotFound => Problem::not_found(),
            PluginRefused::Store(failed) => Problem::store_failed(&failed),
        }
    }
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Problem {
        Problem::new(Code::PluginUnfit, unfit.to_string())
    }
}

/// None: the operator, who asks for no customer.
pub(super) fn customer(api: &Api, caller: &Caller, named: Option<&str>, scope: Scope) -> Answer<Option<String>> {
    if matches!(caller, Caller::Operator) && named.is_none() {
        return Ok(None);
    }
    let index = caller.customer_of(api, named, scope)?;
    Ok(Some(api.house.directory().customer_at(index).id.to_string()))
}

fn view(api: &Api, plugin: Plugin, seen_by: Option<&str>) -> PluginView {
    let mut used_by = stock::users(&api.house.store, &plugin);
    let is_seen = |rule: &String| seen_by.is_none_or(|customer| rule.split('/').next() == Some(customer));
    used_by.retain(is_seen);
    let Plugin { customer, name, version, component, octets, exports, imports, by, uploaded_at } = plugin;
    let (digest, uploaded_at, uploaded_by) = (component, Time(uploaded_at), by);
    PluginView { name, version, customer, digest, octets, exports, imports, used_by, uploaded_at, uploaded_by }
}

/// Takes a component, if it fits the contract: it is checked, compiled beside the traffic, and tried. The same component under
/// the same name and version again changes nothing.
#[utoipa::path(
    post, path = "/v1/plugins", operation_id = "uploadPlugin", tag = "rules",
    params(Label),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component, as the build made it"),
    responses(
        (status = 200, description = "It was there already", body = PluginView),
        (status = 201, description = "Listed, durably so; rules may name it", body = PluginView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The version is there with another component, or there are too many",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "It is larger than upload_max_mib of the config's table plugins",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 415, description = "The body is of neither type application/wasm nor application/octet-stream",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "It is no component, does not fit the contract, or cannot be compiled; `detail` tells its author what to do",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Another upload is under way; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn upload(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(label): QueryOf<Label>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let customer = customer(&api, &caller, label.customer.as_deref(), Scope::Manage)?;
    for (field, text) in [("name", &label.name), ("version", &label.version)] {
        if let Some(fault) = stock::label_fault(text) {
            return Err(Problem::invalid(field, format!("{field} {fault}")));
        }
    }
    must_be_wasm(&headers)?;
    let _upload = api.uploads.begin(customer.clone())?;
    let rules = api.setup.rules();
    let incoming = rules.files.receive().map_err(no_room)?;
    let octets_max = (api.setup.file().plugins.upload_max_mib as u64) << 20;
    let received = tokio::time::timeout(BODY_WITHIN, receive(request.into_body(), incoming, octets_max)).await;
    let late = || Problem::new(Code::BodyTooSlow, format!("it was not there after {} s", BODY_WITHIN.as_secs()));
    let incoming = received.map_err(|_| late())??;
    let octets = incoming.octets();
    let kept = tokio::task::spawn_blocking(|| incoming.keep()).await;
    let digest = kept.map_err(|error| Problem::new(Code::Internal, error.to_string()))?.map_err(no_room)?;
    let plugin = Plugin {
        customer: customer.clone(),
        name: label.name,
        version: label.version,
        component: digest.to_string(),
        octets,
        exports: Vec::new(),
        imports: Vec::new(),
        by: caller.name(),
        uploaded_at: Timestamp(0),
    };
    let listed = list_it(&api, plugin, digest).await;
    if listed.is_err() {
        // Of a component that somebody else has it stays.
        let mut wanted = stock::digests(&api.house.store);
        wanted.extend(rules.digests());
        rules.files.forget(&digest, &wanted);
    }
    let (listed, plugin) = listed?;
    let status = if listed == Listed::New { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Reply(view(&api, plugin, customer.as_deref()))).into_response())
}

async fn list_it(api: &Api, plugin: Plugin, digest: Digest) -> Answer<(Listed, Plugin)> {
    if let Some(before) = api.setup.plugin_listed(&plugin)? {
        return Ok((Listed::Before, before));
    }
    let faces = api.setup.rules().try_component(digest, &api.setup.file().plugins).await?;
    let plugin = Plugin { exports: faces.exports, imports: faces.imports, ..plugin };
    Ok(api.setup.add_plugin(plugin).await?)
}

fn must_be_wasm(headers: &HeaderMap) -> Answer<()> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/wasm" | "application/octet-stream" => Ok(()),
        _ => Err(Problem::new(Code::UnsupportedMediaType, "send the component with Content-Type: application/wasm")),
    }
}

fn no_room(error: std::io::Error) -> Problem {
    Problem::new(Code::Internal, format!("the component cannot be kept: {error}"))
}

/// To the disk as it comes: a large one takes no memory.
/// What is still to come of a body that is refused, as far as that is not absurd: a connection that is closed with octets
/// unread takes the answer with it.
async fn pass_over(mut body: Body) {
    let mut left = PASSED_OVER_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, |piece| piece.len() as u64));
        if left == 0 {
            return;
        }
    }
}

async fn receive(mut body: Body, mut incoming: Incoming, octets_max: u64) -> Answer<Incoming> {
    let mut looked = false;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Problem::new(Code::MalformedRequest, format!("the body cannot be read: {error}")))?;
        let Some(piece) = frame.data_ref() else { continue };
        if incoming.octets() + piece.len() as u64 > octets_max {
            pass_over(body).await;
            let detail = format!("a component may have {octets_max} octets; see upload_max_mib of [plugins]");
            return Err(Problem::new(Code::BodyTooLarge, detail));
        }
        incoming.write(piece).map_err(no_room)?;
        if !looked && incoming.is_known() {
            looked = true;
            if let Err(problem) = must_look_right(&incoming) {
                pass_over(body).await;
                return Err(problem);
            }
        }
    }
    must_look_right(&incoming)?;
    Ok(incoming)
}

fn must_look_right(incoming: &Incoming) -> Answer<()> {
    incoming.foreign().map_or(Ok(()), |why| Err(Problem::new(Code::PluginUnfit, why)))
}

/// Lists what the caller may use: its own and the operator's. The operator sees all.
#[utoipa::path(
    get, path = "/v1/plugins", operation_id = "listPlugins", tag = "rules",
    params(Whose),
    responses(
        (status = 200, description = "By owner, name and version", body = PluginList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Reply<PluginList>> {
    let customer = customer(&api, &caller, whose.customer.as_deref(), Scope::Read)?;
    let all = stock::list(&api.house.store, customer.as_deref()).into_iter();
    Ok(Reply(PluginList { plugins: all.map(|plugin| view(&api, plugin, customer.as_deref())).collect() }))
}

/// Shows one: what it exports and imports, and which rules have to do with it.
#[utoipa::path(
    get, path = "/v1/plugins/{plugin}", operation_id = "getPlugin", tag = "rules",
    params(("plugin" = String, Path, description = "`name@version`, or its digest"), Whose),
    responses(
        (status = 200, description = "As it is", body = PluginView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(reference): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Reply<PluginView>> {
    let customer = customer(&api, &caller, whose.customer.as_deref(), Scope::Read)?;
    let found = stock::find(&api.house.store, customer.as_deref(), &reference).ok_or_else(Problem::not_found)?;
    Ok(Reply(view(&api, found, customer.as_deref())))
}

/// Hands out the component of a version of the caller's own, for whoever runs it elsewhere, such as `wasmsc rule replay`.
#[utoipa::path(
    get, path = "/v1/plugins/{plugin}/component", operation_id = "getComponent", tag = "rules",
    params(("plugin" = String, Path, description = "`name@version`, or its digest"), Whose),
    responses(
        (status = 200, description = "As it was uploaded", body = Vec<u8>, content_type = "application/wasm"),
        (status = 403, description = "The key has not the scope for this, or the plugin is the operator's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn component(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(reference): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Response> {
    let customer = customer(&api, &caller, whose.customer.as_deref(), Scope::Manage)?;
    let found = stock::find(&api.house.store, customer.as_deref(), &reference).ok_or_else(Problem::not_found)?;
    if found.customer.is_none() && !matches!(caller, Caller::Operator) {
        return Err(Problem::new(Code::Forbidden, "the plugin is the operator's"));
    }
    let file = found.digest().map(|digest| api.setup.rules().files.component(&digest));
    let file = file.ok_or_else(Problem::not_found)?;
    let unreadable =
        |why: &dyn std::fmt::Display| Problem::new(Code::Internal, format!("the component cannot be read: {why}"));
    let read = tokio::task::spawn_blocking(move || std::fs::read(file)).await.map_err(|error| unreadable(&error))?;
    let octets = read.map_err(|error| unreadable(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/wasm")], octets).into_response())
}

/// Deletes a version that no rule needs, also not to go back to.
#[utoipa::path(
    delete, path = "/v1/plugins/{plugin}", operation_id = "deletePlugin", tag = "rules",
    params(("plugin" = String, Path, description = "`name@version`, or its digest"), Whose),
    responses(
        (status = 204, description = "Gone, and durably so"),
        (status = 403, description = "The key has not the scope for this, or the plugin is the operator's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "A rule needs it",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(reference): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<StatusCode> {
    let customer = customer(&api, &caller, whose.customer.as_deref(), Scope::Manage)?;
    let found = stock::find(&api.house.store, customer.as_deref(), &reference).ok_or_else(Problem::not_found)?;
    if found.customer.is_none() && !matches!(caller, Caller::Operator) {
        return Err(Problem::new(Code::Forbidden, "the plugin is the operator's"));
    }
    api.setup.remove_plugin(caller.name(), found).await?;
    Ok(StatusCode::NO_CONTENT)
}
