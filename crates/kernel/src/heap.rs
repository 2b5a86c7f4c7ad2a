//! The kernel heap: one contiguous region that holds all guest-kernel state, and its allocator.
//!
//! The heap *is* a section of the func-image, so it is built to be mapped anywhere:
//!
//! * All metadata lies in the heap itself, at its base, as offsets and bit maps. Nothing in it is a
//!   pointer, so after a restore at another base the allocator works on at once.
//! * Two arenas share the region page by page. Allocations with an alignment of 8 or more are
//!   *scanned* for pointers when an image is made; those below 8 (`Vec<u8>`, `String`, pipe data) are
//!   *bytes* and never scanned, since the guest controls what they say (see [`guest_word`]).
//! * Memory that is not allocated is zero, except the first word of a free block, which is the offset
//!   of the next one: less than 4 GiB and so never taken for a pointer. `alloc_zeroed` costs nothing,
//!   and free pages need no room in an image.
//!
//! ```text
//! base   page 0: Header (counters, free lists), then the page map, 2 bits a page (see `pages`); that
//!        of a heap over 30 MiB moves to pages of its own
//!        pages of either arena: runs that small blocks are cut from, or whole large allocations
//! +len   end of what is in use: what an image stores
//! +mapped
//! ```
//!
//! A small allocation (at most [`SMALL_MAX`] bytes) takes the last freed block of its size class, else
//! cuts the next bytes from the arena's current run; classes are mixed within a page, so that an
//! instance that allocates a few objects of many sizes dirties one page for each arena and the header
//! page. Freeing pushes onto the list of the class. Neighbouring free blocks are merged later and all
//! at once (`coalesce`): before the heap grows while much lies idle, when memory runs out, and before
//! an image is made. Large allocations are runs of whole pages, first fit from the low end.
//!
//! Pages are zeroed by writing, never by `madvise`: on a mapping of an image that would bring back the
//! image's content.
//!
//! # Safety
//! The allocator has no lock of its own. Everything in the kernel that allocates or frees holds the
//! kernel lock; [`global::KernelAllocator`] relies on it. A block's size is not recorded: `deallocate`
//! and `reallocate` believe the layout they are given, as `GlobalAlloc` promises.
#![allow(unsafe_code)]

mod coalesce;
pub mod global;
pub mod guest_word;
mod pages;
mod spans;
#[cfg(test)]
pub(crate) mod tests;

use abi::layout::{HEAP_RESERVE, PAGE_SIZE};
use core::alloc::Layout;
use core::ops::Range;
use core::ptr::null_mut;
use pages::{GROUP_PAGES, Group, PageMap};

/// The largest allocation that is cut from a shared run; larger ones are whole pages.
pub const SMALL_MAX: usize = 8192;
/// Alignment of every small block; what needs more gets pages of its own.
const GRANULE: usize = 16;
/// Size classes: multiples of 16 up to 128 bytes, then four to each doubling.
const CLASSES: usize = 32;
const PAGE: usize = PAGE_SIZE as usize;
/// Longest run taken for small blocks at once. Untouched pages of it cost nothing.
const RUN_PAGES: usize = 16;
/// Memory is asked of the host in multiples of this: one hostcall, and one mapping to merge.
const GROW_STEP: u64 = 1 << 20;
/// Less idle memory than this is not worth a walk over all free blocks.
const IDLE_MIN: u64 = 256 << 10;
/// One page short of the reservation, so that every offset, ends included, fits 32 bits.
const LIMIT_MAX: u64 = HEAP_RESERVE - PAGE_SIZE;
const MAGIC: u64 = u64::from_le_bytes(*b"CATHEAP1");
/// The page map of a heap that is not large lies in the header page.
const FIRST_TABLE: usize = size_of::<Header>();
const FIRST_GROUPS: usize = (PAGE - FIRST_TABLE) / size_of::<Group>();

