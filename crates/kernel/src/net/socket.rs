//! What all sockets can do; [`crate::syscall::sockets`] decodes the calls.

use super::address::Address;
use super::options::{Nature, Options};
use crate::errno::{EAGAIN, ENOTSOCK, EPIPE, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::user_memory::{Sink, Source, UserAddr};
use crate::wait::{Events, Progress, WaitFor, WaitQueue};
use abi::dump::IoState;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::any::Any;

/// `SOCK_STREAM`.
pub const SOCK_STREAM: i32 = 1;

bitflags! {
    /// `MSG_*` of `send(2)` and `recv(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct MessageFlags: u32 {
        /// `MSG_OOB`.
        const OOB = 0x1;
        /// `MSG_PEEK`.
        const PEEK = 0x2;
        /// `MSG_DONTROUTE`.
        const DONTROUTE = 0x4;
        /// `MSG_CTRUNC`.
        const CTRUNC = 0x8;
        /// `MSG_TRUNC`.
        const TRUNC = 0x20;
        /// `MSG_DONTWAIT`.
        const DONTWAIT = 0x40;
        /// `MSG_EOR`.
        const EOR = 0x80;
        /// `MSG_WAITALL`.
        const WAITALL = 0x100;
        /// `MSG_CONFIRM`.
        const CONFIRM = 0x800;
        /// `MSG_ERRQUEUE`.
        const ERRQUEUE = 0x2000;
        /// `MSG_NOSIGNAL`.
        const NOSIGNAL = 0x4000;
        /// `MSG_MORE`.
        const MORE = 0x8000;
        /// `MSG_WAITFORONE`.
        const WAITFORONE = 0x1_0000;
        /// `MSG_CMSG_CLOEXEC`.
        const CMSG_CLOEXEC = 0x4000_0000;
    }
}

/// Process, user and group (`struct ucred`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Process; the guest is told [`crate::task::Tasks::shown`] of it.
    pub pid: u32,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
}

impl Credentials {
    /// `struct ucred`.
    pub fn words(self) -> [u32; 3] {
        [crate::kernel().tasks.shown(self.pid), self.uid, self.gid]
    }

    /// Of the calling process.
    pub fn current() -> Self {
        let process = crate::syscall::dispatch::current().process();
        let credentials = process.credentials.borrow();
        Self { pid: process.pid.0, uid: credentials.uid[1], gid: credentials.gid[1] }
    }
}

/// What goes along with a message besides its bytes.
#[derive(Clone, Default)]
pub struct Ancillary {
    /// Open files (`SCM_RIGHTS`).
    pub rights: Vec<Rc<OpenFile>>,
    /// The sender (`SCM_CREDENTIALS`).
    pub credentials: Option<Credentials>,
    /// `IPV6_HOPLIMIT`.
    pub hop_limit: Option<u8>,
    /// `IPV6_TCLASS`.
    pub traffic_class: Option<u8>,
    /// What a receiver is told besides.
    pub told: Vec<ControlMessage>,
}

/// A control message that a receiver has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlMessage {
    /// Level of the option that asks for it.
    pub level: i32,
    /// What it tells.
    pub kind: i32,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A message to send.
pub struct Outgoing<'a> {
    /// Its bytes.
    pub source: &'a mut dyn Source,
    /// Where to, when named.
    pub to: Option<Address>,
    /// What goes along.
    pub ancillary: Ancillary,
    /// How.
    pub flags: MessageFlags,
}

/// Where a message is received to, and what came with it.
pub struct Incoming<'a> {
    /// For its bytes.
    pub sink: &'a mut dyn Sink,
    /// How.
    pub flags: MessageFlags,
    /// Who sent it.
    pub from: Option<Address>,
    /// What came along.
    pub ancillary: Ancillary,
    /// Flags that `recvmsg` answers.
    pub told: MessageFlags,
    /// Length of the datagram, which may be more than was received.
    pub whole: usize,
}

impl<'a> Incoming<'a> {
    /// To this sink.
    pub fn new(sink: &'a mut dyn Sink, flags: MessageFlags) -> Self {
        Self { sink, flags, from: None, ancillary: Ancillary::default(), told: MessageFlags::empty(), whole: 0 }
    }
}

/// An accepted connection.
pub struct Accepted {
    /// The socket.
    pub socket: Rc<dyn File>,
    /// Its peer.
    pub peer: Address,
}

