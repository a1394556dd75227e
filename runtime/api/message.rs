//! Messages of customers: send, look up, cancel.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use utoipa::ToSchema;
use wasmsc_smpp::receipt::MessageState;

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, Reply};
use super::compose::{Composed, NewMessage, Written, compose};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::idempotency;
use super::key::Scope;
use super::rfc3339::Time;
use crate::clock;
use crate::message::{MessageId, Timestamp};
use crate::relay::{self, Cancel, Once, Origin, Query};
use crate::route::CustomerIndex;
use crate::store::NewOnce;
use crate::tracking::Tracked;

/// A message that was accepted: it is on disk.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    #[schema(example = "0000018c5d2e0a00")]
    id: String,
    /// SMS that it takes.
    segments: u8,
    encoding: Written,
}

/// What an idempotency key keeps of the first answer, beside the id.
#[derive(Serialize, Deserialize)]
struct Kept {
    segments: u8,
    encoding: Written,
}

/// Sends a message. It is on disk when this answers, and is tried until it arrives or its time is over.
#[utoipa::path(
    post, path = "/v1/messages", operation_id = "sendMessage", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "With it, the same body sent again within a day makes no second message and gets the first answer; \
        another body gets 422. 1 to 255 visible ASCII characters")),
    request_body = NewMessage,
    responses(
        (status = 202, description = "Accepted, and durable", body = Accepted),
        (status = 403, description = "The key has not the scope for this, or it is the operator who asks",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now, or too many requests came; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn send(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<NewMessage>,
) -> Answer<impl IntoResponse> {
    let customer = sender(&caller)?;
    let now = clock::now();
    let key = idempotency::key(&headers)?;
    let directory = &api.house.directory();
    let Composed { mut submission, segments, written } =
        compose(body.value, directory, directory.customer_at(customer), now)?;
    let kept = Kept { segments, encoding: written };
    submission.once = key.map(|key| NewOnce {
        key,
        fingerprint: Sha256::digest(&body.octets).into(),
        answer: serde_json::to_vec(&kept).expect("a number and a name are JSON").into(),
    });
    let (sender, receiver) = oneshot::channel();
    relay::accept_once(&api.house, customer, submission, now, move |result| {
        let _ = sender.send(result); // a client that is gone
    });
    let (id, kept) = match receiver.await.map_err(|_| Problem::no_answer())?? {
        Once::New(id) => (id, kept),
        Once::Again(record) => {
            let kept = serde_json::from_slice(&record.answer)
                .map_err(|error| Problem::new(Code::Internal, format!("the first answer cannot be read: {error}")))?;
            (record.id, kept)
        }
    };
    let location = [(header::LOCATION, format!("/v1/messages/{id}"))];
    let accepted = Accepted { id: id.to_string(), segments: kept.segments, encoding: kept.encoding };
    Ok((StatusCode::ACCEPTED, location, Reply(accepted)))
}

/// What a message would become.
#[derive(Serialize, ToSchema)]
pub struct Measured {
    /// SMS that it takes.
    segments: u8,
    encoding: Written,
}

/// Tells how a message would be written and how many SMS it takes, without sending it. The firewall is not asked.
#[utoipa::path(
    post, path = "/v1/messages:measure", operation_id = "measureMessage", tag = "messages",
    request_body = NewMessage,
    responses(
        (status = 200, description = "It could be sent so", body = Measured),
        (status = 403, description = "The key has not the scope for this, or it is the operator who asks",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn measure(State(api): State<Arc<Api>>, caller: Caller, body: Json<NewMessage>) -> Answer<Reply<Measured>> {
    let customer = sender(&caller)?;
    let directory = &api.house.directory();
    let composed = compose(body.value, directory, directory.customer_at(customer), clock::now())?;
    Ok(Reply(Measured { segments: composed.segments, encoding: composed.written }))
}

fn sender(caller: &Caller) -> Result<CustomerIndex, Problem> {
    match caller {
        Caller::Key(key) => key.must_have(Scope::Send).map(|()| key.customer),
        Caller::Operator => Err(Problem::new(Code::CustomerKeyNeeded, "a message is some customer's; use its key")),
    }
}

/// What is known of a message.
#[derive(Serialize, ToSchema)]
pub struct MessageView {
    id: String,
    customer: String,
    /// The account that submitted it over SMPP; absent for one of the API.
    #[serde(skip_serializing_if = "str::is_empty")]
    account: String,
    from: String,
    to: String,
    state: LifeState,
    /// Of the network, or of the peer that refused it; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u16>,
    submitted_at: Time,
    /// It may leave from then on, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<Time>,
    #[serde(skip_serializing_if = "str::is_empty")]
    tag: String,
}

/// The last part of a message's life that is known (SMPP 5.0 §4.7.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MessageState)]
pub enum LifeState {
    Scheduled,
    Enroute,
    Delivered,
    Expired,
    Deleted,
    Undeliverable,
    /// A centre took it and will tell no more.
    Accepted,
    Unknown,
    Rejected,
    Skipped,
}

/// The field's names and ours, one for one.
macro_rules! states {
    ($($state:ident $name:literal)*) => {
        impl From<MessageState> for LifeState {
            fn from(state: MessageState) -> LifeState {
                match state { $(MessageState::$state => LifeState::$state),* }
            }
        }

        impl From<LifeState> for MessageState {
            fn from(state: LifeState) -> MessageState {
                match state { $(LifeState::$state => MessageState::$state),* }
            }
        }

        impl LifeState {
            pub fn name(self) -> &'static str {
                match self { $(LifeState::$state => $name),* }
            }
        }
    };
}

states! {
    Scheduled "scheduled"
    Enroute "enroute"
    Delivered "delivered"
    Expired "expired"
    Deleted "deleted"
    Undeliverable "undeliverable"
    Accepted "accepted"
    Unknown "unknown"
    Rejected "rejected"
    Skipped "skipped"
}

impl LifeState {
    /// As it is stored (SMPP 3.4 §5.2.28).
    pub fn of_octet(state: u8) -> LifeState {
        MessageState::from_octet(state).unwrap_or(MessageState::Unknown).into()
    }
}

fn view(tracked: Tracked, now: Timestamp) -> MessageView {
    let due_at = tracked.waits.as_ref().map(|waits| waits.due);
    let state = match tracked.state() {
        MessageState::Scheduled if due_at.is_none_or(|due| due <= now) => LifeState::Enroute,
        state => state.into(),
    };
    MessageView {
        id: tracked.shown_id.to_string(),
        customer: tracked.customer.into(),
        account: tracked.account.into(),
        from: tracked.source.to_string(),
        to: tracked.destination.to_string(),
        state,
        error: Some(tracked.error).filter(|error| *error != 0),
        submitted_at: tracked.submitted_at.into(),
        due_at: due_at.map(Time),
        done_at: tracked.done_at.map(Time),
        tag: tracked.tag.into(),
    }
}

/// The customer of a message, if this caller may do such things to it.
fn owner(api: &Api, caller: &Caller, id: &str, scope: Scope) -> Result<(Origin, MessageId), Problem> {
    if let Caller::Key(key) = caller {
        key.must_have(scope)?;
    }
    let id = MessageId::parse(id.as_bytes()).ok_or_else(Problem::not_found)?;
    let customer = match caller {
        Caller::Key(key) => key.customer,
        Caller::Operator => relay::owner(&api.house, id)?,
    };
    Ok((Origin::Customer(customer), id))
}

/// Looks a message up, whether it came over SMPP or the API.
#[utoipa::path(
    get, path = "/v1/messages/{id}", operation_id = "lookUpMessage", tag = "messages",
    params(("id" = String, Path, description = "As the answer named it that accepted it")),
    responses(
        (status = 200, description = "What is known", body = MessageView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn look_up(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Answer<Reply<MessageView>> {
    let (from, id) = owner(&api, &caller, &id, Scope::Read)?;
    let tracked = relay::query(&api.house, from, &Query { id, source: None })?;
    Ok(Reply(view(tracked, clock::now())))
}

/// Cancels a message that still waits.
#[utoipa::path(
    delete, path = "/v1/messages/{id}", operation_id = "cancelMessage", tag = "messages",
    params(("id" = String, Path, description = "As the answer named it that accepted it")),
    responses(
        (status = 204, description = "It will not be sent, durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It is under way, or has ended",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(State(api): State<Arc<Api>>, caller: Caller, PathOf(id): PathOf<String>) -> Answer<StatusCode> {
    let (from, id) = owner(&api, &caller, &id, Scope::Send)?;
    let cancel = Cancel { id: Some(id), source: None, destination: None, service_type: bytes::Bytes::new() };
    let (sender, receiver) = oneshot::channel();
    relay::cancel(&api.house, from, &cancel, clock::now(), move |result| {
        let _ = sender.send(result); // a client that is gone
    });
    receiver.await.map_err(|_| Problem::no_answer())??;
    Ok(StatusCode::NO_CONTENT)
}
