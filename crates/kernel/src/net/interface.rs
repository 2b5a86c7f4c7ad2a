//! `ioctl(2)` of sockets, and the one network interface: `lo` (`netdevice(7)`).

use super::address::Address;
use super::socket::Socket;
use crate::errno::{EADDRNOTAVAIL, EINVAL, ENODEV, ENOTTY, Errno};
use crate::syscall::{Context, Outcome};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use core::net::{Ipv4Addr, SocketAddr};

const FIONREAD: u32 = 0x541b;
const TIOCOUTQ: u32 = 0x5411;
const SIOCATMARK: u32 = 0x8905;
const SIOCGIFNAME: u32 = 0x8910;
const SIOCGIFCONF: u32 = 0x8912;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCGIFADDR: u32 = 0x8915;
const SIOCGIFBRDADDR: u32 = 0x8919;
const SIOCGIFNETMASK: u32 = 0x891b;
const SIOCGIFMETRIC: u32 = 0x891d;
const SIOCGIFMTU: u32 = 0x8921;
const SIOCGIFHWADDR: u32 = 0x8927;
const SIOCGIFINDEX: u32 = 0x8933;
const SIOCGIFTXQLEN: u32 = 0x8942;

/// `struct ifreq`: 16 bytes of name, 24 of value.
const REQUEST: usize = 40;
const LOOPBACK: &[u8] = b"lo";
/// `IFF_UP | IFF_LOOPBACK | IFF_RUNNING`.
const FLAGS: u16 = 0x1 | 0x8 | 0x40;
const ARPHRD_LOOPBACK: u16 = 772;

/// An `ioctl` of a socket.
pub fn ioctl(_context: &Context<'_>, socket: &dyn Socket, request: u32, argument: UserAddr) -> Outcome {
    match request {
        FIONREAD => UserPtr::<u32>::new(argument.0).write(socket.available()?.min(i32::MAX as usize) as u32)?,
        TIOCOUTQ | SIOCATMARK => UserPtr::<u32>::new(argument.0).write(0)?,
        SIOCGIFCONF => configuration(argument)?,
        SIOCGIFNAME..=SIOCGIFTXQLEN => interface(request, argument)?,
        _ => return Err(ENOTTY.into()),
    }
    Ok(0)
}

fn address(ip: Ipv4Addr) -> alloc::vec::Vec<u8> {
    Address::Inet(SocketAddr::new(ip.into(), 0)).encode()
}

/// `struct ifconf`: room and address of an array of requests.
fn configuration(argument: UserAddr) -> Result<(), Errno> {
    let (len, array) = (UserPtr::<i32>::new(argument.0), UserPtr::<u64>::new(argument.0.saturating_add(8)));
    let room = len.read()?;
    let array = UserAddr(array.read()?);
    if !array.is_null() {
        if room < REQUEST as i32 {
            return len.write(0);
        }
        let mut entry = [0; REQUEST];
        entry[..LOOPBACK.len()].copy_from_slice(LOOPBACK);
        entry[16..32].copy_from_slice(&address(Ipv4Addr::LOCALHOST));
        copy_out(array, &entry)?;
    }
    len.write(REQUEST as i32)
}

fn interface(request: u32, argument: UserAddr) -> Result<(), Errno> {
    let mut entry = [0; REQUEST];
    copy_in(&mut entry, argument)?;
    let (name, value) = entry.split_at_mut(16);
    if request == SIOCGIFNAME {
        if value[..4] != 1u32.to_ne_bytes() {
            return Err(ENODEV);
        }
        name[..3].copy_from_slice(b"lo\0");
        return copy_out(argument, &entry);
    }
    if !name.starts_with(b"lo\0") {
        return Err(ENODEV);
    }
    value.fill(0);
    match request {
        SIOCGIFFLAGS => value[..2].copy_from_slice(&FLAGS.to_ne_bytes()),
        SIOCGIFADDR => value[..16].copy_from_slice(&address(Ipv4Addr::LOCALHOST)),
        SIOCGIFNETMASK => value[..16].copy_from_slice(&address(Ipv4Addr::new(255, 0, 0, 0))),
        SIOCGIFBRDADDR => return Err(EADDRNOTAVAIL),
        SIOCGIFMETRIC => {}
        SIOCGIFMTU => value[..4].copy_from_slice(&65536u32.to_ne_bytes()),
        SIOCGIFHWADDR => value[..2].copy_from_slice(&ARPHRD_LOOPBACK.to_ne_bytes()),
        SIOCGIFINDEX => value[..4].copy_from_slice(&1u32.to_ne_bytes()),
        SIOCGIFTXQLEN => value[..4].copy_from_slice(&1000u32.to_ne_bytes()),
        _ => return Err(EINVAL),
    }
    copy_out(argument, &entry)
}
