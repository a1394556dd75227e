//! Campaigns: one message to many devices. A step makes messages of the next devices of a list, in one batch with how
//! far the campaign is; so a crash loses none and doubles none, and the numbers of messages follow from their place.
//!
//! Rows are the truth; memory knows which campaigns have more to send, at what pace, and how many of their messages
//! still wait.

mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::operations::cancel_these;
use super::{Admitted, Also, House, NotDone, Origin, Submission, admit, store_messages};
use crate::campaign::{Campaign, CampaignId, CampaignRecord, DEVICES_MAX, Ends, Pace, Phase};
use crate::message::{Address, MessageId, Timestamp};
use crate::route::{Customer, CustomerIndex};
use crate::store::keys::Partition;
use crate::store::{Change, Done, NewOnce, NotAccepted, OfCampaign, OnceRecord, PIECE, Store};
use crate::tracking::Tracked;
use reasons::{reason, room_at};

/// Messages of one step: some milliseconds, and about as much for the store as a burst of an application.
const STEP: u32 = 500;
/// When a campaign looks again that nobody can take more of now.
const LOOK_AGAIN_MS: u64 = 100;
/// Campaigns of a customer that are kept; the oldest that has ended makes room.
const CAMPAIGNS_MAX: usize = 1_000;

/// Why there is no campaign, or it was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoCampaign {
    #[error("there is no such campaign")]
    NotFound,
    #[error("nobody is on its list")]
    Nobody,
    #[error("a campaign has at most {DEVICES_MAX} devices")]
    TooLong,
    #[error("{CAMPAIGNS_MAX} campaigns have not ended yet")]
    TooMany,
    /// It has ended, or was cancelled.
    #[error("the campaign has come to its end")]
    Over,
    #[error("this key was used for another request")]
    OtherRequest,
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
}

impl From<io::Error> for NoCampaign {
    fn from(error: io::Error) -> NoCampaign {
        NoCampaign::Unreadable(error.to_string())
    }
}

/// Called when what was asked for is durable, or never will be.
pub type CampaignDone = Box<dyn FnOnce(Result<(), NoCampaign>) + Send>;

/// A campaign that is to begin.
pub struct NewCampaign {
    pub campaign: Campaign,
    pub devices: Vec<Address>,
    pub once: Option<NewOnce>,
}

pub enum Begun {
    New(CampaignId),
    /// A request with its key came before.
    Again(OnceRecord),
}

/// Whether a message that changes leaves its queue by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Now,
    /// A peer has it.
    Before,
}

/// A campaign that has more to send.
struct Sending {
    customer: Box<str>,
    pace: Pace,
}

/// A campaign whose messages have not all ended.
struct Tally {
    customer: Box<str>,
    /// The number of its last message.
    last: u64,
    submitted: u32,
    /// How many wait no more.
    left: u32,
    ends: Ends,
    has_more: bool,
}

#[derive(Default)]
pub struct Campaigns {
    /// Held from reading a campaign's row to writing it. Locked before `tallies`.
    sending: Mutex<BTreeMap<CampaignId, Sending>>,
    changed: Condvar,
    tallies: Mutex<BTreeMap<CampaignId, Tally>>,
}

impl Campaigns {
    pub fn recover(store: &Store, now: Timestamp) -> io::Result<Campaigns> {
        let mut found = Vec::new();
        store.each_campaign(|customer, id, row| found.push((Box::<str>::from(customer), id, row)))?;
        let campaigns = Campaigns::default();
        for (customer, id, row) in found {
            store.reserve_events(id.0 + u64::from(row.total));
            let ends = store.campaign_ends(&customer, id)?;
            if ends.total() < row.submitted || row.has_more() {
                let left = row.submitted - waiting(store, &customer, id, row.next)?;
                let mut tally = Tally::new(&customer, id, &row);
                (tally.left, tally.ends) = (left, ends);
                campaigns.tallies.lock().insert(id, tally);
            }
            if row.has_more() && row.phase == Phase::Running {
                campaigns.sending.lock().insert(id, Sending { customer, pace: Pace::new(&row, now) });
            }
        }
        Ok(campaigns)
    }
}

impl Tally {
    fn new(customer: &str, id: CampaignId, row: &CampaignRecord) -> Tally {
        let (last, submitted) = (id.0 + u64::from(row.total), row.submitted);
        Tally { customer: customer.into(), last, submitted, left: 0, ends: Ends::default(), has_more: row.has_more() }
    }

    fn waiting(&self) -> usize {
        self.submitted.saturating_sub(self.left) as usize
    }

