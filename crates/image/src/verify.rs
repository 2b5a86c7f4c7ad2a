//! The full check: after it, every byte of the file is accounted for.

use crate::check;
use crate::error::{Error, Invalid, Part, Result};
use crate::open::Image;
use crate::sparse::{CHUNK, MemoryDigest, next_data, runs};
use abi::image::SectionKind;

/// What the full check went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Bytes of the memory section that are not in zero pages.
    pub memory_stored: u64,
    /// Relations whose word was looked at.
    pub relations: u64,
    /// Threads.
    pub threads: usize,
}

impl Image {
    /// Checks everything: checksums of all sections, zeros of all padding, the rules of [`crate::check`],
    /// and that each relation's word points where the table says. Holes of the file are skipped, since
    /// they read as zero. Moves the file's position.
    ///
    /// # Errors
    /// The first thing that is wrong, naming its section.
    pub fn verify(&self) -> Result<Verified> {
        self.unchanged()?;
        self.regions()?;
        let threads = self.threads()?.len();
        let (heap_pointers, kernel_pointers) = self.relations()?;
        self.io()?;
        self.working_set()?;
        self.function()?;
        for kind in SectionKind::ALL {
            self.padding(kind)?;
        }
        self.check_heap(&heap_pointers, &kernel_pointers)?;
        let memory_stored = self.check_memory()?;
        Ok(Verified { memory_stored, relations: (heap_pointers.len() + kernel_pointers.len()) as u64, threads })
    }

    fn padding(&self, kind: SectionKind) -> Result<()> {
        let section = self.section(kind);
        let start = section.offset + section.len;
        let len = usize::try_from(self.padded_end(kind) - start).unwrap_or(0);
        let mut bytes = vec![0; len];
        self.read_at(start, &mut bytes)?;
        match bytes.iter().position(|byte| *byte != 0) {
            Some(at) => {
                let offset = start + at as u64;
                Err(Error::Padding { path: self.path().to_owned(), part: kind.into(), offset })
            }
            None => Ok(()),
        }
    }

    fn checksum(&self, part: impl Into<Part>) -> Error {
        Error::Checksum { path: self.path().to_owned(), part: part.into() }
    }

    fn check_heap(&self, heap_pointers: &[u32], kernel_pointers: &[u32]) -> Result<()> {
        let section = self.section(SectionKind::Heap);
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; CHUNK];
        // A wrong pointer in a damaged heap is reported as damage, so it has to wait for the checksum.
        let mut wrong = None;
        let (mut heap_pointers, mut kernel_pointers) = (Words::new(heap_pointers), Words::new(kernel_pointers));
        let (base, len) = (self.header().heap_base, section.len);
        let mut at = 0;
        while at < len {
            let take = CHUNK.min(usize::try_from(len - at).unwrap_or(CHUNK));
            let bytes = &mut buffer[..take];
            self.read_at(section.offset + at, bytes)?;
            hasher.update(bytes);
            let first = heap_pointers
                .each(at, bytes, |offset, value| check::heap_pointer(offset, value, base, len))
                .and_then(|()| kernel_pointers.each(at, bytes, check::kernel_pointer));
            wrong = wrong.or(first.err());
            at += take as u64;
        }
        if *hasher.finalize().as_bytes() != section.digest {
            return Err(self.checksum(SectionKind::Heap));
        }
        wrong.map_or(Ok(()), |invalid| Err(self.invalid(invalid)))
    }

    fn check_memory(&self) -> Result<u64> {
        let section = self.section(SectionKind::Memory);
        let end = section.offset + section.len;
        let mut digest = MemoryDigest::default();
        let mut buffer = vec![0; CHUNK];
        let mut at = section.offset;
        while let Some((start, stop)) = next_data(self.file(), at, end).map_err(|source| self.io_error(source))? {
            at = start;
            while at < stop {
                let take = CHUNK.min(usize::try_from(stop - at).unwrap_or(CHUNK));
                let bytes = &mut buffer[..take];
                self.read_at(at, bytes)?;
                runs(bytes).for_each(|(offset, run)| digest.add(at + offset - section.offset, run));
                at += take as u64;
            }
        }
        let stored = digest.stored();
        if digest.finish() != section.digest {
            return Err(self.checksum(SectionKind::Memory));
        }
        Ok(stored)
    }
}

/// Walks ascending offsets of words along the pieces of the heap.
struct Words<'a>(&'a [u32]);

impl<'a> Words<'a> {
    fn new(offsets: &'a [u32]) -> Self {
        Self(offsets)
    }

    /// Hands each word that lies in the piece at `start` to `check`.
    fn each(
        &mut self,
        start: u64,
        piece: &[u8],
        check: impl Fn(u64, u64) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        while let Some((offset, rest)) = self.0.split_first() {
            let offset = u64::from(*offset);
            let at = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
            let Some(word) = piece.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
            self.0 = rest;
            check(offset, u64::from_le_bytes(*word))?;
        }
        Ok(())
    }
}
