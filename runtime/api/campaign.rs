//! Campaigns: one message to many devices of a customer. Begin one, look at it, and change it (`phase`).

pub mod export;
pub mod phase;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};
use wasmsc_smpp::receipt::MessageState;

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, QueryOf, Reply};
use super::compose::{Encoding, NewMessage, Octets, compose};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::idempotency;
use super::paging::check_limit;
use super::rfc3339::Time;
use crate::campaign::{Campaign, CampaignId, CampaignRecord, DEVICES_MAX, Ends, Phase};
use crate::clock;
use crate::device::{DeviceStatus, is_tag};
use crate::message::Address;
use crate::relay::{self, Begun, CampaignDone, NewCampaign, NoCampaign};
use crate::route::CustomerIndex;
use crate::store::{NewOnce, NotAccepted};

const LIMIT_MAX: usize = 1_000;
/// Nobody means more; what does is a mistake.
const PER_SECOND_MAX: u32 = 100_000;

/// Whom a campaign is for: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Numbers, 100,000 at most; one that is there twice is written to once.
    devices: Option<Vec<String>>,
    /// The registered devices that have this tag now, and are active.
    tag: Option<String>,
    /// All registered devices that are active now.
    #[serde(default)]
    all: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignPace)]
pub struct PaceOf {
    /// Messages in a second.
    #[schema(minimum = 1, maximum = 100000)]
    per_second: u32,
}

/// A campaign that is to begin: whom it is for, and the message as for `POST /v1/messages`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCampaign)]
pub struct New {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    to: Targets,
    /// A number or a name of the customer; without it, the customer's first number.
    from: Option<String>,
    text: Option<String>,
    #[serde(default)]
    encoding: Encoding,
    binary: Option<Octets>,
    /// `data_coding` (3GPP TS 23.038) of `binary`.
    data_coding: Option<u8>,
    /// User data header before `binary`, with its length octet.
    udh: Option<Octets>,
    /// How long each message is tried, from when the campaign comes to its device.
    #[schema(minimum = 1)]
    validity_secs: Option<u64>,
    /// Ask the network whether it arrived; without that, `accepted` may be the last that is known.
    #[serde(default = "yes")]
    #[schema(default = true)]
    receipt: bool,
    /// 0 is bulk, 3 the most urgent.
    #[serde(default)]
    #[schema(maximum = 3)]
    priority: u8,
    /// Of each message.
    #[schema(max_length = 64)]
    tag: Option<String>,
    /// Without it, as fast as they go.
    pace: Option<PaceOf>,
    /// Not before this.
    start_at: Option<Time>,
}

fn yes() -> bool {
    true
}

/// How far a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CampaignState)]
pub enum StateOf {
    /// It has more to send, or messages that have not come to their end.
    Running,
    Paused,
    Cancelled,
    /// Every message has come to its end.
    Done,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CampaignCounts)]
