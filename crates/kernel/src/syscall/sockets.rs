//! Sockets.

use super::arguments::Fd;
use super::{Context, Outcome, Stop};
use crate::errno::{
    EAFNOSUPPORT, EAGAIN, EBADF, EFAULT, EINVAL, EISCONN, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, Errno,
};
use crate::fs::file::{File, OpenFile, OpenFlags};
use crate::net::address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, Address};
use crate::net::netlink::NetlinkSocket;
use crate::net::options::{self, IPV6, SOL_SOCKET, ipv6};
use crate::net::ports::Protocol;
use crate::net::socket::{
    Ancillary, Credentials, Incoming, MessageFlags, Outgoing, SOCK_STREAM, Shutdown, raise_broken_pipe, socket_of,
};
use crate::net::tcp::TcpSocket;
use crate::net::udp::UdpSocket;
use crate::net::unix::{Kind, UnixSocket};
use crate::user_memory::{UserAddr, UserBuffers, UserPtr, bytes_of, copy_in, copy_out};
use crate::wait::{Progress, WaitFor};
use alloc::rc::Rc;
use alloc::vec::Vec;

const SOCK_DGRAM: i32 = 2;
const SOCK_RAW: i32 = 3;
const SOCK_SEQPACKET: i32 = 5;
/// `SOCK_TYPE_MASK`: the rest are flags.
const TYPE_MASK: i32 = 0xf;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_UDP: i32 = 17;
const IPPROTO_UDPLITE: i32 = 136;
/// No protocol has this number or a higher one.
const IPPROTO_MAX: i32 = 263;

fn split_flags(kind: i32) -> Result<(i32, OpenFlags), Errno> {
    let flags = OpenFlags::from_bits((kind & !TYPE_MASK) as u32).ok_or(EINVAL)?;
    if !(OpenFlags::CLOEXEC | OpenFlags::NONBLOCK).contains(flags) {
        return Err(EINVAL);
    }
    Ok((kind & TYPE_MASK, flags))
}

fn open(context: &Context<'_>, socket: Rc<dyn File>, flags: OpenFlags) -> Result<Fd, Errno> {
    let file = OpenFile::new(socket, OpenFlags::RDWR | (flags & OpenFlags::NONBLOCK));
    context.process().descriptors().add(file, flags.contains(OpenFlags::CLOEXEC))
}

fn file_of(context: &Context<'_>, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) { Err(EBADF) } else { Ok(file) }
}

/// `socket(2)`.
pub fn socket(context: &mut Context<'_>, domain: i32, kind: i32, protocol: i32) -> Outcome {
    let (kind, flags) = split_flags(kind)?;
    if matches!(domain, AF_INET | AF_INET6) && !(0..IPPROTO_MAX).contains(&protocol) {
        return Err(EINVAL.into());
    }
    let socket: Rc<dyn File> = match (domain, kind, protocol) {
        (AF_INET | AF_INET6, SOCK_STREAM, 0 | IPPROTO_TCP) => TcpSocket::new(domain == AF_INET6),
        (AF_INET | AF_INET6, SOCK_DGRAM, 0 | IPPROTO_UDP) => UdpSocket::new(domain == AF_INET6, Protocol::Udp),
        (AF_INET | AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE) => UdpSocket::new(domain == AF_INET6, Protocol::UdpLite),
        (AF_NETLINK, SOCK_RAW | SOCK_DGRAM, 0) => NetlinkSocket::new(kind),
        (AF_UNIX, kind, 0 | AF_UNIX) => UnixSocket::new(unix_kind(kind)?),
        (AF_UNIX, ..) => return Err(EPROTONOSUPPORT.into()),
        (AF_INET | AF_INET6, SOCK_RAW, _) => return Err(crate::errno::EPERM.into()),
        (AF_INET | AF_INET6, SOCK_STREAM | SOCK_DGRAM, _) => return Err(EPROTONOSUPPORT.into()),
        (AF_INET | AF_INET6, ..) => return Err(ESOCKTNOSUPPORT.into()),
        (domain, ..) => {
            crate::kernel().note_unsupported(&alloc::format!("socket domain {domain}"));
            return Err(EAFNOSUPPORT.into());
        }
    };
    Ok(open(context, socket, flags)?.0 as usize)
}

