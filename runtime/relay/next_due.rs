//! When the next of something is due, customer by customer: one whose turn cannot come holds up nobody else.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use crate::message::Timestamp;
use crate::store::Store;
use crate::store::keys::Kind;

#[derive(Default)]
pub struct NextDue {
    by_customer: HashMap<Arc<str>, Timestamp>,
    by_due: BTreeSet<(Timestamp, Arc<str>)>,
}

impl NextDue {
    /// As the store's rows of this kind say.
    pub fn recover(store: &Store, kind: Kind) -> io::Result<NextDue> {
        let mut next = NextDue::default();
        store.first_due(kind)?.iter().for_each(|(customer, due)| next.put(customer, Some(*due)));
        Ok(next)
    }

    pub fn of(&self, customer: &str) -> Option<Timestamp> {
        self.by_customer.get(customer).copied()
    }

    /// The first of all.
    pub fn first(&self) -> Option<Timestamp> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// Who has something due, whoever has waited longest first.
    pub fn due(&self, now: Timestamp) -> Vec<Arc<str>> {
        self.by_due.iter().take_while(|(due, _)| *due <= now).map(|(_, customer)| customer.clone()).collect()
    }

    pub fn put(&mut self, customer: &str, due: Option<Timestamp>) {
        let known = self.by_customer.remove_entry(customer).map(|(name, before)| {
            self.by_due.remove(&(before, name.clone()));
            name
        });
        if let Some(due) = due {
            let name = known.unwrap_or_else(|| customer.into());
            self.by_due.insert((due, name.clone()));
            self.by_customer.insert(name, due);
        }
    }

    /// Something of a customer is due then, if not earlier. Yields whether nothing of anybody is due before.
    pub fn bring_forward(&mut self, customer: &str, due: Timestamp) -> bool {
        if self.of(customer).is_some_and(|before| before <= due) {
            return false;
        }
        let is_first = self.first().is_none_or(|first| due < first);
        self.put(customer, Some(due));
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_longest_is_first() {
        let mut next = NextDue::default();
        let at = |customer: &str, due| (customer.to_owned(), Timestamp(due));
        let put = [at("a", 30), at("b", 20), at("c", 40), at("b", 50), at("c", 10)];
        let first = put.map(|(customer, due)| next.bring_forward(&customer, due));
        assert_eq!(first, [true, true, false, false, true]);
        assert_eq!((next.first(), next.of("b")), (Some(Timestamp(10)), Some(Timestamp(20))));
        let due =
            |next: &NextDue, now| next.due(Timestamp(now)).iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(due(&next, 29), ["c", "b"]);
        next.put("c", Some(Timestamp(25)));
        next.put("a", None);
        assert_eq!((due(&next, 99), next.of("a")), (vec!["b".to_owned(), "c".to_owned()], None));
    }
}
