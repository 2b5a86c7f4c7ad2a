//! Pipes and FIFOs (`pipe(7)`): a byte queue cut into buffers, and two kinds of ends.
//!
//! Linux counts buffers of a page, not bytes: a write begins in the last one only if its odd part fits there as a
//! whole, and in packet mode each packet has a buffer of its own. Whether there is room, and how much of a write goes in,
//! follows from that.
//!
//! A blocking open of a FIFO waits for the other kind. Whoever comes second wakes those that wait, and a woken
//! opener completes without looking again; until it has done so it counts as *expected*, so that the
//! other end sees no end of file in between.

use super::{ByteQueue, PIPE_DEVICE};
use crate::errno::{EBUSY, EFAULT, EINVAL, ENOTTY, ENXIO, EPERM, EPIPE, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::fs::inode::Inode;
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::task::signal::queue::{Info, SI_USER};
use crate::task::signal::{Signal, send};
use crate::user_memory::{Sink, Source, UserAddr, UserPtr};
use crate::wait::{Events, Progress, WaitFor, WaitQueue, Wake};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Writes up to this are whole or nothing.
const PIPE_BUF: usize = 4096;
const DEFAULT_CAPACITY: usize = 64 << 10;
/// `/proc/sys/fs/pipe-max-size`.
const MAX_CAPACITY: usize = 1 << 20;
/// `ioctl(2)`: bytes that can be read.
const FIONREAD: u32 = 0x541b;

/// Bits by which blocked openers of a FIFO wait, apart from those of [`Events`].
const OPENING_READER: u32 = 1 << 16;
const OPENING_WRITER: u32 = 1 << 17;

/// What the name of a FIFO adds to its ends.
pub trait FifoName {
    /// `stat(2)` of the node.
    ///
    /// # Errors
    /// As there.
    fn stat(&self) -> Result<Stat, Errno>;
    /// Its path.
    fn path(&self) -> String;
    /// The node.
    fn inode(&self) -> Rc<Inode>;
}

/// The object between the ends.
pub struct Pipe {
    inode: u64,
    bytes: RefCell<ByteQueue>,
    /// How `bytes` are cut.
    buffers: RefCell<VecDeque<Buffer>>,
    /// How many buffers there may be.
    limit: Cell<usize>,
    readers: Cell<usize>,
    writers: Cell<usize>,
    expected_readers: Cell<usize>,
    expected_writers: Cell<usize>,
    /// How often it was opened for writing: a reader of a FIFO sees a hang-up only of writers it met.
    writer_opens: Cell<u64>,
    queue: Rc<WaitQueue>,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        kernel().ipc.nameless.gone(self.inode);
    }
}

/// A part of a pipe's bytes that Linux keeps in a page.
struct Buffer {
    /// Where in the page it begins: what was before has been read.
    offset: u16,
    len: u16,
    /// Written in packet mode (`O_DIRECT`).
    packet: bool,
}

/// The object of a FIFO's node.
pub type FifoObject = Pipe;

