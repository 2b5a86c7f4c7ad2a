//! Opening an image and reading its sections.

use crate::check;
use crate::cpu;
use crate::error::{Error, Flaw, Invalid, Part, Result};
use crate::format::{HEADER_LEN, decode_header, decode_regions, decode_u32s, decode_u64s, header_digest, page_up};
use abi::dump::ThreadDump;
use abi::image::{CpuFeatures, HEADER_SIZE, Header, IoTable, MAGIC, Region, Section, SectionKind, VERSION};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// An image whose header is known to be intact and ours. Its sections are read and checked one by one
/// when asked for; [`Image::verify`] checks all of them.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    file: File,
    header: Header,
}

impl Image {
    /// Opens an image read-only and looks at its header: magic, format version, checksum, guest kernel,
    /// lengths. This is what every boot does; it costs one page.
    ///
    /// # Errors
    /// Everything that makes the file unusable, naming the header or the section where the file is cut.
    pub fn open(path: &Path, kernel_build: &[u8; 32]) -> Result<Self> {
        // Not blocking: a FIFO in the place of an image must not hang us.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| Error::Io {
            path: path.to_owned(),
            action: "open",
            source: errno.into(),
        })?;
        Self::from_file(file.into(), path, kernel_build)
    }

    /// The same with a file that is open already; `path` is for messages.
    ///
    /// # Errors
    /// As for [`Image::open`].
    pub fn from_file(file: File, path: &Path, kernel_build: &[u8; 32]) -> Result<Self> {
        let header = read_header(&file, path, kernel_build)?;
        Ok(Self { path: path.to_owned(), file, header })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, open for reading only.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The file, for passing on.
    pub fn into_file(self) -> File {
        self.file
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where a section lies.
    pub fn section(&self, kind: SectionKind) -> &Section {
        &self.header.sections[kind as usize]
    }

    /// Checks that the host has all processor features that the image may rely on.
    ///
    /// # Errors
    /// [`Error::Processor`] with the names of those it lacks.
    pub fn check_cpu(&self, host: &CpuFeatures) -> Result<()> {
        let missing = cpu::missing(&self.header.cpu, host);
        if missing.is_empty() { Ok(()) } else { Err(Error::Processor { path: self.path.clone(), missing }) }
    }

    /// The regions, checked.
    ///
    /// # Errors
    /// When the section is damaged or breaks a rule; so for all that follow.
    pub fn regions(&self) -> Result<Vec<Region>> {
        let regions = decode_regions(&self.bytes(SectionKind::Regions)?);
        let memory = self.section(SectionKind::Memory);
        check::regions(&regions)
            .and_then(|()| check::file_offsets(&regions, memory.offset, memory.offset + memory.len))
            .map_err(|invalid| self.invalid(invalid))?;
        Ok(regions)
    }

    /// The threads, checked.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn threads(&self) -> Result<Vec<ThreadDump>> {
        let threads: Vec<ThreadDump> = self.decoded(SectionKind::Threads)?;
        check::threads(&threads).map_err(|invalid| self.invalid(invalid))?;
        Ok(threads)
    }

    /// The kernel heap as it lies.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn heap(&self) -> Result<Vec<u8>> {
        self.bytes(SectionKind::Heap)
    }

    /// The relation table, checked: offsets of the words that point into the heap, then of those that
    /// point into the guest kernel.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn relations(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        let mut heap = decode_u32s(&self.bytes(SectionKind::Relations)?);
        let first = usize::try_from(self.header.heap_pointers).unwrap_or(usize::MAX).min(heap.len());
        let kernel = heap.split_off(first);
        check::relations(&heap, &kernel, self.section(SectionKind::Heap).len)
            .map_err(|invalid| self.invalid(invalid))?;
        Ok((heap, kernel))
    }

    /// The I/O table, checked.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn io(&self) -> Result<IoTable> {
        let table: IoTable = self.decoded(SectionKind::Io)?;
        check::io(&table).map_err(|invalid| self.invalid(invalid))?;
        Ok(table)
    }

    /// Addresses of the pages used right after boot, checked.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn working_set(&self) -> Result<Vec<u64>> {
        let pages = decode_u64s(&self.bytes(SectionKind::WorkingSet)?);
        check::working_set(&pages).map_err(|invalid| self.invalid(invalid))?;
        Ok(pages)
    }

    /// The `function.toml` that the image was built from.
    ///
    /// # Errors
    /// As for [`Image::regions`].
    pub fn function(&self) -> Result<String> {
        let bytes = self.bytes(SectionKind::Function)?;
        if crate::digest(&bytes) != self.header.function_digest {
            return Err(Error::Checksum { path: self.path.clone(), part: SectionKind::Function.into() });
        }
        String::from_utf8(bytes).map_err(|_| self.invalid(Flaw::Malformed.of(SectionKind::Function)))
    }

    /// Looks again whether the file is what was opened; it could have been cut or written to since.
    pub(crate) fn unchanged(&self) -> Result<()> {
        let now = read_header(&self.file, &self.path, &self.header.kernel_build)?;
        if now.digest == self.header.digest {
            return Ok(());
        }
        Err(Error::Checksum { path: self.path.clone(), part: Part::Header })
    }

    pub(crate) fn invalid(&self, invalid: Invalid) -> Error {
        Error::Content { path: self.path.clone(), invalid }
    }

    pub(crate) fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(into, offset).map_err(|source| self.io_error(source))
    }

    pub(crate) fn io_error(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), action: "read", source }
    }

    /// The offset at which the padding of a section ends.
    pub(crate) fn padded_end(&self, kind: SectionKind) -> u64 {
        let section = self.section(kind);
        page_up(section.offset + section.len).unwrap_or(self.header.file_len)
    }

    fn decoded<T: for<'de> serde::Deserialize<'de>>(&self, kind: SectionKind) -> Result<T> {
        abi::decode(&self.bytes(kind)?).map_err(|abi::Malformed| self.invalid(Flaw::Malformed.of(kind)))
    }

    /// A section's bytes, after its checksum. Not for the memory section, which is sparse.
    fn bytes(&self, kind: SectionKind) -> Result<Vec<u8>> {
        let section = self.section(kind);
        let len = usize::try_from(section.len).map_err(|_| self.invalid(Flaw::Length { len: section.len }.of(kind)))?;
        let mut bytes = vec![0; len];
        self.read_at(section.offset, &mut bytes)?;
        if crate::digest(&bytes) != section.digest {
            return Err(Error::Checksum { path: self.path.clone(), part: kind.into() });
        }
        Ok(bytes)
    }
}

