//! Who holds which port: one table a protocol.
//!
//! A socket that binds gets a [`Hold`]; what it accepts shares it, so that the port stays taken, as on Linux,
//! while connections of a closed listener live.

use crate::errno::{EADDRINUSE, Errno};
use crate::fs::file::File;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::{IpAddr, SocketAddr};

/// `/proc/sys/net/ipv4/ip_local_port_range`.
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32768..=60999;

/// The protocol of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// UDP-Lite.
    UdpLite,
}

/// The ports of a protocol.
#[derive(Default)]
pub struct Ports {
    holds: RefCell<BTreeMap<u16, Vec<Weak<Hold>>>>,
    next: Cell<u16>,
}

/// What a bound socket holds.
pub struct Hold {
    protocol: Protocol,
    /// Address and port; the wildcard holds all addresses.
    pub address: SocketAddr,
    /// A v6 wildcard that leaves v4 to others.
    v6_only: bool,
    reuse_address: Cell<bool>,
    reuse_port: Cell<bool>,
    /// The socket, while it listens (TCP) or can be sent to (UDP).
    pub open: RefCell<Option<Weak<dyn File>>>,
}

/// What a socket says when it binds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// `IPV6_V6ONLY`.
    pub v6_only: bool,
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
}

fn ports(protocol: Protocol) -> &'static Ports {
    match protocol {
        Protocol::Tcp => &crate::kernel().net.tcp,
        Protocol::Udp => &crate::kernel().net.udp,
        Protocol::UdpLite => &crate::kernel().net.udp_lite,
    }
}

impl Hold {
    /// Whether an address of the port belongs to it.
    fn covers(&self, ip: IpAddr) -> bool {
        let own = self.address.ip();
        own == ip || own.is_unspecified() && (own.is_ipv4() == ip.is_ipv4() || own.is_ipv6() && !self.v6_only)
    }

    fn conflicts(&self, ip: IpAddr, manner: Manner, protocol: Protocol) -> bool {
        let other_covers =
            ip.is_unspecified() && (ip.is_ipv4() == self.address.is_ipv4() || ip.is_ipv6() && !manner.v6_only);
        if !self.covers(ip) && !other_covers {
            return false;
        }
        let listening = protocol == Protocol::Tcp && self.open.borrow().is_some();
        let both_reuse = manner.reuse_address && self.reuse_address.get() && !listening;
        let both_share = manner.reuse_port && self.reuse_port.get();
        !(both_reuse || both_share)
    }

    /// Whether others that share the port keep it from listening.
    pub fn may_listen(&self) -> bool {
        let holds = ports(self.protocol).holds.borrow();
        let others = holds.get(&self.address.port()).into_iter().flatten().filter_map(Weak::upgrade);
        !others.into_iter().any(|other| {
            !core::ptr::eq(&*other, self)
                && other.open.borrow().is_some()
                && (other.covers(self.address.ip()) || self.covers(other.address.ip()))
                && !(other.reuse_port.get() && self.reuse_port.get())
        })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holds = ports(self.protocol).holds.borrow_mut();
        let port = self.address.port();
        if let Some(of_port) = holds.get_mut(&port) {
            of_port.retain(|hold| hold.strong_count() > 0);
            if of_port.is_empty() {
                holds.remove(&port);
            }
        }
    }
}

/// Takes a port: the one named, or a free one for port 0.
///
/// # Errors
/// `EADDRINUSE`.
pub fn bind(protocol: Protocol, address: SocketAddr, manner: Manner) -> Result<Rc<Hold>, Errno> {
    let table = ports(protocol);
    let port = match address.port() {
        0 => free_port(table, protocol, address.ip(), manner).ok_or(EADDRINUSE)?,
        port if is_free(table, protocol, port, address.ip(), manner) => port,
        _ => return Err(EADDRINUSE),
    };
    let hold = Rc::new(Hold {
        protocol,
        address: SocketAddr::new(address.ip(), port),
        v6_only: manner.v6_only,
        reuse_address: Cell::new(manner.reuse_address),
        reuse_port: Cell::new(manner.reuse_port),
        open: RefCell::new(None),
    });
    table.holds.borrow_mut().entry(port).or_default().push(Rc::downgrade(&hold));
    Ok(hold)
}

fn is_free(table: &Ports, protocol: Protocol, port: u16, ip: IpAddr, manner: Manner) -> bool {
    let holds = table.holds.borrow();
    let mut of_port = holds.get(&port).into_iter().flatten().filter_map(Weak::upgrade);
    !of_port.any(|hold| hold.conflicts(ip, manner, protocol))
}

fn free_port(table: &Ports, protocol: Protocol, ip: IpAddr, manner: Manner) -> Option<u16> {
    // A port given out here is shared with nobody.
    let manner = Manner { reuse_address: false, reuse_port: false, ..manner };
    for _ in EPHEMERAL {
        let next = table.next.get();
        let port = if EPHEMERAL.contains(&next) { next } else { *EPHEMERAL.start() };
        table.next.set(port + 1);
        if is_free(table, protocol, port, ip, manner) {
            return Some(port);
        }
    }
    None
}

/// Who is reached at an address: the most exact one; of several equal ones (`SO_REUSEPORT`) the `spread`-th.
pub fn find(protocol: Protocol, address: SocketAddr, spread: usize) -> Option<Rc<dyn File>> {
    let holds = ports(protocol).holds.borrow();
    let of_port: Vec<_> = holds.get(&address.port())?.iter().filter_map(Weak::upgrade).collect();
    let open = |exact: bool| -> Vec<Rc<dyn File>> {
        of_port
            .iter()
            .filter(|hold| if exact { hold.address.ip() == address.ip() } else { hold.covers(address.ip()) })
            .filter_map(|hold| hold.open.borrow().as_ref().and_then(Weak::upgrade))
            .collect()
    };
    let mut found = open(true);
    if found.is_empty() {
        found = open(false);
    }
    if found.is_empty() { None } else { Some(found.swap_remove(spread % found.len())) }
}

/// Everybody who is open at a port, whatever the address.
pub fn find_any(protocol: Protocol, port: u16) -> Vec<Rc<dyn File>> {
    let holds = ports(protocol).holds.borrow();
    let of_port = holds.get(&port).into_iter().flatten().filter_map(Weak::upgrade);
    of_port.filter_map(|hold| hold.open.borrow().as_ref().and_then(Weak::upgrade)).collect()
}