/// Gives the heap memory.
pub trait Memory {
    /// Makes `bytes` bytes (whole pages) of zeroed, writable memory available at `address`.
    ///
    /// # Errors
    /// [`OutOfMemory`] when the host refuses; nothing has changed then.
    fn grow(&self, address: u64, bytes: u64) -> Result<(), OutOfMemory>;
}

/// The host gives no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// Why a heap can't be made or taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapError {
    /// The host gives no memory for the header.
    OutOfMemory,
    /// The base is not page-aligned, or the limit is too small for the metadata.
    Unusable,
    /// There is no heap of this format at that base.
    NotAHeap,
    /// The header contradicts itself or the length given.
    Damaged,
}

impl core::fmt::Display for HeapError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "no memory for the kernel heap",
            Self::Unusable => "base or limit of the kernel heap can't be used",
            Self::NotAHeap => "no kernel heap of this format",
            Self::Damaged => "header of the kernel heap is damaged",
        })
    }
}

impl core::error::Error for HeapError {}

/// The two kinds of memory in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arena {
    /// May hold pointers: scanned when an image is made.
    Scanned = 0,
    /// Never holds pointers.
    Bytes = 1,
}

impl Arena {
    const ALL: [Self; 2] = [Self::Scanned, Self::Bytes];

    /// The arena that serves allocations of this layout.
    pub const fn of(layout: Layout) -> Self {
        if layout.align() < 8 { Self::Bytes } else { Self::Scanned }
    }
}

/// What the heap holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Allocated in the scanned arena, rounded up to size classes and pages.
    pub scanned: u64,
    /// Allocated in the byte arena, likewise.
    pub bytes: u64,
    /// Highest sum of both so far.
    pub peak: u64,
    /// Free, in lists of small blocks.
    pub idle: u64,
    /// Length of the heap: what an image stores.
    pub len: u64,
    /// Length it may not exceed.
    pub limit: u64,
}

/// What small blocks are cut from next: `next..end`, offsets.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Run {
    next: u32,
    end: u32,
}

/// At the base of the heap; the page map's groups follow.
#[repr(C)]
struct Header {
    magic: u64,
    /// Where the page map lies, an offset, and how many groups of pages it describes.
    table: u64,
    groups: u64,
    len: u64,
    mapped: u64,
    limit: u64,
    used: [u64; 2],
    peak: u64,
    idle: u64,
    /// Small bytes freed since the last `coalesce`.
    freed: u64,
    /// No page below this one is free.
    lowest: u64,
    runs: [Run; 2],
    /// Blocks freed since the last `coalesce`, last in first out; 0 ends a list.
    hot: [[u32; CLASSES]; 2],
    /// Remains between live blocks, used only when a run is used up: they lie scattered, and taking one
    /// dirties a page that nothing else may touch.
    cold: [[u32; CLASSES]; 2],
}

const _: () = assert!(FIRST_TABLE.is_multiple_of(8) && FIRST_GROUPS >= 120, "the map of 30 MiB fits the header page");

const fn class_of(size: usize) -> usize {
    if size <= 128 {
        return size.saturating_sub(1) / GRANULE;
    }
    let top = (size - 1).ilog2() as usize;
    8 + (top - 7) * 4 + (((size - 1) >> (top - 2)) & 3)
}

const fn class_size(class: usize) -> usize {
    if class < 8 {
        return (class + 1) * GRANULE;
    }
    let top = 7 + (class - 8) / 4;
    (1 << top) + (((class - 8) % 4 + 1) << (top - 2))
}

const fn is_small(size: usize, align: usize) -> bool {
    size <= SMALL_MAX && align <= GRANULE
}

/// A handle on the heap at some base. All state lies in the heap; handles are made as needed.
pub struct Heap<'m, M> {
    base: *mut u8,
    memory: &'m M,
}

