//! Many devices at once, as CSV or as JSON lines. Each line holds by itself, and says all about its device.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::{DeviceSettings, Status, csv};
use crate::api::Api;
use crate::api::auth::{Caller, Scope};
use crate::api::body::{self, QueryOf, Reply};
use crate::api::error::{Answer, Code, Problem, ProblemDetails};
use crate::api::idempotency;
use crate::clock;
use crate::device::Device;
use crate::message::Address;
use crate::relay::{self, Import, Imported, Keyed, NewDevice};

/// Lines of one request: it is written in well below a second.
const LINES_MAX: usize = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// What an import came to, or would.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Report {
    #[serde(default)]
    dry_run: bool,
    created: usize,
    updated: usize,
    /// How many were so already.
    unchanged: usize,
    refused: Vec<RefusedLine>,
}

/// A line of which nothing was done.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = RefusedLine)]
pub struct RefusedLine {
    /// From 1; the header of a CSV file is line 1.
    line: usize,
    reason: String,
}

/// What was read of an import, with the lines that say nothing useful.
type Read = (Vec<NewDevice>, Vec<(usize, String)>);

/// One of many devices.
#[derive(Deserialize)]
struct Line {
    address: String,
    #[serde(flatten)]
    settings: serde_json::Map<String, serde_json::Value>,
}

/// Registers or changes up to 10,000 devices. Lines that are wrong are refused one by one, with the reason; the others
/// are durable when this answers. A line says all about its device, as a PUT does. `text/csv` has a header with the
/// columns `address`, and as wanted `iccid`, `imei`, `tags` (parted by `;`), `status`, and `attr.NAME` for each attribute;
/// `application/x-ndjson` has an object on each line, with `address` and the fields of a PUT.
#[utoipa::path(
    post, path = "/v1/devices:import", operation_id = "importDevices", tag = "devices",
    params(Options, ("Idempotency-Key" = Option<String>, Header,
        description = "With it, the same body sent again within a day gets the first answer; another body gets 422. \
        1 to 255 visible ASCII characters")),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What was done, durably so, or would be", body = Report),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large, or has too many lines",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 415, description = "The body is neither of type text/csv nor application/x-ndjson",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn import(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(options): QueryOf<Options>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Reply<Report>> {
    let customer = caller.customer_of(&api, options.customer.as_deref(), Scope::Manage)?;
    let key = idempotency::key(&headers)?;
    let read: fn(&str) -> Answer<Read> = match content_type(&headers).as_str() {
        "text/csv" => read_csv,
        "application/x-ndjson" => read_lines,
        _ => {
            let detail = "send it with Content-Type: text/csv or application/x-ndjson";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
    };
    let octets = body::read(request.into_body(), api.body_max_octets).await?;
    let (sender, receiver) = oneshot::channel();
    let done = |result| {
        let _ = sender.send(result); // a client that is gone
    };
    let dry_run = options.dry_run;
    let work = move || {
        let text = std::str::from_utf8(&octets);
        let text = text.map_err(|_| Problem::new(Code::MalformedRequest, "the body is no UTF-8"))?;
        let (lines, refused) = read(text)?;
        let import = if dry_run { Import::Try } else { Import::Write(key.map(|key| keyed(key, &octets))) };
        let whose = (customer, caller.name());
        let imported =
            relay::import_devices(&api.house, (whose.0, &whose.1), (lines, refused), import, clock::now(), done)?;
        Ok::<_, Problem>(imported)
    };
    let worked = tokio::task::spawn_blocking(work).await;
    let imported = worked.map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
    receiver.await.map_err(|_| Problem::no_answer())?.map_err(|failed| Problem::store_failed(&failed))?;
    match imported {
        Ok(imported) => Ok(Reply(report(&imported, dry_run))),
        Err(record) => {
            let first = serde_json::from_slice(&record.answer);
            let unreadable = |error| Problem::new(Code::Internal, format!("the first answer cannot be read: {error}"));
            Ok(Reply(first.map_err(unreadable)?))
        }
    }
}

fn keyed(key: [u8; 32], octets: &Bytes) -> Keyed {
    let answer = |imported: &Imported| -> Bytes {
        serde_json::to_vec(&report(imported, false)).expect("numbers and strings are JSON").into()
    };
    Keyed { key, fingerprint: Sha256::digest(octets).into(), answer }
}

fn report(imported: &Imported, dry_run: bool) -> Report {
    let Imported { created, updated, unchanged, refused } = imported;
    let refused = refused.iter().map(|(line, reason)| RefusedLine { line: *line, reason: reason.clone() }).collect();
    Report { dry_run, created: *created, updated: *updated, unchanged: *unchanged, refused }
}

fn content_type(headers: &HeaderMap) -> String {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn too_many() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("one request may bring {LINES_MAX} devices"))
}

/// A line that says something useful, or why it does not.
fn sort(read: impl Iterator<Item = (usize, Result<(Address, Device), String>)>) -> Answer<Read> {
    let (mut lines, mut refused) = (Vec::new(), Vec::new());
    for (line, device) in read {
        if lines.len() + refused.len() == LINES_MAX {
            return Err(too_many());
        }
        let checked = device.and_then(|(address, device)| match device.check() {
            Ok(()) => Ok((address, device)),
            Err(invalid) => Err(invalid.to_string()),
        });
        match checked {
            Ok((address, device)) => lines.push(NewDevice { line, address, device }),
            Err(reason) => refused.push((line, reason)),
        }
    }
    Ok((lines, refused))
}

fn read_lines(text: &str) -> Answer<Read> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    sort(lines.map(|(index, line)| (index + 1, read_line(line))))
}

