//! Socket options (`socket(7)`, `tcp(7)`, `ip(7)`, `ipv6(7)`): a closed list of those that are kept, with
//! their defaults. Most change nothing here, where no packet travels; they are answered as they were set.

use super::address::{AF_INET, AF_INET6, AF_UNIX};
use crate::errno::{EDOM, EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EOPNOTSUPP, EPERM, Errno};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// `SOL_SOCKET`.
pub const SOL_SOCKET: i32 = 1;
/// `IPPROTO_IP`.
pub const IP: i32 = 0;
/// `IPPROTO_TCP`.
pub const TCP: i32 = 6;
/// `IPPROTO_IPV6`.
pub const IPV6: i32 = 41;

/// Options of [`SOL_SOCKET`] that are looked at by name.
pub mod socket {
    #![allow(missing_docs)]
    pub const REUSEADDR: i32 = 2;
    pub const TYPE: i32 = 3;
    pub const ERROR: i32 = 4;
    pub const SNDBUF: i32 = 7;
    pub const RCVBUF: i32 = 8;
    pub const OOBINLINE: i32 = 10;
    pub const LINGER: i32 = 13;
    pub const REUSEPORT: i32 = 15;
    pub const PASSCRED: i32 = 16;
    pub const BINDTODEVICE: i32 = 25;
    pub const PEERPIDFD: i32 = 77;
    pub const PEERCRED: i32 = 17;
    pub const RCVTIMEO: i32 = 20;
    pub const SNDTIMEO: i32 = 21;
    pub const ACCEPTCONN: i32 = 30;
    pub const PEERSEC: i32 = 31;
    pub const SNDBUFFORCE: i32 = 32;
    pub const RCVBUFFORCE: i32 = 33;
    pub const PROTOCOL: i32 = 38;
    pub const DOMAIN: i32 = 39;
}

/// Options of [`IPV6`] that are looked at by name, and kinds of its control messages.
pub mod ipv6 {
    #![allow(missing_docs)]
    pub const UNICAST_HOPS: i32 = 16;
    pub const RECVPKTINFO: i32 = 49;
    pub const PKTINFO: i32 = 50;
    pub const RECVHOPLIMIT: i32 = 51;
    pub const HOPLIMIT: i32 = 52;
    pub const RECVTCLASS: i32 = 66;
    pub const TCLASS: i32 = 67;
}

/// `IPPROTO_UDPLITE`.
const UDP_LITE: i32 = 136;
const TCP_INFO: i32 = 11;
const TCP_CONGESTION: i32 = 13;
/// `/proc/sys/net/core/wmem_default` and `rmem_default`.
const DEFAULT_BUFFER: u32 = 212_992;
const IPV6_V6ONLY: i32 = 26;

/// Options of [`IP`] that are looked at by name.
pub mod ip {
    #![allow(missing_docs)]
    pub const TOS: i32 = 1;
    pub const TTL: i32 = 2;
    pub const PKTINFO: i32 = 8;
    pub const RECVTTL: i32 = 12;
    pub const RECVTOS: i32 = 13;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// 0 or 1.
    Switch,
    /// Any number.
    Number,
}
use Kind::{Number, Switch};

