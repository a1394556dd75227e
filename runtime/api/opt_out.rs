//! Who wants no more messages of a customer's numbers: list them, and take one back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{PathOf, QueryOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use super::paging::{check_limit, no_cursor};
use super::rfc3339::Time;
use super::wanted;
use crate::clock;
use crate::message::Address;
use crate::relay;
use crate::store::OptOutRecord;

const LIMIT_MAX: usize = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Only of this number of the customer.
    #[param(example = "7001")]
    number: Option<String>,
    /// Only of this device.
    #[param(example = "+46701234567")]
    device: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// `next` of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

/// A device that wants no more messages of a number.
#[derive(Serialize, ToSchema)]
#[schema(as = OptOut)]
struct OptOutView {
    #[schema(example = "7001")]
    number: String,
    #[schema(example = "+46701234567")]
    device: String,
    /// When it said so.
    at: Time,
}

/// Opt-outs by number and device.
#[derive(Serialize, ToSchema)]
pub struct OptOutList {
    opt_outs: Vec<OptOutView>,
    /// Of the next page. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<OptOutRecord> for OptOutView {
    fn from(record: OptOutRecord) -> OptOutView {
        OptOutView { number: record.number.to_string(), device: record.device.to_string(), at: Time(record.at) }
    }
}

fn cursor(of: &OptOutRecord) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\0{}", of.number, of.device))
}

fn behind(cursor: &str) -> Answer<(Address, Address)> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|octets| String::from_utf8(octets).ok());
    let pair = text.as_deref().and_then(|text| text.split_once('\0'));
    let parsed = pair.and_then(|(number, device)| Some((Address::parse(number).ok()?, Address::parse(device).ok()?)));
    parsed.ok_or_else(no_cursor)
}

/// Lists devices that opted out of numbers of a customer, by STOP or another keyword. The firewall lets nothing pass from the number
/// to the device.
#[utoipa::path(
    get, path = "/v1/opt-outs", operation_id = "listOptOuts", tag = "devices",
    params(Wanted),
    responses(
        (status = 200, description = "A page of them", body = OptOutList),
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
) -> Answer<Reply<OptOutList>> {
    let customer = caller.customer_of(&api, wanted.customer.as_deref(), Scope::Read)?;
    check_limit(wanted.limit, LIMIT_MAX)?;
    let customer = api.house.directory().customer_at(customer).id.clone();
    let number = wanted::address("number", &wanted.number)?;
    let device = wanted::address("device", &wanted.device)?;
    let after = wanted.cursor.as_deref().map(behind).transpose()?;
    let (house, limit) = (api.house.clone(), wanted.limit);
    let read = api.readers.read(&api.house.store, move |store| match device {
        // It has opted out of as many numbers as the customer has, at most.
        Some(device) => {
            let mut found = relay::opt_outs_of(&house, &customer, &device)?;
            let last = after.map(|(number, _)| number);
            found.retain(|record| {
                number.as_ref().is_none_or(|number| *number == record.number) && last < Some(record.number.clone())
            });
            found.truncate(limit);
            Ok(found)
        }
        None => store.opt_outs(&customer, number.as_ref(), after.as_ref().map(|(a, b)| (a, b)), limit),
    });
    let found = read.await.map_err(Problem::unreadable)?;
    let next = found.last().filter(|_| found.len() == limit).map(cursor);
    Ok(Reply(OptOutList { opt_outs: found.into_iter().map(OptOutView::from).collect(), next }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// For the operator; a key's is its own.
    customer: Option<String>,
}

/// Takes an opt-out back, for a device whose owner said so by another way than START. The audit says who did it.
#[utoipa::path(
    delete, path = "/v1/opt-outs/{number}/{device}", operation_id = "deleteOptOut", tag = "devices",
    params(
        ("number" = String, Path, description = "Of the customer", example = "7001"),
        ("device" = String, Path, description = "Its number", example = "+46701234567"),
        Whose,
    ),
    responses(
        (status = 204, description = "Messages of the number pass again, durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf((number, device)): PathOf<(String, String)>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<StatusCode> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Manage)?;
    let customer = api.house.directory().customer_at(customer).id.clone();
    let read = |text: &str| Address::parse(text).map_err(|_| Problem::not_found());
    let (number, device) = (read(&number)?, read(&device)?);
    let (sender, receiver) = oneshot::channel();
    let (house, who) = (api.house.clone(), caller.name());
    let begun = tokio::task::spawn_blocking(move || {
        relay::take_back_opt_out(&house, (&customer, &number, &device), &who, clock::now(), move |result| {
            let _ = sender.send(result); // a client that is gone
        })
    });
    let was_there = begun.await.map_err(std::io::Error::other).flatten().map_err(Problem::unreadable)?;
    if !was_there {
        return Err(Problem::not_found());
    }
    match receiver.await {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(failed)) => Err(Problem::store_failed(&failed)),
        Err(_) => Err(Problem::no_answer()),
    }
}
