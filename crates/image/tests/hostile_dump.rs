//! A dump comes out of a sandbox: whatever it says, it becomes a valid image or a typed error.

mod common;

use abi::dump::{Dump, IoEntry, IoState, LowerFile};
use abi::image::{Region, RegionKind, SectionKind};
use abi::layout::{GUEST_END, GUEST_START, HEAP_RESERVE, HEAPS, KERNEL_BASE, PAGE_SIZE};
use common::{Formula, HEAP_BASE, KERNEL, TEXT, contents, region, write};
use image::{Contents, Error, Flaw, Image, Invalid, Origin, check};
use proptest::prelude::*;

/// A way to spoil something.
type Case<T> = (&'static str, fn(&mut T));

fn dump() -> Dump {
    let contents = contents();
    Dump {
        spaces: vec![1],
        regions: contents.regions,
        heap_base: contents.heap_base,
        heap_len: contents.heap_len,
        root: contents.root,
        heap_pointers: contents.heap_pointers,
        kernel_pointers: contents.kernel_pointers,
        threads: contents.threads,
        io: contents.io.entries,
        lower_files: contents.io.lower_files,
        monotonic_ns: 1,
        syscalls: 99,
    }
}

fn take(dump: Dump) -> Result<Contents, Invalid> {
    Contents::from_dump(dump, Origin { function: String::new(), kernel_build: KERNEL, cpu: image::cpu::host() })
}

/// The flaw of a dump after this change, and the section it is in.
fn flaw(change: impl FnOnce(&mut Dump)) -> (String, Flaw) {
    let mut dump = dump();
    change(&mut dump);
    let invalid = take(dump).expect_err("the dump should be refused");
    (invalid.part.name().to_owned(), invalid.flaw)
}

#[test]
fn good_dump_is_taken_with_neighbours_merged() {
    let mut given = dump();
    given.regions[0].file_offset = 77;
    let contents = take(given).unwrap();
    assert_eq!(contents.regions.len(), 5);
    assert!(contents.regions.iter().all(|region| region.file_offset == 0));
}

#[test]
fn bad_regions_are_refused() {
    let cases: [Case<Vec<Region>>; 11] = [
        ("unaligned start", |regions| regions[0].start += 8),
        ("unaligned length", |regions| regions[0].len -= 8),
        ("empty", |regions| regions[0].len = 0),
        ("overlapping", |regions| regions[0].len += PAGE_SIZE),
        ("descending", |regions| regions.swap(0, 3)),
        ("below the guest", |regions| regions[0].start = GUEST_START - PAGE_SIZE),
        ("beyond the guest", |regions| regions[5].start = GUEST_END - PAGE_SIZE),
        ("in the kernel", |regions| regions[5].start = KERNEL_BASE),
        ("around the end of addresses", |regions| regions[5].len = 0u64.wrapping_sub(regions[5].start)),
        ("unknown protection", |regions| regions[0].protection = 8),
        ("unknown kind", |regions| regions[0].kind = 3),
    ];
    for (what, change) in cases {
        assert_eq!(flaw(|dump| change(&mut dump.regions)).0, "regions", "{what}");
    }
}

#[test]
fn too_many_regions_and_too_much_memory_are_refused() {
    let many = |dump: &mut Dump| {
        let start = |i| TEXT + i * 2 * PAGE_SIZE;
        dump.regions = (0..=check::MAX_REGIONS).map(|i| region(start(i), 1, 3, RegionKind::Private)).collect();
    };
    assert!(matches!(flaw(many).1, Flaw::TooMany { what: "regions", .. }));
    let much = |dump: &mut Dump| {
        dump.regions = vec![region(TEXT, check::MAX_CONTENT / PAGE_SIZE + 1, 3, RegionKind::Private)];
    };
    assert!(matches!(flaw(much).1, Flaw::TooLong { what: "memory", .. }));
    // A reservation costs nothing, so it may be as large as the guest.
    let mut reserved = dump();
    reserved.regions = vec![region(TEXT, (GUEST_END - TEXT) / PAGE_SIZE, 0, RegionKind::Reserved)];
    assert!(take(reserved).is_ok());
}

#[test]
fn regions_that_spread_over_the_file_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut contents = contents();
    let start = |i: u64| TEXT + i * (64 << 20);
    contents.regions = (0..60_000).map(|i| region(start(i), 1, 3, RegionKind::Private)).collect();
    let error = write(&dir.path().join("x.img"), &contents, &mut Formula::default()).unwrap_err();
    assert!(matches!(&error, Error::Dump(invalid) if invalid.part == SectionKind::Memory.into()), "{error}");
}