fn unix_kind(kind: i32) -> Result<Kind, Errno> {
    match kind {
        SOCK_STREAM => Ok(Kind::Stream),
        SOCK_DGRAM | SOCK_RAW => Ok(Kind::Datagram),
        SOCK_SEQPACKET => Ok(Kind::Packets),
        _ => Err(ESOCKTNOSUPPORT),
    }
}

/// `bind(2)`.
pub fn bind(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: u32) -> Outcome {
    let file = file_of(context, fd)?;
    let socket = socket_of(&file)?;
    socket.bind(&Address::read_to_bind(address, len, socket.nature().domain)?)?;
    Ok(0)
}

/// Bytes of a `struct sockaddr_storage`.
const MOST_ADDRESS: u32 = 128;

/// `connect(2)`.
pub fn connect(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: u32) -> Outcome {
    let file = file_of(context, fd)?;
    let address = Address::read(address, len);
    if file.object.as_socket().is_none()
        && let Err(errno @ (EINVAL | EFAULT)) = address
        && (errno == EFAULT || len > MOST_ADDRESS)
    {
        return Err(errno.into());
    }
    let socket = socket_of(&file)?;
    let address = match address {
        // As Linux: a connected socket looks at the address no more.
        Err(EINVAL) if len >= 2 && socket.peer().is_ok() => return Err(EISCONN.into()),
        address => address?,
    };
    socket.connect(context, &file, &address)
}

/// `listen(2)`.
pub fn listen(context: &mut Context<'_>, fd: Fd, backlog: i32) -> Outcome {
    let file = file_of(context, fd)?;
    socket_of(&file)?.listen(backlog)?;
    Ok(0)
}

/// `accept(2)`.
pub fn accept(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: UserPtr<i32>) -> Outcome {
    accept4(context, fd, address, len, 0)
}

/// `accept4(2)`.
pub fn accept4(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: UserPtr<i32>, flags: i32) -> Outcome {
    let file = file_of(context, fd)?;
    let (kind, flags) = split_flags(flags)?;
    if kind != 0 {
        return Err(EINVAL.into());
    }
    let socket = socket_of(&file)?;
    if context.timed_out() {
        return Err(EAGAIN.into());
    }
    let descriptors = context.process().descriptors();
    // Without a number to give out the connection stays where it is.
    let new = descriptors.add(file.clone(), flags.contains(OpenFlags::CLOEXEC))?;
    let accepted = socket.accept(&file).inspect_err(|_| drop(descriptors.remove(new)))?;
    let opened = OpenFile::new(accepted.socket, OpenFlags::RDWR | (flags & OpenFlags::NONBLOCK));
    descriptors.put(new, opened, flags.contains(OpenFlags::CLOEXEC))?;
    if let Err(errno) = accepted.peer.write(address, len) {
        drop(descriptors.remove(new));
        return Err(errno.into());
    }
    Ok(new.0 as usize)
}

/// `shutdown(2)`.
pub fn shutdown(context: &mut Context<'_>, fd: Fd, how: i32) -> Outcome {
    let file = file_of(context, fd)?;
    let socket = socket_of(&file)?;
    if !(0..=2).contains(&how) {
        return Err(EINVAL.into());
    }
    socket.shutdown(Shutdown { read: how != 1, write: how != 0 })?;
    Ok(0)
}

/// `getsockname(2)`.
pub fn getsockname(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: UserPtr<i32>) -> Outcome {
    let file = file_of(context, fd)?;
    socket_of(&file)?.local()?.write_to(address, len)?;
    Ok(0)
}

/// `getpeername(2)`.
pub fn getpeername(context: &mut Context<'_>, fd: Fd, address: UserAddr, len: UserPtr<i32>) -> Outcome {
    let file = file_of(context, fd)?;
    socket_of(&file)?.peer()?.write_to(address, len)?;
    Ok(0)
}

