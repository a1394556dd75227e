//! The commit log on disk: what makes "accepted" mean "kept".
//!
//! ```text
//! log/<number>.log    segment: <magic 8> <first sequence u64>, then frames
//! frame               <length u32> <crc32 u32> <sequence u64> <group>      crc over sequence and group
//! ```
//! Sequences count groups without a gap, across segments. A segment is allocated ahead and old ones are
//! used again, since syncing octets whose place on disk is settled costs half (docs/PERFORMANCE.md). What
//! follows the last frame is therefore old frames or zeros: reading stops where checksum or sequence do
//! not fit. A group may be torn only at the very end of the log, where nobody has been told of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::backend::Log;

const MAGIC: &[u8; 8] = b"wasmsc-1";
const HEADER_OCTETS: u64 = 16;
const FRAME_OCTETS: usize = 16;
/// Allocated ahead for a segment; longer ones grow. Large enough that a checkpoint, which comes with each
/// segment, costs little; small enough that a restart reads it in well under a second.
pub const SEGMENT_OCTETS: u64 = 32 << 20;

pub struct CommitLog {
    directory: PathBuf,
    file: File,
    number: u64,
    offset: u64,
    next_sequence: u64,
    frame: Vec<u8>,
}

impl CommitLog {
    /// Opens the log in `directory` and yields every group in it. Starts a new segment after them.
    pub fn open(directory: &Path) -> io::Result<(CommitLog, Vec<Bytes>)> {
        std::fs::create_dir_all(directory)?;
        let mut groups = Vec::new();
        let mut next_sequence = None;
        let numbers = segments(directory)?;
        for number in &numbers {
            let segment = std::fs::read(path(directory, *number))?;
            next_sequence = read_segment(&Bytes::from(segment), next_sequence, &mut groups)
                .map_err(|what| io::Error::other(format!("{}: {what}", path(directory, *number).display())))?;
        }
        let number = numbers.last().map_or(1, |last| last + 1);
        let next_sequence = next_sequence.unwrap_or(1);
        let file = create(directory, number, next_sequence, None)?;
        let log = CommitLog {
            directory: directory.into(),
            file,
            number,
            offset: HEADER_OCTETS,
            next_sequence,
            frame: Vec::new(),
        };
        Ok((log, groups))
    }
}

/// Copies what is in the log of a store that may be writing to it: every group that was durable when this began, and
/// maybe later ones. Nobody discards segments meanwhile; see [`Store::backup`](super::Store::backup).
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut next_sequence = None;
    for number in segments(from)? {
        let segment = Bytes::from(std::fs::read(path(from, number))?);
        let mut groups = Vec::new();
        next_sequence = read_segment(&segment, next_sequence, &mut groups).map_err(io::Error::other)?;
        // Without what was allocated ahead, and without a group that is just being written.
        let octets = HEADER_OCTETS as usize + groups.iter().map(|group| FRAME_OCTETS + group.len()).sum::<usize>();
        let mut copy = File::create(path(to, number))?;
        copy.write_all(&segment[..octets])?;
        copy.sync_all()?;
    }
    sync_directory(to)
}

impl Log for CommitLog {
    fn append_synced(&mut self, group: &[u8]) -> io::Result<()> {
        self.frame.clear();
        self.frame.extend_from_slice(&(group.len() as u32).to_be_bytes());
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.extend_from_slice(&self.next_sequence.to_be_bytes());
        self.frame.extend_from_slice(group);
        let crc = crc32fast::hash(&self.frame[8..]);
        self.frame[4..8].copy_from_slice(&crc.to_be_bytes());
        self.file.write_all_at(&self.frame, self.offset)?;
        sync(&self.file)?;
        self.offset += self.frame.len() as u64;
        self.next_sequence += 1;
        Ok(())
    }

    fn segment_octets(&self) -> u64 {
        self.offset
    }

    fn rotate(&mut self) -> io::Result<()> {
        // The oldest segment that a checkpoint has freed is used again; see `discard_old`.
        let spare = self.directory.join(SPARE);
        let spare = spare.exists().then_some(spare);
        self.file = create(&self.directory, self.number + 1, self.next_sequence, spare.as_deref())?;
        self.number += 1;
        self.offset = HEADER_OCTETS;
        Ok(())
    }

    fn discard_old(&mut self) -> io::Result<()> {
        for number in segments(&self.directory)?.into_iter().filter(|n| *n < self.number) {
            let old = path(&self.directory, number);
            if std::fs::metadata(&old)?.len() == SEGMENT_OCTETS {
                std::fs::rename(&old, self.directory.join(SPARE))?;
            } else {
                std::fs::remove_file(&old)?;
            }
        }
        sync_directory(&self.directory)
    }
}

/// Name of a segment that waits to be used again.
const SPARE: &str = "spare";

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016x}.log"))
}

fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|n| n.strip_suffix(".log")).and_then(|n| u64::from_str_radix(n, 16).ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn create(directory: &Path, number: u64, first_sequence: u64, spare: Option<&Path>) -> io::Result<File> {
    let path = path(directory, number);
    // The header goes in before the name: a segment with a name always says where it begins.
    let unnamed = match spare {
        Some(spare) => spare.to_owned(),
        None => directory.join("new"),
    };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&unnamed)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, SEGMENT_OCTETS).or_else(not_supported)?;
    file.write_all_at(&[&MAGIC[..], &first_sequence.to_be_bytes()].concat(), 0)?;
    // An old frame that happens to stand right behind the header has an old sequence and is not taken up.
    file.sync_all()?;
    std::fs::rename(&unnamed, &path)?;
    sync_directory(directory)?;
    Ok(file)
}

