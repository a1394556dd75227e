//! What the peer knows: each MO it sent, each answer, each MT it got. Lives through every crash.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule;

#[derive(Default)]
pub struct Ledger {
    pub next_number: u64,
    /// Numbers whose submit_sm got ESME_ROK, with device and message id.
    accepted: BTreeMap<u64, (u64, String)>,
    /// MTs by message id: (text, device).
    received: BTreeMap<String, (String, u64)>,
    /// Message ids that we answered with ESME_ROK.
    taken: BTreeSet<String>,
    /// Message ids whose ESME_ROK the house has seen in this life: they must not come again.
    pub settled: BTreeSet<String>,
    pub refused_full: usize,
    /// Responses to garbage: sequence_number and how many came.
    pub nacked: BTreeMap<u32, usize>,
}

impl Ledger {
    pub fn accepted(&mut self, number: u64, device: u64, id: String) {
        let before = self.accepted.insert(number, (device, id));
        assert!(before.is_none(), "MO {number} was acknowledged twice");
    }

    pub fn received(&mut self, id: String, text: String, device: u64) {
        assert!(!self.settled.contains(&id), "{id} was sent again though its response had arrived");
        let (known, known_device) = self.received.entry(id.clone()).or_insert((text.clone(), device));
        assert_eq!(
            (known.as_str(), *known_device),
            (text.as_str(), device),
            "message id {id} names two different messages"
        );
    }

    pub fn taken(&mut self, id: String) {
        self.taken.insert(id);
    }

    /// Ids of all messages that a peer heard of.
    pub fn known(&self) -> impl Iterator<Item = &String> {
        self.accepted.values().map(|(_, id)| id).chain(&self.taken)
    }

    pub fn answered(&self) -> usize {
        self.taken.len()
    }

    /// Promises 1, 2 and 4, once everything has settled. `dead`: numbers in the dead letters.
    /// `counters`: the state that each device ended with.
    pub fn check(&self, dead: &BTreeSet<u64>, counters: &BTreeMap<u64, u64>, context: &str) {
        // number -> (event part of the ids, device, count, indexes)
        let mut seen: BTreeMap<u64, (String, u64, u64, BTreeSet<u16>)> = BTreeMap::new();
        for (id, (text, device)) in &self.received {
            let parts: Vec<u64> = text.split(' ').map(|part| part.parse().expect("our own text")).collect();
            let [number, count, index] = parts[..] else { panic!("{text}") };
            let event = id[..16].to_owned();
            let entry = seen.entry(number).or_insert_with(|| (event.clone(), *device, count, BTreeSet::new()));
            assert_eq!((&entry.0, entry.1, entry.2), (&event, *device, count), "{context}: MO {number} ran twice");
            assert!(entry.3.insert(index as u16), "{context}: MO {number} sent reply {index} under two ids");
        }
        for (number, (device, id)) in &self.accepted {
            let fate = rule::fate(*number);
            let want = rule::replies(fate);
            let got = seen.get(number).map_or(0, |entry| entry.3.len() as u16);
            assert_eq!(got, want, "{context}: MO {number} ({fate:?}, {id}) of device {device} got {got} replies");
            let is_dead = matches!(fate, rule::Fate::Poison | rule::Fate::Rejected);
            assert_eq!(dead.contains(number), is_dead, "{context}: MO {number} ({fate:?}) and the dead letters");
        }
        self.check_order(&seen, counters, context);
    }

    /// Counts of a device rise with the order of acceptance, and none is used twice.
    fn check_order(
        &self,
        seen: &BTreeMap<u64, (String, u64, u64, BTreeSet<u16>)>,
        counters: &BTreeMap<u64, u64>,
        context: &str,
    ) {
        let mut by_device: BTreeMap<u64, Vec<(&str, u64)>> = BTreeMap::new();
        for (event, device, count, _) in seen.values() {
            by_device.entry(*device).or_default().push((event, *count));
        }
        for (device, mut runs) in by_device {
            runs.sort_unstable();
            let counts: Vec<u64> = runs.iter().map(|(_, count)| *count).collect();
            assert!(counts.is_sorted_by(|a, b| a < b), "{context}: device {device} out of order: {counts:?}");
            // Silent MOs count too, so that counts may have gaps, but none beyond the state.
            assert!(counts.last() <= counters.get(&device), "{context}: device {device}: state was lost");
        }
    }
}
