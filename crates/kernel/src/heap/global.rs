//! The kernel heap as Rust's global allocator.

use super::{Heap, HeapError, Memory};
use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicU64, Ordering};

/// Where the allocator finds its heap in this boot.
pub trait Place {
    /// Base of the heap; 0: there is none yet.
    fn base(&self) -> &AtomicU64;
}

/// Routes the allocations of the freestanding kernel to the heap of this sandbox.
///
/// The one thing that lies outside the heap is the heap's base in this boot, set once at boot. Without a
/// heap every allocation fails.
pub struct KernelAllocator<M> {
    memory: M,
}

impl<M: Memory + Place> KernelAllocator<M> {
    /// An allocator that has no heap yet.
    pub const fn new(memory: M) -> Self {
        Self { memory }
    }

    /// Makes a new heap (scratch boot) and allocates from it from now on.
    ///
    /// # Errors
    /// As [`Heap::create`].
    ///
    /// # Safety
    /// As [`Heap::create`]; nothing that was allocated before is used again.
    pub unsafe fn create(&self, base: u64, limit: u64) -> Result<(), HeapError> {
        // SAFETY: the caller's promise.
        let heap = unsafe { Heap::create(base, limit, &self.memory) }?;
        self.memory.base().store(heap.base(), Ordering::Relaxed);
        Ok(())
    }

    /// Continues the heap of an image, mapped and relocated at `base`.
    ///
    /// # Errors
    /// As [`Heap::attach`].
    ///
    /// # Safety
    /// As [`Heap::attach`]; nothing that was allocated before is used again.
    pub unsafe fn attach(&self, base: u64, len: u64) -> Result<(), HeapError> {
        // SAFETY: the caller's promise.
        let heap = unsafe { Heap::attach(base, len, &self.memory) }?;
        self.memory.base().store(heap.base(), Ordering::Relaxed);
        Ok(())
    }

    /// The heap, for statistics, settling, scanning; none before `create` or `attach`.
    ///
    /// # Safety
    /// The caller holds the kernel lock as long as it uses the handle, and neither allocates nor frees
    /// by other ways meanwhile.
    #[inline]
    pub unsafe fn heap(&self) -> Option<Heap<'_, M>> {
        match self.memory.base().load(Ordering::Relaxed) {
            0 => None,
            // SAFETY: the base was set by `create` or `attach`; the lock makes this handle the only one.
            base => Some(unsafe { Heap::at(base, &self.memory) }),
        }
    }
}

// SAFETY: blocks come from `Heap`, which hands out disjoint, aligned memory. Calls never overlap, because
// whatever allocates or frees in the kernel holds the kernel lock (module documentation of `heap`).
unsafe impl<M: Memory + Place> GlobalAlloc for KernelAllocator<M> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the kernel lock is held.
        unsafe { self.heap() }.map_or(core::ptr::null_mut(), |mut heap| heap.allocate(layout))
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`; the heap hands out zeroed memory.
        unsafe { self.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the kernel lock is held; block and layout are the caller's promise.
        unsafe {
            if let Some(mut heap) = self.heap() {
                heap.deallocate(block, layout);
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`.
        unsafe { self.heap().map_or(core::ptr::null_mut(), |mut heap| heap.reallocate(block, layout, new_size)) }
    }
}