/// A file system without fallocate only makes the log a little slower.
fn not_supported(error: rustix::io::Errno) -> io::Result<()> {
    match error {
        rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL => Ok(()),
        other => Err(other.into()),
    }
}

fn sync(file: &File) -> io::Result<()> {
    #[cfg(feature = "bench")]
    if crate::bench_switch::sync_is_off() {
        return Ok(());
    }
    file.sync_data()
}

pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Reads the frames of one segment; returns the sequence that comes next.
fn read_segment(segment: &Bytes, expected: Option<u64>, groups: &mut Vec<Bytes>) -> Result<Option<u64>, String> {
    let header = segment.get(..HEADER_OCTETS as usize).ok_or("shorter than a segment header")?;
    if &header[..8] != MAGIC {
        return Err("not a commit log of this version (wrong magic)".into());
    }
    let mut sequence = be64(&header[8..]);
    if expected.is_some_and(|expected| expected != sequence) {
        return Err(format!(
            "begins with group {sequence}, but the log before it ends with group {}: groups are missing, refusing to \
             guess; restore the data directory from a backup",
            expected.unwrap_or_default() - 1
        ));
    }
    let mut offset = HEADER_OCTETS as usize;
    while let Some(group) = read_frame(segment, offset, sequence) {
        offset += FRAME_OCTETS + group.len();
        sequence += 1;
        groups.push(group);
    }
    Ok(Some(sequence))
}

fn read_frame(segment: &Bytes, offset: usize, sequence: u64) -> Option<Bytes> {
    let header = segment.get(offset..offset + FRAME_OCTETS)?;
    let length = u32::from_be_bytes(header[..4].try_into().ok()?) as usize;
    let crc = u32::from_be_bytes(header[4..8].try_into().ok()?);
    let end = offset.checked_add(FRAME_OCTETS)?.checked_add(length)?;
    let checked = segment.get(offset + 8..end)?;
    (be64(&header[8..]) == sequence && crc32fast::hash(checked) == crc)
        .then(|| segment.slice(offset + FRAME_OCTETS..end))
}

fn be64(octets: &[u8]) -> u64 {
    octets.iter().take(8).fold(0, |value, octet| value << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(groups: &[Bytes]) -> Vec<String> {
        groups.iter().map(|g| String::from_utf8_lossy(g).into_owned()).collect()
    }

    #[test]
    fn groups_survive_reopening_and_rotation_in_order() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (mut log, groups) = CommitLog::open(dir.path()).expect("opens");
        assert!(groups.is_empty());
        log.append_synced(b"one").expect("appends");
        log.rotate().expect("rotates");
        log.append_synced(b"two").expect("appends");
        drop(log);
        let (mut log, groups) = CommitLog::open(dir.path()).expect("opens");
        assert_eq!(strings(&groups), ["one", "two"]);
        log.append_synced(b"three").expect("appends");
        drop(log);
        let (_, groups) = CommitLog::open(dir.path()).expect("opens");
        assert_eq!(strings(&groups), ["one", "two", "three"]);
    }

    #[test]
    fn a_reused_segment_never_brings_back_its_old_groups() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (mut log, _) = CommitLog::open(dir.path()).expect("opens");
        log.append_synced(b"old1").expect("appends");
        log.append_synced(b"old2").expect("appends");
        log.rotate().expect("rotates");
        log.discard_old().expect("discards");
        log.rotate().expect("rotates into the spare segment");
        assert!(!dir.path().join(SPARE).exists(), "the spare was used");
        log.discard_old().expect("discards");
        log.append_synced(b"new1").expect("appends");
        drop(log);
        let (_, groups) = CommitLog::open(dir.path()).expect("opens");
        assert_eq!(strings(&groups), ["new1"]);
    }

    #[test]
    fn a_torn_last_group_is_dropped_whole_and_the_ones_before_are_kept() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (mut log, _) = CommitLog::open(dir.path()).expect("opens");
        log.append_synced(b"kept").expect("appends");
        let end = log.offset;
        log.append_synced(b"torn apart").expect("appends");
        log.file.write_all_at(b"X", end + FRAME_OCTETS as u64 + 3).expect("writes");
        drop(log);
        let (_, groups) = CommitLog::open(dir.path()).expect("opens");
        assert_eq!(strings(&groups), ["kept"]);
    }

    #[test]
    fn a_hole_between_segments_is_refused_with_words() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (mut log, _) = CommitLog::open(dir.path()).expect("opens");
        for _ in 0..2 {
            log.append_synced(b"group").expect("appends");
            log.rotate().expect("rotates");
        }
        log.append_synced(b"group").expect("appends");
        drop(log);
        std::fs::remove_file(path(dir.path(), 2)).expect("removes");
        let error = CommitLog::open(dir.path()).err().expect("refused").to_string();
        assert!(error.contains("groups are missing"), "{error}");
    }
}
