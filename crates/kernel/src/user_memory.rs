//! The guest's memory: the only code that follows a guest's pointer.
//!
//! A guest pointer is an allegation. [`UserAddr`], [`UserPtr`] and [`UserSlice`] hold numbers; bytes
//! move only through [`copy_in`] and [`copy_out`], which check the range against the guest's part of
//! the address space and survive a fault: the signal entry recognises the copy routine and makes it
//! return what is left ([`crate::entry`]).
//!
//! # Safety
//! Guest addresses never hold Rust objects, so a copy may race with the guest's own threads: it reads
//! and writes plain bytes only. [`Pod`] types accept any bytes.
#![allow(unsafe_code)]

use crate::errno::{EFAULT, EINVAL, ENAMETOOLONG, Errno};
pub use crate::heap::guest_word::Pod;
use abi::layout::GUEST_END;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Where user addresses end on Linux.
const USER_END: u64 = 0x7fff_ffff_f000;

/// An address the guest named. Nothing is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserAddr(pub u64);

impl UserAddr {
    /// Whether it is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// `len` bytes on; saturates, so that an overflow is seen as outside.
    pub const fn add(self, len: u64) -> Self {
        Self(self.0.saturating_add(len))
    }
}

/// A guest's pointer to a `T`.
#[derive(Debug)]
pub struct UserPtr<T> {
    address: u64,
    of: PhantomData<*const T>,
}

impl<T> Clone for UserPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for UserPtr<T> {}

impl<T: Pod> UserPtr<T> {
    /// A pointer; nothing is checked yet.
    pub const fn new(address: u64) -> Self {
        Self { address, of: PhantomData }
    }

    /// The address.
    pub const fn address(self) -> UserAddr {
        UserAddr(self.address)
    }

    /// Whether it is null.
    pub const fn is_null(self) -> bool {
        self.address == 0
    }

    /// The pointer, unless it is null.
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// The `index`-th element after it.
    #[must_use]
    pub const fn at(self, index: usize) -> Self {
        Self::new(self.address.saturating_add((index as u64).saturating_mul(size_of::<T>() as u64)))
    }

    /// Reads.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read(self) -> Result<T, Errno> {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the bytes of `value`, which any bytes make valid.
        let bytes = unsafe { core::slice::from_raw_parts_mut(value.as_mut_ptr().cast(), size_of::<T>()) };
        copy_in(bytes, UserAddr(self.address))?;
        // SAFETY: `Pod`, and all bytes were written.
        Ok(unsafe { value.assume_init() })
    }

    /// Writes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write(self, value: T) -> Result<(), Errno> {
        copy_out(UserAddr(self.address), bytes_of(&value))
    }

    /// Reads `count` elements.
    ///
    /// # Errors
    /// `EFAULT`; `EINVAL` when it is more than a MiB: callers bound their counts first.
    pub fn read_many(self, count: usize) -> Result<Vec<T>, Errno> {
        if count.saturating_mul(size_of::<T>()) > 1 << 20 {
            return Err(EINVAL);
        }
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            values.push(self.at(index).read()?);
        }
        Ok(values)
    }
}

/// The bytes of plain data.
pub fn bytes_of<T: Pod>(value: &T) -> &[u8] {
    // SAFETY: `Pod` has no padding.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// A value from its bytes; missing bytes are zero.
pub fn from_bytes<T: Pod>(bytes: &[u8]) -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    let len = bytes.len().min(size_of::<T>());
    // SAFETY: within `value`; any bytes make a valid value.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast(), len);
        value.assume_init()
    }
}

/// A guest's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserSlice {
    /// First byte.
    pub address: UserAddr,
    /// Length in bytes.
    pub len: usize,
}

impl UserSlice {
    /// A buffer that lies in the guest's part of the address space.
    ///
    /// # Errors
    /// `EFAULT` otherwise.
    pub fn new(address: UserAddr, len: usize) -> Result<Self, Errno> {
        check(address, len)?;
        Ok(Self { address, len })
    }

    /// As a range for hostcalls.
    pub fn range(self) -> Result<crate::host::GuestRange, Errno> {
        crate::host::GuestRange::new(self.address.0, self.len as u64)
    }
}

/// Whether a range could be the user's on Linux.
///
/// # Errors
/// `EFAULT` when it could not.
pub fn is_user(address: UserAddr, len: usize) -> Result<(), Errno> {
    match address.0.checked_add(len as u64) {
        Some(end) if end <= USER_END => Ok(()),
        _ => Err(EFAULT),
    }
}

fn check(address: UserAddr, len: usize) -> Result<(), Errno> {
    match address.0.checked_add(len as u64) {
        Some(end) if end <= GUEST_END => Ok(()),
        // No byte of it is touched: Linux looks only whether it could be the user's.
        Some(end) if len == 0 && end <= USER_END => Ok(()),
        _ if cfg!(test) => Ok(()),
        _ => Err(EFAULT),
    }
}

