//! UDP sockets over loopback: datagrams go into the receiver's queue, or are dropped.

use super::address::{self, Address};
use super::options::{IP, IPV6, Nature, Options, ip, ipv6};
use super::ports::{self, Hold, Manner, Protocol};
use super::socket::{Accepted, Block, ControlMessage, Incoming, MessageFlags, Outgoing, Shutdown, Socket};
use crate::errno::{
    EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINVAL, EMSGSIZE, ENETUNREACH, ENOTCONN, EOPNOTSUPP, EPIPE, Errno,
};
use crate::fs::file::{File, OpenFile};
use crate::kernel;
use crate::syscall::{Context, Outcome, Stop};
use crate::user_memory::put_whole;
use crate::wait::{Events, WaitQueue};
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Largest payload of a datagram.
const MOST: usize = 65_507;
/// `/proc/sys/net/core/rmem_default`: beyond it datagrams are dropped.
const CAPACITY: usize = 212_992;

/// A UDP or UDP-Lite socket.
pub struct UdpSocket {
    v6: bool,
    protocol: Protocol,
    inode: u64,
    queue: Rc<WaitQueue>,
    options: Options,
    hold: RefCell<Option<Rc<Hold>>>,
    local: Cell<Option<SocketAddr>>,
    peer: Cell<Option<SocketAddr>>,
    /// The local address came with the peer, and goes with it (`udp_disconnect` of Linux).
    follows_peer: Cell<bool>,
    error: Cell<Option<Errno>>,
    messages: RefCell<VecDeque<Datagram>>,
    waiting: Cell<usize>,
    deaf: Cell<bool>,
    mute: Cell<bool>,
    this: Weak<Self>,
}

struct Datagram {
    from: SocketAddr,
    to: IpAddr,
    bytes: Vec<u8>,
    hop_limit: u8,
    traffic_class: u8,
}

impl UdpSocket {
    /// A new socket.
    pub fn new(v6: bool, protocol: Protocol) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            v6,
            protocol,
            inode: kernel().ipc.next_inode(),
            queue: WaitQueue::new(),
            options: Options::default(),
            hold: RefCell::default(),
            local: Cell::new(None),
            peer: Cell::new(None),
            follows_peer: Cell::new(false),
            error: Cell::new(None),
            messages: RefCell::default(),
            waiting: Cell::new(0),
            deaf: Cell::new(false),
            mute: Cell::new(false),
            this: this.clone(),
        })
    }

    fn hold_port(&self, address: SocketAddr, manner: Manner) -> Result<(), Errno> {
        let hold = ports::bind(self.protocol, address, manner)?;
        let this: Weak<dyn File> = self.this.clone();
        hold.open.replace(Some(this));
        self.local.set(Some(hold.address));
        *self.hold.borrow_mut() = Some(hold);
        Ok(())
    }

    fn wildcard(&self) -> SocketAddr {
        let ip: IpAddr = if self.v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        SocketAddr::new(ip, 0)
    }

    /// Takes a datagram, unless it is full or connected to somebody else.
    fn deliver(&self, datagram: Datagram) {
        let stranger = self.peer.get().is_some_and(|peer| peer != datagram.from);
        let len = datagram.bytes.len();
        if stranger || self.deaf.get() || self.waiting.get() + len > CAPACITY {
            return;
        }
        self.waiting.set(self.waiting.get() + len);
        self.messages.borrow_mut().push_back(datagram);
        self.queue.wake(Events::IN | Events::RDNORM);
    }

    /// What the receiver has asked to be told of a datagram (`ip(7)`, `ipv6(7)`).
    fn tell_of(&self, datagram: &Datagram) -> Vec<ControlMessage> {
        const LOOPBACK: i32 = 1;
        let mut told = Vec::new();
        let number = |value: u8| i32::from(value).to_ne_bytes().to_vec();
        let mut tell = |level, option, kind, data: Vec<u8>| {
            if self.options.number(level, option) != 0 {
                told.push(ControlMessage { level, kind, data });
            }
        };
        match datagram.to {
            IpAddr::V4(to) => {
                let info = [&LOOPBACK.to_ne_bytes()[..], &to.octets(), &to.octets()].concat();
                tell(IP, ip::PKTINFO, ip::PKTINFO, info);
                tell(IP, ip::RECVTTL, ip::TTL, number(datagram.hop_limit));
                tell(IP, ip::RECVTOS, ip::TOS, alloc::vec![datagram.traffic_class]);
            }
            IpAddr::V6(to) => {
                let info = [&to.octets()[..], &LOOPBACK.to_ne_bytes()].concat();
                tell(IPV6, ipv6::RECVPKTINFO, ipv6::PKTINFO, info);
                tell(IPV6, ipv6::RECVHOPLIMIT, ipv6::HOPLIMIT, number(datagram.hop_limit));
                tell(IPV6, ipv6::RECVTCLASS, ipv6::TCLASS, number(datagram.traffic_class));
            }
        }
        told
    }

    fn named(&self, address: SocketAddr) -> Address {
        Address::Inet(address::for_family(address, self.v6))
    }
}

