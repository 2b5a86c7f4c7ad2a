//! Writing an image.

use crate::check;
use crate::contents::{Contents, merge, place, tile};
use crate::error::{Error, Flaw, Part, Result};
use crate::format::{encode_header, encode_regions, header_digest, page_down, page_up};
use crate::sparse::{CHUNK, MemoryDigest, runs};
use crate::temporary::Temporary;
use abi::image::{HEADER_SIZE, Header, MAGIC, Region, SECTIONS, Section, SectionKind, VERSION};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the pages come from: a frozen sandbox. Addresses are the guest's, of the address space with this number;
/// besides the regions, the kernel heap is read here, of number 0.
pub trait PageSource {
    /// Fills `into` with what lies at `address`; both are whole pages. What can't be read because the
    /// guest may not read it (protection `0`) has to be read all the same.
    ///
    /// # Errors
    /// Ends the writing; the old image stays.
    fn read(&mut self, space: u32, address: u64, into: &mut [u8]) -> io::Result<()>;

    /// Ranges (start, length) of `start..start + len` that can hold anything but zeros. What is left out
    /// is not read and comes back as zeros; so a page of a mapped file belongs to them, touched or not.
    /// The default leaves out nothing.
    ///
    /// # Errors
    /// Ends the writing; the old image stays.
    fn populated(&mut self, space: u32, start: u64, len: u64) -> io::Result<Vec<(u64, u64)>> {
        let _ = space;
        Ok(vec![(start, len)])
    }
}

/// How far the writing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the guest that are looked at.
    pub done: u64,
    /// Bytes of the guest there are.
    pub total: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Length of the file, bytes.
    pub file_len: u64,
    /// Bytes of the memory section that are stored.
    pub memory_stored: u64,
    /// Bytes of the kernel heap.
    pub heap_len: u64,
    /// Regions after merging: as many host mappings does a boot make for the guest's memory.
    pub regions: usize,
    /// Checksum of the header: names this image's content.
    pub digest: [u8; 32],
}

/// Writes an image. It appears under `path` when it is complete and synced; until then, and after any
/// failure, what was there before stays. Its mode is 0444 less the umask.
///
/// # Errors
/// When the contents break a rule, pages can't be read, or the host refuses.
pub fn write(
    path: &Path,
    contents: &Contents,
    source: &mut dyn PageSource,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    contents.check()?;
    let mut regions = merge(&contents.regions);
    let sections = Encoded::new(contents);
    let mut header = plan(contents, &sections, &mut regions)?;
    let out = Output { file: Temporary::beside(path)?, source, progress, done: 0, total: guest_bytes(contents) };
    out.run(&mut header, &regions, &sections)
}

/// The sections that are made in memory.
struct Encoded {
    threads: Vec<u8>,
    relations: Vec<u8>,
    io: Vec<u8>,
    working_set: Vec<u8>,
    function: Vec<u8>,
}

impl Encoded {
    fn new(contents: &Contents) -> Self {
        let pointers = contents.heap_pointers.iter().chain(&contents.kernel_pointers);
        Self {
            threads: abi::encode(&contents.threads),
            relations: pointers.flat_map(|offset| offset.to_le_bytes()).collect(),
            io: abi::encode(&contents.io),
            working_set: contents.working_set.iter().flat_map(|page| page.to_le_bytes()).collect(),
            function: contents.function.clone().into_bytes(),
        }
    }
}

fn guest_bytes(contents: &Contents) -> u64 {
    let regions: u64 = contents.regions.iter().filter(|region| check::has_content(region)).map(|r| r.len).sum();
    regions + contents.heap_len
}

/// Decides where everything lies. Checksums are still missing.
fn plan(contents: &Contents, sections: &Encoded, regions: &mut [Region]) -> Result<Header> {
    let too_long = || Error::Dump(Flaw::Length { len: u64::MAX }.of(Part::Header));
    let mut lens = [0; SECTIONS];
    lens[SectionKind::Regions as usize] = encode_regions(regions).len() as u64;
    lens[SectionKind::Threads as usize] = sections.threads.len() as u64;
    lens[SectionKind::Heap as usize] = contents.heap_len;
    lens[SectionKind::Relations as usize] = sections.relations.len() as u64;
    lens[SectionKind::Io as usize] = sections.io.len() as u64;
    lens[SectionKind::WorkingSet as usize] = sections.working_set.len() as u64;
    lens[SectionKind::Function as usize] = sections.function.len() as u64;
    let places = tile(HEADER_SIZE, lens).ok_or_else(too_long)?;
    let memory = places[SectionKind::Memory as usize];
    lens[SectionKind::Memory as usize] = place(regions, memory);
    let file_len = memory.checked_add(lens[SectionKind::Memory as usize]).ok_or_else(too_long)?;
    let header = Header {
        magic: MAGIC,
        version: VERSION,
        sections_len: SECTIONS as u32,
        file_len,
        kernel_build: contents.kernel_build,
        function_digest: crate::digest(&sections.function),
        cpu: contents.cpu,
        heap_base: contents.heap_base,
        root: contents.root,
        heap_pointers: contents.heap_pointers.len() as u64,
        kernel_pointers: contents.kernel_pointers.len() as u64,
        monotonic_ns: contents.monotonic_ns,
        sections: std::array::from_fn(|kind| Section { offset: places[kind], len: lens[kind], digest: [0; 32] }),
        digest: [0; 32],
    };
    // Whatever the reader will refuse is refused before anything is written.
    check::header(&header)?;
    Ok(header)
}

