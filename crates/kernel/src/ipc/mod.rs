//! Pipes, message queues, semaphores and segments of shared memory, and the numbers of objects without a name in the file system.

mod bytes;
pub mod mqueue;
pub mod nameless;
pub mod pipe;
pub mod sysv;

pub use bytes::ByteQueue;

use crate::fs::file::Stat;
use core::cell::Cell;

/// Objects that processes talk through.
#[derive(Default)]
pub struct Ipc {
    /// Numbers of objects without a name.
    last_inode: Cell<u64>,
    /// System V message queues.
    pub messages: sysv::Objects<sysv::messages::MessageQueue>,
    /// System V semaphores.
    pub semaphores: sysv::Objects<sysv::semaphores::SemaphoreSet>,
    /// System V shared memory.
    pub segments: sysv::Objects<sysv::memory::Segment>,
    /// Owners of pipes and sockets.
    pub nameless: nameless::Nameless,
    /// POSIX message queues.
    pub mqueues: mqueue::MessageQueues,
}

/// `st_dev` of pipes.
pub const PIPE_DEVICE: u64 = 0xe;
/// `st_dev` of sockets.
pub const SOCKET_DEVICE: u64 = 0x8;
/// `st_dev` of eventfds and their like.
const ANONYMOUS_DEVICE: u64 = 0xf;

impl Ipc {
    /// The number of a new pipe or socket.
    pub fn next_inode(&self) -> u64 {
        self.last_inode.set(self.last_inode.get() + 1);
        // Beyond the first thousand, so that nobody takes it for a number of /dev or /proc.
        let number = self.last_inode.get() + 1000;
        self.nameless.made(number);
        number
    }
}

/// `stat(2)` of an eventfd, timerfd, signalfd or epoll set: a nameless file without type.
pub fn anonymous_stat() -> Stat {
    Stat { device: ANONYMOUS_DEVICE, inode: 1, mode: 0o600, links: 1, block_size: 4096, ..Stat::default() }
}
