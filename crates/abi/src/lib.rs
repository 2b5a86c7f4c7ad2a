//! What crosses the border between a sandbox and the trusted side, and nothing else.
//!
//! Both sides meet only here: [`hostcalls`] is the closed list of what a sandbox may ask of the host
//! kernel, [`control`] the messages between a sandbox and the monitor, [`files`] those between a
//! sandbox and the file server, [`launch`] what a scratch boot is told, [`boot`] the page both sides
//! read and write at boot, [`image`] the func-image as it lies on disk, [`dump`] what a frozen sandbox
//! says about itself, [`layout`] where things lie in a sandbox's address space. `tripwires` refuses
//! to compile when a format drifts without a new version.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod boot;
pub mod control;
pub mod dump;
pub mod files;
pub mod hostcalls;
pub mod image;
pub mod launch;
pub mod layout;
mod tripwires;

/// Encodes any message of this crate.
pub fn encode<T: serde::Serialize>(value: &T) -> alloc::vec::Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// Decodes a message of this crate. Trailing bytes are refused: a message is exactly one value.
///
/// # Errors
/// [`Malformed`] when the bytes are not one encoded `T`.
pub fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}

/// The bytes are not a message of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("malformed message")
    }
}