pub struct Counts {
    /// Devices on its list.
    total: u32,
    /// Messages that were made.
    submitted: u32,
    /// How many were not, by reason.
    refused: BTreeMap<Box<str>, u32>,
    /// How many messages have ended, by their state.
    ended: BTreeMap<&'static str, u32>,
    /// Messages that have not.
    enroute: u32,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignView {
    #[schema(example = "1a209002b4d00000")]
    id: String,
    customer: String,
    state: StateOf,
    from: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pace: Option<PaceOf>,
    start_at: Time,
    created_at: Time,
    counts: Counts,
}

#[derive(Serialize, ToSchema)]
pub struct CampaignList {
    /// The newest first.
    campaigns: Vec<CampaignView>,
    /// Absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// For the operator; a key's is its own.
    customer: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// Of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

impl From<NoCampaign> for Problem {
    fn from(none: NoCampaign) -> Problem {
        let detail = none.to_string();
        match none {
            NoCampaign::NotFound => Problem::not_found(),
            NoCampaign::Nobody | NoCampaign::TooLong => Problem::invalid("to", detail),
            NoCampaign::TooMany => Problem::new(Code::TooMany, detail),
            NoCampaign::Over => Problem::new(Code::TooLate, detail),
            NoCampaign::OtherRequest => Problem::new(Code::IdempotencyMismatch, detail),
            NoCampaign::NotAccepted(NotAccepted::Busy) => Problem::new(Code::Busy, detail),
            NoCampaign::NotAccepted(NotAccepted::Failed(failed)) => Problem::store_failed(&failed),
            NoCampaign::Unreadable(_) => Problem::new(Code::StoreFailed, detail),
        }
    }
}

/// A message that ended while nothing was known of it has an unknown end.
fn state_name(state: MessageState) -> &'static str {
    match state {
        MessageState::Scheduled | MessageState::Enroute => MessageState::Unknown.word(),
        ended => ended.word(),
    }
}

fn view(customer: &str, id: CampaignId, row: CampaignRecord, ends: &Ends) -> CampaignView {
    let state = match row.phase {
        Phase::Cancelled => StateOf::Cancelled,
        _ if row.next == row.total && ends.total() >= row.submitted => StateOf::Done,
        Phase::Running => StateOf::Running,
        Phase::Paused => StateOf::Paused,
    };
    let mut ended = BTreeMap::new();
    for (state, count) in ends.each() {
        *ended.entry(state_name(state)).or_default() += count;
    }
    CampaignView {
        id: id.to_string(),
        customer: customer.to_owned(),
        state,
        from: row.campaign.source.to_string(),
        tag: row.campaign.tag.into(),
        pace: row.campaign.per_second.map(|per_second| PaceOf { per_second }),
        start_at: row.campaign.start_at.into(),
        created_at: row.created_at.into(),
        counts: Counts {
            total: row.total,
            submitted: row.submitted,
            refused: row.refused,
            ended,
            enroute: row.submitted.saturating_sub(ends.total()),
        },
    }
}

fn number(id: &str) -> Answer<CampaignId> {
    CampaignId::parse(id).ok_or_else(Problem::not_found)
}

/// Waits until `work` says that what it did is durable.
async fn durable<T: Send + 'static>(work: impl FnOnce(CampaignDone) -> Answer<T> + Send + 'static) -> Answer<T> {
    let (sender, receiver) = oneshot::channel();
    let done: CampaignDone = Box::new(move |result| {
        let _ = sender.send(result); // a client that is gone
    });
    let worked = tokio::task::spawn_blocking(move || work(done)).await;
    let worked = worked.map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
    receiver.await.map_err(|_| Problem::no_answer())??;
    Ok(worked)
}

/// As it is, and durably so.
async fn shown(api: &Arc<Api>, customer: CustomerIndex, id: CampaignId) -> Answer<CampaignView> {
    let api = api.clone();
    durable(move |done| {
        let name = api.house.directory().customer_at(customer).id.clone();
        let store = &api.house.store;
        let row = store.campaign(&name, id).map_err(Problem::unreadable)?.ok_or_else(Problem::not_found)?;
        let ends = store.campaign_ends(&name, id).map_err(Problem::unreadable)?;
        barrier(&api, done)?;
        Ok(view(&name, id, row, &ends))
    })
    .await
}

/// What was read is durable when `done` is called.
fn barrier(api: &Api, done: CampaignDone) -> Answer<()> {
    let told = Box::new(move |result: Result<(), crate::store::StoreFailed>| {
        done(result.map_err(|failed| NotAccepted::Failed(failed).into()));
    });
    api.house.store.amend(Vec::new(), Some(told)).map_err(|failed| Problem::store_failed(&failed))
}

