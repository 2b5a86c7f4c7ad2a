//! Loading programs: `execve(2)`.

use super::Process;
use crate::errno::{ENOSYS, Errno};
use abi::image::Registers;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Loads a program into a process; answers the registers it begins with.
///
/// # Errors
/// As `execve(2)`.
pub fn load(_process: &Rc<Process>, _program: &[u8], _args: &[Vec<u8>], _env: &[Vec<u8>]) -> Result<Registers, Errno> {
    Err(ENOSYS)
}
