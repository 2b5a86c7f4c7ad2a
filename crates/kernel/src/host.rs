//! Hostcalls: the only door to the host kernel. Every wrapper is a row of [`abi::hostcalls`]; the one
//! `syscall` instruction of the kernel besides the signal return, the end of a thread and the clones is here.
//!
//! # Safety
//! The wrappers that are safe functions change nothing that Rust relies on: descriptors, clocks,
//! futexes. Those that map, unmap or write to memory are `unsafe`, or limited to guest addresses (where
//! no Rust object ever lies) by a check of their own.
#![allow(unsafe_code)]

use crate::errno::Errno;
use abi::hostcalls as nr;
use abi::layout::{GUEST_END, KICK_SIGNAL};
use core::arch::asm;

type Result<T> = core::result::Result<T, Errno>;

/// A descriptor of the host process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostFd(pub i32);

/// Makes a host system call.
///
/// # Safety
/// The call must not break memory that Rust code relies on.
#[inline(never)]
pub unsafe fn raw(number: u32, args: [u64; 6]) -> isize {
    let returned: isize;
    // SAFETY: `syscall` clobbers rcx and r11 only; the rest is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") u64::from(number) => returned,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    crate::local::count_hostcall(number);
    returned
}

fn call(number: u32, args: [u64; 6]) -> Result<usize> {
    // SAFETY: used by the wrappers below, each of which keeps the promise of `raw`.
    Errno::check(unsafe { raw(number, args) })
}

fn fd(fd: HostFd) -> u64 {
    fd.0 as i64 as u64
}

/// `read(2)` into kernel memory.
pub fn read(from: HostFd, into: &mut [u8]) -> Result<usize> {
    call(nr::READ, [fd(from), into.as_mut_ptr() as u64, into.len() as u64, 0, 0, 0])
}

/// `write(2)` from kernel memory.
pub fn write(to: HostFd, bytes: &[u8]) -> Result<usize> {
    call(nr::WRITE, [fd(to), bytes.as_ptr() as u64, bytes.len() as u64, 0, 0, 0])
}

/// `pread64(2)` into kernel memory.
pub fn pread(from: HostFd, into: &mut [u8], offset: u64) -> Result<usize> {
    call(nr::PREAD64, [fd(from), into.as_mut_ptr() as u64, into.len() as u64, offset, 0, 0])
}

/// A range of guest addresses, checked: hostcalls may write there without harm to the kernel.
#[derive(Clone, Copy, Debug)]
pub struct GuestRange {
    /// First address.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
}

impl GuestRange {
    /// Checks that the range lies below the guest's end.
    ///
    /// # Errors
    /// `EFAULT` when it does not.
    pub fn new(start: u64, len: u64) -> Result<Self> {
        match start.checked_add(len) {
            Some(end) if end <= GUEST_END => Ok(Self { start, len }),
            _ => Err(crate::errno::EFAULT),
        }
    }

    /// Its first `len` bytes (at most all), and the rest.
    #[must_use]
    pub fn split(self, len: u64) -> (Self, Self) {
        let len = len.min(self.len);
        (Self { start: self.start, len }, Self { start: self.start + len, len: self.len - len })
    }
}

/// `pread64(2)` straight into guest memory.
pub fn pread_guest(from: HostFd, into: GuestRange, offset: u64) -> Result<usize> {
    call(nr::PREAD64, [fd(from), into.start, into.len, offset, 0, 0])
}

/// `read(2)` straight into guest memory.
pub fn read_guest(from: HostFd, into: GuestRange) -> Result<usize> {
    call(nr::READ, [fd(from), into.start, into.len, 0, 0, 0])
}

/// `write(2)` straight from guest memory.
pub fn write_guest(to: HostFd, from: GuestRange) -> Result<usize> {
    call(nr::WRITE, [fd(to), from.start, from.len, 0, 0, 0])
}

/// `recv(2)` with `MSG_DONTWAIT` straight into guest memory.
pub fn recv_guest(from: HostFd, into: GuestRange) -> Result<usize> {
    call(nr::RECVFROM, [fd(from), into.start, into.len, MSG_DONTWAIT, 0, 0])
}

/// `send(2)` with `MSG_DONTWAIT | MSG_NOSIGNAL` straight from guest memory.
pub fn send_guest(to: HostFd, from: GuestRange) -> Result<usize> {
    call(nr::SENDTO, [fd(to), from.start, from.len, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0])
}