/// `setsockopt(2)`.
pub fn setsockopt(context: &mut Context<'_>, fd: Fd, level: i32, name: i32, value: UserAddr, len: i32) -> Outcome {
    let file = file_of(context, fd)?;
    let socket = socket_of(&file)?;
    let len = u32::try_from(len).map_err(|_| EINVAL)?;
    let answer = socket.options().set(level, name, value, len, socket.nature());
    if answer == Err(ENOPROTOOPT) {
        crate::kernel().note_unsupported(&alloc::format!("socket option {level}:{name}"));
    }
    answer?;
    Ok(0)
}

/// `getsockopt(2)`.
pub fn getsockopt(
    context: &mut Context<'_>,
    fd: Fd,
    level: i32,
    name: i32,
    value: UserAddr,
    len: UserPtr<i32>,
) -> Outcome {
    let file = file_of(context, fd)?;
    let socket = socket_of(&file)?;
    let bytes = match (level, name) {
        (SOL_SOCKET, options::socket::ERROR) => {
            let errno = socket.take_error().map_or(0, |errno| i32::from(errno.0));
            errno.to_ne_bytes().to_vec()
        }
        (SOL_SOCKET, options::socket::PEERCRED) => {
            let none = Credentials { pid: 0, uid: u32::MAX, gid: u32::MAX };
            let peer = socket.peer_credentials().unwrap_or(none);
            bytes_of(&peer.words()).to_vec()
        }
        _ => socket.options().get(level, name, socket.nature())?,
    };
    options::write(&bytes, value, len)?;
    Ok(0)
}

/// Adds what a continued call had moved before, and answers a time-out.
fn continued(context: &Context<'_>, outcome: Outcome) -> Outcome {
    let before = context.bytes_done();
    match outcome {
        Ok(now) => Ok(before + now),
        Err(Stop::Wait(mut wait, rule)) => {
            if let Progress::Bytes(now) = wait.progress {
                wait.progress = Progress::Bytes(before + now);
            }
            Err(Stop::Wait(wait, rule))
        }
        Err(Stop::Errno(_)) if before > 0 => Ok(before),
        Err(stop) => Err(stop),
    }
}

/// A call whose wait ran out of time: what was moved, or `EAGAIN`.
fn out_of_time(context: &Context<'_>) -> Option<Outcome> {
    context.timed_out().then(|| match context.bytes_done() {
        0 => Err(EAGAIN.into()),
        done => Ok(done),
    })
}

/// `sendto(2)`.
pub fn sendto(
    context: &mut Context<'_>,
    fd: Fd,
    buffer: UserAddr,
    len: usize,
    flags: u32,
    address: UserAddr,
    address_len: u32,
) -> Outcome {
    let buffers = UserBuffers::one(buffer, len)?;
    let file = file_of(context, fd)?;
    socket_of(&file)?;
    let to = if address.is_null() { None } else { Some(Address::read_destination(address, address_len)?) };
    let message = Message { buffers, to, ancillary: Ancillary::default() };
    send(context, &file, message, MessageFlags::from_bits_truncate(flags))
}

/// What `sendmsg` sends, decoded.
struct Message {
    buffers: UserBuffers,
    to: Option<Address>,
    ancillary: Ancillary,
}

fn send(context: &Context<'_>, file: &Rc<OpenFile>, mut message: Message, flags: MessageFlags) -> Outcome {
    let socket = socket_of(file)?;
    if let Some(outcome) = out_of_time(context) {
        return outcome;
    }
    let before = context.bytes_done();
    if before > 0 {
        // What goes along went with the first bytes.
        message.ancillary = Ancillary::default();
        message.buffers.skip(before);
    }
    let mut outgoing = Outgoing { source: &mut message.buffers, to: message.to, ancillary: message.ancillary, flags };
    let outcome = socket.send(file, &mut outgoing);
    if before > 0 {
        return continued(context, outcome);
    }
    raise_broken_pipe(socket, outcome, flags)
}