impl<'m, M: Memory> Heap<'m, M> {
    /// Makes an empty heap at `base` that may grow to `limit` bytes.
    ///
    /// # Errors
    /// [`HeapError::Unusable`] or [`HeapError::OutOfMemory`].
    ///
    /// # Safety
    /// `limit` bytes of address space at `base` belong to the caller, and what `memory` maps there is
    /// used by nothing but this heap.
    pub unsafe fn create(base: u64, limit: u64, memory: &'m M) -> Result<Self, HeapError> {
        let limit = limit.min(LIMIT_MAX) / PAGE_SIZE * PAGE_SIZE;
        if base == 0 || !base.is_multiple_of(PAGE_SIZE) || limit < PAGE_SIZE {
            return Err(HeapError::Unusable);
        }
        let mapped = GROW_STEP.min(limit);
        memory.grow(base, mapped).map_err(|OutOfMemory| HeapError::OutOfMemory)?;
        let mut heap = Self { base: core::ptr::with_exposed_provenance_mut(base as usize), memory };
        // SAFETY: the page was just mapped for this heap, zeroed; `Header` is valid when zero.
        let header = unsafe { heap.header() };
        let (table, groups) = (FIRST_TABLE as u64, FIRST_GROUPS as u64);
        *header = Header { magic: MAGIC, table, groups, len: PAGE_SIZE, mapped, limit, ..*header };
        heap.take_pages(0, 1, Arena::Bytes);
        Ok(heap)
    }

    /// Takes over the heap of `len` bytes that was mapped or copied to `base`.
    ///
    /// # Errors
    /// [`HeapError::NotAHeap`] or [`HeapError::Damaged`].
    ///
    /// # Safety
    /// `len` bytes at `base` are mapped, writable, and used by nothing but this heap; the address space
    /// from there to the heap's limit belongs to the caller. The content is a heap that this kernel
    /// made, relocated to `base` before anything in it is used.
    pub unsafe fn attach(base: u64, len: u64, memory: &'m M) -> Result<Self, HeapError> {
        if base == 0 || !base.is_multiple_of(PAGE_SIZE) || len < PAGE_SIZE {
            return Err(HeapError::NotAHeap);
        }
        let mut heap = Self { base: core::ptr::with_exposed_provenance_mut(base as usize), memory };
        // SAFETY: the caller has mapped at least this page; `Header` holds integers only.
        let header = unsafe { heap.header() };
        if header.magic != MAGIC {
            return Err(HeapError::NotAHeap);
        }
        let table_len = header.groups.checked_mul(size_of::<Group>() as u64);
        let table_end = table_len.and_then(|table_len| table_len.checked_add(header.table));
        let table_fits = table_end.is_some_and(|end| end <= len) && header.table.is_multiple_of(8);
        let described = len.div_ceil(GROUP_PAGES as u64 * PAGE_SIZE) <= header.groups;
        let len_fits = header.len == len && len.is_multiple_of(PAGE_SIZE) && len.max(header.limit) <= LIMIT_MAX;
        if !table_fits || !described || !len_fits {
            return Err(HeapError::Damaged);
        }
        header.mapped = len;
        Ok(heap)
    }

    /// A handle on the heap that was created or attached at `base`.
    ///
    /// # Safety
    /// There is such a heap, and no other handle on it is in use at the same time.
    pub(crate) unsafe fn at(base: u64, memory: &'m M) -> Self {
        Self { base: core::ptr::with_exposed_provenance_mut(base as usize), memory }
    }

    /// Where the heap lies.
    pub fn base(&self) -> u64 {
        self.base.expose_provenance() as u64
    }

    /// Length in bytes, whole pages: what an image stores. Everything above is zero.
    pub fn len(&self) -> u64 {
        self.view().len
    }

    /// Whether nothing is allocated.
    pub fn is_empty(&self) -> bool {
        self.view().used == [0, 0]
    }

    /// Changes how long the heap may get. A limit below the present length only stops growth.
    pub fn set_limit(&mut self, bytes: u64) {
        // SAFETY: a handle exists only on a heap (`create`, `attach`, `at`).
        unsafe { self.header() }.limit = bytes.min(LIMIT_MAX) / PAGE_SIZE * PAGE_SIZE;
    }

