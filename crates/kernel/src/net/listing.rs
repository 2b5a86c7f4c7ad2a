//! `/proc/net`: the sockets that descriptors refer to, as tools read them.

use super::address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, Address};
use crate::fs::file::OpenFile;
use crate::kernel;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Protocols of `SO_PROTOCOL`.
const TCP: i32 = 6;
const UDP: i32 = 17;
const UDP_LITE: i32 = 136;
/// Lines of TCP, and of UDP and routes, are filled up with blanks to so many columns.
const TCP_COLUMNS: usize = 149;
const UDP_COLUMNS: usize = 127;

/// Sockets by their numbers, each with the user of a process that has it open.
fn sockets(domain: i32, protocol: Option<i32>) -> Vec<(Rc<OpenFile>, u32)> {
    let processes: Vec<_> = kernel().tasks.processes.borrow().values().cloned().collect();
    let mut found: BTreeMap<u64, (Rc<OpenFile>, u32)> = BTreeMap::new();
    for process in processes {
        let uid = process.credentials.borrow().uid[1];
        for (_, descriptor) in process.descriptors().all() {
            let Some(socket) = descriptor.file.object.as_socket() else { continue };
            let nature = socket.nature();
            if nature.domain == domain && protocol.is_none_or(|protocol| nature.protocol == protocol) {
                let inode = socket.inode();
                found.entry(inode).or_insert((descriptor.file, uid));
            }
        }
    }
    found.into_values().collect()
}

fn line(text: &mut String, columns: usize, line: &str) {
    text.push_str(&format!("{line:<columns$}\n"));
}

/// An address as these files write it: words in the processor's order, the port in hexadecimal.
fn shown(address: Option<SocketAddr>, v6: bool) -> String {
    let unspecified: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let address = address.unwrap_or(SocketAddr::new(unspecified, 0));
    let octets = match (address.ip(), v6) {
        (IpAddr::V4(ip), true) => ip.to_ipv6_mapped().octets().to_vec(),
        (IpAddr::V4(ip), false) => ip.octets().to_vec(),
        (IpAddr::V6(ip), _) => ip.octets().to_vec(),
    };
    let words = octets.chunks_exact(4).map(|word| {
        let word = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
        format!("{word:08X}")
    });
    let mut text: String = words.collect();
    text.push_str(&format!(":{:04X}", address.port()));
    text
}

fn inet(address: Result<Address, crate::errno::Errno>) -> Option<SocketAddr> {
    match address {
        Ok(Address::Inet(address)) => Some(address),
        _ => None,
    }
}