/// `recvfrom(2)`.
pub fn recvfrom(
    context: &mut Context<'_>,
    fd: Fd,
    buffer: UserAddr,
    len: usize,
    flags: u32,
    address: UserAddr,
    address_len: UserPtr<i32>,
) -> Outcome {
    let mut buffers = UserBuffers::one(buffer, len)?;
    let file = file_of(context, fd)?;
    let flags = MessageFlags::from_bits_truncate(flags);
    let received = receive(context, &file, &mut buffers, flags)?;
    if let Some(from) = &received.from {
        from.write(address, address_len)?;
    } else if !address.is_null() {
        address_len.write(0)?;
    }
    Ok(received.answer)
}

/// What was received.
struct Received {
    answer: usize,
    from: Option<Address>,
    ancillary: Ancillary,
    told: MessageFlags,
}

fn receive(
    context: &Context<'_>,
    file: &Rc<OpenFile>,
    buffers: &mut UserBuffers,
    flags: MessageFlags,
) -> Result<Received, Stop> {
    let socket = socket_of(file)?;
    let nothing =
        |answer| Received { answer, from: None, ancillary: Ancillary::default(), told: MessageFlags::empty() };
    if let Some(outcome) = out_of_time(context) {
        return outcome.map(nothing);
    }
    buffers.skip(context.bytes_done());
    let mut incoming = Incoming::new(buffers, flags);
    let outcome = socket.receive(file, &mut incoming);
    let (from, ancillary, told) = (incoming.from, incoming.ancillary, incoming.told);
    let answer = continued(context, outcome)?;
    let answer = if flags.contains(MessageFlags::TRUNC) { answer.max(incoming.whole) } else { answer };
    Ok(Received { answer, from, ancillary, told })
}

/// `struct msghdr`.
struct Header {
    address: UserPtr<[u64; 7]>,
    words: [u64; 7],
}

impl Header {
    fn read(address: UserPtr<[u64; 7]>) -> Result<Self, Errno> {
        Ok(Self { address, words: address.read()? })
    }

    fn name(&self) -> UserAddr {
        UserAddr(self.words[0])
    }

    fn name_len(&self) -> u32 {
        self.words[1] as u32
    }

    fn buffers(&self) -> Result<UserBuffers, Errno> {
        let count = usize::try_from(self.words[3]).map_err(|_| EMSGSIZE)?;
        if count > 1024 {
            return Err(EMSGSIZE);
        }
        UserBuffers::vector(UserPtr::new(self.words[2]), count)
    }

    fn control(&self) -> (UserAddr, usize) {
        (UserAddr(self.words[4]), self.words[5] as usize)
    }

    /// What a receive leaves in it: lengths of name and control data, and flags.
    fn finish(&self, name_len: usize, control_len: usize, flags: MessageFlags) -> Result<(), Errno> {
        let at = self.address.address();
        UserPtr::<u32>::new(at.add(8).0).write(name_len as u32)?;
        UserPtr::<u64>::new(at.add(40).0).write(control_len as u64)?;
        UserPtr::<u32>::new(at.add(48).0).write(flags.bits())
    }
}

const SCM_RIGHTS: u32 = 1;
const SCM_CREDENTIALS: u32 = 2;
/// Most descriptors in a message.
const SCM_MAX_FD: usize = 253;
/// Bytes of a `struct cmsghdr`.
const CONTROL_HEADER: usize = 16;

/// A number from 0 to 255; -1 stands for the default.
fn in_a_byte(data: &[u8], value: i32) -> Result<Option<u8>, Errno> {
    match value {
        _ if data.len() < 4 => Err(EINVAL),
        -1 => Ok(None),
        value => u8::try_from(value).map(Some).map_err(|_| EINVAL),
    }
}

