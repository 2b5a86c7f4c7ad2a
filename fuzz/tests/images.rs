//! Dumps of frozen sandboxes, and image files.

use abi::dump::{Dump, IoEntry, IoState, LowerFile, ThreadDump};
use abi::image::{Region, RegionKind, Registers};
use abi::layout::{HEAP_ALIGN, HEAPS, PAGE_SIZE};
use image::{Contents, Image, Origin, PageSource};
use std::io::{self, Write};

const KERNEL: [u8; 32] = [7; 32];
const HEAP: u64 = HEAPS + 5 * HEAP_ALIGN;
const TEXT: u64 = 0x40_0000;

fn region(start: u64, pages: u64, protection: u32, kind: RegionKind) -> Region {
    Region { start, len: pages * PAGE_SIZE, file_offset: 0, protection, kind: kind as u32, space: 0, reserved: 0 }
}

fn dump() -> Dump {
    Dump {
        spaces: vec![1],
        regions: vec![
            region(TEXT, 5, 5, RegionKind::Private),
            region(TEXT + 0x8000, 3, 3, RegionKind::Private),
            region(TEXT + 0x2_0000, 4, 1, RegionKind::Shared),
            region(0x7000_0000_0000, 1 << 18, 0, RegionKind::Reserved),
        ],
        heap_base: HEAP,
        heap_len: 3 * PAGE_SIZE,
        root: HEAP + 64,
        heap_pointers: vec![8, 16, 4104],
        kernel_pointers: vec![24],
        threads: vec![ThreadDump {
            pid: 2,
            tid: 2,
            name: "main".to_owned(),
            registers: Registers { rip: TEXT, rsp: TEXT + 0x9000, syscall: 232, ..Registers::default() },
            vector: vec![0; 2696],
            waits_for: "epoll_wait(5)".to_owned(),
        }],
        io: vec![IoEntry {
            pid: 2,
            fd: Some(4),
            kind: "listening socket".to_owned(),
            name: "0.0.0.0:8080".to_owned(),
            state: IoState::Active,
        }],
        lower_files: vec![LowerFile { root: 1, path: b"lib/libc.so.6".to_vec(), attributes: Default::default() }],
        monotonic_ns: 12_345,
        syscalls: 99,
    }
}

fn origin() -> Origin {
    Origin { function: "name = \"f\"\n".to_owned(), kernel_build: KERNEL, cpu: image::cpu::host() }
}

/// Heap words point to the heap, all else is a formula.
struct Pages;

impl PageSource for Pages {
    fn read(&mut self, _: u32, address: u64, into: &mut [u8]) -> io::Result<()> {
        for (word, at) in into.chunks_mut(8).zip((address..).step_by(8)) {
            let value = match at.checked_sub(HEAP) {
                Some(8 | 16 | 4104) => HEAP + 128,
                Some(24) => abi::layout::KERNEL_BASE + 0x1000,
                _ => at.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0x7e00_0000_0000,
            };
            word.copy_from_slice(&value.to_le_bytes()[..word.len()]);
        }
        Ok(())
    }
}

#[test]
fn the_unchanged_dump_is_taken() {
    assert!(Contents::from_dump(dump(), origin()).is_ok());
}

#[test]
fn dumps() {
    fuzz::fuzz(20_000, &[abi::encode(&dump())], |bytes| {
        if let Ok(dump) = abi::decode::<Dump>(bytes) {
            // Refused or taken, in bounded time and memory; what is taken lies where the guest may lie.
            if let Ok(contents) = Contents::from_dump(dump, origin()) {
                let end = abi::layout::GUEST_END;
                assert!(contents.regions.iter().all(|region| region.start + region.len <= end));
                assert!(contents.heap_pointers.iter().all(|at| u64::from(*at) + 8 <= contents.heap_len));
            }
        }
    });
}

#[test]
fn a_changed_image_is_never_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.img");
    let contents = Contents::from_dump(dump(), origin()).expect("a good dump");
    image::write(&path, &contents, &mut Pages, &mut |_| ()).expect("written");
    Image::open(&path, &KERNEL).and_then(|image| image.verify()).expect("the unchanged image is good");
    let good = std::fs::read(&path).expect("readable");
    fuzz::fuzz(1_000, std::slice::from_ref(&good), |bytes| {
        if bytes == good {
            return;
        }
        let mut file = tempfile::tempfile_in(folder.path()).expect("a file");
        file.write_all(bytes).expect("written");
        let Ok(image) = Image::from_file(file, &path, &KERNEL) else { return };
        // Looking at it may work, running it may not.
        let _ = image.inspect();
        assert!(image.verify().is_err(), "a changed image was accepted");
    });
}
