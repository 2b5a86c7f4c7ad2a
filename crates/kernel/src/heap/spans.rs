//! Whole pages: large allocations, runs for small blocks, and how the heap gets longer.

use super::pages::{GROUP_PAGES, Group};
use super::{Arena, FIRST_TABLE, GROW_STEP, Heap, IDLE_MIN, Memory, PAGE, RUN_PAGES, Run};
use abi::layout::PAGE_SIZE;
use core::alloc::Layout;
use core::ptr::null_mut;

impl<M: Memory> Heap<'_, M> {
    /// Resizes a large allocation in place; false when what follows it is not free.
    pub(super) fn resize_pages(&mut self, offset: u32, arena: Arena, size: usize, new_size: usize) -> bool {
        let (old, new) = (size.div_ceil(PAGE), new_size.div_ceil(PAGE));
        let first = offset as usize / PAGE;
        if new < old {
            self.release_pages(first + new, old - new);
            self.count_out(arena, ((old - new) * PAGE) as u64);
        } else if new > old {
            let fits = first.checked_add(new).is_some_and(|end| end <= self.end_page());
            if !fits || !self.map().is_free(first + old, new - old) || !self.cover(first + new) {
                return false;
            }
            self.take_pages(first + old, new - old, arena);
            self.count_in(arena, ((new - old) * PAGE) as u64);
        }
        true
    }

    /// A large allocation, or one of large alignment: whole pages of its own.
    pub(super) fn allocate_pages(&mut self, layout: Layout, arena: Arena) -> *mut u8 {
        let pages = layout.size().div_ceil(PAGE);
        let Some(first) = self.find_pages(pages, layout.align().div_ceil(PAGE)) else { return null_mut() };
        self.take_pages(first, pages, arena);
        self.count_in(arena, (pages * PAGE) as u64);
        self.at_offset((first * PAGE) as u32)
    }

    /// Fresh pages for small blocks: at least `need`, more if they are free, within one group.
    pub(super) fn new_run(&mut self, arena: Arena, need: usize) -> Option<Run> {
        // The alignment keeps a run of two pages within one group.
        let first = self.find_pages(need, need.next_power_of_two())?;
        let group_end = (first / GROUP_PAGES + 1) * GROUP_PAGES;
        let most = (first + RUN_PAGES).min(group_end).min(self.end_page());
        let mut end = self.map().free_until(first + need, most);
        if !self.cover(end) {
            end = first + need;
        }
        self.take_pages(first, end - first, arena);
        Some(Run { next: (first * PAGE) as u32, end: (end * PAGE) as u32 })
    }

    /// The lowest free run of `count` pages whose first is a multiple of `align`, mapped.
    fn find_pages(&mut self, count: usize, align: usize) -> Option<usize> {
        let mut found = self.search(count, align);
        let header = self.view();
        let grows = found.is_none_or(|first| (first + count) as u64 * PAGE_SIZE > header.len);
        let mostly_idle = header.idle.min(header.freed) >= (header.len / 4).max(IDLE_MIN);
        if grows && (mostly_idle || found.is_none()) {
            self.coalesce();
            found = self.search(count, align);
        }
        while found.is_none() && self.extend_map(count.checked_add(align)?) {
            found = self.search(count, align);
        }
        found.filter(|first| self.cover(first + count))
    }

    fn search(&mut self, count: usize, align: usize) -> Option<usize> {
        let (lowest, end) = (self.view().lowest as usize, self.end_page());
        self.map().find(lowest, end, count, align)
    }

    /// The page that pages in use must lie below: what the limit and the page map allow.
    fn end_page(&self) -> usize {
        let header = self.view();
        (header.limit / PAGE_SIZE).min(header.groups * GROUP_PAGES as u64) as usize
    }

    /// How many groups of the page map the heap's length reaches into.
    pub(super) fn groups_in_use(&self) -> usize {
        (self.view().len as usize).div_ceil(GROUP_PAGES * PAGE)
    }

    /// Moves the page map to a larger place, directly behind the pages it described so far, so that it
    /// describes `more` pages beyond them; false if limit or host forbid.
    #[cold]
    fn extend_map(&mut self, more: usize) -> bool {
        let header = self.view();
        let (old_table, old_groups) = (header.table as usize, header.groups as usize);
        let limit = (header.limit / PAGE_SIZE) as usize;
        let wished = (old_groups * 2).max((old_groups + 2).saturating_add(more / GROUP_PAGES));
        let groups = wished.min(limit.div_ceil(GROUP_PAGES));
        let (first, count) = (old_groups * GROUP_PAGES, (groups * size_of::<Group>()).div_ceil(PAGE));
        if groups <= old_groups || first + count > limit || !self.cover(first + count) {
            return false;
        }
        let table = self.at_offset((first * PAGE) as u32).cast::<Group>();
        let old = self.map().0.as_ptr();
        // SAFETY: the pages of the new table were not described so far, so nothing uses them; they are
        // mapped and zero, which is a valid `Group`.
        unsafe { table.copy_from_nonoverlapping(old, old_groups) };
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        header.table = (first * PAGE) as u64;
        header.groups = groups as u64;
        self.take_pages(first, count, Arena::Bytes);
        if old_table != FIRST_TABLE {
            self.release_pages(old_table / PAGE, (old_groups * size_of::<Group>()).div_ceil(PAGE));
        }
        true
    }

    /// Sees to it that the pages below `end` are mapped.
    fn cover(&mut self, end: usize) -> bool {
        let end = end as u64 * PAGE_SIZE;
        let header = self.view();
        let (mapped, limit) = (header.mapped, header.limit);
        if end <= mapped {
            return true;
        }
        let wished = end.next_multiple_of(GROW_STEP).min(limit.max(end));
        let address = self.base() + mapped;
        let got = [wished, end].into_iter().find(|to| self.memory.grow(address, to - mapped).is_ok());
        if let Some(mapped) = got {
            // SAFETY: see `set_limit`.
            unsafe { self.header() }.mapped = mapped;
        }
        got.is_some()
    }

    /// Marks free, mapped pages as used.
    pub(super) fn take_pages(&mut self, first: usize, count: usize, arena: Arena) {
        let lowest = self.view().lowest as usize;
        let mut map = self.map();
        map.take(first, count, arena);
        let lowest = if first == lowest { map.free_from(first + count) } else { lowest };
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        header.lowest = lowest as u64;
        header.len = header.len.max((first + count) as u64 * PAGE_SIZE);
    }

    /// Zeroes pages and gives them back. Looks before it writes: much of a large buffer was often
    /// never touched, and writing zeros there would cost a private page.
    pub(super) fn release_pages(&mut self, first: usize, count: usize) {
        for page in first..first + count {
            let words = self.at_offset((page * PAGE) as u32).cast::<u64>();
            // SAFETY: the page belongs to the allocation that is given back.
            unsafe {
                // By 256 bytes, so that the compiler makes wide loads of it.
                let mut parts = core::slice::from_raw_parts(words, PAGE / 8).chunks_exact(32);
                if parts.any(|part| part.iter().fold(0, |all, word| all | word) != 0) {
                    words.write_bytes(0, PAGE / 8);
                }
            }
        }
        self.map().release(first, count);
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        header.lowest = header.lowest.min(first as u64);
    }
}
