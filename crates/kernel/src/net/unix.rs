//! Unix sockets (`unix(7)`): streams over [`super::stream`], datagrams and sequenced packets over a queue at the
//! receiver. Open files and credentials travel along.

use super::address::{AF_UNIX, Address};
use super::options::{self, Nature, Options};
use super::socket::{Accepted, Ancillary, Block, Credentials, Incoming, MessageFlags, Outgoing, Shutdown, Socket};
use super::stream::{Stream, StreamEnd};
use super::unix_names::{self, Name};
use crate::errno::{
    EADDRINUSE, EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPERM, EPIPE, Errno,
};
use crate::fs::file::{OpenFile, OpenFlags};
use crate::kernel;
use crate::syscall::{Context, Outcome, Stop};
use crate::user_memory::put_whole;
use crate::wait::{Events, WaitFor, WaitQueue};
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// `/proc/sys/net/unix/max_dgram_qlen`: messages that wait at a receiver, less one.
const QUEUE: usize = 10;
/// `/proc/sys/net/core/somaxconn`.
const MAX_BACKLOG: usize = 4096;
const READABLE: Events = Events::IN.union(Events::RDNORM);
const WRITABLE: Events = Events::OUT.union(Events::WRNORM).union(Events::WRBAND);

/// `SOCK_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Datagram,
    /// `SOCK_SEQPACKET`.
    Packets,
}

/// A Unix socket.
pub struct UnixSocket {
    kind: Kind,
    inode: u64,
    queue: Rc<WaitQueue>,
    options: Options,
    name: RefCell<Option<Rc<Name>>>,
    state: RefCell<State>,
    error: Cell<Option<Errno>>,
    /// Messages that wait here (datagrams and packets).
    inbox: RefCell<VecDeque<Message>>,
    /// What its own messages that wait elsewhere cost (`SO_SNDBUF`).
    in_flight: Cell<usize>,
    closed: Cell<bool>,
    deaf: Cell<bool>,
    mute: Cell<bool>,
    /// Who made it; who connected to it sees that.
    owner: Credentials,
    this: Weak<Self>,
}

struct Message {
    bytes: Vec<u8>,
    from: Option<Rc<Name>>,
    ancillary: Ancillary,
    /// Who pays for it until it is received.
    sender: Weak<UnixSocket>,
}

impl Drop for Message {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.upgrade() {
            sender.in_flight.set(sender.in_flight.get().saturating_sub(cost(self.bytes.len())));
            sender.queue.wake(WRITABLE);
        }
    }
}

/// What Linux counts for a message of this length: its buffer, rounded up as its allocator does, and its head; of a long
/// one a part lies in pages.
fn cost(len: usize) -> usize {
    const HEAD: usize = 256;
    const TAIL: usize = 320;
    const LINEAR: usize = 16384 - TAIL;
    const PAGE: usize = 4096;
    let paged = len.saturating_sub(LINEAR).min(17 * PAGE).next_multiple_of(PAGE);
    HEAD + ((len - paged).next_multiple_of(64) + TAIL).next_power_of_two() + paged
}

#[derive(Clone)]
enum State {
    Unconnected,
    Listening(Rc<Listener>),
    Stream(StreamEnd, Rc<Peer>),
    /// Datagrams and packets.
    Messages(Rc<Peer>),
}

/// The other side of a connection.
struct Peer {
    socket: Weak<UnixSocket>,
    name: Option<Rc<Name>>,
    credentials: Credentials,
}

struct Listener {
    backlog: Cell<usize>,
    ready: RefCell<VecDeque<Rc<UnixSocket>>>,
}

