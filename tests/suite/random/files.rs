//! Random operations of the file system: few names, few descriptors, every kind of file.

use super::Family;
use crate::differential::Random;

/// Paths and descriptors that the interpreter has.
const PATHS: u64 = 20;
const SLOTS: u64 = 6;
/// Flags of `open(2)`: creating, exclusive, truncating, appending, of directories, not following, `O_PATH`.
const CREAT: u64 = 0o100;
const OPEN: [u64; 14] = [
    0,
    0,
    CREAT,
    CREAT,
    CREAT,
    CREAT,
    CREAT | 0o200,
    0o1000,
    CREAT | 0o1000,
    0o2000,
    CREAT | 0o2000,
    0o20_0000,
    0o40_0000,
    0o1000_0000,
];
const MODES: [u64; 6] = [0o644, 0o600, 0o755, 0o777, 0, 0o7777];
/// `FALLOC_FL_*` as tmpfs knows them.
const ALLOCATE: [u64; 6] = [0, 0, 1, 3, 3, 2];

/// The family.
pub struct Files;

impl Family for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn operation(&self, random: &mut Random) -> String {
        let (path, other) = (path(random), path(random));
        let (slot, second) = (random.below(SLOTS), random.below(SLOTS));
        let mode = random.pick(&MODES);
        match random.below(100) {
            0..=15 => {
                let flags = random.below(3) | random.pick(&OPEN) | random.pick(&OPEN);
                format!("open {slot} {path} {flags} {mode}")
            }
            16 => format!("close {slot}"),
            17 => format!("dup {slot} {second}"),
            18..=21 => format!("read {slot} {}", length(random)),
            22..=26 => format!("write {slot} {} {}", length(random), random.below(100)),
            27..=29 => format!("pread {slot} {} {}", length(random), position(random)),
            30..=33 => format!("pwrite {slot} {} {} {}", length(random), position(random), random.below(100)),
            34 => format!("readv {slot} {} {} {}", length(random), random.below(4096), random.below(4096)),
            35..=38 => format!("seek {slot} {} {}", position(random), random.pick(&[0, 0, 1, 1, 2, 5])),
            39..=41 => format!("ftruncate {slot} {}", position(random)),
            42 => format!("truncate {path} {}", position(random)),
            43..=45 => {
                let whole = random.below(2) == 0;
                let (offset, len) = (position(random), length(random).cast_signed());
                let (offset, len) = if whole { (offset & !4095, len & !4095) } else { (offset, len) };
                format!("fallocate {slot} {} {offset} {len}", random.pick(&ALLOCATE))
            }
            46..=49 => format!("mkdir {path} {mode}"),
            50 | 51 => format!("rmdir {path}"),
            52 | 53 => format!("unlink {path}"),
            54 => format!("unlinkat {path} {}", random.pick(&[0, 0x200, 0x200, 1])),
            55..=57 => format!("link {path} {other}"),
            58 => format!("linkat {path} {other} {}", random.pick(&[0, 0x400, 1])),
            59..=61 => format!("symlink {path} {other}"),
            62 => format!("readlink {path} {}", random.pick(&[100, 100, 3, 0])),
            63..=68 => format!("rename {path} {other} {}", random.pick(&[0, 0, 0, 0, 1, 2, 2, 3])),
            69 => format!("mkfifo {path} {mode}"),
            70 | 71 => format!("chmod {path} {mode}"),
            72 => format!("fchmod {slot} {mode}"),
            73..=76 => format!("stat {path} {}", random.pick(&[0, 0x100, 0x1000])),
            77 => format!("fstat {slot}"),
            78 => format!("access {path} {}", random.below(9)),
            79 | 80 => format!("list {path}"),
            81 => format!("chdir {path}"),
            82..=84 => {
                let (from, to) = (maybe(random), maybe(random));
                format!(
                    "copy {slot} {from} {second} {to} {} {}",
                    length(random),
                    random.pick(&[0, 0, 0, 0, 0, 0, 0, 1])
                )
            }
            85 | 86 => {
                let from = maybe(random);
                format!("sendfile {slot} {second} {from} {}", length(random))
            }
            87..=89 => {
                format!(
                    "setxattr {path} {} {} {} {}",
                    random.below(3),
                    random.below(64),
                    random.below(100),
                    random.below(4)
                )
            }
            90 => format!("getxattr {} {} {}", random.below(3), random.below(2), random.pick(&[0, 100, 5])),
            91 => format!("removexattr {} {}", random.below(3), random.below(2)),
            92 => format!("setfl {slot} {}", random.pick(&[0, 0o2000, 0o1, 0o4_0000])),
            93 => format!("tmpfile {slot} {path} {}", random.pick(&[0, 0, 0o200])),
            94 => format!("linkfd {slot} {path}"),
            95 => format!(
                "utimes {path} {} {} {}",
                random.below(1 << 31),
                random.below(1 << 31),
                random.pick(&[0, 0x100])
            ),
            96 => "tree".to_owned(),
            _ => format!("fstat {slot}"),
        }
    }
}

/// A path: mostly one of the first, so that operations meet.
fn path(random: &mut Random) -> u64 {
    if random.below(3) == 0 { random.below(PATHS) } else { random.below(6) }
}

fn length(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(10),
        1 => random.below(3) * 4096,
        _ => random.below(9000),
    }
}

/// A position: sometimes none that can be.
fn position(random: &mut Random) -> i64 {
    match random.below(20) {
        0 => -1 - random.below(5000).cast_signed(),
        1..=7 => (random.below(8) * 4096).cast_signed(),
        _ => random.below(30_000).cast_signed(),
    }
}

/// A position, or the file's own.
fn maybe(random: &mut Random) -> i64 {
    if random.below(2) == 0 { -1 } else { random.below(20_000).cast_signed() }
}
