//! What may leave: addresses, options of messages, HTTP calls.

use super::{AHEAD_MAX, Bench, HTTP_OCTETS_MAX, TAG_OCTETS_MAX, TLV_OCTETS_MAX, sms};
use crate::draft::Draft;
use crate::error::{SendError, SubmitError};
use crate::http::HttpRequest;
use crate::message::millis;

/// A vendor's optional parameters (SMPP 3.4 §5.3.1).
const VENDOR_TLVS: std::ops::RangeInclusive<u16> = 0x1400..=0x3fff;

/// The sender of the message, if all about it is as it must be. `number`: what `reply` sends from.
pub fn check_draft(bench: &Bench, draft: &Draft, number: &str) -> Result<String, SendError> {
    let other = |why: String| Err(SendError::Other(why));
    if draft.tag.as_ref().is_some_and(|tag| tag.len() > TAG_OCTETS_MAX) {
        return other(format!("a tag has at most {TAG_OCTETS_MAX} octets"));
    }
    let is_too_far = |ahead: Option<u64>| ahead.is_some_and(|ahead| ahead > millis(AHEAD_MAX));
    if is_too_far(draft.delay_ms) || is_too_far(draft.validity_ms) {
        return other("a message may be delayed by 366 days, and be valid as long".to_owned());
    }
    let octets: usize = draft.tlvs.iter().map(|(_, value)| value.len()).sum();
    if octets > TLV_OCTETS_MAX || !draft.tlvs.iter().all(|(tag, _)| VENDOR_TLVS.contains(tag)) {
        return other(format!("a rule's TLVs have tags from 0x1400 to 0x3FFF and {TLV_OCTETS_MAX} octets together"));
    }
    let sender = draft.sender.as_deref().unwrap_or(number);
    check_address(sender)?;
    if !sms::fits(&draft.body) {
        return Err(SendError::TooLong);
    }
    if !is_own(bench, sender, number) {
        return Err(SendError::NotPermitted(format!("{sender} is no sender of this bench's customer")));
    }
    if bench.refused.contains(&draft.to) {
        return Err(SendError::NotPermitted(format!("{} is refused on this bench", draft.to)));
    }
    Ok(sender.to_owned())
}

/// The customer's are the rule's number, those that devices wrote to, and `senders`.
fn is_own(bench: &Bench, sender: &str, number: &str) -> bool {
    let written_to = || bench.devices.values().any(|device| device.number.as_deref() == Some(sender));
    sender == number || sender == bench.number || bench.senders.contains(sender) || written_to()
}

/// A number, with or without `+`, or an alphanumeric name of up to 11 characters.
pub fn check_address(address: &str) -> Result<(), SendError> {
    let digits = address.strip_prefix('+').unwrap_or(address);
    let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    let is_name = (1..=11).contains(&address.len())
        && address.bytes().all(|octet| octet.is_ascii_alphanumeric() || b" -_.&".contains(&octet))
        && !address.bytes().all(|octet| octet.is_ascii_digit());
    if is_number || is_name { Ok(()) } else { Err(SendError::InvalidAddress) }
}

/// Set by the host alone.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "authorization",
    "idempotency-key",
];

pub fn check_http(bench: &Bench, request: &HttpRequest) -> Result<(), SubmitError> {
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let octets = request.url.len() + headers + request.body.as_ref().map_or(0, Vec::len);
    if octets > HTTP_OCTETS_MAX || request.tag.len() > TAG_OCTETS_MAX {
        return Err(SubmitError::TooLarge);
    }
    let other = |why: String| Err(SubmitError::Other(why));
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str()) {
        return other(format!("method {:?} is none of GET, POST, PUT, PATCH, DELETE", request.method));
    }
    check_url(bench, &request.url).map_err(SubmitError::NotPermitted)?;
    for (name, value) in &request.headers {
        let is_token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_token || value.bytes().any(|b| b < b' ' && b != b'\t' || b == 0x7F) {
            return other(format!("header {name:?} is none"));
        }
        if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return other(format!("the host sets the header {name} itself"));
        }
    }
    match &request.authorization {
        Some(secret) if !bench.secrets.contains_key(secret) => {
            Err(SubmitError::NotPermitted(format!("this rule has no secret {secret:?}")))
        }
        _ => Ok(()),
    }
}

/// A server with default settings calls over https only.
fn check_url(bench: &Bench, url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("https://").ok_or_else(|| format!("{url:?} does not begin with https://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if !is_host || port.parse::<u16>().is_err() {
        return Err(format!("{url:?} has no host"));
    }
    if bench.http_hosts.iter().any(|granted| fits(granted, host, port)) {
        return Ok(());
    }
    let granted: Vec<&str> = bench.http_hosts.iter().map(String::as_str).collect();
    Err(format!("{authority} is none of the rule's http_hosts ({})", granted.join(", ")))
}

fn fits(granted: &str, host: &str, port: &str) -> bool {
    let (below, granted) = granted.strip_prefix("*.").map_or((false, granted), |rest| (true, rest));
    let (name, granted_port) = granted.split_once(':').unwrap_or((granted, "443"));
    let (host, name) = (host.to_ascii_lowercase(), name.to_ascii_lowercase());
    let fits_name = match below {
        true => host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        false => host == name,
    };
    fits_name && port == granted_port
}
