//! Tests of the allocator, and what other tests need to run on a heap of their own: reserved memory, and
//! a global allocator for the test binary that a thread can point at such a heap.

use super::global::{KernelAllocator, Place};
use super::*;
use core::alloc::GlobalAlloc;
use core::cell::Cell;
use core::sync::atomic::AtomicU64;
use std::alloc::System;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::thread_local;
use std::vec::Vec;

/// Reserved address space that becomes usable from the bottom as a heap grows into it.
pub(crate) struct Region {
    start: usize,
    len: usize,
}

impl Region {
    /// As the kernel's heaps, it lies where the low halves of its addresses are no small numbers.
    pub(crate) fn reserve(len: usize) -> Self {
        const WINDOW: usize = 1 << 32;
        const LOW: usize = 0x1000_0000;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the host's choice.
        let start = unsafe { libc::mmap(null_mut(), len + 2 * WINDOW, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        let start = start.expose_provenance();
        let fits = (LOW..=WINDOW - LOW).contains(&(start % WINDOW)) && start % WINDOW + len < WINDOW - LOW;
        Self { start: if fits { start } else { start.next_multiple_of(WINDOW) + LOW }, len }
    }

    pub(crate) fn base(&self) -> u64 {
        self.start as u64
    }

    /// Makes every access to the region crash.
    pub(crate) fn forbid(&self) {
        self.protect(self.start, self.len, libc::PROT_NONE);
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.len
    }

    fn protect(&self, address: usize, len: usize, protection: i32) {
        assert!(self.contains(address) && len <= self.start + self.len - address);
        // SAFETY: the range lies in this region, which nothing but its heap uses.
        let result = unsafe { libc::mprotect(core::ptr::with_exposed_provenance_mut(address), len, protection) };
        assert_eq!(result, 0);
    }
}

impl Memory for Region {
    fn grow(&self, address: u64, bytes: u64) -> Result<(), OutOfMemory> {
        if address + bytes > (self.start + self.len) as u64 {
            return Err(OutOfMemory);
        }
        self.protect(address as usize, bytes as usize, libc::PROT_READ | libc::PROT_WRITE);
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the region is ours, and its heap is gone.
        unsafe { libc::munmap(core::ptr::with_exposed_provenance_mut(self.start), self.len) };
    }
}

/// A heap that a test thread can allocate from.
pub(crate) struct TestHeap {
    pub(crate) allocator: KernelAllocator<Placed>,
    region: &'static Region,
}

/// A region, and where the allocator finds the heap in it.
pub(crate) struct Placed {
    region: &'static Region,
    base: AtomicU64,
}

impl Memory for Placed {
    fn grow(&self, address: u64, bytes: u64) -> Result<(), OutOfMemory> {
        self.region.grow(address, bytes)
    }
}

impl Place for Placed {
    fn base(&self) -> &AtomicU64 {
        &self.base
    }
}

impl TestHeap {
    /// A new heap in a region of its own; both are kept for good.
    pub(crate) fn create() -> &'static Self {
        let heap = Self::in_new_region();
        // SAFETY: the region is used for this heap only.
        unsafe { heap.allocator.create(heap.region.base(), heap.region.len as u64) }.unwrap();
        heap
    }

    /// A heap from `image`, as it lies, in a region of its own. `relocate` gets the new base.
    pub(crate) fn restore(image: &[u8], relocate: impl FnOnce(*mut u8)) -> &'static Self {
        let heap = Self::in_new_region();
        heap.region.grow(heap.region.base(), image.len() as u64).unwrap();
        let base = core::ptr::with_exposed_provenance_mut::<u8>(heap.region.start);
        // SAFETY: the memory was just made usable, and belongs to this heap.
        unsafe { base.copy_from_nonoverlapping(image.as_ptr(), image.len()) };
        relocate(base);
        // SAFETY: as above; the image is a heap that a test made.
        unsafe { heap.allocator.attach(heap.region.base(), image.len() as u64) }.unwrap();
        heap
    }