impl UnixSocket {
    /// A new socket.
    pub fn new(kind: Kind) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            kind,
            inode: kernel().ipc.next_inode(),
            queue: WaitQueue::new(),
            options: Options::default(),
            name: RefCell::default(),
            state: RefCell::new(State::Unconnected),
            error: Cell::new(None),
            inbox: RefCell::default(),
            in_flight: Cell::new(0),
            closed: Cell::new(false),
            deaf: Cell::new(false),
            mute: Cell::new(false),
            owner: Credentials::current(),
            this: this.clone(),
        })
    }

    /// Two connected sockets.
    pub fn pair(kind: Kind) -> [Rc<Self>; 2] {
        let (one, other) = (Self::new(kind), Self::new(kind));
        Self::join(&one, &other, None);
        [one, other]
    }

    /// Connects two sockets; `name` is what the first one sees as the name of the second one.
    fn join(one: &Rc<Self>, other: &Rc<Self>, name: Option<Rc<Name>>) {
        let seen =
            |socket: &Rc<Self>, name| Rc::new(Peer { socket: Rc::downgrade(socket), name, credentials: socket.owner });
        let first = seen(other, name);
        let second = seen(one, one.name.borrow().clone());
        if one.kind == Kind::Stream {
            let [near, far] = Stream::pair(false, [one.queue.clone(), other.queue.clone()]);
            one.set_state(State::Stream(near, first));
            other.set_state(State::Stream(far, second));
        } else {
            one.set_state(State::Messages(first));
            other.set_state(State::Messages(second));
        }
    }

    fn state(&self) -> State {
        self.state.borrow().clone()
    }

    fn set_state(&self, state: State) {
        let old = self.state.replace(state);
        drop(old);
    }

    fn peer(&self) -> Option<Rc<Peer>> {
        match self.state() {
            State::Stream(_, peer) | State::Messages(peer) => Some(peer),
            _ => None,
        }
    }

    fn wants_credentials(&self) -> bool {
        self.options.is_on(options::socket::PASSCRED)
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn is(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }

    /// Whether messages of a socket go to this one: it is connected to nobody else.
    fn hears(&self, sender: &Self) -> bool {
        match self.state() {
            State::Messages(peer) => peer.socket.upgrade().is_none_or(|peer| peer.is(sender)),
            _ => true,
        }
    }

    /// Whether it takes no more from a socket that it is not connected to itself.
    fn is_full_for(&self, sender: &Self) -> bool {
        let mutual = self.peer().and_then(|peer| peer.socket.upgrade()).is_some_and(|peer| peer.is(sender));
        !mutual && !self.is(sender) && self.inbox.borrow().len() > QUEUE
    }

    /// The receiver of a message that names nobody.
    fn receiver(&self) -> Result<Rc<Self>, Errno> {
        let State::Messages(peer) = self.state() else { return Err(ENOTCONN) };
        if let Some(peer) = peer.socket.upgrade().filter(|peer| !peer.closed.get()) {
            return Ok(peer);
        }
        if self.kind == Kind::Packets {
            return Err(EPIPE);
        }
        // Told once that nobody is there, it is connected no more, and what came from there is gone.
        self.set_state(State::Unconnected);
        let unread = self.inbox.take();
        drop(unread);
        Err(ECONNREFUSED)
    }

    fn send_message(&self, file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        let len = message.source.left();
        if self.kind == Kind::Packets && !matches!(self.state(), State::Messages(_)) {
            return Err(self.error.take().unwrap_or(ENOTCONN).into());
        }
        if len > self.options.send_buffer().saturating_sub(32) {
            return Err(EMSGSIZE.into());
        }
        if let Some(errno) = self.error.take() {
            return Err(errno.into());
        }
        if self.mute.get() {
            return Err(EPIPE.into());
        }
        let receiver = match &message.to {
            Some(_) if self.kind == Kind::Packets => self.receiver()?,
            Some(Address::Unix(name)) => {
                let found = unix_names::find(self.kind, name)?;
                if !found.hears(self) {
                    return Err(EPERM.into());
                }
                found
            }
            Some(_) => return Err(EINVAL.into()),
            None => self.receiver()?,
        };
        if receiver.deaf.get() {
            return Err(EPIPE.into());
        }
        if self.in_flight.get() >= self.options.send_buffer() || receiver.is_full_for(self) {
            let deadline_ns = self.options.send_deadline();
            let paid_for = self.in_flight.get() < self.options.send_buffer();
            let queue = if paid_for { &receiver.queue } else { &self.queue };
            return Block { file, flags: message.flags, deadline_ns }.on(queue, Events::OUT, 0, "send: room");
        }
        let mut bytes = alloc::vec![0; len];
        if message.source.take(&mut bytes)? < len {
            return Err(crate::errno::EFAULT.into());
        }
        let mut ancillary = core::mem::take(&mut message.ancillary);
        if receiver.wants_credentials() || self.wants_credentials() {
            ancillary.credentials.get_or_insert_with(Credentials::current);
        }
        self.in_flight.set(self.in_flight.get() + cost(len));
        let (from, sender) = (self.name.borrow().clone(), self.this.clone());
        receiver.inbox.borrow_mut().push_back(Message { bytes, from, ancillary, sender });
        receiver.queue.wake(READABLE);
        Ok(len)
    }

    fn receive_message(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome {
        if let Some(errno) = self.error.take() {
            return Err(errno.into());
        }
        let next = self.inbox.borrow_mut().pop_front();
        let Some(next) = next else {
            if self.kind == Kind::Packets {
                match self.state() {
                    State::Messages(peer) => {
                        let ended = peer.socket.upgrade().is_none_or(|peer| peer.mute.get());
                        if ended || self.deaf.get() {
                            return Ok(0);
                        }
                    }
                    _ => return Err(ENOTCONN.into()),
                }
            }
            if self.deaf.get() {
                // As Linux: of datagrams the end is seen only by who waits for it.
                let waits =
                    !message.flags.contains(MessageFlags::DONTWAIT) && !file.flags.get().contains(OpenFlags::NONBLOCK);
                return if waits || self.kind == Kind::Packets { Ok(0) } else { Err(EAGAIN.into()) };
            }
            let deadline_ns = self.options.receive_deadline();
            return Block { file, flags: message.flags, deadline_ns }.on(&self.queue, Events::IN, 0, "receive");
        };
        let room = message.sink.room();
        let put = put_whole(message.sink, &next.bytes[..next.bytes.len().min(room)]);
        message.whole = next.bytes.len();
        message.told.set(MessageFlags::TRUNC, next.bytes.len() > room);
        if self.kind == Kind::Datagram {
            message.from = next.from.as_ref().map(|name| Address::Unix(name.bytes.clone()));
        }
        message.ancillary = next.ancillary.clone();
        if message.flags.contains(MessageFlags::PEEK) {
            self.inbox.borrow_mut().push_front(next);
        } else {
            drop(next);
            // Who waits for a place in the queue waits here.
            self.queue.wake(WRITABLE);
        }
        Ok(put?)
    }

    fn end(&self) {
        match self.state.replace(State::Unconnected) {
            State::Listening(listener) => {
                for server in listener.ready.take() {
                    if let State::Stream(end, _) = server.state() {
                        end.close(true);
                    }
                    server.end();
                }
                // Who waits to be let in looks again, and is refused.
                self.queue.wake(Events::all());
            }
            State::Stream(end, _) => end.close(false),
            State::Messages(peer) => {
                if let Some(peer) = peer.socket.upgrade() {
                    let unread = self.inbox.borrow().iter().any(|message| !message.bytes.is_empty());
                    if self.kind == Kind::Packets && unread {
                        peer.error.set(Some(ECONNRESET));
                    }
                    self.mute.set(true);
                    peer.queue.wake(Events::all());
                }
            }
            State::Unconnected => {}
        }
        self.deaf.set(true);
        self.closed.set(true);
        self.name.replace(None);
        let unread = self.inbox.take();
        drop(unread);
    }
}

impl Socket for UnixSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let Address::Unix(bytes) = address else { return Err(EINVAL) };
        if self.name.borrow().is_some() {
            // As Linux: a name of the kernel's choice it has already; a path is looked at first.
            return match bytes.first() {
                None => Ok(()),
                Some(0) => Err(EINVAL),
                Some(_) if unix_names::is_taken(bytes) => Err(EADDRINUSE),
                Some(_) => Err(EINVAL),
            };
        }
        let name = unix_names::bind(&self.this, self.kind, bytes)?;
        *self.name.borrow_mut() = Some(name);
        Ok(())
    }

    fn connect(&self, context: &Context<'_>, file: &OpenFile, address: &Address) -> Outcome {
        if context.timed_out() {
            return Err(EAGAIN.into());
        }
        let Some(this) = self.this.upgrade() else { return Err(EINVAL.into()) };
        let name = match address {
            Address::None if self.kind == Kind::Datagram => {
                self.set_state(State::Unconnected);
                return Ok(0);
            }
            Address::Unix(name) => name,
            _ => return Err(EINVAL.into()),
        };
        if self.kind != Kind::Datagram {
            match self.state() {
                State::Unconnected => {}
                State::Listening(_) => return Err(EINVAL.into()),
                _ => return Err(EISCONN.into()),
            }
        }
        let found = unix_names::find(self.kind, name)?;
        if self.kind == Kind::Datagram && !found.hears(self) {
            return Err(EPERM.into());
        }
        let named = found.name.borrow().clone();
        if self.kind == Kind::Datagram {
            let peer = Peer { socket: Rc::downgrade(&found), name: named, credentials: found.owner };
            self.set_state(State::Messages(Rc::new(peer)));
            return Ok(0);
        }
        let State::Listening(listener) = found.state() else { return Err(ECONNREFUSED.into()) };
        if found.deaf.get() {
            return Err(ECONNREFUSED.into());
        }
        if listener.ready.borrow().len() > listener.backlog.get() {
            let deadline_ns = self.options.send_deadline();
            let block = Block { file, flags: MessageFlags::empty(), deadline_ns };
            return block.on(&found.queue, Events::OUT, 0, "connect");
        }
        let server = Self::new(self.kind);
        server.options.inherit(&found.options);
        *server.name.borrow_mut() = named.clone();
        Self::join(&this, &server, named);
        listener.ready.borrow_mut().push_back(server);
        found.queue.wake(READABLE);
        Ok(0)
    }

    fn listen(&self, backlog: i32) -> Result<(), Errno> {
        if self.kind == Kind::Datagram {
            return Err(EOPNOTSUPP);
        }
        let backlog = (backlog as u32 as usize).min(MAX_BACKLOG);
        match self.state() {
            State::Listening(listener) => listener.backlog.set(backlog),
            State::Unconnected if self.name.borrow().is_some() => {
                let listener = Listener { backlog: Cell::new(backlog), ready: RefCell::default() };
                self.set_state(State::Listening(Rc::new(listener)));
            }
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    fn accept(&self, file: &OpenFile) -> Result<Accepted, Stop> {
        if self.kind == Kind::Datagram {
            return Err(EOPNOTSUPP.into());
        }
        let State::Listening(listener) = self.state() else { return Err(EINVAL.into()) };
        let next = listener.ready.borrow_mut().pop_front();
        let Some(socket) = next else {
            let deadline_ns = self.options.receive_deadline();
            let block = Block { file, flags: MessageFlags::empty(), deadline_ns };
            return match block.on(&self.queue, Events::IN, 0, "accept") {
                Err(Stop::Wait(wait, rule)) => Err(Stop::Wait(WaitFor { exclusive: true, ..wait }, rule)),
                Err(stop) => Err(stop),
                Ok(_) => Err(EAGAIN.into()),
            };
        };
        self.queue.wake(Events::OUT);
        let name = socket.peer().and_then(|peer| Some(peer.name.as_ref()?.bytes.clone()));
        Ok(Accepted { socket, peer: Address::Unix(name.unwrap_or_default()) })
    }

    fn send(&self, file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP.into());
        }
        message.to.take_if(|to| *to == Address::None);
        if self.kind != Kind::Stream {
            return self.send_message(file, message);
        }
        let State::Stream(end, peer) = self.state() else { return Err(ENOTCONN.into()) };
        if message.to.is_some() {
            return Err(EISCONN.into());
        }
        if self.wants_credentials() || peer.socket.upgrade().is_some_and(|peer| peer.wants_credentials()) {
            message.ancillary.credentials.get_or_insert_with(Credentials::current);
        }
        let mut done = 0;
        loop {
            match end.send(message.source, &mut message.ancillary) {
                Ok(0) => return Ok(done),
                Ok(sent) => {
                    done += sent;
                    if message.source.left() == 0 {
                        return Ok(done);
                    }
                }
                Err(EAGAIN) => {
                    let deadline_ns = self.options.send_deadline();
                    let block = Block { file, flags: message.flags, deadline_ns };
                    return block.on(&self.queue, Events::OUT, done, "send: room");
                }
                Err(_) if done > 0 => return Ok(done),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn receive(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP.into());
        }
        let wants_credentials = self.wants_credentials();
        if self.kind != Kind::Stream {
            let outcome = self.receive_message(file, message);
            message.ancillary.credentials.take_if(|_| !wants_credentials);
            return outcome;
        }
        let State::Stream(end, _) = self.state() else {
            // As Linux: not connected is EINVAL for a stream.
            return Err(EINVAL.into());
        };
        let peek = message.flags.contains(MessageFlags::PEEK);
        let whole = message.flags.contains(MessageFlags::WAITALL) && !peek;
        let mut done = 0;
        loop {
            match end.receive(message.sink, peek, &mut message.ancillary) {
                Ok(0) => return Ok(done),
                Ok(got) => {
                    done += got;
                    message.ancillary.credentials.take_if(|_| !wants_credentials);
                    if !whole || message.sink.room() == 0 || !message.ancillary.rights.is_empty() {
                        return Ok(done);
                    }
                }
                Err(EAGAIN) => {
                    let deadline_ns = self.options.receive_deadline();
                    let block = Block { file, flags: message.flags, deadline_ns };
                    return block.on(&self.queue, Events::IN | Events::RDHUP, done, "receive");
                }
                Err(_) if done > 0 => return Ok(done),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        match self.state() {
            State::Stream(end, _) => end.shutdown(how),
            State::Messages(peer) => {
                self.deaf.set(self.deaf.get() || how.read);
                self.mute.set(self.mute.get() || how.write);
                self.queue.wake(Events::all());
                if let Some(peer) = peer.socket.upgrade() {
                    peer.queue.wake(Events::all());
                }
            }
            State::Listening(_) if how.read => {
                self.end();
            }
            State::Listening(_) => {}
            State::Unconnected => {
                self.deaf.set(self.deaf.get() || how.read);
                self.mute.set(self.mute.get() || how.write);
                self.queue.wake(Events::all());
            }
        }
        Ok(())
    }

    fn local(&self) -> Result<Address, Errno> {
        Ok(Address::Unix(self.name.borrow().as_ref().map(|name| name.bytes.clone()).unwrap_or_default()))
    }

    fn peer(&self) -> Result<Address, Errno> {
        let peer = self.peer().ok_or(ENOTCONN)?;
        Ok(Address::Unix(peer.name.as_ref().map(|name| name.bytes.clone()).unwrap_or_default()))
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn nature(&self) -> Nature {
        let kind = match self.kind {
            Kind::Stream => 1,
            Kind::Datagram => 2,
            Kind::Packets => 5,
        };
        let listening = matches!(&*self.state.borrow(), State::Listening(_));
        Nature { domain: AF_UNIX, kind, protocol: 0, listening, bound: true, state: 0 }
    }

    fn take_error(&self) -> Option<Errno> {
        self.error.take().or_else(|| match self.state() {
            State::Stream(end, _) => end.take_error(),
            _ => None,
        })
    }

    fn peer_credentials(&self) -> Option<Credentials> {
        self.peer().map(|peer| peer.credentials)
    }

    fn kind(&self) -> &'static str {
        "unix socket"
    }

    fn inode(&self) -> u64 {
        self.inode
    }

    fn readiness(&self) -> Events {
        let mut ready = Events::empty();
        if self.error.get().is_some() {
            ready |= Events::ERR;
        }
        match self.state() {
            State::Listening(listener) => {
                if !listener.ready.borrow().is_empty() {
                    ready |= READABLE;
                }
                return ready;
            }
            State::Stream(end, _) => return ready | end.readiness(),
            State::Unconnected if self.kind != Kind::Datagram => return WRITABLE | Events::HUP | ready,
            State::Unconnected => {
                ready.set(WRITABLE, self.in_flight.get() * 4 <= self.options.send_buffer());
                if self.deaf.get() {
                    ready |= READABLE | Events::RDHUP;
                }
                if self.deaf.get() && self.mute.get() {
                    ready |= Events::HUP;
                }
            }
            State::Messages(peer) => {
                let peer = peer.socket.upgrade();
                let gone = peer.as_ref().is_none_or(|peer| peer.mute.get());
                let packets = self.kind == Kind::Packets;
                if (packets && gone) || self.deaf.get() {
                    ready |= READABLE | Events::RDHUP;
                }
                // A packet socket is shut down by its peer, too.
                let ends = |own: bool, other: fn(&Self) -> bool| own || packets && peer.as_deref().is_none_or(other);
                if ends(self.deaf.get(), |peer| peer.mute.get()) && ends(self.mute.get(), |peer| peer.deaf.get()) {
                    ready |= Events::HUP;
                }
                let paid_for = self.in_flight.get() * 4 <= self.options.send_buffer();
                if paid_for && peer.is_none_or(|peer| !peer.is_full_for(self)) {
                    ready |= WRITABLE;
                }
            }
        }
        if !self.inbox.borrow().is_empty() {
            ready |= READABLE;
        }
        ready
    }

    fn waiters(&self) -> Rc<WaitQueue> {
        self.queue.clone()
    }

    fn available(&self) -> Result<usize, Errno> {
        match self.state() {
            State::Stream(end, _) => Ok(end.available()),
            State::Listening(_) => Err(EINVAL),
            _ if self.kind == Kind::Packets => Ok(self.inbox.borrow().iter().map(|message| message.bytes.len()).sum()),
            _ => Ok(self.inbox.borrow().front().map_or(0, |message| message.bytes.len())),
        }
    }

    fn close(&self) {
        self.end();
    }
}
