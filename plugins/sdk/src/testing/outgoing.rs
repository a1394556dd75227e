//! What may leave: addresses, options of messages, HTTP calls.

use super::{AHEAD_MAX, Bench, HTTP_OCTETS_MAX, TAG_OCTETS_MAX, sms};
use crate::draft::Draft;
use crate::error::{SendError, SubmitError};
use crate::http::HttpRequest;
use crate::message::millis;

/// A vendor's optional parameters (SMPP 3.4 §5.3.1).
const VENDOR_TLVS: std::ops::RangeInclusive<u16> = 0x1400..=0x3fff;

/// The sender of the message, if all about it is as it must be. `number`: what `reply` sends from.
pub fn check_draft(bench: &Bench, draft: &Draft, number: &str) -> Result<String, SendError> {
    check_address(&draft.to)?;
    let other = |why: String| Err(SendError::Other(why));
    if draft.tag.as_ref().is_some_and(|tag| tag.len() > TAG_OCTETS_MAX) {
        return other(format!("a tag has at most {TAG_OCTETS_MAX} octets"));
    }
    if draft.delay_ms.is_some_and(|delay| delay > millis(AHEAD_MAX)) {
        return other("a message is delayed for at most 366 days".to_owned());
    }
    if draft.priority.is_some_and(|priority| priority > 3) {
        return other("a priority is 0 to 3".to_owned());
    }
    if let Some((tag, _)) = draft.tlvs.iter().find(|(tag, _)| !VENDOR_TLVS.contains(tag)) {
        return other(format!("TLV {tag:#06x} is no vendor's, which are 0x1400 to 0x3FFF"));
    }
    let sender = draft.sender.as_deref().unwrap_or(number);
    check_address(sender)?;
    if !is_own(bench, sender, number) {
        return Err(SendError::NotPermitted(format!("{sender} is no sender of this bench's customer")));
    }
    if bench.refused.contains(&draft.to) {
        return Err(SendError::NotPermitted(format!("{} is refused on this bench", draft.to)));
    }
    if !sms::fits(&draft.body) {
        return Err(SendError::TooLong);
    }
    Ok(sender.to_owned())
}

/// The customer's are the rule's number, those that devices wrote to, and `senders`.
fn is_own(bench: &Bench, sender: &str, number: &str) -> bool {
    let written_to = || bench.devices.values().any(|device| device.number.as_deref() == Some(sender));
    sender == number || sender == bench.number || bench.senders.contains(sender) || written_to()
}

/// A number, with or without `+`, or an alphanumeric name of up to 11 characters.
fn check_address(address: &str) -> Result<(), SendError> {
    let digits = address.strip_prefix('+').unwrap_or(address);
    let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    let is_name = (1..=11).contains(&address.len())
        && address.bytes().all(|octet| octet.is_ascii_alphanumeric() || b" -_.&".contains(&octet))
        && !address.bytes().all(|octet| octet.is_ascii_digit());
    if is_number || is_name { Ok(()) } else { Err(SendError::InvalidAddress) }
}

pub fn check_http(bench: &Bench, request: &HttpRequest) -> Result<(), SubmitError> {
    let other = |why: String| Err(SubmitError::Other(why));
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str()) {
        return other(format!("{:?} is none of GET, POST, PUT, PATCH and DELETE", request.method));
    }
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let octets = request.url.len() + headers + request.body.as_ref().map_or(0, Vec::len);
    if octets > HTTP_OCTETS_MAX || request.tag.len() > TAG_OCTETS_MAX {
        return Err(SubmitError::TooLarge);
    }
    let Some(host) = host(&request.url) else {
        return other(format!("{:?} is no URL that begins with http:// or https:// and a host", request.url));
    };
    if !bench.http_hosts.contains(host) {
        return Err(SubmitError::NotPermitted(format!("the rule is not granted the host {host}")));
    }
    match &request.authorization {
        Some(secret) if !bench.secrets.contains_key(secret) => {
            Err(SubmitError::NotPermitted(format!("the rule has no secret {secret}")))
        }
        _ => Ok(()),
    }
}

fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split_once(':').map_or(authority, |(host, _port)| host);
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}
