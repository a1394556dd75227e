//! Questions of applications to rules: one about one device, answered when the call that answers it is stored.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::history::unreadable;
use super::idempotency;
use super::key::Scope;
use super::rfc3339::Time;
use crate::clock;
use crate::message::{Address, MessageId};
use crate::occasion::Request;
use crate::relay::{self, NotAsked, RuleQuestion};
use crate::store::{self, AnswerRecord, NewOnce};

const WAIT_MAX_SECS: u64 = 30;
/// Octets of what is asked: a rule takes it as a whole.
const NAME_OCTETS: usize = 64;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asking {
    /// Whose rule; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
    /// Seconds to wait for the answer.
    #[serde(default = "usual_wait")]
    #[param(minimum = 0, maximum = 30, default = 10)]
    wait: u64,
}

fn usual_wait() -> u64 {
    10
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Whose rule; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
}

/// Anything that the rule understands.
#[derive(ToSchema)]
#[schema(as = RuleRequest, value_type = Object)]
#[allow(dead_code)] // shows in the description only
pub struct RequestSchema(Value);

/// What a rule answered, or that it has not yet.
#[derive(Serialize, ToSchema)]
pub struct RuleAnswer {
    /// Of the request, to ask again for its answer within a day.
    #[schema(example = "0006491bd5a0f000")]
    id: String,
    /// Whether there is an answer.
    answered: bool,
    /// What the rule says of it, as HTTP counts: 200 to 299, or 400 to 499.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// The rule gave the request up, or failed, for this reason; nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
}

impl RuleAnswer {
    fn of(id: MessageId, record: Option<AnswerRecord>) -> RuleAnswer {
        let waiting = RuleAnswer {
            id: id.to_string(),
            answered: false,
            status: None,
            body: None,
            refused: None,
            answered_at: None,
        };
        let Some(AnswerRecord { at, answer, .. }) = record else { return waiting };
        let answered = RuleAnswer { answered: true, answered_at: Some(Time(at)), ..waiting };
        match answer {
            store::Answer::Response(response) => RuleAnswer {
                status: Some(response.status),
                body: serde_json::from_slice(&response.body).ok(),
                ..answered
            },
            store::Answer::Refused(why) => RuleAnswer { refused: Some(why.into()), ..answered },
        }
    }

    fn status(&self) -> StatusCode {
        if self.answered { StatusCode::OK } else { StatusCode::ACCEPTED }
    }
}

/// Asks a rule something about a device: its `request-handler` is called with the name and the body. The request is kept before
/// this answers, runs behind the device's other events, and its answer is kept for a day.
#[utoipa::path(
    post, path = "/v1/rules/{rule}/devices/{device}/requests/{name}", operation_id = "askRule", tag = "rules",
    params(
        ("rule" = String, Path, description = "Name of the rule"),
        ("device" = String, Path, description = "Which device it is about"),
        ("name" = String, Path, description = "What is asked, such as `issue`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key is asked once, for a day"),
        Asking,
    ),
    request_body = RequestSchema,
    responses(
        (status = 200, description = "The rule's answer; what it did besides is stored", body = RuleAnswer),
        (status = 202, description = "Kept, and not answered yet: ask for the answer by its id", body = RuleAnswer),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The rule has no number to answer a device from",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn ask(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf((rule, device, name)): PathOf<(String, String, String)>,
    QueryOf(asking): QueryOf<Asking>,
    headers: HeaderMap,
    body: Json<Value>,
) -> Answer<Response> {
    let customer = caller.customer_of(&api, asking.customer.as_deref(), Scope::Send)?;
    if asking.wait > WAIT_MAX_SECS {
        return Err(Problem::new(Code::MalformedRequest, format!("wait is 0 to {WAIT_MAX_SECS}")));
    }
    if name.len() > NAME_OCTETS {
        return Err(Problem::new(Code::MalformedRequest, format!("a name has at most {NAME_OCTETS} octets")));
    }
    let parsed = Address::parse(&device).ok().filter(|address| matches!(address, Address::Msisdn(_)));
    let device = parsed.ok_or_else(Problem::not_found)?;
    let once = idempotency::key(&headers)?.map(|key| {
        let path = format!("{rule}\0{device}\0{name}\0");
        let fingerprint = Sha256::new().chain_update(path).chain_update(&body.octets).finalize().into();
        NewOnce { key, fingerprint, answer: Bytes::new() }
    });
    let request = Request { name: name.into(), body: body.octets };
    let question = RuleQuestion { customer, rule, device, request, once };
    let id = kept(&api, question).await?;
    let until = Duration::from_secs(asking.wait);
    let name = api.house.directory().customer_at(customer).id.clone();
    // Before the look, so that what is answered right behind it is heard of.
    let answered = api.house.requests.answer_to(id);
    let found = match read(&api, &name, id).await? {
        None if asking.wait > 0 => {
            let mut ending = api.waiting.ending.subscribe();
            tokio::select! {
                _ = tokio::time::timeout(until, answered) => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            read(&api, &name, id).await?
        }
        found => found,
    };
    let answer = RuleAnswer::of(id, found);
    Ok((answer.status(), Reply(answer)).into_response())
}

/// When this yields it is durable.
async fn kept(api: &Arc<Api>, question: RuleQuestion) -> Answer<MessageId> {
    let (sender, receiver) = oneshot::channel();
    let (house, now) = (api.house.clone(), clock::now());
    let asked = tokio::task::spawn_blocking(move || {
        relay::ask(&house, question, now, |result| {
            let _ = sender.send(result); // a client that is gone
        })
    });
    let id = asked.await.map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
    match receiver.await {
        Ok(Ok(())) => Ok(id),
        Ok(Err(reject)) => Err(reject.into()),
        Err(_) => Err(Problem::no_answer()),
    }
}

async fn read(api: &Arc<Api>, customer: &Arc<str>, id: MessageId) -> Answer<Option<AnswerRecord>> {
    let customer = customer.clone();
    let read = api.readers.read(&api.house.store, move |store| store.answer(&customer, id)).await;
    read.map_err(unreadable)
}

/// What a rule answered to a request. Answers are kept for a day.
#[utoipa::path(
    get, path = "/v1/rule-requests/{id}", operation_id = "getRuleAnswer", tag = "rules",
    params(("id" = String, Path, description = "Of the request"), Whose),
    responses(
        (status = 200, description = "The answer", body = RuleAnswer),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "It is not answered yet, or so long ago that nobody keeps it",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn answer(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Reply<RuleAnswer>> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Send)?;
    let id = MessageId::parse(id.as_bytes()).ok_or_else(Problem::not_found)?;
    let name = api.house.directory().customer_at(customer).id.clone();
    let found = read(&api, &name, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Reply(RuleAnswer::of(id, Some(found))))
}

impl From<NotAsked> for Problem {
    fn from(not_asked: NotAsked) -> Problem {
        match not_asked {
            NotAsked::NoRule { .. } | NotAsked::NoDevice(_) => Problem::new(Code::NotFound, not_asked.to_string()),
            NotAsked::NoSender(_) => Problem::new(Code::DoesNotFit, not_asked.to_string()),
            NotAsked::OtherRequest => Problem::new(Code::IdempotencyMismatch, not_asked.to_string()),
            NotAsked::Refused(reject) => reject.into(),
        }
    }
}
