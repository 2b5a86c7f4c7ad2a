//! Continuing from an image: cold and warm boots, and the birth of a template.
//!
//! The way is short and counted: header and regions are read, each region is one mapping of the image, the
//! kernel heap is another one, and the words in it that are pointers are moved. Nothing is decoded, no file
//! is opened, and nothing is allocated until the heap lies there.
//!
//! The monitor has verified the image. What is checked here again is what the kernel's own memory depends
//! on: that nothing is mapped where the kernel lies, and that heap and relations fit each other.
//!
//! # Safety
//! One thread, in a fresh clone of the nursery: guest range and heap window are empty.
#![allow(unsafe_code)]

use super::HEAP;
use crate::entry::threads;
use crate::errno::Errno;
use crate::host::{self, Descriptors, GuestRange, HostFd, map_flags, protection};
use crate::local::{self, local, per_thread};
use crate::snapshot::relations;
use crate::task::poller::HostHandle;
use crate::task::{Pid, Tid};
use crate::{fs, kernel, lock, time};
use abi::boot::Stamp;
use abi::control::{Connection, Instance, Restore, Then};
use abi::image::{HEADER_SIZE, Header, MAGIC, Region, RegionKind, SECTIONS, SectionKind, VERSION};
use abi::launch::Stdio;
use abi::layout::{HEAP_ALIGN, HEAP_RESERVE, HEAPS, KERNEL_END, PAGE_SIZE};
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::Relaxed;

/// Why an image can't be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// A descriptor did not come.
    Missing,
    /// It can't be read.
    Read(Errno),
    /// It is not an image of this format.
    Foreign,
    /// A part lies where it can't.
    Place(&'static str),
    /// The host refuses a mapping.
    Map(Errno),
    /// Heap and relation table don't fit each other.
    Relations,
    /// The heap is none.
    Heap,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => f.write_str("the image's descriptor did not come"),
            Self::Read(errno) => write!(f, "the image can't be read: errno {}", errno.0),
            Self::Foreign => f.write_str("the image's header is not of this format"),
            Self::Place(what) => write!(f, "{what} of the image can't lie there"),
            Self::Map(errno) => write!(f, "the image can't be mapped: errno {}", errno.0),
            Self::Relations => f.write_str("the image's relation table does not fit its kernel heap"),
            Self::Heap => f.write_str("the image's kernel heap is damaged"),
        }
    }
}

/// Becomes a sandbox that continues from an image.
pub fn boot(restore: Restore, mut descriptors: Descriptors) -> ! {
    lock::acquire();
    let header = match map(&restore, &mut descriptors) {
        Ok(header) => header,
        Err(failure) => super::fail(format_args!("{failure}")),
    };
    adopt(&restore, &mut descriptors);
    match restore.then {
        Then::Run => run(restore.instance, restore.connection.zip(descriptors.take()), header.monotonic_ns),
        Then::Template => super::template::park(header.monotonic_ns),
    }
}

/// Maps everything and moves the heap's pointers.
fn map(restore: &Restore, descriptors: &mut Descriptors) -> Result<Header, Failure> {
    let image = descriptors.take().ok_or(Failure::Missing)?;
    let header: Header = read_one(image, 0)?;
    if header.magic != MAGIC || header.version != VERSION || header.sections_len as usize != SECTIONS {
        return Err(Failure::Foreign);
    }
    let several = map_regions(image, &header, 0)?;
    map_heap(image, &header, restore.heap_base)?;
    local::stamp(Stamp::Mapped);
    relocate(image, &header, restore.heap_base)?;
    if several {
        local::keep_image(image);
    } else {
        host::close(image);
    }
    let heap_len = header.sections[SectionKind::Heap as usize].len;
    // SAFETY: mapped and relocated; nothing was allocated before.
    unsafe { HEAP.attach(restore.heap_base, heap_len) }.map_err(|_| Failure::Heap)?;
    // SAFETY: one thread.
    unsafe {
        local::change_boot_page(|page| {
            page.heap_base = restore.heap_base;
            page.heap_len = heap_len;
            page.root = header.root.wrapping_sub(header.heap_base).wrapping_add(restore.heap_base);
            page.generation = restore.instance.generation;
        });
    }
    local::stamp(Stamp::Relocated);
    Ok(header)
}

