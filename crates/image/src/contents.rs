//! What goes into an image beside the pages.

use crate::check;
use crate::error::Invalid;
use crate::format::page_up;
use abi::dump::{Dump, ThreadDump};
use abi::image::{CpuFeatures, IoTable, Region};

/// Distance between two regions from which on their distance is not kept in the file: a new cluster
/// starts, so that the file's apparent size stays near what it holds.
pub(crate) const CLUSTER_GAP: u64 = 64 << 20;

/// Everything beside the pages, ready to be written by [`crate::write()`].
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Guest regions by address; the writer fills in [`Region::file_offset`].
    pub regions: Vec<Region>,
    /// Where the kernel heap lies.
    pub heap_base: u64,
    /// Its length, bytes, whole pages.
    pub heap_len: u64,
    /// Address of the root object in it.
    pub root: u64,
    /// Offsets of the heap's words that point into the heap.
    pub heap_pointers: Vec<u32>,
    /// Offsets of the heap's words that point into the guest kernel.
    pub kernel_pointers: Vec<u32>,
    /// Guest threads.
    pub threads: Vec<ThreadDump>,
    /// Descriptors and the files they depend on.
    pub io: IoTable,
    /// Addresses of pages known to be used right after boot; may be empty.
    pub working_set: Vec<u64>,
    /// The `function.toml` with absolute paths.
    pub function: String,
    /// Processor features seen by the function.
    pub cpu: CpuFeatures,
    /// BLAKE3 of the guest kernel binary.
    pub kernel_build: [u8; 32],
    /// Guest `CLOCK_MONOTONIC` at the freeze, ns.
    pub monotonic_ns: u64,
}

/// What the trusted side adds to a dump.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The `function.toml` with absolute paths.
    pub function: String,
    /// BLAKE3 of the guest kernel binary that runs in the sandbox.
    pub kernel_build: [u8; 32],
    /// Processor features of this host: [`crate::cpu::host`].
    pub cpu: CpuFeatures,
}

impl Contents {
    /// Takes a dump, believing nothing of it: see [`crate::check`] for the rules. Neighbouring regions
    /// of equal protection and kind become one.
    ///
    /// # Errors
    /// The first rule that the dump breaks.
    pub fn from_dump(dump: Dump, origin: Origin) -> Result<Self, Invalid> {
        let mut contents = Self {
            regions: dump.regions,
            heap_base: dump.heap_base,
            heap_len: dump.heap_len,
            root: dump.root,
            heap_pointers: dump.heap_pointers,
            kernel_pointers: dump.kernel_pointers,
            threads: dump.threads,
            io: IoTable { entries: dump.io, lower_files: dump.lower_files, cache: Vec::new() },
            working_set: Vec::new(),
            function: origin.function,
            cpu: origin.cpu,
            kernel_build: origin.kernel_build,
            monotonic_ns: dump.monotonic_ns,
        };
        contents.check()?;
        contents.regions = merge(&contents.regions);
        Ok(contents)
    }

    /// Looks at everything again; the writer does so too, since the fields are public.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), Invalid> {
        check::regions(&self.regions)?;
        check::heap(self.heap_base, self.heap_len, self.root)?;
        check::relations(&self.heap_pointers, &self.kernel_pointers, self.heap_len)?;
        check::threads(&self.threads)?;
        check::io(&self.io)?;
        check::working_set(&self.working_set)?;
        check::function(&self.function)
    }
}

/// Neighbours of equal protection and kind as one region, without file offsets.
pub(crate) fn merge(regions: &[Region]) -> Vec<Region> {
    let mut merged: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        match merged.last_mut() {
            Some(last)
                if last.space == region.space
                    && last.start + last.len == region.start
                    && last.protection == region.protection
                    && last.kind == region.kind =>
            {
                last.len += region.len;
            }
            _ => merged.push(Region { file_offset: 0, ..*region }),
        }
    }
    merged
}

/// Gives each region with content its place from `start` on, keeping the distances of addresses within
/// a cluster. Returns the length of the memory section.
pub(crate) fn place(regions: &mut [Region], start: u64) -> u64 {
    // A cluster is known by the address of its first region and where that lies in the file.
    let mut cluster: Option<(u64, u64)> = None;
    let mut address_end = 0;
    let mut file_end = start;
    let mut space = 0;
    for region in regions.iter_mut().filter(|region| check::has_content(region)) {
        let (address, offset) = match cluster {
            Some(cluster) if region.space == space && region.start - address_end <= CLUSTER_GAP => cluster,
            _ => *cluster.insert((region.start, file_end)),
        };
        region.file_offset = offset + (region.start - address);
        file_end = region.file_offset + region.len;
        address_end = region.start + region.len;
        space = region.space;
    }
    file_end - start
}

/// Places for sections of these lengths, in order, from `start` on; the last end rounded up.
pub(crate) fn tile<const N: usize>(start: u64, lens: [u64; N]) -> Option<[u64; N]> {
    let mut place = start;
    let mut places = [0; N];
    for (slot, len) in places.iter_mut().zip(lens) {
        *slot = place;
        place = page_up(place.checked_add(len)?)?;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::image::RegionKind;

    const PAGE: u64 = abi::layout::PAGE_SIZE;

    fn region(start: u64, pages: u64, protection: u32, kind: RegionKind) -> Region {
        Region { start, len: pages * PAGE, file_offset: 99, protection, kind: kind as u32, space: 0, reserved: 0 }
    }

    #[test]
    fn neighbours_of_equal_protection_become_one() {
        let base = 0x40_0000;
        let merged = merge(&[
            region(base, 1, 3, RegionKind::Private),
            region(base + PAGE, 2, 3, RegionKind::Private),
            region(base + 3 * PAGE, 1, 1, RegionKind::Private),
            region(base + 4 * PAGE, 1, 1, RegionKind::Reserved),
            region(base + 6 * PAGE, 1, 1, RegionKind::Reserved),
        ]);
        let ranges: Vec<_> = merged.iter().map(|r| ((r.start - base) / PAGE, r.len / PAGE)).collect();
        assert_eq!(ranges, [(0, 3), (3, 1), (4, 1), (6, 1)]);
    }

    #[test]
    fn address_spaces_are_kept_apart() {
        let base = 0x40_0000;
        let second = |start| Region { space: 1, ..region(start, 1, 3, RegionKind::Private) };
        let mut merged =
            merge(&[region(base, 1, 3, RegionKind::Private), second(base + PAGE), second(base + 2 * PAGE)]);
        assert_eq!(merged.len(), 2);
        let len = place(&mut merged, 0x5000);
        assert_eq!(merged.iter().map(|region| region.file_offset).collect::<Vec<_>>(), [0x5000, 0x5000 + PAGE]);
        assert_eq!(len, 3 * PAGE);
    }

    #[test]
    fn distances_are_kept_within_a_cluster_and_not_beyond() {
        let near = 0x40_0000;
        let far = 0x7000_0000_0000;
        let mut regions = [
            region(near, 2, 3, RegionKind::Private),
            region(near + 5 * PAGE, 1, 1, RegionKind::Private),
            region(near + 6 * PAGE, 9, 0, RegionKind::Reserved),
            region(far, 3, 3, RegionKind::Private),
        ];
        regions[2].file_offset = 0;
        let len = place(&mut regions, 0x5000);
        let offsets: Vec<_> = regions.iter().map(|r| r.file_offset).collect();
        assert_eq!(offsets, [0x5000, 0x5000 + 5 * PAGE, 0, 0x5000 + 6 * PAGE]);
        assert_eq!(len, 9 * PAGE);
    }
}