/// `recv(2)` with `MSG_DONTWAIT` into kernel memory.
pub fn recv(from: HostFd, into: &mut [u8]) -> Result<usize> {
    call(nr::RECVFROM, [fd(from), into.as_mut_ptr() as u64, into.len() as u64, MSG_DONTWAIT, 0, 0])
}

/// `send(2)` with `MSG_DONTWAIT | MSG_NOSIGNAL` from kernel memory.
pub fn send(to: HostFd, bytes: &[u8]) -> Result<usize> {
    call(nr::SENDTO, [fd(to), bytes.as_ptr() as u64, bytes.len() as u64, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0])
}

/// `shutdown(2)`; `how` is 0, 1 or 2.
pub fn shutdown(socket: HostFd, how: u32) -> Result<()> {
    call(nr::SHUTDOWN, [fd(socket), u64::from(how), 0, 0, 0, 0]).map(drop)
}

/// `close(2)`.
pub fn close(closed: HostFd) {
    let _ = call(nr::CLOSE, [fd(closed), 0, 0, 0, 0, 0]);
}

/// `close_range(2)`: closes all descriptors from `first` to `last`, both included.
pub fn close_range(first: u32, last: u32) -> Result<()> {
    call(nr::CLOSE_RANGE, [u64::from(first), u64::from(last), 0, 0, 0, 0]).map(drop)
}

const MSG_DONTWAIT: u64 = 0x40;
const MSG_NOSIGNAL: u64 = 0x4000;
const MSG_CMSG_CLOEXEC: u64 = 0x4000_0000;

#[repr(C)]
struct MessageHeader {
    name: u64,
    name_len: u64,
    vectors: u64,
    vectors_len: u64,
    control: u64,
    control_len: u64,
    flags: u64,
}

/// Room for the header of one control message and [`abi::control::MAX_DESCRIPTORS`] descriptors.
#[repr(C, align(8))]
struct Ancillary {
    len: u64,
    level: i32,
    kind: i32,
    fds: [i32; abi::control::MAX_DESCRIPTORS],
}

const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// Descriptors that came with a message; the receiver owns them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptors {
    fds: [i32; abi::control::MAX_DESCRIPTORS],
    len: usize,
    taken: usize,
}

impl Descriptors {
    /// The next one in the order of the message.
    pub fn take(&mut self) -> Option<HostFd> {
        let next = (self.taken < self.len).then(|| HostFd(self.fds[self.taken]));
        self.taken += 1;
        next
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.len.saturating_sub(self.taken)
    }
}

/// `recvmsg(2)` on a message socket: one datagram and the descriptors that came with it.
///
/// # Errors
/// `EAGAIN` with `wait == false` when there is none. A length of 0 is the end: the other side is gone.
pub fn receive(from: HostFd, into: &mut [u8], wait: bool) -> Result<(usize, Descriptors)> {
    let mut vector = [into.as_mut_ptr() as u64, into.len() as u64];
    let mut ancillary = Ancillary { len: 0, level: 0, kind: 0, fds: [-1; abi::control::MAX_DESCRIPTORS] };
    let mut header = MessageHeader {
        name: 0,
        name_len: 0,
        vectors: vector.as_mut_ptr() as u64,
        vectors_len: 1,
        control: &raw mut ancillary as u64,
        control_len: size_of::<Ancillary>() as u64,
        flags: 0,
    };
    let flags = MSG_CMSG_CLOEXEC | if wait { 0 } else { MSG_DONTWAIT };
    let len = call(nr::RECVMSG, [fd(from), &raw mut header as u64, flags, 0, 0, 0])?;
    let mut descriptors = Descriptors::default();
    if header.control_len >= 16 && ancillary.level == SOL_SOCKET && ancillary.kind == SCM_RIGHTS {
        descriptors.len = ((ancillary.len as usize).saturating_sub(16) / 4).min(abi::control::MAX_DESCRIPTORS);
        descriptors.fds = ancillary.fds;
    }
    Ok((len, descriptors))
}

/// `sendmsg(2)` of one datagram with at most [`abi::control::MAX_DESCRIPTORS`] descriptors.
pub fn transmit(to: HostFd, bytes: &[u8], descriptors: &[HostFd], wait: bool) -> Result<usize> {
    let mut vector = [bytes.as_ptr() as u64, bytes.len() as u64];
    let mut ancillary = Ancillary {
        len: 16 + 4 * descriptors.len() as u64,
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        fds: [-1; abi::control::MAX_DESCRIPTORS],
    };
    for (slot, descriptor) in ancillary.fds.iter_mut().zip(descriptors) {
        *slot = descriptor.0;
    }
    let header = MessageHeader {
        name: 0,
        name_len: 0,
        vectors: vector.as_mut_ptr() as u64,
        vectors_len: 1,
        control: if descriptors.is_empty() { 0 } else { &raw mut ancillary as u64 },
        control_len: if descriptors.is_empty() { 0 } else { ancillary.len.next_multiple_of(8) },
        flags: 0,
    };
    let flags = MSG_NOSIGNAL | if wait { 0 } else { MSG_DONTWAIT };
    call(nr::SENDMSG, [fd(to), &raw const header as u64, flags, 0, 0, 0])
}

