//! Netlink (`rtnetlink(7)`), as much as the C libraries ask: which interfaces and addresses there are.

use super::address::{AF_INET, AF_INET6, AF_NETLINK, Address};
use super::options::{Nature, Options};
use super::socket::{Accepted, Block, Incoming, MessageFlags, Outgoing, Shutdown, Socket};
use crate::errno::{EINVAL, ENOTCONN, EOPNOTSUPP, Errno};
use crate::fs::file::OpenFile;
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::syscall::{Context, Outcome, Stop};
use crate::wait::{Events, WaitQueue};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

const NLMSG_NOOP: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_GETROUTE: u16 = 26;
const NLM_F_MULTI: u16 = 2;
const NLM_F_ACK: u16 = 4;
/// Bytes of a `struct nlmsghdr`.
const HEADER: usize = 16;
/// Longest request that is looked at.
const MOST: usize = 32 << 10;
const ARPHRD_LOOPBACK: u16 = 772;
/// `IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP`.
const FLAGS: u32 = 0x1 | 0x8 | 0x40 | 0x1_0000;

/// A netlink socket of `NETLINK_ROUTE`.
pub struct NetlinkSocket {
    inode: u64,
    kind: i32,
    queue: Rc<WaitQueue>,
    options: Options,
    port: Cell<u32>,
    answers: RefCell<VecDeque<Vec<u8>>>,
}

/// The head of a request.
struct Request {
    kind: u16,
    flags: u16,
    sequence: u32,
    family: i32,
}

impl NetlinkSocket {
    /// A new socket.
    pub fn new(kind: i32) -> Rc<Self> {
        Rc::new(Self {
            inode: kernel().ipc.next_inode(),
            kind,
            queue: WaitQueue::new(),
            options: Options::default(),
            port: Cell::new(0),
            answers: RefCell::default(),
        })
    }

    fn own_port(&self) -> u32 {
        if self.port.get() == 0 {
            self.port.set(current().process().pid.0);
        }
        self.port.get()
    }

    /// A message of the kernel's that nobody asked for.
    pub fn deliver(&self, message: Vec<u8>) {
        self.answers.borrow_mut().push_back(message);
        self.queue.wake(Events::IN | Events::RDNORM);
    }

    fn serve(&self, bytes: &[u8]) {
        let mut rest = bytes;
        while rest.len() >= HEADER {
            let word = |at: usize| u32::from_ne_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
            let len = word(0) as usize;
            if len < HEADER || len > rest.len() {
                return;
            }
            let request = Request {
                kind: word(4) as u16,
                flags: (word(4) >> 16) as u16,
                sequence: word(8),
                family: rest.get(HEADER).map_or(0, |family| i32::from(*family)),
            };
            self.answer(&request, &rest[..HEADER]);
            rest = &rest[len.next_multiple_of(4).min(rest.len())..];
        }
        self.queue.wake(Events::IN | Events::RDNORM);
    }

    fn answer(&self, request: &Request, head: &[u8]) {
        let mut answer = Vec::new();
        let mut add =
            |kind, flags, body: &[u8]| message(&mut answer, kind, flags, request.sequence, self.own_port(), body);
        match request.kind {
            NLMSG_NOOP | NLMSG_DONE => return,
            RTM_GETLINK => add(RTM_NEWLINK, NLM_F_MULTI, &link()),
            RTM_GETADDR => {
                if request.family != AF_INET6 {
                    add(RTM_NEWADDR, NLM_F_MULTI, &address(AF_INET, 8, &[127, 0, 0, 1]));
                }
                if request.family != AF_INET {
                    let mut loopback = [0; 16];
                    loopback[15] = 1;
                    add(RTM_NEWADDR, NLM_F_MULTI, &address(AF_INET6, 128, &loopback));
                }
            }
            RTM_GETROUTE => {}
            kind => {
                kernel().note_unsupported(&alloc::format!("netlink request {kind}"));
                let mut body = (-i32::from(EOPNOTSUPP.0)).to_ne_bytes().to_vec();
                body.extend_from_slice(head);
                add(NLMSG_ERROR, 0, &body);
                self.answers.borrow_mut().push_back(answer);
                return;
            }
        }
        add(NLMSG_DONE, NLM_F_MULTI, &0i32.to_ne_bytes());
        if request.flags & NLM_F_ACK != 0 {
            let mut body = 0i32.to_ne_bytes().to_vec();
            body.extend_from_slice(head);
            add(NLMSG_ERROR, 0, &body);
        }
        self.answers.borrow_mut().push_back(answer);
    }
}

