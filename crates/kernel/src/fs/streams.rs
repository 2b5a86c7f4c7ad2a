//! The standard streams: descriptors of the host that were handed in, or logs.
//!
//! A thread that reads from a terminal or pipe waits like for anything else, in the poller; the host is only
//! asked for what is there. Host calls are made without the kernel lock, since a write may block.

use super::file::{File, OpenFile, OpenFlags, Stat};
use super::inode::{Inode, S_IFCHR, S_IFIFO};
use crate::errno::{EAGAIN, EINTR, EINVAL, ENOTTY, EPERM, EPIPE, Errno};
use crate::host::{self, EpollEvent, HostFd};
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::task::poller::HostHandle;
use crate::user_memory::{Sink, Source, UserAddr, UserPtr, copy_out};
use crate::wait::{Events, WaitFor, WaitQueue};
use crate::{control, kernel, lock};
use abi::control::LogStream;
use abi::dump::IoState;
use abi::launch::Stdio;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// A standard stream.
pub struct Stream {
    kind: Cell<Stdio>,
    handle: HostHandle,
    /// An epoll set of the host with this descriptor alone: tells what it is ready for now.
    probe: HostHandle,
    /// The descriptor can't be polled: it never blocks.
    never_blocks: Cell<bool>,
    watched: HostWatch,
    queue: Rc<WaitQueue>,
    which: LogStream,
    settings: RefCell<alloc::vec::Vec<u8>>,
}

/// Whether the poller watches, in this boot.
#[derive(Default)]
struct HostWatch(Cell<u64>);

/// Makes a standard stream and remembers it for [`reconnect`].
pub fn standard_stream(kind: Stdio, fd: Option<HostFd>, which: LogStream) -> Rc<dyn File> {
    let stream = Rc::new(Stream {
        kind: Cell::new(kind),
        handle: HostHandle::default(),
        probe: HostHandle::default(),
        never_blocks: Cell::new(false),
        watched: HostWatch::default(),
        queue: WaitQueue::new(),
        which,
        settings: RefCell::new(TERMINAL_SETTINGS.to_vec()),
    });
    stream.connect(kind, fd);
    kernel().fs.streams.borrow_mut().push(stream.clone());
    stream
}

/// After a boot from an image: the streams that came with it. Streams that get none are logs.
pub fn reconnect(kinds: [Stdio; 3], descriptors: [Option<HostFd>; 3]) {
    if crate::tty::console::reconnect(kinds, descriptors) {
        return;
    }
    let streams = kernel().fs.streams.borrow().clone();
    for ((stream, kind), descriptor) in streams.iter().zip(kinds).zip(descriptors) {
        stream.connect(kind, descriptor);
    }
}

/// The terminal among the standard streams.
pub fn terminal() -> Option<Rc<dyn File>> {
    let streams = kernel().fs.streams.borrow();
    let terminal = streams.iter().find(|stream| stream.now() == Stdio::Terminal)?;
    Some(terminal.clone())
}

/// The name of the terminal, so that `ttyname(3)` finds it.
fn terminal_node() -> Option<Rc<Inode>> {
    let names: [&[u8]; 3] = [b"dev", b"pts", b"0"];
    names.into_iter().try_fold(kernel().fs.root(), |at, name| at.lookup(name).ok().flatten())
}

/// `struct termios` as a terminal has it at first: `c_iflag`, `c_oflag`, `c_cflag`, `c_lflag`, line, characters.
const TERMINAL_SETTINGS: [u8; 36] = [
    0x00, 0x05, 0, 0, 0x05, 0, 0, 0, 0xbf, 0, 0, 0, 0x3b, 0x8a, 0, 0, 0, 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18,
    15, 23, 22, 0, 0, 0,
];
/// Rows and columns that a terminal shows.
const WINDOW: [u8; 8] = [24, 0, 80, 0, 0, 0, 0, 0];

impl Stream {
    fn connect(&self, kind: Stdio, fd: Option<HostFd>) {
        self.kind.set(kind);
        self.never_blocks.set(kind == Stdio::File);
        if let Some(fd) = fd {
            self.handle.set(fd);
        }
        // Whoever waited on what was there before looks again.
        self.queue.wake(Events::all());
    }

    /// What it is in this boot: a log when its descriptor stayed behind.
    fn now(&self) -> Stdio {
        match self.kind.get() {
            kind if kind.has_descriptor() && self.handle.get().is_none() => Stdio::Log,
            kind => kind,
        }
    }