/// `tcp` and `tcp6`: the sockets that listen, and connections.
pub fn tcp(v6: bool) -> Vec<u8> {
    let mut text = String::new();
    if v6 {
        line(
            &mut text,
            TCP_COLUMNS,
            "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        );
    } else {
        line(
            &mut text,
            TCP_COLUMNS,
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        );
    }
    let all = sockets(if v6 { AF_INET6 } else { AF_INET }, Some(TCP));
    let mut index = 0;
    for (file, uid) in all {
        let Some(socket) = file.object.as_socket() else { continue };
        let nature = socket.nature();
        // One that is closed, or only bound, is in no table of Linux either.
        if !nature.listening && inet(socket.peer()).is_none() {
            continue;
        }
        let (local, peer) = (shown(inet(socket.local()), v6), shown(inet(socket.peer()), v6));
        let (state, waiting) = (nature.state, socket.available().unwrap_or(0));
        let one = format!(
            "{index:4}: {local} {peer} {state:02X} 00000000:{waiting:08X} 00:00000000 00000000 {uid:5}        0 {} 1 0000000000000000 {}",
            socket.inode(),
            if nature.listening { "100 0 0 10 0" } else { "20 4 0 10 -1" },
        );
        line(&mut text, TCP_COLUMNS, &one);
        index += 1;
    }
    text.into_bytes()
}

fn datagrams(v6: bool, protocol: i32) -> Vec<u8> {
    let mut text = String::new();
    if v6 {
        text.push_str(
            "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n",
        );
    } else {
        line(
            &mut text,
            UDP_COLUMNS,
            "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops",
        );
    }
    let domain = if v6 { AF_INET6 } else { AF_INET };
    for (index, (file, uid)) in sockets(domain, Some(protocol)).into_iter().enumerate() {
        let Some(socket) = file.object.as_socket().filter(|socket| socket.nature().bound) else { continue };
        let peer = inet(socket.peer());
        let (state, waiting) = (if peer.is_some() { 1 } else { 7 }, socket.available().unwrap_or(0));
        let one = format!(
            "{index:5}: {} {} {state:02X} 00000000:{waiting:08X} 00:00000000 00000000 {uid:5}        0 {} 2 0000000000000000 0",
            shown(inet(socket.local()), v6),
            shown(peer, v6),
            socket.inode(),
        );
        line(&mut text, UDP_COLUMNS, &one);
    }
    text.into_bytes()
}

/// `udp` and `udp6`.
pub fn udp(v6: bool) -> Vec<u8> {
    datagrams(v6, UDP)
}

/// `udplite` and `udplite6`.
pub fn udp_lite(v6: bool) -> Vec<u8> {
    datagrams(v6, UDP_LITE)
}

/// `unix`.
pub fn unix() -> Vec<u8> {
    const ACCEPTS: u32 = 0x1_0000;
    const UNCONNECTED: u8 = 1;
    const CONNECTED: u8 = 3;
    let mut text = String::from("Num       RefCount Protocol Flags    Type St Inode Path\n");
    for (file, _) in sockets(AF_UNIX, None) {
        let Some(socket) = file.object.as_socket() else { continue };
        let nature = socket.nature();
        let flags = if nature.listening { ACCEPTS } else { 0 };
        let connected = socket.peer().is_ok();
        let (references, state) = if connected { (3, CONNECTED) } else { (2, UNCONNECTED) };
        text.push_str(&format!(
            "0000000000000000: {references:08X} 00000000 {flags:08X} {:04X} {state:02X} {:5}",
            nature.kind,
            socket.inode(),
        ));
        if let Ok(Address::Unix(path)) = socket.local()
            && !path.is_empty()
        {
            // The zero of an abstract name is shown as this, and so are others in it.
            let shown: Vec<u8> = path.iter().map(|byte| if *byte == 0 { b'@' } else { *byte }).collect();
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(&shown));
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// `netlink`.
pub fn netlink() -> Vec<u8> {
    let mut text =
        String::from("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    for (file, _) in sockets(AF_NETLINK, None) {
        let Some(socket) = file.object.as_socket() else { continue };
        let port = match socket.local() {
            Ok(Address::Netlink { port }) => port,
            _ => 0,
        };
        text.push_str(&format!(
            "0000000000000000 0   {port:<10} 00000000 0        0        0     2        0        {:<8}\n",
            socket.inode(),
        ));
    }
    text.into_bytes()
}

/// `sockstat`.
pub fn statistics() -> Vec<u8> {
    let count = |domain, protocol| sockets(domain, protocol).len();
    let tcp = count(AF_INET, Some(TCP));
    let (udp, lite) = (count(AF_INET, Some(UDP)), count(AF_INET, Some(UDP_LITE)));
    let used: usize = [AF_INET, AF_INET6, AF_UNIX, AF_NETLINK].into_iter().map(|domain| count(domain, None)).sum();
    format!(
        "sockets: used {used}\nTCP: inuse {tcp} orphan 0 tw 0 alloc {tcp} mem 0\nUDP: inuse {udp} mem 0\nUDPLITE: inuse {lite}\n\
         RAW: inuse 0\nFRAG: inuse 0 memory 0\n"
    )
    .into_bytes()
}

/// `sockstat6`.
pub fn statistics6() -> Vec<u8> {
    let count = |protocol| sockets(AF_INET6, Some(protocol)).len();
    let (tcp, udp, lite) = (count(TCP), count(UDP), count(UDP_LITE));
    format!("TCP6: inuse {tcp}\nUDP6: inuse {udp}\nUDPLITE6: inuse {lite}\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n")
        .into_bytes()
}

/// `route`: there is no way out.
pub fn route() -> Vec<u8> {
    let mut text = String::new();
    line(&mut text, UDP_COLUMNS, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    text.into_bytes()
}