/// Level, name, kind, default.
const KEPT: &[(i32, i32, Kind, i32)] = &[
    (SOL_SOCKET, 1, Switch, 0), // SO_DEBUG
    (SOL_SOCKET, socket::REUSEADDR, Switch, 0),
    (SOL_SOCKET, 5, Switch, 0), // SO_DONTROUTE
    (SOL_SOCKET, 6, Switch, 0), // SO_BROADCAST
    (SOL_SOCKET, 9, Switch, 0), // SO_KEEPALIVE
    (SOL_SOCKET, socket::OOBINLINE, Switch, 0),
    (SOL_SOCKET, 11, Switch, 0), // SO_NO_CHECK
    (SOL_SOCKET, 12, Number, 0), // SO_PRIORITY
    (SOL_SOCKET, socket::REUSEPORT, Switch, 0),
    (SOL_SOCKET, socket::PASSCRED, Switch, 0),
    (SOL_SOCKET, 18, Number, 1), // SO_RCVLOWAT
    (SOL_SOCKET, 29, Switch, 0), // SO_TIMESTAMP
    (SOL_SOCKET, 34, Switch, 0), // SO_PASSSEC
    (SOL_SOCKET, 35, Switch, 0), // SO_TIMESTAMPNS
    (SOL_SOCKET, 36, Number, 0), // SO_MARK
    (SOL_SOCKET, 40, Switch, 0), // SO_RXQ_OVFL
    (SOL_SOCKET, 46, Number, 0), // SO_BUSY_POLL
    (SOL_SOCKET, 60, Switch, 0), // SO_ZEROCOPY
    (TCP, 1, Switch, 0),         // TCP_NODELAY
    (TCP, 2, Number, 536),       // TCP_MAXSEG
    (TCP, 3, Switch, 0),         // TCP_CORK
    (TCP, 4, Number, 7200),      // TCP_KEEPIDLE
    (TCP, 5, Number, 75),        // TCP_KEEPINTVL
    (TCP, 6, Number, 9),         // TCP_KEEPCNT
    (TCP, 7, Number, 6),         // TCP_SYNCNT
    (TCP, 8, Number, 60),        // TCP_LINGER2
    (TCP, 9, Number, 0),         // TCP_DEFER_ACCEPT
    (TCP, 10, Number, 0),        // TCP_WINDOW_CLAMP
    (TCP, 12, Switch, 1),        // TCP_QUICKACK
    (TCP, 18, Number, 0),        // TCP_USER_TIMEOUT
    (TCP, 23, Number, 0),        // TCP_FASTOPEN
    (TCP, 25, Number, -1),       // TCP_NOTSENT_LOWAT
    (TCP, 30, Number, 0),        // TCP_FASTOPEN_CONNECT
    (IP, 1, Number, 0),          // IP_TOS
    (IP, 2, Number, 64),         // IP_TTL
    (IP, 8, Switch, 0),          // IP_PKTINFO
    (IP, 10, Number, 1),         // IP_MTU_DISCOVER
    (IP, 11, Switch, 0),         // IP_RECVERR
    (IP, 12, Switch, 0),         // IP_RECVTTL
    (IP, 13, Switch, 0),         // IP_RECVTOS
    (IP, 15, Switch, 0),         // IP_FREEBIND
    (IP, 24, Switch, 0),         // IP_BIND_ADDRESS_NO_PORT
    (IP, 33, Number, 1),         // IP_MULTICAST_TTL
    (IP, 34, Switch, 1),         // IP_MULTICAST_LOOP
    (IPV6, ipv6::UNICAST_HOPS, Number, 64),
    (IPV6, 18, Number, 1), // IPV6_MULTICAST_HOPS
    (IPV6, 19, Switch, 1), // IPV6_MULTICAST_LOOP
    (IPV6, 23, Number, 1), // IPV6_MTU_DISCOVER
    (IPV6, 25, Switch, 0), // IPV6_RECVERR
    (IPV6, IPV6_V6ONLY, Switch, 0),
    (IPV6, 49, Switch, 0), // IPV6_RECVPKTINFO
    (IPV6, ipv6::RECVHOPLIMIT, Switch, 0),
    (IPV6, ipv6::RECVTCLASS, Switch, 0),
    (IPV6, ipv6::TCLASS, Number, 0),
    (UDP_LITE, 10, Number, 0), // UDPLITE_SEND_CSCOV
    (UDP_LITE, 11, Number, 0), // UDPLITE_RECV_CSCOV
];

/// Level, name, smallest and largest value, and what -1 stands for where it is the default.
const RANGES: &[(i32, i32, i32, i32, Option<i32>)] = &[
    (TCP, 2, 88, 32_767, None),
    (TCP, 4, 1, 32_767, None),
    (TCP, 5, 1, 32_767, None),
    (TCP, 6, 1, 127, None),
    (TCP, 7, 1, 127, None),
    (TCP, 18, 0, i32::MAX, None),
    (IP, 2, 1, 255, Some(64)),
    (IP, 10, 0, 5, None),
    (IP, 33, 0, 255, Some(1)),
    (IPV6, ipv6::UNICAST_HOPS, 0, 255, Some(64)),
    (IPV6, 18, 0, 255, Some(1)),
    (IPV6, 23, 0, 5, None),
    (IPV6, ipv6::TCLASS, 0, 255, Some(0)),
];