    fn is_over(&self) -> bool {
        !self.has_more && self.ends.total() >= self.submitted
    }
}

/// How many of its messages wait in a queue.
fn waiting(store: &Store, customer: &str, id: CampaignId, next: u32) -> io::Result<u32> {
    let mut waiting = 0;
    let (before, last) = (MessageId::accepted(id.0), id.0 + u64::from(next));
    store.each_tracked(Partition::of(customer), Some(before), |message, tracked| {
        let is_own = message.event <= last;
        waiting += u32::from(is_own && tracked.waits.is_some() && *tracked.customer == *customer);
        is_own
    })?;
    Ok(waiting)
}

// ---- begin, pause, resume, cancel ---------------------------------------------------------------

/// Begins a campaign: it is durable, with its list, when `done` is called. Each device is written to once.
pub fn begin(
    house: &House,
    customer: CustomerIndex,
    new: NewCampaign,
    now: Timestamp,
    done: CampaignDone,
) -> Result<Begun, NoCampaign> {
    let directory = house.directory();
    let customer = directory.customer_at(customer);
    let mut sending = house.campaigns.sending.lock();
    if let Some(once) = &new.once
        && let Some(record) = house.store.once(&customer.id, &once.key, now)?
    {
        if record.fingerprint != once.fingerprint {
            return Err(NoCampaign::OtherRequest);
        }
        house.store.amend(Vec::new(), Some(durable(done))).map_err(NotAccepted::from)?;
        return Ok(Begun::Again(record));
    }
    let mut known = BTreeSet::new();
    let devices: Vec<Box<str>> = new
        .devices
        .iter()
        .map(|device| Box::<str>::from(device.digits()))
        .filter(|digits| known.insert(digits.clone()))
        .collect();
    match devices.len() {
        0 => return Err(NoCampaign::Nobody),
        1..=DEVICES_MAX => {}
        _ => return Err(NoCampaign::TooLong),
    }
    make_room(house, customer)?;
    let row = CampaignRecord {
        campaign: new.campaign,
        phase: Phase::Running,
        total: devices.len() as u32,
        next: 0,
        submitted: 0,
        refused: BTreeMap::new(),
        created_at: now,
        changed_at: now,
    };
    let id = house.store.begin_campaign(&customer.id, &row, &devices, |_| new.once, durable(done))?;
    house.campaigns.tallies.lock().insert(id, Tally::new(&customer.id, id, &row));
    sending.insert(id, Sending { customer: (*customer.id).into(), pace: Pace::new(&row, now) });
    house.campaigns.changed.notify_all();
    tracing::info!(customer = &*customer.id, campaign = %id, devices = row.total, "a campaign begins");
    Ok(Begun::New(id))
}

fn durable(done: CampaignDone) -> Done {
    Box::new(move |result| done(result.map_err(|failed| NotAccepted::Failed(failed).into())))
}

/// Forgets the oldest that has ended, when there are as many as may be.
fn make_room(house: &House, customer: &Customer) -> Result<(), NoCampaign> {
    let mut all = Vec::new();
    house.store.campaigns(&customer.id, None, |id, row| {
        all.push((id, row.total));
        true
    })?;
    if all.len() < CAMPAIGNS_MAX {
        return Ok(());
    }
    let (oldest, total) = {
        let tallies = house.campaigns.tallies.lock();
        all.into_iter().rev().find(|(id, _)| !tallies.contains_key(id)).ok_or(NoCampaign::TooMany)?
    };
    let forget = |change| Change::OfCampaign((*customer.id).into(), oldest, change);
    let pieces = (0..total.div_ceil(PIECE)).map(OfCampaign::Addressed);
    let changes = pieces.chain([OfCampaign::Forget, OfCampaign::ForgetEnds]).map(forget);
    house.store.amend(changes.collect(), None).map_err(NotAccepted::from)?;
    Ok(())
}

