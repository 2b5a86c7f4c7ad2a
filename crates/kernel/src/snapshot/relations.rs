//! The relation table: where in the kernel heap words point into the heap or the guest kernel.
//!
//! The table is made by scanning: every aligned word in memory of the scanned arena (allocated or not:
//! free memory is zero) that has the value of an address in the heap is a pointer. That is exact as long
//! as the kernel's types keep these rules:
//!
//! (a) what has an alignment below 8 lives in the byte arena, which is never scanned;
//! (b) 64-bit words that the guest controls live there too, see [`crate::heap::guest_word`];
//! (c) no tagged, packed, xored or relative pointers, and no hashing or ordering by address;
//! (d) the end of the heap counts as in range: iterators and empty slices may point there;
//! (e) fresh and freed memory is zero;
//! (f) nothing outside the heap points into it but one root.
//!
//! What was a pointer once and lies in spare capacity or in the unused part of an enum is relocated like
//! any other: it still has the value of an address in the heap, and nobody reads it.
//!
//! Making the table allocates nothing, since that would change what is scanned: offsets go to a closure,
//! or, with [`HeapPointers`] and [`KernelPointers`], straight into an encoder.
//!
//! # Safety
//! Scanning reads whole pages that the heap's page map calls in use, through volatile reads, as
//! allocations may hold padding. Relocating writes only words below the heap's length that have the
//! value of an address in the old range.
#![allow(unsafe_code)]

use crate::heap::{Heap, Memory};
use core::ops::Range;
use serde::ser::{Serialize, SerializeSeq, Serializer};

#[cfg(test)]
mod tests;

/// Calls `each` with offset and value of every non-zero aligned word of the scanned arena, ascending.
fn for_each_word<M: Memory>(heap: &Heap<'_, M>, mut each: impl FnMut(u32, u64)) {
    let base = heap.base();
    heap.for_each_scanned(|run| {
        for offset in run.step_by(8) {
            // SAFETY: the run is in use, so it is mapped; `base` and the run are page-aligned.
            let word = unsafe { core::ptr::with_exposed_provenance::<u64>((base + offset) as usize).read_volatile() };
            if word != 0 {
                // The heap is less than 4 GiB long.
                each(offset as u32, word);
            }
        }
    });
}

/// Calls `each` with the offset of every word that points into the heap, its end included; ascending.
pub fn for_each_heap_pointer<M: Memory>(heap: &Heap<'_, M>, mut each: impl FnMut(u32)) {
    let (base, len) = (heap.base(), heap.len());
    for_each_word(heap, |offset, word| {
        if word.wrapping_sub(base) <= len {
            each(offset);
        }
    });
}

/// Calls `each` with the offset of every word that points into the guest kernel's image: vtables,
/// functions, static strings; ascending.
pub fn for_each_kernel_pointer<M: Memory>(heap: &Heap<'_, M>, kernel: Range<u64>, mut each: impl FnMut(u32)) {
    for_each_word(heap, |offset, word| {
        if kernel.contains(&word) {
            each(offset);
        }
    });
}

/// The heap's pointers into itself, to be encoded as a sequence of `u32` without a buffer. It reads as
/// the `heap_pointers` of [`abi::dump::Dump`].
pub struct HeapPointers<'h, 'm, M>(pub &'h Heap<'m, M>);

impl<M: Memory> Serialize for HeapPointers<'_, '_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_offsets(serializer, |each| for_each_heap_pointer(self.0, each))
    }
}

/// The heap's pointers into the kernel's image at `kernel`, likewise, as `kernel_pointers`.
pub struct KernelPointers<'h, 'm, M> {
    /// The heap.
    pub heap: &'h Heap<'m, M>,
    /// Addresses of the guest kernel's text and data.
    pub kernel: Range<u64>,
}

impl<M: Memory> Serialize for KernelPointers<'_, '_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_offsets(serializer, |each| for_each_kernel_pointer(self.heap, self.kernel.clone(), each))
    }
}

/// Scans twice, first to count: a sequence begins with its length.
fn serialize_offsets<S: Serializer>(serializer: S, scan: impl Fn(&mut dyn FnMut(u32))) -> Result<S::Ok, S::Error> {
    let mut count = 0;
    scan(&mut |_| count += 1);
    let mut sequence = serializer.serialize_seq(Some(count))?;
    let mut result = Ok(());
    scan(&mut |offset| {
        if result.is_ok() {
            result = sequence.serialize_element(&offset);
        }
    });
    result?;
    sequence.end()
}

/// A relation table that doesn't fit the heap. The heap is partly relocated then, and unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelocateError {
    /// The offset lies beyond the heap.
    OutOfRange(u32),
    /// The offset is not a multiple of 8.
    Unaligned(u32),
    /// The word at the offset does not point into the heap as it lay before.
    NotAPointer(u32),
}

impl core::fmt::Display for RelocateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfRange(offset) => write!(f, "relation at {offset:#x} lies beyond the kernel heap"),
            Self::Unaligned(offset) => write!(f, "relation at {offset:#x} is not aligned"),
            Self::NotAPointer(offset) => write!(f, "the word at {offset:#x} is not a relation"),
        }
    }
}

impl core::error::Error for RelocateError {}

/// Moves a heap of `len` bytes, made for `old_base` and now at `base`: adds the distance to the word at
/// each offset in `pointers`. Only pages that hold relations are touched; nothing is allocated.
///
/// # Errors
/// [`RelocateError`] at the first relation that can't be one.
///
/// # Safety
/// `len` bytes at `base` are mapped, writable, and used by nobody else.
pub unsafe fn relocate(base: *mut u8, len: u64, old_base: u64, pointers: &[u32]) -> Result<(), RelocateError> {
    let delta = (base.expose_provenance() as u64).wrapping_sub(old_base);
    for &offset in pointers {
        if u64::from(offset) + 8 > len {
            return Err(RelocateError::OutOfRange(offset));
        }
        if !offset.is_multiple_of(8) {
            return Err(RelocateError::Unaligned(offset));
        }
        // SAFETY: the word lies within `len` bytes; heaps are page-aligned, and so the word is aligned.
        let word = unsafe { &mut *base.add(offset as usize).cast::<u64>() };
        if word.wrapping_sub(old_base) > len {
            return Err(RelocateError::NotAPointer(offset));
        }
        *word = word.wrapping_add(delta);
    }
    Ok(())
}

/// Proves that nothing was left behind: the offset of the first word of the scanned arena that points
/// into `old_base..=old_base + len`, where the heap lay before. None where the two ranges overlap would
/// prove nothing, so they must not.
pub fn left_behind<M: Memory>(heap: &Heap<'_, M>, old_base: u64) -> Option<u32> {
    let len = heap.len();
    let mut first = None;
    for_each_word(heap, |offset, word| {
        if word.wrapping_sub(old_base) <= len {
            first = first.or(Some(offset));
        }
    });
    first
}
