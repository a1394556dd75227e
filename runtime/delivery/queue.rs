//! One queue in memory: what waits in it, and who may take it.
//!
//! No store, no time: [`super::Delivery`] fills the lanes and asks who is to be woken. A link is woken
//! only when it said that it has room and found nothing, and one at a time, so that a thousand binds of one
//! account cost no more than one.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::Bell;
use crate::message::{Class, Message, MessageId};
use crate::route::{Peer, PeerIndex};
use crate::store::Queued;

/// Messages of one class that wait in memory; the others wait in the store only.
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
    /// Rung when there is no link.
    unheard: Vec<Bell>,
}

/// The messages of one class.
#[derive(Default)]
struct Lane {
    hot: VecDeque<Queued>,
    octets: usize,
    /// The store may hold due messages that are not known here.
    behind: bool,
    /// Messages taken since the store was last looked at.
    taken: usize,
}

/// A link.
struct Member {
    bell: Bell,
    peer: PeerIndex,
    /// It had room and found nothing.
    hungry: bool,
    /// It takes some messages only, so that nobody waits for it.
    filtered: bool,
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
        let lanes = std::array::from_fn(|_| Lane { behind: true, taken: HOT_MAX, ..Lane::default() });
        Queue { lanes, known: HashSet::new(), members: Vec::new(), shares: Vec::new(), unheard: Vec::new() }
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
        }
        share.links += 1;
        self.members.push(Member { bell, peer: index, hungry: true, filtered: false });
        self.ring();
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
        self.ring();
    }

    pub fn put_back(&mut self, queued: Queued) {
        let lane = &mut self.lanes[usize::from(queued.key.class.0)];
        lane.octets += octets(&queued);
        lane.hot.push_front(queued);
    }

    pub fn set_paused(&mut self, peer: PeerIndex, paused: bool) {
        if let Some(share) = self.shares.iter_mut().find(|share| share.peer == peer) {
            share.paused = paused;
        }
        self.ring();
    }

    /// Adds a message behind the others of its class, or leaves it to the store.
    pub fn offer(&mut self, queued: Queued) {
        let lane = &mut self.lanes[usize::from(queued.key.class.0)];
        if lane.hot.len() >= HOT_MAX || lane.octets >= HOT_OCTETS_MAX {
            lane.behind = true;
        } else if self.known.insert(queued.key.id) {
            lane.octets += octets(&queued);
            lane.hot.push_back(queued);
        }
        self.ring();
    }

    /// Messages that the store found to be due.
    pub fn refilled(&mut self, class: Class, due: Vec<Queued>, is_complete: bool) {
        let lane = &mut self.lanes[usize::from(class.0)];
        lane.behind = !is_complete;
        self.known.extend(due.iter().map(|queued| queued.key.id));
        lane.octets += due.iter().map(octets).sum::<usize>();
        lane.hot.extend(due);
    }

    /// Whether the store is to be read now: it may have something, and this class has nothing in memory or has
    /// lived on it for long enough. What is in memory may be newer than the rest, so it is forgotten and read
    /// again in order; otherwise a backlog would wait for as long as new messages come.
    pub fn begin_refill(&mut self, class: Class) -> bool {
        let lane = &mut self.lanes[usize::from(class.0)];
        if !lane.behind || (lane.taken < HOT_MAX && !lane.hot.is_empty()) {
            return false;
        }
        for queued in lane.hot.drain(..) {
            self.known.remove(&queued.key.id);
        }
        (lane.octets, lane.taken) = (0, 0);
        true
    }

    /// The store is to be looked at again.
    pub fn look_again(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.behind = true);
        self.ring();
    }

    /// Whether another peer should have what waits: one of a better priority, or one that got less than its
    /// weight and is free.
    pub fn must_yield(&self, peer: PeerIndex) -> bool {
        let Some(own) = self.shares.iter().find(|share| share.peer == peer) else { return false };
        self.shares.iter().filter(|other| other.peer != peer && other.links > 0 && !other.paused).any(|other| {
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
        lane.taken = lane.taken.saturating_add(taken.len() - before);
    }

    /// What a link's visit means for the next wake-up: it took so many, and had room for more or not.
    pub fn visited(&mut self, bell: &Bell, took: usize, has_room: bool, is_filtered: bool) {
        let Some(member) = self.members.iter_mut().find(|m| Arc::ptr_eq(&m.bell, bell)) else { return };
        (member.hungry, member.filtered) = (has_room, is_filtered);
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
        let hungry = self.members.iter_mut().filter(|member| member.hungry);
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
        let lane = &mut self.lanes[usize::from(class.0)];
        match lane.hot.iter().position(|queued| queued.key.id == id) {
            Some(position) => {
                let withdrawn = lane.hot.remove(position);
                lane.octets -= withdrawn.iter().map(octets).sum::<usize>();
                true
            }
            None => self.known.insert(id),
        }
    }
}

fn octets(queued: &Queued) -> usize {
    queued.record.message.content.octets.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Content, Timestamp};
    use crate::store::OutboxRecord;
    use crate::store::keys::{OutboxKey, Partition};

    const CLASS: Class = Class::INBOUND;

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

    #[test]
    fn what_waits_in_the_store_at_the_start_goes_before_what_is_new() {
        let mut queue = Queue::default();
        queue.offer(queued(9));
        assert!(queue.begin_refill(CLASS));
        assert!(queue.known.is_empty(), "the store hands it out again, in its place");
        queue.refilled(CLASS, vec![queued(1), queued(9)], true);
        assert_eq!(take(&mut queue, 5), [1, 9]);
        assert!(!queue.begin_refill(CLASS));
    }

    #[test]
    fn a_backlog_gets_its_turn_though_new_messages_keep_coming() {
        let mut queue = Queue::default();
        assert!(queue.begin_refill(CLASS));
        let first = HOT_MAX as u64;
        queue.refilled(CLASS, (0..first).map(queued).collect(), false);
        for (new, round) in (1_000_000..).zip(0..first) {
            assert!(!queue.begin_refill(CLASS), "after {round} only");
            assert_eq!(take(&mut queue, 1), [round]);
            queue.offer(queued(new));
        }
        assert!(queue.begin_refill(CLASS), "older ones wait in the store");
        queue.refilled(CLASS, (first..2 * first).map(queued).collect(), false);
        assert_eq!(take(&mut queue, 1), [first]);
    }
}