/// Copies from the guest.
///
/// # Errors
/// `EFAULT` when any of it can't be read; a prefix may have been copied.
pub fn copy_in(into: &mut [u8], from: UserAddr) -> Result<(), Errno> {
    if into.is_empty() {
        return Ok(());
    }
    if copy_in_partly(into, from)? == into.len() { Ok(()) } else { Err(EFAULT) }
}

/// Copies to the guest.
///
/// # Errors
/// `EFAULT` when any of it can't be written; a prefix may have been copied.
pub fn copy_out(to: UserAddr, from: &[u8]) -> Result<(), Errno> {
    if from.is_empty() {
        return Ok(());
    }
    if copy_out_partly(to, from)? == from.len() { Ok(()) } else { Err(EFAULT) }
}

/// Copies from the guest up to the first byte that can't be read; answers how many were copied.
///
/// # Errors
/// `EFAULT` when the range is not the guest's.
pub fn copy_in_partly(into: &mut [u8], from: UserAddr) -> Result<usize, Errno> {
    check(from, into.len())?;
    // SAFETY: `into` is ours; the source is the guest's, faults are handled.
    let left = unsafe { crate::entry::copy_user(into.as_mut_ptr(), from.0 as *const u8, into.len()) };
    Ok(into.len() - left)
}

/// Copies to the guest up to the first byte that can't be written; answers how many were copied.
///
/// # Errors
/// `EFAULT` when the range is not the guest's.
pub fn copy_out_partly(to: UserAddr, from: &[u8]) -> Result<usize, Errno> {
    check(to, from.len())?;
    // SAFETY: the target is the guest's, which holds no Rust objects; faults are handled.
    let left = unsafe { crate::entry::copy_user(to.0 as *mut u8, from.as_ptr(), from.len()) };
    Ok(from.len() - left)
}

/// Fills guest memory with zeros.
///
/// # Errors
/// `EFAULT`.
pub fn zero(to: UserAddr, len: usize) -> Result<(), Errno> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut done = 0;
    while done < len {
        let step = (len - done).min(ZEROS.len());
        copy_out(to.add(done as u64), &ZEROS[..step])?;
        done += step;
    }
    Ok(())
}

/// An atomic operation on a guest's 32-bit word, for futexes: `compare_exchange`. Answers the old value.
///
/// # Errors
/// `EFAULT`; `EINVAL` when the address is not aligned.
pub fn compare_exchange(word: UserPtr<u32>, expected: u32, new: u32) -> Result<u32, Errno> {
    if !word.address.is_multiple_of(4) {
        return Err(EINVAL);
    }
    check(word.address(), 4)?;
    let mut old = expected;
    // SAFETY: aligned, the guest's; faults are handled.
    if unsafe { crate::entry::compare_exchange_user(word.address as *mut u32, &mut old, new) } {
        Ok(old)
    } else {
        Err(EFAULT)
    }
}

/// Reads a guest's 32-bit word in one access, for futexes: a copy may see half of a change.
///
/// # Errors
/// `EFAULT`; `EINVAL` when the address is not aligned.
pub fn load(word: UserPtr<u32>) -> Result<u32, Errno> {
    if !word.address.is_multiple_of(4) {
        return Err(EINVAL);
    }
    check(word.address(), 4)?;
    // SAFETY: aligned, the guest's; faults are handled.
    unsafe { crate::entry::load_user(word.address as *const u32) }.ok_or(EFAULT)
}

/// Reads a zero-terminated string of at most `limit` bytes, without the zero.
///
/// # Errors
/// `EFAULT`; `ENAMETOOLONG` when it is longer.
pub fn read_string(from: UserAddr, limit: usize) -> Result<Vec<u8>, Errno> {
    let mut string = Vec::new();
    let mut address = from;
    loop {
        // Up to the next page boundary, so that a string before an unmapped page can be read.
        let step = (4096 - address.0 as usize % 4096).min(256);
        let start = string.len();
        string.resize(start + step, 0);
        let copied = copy_in_partly(&mut string[start..], address)?;
        if let Some(end) = string[start..start + copied].iter().position(|byte| *byte == 0) {
            string.truncate(start + end);
            return if string.len() >= limit { Err(ENAMETOOLONG) } else { Ok(string) };
        }
        if copied < step {
            return Err(EFAULT);
        }
        if string.len() >= limit {
            return Err(ENAMETOOLONG);
        }
        address = address.add(step as u64);
    }
}

/// Where an object's bytes go: guest buffers, or kernel memory.
pub trait Sink {
    /// Bytes there is room for.
    fn room(&self) -> usize;
    /// Appends; answers how many bytes were taken (less than given only when the room ends).
    ///
    /// # Errors
    /// `EFAULT` when not even the first byte could be written.
    fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno>;
    /// The next contiguous guest range, for hostcalls that write there directly.
    fn direct(&self) -> Option<UserSlice> {
        None
    }
    /// Says that `len` bytes were written to [`Sink::direct`].
    fn advance(&mut self, _len: usize) {}
}

