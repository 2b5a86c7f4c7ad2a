//! Programs as they lie in a file: ELF64 headers, and `#!` lines. Every number in them is the guest's and is
//! checked before it is used.

use crate::errno::{EINVAL, ENOEXEC, Errno};
use crate::host::protection;
use crate::mm::{page_down, page_up};
use abi::layout::{GUEST_END, PAGE_SIZE};
use alloc::vec::Vec;

/// Bytes of the ELF header.
pub const HEADER: usize = 64;
/// Bytes of a program header.
pub const PROGRAM_HEADER: usize = 56;
/// Most bytes of program headers (Linux' own limit).
const MAX_PROGRAM_HEADERS: usize = 65536;
/// Longest path of an interpreter, with its zero.
const PATH_MAX: u64 = 4096;
/// How much of a file is looked at for a `#!` line.
pub const SCRIPT_LINE: usize = 256;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_PHDR: u32 = 6;
const PT_GNU_STACK: u32 = 0x6474_e551;

/// What the first bytes of an ELF file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// May be loaded anywhere (`ET_DYN`).
    pub relocatable: bool,
    /// First instruction, before relocation.
    pub entry: u64,
    /// Where the program headers lie in the file.
    pub table: u64,
    /// How many there are.
    pub count: usize,
}

/// A loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Address, before relocation.
    pub address: u64,
    /// Where its content lies in the file.
    pub offset: u64,
    /// Bytes of content.
    pub file_len: u64,
    /// Bytes in memory; the rest is zero.
    pub len: u64,
    /// `PROT_*`.
    pub protection: u32,
}

/// What the program headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Loadable segments in the order of the file.
    pub segments: Vec<Segment>,
    /// Where the path of the dynamic linker lies in the file: offset and length with its zero.
    pub interpreter: Option<(u64, usize)>,
    /// Address of the program headers, before relocation; 0: they are not loaded.
    pub table_address: u64,
    /// Largest alignment of a segment, at least a page.
    pub align: u64,
    /// The stack is to be executable.
    pub executable_stack: bool,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}

impl Header {
    /// Parses the first bytes of a file.
    ///
    /// # Errors
    /// `ENOEXEC` for anything but an executable or shared object for x86-64.
    pub fn parse(bytes: &[u8]) -> Result<Self, Errno> {
        const ET_EXEC: u16 = 2;
        const ET_DYN: u16 = 3;
        const EM_X86_64: u16 = 62;
        // 64 bits, little-endian, version 1.
        if bytes.len() < HEADER || !bytes.starts_with(b"\x7fELF\x02\x01\x01") {
            return Err(ENOEXEC);
        }
        let kind = u16_at(bytes, 16);
        let count = usize::from(u16_at(bytes, 56));
        let sized = usize::from(u16_at(bytes, 54)) == PROGRAM_HEADER;
        if !matches!(kind, ET_EXEC | ET_DYN) || u16_at(bytes, 18) != EM_X86_64 || !sized {
            return Err(ENOEXEC);
        }
        if count == 0 || count * PROGRAM_HEADER > MAX_PROGRAM_HEADERS {
            return Err(ENOEXEC);
        }
        Ok(Self { relocatable: kind == ET_DYN, entry: u64_at(bytes, 24), table: u64_at(bytes, 32), count })
    }
}

impl Program {
    /// Parses the program headers.
    ///
    /// # Errors
    /// `ENOEXEC` without a loadable segment, `EINVAL` for one that can't be mapped.
    pub fn parse(header: &Header, table: &[u8]) -> Result<Self, Errno> {
        let mut program = Self { align: PAGE_SIZE, ..Self::default() };
        let mut own_address = None;
        for entry in table.chunks_exact(PROGRAM_HEADER).take(header.count) {
            let (kind, flags) = (u32_at(entry, 0), u32_at(entry, 4));
            let (offset, address) = (u64_at(entry, 8), u64_at(entry, 16));
            let (file_len, len, align) = (u64_at(entry, 32), u64_at(entry, 40), u64_at(entry, 48));
            match kind {
                PT_LOAD if len > 0 => {
                    if align.is_power_of_two() && align < 1 << 40 {
                        program.align = program.align.max(align);
                    }
                    program.segments.push(segment(flags, offset, address, file_len, len)?);
                }
                PT_INTERP if program.interpreter.is_none() => {
                    if !(2..=PATH_MAX).contains(&file_len) || offset > GUEST_END {
                        return Err(ENOEXEC);
                    }
                    program.interpreter = Some((offset, file_len as usize));
                }
                PT_PHDR => own_address = Some(address),
                PT_GNU_STACK => program.executable_stack = flags & 1 != 0,
                _ => {}
            }
        }
        if program.segments.is_empty() {
            return Err(ENOEXEC);
        }
        let loaded = program
            .segments
            .iter()
            .find(|segment| segment.offset <= header.table && header.table - segment.offset < segment.file_len);
        let by_offset = loaded.map(|segment| segment.address + (header.table - segment.offset));
        program.table_address = own_address.or(by_offset).unwrap_or(0);
        Ok(program)
    }

