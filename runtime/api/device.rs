//! Registered devices of customers: list, look up, register, change, remove. `import` takes many at once.

mod csv;
pub mod import;
pub mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::object::expectation;
use super::paging::check_limit;
use super::rfc3339::Time;
use crate::clock;
use crate::device::{Device, DeviceRecord, DeviceStatus, InvalidDevice, is_tag};
use crate::message::Address;
use crate::relay::{self, DeviceEdit, NotRegistered};
use crate::route::CustomerIndex;
use crate::setup::Expect;
use crate::store::NotAccepted;

const LIMIT_MAX: usize = 1_000;
/// Rows that one page looks at: where a filter finds little, a page ends early and the cursor goes on.
const LOOKED_AT_MAX: usize = 20_000;

/// Whether a device takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeviceStatus)]
pub enum Status {
    #[default]
    Active,
    Suspended,
}

impl From<DeviceStatus> for Status {
    fn from(status: DeviceStatus) -> Status {
        match status {
            DeviceStatus::Active => Status::Active,
            DeviceStatus::Suspended => Status::Suspended,
        }
    }
}

impl From<Status> for DeviceStatus {
    fn from(status: Status) -> DeviceStatus {
        match status {
            Status::Active => DeviceStatus::Active,
            Status::Suspended => DeviceStatus::Suspended,
        }
    }
}

/// A registered device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceView {
    #[schema(example = "+46701234567")]
    address: String,
    /// Of its SIM card.
    #[serde(skip_serializing_if = "Option::is_none")]
    iccid: Option<Box<str>>,
    /// Of the equipment.
    #[serde(skip_serializing_if = "Option::is_none")]
    imei: Option<Box<str>>,
    tags: BTreeSet<String>,
    attributes: BTreeMap<String, String>,
    status: Status,
    created_at: Time,
    changed_at: Time,
    /// When a message or a receipt of it came last; to within ten minutes after a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Time>,
}

#[derive(Serialize, ToSchema)]
pub struct DeviceList {
    devices: Vec<DeviceView>,
    /// Absent: there are no more. There may be more also where a page has less than `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// All that its customer says about a device; what is absent is not so.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSettings {
    /// 19 or 20 digits; the last one is its check digit.
    iccid: Option<Box<str>>,
    /// 15 digits; the last one is its check digit.
    imei: Option<Box<str>>,
    /// 32 at most, of 64 octets each; no spaces, commas or semicolons.
    #[serde(default)]
    tags: BTreeSet<String>,
    /// 64 at most, with names of 64 octets and values of 256.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    status: Status,
}

impl From<DeviceSettings> for Device {
    fn from(settings: DeviceSettings) -> Device {
        let DeviceSettings { iccid, imei, tags, attributes, status } = settings;
        Device { iccid, imei, tags, attributes, status: status.into() }
    }
}

/// What is to be different (RFC 7396): null removes, tags are replaced, attributes change one by one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicePatch {
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    iccid: Option<Option<Box<str>>>,
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    imei: Option<Option<Box<str>>>,
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<BTreeSet<String>>>,
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    attributes: Option<Option<BTreeMap<String, Option<String>>>>,
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<Status>)]
    status: Option<Option<Status>>,
}

/// Tells null from what is absent.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl DevicePatch {
    fn apply(self, device: &mut Device) {
        if let Some(iccid) = self.iccid {
            device.iccid = iccid;
        }
        if let Some(imei) = self.imei {
            device.imei = imei;
        }
        if let Some(tags) = self.tags {
            device.tags = tags.unwrap_or_default();
        }
        if let Some(status) = self.status {
            device.status = status.unwrap_or_default().into();
        }
        match self.attributes {
            None => {}
            Some(None) => device.attributes.clear(),
            Some(Some(attributes)) => {
                for (name, value) in attributes {
                    match value {
                        Some(value) => drop(device.attributes.insert(name, value)),
                        None => drop(device.attributes.remove(&name)),
                    }
                }
            }
        }
    }
}

impl From<InvalidDevice> for Problem {
    fn from(invalid: InvalidDevice) -> Problem {
        Problem::of_field(Code::InvalidField, invalid.field, invalid.why)
    }
}