#[test]
fn bad_heaps_are_refused() {
    let cases: [Case<Dump>; 8] = [
        ("unaligned base", |dump| dump.heap_base += PAGE_SIZE),
        ("base in the guest", |dump| dump.heap_base = TEXT),
        ("base at the end", |dump| dump.heap_base = 0u64.wrapping_sub(2 << 20)),
        ("empty", |dump| dump.heap_len = 0),
        ("partial page", |dump| dump.heap_len -= 8),
        ("too long", |dump| dump.heap_len = HEAP_RESERVE + PAGE_SIZE),
        ("root below", |dump| dump.root = HEAP_BASE - 8),
        ("root behind", |dump| dump.root = HEAP_BASE + dump.heap_len),
    ];
    for (what, change) in cases {
        assert_eq!(flaw(change).0, "kernel heap", "{what}");
    }
}

#[test]
fn bad_relations_are_refused() {
    let cases: [Case<Dump>; 6] = [
        ("unaligned", |dump| dump.heap_pointers[0] = 4),
        ("behind the heap", |dump| dump.heap_pointers.push(6 * 4096)),
        ("far away", |dump| dump.kernel_pointers.push(u32::MAX - 7)),
        ("twice", |dump| dump.heap_pointers[1] = dump.heap_pointers[0]),
        ("descending", |dump| dump.kernel_pointers.reverse()),
        ("in both lists", |dump| dump.kernel_pointers[0] = dump.heap_pointers[0]),
    ];
    for (what, change) in cases {
        assert_eq!(flaw(change).0, "relation table", "{what}");
    }
}

#[test]
fn bad_threads_are_refused() {
    assert_eq!(flaw(|dump| dump.threads[0].vector = vec![0; 100_000]).0, "threads");
    assert_eq!(flaw(|dump| dump.threads[1].name = "x".repeat(10_000)).0, "threads");
    assert_eq!(flaw(|dump| dump.threads = vec![dump.threads[0].clone(); 40_000]).0, "threads");
}

#[test]
fn bad_paths_and_descriptors_are_refused() {
    for path in ["/etc/passwd", "..", "a/../b", "a/./b", "a//b", "a/", "a\0b"] {
        let file = LowerFile { root: 0, path: path.into(), attributes: Default::default() };
        let flaw = flaw(|dump| dump.lower_files.push(file));
        assert!(matches!(flaw.1, Flaw::Path { .. }), "{path}");
    }
    assert_eq!(flaw(|dump| dump.lower_files[0].path = vec![b'x'; 5000]).0, "I/O table");
    let entry = IoEntry { pid: 2, fd: None, kind: "x".repeat(10_000), name: String::new(), state: IoState::Closed };
    assert_eq!(flaw(|dump| dump.io.push(entry)).0, "I/O table");
    let mut contents = contents();
    contents.io.cache = vec![1];
    assert_eq!(contents.check().unwrap_err().flaw, Flaw::Index(1));
}

#[test]
fn address_spaces_that_skip_or_go_back_are_refused() {
    let in_space = |space, page| Region { space, ..region(TEXT + page * PAGE_SIZE, 1, 3, RegionKind::Private) };
    assert!(check::regions(&[in_space(0, 0), in_space(1, 0), in_space(2, 5)]).is_ok());
    for spaces in [[1, 1], [0, 2], [0, u32::MAX]] {
        assert!(check::regions(&spaces.map(|space| in_space(space, u64::from(space & 7)))).is_err(), "{spaces:?}");
    }
    assert!(check::regions(&[in_space(0, 0), in_space(1, 0), in_space(0, 1)]).is_err());
    assert!(check::regions(&[Region { reserved: 1, ..in_space(0, 0) }]).is_err());
    assert!(check::spaces(&[]).is_err());
    assert!(check::spaces(&vec![1; 5000]).is_err());
}

#[test]
fn bad_working_sets_are_refused() {
    for pages in [vec![TEXT + 8], vec![TEXT, TEXT], vec![HEAPS], vec![0]] {
        assert!(check::working_set(&pages).is_err(), "{pages:x?}");
    }
}

/// Regions of anything, mostly near what is allowed.
fn any_region() -> impl Strategy<Value = Region> {
    let number = || prop_oneof![8 => (0..64u64).prop_map(|n| TEXT + n * PAGE_SIZE), 1 => any::<u64>()];
    let len = prop_oneof![8 => (0..16u64).prop_map(|n| n * PAGE_SIZE), 1 => any::<u64>()];
    (number(), len, any::<u64>(), 0..9u32, 0..4u32).prop_map(|(start, len, file_offset, protection, kind)| Region {
        start,
        len,
        file_offset,
        protection,
        kind,
        space: 0,
        reserved: 0,
    })
}

