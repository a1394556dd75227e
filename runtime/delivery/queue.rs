//! One queue in memory: what waits in it, and who may take it.
//!
//! No store, no time: [`super::Delivery`] fills the lanes and asks who is to be woken. A link is woken
//! only when it said that it has room and found nothing, and one at a time, so that a thousand binds of one
//! account cost no more than one.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use super::Bell;
use crate::message::{Class, Message, MessageId, Timestamp};
use crate::route::{Peer, PeerIndex};
use crate::store::keys::Partition;
use crate::store::{Due, Queued};

/// Messages of one class that wait in memory; the others wait in the store only. Once one waits in the store
/// only, those that come after it do too, until memory is empty and the store is read: so the order stays.
pub const HOT_MAX: usize = 8_192;
/// As [`HOT_MAX`], in octets of text: long messages count for more.
pub const HOT_OCTETS_MAX: usize = 4 << 20;

/// What a peer of weight 1 is charged for one message; a heavier one less.
const CHARGE: u64 = 1 << 20;

/// Which messages a link takes; None: any.
pub type Filter<'f> = Option<&'f dyn Fn(&Message) -> bool>;

pub struct Queue {
    lanes: [Lane; Class::COUNT],
    /// Ids in a lane or in somebody's hands.
    pub known: HashSet<MessageId>,
    members: Vec<Member>,
    shares: Vec<Share>,
    /// Peers that take nothing until the operator says so: others do their work.
    held: BTreeSet<PeerIndex>,
    /// Rises with everything that may let a link take what it could not take before.
    version: u64,
    /// Rung when there is no link.
    unheard: Vec<Bell>,
}

/// The messages of one class.
struct Lane {
    hot: VecDeque<Queued>,
    octets: usize,
    /// The store may hold due messages that are not known here.
    behind: bool,
    /// With which partition the next look into the store begins.
    next: Partition,
    /// What is due by then is what the store may hold. A link's turn may have begun before.
    until: Timestamp,
}

impl Lane {
    /// Something that is due by then waits in the store only.
    fn leave_to_store(&mut self, due: Timestamp) {
        (self.behind, self.until) = (true, self.until.max(due));
    }
}

/// A link.
struct Member {
    bell: Bell,
    peer: PeerIndex,
    /// It had room and found nothing.
    hungry: bool,
    /// It takes some messages only, so that nobody waits for it.
    filtered: bool,
    /// The version at which it took nothing of what waits: to wake it again would be in vain.
    in_vain: Option<u64>,
}

/// A peer with links.
struct Share {
    peer: PeerIndex,
    priority: u32,
    weight: u32,
    links: usize,
    /// It asked for a pause, and others do its work.
    paused: bool,
    /// What its messages so far were charged.
    charged: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        // The first look comes before what is new: older messages may wait in the store.
        let lane =
            |_| Lane { hot: VecDeque::new(), octets: 0, behind: true, next: Partition(0), until: Timestamp::default() };
        let lanes = std::array::from_fn(lane);
        Queue {
            lanes,
            known: HashSet::new(),
            members: Vec::new(),
            shares: Vec::new(),
            held: BTreeSet::new(),
            version: 0,
            unheard: Vec::new(),
        }
    }
}

impl Queue {
    pub fn attach(&mut self, index: PeerIndex, peer: &Peer, bell: Bell) {
        let least = self.shares.iter().filter(|share| share.links > 0).map(|share| share.charged).min();
        let position = self.shares.iter().position(|share| share.peer == index).unwrap_or_else(|| {
            let (priority, weight) = (peer.priority, peer.weight);
            self.shares.push(Share { peer: index, priority, weight, links: 0, paused: false, charged: 0 });
            self.shares.len() - 1
        });
        let share = &mut self.shares[position];
        if share.links == 0 {
            // Whoever was away does not make up for it.
            share.charged = share.charged.max(least.unwrap_or(share.charged));
            // The pause was the old link's; a new one asks for its own.
            share.paused = false;
        }
        share.links += 1;
        self.members.push(Member { bell, peer: index, hungry: true, filtered: false, in_vain: None });
        self.changed();
    }