    /// What the heap holds.
    pub fn statistics(&self) -> Statistics {
        let header = self.view();
        let [scanned, bytes] = header.used;
        Statistics { scanned, bytes, peak: header.peak, idle: header.idle, len: header.len, limit: header.limit }
    }

    /// Calls `each` with every run of pages of the scanned arena, as offsets, ascending.
    pub fn for_each_scanned(&self, each: impl FnMut(Range<u64>)) {
        let first = self.base.wrapping_add(self.view().table as usize).cast::<Group>();
        // SAFETY: the table of groups is part of the mapped heap and describes at least its length
        // (`create`, `attach`, `extend_map`); nothing changes it while `self` is borrowed.
        let groups = unsafe { core::slice::from_raw_parts(first, self.groups_in_use()) };
        pages::for_each_scanned(groups, each);
    }

    /// Zeroed memory for `layout`, or null when there is none.
    #[inline]
    pub fn allocate(&mut self, layout: Layout) -> *mut u8 {
        let arena = Arena::of(layout);
        if !is_small(layout.size(), layout.align()) {
            return self.allocate_pages(layout, arena);
        }
        let class = class_of(layout.size());
        let size = class_size(class) as u32;
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        let run = &mut header.runs[arena as usize];
        let block = if header.hot[arena as usize][class] != 0 {
            self.pop(arena, class, List::Hot)
        } else if run.end - run.next >= size {
            run.next += size;
            run.next - size
        } else {
            match self.refill(arena, class) {
                Some(block) => block,
                None => return null_mut(),
            }
        };
        self.count_in(arena, u64::from(size));
        self.at_offset(block)
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// `block` came from this heap with `layout`, and is not used any more.
    #[inline]
    pub unsafe fn deallocate(&mut self, block: *mut u8, layout: Layout) {
        let arena = Arena::of(layout);
        let offset = self.offset_of(block);
        if !is_small(layout.size(), layout.align()) {
            let pages = layout.size().div_ceil(PAGE);
            self.release_pages(offset as usize / PAGE, pages);
            self.count_out(arena, (pages * PAGE) as u64);
            return;
        }
        let class = class_of(layout.size());
        let size = class_size(class);
        // SAFETY: the block is `size` bytes long and the caller's to give back.
        unsafe { block.write_bytes(0, size) };
        self.push(arena, class, offset, List::Hot);
        self.count_out(arena, size as u64);
        // SAFETY: see `set_limit`.
        unsafe { self.header() }.freed += size as u64;
    }

    /// Changes the size of a block, in place where possible; null (and no change) without memory.
    ///
    /// # Safety
    /// As for [`Self::deallocate`]; the result replaces `block`.
    pub unsafe fn reallocate(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else { return null_mut() };
        let arena = Arena::of(layout);
        let in_place = match (is_small(layout.size(), layout.align()), is_small(new_size, layout.align())) {
            (true, true) => self.resize_small(self.offset_of(block), arena, layout.size(), new_size),
            (false, false) => self.resize_pages(self.offset_of(block), arena, layout.size(), new_size),
            _ => false,
        };
        if in_place {
            return block;
        }
        let new = self.allocate(new_layout);
        if !new.is_null() {
            // SAFETY: both blocks are at least that long, distinct, and ours; then the old one is done.
            unsafe {
                new.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.deallocate(block, layout);
            }
        }
        new
    }

    fn resize_small(&mut self, offset: u32, arena: Arena, size: usize, new_size: usize) -> bool {
        let (old, new) = (class_size(class_of(size)) as u32, class_size(class_of(new_size)) as u32);
        // SAFETY: see `set_limit`.
        let run = &mut unsafe { self.header() }.runs[arena as usize];
        let room = run.end - run.next;
        if new > old && offset + old == run.next && room >= new - old {
            run.next += new - old;
            self.count_in(arena, u64::from(new - old));
            return true;
        }
        new == old
    }

    /// A block of a class whose hot list is empty and that the current run is too short for.
    #[cold]
    fn refill(&mut self, arena: Arena, class: usize) -> Option<u32> {
        for last_try in [false, true] {
            if self.view().cold[arena as usize][class] != 0 {
                return Some(self.pop(arena, class, List::Cold));
            }
            self.retire_run(arena);
            let size = class_size(class);
            let larger = (class + 1..CLASSES).rev().find(|&larger| self.view().cold[arena as usize][larger] != 0);
            let run = if let Some(larger) = larger {
                let next = self.pop(arena, larger, List::Cold);
                Some(Run { next, end: next + class_size(larger) as u32 })
            } else {
                self.new_run(arena, size.div_ceil(PAGE))
            };
            if let Some(Run { next, end }) = run {
                let next = next + size as u32;
                // SAFETY: see `set_limit`.
                unsafe { self.header() }.runs[arena as usize] = Run { next, end };
                return Some(next - size as u32);
            }
            if !last_try {
                self.coalesce();
            }
        }
        None
    }

    #[inline]
    fn pop(&mut self, arena: Arena, class: usize, list: List) -> u32 {
        let size = class_size(class) as u64;
        // SAFETY: see `set_limit`; the caller found the list not empty.
        let block = *list.head(unsafe { self.header() }, arena, class);
        let link = self.at_offset(block).cast::<u64>();
        // SAFETY: a listed block is free and ours; its first word is the offset of the next.
        let next = unsafe { link.replace(0) } as u32;
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        *list.head(header, arena, class) = next;
        header.idle -= size;
        block
    }

    #[inline]
    fn push(&mut self, arena: Arena, class: usize, block: u32, list: List) {
        let link = self.at_offset(block).cast::<u64>();
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        let next = core::mem::replace(list.head(header, arena, class), block);
        header.idle += class_size(class) as u64;
        // SAFETY: the block is free and ours, and a block is at least two words long and aligned.
        unsafe { link.write(u64::from(next)) };
    }

    #[inline]
    fn count_in(&mut self, arena: Arena, bytes: u64) {
        // SAFETY: see `set_limit`.
        let header = unsafe { self.header() };
        header.used[arena as usize] += bytes;
        header.peak = header.peak.max(header.used[0] + header.used[1]);
    }

    #[inline]
    fn count_out(&mut self, arena: Arena, bytes: u64) {
        // SAFETY: see `set_limit`.
        unsafe { self.header() }.used[arena as usize] -= bytes;
    }

    #[inline]
    fn at_offset(&self, offset: u32) -> *mut u8 {
        self.base.wrapping_add(offset as usize)
    }

    #[inline]
    fn offset_of(&self, block: *mut u8) -> u32 {
        (block as usize - self.base as usize) as u32
    }

    #[inline]
    fn view(&self) -> &Header {
        // SAFETY: a handle exists only on a heap (`create`, `attach`, `at`), whose header is mapped.
        unsafe { &*self.base.cast::<Header>() }
    }

    /// # Safety
    /// The header page is mapped. The reference is not held across another use of `self`; its
    /// lifetime is free so that fields can be read beside it.
    #[inline]
    unsafe fn header<'a>(&mut self) -> &'a mut Header {
        // SAFETY: as above.
        unsafe { &mut *self.base.cast::<Header>() }
    }

    fn map(&mut self) -> PageMap<'_> {
        let header = self.view();
        let first = self.base.wrapping_add(header.table as usize).cast::<Group>();
        // SAFETY: the table is mapped (`create`, `attach`, `extend_map`); `self` is borrowed as long as
        // the map lives.
        PageMap(unsafe { core::slice::from_raw_parts_mut(first, header.groups as usize) })
    }
}

#[derive(Clone, Copy)]
enum List {
    Hot,
    Cold,
}

impl List {
    #[inline]
    fn head(self, header: &mut Header, arena: Arena, class: usize) -> &mut u32 {
        match self {
            Self::Hot => &mut header.hot[arena as usize][class],
            Self::Cold => &mut header.cold[arena as usize][class],
        }
    }
}
