//! What is written comes back, and nothing is written by halves.

mod common;

use abi::image::{RegionKind, SectionKind};
use abi::layout::PAGE_SIZE;
use common::{Formula, HEAP_BASE, HEAP_LEN, KERNEL, STACK, TEXT, contents, sample, write};
use image::{Error, Image, PageSource, Progress};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn everything_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let summary = sample(&path);
    let image = Image::open(&path, &KERNEL).unwrap();
    let contents = contents();
    let verified = image.verify().unwrap();
    assert_eq!(verified.memory_stored, summary.memory_stored);
    assert_eq!((verified.relations, verified.threads), (12, 2));
    assert_eq!(image.header().digest, summary.digest);
    assert_eq!(image.header().file_len, fs::metadata(&path).unwrap().len());
    assert_eq!(image.header().monotonic_ns, contents.monotonic_ns);
    assert_eq!(image.threads().unwrap(), contents.threads);
    assert_eq!(image.io().unwrap(), contents.io);
    assert_eq!(image.relations().unwrap(), (contents.heap_pointers, contents.kernel_pointers));
    assert_eq!(image.working_set().unwrap(), contents.working_set);
    assert_eq!(image.function().unwrap(), contents.function);
    let formula = Formula::default();
    let heap: Vec<u8> = (HEAP_BASE..HEAP_BASE + HEAP_LEN).step_by(4096).flat_map(|page| formula.page(page)).collect();
    assert!(image.heap().unwrap() == heap);
    for region in image.regions().unwrap().iter().filter(|region| region.kind != RegionKind::Reserved as u32) {
        for at in (0..region.len).step_by(PAGE_SIZE as usize) {
            let mut page = vec![0; PAGE_SIZE as usize];
            image.file().read_exact_at(&mut page, region.file_offset + at).unwrap();
            assert!(page == formula.page(region.start + at), "{:#x}", region.start + at);
        }
    }
}

#[test]
fn threads_lie_directly_before_the_heap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    sample(&path);
    let image = Image::open(&path, &KERNEL).unwrap();
    let (threads, heap) = (image.section(SectionKind::Threads), image.section(SectionKind::Heap));
    assert_eq!((threads.offset + threads.len).next_multiple_of(PAGE_SIZE), heap.offset);
}

#[test]
fn neighbours_are_merged_and_keep_their_distance() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let summary = sample(&path);
    let image = Image::open(&path, &KERNEL).unwrap();
    let regions = image.regions().unwrap();
    assert_eq!((regions.len(), summary.regions), (5, 5));
    assert_eq!((regions[1].start, regions[1].len), (TEXT + 5 * PAGE_SIZE, 5 * PAGE_SIZE));
    assert_eq!(regions[2].file_offset - regions[0].file_offset, regions[2].start - regions[0].start);
    assert_eq!(regions[3].file_offset, 0);
    // The stack is far away and follows at once.
    assert_eq!(regions[4].file_offset, regions[2].file_offset + regions[2].len);
}

#[test]
fn zero_pages_take_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse.img");
    let mut contents = contents();
    contents.regions = vec![common::region(STACK, 1 << 16, 3, RegionKind::Private)];
    let mut source = Formula { populated: Some(vec![(STACK + 0x10_0000, 0x3000)]), ..Formula::default() };
    let summary = write(&path, &contents, &mut source).unwrap();
    assert_eq!(summary.memory_stored, 0x2000);
    let metadata = fs::metadata(&path).unwrap();
    assert!(metadata.len() > 256 << 20 && metadata.blocks() * 512 < 1 << 20, "{metadata:?}");
    let image = Image::open(&path, &KERNEL).unwrap();
    image.verify().unwrap();
    // Filling the holes with zeros changes nothing that counts.
    let copy = dir.path().join("dense.img");
    fs::write(&copy, fs::read(&path).unwrap()).unwrap();
    Image::open(&copy, &KERNEL).unwrap().verify().unwrap();
}

#[test]
fn only_populated_pages_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut contents = contents();
    contents.regions = vec![common::region(STACK, 8, 3, RegionKind::Private)];
    let mut source = Formula { populated: Some(vec![(STACK + 0x2000, 1)]), ..Formula::default() };
    write(&dir.path().join("x.img"), &contents, &mut source).unwrap();
    let read: Vec<_> = source.read.into_iter().filter(|address| *address < HEAP_BASE).collect();
    assert_eq!(read, [STACK + 0x2000]);
}