/// Plain data of the image format: any bytes are a value.
trait Plain: Copy {}
impl Plain for Header {}
impl Plain for Region {}
impl Plain for u32 {}

fn read_one<T: Plain>(image: HostFd, offset: u64) -> Result<T, Failure> {
    let mut value = MaybeUninit::<T>::uninit();
    read_into(image, offset, core::slice::from_mut(&mut value))?;
    // SAFETY: all bytes were read; `Plain` takes any.
    Ok(unsafe { value.assume_init() })
}

/// Fills `values` from the image, entirely.
fn read_into<T: Plain>(image: HostFd, offset: u64, values: &mut [MaybeUninit<T>]) -> Result<(), Failure> {
    // SAFETY: the bytes of the slice, written before they are read by anyone.
    let bytes = unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast::<u8>(), size_of_val(values)) };
    match host::pread(image, bytes, offset) {
        Ok(len) if len == bytes.len() => Ok(()),
        Ok(_) => Err(Failure::Foreign),
        Err(errno) => Err(Failure::Read(errno)),
    }
}

/// Calls `each` with all values of an array in the image, `ROOM` at a time through the stack.
fn for_each_piece<T: Plain, const ROOM: usize>(
    image: HostFd,
    offset: u64,
    count: u64,
    mut each: impl FnMut(&[T]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut room = [const { MaybeUninit::<T>::uninit() }; ROOM];
    let mut done = 0;
    while done < count {
        let now = (count - done).min(ROOM as u64) as usize;
        read_into(image, offset + done * size_of::<T>() as u64, &mut room[..now])?;
        // SAFETY: `now` values were just read.
        each(unsafe { core::slice::from_raw_parts(room.as_ptr().cast(), now) })?;
        done += now as u64;
    }
    Ok(())
}

/// Maps the memory of an address space that lies in the image of this boot only.
///
/// # Errors
/// What the host answers.
pub fn map_space(number: u32) -> Result<(), Errno> {
    let image = local::image().ok_or(crate::errno::EBADF)?;
    let mapped = read_one::<Header>(image, 0).and_then(|header| map_regions(image, &header, number));
    mapped.map(drop).map_err(|failure| match failure {
        Failure::Read(errno) | Failure::Map(errno) => errno,
        _ => crate::errno::EIO,
    })
}

/// Maps the memory of an address space; whether there are others.
fn map_regions(image: HostFd, header: &Header, space: u32) -> Result<bool, Failure> {
    let section = &header.sections[SectionKind::Regions as usize];
    if section.offset != HEADER_SIZE {
        return Err(Failure::Place("the regions"));
    }
    let count = section.len / size_of::<Region>() as u64;
    let mut others = false;
    for_each_piece::<Region, 64>(image, section.offset, count, |regions| {
        others |= regions.iter().any(|region| region.space != space);
        regions.iter().filter(|region| region.space == space).try_for_each(|region| map_region(image, region))
    })?;
    Ok(others)
}

/// One mapping; the writer of the image has merged neighbours.
fn map_region(image: HostFd, region: &Region) -> Result<(), Failure> {
    let range = GuestRange::new(region.start, region.len).map_err(|_| Failure::Place("a region"))?;
    let flags = map_flags::PRIVATE | map_flags::NORESERVE;
    let mapped = if region.kind == RegionKind::Reserved as u32 {
        host::map_guest(range, region.protection, flags | map_flags::ANONYMOUS, None)
    } else {
        host::map_guest(range, region.protection, flags, Some((image, region.file_offset)))
    };
    mapped.map_err(Failure::Map)
}

fn map_heap(image: HostFd, header: &Header, base: u64) -> Result<(), Failure> {
    let section = &header.sections[SectionKind::Heap as usize];
    let base_fits = base.is_multiple_of(HEAP_ALIGN) && (HEAPS..=KERNEL_END - HEAP_RESERVE).contains(&base);
    let len_fits = section.len.is_multiple_of(PAGE_SIZE) && section.len <= HEAP_RESERVE - PAGE_SIZE;
    let root_fits = header.root.checked_sub(header.heap_base).is_some_and(|root| root < section.len);
    if !(base_fits && len_fits && root_fits) {
        return Err(Failure::Place("the kernel heap"));
    }
    let flags = map_flags::PRIVATE | map_flags::FIXED | map_flags::NORESERVE;
    let source = Some((image, section.offset));
    // SAFETY: in the window of heaps, which is empty.
    unsafe { host::map(base, section.len, protection::READ | protection::WRITE, flags, source) }
        .map(drop)
        .map_err(Failure::Map)
}

fn relocate(image: HostFd, header: &Header, base: u64) -> Result<(), Failure> {
    let heap_len = header.sections[SectionKind::Heap as usize].len;
    let section = &header.sections[SectionKind::Relations as usize];
    if header.heap_pointers.checked_mul(4).is_none_or(|len| len > section.len) {
        return Err(Failure::Relations);
    }
    for_each_piece::<u32, 4096>(image, section.offset, header.heap_pointers, |pointers| {
        // SAFETY: just mapped, writable, and used by nobody yet.
        unsafe { relations::relocate(base as *mut u8, heap_len, header.heap_base, pointers) }
            .map_err(|_| Failure::Relations)
    })
}

/// What the state is told of this boot before anything runs, the same for a template and for what it becomes.
fn adopt(restore: &Restore, descriptors: &mut Descriptors) {
    let kernel = kernel();
    let kinds = restore.stdio.unwrap_or([Stdio::Log; 3]);
    let streams = kinds.map(|kind| if kind.has_descriptor() { descriptors.take() } else { None });
    // Who waits on a stream is woken by this, but starts with the others, not in a template.
    local().stopping.store(1, Relaxed);
    fs::streams::reconnect(kinds, streams);
    local().stopping.store(0, Relaxed);
    for thread in kernel.tasks.threads.borrow().values() {
        if thread.woken.get().is_some() {
            crate::task::dormant::queue(thread);
        }
    }
    if restore.trace
        && let Some(stream) = descriptors.take()
    {
        kernel.control.trace.set(stream);
    }
    let mut launch = kernel.launch.borrow_mut();
    launch.stdio = kinds;
    launch.freeze_at = restore.freeze_at;
    launch.announce_entry = false;
}

/// Lets the state run on, as this instance. The guest's monotonic clock goes on at `monotonic_ns`.
pub(super) fn run(instance: Instance, connection: Option<(Connection, HostFd)>, monotonic_ns: u64) -> ! {
    let offset = monotonic_ns.wrapping_sub(time::host_monotonic_ns()).cast_signed();
    // SAFETY: one thread.
    unsafe { local::change_boot_page(|page| page.monotonic_offset_ns = offset) };
    let kernel = kernel();
    if instance.pid != 0 {
        kernel.tasks.instance_pid.set(Some(Pid(instance.pid)));
        // What is counted belongs to one instance; without a change its page stays the image's.
        if kernel.launch.borrow().syscall_stats != instance.syscall_stats {
            kernel.launch.borrow_mut().syscall_stats = instance.syscall_stats;
        }
        if instance.syscall_stats {
            kernel.counts.clear();
        }
    }
    if let Err(errno) = kernel.shared.unpack() {
        super::fail(format_args!("shared memory can't be restored: errno {}", errno.0));
    }
    // This host thread takes what becomes runnable.
    let host = kernel.tasks.hosts.current();
    let poller = &host.poller;
    poller.set_idle(true);
    if let Err(errno) = kernel.fs.generation.changed() {
        super::fail(format_args!("the generation can't be shown: errno {}", errno.0));
    }
    kernel.net.dialling.again();
    if let Some((connection, socket)) = connection {
        kernel.net.connected(connection, HostHandle::new(socket));
    }
    // A server has booted when it returns from the `accept` of its first connection, which that stamps; any other
    // program with its first instruction.
    if kernel.launch.borrow().port.is_none() {
        local().stamp_resume.store(poller.runnable.first().unwrap_or(Tid(0)).0, Relaxed);
    }
    poller.runnable.start_all_but_first();
    drop(host);
    kernel.tasks.hosts.note_due();
    per_thread().tid.set(0);
    threads::run(per_thread())
}