/// What goes along with a message, out of its control data.
fn read_control(context: &Context<'_>, (at, len): (UserAddr, usize)) -> Result<Ancillary, Errno> {
    let mut ancillary = Ancillary::default();
    if len == 0 || at.is_null() {
        return Ok(ancillary);
    }
    if len > 64 << 10 {
        return Err(crate::errno::ENOBUFS);
    }
    let mut bytes = alloc::vec![0; len];
    copy_in(&mut bytes, at)?;
    let descriptors = context.process().descriptors();
    let word = |bytes: &[u8]| bytes.first_chunk::<4>().map_or(0, |word| u32::from_ne_bytes(*word));
    let mut rest = &bytes[..];
    while rest.len() >= CONTROL_HEADER {
        let length = word(rest) as usize;
        if length < CONTROL_HEADER || length > rest.len() {
            return Err(EINVAL);
        }
        let data = &rest[CONTROL_HEADER..length];
        let (level, kind) = (word(&rest[8..]) as i32, word(&rest[12..]));
        if level == IPV6 {
            let value = word(data) as i32;
            match kind as i32 {
                ipv6::HOPLIMIT => ancillary.hop_limit = in_a_byte(data, value)?,
                ipv6::TCLASS => ancillary.traffic_class = in_a_byte(data, value)?,
                _ => return Err(EINVAL),
            }
        }
        if level == SOL_SOCKET {
            match kind {
                SCM_RIGHTS => {
                    for fd in data.chunks_exact(4) {
                        ancillary.rights.push(descriptors.get(Fd(word(fd) as i32))?);
                    }
                    if ancillary.rights.len() > SCM_MAX_FD {
                        return Err(EINVAL);
                    }
                }
                SCM_CREDENTIALS if data.len() >= 12 => {
                    // Whatever the guest claims, the credentials are its own: it is its own root.
                    ancillary.credentials = Some(Credentials::current());
                }
                _ => return Err(EINVAL),
            }
        }
        rest = &rest[length.next_multiple_of(8).min(rest.len())..];
    }
    Ok(ancillary)
}

/// A `struct cmsghdr`.
fn header(len: usize, level: i32, kind: i32) -> Vec<u8> {
    let mut header = Vec::from((len as u64).to_ne_bytes());
    header.extend_from_slice(&level.to_ne_bytes());
    header.extend_from_slice(&kind.to_ne_bytes());
    header
}

/// Writes what came along; answers its length and whether something had no room.
fn write_control(
    context: &Context<'_>,
    (at, room): (UserAddr, usize),
    ancillary: Ancillary,
    flags: MessageFlags,
) -> Result<(usize, MessageFlags), Errno> {
    let room = if at.is_null() { 0 } else { room };
    let mut bytes: Vec<u8> = Vec::new();
    let mut told = MessageFlags::empty();
    let credentials = ancillary.credentials.map(Credentials::words);
    let credentials = credentials.as_ref().map(|words| (SOL_SOCKET, SCM_CREDENTIALS as i32, bytes_of(words).to_vec()));
    let told_besides = ancillary.told.into_iter().map(|message| (message.level, message.kind, message.data));
    for (level, kind, data) in credentials.into_iter().chain(told_besides) {
        // As Linux: what has no room is cut, even in its middle.
        let len = (CONTROL_HEADER + data.len()).min(room - bytes.len());
        told.set(MessageFlags::CTRUNC, told.contains(MessageFlags::CTRUNC) || len < CONTROL_HEADER + data.len());
        if len < CONTROL_HEADER {
            continue;
        }
        bytes.extend(header(len, level, kind));
        bytes.extend_from_slice(&data[..len - CONTROL_HEADER]);
        let padded = bytes.len().next_multiple_of(8).min(room);
        bytes.resize(padded, 0);
    }
    if !ancillary.rights.is_empty() {
        let place = room.saturating_sub(bytes.len() + CONTROL_HEADER) / 4;
        let descriptors = context.process().descriptors();
        let close_on_exec = flags.contains(MessageFlags::CMSG_CLOEXEC);
        let all = ancillary.rights.len();
        let mut given = Vec::new();
        for file in ancillary.rights.into_iter().take(place) {
            let Ok(fd) = descriptors.add(file, close_on_exec) else { break };
            given.push(fd);
        }
        if given.len() < all {
            told |= MessageFlags::CTRUNC;
        }
        if !given.is_empty() {
            bytes.extend(header(CONTROL_HEADER + 4 * given.len(), SOL_SOCKET, SCM_RIGHTS as i32));
            bytes.extend(given.iter().flat_map(|fd| fd.0.to_ne_bytes()));
            let padded = bytes.len().next_multiple_of(8).min(room);
            bytes.resize(padded.max(bytes.len()), 0);
        }
    }
    copy_out(at, &bytes)?;
    Ok((bytes.len(), told))
}

