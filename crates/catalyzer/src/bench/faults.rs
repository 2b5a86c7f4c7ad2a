//! Page faults of sandboxes as the host counts them, each with its moment.
//!
//! The host's counter of page faults (`perf_event_open`, `PERF_COUNT_SW_PAGE_FAULTS`) is set on the nursery, and
//! whatever is cloned of it inherits the counter. Every single fault is noted with process and
//! `CLOCK_MONOTONIC`, the clock of the stamps in boot pages, so that each belongs to a step. Noting costs the
//! sandbox time: boots that are watched are none of those whose time is measured.
//!
//! An ordinary user may not watch what the kernel does for a process; for one, faults stay unknown.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `CLOCK_MONOTONIC`, ns.
    pub ns: u64,
    /// Whose.
    pub pid: i32,
}

const PAGE: usize = 4096;
/// Room for faults of one processor; a record takes 32 bytes.
const ROOM: usize = 256 * PAGE;

/// `PERF_TYPE_SOFTWARE`, `PERF_COUNT_SW_PAGE_FAULTS`.
const SOFTWARE: u32 = 1;
const PAGE_FAULTS: u64 = 2;
/// `PERF_SAMPLE_TID | PERF_SAMPLE_TIME`.
const SAMPLE: u64 = 1 << 1 | 1 << 2;
/// `inherit`, `exclude_hv`, `use_clockid`.
const FLAGS: u64 = 1 << 1 | 1 << 6 | 1 << 25;
/// `PERF_RECORD_SAMPLE`, `PERF_RECORD_LOST`.
const RECORD_SAMPLE: u32 = 9;
const RECORD_LOST: u32 = 2;

/// `struct perf_event_attr` up to `clockid`, as of its version 3; later fields are for other events.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    configs: [u64; 2],
    branch_sample_type: u64,
    user_registers: u64,
    user_stack: u32,
    clock: i32,
}

/// The counter of one processor and its ring of records.
#[derive(Debug)]
struct Ring {
    _event: File,
    /// A page for both sides, then the records.
    memory: *mut u8,
    tail: u64,
}

impl Ring {
    fn open(pid: i32, processor: usize) -> Result<Self> {
        let attributes = Attributes {
            kind: SOFTWARE,
            size: u32::try_from(size_of::<Attributes>())?,
            config: PAGE_FAULTS,
            sample_period: 1,
            sample_type: SAMPLE,
            flags: FLAGS,
            clock: libc::CLOCK_MONOTONIC,
            ..Attributes::default()
        };
        const CLOSE_ON_EXEC: libc::c_ulong = 8;
        // SAFETY: reads the attributes, which say how long they are; the descriptor it answers is new and ours.
        let event = unsafe {
            let event =
                libc::syscall(libc::SYS_perf_event_open, &raw const attributes, pid, processor, -1, CLOSE_ON_EXEC);
            if event < 0 {
                return Err(std::io::Error::last_os_error()).context("the host's counter of page faults");
            }
            File::from_raw_fd(i32::try_from(event)?)
        };
        // SAFETY: a new mapping of a counter, at an address of the host's choice.
        let memory = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(null_mut(), PAGE + ROOM, protection, libc::MAP_SHARED, event.as_raw_fd(), 0)
        };
        if memory == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error()).context("the host's records of page faults");
        }
        Ok(Self { _event: event, memory: memory.cast(), tail: 0 })
    }

    /// A word of the first page.
    fn shared(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: within the first page, aligned; the host reads and writes it while we do.
        unsafe { &*self.memory.add(offset).cast() }
    }

    /// Eight bytes of the records.
    fn word(&self, at: u64) -> u64 {
        let offset = PAGE + usize::try_from(at).unwrap_or(0) % ROOM;
        // SAFETY: within the records, whose words are aligned; the host has finished writing up to `data_head`.
        unsafe { self.memory.add(offset).cast::<u64>().read_volatile() }
    }

    /// Takes all records that are there.
    fn drain(&mut self, into: &mut Vec<Fault>) -> Result<()> {
        const DATA_HEAD: usize = 1024;
        const DATA_TAIL: usize = 1032;
        let head = self.shared(DATA_HEAD).load(Ordering::Acquire);
        while self.tail < head {
            let header = self.word(self.tail);
            // Type (32 bits), misc (16), size (16); then pid and thread; then the moment.
            let (kind, size) = (header as u32, header >> 48);
            match kind {
                RECORD_SAMPLE => {
                    let pid = self.word(self.tail + 8) as u32;
                    into.push(Fault { ns: self.word(self.tail + 16), pid: pid.cast_signed() });
                }
                RECORD_LOST => bail!("the host lost records of page faults"),
                _ => {}
            }
            if size == 0 {
                bail!("the host's records of page faults are malformed");
            }
            self.tail += size;
        }
        self.shared(DATA_TAIL).store(self.tail, Ordering::Release);
        Ok(())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `open`; nothing else refers to it.
        unsafe { libc::munmap(self.memory.cast(), PAGE + ROOM) };
    }
}

/// Watches a process and what it clones from now on.
#[derive(Debug)]
pub struct Watch {
    rings: Vec<Ring>,
}

impl Watch {
    /// Watches the nursery under this keeper.
    ///
    /// # Errors
    /// The host does not let this user watch.
    pub fn nursery_of(keeper: i32) -> Result<Self> {
        // The keeper's first child is the nursery, which it starts before it reaps for ever.
        let children = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children"));
        let children = children.context("the keeper's children")?;
        let nursery = children.split_ascii_whitespace().next().and_then(|pid| pid.parse().ok());
        Self::process(nursery.context("the nursery is not there")?)
    }

    fn process(pid: i32) -> Result<Self> {
        let configured = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
        let last = configured.trim().rsplit(['-', ',']).next().and_then(|last| last.parse().ok()).unwrap_or(0);
        let mut rings = Vec::new();
        for processor in 0..=last {
            match Ring::open(pid, processor) {
                Ok(ring) => rings.push(ring),
                // A processor that is switched off.
                Err(error) if is_no_device(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { rings })
    }

    /// All faults since the last time, oldest first.
    ///
    /// # Errors
    /// Records were lost.
    pub fn take(&mut self) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        for ring in &mut self.rings {
            ring.drain(&mut faults)?;
        }
        faults.sort_by_key(|fault| fault.ns);
        Ok(faults)
    }
}

fn is_no_device(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.and_then(std::io::Error::raw_os_error) == Some(libc::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now_ns;

    #[test]
    fn a_page_that_is_touched_is_a_fault_at_its_moment() {
        let own = i32::try_from(std::process::id()).expect("pid");
        // Hosts that don't let this user watch have nothing to test.
        let Ok(mut watch) = Watch::process(0) else { return };
        // The calling thread is watched, and those it makes from now on.
        let (before, after) = std::thread::spawn(|| {
            let before = now_ns();
            // SAFETY: a new mapping, written within its bounds.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let pages = libc::mmap(null_mut(), 8 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                assert_ne!(pages, libc::MAP_FAILED);
                for page in 0..8 {
                    pages.cast::<u8>().add(page * PAGE).write_volatile(1);
                }
                libc::munmap(pages, 8 * PAGE);
            }
            (before, now_ns())
        })
        .join()
        .expect("thread");
        let faults = watch.take().expect("faults");
        let within = faults.iter().filter(|fault| fault.pid == own && (before..=after).contains(&fault.ns));
        assert!(within.count() >= 8, "{faults:?}");
    }
}
