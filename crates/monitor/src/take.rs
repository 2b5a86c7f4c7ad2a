//! Taking an image of a frozen sandbox: its dump, then its pages, both read from its memory from outside.

use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::kernel_image;
use crate::process::Process;
use abi::image::RegionKind;
use abi::layout::{DUMP, GUEST_END, PAGE_SIZE};
use image::{Contents, Origin, PageSource, Progress, Summary};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Longest dump that is read, bytes.
const MAX_DUMP: u64 = 256 << 20;
/// Bits of `pagemap` of which one must be set, and those of which none may be.
#[derive(Clone, Copy)]
struct Pages {
    any: u64,
    none: u64,
}

/// Present, or swapped.
const POPULATED: Pages = Pages { any: 1 << 63 | 1 << 62, none: 0 };
/// Present.
const PRESENT: Pages = Pages { any: 1 << 63, none: 0 };
/// Present and of no file: a copy of its own.
const WRITTEN: Pages = Pages { any: 1 << 63, none: 1 << 61 };
/// Entries of `pagemap` that are read at once.
const BATCH: usize = 1 << 14;

impl Instance {
    /// Writes the func-image of this sandbox, which must be frozen, to `path`. `function_toml` is the configuration
    /// that it was started from, with absolute paths; `working_set`, pages as of [`Self::used_pages`]. The sandbox stays frozen:
    /// end it.
    ///
    /// # Errors
    /// When it is not frozen, has ended, its dump breaks a rule, or the file can't be written.
    pub fn write_image(
        &mut self,
        path: &Path,
        function_toml: &str,
        working_set: Vec<u64>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Summary> {
        let (len, host) = self.dump().ok_or_else(|| Error::Invalid("the sandbox is not frozen".to_owned()))?;
        let process = self.sandbox.known()?;
        let dump = read_dump(&process.of_its_sandbox(host)?, len)?;
        let mut memory = Spaces::open(process, &dump.spaces)?;
        let origin = Origin {
            function: function_toml.to_owned(),
            kernel_build: kernel_image::BUILD_ID,
            cpu: image::cpu::host(),
        };
        let mut contents = Contents::from_dump(dump, origin).map_err(image::Error::from)?;
        contents.working_set = working_set;
        memory.mark_untouched(&mut contents)?;
        Ok(image::write(path, &contents, &mut memory, progress)?)
    }

    /// Pages of the guest that this instance, continued from an image, has written so far, and those of memory that it
    /// can't write which are present: the working set of what it did. Ascending.
    ///
    /// # Errors
    /// When it has ended.
    pub fn used_pages(&mut self) -> Result<Vec<u64>> {
        let memory = Memory::open(self.sandbox.known()?)?;
        let mut ranges = Vec::new();
        for mapping in memory.mappings.iter().filter(|mapping| mapping.start < GUEST_END) {
            let used = if mapping.writable { WRITTEN } else { PRESENT };
            memory
                .touched(mapping.start, mapping.end, used, &mut ranges)
                .map_err(|_| Error::Invalid("the sandbox's pages can't be looked at".to_owned()))?;
        }
        Ok(ranges.into_iter().flat_map(|(from, to)| (from..to).step_by(PAGE_SIZE as usize)).collect())
    }
}

fn read_dump(process: &Process, len: u64) -> Result<abi::dump::Dump> {
    let wrong = || Error::Invalid("the sandbox's description of itself is malformed".to_owned());
    let len = usize::try_from(len).ok().filter(|_| len <= MAX_DUMP).ok_or_else(wrong)?;
    let mut bytes = vec![0; len];
    process.open("mem")?.read_exact_at(&mut bytes, DUMP).map_err(|_| wrong())?;
    abi::decode(&bytes).map_err(|_| wrong())
}

/// The memory of a host process that does not run.
struct Memory {
    memory: File,
    pagemap: File,
    mappings: Vec<Mapping>,
}

/// A host mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapping {
    start: u64,
    end: u64,
    /// Pages that were never touched are zero, not some file's.
    anonymous: bool,
    /// It may be written to.
    writable: bool,
}

