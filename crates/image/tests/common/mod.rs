//! A synthetic function: a few regions, a small kernel heap, two threads.
#![allow(dead_code)]

use abi::dump::{IoEntry, IoState, LowerFile, ThreadDump};
use abi::image::{IoTable, Region, RegionKind, Registers};
use abi::layout::{HEAP_ALIGN, HEAPS, KERNEL_BASE, PAGE_SIZE};
use image::{Contents, PageSource, Progress, Summary};
use std::io;
use std::path::Path;

pub const KERNEL: [u8; 32] = [7; 32];
pub const HEAP_BASE: u64 = HEAPS + 5 * HEAP_ALIGN;
pub const HEAP_LEN: u64 = 6 * PAGE_SIZE;
pub const TEXT: u64 = 0x40_0000;
pub const STACK: u64 = 0x7dfe_0000_0000;

/// Pages by formula: every third page is zero, page `p` of the guest else holds bytes made from `p`.
pub struct Formula {
    /// Added to what pages hold.
    pub seed: u8,
    /// Reading this address fails.
    pub fail_at: Option<u64>,
    /// What `populated` answers.
    pub populated: Option<Vec<(u64, u64)>>,
    /// Addresses that were read.
    pub read: Vec<u64>,
}

impl Default for Formula {
    fn default() -> Self {
        Self { seed: 1, fail_at: None, populated: None, read: Vec::new() }
    }
}

impl Formula {
    pub fn page(&self, address: u64) -> Vec<u8> {
        let number = address / PAGE_SIZE;
        if address >= HEAPS {
            return heap_page(address);
        }
        if number.is_multiple_of(3) {
            return vec![0; PAGE_SIZE as usize];
        }
        let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(self.seed)) | 1;
        word.to_le_bytes().repeat(PAGE_SIZE as usize / 8)
    }
}

/// The heap: word 1 of each page points to the heap's end, word 2 to the kernel; page 3 holds nothing else.
fn heap_page(address: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE_SIZE as usize];
    page[8..16].copy_from_slice(&(HEAP_BASE + HEAP_LEN).to_le_bytes());
    page[16..24].copy_from_slice(&(KERNEL_BASE + 0x1234).to_le_bytes());
    if (address - HEAP_BASE) / PAGE_SIZE != 3 {
        page[4000] = 5;
    }
    page
}

impl PageSource for Formula {
    fn read(&mut self, _: u32, address: u64, into: &mut [u8]) -> io::Result<()> {
        assert!(address.is_multiple_of(PAGE_SIZE) && (into.len() as u64).is_multiple_of(PAGE_SIZE));
        for (page, at) in into.chunks_mut(PAGE_SIZE as usize).zip((address..).step_by(PAGE_SIZE as usize)) {
            if self.fail_at == Some(at) {
                return Err(io::Error::other("the sandbox is gone"));
            }
            self.read.push(at);
            page.copy_from_slice(&self.page(at));
        }
        Ok(())
    }

    fn populated(&mut self, _: u32, start: u64, len: u64) -> io::Result<Vec<(u64, u64)>> {
        Ok(self.populated.clone().unwrap_or_else(|| vec![(start, len)]))
    }
}

pub fn region(start: u64, pages: u64, protection: u32, kind: RegionKind) -> Region {
    Region { start, len: pages * PAGE_SIZE, file_offset: 0, protection, kind: kind as u32, space: 0, reserved: 0 }
}

pub fn contents() -> Contents {
    let offsets = |word: u32| (0..6).map(|page| page * 4096 + word * 8).collect();
    Contents {
        regions: vec![
            region(TEXT, 5, 5, RegionKind::Private),
            region(TEXT + 5 * PAGE_SIZE, 2, 3, RegionKind::Private),
            region(TEXT + 7 * PAGE_SIZE, 3, 3, RegionKind::Private),
            region(TEXT + 20 * PAGE_SIZE, 4, 1, RegionKind::Shared),
            region(0x7000_0000_0000, 1 << 18, 0, RegionKind::Reserved),
            region(STACK, 300, 3, RegionKind::Private),
        ],
        heap_base: HEAP_BASE,
        heap_len: HEAP_LEN,
        root: HEAP_BASE + 64,
        heap_pointers: offsets(1),
        kernel_pointers: offsets(2),
        threads: [2, 3].map(thread).into(),
        io: IoTable {
            entries: vec![IoEntry {
                pid: 2,
                fd: Some(4),
                kind: "listening socket".into(),
                name: "0.0.0.0:8080".into(),
                state: IoState::Active,
            }],
            lower_files: vec![LowerFile { root: 1, path: b"lib/libc.so.6".into(), attributes: Default::default() }],
            cache: vec![0],
        },
        working_set: vec![TEXT, STACK],
        function: "name = \"hello\"\nport = 8080\n".into(),
        cpu: image::cpu::host(),
        kernel_build: KERNEL,
        monotonic_ns: 12_345,
    }
}

fn thread(tid: u32) -> ThreadDump {
    ThreadDump {
        pid: 2,
        tid,
        name: format!("worker-{tid}"),
        registers: Registers { rip: TEXT, rsp: STACK, syscall: 232, ..Registers::default() },
        vector: vec![3; 2696],
        waits_for: "epoll_wait(5)".into(),
    }
}

pub fn write(path: &Path, contents: &Contents, source: &mut Formula) -> image::Result<Summary> {
    image::write(path, contents, source, &mut |_: Progress| ())
}

/// A complete image of the synthetic function.
pub fn sample(path: &Path) -> Summary {
    write(path, &contents(), &mut Formula::default()).unwrap()
}
