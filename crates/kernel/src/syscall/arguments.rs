//! Kinds of arguments: how a register becomes a typed value, and how `--strace` prints it.

use crate::errno::Errno;
use crate::user_memory::{Pod, UserAddr, UserPtr};
use core::fmt::{self, Write};

/// A descriptor of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// `AT_FDCWD`.
pub const AT_FDCWD: Fd = Fd(-100);

/// An argument that a handler takes.
pub trait Argument: Sized {
    /// From the register.
    ///
    /// # Errors
    /// What Linux answers for a value that is none.
    fn decode(raw: u64) -> Result<Self, Errno>;
    /// In strace's notation.
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result;
}

macro_rules! number {
    ($($type:ty => $format:literal),*) => { $(
        impl Argument for $type {
            fn decode(raw: u64) -> Result<Self, Errno> {
                Ok(raw as Self)
            }
            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                write!(to, $format, raw as Self)
            }
        }
    )* };
}
number!(i32 => "{}", u32 => "{:#x}", i64 => "{}", u64 => "{:#x}", usize => "{}");

impl Argument for Fd {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(raw as i32))
    }
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match raw as i32 {
            -100 => to.write_str("AT_FDCWD"),
            fd => write!(to, "{fd}"),
        }
    }
}

impl Argument for UserAddr {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(raw))
    }
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        if raw == 0 { to.write_str("NULL") } else { write!(to, "{raw:#x}") }
    }
}

impl<T: Pod> Argument for UserPtr<T> {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self::new(raw))
    }
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        UserAddr::show(raw, to)
    }
}

/// A guest's pointer to a zero-terminated path or name.
#[derive(Clone, Copy, Debug)]
pub struct UserPath(pub UserAddr);

impl UserPath {
    /// Reads it (`PATH_MAX` bytes with the zero).
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`.
    pub fn read(self) -> Result<alloc::vec::Vec<u8>, Errno> {
        crate::user_memory::read_string(self.0, 4096)
    }
}

impl Argument for UserPath {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(UserAddr(raw)))
    }
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match crate::user_memory::read_string(UserAddr(raw), 256) {
            Ok(bytes) => write!(to, "\"{}\"", bytes.escape_ascii()),
            Err(_) => UserAddr::show(raw, to),
        }
    }
}