    /// First and last address of all segments, whole pages, before relocation.
    ///
    /// # Errors
    /// `ENOEXEC` without segments.
    pub fn span(&self) -> Result<(u64, u64), Errno> {
        let start = self.segments.iter().map(|segment| page_down(segment.address)).min().ok_or(ENOEXEC)?;
        let end = self.segments.iter().map(|segment| segment.address + segment.len).max().ok_or(ENOEXEC)?;
        Ok((start, page_up(end).ok_or(ENOEXEC)?))
    }
}

fn segment(flags: u32, offset: u64, address: u64, file_len: u64, len: u64) -> Result<Segment, Errno> {
    let beyond = |start: u64, len: u64| start.checked_add(len).is_none_or(|end| end > GUEST_END);
    if file_len > len || beyond(offset, file_len) || beyond(address, len) || offset % PAGE_SIZE != address % PAGE_SIZE {
        return Err(EINVAL);
    }
    let mut bits = protection::NONE;
    for (flag, bit) in [(4, protection::READ), (2, protection::WRITE), (1, protection::EXEC)] {
        if flags & flag != 0 {
            bits |= bit;
        }
    }
    Ok(Segment { address, offset, file_len, len, protection: bits })
}

/// The interpreter of a script, and its one argument.
///
/// # Errors
/// `ENOEXEC` when it names none, or does not fit the part that is looked at.
pub fn script(start: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), Errno> {
    let line = start.strip_prefix(b"#!").ok_or(ENOEXEC)?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = match end {
        Some(end) => &line[..end],
        // The file may end here, or the line may go on: then at least the interpreter has to be whole.
        None if start.len() < SCRIPT_LINE || line.trim_ascii_start().iter().any(blank) => line,
        None => return Err(ENOEXEC),
    };
    let line = line.trim_ascii();
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let cut = line.iter().position(blank).unwrap_or(line.len());
    let (interpreter, rest) = line.split_at(cut);
    if interpreter.is_empty() {
        return Err(ENOEXEC);
    }
    let rest = rest.trim_ascii();
    Ok((interpreter.to_vec(), (!rest.is_empty()).then(|| rest.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let mut bytes = alloc::vec![0; HEADER];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16] = 3;
        bytes[18] = 62;
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes
    }

    fn load(offset: u64, address: u64, file_len: u64, len: u64) -> Vec<u8> {
        let mut entry = alloc::vec![0; PROGRAM_HEADER];
        entry[0] = 1;
        entry[4] = 5;
        for (at, value) in [(8, offset), (16, address), (32, file_len), (40, len), (48, PAGE_SIZE)] {
            entry[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        entry
    }

    #[test]
    fn position_independent_program_is_read() {
        let header = Header::parse(&header()).unwrap();
        assert!(header.relocatable);
        let program = Program::parse(&header, &load(0, 0, 0x800, 0x1900)).unwrap();
        assert_eq!(program.segments[0].protection, protection::READ | protection::EXEC);
        assert_eq!(program.span().unwrap(), (0, 0x2000));
        assert_eq!(program.table_address, 64);
    }

    #[test]
    fn damaged_headers_are_refused() {
        for (at, value) in [(0, 0), (4, 1), (5, 2), (16, 1), (18, 3), (54, 55), (56, 0)] {
            let mut bytes = header();
            bytes[at] = value;
            assert_eq!(Header::parse(&bytes), Err(ENOEXEC), "byte {at}");
        }
        assert_eq!(Header::parse(&header()[..63]), Err(ENOEXEC));
    }

    #[test]
    fn segments_that_overflow_or_lie_outside_are_refused() {
        let header = Header::parse(&header()).unwrap();
        for (offset, address, file_len, len) in [
            (0, u64::MAX - 0xfff, 0, 0x2000),
            (u64::MAX - 0xfff, 0, 0x2000, 0x2000),
            (0, 0, 0x2000, 0x1000),
            (0x10, 0x20, 1, 1),
            (0, GUEST_END, 1, 1),
        ] {
            assert_eq!(Program::parse(&header, &load(offset, address, file_len, len)), Err(EINVAL));
        }
        assert_eq!(Program::parse(&header, &[]), Err(ENOEXEC));
    }

    #[test]
    fn script_lines_are_split_as_linux_does() {
        assert_eq!(script(b"#!/bin/sh\n").unwrap(), (b"/bin/sh".to_vec(), None));
        assert_eq!(script(b"#! /bin/env  a b \nrest").unwrap(), (b"/bin/env".to_vec(), Some(b"a b".to_vec())));
        assert_eq!(script(b"#!/bin/sh").unwrap(), (b"/bin/sh".to_vec(), None));
        assert_eq!(script(b"#!  \n"), Err(ENOEXEC));
        assert_eq!(script(&[b"#!".as_slice(), &[b'a'; 300]].concat()[..SCRIPT_LINE]), Err(ENOEXEC));
    }
}