fn short(digest: &[u8; 32]) -> String {
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads and judges the first page, most telling reason first: an image of another version is called
/// that, although its header's checksum may lie elsewhere.
fn read_header(file: &File, path: &Path, kernel_build: &[u8; 32]) -> Result<Header> {
    let path = || path.to_owned();
    let io_error = |source| Error::Io { path: path(), action: "read", source };
    let metadata = file.metadata().map_err(io_error)?;
    if !metadata.is_file() {
        return Err(Error::NotAnImage { path: path() });
    }
    let len = metadata.len();
    let mut page = [0; HEADER_SIZE as usize];
    let readable = usize::try_from(len).unwrap_or(page.len()).min(page.len());
    file.read_exact_at(&mut page[..readable], 0).map_err(io_error)?;
    if !page.starts_with(&MAGIC) {
        return Err(Error::NotAnImage { path: path() });
    }
    if readable < page.len() {
        return Err(Error::Truncated { path: path(), part: Part::Header, len, expected: HEADER_SIZE });
    }
    let header = decode_header(&page);
    if header.version != VERSION {
        return Err(Error::Version { path: path(), found: header.version, expected: VERSION });
    }
    if header.digest != header_digest(&header) {
        return Err(Error::Checksum { path: path(), part: Part::Header });
    }
    if let Some(at) = page.iter().skip(HEADER_LEN).position(|byte| *byte != 0) {
        return Err(Error::Padding { path: path(), part: Part::Header, offset: (HEADER_LEN + at) as u64 });
    }
    if header.kernel_build != *kernel_build {
        let (found, expected) = (short(&header.kernel_build), short(kernel_build));
        return Err(Error::KernelBuild { path: path(), found, expected });
    }
    check::header(&header).map_err(|invalid| Error::Content { path: path(), invalid })?;
    if len < header.file_len {
        return Err(Error::Truncated { path: path(), part: part_at(&header, len), len, expected: header.file_len });
    }
    if len > header.file_len {
        return Err(Error::Trailing { path: path(), extra: len - header.file_len });
    }
    Ok(header)
}

/// The part in which the file's byte at `offset` lies.
pub(crate) fn part_at(header: &Header, offset: u64) -> Part {
    let holds = |kind: &SectionKind| {
        let section = &header.sections[*kind as usize];
        section.len > 0 && section.offset <= offset
    };
    SectionKind::ALL.into_iter().rev().find(holds).map_or(Part::Header, Part::Section)
}