impl From<NotRegistered> for Problem {
    fn from(not_registered: NotRegistered) -> Problem {
        let detail = not_registered.to_string();
        match not_registered {
            NotRegistered::NoDevice(_) => Problem::of_field(Code::InvalidField, "address", detail),
            NotRegistered::Taken(_) => Problem::new(Code::AddressTaken, detail),
            NotRegistered::TooMany => Problem::new(Code::TooMany, detail),
            NotRegistered::OtherRequest => Problem::new(Code::IdempotencyMismatch, detail),
            NotRegistered::NotAccepted(NotAccepted::Busy) => Problem::new(Code::Busy, detail),
            NotRegistered::NotAccepted(NotAccepted::Failed(failed)) => Problem::store_failed(&failed),
            NotRegistered::Unreadable(_) => Problem::new(Code::StoreFailed, detail),
        }
    }
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
pub struct Wanted {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Only those that have it.
    tag: Option<String>,
    /// Only those that are so.
    #[param(inline)]
    status: Option<Status>,
    /// How their numbers begin, such as +4670.
    prefix: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// Of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

fn view(api: &Api, address: &Address, row: DeviceRecord) -> DeviceView {
    let DeviceRecord { device, created_at, changed_at, .. } = row;
    let Device { iccid, imei, tags, attributes, status } = device;
    let seen = api.house.directory().registry().find(address).and_then(|found| found.last_seen);
    DeviceView {
        address: address.to_string(),
        iccid,
        imei,
        tags,
        attributes,
        status: status.into(),
        created_at: created_at.into(),
        changed_at: changed_at.into(),
        last_seen_at: seen.map(Time),
    }
}

/// With the ETag that `If-Match` takes.
fn with_tag(api: &Api, status: StatusCode, address: &Address, row: DeviceRecord) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", row.revision)).ok();
    let mut response = (status, Reply(view(api, address, row))).into_response();
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The number of a path. What can be nobody's is not there.
fn address(text: &str) -> Answer<Address> {
    let parsed = Address::parse(text).ok().filter(|address| matches!(address, Address::Msisdn(_)));
    parsed.ok_or_else(Problem::not_found)
}

fn expect(expect: Expect, before: Option<&DeviceRecord>) -> Answer<()> {
    let fits = match expect {
        Expect::Anything => true,
        Expect::Nothing => before.is_none(),
        Expect::Something => before.is_some(),
        Expect::Revision(revision) => before.is_some_and(|before| before.revision == revision),
    };
    let changed = || Problem::new(Code::PreconditionFailed, "the device has changed since, or is not there");
    fits.then_some(()).ok_or_else(changed)
}

/// Lists registered devices by their numbers. A device in a range of the config is here only if it was registered.
#[utoipa::path(
    get, path = "/v1/devices", operation_id = "listDevices", tag = "devices",
    params(Wanted),
    responses(
        (status = 200, description = "A page of them", body = DeviceList),
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
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<DeviceList>> {
    let customer = caller.customer_of(&api, wanted.customer.as_deref(), Scope::Read)?;
    let malformed = |detail: String| Problem::new(Code::MalformedRequest, detail);
    check_limit(wanted.limit, LIMIT_MAX)?;
    if let Some(tag) = wanted.tag.as_deref().filter(|tag| !is_tag(tag)) {
        return Err(malformed(format!("{tag:?} is no tag")));
    }
    let digits = |text: &str| {
        let digits = text.trim_start().trim_start_matches('+').to_owned(); // a space is what + means in a query
        let is_number = digits.bytes().all(|octet| octet.is_ascii_digit());
        is_number.then_some(digits).ok_or_else(|| malformed(format!("{text:?} begins no number")))
    };
    let prefix = digits(wanted.prefix.as_deref().unwrap_or_default())?;
    let after = wanted.cursor.as_deref().map(digits).transpose()?;
    let read = {
        let api = api.clone();
        move || page(&api, customer, &wanted, &prefix, after.as_deref())
    };
    let page = tokio::task::spawn_blocking(read).await;
    page.map_err(|error| Problem::new(Code::Internal, error.to_string()))?.map(Reply)
}

fn page(api: &Api, customer: CustomerIndex, wanted: &Wanted, prefix: &str, after: Option<&str>) -> Answer<DeviceList> {
    let directory = api.house.directory();
    let customer = &directory.customer_at(customer).id;
    let (mut devices, mut looked_at, mut cursor) = (Vec::new(), 0, None);
    let (mut last, status) = (String::new(), wanted.status.map(DeviceStatus::from));
    let each = |digits: &str, row: DeviceRecord| {
        if devices.len() == wanted.limit || looked_at == LOOKED_AT_MAX {
            cursor = Some(std::mem::take(&mut last));
            return false;
        }
        looked_at += 1;
        digits.clone_into(&mut last);
        if status.is_none_or(|status| row.device.status == status) {
            devices.push((Address::Msisdn(digits.into()), row));
        }
        true
    };
    let read = api.house.store.devices(customer, (wanted.tag.as_deref(), prefix, after), each);
    read.map_err(Problem::unreadable)?;
    let devices = devices.into_iter().map(|(address, row)| view(api, &address, row)).collect();
    Ok(DeviceList { devices, next: cursor })
}

/// Shows a registered device.
#[utoipa::path(
    get, path = "/v1/devices/{address}", operation_id = "getDevice", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Whose),
    responses(
        (status = 200, description = "As it is", body = DeviceView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Response> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Read)?;
    let address = address(&number)?;
    let customer = api.house.directory().customer_at(customer).id.clone();
    let found = api.house.store.device(&customer, address.digits()).map_err(Problem::unreadable)?;
    Ok(with_tag(&api, StatusCode::OK, &address, found.ok_or_else(Problem::not_found)?))
}

/// Changes a device to what `decide` makes of it, and waits until that is durable.
async fn change(
    api: &Api,
    caller: &Caller,
    (customer, address): (CustomerIndex, &Address),
    expected: Expect,
    decide: impl FnOnce(Option<&DeviceRecord>) -> Answer<Option<Device>>,
) -> Answer<(bool, Option<DeviceRecord>)> {
    let (sender, receiver) = oneshot::channel();
    let mut was_there = false;
    let decide = |before: Option<&DeviceRecord>| {
        was_there = before.is_some();
        expect(expected, before)?;
        let after = decide(before)?;
        after.as_ref().map_or(Ok(()), Device::check)?;
        Ok(after)
    };
    let edit = DeviceEdit { customer, address, who: &caller.name(), now: clock::now() };
    let row = relay::change_device::<Problem>(&api.house, edit, decide, |result| {
        let _ = sender.send(result); // a client that is gone
    })?;
    match receiver.await {
        Ok(Ok(())) => Ok((was_there, row)),
        Ok(Err(failed)) => Err(Problem::store_failed(&failed)),
        Err(_) => Err(Problem::no_answer()),
    }
}

/// Registers a device or changes it: the body says all about it. A registered device is its customer's also outside
/// the ranges of the config; rules and policies see its tags.
#[utoipa::path(
    put, path = "/v1/devices/{address}", operation_id = "putDevice", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Whose),
    request_body = DeviceSettings,
    responses(
        (status = 200, description = "Changed, durably so", body = DeviceView),
        (status = 201, description = "Registered, durably so", body = DeviceView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "This customer may not register this number, or as many are registered as may be",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "It is not what If-Match or If-None-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
    body: Json<DeviceSettings>,
) -> Answer<Response> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Manage)?;
    let address = Address::parse(&number).map_err(|error| Problem::invalid("address", error.to_string()))?;
    let device = Device::from(body.value);
    let (was_there, row) =
        change(&api, &caller, (customer, &address), expectation(&headers)?, |_| Ok(Some(device))).await?;
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    Ok(with_tag(&api, status, &address, row.ok_or_else(Problem::not_found)?))
}

