//! Random memory maps: `mmap` and its family in a window of pages, over files that change meanwhile.

use super::Family;
use crate::differential::Random;

/// Pages of the window, and most pages of a file.
const WINDOW: u64 = 48;
const FILE: u64 = 10;

const FIXED: u64 = 0x10;
const FIXED_NOREPLACE: u64 = 0x10_0000;
/// Shared and private, anonymous and of a file, by how often.
const KINDS: [u64; 8] = [0x22, 0x22, 0x22, 0x21, 0x01, 0x01, 0x02, 0x02];
/// `MAP_POPULATE`, `MAP_NORESERVE`, `MAP_STACK`, `MAP_LOCKED`, none.
const EXTRAS: [u64; 8] = [0, 0, 0, 0, 0x8000, 0x4000, 0x2_0000, 0x2000];
const PROTECTIONS: [u64; 8] = [0, 1, 3, 3, 3, 3, 5, 2];
/// Advice whose outcome is certain: not `MADV_FREE`, nothing that depends on how the kernel was built.
const ADVICE: [u64; 18] = [0, 1, 2, 3, 4, 4, 4, 4, 9, 9, 10, 11, 16, 17, 19, 20, 22, 23];

/// The family.
pub struct Maps;

impl Family for Maps {
    fn name(&self) -> &'static str {
        "maps"
    }

    fn operation(&self, random: &mut Random) -> String {
        let page = random.below(WINDOW);
        let pages = (1 + random.below(8)).min(WINDOW - page);
        let file = random.below(3);
        match random.below(100) {
            0..=17 => mmap(random, page, pages, file),
            18..=23 => format!("munmap {page} {pages}"),
            24..=31 => format!("mprotect {page} {pages} {}", random.pick(&PROTECTIONS)),
            32..=37 => mremap(random, page),
            38..=44 => format!("madvise {page} {pages} {}", random.pick(&ADVICE)),
            45 | 46 => format!("msync {page} {pages} {}", random.pick(&[4, 4, 1, 2, 5, 8])),
            47 | 48 => format!("mlock {page} {pages}"),
            49..=51 => format!("munlock {page} {pages}"),
            52..=63 => format!("touch {page} {pages} {}", random.below(100)),
            64..=69 => format!("look {page} {pages}"),
            70..=72 => "list".to_owned(),
            73..=75 => format!("brk {}", random.below(6)),
            76 | 77 => format!("brkput 0 4 {}", random.below(100)),
            78..=83 => format!("truncate {} 0 0 0 {file}", position(random)),
            84..=88 => format!("pwrite {} {} {} 0 {file}", position(random), 1 + random.below(8000), random.below(100)),
            89..=91 => format!("punch {} {} 0 0 {file}", position(random), random.below(3 * 4096)),
            92..=94 => format!("contents 0 0 0 0 {file}"),
            95..=97 => format!("pread {page} {} {} 0 {file}", 1 + random.below(8000), position(random)),
            _ => format!("putmem {page} {} {} 0 {file}", 1 + random.below(8000), position(random)),
        }
    }
}

/// A position in a file: often at a page's edge.
fn position(random: &mut Random) -> u64 {
    let page = random.below(FILE) * 4096;
    match random.below(3) {
        0 => page,
        1 => page + random.below(4096),
        _ => (page + random.below(5)).saturating_sub(2),
    }
}

fn mmap(random: &mut Random, page: u64, pages: u64, file: u64) -> String {
    let kind = random.pick(&KINDS);
    let place = random.pick(&[FIXED, FIXED, FIXED, FIXED, FIXED_NOREPLACE, FIXED_NOREPLACE, 0, 0]);
    let flags = kind | place | random.pick(&EXTRAS);
    let pages = if random.below(40) == 0 { 0 } else { pages };
    // Sometimes no descriptor at all.
    let file = if random.below(40) == 0 { -1 } else { file.cast_signed() };
    format!("mmap {page} {pages} {} {flags} {file} {}", random.pick(&PROTECTIONS), random.below(FILE))
}

/// One page at a time: whether neighbours count as one region depends on how they came to be.
fn mremap(random: &mut Random, page: u64) -> String {
    let to = random.below(WINDOW - 4);
    let (old, new, flags) = match random.below(10) {
        0 | 1 => (1, 1 + random.below(4), 0),
        2..=4 => (1, 1 + random.below(4), 1),
        5..=7 => (1, 1 + random.below(4), 3),
        8 => (1, 1 + random.below(8) / 7, random.pick(&[5, 7])),
        _ => (0, 1 + random.below(3), random.pick(&[1, 3, 0])),
    };
    format!("mremap {page} {old} {new} {flags} {to}")
}
