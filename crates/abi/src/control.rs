//! Messages between monitor and sandbox, over a `SOCK_SEQPACKET` socket at
//! [`crate::layout::CONTROL_FD`]; one datagram, one encoded message, descriptors as `SCM_RIGHTS` in the
//! order that each message names.
//!
//! The monitor treats every [`FromSandbox`] as hostile.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Longest message in bytes, either way.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Most descriptors with one message.
pub const MAX_DESCRIPTORS: usize = 8;

/// Monitor to the nursery (the pristine process) and to templates: make processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// First message of all: install the signal handlers and this seccomp program (`sock_filter`s as
    /// bytes), then answer [`FromParent::Sealed`].
    Seal {
        /// The program, 8 bytes an instruction.
        filter: Vec<u8>,
    },
    /// Clone a sandbox. Descriptors: its control socket, then those of `first`.
    Spawn {
        /// Stay in the keeper's pid namespace and keep privileges: a template.
        template: bool,
        /// The new sandbox's first message, so that a boot is one message.
        first: Option<ToSandbox>,
    },
}

/// The nursery's and a template's answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromParent {
    /// The filter is in force.
    Sealed,
    /// Cloned. Descriptor: the pidfd.
    Spawned,
    /// The clone failed with this errno.
    Failed(i32),
}

/// Monitor to a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSandbox {
    /// Scratch boot. Descriptors: the memfd with the [`crate::launch::Launch`], the file-server
    /// connection, the standard streams that have one (in order), the trace stream when `trace`.
    Scratch {
        /// A trace stream is the last descriptor.
        trace: bool,
    },
    /// Continue from an image. Descriptors: the image; with `stdio`, the standard streams that have
    /// one and then, with `trace`, the trace stream; with `connection`, the client's socket last.
    Restore(Restore),
    /// Template only, once [`FromSandbox::Parked`] came: clone an instance (`sfork`) and let it run.
    /// Descriptors: the instance's control socket; with `connection`, the client's socket.
    /// Answered on the template's socket by a [`FromParent`].
    Sfork {
        /// What is particular to the instance.
        instance: Instance,
        /// The first connection.
        connection: Option<Connection>,
    },
    /// A spare that is to [`Instance::populate`] only: make these pages present while it is parked.
    Populate {
        /// Guest memory.
        ranges: Vec<PageRange>,
        /// Nothing follows.
        last: bool,
    },
    /// A spare only: run. Descriptor: with `connection`, the client's socket.
    Go {
        /// What is particular to the instance.
        instance: Instance,
        /// The first connection.
        connection: Option<Connection>,
    },
    /// A client connected. Descriptor: its socket.
    Connection(Connection),
    /// The file-server connection that [`FromSandbox::NeedFiles`] asked for. Descriptor: it.
    Files,
    /// A signal for the program, from outside (a guest signal number: Linux's).
    Signal(u8),
    /// The terminal that the program was started in has this many rows and columns.
    Window([u16; 2]),
    /// Stop all threads, say [`FromSandbox::Frozen`], then wait to be ended.
    Freeze {
        /// Not before all threads are blocked, one of them for a connection on the function's port, if it has one. Said
        /// once more without, it does not wait any longer.
        at_rest: bool,
    },
    /// The memory that [`FromSandbox::NeedMemory`] asked for. Descriptor: a file of [`crate::layout::MEMORY_LEN`] zeros
    /// whose length is sealed.
    Memory,
    /// Report the system calls that an instance with [`Instance::syscall_stats`] has counted since its boot.
    Counts,
    /// The answer to [`FromSandbox::Dial`]. Descriptor: the connection, when there is one.
    Dialled {
        /// The number it was asked for with.
        id: u32,
        /// Linux errno when there is none.
        errno: u16,
    },
}

/// How to continue from an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// Where the kernel heap goes.
    pub heap_base: u64,
    /// What happens once the state is in place.
    pub then: Then,
    /// What is particular to the instance.
    pub instance: Instance,
    /// Standard streams for the instance, when they are not those of the image; else all become [`crate::launch::Stdio::Log`].
    pub stdio: Option<[crate::launch::Stdio; 3]>,
    /// A trace stream comes along.
    pub trace: bool,
    /// The first connection.
    pub connection: Option<Connection>,
    /// Later freeze, as in [`crate::launch::Launch::freeze_at`].
    pub freeze_at: Option<u64>,
}

/// What a restored sandbox does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// Run.
    Run,
    /// Become a template: say [`FromSandbox::Parked`], then serve [`ToSandbox::Sfork`].
    Template,
}

/// What is particular to one instance of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Differs from all others of this monitor; never 0.
    pub generation: u64,
    /// Number of the instance; the guest's `getpid` after a boot from an image. 0: it stays as it was.
    pub pid: u32,
    /// A spare: park after the clone, say [`FromSandbox::Parked`], wait for [`ToSandbox::Go`].
    pub spare: bool,
    /// Count system calls from here on.
    pub syscall_stats: bool,
    /// A spare: say so only after the last [`ToSandbox::Populate`].
    pub populate: bool,
    /// Others were asked for at the same time: let them boot first, as soon as this one has.
    pub crowd: bool,
}