impl Memory {
    fn open(process: &Process) -> Result<Self> {
        let text = io::read_to_string(process.open("maps")?)
            .map_err(|_| Error::Invalid("the sandbox's mappings can't be read".to_owned()))?;
        let mappings = text.lines().filter_map(mapping).collect();
        Ok(Self { memory: process.open("mem")?, pagemap: process.open("pagemap")?, mappings })
    }

    fn read(&self, address: u64, into: &mut [u8]) {
        if self.memory.read_exact_at(into, address).is_ok() {
            return;
        }
        // A page behind the end of a mapped file can't be read by anyone: there the guest gets SIGBUS, and from
        // the image zeros. Page by page, then.
        for (page, address) in into.chunks_mut(4096).zip((address..).step_by(4096)) {
            if self.memory.read_exact_at(page, address).is_err() {
                page.fill(0);
            }
        }
    }

    fn populated(&self, start: u64, len: u64) -> io::Result<Vec<(u64, u64)>> {
        let end = start.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        let mut ranges = Vec::new();
        for mapping in &self.mappings {
            let (from, to) = (mapping.start.max(start), mapping.end.min(end));
            if from >= to {
                continue;
            }
            if mapping.anonymous {
                self.touched(from, to, POPULATED, &mut ranges)?;
            } else {
                add(&mut ranges, from, to);
            }
        }
        Ok(ranges.into_iter().map(|(from, to)| (from, to - from)).collect())
    }

    /// Adds the pages of this kind between two addresses.
    fn touched(&self, start: u64, end: u64, which: Pages, ranges: &mut Vec<(u64, u64)>) -> io::Result<()> {
        let mut bytes = vec![0; BATCH * 8];
        let mut page = start;
        while page < end {
            let pages = usize::try_from((end - page) / PAGE_SIZE).unwrap_or(BATCH).min(BATCH);
            let entries = bytes.get_mut(..pages * 8).unwrap_or_default();
            self.pagemap.read_exact_at(entries, page / PAGE_SIZE * 8)?;
            for entry in entries.as_chunks::<8>().0 {
                let entry = u64::from_le_bytes(*entry);
                if entry & which.any != 0 && entry & which.none == 0 {
                    add(ranges, page, page + PAGE_SIZE);
                }
                page += PAGE_SIZE;
            }
        }
        Ok(())
    }
}

/// The memory of a sandbox that does not run: that of its address spaces by number.
struct Spaces(Vec<Memory>);

impl Spaces {
    /// `hosts`: for each space the number of the host process that holds it, as the sandbox says.
    fn open(first: &Process, hosts: &[u32]) -> Result<Self> {
        image::check::spaces(hosts).map_err(image::Error::from)?;
        hosts.iter().map(|host| Memory::open(&first.of_its_sandbox(*host)?)).collect::<Result<_>>().map(Self)
    }

    fn of(&self, space: u32) -> io::Result<&Memory> {
        self.0.get(space as usize).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Regions of which no page was ever touched hold nothing: they come back as fresh memory, which costs less at
    /// the first touch than a hole of the file.
    fn mark_untouched(&mut self, contents: &mut Contents) -> image::Result<()> {
        for region in contents.regions.iter_mut().filter(|region| region.kind == RegionKind::Private as u32) {
            let populated = self.populated(region.space, region.start, region.len);
            if populated.map_err(|source| image::Error::Source { address: region.start, source })?.is_empty() {
                region.kind = RegionKind::Reserved as u32;
            }
        }
        Ok(())
    }
}

impl PageSource for Spaces {
    fn read(&mut self, space: u32, address: u64, into: &mut [u8]) -> io::Result<()> {
        self.of(space)?.read(address, into);
        Ok(())
    }