/// What is done with a piece of the guest at an address.
type Each<'a> = dyn FnMut(&Output<'_>, u64, &[u8]) -> Result<()> + 'a;

struct Output<'a> {
    file: Temporary,
    source: &'a mut dyn PageSource,
    progress: &'a mut dyn FnMut(Progress),
    done: u64,
    total: u64,
}

impl Output<'_> {
    fn run(mut self, header: &mut Header, regions: &[Region], sections: &Encoded) -> Result<Summary> {
        // The length first: everything that stays unwritten is a hole.
        self.file.file().set_len(header.file_len).map_err(|source| self.file.error("write", source))?;
        for (kind, bytes) in [
            (SectionKind::Regions, encode_regions(regions).as_slice()),
            (SectionKind::Threads, &sections.threads),
            (SectionKind::Relations, &sections.relations),
            (SectionKind::Io, &sections.io),
            (SectionKind::WorkingSet, &sections.working_set),
            (SectionKind::Function, &sections.function),
        ] {
            let section = &mut header.sections[kind as usize];
            section.digest = crate::digest(bytes);
            self.put(section.offset, bytes)?;
        }
        let heap_base = header.heap_base;
        let heap = &mut header.sections[SectionKind::Heap as usize];
        heap.digest = self.heap(heap_base, heap.offset, heap.len)?;
        let memory = &mut header.sections[SectionKind::Memory as usize];
        let stored;
        (memory.digest, stored) = self.memory(regions, memory.offset)?;
        header.digest = header_digest(header);
        self.put(0, &encode_header(header))?;
        self.file.publish()?;
        Ok(Summary {
            file_len: header.file_len,
            memory_stored: stored,
            heap_len: header.sections[SectionKind::Heap as usize].len,
            regions: regions.len(),
            digest: header.digest,
        })
    }

    fn put(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.file().write_all_at(bytes, offset).map_err(|source| self.file.error("write", source))
    }

    fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(Progress { done: self.done, total: self.total });
    }

    /// Calls `each` with the pieces of a range of the guest and their addresses.
    fn pieces(&mut self, space: u32, start: u64, len: u64, each: &mut Each<'_>) -> Result<()> {
        let mut buffer = vec![0; CHUNK.min(usize::try_from(len).unwrap_or(CHUNK))];
        let (mut address, end) = (start, start + len);
        while address < end {
            let take = buffer.len().min(usize::try_from(end - address).unwrap_or(CHUNK));
            let piece = &mut buffer[..take];
            self.source.read(space, address, piece).map_err(|source| Error::Source { address, source })?;
            each(self, address, piece)?;
            address += take as u64;
        }
        Ok(())
    }

    fn heap(&mut self, base: u64, offset: u64, len: u64) -> Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        self.pieces(0, base, len, &mut |out, address, bytes| {
            hasher.update(bytes);
            runs(bytes).try_for_each(|(at, run)| out.put(offset + (address - base) + at, run))
        })?;
        self.advance(len);
        Ok(*hasher.finalize().as_bytes())
    }

    fn memory(&mut self, regions: &[Region], section: u64) -> Result<([u8; 32], u64)> {
        let mut digest = MemoryDigest::default();
        for region in regions.iter().filter(|region| check::has_content(region)) {
            let ranges = self
                .source
                .populated(region.space, region.start, region.len)
                .map_err(|source| Error::Source { address: region.start, source })?;
            for (start, len) in clip(&ranges, region) {
                self.pieces(region.space, start, len, &mut |out, address, bytes| {
                    let place = region.file_offset + (address - region.start);
                    runs(bytes).try_for_each(|(at, run)| {
                        digest.add(place + at - section, run);
                        out.put(place + at, run)
                    })
                })?;
            }
            self.advance(region.len);
        }
        let stored = digest.stored();
        Ok((digest.finish(), stored))
    }
}

/// Whole pages of a region that the ranges touch, each once, ascending.
fn clip(ranges: &[(u64, u64)], region: &Region) -> Vec<(u64, u64)> {
    let region_end = region.start + region.len;
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    let mut free = region.start;
    let mut clipped = Vec::with_capacity(ranges.len());
    for (start, len) in ranges {
        let end = start.checked_add(len).and_then(page_up).map_or(region_end, |end| end.min(region_end));
        let start = page_down(start).max(free);
        if len > 0 && start < end {
            clipped.push((start, end - start));
            free = end;
        }
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn populated_ranges_are_cut_to_whole_pages_of_the_region() {
        let region =
            Region { start: 0x10000, len: 0x8000, file_offset: 0, protection: 3, kind: 0, space: 0, reserved: 0 };
        let ranges = [(0x13001, 1), (0, 0x11800), (0x13ff0, 0x20), (0x17000, u64::MAX), (0x15000, 0)];
        assert_eq!(
            clip(&ranges, &region),
            [(0x10000, 0x2000), (0x13000, 0x1000), (0x14000, 0x1000), (0x17000, 0x1000)]
        );
        assert_eq!(clip(&[(0x18000, 0x1000), (0, 0x10000)], &region), []);
    }
}
