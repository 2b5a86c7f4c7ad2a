//! Func-images on the host: written, opened, checked, inspected, kept.
//!
//! The form on disk is defined in [`abi::image`]; this crate is everything that is done with it outside
//! a sandbox.
//!
//! ```text
//!  frozen sandbox ──Dump──▶ Contents::from_dump ──▶ write ──▶ NAME.img ──▶ Image::open ──▶ boot
//!                  ──pages─▶ PageSource ────────────▲            │           (header only)
//!                                                               └──────▶ Image::verify, inspect
//! ```
//!
//! Three promises hold it together:
//!
//! * **A dump is hostile.** It comes out of a sandbox. [`Contents::from_dump`] lets nothing through that
//!   [`check`] has not looked at, and the same checks run over a file's sections in [`Image::verify`].
//! * **Every byte counts.** A byte of an image lies under a checksum or must be zero, and the header
//!   holds the file's length, so that any change is found and named by section.
//! * **A file is whole or absent.** Writers work on an unnamed temporary file; only a finished and synced
//!   image gets its name. Nothing ever writes into a file that has one.

pub mod check;
mod contents;
pub mod cpu;
#[doc(hidden)]
pub mod damage;
mod error;
mod format;
mod inspect;
mod open;
mod sparse;
mod store;
mod temporary;
mod verify;
mod write;

pub use contents::{Contents, Origin};
pub use error::{Error, Flaw, Invalid, Part, Result};
pub use inspect::{DescriptorInfo, Inspection, RegionInfo, SectionInfo, ThreadInfo, Total};
pub use open::Image;
pub use store::{Entry, Store};
pub use verify::Verified;
pub use write::{PageSource, Progress, Summary, write};

/// BLAKE3 of some bytes: what every checksum and build identity in an image is.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}
