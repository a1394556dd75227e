//! A group: the changes of many batches that become durable together, as octets.
//!
//! ```text
//! op     <kind u8> <key length u16> <key> [<value length u32> <value>]     kind 0 delete, 1 put
//! ```
//! Integers are big-endian. A group is written and read whole (the log's checksum sees to that), so the
//! batches in it are atomic.

use bytes::{Buf, Bytes};

use super::keys::Key;
use super::tables::Op;

const DELETE: u8 = 0;
const PUT: u8 = 1;

/// A group in the log that does not follow the format, though its checksum is right.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a group in the commit log is malformed at octet {0}")]
pub struct MalformedGroup(usize);

pub fn write(op: &Op, out: &mut Vec<u8>) {
    let (kind, key, value) = match op {
        Op::Insert(key, value) | Op::Put(key, value) => (PUT, key, Some(value)),
        Op::Delete(key) => (DELETE, key, None),
        Op::Tell { .. } => unreachable!("it has its id by now"),
    };
    out.push(kind);
    out.extend_from_slice(&(key.len() as u16).to_be_bytes());
    out.extend_from_slice(key);
    if let Some(value) = value {
        out.extend_from_slice(&(value.len() as u32).to_be_bytes());
        out.extend_from_slice(value);
    }
}

/// Every insert comes back as a put: after a torn checkpoint its row may be in the base already.
pub fn read(group: &Bytes) -> Result<Vec<Op>, MalformedGroup> {
    let mut rest = group.clone();
    let mut ops = Vec::new();
    while rest.has_remaining() {
        let at = group.len() - rest.len();
        ops.push(read_op(&mut rest).ok_or(MalformedGroup(at))?);
    }
    Ok(ops)
}

fn read_op(rest: &mut Bytes) -> Option<Op> {
    let kind = rest.try_get_u8().ok()?;
    let length = rest.try_get_u16().ok()? as usize;
    let key: Key = take(rest, length)?.as_ref().into();
    match kind {
        DELETE => Some(Op::Delete(key)),
        PUT => {
            let length = rest.try_get_u32().ok()? as usize;
            Some(Op::Put(key, take(rest, length)?))
        }
        _ => None,
    }
}

fn take(rest: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= rest.len()).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_read_back_and_every_truncation_is_noticed() {
        let ops = [
            Op::Put((*b"k1").into(), Bytes::from_static(b"value")),
            Op::Delete((*b"k2").into()),
            Op::Put((*b"k3").into(), Bytes::new()),
        ];
        let mut group = Vec::new();
        let mut boundaries = vec![0];
        for op in &ops {
            write(op, &mut group);
            boundaries.push(group.len());
        }
        let group = Bytes::from(group);
        assert_eq!(read(&group), Ok(ops.to_vec()));
        for cut in (0..group.len()).filter(|cut| !boundaries.contains(cut)) {
            assert!(read(&group.slice(..cut)).is_err(), "cut at {cut}");
        }
    }
}
