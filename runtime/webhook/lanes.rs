//! Which events of a webhook wait for which: those of one device come one after the other. Pure.

use std::collections::{HashMap, VecDeque};

use crate::feed::EventId;
use crate::message::Timestamp;

/// An event that waits, of those of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: EventId,
    /// Not before this, and not before those before it.
    pub due: Timestamp,
}

#[derive(Default)]
pub struct Lanes {
    /// None of them is empty.
    lanes: HashMap<Box<str>, VecDeque<Waiting>>,
    count: usize,
}

impl Lanes {
    /// Something of this lane waits already.
    pub fn holds(&self, lane: &str) -> bool {
        self.lanes.contains_key(lane)
    }

    /// In the order of their ids.
    pub fn push(&mut self, lane: &str, waiting: Waiting) {
        self.count += 1;
        match self.lanes.get_mut(lane) {
            Some(all) => all.push_back(waiting),
            None => drop(self.lanes.insert(lane.into(), VecDeque::from([waiting]))),
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// The first of each lane that is due.
    pub fn due(&self, now: Timestamp, limit: usize) -> Vec<(Box<str>, EventId)> {
        let first = self.lanes.iter().filter_map(|(lane, all)| Some((lane, all.front()?)));
        first.filter(|(_, first)| first.due <= now).take(limit).map(|(lane, first)| (lane.clone(), first.id)).collect()
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.lanes.values().filter_map(|all| all.front()).map(|first| first.due).min()
    }

    /// The first of the lane waits no more.
    pub fn done(&mut self, lane: &str) {
        let Some(all) = self.lanes.get_mut(lane) else { return };
        self.count -= usize::from(all.pop_front().is_some());
        if all.is_empty() {
            self.lanes.remove(lane);
        }
    }

    /// The first of the lane, and all behind it, wait on.
    pub fn again(&mut self, lane: &str, due: Timestamp) {
        if let Some(first) = self.lanes.get_mut(lane).and_then(VecDeque::front_mut) {
            first.due = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    #[test]
    fn an_event_holds_up_those_of_its_device_and_no_others() {
        let mut lanes = Lanes::default();
        for (lane, id) in [("a", 1), ("b", 2), ("a", 3), ("a", 4)] {
            lanes.push(lane, Waiting { id: EventId(id), due: NOW });
        }
        let due = |lanes: &Lanes, at| {
            let mut ids: Vec<u64> = lanes.due(at, 10).into_iter().map(|(_, id)| id.0).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(due(&lanes, NOW), [1, 2]);
        lanes.again("a", NOW.plus_ms(500));
        assert_eq!((due(&lanes, NOW), lanes.next_due()), (vec![2], Some(NOW)));
        lanes.done("b");
        assert!(!lanes.holds("b") && lanes.holds("a"));
        assert_eq!((due(&lanes, NOW), lanes.next_due()), (vec![], Some(NOW.plus_ms(500))));
        assert_eq!(due(&lanes, NOW.plus_ms(500)), [1]);
        for left in [2, 1, 0] {
            lanes.done("a");
            assert_eq!(lanes.len(), left);
        }
        assert_eq!((lanes.next_due(), lanes.holds("a")), (None, false));
    }
}