/// `MSG_CMSG_COMPAT` is the kernel's own.
fn check_message_flags(flags: u32) -> Result<(), Errno> {
    const CMSG_COMPAT: u32 = 0x8000_0000;
    if flags & CMSG_COMPAT != 0 { Err(EINVAL) } else { Ok(()) }
}

/// `sendmsg(2)`.
pub fn sendmsg(context: &mut Context<'_>, fd: Fd, header: UserPtr<[u64; 7]>, flags: u32) -> Outcome {
    check_message_flags(flags)?;
    let file = file_of(context, fd)?;
    socket_of(&file)?;
    send_header(context, &file, &Header::read(header)?, MessageFlags::from_bits_truncate(flags))
}

fn send_header(context: &Context<'_>, file: &Rc<OpenFile>, header: &Header, flags: MessageFlags) -> Outcome {
    let to = if header.name().is_null() || header.name_len() == 0 {
        None
    } else {
        Some(Address::read(header.name(), header.name_len())?)
    };
    let ancillary = read_control(context, header.control())?;
    send(context, file, Message { buffers: header.buffers()?, to, ancillary }, flags)
}

/// `recvmsg(2)`.
pub fn recvmsg(context: &mut Context<'_>, fd: Fd, header: UserPtr<[u64; 7]>, flags: u32) -> Outcome {
    check_message_flags(flags)?;
    let file = file_of(context, fd)?;
    socket_of(&file)?;
    receive_header(context, &file, &Header::read(header)?, MessageFlags::from_bits_truncate(flags))
}

fn receive_header(context: &Context<'_>, file: &Rc<OpenFile>, header: &Header, flags: MessageFlags) -> Outcome {
    let mut buffers = header.buffers()?;
    let received = receive(context, file, &mut buffers, flags)?;
    let mut name_len = 0;
    if let Some(from) = &received.from
        && !header.name().is_null()
    {
        let bytes = from.encode();
        copy_out(header.name(), &bytes[..bytes.len().min(header.name_len() as usize)])?;
        name_len = bytes.len();
    }
    let (control_len, truncated) = write_control(context, header.control(), received.ancillary, flags)?;
    header.finish(name_len, control_len, received.told | truncated | (flags & MessageFlags::CMSG_CLOEXEC))?;
    Ok(received.answer)
}

/// Bytes of a `struct mmsghdr`: a header and the length of the message.
const MULTIPLE: u64 = 64;
/// Most messages in one call.
const MOST_MESSAGES: u32 = 1024;