/// Congestion control, by the number under which it is kept.
const CONGESTION: [&[u8]; 2] = [b"cubic", b"reno"];

/// Whether a socket has the options of a level.
fn has_level(level: i32, nature: Nature) -> bool {
    let stream = nature.kind == super::socket::SOCK_STREAM;
    match (nature.domain, level) {
        (_, SOL_SOCKET) => true,
        (AF_INET | AF_INET6, IP) => true,
        (AF_INET | AF_INET6, TCP) => stream,
        (AF_INET6, IPV6) => true,
        (AF_INET | AF_INET6, UDP_LITE) => nature.protocol == UDP_LITE,
        _ => false,
    }
}

/// Level, name, value, as bytes: the guest chooses the value.
type Stored = [u8; 12];

/// The options of a socket.
#[derive(Default)]
pub struct Options {
    stored: RefCell<Vec<Stored>>,
    /// `SO_RCVTIMEO` and `SO_SNDTIMEO`, ns.
    receive_timeout_ns: Cell<Option<u64>>,
    send_timeout_ns: Cell<Option<u64>>,
    /// `SO_LINGER`: seconds.
    linger: Cell<Option<u32>>,
    /// What `SO_SNDBUF` and `SO_RCVBUF` answer.
    buffers: Cell<Option<[u32; 2]>>,
}

/// What a socket tells about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// `SO_DOMAIN`.
    pub domain: i32,
    /// `SO_TYPE`.
    pub kind: i32,
    /// `SO_PROTOCOL`.
    pub protocol: i32,
    /// `SO_ACCEPTCONN`.
    pub listening: bool,
    /// It has an address.
    pub bound: bool,
    /// `tcpi_state`: the state of a TCP connection.
    pub state: u8,
}

fn key(level: i32, name: i32) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&level.to_ne_bytes());
    key[4..].copy_from_slice(&name.to_ne_bytes());
    key
}

impl Options {
    /// A kept number.
    pub fn number(&self, level: i32, name: i32) -> i32 {
        let key = key(level, name);
        let stored = self.stored.borrow();
        if let Some(stored) = stored.iter().find(|stored| stored[..8] == key) {
            return i32::from_ne_bytes([stored[8], stored[9], stored[10], stored[11]]);
        }
        KEPT.iter().find(|kept| (kept.0, kept.1) == (level, name)).map_or(0, |kept| kept.3)
    }

    /// A kept switch of [`SOL_SOCKET`].
    pub fn is_on(&self, name: i32) -> bool {
        self.number(SOL_SOCKET, name) != 0
    }

    fn store(&self, level: i32, name: i32, value: i32) {
        let key = key(level, name);
        let mut entry: Stored = [0; 12];
        entry[..8].copy_from_slice(&key);
        entry[8..].copy_from_slice(&value.to_ne_bytes());
        let mut stored = self.stored.borrow_mut();
        match stored.iter_mut().find(|stored| stored[..8] == key) {
            Some(old) => *old = entry,
            None => stored.push(entry),
        }
    }

    /// What binding needs to know.
    pub fn manner(&self) -> super::ports::Manner {
        super::ports::Manner {
            v6_only: self.number(IPV6, IPV6_V6ONLY) != 0,
            reuse_address: self.is_on(socket::REUSEADDR),
            reuse_port: self.is_on(socket::REUSEPORT),
        }
    }

    /// Whether a v6 socket leaves v4 to others.
    pub fn is_v6_only(&self) -> bool {
        self.number(IPV6, IPV6_V6ONLY) != 0
    }

    /// What an accepted socket inherits.
    pub fn inherit(&self, from: &Self) {
        *self.stored.borrow_mut() = from.stored.borrow().clone();
        self.receive_timeout_ns.set(from.receive_timeout_ns.get());
        self.send_timeout_ns.set(from.send_timeout_ns.get());
        self.linger.set(from.linger.get());
        self.buffers.set(from.buffers.get());
    }

    /// When a receive that begins to wait now gives up.
    pub fn receive_deadline(&self) -> Option<u64> {
        self.receive_timeout_ns.get().map(|ns| crate::time::monotonic_ns().saturating_add(ns))
    }