    /// Of all these links, those of these peers take from it now, and no others.
    pub fn serve<'p>(
        &mut self,
        links: &[(PeerIndex, Bell)],
        peers: &[PeerIndex],
        config: impl Fn(PeerIndex) -> &'p Arc<Peer>,
    ) {
        for share in self.shares.iter_mut().filter(|share| peers.contains(&share.peer)) {
            let peer = config(share.peer);
            (share.priority, share.weight) = (peer.priority, peer.weight);
        }
        for (peer, bell) in links {
            let is_member = self.members.iter().any(|member| Arc::ptr_eq(&member.bell, bell));
            match (is_member, peers.contains(peer)) {
                (false, true) => self.attach(*peer, config(*peer), bell.clone()),
                // What it has in hand is its own to settle.
                (true, false) => self.detach(bell, Vec::new()),
                _ => {}
            }
        }
        self.changed();
    }

    /// Everything that the link took and nobody answered for goes to the front again.
    pub fn detach(&mut self, bell: &Bell, unsettled: Vec<Queued>) {
        if let Some(position) = self.members.iter().position(|m| Arc::ptr_eq(&m.bell, bell)) {
            let member = self.members.swap_remove(position);
            if let Some(share) = self.shares.iter_mut().find(|share| share.peer == member.peer) {
                share.links -= 1;
            }
        }
        for queued in unsettled.into_iter().rev() {
            self.put_back(queued);
        }
        self.changed();
    }

    /// Something is different for those who could not take anything.
    fn changed(&mut self) {
        self.version += 1;
        self.ring();
    }

    pub fn put_back(&mut self, queued: Queued) {
        self.version += 1;
        let lane = &mut self.lanes[usize::from(queued.key.class.0)];
        lane.octets += octets(&queued);
        lane.hot.push_front(queued);
    }

    pub fn set_paused(&mut self, peer: PeerIndex, paused: bool) {
        if let Some(share) = self.shares.iter_mut().find(|share| share.peer == peer) {
            share.paused = paused;
        }
        self.changed();
    }

    /// What waits is for others while it is held.
    pub fn set_held(&mut self, peer: PeerIndex, held: bool) {
        let is_new = if held { self.held.insert(peer) } else { self.held.remove(&peer) };
        if is_new {
            self.changed();
        }
    }

    /// Adds a message behind the others of its class, or leaves it to the store.
    pub fn offer(&mut self, queued: Queued) {
        let lane = &mut self.lanes[usize::from(queued.key.class.0)];
        if lane.behind || lane.hot.len() >= HOT_MAX || lane.octets >= HOT_OCTETS_MAX {
            lane.leave_to_store(queued.key.due);
        } else if self.known.insert(queued.key.id) {
            lane.octets += octets(&queued);
            lane.hot.push_back(queued);
        }
        self.changed();
    }

    /// Messages that the store found to be due.
    pub fn refilled(&mut self, class: Class, due: Due) {
        self.version += 1;
        let lane = &mut self.lanes[usize::from(class.0)];
        (lane.behind, lane.next) = (!due.is_complete, due.next);
        if due.is_complete {
            lane.until = Timestamp::default();
        }
        self.known.extend(due.rows.iter().map(|queued| queued.key.id));
        lane.octets += due.rows.iter().map(octets).sum::<usize>();
        lane.hot.extend(due.rows);
    }

    /// With which partition to begin to read the store, and for what is due by when: it may have something, and this
    /// class has nothing in memory.
    pub fn wants_refill(&self, class: Class, now: Timestamp) -> Option<(Partition, Timestamp)> {
        let lane = &self.lanes[usize::from(class.0)];
        (lane.behind && lane.hot.is_empty()).then_some((lane.next, lane.until.max(now)))
    }

    /// The store is to be looked at again.
    pub fn look_again(&mut self, now: Timestamp) {
        self.lanes.iter_mut().for_each(|lane| lane.leave_to_store(now));
        self.changed();
    }

    /// What was withdrawn and did not change waits as before; the store knows where.
    pub fn give_back(&mut self, class: Class, id: MessageId, now: Timestamp) {
        self.known.remove(&id);
        self.lanes[usize::from(class.0)].leave_to_store(now);
        self.changed();
    }

    /// Whether another peer should have what waits: one of a better priority, or one that got less than its
    /// weight and is free.
    pub fn must_yield(&self, peer: PeerIndex) -> bool {
        let Some(own) = self.shares.iter().find(|share| share.peer == peer) else { return false };
        let takes = |other: &&Share| other.links > 0 && !other.paused && !self.held.contains(&other.peer);
        self.shares.iter().filter(|other| other.peer != peer).filter(takes).any(|other| {
            let is_free = || self.members.iter().any(|m| m.peer == other.peer && m.hungry && !m.filtered);
            other.priority < own.priority
                || (other.priority == own.priority && other.charged < own.charged && is_free())
        })
    }

    /// At most `count` messages of a class, in order.
    pub fn take(&mut self, class: Class, count: usize, filter: Filter<'_>, taken: &mut Vec<Queued>) {
        let lane = &mut self.lanes[usize::from(class.0)];
        let before = taken.len();
        match filter {
            None => taken.extend(lane.hot.drain(..count.min(lane.hot.len()))),
            Some(accepts) => {
                let mut at = 0;
                while at < lane.hot.len() && taken.len() - before < count {
                    if accepts(&lane.hot[at].record.message) {
                        taken.extend(lane.hot.remove(at));
                    } else {
                        at += 1;
                    }
                }
            }
        }
        lane.octets -= taken[before..].iter().map(octets).sum::<usize>();
    }

    /// What a link's visit means for the next wake-up: it took so many, and had room for more or not.
    pub fn visited(&mut self, bell: &Bell, took: usize, has_room: bool, is_filtered: bool) {
        // Who took something is charged for it, so that it may be another's turn.
        self.version += u64::from(took > 0);
        let Some(member) = self.members.iter_mut().find(|m| Arc::ptr_eq(&m.bell, bell)) else { return };
        (member.hungry, member.filtered) = (has_room, is_filtered);
        member.in_vain = (took == 0).then_some(self.version);
        let peer = member.peer;
        if let Some(share) = self.shares.iter_mut().find(|share| share.peer == peer) {
            share.charged += took as u64 * CHARGE / u64::from(share.weight);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.hot.is_empty() && !lane.behind)
    }

    /// Wakes one link that has room, of the peer whose turn it is.
    pub fn ring(&mut self) {
        if self.is_empty() {
            return;
        }
        if self.members.is_empty() {
            self.unheard.iter().for_each(|bell| bell.notify_one());
        }
        let shares = &self.shares;
        let rank = |peer: PeerIndex| {
            let share = shares.iter().find(|share| share.peer == peer);
            share.map_or((true, u32::MAX, u64::MAX), |share| (share.paused, share.priority, share.charged))
        };
        let version = self.version;
        let held = &self.held;
        let may = |member: &&mut Member| member.in_vain != Some(version) && !held.contains(&member.peer);
        let hungry = self.members.iter_mut().filter(|member| member.hungry).filter(may);
        if let Some(member) = hungry.min_by_key(|member| rank(member.peer)) {
            member.hungry = false;
            member.bell.notify_one();
        }
    }

    pub fn ring_when_unheard(&mut self, bell: Bell) {
        self.unheard.push(bell);
    }

    pub fn has_links(&self) -> bool {
        !self.members.is_empty()
    }

    /// Wakes a link of this peer, whatever waits.
    pub fn ring_one(&self, peer: PeerIndex) {
        if let Some(member) = self.members.iter().find(|member| member.peer == peer) {
            member.bell.notify_one();
        }
    }

    /// Wakes whoever has room but `bell`: what it left is for them.
    pub fn ring_others(&mut self, bell: &Bell) {
        let own = self.members.iter().position(|m| Arc::ptr_eq(&m.bell, bell) && m.hungry);
        if let Some(own) = own {
            self.members[own].hungry = false;
        }
        self.ring();
        if let Some(own) = own {
            self.members[own].hungry = true;
        }
    }

    /// Takes a message out of everybody's reach; false when a link has it in hand.
    pub fn withdraw(&mut self, class: Class, id: MessageId) -> bool {
        if self.known.insert(id) {
            return true; // the store has it only
        }
        let lane = &mut self.lanes[usize::from(class.0)];
        let position = lane.hot.iter().position(|queued| queued.key.id == id);
        let withdrawn = position.and_then(|position| lane.hot.remove(position));
        lane.octets -= withdrawn.iter().map(octets).sum::<usize>();
        withdrawn.is_some()
    }
}