impl Pipe {
    /// A pipe without ends.
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            inode: kernel().ipc.next_inode(),
            bytes: RefCell::default(),
            buffers: RefCell::default(),
            limit: Cell::new(DEFAULT_CAPACITY / PIPE_BUF),
            readers: Cell::new(0),
            writers: Cell::new(0),
            expected_readers: Cell::new(0),
            expected_writers: Cell::new(0),
            writer_opens: Cell::new(0),
            queue: WaitQueue::new(),
        })
    }

    /// Both ends of a new pipe.
    pub fn pair(flags: OpenFlags) -> (Rc<OpenFile>, Rc<OpenFile>) {
        let pipe = Self::new();
        let flags = flags & (OpenFlags::NONBLOCK | OpenFlags::DIRECT);
        (pipe.end(flags, None), pipe.end(flags | OpenFlags::WRONLY, None))
    }

    fn end(self: &Rc<Self>, flags: OpenFlags, name: Option<Rc<dyn FifoName>>) -> Rc<OpenFile> {
        let met =
            if self.writers.get() + self.expected_writers.get() == 0 { self.writer_opens.get() } else { u64::MAX };
        if flags.readable() {
            self.readers.set(self.readers.get() + 1);
        }
        if flags.writable() {
            self.writers.set(self.writers.get() + 1);
            self.writer_opens.set(self.writer_opens.get() + 1);
        }
        let met = Cell::new(met);
        OpenFile::new(Rc::new(PipeEnd { pipe: self.clone(), met, name }), flags)
    }

    /// Opens a FIFO by its name (`fifo(7)`): waits for the other kind of end unless `O_NONBLOCK` is given.
    ///
    /// # Errors
    /// `ENXIO` for `O_WRONLY | O_NONBLOCK` without reader; [`Stop::Wait`].
    pub fn open(
        self: &Rc<Self>,
        context: &Context<'_>,
        flags: OpenFlags,
        name: Rc<dyn FifoName>,
    ) -> Result<Rc<OpenFile>, Stop> {
        let (reads, writes) = (flags.readable(), flags.writable());
        if matches!(context.resumed, Some((Progress::Entered, Wake::Event))) {
            let expected = if writes { &self.expected_writers } else { &self.expected_readers };
            expected.set(expected.get().saturating_sub(1));
            return Ok(self.end(flags, Some(name)));
        }
        let woken_readers = if writes { self.queue.wake_in_order(OPENING_READER, usize::MAX) } else { 0 };
        let woken_writers = if reads { self.queue.wake_in_order(OPENING_WRITER, usize::MAX) } else { 0 };
        self.expected_readers.set(self.expected_readers.get() + woken_readers);
        self.expected_writers.set(self.expected_writers.get() + woken_writers);
        let readers = self.readers.get() + self.expected_readers.get();
        let writers = self.writers.get() + self.expected_writers.get();
        let met = reads && writes || if reads { writers > 0 } else { readers > 0 };
        if !met && !flags.contains(OpenFlags::NONBLOCK) {
            let (bits, what) =
                if reads { (OPENING_READER, "fifo: a writer") } else { (OPENING_WRITER, "fifo: a reader") };
            let wait = WaitFor {
                queues: alloc::vec![(self.queue.clone(), bits)],
                progress: Progress::Entered,
                what,
                ..WaitFor::default()
            };
            return Err(Stop::Wait(wait, RestartRule::IfFlagged));
        }
        if !met && !reads {
            return Err(ENXIO.into());
        }
        Ok(self.end(flags, Some(name)))
    }

    /// A pipe takes more as long as a buffer is free.
    fn is_writable(&self) -> bool {
        self.buffers.borrow().len() < self.limit.get()
    }

    /// Whether somebody may read what is written.
    pub fn is_read(&self) -> bool {
        self.has_readers()
    }

    fn has_readers(&self) -> bool {
        self.readers.get() + self.expected_readers.get() > 0
    }

    fn has_writers(&self) -> bool {
        self.writers.get() + self.expected_writers.get() > 0
    }

    /// `F_SETPIPE_SZ`: answers the new capacity.
    ///
    /// # Errors
    /// `EPERM` beyond the limit, `EBUSY` when more is in it.
    pub fn set_capacity(&self, wanted: u32) -> Result<usize, Errno> {
        let wanted = (wanted as usize).max(PIPE_BUF);
        if wanted > 1 << 31 {
            return Err(EINVAL);
        }
        let capacity = wanted.next_power_of_two();
        if capacity > MAX_CAPACITY && capacity > self.capacity() {
            return Err(EPERM);
        }
        let limit = capacity / PIPE_BUF;
        if self.buffers.borrow().len() > limit {
            return Err(EBUSY);
        }
        self.limit.set(limit);
        self.queue.wake(Events::OUT | Events::WRNORM);
        Ok(capacity)
    }

    /// `F_GETPIPE_SZ`.
    pub fn capacity(&self) -> usize {
        self.limit.get() * PIPE_BUF
    }

    /// Bytes that can be read.
    pub fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// Whether nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.bytes.borrow().is_empty()
    }

    /// Bytes that a write would be given room for now.
    pub fn room(&self) -> usize {
        (self.limit.get().saturating_sub(self.buffers.borrow().len())) * PIPE_BUF
    }

    /// Copies what can be read, and leaves it (`tee(2)`).
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn peek(&self, sink: &mut dyn Sink, limit: usize) -> Result<usize, Errno> {
        self.bytes.borrow().peek(sink, 0, limit)
    }

    /// Moves bytes to a sink: all that has room there, but no more than one packet. Of a packet that has no room the rest
    /// is lost. What can't be written as far as a buffer goes stays.
    fn take(&self, sink: &mut dyn Sink) -> Result<usize, Errno> {
        let mut buffers = self.buffers.borrow_mut();
        let mut bytes = self.bytes.borrow_mut();
        let mut done = 0;
        while let Some(first) = buffers.front_mut() {
            let (len, packet) = (usize::from(first.len), first.packet);
            if sink.room() == 0 || packet && done > 0 {
                break;
            }
            let step = len.min(sink.room());
            match bytes.peek(sink, 0, step) {
                Ok(put) if put == step => {}
                _ if done > 0 => break,
                _ => return Err(EFAULT),
            }
            done += step;
            if step == len || packet {
                bytes.skip(len);
                buffers.pop_front();
            } else {
                bytes.skip(step);
                first.offset += step as u16;
                first.len -= step as u16;
            }
            if packet {
                break;
            }
        }
        Ok(done)
    }

    /// Appends the odd part of a write to the last buffer, if it fits there; answers how much that was.
    fn merge(&self, source: &mut dyn Source) -> Result<usize, Errno> {
        let odd = source.left() % PIPE_BUF;
        let mut buffers = self.buffers.borrow_mut();
        let Some(last) = buffers.back_mut().filter(|last| !last.packet && odd > 0) else { return Ok(0) };
        if usize::from(last.offset) + usize::from(last.len) + odd > PIPE_BUF {
            return Ok(0);
        }
        self.bytes.borrow_mut().fill_whole(source, odd)?;
        last.len += odd as u16;
        Ok(odd)
    }

    /// Fills a new buffer; there is one.
    fn put(&self, source: &mut dyn Source, packet: bool) -> Result<usize, Errno> {
        let len = source.left().min(PIPE_BUF);
        self.bytes.borrow_mut().fill_whole(source, len)?;
        self.buffers.borrow_mut().push_back(Buffer { offset: 0, len: len as u16, packet });
        Ok(len)
    }
}

