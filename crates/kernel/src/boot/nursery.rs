//! The nursery: the pristine process that all sandboxes are clones of.
//!
//! It runs before any filter is in force, on the stack that `execve` made, without heap and without
//! guest. It prepares everything that clones inherit: boot page, kernel stack, signal handlers, filter.
//!
//! # Safety
//! One thread, nothing shared. The addresses it maps are the kernel's own by `abi::layout`, in an
//! address space that holds nothing but this binary.
#![allow(unsafe_code)]

use super::{Cloned, become_sandbox, clone_process};
use crate::entry::{self, threads};
use crate::errno::{EINVAL, Errno};
use crate::host::{self, Descriptors, HostFd, map_flags, protection};
use crate::local::{self, local};
use crate::task::host_process;
use abi::boot::{BOOT_MAGIC, BootPage, STAMPS, Stamp};
use abi::control::{FromParent, MAX_DESCRIPTORS, ToSandbox};
use abi::hostcalls as nr;
use abi::layout::{BOOT_PAGE, CONTROL_FD, DUMP, KERNEL_BASE, KERNEL_END};
use core::arch::x86_64::__cpuid_count;
use core::sync::atomic::Ordering::Relaxed;
use serde::Deserialize;

/// [`abi::control::ToParent`], borrowed: there is no heap yet.
#[derive(Deserialize)]
enum ToParent<'a> {
    Seal { filter: &'a [u8] },
    Spawn { template: bool, first: Option<ToSandbox> },
}

/// First Rust code after `execve`; `stack` is what the host left there: `argc`, `argv`, `envp`, `auxv`.
///
/// # Safety
/// Called once, by the entry symbol.
pub unsafe fn start(stack: *const u64) -> ! {
    // SAFETY: nothing is mapped there.
    let mapped = unsafe {
        host::map(
            BOOT_PAGE,
            4096,
            protection::READ | protection::WRITE,
            map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED,
            None,
        )
    };
    if mapped.is_err() {
        host::exit_group(121);
    }
    // SAFETY: the layout of the initial stack, `execve(2)`.
    let vdso = unsafe { auxiliary(stack, AT_SYSINFO_EHDR) };
    // SAFETY: the host mapped its vDSO there.
    let (clock_gettime, vdso_end) = vdso.map_or((0, 0), |start| unsafe { find_clock_gettime(start) });
    let (xsave_size, xsave_features) = xsave();
    // SAFETY: the page is fresh; this is its one thread.
    unsafe {
        (BOOT_PAGE as *mut BootPage).write(BootPage {
            magic: BOOT_MAGIC,
            heap_base: 0,
            heap_len: 0,
            root: 0,
            monotonic_offset_ns: 0,
            realtime_offset_ns: 0,
            vdso_clock_gettime: clock_gettime,
            vdso_start: vdso.unwrap_or(0),
            vdso_end,
            generation: 0,
            xsave_size,
            reserved: 0,
            xsave_features,
            stamps: [0; STAMPS],
            hostcalls: [0; STAMPS],
            mappings: [0; STAMPS],
        });
    }
    gather_kernel();
    local().control_fd.store(CONTROL_FD, Relaxed);
    local().host_threads.store(1, Relaxed);
    let Ok(slot) = host_process::take_slot() else { host::exit_group(121) };
    let this = host_process::per_thread_of(slot);
    // SAFETY: the slot is fresh; from here on `GS` is right.
    unsafe {
        core::arch::asm!("wrgsbase {}", in(reg) this.this, options(nostack, preserves_flags));
        threads::switch_stack(this.stack_top, run, u64::from(slot))
    }
}

extern "C" fn run(slot: u64) -> ! {
    drop_first_stack();
    threads::set_up_stack(slot as u32);
    if let Err(errno) = seal() {
        let _ = reply(&FromParent::Failed(i32::from(errno.0)), &[]);
        host::exit_group(121);
    }
    if reply(&FromParent::Sealed, &[]).is_err() {
        host::exit_group(0);
    }
    serve()
}

/// Moves the kernel, text and constants alike, from its file into one huge page where the host has one.
///
/// A clone maps nothing of a file: its first steps fault in the text sixteen pages at a time, which is half of
/// all faults of a fork boot (18 of 31, 0.7 µs and more each). A huge page is one entry that the clone copies.
/// The kernel has no mutable statics, so that all of it can be one mapping; where this fails the file stays.
fn gather_kernel() {
    const HUGE: u64 = 2 << 20;
    const MADV_HUGEPAGE: u64 = 14;
    const READ_EXECUTE: u32 = protection::READ | protection::EXEC;
    unsafe extern "C" {
        /// The end of the program, from the linker.
        static _end: u8;
    }
    let used = &raw const _end as u64 - KERNEL_BASE;
    let len = used.next_multiple_of(HUGE);
    // SAFETY: nothing is mapped at `DUMP`, nor behind the program up to `KERNEL_SIZE`; the segments follow each
    // other without gaps; the program is replaced by its copy in one step.
    unsafe {
        let flags = map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED;
        if host::map(DUMP, len, protection::READ | protection::WRITE, flags, None).is_err() {
            return;
        }
        // Only a wish: small pages do, too.
        host::raw(nr::MADVISE, [DUMP, len, MADV_HUGEPAGE, 0, 0, 0]);
        (DUMP as *mut u8).copy_from_nonoverlapping(KERNEL_BASE as *const u8, used as usize);
        const MAY_MOVE_FIXED: u64 = 3;
        if host::protect(DUMP, len, READ_EXECUTE).is_err()
            || Errno::check(host::raw(nr::MREMAP, [DUMP, len, len, MAY_MOVE_FIXED, KERNEL_BASE, 0])).is_err()
        {
            let _ = host::unmap(DUMP, len);
        }
    }
}

