//! Socket addresses: from and to the guest's `struct sockaddr`.

use crate::errno::{EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, Errno};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// `AF_UNSPEC`.
pub const AF_UNSPEC: i32 = 0;
/// `AF_UNIX`.
pub const AF_UNIX: i32 = 1;
/// `AF_INET`.
pub const AF_INET: i32 = 2;
/// `AF_INET6`.
pub const AF_INET6: i32 = 10;

/// `AF_NETLINK`.
pub const AF_NETLINK: i32 = 16;

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// `AF_UNSPEC`.
    None,
    /// IPv4 or IPv6, as the family of its socket writes it.
    Inet(SocketAddr),
    /// The bytes of `sun_path`: empty for none, a leading zero for an abstract name, else a path without its
    /// terminating zero.
    Unix(Vec<u8>),
    /// A netlink port; 0 is the kernel.
    Netlink {
        /// The port.
        port: u32,
    },
}

impl Address {
    /// From the bytes of a `struct sockaddr`.
    ///
    /// # Errors
    /// `EINVAL` for a wrong length, `EAFNOSUPPORT` for another family.
    pub fn decode(bytes: &[u8]) -> Result<Self, Errno> {
        let (Some(family), true) = (bytes.first_chunk::<2>(), bytes.len() <= 128) else { return Err(EINVAL) };
        let family = i32::from(u16::from_ne_bytes(*family));
        let port = || bytes.get(2..4).map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
        match family {
            AF_UNSPEC => Ok(Self::None),
            AF_INET => {
                let ip: [u8; 4] = bytes.get(4..8).and_then(|ip| ip.try_into().ok()).ok_or(EINVAL)?;
                if bytes.len() < 16 { Err(EINVAL) } else { Ok(Self::Inet((Ipv4Addr::from(ip), port()).into())) }
            }
            AF_INET6 => {
                let ip: [u8; 16] = bytes.get(8..24).and_then(|ip| ip.try_into().ok()).ok_or(EINVAL)?;
                // Flow and scope are not kept: there is one interface.
                Ok(Self::Inet(SocketAddrV6::new(Ipv6Addr::from(ip), port(), 0, 0).into()))
            }
            AF_UNIX => {
                let path = &bytes[2..];
                if path.len() > 108 {
                    return Err(EINVAL);
                }
                let named = path.first().is_some_and(|first| *first != 0);
                let end =
                    if named { path.iter().position(|byte| *byte == 0).unwrap_or(path.len()) } else { path.len() };
                Ok(Self::Unix(path[..end].to_vec()))
            }
            AF_NETLINK => {
                let port: [u8; 4] = bytes.get(4..8).and_then(|port| port.try_into().ok()).ok_or(EINVAL)?;
                Ok(Self::Netlink { port: u32::from_ne_bytes(port) })
            }
            _ => Err(EAFNOSUPPORT),
        }
    }

