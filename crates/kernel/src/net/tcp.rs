//! TCP sockets. Connections stay inside (loopback), come in from the monitor, or are dialled by it.
//!
//! A connection over loopback is established at once when the listener has room, else when it accepts. The listener
//! on the function's port is also fed from outside ([`super::Net::connected`]).

use super::address::{self, Address};
use super::host_stream::{self, HostStream};
use super::options::{self, Nature, Options};
use super::outside;
use super::ports::{self, Hold, Manner, Protocol};
use super::socket::{Accepted, Ancillary, Block, Incoming, MessageFlags, Outgoing, Shutdown, Socket};
use super::stream::{ESTABLISHED, Stream, StreamEnd};
use crate::errno::{
    EADDRINUSE, EAGAIN, EALREADY, ECONNREFUSED, EINPROGRESS, EINVAL, EISCONN, ENETUNREACH, ENOTCONN, EOPNOTSUPP, EPIPE,
    Errno,
};
use crate::fs::file::{File, OpenFile, OpenFlags};
use crate::kernel;
use crate::local::{boot_page, local, per_thread};
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::task::poller::HostHandle;
use crate::user_memory::{Sink, Source};
use crate::wait::{Events, Progress, WaitFor, WaitQueue};
use abi::boot::Stamp;
use abi::control::Connection;
use abi::dump::IoState;
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::Ordering::Relaxed;

/// `/proc/sys/net/core/somaxconn`.
const MAX_BACKLOG: usize = 4096;

/// A TCP socket.
pub struct TcpSocket {
    v6: bool,
    inode: u64,
    queue: Rc<WaitQueue>,
    state: RefCell<State>,
    options: Options,
    hold: RefCell<Option<Rc<Hold>>>,
    local: Cell<Option<SocketAddr>>,
    peer: Cell<Option<SocketAddr>>,
    error: Cell<Option<Errno>>,
    /// An established connection was reported by `connect`.
    told: Cell<bool>,
    this: Weak<Self>,
}

#[derive(Clone)]
enum State {
    Unconnected,
    Listening(Rc<Listener>),
    /// Waits for room at a listener.
    Connecting,
    Inside(StreamEnd),
    Outside(Rc<HostStream>),
    /// A connection attempt failed, and that was not yet looked at.
    Failed,
}

struct Listener {
    backlog: Cell<usize>,
    ready: RefCell<VecDeque<Arrival>>,
    /// Clients for whom there is no room.
    waiting: RefCell<VecDeque<Weak<TcpSocket>>>,
    outside: bool,
}

enum Arrival {
    Inside(Rc<TcpSocket>),
    Outside(Connection, HostHandle),
}

