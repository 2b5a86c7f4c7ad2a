//! A connection with the outside, a client's or one that was dialled: a stream over a host descriptor that the monitor
//! handed in.
//!
//! Bytes go straight between the client's socket and guest memory. What it is ready for is known from the last
//! attempts: one that found nothing registers the descriptor with the poller, edge-triggered, and is
//! remembered until the poller reports a change. A question for readiness that can't be answered so makes an attempt of
//! its own: it fetches a little ahead.
//!
//! The descriptor is of one boot ([`HostHandle`]): in a boot from an image a connection of the past is broken.

use super::socket::Shutdown;
use crate::control;
use crate::errno::{EAGAIN, ECONNRESET, EINTR, EPIPE, Errno};
use crate::host::{self, HostFd};
use crate::ipc::ByteQueue;
use crate::kernel;
use crate::local::boot_page;
use crate::task::poller::HostHandle;
use crate::user_memory::{Sink, Source};
use crate::wait::{Events, Observer, WaitQueue};
use abi::boot::Stamp;
use abi::control::{Connection, FromSandbox};
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// Fetched ahead when somebody asks whether there is something: most requests fit.
const AHEAD: usize = 2048;
/// What goes through kernel memory at once, when it is not the guest's.
const PIECE: usize = 4096;

/// The connection.
pub struct HostStream {
    /// Number of a client's connection.
    id: Option<u32>,
    handle: HostHandle,
    queue: Rc<WaitQueue>,
    /// Fetched ahead.
    ahead: RefCell<ByteQueue>,
    /// There is nothing to receive until the poller reports a change.
    empty: Cell<bool>,
    /// There is no room to send until then.
    full: Cell<bool>,
    /// The peer sends no more, or the guest receives no more.
    ended: Cell<bool>,
    /// The guest sends no more.
    finished: Cell<bool>,
    error: Cell<Option<Errno>>,
    watched: Cell<bool>,
    this: Weak<Self>,
}

impl Observer for HostStream {
    fn notify(&self, events: Events) -> bool {
        self.empty.set(false);
        if events.contains(Events::OUT) {
            self.full.set(false);
        }
        false
    }
}

impl HostStream {
    /// For a connection that the guest accepts.
    pub fn new(connection: Connection, handle: HostHandle, queue: Rc<WaitQueue>) -> Rc<Self> {
        Self::over(Some(connection.id), handle, queue)
    }

    /// For one that the guest has asked for.
    pub fn dialled(handle: HostHandle, queue: Rc<WaitQueue>) -> Rc<Self> {
        Self::over(None, handle, queue)
    }