    fn populated(&mut self, space: u32, start: u64, len: u64) -> io::Result<Vec<(u64, u64)>> {
        self.of(space)?.populated(start, len)
    }
}

/// Appends a range, to the last one when it begins there.
fn add(ranges: &mut Vec<(u64, u64)>, from: u64, to: u64) {
    match ranges.last_mut() {
        Some((_, end)) if *end == from => *end = to,
        _ => ranges.push((from, to)),
    }
}

/// A line of `maps`: `start-end protection offset device inode path`.
fn mapping(line: &str) -> Option<Mapping> {
    let mut parts = line.split_ascii_whitespace();
    let (start, end) = parts.next()?.split_once('-')?;
    let writable = parts.next()?.contains('w');
    let inode = parts.nth(2)?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(Mapping { start: number(start)?, end: number(end)?, anonymous: inode == "0", writable })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    /// The memory of this very process.
    fn own_memory() -> Memory {
        let pid = rustix::process::getpid();
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("pidfd");
        Memory::open(&Process::for_test(pidfd, pid.as_raw_nonzero().get())).expect("memory")
    }

    /// Maps some pages for good: of a file, or anonymous ones; their address.
    #[allow(unsafe_code)]
    fn map(pages: usize, file: Option<&File>) -> u64 {
        use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
        // SAFETY: a new mapping where the host likes, never unmapped, reached through addresses only.
        let address = unsafe {
            match file {
                Some(file) => mmap(std::ptr::null_mut(), pages * PAGE, protection, flags, file, 0),
                None => mmap_anonymous(std::ptr::null_mut(), pages * PAGE, protection, flags),
            }
        };
        address.expect("mmap") as u64
    }

    #[allow(unsafe_code)]
    fn touch(address: u64, value: u8) {
        // SAFETY: of a mapping of `map`, which nothing else knows.
        unsafe { (address as *mut u8).write_volatile(value) };
    }

    #[test]
    fn of_anonymous_memory_only_touched_pages_are_populated() {
        // More than one batch, and nothing around it that belongs to it.
        let pages = 3 * BATCH;
        let start = map(pages, None);
        let size = PAGE_SIZE;
        for page in [1, 2, BATCH as u64, pages as u64 - 1] {
            touch(start + page * size, 7);
        }
        let memory = own_memory();
        let ranges = memory.populated(start, pages as u64 * size).expect("populated");
        let at = |page: usize| start + page as u64 * size;
        assert_eq!(ranges, [(at(1), 2 * size), (at(BATCH), size), (at(pages - 1), size)]);
        let mut page = [9; PAGE];
        memory.read(at(BATCH), &mut page);
        assert_eq!(page[..2], [7, 0]);
    }

    #[test]
    fn of_a_file_all_pages_count_and_those_behind_its_end_are_zero() {
        let file = tempfile::tempfile().expect("file");
        file.write_all_at(&[5; PAGE + 1], 0).expect("write");
        let start = map(4, Some(&file));
        let memory = own_memory();
        assert_eq!(memory.populated(start, 4 * PAGE_SIZE).expect("populated"), [(start, 4 * PAGE_SIZE)]);
        let mut bytes = [9; 4 * PAGE];
        memory.read(start, &mut bytes);
        assert!(bytes[..=PAGE].iter().all(|byte| *byte == 5));
        assert!(bytes[PAGE + 1..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_a_dump_claims_and_is_not_mapped_is_empty() {
        assert_eq!(own_memory().populated(0x1_0000, PAGE_SIZE).expect("populated"), []);
    }

    #[test]
    fn lines_of_maps_are_understood() {
        let file = "7e0000000000-7e0000001000 r-xp 00000000 00:01 1034 /memfd:catalyzer-kernel (deleted)";
        let expected = Mapping { start: 0x7e00_0000_0000, end: 0x7e00_0000_1000, anonymous: false, writable: false };
        assert_eq!(mapping(file), Some(expected));
        assert!(
            mapping("00400000-00452000 rw-p 00000000 00:00 0 ")
                .is_some_and(|mapping| mapping.anonymous && mapping.writable)
        );
        assert_eq!(mapping("nonsense"), None);
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Vec::new();
        for (from, to) in [(0, 1), (1, 3), (4, 5)] {
            add(&mut ranges, from, to);
        }
        assert_eq!(ranges, [(0, 3), (4, 5)]);
    }
}