impl TcpSocket {
    /// A new socket.
    pub fn new(v6: bool) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            v6,
            inode: kernel().ipc.next_inode(),
            queue: WaitQueue::new(),
            state: RefCell::new(State::Unconnected),
            options: Options::default(),
            hold: RefCell::default(),
            local: Cell::new(None),
            peer: Cell::new(None),
            error: Cell::new(None),
            told: Cell::new(false),
            this: this.clone(),
        })
    }

    fn state(&self) -> State {
        self.state.borrow().clone()
    }

    fn set_state(&self, state: State) {
        let old = self.state.replace(state);
        drop(old);
    }

    fn address(&self, address: Option<SocketAddr>) -> Option<Address> {
        address.map(|address| Address::Inet(address::for_family(address, self.v6)))
    }

    fn hold_port(&self, address: SocketAddr, manner: Manner) -> Result<Rc<Hold>, Errno> {
        let hold = ports::bind(Protocol::Tcp, address, manner)?;
        self.local.set(Some(hold.address));
        *self.hold.borrow_mut() = Some(hold.clone());
        Ok(hold)
    }

    /// Whether it listens on the port that is fed from outside.
    pub fn is_outside(&self) -> bool {
        matches!(&*self.state.borrow(), State::Listening(listener) if listener.outside)
    }

    /// A connection from outside; `false`: it does not listen.
    pub(super) fn connected(&self, connection: Connection, handle: HostHandle) -> Result<(), HostHandle> {
        let State::Listening(listener) = self.state() else { return Err(handle) };
        listener.ready.borrow_mut().push_back(Arrival::Outside(connection, handle));
        self.queue.wake(Events::IN | Events::RDNORM);
        Ok(())
    }

    /// Takes a client in when there is room; answers whether there was.
    fn admit(&self, listener: &Listener, client: &Rc<Self>, to: SocketAddr) -> bool {
        if listener.ready.borrow().len() > listener.backlog.get() {
            return false;
        }
        let from = client.local.get();
        let server = Self::new(self.v6);
        server.options.inherit(&self.options);
        *server.hold.borrow_mut() = self.hold.borrow().clone();
        server.local.set(Some(to));
        server.peer.set(from);
        let [near, far] = Stream::pair(true, [client.queue.clone(), server.queue.clone()]);
        server.configure(&far);
        client.configure(&near);
        server.set_state(State::Inside(far));
        client.set_state(State::Inside(near));
        listener.ready.borrow_mut().push_back(Arrival::Inside(server));
        client.queue.wake(Events::OUT | Events::WRNORM);
        self.queue.wake(Events::IN | Events::RDNORM);
        true
    }

    /// After a place became free: the next client that waits comes in.
    fn admit_waiting(&self, listener: &Listener) {
        loop {
            let next = listener.waiting.borrow_mut().pop_front();
            let Some(client) = next else { return };
            let Some(client) = client.upgrade() else { continue };
            if !matches!(client.state(), State::Connecting) {
                continue;
            }
            if let Some(to) = client.peer.get()
                && self.admit(listener, &client, to)
            {
                continue;
            }
            listener.waiting.borrow_mut().push_front(Rc::downgrade(&client));
            return;
        }
    }

    fn fail(&self, errno: Errno) {
        self.error.set(Some(errno));
        self.peer.set(None);
        self.set_state(State::Failed);
        self.queue.wake(Events::all());
    }

    /// Begins to connect.
    fn dial(&self, to: SocketAddr) -> Result<(), Errno> {
        let to = address::destination(to);
        if outside::is_allowed(to) {
            return self.dial_outside(to);
        }
        if !to.ip().is_loopback() {
            return Err(ENETUNREACH);
        }
        if self.local.get().is_none() {
            let wildcard: SocketAddr = SocketAddr::new(to.ip(), 0);
            self.hold_port(wildcard, Manner::default())?;
        }
        if let Some(local) = self.local.get()
            && local.ip().is_unspecified()
        {
            self.local.set(Some(SocketAddr::new(to.ip(), local.port())));
        }
        self.peer.set(Some(to));
        self.set_state(State::Connecting);
        let Some(client) = self.this.upgrade() else { return Err(EINVAL) };
        let found = ports::find(Protocol::Tcp, to, self.inode as usize);
        let server = found.as_ref().and_then(|file| file.as_any().downcast_ref::<Self>());
        match server.map(|server| (server, server.state())) {
            Some((server, State::Listening(listener))) => {
                if !server.admit(&listener, &client, to) {
                    listener.waiting.borrow_mut().push_back(Rc::downgrade(&client));
                }
            }
            _ => self.fail(ECONNREFUSED),
        }
        Ok(())
    }

    fn dial_outside(&self, to: SocketAddr) -> Result<(), Errno> {
        if self.local.get().is_none_or(|local| local.ip().is_unspecified()) {
            let any = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            let port = match self.local.get() {
                Some(local) => local.port(),
                None => self.hold_port(SocketAddr::new(any, 0), Manner::default())?.address.port(),
            };
            self.local.set(Some(SocketAddr::new(any, port)));
        }
        self.peer.set(Some(to));
        self.set_state(State::Connecting);
        kernel().net.dialling.begin(to, self.this.clone())
    }

    /// The monitor has dialled, or could not.
    pub(super) fn dialled(&self, connection: Result<HostHandle, Errno>) {
        if !matches!(self.state(), State::Connecting) {
            return;
        }
        match connection {
            Ok(handle) => {
                self.set_state(State::Outside(HostStream::dialled(handle, self.queue.clone())));
                self.queue.wake(Events::OUT | Events::WRNORM);
            }
            Err(errno) => self.fail(errno),
        }
    }

    fn stop_listening(&self, listener: &Listener) {
        if let Some(hold) = &*self.hold.borrow() {
            hold.open.replace(None);
        }
        for arrival in listener.ready.take() {
            match arrival {
                Arrival::Inside(server) => server.end(true),
                Arrival::Outside(connection, handle) => host_stream::refuse(connection, &handle),
            }
        }
        for client in listener.waiting.take().iter().filter_map(Weak::upgrade) {
            client.fail(ECONNREFUSED);
        }
    }

    fn end(&self, reset: bool) {
        match self.state.replace(State::Unconnected) {
            State::Listening(listener) => self.stop_listening(&listener),
            State::Inside(end) => end.close(reset || self.options.resets_on_close()),
            State::Outside(stream) => stream.close(),
            State::Unconnected | State::Connecting | State::Failed => {}
        }
        self.hold.replace(None);
    }

    /// Passes on what the options say.
    fn configure(&self, end: &StreamEnd) {
        let [send, receive] = self.options.buffers_said();
        end.configure(send, receive, self.options.is_on(options::socket::OOBINLINE));
    }

    /// Sends with `MSG_OOB`: the last byte is the urgent one. It goes apart from the others.
    fn send_urgent(&self, file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        let State::Inside(end) = self.state() else { return Err(EOPNOTSUPP.into()) };
        let len = message.source.left();
        let mut bytes = alloc::vec![0; len.min(64 << 10)];
        let taken = message.source.take(&mut bytes)?;
        let Some((last, before)) = bytes[..taken].split_last() else { return Ok(0) };
        if !before.is_empty() {
            let source: &mut dyn Source = &mut &*before;
            let flags = (message.flags - MessageFlags::OOB) | MessageFlags::DONTWAIT;
            let sent = self.send(file, &mut Outgoing { source, to: None, ancillary: Ancillary::default(), flags })?;
            if sent < before.len() {
                return Ok(sent);
            }
        }
        end.send_urgent(*last);
        Ok(taken)
    }

    fn block<'a>(&self, file: &'a OpenFile, flags: MessageFlags, deadline_ns: Option<u64>) -> Block<'a> {
        Block { file, flags, deadline_ns }
    }
}