/// Moves the messages of an array of `struct mmsghdr` and stores the length of each. The call waits for each of them,
/// with `MSG_WAITFORONE` only for the first.
fn each_message(
    context: &mut Context<'_>,
    headers: UserAddr,
    (count, flags): (u32, u32),
    timeout_ns: Option<u64>,
    mut transfer: impl FnMut(&Context<'_>, &Header, MessageFlags) -> Outcome,
) -> Outcome {
    let flags = MessageFlags::from_bits_truncate(flags);
    let (deadline, done, timed_out) = (context.deadline(timeout_ns), context.bytes_done(), context.timed_out());
    if timed_out {
        return if done > 0 { Ok(done) } else { Err(EAGAIN.into()) };
    }
    // How far the call had come is not how far a message of it had come.
    context.resumed = None;
    let count = count.min(MOST_MESSAGES) as usize;
    for index in done..count {
        let at = headers.add(index as u64 * MULTIPLE);
        let once = index > 0 && flags.contains(MessageFlags::WAITFORONE);
        let later = if once { MessageFlags::DONTWAIT } else { MessageFlags::empty() };
        let moved = Header::read(UserPtr::new(at.0))
            .map_err(Stop::from)
            .and_then(|header| transfer(context, &header, flags | later));
        let moved = match moved {
            // A part of a stream went: that is what this message moved.
            Err(Stop::Wait(WaitFor { progress: Progress::Bytes(part @ 1..), .. }, _)) => part,
            Err(Stop::Wait(wait, rule)) => {
                let progress = deadline.map_or(Progress::Bytes(index), |at| Progress::BytesUntil(index, at));
                return Err(Stop::Wait(wait.progress(progress), rule));
            }
            Err(_) if index > 0 => return Ok(index),
            moved => moved?,
        };
        match UserPtr::<u32>::new(at.add(56).0).write(moved as u32) {
            Err(errno) if index == 0 => return Err(errno.into()),
            Err(_) => return Ok(index),
            // As Linux: the time is looked at after a message, it ends no wait.
            Ok(()) if deadline.is_some_and(|deadline| crate::time::monotonic_ns() >= deadline) => return Ok(index + 1),
            Ok(()) => {}
        }
    }
    Ok(count)
}

/// `sendmmsg(2)`.
pub fn sendmmsg(context: &mut Context<'_>, fd: Fd, headers: UserAddr, count: u32, flags: u32) -> Outcome {
    check_message_flags(flags)?;
    let file = file_of(context, fd)?;
    socket_of(&file)?;
    each_message(context, headers, (count, flags), None, |context, header, flags| {
        send_header(context, &file, header, flags)
    })
}

/// `recvmmsg(2)`.
pub fn recvmmsg(
    context: &mut Context<'_>,
    fd: Fd,
    headers: UserAddr,
    count: u32,
    flags: u32,
    timeout: UserPtr<[i64; 2]>,
) -> Outcome {
    check_message_flags(flags)?;
    let timeout_ns = timeout.non_null().map(UserPtr::read).transpose()?.map(super::events::nanoseconds).transpose()?;
    let file = file_of(context, fd)?;
    socket_of(&file)?;
    let deadline = context.deadline(timeout_ns);
    let received = each_message(context, headers, (count, flags), timeout_ns, |context, header, flags| {
        receive_header(context, &file, header, flags)
    })?;
    if let Some(deadline) = deadline {
        let left = deadline.saturating_sub(crate::time::monotonic_ns()).cast_signed();
        timeout.write([left / 1_000_000_000, left % 1_000_000_000])?;
    }
    Ok(received)
}

/// `socketpair(2)`.
pub fn socketpair(
    context: &mut Context<'_>,
    domain: i32,
    kind: i32,
    protocol: i32,
    pair: UserPtr<[i32; 2]>,
) -> Outcome {
    let (kind, flags) = split_flags(kind)?;
    // Linux writes the numbers before it looks at the rest.
    pair.write(pair.read()?)?;
    match (domain, protocol) {
        (AF_UNIX, 0 | AF_UNIX) => {}
        (AF_UNIX, _) => return Err(EPROTONOSUPPORT.into()),
        (AF_INET | AF_INET6, _) => return Err(EOPNOTSUPP.into()),
        _ => return Err(EAFNOSUPPORT.into()),
    }
    let [one, other] = UnixSocket::pair(unix_kind(kind)?);
    let descriptors = context.process().descriptors();
    let one = open(context, one, flags)?;
    let written = open(context, other, flags)
        .and_then(|other| pair.write([one.0, other.0]).inspect_err(|_| drop(descriptors.remove(other))));
    if let Err(errno) = written {
        drop(descriptors.remove(one));
        return Err(errno.into());
    }
    Ok(0)
}