impl Socket for UdpSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let address = match address {
            Address::None if !self.v6 => self.wildcard(),
            address => address::inet(address, self.v6)?,
        };
        if self.hold.borrow().is_some() {
            return Err(EINVAL);
        }
        if self.v6 && address.is_ipv4() && self.options.is_v6_only() {
            return Err(EINVAL);
        }
        address::check_local(address.ip())?;
        self.hold_port(address, self.options.manner())
    }

    fn connect(&self, _context: &Context<'_>, _file: &OpenFile, address: &Address) -> Outcome {
        if *address == Address::None {
            self.peer.set(None);
            if self.follows_peer.take()
                && let Some(local) = self.local.get()
            {
                self.local.set(Some(SocketAddr::new(self.wildcard().ip(), local.port())));
            }
            return Ok(0);
        }
        let to = address::destination(address::inet_of_any(address, self.v6)?);
        if !to.ip().is_loopback() {
            return Err(ENETUNREACH.into());
        }
        let local = self.local.get().unwrap_or(self.wildcard());
        if self.hold.borrow().is_none() {
            self.hold_port(SocketAddr::new(to.ip(), 0), Manner::default())?;
            self.follows_peer.set(true);
        } else if local.ip().is_unspecified() {
            self.local.set(Some(SocketAddr::new(to.ip(), local.port())));
            self.follows_peer.set(true);
        }
        self.peer.set(Some(to));
        Ok(0)
    }

    fn listen(&self, _backlog: i32) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    fn accept(&self, _file: &OpenFile) -> Result<Accepted, Stop> {
        Err(EOPNOTSUPP.into())
    }

    fn send(&self, _file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP.into());
        }
        if let Some(errno) = self.error.take() {
            return Err(errno.into());
        }
        if self.mute.get() {
            return Err(EPIPE.into());
        }
        let to = match &message.to {
            Some(Address::None) => return Err(EINVAL.into()),
            Some(address) => address::destination(address::inet_of_any(address, self.v6)?),
            None => self.peer.get().ok_or(EDESTADDRREQ)?,
        };
        let len = message.source.left();
        if len > MOST {
            return Err(EMSGSIZE.into());
        }
        if to.port() == 0 {
            return Err(EINVAL.into());
        }
        if !to.ip().is_loopback() {
            return Err(ENETUNREACH.into());
        }
        if self.hold.borrow().is_none() {
            self.hold_port(self.wildcard(), Manner::default())?;
        }
        let mut bytes = alloc::vec![0; len];
        let taken = message.source.take(&mut bytes)?;
        if taken < len {
            return Err(crate::errno::EFAULT.into());
        }
        let local = self.local.get().unwrap_or(self.wildcard());
        let from = if local.ip().is_unspecified() { SocketAddr::new(to.ip(), local.port()) } else { local };
        let found = ports::find(self.protocol, to, 0);
        match found.as_ref().and_then(|file| file.as_any().downcast_ref::<Self>()) {
            Some(receiver) => {
                let (hop_limit, traffic_class) = (message.ancillary.hop_limit, message.ancillary.traffic_class);
                let by_options = match to.ip() {
                    IpAddr::V4(_) => [self.options.number(IP, ip::TTL), self.options.number(IP, ip::TOS)],
                    IpAddr::V6(_) => {
                        [self.options.number(IPV6, ipv6::UNICAST_HOPS), self.options.number(IPV6, ipv6::TCLASS)]
                    }
                };
                receiver.deliver(Datagram {
                    from,
                    to: to.ip(),
                    bytes,
                    hop_limit: hop_limit.unwrap_or(by_options[0] as u8),
                    traffic_class: traffic_class.unwrap_or(by_options[1] as u8),
                });
            }
            None if self.peer.get().is_some() => {
                self.error.set(Some(ECONNREFUSED));
                self.queue.wake(Events::ERR);
            }
            None => {}
        }
        Ok(len)
    }

    fn receive(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome {
        if let Some(errno) = self.error.take() {
            return Err(errno.into());
        }
        if message.flags.contains(MessageFlags::ERRQUEUE) {
            return Err(EAGAIN.into());
        }
        let mut messages = self.messages.borrow_mut();
        let Some(next @ Datagram { from, bytes, .. }) = messages.front() else {
            if self.deaf.get() {
                return Ok(0);
            }
            let deadline_ns = self.options.receive_deadline();
            let block = Block { file, flags: message.flags, deadline_ns };
            return block.on(&self.queue, Events::IN, 0, "receive");
        };
        let room = message.sink.room();
        let put = put_whole(message.sink, &bytes[..bytes.len().min(room)]);
        message.whole = bytes.len();
        message.from = Some(self.named(*from));
        message.ancillary.told = self.tell_of(next);
        message.told.set(MessageFlags::TRUNC, bytes.len() > room);
        if !message.flags.contains(MessageFlags::PEEK) {
            self.waiting.set(self.waiting.get() - bytes.len());
            messages.pop_front();
        }
        Ok(put?)
    }

    fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        if self.peer.get().is_none() {
            return Err(ENOTCONN);
        }
        self.deaf.set(self.deaf.get() || how.read);
        self.mute.set(self.mute.get() || how.write);
        self.queue.wake(Events::all());
        Ok(())
    }

    fn local(&self) -> Result<Address, Errno> {
        Ok(self.named(self.local.get().unwrap_or(self.wildcard())))
    }

    fn peer(&self) -> Result<Address, Errno> {
        Ok(self.named(self.peer.get().ok_or(ENOTCONN)?))
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn nature(&self) -> Nature {
        let domain = if self.v6 { address::AF_INET6 } else { address::AF_INET };
        let protocol = if self.protocol == Protocol::UdpLite { 136 } else { 17 };
        Nature { domain, kind: 2, protocol, listening: false, bound: self.local.get().is_some(), state: 7 }
    }

    fn take_error(&self) -> Option<Errno> {
        self.error.take()
    }

    fn kind(&self) -> &'static str {
        "udp socket"
    }

    fn inode(&self) -> u64 {
        self.inode
    }

    fn readiness(&self) -> Events {
        let mut ready = Events::OUT | Events::WRNORM | Events::WRBAND;
        if !self.messages.borrow().is_empty() || self.deaf.get() {
            ready |= Events::IN | Events::RDNORM;
        }
        if self.error.get().is_some() {
            ready |= Events::ERR;
        }
        ready
    }

    fn waiters(&self) -> Rc<WaitQueue> {
        self.queue.clone()
    }

    fn available(&self) -> Result<usize, Errno> {
        Ok(self.messages.borrow().front().map_or(0, |datagram| datagram.bytes.len()))
    }

    fn close(&self) {
        self.hold.replace(None);
    }
}