    fn in_new_region() -> &'static Self {
        let region: &'static Region = Box::leak(Box::new(Region::reserve(512 << 20)));
        let placed = Placed { region, base: AtomicU64::new(0) };
        Box::leak(Box::new(Self { allocator: KernelAllocator::new(placed), region }))
    }

    pub(crate) fn region(&self) -> &'static Region {
        self.region
    }

    pub(crate) fn heap(&self) -> Heap<'_, Placed> {
        // SAFETY: a heap is used by the thread of one test, which makes handles one at a time.
        unsafe { self.allocator.heap() }.unwrap()
    }

    /// Runs `work` with this thread's allocations coming from this heap.
    pub(crate) fn run<R>(&'static self, work: impl FnOnce() -> R) -> R {
        struct Back;
        impl Drop for Back {
            fn drop(&mut self) {
                ROUTE.set((ROUTE.get().0, false));
            }
        }
        ROUTE.set((Some(self), true));
        let _back = Back;
        work()
    }

    /// The heap as an image stores it.
    pub(crate) fn image(&self) -> Vec<u8> {
        content(&self.heap()).to_vec()
    }
}

thread_local! {
    /// The heap of this thread's test, and whether allocations come from it now.
    static ROUTE: Cell<(Option<&'static TestHeap>, bool)> = const { Cell::new((None, false)) };
}

struct Switch;

impl Switch {
    fn owner(block: *mut u8) -> Option<&'static TestHeap> {
        let (heap, _) = ROUTE.get();
        heap.filter(|heap| heap.region.contains(block as usize))
    }
}

#[global_allocator]
static SWITCH: Switch = Switch;

// SAFETY: hands every call to one of two allocators, freed blocks to the one they came from.
unsafe impl GlobalAlloc for Switch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match ROUTE.get() {
            // SAFETY: the caller's promise; the heap belongs to this thread.
            (Some(heap), true) => unsafe { heap.allocator.alloc(layout) },
            // SAFETY: the caller's promise.
            _ => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match Self::owner(block) {
            // SAFETY: the block lies in the heap, so it came from there.
            Some(heap) => unsafe { heap.allocator.dealloc(block, layout) },
            // SAFETY: the block came from the system.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        match Self::owner(block) {
            // SAFETY: as in `dealloc`.
            Some(heap) => unsafe { heap.allocator.realloc(block, layout, new_size) },
            // SAFETY: as in `dealloc`.
            None => unsafe { System.realloc(block, layout, new_size) },
        }
    }
}

/// Everything from base to length.
pub(crate) fn content<'h, M: Memory>(heap: &'h Heap<'_, M>) -> &'h [u8] {
    // SAFETY: a heap is mapped up to its length.
    unsafe { core::slice::from_raw_parts(heap.base, heap.len() as usize) }
}

/// Nothing is allocated, all pages are free again and zero.
pub(crate) fn assert_all_free<M: Memory>(heap: &mut Heap<'_, M>) {
    assert!(heap.is_empty(), "{:?}", heap.statistics());
    let len = heap.len() as usize;
    heap.coalesce();
    assert_eq!(heap.statistics().idle, 0);
    let table = heap.view().table as usize;
    let kept = if table == FIRST_TABLE {
        PAGE..PAGE
    } else {
        table..(table + heap.view().groups as usize * size_of::<Group>()).next_multiple_of(PAGE)
    };
    assert_eq!(heap.len() as usize, kept.end);
    // SAFETY: what was in use before is still mapped.
    let all = unsafe { core::slice::from_raw_parts(heap.base, len) };
    assert!(all[PAGE..kept.start.min(len)].iter().all(|&byte| byte == 0));
    assert!(all[kept.end.min(len)..].iter().all(|&byte| byte == 0));
}

/// Splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn new_heap(region: &Region, limit: u64) -> Heap<'_, Region> {
    // SAFETY: each test uses its region for one heap.
    unsafe { Heap::create(region.base(), limit, region) }.unwrap()
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// The heap beside a list of what it should hold.
struct Model<'m> {
    heap: Heap<'m, Region>,
    /// Address, layout and filling of each live block.
    blocks: Vec<(usize, Layout, u8)>,
    by_address: BTreeMap<usize, usize>,
    random: Random,
}

impl<'m> Model<'m> {
    fn new(region: &'m Region, limit: u64, seed: u64) -> Self {
        let heap = new_heap(region, limit);
        Self { heap, blocks: Vec::new(), by_address: BTreeMap::new(), random: Random(seed) }
    }

    fn any_size(&mut self) -> usize {
        let most =
            [16, 128, 1024, SMALL_MAX, 40_000, 300_000][[0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5][self.random.below(12)]];
        1 + self.random.below(most)
    }

    fn bytes(address: usize, len: usize) -> &'static mut [u8] {
        // SAFETY: used only for blocks that are live.
        unsafe { core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(address), len) }
    }

    /// The block is aligned, lies in the heap and in no other block, in pages of its arena.
    fn add(&mut self, address: usize, layout: Layout, filling: u8) {
        let base = self.heap.base() as usize;
        assert!(address.is_multiple_of(layout.align()));
        assert!(address >= base + PAGE && address + layout.size() <= base + self.heap.len() as usize);
        let before = self.by_address.range(..=address).next_back();
        assert!(before.is_none_or(|(&start, &size)| start + size <= address));
        assert!(self.by_address.range(address..).next().is_none_or(|(&start, _)| address + layout.size() <= start));
        let page = (address - base) / PAGE;
        let is_bytes = self.heap.map().0[page / GROUP_PAGES].bytes >> (page % GROUP_PAGES) & 1 == 1;
        assert_eq!(is_bytes, Arena::of(layout) == Arena::Bytes);
        self.by_address.insert(address, layout.size());
        Self::bytes(address, layout.size()).fill(filling);
        self.blocks.push((address, layout, filling));
    }

    fn allocate(&mut self) {
        let align = [1, 2, 4, 8, 8, 8, 8, 8, 16, 64, 4096, 65536][self.random.below(12)];
        let layout = layout(self.any_size(), align);
        let block = self.heap.allocate(layout) as usize;
        if block != 0 {
            assert!(Self::bytes(block, layout.size()).iter().all(|&byte| byte == 0), "not zeroed");
            let filling = self.random.next() as u8;
            self.add(block, layout, filling);
        }
    }

    fn take_any(&mut self) -> Option<(usize, Layout, u8)> {
        let index = self.random.below(self.blocks.len().max(1));
        let block = (!self.blocks.is_empty()).then(|| self.blocks.swap_remove(index))?;
        self.by_address.remove(&block.0);
        Some(block)
    }

    fn free(&mut self) {
        let Some((address, layout, filling)) = self.take_any() else { return };
        assert!(Self::bytes(address, layout.size()).iter().all(|&byte| byte == filling), "content changed");
        // SAFETY: the block is live and forgotten by the model.
        unsafe { self.heap.deallocate(core::ptr::with_exposed_provenance_mut(address), layout) };
    }

    fn resize(&mut self) {
        let Some((address, old, filling)) = self.take_any() else { return };
        let new = layout(self.any_size(), old.align());
        // SAFETY: the block is live; the model goes on with the result.
        let moved =
            unsafe { self.heap.reallocate(core::ptr::with_exposed_provenance_mut(address), old, new.size()) } as usize;
        let (now, layout) = if moved == 0 { (address, old) } else { (moved, new) };
        let kept = Self::bytes(now, layout.size().min(old.size()));
        assert!(kept.iter().all(|&byte| byte == filling), "content lost");
        self.add(now, layout, filling);
    }

    fn run(mut self, steps: usize) {
        for step in 0..steps {
            // Grows and shrinks in turns.
            let (allocations, resizes) = if step / 4000 % 2 == 0 { (5, 7) } else { (3, 5) };
            match self.random.below(10) {
                dice if dice < allocations => self.allocate(),
                dice if dice < resizes => self.resize(),
                _ => self.free(),
            }
            match self.random.below(2000) {
                0 => self.heap.settle(),
                1 => self.heap.coalesce(),
                _ => {}
            }
        }
        while !self.blocks.is_empty() {
            self.free();
        }
        assert_all_free(&mut self.heap);
    }
}