/// Changes some of what is said about a registered device.
#[utoipa::path(
    patch, path = "/v1/devices/{address}", operation_id = "patchDevice", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Whose),
    request_body = DevicePatch,
    responses(
        (status = 200, description = "Changed, durably so", body = DeviceView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "It is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn patch(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
    body: Json<DevicePatch>,
) -> Answer<Response> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Manage)?;
    let address = address(&number)?;
    let patched = |before: Option<&DeviceRecord>| {
        let mut device = before.ok_or_else(Problem::not_found)?.device.clone();
        body.value.apply(&mut device);
        Ok(Some(device))
    };
    let (_, row) = change(&api, &caller, (customer, &address), expectation(&headers)?, patched).await?;
    Ok(with_tag(&api, StatusCode::OK, &address, row.ok_or_else(Problem::not_found)?))
}

/// Removes a device from the registry. In a range of the config, it stays its customer's all the same.
#[utoipa::path(
    delete, path = "/v1/devices/{address}", operation_id = "deleteDevice", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Whose),
    responses(
        (status = 204, description = "Gone, and durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "It is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Manage)?;
    let address = address(&number)?;
    let gone = |before: Option<&DeviceRecord>| before.map(|_| None).ok_or_else(Problem::not_found);
    change(&api, &caller, (customer, &address), expectation(&headers)?, gone).await?;
    Ok(StatusCode::NO_CONTENT)
}