fn read_line(line: &str) -> Result<(Address, Device), String> {
    let Line { address, settings } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let address = Address::parse(&address).map_err(|error| error.to_string())?;
    let settings: DeviceSettings = serde_json::from_value(settings.into()).map_err(|error| error.to_string())?;
    Ok((address, settings.into()))
}

/// What a column of a CSV file says.
enum Column {
    Address,
    Iccid,
    Imei,
    Tags,
    Status,
    Attribute(String),
}

impl Column {
    fn named(name: &str) -> Option<Column> {
        Some(match name.trim() {
            "address" => Column::Address,
            "iccid" => Column::Iccid,
            "imei" => Column::Imei,
            "tags" => Column::Tags,
            "status" => Column::Status,
            other => Column::Attribute(other.strip_prefix("attr.").filter(|name| !name.is_empty())?.to_owned()),
        })
    }
}

fn read_csv(text: &str) -> Answer<Read> {
    let mut records = csv::records(text);
    let header = match records.next() {
        Some((_, Ok(header))) => header,
        Some((_, Err(why))) => return Err(Problem::new(Code::InvalidField, format!("the header: {why}"))),
        None => return Err(Problem::new(Code::InvalidField, "there is no header")),
    };
    let mut columns = Vec::with_capacity(header.len());
    let mut seen = BTreeSet::new();
    for name in &header {
        let known = Column::named(name).filter(|_| seen.insert(name.trim()));
        let detail = || format!("column {name:?} is not known, or is there twice");
        columns.push(known.ok_or_else(|| Problem::new(Code::InvalidField, detail()))?);
    }
    if !columns.iter().any(|column| matches!(column, Column::Address)) {
        return Err(Problem::new(Code::InvalidField, "there is no column \"address\""));
    }
    sort(
        records.map(|(line, cells)| (line, cells.map_err(str::to_owned).and_then(|cells| read_cells(&columns, cells)))),
    )
}

fn read_cells(columns: &[Column], cells: Vec<String>) -> Result<(Address, Device), String> {
    if cells.len() != columns.len() {
        return Err(format!("it has {} cells, the header has {}", cells.len(), columns.len()));
    }
    let mut address = None;
    let mut device = Device { attributes: BTreeMap::new(), ..Device::default() };
    for (column, cell) in columns.iter().zip(cells) {
        let text = cell.trim();
        if text.is_empty() {
            continue;
        }
        match column {
            Column::Address => address = Some(Address::parse(text).map_err(|error| error.to_string())?),
            Column::Iccid => device.iccid = Some(text.into()),
            Column::Imei => device.imei = Some(text.into()),
            Column::Tags => device.tags = text.split(';').map(|tag| tag.trim().to_owned()).collect(),
            Column::Status => {
                device.status = match text {
                    "active" => Status::Active.into(),
                    "suspended" => Status::Suspended.into(),
                    _ => return Err(format!("status: {text:?} is neither active nor suspended")),
                }
            }
            Column::Attribute(name) => drop(device.attributes.insert(name.clone(), text.to_owned())),
        }
    }
    address.map(|address| (address, device)).ok_or_else(|| "it has no address".to_owned())
}
