//! `GET /v1/campaigns/{id}/recipients:export`: whom a campaign was for, one by one, and what became of each, as a file.
//!
//! Made while the client reads it, some hundred devices at a time. Cells are those of `export`.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::super::Api;
use super::super::auth::{Caller, Validity};
use super::super::body::{PathOf, QueryOf};
use super::super::error::{Answer, Problem, ProblemDetails};
use super::super::export::{Format, cell};
use super::super::message::LifeState;
use super::super::rfc3339::Time;
use crate::campaign::{CampaignId, Phase};
use crate::clock;
use crate::message::{Address, Timestamp};
use crate::store::{Bounds, PIECE, Store};
use crate::stream::{self, Piece};
use crate::timeline::{Filter, Listed};

/// Places of the list that are read at once; pieces of it are a multiple of that.
const PAGE: u32 = 500;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    #[param(inline)]
    format: Format,
}

/// A device of the list. The names are those of messages.
#[derive(Serialize)]
struct Recipient {
    /// Absent where the history of its message is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Of its message; `waiting`: it has none yet; `not_sent`: the campaign was cancelled before; `refused`: none was made; `forgotten`: its history is over.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    attempts: u32,
}

impl Recipient {
    fn without_message(to: Option<String>, state: &'static str) -> Recipient {
        Recipient { to, state, error: None, id: None, received_at: None, ended_at: None, attempts: 0 }
    }

    fn of(listed: &Listed, now: Timestamp) -> Recipient {
        Recipient {
            to: Some(listed.received.device().to_string()),
            state: LifeState::from(listed.state_at(now)).name(),
            error: Some(listed.error).filter(|error| *error != 0),
            id: Some(listed.id.to_string()),
            received_at: Some(Time(listed.received.message.received_at)),
            ended_at: listed.ended_at.map(Time),
            attempts: listed.attempts,
        }
    }

    fn write(&self, format: Format, out: &mut String) -> io::Result<()> {
        if format == Format::Jsonl {
            out.extend([&*serde_json::to_string(self)?, "\n"]);
            return Ok(());
        }
        let time = |at: Option<Time>| at.map(Time::text).unwrap_or_default();
        let cells = [
            self.to.as_deref().map(cell).unwrap_or_default(),
            self.state.to_owned(),
            self.error.map(|error| error.to_string()).unwrap_or_default(),
            self.id.clone().unwrap_or_default(),
            time(self.received_at),
            time(self.ended_at),
            self.attempts.to_string(),
        ];
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
        Ok(())
    }
}

const HEAD: &str = "to,state,error,id,received_at,ended_at,attempts\r\n";

/// Where an export stands.
struct Exporting {
    validity: Validity,
    api: Arc<Api>,
    customer: Arc<str>,
    id: CampaignId,
    format: Format,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    /// Nothing is written yet.
    Head,
    /// A place of the list.
    At(u32),
    End,
}

/// Exports the list of a campaign, in its order, with what became of each device's message. A connection that breaks off has not shown
/// all of it.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/recipients:export", operation_id = "exportCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign"), Export),
    responses(
        (status = 200, description = "One device in each line", content(
            (String = "text/csv"), (String = "application/jsonl"))),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such campaign or customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn export(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(wanted): QueryOf<Export>,
) -> Answer<impl IntoResponse> {
    let (customer, _) = api.history_of(&caller, wanted.customer.as_deref())?;
    let id = CampaignId::parse(&id).ok_or_else(Problem::not_found)?;
    let found = api.house.store.campaign(&customer, id);
    found.map_err(Problem::unreadable)?.ok_or_else(Problem::not_found)?;
    let format = wanted.format;
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::CACHE_CONTROL, "no-store")];
    let export = Exporting { validity: caller.validity(&api), api, customer, id, format, next: Next::Head };
    Ok((headers, stream::body(export, Exporting::piece)))
}

impl Exporting {
    async fn piece(mut self) -> Piece<Exporting> {
        let from = match self.next {
            Next::Head if self.format == Format::Csv => {
                self.next = Next::At(0);
                return Some((Ok(Bytes::from_static(HEAD.as_bytes())), self));
            }
            Next::Head => 0,
            Next::At(place) => place,
            Next::End => return None,
        };
        if !self.validity.holds(&self.api) {
            return Some((Err(io::Error::other("the key is not valid any more")), self));
        }
        let (customer, id, format) = (self.customer.clone(), self.id, self.format);
        let read = move |store: &Store| lines(store, (&customer, id), from, format);
        match self.api.readers.read(&self.api.house.store, read).await {
            Ok((lines, is_last)) => {
                self.next = if is_last { Next::End } else { Next::At(from + PAGE) };
                Some((Ok(lines.into()), self))
            }
            Err(error) => {
                tracing::error!(customer = &*self.customer, "an export breaks off: {error}");
                Some((Err(error), self))
            }
        }
    }
}

/// Of the places from this one on, and whether the list ends with them.
fn lines(store: &Store, (customer, id): (&str, CampaignId), from: u32, format: Format) -> io::Result<(String, bool)> {
    let mut out = String::new();
    let Some(row) = store.campaign(customer, id)? else { return Ok((out, true)) }; // a newer one has its place
    let to = row.total.min(from + PAGE);
    let list = store.kept_addressees(customer, id, from / PIECE)?;
    // They are side by side: nobody else has numbers in between.
    let (bounds, now) = (Bounds { limit: PAGE as usize, scan_max: PAGE as usize }, clock::now());
    let found = store.messages(customer, &Filter::default(), Some(id.message(to)), bounds)?;
    let mut messages = found.messages.iter().rev().skip_while(|listed| listed.id < id.message(from)).peekable();
    for place in from..to {
        let listed = list.as_ref().and_then(|list| list.get((place % PIECE) as usize));
        let address = listed.map(|digits| Address::Msisdn(digits.clone()).to_string());
        let recipient = match messages.next_if(|listed| listed.id == id.message(place)) {
            Some(listed) => Recipient::of(listed, now),
            None if place >= row.next && row.phase == Phase::Cancelled => {
                Recipient::without_message(address, "not_sent")
            }
            None if place >= row.next => Recipient::without_message(address, "waiting"),
            // Those that were refused are on a list that is kept; so may be others whose history is over.
            None if address.is_some() => Recipient::without_message(address, "refused"),
            None => Recipient::without_message(None, "forgotten"),
        };
        recipient.write(format, &mut out)?;
    }
    Ok((out, to == row.total))
}