/// Pauses a campaign, lets it go on, or cancels it together with its messages that wait. The same again changes
/// nothing. `done` is called when all is durable.
pub fn change_phase(
    house: &House,
    (customer, id): (CustomerIndex, CampaignId),
    phase: Phase,
    now: Timestamp,
    done: CampaignDone,
) -> Result<(), NoCampaign> {
    let directory = house.directory();
    let name = directory.customer_at(customer).id.clone();
    let mut sending = house.campaigns.sending.lock();
    let mut row = house.store.campaign(&name, id)?.ok_or(NoCampaign::NotFound)?;
    let is_cancelled = row.phase == Phase::Cancelled;
    let is_over = is_cancelled || !house.campaigns.tallies.lock().contains_key(&id);
    if is_over && !(is_cancelled && phase == Phase::Cancelled) {
        return Err(NoCampaign::Over);
    }
    let mut changes = Vec::new();
    if row.phase != phase {
        (row.phase, row.changed_at) = (phase, now);
        sending.remove(&id);
        if phase == Phase::Running && row.has_more() {
            sending.insert(id, Sending { customer: (*name).into(), pace: Pace::new(&row, now) });
            house.campaigns.changed.notify_all();
        }
        if phase == Phase::Cancelled {
            house.campaigns.close(id);
        }
        changes.push(OfCampaign::Put(Box::new(row.clone())));
    }
    let changes = changes.into_iter().map(|change| Change::OfCampaign((*name).into(), id, change)).collect();
    if phase != Phase::Cancelled {
        house.store.amend(changes, Some(durable(done))).map_err(NotAccepted::from)?;
        return Ok(());
    }
    house.store.amend(changes, None).map_err(NotAccepted::from)?;
    drop(sending);
    cancel_waiting(house, (customer, id), row.next, now, done)
}

fn cancel_waiting(
    house: &House,
    (customer, id): (CustomerIndex, CampaignId),
    next: u32,
    now: Timestamp,
    done: CampaignDone,
) -> Result<(), NoCampaign> {
    let ids: Vec<MessageId> = (0..next).map(|index| id.message(index)).collect();
    let store = house.store.clone();
    let told = move |result| match result {
        // None of them waits any more; what was written before may not be durable yet.
        Err(NotDone::TooLate | NotDone::NoSuchMessage) => {
            if let Err(failed) = store.amend(Vec::new(), Some(durable(done))) {
                tracing::error!("a request stays without an answer: {failed}");
            }
        }
        Ok(()) => done(Ok(())),
        Err(NotDone::Refused(reject)) => done(Err(NoCampaign::Unreadable(reject.to_string()))),
    };
    cancel_these(house, Origin::Customer(customer), &ids, now, NotDone::TooLate, told);
    Ok(())
}

// ---- the messages -------------------------------------------------------------------------------

/// Makes the messages that are due now. Yields when there is more to do; None: when something changes.
pub fn drive(house: &Arc<House>, now: Timestamp) -> Option<Timestamp> {
    let ids: Vec<CampaignId> = house.campaigns.sending.lock().keys().copied().collect();
    let mut next: Option<Timestamp> = None;
    for id in ids {
        // One step each, so that a long campaign keeps nobody waiting: not the others, not who pauses one.
        let at = match step(house, id, now) {
            Ok(at) => at,
            Err(error) => {
                tracing::error!(campaign = %id, "it cannot go on now: {error}");
                Some(now.plus_ms(LOOK_AGAIN_MS))
            }
        };
        next = [next, at].into_iter().flatten().min();
    }
    next
}

/// What one step is made of.
struct Step {
    customer: CustomerIndex,
    id: CampaignId,
    row: CampaignRecord,
    devices: Vec<Address>,
}

fn step(house: &Arc<House>, id: CampaignId, now: Timestamp) -> io::Result<Option<Timestamp>> {
    let mut sending = house.campaigns.sending.lock();
    let Some(Sending { customer: name, pace }) = sending.get_mut(&id) else { return Ok(None) };
    let directory = house.directory();
    let Some(customer) = directory.customer_named(name) else {
        return Ok(None); // it goes on when its customer is back, and the server was started again
    };
    let Some(row) = house.store.campaign(name, id)? else { return Ok(None) };
    let room = directory.customer_at(customer).queue_max.saturating_sub(house.campaigns.waiting(id));
    let due = pace.due(row.next, now).min(row.total - row.next);
    if due == 0 {
        return Ok(Some(pace.at(row.next)));
    }
    let count = due.min(STEP).min(PIECE - row.next % PIECE).min(u32::try_from(room).unwrap_or(u32::MAX));
    if count == 0 {
        return Ok(Some(now.plus_ms(LOOK_AGAIN_MS)));
    }
    let from = (row.next % PIECE) as usize;
    let list = house.store.addressees(name, id, row.next / PIECE)?;
    let devices = list.into_iter().skip(from).take(count as usize).map(Address::Msisdn).collect();
    let total = row.total;
    let Some(Stepped { next, later }) = submit(house, Step { customer, id, row, devices }, now) else {
        return Ok(Some(now.plus_ms(LOOK_AGAIN_MS)));
    };
    let (at, has_more) = (pace.at(next).max(later.unwrap_or(now)), next < total);
    if !has_more {
        sending.remove(&id);
        house.campaigns.close(id);
        tracing::info!(campaign = %id, "all its messages are on their way");
    }
    Ok(has_more.then_some(at))
}

