//! The inbox of a customer that polls: its MOs in order, until it says that it has them.
//!
//! A request may wait for the next MO. Each customer has few that wait at once, and all of them end with the house.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Validity, refused};
use super::body::{Json, QueryOf, Reply};
use super::compose::Octets;
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::history::{ContentView, behind, cursor, unreadable};
use super::key::Scope;
use super::masking::Texts;
use super::rfc3339::Time;
use crate::clock;
use crate::message::{Message, MessageId};
use crate::relay::{Arrivals, pick_up};
use crate::route::CustomerIndex;
use crate::slots::Slots;
use crate::store::Picked;

const LIMIT_MAX: usize = 1_000;
const WAIT_MAX_SECS: u64 = 30;
/// Requests of a customer that wait for an MO at once. A program needs one.
const WAITING_MAX: usize = 20;
const IDS_MAX: usize = 10_000;

/// Who waits at the inboxes.
#[derive(Default)]
pub struct Waiting {
    places: Slots<Places>,
    /// The house is about to end.
    pub ending: watch::Sender<bool>,
}

struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Places {
        Places(Arc::new(Semaphore::new(WAITING_MAX)))
    }
}

impl Waiting {
    fn place(&self, customer: CustomerIndex) -> Answer<OwnedSemaphorePermit> {
        let detail = || format!("{WAITING_MAX} requests of this customer wait for an MO already");
        let place = self.places.at(customer.0).0.clone().try_acquire_owned();
        place.map_err(|_| Problem::new(Code::TooManyRequests, detail()))
    }

