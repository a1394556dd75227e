//! A campaign: one message to many devices, at a pace.
//!
//! Pure: what it is, how far it is, and when its next message may leave. `relay` drives it, `store` keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmsc_smpp::receipt::MessageState;

use crate::message::{Address, Content, Message, MessageId, Timestamp};

/// Devices of one campaign: its list is one batch of the store, of a megabyte and a half.
pub const DEVICES_MAX: usize = 100_000;
/// A campaign that fell behind its pace does not make up for more than this.
const CATCH_UP_MS: u64 = 1_000;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub source: Address,
    pub content: Content,
    /// How long each message is tried; None: the customer's usual time.
    pub validity_ms: Option<u64>,
    pub registered_delivery: u8,
    /// Of each message.
    pub tag: Box<str>,
    /// None: as fast as they go.
    pub per_second: Option<u32>,
    /// Not before this.
    pub start_at: Timestamp,
}

impl Campaign {
    pub fn message(&self, destination: Address, now: Timestamp) -> Message {
        Message { source: self.source.clone(), destination, content: self.content.clone(), received_at: now }
    }
}

/// What its customer wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Running,
    Paused,
    Cancelled,
}

/// A campaign as it is in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignRecord {
    pub campaign: Campaign,
    pub phase: Phase,
    /// Devices on its list.
    pub total: u32,
    /// The first that no message was made for; changes in the batch of the messages before it.
    pub next: u32,
    pub submitted: u32,
    /// How many were not, by reason.
    pub refused: BTreeMap<Box<str>, u32>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

impl CampaignRecord {
    pub fn has_more(&self) -> bool {
        self.next < self.total && self.phase != Phase::Cancelled
    }
}

/// How many of its messages have come to which end, by the state's octet (SMPP 3.4 §5.2.28); changes in the batch that
/// ends a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends(BTreeMap<u8, u32>);

impl Ends {
    pub fn count(&mut self, state: MessageState) {
        *self.0.entry(state.octet()).or_default() += 1;
    }

    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    pub fn each(&self) -> impl Iterator<Item = (MessageState, u32)> {
        self.0.iter().filter_map(|(octet, count)| Some((MessageState::from_octet(*octet)?, *count)))
    }
}

/// Names a campaign: the number of an event of its own. Its messages have the numbers behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignId(pub u64);

impl CampaignId {
    pub fn parse(text: &str) -> Option<CampaignId> {
        MessageId::parse(text.as_bytes()).filter(|id| id.index == 0).map(|id| CampaignId(id.event))
    }

    /// Of the device at this place of the list: the same after a crash.
    pub fn message(self, index: u32) -> MessageId {
        MessageId::accepted(self.0 + 1 + u64::from(index))
    }
}

impl std::fmt::Display for CampaignId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        MessageId::accepted(self.0).fmt(f)
    }
}

/// When messages may leave. Counts from where it began, or went on: a pause is not made up for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    per_second: Option<u32>,
    since: Timestamp,
    first: u32,
}

impl Pace {
    /// From now on, or from when it is to start.
    pub fn new(record: &CampaignRecord, now: Timestamp) -> Pace {
        Pace { per_second: record.campaign.per_second, since: record.campaign.start_at.max(now), first: record.next }
    }

    /// When the message at this place may leave.
    pub fn at(&self, index: u32) -> Timestamp {
        let Some(per_second) = self.per_second else { return self.since };
        let ahead = u64::from(index.saturating_sub(self.first)) * 1_000;
        self.since.plus_ms(ahead.div_ceil(u64::from(per_second.max(1))))
    }

    /// How many may leave now, from `next` on.
    pub fn due(&mut self, next: u32, now: Timestamp) -> u32 {
        if now < self.since {
            return 0;
        }
        let Some(per_second) = self.per_second else { return u32::MAX };
        if self.at(next).plus_ms(CATCH_UP_MS) < now {
            (self.since, self.first) = (Timestamp(now.0 - CATCH_UP_MS), next);
        }
        let passed = (now.0 - self.since.0) * u64::from(per_second) / 1_000;
        let last = u64::from(self.first) + passed;
        u32::try_from(last).unwrap_or(u32::MAX).saturating_add(1).saturating_sub(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(per_second: Option<u32>, start_at: u64) -> CampaignRecord {
        CampaignRecord {
            campaign: Campaign {
                source: Address::ShortCode("7001".into()),
                content: Content::default(),
                validity_ms: None,
                registered_delivery: 1,
                tag: "".into(),
                per_second,
                start_at: Timestamp(start_at),
            },
            phase: Phase::Running,
            total: 1_000,
            next: 0,
            submitted: 0,
            refused: BTreeMap::new(),
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
        }
    }

    #[test]
    fn a_pace_is_kept_to_the_message() {
        let mut pace = Pace::new(&record(Some(7), 0), Timestamp(5_000));
        let (mut next, mut left_at) = (0, Vec::new());
        for now in 5_000..15_000 {
            let due = pace.due(next, Timestamp(now));
            assert_eq!(due > 0, pace.at(next) <= Timestamp(now), "{now}");
            left_at.extend((0..due).map(|_| now));
            next += due;
        }
        assert_eq!(left_at.len(), 70, "in ten seconds");
        assert_eq!(left_at[0], 5_000);
        let most = left_at.iter().map(|at| left_at.iter().filter(|other| (*at..at + 1_000).contains(*other)).count());
        assert_eq!(most.max(), Some(7), "in any second");
    }

    #[test]
    fn one_that_fell_behind_makes_up_for_a_second_at_most() {
        let mut pace = Pace::new(&record(Some(10), 0), Timestamp(0));
        assert_eq!(pace.due(0, Timestamp(60_000)), 11);
        assert_eq!(pace.due(11, Timestamp(60_000)), 0);
        assert_eq!(pace.at(11), Timestamp(60_100));
    }

    #[test]
    fn nothing_leaves_before_the_start_and_all_at_once_without_a_pace() {
        let mut pace = Pace::new(&record(None, 9_000), Timestamp(1_000));
        assert_eq!((pace.due(0, Timestamp(8_999)), pace.at(0)), (0, Timestamp(9_000)));
        assert_eq!(pace.due(500, Timestamp(9_000)), u32::MAX);
    }

    #[test]
    fn messages_have_the_numbers_behind_their_campaign() {
        let id = CampaignId(0x1a20);
        assert_eq!(CampaignId::parse(&id.to_string()), Some(id));
        assert_eq!(id.message(2), MessageId::accepted(0x1a23));
        assert_eq!(CampaignId::parse("0000000000001a200001"), None);
    }
}
