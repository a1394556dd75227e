//! Why no message is made for a device of a campaign's list.

use crate::firewall::{Reason, Reject};
use crate::message::Timestamp;

/// When the customer as a whole may send again: its campaigns wait for that, and refuse nobody.
pub fn room_at(reject: &Reject) -> Option<Timestamp> {
    match reject {
        Reject::Firewall(refusal) if matches!(refusal.reason, Reason::RateCustomer | Reason::QuotaCustomer) => {
            refusal.retry_at
        }
        _ => None,
    }
}

/// As the API names it.
pub fn reason(reject: &Reject) -> &'static str {
    match reject {
        Reject::Firewall(refusal) => refusal.reason.code(),
        Reject::NoRoute(_) | Reject::NobodyServes(_) => "no_route",
        Reject::AlreadyExpired | Reject::ExpiresBeforeSchedule => "invalid_validity",
        Reject::TooLong(_) => "text_too_long",
        _ => "refused",
    }
}
