//! Which messages are due: what delivery reads when memory does not hold all that wait. And who has something due.

use std::io;
use std::sync::Arc;

use super::keys::{self, Kind, OutboxKey, Partition};
use super::record;
use super::verbs::Queued;
use super::{Standing, Store};
use crate::message::{Class, Timestamp};

/// Messages that the store found to be due.
#[derive(Debug)]
pub struct Due {
    pub rows: Vec<Queued>,
    /// These are all, but for those whose [`Done`] is still to be called: no limit cut.
    pub is_complete: bool,
    /// With which partition the next look should begin.
    pub next: Partition,
}

/// Into how many shares the limits of one look are cut.
const SHARES: usize = 8;

impl Store {
    /// Which customers have rows of this kind, and when the first of each is due.
    pub fn first_due(&self, kind: Kind) -> io::Result<Vec<(Box<str>, Timestamp)>> {
        let mut first = Vec::new();
        for customer in self.names_of(kind)? {
            let (from, to) = keys::all_by_due(kind, &customer);
            let rows = self.inner.lock().tables.range(&from, &to, 1)?;
            let due_and_id = rows.first().and_then(|row| keys::due_and_id(&row.key));
            // Keys had no customer once.
            let (due, _) = due_and_id.filter(|_| !customer.is_empty()).ok_or_else(|| {
                io::Error::other(
                    "what is due was written by a wasmsc before its first release; its data cannot be read",
                )
            })?;
            first.push((customer, due));
        }
        Ok(first)
    }

    /// Messages of a queue and class that are due and durable: per partition, beginning with `first`, in the order
    /// of their due time. A partition gets a share of the limits only, so that the backlog of one customer does
    /// not keep the others waiting. Skips those that `is_known` names: the caller has them in hand already.
    /// Whoever asks holds back the `Done`s that hand messages out, or misses what they hand out meanwhile.
    pub fn due(
        &self,
        (queue, class): (&Arc<str>, Class),
        now: Timestamp,
        (first, limit, octets_max): (Partition, usize, usize),
        is_known: &dyn Fn(&OutboxKey) -> bool,
    ) -> io::Result<Due> {
        let mut due = Due { rows: Vec::new(), is_complete: true, next: first };
        let (mut left, mut octets_left) = (limit, octets_max);
        for partition in Partition::all_from(first) {
            if left == 0 || octets_left == 0 {
                due.is_complete = false;
                break;
            }
            let share = (left.min(limit.div_ceil(SHARES)), octets_left.min(octets_max.div_ceil(SHARES)));
            let (rows, octets) = self.due_in(partition, (queue, class), now, share, is_known, &mut due)?;
            (left, octets_left) = (left - rows, octets_left.saturating_sub(octets));
            due.next = partition.next();
        }
        Ok(due)
    }

    /// What one partition adds: so many rows of so many octets.
    fn due_in(
        &self,
        partition: Partition,
        (queue, class): (&Arc<str>, Class),
        now: Timestamp,
        (rows_max, octets_max): (usize, usize),
        is_known: &dyn Fn(&OutboxKey) -> bool,
        due: &mut Due,
    ) -> io::Result<(usize, usize)> {
        let (mut taken, mut octets) = (0, 0);
        let (from, to) = keys::outbox_range(partition, queue, class, now);
        self.each_row_while(from, &to, |row| {
            let Some(key) = OutboxKey::decode(&row.key, queue) else { return Ok(true) };
            if is_known(&key) {
                return Ok(true);
            }
            match self.standing(row.group) {
                Standing::Durable => {}
                // Its `Done` is still to come, and hands it out.
                Standing::Pending => return Ok(true),
                Standing::Speaking => {
                    due.is_complete = false;
                    return Ok(true);
                }
            }
            if taken == rows_max || octets >= octets_max {
                due.is_complete = false;
                return Ok(false);
            }
            match record::decode(&row.value) {
                Ok(record) => due.rows.push(Queued { key, record }),
                Err(error) => {
                    tracing::error!(message_id = %key.id, "a waiting message is passed over: {error}");
                    return Ok(true);
                }
            }
            (taken, octets) = (taken + 1, octets + row.value.len());
            Ok(true)
        })?;
        Ok((taken, octets))
    }

    /// The earliest due time in a queue that lies after `now`.
    pub fn next_due(&self, queue: &Arc<str>, now: Timestamp) -> io::Result<Option<Timestamp>> {
        let inner = self.inner.lock();
        let mut earliest: Option<Timestamp> = None;
        for (partition, class) in Partition::all().flat_map(|p| Class::all().map(move |c| (p, c))) {
            let (_, from) = keys::outbox_range(partition, queue, class, now);
            let (_, to) = keys::outbox_all(partition, queue, class);
            let rows = inner.tables.range(&from, &to, 1)?;
            let due = rows.first().and_then(|row| OutboxKey::decode(&row.key, queue)).map(|key| key.due);
            earliest = earliest.into_iter().chain(due).min();
        }
        Ok(earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryDisk;
    use super::super::tables::Op;
    use super::*;
    use crate::message::MessageId;

    const DUE: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn each_customer_with_something_due_is_found_with_its_first() {
        let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
        let key = |customer, ms| keys::by_due(Kind::Alarm, customer, DUE.plus_ms(ms), MessageId::accepted(ms));
        let keys = [key("acme", 2), key("acme", 1), key("beta", 3), key("acme2", 4)];
        store.submit(keys.map(|key| Op::Insert(key, b"x".to_vec().into())).into(), None).expect("takes it");
        let mut found = store.first_due(Kind::Alarm).expect("readable");
        found.sort();
        let expected = [("acme", 1), ("acme2", 4), ("beta", 3)].map(|(name, ms)| (name.into(), DUE.plus_ms(ms)));
        assert_eq!((found, store.first_due(Kind::HttpCall).expect("readable")), (expected.into(), Vec::new()));
    }

    #[test]
    fn rows_from_before_keys_had_customers_are_an_error_that_says_so() {
        for partition in [0, 5] {
            let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
            let (due, id) = (DUE.0.to_be_bytes(), MessageId::accepted(1).to_key());
            let (before, _) = keys::all(Partition(partition), Kind::Alarm);
            let key = [&*before, &due, &id].concat().into();
            store.submit(vec![Op::Insert(key, b"x".to_vec().into())], None).expect("takes it");
            let error = store.first_due(Kind::Alarm).expect_err("unreadable");
            assert!(error.to_string().contains("before its first release"), "{error}");
        }
    }
}
