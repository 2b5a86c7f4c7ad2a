//! The guest kernel as the build script made it, and the sealed memory file it is executed from.

use crate::error::{Error, Result, at};
use rustix::fs::{MemfdFlags, SealFlags};
use std::os::fd::OwnedFd;

include!(concat!(env!("OUT_DIR"), "/kernel.rs"));

/// A memory file with the kernel that nobody can change any more. One is enough for all functions: its pages
/// are the kernel's public text.
pub(crate) fn sealed_memfd() -> Result<OwnedFd> {
    sealed("catalyzer-kernel", ELF, MemfdFlags::EXEC)
}

/// A sealed memory file with these bytes that can't be executed, for what a sandbox is told.
pub(crate) fn sealed_message(bytes: &[u8]) -> Result<OwnedFd> {
    sealed("catalyzer-launch", bytes, MemfdFlags::NOEXEC_SEAL)
}

/// A memory file of zeros whose length can't be changed, for one sandbox. Executable, since the guest may map a program
/// that it wrote; it is sparse, so that its length costs nothing.
pub(crate) fn zeros(len: u64) -> Result<OwnedFd> {
    let fd = memory_file("catalyzer-memory", MemfdFlags::EXEC)?;
    rustix::fs::ftruncate(&fd, len).map_err(at("making a memory file"))?;
    seal(&fd, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW)?;
    Ok(fd)
}

fn memory_file(name: &str, executable: MemfdFlags) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Hosts before Linux 6.3 know neither of the two flags; there every memory file is executable.
    rustix::fs::memfd_create(name, flags | executable)
        .or_else(|_| rustix::fs::memfd_create(name, flags))
        .map_err(at("making a memory file"))
}

fn sealed(name: &str, bytes: &[u8], executable: MemfdFlags) -> Result<OwnedFd> {
    let fd = memory_file(name, executable)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(&fd, rest).map_err(at("filling a memory file"))? {
            0 => return Err(Error::Host { what: "filling a memory file", errno: rustix::io::Errno::NOSPC }),
            written => rest = rest.get(written..).unwrap_or_default(),
        }
    }
    seal(&fd, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(fd)
}

/// Against writing the host seals only when nothing of its own holds on to a page (`memfd_wait_for_pins`): it waits
/// for that a fifth of a second, which a busy host may exceed.
fn seal(fd: &OwnedFd, seals: SealFlags) -> Result<()> {
    const TRIES: usize = 25;
    for _ in 1..TRIES {
        match rustix::fs::fcntl_add_seals(fd, seals) {
            Err(rustix::io::Errno::BUSY) => {}
            other => return other.map_err(at("sealing a memory file")),
        }
    }
    rustix::fs::fcntl_add_seals(fd, seals).map_err(at("sealing a memory file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_cannot_be_written_through_its_descriptor() {
        let fd = sealed_memfd().expect("memfd");
        assert_eq!(rustix::io::write(&fd, b"x"), Err(rustix::io::Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&fd, 0), Err(rustix::io::Errno::PERM));
    }

    #[test]
    fn memory_for_a_sandbox_neither_grows_nor_shrinks_and_costs_nothing_unused() {
        let fd = zeros(1 << 30).expect("memfd");
        assert_eq!(rustix::fs::ftruncate(&fd, 0), Err(rustix::io::Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&fd, 2 << 30), Err(rustix::io::Errno::PERM));
        assert_eq!(rustix::fs::fstat(&fd).expect("fstat").st_blocks, 0);
        assert_eq!(rustix::io::pwrite(&fd, b"x", 0), Ok(1));
    }
}