/// A socket.
pub trait Socket {
    /// `bind(2)`.
    ///
    /// # Errors
    /// As there; likewise below.
    fn bind(&self, address: &Address) -> Result<(), Errno>;
    /// `connect(2)`.
    fn connect(&self, context: &Context<'_>, file: &OpenFile, address: &Address) -> Outcome;
    /// `listen(2)`.
    fn listen(&self, backlog: i32) -> Result<(), Errno>;
    /// `accept(2)`.
    fn accept(&self, file: &OpenFile) -> Result<Accepted, Stop>;
    /// `sendmsg(2)`. Answers what was moved now, as [`File::write`]; `EPIPE` raises no signal.
    fn send(&self, file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome;
    /// `recvmsg(2)`. Answers what was moved now; a wait carries it.
    fn receive(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome;
    /// `shutdown(2)`.
    fn shutdown(&self, how: Shutdown) -> Result<(), Errno>;
    /// `getsockname(2)`.
    fn local(&self) -> Result<Address, Errno>;
    /// `getpeername(2)`.
    fn peer(&self) -> Result<Address, Errno>;
    /// Its options.
    fn options(&self) -> &Options;
    /// What it is.
    fn nature(&self) -> Nature;
    /// `SO_ERROR`: takes the pending error.
    fn take_error(&self) -> Option<Errno> {
        None
    }
    /// `SO_PEERCRED`.
    fn peer_credentials(&self) -> Option<Credentials> {
        None
    }
    /// Kind for the I/O table.
    fn kind(&self) -> &'static str;
    /// Its number.
    fn inode(&self) -> u64;
    /// State in the I/O table.
    fn io_state(&self) -> IoState {
        IoState::Active
    }
    /// What it is ready for now.
    fn readiness(&self) -> Events;
    /// Who is told when that changes.
    fn waiters(&self) -> Rc<WaitQueue>;
    /// `FIONREAD`: what can be received now.
    fn available(&self) -> Result<usize, Errno>;
    /// Whether `EPIPE` goes with `SIGPIPE`: for streams only.
    fn raises_broken_pipe(&self) -> bool {
        self.nature().kind == SOCK_STREAM
    }
    /// The last descriptor was closed.
    fn close(&self);
}

/// Which directions `shutdown(2)` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Receiving.
    pub read: bool,
    /// Sending.
    pub write: bool,
}

/// The socket behind a descriptor.
///
/// # Errors
/// `ENOTSOCK`.
pub fn socket_of(file: &OpenFile) -> Result<&dyn Socket, Errno> {
    file.object.as_socket().ok_or(ENOTSOCK)
}

/// What descriptors ask of a file is the same for all sockets.
impl<S: Socket + Any> File for S {
    fn kind(&self) -> &'static str {
        Socket::kind(self)
    }

    fn name(&self) -> String {
        alloc::format!("socket:[{}]", self.inode())
    }

    fn io_state(&self) -> IoState {
        Socket::io_state(self)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        let (device, mode) = (crate::ipc::SOCKET_DEVICE, 0o140_777);
        let stat = Stat { device, inode: self.inode(), mode, links: 1, block_size: 4096, ..Stat::default() };
        Ok(crate::kernel().ipc.nameless.stat(stat))
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        // As Linux, whatever the state ("match SYS5 behaviour").
        if sink.room() == 0 {
            return Ok(0);
        }
        self.receive(file, &mut Incoming::new(sink, MessageFlags::empty()))
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        let flags = MessageFlags::empty();
        let mut message = Outgoing { source, to: None, ancillary: Ancillary::default(), flags };
        raise_broken_pipe(self, self.send(file, &mut message), flags)
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        self.readiness()
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.waiters())
    }

    fn ioctl(&self, context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        super::interface::ioctl(context, self, request, argument)
    }

    fn released(&self, _file: &OpenFile) {
        self.close();
        crate::kernel().ipc.nameless.gone(self.inode());
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `EPIPE` goes with `SIGPIPE`, unless the call was made with `MSG_NOSIGNAL`.
pub fn raise_broken_pipe(socket: &dyn Socket, outcome: Outcome, flags: MessageFlags) -> Outcome {
    match outcome {
        Err(Stop::Errno(EPIPE)) if socket.raises_broken_pipe() && !flags.contains(MessageFlags::NOSIGNAL) => {
            Err(crate::ipc::pipe::broken_pipe())
        }
        outcome => outcome,
    }
}

/// A wait of a socket call that may time out.
pub struct Block<'a> {
    /// The socket.
    pub file: &'a OpenFile,
    /// How the call was made.
    pub flags: MessageFlags,
    /// `SO_RCVTIMEO` or `SO_SNDTIMEO`.
    pub deadline_ns: Option<u64>,
}

impl Block<'_> {
    /// What a call answers that can't go on: what it has moved, `EAGAIN`, or a wait.
    ///
    /// # Errors
    /// [`Stop::Wait`], `EAGAIN`.
    pub fn on(&self, queue: &Rc<WaitQueue>, events: Events, done: usize, what: &'static str) -> Outcome {
        if self.flags.contains(MessageFlags::DONTWAIT) || self.file.flags.get().contains(OpenFlags::NONBLOCK) {
            return if done > 0 { Ok(done) } else { Err(EAGAIN.into()) };
        }
        let wait = WaitFor::events(queue, events | Events::ERR | Events::HUP, what)
            .until(self.deadline_ns)
            .progress(Progress::Bytes(done));
        // A call with a time-out of its own is never restarted (`signal(7)`).
        let rule = if self.deadline_ns.is_some() { RestartRule::Never } else { RestartRule::IfFlagged };
        Err(Stop::Wait(wait, rule))
    }
}
