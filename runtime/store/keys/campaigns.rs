//! The keys of campaigns. Their numbers are inverted: the newest comes first.

use super::{Key, Kind, Partition, after, prefixed};

pub fn campaign(partition: Partition, customer: &str, id: u64) -> Key {
    of_campaign(partition, Kind::Campaign, customer, id).into()
}

pub fn campaign_ends(partition: Partition, customer: &str, id: u64) -> Key {
    of_campaign(partition, Kind::CampaignEnds, customer, id).into()
}

/// A piece of the list of its devices.
pub fn addressees(partition: Partition, customer: &str, id: u64, piece: u32) -> Key {
    let mut key = of_campaign(partition, Kind::Addressees, customer, id);
    key.extend_from_slice(&piece.to_be_bytes());
    key.into()
}

fn of_campaign(partition: Partition, kind: Kind, customer: &str, id: u64) -> Vec<u8> {
    let mut key = prefixed(partition, kind, customer, 12);
    key.extend_from_slice(&(!id).to_be_bytes());
    key
}

/// A customer's that are older than this one.
pub fn campaigns(partition: Partition, customer: &str, behind: Option<u64>) -> (Key, Key) {
    let all = prefixed(partition, Kind::Campaign, customer, 8);
    let to = after(&all);
    let from = behind.map(|id| after(&of_campaign(partition, Kind::Campaign, customer, id)));
    (from.unwrap_or_else(|| all.into()), to)
}

/// The number in the key of a campaign's own row.
pub fn campaign_id(key: &[u8]) -> Option<u64> {
    let octets: [u8; 8] = key.get(key.len().checked_sub(8)?..)?.try_into().ok()?;
    Some(!u64::from_be_bytes(octets))
}