fn message(to: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, port: u32, body: &[u8]) {
    to.extend_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
    to.extend_from_slice(&kind.to_ne_bytes());
    to.extend_from_slice(&flags.to_ne_bytes());
    to.extend_from_slice(&sequence.to_ne_bytes());
    to.extend_from_slice(&port.to_ne_bytes());
    to.extend_from_slice(body);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    to.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    to.extend_from_slice(&kind.to_ne_bytes());
    to.extend_from_slice(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

/// `struct ifinfomsg` of `lo` and its attributes.
fn link() -> Vec<u8> {
    let mut body = alloc::vec![0, 0];
    body.extend_from_slice(&ARPHRD_LOOPBACK.to_ne_bytes());
    body.extend_from_slice(&1u32.to_ne_bytes());
    body.extend_from_slice(&FLAGS.to_ne_bytes());
    body.extend_from_slice(&0u32.to_ne_bytes());
    // IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN
    attribute(&mut body, 1, &[0; 6]);
    attribute(&mut body, 2, &[0; 6]);
    attribute(&mut body, 3, b"lo\0");
    attribute(&mut body, 4, &65536u32.to_ne_bytes());
    attribute(&mut body, 13, &1000u32.to_ne_bytes());
    body
}

/// `struct ifaddrmsg` of an address of `lo` and its attributes.
fn address(family: i32, prefix: u8, ip: &[u8]) -> Vec<u8> {
    // Flags IFA_F_PERMANENT, scope RT_SCOPE_HOST.
    let mut body = alloc::vec![family as u8, prefix, 0x80, 254];
    body.extend_from_slice(&1u32.to_ne_bytes());
    // IFA_ADDRESS, IFA_LOCAL, IFA_LABEL
    attribute(&mut body, 1, ip);
    if family == AF_INET {
        attribute(&mut body, 2, ip);
        attribute(&mut body, 3, b"lo\0");
    }
    body
}

impl Socket for NetlinkSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let Address::Netlink { port } = address else { return Err(EINVAL) };
        self.port.set(*port);
        self.own_port();
        Ok(())
    }

    fn connect(&self, _context: &Context<'_>, _file: &OpenFile, _address: &Address) -> Outcome {
        Ok(0)
    }

    fn listen(&self, _backlog: i32) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    fn accept(&self, _file: &OpenFile) -> Result<Accepted, Stop> {
        Err(EOPNOTSUPP.into())
    }

    fn send(&self, _file: &OpenFile, message: &mut Outgoing<'_>) -> Outcome {
        let len = message.source.left();
        let mut bytes = alloc::vec![0; len.min(MOST)];
        let taken = message.source.take(&mut bytes)?;
        self.serve(&bytes[..taken]);
        Ok(len)
    }

    fn receive(&self, file: &OpenFile, message: &mut Incoming<'_>) -> Outcome {
        let mut answers = self.answers.borrow_mut();
        let Some(answer) = answers.front() else {
            let deadline_ns = self.options.receive_deadline();
            return Block { file, flags: message.flags, deadline_ns }.on(&self.queue, Events::IN, 0, "netlink");
        };
        let room = message.sink.room();
        let put = message.sink.put(&answer[..answer.len().min(room)]);
        message.whole = answer.len();
        message.told.set(MessageFlags::TRUNC, answer.len() > room);
        // From the kernel.
        message.from = Some(Address::Netlink { port: 0 });
        if !message.flags.contains(MessageFlags::PEEK) {
            answers.pop_front();
        }
        Ok(put?)
    }

    fn shutdown(&self, _how: Shutdown) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    fn local(&self) -> Result<Address, Errno> {
        Ok(Address::Netlink { port: self.port.get() })
    }

    fn peer(&self) -> Result<Address, Errno> {
        Err(ENOTCONN)
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn nature(&self) -> Nature {
        Nature { domain: AF_NETLINK, kind: self.kind, protocol: 0, listening: false, bound: true, state: 0 }
    }

    fn kind(&self) -> &'static str {
        "netlink socket"
    }

    fn inode(&self) -> u64 {
        self.inode
    }

    fn readiness(&self) -> Events {
        let mut ready = Events::OUT | Events::WRNORM;
        ready.set(Events::IN | Events::RDNORM, !self.answers.borrow().is_empty());
        ready
    }

    fn waiters(&self) -> Rc<WaitQueue> {
        self.queue.clone()
    }

    fn available(&self) -> Result<usize, Errno> {
        Ok(self.answers.borrow().front().map_or(0, Vec::len))
    }

    fn close(&self) {}
}