#[test]
fn progress_ends_at_its_total() {
    let dir = tempfile::tempdir().unwrap();
    let mut steps: Vec<Progress> = Vec::new();
    let path = dir.path().join("x.img");
    image::write(&path, &contents(), &mut Formula::default(), &mut |step| steps.push(step)).unwrap();
    assert!(steps.is_sorted_by_key(|step| step.done));
    let last = steps.last().unwrap();
    assert_eq!(last.done, last.total);
}

#[test]
fn image_without_regions_is_an_image() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.img");
    let mut contents = contents();
    contents.regions.clear();
    contents.threads.clear();
    contents.working_set.clear();
    write(&path, &contents, &mut Formula::default()).unwrap();
    Image::open(&path, &KERNEL).unwrap().verify().unwrap();
}

#[test]
fn failed_writing_leaves_the_old_image_and_no_litter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let old = sample(&path);
    for fail_at in [HEAP_BASE + PAGE_SIZE, TEXT, STACK + 299 * PAGE_SIZE] {
        let mut source = Formula { seed: 2, fail_at: Some(fail_at), ..Formula::default() };
        let error = write(&path, &contents(), &mut source).unwrap_err();
        assert!(matches!(error, Error::Source { .. }), "{error}");
        let image = Image::open(&path, &KERNEL).unwrap();
        image.verify().unwrap();
        assert_eq!(image.header().digest, old.digest);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

/// Stops in the middle of the memory until it is killed.
struct Stuck(Formula);

impl PageSource for Stuck {
    fn read(&mut self, space: u32, address: u64, into: &mut [u8]) -> io::Result<()> {
        if address == STACK {
            println!("\nstuck");
            io::stdin().read_to_end(&mut Vec::new())?;
        }
        self.0.read(space, address, into)
    }
}

#[test]
fn killed_writer_leaves_the_old_image_and_no_litter() {
    const VICTIM: &str = "IMAGE_TEST_VICTIM";
    if let Some(path) = std::env::var_os(VICTIM) {
        let source = &mut Stuck(Formula { seed: 2, ..Formula::default() });
        image::write(Path::new(&path), &contents(), source, &mut |_| ()).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let old = sample(&path);
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "killed_writer_leaves_the_old_image_and_no_litter"])
        .env(VICTIM, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap).find(|line| line == "stuck");
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(said.is_some());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let image = Image::open(&path, &KERNEL).unwrap();
    image.verify().unwrap();
    assert_eq!(image.header().digest, old.digest);
}

#[test]
fn open_image_survives_its_replacement() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let old = sample(&path);
    let image = Image::open(&path, &KERNEL).unwrap();
    let new = write(&path, &contents(), &mut Formula { seed: 2, ..Formula::default() }).unwrap();
    image.verify().unwrap();
    assert_eq!(image.header().digest, old.digest);
    assert_ne!(old.digest, new.digest);
    assert_eq!(Image::open(&path, &KERNEL).unwrap().header().digest, new.digest);
}

#[test]
fn images_are_read_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    sample(&path);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o222, 0);
    let image = Image::open(&path, &KERNEL).unwrap();
    assert!(image.file().write_all_at(b"x", 0).is_err());
}

#[test]
fn relation_that_points_elsewhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.img");
    let mut contents = contents();
    contents.heap_pointers.push(5 * 4096 + 512);
    write(&path, &contents, &mut Formula::default()).unwrap();
    let error = Image::open(&path, &KERNEL).unwrap().verify().unwrap_err().to_string();
    assert!(error.contains("relation table") && error.contains("0x5200"), "{error}");
}

#[test]
fn inspection_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    let summary = sample(&path);
    let shown = Image::open(&path, &KERNEL).unwrap().inspect().unwrap();
    assert_eq!(shown.function.as_deref(), Some("hello"));
    assert_eq!((shown.heap_pointers, shown.kernel_pointers), (6, 6));
    assert_eq!((shown.host_mappings, shown.regions.len(), shown.sections.len()), (6, 5, 8));
    assert_eq!(shown.totals.iter().map(|total| total.stored).sum::<u64>(), summary.memory_stored);
    assert_eq!(shown.totals.iter().map(|total| total.regions).sum::<usize>(), 5);
    assert_eq!(shown.threads[1].name, "worker-3");
    assert_eq!(shown.threads[1].syscall, Some(232));
    assert_eq!(shown.descriptors[0].kind, "listening socket");
    assert_eq!(shown.lower_files, ["lib/libc.so.6"]);
}
