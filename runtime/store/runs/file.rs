//! One run: a file of sorted rows.
//!
//! ```text
//! block   { <key length u16> <value length u32> <key> <value> }*  <crc32 u32>       about 16 KiB each
//! index   { <key length u16> <first key of a block> <offset u64> <length u32> }*
//! end     <index offset u64> <written u64, ms since 1970> <oldest u64, alike> <crc32 of index and the three before u32> "wscrun02"
//! ```
//! Integers are big-endian. "wscrun01" had no `oldest`. Written beside its name, synced, and renamed: a file with the name is whole.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::{Buf as _, Bytes};
use parking_lot::Mutex;

use crate::store::keys::Key;
use crate::store::retention::happened_ms;

/// A block is closed when it is at least so long.
const BLOCK_OCTETS: usize = 16 << 10;
const MAGIC: &[u8; 8] = b"wscrun02";
const END_OCTETS: u64 = 36;
const OLD_MAGIC: &[u8; 8] = b"wscrun01";
const OLD_END_OCTETS: u64 = 28;
const CRC_OCTETS: usize = 4;
/// Lengths of a row's key and value.
const HEAD_OCTETS: usize = 6;

pub struct Run {
    /// The later, the higher.
    pub number: u64,
    /// Of the file.
    pub octets: u64,
    pub written_ms: u64,
    /// When the oldest of what its rows tell happened; of an old run that is not known, and it is as old as the run.
    pub oldest_ms: u64,
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    /// Which block was read last, and what is in it. Whoever looks for a message looks into every run, at nearly the same place
    /// as for the one before.
    last: Mutex<(usize, Bytes)>,
}

struct Block {
    first: Key,
    offset: u64,
    /// Its checksum included.
    length: u32,
}

fn path(directory: &Path, number: u64, extension: &str) -> PathBuf {
    directory.join(format!("{number:012}.{extension}"))
}

impl Run {
    /// Rows come in order of their keys; they are of now.
    pub fn write<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        directory: &Path,
        number: u64,
        rows: impl Iterator<Item = io::Result<(K, V)>>,
    ) -> io::Result<Run> {
        Run::write_of(directory, number, crate::clock::now().0, rows)
    }

    /// In the place of the one that has this number, if there is one.
    pub fn write_of<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        directory: &Path,
        number: u64,
        written_ms: u64,
        rows: impl Iterator<Item = io::Result<(K, V)>>,
    ) -> io::Result<Run> {
        let unfinished = path(directory, number, "new");
        let mut writer = Writer { file: BufWriter::new(File::create(&unfinished)?), offset: 0, blocks: Vec::new() };
        let mut oldest_ms = written_ms;
        let (mut block, mut first) = (Vec::with_capacity(2 * BLOCK_OCTETS), Key::default());
        for row in rows {
            let row = row?;
            let (key, value) = (row.0.as_ref(), row.1.as_ref());
            if block.is_empty() {
                first = key.into();
            }
            oldest_ms = oldest_ms.min(happened_ms(key).unwrap_or(written_ms));
            block.extend_from_slice(&(key.len() as u16).to_be_bytes());
            block.extend_from_slice(&(value.len() as u32).to_be_bytes());
            block.extend_from_slice(key);
            block.extend_from_slice(value);
            if block.len() >= BLOCK_OCTETS {
                writer.block(std::mem::take(&mut first), &mut block)?;
            }
        }
        if !block.is_empty() {
            writer.block(first, &mut block)?;
        }
        writer.finish(written_ms, oldest_ms)?;
        let finished = path(directory, number, "run");
        std::fs::rename(&unfinished, &finished)?;
        File::open(directory)?.sync_all()?;
        Run::open(&finished)
    }

    pub fn open(path: &Path) -> io::Result<Run> {
        let malformed = || io::Error::other(format!("{} is no run of a history, or damaged", path.display()));
        let number = path.file_stem().and_then(|name| name.to_str()?.parse().ok()).ok_or_else(malformed)?;
        let file = File::open(path)?;
        let octets = file.metadata()?.len();
        let magic = read(&file, octets.checked_sub(MAGIC.len() as u64).ok_or_else(malformed)?, MAGIC.len())?;
        let is_old = magic == OLD_MAGIC;
        let end_octets = if is_old { OLD_END_OCTETS } else { END_OCTETS };
        let end_at = octets.checked_sub(end_octets).ok_or_else(malformed)?;
        let mut end = Bytes::from(read(&file, end_at, end_octets as usize)?);
        let checked = end.slice(..end.len() - MAGIC.len() - CRC_OCTETS);
        let (index_at, written_ms) = (end.get_u64(), end.get_u64());
        let oldest_ms = if is_old { written_ms } else { end.get_u64() };
        let crc = end.get_u32();
        if !(is_old || magic == MAGIC) || index_at > end_at {
            return Err(malformed());
        }
        let mut index = Bytes::from(read(&file, index_at, (end_at - index_at) as usize)?);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&index);
        hasher.update(&checked);
        if hasher.finalize() != crc {
            return Err(malformed());
        }
        let mut blocks = Vec::new();
        while index.has_remaining() {
            blocks.push(indexed(&mut index).ok_or_else(malformed)?);
        }
        let last = Mutex::default();
        Ok(Run { number, octets, written_ms, oldest_ms, path: path.into(), file, blocks, last })
    }

    /// It has no rows.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Who reads it still may go on: the file goes when the last one lets go.
    pub fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// The same file in another directory, durable but for the directory; also of a run that has been removed since.
    pub fn copy_to(&self, directory: &Path) -> io::Result<()> {
        const PIECE_OCTETS: u64 = 1 << 20;
        let mut copy = File::create(path(directory, self.number, "run"))?;
        let mut offset = 0;
        while offset < self.octets {
            let length = PIECE_OCTETS.min(self.octets - offset);
            copy.write_all(&read(&self.file, offset, length as usize)?)?;
            offset += length;
        }
        copy.sync_all()
    }

    /// Rows from this key on.
    pub fn cursor(&self, from: &[u8]) -> io::Result<Cursor<'_>> {
        let block = self.blocks.partition_point(|block| *block.first <= *from).saturating_sub(1);
        let mut cursor = Cursor { run: self, next_block: block, rest: Bytes::new() };
        cursor.seek(from)?;
        Ok(cursor)
    }

    fn block(&self, index: usize) -> io::Result<Bytes> {
        let mut last = self.last.lock();
        if last.0 != index || last.1.is_empty() {
            *last = (index, self.read_block(index)?);
        }
        Ok(last.1.clone())
    }

    fn read_block(&self, index: usize) -> io::Result<Bytes> {
        let Block { offset, length, .. } = self.blocks[index];
        let mut octets = Bytes::from(read(&self.file, offset, length as usize)?);
        let crc = octets.split_off(octets.len().saturating_sub(CRC_OCTETS));
        if crc32fast::hash(&octets).to_be_bytes() != crc[..] {
            return Err(io::Error::other(format!("{} is damaged at octet {offset}", self.path.display())));
        }
        Ok(octets)
    }
}