    /// False when there is nothing to wait for: the house ends. True when it is worth another look.
    async fn next(&self, arrivals: &mut Arrivals, validity: &mut Validity, api: &Api) -> bool {
        let mut ending = self.ending.subscribe();
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => false,
            arrived = arrivals.changed() => arrived.is_ok(),
            () = validity.ends(api) => true,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Poll {
    /// Whose inbox; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
    /// So many MOs at most.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// Those behind this one: `cursor` of an earlier answer.
    cursor: Option<String>,
    /// Where there is none, wait so many seconds for one.
    #[serde(default)]
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: u64,
}

fn usual_limit() -> usize {
    100
}

/// MOs that wait to be acknowledged, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct Inbox {
    messages: Vec<InboxMessage>,
    /// The last one: the `cursor` of the next request, or `up_to` of an acknowledgement. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// An MO. A long one is whole.
#[derive(Serialize, ToSchema)]
pub struct InboxMessage {
    #[schema(example = "1a209002b4d00000")]
    id: String,
    /// The device.
    from: String,
    /// The customer's number.
    to: String,
    received_at: Time,
    #[serde(flatten)]
    content: ContentView,
    /// The user data header with its length octet, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    udh: Option<Octets>,
}

impl InboxMessage {
    fn of(id: MessageId, message: &Message, texts: Texts) -> InboxMessage {
        let header = message.content.split_udh().0.encode();
        InboxMessage {
            id: id.to_string(),
            from: message.source.to_string(),
            to: message.destination.to_string(),
            received_at: message.received_at.into(),
            content: ContentView::of(&message.content, texts),
            udh: (!header.is_empty() && !texts.are_masked()).then(|| Octets::of(&header)),
        }
    }
}

impl Api {
    fn inbox_of(&self, caller: &Caller, customer: Option<&str>) -> Answer<(CustomerIndex, Arc<str>)> {
        let index = caller.customer_of(self, customer, Scope::Receive)?;
        let directory = self.house.directory();
        let customer = directory.customer_at(index);
        match customer.inbox {
            Some(_) => Ok((index, customer.id.clone())),
            None => Err(Problem::new(Code::InboxOff, "the customer has no inbox; it does with inbox = true")),
        }
    }
}

/// Shows MOs that nobody has acknowledged yet. The same ones come again until somebody does.
#[utoipa::path(
    get, path = "/v1/inbox", operation_id = "pollInbox", tag = "inbox",
    params(Poll),
    responses(
        (status = 200, description = "The oldest first", body = Inbox),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The customer has no inbox",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many that wait for an MO",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The inbox cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn poll(State(api): State<Arc<Api>>, caller: Caller, QueryOf(poll): QueryOf<Poll>) -> Answer<Reply<Inbox>> {
    let (index, customer) = api.inbox_of(&caller, poll.customer.as_deref())?;
    if poll.limit == 0 || poll.limit > LIMIT_MAX || poll.wait > WAIT_MAX_SECS {
        let detail = format!("limit is 1 to {LIMIT_MAX}, wait 0 to {WAIT_MAX_SECS} seconds");
        return Err(Problem::new(Code::MalformedRequest, detail));
    }
    let after = poll.cursor.as_deref().map(behind).transpose()?;
    let until = clock::instant() + Duration::from_secs(poll.wait);
    // From before the look, so that what comes right behind it is heard of.
    let mut arrivals = api.house.arrivals(index);
    let mut validity = caller.validity(&api);
    let (mut place, texts) = (None, caller.texts(&api));
    loop {
        let (customer, limit) = (customer.clone(), poll.limit);
        let read = api.readers.read(&api.house.store, move |store| store.pickups(&customer, after, limit)).await;
        let found = read.map_err(unreadable)?;
        if !validity.holds(&api) {
            return Err(refused());
        }
        if found.is_empty() && poll.wait > 0 {
            if place.is_none() {
                place = Some(api.waiting.place(index)?);
            }
            let next = api.waiting.next(&mut arrivals, &mut validity, &api);
            if let Ok(true) = tokio::time::timeout_at(until.into(), next).await {
                continue;
            }
        }
        let cursor = found.last().map(|(id, _)| cursor(*id));
        let messages = found.iter().map(|(id, record)| InboxMessage::of(*id, &record.message, texts)).collect();
        return Ok(Reply(Inbox { messages, cursor }));
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Whose inbox; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
}

/// Which MOs the customer has: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    #[schema(max_items = 10000)]
    ids: Option<Vec<String>>,
    /// All up to this one: `cursor` of an answer.
    up_to: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    /// How many of them were still there.
    acknowledged: usize,
}

/// Acknowledges MOs: they are gone from the inbox, durably so. To say it again does no harm.
#[utoipa::path(
    post, path = "/v1/inbox:ack", operation_id = "acknowledgeInbox", tag = "inbox",
    params(Whose),
    request_body = Acknowledgement,
    responses(
        (status = 200, description = "None of them comes again", body = Acknowledged),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The customer has no inbox",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The inbox cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn acknowledge(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(whose): QueryOf<Whose>,
    body: Json<Acknowledgement>,
) -> Answer<Reply<Acknowledged>> {
    let (_, customer) = api.inbox_of(&caller, whose.customer.as_deref())?;
    let picked = picked(body.value)?;
    let (sender, receiver) = oneshot::channel();
    let (house, now) = (api.house.clone(), clock::now());
    let begun = tokio::task::spawn_blocking(move || {
        pick_up(&house, &customer, &picked, now, |result| {
            let _ = sender.send(result); // a client that is gone
        })
    });
    begun.await.map_err(std::io::Error::other).flatten().map_err(unreadable)?;
    match receiver.await {
        Ok(Ok(acknowledged)) => Ok(Reply(Acknowledged { acknowledged })),
        Ok(Err(failed)) => Err(Problem::store_failed(&failed)),
        Err(_) => Err(Problem::no_answer()),
    }
}

fn picked(said: Acknowledgement) -> Answer<Picked> {
    match (said.ids, said.up_to) {
        (Some(ids), None) if ids.len() > IDS_MAX => {
            Err(Problem::invalid("ids", format!("there may be {IDS_MAX} at once")))
        }
        (Some(ids), None) => {
            let read = |id: &String| MessageId::parse(id.as_bytes());
            let read = ids.iter().map(|id| read(id).ok_or_else(|| not_an_id(id))).collect::<Answer<_>>();
            read.map(Picked::These)
        }
        (None, Some(cursor)) => {
            let last = behind(&cursor).map_err(|_| Problem::invalid("up_to", "it is `cursor` of an answer"))?;
            Ok(Picked::UpTo(last))
        }
        _ => Err(Problem::invalid("ids", "send ids, or up_to, and not both")),
    }
}

fn not_an_id(id: &str) -> Problem {
    Problem::invalid("ids", format!("{:?} is no message id", id.chars().take(40).collect::<String>()))
}
