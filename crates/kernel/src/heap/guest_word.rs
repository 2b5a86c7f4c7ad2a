//! Types for what the guest controls, so that a scan of the heap can't take it for a pointer.
//!
//! When an image is made, every aligned word of the scanned arena that has the value of a heap address
//! counts as a pointer and is changed when the heap moves. A register, an `epoll_data`, a futex address
//! is whatever the guest likes, so such values live in the byte arena only:
//!
//! * several or large ones in a [`ByteBox`] (registers, vector state, a `sigaction` table),
//! * lists of them as `Vec<GuestWord>`: the alignment of a [`GuestWord`] is 1, and that puts the vector's
//!   buffer into the byte arena. A `GuestWord` *inside* a scanned structure is as wrong as a `u64`.
//!
//! Two 32-bit fields side by side make a word, too: where the guest controls both, keep them in the
//! byte arena or apart. (A field of which the kernel bounds the value is harmless as the upper half as
//! long as it can't be 0x7e00 to 0x7f00.)

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::marker::PhantomData;

/// A 64-bit value that the guest controls. See the module documentation for where it may live.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct GuestWord([u8; 8]);

impl GuestWord {
    /// Wraps a value.
    pub const fn new(value: u64) -> Self {
        Self(value.to_ne_bytes())
    }

    /// The value.
    pub const fn get(self) -> u64 {
        u64::from_ne_bytes(self.0)
    }

    /// Replaces the value.
    pub const fn set(&mut self, value: u64) {
        self.0 = value.to_ne_bytes();
    }
}

impl fmt::Debug for GuestWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.get())
    }
}

/// Plain old data.
///
/// # Safety
/// The type has no padding, every bit pattern is a value of it, and it holds no pointer into the kernel
/// heap: in the byte arena that would not be found.
pub unsafe trait Pod: Copy + 'static {}

// SAFETY: integers.
unsafe impl Pod for u8 {}
// SAFETY: integers.
unsafe impl Pod for u16 {}
// SAFETY: integers.
unsafe impl Pod for u32 {}
// SAFETY: integers.
unsafe impl Pod for u64 {}
// SAFETY: integers.
unsafe impl Pod for i64 {}
// SAFETY: an integer.
unsafe impl Pod for i8 {}
// SAFETY: an integer.
unsafe impl Pod for i16 {}
// SAFETY: an integer.
unsafe impl Pod for i32 {}
// SAFETY: an integer.
unsafe impl Pod for usize {}
// SAFETY: an integer.
unsafe impl Pod for isize {}
// SAFETY: bytes.
unsafe impl Pod for GuestWord {}
// SAFETY: twenty 64-bit integers, `repr(C)`.
unsafe impl Pod for abi::image::Registers {}
// SAFETY: arrays add no padding.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

/// A `T` in the byte arena: read and written as a whole, never borrowed.
#[derive(Clone)]
pub struct ByteBox<T: Pod> {
    // A slice of bytes has alignment 1: that is what chooses the arena.
    bytes: Box<[u8]>,
    value: PhantomData<T>,
}

impl<T: Pod> ByteBox<T> {
    /// Stores `value`.
    pub fn new(value: T) -> Self {
        let mut stored = Self { bytes: vec![0; size_of::<T>()].into_boxed_slice(), value: PhantomData };
        stored.store(value);
        stored
    }

    /// A copy of the value.
    #[inline]
    pub fn load(&self) -> T {
        // SAFETY: the box is as long as a `T`, and `Pod` makes any bytes a value.
        unsafe { self.bytes.as_ptr().cast::<T>().read_unaligned() }
    }

    /// Replaces the value.
    #[inline]
    pub fn store(&mut self, value: T) {
        // SAFETY: the box is as long as a `T`.
        unsafe { self.bytes.as_mut_ptr().cast::<T>().write_unaligned(value) };
    }

    /// Loads, changes and stores the value.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.load();
        let result = change(&mut value);
        self.store(value);
        result
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for ByteBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

impl<T: Pod + Default> Default for ByteBox<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Arena;
    use core::alloc::Layout;

    #[test]
    fn guest_words_live_in_the_byte_arena() {
        let layout = Layout::array::<GuestWord>(100).unwrap();
        assert_eq!(Arena::of(layout), Arena::Bytes);
        assert_eq!(Arena::of(Layout::new::<u64>()), Arena::Scanned);
    }

    #[test]
    fn byte_box_keeps_registers() {
        let registers = abi::image::Registers { rip: 0x7e40_0000_1000, syscall: -1, ..Default::default() };
        let mut stored = ByteBox::new(registers);
        assert_eq!(stored.load(), registers);
        stored.update(|registers| registers.rax = 7);
        assert_eq!(stored.load(), abi::image::Registers { rax: 7, ..registers });
    }

    #[test]
    fn guest_word_is_set_and_read() {
        let mut word = GuestWord::new(u64::MAX);
        assert_eq!(word.get(), u64::MAX);
        word.set(3);
        assert_eq!(word, GuestWord::new(3));
    }
}
