//! A connection inside the sandbox: two byte flows between two ends. TCP over loopback and Unix stream sockets
//! are made of it; they differ in what the end of one side means for the other.

use super::socket::{Ancillary, Shutdown};
use crate::errno::{EAGAIN, ECONNRESET, EFAULT, EPIPE, Errno};
use crate::ipc::ByteQueue;
use crate::user_memory::{Sink, Source};
use crate::wait::{Events, WaitQueue};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

/// What each side of a TCP connection takes without a reader, unless it says otherwise (Linux lets buffers grow).
const TCP_BUFFER: usize = 1 << 20;
/// `/proc/sys/net/core/wmem_default`.
const UNIX_CAPACITY: usize = 212_992;
const READABLE: Events = Events::IN.union(Events::RDNORM);
const WRITABLE: Events = Events::OUT.union(Events::WRNORM).union(Events::WRBAND);
const CHANGED: Events = READABLE.union(WRITABLE).union(Events::HUP).union(Events::ERR).union(Events::RDHUP);

/// `TCP_ESTABLISHED`.
pub const ESTABLISHED: u8 = 1;

/// The bytes on the way to one end.
#[derive(Default)]
struct Flow {
    bytes: RefCell<ByteQueue>,
    /// What goes along with a byte: its place in the flow, counted from the beginning.
    ancillary: RefCell<VecDeque<(u64, Ancillary)>>,
    /// Bytes received so far.
    received: Cell<u64>,
    /// The sender sends no more.
    ended: Cell<bool>,
    /// The receiver receives no more.
    deaf: Cell<bool>,
    /// A sender found it full.
    starved: Cell<bool>,
    /// The urgent byte, until it is received (`MSG_OOB`).
    urgent: Cell<Option<u8>>,
    /// The receiver wants urgent bytes among the others (`SO_OOBINLINE`).
    inline: Cell<bool>,
    /// What sender and receiver said of their buffers (`SO_SNDBUF`, `SO_RCVBUF`).
    send_buffer: Cell<Option<u32>>,
    receive_buffer: Cell<Option<u32>>,
}

/// What one end knows.
struct End {
    queue: Rc<WaitQueue>,
    error: Cell<Option<Errno>>,
    reset: Cell<bool>,
    closed: Cell<bool>,
}

/// A connection.
pub struct Stream {
    tcp: bool,
    /// `flows[i]` goes to end `i`.
    flows: [Flow; 2],
    ends: [End; 2],
}

/// One end of a connection.
#[derive(Clone)]
pub struct StreamEnd {
    stream: Rc<Stream>,
    side: usize,
}

impl Stream {
    /// A connection between two sockets with these queues.
    pub fn pair(tcp: bool, queues: [Rc<WaitQueue>; 2]) -> [StreamEnd; 2] {
        let ends = queues.map(|queue| End {
            queue,
            error: Cell::new(None),
            reset: Cell::new(false),
            closed: Cell::new(false),
        });
        let stream = Rc::new(Self { tcp, flows: Default::default(), ends });
        [StreamEnd { stream: stream.clone(), side: 0 }, StreamEnd { stream, side: 1 }]
    }

    fn capacity(&self, flow: &Flow) -> usize {
        let size = |said: Option<u32>| said.map_or(TCP_BUFFER, |size| size as usize);
        if self.tcp { size(flow.send_buffer.get()) + size(flow.receive_buffer.get()) } else { UNIX_CAPACITY }
    }
}

impl StreamEnd {
    fn incoming(&self) -> &Flow {
        &self.stream.flows[self.side]
    }

    fn outgoing(&self) -> &Flow {
        &self.stream.flows[1 - self.side]
    }

    fn own(&self) -> &End {
        &self.stream.ends[self.side]
    }

    fn other(&self) -> &End {
        &self.stream.ends[1 - self.side]
    }

    fn room(&self) -> usize {
        self.stream.capacity(self.outgoing()).saturating_sub(self.outgoing().bytes.borrow().len())
    }