#[test]
fn behaves_like_a_model() {
    for seed in 0..3 {
        let region = Region::reserve(512 << 20);
        Model::new(&region, 512 << 20, seed).run(12_000);
    }
}

#[test]
fn behaves_like_a_model_when_memory_is_short() {
    for seed in 0..4 {
        let region = Region::reserve(16 << 20);
        // The limit is reached in half of the runs, the host refuses in the others.
        Model::new(&region, if seed % 2 == 0 { 3_500_000 } else { 64 << 20 }, 100 + seed).run(10_000);
    }
}

#[test]
fn size_classes_are_tight_and_ordered() {
    for size in 1..=SMALL_MAX {
        let class = class_of(size);
        assert!(size <= class_size(class) && (class == 0 || size > class_size(class - 1)), "{size}");
        assert!(class_size(class).is_multiple_of(GRANULE));
    }
    assert_eq!(class_of(SMALL_MAX), CLASSES - 1);
}

#[test]
fn new_heap_is_one_page_long() {
    let region = Region::reserve(64 << 20);
    let heap = new_heap(&region, 64 << 20);
    assert_eq!(heap.len(), PAGE_SIZE);
    assert!(heap.is_empty());
}

#[test]
fn freed_large_spans_are_merged_and_used_again() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    let mebibyte = layout(1 << 20, 8);
    let blocks: Vec<_> = (0..3).map(|_| heap.allocate(mebibyte)).collect();
    let len = heap.len();
    for &block in &blocks {
        // SAFETY: allocated above, freed once.
        unsafe { heap.deallocate(block, mebibyte) };
    }
    assert_eq!(heap.allocate(layout(3 << 20, 1)), blocks[0]);
    assert_eq!(heap.len(), len);
}

#[test]
fn freed_small_blocks_become_pages_before_the_heap_grows() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    let blocks: Vec<_> = (0..100_000).map(|_| heap.allocate(layout(48, 8))).collect();
    let len = heap.len();
    for block in blocks {
        // SAFETY: allocated above, freed once.
        unsafe { heap.deallocate(block, layout(48, 8)) };
    }
    assert!(!heap.allocate(layout(4 << 20, 1)).is_null());
    assert!(heap.len() <= len);
}

#[test]
fn blocks_grow_in_place_when_what_follows_is_free() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    for (from, to) in [(100, 3000), (40_000, 2_000_000)] {
        let block = heap.allocate(layout(from, 1));
        // SAFETY: allocated above.
        assert_eq!(unsafe { heap.reallocate(block, layout(from, 1), to) }, block);
    }
}

#[test]
fn last_freed_is_first_reused() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    let (_, block) = (heap.allocate(layout(64, 8)), heap.allocate(layout(64, 8)));
    // SAFETY: allocated above.
    unsafe { heap.deallocate(block, layout(64, 8)) };
    assert_eq!(heap.allocate(layout(60, 8)), block);
}

#[test]
fn first_allocations_of_an_instance_dirty_three_pages() {
    let region = Region::reserve(64 << 20);
    let mut model = Model::new(&region, 64 << 20, 7);
    for _ in 0..3000 {
        model.allocate();
        model.free();
        model.allocate();
    }
    let mut heap = model.heap;
    heap.settle();
    let before = content(&heap).to_vec();
    for size in (16..160).step_by(16) {
        for align in [1, 8] {
            // SAFETY: a fresh block of that size.
            unsafe { heap.allocate(layout(size, align)).write_bytes(0xff, size) };
        }
    }
    assert_eq!(heap.len(), before.len() as u64, "no growth, no hostcall");
    let pages = content(&heap).chunks(PAGE).zip(before.chunks(PAGE));
    assert_eq!(pages.filter(|(now, before)| now != before).count(), 3);
}