/// An end of a pipe, or both (a FIFO opened `O_RDWR`).
pub struct PipeEnd {
    /// The pipe.
    pub pipe: Rc<Pipe>,
    /// [`Pipe::writer_opens`] when it was opened without a writer, else a number that is never reached.
    met: Cell<u64>,
    name: Option<Rc<dyn FifoName>>,
}

impl PipeEnd {
    /// Whether somebody could read what is written.
    ///
    /// # Errors
    /// `EPIPE`, with `SIGPIPE`.
    pub fn check_readers(&self) -> Result<(), Stop> {
        if self.pipe.has_readers() { Ok(()) } else { Err(broken_pipe()) }
    }
}

impl File for PipeEnd {
    fn kind(&self) -> &'static str {
        if self.name.is_some() { "fifo" } else { "pipe" }
    }

    fn name(&self) -> String {
        self.name.as_ref().map_or_else(|| format!("pipe:[{}]", self.pipe.inode), |name| name.path())
    }

    fn stat(&self) -> Result<Stat, Errno> {
        if let Some(name) = &self.name {
            return name.stat();
        }
        let now = crate::time::realtime_ns() as i64;
        Ok(kernel().ipc.nameless.stat(Stat {
            device: PIPE_DEVICE,
            inode: self.pipe.inode,
            mode: 0o010_600,
            links: 1,
            block_size: 4096,
            accessed_ns: now,
            modified_ns: now,
            changed_ns: now,
            ..Stat::default()
        }))
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        let pipe = &self.pipe;
        if sink.room() == 0 {
            return Ok(0);
        }
        if pipe.bytes.borrow().is_empty() {
            if !pipe.has_writers() {
                return Ok(0);
            }
            return Err(file.block(&pipe.queue, Events::IN | Events::HUP, "pipe: data"));
        }
        let was_writable = pipe.is_writable();
        let taken = pipe.take(sink)?;
        if !was_writable && pipe.is_writable() {
            pipe.queue.wake(Events::OUT | Events::WRNORM);
        }
        Ok(taken)
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        let before = self.pipe.len();
        let outcome = self.write_some(file, source);
        if self.pipe.len() != before {
            self.pipe.queue.wake(Events::IN | Events::RDNORM);
        }
        outcome
    }

    fn poll(&self, file: &OpenFile) -> Events {
        let pipe = &self.pipe;
        let flags = file.flags.get();
        let mut ready = Events::empty();
        if flags.readable() {
            if !pipe.bytes.borrow().is_empty() {
                ready |= Events::IN | Events::RDNORM;
            }
            if !pipe.has_writers() && self.met.get() != pipe.writer_opens.get() {
                ready |= Events::HUP;
            }
        }
        if flags.writable() {
            if pipe.is_writable() {
                ready |= Events::OUT | Events::WRNORM;
            }
            if !pipe.has_readers() {
                ready |= Events::ERR;
            }
        }
        ready
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.pipe.queue.clone())
    }

    fn ioctl(&self, _context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        if request != FIONREAD {
            return Err(ENOTTY.into());
        }
        UserPtr::<u32>::new(argument.0).write(self.pipe.bytes.borrow().len() as u32)?;
        Ok(0)
    }

    fn released(&self, file: &OpenFile) {
        let pipe = &self.pipe;
        let flags = file.flags.get();
        if flags.readable() {
            pipe.readers.set(pipe.readers.get() - 1);
        }
        if flags.writable() {
            pipe.writers.set(pipe.writers.get() - 1);
        }
        if !pipe.has_readers() && !pipe.has_writers() {
            *pipe.bytes.borrow_mut() = ByteQueue::default();
            pipe.buffers.borrow_mut().clear();
        }
        if !pipe.has_readers() || !pipe.has_writers() {
            pipe.queue.wake(Events::IN | Events::OUT | Events::HUP | Events::ERR);
        }
    }

    fn inode(&self) -> Option<Rc<Inode>> {
        self.name.as_ref().map(|name| name.inode())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl PipeEnd {
    fn write_some(&self, file: &OpenFile, source: &mut dyn Source) -> Outcome {
        let pipe = &self.pipe;
        let mut done = 0;
        let mut merges = true;
        while source.left() > 0 {
            if !pipe.has_readers() {
                return if done > 0 { Ok(done) } else { Err(broken_pipe()) };
            }
            let put = match core::mem::take(&mut merges) {
                true => pipe.merge(source),
                false if pipe.is_writable() => pipe.put(source, file.flags.get().contains(OpenFlags::DIRECT)),
                false => {
                    return match file.block(&pipe.queue, Events::OUT | Events::ERR, "pipe: room") {
                        Stop::Wait(wait, rule) => Err(Stop::Wait(wait.progress(Progress::Bytes(done)), rule)),
                        _ if done > 0 => Ok(done),
                        stop => Err(stop),
                    };
                }
            };
            match put {
                Ok(0) => {}
                Ok(put) => {
                    done += put;
                }
                Err(errno) if done == 0 => return Err(errno.into()),
                Err(_) => return Ok(done),
            }
        }
        Ok(done)
    }
}

/// What a write to something that nobody reads answers: `SIGPIPE` for the calling thread, and `EPIPE`.
pub fn broken_pipe() -> Stop {
    let thread = current();
    let (pid, uid) = (thread.process().pid.0, thread.process().credentials.borrow().uid[0]);
    let info = Info::from_sender(Signal::PIPE, SI_USER, pid, uid);
    // Only a source that can wait is refused.
    let _ = send::to_thread(&thread, info, send::Source::Other);
    EPIPE.into()
}
