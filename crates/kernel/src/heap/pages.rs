//! The page map: which pages of the heap are in use, and by which arena.
//!
//! Two bits a page, in groups of 64 pages that lie together, so that the map of the first 30 MiB of a
//! heap fits into the header page. Searching is first fit over words: low addresses first, neighbours
//! merge by themselves, and 64 MiB are 256 words.

use super::Arena;
use abi::layout::PAGE_SIZE;
use core::ops::Range;

/// Pages in a group: 256 KiB of heap.
pub(super) const GROUP_PAGES: usize = 64;

/// The state of 64 pages.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Group {
    /// Bit set: the page is in use.
    pub(super) used: u64,
    /// Bit set: by the byte arena (or metadata). Clear in pages that are not in use.
    pub(super) bytes: u64,
    /// Free blocks of this group while `coalesce` runs, an offset; else 0.
    pub(super) pending: u64,
}

/// The groups of a heap.
pub(super) struct PageMap<'a>(pub(super) &'a mut [Group]);

/// Bits of pages `first..end` of the group that holds `first`, and the page after them.
fn bits(first: usize, end: usize) -> (u64, usize) {
    let from = first % GROUP_PAGES;
    let count = (end - first).min(GROUP_PAGES - from);
    ((u64::MAX >> (GROUP_PAGES - count)) << from, first + count)
}

impl PageMap<'_> {
    /// Marks free pages as used by `arena`.
    pub(super) fn take(&mut self, first: usize, count: usize, arena: Arena) {
        let (mut page, end) = (first, first + count);
        while page < end {
            let (bits, next) = bits(page, end);
            let group = &mut self.0[page / GROUP_PAGES];
            debug_assert_eq!(group.used & bits, 0, "pages taken twice");
            group.used |= bits;
            if arena == Arena::Bytes {
                group.bytes |= bits;
            }
            page = next;
        }
    }

    /// Marks used pages as free.
    pub(super) fn release(&mut self, first: usize, count: usize) {
        let (mut page, end) = (first, first + count);
        while page < end {
            let (bits, next) = bits(page, end);
            let group = &mut self.0[page / GROUP_PAGES];
            debug_assert_eq!(group.used & bits, bits, "pages released twice");
            group.used &= !bits;
            group.bytes &= !bits;
            page = next;
        }
    }

    /// Whether all those pages are free.
    pub(super) fn is_free(&self, first: usize, count: usize) -> bool {
        self.free_until(first, first + count) == first + count
    }

    /// The first used page in `first..end`, or `end`.
    pub(super) fn free_until(&self, first: usize, end: usize) -> usize {
        let mut page = first;
        while page < end {
            let (bits, next) = bits(page, end);
            let used = self.0[page / GROUP_PAGES].used & bits;
            if used != 0 {
                return page / GROUP_PAGES * GROUP_PAGES + used.trailing_zeros() as usize;
            }
            page = next;
        }
        end
    }

    /// The first free page from `first` on; past the last group if there is none.
    pub(super) fn free_from(&self, first: usize) -> usize {
        let mut page = first;
        while let Some(group) = self.0.get(page / GROUP_PAGES) {
            let free = !group.used >> (page % GROUP_PAGES);
            if free != 0 {
                return page + free.trailing_zeros() as usize;
            }
            page = (page / GROUP_PAGES + 1) * GROUP_PAGES;
        }
        page
    }

    /// The lowest `count` free pages in `lowest..limit` that begin at a multiple of `align`.
    pub(super) fn find(&self, lowest: usize, limit: usize, count: usize, align: usize) -> Option<usize> {
        let mut from = lowest;
        loop {
            let first = self.free_from(from).checked_next_multiple_of(align)?;
            let end = first.checked_add(count).filter(|&end| end <= limit)?;
            let free = self.free_until(first, end);
            if free == end {
                return Some(first);
            }
            from = free + 1;
        }
    }

    /// The page after the last used one of the first `groups` groups.
    pub(super) fn end(&self, groups: usize) -> usize {
        let last = self.0[..groups].iter().rposition(|group| group.used != 0);
        last.map_or(0, |index| (index + 1) * GROUP_PAGES - self.0[index].used.leading_zeros() as usize)
    }
}

/// Calls `each` with every run of scanned pages, as offsets in bytes, ascending.
pub(super) fn for_each_scanned(groups: &[Group], mut each: impl FnMut(Range<u64>)) {
    let mut run: Range<u64> = 0..0;
    for (index, group) in groups.iter().enumerate() {
        let mut scanned = group.used & !group.bytes;
        while scanned != 0 {
            let from = scanned.trailing_zeros();
            let count = (scanned >> from).trailing_ones();
            scanned &= !((u64::MAX >> (64 - count)) << from);
            let start = (index * GROUP_PAGES) as u64 * PAGE_SIZE + u64::from(from) * PAGE_SIZE;
            if start != run.end {
                if !run.is_empty() {
                    each(run.clone());
                }
                run.start = start;
            }
            run.end = start + u64::from(count) * PAGE_SIZE;
        }
    }
    if !run.is_empty() {
        each(run);
    }
}