/// `mmap(2)` at a fixed address anywhere (flags as in `man 2 mmap`).
///
/// # Safety
/// The range must hold no memory that Rust code uses.
pub unsafe fn map(start: u64, len: u64, protection: u32, flags: u32, source: Option<(HostFd, u64)>) -> Result<u64> {
    let (descriptor, offset) = source.map_or((-1_i64 as u64, 0), |(file, offset)| (fd(file), offset));
    // SAFETY: the caller's promise.
    Errno::check(unsafe { raw(nr::MMAP, [start, len, protection.into(), flags.into(), descriptor, offset]) })
        .map(|address| address as u64)
}

/// `MAP_*` flags of `mmap(2)`.
pub mod map_flags {
    /// `MAP_SHARED`.
    pub const SHARED: u32 = 0x1;
    /// `MAP_PRIVATE`.
    pub const PRIVATE: u32 = 0x2;
    /// `MAP_FIXED`.
    pub const FIXED: u32 = 0x10;
    /// `MAP_ANONYMOUS`.
    pub const ANONYMOUS: u32 = 0x20;
    /// `MAP_NORESERVE`.
    pub const NORESERVE: u32 = 0x4000;
    /// `MAP_POPULATE`.
    pub const POPULATE: u32 = 0x8000;
}

/// `PROT_*` of `mmap(2)`.
pub mod protection {
    /// `PROT_NONE`.
    pub const NONE: u32 = 0;
    /// `PROT_READ`.
    pub const READ: u32 = 1;
    /// `PROT_WRITE`.
    pub const WRITE: u32 = 2;
    /// `PROT_EXEC`.
    pub const EXEC: u32 = 4;
}

/// `mmap(2)` with `MAP_FIXED` of guest addresses.
pub fn map_guest(range: GuestRange, protection: u32, flags: u32, source: Option<(HostFd, u64)>) -> Result<()> {
    // SAFETY: guest addresses hold no Rust objects.
    unsafe { map(range.start, range.len, protection, flags | map_flags::FIXED, source) }.map(drop)
}

/// `munmap(2)` of guest addresses.
pub fn unmap_guest(range: GuestRange) -> Result<()> {
    call(nr::MUNMAP, [range.start, range.len, 0, 0, 0, 0]).map(drop)
}

/// `munmap(2)` of the whole guest's part.
pub fn unmap_all_guest() {
    let start = abi::layout::GUEST_START;
    let _ = call(nr::MUNMAP, [start, GUEST_END - start, 0, 0, 0, 0]);
}

/// `munmap(2)` anywhere.
///
/// # Safety
/// The range must hold no memory that Rust code uses.
pub unsafe fn unmap(start: u64, len: u64) -> Result<()> {
    call(nr::MUNMAP, [start, len, 0, 0, 0, 0]).map(drop)
}

/// `mprotect(2)` of guest addresses.
pub fn protect_guest(range: GuestRange, protection: u32) -> Result<()> {
    call(nr::MPROTECT, [range.start, range.len, protection.into(), 0, 0, 0]).map(drop)
}

/// `mprotect(2)` anywhere.
///
/// # Safety
/// Rust code must not be denied what it uses.
pub unsafe fn protect(start: u64, len: u64, protection: u32) -> Result<()> {
    call(nr::MPROTECT, [start, len, protection.into(), 0, 0, 0]).map(drop)
}

/// `mremap(2)` with `MREMAP_MAYMOVE | MREMAP_FIXED` between guest addresses. An old length of 0 makes a
/// second mapping of shared memory.
pub fn remap_guest(from: GuestRange, to: GuestRange) -> Result<()> {
    call(nr::MREMAP, [from.start, from.len, to.len, 3, to.start, 0]).map(drop)
}

/// As [`remap_guest`], with a source in the kernel's range: a second mapping of a shared object there.
pub fn alias_guest(kernel_start: u64, to: GuestRange) -> Result<()> {
    call(nr::MREMAP, [kernel_start, 0, to.len, 3, to.start, 0]).map(drop)
}

