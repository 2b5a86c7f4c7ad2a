//! The guest's vDSO: one page with a small ELF shared object, at the same address in every instance.
//!
//! C libraries find it by `AT_SYSINFO_EHDR` and look its functions up with the version `LINUX_2.6`. Its text is
//! [`crate::entry::vdso`]'s; here is the ELF around it.

use super::space::Content;
use super::{AddressSpace, Backing, Region, RegionFlags};
use crate::entry::vdso::text;
use crate::errno::{ENOMEM, Errno};
use crate::host::{GuestRange, protection};
use crate::user_memory::{UserAddr, copy_out};
use abi::layout::{GUEST_VDSO, PAGE_SIZE};
use alloc::vec::Vec;

/// Maps the vDSO; answers its address.
///
/// # Errors
/// `ENOMEM`.
pub fn map(space: &AddressSpace) -> Result<u64, Errno> {
    let image = build();
    if image.len() as u64 > PAGE_SIZE {
        return Err(ENOMEM);
    }
    let writable = protection::READ | protection::WRITE;
    let region = Region {
        start: GUEST_VDSO,
        len: PAGE_SIZE,
        protection: writable,
        backing: Backing::Vdso,
        flags: RegionFlags::empty(),
    };
    space.map(region, &Content::Zero, 0)?;
    copy_out(UserAddr(GUEST_VDSO), &image)?;
    space.protect(GuestRange::new(GUEST_VDSO, PAGE_SIZE)?, protection::READ | protection::EXEC)?;
    Ok(GUEST_VDSO)
}

const NAME: &str = "linux-vdso.so.1";
const VERSION: &str = "LINUX_2.6";
const HEADER: usize = 64;
const PROGRAM_HEADERS: usize = 2 * 56;

/// Offsets of the parts in the page.
struct Parts {
    bytes: Vec<u8>,
}

impl Parts {
    /// Appends a part, aligned; answers its offset.
    fn add(&mut self, align: usize, part: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(part);
        offset as u64
    }
}

/// The whole object.
fn build() -> Vec<u8> {
    let (text, functions) = text();
    let mut parts = Parts { bytes: alloc::vec![0; HEADER + PROGRAM_HEADERS] };
    let text_at = parts.add(16, &text);

    let mut names = alloc::vec![0u8];
    let mut name = |text: &str| {
        let at = names.len() as u32;
        names.extend_from_slice(text.as_bytes());
        names.push(0);
        at
    };
    let (own_name, version_name) = (name(NAME), name(VERSION));
    let mut symbols = alloc::vec![0u8; 24];
    for (function, offset) in functions {
        symbols.extend_from_slice(&name(function).to_le_bytes());
        // A global function in some section.
        symbols.extend_from_slice(&[0x12, 0, 1, 0]);
        symbols.extend_from_slice(&(text_at + offset).to_le_bytes());
        symbols.extend_from_slice(&0u64.to_le_bytes());
    }
    let count = functions.len() as u32 + 1;
    // One bucket: a chain through all symbols.
    let mut hash: Vec<u32> = alloc::vec![1, count, 1, 0];
    hash.extend((2..count).chain([0]));
    let versions: Vec<u16> = [0].into_iter().chain(functions.iter().map(|_| 2)).collect();
    let mut definitions = definition(1, 1, NAME, own_name, true);
    definitions.extend(definition(0, 2, VERSION, version_name, false));

    let names_len = names.len() as u64;
    let hash_at = parts.add(8, &hash.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
    let symbols_at = parts.add(8, &symbols);
    let names_at = parts.add(8, &names);
    let versions_at = parts.add(8, &versions.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
    let definitions_at = parts.add(8, &definitions);
    let dynamic: [(u64, u64); 10] = [
        (14, own_name.into()),         // DT_SONAME
        (4, hash_at),                  // DT_HASH
        (5, names_at),                 // DT_STRTAB
        (6, symbols_at),               // DT_SYMTAB
        (10, names_len),               // DT_STRSZ
        (11, 24),                      // DT_SYMENT
        (0x6fff_fff0, versions_at),    // DT_VERSYM
        (0x6fff_fffc, definitions_at), // DT_VERDEF
        (0x6fff_fffd, 2),              // DT_VERDEFNUM
        (0, 0),
    ];
    let dynamic: Vec<u8> = dynamic.iter().flat_map(|(tag, value)| [*tag, *value]).flat_map(u64::to_le_bytes).collect();
    let dynamic_at = parts.add(8, &dynamic);

    let mut bytes = parts.bytes;
    let len = bytes.len() as u64;
    let headers =
        [program_header(1, 5, 0, len, PAGE_SIZE), program_header(2, 4, dynamic_at, dynamic.len() as u64, 8)].concat();
    bytes[..HEADER].copy_from_slice(&header(text_at));
    bytes[HEADER..HEADER + PROGRAM_HEADERS].copy_from_slice(&headers);
    bytes
}

fn header(entry: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header[16] = 3; // ET_DYN
    header[18] = 62; // EM_X86_64
    header[20] = 1;
    header[24..32].copy_from_slice(&entry.to_le_bytes());
    header[32] = HEADER as u8;
    header[52] = HEADER as u8;
    header[54] = 56;
    header[56] = 2;
    header[58] = 64;
    header
}

fn program_header(kind: u32, flags: u32, offset: u64, len: u64, align: u64) -> Vec<u8> {
    let mut header = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
    header.extend([offset, offset, offset, len, len, align].iter().flat_map(|field| field.to_le_bytes()));
    header
}

/// A version definition with its one name (`Elf64_Verdef`, `Elf64_Verdaux`).
fn definition(flags: u16, index: u16, text: &str, name: u32, more: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for half in [1, flags, index, 1] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    for word in [hash_of(text), 20, if more { 28 } else { 0 }, name, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The hash of the System V ABI.
fn hash_of(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| {
        let sum = (hash << 4).wrapping_add(u32::from(byte));
        let high = sum & 0xf000_0000;
        (sum ^ (high >> 24)) & !high
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::elf::{HEADER, Header, Program};

    #[test]
    fn version_hash_is_the_one_c_libraries_look_for() {
        assert_eq!(hash_of("LINUX_2.6"), 61_765_110);
    }

    #[test]
    fn object_fits_a_page_and_is_an_elf() {
        let image = build();
        assert!(image.len() as u64 <= PAGE_SIZE, "{} bytes", image.len());
        let header = Header::parse(&image[..HEADER]).unwrap();
        assert!(header.relocatable);
        let program = Program::parse(&header, &image[HEADER..]).unwrap();
        assert_eq!(program.segments[0].len, image.len() as u64);
    }
}