    /// Has the poller tell the queue of changes.
    fn watch(&self, fd: HostFd) {
        let boot = crate::local::boot_page().generation;
        let known = self.watched.0.get() == boot && crate::local::common().is_none();
        if self.never_blocks.get() || known {
            return;
        }
        match kernel().tasks.hosts.current().poller.watch(fd, &self.queue) {
            Ok(()) => self.watched.0.set(boot),
            Err(_) => self.never_blocks.set(true),
        }
    }

    fn ready(&self, fd: HostFd) -> Events {
        let always = Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM;
        self.watch(fd);
        if self.never_blocks.get() {
            return always;
        }
        let probe = match self.probe.get() {
            Some(probe) => probe,
            None => {
                let Ok(probe) = host::epoll_create() else { return always };
                let interest = EpollEvent { events: (Events::IN | Events::OUT | Events::RDHUP).bits(), data: 0 };
                if let Err(errno) = host::epoll_control(probe, 1, fd, interest) {
                    host::close(probe);
                    self.never_blocks.set(errno == EPERM);
                    return always;
                }
                self.probe.set(probe);
                probe
            }
        };
        let mut event = [EpollEvent::default()];
        match host::epoll_wait(probe, &mut event, 0) {
            Ok(1) => {
                let bits = event[0].events;
                Events::from_bits_truncate(bits)
            }
            _ => Events::empty(),
        }
    }

    /// Waits whatever the file's flags say: a call was interrupted that had begun to wait in the host.
    fn wait_always(&self, events: Events) -> Stop {
        let wanted = events | Events::HUP | Events::ERR;
        Stop::Wait(WaitFor::events(&self.queue, wanted, "standard stream"), RestartRule::IfFlagged)
    }

    fn wait(&self, file: &OpenFile, events: Events) -> Stop {
        let wanted = events | Events::HUP | Events::ERR;
        file.block(&self.queue, wanted, "standard stream")
    }
}

/// A kick interrupted a host call: whether the thread has to look at signals, or is to stop.
fn must_leave() -> bool {
    let stopping = crate::local::local().stopping.load(core::sync::atomic::Ordering::SeqCst) != 0;
    stopping
        || kernel().control.freeze_asked.get()
        || crate::task::signal::is_deliverable(&crate::syscall::dispatch::current())
}