    /// When a send that begins to wait now gives up.
    pub fn send_deadline(&self) -> Option<u64> {
        self.send_timeout_ns.get().map(|ns| crate::time::monotonic_ns().saturating_add(ns))
    }

    /// `SO_LINGER` of zero seconds: closing resets.
    pub fn resets_on_close(&self) -> bool {
        self.linger.get() == Some(0)
    }

    /// `setsockopt(2)`.
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EINVAL`, `EFAULT`, `EDOM`; `EOPNOTSUPP` for a level that Unix sockets don't have.
    pub fn set(&self, level: i32, name: i32, value: UserAddr, len: u32, nature: Nature) -> Result<(), Errno> {
        if !has_level(level, nature) {
            return Err(if nature.domain == AF_UNIX { EOPNOTSUPP } else { ENOPROTOOPT });
        }
        if (level, name) == (IPV6, IPV6_V6ONLY) && nature.bound {
            return Err(EINVAL);
        }
        if level == SOL_SOCKET {
            match name {
                socket::LINGER => {
                    let [on, seconds] = read::<2>(value, len)?;
                    self.linger.set((on != 0).then_some(seconds as u32));
                    return Ok(());
                }
                socket::RCVTIMEO | socket::SNDTIMEO => {
                    let [seconds, microseconds]: [i64; 2] =
                        if len < 16 { return Err(EINVAL) } else { UserPtr::new(value.0).read()? };
                    if !(0..1_000_000).contains(&microseconds) {
                        return Err(EDOM);
                    }
                    let ns = (seconds.max(0) as u64).saturating_mul(1_000_000_000) + microseconds as u64 * 1000;
                    let timeout =
                        if name == socket::RCVTIMEO { &self.receive_timeout_ns } else { &self.send_timeout_ns };
                    timeout.set((ns > 0).then_some(ns));
                    return Ok(());
                }
                socket::SNDBUFFORCE | socket::RCVBUFFORCE => {
                    read::<1>(value, len)?;
                    return Err(EPERM);
                }
                socket::BINDTODEVICE => {
                    let mut given = [0; 16];
                    let len = (len as usize).min(given.len() - 1);
                    copy_in(given.get_mut(..len).unwrap_or_default(), value)?;
                    let name = given.split(|byte| *byte == 0).next().unwrap_or_default();
                    // There is no other way than through the loopback.
                    return if matches!(name, b"" | b"lo") { Ok(()) } else { Err(ENODEV) };
                }
                socket::SNDBUF | socket::RCVBUF => {
                    let [size] = read::<1>(value, len)?;
                    let mut buffers = self.buffers();
                    let receive = name == socket::RCVBUF;
                    // As Linux: within the limits, and doubled.
                    buffers[usize::from(receive)] =
                        (size.clamp(0, 212_992) as u32 * 2).max(if receive { 2304 } else { 4608 });
                    self.buffers.set(Some(buffers));
                    return Ok(());
                }
                _ => {}
            }
        }
        if (level, name) == (TCP, TCP_CONGESTION) {
            let mut given = [0; 15];
            let len = (len as usize).min(given.len());
            copy_in(given.get_mut(..len).unwrap_or_default(), value)?;
            let text = given.split(|byte| *byte == 0).next().unwrap_or_default();
            let number = CONGESTION.iter().position(|known| *known == text).ok_or(ENOENT)?;
            self.store(level, name, number as i32);
            return Ok(());
        }
        let Some((.., kind, _)) = KEPT.iter().find(|kept| (kept.0, kept.1) == (level, name)) else {
            return Err(ENOPROTOOPT);
        };
        // Options of IP may be given in one byte.
        let [value] = if level == IP && (1..4).contains(&len) {
            let mut byte = [0];
            copy_in(&mut byte, value)?;
            [i32::from(byte[0])]
        } else {
            read::<1>(value, len)?
        };
        if level == SOL_SOCKET && needs_network_privileges(name, value) {
            // Nobody has `CAP_NET_ADMIN` here.
            return Err(EPERM);
        }
        let range = RANGES.iter().find(|range| (range.0, range.1) == (level, name));
        let value = match range {
            Some((.., Some(default))) if value == -1 => *default,
            Some((.., smallest, largest, _)) if !(*smallest..=*largest).contains(&value) => return Err(EINVAL),
            _ => value,
        };
        self.store(level, name, if *kind == Switch { i32::from(value != 0) } else { value });
        Ok(())
    }

    /// `SO_SNDBUF` and `SO_RCVBUF`, where they were set.
    pub fn buffers_said(&self) -> [Option<u32>; 2] {
        self.buffers.get().map_or([None; 2], |said| said.map(|size| (size != DEFAULT_BUFFER).then_some(size)))
    }

    /// `SO_SNDBUF`.
    pub fn send_buffer(&self) -> usize {
        self.buffers()[0] as usize
    }

    fn buffers(&self) -> [u32; 2] {
        self.buffers.get().unwrap_or([DEFAULT_BUFFER; 2])
    }

    /// `getsockopt(2)` for all that needs no look at the socket: the bytes of the value.
    ///
    /// # Errors
    /// `ENOPROTOOPT`; `EOPNOTSUPP` for a level that the socket does not have.
    pub fn get(&self, level: i32, name: i32, nature: Nature) -> Result<Vec<u8>, Errno> {
        if !has_level(level, nature) {
            return Err(if nature.domain == AF_INET6 { ENOPROTOOPT } else { EOPNOTSUPP });
        }
        let numbers: &[i32] = match (level, name) {
            (SOL_SOCKET, socket::TYPE) => &[nature.kind],
            (SOL_SOCKET, socket::PROTOCOL) => &[nature.protocol],
            (SOL_SOCKET, socket::DOMAIN) => &[nature.domain],
            (SOL_SOCKET, socket::ACCEPTCONN) => &[i32::from(nature.listening)],
            (SOL_SOCKET, socket::SNDBUF) => &[self.buffers()[0] as i32],
            (SOL_SOCKET, socket::RCVBUF) => &[self.buffers()[1] as i32],
            (SOL_SOCKET, socket::LINGER) => {
                &[i32::from(self.linger.get().is_some()), self.linger.get().unwrap_or(0) as i32]
            }
            (SOL_SOCKET, socket::BINDTODEVICE) => return Ok(Vec::new()),
            (SOL_SOCKET, socket::RCVTIMEO) => return Ok(timeval(self.receive_timeout_ns.get())),
            (SOL_SOCKET, socket::SNDTIMEO) => return Ok(timeval(self.send_timeout_ns.get())),
            (TCP, TCP_CONGESTION) => {
                let chosen = self.number(TCP, TCP_CONGESTION) as usize;
                let mut text = CONGESTION.get(chosen).map_or(Vec::new(), |text| text.to_vec());
                text.resize(16, 0);
                return Ok(text);
            }
            // struct tcp_info; all that is known is the state.
            (TCP, TCP_INFO) => {
                let mut info = alloc::vec![0; 232];
                info[0] = nature.state;
                return Ok(info);
            }
            _ if KEPT.iter().any(|kept| (kept.0, kept.1) == (level, name)) => &[self.number(level, name)],
            _ => return Err(ENOPROTOOPT),
        };
        Ok(numbers.iter().flat_map(|number| number.to_ne_bytes()).collect())
    }
}

fn timeval(ns: Option<u64>) -> Vec<u8> {
    let ns = ns.unwrap_or(0);
    [(ns / 1_000_000_000), ns % 1_000_000_000 / 1000].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// `SO_MARK`, a high `SO_PRIORITY`, and more of `SO_BUSY_POLL`.
fn needs_network_privileges(name: i32, value: i32) -> bool {
    match name {
        36 => true,
        12 => !(0..=6).contains(&value),
        46 => value > 0,
        _ => false,
    }
}

fn read<const N: usize>(value: UserAddr, len: u32) -> Result<[i32; N], Errno> {
    if (len as usize) < 4 * N {
        return Err(EINVAL);
    }
    UserPtr::<[i32; N]>::new(value.0).read()
}

/// Writes the value of an option, cut to the room that the guest names; leaves the length there.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn write(value: &[u8], to: UserAddr, len: UserPtr<i32>) -> Result<(), Errno> {
    let room = usize::try_from(len.read()?).map_err(|_| EINVAL)?;
    let written = value.len().min(room);
    copy_out(to, &value[..written])?;
    len.write(written as i32)
}