/// `madvise(2)` of guest addresses.
pub fn advise_guest(range: GuestRange, advice: u32) -> Result<()> {
    call(nr::MADVISE, [range.start, range.len, advice.into(), 0, 0, 0]).map(drop)
}

/// `madvise(MADV_REMOVE)` of shared memory in the kernel's part: its content is zeros again, and costs nothing.
///
/// # Safety
/// The range must hold no memory that Rust code uses.
pub unsafe fn remove(start: u64, len: u64) {
    const REMOVE: u64 = 9;
    let _ = call(nr::MADVISE, [start, len, REMOVE, 0, 0, 0]);
}

const MADV_POPULATE_READ: u64 = 22;
const MADV_POPULATE_WRITE: u64 = 23;

/// Makes guest pages present, as copies of this process's own where they are to be written.
pub fn populate_guest(range: GuestRange, written: bool) -> Result<()> {
    let advice = if written { MADV_POPULATE_WRITE } else { MADV_POPULATE_READ };
    call(nr::MADVISE, [range.start, range.len, advice, 0, 0, 0]).map(drop)
}

/// Makes the pages of the kernel heap present and this process's own.
pub fn populate_heap(base: u64, len: u64) {
    // Only for speed: what is not present faults.
    let _ = call(nr::MADVISE, [base, len, MADV_POPULATE_WRITE, 0, 0, 0]);
}

/// `mincore(2)` of guest addresses: a byte a page.
pub fn resident(range: GuestRange, pages: &mut [u8]) -> Result<()> {
    resident_pages(range.start, range.len, pages)
}

/// `mincore(2)` of whole pages, those of a window of shared memory too.
pub fn resident_pages(start: u64, len: u64, pages: &mut [u8]) -> Result<()> {
    if (pages.len() as u64) < len / abi::layout::PAGE_SIZE {
        return Err(crate::errno::EINVAL);
    }
    call(nr::MINCORE, [start, len, pages.as_mut_ptr() as u64, 0, 0, 0])?;
    for page in pages {
        *page &= 1;
    }
    Ok(())
}

/// `sched_yield(2)`.
pub fn sched_yield() {
    let _ = call(nr::SCHED_YIELD, [0; 6]);
}

/// Sleeps until `word` is woken, unless it differs from `expected`. The deadline is host `CLOCK_MONOTONIC`, ns.
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, expected: u32, deadline_ns: Option<u64>) -> Result<()> {
    let time = deadline_ns.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
    let time_address = time.as_ref().map_or(0, |time| time.as_ptr() as u64);
    let args = [word.as_ptr() as u64, nr::FUTEX_WAIT_PRIVATE, expected.into(), time_address, 0, u64::from(u32::MAX)];
    call(nr::FUTEX, args).map(drop)
}

/// Wakes up to `count` sleepers of `word`.
pub fn futex_wake(word: &core::sync::atomic::AtomicU32, count: u32) {
    let _ = call(nr::FUTEX, [word.as_ptr() as u64, nr::FUTEX_WAKE_PRIVATE, count.into(), 0, 0, 0]);
}

/// Interrupts a host thread of the sandbox.
///
/// # Errors
/// `ESRCH` when there is none.
pub fn kick(process: i32, thread: i32) -> Result<()> {
    call(nr::TGKILL, [process as u64, thread as u64, KICK_SIGNAL as u64, 0, 0, 0]).map(drop)
}

/// The signal that tells of the end of a host process.
pub const SIGCHLD: i32 = 17;
/// The set of signals that interrupt from outside.
pub const KICKS: u64 = 1 << (KICK_SIGNAL - 1) | 1 << (SIGCHLD - 1);

/// `rt_sigprocmask(2)`: blocks (`true`) or unblocks the signals of [`KICKS`] for this host thread.
pub fn block_kick(block: bool) {
    let mask: u64 = KICKS;
    let how = u64::from(!block);
    let _ = call(nr::RT_SIGPROCMASK, [how, &raw const mask as u64, 0, 8, 0, 0]);
}

/// Does something while the signals of [`KICKS`] are blocked for this host thread. They are as before then: on the way of
/// a trap they stay blocked, since one that came before the handler's return would be noted and forgotten.
pub fn without_kicks<T>(work: impl FnOnce() -> T) -> T {
    const BLOCK: u64 = 0;
    const SET: u64 = 2;
    let (mask, mut old): (u64, u64) = (KICKS, 0);
    let _ = call(nr::RT_SIGPROCMASK, [BLOCK, &raw const mask as u64, &raw mut old as u64, 8, 0, 0]);
    let result = work();
    let _ = call(nr::RT_SIGPROCMASK, [SET, &raw const old as u64, 0, 8, 0, 0]);
    result
}