/// Begins a campaign. It is on disk, with its list, when this answers; from then on it needs nobody to look after it.
#[utoipa::path(
    post, path = "/v1/campaigns", operation_id = "beginCampaign", tag = "campaigns",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "With it, the same body sent again within a day begins no second campaign and gets the first one; \
        another body gets 422. 1 to 255 visible ASCII characters")),
    request_body = New,
    responses(
        (status = 201, description = "It has begun, durably so", body = CampaignView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The customer has as many campaigns under way as it may",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn begin(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<New>,
) -> Answer<impl IntoResponse> {
    let customer = caller.customer_of(&api, body.value.customer.as_deref(), Scope::Send)?;
    let key = idempotency::key(&headers)?;
    let fingerprint = Sha256::digest(&body.octets).into();
    let once = key.map(|key| NewOnce { key, fingerprint, answer: bytes::Bytes::new() });
    let begun = {
        let api = api.clone();
        let work = move |done| {
            let new = NewCampaign { once, ..campaign(&api, customer, body.value)? };
            Ok(relay::begin(&api.house, customer, new, clock::now(), done)?)
        };
        durable(work).await?
    };
    let id = match begun {
        Begun::New(id) => id,
        Begun::Again(record) => CampaignId(record.id.event),
    };
    let location = [(header::LOCATION, format!("/v1/campaigns/{id}"))];
    Ok((StatusCode::CREATED, location, Reply(shown(&api, customer, id).await?)))
}

fn campaign(api: &Api, customer: CustomerIndex, new: New) -> Answer<NewCampaign> {
    let directory = api.house.directory();
    let (owner, now) = (directory.customer_at(customer), clock::now());
    let devices = targets(api, &owner.id, &new.to)?;
    let first = devices.first().ok_or(NoCampaign::Nobody)?;
    if new.pace.is_some_and(|pace| pace.per_second == 0 || pace.per_second > PER_SECOND_MAX) {
        return Err(Problem::invalid("pace.per_second", format!("it is 1 to {PER_SECOND_MAX}")));
    }
    let message = NewMessage {
        from: new.from,
        to: first.to_string(),
        text: new.text,
        encoding: new.encoding,
        binary: new.binary,
        data_coding: new.data_coding,
        udh: new.udh,
        validity_secs: new.validity_secs,
        schedule_at: None,
        receipt: new.receipt,
        priority: new.priority,
        tag: new.tag,
    };
    let submission = compose(message, &directory, owner, now)?.submission;
    if !owner.may_send_from(&submission.message.source) {
        let detail = format!("{} is no number or name of the customer", submission.message.source);
        return Err(Problem::of_field(Code::InvalidField, "from", detail));
    }
    let campaign = Campaign {
        source: submission.message.source,
        content: submission.message.content,
        validity_ms: new.validity_secs.map(|secs| secs.saturating_mul(1_000)),
        registered_delivery: submission.registered_delivery,
        tag: submission.tag,
        per_second: new.pace.map(|pace| pace.per_second),
        start_at: new.start_at.map_or(now, |at| at.0),
    };
    Ok(NewCampaign { campaign, devices, once: None })
}

fn targets(api: &Api, customer: &str, to: &Targets) -> Answer<Vec<Address>> {
    let one_of = || Problem::invalid("to", "it has one of devices, tag and all");
    match (&to.devices, &to.tag, to.all) {
        (Some(devices), None, false) => {
            let read = devices.iter().enumerate().map(|(index, text)| {
                let device = Address::parse(text).ok().filter(|address| matches!(address, Address::Msisdn(_)));
                let wrong = || Problem::invalid(&format!("to.devices[{index}]"), format!("{text:?} is no device"));
                device.ok_or_else(wrong)
            });
            read.collect()
        }
        (None, Some(tag), false) if is_tag(tag) => registered(api, customer, Some(tag)),
        (None, Some(tag), false) => Err(Problem::invalid("to.tag", format!("{tag:?} is no tag"))),
        (None, None, true) => registered(api, customer, None),
        _ => Err(one_of()),
    }
}

fn registered(api: &Api, customer: &str, tag: Option<&str>) -> Answer<Vec<Address>> {
    let mut devices = Vec::new();
    let each = |digits: &str, row: crate::device::DeviceRecord| {
        if row.device.status == DeviceStatus::Active {
            devices.push(Address::Msisdn(digits.into()));
        }
        devices.len() <= DEVICES_MAX
    };
    api.house.store.devices(customer, (tag, "", None), each).map_err(Problem::unreadable)?;
    Ok(devices)
}

/// Lists campaigns, the newest first. The last thousand of a customer are kept.
#[utoipa::path(
    get, path = "/v1/campaigns", operation_id = "listCampaigns", tag = "campaigns",
    params(Page),
    responses(
        (status = 200, description = "A page of them", body = CampaignList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(page): QueryOf<Page>,
) -> Answer<Reply<CampaignList>> {
    let customer = caller.customer_of(&api, page.customer.as_deref(), Scope::Read)?;
    check_limit(page.limit, LIMIT_MAX)?;
    let malformed = || Problem::new(Code::MalformedRequest, "cursor is none of ours");
    let behind = page.cursor.as_deref().map(|id| CampaignId::parse(id).ok_or_else(malformed)).transpose()?;
    let listed = durable(move |done| {
        let name = api.house.directory().customer_at(customer).id.clone();
        let (mut found, mut cursor) = (Vec::new(), None);
        let each = |id: CampaignId, row| {
            if found.len() == page.limit {
                cursor = found.last().map(|(id, _): &(CampaignId, CampaignRecord)| id.to_string());
                return false;
            }
            found.push((id, row));
            true
        };
        api.house.store.campaigns(&name, behind, each).map_err(Problem::unreadable)?;
        let shown = |(id, row)| Ok(view(&name, id, row, &api.house.store.campaign_ends(&name, id)?));
        let campaigns = found.into_iter().map(shown).collect::<Result<_, _>>().map_err(Problem::unreadable)?;
        barrier(&api, done)?;
        Ok(CampaignList { campaigns, next: cursor })
    });
    listed.await.map(Reply)
}

/// Shows a campaign, and what its messages have come to.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}", operation_id = "getCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "As the answer named it that began it"), Whose),
    responses(
        (status = 200, description = "As it is", body = CampaignView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Reply<CampaignView>> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Read)?;
    shown(&api, customer, number(&id)?).await.map(Reply)
}