/// Writes all of it to a host descriptor, without the lock.
///
/// # Errors
/// What the host answers; not that it was interrupted, or has no room yet.
pub fn write_whole(fd: HostFd, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        match lock::released(|| host::write(fd, rest)) {
            Ok(moved) => rest = rest.get(moved..).unwrap_or_default(),
            Err(EINTR | EAGAIN) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

impl File for Stream {
    fn kind(&self) -> &'static str {
        match self.now() {
            Stdio::Null => "null stream",
            Stdio::Log => "log stream",
            Stdio::Terminal => "terminal",
            Stdio::Pipe => "outside pipe",
            Stdio::File => "outside file",
        }
    }

    fn name(&self) -> String {
        match self.now() {
            Stdio::Terminal => "/dev/pts/0".into(),
            Stdio::Null => "/dev/null".into(),
            _ => alloc::format!("pipe:[{}]", self.which as u32 + 1),
        }
    }

    fn io_state(&self) -> IoState {
        IoState::Active
    }

    fn stat(&self) -> Result<Stat, Errno> {
        // What the host has there can't be asked for; whatever it is, it is a stream of bytes.
        if let Some(inode) = terminal_node().filter(|_| self.now() == Stdio::Terminal) {
            return Ok(inode.stat());
        }
        let (mode, rdev) = match self.now() {
            Stdio::Terminal => (S_IFCHR | 0o620, 136 << 8),
            Stdio::Null => (S_IFCHR | 0o666, 1 << 8 | 3),
            _ => (S_IFIFO | 0o600, 0),
        };
        let now = crate::time::realtime_ns().cast_signed();
        Ok(Stat {
            device: 0xd,
            inode: self.which as u64 + 3,
            mode,
            links: 1,
            rdev,
            block_size: if rdev == 0 { 4096 } else { 1024 },
            accessed_ns: now,
            modified_ns: now,
            changed_ns: now,
            ..Stat::default()
        })
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        let Some(fd) = self.handle.get().filter(|_| self.now().has_descriptor()) else { return Ok(0) };
        if sink.room() == 0 {
            return Ok(0);
        }
        if !self.ready(fd).intersects(Events::IN | Events::HUP | Events::ERR | Events::RDHUP) {
            return Err(self.wait(file, Events::IN));
        }
        loop {
            let result = match sink.direct() {
                Some(range) => {
                    let range = range.range()?;
                    let moved = lock::released(|| host::read_guest(fd, range));
                    moved.inspect(|moved| sink.advance(*moved))
                }
                None => {
                    let mut buffer = alloc::vec![0u8; sink.room().min(64 << 10)];
                    let moved = lock::released(|| host::read(fd, &mut buffer));
                    moved.and_then(|moved| sink.put(buffer.get(..moved).unwrap_or_default()))
                }
            };
            match result {
                Ok(moved) => return Ok(moved),
                Err(EAGAIN) => return Err(self.wait(file, Events::IN)),
                Err(EINTR) if must_leave() => return Err(self.wait_always(Events::IN)),
                Err(EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        let fd = match (self.now(), self.handle.get()) {
            (Stdio::Null, _) => return Ok(source.left()),
            (Stdio::Terminal | Stdio::Pipe | Stdio::File, Some(fd)) => fd,
            _ => {
                let mut buffer = alloc::vec![0u8; source.left().min(32 << 10)];
                let taken = source.take(&mut buffer)?;
                control::log(self.which, buffer.get(..taken).unwrap_or_default());
                return Ok(taken);
            }
        };
        if source.left() == 0 {
            return Ok(0);
        }
        if file.flags.get().contains(OpenFlags::NONBLOCK) && !self.ready(fd).intersects(Events::OUT | Events::ERR) {
            return Err(EAGAIN.into());
        }
        loop {
            let result = match source.direct() {
                Some(range) => {
                    let range = range.range()?;
                    let moved = lock::released(|| host::write_guest(fd, range));
                    moved.inspect(|moved| source.advance(*moved))
                }
                None => {
                    let mut buffer = alloc::vec![0u8; source.left().min(64 << 10)];
                    let taken = source.take(&mut buffer)?;
                    // What was taken must go out: it can't be given back.
                    write_whole(fd, buffer.get(..taken).unwrap_or_default()).map(|()| taken)
                }
            };
            match result {
                Ok(moved) => return Ok(moved),
                Err(EAGAIN) => {
                    self.watch(fd);
                    return Err(self.wait(file, Events::OUT));
                }
                Err(EINTR) if must_leave() => return Err(self.wait_always(Events::OUT)),
                Err(EINTR) => {}
                Err(EPIPE) => return Err(crate::ipc::pipe::broken_pipe()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        match self.handle.get().filter(|_| self.now().has_descriptor()) {
            Some(fd) => self.ready(fd),
            None => Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM,
        }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        let fd = self.handle.get().filter(|_| self.now().has_descriptor());
        if let Some(fd) = fd {
            self.watch(fd);
        }
        (!self.never_blocks.get()).then(|| self.queue.clone())
    }

    fn ioctl(&self, context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        const TCGETS: u32 = 0x5401;
        const TCSETS: u32 = 0x5402;
        const TCSETSF: u32 = 0x5404;
        const TIOCGPGRP: u32 = 0x540f;
        const TIOCSPGRP: u32 = 0x5410;
        const TIOCGWINSZ: u32 = 0x5413;
        const TIOCSWINSZ: u32 = 0x5414;
        const FIONREAD: u32 = 0x541b;
        const TIOCGSID: u32 = 0x5429;
        if request == FIONREAD {
            UserPtr::<u32>::new(argument.0).write(0)?;
            return Ok(0);
        }
        if self.now() != Stdio::Terminal {
            return Err(ENOTTY.into());
        }
        match request {
            TCGETS => copy_out(argument, &self.settings.borrow())?,
            TCSETS..=TCSETSF => {
                let mut settings = alloc::vec![0u8; TERMINAL_SETTINGS.len()];
                crate::user_memory::copy_in(&mut settings, argument)?;
                *self.settings.borrow_mut() = settings;
            }
            TIOCGWINSZ => copy_out(argument, &WINDOW)?,
            TIOCGPGRP => UserPtr::<u32>::new(argument.0).write(context.process().group.get().0)?,
            TIOCGSID => UserPtr::<u32>::new(argument.0).write(context.process().session.get().0)?,
            TIOCSPGRP | TIOCSWINSZ => {}
            0x5409 | 0x540b => {}
            _ => return Err(EINVAL.into()),
        }
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