/// `clock_gettime(2)` by hostcall, ns.
pub fn clock_gettime(clock: i32) -> Result<u64> {
    let mut time = [0u64; 2];
    call(nr::CLOCK_GETTIME, [clock as i64 as u64, time.as_mut_ptr() as u64, 0, 0, 0, 0])?;
    Ok(time[0] * 1_000_000_000 + time[1])
}

/// `getrandom(2)`.
pub fn random(into: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < into.len() {
        let rest = &mut into[filled..];
        filled += call(nr::GETRANDOM, [rest.as_mut_ptr() as u64, rest.len() as u64, 0, 0, 0, 0])?;
    }
    Ok(())
}

/// An event of the poller: `EPOLL*` bits and the number given at registration.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, packed)]
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// What [`epoll_control`] was told.
    pub data: u64,
}

/// `epoll_create1(2)`.
pub fn epoll_create() -> Result<HostFd> {
    call(nr::EPOLL_CREATE1, [0o2_000_000, 0, 0, 0, 0, 0]).map(|fd| HostFd(fd as i32))
}

/// `epoll_ctl(2)`: operation 1 add, 2 remove, 3 modify.
pub fn epoll_control(set: HostFd, operation: u32, member: HostFd, event: EpollEvent) -> Result<()> {
    call(nr::EPOLL_CTL, [fd(set), operation.into(), fd(member), &raw const event as u64, 0, 0]).map(drop)
}

/// `epoll_pwait(2)`; no time-out: -1. Time-out in ms.
pub fn epoll_wait(set: HostFd, into: &mut [EpollEvent], timeout_ms: i32) -> Result<usize> {
    call(nr::EPOLL_PWAIT, [fd(set), into.as_mut_ptr() as u64, into.len() as u64, timeout_ms as i64 as u64, 0, 8])
}

/// `eventfd2(2)`, non-blocking, close-on-exec.
pub fn eventfd() -> Result<HostFd> {
    call(nr::EVENTFD2, [0, 0o2_004_000, 0, 0, 0, 0]).map(|fd| HostFd(fd as i32))
}

/// Clones the calling host thread into a host process of its own: a copy of the memory, the same descriptors. Answers
/// its number, and 0 in it.
pub fn clone_host_process() -> Result<i32> {
    // Without CLONE_VM the child has a copy of everything.
    call(nr::CLONE, [nr::CLONE_PROCESS_FLAGS, 0, 0, 0, 0, 0]).map(|pid| pid as i32)
}

/// `eventfd2(2)` whose reads wait.
pub fn waiting_eventfd() -> Result<HostFd> {
    call(nr::EVENTFD2, [0, 0o2_000_000, 0, 0, 0, 0]).map(|fd| HostFd(fd as i32))
}

/// `madvise(2)` of the whole guest's part: whether clones get it.
pub fn fork_guest_memory(with: bool) {
    const DONTFORK: u64 = 10;
    const DOFORK: u64 = 11;
    let start = abi::layout::GUEST_START;
    // Holes are passed over, and answered with ENOMEM.
    let _ = call(nr::MADVISE, [start, GUEST_END - start, if with { DOFORK } else { DONTFORK }, 0, 0, 0]);
}

/// `membarrier(2)` with `PRIVATE_EXPEDITED_SYNC_CORE` (or its registration).
pub fn membarrier_sync_core(register: bool) -> Result<()> {
    call(nr::MEMBARRIER, [if register { 64 } else { 32 }, 0, 0, 0, 0, 0]).map(drop)
}

/// Gives up all capabilities of the calling thread.
pub fn drop_capabilities() -> Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let data = [0u32; 6];
    call(nr::CAPSET, [header.as_ptr() as u64, data.as_ptr() as u64, 0, 0, 0, 0]).map(drop)
}

/// `sigaltstack(2)` for the calling host thread.
///
/// # Safety
/// The range must be this thread's kernel stack.
pub unsafe fn set_signal_stack(start: u64, len: u64) -> Result<()> {
    let stack = [start, 0, len];
    call(nr::SIGALTSTACK, [stack.as_ptr() as u64, 0, 0, 0, 0, 0]).map(drop)
}

/// Ends the sandbox's host process.
pub fn exit_group(status: u8) -> ! {
    loop {
        let _ = call(nr::EXIT_GROUP, [status.into(), 0, 0, 0, 0, 0]);
    }
}
