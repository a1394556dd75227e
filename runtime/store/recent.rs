//! Rows of the history that are in no run yet. They come by the hundred thousand and are seldom asked for, so they are packed one
//! behind the other as they come, and put in order when somebody asks, or at the checkpoint.

use bytes::Bytes;
use parking_lot::Mutex;

use super::retention::happened_ms;
use super::tables::Row;

/// Octets of keys and values in one piece; a longer row has one of its own.
const CHUNK_OCTETS: usize = 1 << 20;

#[derive(Default)]
pub struct Recent {
    chunks: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    oldest_ms: Option<u64>,
    /// Indices of entries by key: of the first so many, which were there when it was last asked for.
    sorted: Mutex<Vec<u32>>,
}

struct Entry {
    group: u64,
    chunk: u32,
    at: u32,
    value: u32,
    key: u16,
}

impl Recent {
    pub fn push(&mut self, key: &[u8], value: &[u8], group: u64) {
        let octets = key.len() + value.len();
        if self.chunks.last().is_none_or(|chunk| chunk.len() + octets > chunk.capacity()) {
            self.chunks.push(Vec::with_capacity(octets.max(CHUNK_OCTETS)));
        }
        let number = self.chunks.len() - 1;
        let chunk = &mut self.chunks[number];
        let (at, value_octets) = (chunk.len() as u32, value.len() as u32);
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value);
        self.oldest_ms = self.oldest_ms.into_iter().chain(happened_ms(key)).min();
        self.entries.push(Entry { group, chunk: number as u32, at, value: value_octets, key: key.len() as u16 });
    }

    /// When the oldest of what its rows tell happened.
    pub fn oldest_ms(&self) -> Option<u64> {
        self.oldest_ms
    }

    fn key(&self, index: u32) -> &[u8] {
        let entry = &self.entries[index as usize];
        let at = entry.at as usize;
        &self.chunks[entry.chunk as usize][at..at + usize::from(entry.key)]
    }

    fn value(&self, index: u32) -> &[u8] {
        let entry = &self.entries[index as usize];
        let at = entry.at as usize + usize::from(entry.key);
        &self.chunks[entry.chunk as usize][at..at + entry.value as usize]
    }

    /// Puts what came since the last time to its places among what is in order already: with a search for each, and each of
    /// the others moved once, as a page of a long search asks again and again.
    fn sort(&self, sorted: &mut Vec<u32>) {
        let mut new: Vec<u32> = (sorted.len() as u32..self.entries.len() as u32).collect();
        new.sort_by(|a, b| self.key(*a).cmp(self.key(*b)));
        let mut end = sorted.len();
        sorted.resize(self.entries.len(), 0);
        // Between `end` and `free` there is room for as many as are still to come.
        let mut free = sorted.len();
        for index in new.into_iter().rev() {
            let place = sorted[..end].partition_point(|other| self.key(*other) <= self.key(index));
            sorted.copy_within(place..end, free - (end - place));
            free -= end - place + 1;
            sorted[free] = index;
            end = place;
        }
    }

    /// At most `limit` rows with `from <= key < to`, in order.
    pub fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Vec<Row> {
        let mut sorted = self.sorted.lock();
        self.sort(&mut sorted);
        let first = sorted.partition_point(|index| self.key(*index) < from);
        let wanted = sorted[first..].iter().take_while(|index| self.key(**index) < to).take(limit);
        let row = |index: &u32| Row {
            key: self.key(*index).into(),
            value: Bytes::copy_from_slice(self.value(*index)),
            group: self.entries[*index as usize].group,
        };
        wanted.map(row).collect()
    }

    /// All rows in order.
    pub fn rows(&self) -> Vec<(&[u8], &[u8])> {
        let mut sorted = self.sorted.lock();
        self.sort(&mut sorted);
        sorted.iter().map(|index| (self.key(*index), self.value(*index))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_order_however_they_went_in_and_whenever_somebody_asks() {
        let mut recent = Recent::default();
        let name = |n: u32| format!("k{:05}", n * 7_919 % 10_007);
        let mut expected = Vec::new();
        for n in 0..10_000 {
            let value = "v".repeat(if n == 5_000 { 3 * CHUNK_OCTETS } else { n as usize % 300 });
            recent.push(name(n).as_bytes(), value.as_bytes(), u64::from(n));
            expected.push((name(n), value, u64::from(n)));
            if n % 1_000 < 3 {
                assert_eq!(recent.range(b"", b"z", 20_000).len(), n as usize + 1);
            }
        }
        expected.sort();
        let found = recent.range(b"k05000", b"k06000", 700);
        let wanted = expected.iter().filter(|(key, ..)| ("k05000".."k06000").contains(&&**key)).take(700);
        assert!(
            found.len() == 700
                && found.iter().zip(wanted).all(|(row, (key, value, group))| {
                    *row.key == *key.as_bytes() && row.value == value.as_bytes() && row.group == *group
                })
        );
        let all = recent.rows();
        assert!(
            all.iter().zip(&expected).all(|((key, value), (k, v, _))| *key == k.as_bytes() && *value == v.as_bytes())
        );
    }
}
