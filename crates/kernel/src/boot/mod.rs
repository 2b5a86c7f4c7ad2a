//! How a host process becomes a sandbox.
//!
//! The first process of all is the *nursery*: the freestanding kernel after its `execve`, which installs the
//! signal handlers and the filter and then only clones. Every sandbox is a clone of it, or of a template:
//!
//! ```text
//!            Spawn                    Scratch ──▶ scratch: load the program
//! nursery ──────────▶ sandbox ──┬──▶ Restore ──▶ restore: map the image ──▶ run
//!                               │                        └──▶ template ──Sfork──▶ run
//!                               └──▶ (waits: a zygote)
//! ```

pub mod crowd;
pub mod nursery;
pub mod restore;
pub mod scratch;
mod template;

use crate::errno::Errno;
use crate::heap::global::{KernelAllocator, Place};
use crate::heap::{Memory, OutOfMemory};
use crate::host::{self, HostFd, map_flags, protection};
use crate::local::{self, local};
use abi::boot::Stamp;
use abi::layout::FIRST_FREE_FD;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The host's memory under the kernel heap.
pub struct HostMemory;

#[allow(unsafe_code)]
impl Memory for HostMemory {
    fn grow(&self, address: u64, bytes: u64) -> Result<(), OutOfMemory> {
        // All of a heap that several host processes share is mapped.
        if local::common().is_some() {
            return Ok(());
        }
        let flags = map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED | map_flags::NORESERVE;
        // SAFETY: within the heap's reserve, beyond its end: nothing lies there.
        unsafe { host::map(address, bytes, protection::READ | protection::WRITE, flags, None) }
            .map(drop)
            .map_err(|_| OutOfMemory)
    }
}

impl Place for HostMemory {
    fn base(&self) -> &AtomicU64 {
        &local().heap
    }
}

/// The kernel heap.
#[cfg_attr(feature = "freestanding", global_allocator)]
pub static HEAP: KernelAllocator<HostMemory> = KernelAllocator::new(HostMemory);

/// What [`clone_process`] returns as.
pub enum Cloned {
    /// In the parent: the child's pidfd.
    Parent(HostFd),
    /// In the child.
    Child,
}

/// Clones this host process: memory copy-on-write, a child of the keeper (`CLONE_PARENT`).
///
/// # Errors
/// What the host answers.
#[allow(unsafe_code)]
pub fn clone_process(flags: u64) -> Result<Cloned, Errno> {
    let mut pidfd = -1_i32;
    let args = [flags, 0, &raw mut pidfd as u64, 0, 0, 0];
    // SAFETY: without CLONE_VM the child has a copy of everything.
    match Errno::check(unsafe { host::raw(abi::hostcalls::CLONE, args) })? {
        0 => Ok(Cloned::Child),
        _ => Ok(Cloned::Parent(HostFd(pidfd))),
    }
}

/// First steps of a clone: its own counters and control socket, nothing of its parent's descriptors, no privileges
/// unless it is to be a template.
///
/// # Errors
/// What the host answers: the sandbox must not go on then.
pub fn become_sandbox(control: HostFd, kept: &[HostFd], keep_privileges: bool) -> Result<(), Errno> {
    let local = local();
    local.control_fd.store(control.0, Relaxed);
    local.hostcalls.store(0, Relaxed);
    local.mappings.store(0, Relaxed);
    local.host_pid.store(1, Relaxed);
    local.host_threads.store(1, Relaxed);
    local::stamp(Stamp::Cloned);
    close_others(control, kept)?;
    if !keep_privileges {
        host::drop_capabilities()?;
    }
    local::stamp(Stamp::Dropped);
    Ok(())
}

/// Closes all descriptors but these. They lie close together, so that is two or three calls.
fn close_others(control: HostFd, kept: &[HostFd]) -> Result<(), Errno> {
    let is_kept = |fd: u32| control.0 == fd as i32 || kept.iter().any(|kept| kept.0 == fd as i32);
    let mut first = 0;
    let highest = kept.iter().map(|fd| fd.0).fold(control.0, i32::max).max(FIRST_FREE_FD) as u32;
    for fd in 0..=highest {
        if is_kept(fd) {
            if first < fd {
                host::close_range(first, fd - 1)?;
            }
            first = fd + 1;
        }
    }
    host::close_range(first, u32::MAX)
}

/// Says why the boot failed and ends the sandbox. Needs no heap.
pub fn fail(sentence: core::fmt::Arguments<'_>) -> ! {
    let mut text = Sentence { bytes: [0; 240], len: 0 };
    let _ = core::fmt::write(&mut text, sentence);
    let mut message = [0; 256];
    if let Ok(encoded) = encode_failure(&text.bytes[..text.len], &mut message) {
        let _ = host::transmit(crate::control::socket(), encoded, &[], true);
    }
    host::exit_group(121)
}

/// [`abi::control::FromSandbox::BootFailed`] without a `Vec`: the number of the variant, then the bytes.
fn encode_failure<'a>(sentence: &[u8], into: &'a mut [u8]) -> postcard::Result<&'a mut [u8]> {
    const BOOT_FAILED: u8 = 3;
    postcard::to_slice(&(BOOT_FAILED, sentence), into)
}

/// A sentence on the stack; what is too long is cut.
struct Sentence {
    bytes: [u8; 240],
    len: usize,
}

impl core::fmt::Write for Sentence {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let fits = text.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn failure_without_a_heap_reads_like_any_other() {
        let mut room = [0; 256];
        let sentence = b"the image can't be mapped: errno 12";
        let encoded = super::encode_failure(sentence, &mut room).expect("fits");
        assert_eq!(encoded, abi::encode(&abi::control::FromSandbox::BootFailed(sentence.to_vec())));
    }
}