/// Guest memory that a boot is known to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRange {
    /// First address, a page's.
    pub start: u64,
    /// Length in bytes, whole pages.
    pub len: u64,
    /// It writes there: the instance gets copies of its own.
    pub written: bool,
}

/// Most ranges in one [`ToSandbox::Populate`]: a spare takes them through a buffer on its kernel stack.
pub const MAX_RANGES: usize = 100;

/// A client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Number of the connection in this instance.
    pub id: u32,
    /// The client's address, IPv4 (an IPv6 client shows as 0.0.0.0).
    pub peer: [u8; 4],
    /// The client's port.
    pub peer_port: u16,
}

/// Sandbox to monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromSandbox {
    /// A template or spare is parked and waits.
    Parked,
    /// The func-entry point is reached.
    AtEntry,
    /// Frozen; the [`crate::dump::Dump`] lies at [`crate::layout::DUMP`], this many bytes.
    Frozen {
        /// Length of the encoded dump, bytes.
        len: u64,
        /// The host process it lies in, by its number in the sandbox's pid namespace.
        host: u32,
    },
    /// The boot failed; a sentence.
    BootFailed(Vec<u8>),
    /// The program could not be started: errno and a sentence (`run` exits 126 or 127).
    StartFailed {
        /// Linux errno of the `execve`.
        errno: i32,
        /// What went wrong.
        message: Vec<u8>,
    },
    /// Send the file-server connection ([`ToSandbox::Files`]).
    NeedFiles,
    /// The guest closed its side of this connection.
    ConnectionDone {
        /// Its number.
        id: u32,
    },
    /// Bytes for a log.
    Log {
        /// Which one.
        stream: LogStream,
        /// The bytes, at most 32 KiB.
        bytes: Vec<u8>,
    },
    /// The program ended.
    Exited(Exit),
    /// The guest kernel died; its report.
    Crashed {
        /// Registers, backtrace addresses, last system calls, as text.
        report: Vec<u8>,
    },
    /// The guest was asked (by [`ToSandbox::Signal`] 0) what its threads wait for: one line a thread.
    Threads(Vec<u8>),
    /// Send memory that several mappings and host processes can share ([`ToSandbox::Memory`]). At most once.
    NeedMemory,
    /// It was asked to freeze and can't; a sentence. It ends.
    CantFreeze(Vec<u8>),
    /// An instance with [`Instance::syscall_stats`]: the calls it made, when asked and at its end.
    Counts(Vec<CallCount>),
    /// Connect to one of the targets of [`crate::launch::Launch::allow_connect`].
    Dial {
        /// For the answer.
        id: u32,
        /// Its place in the list.
        target: u16,
    },
}

/// How often a system call was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Its name in `man 2`; a number where it is absent.
    pub name: Vec<u8>,
    /// Calls that came by a patched site.
    pub fast: u64,
    /// Calls that trapped.
    pub trapped: u64,
    /// Calls that answered an error, whatever it was.
    pub errors: u64,
    /// Calls that answered `ENOSYS`.
    pub absent: u64,
}

/// Where log bytes belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogStream {
    /// The program's standard output.
    Out,
    /// The program's standard error.
    Err,
    /// The guest kernel: unsupported calls, named once.
    Kernel,
    /// System-call trace where no trace stream was handed in.
    Trace,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// `exit` with this status.
    Status(u8),
    /// Killed by this signal.
    Signal(u8),
    /// Killed for exceeding its memory limit.
    OutOfMemory,
}

/// Encodes [`FromSandbox::Crashed`] without allocating: the heap may be what is broken. Answers the message; what
/// does not fit is cut off.
pub fn encode_crash<'a>(report: &[u8], into: &'a mut [u8; 4608]) -> &'a [u8] {
    const CRASHED: u8 = 9;
    let report = &report[..report.len().min(into.len() - 3)];
    // The number of the variant, the length as a two-byte varint, the bytes (postcard's wire format).
    into[0] = CRASHED;
    into[1] = report.len() as u8 | 0x80;
    into[2] = (report.len() >> 7) as u8;
    into[3..3 + report.len()].copy_from_slice(report);
    &into[..3 + report.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_encoded_by_hand_is_the_message() {
        let mut buffer = [0; 4608];
        for len in [200, 4000, 5000] {
            let report = alloc::vec![b'x'; len];
            let message = encode_crash(&report, &mut buffer);
            let expected = FromSandbox::Crashed { report: report[..len.min(4605)].to_vec() };
            assert_eq!(crate::decode::<FromSandbox>(message), Ok(expected));
        }
    }
}