fn octets(queued: &Queued) -> usize {
    queued.record.message.content.octets.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Content};
    use crate::store::OutboxRecord;
    use crate::store::keys::{OutboxKey, Partition};

    const CLASS: Class = Class::INBOUND;
    const NOW: Timestamp = Timestamp(3);

    fn queued(number: u64) -> Queued {
        let message = Message {
            source: Address::ShortCode("7001".into()),
            destination: Address::Msisdn("46700000001".into()),
            content: Content::default(),
            received_at: Timestamp(number),
        };
        let id = MessageId::accepted(number);
        let key = OutboxKey { partition: Partition(0), queue: "+46".into(), class: CLASS, due: Timestamp(number), id };
        Queued { key, record: OutboxRecord::untracked("acme", message, Timestamp(u64::MAX)) }
    }

    fn take(queue: &mut Queue, count: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        queue.take(CLASS, count, None, &mut taken);
        taken.iter().map(|queued| queued.key.due.0).collect()
    }

    fn directory() -> crate::route::Directory {
        let config = "data_dir = \"d\"\nsmpp = { listen = \"127.0.0.1:0\", system_id = \"x\" }\n\
                      account = [{ system_id = \"a\", password = \"\", role = \"network\", routes = [\"+46\"] }]";
        let config = crate::config::Config::parse(config, std::path::Path::new("t")).expect("valid");
        crate::route::Directory::new(&config)
    }

    fn due(numbers: impl IntoIterator<Item = u64>, is_complete: bool) -> Due {
        Due { rows: numbers.into_iter().map(queued).collect(), is_complete, next: Partition(5) }
    }

    fn wants(queue: &Queue) -> bool {
        queue.wants_refill(CLASS, NOW).is_some()
    }

    #[test]
    fn what_was_left_to_the_store_is_found_by_a_link_whose_turn_began_before() {
        let mut queue = Queue::default();
        let until = |queue: &Queue| queue.wants_refill(CLASS, NOW).map(|(_, until)| until);
        assert_eq!(until(&queue), Some(NOW));
        queue.offer(queued(9));
        assert_eq!(until(&queue), Some(Timestamp(9)));
        queue.refilled(CLASS, due([], false));
        assert_eq!(until(&queue), Some(Timestamp(9)), "not all was read");
        queue.refilled(CLASS, due([], true));
        queue.look_again(Timestamp(7));
        assert_eq!(until(&queue), Some(Timestamp(7)), "what is over does not count");
        queue.refilled(CLASS, due([], true));
        queue.give_back(CLASS, MessageId::accepted(9), Timestamp(8));
        assert_eq!(until(&queue), Some(Timestamp(8)));
    }

    #[test]
    fn what_waits_in_the_store_at_the_start_goes_before_what_is_new() {
        let mut queue = Queue::default();
        queue.offer(queued(9));
        assert!(wants(&queue));
        assert!(queue.known.is_empty(), "the store hands it out again, in its place");
        queue.refilled(CLASS, due([1, 9], true));
        assert_eq!(take(&mut queue, 5), [1, 9]);
        assert!(!wants(&queue));
        queue.offer(queued(10));
        assert_eq!(take(&mut queue, 5), [10]);
    }

    #[test]
    fn a_backlog_keeps_its_order_though_new_messages_keep_coming() {
        let mut queue = Queue::default();
        queue.refilled(CLASS, due(0..100, false));
        for (new, round) in (1_000_000..).zip(0..100) {
            assert!(!wants(&queue), "after {round} only");
            assert_eq!(take(&mut queue, 1), [round]);
            queue.offer(queued(new));
        }
        let first = queue.wants_refill(CLASS, NOW).map(|(first, _)| first);
        assert_eq!(first, Some(Partition(5)), "older ones wait in the store");
        queue.refilled(CLASS, due(100..200, false));
        assert_eq!(take(&mut queue, 1), [100]);
    }

    #[test]
    fn links_that_may_not_take_what_waits_do_not_wake_each_other_for_ever() {
        let mut queue = Queue::default();
        let directory = directory();
        let bells = [Bell::default(), Bell::default()];
        for bell in &bells {
            queue.attach(PeerIndex(0), directory.peer(PeerIndex(0)), bell.clone());
        }
        queue.refilled(CLASS, due([1], true));
        // Each comes, takes nothing, and passes it on: after one round nobody is rung any more.
        for (own, other) in [(0, 1), (1, 0)] {
            queue.visited(&bells[own], 0, true, true);
            queue.ring_others(&bells[own]);
            let rung = queue.members.iter().any(|m| Arc::ptr_eq(&m.bell, &bells[other]) && !m.hungry);
            assert_eq!(rung, own == 0);
        }
        queue.offer(queued(2));
        assert!(queue.members.iter().any(|m| !m.hungry), "something new is worth another look");
    }

    #[test]
    fn what_was_withdrawn_in_vain_is_read_again() {
        let mut queue = Queue::default();
        queue.refilled(CLASS, due([1], true));
        assert!(queue.withdraw(CLASS, MessageId::accepted(1)));
        assert!(!wants(&queue));
        queue.give_back(CLASS, MessageId::accepted(1), NOW);
        assert!(wants(&queue) && queue.known.is_empty());
    }

    #[test]
    fn a_pause_ends_with_its_last_link() {
        let mut queue = Queue::default();
        let directory = directory();
        let bell = Bell::default();
        queue.attach(PeerIndex(0), directory.peer(PeerIndex(0)), bell.clone());
        queue.set_paused(PeerIndex(0), true);
        queue.detach(&bell, Vec::new());
        queue.attach(PeerIndex(0), directory.peer(PeerIndex(0)), bell);
        assert!(!queue.shares[0].paused);
    }
}