    /// Writers are told of room only when it is worth while.
    fn is_writable(&self) -> bool {
        self.room() >= self.stream.capacity(self.outgoing()) / 3
    }

    /// Bytes that can be received.
    pub fn available(&self) -> usize {
        self.incoming().bytes.borrow().len()
    }

    /// Says how large this end's buffers are to be, for sending and for receiving, and whether it takes urgent bytes
    /// among the others.
    pub fn configure(&self, send: Option<u32>, receive: Option<u32>, inline: bool) {
        self.outgoing().send_buffer.set(send);
        self.incoming().receive_buffer.set(receive);
        self.incoming().inline.set(inline);
    }

    /// Whether the connection was broken by the other end.
    pub fn is_reset(&self) -> bool {
        self.own().reset.get()
    }

    /// Sends an urgent byte; one that was not received is lost.
    pub fn send_urgent(&self, byte: u8) {
        let flow = self.outgoing();
        if flow.inline.get() {
            flow.bytes.borrow_mut().push(&[byte]);
        } else {
            flow.urgent.set(Some(byte));
        }
        self.other().queue.wake(READABLE | Events::PRI);
    }

    /// Receives the urgent byte.
    pub fn receive_urgent(&self, peek: bool) -> Option<u8> {
        let byte = self.incoming().urgent.get();
        if !peek {
            self.incoming().urgent.set(None);
        }
        byte
    }

    /// Takes the pending error.
    pub fn take_error(&self) -> Option<Errno> {
        self.own().error.take()
    }

    /// Receives; 0 is the end. What comes along with the bytes is added to `ancillary`.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet, `ECONNRESET`, `EFAULT`.
    pub fn receive(&self, sink: &mut dyn Sink, peek: bool, ancillary: &mut Ancillary) -> Result<usize, Errno> {
        let flow = self.incoming();
        if flow.bytes.borrow().is_empty() {
            return match self.own().error.take() {
                Some(errno) => Err(errno),
                None if flow.ended.get() || flow.deaf.get() || self.own().reset.get() => Ok(0),
                None => Err(EAGAIN),
            };
        }
        if sink.room() == 0 {
            return Ok(0);
        }
        let limit = self.receive_ancillary(peek, ancillary);
        let wanted = flow.bytes.borrow().len().min(limit).min(sink.room());
        let got = flow.bytes.borrow().peek(sink, 0, limit)?;
        if got < wanted {
            return Err(EFAULT);
        }
        if peek {
            return Ok(got);
        }
        flow.bytes.borrow_mut().skip(got);
        flow.received.set(flow.received.get() + got as u64);
        let sender = Self { stream: self.stream.clone(), side: 1 - self.side };
        if sender.is_writable() && (flow.starved.replace(false) || !self.stream.tcp) {
            self.other().queue.wake(WRITABLE);
        }
        Ok(got)
    }

    /// Takes what belongs to the next byte; answers how many bytes may be received with it.
    fn receive_ancillary(&self, peek: bool, ancillary: &mut Ancillary) -> usize {
        let flow = self.incoming();
        let mut marks = flow.ancillary.borrow_mut();
        let here = flow.received.get();
        let mut next = 0;
        if let Some((at, first)) = marks.front()
            && *at == here
        {
            *ancillary = first.clone();
            next = 1;
        }
        let limit = marks.get(next).map_or(usize::MAX, |(at, _)| (at - here) as usize);
        if next == 1 && !peek {
            marks.pop_front();
        }
        limit
    }

