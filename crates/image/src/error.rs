//! What can be wrong with an image, a dump or the store, in words that name the section.

use abi::image::SectionKind;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A part of an image that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first page.
    Header,
    /// A section.
    Section(SectionKind),
}

impl Part {
    /// The name used in errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Section(kind) => kind.name(),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<SectionKind> for Part {
    fn from(kind: SectionKind) -> Self {
        Self::Section(kind)
    }
}

/// Anything that goes wrong with images.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host refused an operation on a file.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Not a regular file, or one that does not start with the magic.
    #[error("{}: header: this is not a func-image; make one with `catalyzer build`", path.display())]
    NotAnImage {
        /// The file.
        path: PathBuf,
    },
    /// Another format version.
    #[error(
        "{}: header: format version {found}, this catalyzer reads version {expected}; \
         rebuild it with `catalyzer build`", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// Another guest kernel made it; its heap means nothing to ours.
    #[error(
        "{}: header: made with guest kernel {found}, this catalyzer has {expected}; \
         rebuild it with `catalyzer build`", path.display()
    )]
    KernelBuild {
        /// The file.
        path: PathBuf,
        /// First digits of the build in the file.
        found: String,
        /// First digits of ours.
        expected: String,
    },
    /// The file ends too early.
    #[error(
        "{}: {part}: truncated, the file has {len} of {expected} bytes; \
         rebuild it with `catalyzer build`", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where it is cut.
        part: Part,
        /// Its length.
        len: u64,
        /// The length it should have.
        expected: u64,
    },
    /// Bytes follow the last section.
    #[error(
        "{}: {}: {extra} bytes follow the end of the image; rebuild it with `catalyzer build`",
        path.display(), SectionKind::Memory.name()
    )]
    Trailing {
        /// The file.
        path: PathBuf,
        /// How many.
        extra: u64,
    },
    /// Content and checksum differ.
    #[error("{}: {part}: damaged, the checksum does not match; rebuild it with `catalyzer build`", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Where.
        part: Part,
    },
    /// A byte that must be zero is not.
    #[error(
        "{}: {part}: damaged, the padding at offset {offset:#x} is not zero; \
         rebuild it with `catalyzer build`", path.display()
    )]
    Padding {
        /// The file.
        path: PathBuf,
        /// The part that the padding follows.
        part: Part,
        /// Where in the file.
        offset: u64,
    },
    /// Intact bytes that make no valid image.
    #[error("{}: {}: {}; rebuild it with `catalyzer build`", path.display(), invalid.part, invalid.flaw)]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        invalid: Invalid,
    },
    /// The image relies on processor features that this host lacks.
    #[error(
        "{}: header: this host's processor lacks {}; rebuild it with `catalyzer build` on this host",
        path.display(), missing.join(", ")
    )]
    Processor {
        /// The file.
        path: PathBuf,
        /// Names of the features.
        missing: Vec<String>,
    },
    /// What a sandbox said about itself can't be made into an image.
    #[error("the sandbox cannot be made into an image: {0}")]
    Dump(#[from] Invalid),
    /// Pages of the frozen sandbox can't be read.
    #[error("cannot read the frozen sandbox at {address:#x}: {source}")]
    Source {
        /// First address of the piece.
        address: u64,
        /// Why not.
        source: io::Error,
    },
    /// The store's directory can't be trusted or found.
    #[error("{}: cannot keep images here: {why}", dir.display())]
    Store {
        /// The directory.
        dir: PathBuf,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A name that can't be a file name in the store.
    #[error(
        "{name:?} cannot name an image: use 1 to {} letters, digits, '.', '_' or '-', the first a letter or digit",
        crate::store::MAX_NAME
    )]
    Name {
        /// The name.
        name: String,
    },
}

/// A part whose content breaks the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {flaw}")]
pub struct Invalid {
    /// Where.
    pub part: Part,
    /// What.
    pub flaw: Flaw,
}

/// The rules that content can break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Too many of something.
    #[error("{count} {what}, at most {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many may be.
        limit: u64,
    },
    /// Something is too long.
    #[error("{what} of {len} bytes, at most {limit} are allowed")]
    TooLong {
        /// What.
        what: &'static str,
        /// Its length.
        len: u64,
        /// The limit.
        limit: u64,
    },
    /// Not the sections of this format.
    #[error("{0} sections instead of {n}", n = abi::image::SECTIONS)]
    Sections(u32),
    /// A section's length does not fit what it holds.
    #[error("{len} bytes cannot be its length")]
    Length {
        /// The length.
        len: u64,
    },
    /// A section does not lie where the format puts it.
    #[error("it lies at offset {found:#x} instead of {expected:#x}")]
    Place {
        /// Where the header says it is.
        found: u64,
        /// Where it belongs.
        expected: u64,
    },
    /// An address or length that is not whole pages.
    #[error("{value:#x} is not a multiple of the page size")]
    Unaligned {
        /// The value.
        value: u64,
    },
    /// A range without bytes, or beyond the guest's addresses.
    #[error("the range of {len:#x} bytes at {start:#x} is empty or outside the guest")]
    Range {
        /// First address.
        start: u64,
        /// Length in bytes.
        len: u64,
    },
    /// Not ascending, or overlapping.
    #[error("{value:#x} overlaps or is out of order")]
    Order {
        /// Address or offset of the later one.
        value: u64,
    },
    /// An address space that does not follow the one before.
    #[error("address space {0} does not follow the one before")]
    Space(u32),
    /// Unknown protection bits.
    #[error("unknown protection {0:#x}")]
    Protection(u32),
    /// Unknown [`abi::image::RegionKind`].
    #[error("unknown kind of region {0}")]
    Kind(u32),
    /// A region's pages do not lie in the memory section.
    #[error("the region at {start:#x} cannot have its pages at file offset {offset:#x}")]
    FileOffset {
        /// The region.
        start: u64,
        /// Its file offset.
        offset: u64,
    },
    /// Base or length of the kernel heap.
    #[error("a kernel heap of {len:#x} bytes at {base:#x} is not possible")]
    Heap {
        /// Base.
        base: u64,
        /// Length in bytes.
        len: u64,
    },
    /// The root object does not lie in the heap.
    #[error("the root object at {root:#x} is not in the kernel heap")]
    Root {
        /// Its address.
        root: u64,
    },
    /// A relation is not an aligned word of the heap.
    #[error("offset {offset:#x} is not an aligned word of the kernel heap")]
    Relation {
        /// Bytes from the heap's base.
        offset: u64,
    },
    /// A relation listed as pointer to both heap and kernel.
    #[error("the word at offset {offset:#x} cannot point into heap and kernel at once")]
    Ambiguous {
        /// Bytes from the heap's base.
        offset: u64,
    },
    /// A relation's word does not point where its list says.
    #[error("the word at heap offset {offset:#x} holds {value:#x}, which does not point into {target}")]
    Pointer {
        /// Bytes from the heap's base.
        offset: u64,
        /// What it holds.
        value: u64,
        /// Where it should point.
        target: &'static str,
    },
    /// A path that leaves its root or is no path.
    #[error("{path:?} is not a plain relative path")]
    Path {
        /// The path.
        path: String,
    },
    /// An index into the I/O table beyond its end.
    #[error("index {0} is beyond the table")]
    Index(u32),
    /// Not decodable.
    #[error("malformed")]
    Malformed,
}

impl Flaw {
    /// Says where the flaw is.
    pub fn of(self, part: impl Into<Part>) -> Invalid {
        Invalid { part: part.into(), flaw: self }
    }
}
