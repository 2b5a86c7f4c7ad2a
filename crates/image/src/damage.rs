//! Ways to damage an image, for tests: of this crate, of the monitor and of the command line. Each says which
//! part the refusal has to name.

use crate::error::{Part, Result};
use crate::format::{HEADER_LEN, decode_header, encode_header, header_digest};
use crate::open::{Image, part_at};
use crate::sparse;
use abi::image::{HEADER_SIZE, Header, MAGIC, SectionKind, VERSION};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A damage.
#[derive(Clone, Debug)]
pub struct Damage {
    /// What is done.
    pub what: String,
    /// The name that the error must hold.
    pub part: &'static str,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Truncate(u64),
    Flip(u64),
    Append(Vec<u8>),
    Replace(Vec<u8>),
    Header(fn(&mut Header)),
}

impl Damage {
    fn new(what: impl Into<String>, part: Part, change: Change) -> Self {
        Self { what: what.into(), part: part.name(), change }
    }

    /// Writes a damaged copy of `image`.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn apply(&self, image: &Path, copy: &Path) -> io::Result<()> {
        let to = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(copy)?;
        sparse::copy(&File::open(image)?, &to)?;
        let len = to.metadata()?.len();
        match &self.change {
            Change::Truncate(len) => to.set_len(*len),
            Change::Flip(offset) => {
                let mut byte = [0];
                to.read_exact_at(&mut byte, *offset)?;
                to.write_all_at(&[byte[0] ^ 0x10], *offset)
            }
            Change::Append(bytes) => to.write_all_at(bytes, len),
            Change::Replace(bytes) => {
                to.set_len(bytes.len() as u64)?;
                to.write_all_at(bytes, 0)
            }
            Change::Header(edit) => {
                let mut page = [0; HEADER_SIZE as usize];
                to.read_exact_at(&mut page, 0)?;
                let mut header = decode_header(&page);
                edit(&mut header);
                header.digest = header_digest(&header);
                to.write_all_at(&encode_header(&header), 0)
            }
        }
    }
}

/// All damages that fit this image.
///
/// # Errors
/// When the image itself is not in order.
pub fn cases(image: &Path, kernel_build: &[u8; 32]) -> Result<Vec<Damage>> {
    let image = Image::open(image, kernel_build)?;
    let header = image.header();
    let mut cases = vec![
        Damage::new("empty file", Part::Header, Change::Truncate(0)),
        Damage::new("random bytes", Part::Header, Change::Replace(random(100_000, &[]))),
        Damage::new("magic and random bytes", Part::Header, Change::Replace(random(100_000, &MAGIC))),
        Damage::new("newer version", Part::Header, Change::Header(|header| header.version = VERSION + 1)),
        Damage::new("older version", Part::Header, Change::Header(|header| header.version = VERSION - 1)),
        Damage::new("other guest kernel", Part::Header, Change::Header(|header| header.kernel_build[31] ^= 1)),
        Damage::new("longer by the header", Part::Header, Change::Header(|header| header.file_len += 4096)),
        Damage::new("root outside", SectionKind::Heap.into(), Change::Header(|header| header.root = 8)),
    ];
    for extra in [1, 4096] {
        let change = Change::Append(vec![0; extra]);
        cases.push(Damage::new(format!("{extra} zero bytes appended"), SectionKind::Memory.into(), change));
    }
    for offset in [0, 8, 24, 100, 200, HEADER_LEN as u64 - 1, HEADER_LEN as u64, HEADER_SIZE - 1] {
        cases.push(Damage::new(format!("header byte {offset} flipped"), Part::Header, Change::Flip(offset)));
    }
    for len in [1, MAGIC.len() as u64, HEADER_SIZE - 1] {
        cases.push(Damage::new(format!("cut to {len} bytes"), Part::Header, Change::Truncate(len)));
    }
    for kind in SectionKind::ALL {
        let section = image.section(kind);
        let (start, end, padded) = (section.offset, section.offset + section.len, image.padded_end(kind));
        let name = kind.name();
        for cut in [start, end, end.saturating_sub(1)] {
            if section.len > 0 && cut < header.file_len {
                let what = format!("cut to {cut} bytes, {name} is {start}..{end}");
                cases.push(Damage::new(what, part_at(header, cut), Change::Truncate(cut)));
            }
        }
        if section.len > 0 {
            for offset in [start, start + section.len / 2, end - 1] {
                cases.push(Damage::new(format!("{name} byte {offset} flipped"), kind.into(), Change::Flip(offset)));
            }
        }
        if padded > end {
            for offset in [end, padded - 1] {
                let what = format!("padding byte {offset} after {name} flipped");
                cases.push(Damage::new(what, kind.into(), Change::Flip(offset)));
            }
        }
    }
    Ok(cases)
}

fn random(len: usize, start: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"random bytes").finalize_xof().fill(&mut bytes);
    bytes[..start.len()].copy_from_slice(start);
    bytes
}