/// Unmaps the stack that `execve` made: one mapping less for every clone to copy.
fn drop_first_stack() {
    const USER_END: u64 = 0x7fff_ffff_f000;
    let vdso_end = local::boot_page().vdso_end;
    // Hosts that put their vDSO above the stack keep both.
    if (KERNEL_END..USER_END).contains(&vdso_end) {
        // SAFETY: this thread runs on its kernel stack now, and nothing refers to the old one.
        let _ = unsafe { host::unmap(vdso_end, USER_END - vdso_end) };
    }
}

/// Installs what all clones inherit. Never inlined: its frame is large, and all clones begin above it.
#[inline(never)]
fn seal() -> Result<(), Errno> {
    const ROOM: u64 = 128 << 10;
    // SAFETY: nothing is mapped there.
    unsafe {
        host::map(
            DUMP,
            ROOM,
            protection::READ | protection::WRITE,
            map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED,
            None,
        )?;
    }
    // SAFETY: just mapped, used here only.
    let buffer = unsafe { core::slice::from_raw_parts_mut(DUMP as *mut u8, ROOM as usize) };
    let (len, _) = host::receive(HostFd(CONTROL_FD), buffer, true)?;
    if len == 0 {
        host::exit_group(0);
    }
    let Ok(ToParent::Seal { filter }) = postcard::from_bytes(&buffer[..len]) else { return Err(EINVAL) };
    entry::trap::install_handlers()?;
    host::membarrier_sync_core(true)?;
    // The host wants `sock_filter`s aligned.
    let mut program = [0u64; 4096];
    let instructions = filter.len() / 8;
    if filter.len() % 8 != 0 || instructions == 0 || instructions > program.len() {
        return Err(EINVAL);
    }
    for (word, bytes) in program.iter_mut().zip(filter.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    let description = [instructions as u64, program.as_ptr() as u64];
    const PR_SET_NO_NEW_PRIVS: u64 = 38;
    const SECCOMP_SET_MODE_FILTER: u64 = 1;
    // SAFETY: neither touches memory.
    unsafe {
        Errno::check(host::raw(nr::PRCTL, [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0]))?;
        Errno::check(host::raw(nr::SECCOMP, [SECCOMP_SET_MODE_FILTER, 0, description.as_ptr() as u64, 0, 0, 0]))?;
        host::unmap(DUMP, ROOM)
    }
}

fn reply(message: &FromParent, descriptors: &[HostFd]) -> Result<usize, Errno> {
    let mut buffer = [0u8; 64];
    let bytes = postcard::to_slice(message, &mut buffer).map_err(|_| EINVAL)?;
    host::transmit(HostFd(CONTROL_FD), bytes, descriptors, true)
}

/// Clones sandboxes, for ever.
fn serve() -> ! {
    let mut buffer = [0u8; 1024];
    loop {
        let (len, mut descriptors) = match host::receive(HostFd(CONTROL_FD), &mut buffer, true) {
            Ok((0, _)) => host::exit_group(0),
            Ok(received) => received,
            Err(crate::errno::EINTR) => continue,
            Err(_) => host::exit_group(121),
        };
        forget_stamps();
        local::stamp(Stamp::Received);
        let answer = match postcard::from_bytes(&buffer[..len]) {
            Ok(ToParent::Spawn { template, first }) => spawn(template, first, descriptors),
            _ => Err(EINVAL),
        };
        let sent = match answer {
            Ok(pidfd) => {
                let sent = reply(&FromParent::Spawned, &[pidfd]);
                host::close(pidfd);
                sent
            }
            Err(errno) => reply(&FromParent::Failed(i32::from(errno.0)), &[]),
        };
        while let Some(descriptor) = descriptors.take() {
            host::close(descriptor);
        }
        if sent.is_err() {
            host::exit_group(0);
        }
    }
}

/// The stamps of the next boot begin anew.
pub fn forget_stamps() {
    // SAFETY: one thread.
    unsafe { local::change_boot_page(|page| page.stamps = [0; STAMPS]) };
}

fn spawn(template: bool, first: Option<ToSandbox>, mut descriptors: Descriptors) -> Result<HostFd, Errno> {
    let control = descriptors.take().ok_or(EINVAL)?;
    let flags = if template { nr::CLONE_TEMPLATE_FLAGS } else { nr::CLONE_SFORK_FLAGS };
    match clone_process(flags)? {
        Cloned::Parent(pidfd) => Ok(pidfd),
        Cloned::Child => {
            let mut kept = [HostFd(-1); MAX_DESCRIPTORS];
            let mut copy = descriptors;
            for slot in &mut kept {
                let Some(descriptor) = copy.take() else { break };
                *slot = descriptor;
            }
            if become_sandbox(control, &kept, template).is_err() {
                host::exit_group(121);
            }
            begin(first, descriptors)
        }
    }
}

/// A new sandbox takes its first message: the one that came with the clone, or (a zygote) the one to come.
fn begin(first: Option<ToSandbox>, descriptors: Descriptors) -> ! {
    let mut buffer = [0u8; 1024];
    let (message, descriptors) = match first {
        Some(message) => (message, descriptors),
        None => loop {
            match host::receive(crate::control::socket(), &mut buffer, true) {
                Ok((0, _)) => host::exit_group(0),
                Ok((len, descriptors)) => match postcard::from_bytes(&buffer[..len]) {
                    Ok(message) => {
                        local::stamp(Stamp::Received);
                        break (message, descriptors);
                    }
                    Err(_) => host::exit_group(121),
                },
                Err(crate::errno::EINTR) => {}
                Err(_) => host::exit_group(121),
            }
        },
    };
    match message {
        ToSandbox::Scratch { trace } => super::scratch::boot(trace, descriptors),
        ToSandbox::Restore(restore) => super::restore::boot(restore, descriptors),
        _ => host::exit_group(121),
    }
}

const AT_SYSINFO_EHDR: u64 = 33;

/// An entry of the auxiliary vector.
///
/// # Safety
/// `stack` is the initial stack of a process.
unsafe fn auxiliary(stack: *const u64, kind: u64) -> Option<u64> {
    // SAFETY: `argc`, pointers up to a null, pointers up to a null, pairs up to a zero.
    unsafe {
        let mut at = stack.add(1 + stack.read() as usize + 1);
        while at.read() != 0 {
            at = at.add(1);
        }
        at = at.add(1);
        while at.read() != 0 {
            if at.read() == kind {
                return Some(at.add(1).read());
            }
            at = at.add(2);
        }
    }
    None
}

/// `clock_gettime` in the host's vDSO, and the end of the vDSO.
///
/// # Safety
/// `start` is the address of the host's vDSO.
unsafe fn find_clock_gettime(start: u64) -> (u64, u64) {
    const PT_LOAD: u32 = 1;
    const PT_DYNAMIC: u32 = 2;
    // SAFETY: the host's vDSO is a well-formed ELF image at its load address, symbol values relative to it.
    unsafe {
        let word = |address: u64| (address as *const u64).read_unaligned();
        let half = |address: u64| (address as *const u16).read_unaligned();
        let long = |address: u64| (address as *const u32).read_unaligned();
        let headers = start + word(start + 32);
        let (mut dynamic, mut end) = (0, start);
        for index in 0..u64::from(half(start + 56)) {
            let header = headers + index * u64::from(half(start + 54));
            match long(header) {
                PT_LOAD => end = end.max(start + word(header + 16) + word(header + 40)),
                PT_DYNAMIC => dynamic = start + word(header + 16),
                _ => {}
            }
        }
        let (mut symbols, mut strings, mut hash, mut gnu_hash) = (0, 0, 0, 0);
        while dynamic != 0 && word(dynamic) != 0 {
            let value = start + word(dynamic + 8);
            match word(dynamic) {
                4 => hash = value,
                5 => strings = value,
                6 => symbols = value,
                0x6fff_fef5 => gnu_hash = value,
                _ => {}
            }
            dynamic += 16;
        }
        // Without a SysV hash table the symbols are counted by where the strings begin.
        let count = if hash != 0 {
            u64::from(long(hash + 4))
        } else if gnu_hash != 0 || strings > symbols {
            strings.saturating_sub(symbols) / 24
        } else {
            0
        };
        for index in 0..count.min(64) {
            let symbol = symbols + index * 24;
            let name = strings + u64::from(long(symbol));
            let wanted = b"__vdso_clock_gettime\0";
            if (0..wanted.len()).all(|at| ((name + at as u64) as *const u8).read() == wanted[at])
                && half(symbol + 6) != 0
            {
                return (start + word(symbol + 8), end.next_multiple_of(4096));
            }
        }
        (0, end.next_multiple_of(4096))
    }
}

/// Size of the vector state and the features that are saved: those of XCR0 without tiles, which need a permission that
/// the guest can't ask for.
fn xsave() -> (u32, u64) {
    const TILES: u64 = 3 << 17;
    const PROTECTION_KEYS: u64 = 1 << 9;
    let leaf = __cpuid_count(0xd, 0);
    let features = (u64::from(leaf.edx) << 32 | u64::from(leaf.eax)) & !TILES & !PROTECTION_KEYS;
    let mut size = 576;
    for feature in 2..63 {
        if features >> feature & 1 != 0 {
            let leaf = __cpuid_count(0xd, feature);
            size = size.max(leaf.ebx + leaf.eax);
        }
    }
    (size, features)
}