/// The calling thread takes a connection from outside: its return to user code from this `accept` is the end of the
/// boot when the connection is the first one.
fn note_end_of_boot() {
    if boot_page().stamps[Stamp::Resumed as usize] == 0 && local().stamp_resume.load(Relaxed) == 0 {
        local().stamp_resume.store(per_thread().tid.get(), Relaxed);
    }
}

impl Socket for TcpSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let address = match address {
            // As Linux: `AF_UNSPEC` with the wildcard is IPv4's.
            Address::None if !self.v6 => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            address => address::inet(address, self.v6)?,
        };
        if self.hold.borrow().is_some() {
            return Err(EINVAL);
        }
        if self.v6 && address.is_ipv4() && self.options.is_v6_only() {
            return Err(EINVAL);
        }
        address::check_local(address.ip())?;
        self.hold_port(address, self.options.manner()).map(drop)
    }

    fn connect(&self, context: &Context<'_>, file: &OpenFile, address: &Address) -> Outcome {
        if *address == Address::None {
            self.end(false);
            self.local.set(None);
            self.peer.set(None);
            return Ok(0);
        }
        let to = address::inet(address, self.v6)?;
        let nonblocking = file.flags.get().contains(OpenFlags::NONBLOCK);
        let begins = match self.state() {
            State::Listening(_) => return Err(EISCONN.into()),
            State::Inside(_) | State::Outside(_) => {
                return if self.told.replace(true) { Err(EISCONN.into()) } else { Ok(0) };
            }
            State::Connecting if nonblocking => return Err(EALREADY.into()),
            State::Connecting => false,
            State::Failed => {
                self.set_state(State::Unconnected);
                if let Some(errno) = self.error.take() {
                    return Err(errno.into());
                }
                true
            }
            State::Unconnected => true,
        };
        if begins {
            self.told.set(false);
            self.dial(to)?;
        }
        match self.state() {
            // Over loopback, too, the answer to a nonblocking connect comes later.
            _ if nonblocking => Err(EINPROGRESS.into()),
            State::Connecting if context.timed_out() => Err(EINPROGRESS.into()),
            State::Connecting => {
                let deadline = context.progress().deadline().or_else(|| self.options.send_deadline());
                let wait = WaitFor::events(&self.queue, Events::OUT, "connect")
                    .until(deadline)
                    .progress(Progress::entered(deadline));
                Err(Stop::Wait(wait, RestartRule::IfFlagged))
            }
            State::Failed => {
                self.set_state(State::Unconnected);
                Err(self.error.take().unwrap_or(ECONNREFUSED).into())
            }
            _ => {
                self.told.set(true);
                Ok(0)
            }
        }
    }

    fn listen(&self, backlog: i32) -> Result<(), Errno> {
        // Negative is as good as unlimited, as an unsigned number.
        let backlog = (backlog as u32 as usize).min(MAX_BACKLOG);
        match self.state() {
            State::Listening(listener) => {
                listener.backlog.set(backlog);
                self.admit_waiting(&listener);
                return Ok(());
            }
            State::Unconnected => {}
            _ => return Err(EINVAL),
        }
        let held = self.hold.borrow().clone();
        let hold = match held {
            Some(hold) => hold,
            None => {
                let any: IpAddr = if self.v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
                self.hold_port(SocketAddr::new(any, 0), self.options.manner())?
            }
        };
        if !hold.may_listen() {
            return Err(EADDRINUSE);
        }
        let this: Weak<dyn File> = self.this.clone();
        hold.open.replace(Some(this));
        let outside = kernel().launch.borrow().port == Some(hold.address.port());
        self.set_state(State::Listening(Rc::new(Listener {
            backlog: Cell::new(backlog),
            ready: RefCell::default(),
            waiting: RefCell::default(),
            outside,
        })));
        if outside {
            kernel().net.listens(self);
        }
        Ok(())
    }

    fn accept(&self, file: &OpenFile) -> Result<Accepted, Stop> {
        let State::Listening(listener) = self.state() else { return Err(EINVAL.into()) };
        loop {
            let next = listener.ready.borrow_mut().pop_front();
            let (socket, peer) = match next {
                Some(Arrival::Inside(socket)) => {
                    let peer = socket.peer.get();
                    (socket, peer)
                }
                // A connection of a boot of the past is gone.
                Some(Arrival::Outside(_, handle)) if handle.get().is_none() => continue,
                Some(Arrival::Outside(connection, handle)) => {
                    note_end_of_boot();
                    let peer = SocketAddr::new(Ipv4Addr::from(connection.peer).into(), connection.peer_port);
                    let socket = Self::new(self.v6);
                    socket.options.inherit(&self.options);
                    *socket.hold.borrow_mut() = self.hold.borrow().clone();
                    let port = self.local.get().map_or(0, |local| local.port());
                    let ip = self.local.get().map(|local| local.ip()).filter(|ip| !ip.is_unspecified());
                    socket.local.set(Some(SocketAddr::new(ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), port)));
                    socket.peer.set(Some(peer));
                    socket.told.set(true);
                    let stream = HostStream::new(connection, handle, socket.queue.clone());
                    socket.set_state(State::Outside(stream));
                    (socket, Some(peer))
                }
                None => {
                    let block = self.block(file, MessageFlags::empty(), self.options.receive_deadline());
                    return match block.on(&self.queue, Events::IN, 0, "accept") {
                        Err(Stop::Wait(wait, rule)) => {
                            Err(Stop::Wait(WaitFor { exclusive: true, on_listener: listener.outside, ..wait }, rule))
                        }
                        Err(stop) => Err(stop),
                        Ok(_) => Err(EAGAIN.into()),
                    };
                }
            };
            self.admit_waiting(&listener);
            let peer = socket.address(peer).unwrap_or(Address::None);
            return Ok(Accepted { socket, peer });
        }
    }

    fn send(&self, file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        if message.flags.contains(MessageFlags::OOB) {
            return self.send_urgent(file, message);
        }
        let mut done = 0;
        loop {
            let sent = match self.state() {
                State::Inside(end) => {
                    self.configure(&end);
                    end.send(message.source, &mut Ancillary::default())
                }
                State::Outside(stream) => stream.send(message.source),
                State::Connecting => Err(EAGAIN),
                _ => Err(self.error.take().unwrap_or(EPIPE)),
            };
            match sent {
                Ok(0) => return Ok(done),
                Ok(sent) => {
                    done += sent;
                    if message.source.left() == 0 {
                        return Ok(done);
                    }
                }
                Err(EAGAIN) => {
                    let block = self.block(file, message.flags, self.options.send_deadline());
                    return block.on(&self.queue, Events::OUT, done, "send: room");
                }
                Err(_) if done > 0 => return Ok(done),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn receive(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome {
        if message.flags.contains(MessageFlags::OOB) {
            let State::Inside(end) = self.state() else { return Err(EINVAL.into()) };
            let byte = end.receive_urgent(message.flags.contains(MessageFlags::PEEK)).ok_or(EINVAL)?;
            message.told |= MessageFlags::OOB;
            return Ok(message.sink.put(&[byte])?);
        }
        if message.flags.contains(MessageFlags::ERRQUEUE) {
            return Err(EAGAIN.into());
        }
        let peek = message.flags.contains(MessageFlags::PEEK);
        let mut done = 0;
        let mut none = Ancillary::default();
        loop {
            let received = match self.state() {
                State::Inside(end) if message.flags.contains(MessageFlags::TRUNC) && !peek => {
                    // The bytes are thrown away.
                    end.receive(&mut Discard { room: message.sink.room() - done }, false, &mut none)
                }
                State::Inside(end) => {
                    self.configure(&end);
                    end.receive(message.sink, peek, &mut none)
                }
                State::Outside(stream) => stream.receive(message.sink, peek),
                State::Connecting => Err(EAGAIN),
                // Once told of, a failed attempt is a connection that has ended.
                State::Failed => self.error.take().map_or(Ok(0), Err),
                State::Unconnected | State::Listening(_) => Err(ENOTCONN),
            };
            match received {
                Ok(0) => return Ok(done),
                Ok(got) => {
                    done += got;
                    if peek || !message.flags.contains(MessageFlags::WAITALL) || message.sink.room() == 0 {
                        return Ok(done);
                    }
                }
                Err(EAGAIN) if done > 0 && !message.flags.contains(MessageFlags::WAITALL) => return Ok(done),
                Err(EAGAIN) => {
                    let block = self.block(file, message.flags, self.options.receive_deadline());
                    return block.on(&self.queue, Events::IN | Events::RDHUP, done, "receive");
                }
                Err(_) if done > 0 => return Ok(done),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        match self.state() {
            State::Inside(end) if end.is_reset() => return Err(ENOTCONN),
            State::Inside(end) => end.shutdown(how),
            State::Outside(stream) => stream.shutdown(how)?,
            State::Listening(listener) if how.read => {
                self.set_state(State::Unconnected);
                self.stop_listening(&listener);
                self.queue.wake(Events::all());
            }
            State::Listening(_) => {}
            State::Unconnected | State::Connecting | State::Failed => return Err(ENOTCONN),
        }
        Ok(())
    }

    fn local(&self) -> Result<Address, Errno> {
        let any: IpAddr = if self.v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let local = self.local.get().unwrap_or(SocketAddr::new(any, 0));
        self.address(Some(local)).ok_or(EINVAL)
    }

    fn peer(&self) -> Result<Address, Errno> {
        match self.state() {
            State::Inside(end) if end.is_reset() => Err(ENOTCONN),
            State::Inside(_) | State::Outside(_) => self.address(self.peer.get()).ok_or(ENOTCONN),
            _ => Err(ENOTCONN),
        }
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn nature(&self) -> Nature {
        Nature {
            domain: if self.v6 { address::AF_INET6 } else { address::AF_INET },
            kind: 1,
            protocol: options::TCP,
            listening: matches!(&*self.state.borrow(), State::Listening(_)),
            bound: self.local.get().is_some(),
            state: match &*self.state.borrow() {
                State::Inside(end) => end.tcp_state(),
                State::Outside(_) => ESTABLISHED,
                State::Connecting => 2,
                State::Listening(_) => 10,
                State::Unconnected | State::Failed => 7,
            },
        }
    }

    fn take_error(&self) -> Option<Errno> {
        self.error.take().or_else(|| match self.state() {
            State::Inside(end) => end.take_error(),
            State::Outside(stream) => stream.take_error(),
            _ => None,
        })
    }

    fn kind(&self) -> &'static str {
        match &*self.state.borrow() {
            State::Listening(_) => "listening socket",
            State::Outside(_) => "connection from outside",
            _ => "tcp socket",
        }
    }

    fn inode(&self) -> u64 {
        self.inode
    }

    fn io_state(&self) -> IoState {
        match &*self.state.borrow() {
            State::Outside(_) => IoState::Closed,
            _ => IoState::Active,
        }
    }

    fn readiness(&self) -> Events {
        let error = if self.error.get().is_some() { Events::ERR } else { Events::empty() };
        match self.state() {
            State::Unconnected => Events::OUT | Events::WRNORM | Events::HUP | error,
            State::Failed => {
                Events::IN | Events::RDNORM | Events::OUT | Events::WRNORM | Events::HUP | Events::RDHUP | error
            }
            State::Connecting => Events::empty(),
            State::Listening(listener) => {
                let mut ready = listener.ready.borrow_mut();
                ready.retain(|arrival| !matches!(arrival, Arrival::Outside(_, handle) if handle.get().is_none()));
                if let Some(Arrival::Outside(..)) = ready.front() {
                    note_end_of_boot();
                }
                if ready.is_empty() { Events::empty() } else { Events::IN | Events::RDNORM }
            }
            State::Inside(end) => {
                self.configure(&end);
                end.readiness()
            }
            State::Outside(stream) => stream.readiness(),
        }
    }

    fn waiters(&self) -> Rc<WaitQueue> {
        if let State::Outside(stream) = self.state() {
            stream.watch();
        }
        self.queue.clone()
    }

    fn available(&self) -> Result<usize, Errno> {
        match self.state() {
            State::Inside(end) => Ok(end.available()),
            State::Outside(stream) => Ok(stream.available()),
            State::Listening(_) => Err(EINVAL),
            _ => Ok(0),
        }
    }

    fn close(&self) {
        self.end(false);
    }
}

/// Takes bytes and forgets them.
struct Discard {
    room: usize,
}

impl Sink for Discard {
    fn room(&self) -> usize {
        self.room
    }

    fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }
}