fn indexed(index: &mut Bytes) -> Option<Block> {
    let length = usize::from(index.try_get_u16().ok()?);
    let first = (index.len() >= length).then(|| index.split_to(length))?.as_ref().into();
    Some(Block { first, offset: index.try_get_u64().ok()?, length: index.try_get_u32().ok()? })
}

fn read(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut octets = vec![0; length];
    file.read_exact_at(&mut octets, offset)?;
    Ok(octets)
}

struct Writer {
    file: BufWriter<File>,
    offset: u64,
    blocks: Vec<Block>,
}

impl Writer {
    fn block(&mut self, first: Key, block: &mut Vec<u8>) -> io::Result<()> {
        block.extend_from_slice(&crc32fast::hash(block).to_be_bytes());
        self.file.write_all(block)?;
        self.blocks.push(Block { first, offset: self.offset, length: block.len() as u32 });
        self.offset += block.len() as u64;
        block.clear();
        Ok(())
    }

    fn finish(mut self, written_ms: u64, oldest_ms: u64) -> io::Result<()> {
        let mut index = Vec::new();
        for Block { first, offset, length } in &self.blocks {
            index.extend_from_slice(&(first.len() as u16).to_be_bytes());
            index.extend_from_slice(first);
            index.extend_from_slice(&offset.to_be_bytes());
            index.extend_from_slice(&length.to_be_bytes());
        }
        let end = [self.offset, written_ms, oldest_ms].map(u64::to_be_bytes).concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&index);
        hasher.update(&end);
        self.file.write_all(&index)?;
        self.file.write_all(&end)?;
        self.file.write_all(&hasher.finalize().to_be_bytes())?;
        self.file.write_all(MAGIC)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Rows of one run, in order.
pub struct Cursor<'r> {
    run: &'r Run,
    next_block: usize,
    rest: Bytes,
}

impl Cursor<'_> {
    /// Passes over the rows before this key.
    fn seek(&mut self, from: &[u8]) -> io::Result<()> {
        loop {
            if !self.has_more()? {
                return Ok(());
            }
            let Some(length) = self.lengths().filter(|(key, _)| self.rest[HEAD_OCTETS..][..*key] < *from) else {
                return Ok(()); // or it is damaged, which who reads on is told
            };
            self.rest.advance(HEAD_OCTETS + length.0 + length.1);
        }
    }

    /// Whether there is a row, in this block or the next one.
    fn has_more(&mut self) -> io::Result<bool> {
        if self.rest.is_empty() && self.next_block < self.run.blocks.len() {
            (self.next_block, self.rest) = (self.next_block + 1, self.run.block(self.next_block)?);
        }
        Ok(!self.rest.is_empty())
    }

    /// Of the key and the value of the next row, where it is whole.
    fn lengths(&self) -> Option<(usize, usize)> {
        let mut head = self.rest.get(..HEAD_OCTETS)?;
        let (key, value) = (usize::from(head.get_u16()), head.get_u32() as usize);
        (self.rest.len() >= HEAD_OCTETS + key + value).then_some((key, value))
    }

    fn row(&mut self) -> Option<(Key, Bytes)> {
        let (key, value) = self.lengths()?;
        self.rest.advance(HEAD_OCTETS);
        let key = self.rest.split_to(key).as_ref().into();
        Some((key, self.rest.split_to(value)))
    }
}

impl Iterator for Cursor<'_> {
    type Item = io::Result<(Key, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.has_more() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        let row = self.row();
        Some(row.ok_or_else(|| io::Error::other(format!("{} is damaged", self.run.path.display()))))
    }
}