    /// The bytes of the `struct sockaddr`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::None => {}
            Self::Inet(SocketAddr::V4(address)) => {
                bytes.extend_from_slice(&(AF_INET as u16).to_ne_bytes());
                bytes.extend_from_slice(&address.port().to_be_bytes());
                bytes.extend_from_slice(&address.ip().octets());
                bytes.extend_from_slice(&[0; 8]);
            }
            Self::Inet(SocketAddr::V6(address)) => {
                bytes.extend_from_slice(&(AF_INET6 as u16).to_ne_bytes());
                bytes.extend_from_slice(&address.port().to_be_bytes());
                bytes.extend_from_slice(&[0; 4]);
                bytes.extend_from_slice(&address.ip().octets());
                bytes.extend_from_slice(&[0; 4]);
            }
            Self::Netlink { port } => {
                bytes.extend_from_slice(&(AF_NETLINK as u32).to_ne_bytes());
                bytes.extend_from_slice(&port.to_ne_bytes());
                bytes.extend_from_slice(&[0; 4]);
            }
            Self::Unix(path) => {
                bytes.extend_from_slice(&(AF_UNIX as u16).to_ne_bytes());
                bytes.extend_from_slice(path);
                if path.first().is_some_and(|first| *first != 0) {
                    bytes.push(0);
                }
            }
        }
        bytes
    }

    /// Reads it from the guest.
    ///
    /// # Errors
    /// `EINVAL`, `EFAULT`, `EAFNOSUPPORT`.
    pub fn read(from: UserAddr, len: u32) -> Result<Self, Errno> {
        if len as usize > 128 {
            return Err(EINVAL);
        }
        let mut bytes = [0; 128];
        let bytes = &mut bytes[..len as usize];
        copy_in(bytes, from)?;
        Self::decode(bytes)
    }

    /// Reads where a message goes; one of no bytes is [`Address::None`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_destination(from: UserAddr, len: u32) -> Result<Self, Errno> {
        if len == 0 { Ok(Self::None) } else { Self::read(from, len) }
    }

    /// Reads it for `bind(2)`, which looks at the length before it looks at the family.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_to_bind(from: UserAddr, len: u32, domain: i32) -> Result<Self, Errno> {
        let (own, least) = match domain {
            AF_INET => (AF_INET, 16),
            AF_INET6 => (AF_INET6, 24),
            _ => return Self::read(from, len),
        };
        if !(least..=128).contains(&len) {
            return Err(EINVAL);
        }
        let mut head = [0; 8];
        copy_in(&mut head, from)?;
        let family = i32::from(u16::from_ne_bytes([head[0], head[1]]));
        // As Linux: no family with the wildcard is IPv4's.
        let is_wildcard = head[4..] == [0; 4];
        match family {
            AF_UNSPEC if own == AF_INET && is_wildcard => Ok(Self::None),
            family if family == own => Self::read(from, len),
            _ => Err(EAFNOSUPPORT),
        }
    }

    /// Writes it to a buffer of the guest whose length is at `len`, where its real length is left. A null buffer
    /// gets nothing.
    ///
    /// # Errors
    /// `EFAULT`, `EINVAL`.
    pub fn write(&self, to: UserAddr, len: UserPtr<i32>) -> Result<(), Errno> {
        if to.is_null() { Ok(()) } else { self.write_to(to, len) }
    }

    /// As [`Self::write`], to a buffer that has to be there.
    ///
    /// # Errors
    /// `EFAULT`, `EINVAL`.
    pub fn write_to(&self, to: UserAddr, len: UserPtr<i32>) -> Result<(), Errno> {
        let room = usize::try_from(len.read()?).map_err(|_| EINVAL)?;
        let bytes = self.encode();
        copy_out(to, &bytes[..bytes.len().min(room)])?;
        len.write(bytes.len() as i32)
    }
}

/// IPv4 where a v6 socket speaks it (`::ffff:1.2.3.4`).
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// As a socket of the family writes it.
pub fn for_family(address: SocketAddr, v6: bool) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if v6 => {
            let ip = if ip.is_unspecified() { Ipv6Addr::UNSPECIFIED } else { ip.to_ipv6_mapped() };
            SocketAddr::new(ip.into(), address.port())
        }
        _ => address,
    }
}

/// The address of an `AF_INET` or `AF_INET6` socket out of what a call named, in canonical form.
///
/// # Errors
/// `EAFNOSUPPORT` for another family.
pub fn inet(address: &Address, v6: bool) -> Result<SocketAddr, Errno> {
    match address {
        Address::Inet(address) if address.is_ipv6() == v6 => Ok(canonical(*address)),
        Address::Inet(_) | Address::Unix(_) | Address::Netlink { .. } | Address::None => Err(EAFNOSUPPORT),
    }
}

/// As [`inet`], for datagrams: a v6 socket sends to v4 addresses, too.
///
/// # Errors
/// As there.
pub fn inet_of_any(address: &Address, v6: bool) -> Result<SocketAddr, Errno> {
    match address {
        Address::Inet(address) if address.is_ipv4() && v6 => Ok(*address),
        address => inet(address, v6),
    }
}

/// Whether it is an address of this machine: loopback or the wildcard.
///
/// # Errors
/// `EADDRNOTAVAIL` otherwise.
pub fn check_local(ip: IpAddr) -> Result<(), Errno> {
    if ip.is_loopback() || ip.is_unspecified() { Ok(()) } else { Err(EADDRNOTAVAIL) }
}

/// The destination that is meant: the wildcard is this machine.
pub fn destination(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