/// Appends all of some bytes.
///
/// # Errors
/// `EFAULT` when not all of them could be written.
pub fn put_whole(sink: &mut dyn Sink, bytes: &[u8]) -> Result<usize, Errno> {
    if sink.put(bytes)? == bytes.len() { Ok(bytes.len()) } else { Err(EFAULT) }
}

/// Where an object's bytes come from: guest buffers, or kernel memory.
pub trait Source {
    /// Bytes left.
    fn left(&self) -> usize;
    /// Takes the next bytes; answers how many.
    ///
    /// # Errors
    /// `EFAULT` when not even the first byte could be read.
    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno>;
    /// The next contiguous guest range, for hostcalls that read there directly.
    fn direct(&self) -> Option<UserSlice> {
        None
    }
    /// Says that `len` bytes were read from [`Source::direct`].
    fn advance(&mut self, _len: usize) {}
}

/// Guest buffers in a row (`struct iovec`), consumed from the front.
#[derive(Clone, Debug)]
pub struct UserBuffers {
    parts: Vec<UserSlice>,
    first: usize,
}

impl UserBuffers {
    /// One buffer.
    pub fn one(address: UserAddr, len: usize) -> Result<Self, Errno> {
        // Linux caps a transfer at 0x7ffff000 bytes.
        let len = len.min(0x7fff_f000);
        Ok(Self { parts: alloc::vec![UserSlice::new(address, len)?], first: 0 })
    }

    /// The buffers of an array of `count` `struct iovec`.
    ///
    /// # Errors
    /// `EINVAL` for more than 1024 or a negative length, `EFAULT`.
    pub fn vector(array: UserPtr<[u64; 2]>, count: usize) -> Result<Self, Errno> {
        if count > 1024 {
            return Err(EINVAL);
        }
        let mut room: usize = 0x7fff_f000;
        let mut parts = Vec::with_capacity(count);
        for index in 0..count {
            let [address, len] = array.at(index).read()?;
            if len > i64::MAX as u64 {
                return Err(EINVAL);
            }
            let len = (len as usize).min(room);
            room -= len;
            parts.push(UserSlice::new(UserAddr(address), len)?);
        }
        Ok(Self { parts, first: 0 })
    }

    /// Leaves out the first `len` bytes (of a call that is continued).
    pub fn skip(&mut self, mut len: usize) {
        while let Some(part) = self.parts.get_mut(self.first) {
            let step = part.len.min(len);
            part.address = part.address.add(step as u64);
            part.len -= step;
            len -= step;
            if part.len > 0 || len == 0 && step > 0 {
                if part.len == 0 {
                    self.first += 1;
                }
                return;
            }
            self.first += 1;
        }
    }

    fn total(&self) -> usize {
        self.parts[self.first..].iter().map(|part| part.len).sum()
    }

    fn next(&self) -> Option<UserSlice> {
        self.parts[self.first..].iter().copied().find(|part| part.len > 0)
    }

    /// Copies up to `len` bytes, part by part: `copy` gets the guest address, how many are done and how many this step
    /// is, and answers how many it copied. Ends at the first byte that can't be copied; `EFAULT` when that is the
    /// first of all.
    fn transfer(
        &mut self,
        len: usize,
        mut copy: impl FnMut(UserAddr, usize, usize) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let mut done = 0;
        while done < len {
            let Some(part) = self.next() else { break };
            let step = part.len.min(len - done);
            let copied = copy(part.address, done, step)?;
            self.skip(copied);
            done += copied;
            if copied < step {
                return if done == 0 { Err(EFAULT) } else { Ok(done) };
            }
        }
        Ok(done)
    }
}

impl Sink for UserBuffers {
    fn room(&self) -> usize {
        self.total()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.transfer(bytes.len(), |address, done, step| copy_out_partly(address, &bytes[done..done + step]))
    }

    fn direct(&self) -> Option<UserSlice> {
        self.next()
    }

    fn advance(&mut self, len: usize) {
        self.skip(len);
    }
}

impl Source for UserBuffers {
    fn left(&self) -> usize {
        self.total()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        self.transfer(into.len(), |address, done, step| copy_in_partly(&mut into[done..done + step], address))
    }

    fn direct(&self) -> Option<UserSlice> {
        self.next()
    }

    fn advance(&mut self, len: usize) {
        self.skip(len);
    }
}

impl Sink for &mut [u8] {
    fn room(&self) -> usize {
        self.len()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let len = bytes.len().min(self.len());
        let (head, tail) = core::mem::take(self).split_at_mut(len);
        head.copy_from_slice(&bytes[..len]);
        *self = tail;
        Ok(len)
    }
}

impl Source for &[u8] {
    fn left(&self) -> usize {
        self.len()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let len = into.len().min(self.len());
        let (head, tail) = self.split_at(len);
        into[..len].copy_from_slice(head);
        *self = tail;
        Ok(len)
    }
}