/// Regions that keep all rules: gaps and lengths in pages.
fn good_regions() -> impl Strategy<Value = Vec<Region>> {
    let gap = prop_oneof![3 => Just(0), 3 => 1..40u64, 1 => 10_000..40_000u64];
    let one = (gap, 1..20u64, 0..8u32, 0..3u32);
    prop::collection::vec(one, 0..40).prop_map(|pieces| {
        let mut next = TEXT;
        let mut regions = Vec::new();
        for (gap, pages, protection, kind) in pieces {
            let start = next + gap * PAGE_SIZE;
            regions.push(Region {
                start,
                len: pages * PAGE_SIZE,
                file_offset: 0,
                protection,
                kind,
                space: 0,
                reserved: 0,
            });
            next = start + pages * PAGE_SIZE;
        }
        regions
    })
}

/// The rules said once more, as slowly and plainly as possible.
fn plainly_good(regions: &[Region]) -> bool {
    regions.iter().enumerate().all(|(index, region)| {
        let (start, end) = (u128::from(region.start), u128::from(region.start) + u128::from(region.len));
        let alone = regions[..index].iter().all(|other| u128::from(other.start) + u128::from(other.len) <= start);
        region.len > 0
            && region.start % PAGE_SIZE == 0
            && region.len % PAGE_SIZE == 0
            && region.start >= GUEST_START
            && end <= u128::from(GUEST_END)
            && region.protection <= 7
            && region.kind <= 2
            && alone
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn regions_pass_when_and_only_when_they_keep_the_rules(regions in prop::collection::vec(any_region(), 0..6)) {
        let content: u128 = regions.iter().filter(|r| r.kind != 1).map(|r| u128::from(r.len)).sum();
        let good = plainly_good(&regions) && content <= u128::from(check::MAX_CONTENT);
        prop_assert_eq!(check::regions(&regions).is_ok(), good);
    }

    #[test]
    fn relations_pass_when_and_only_when_they_keep_the_rules(
        heap in prop::collection::vec((0..40u32).prop_map(|n| n * 4), 0..5),
        kernel in prop::collection::vec((0..40u32).prop_map(|n| n * 4), 0..5),
    ) {
        let good = |list: &[u32]| list.is_sorted_by(|a, b| a < b) && list.iter().all(|o| o % 8 == 0 && o + 8 <= 128);
        let expected = good(&heap) && good(&kernel) && !heap.iter().any(|offset| kernel.contains(offset));
        prop_assert_eq!(check::relations(&heap, &kernel, 128).is_ok(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_good_layout_is_written_and_comes_back(regions in good_regions()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.img");
        let mut contents = contents();
        contents.working_set.clear();
        contents.regions = regions;
        let mut source = Formula::default();
        write(&path, &contents, &mut source).unwrap();
        let image = Image::open(&path, &KERNEL).unwrap();
        image.verify().unwrap();
        let back = image.regions().unwrap();
        // No two neighbours are left that could have been one.
        for pair in back.windows(2) {
            let touching = pair[0].start + pair[0].len == pair[1].start;
            prop_assert!(!touching || (pair[0].protection, pair[0].kind) != (pair[1].protection, pair[1].kind));
        }
        // Each page of the guest is where the table says.
        for given in contents.regions.iter().filter(|region| check::has_content(region)) {
            let region = back.iter().find(|r| (r.start..r.start + r.len).contains(&given.start)).unwrap();
            prop_assert_eq!((region.protection, region.kind), (given.protection, given.kind));
            let mut page = vec![0; PAGE_SIZE as usize];
            let place = region.file_offset + (given.start - region.start);
            std::os::unix::fs::FileExt::read_exact_at(image.file(), &mut page, place).unwrap();
            prop_assert!(page == source.page(given.start));
        }
    }

    #[test]
    fn garbled_dump_never_panics(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..4),
    ) {
        let mut bytes = abi::encode(&dump());
        for (at, mask) in flips {
            // The vector states are most of the bytes and may hold anything.
            let at = at.index(600.min(bytes.len()));
            bytes[at] ^= mask;
        }
        if let Ok(contents) = abi::decode::<Dump>(&bytes).map_or(Err(None), |dump| take(dump).map_err(Some)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x.img");
            let content: u64 = contents.regions.iter().filter(|r| check::has_content(r)).map(|r| r.len).sum();
            if content < 16 << 20 && contents.heap_base == HEAP_BASE && contents.heap_len < 1 << 20 {
                write(&path, &contents, &mut Formula::default()).unwrap();
                match Image::open(&path, &KERNEL).unwrap().verify() {
                    Ok(_) | Err(Error::Content { invalid: Invalid { flaw: Flaw::Pointer { .. }, .. }, .. }) => (),
                    Err(error) => prop_assert!(false, "{}", error),
                }
            }
        }
    }
}