/// How far a campaign is.
struct Stepped {
    next: u32,
    /// Its customer has used up what it may send until then.
    later: Option<Timestamp>,
}

/// One batch: messages, and how far the campaign is with them. None: nothing of it, since the store has no room now.
fn submit(house: &Arc<House>, step: Step, now: Timestamp) -> Option<Stepped> {
    let Step { customer, id, mut row, devices } = step;
    let (first, mut later) = (row.next, None);
    let (mut list, mut also) = (Vec::with_capacity(devices.len()), Also::default());
    for device in devices {
        let campaign = &row.campaign;
        let mut submission = Submission::plain(campaign.message(device, now));
        submission.expires = campaign.validity_ms.map(|validity_ms| now.plus_ms(validity_ms));
        submission.registered_delivery = campaign.registered_delivery;
        submission.tag = campaign.tag.clone();
        match admit(house, Origin::Customer(customer), submission, &mut also, now) {
            Ok(Admitted::Whole(new, _)) => {
                list.push(new);
                also.numbers.push(id.message(row.next).event);
                row.submitted += 1;
            }
            Ok(_) => *row.refused.entry("refused".into()).or_default() += 1,
            Err(reject) => {
                later = room_at(&reject);
                if later.is_some() {
                    break;
                }
                *row.refused.entry(reason(&reject).into()).or_default() += 1;
            }
        }
        row.next += 1;
    }
    let name = house.directory().customer_at(customer).id.clone();
    let (submitted, stepped) = (list.len() as u32, Stepped { next: row.next, later });
    if row.next == first {
        return Some(stepped);
    }
    // Whoever was refused has no message that tells whom: then the list stays as long as the campaign.
    if row.refused.is_empty() && (row.next.is_multiple_of(PIECE) || row.next == row.total) {
        let used = OfCampaign::Addressed((row.next - 1) / PIECE);
        also.changes.push(Change::OfCampaign((*name).into(), id, used));
    }
    also.changes.push(Change::OfCampaign((*name).into(), id, OfCampaign::Put(Box::new(row))));
    if list.is_empty() {
        return house.store.amend(also.changes, None).is_ok().then_some(stepped);
    }
    // Counted first: a message may come to its end before this returns.
    house.campaigns.submitted(id, i64::from(submitted));
    let ids = store_messages(house, list, Vec::new(), also, now, |_| {});
    if ids.is_empty() {
        house.campaigns.submitted(id, -i64::from(submitted));
    }
    (!ids.is_empty()).then_some(stepped)
}

impl Campaigns {
    fn waiting(&self, id: CampaignId) -> usize {
        self.tallies.lock().get(&id).map_or(0, Tally::waiting)
    }

    fn submitted(&self, id: CampaignId, more: i64) {
        if let Some(tally) = self.tallies.lock().get_mut(&id) {
            tally.submitted = tally.submitted.saturating_add_signed(more as i32);
        }
    }

    /// No message follows.
    fn close(&self, id: CampaignId) {
        let mut tallies = self.tallies.lock();
        if let Some(tally) = tallies.get_mut(&id) {
            tally.has_more = false;
            if tally.is_over() {
                tallies.remove(&id);
            }
        }
    }
}

impl House {
    /// A tracked message has changed: what its campaign says of that, in the same batch. Called once for its leaving its
    /// queue, and once for its end, under the lock `tracking`.
    pub(super) fn of_campaign(&self, id: MessageId, tracked: &Tracked, left: Left) -> Option<Change> {
        let mut tallies = self.campaigns.tallies.lock();
        let before = CampaignId(id.event.checked_sub(1)?);
        let (campaign, tally) = tallies.range_mut(..=before).next_back()?;
        let campaign = *campaign;
        if id.index != 0 || id.event > tally.last || tally.customer != tracked.customer {
            return None;
        }
        tally.left += u32::from(left == Left::Now);
        if !tracked.is_final() {
            return None;
        }
        tally.ends.count(tracked.state());
        let change = Change::OfCampaign(tally.customer.clone(), campaign, OfCampaign::Ends(tally.ends.clone()));
        if tally.is_over() {
            tallies.remove(&campaign);
        }
        Some(change)
    }

    /// Waits until a campaign begins or goes on, at most this long.
    pub fn wait_for_campaigns(&self, at_most: Duration) {
        let mut sending = self.campaigns.sending.lock();
        self.campaigns.changed.wait_for(&mut sending, at_most);
    }

    /// Wakes whoever drives them, to see that the house closes.
    pub fn wake_campaigns(&self) {
        self.campaigns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