    fn over(id: Option<u32>, handle: HostHandle, queue: Rc<WaitQueue>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            id,
            handle,
            queue,
            ahead: RefCell::default(),
            empty: Cell::new(false),
            full: Cell::new(false),
            ended: Cell::new(false),
            finished: Cell::new(false),
            error: Cell::new(None),
            watched: Cell::new(false),
            this: this.clone(),
        })
    }

    /// The descriptor; none: a connection of the past, broken when that is first seen.
    fn connected(&self) -> Option<HostFd> {
        let fd = self.handle.get();
        if fd.is_none() && !(self.ended.get() && self.finished.get()) {
            self.fail(ECONNRESET);
        }
        fd
    }

    fn fail(&self, errno: Errno) {
        self.error.set(Some(errno));
        self.ended.set(true);
        self.finished.set(true);
        *self.ahead.borrow_mut() = ByteQueue::default();
    }

    /// Has the poller report changes from now on; needed before anybody waits.
    pub fn watch(&self) {
        let again = self.watched.get();
        if again && crate::local::common().is_none() {
            return;
        }
        if let Some(fd) = self.connected() {
            if !again {
                let this: Weak<dyn Observer> = self.this.clone();
                self.queue.observe(this);
            }
            // Each host process watches for itself. Whatever hands in connections hands in sockets, which can be polled.
            if kernel().tasks.hosts.current().poller.watch(fd, &self.queue).is_ok() {
                self.watched.set(true);
            }
        }
    }

    fn is_known(&self, state: &Cell<bool>) -> bool {
        state.get() && self.watched.get()
    }

    /// Makes of what the host answers what the guest is told; 0 is the end.
    fn received(&self, answer: Result<usize, Errno>) -> Result<usize, Errno> {
        match answer {
            Ok(0) => self.ended.set(true),
            Err(EAGAIN | EINTR) => {
                self.watch();
                self.empty.set(true);
                return Err(EAGAIN);
            }
            Err(errno) if errno == crate::errno::EFAULT => {}
            Err(errno) => {
                self.fail(errno);
                self.error.set(None);
            }
            Ok(_) => {}
        }
        answer
    }

    /// Fetches ahead, until there are `wanted` bytes, nothing more or the end; answers how many there are.
    fn fetch(&self, wanted: usize) -> usize {
        while let Some(fd) = self.connected() {
            let there = self.ahead.borrow().len();
            if there >= wanted || self.ended.get() || self.is_known(&self.empty) {
                break;
            }
            let mut piece = alloc::vec![0; AHEAD];
            match self.received(host::recv(fd, &mut piece)) {
                Ok(0) => break,
                Ok(got) => self.ahead.borrow_mut().push(&piece[..got]),
                Err(EAGAIN) => break,
                Err(errno) => {
                    self.error.set(Some(errno));
                    break;
                }
            }
        }
        self.ahead.borrow().len()
    }

    /// Bytes that can be received.
    pub fn available(&self) -> usize {
        self.fetch(64 << 10)
    }

    /// Takes the pending error.
    pub fn take_error(&self) -> Option<Errno> {
        let _ = self.connected();
        self.error.take()
    }

    /// Receives; 0 is the end.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet, `ECONNRESET`, `EFAULT`.
    pub fn receive(&self, sink: &mut dyn Sink, peek: bool) -> Result<usize, Errno> {
        if sink.room() == 0 {
            return Ok(0);
        }
        if peek {
            self.fetch(sink.room().min(64 << 10));
            if !self.ahead.borrow().is_empty() {
                return self.ahead.borrow().peek(sink, 0, usize::MAX);
            }
        }
        let fd = self.connected();
        let mut done = self.ahead.borrow_mut().drain(sink, usize::MAX)?;
        let fetched_all = done % AHEAD != 0;
        if let Some(errno) = self.error.take().filter(|_| done == 0) {
            return Err(errno);
        }
        let Some(fd) = fd else { return Ok(done) };
        while sink.room() > 0 && !self.ended.get() && !(done > 0 && fetched_all) {
            if self.is_known(&self.empty) {
                return if done > 0 { Ok(done) } else { Err(EAGAIN) };
            }
            let wanted = sink.direct().map_or_else(|| sink.room().min(PIECE), |part| part.len);
            match self.received(self.receive_piece(fd, sink)) {
                Ok(got) => {
                    done += got;
                    // A short answer has emptied the host's queue.
                    if got < wanted {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(done)
    }

    fn receive_piece(&self, fd: HostFd, sink: &mut dyn Sink) -> Result<usize, Errno> {
        if let Some(part) = sink.direct() {
            let got = host::recv_guest(fd, part.range()?)?;
            sink.advance(got);
            return Ok(got);
        }
        let mut piece = alloc::vec![0; sink.room().min(PIECE)];
        let got = host::recv(fd, &mut piece)?;
        sink.put(&piece[..got])
    }

    /// Sends; answers how much was taken.
    ///
    /// # Errors
    /// `EAGAIN` when it is full, `EPIPE`, `ECONNRESET`, `EFAULT`.
    pub fn send(&self, source: &mut dyn Source) -> Result<usize, Errno> {
        let Some(fd) = self.connected() else { return Err(self.error.take().unwrap_or(EPIPE)) };
        if self.finished.get() {
            return Err(self.error.take().unwrap_or(EPIPE));
        }
        let mut done = 0;
        while source.left() > 0 {
            if self.is_known(&self.full) {
                return if done > 0 { Ok(done) } else { Err(EAGAIN) };
            }
            let (wanted, answer) = self.send_piece(fd, source);
            match answer {
                Ok(sent) => {
                    done += sent;
                    if sent < wanted {
                        // The rest may have been taken out of the source: the caller begins anew.
                        break;
                    }
                }
                Err(EAGAIN | EINTR) => {
                    self.watch();
                    self.full.set(true);
                    return if done > 0 { Ok(done) } else { Err(EAGAIN) };
                }
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(done)
    }

    fn send_piece(&self, fd: HostFd, source: &mut dyn Source) -> (usize, Result<usize, Errno>) {
        if let Some(part) = source.direct() {
            let answer = part.range().and_then(|range| host::send_guest(fd, range));
            source.advance(answer.unwrap_or(0));
            return (part.len, answer);
        }
        let mut piece = alloc::vec![0; source.left().min(PIECE)];
        let answer = source.take(&mut piece).and_then(|taken| {
            piece.truncate(taken);
            host::send(fd, &piece)
        });
        (piece.len(), answer)
    }

    /// `shutdown(2)`.
    ///
    /// # Errors
    /// `ENOTCONN`.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        let number = match how {
            Shutdown { read: true, write: true } => 2,
            Shutdown { write: true, .. } => 1,
            _ => 0,
        };
        if let Some(fd) = self.connected() {
            host::shutdown(fd, number)?;
        }
        self.ended.set(self.ended.get() || how.read);
        self.finished.set(self.finished.get() || how.write);
        self.queue.wake(Events::all());
        Ok(())
    }

    /// The guest's last descriptor goes.
    pub fn close(&self) {
        let Some(fd) = self.handle.get() else { return };
        // Others may hold the descriptor, so a close alone may tell the client nothing.
        let _ = host::shutdown(fd, 2);
        kernel().tasks.hosts.unwatch(fd);
        self.handle.close();
        let Some(id) = self.id else { return };
        if boot_page().stamps[Stamp::Closed as usize] == 0 {
            crate::local::stamp(Stamp::Closed);
        }
        control::send(&FromSandbox::ConnectionDone { id }, &[]);
    }

    /// What it is ready for.
    pub fn readiness(&self) -> Events {
        let mut ready = Events::empty();
        let available = self.fetch(1);
        if available > 0 || self.ended.get() {
            ready |= Events::IN | Events::RDNORM;
        }
        if self.ended.get() {
            ready |= Events::RDHUP;
        }
        if self.ended.get() && self.finished.get() {
            ready |= Events::HUP;
        }
        if let Some(errno) = self.error.take() {
            self.error.set(Some(errno));
            ready |= Events::ERR;
        }
        if self.finished.get() || !self.is_known(&self.full) {
            ready |= Events::OUT | Events::WRNORM;
        }
        ready
    }
}

/// Connections that nobody accepted: closes one of them.
pub fn refuse(connection: Connection, handle: &HostHandle) {
    if let Some(fd) = handle.get() {
        let _ = host::shutdown(fd, 2);
        handle.close();
        control::send(&FromSandbox::ConnectionDone { id: connection.id }, &[]);
    }
}