    /// Sends; answers how much was taken.
    ///
    /// # Errors
    /// `EAGAIN` when it is full, `EPIPE`, `ECONNRESET`, `EFAULT`.
    pub fn send(&self, source: &mut dyn Source, ancillary: &mut Ancillary) -> Result<usize, Errno> {
        let flow = self.outgoing();
        if !self.stream.tcp && self.other().closed.get() {
            return Err(EPIPE);
        }
        if let Some(errno) = self.own().error.take() {
            return Err(errno);
        }
        if self.own().reset.get() || flow.ended.get() {
            return Err(EPIPE);
        }
        if flow.deaf.get() && !self.stream.tcp {
            return Err(EPIPE);
        }
        if self.other().closed.get() {
            // As over a wire: the bytes go, and the answer is that nobody is there.
            self.own().error.set(Some(EPIPE));
            self.own().reset.set(true);
            self.own().queue.wake(CHANGED);
            return Ok(source.left());
        }
        if source.left() == 0 {
            return Ok(0);
        }
        let room = self.room();
        if room == 0 {
            flow.starved.set(true);
            return Err(EAGAIN);
        }
        let place = flow.received.get() + flow.bytes.borrow().len() as u64;
        // A piece is taken whole or not at all, as Linux fills its buffers.
        let sent = source.left().min(room);
        flow.bytes.borrow_mut().fill_whole(source, sent)?;
        if sent > 0 && (!ancillary.rights.is_empty() || ancillary.credentials.is_some()) {
            flow.ancillary.borrow_mut().push_back((place, core::mem::take(ancillary)));
        }
        self.other().queue.wake(READABLE);
        Ok(sent)
    }

    /// `shutdown(2)`.
    pub fn shutdown(&self, how: Shutdown) {
        if how.read {
            self.incoming().deaf.set(true);
        }
        if how.write {
            self.outgoing().ended.set(true);
        }
        self.own().queue.wake(CHANGED);
        self.other().queue.wake(CHANGED);
    }

    /// The socket of this end goes. Bytes left unread, or `reset`, break the connection.
    pub fn close(&self, reset: bool) {
        if self.own().closed.replace(true) {
            return;
        }
        let unread = !self.incoming().bytes.borrow().is_empty();
        let (other, outgoing) = (self.other(), self.outgoing());
        if (reset || unread) && !other.closed.get() {
            let errno = if self.stream.tcp && outgoing.ended.get() { EPIPE } else { ECONNRESET };
            other.error.set(Some(errno));
            other.reset.set(self.stream.tcp);
        }
        outgoing.ended.set(true);
        let incoming = self.incoming();
        *incoming.bytes.borrow_mut() = ByteQueue::default();
        let dropped = incoming.ancillary.take();
        other.queue.wake(CHANGED);
        drop(dropped);
    }

    /// The state of a TCP connection, with Linux's numbers.
    pub fn tcp_state(&self) -> u8 {
        const FIN_WAIT2: u8 = 5;
        const CLOSE: u8 = 7;
        const CLOSE_WAIT: u8 = 8;
        match (self.outgoing().ended.get(), self.incoming().ended.get()) {
            _ if self.own().reset.get() => CLOSE,
            (false, false) => ESTABLISHED,
            (true, false) => FIN_WAIT2,
            (false, true) => CLOSE_WAIT,
            (true, true) => CLOSE,
        }
    }

    /// What it is ready for.
    pub fn readiness(&self) -> Events {
        let own = self.own();
        let no_more_in = self.incoming().ended.get() || self.incoming().deaf.get() || own.reset.get();
        let gone = !self.stream.tcp && self.other().closed.get();
        let unheard = !self.stream.tcp && self.outgoing().deaf.get();
        let no_more_out = self.outgoing().ended.get() || own.reset.get() || gone || unheard;
        let mut ready = Events::empty();
        if let Some(errno) = own.error.take() {
            own.error.set(Some(errno));
            ready |= Events::ERR;
        }
        if no_more_in {
            ready |= READABLE | Events::RDHUP;
        }
        if self.available() > 0 {
            ready |= READABLE;
        }
        if self.incoming().urgent.get().is_some() {
            ready |= Events::PRI;
        }
        if no_more_in && no_more_out {
            ready |= Events::HUP;
        }
        if self.is_writable() || (self.stream.tcp && no_more_out) {
            ready |= WRITABLE;
        } else {
            self.outgoing().starved.set(true);
        }
        ready
    }
}
