//! What a frozen sandbox says about itself, written to memory of its own for the monitor to read.
//!
//! The heap is described by itself, so the order matters. What needs memory is encoded first and dropped
//! again; then the heap is settled, and from there on nothing allocates or frees: length and relations
//! that are written are those that the monitor finds.
//!
//! # Safety
//! The dump's memory is mapped here, by the one host thread that is left, and used by nothing else. The heap
//! is scanned while that thread neither allocates nor frees.
#![allow(unsafe_code)]

use super::relations::{HeapPointers, KernelPointers};
use crate::boot::HEAP;
use crate::host::{self, map_flags, protection};
use crate::local::boot_page;
use crate::mm::Backing;
use crate::task::{Process, Thread};
use crate::{kernel, time};
use abi::dump::{IoEntry, ThreadDump};
use abi::image::RegionKind;
use abi::layout::{DUMP, KERNEL_BASE, KERNEL_SIZE};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// Room for each of the two parts, bytes; what is not written costs nothing. The monitor reads no more.
const ROOM: usize = 256 << 20;

/// The description does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Appends encoded values to a slice. Fields one after the other are the encoding of their structure, a
/// length and its elements that of a sequence.
struct Encoder<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl<'a> Encoder<'a> {
    fn new(room: &'a mut [u8]) -> Self {
        Self { room, len: 0 }
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooLong> {
        let written = postcard::to_slice(value, &mut self.room[self.len..]).map_err(|_| TooLong)?.len();
        self.len += written;
        Ok(())
    }

    fn append(&mut self, encoded: &[u8]) -> Result<(), TooLong> {
        self.room.get_mut(self.len..self.len + encoded.len()).ok_or(TooLong)?.copy_from_slice(encoded);
        self.len += encoded.len();
        Ok(())
    }

    fn written(&self) -> &[u8] {
        &self.room[..self.len]
    }
}

/// Writes the [`abi::dump::Dump`] of this sandbox to [`DUMP`]; its length. `hosts`: for each address space the number of
/// the host process that holds it, for the host.
///
/// # Errors
/// [`TooLong`].
pub fn write(hosts: Vec<u32>) -> Result<u64, TooLong> {
    let flags = map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED | map_flags::NORESERVE;
    // SAFETY: nothing lies there.
    unsafe { host::map(DUMP, 2 * ROOM as u64, protection::READ | protection::WRITE, flags, None) }
        .map_err(|_| TooLong)?;
    // SAFETY: just mapped, used by nothing else.
    let memory = unsafe { core::slice::from_raw_parts_mut(DUMP as *mut u8, 2 * ROOM) };
    let (front, back) = memory.split_at_mut(ROOM);

    let mut tail = Encoder::new(back);
    put_threads(&mut tail)?;
    put_io(&mut tail)?;
    tail.put(&crate::fs::lower_files())?;
    tail.put(&time::monotonic_ns())?;
    tail.put(&kernel().syscalls.get())?;

    let mut dump = Encoder::new(front);
    dump.put(&hosts)?;
    drop(hosts);
    dump.put(&regions())?;
    // SAFETY: one host thread is left; nothing below allocates or frees.
    let Some(mut heap) = (unsafe { HEAP.heap() }) else { return Err(TooLong) };
    heap.settle();
    dump.put(&heap.base())?;
    dump.put(&heap.len())?;
    dump.put(&boot_page().root)?;
    dump.put(&HeapPointers(&heap))?;
    dump.put(&KernelPointers { heap: &heap, kernel: KERNEL_BASE..KERNEL_BASE + KERNEL_SIZE })?;
    dump.append(tail.written())?;
    Ok(dump.len as u64)
}

fn processes() -> Vec<Rc<Process>> {
    kernel().tasks.processes.borrow().values().cloned().collect()
}

fn regions() -> Vec<abi::image::Region> {
    let mut regions = Vec::new();
    for space in super::freeze::spaces() {
        regions.extend(space.regions().iter().map(|region| abi::image::Region {
            start: region.start,
            len: region.len,
            file_offset: 0,
            protection: region.protection,
            kind: match region.backing {
                // The content is in the heap (`SharedMemory::pack`).
                Backing::Shared(..) => RegionKind::Reserved,
                _ => RegionKind::Private,
            } as u32,
            space: space.host.get(),
            reserved: 0,
        }));
    }
    regions.sort_unstable_by_key(|region| (region.space, region.start));
    regions
}

fn put_threads(encoder: &mut Encoder<'_>) -> Result<(), TooLong> {
    let threads: Vec<Rc<Thread>> = kernel().tasks.threads.borrow().values().cloned().collect();
    encoder.put(&threads.len())?;
    for thread in threads {
        encoder.put(&describe(&thread))?;
    }
    Ok(())
}

fn describe(thread: &Thread) -> ThreadDump {
    let saved = thread.saved.borrow();
    let waiting = thread.waiting.borrow();
    ThreadDump {
        pid: thread.process().pid.0,
        tid: thread.tid.0,
        name: String::from_utf8_lossy(&thread.name.borrow()).into_owned(),
        registers: saved.as_ref().map(crate::task::thread::Saved::registers).unwrap_or_default(),
        vector: saved.as_ref().map(|saved| saved.vector.clone()).unwrap_or_default(),
        waits_for: waiting.as_ref().map_or("nothing: it runs", |wait| wait.what).into(),
    }
}

fn put_io(encoder: &mut Encoder<'_>) -> Result<(), TooLong> {
    let mut entries = Vec::new();
    for process in processes() {
        for (fd, descriptor) in process.descriptors().all() {
            let object = &descriptor.file.object;
            entries.push(IoEntry {
                pid: process.pid.0,
                fd: Some(fd.0 as u32),
                kind: object.kind().into(),
                name: object.name(),
                state: object.io_state(),
            });
        }
    }
    encoder.put(&entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::dump::Dump;

    #[test]
    fn parts_one_after_the_other_decode_as_a_dump() {
        let thread = ThreadDump {
            pid: 2,
            tid: 3,
            name: "worker".into(),
            registers: abi::image::Registers { rip: 0x1234, syscall: -1, ..Default::default() },
            vector: alloc::vec![7; 300],
            waits_for: "futex".into(),
        };
        let dump = Dump {
            spaces: alloc::vec![1, 7],
            regions: alloc::vec![abi::image::Region {
                start: 4096,
                len: 8192,
                file_offset: 0,
                protection: 3,
                kind: 0,
                space: 0,
                reserved: 0
            }],
            heap_base: 0x7e40_0020_0000,
            heap_len: 0x3000,
            root: 0x7e40_0020_0100,
            heap_pointers: alloc::vec![8, 16, 0x2ff8],
            kernel_pointers: alloc::vec![24],
            threads: alloc::vec![thread.clone(), thread.clone()],
            io: Vec::new(),
            lower_files: Vec::new(),
            monotonic_ns: 77,
            syscalls: 1 << 40,
        };
        let (mut front, mut back) = ([0; 4096], [0; 4096]);
        let mut tail = Encoder::new(&mut back);
        tail.put(&2usize).expect("fits");
        tail.put(&thread).expect("fits");
        tail.put(&thread).expect("fits");
        tail.put(&dump.io).expect("fits");
        tail.put(&dump.lower_files).expect("fits");
        tail.put(&dump.monotonic_ns).expect("fits");
        tail.put(&dump.syscalls).expect("fits");
        let mut head = Encoder::new(&mut front);
        head.put(&dump.spaces).expect("fits");
        head.put(&dump.regions).expect("fits");
        head.put(&dump.heap_base).expect("fits");
        head.put(&dump.heap_len).expect("fits");
        head.put(&dump.root).expect("fits");
        head.put(&dump.heap_pointers).expect("fits");
        head.put(&dump.kernel_pointers).expect("fits");
        head.append(tail.written()).expect("fits");
        assert_eq!(abi::decode::<Dump>(head.written()), Ok(dump));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut room = [0; 8];
        let mut encoder = Encoder::new(&mut room);
        assert_eq!(encoder.put(&[1u8; 32]), Err(TooLong));
        assert_eq!(encoder.append(&[0; 9]), Err(TooLong));
        assert_eq!(encoder.append(&[1; 8]), Ok(()));
    }
}
