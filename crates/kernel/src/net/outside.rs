//! Outgoing connections: TCP to the targets that the sandbox was allowed, dialled by the monitor.
//!
//! A target named by an address has that address. A name gets an address of the range for benchmarks (RFC 2544), which no
//! real host has, and stands with it in `/etc/hosts`: it is resolved by the monitor, anew for each connection.
//!
//! A connection that a boot from an image finds half-made is dialled again; one that was there is broken, as any
//! connection of the past.

use super::tcp::TcpSocket;
use crate::control;
use crate::errno::{ENETUNREACH, Errno};
use crate::kernel;
use crate::task::poller::HostHandle;
use abi::control::FromSandbox;
use abi::launch::Target;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Weak;
use alloc::string::String;
use core::cell::{Cell, RefCell};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Connections that are being made.
#[derive(Default)]
pub struct Dialling {
    last: Cell<u32>,
    pending: RefCell<BTreeMap<u32, (u16, Weak<TcpSocket>)>>,
}

impl Dialling {
    /// Asks the monitor for a connection.
    ///
    /// # Errors
    /// `ENETUNREACH` for what is not allowed.
    pub fn begin(&self, to: SocketAddr, socket: Weak<TcpSocket>) -> Result<(), Errno> {
        let target = target(&kernel().launch.borrow().allow_connect, to).ok_or(ENETUNREACH)?;
        let id = self.last.get().wrapping_add(1);
        self.last.set(id);
        self.pending.borrow_mut().insert(id, (target, socket));
        control::send(&FromSandbox::Dial { id, target }, &[]);
        Ok(())
    }

    /// The monitor's answer.
    pub fn done(&self, id: u32, errno: u16, handle: Option<HostHandle>) {
        let asked = self.pending.borrow_mut().remove(&id);
        if let Some(socket) = asked.and_then(|(_, socket)| socket.upgrade()) {
            socket.dialled(handle.ok_or(Errno(errno)));
        }
    }

    /// After a boot from an image: nobody remembers what was asked before.
    pub fn again(&self) {
        for (id, (target, _)) in self.pending.borrow().iter() {
            control::send(&FromSandbox::Dial { id: *id, target: *target }, &[]);
        }
    }
}

/// Whether the monitor connects to an address.
pub fn is_allowed(to: SocketAddr) -> bool {
    target(&kernel().launch.borrow().allow_connect, to).is_some()
}

/// The number of the target that an address means.
fn target(targets: &[Target], to: SocketAddr) -> Option<u16> {
    let means = |index: usize| targets[index].port == to.port() && address_of(targets, index) == to.ip();
    (0..targets.len()).find(|index| means(*index)).and_then(|index| u16::try_from(index).ok())
}

/// The address under which the guest reaches a target.
fn address_of(targets: &[Target], index: usize) -> IpAddr {
    let host = &targets[index].host;
    if let Some(address) = core::str::from_utf8(host).ok().and_then(|host| host.parse().ok()) {
        return address;
    }
    if host == b"localhost" {
        return Ipv4Addr::LOCALHOST.into();
    }
    let first = targets.iter().position(|other| other.host == *host).unwrap_or(index) as u32;
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 1)) + first).into()
}

/// Lines of `/etc/hosts` for the targets that have a name; none when there are none.
pub fn names(targets: &[Target], hostname: &[u8]) -> Option<String> {
    let mut lines = String::new();
    for (index, target) in targets.iter().enumerate() {
        let address = address_of(targets, index);
        let named = matches!(address, IpAddr::V4(address) if address.octets()[..2] == [198, 18]);
        let first = targets.iter().position(|other| other.host == target.host) == Some(index);
        if named && first {
            lines += &format!("{address}\t{}\n", target.host.escape_ascii());
        }
    }
    let own = hostname.escape_ascii();
    let fixed = format!("127.0.0.1\tlocalhost\n127.0.1.1\t{own}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    (!lines.is_empty()).then(|| fixed + &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(all: &[(&str, u16)]) -> alloc::vec::Vec<Target> {
        all.iter().map(|(host, port)| Target { host: host.as_bytes().to_vec(), port: *port }).collect()
    }

    #[test]
    fn names_have_an_address_each_and_ports_count() {
        let targets = targets(&[("db.example", 5432), ("10.0.0.7", 80), ("db.example", 5433), ("::1", 9), ("b", 1)]);
        let at = |address: &str| target(&targets, address.parse().unwrap());
        assert_eq!(at("198.18.0.1:5432"), Some(0));
        assert_eq!(at("198.18.0.1:5433"), Some(2));
        assert_eq!(at("198.18.0.1:5434"), None);
        assert_eq!(at("10.0.0.7:80"), Some(1));
        assert_eq!(at("[::1]:9"), Some(3));
        assert_eq!(at("198.18.0.5:1"), Some(4));
        assert_eq!(at("198.18.0.3:5433"), None);
        let hosts = names(&targets, b"box").unwrap();
        assert!(hosts.ends_with("198.18.0.1\tdb.example\n198.18.0.5\tb\n"), "{hosts}");
        assert_eq!(names(&targets[1..2], b"box"), None);
    }
}