#[test]
fn metadata_holds_no_address() {
    let region = Region::reserve(64 << 20);
    let mut model = Model::new(&region, 64 << 20, 8);
    for _ in 0..2000 {
        model.allocate();
        model.allocate();
        model.free();
    }
    let heap = model.heap;
    let range = heap.base()..=heap.base() + heap.len();
    let words = content(&heap)[..PAGE].as_chunks::<8>().0.iter();
    assert_eq!(words.filter(|word| range.contains(&u64::from_ne_bytes(**word))).count(), 0);
}

#[test]
fn page_map_moves_when_the_heap_gets_large() {
    let region = Region::reserve(1 << 30);
    let mut heap = new_heap(&region, 1 << 30);
    let sizes = [9000, 1 << 20, 20 << 20, 150 << 20, 70_000, 40 << 20, 300 << 20, 12_288];
    let blocks: Vec<_> = sizes.iter().map(|&size| (heap.allocate(layout(size, 8)), layout(size, 8))).collect();
    for &(block, layout) in &blocks {
        assert!(!block.is_null());
        // SAFETY: first and last byte of a block of that size.
        unsafe {
            block.write(1);
            block.add(layout.size() - 1).write(1);
        }
    }
    assert_ne!(heap.view().table as usize, FIRST_TABLE);
    let mut scanned = 0;
    heap.for_each_scanned(|run| scanned += run.end - run.start);
    assert_eq!(scanned, heap.statistics().scanned);
    let len = heap.len();
    // SAFETY: the same heap at the same place, taken over by a new handle.
    let mut heap = unsafe { Heap::attach(region.base(), len, &region) }.unwrap();
    for (block, layout) in blocks {
        // SAFETY: allocated above, freed once.
        unsafe { heap.deallocate(block, layout) };
    }
    assert_all_free(&mut heap);
}

#[test]
fn limit_is_kept_and_can_be_raised() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 1 << 20);
    assert!(heap.allocate(layout(2 << 20, 8)).is_null());
    while !heap.allocate(layout(4000, 8)).is_null() {}
    assert!(heap.len() <= 1 << 20);
    heap.set_limit(4 << 20);
    assert!(!heap.allocate(layout(2 << 20, 8)).is_null());
}

#[test]
fn absurd_sizes_give_null() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    assert!(heap.allocate(layout(isize::MAX as usize - 4096, 4096)).is_null());
    assert!(heap.allocate(layout(16, 1 << 62)).is_null());
    let block = heap.allocate(layout(10_000, 8));
    // SAFETY: allocated above; it stays as it is.
    assert!(unsafe { heap.reallocate(block, layout(10_000, 8), isize::MAX as usize - 4096) }.is_null());
}

#[test]
fn attach_refuses_what_is_no_heap() {
    let region = Region::reserve(64 << 20);
    let mut heap = new_heap(&region, 64 << 20);
    assert!(!heap.allocate(layout(20_000, 8)).is_null());
    let len = heap.len();
    // SAFETY: the region is mapped that far, and no handle is used beside the one that is made.
    let attach = |len| unsafe { Heap::attach(region.base(), len, &region) }.err();
    assert_eq!(attach(len), None);
    assert_eq!(attach(len - PAGE_SIZE), Some(HeapError::Damaged));
    assert_eq!(attach(0), Some(HeapError::NotAHeap));
    // SAFETY: no reference into the header is alive.
    unsafe { heap.header() }.groups = u64::MAX;
    assert_eq!(attach(len), Some(HeapError::Damaged));
    // SAFETY: as above.
    unsafe { heap.header() }.magic = 0;
    assert_eq!(attach(len), Some(HeapError::NotAHeap));
}
