//! Campaigns: a row each, one with the ends of its messages, and the list of its devices in pieces while it is needed: until they have
//! messages, and as long as the campaign where somebody on it was refused, or it was cancelled.

use std::io;

use super::keys::{self, Kind, Partition};
use super::tables::Op;
use super::{Done, NewOnce, NotAccepted, Store, once, record};
use crate::campaign::{CampaignId, CampaignRecord, Ends};
use crate::message::MessageId;

/// Devices of one row of a list.
pub const PIECE: u32 = 1_000;

impl Store {
    /// Writes a new campaign with its list, in one batch. Its messages have the numbers behind its own, which nobody else
    /// gets. `done` is called when it is durable.
    pub fn begin_campaign(
        &self,
        customer: &str,
        campaign: &CampaignRecord,
        devices: &[Box<str>],
        once: impl FnOnce(CampaignId) -> Option<NewOnce>,
        done: Done,
    ) -> Result<CampaignId, NotAccepted> {
        let partition = Partition::of(customer);
        let now = campaign.created_at;
        let pieces: Vec<_> = devices.chunks(PIECE as usize).map(|piece| record::encode(&piece)).collect();
        let mut inner = self.inner.lock();
        if let Some(failed) = inner.failed.clone() {
            return Err(failed.into());
        }
        if self.is_full() || inner.is_busy(pieces.iter().map(bytes::Bytes::len).sum()) {
            return Err(NotAccepted::Busy);
        }
        let id = CampaignId(super::verbs::event_after(inner.last_event, now));
        inner.last_event = id.0 + u64::from(campaign.total);
        let list = pieces.into_iter().enumerate();
        let mut batch: Vec<Op> = list
            .map(|(piece, row)| Op::Insert(keys::addressees(partition, customer, id.0, piece as u32), row))
            .collect();
        batch.push(Op::Insert(keys::campaign(partition, customer, id.0), record::encode(campaign)));
        let once = once(id).into_iter();
        batch.extend(once.flat_map(|new| once::rows(customer, new, MessageId::accepted(id.0), now)));
        inner.submit(batch, Some(done))?;
        drop(inner);
        self.work.notify_one();
        Ok(id)
    }

    /// Events up to this one are somebody's.
    pub fn reserve_events(&self, last: u64) {
        let mut inner = self.inner.lock();
        inner.last_event = inner.last_event.max(last);
    }

    pub fn campaign(&self, customer: &str, id: CampaignId) -> io::Result<Option<CampaignRecord>> {
        self.read(&keys::campaign(Partition::of(customer), customer, id.0))
    }

    pub fn campaign_ends(&self, customer: &str, id: CampaignId) -> io::Result<Ends> {
        Ok(self.read(&keys::campaign_ends(Partition::of(customer), customer, id.0))?.unwrap_or_default())
    }

    /// A piece of its list: the digits of their numbers.
    pub fn addressees(&self, customer: &str, id: CampaignId, piece: u32) -> io::Result<Vec<Box<str>>> {
        let found = self.kept_addressees(customer, id, piece)?;
        found.ok_or_else(|| io::Error::other("a campaign has no list"))
    }

    /// A piece of its list, while it is kept.
    pub fn kept_addressees(&self, customer: &str, id: CampaignId, piece: u32) -> io::Result<Option<Vec<Box<str>>>> {
        self.read(&keys::addressees(Partition::of(customer), customer, id.0, piece))
    }

    /// A customer's, the newest first, older than `behind`, until `each` says false.
    pub fn campaigns(
        &self,
        customer: &str,
        behind: Option<CampaignId>,
        mut each: impl FnMut(CampaignId, CampaignRecord) -> bool,
    ) -> io::Result<()> {
        let (from, to) = keys::campaigns(Partition::of(customer), customer, behind.map(|id| id.0));
        self.each_row_while(from, &to, |row| {
            let id = keys::campaign_id(&row.key).ok_or_else(|| io::Error::other("a campaign's key is malformed"))?;
            Ok(each(CampaignId(id), record::decode(&row.value).map_err(io::Error::other)?))
        })
    }

    /// Those of all customers.
    pub fn each_campaign(&self, mut each: impl FnMut(&str, CampaignId, CampaignRecord)) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Campaign);
            self.each_row(from, &to, |row| {
                let malformed = || io::Error::other("a campaign's key is malformed");
                let customer = keys::name(&row.key).ok_or_else(malformed)?;
                let id = keys::campaign_id(&row.key).ok_or_else(malformed)?;
                each(customer, CampaignId(id), record::decode(&row.value).map_err(io::Error::other)?);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A change of a campaign's rows.
#[derive(Debug)]
pub enum OfCampaign {
    Put(Box<CampaignRecord>),
    Ends(Ends),
    /// A piece of its list is needed no more.
    Addressed(u32),
    /// Its own row goes.
    Forget,
    ForgetEnds,
}

pub(super) fn op(customer: &str, id: CampaignId, change: OfCampaign) -> Op {
    let partition = Partition::of(customer);
    match change {
        OfCampaign::Put(row) => Op::Put(keys::campaign(partition, customer, id.0), record::encode(&*row)),
        OfCampaign::Ends(ends) => Op::Put(keys::campaign_ends(partition, customer, id.0), record::encode(&ends)),
        OfCampaign::Addressed(piece) => Op::Delete(keys::addressees(partition, customer, id.0, piece)),
        OfCampaign::Forget => Op::Delete(keys::campaign(partition, customer, id.0)),
        OfCampaign::ForgetEnds => Op::Delete(keys::campaign_ends(partition, customer, id.0)),
    }
}
