//! Zero pages are not stored: which parts of bytes and of a file hold anything, and the checksum of the
//! memory section, which depends on content alone and not on how a file system keeps its holes.

use crate::format::{page_down, page_up};
use abi::layout::PAGE_SIZE;
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are read, looked at and written at a time.
pub(crate) const CHUNK: usize = 1 << 20;

const PAGE: usize = PAGE_SIZE as usize;

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

/// The longest runs of pages that are not zero, with their offsets in `bytes`.
pub(crate) fn runs(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let page_is_zero = |at: usize| is_zero(&bytes[at..bytes.len().min(at + PAGE)]);
        while at < bytes.len() && page_is_zero(at) {
            at += PAGE;
        }
        let start = at;
        while at < bytes.len() && !page_is_zero(at) {
            at += PAGE;
        }
        let end = at.min(bytes.len());
        (start < end).then(|| (start as u64, &bytes[start..end]))
    })
}

/// Checksum of the memory section: the content of all pages that are not zero, in order, then offset (from
/// the section's start) and length of each run of them, then the number of runs.
#[derive(Default)]
pub(crate) struct MemoryDigest {
    hasher: blake3::Hasher,
    runs: Vec<(u64, u64)>,
    stored: u64,
}

impl MemoryDigest {
    /// Adds a run of non-zero pages that lies behind all earlier ones.
    pub(crate) fn add(&mut self, offset: u64, bytes: &[u8]) {
        let len = bytes.len() as u64;
        self.hasher.update(bytes);
        self.stored += len;
        match self.runs.last_mut() {
            Some((start, before)) if *start + *before == offset => *before += len,
            _ => self.runs.push((offset, len)),
        }
    }

    /// Bytes added so far.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        for (offset, len) in &self.runs {
            self.hasher.update(&offset.to_le_bytes());
            self.hasher.update(&len.to_le_bytes());
        }
        self.hasher.update(&(self.runs.len() as u64).to_le_bytes());
        *self.hasher.finalize().as_bytes()
    }
}

/// The next range from `from` on, below `end`, in which the file may hold bytes; the rest are holes.
/// Bounds are rounded to whole pages. Uses the file's position.
pub(crate) fn next_data(file: &File, from: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
    if from >= end {
        return Ok(None);
    }
    let start = match rustix::fs::seek(file, SeekFrom::Data(from)) {
        Ok(start) => page_down(start).max(from),
        Err(Errno::NXIO) => return Ok(None),
        // No holes on this file system, or none that it tells of.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((from, end))),
        Err(error) => return Err(error.into()),
    };
    if start >= end {
        return Ok(None);
    }
    let stop = match rustix::fs::seek(file, SeekFrom::Hole(start.max(from))) {
        Ok(stop) => page_up(stop).unwrap_or(end).min(end),
        Err(_) => end,
    };
    // A file that shrinks meanwhile can't make this go round for ever.
    Ok(Some((start, if stop > start { stop } else { end })))
}

/// How many bytes of the file between `from` and `end` are not holes.
pub(crate) fn stored(file: &File, from: u64, end: u64) -> io::Result<u64> {
    let (mut at, mut sum) = (from, 0);
    while let Some((start, stop)) = next_data(file, at, end)? {
        sum += stop - start;
        at = stop;
    }
    Ok(sum)
}

/// Copies a file into an empty one, sharing blocks where the file system can, keeping holes elsewhere.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<()> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let len = from.metadata()?.len();
    to.set_len(len)?;
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    while let Some((start, stop)) = next_data(from, at, len)? {
        at = start;
        while at < stop {
            let take = CHUNK.min(usize::try_from(stop - at).unwrap_or(CHUNK));
            let bytes = &mut buffer[..take];
            from.read_exact_at(bytes, at)?;
            runs(bytes).try_for_each(|(offset, run)| to.write_all_at(run, at + offset))?;
            at += take as u64;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_whole_pages_that_hold_something() {
        let mut bytes = vec![0; 6 * PAGE];
        bytes[PAGE + 17] = 1;
        bytes[2 * PAGE] = 1;
        bytes[5 * PAGE + PAGE - 1] = 1;
        let found: Vec<_> = runs(&bytes).map(|(at, run)| (at as usize / PAGE, run.len() / PAGE)).collect();
        assert_eq!(found, [(1, 2), (5, 1)]);
        assert_eq!(runs(&[]).count(), 0);
    }

    #[test]
    fn checksum_does_not_depend_on_how_runs_arrive() {
        let page = [7; PAGE];
        let (mut whole, mut pieces, mut moved) =
            (MemoryDigest::default(), MemoryDigest::default(), MemoryDigest::default());
        whole.add(4096, &[page, page].concat());
        pieces.add(4096, &page);
        pieces.add(8192, &page);
        moved.add(4096, &page);
        moved.add(12288, &page);
        let whole = whole.finish();
        assert_eq!(whole, pieces.finish());
        assert_ne!(whole, moved.finish());
    }
}
