//! Merging free blocks, and settling a heap before it becomes an image.
//!
//! All free blocks are first sorted into lists by group (256 KiB of heap); then, one group after the
//! other, they are marked in a bit map on the stack, pages that are wholly free go back to the page
//! map, and what remains between live blocks is cut into the largest classes that fit and kept as
//! *cold* blocks. No memory is needed for it and each free block is visited twice, whatever the order
//! they were freed in.

use super::pages::GROUP_PAGES;
use super::{Arena, CLASSES, GRANULE, Heap, List, Memory, PAGE, Run, class_of, class_size};
use abi::layout::PAGE_SIZE;

/// Granules in a page.
const PAGE_GRANULES: usize = PAGE / GRANULE;
/// Free granules of a page, one bit each.
type FreeMap = [u64; PAGE_GRANULES / 64];

impl<M: Memory> Heap<'_, M> {
    /// Makes the heap ready to be imaged: free blocks merged, the length as short as it can be, and for
    /// each arena a run of untouched pages to allocate from, so that the first allocations of an
    /// instance, of whatever size, dirty a single page.
    pub fn settle(&mut self) {
        self.coalesce();
        for arena in Arena::ALL {
            if let Some(run) = self.new_run(arena, 1) {
                // SAFETY: a handle exists only on a heap; `coalesce` left the arena without a run.
                unsafe { self.header() }.runs[arena as usize] = run;
            }
        }
    }

    /// Merges free blocks; whole pages become available to all classes and both arenas.
    pub(super) fn coalesce(&mut self) {
        for arena in Arena::ALL {
            // SAFETY: a handle exists only on a heap.
            let Run { next, end } = core::mem::take(&mut unsafe { self.header() }.runs[arena as usize]);
            if next < end {
                self.set_pending(next, end - next);
            }
            for class in 0..CLASSES {
                for list in [List::Hot, List::Cold] {
                    // SAFETY: as above.
                    while *list.head(unsafe { self.header() }, arena, class) != 0 {
                        let block = self.pop(arena, class, list);
                        self.set_pending(block, class_size(class) as u32);
                    }
                }
            }
        }
        // Downwards, so that the lists hand out low addresses first.
        let groups = self.groups_in_use();
        for group in (0..groups).rev() {
            if self.map().0[group].pending != 0 {
                self.merge_group(group);
            }
        }
        let map = self.map();
        let (end, lowest) = (map.end(groups), map.free_from(0));
        // SAFETY: as above.
        let header = unsafe { self.header() };
        header.len = end as u64 * PAGE_SIZE;
        header.lowest = lowest as u64;
        header.freed = 0;
    }

    /// Cuts what is left of the arena's run into cold blocks.
    pub(super) fn retire_run(&mut self, arena: Arena) {
        // SAFETY: a handle exists only on a heap.
        let Run { next, end } = core::mem::take(&mut unsafe { self.header() }.runs[arena as usize]);
        self.make_cold(arena, next, end);
    }

    fn make_cold(&mut self, arena: Arena, mut next: u32, end: u32) {
        while next < end {
            let room = (end - next) as usize;
            let fitting = if room >= class_size(CLASSES - 1) { CLASSES - 1 } else { class_of(room + 1) - 1 };
            self.push(arena, fitting, next, List::Cold);
            next += class_size(fitting) as u32;
        }
    }

    /// Puts free memory onto the list of its group: first word the next block, second word the size.
    /// Neither a block nor a run lies in two groups.
    fn set_pending(&mut self, block: u32, size: u32) {
        let words = self.at_offset(block).cast::<u64>();
        let group = &mut self.map().0[block as usize / (GROUP_PAGES * PAGE)];
        let next = core::mem::replace(&mut group.pending, u64::from(block));
        // SAFETY: the block is free, ours, aligned, and at least a granule (two words) long.
        unsafe {
            words.write(next);
            words.add(1).write(u64::from(size));
        }
    }

    fn merge_group(&mut self, group: usize) {
        let mut free = [FreeMap::default(); GROUP_PAGES];
        let group_start = group * GROUP_PAGES * PAGE;
        let mut block = core::mem::take(&mut self.map().0[group].pending);
        while block != 0 {
            let words = self.at_offset(block as u32).cast::<u64>();
            // SAFETY: as in `set_pending`, which wrote the words; the rest of a free block is zero.
            let (next, size) = unsafe { (words.replace(0), words.add(1).replace(0)) };
            let first = (block as usize - group_start) / GRANULE;
            for granule in first..first + size as usize / GRANULE {
                free[granule / PAGE_GRANULES][granule % PAGE_GRANULES / 64] |= 1 << (granule % 64);
            }
            block = next;
        }
        for (index, free) in free.iter().enumerate().rev() {
            let page = group * GROUP_PAGES + index;
            if *free == [u64::MAX; PAGE_GRANULES / 64] {
                self.map().release(page, 1);
            } else if *free != FreeMap::default() {
                let is_bytes = self.map().0[group].bytes >> index & 1 == 1;
                let arena = if is_bytes { Arena::Bytes } else { Arena::Scanned };
                self.keep_fragments(arena, page * PAGE, free);
            }
        }
    }

    fn keep_fragments(&mut self, arena: Arena, page_start: usize, free: &FreeMap) {
        let is_free = |granule: usize| free[granule / 64] >> (granule % 64) & 1 == 1;
        let offset = |granule: usize| (page_start + granule * GRANULE) as u32;
        let mut end = PAGE_GRANULES;
        while end > 0 {
            let start = (0..end).rev().find(|&granule| !is_free(granule)).map_or(0, |last| last + 1);
            self.make_cold(arena, offset(start), offset(end));
            end = start.saturating_sub(1);
        }
    }
}
