//! Datagrams with descriptors over `SOCK_SEQPACKET`, never blocking.

use abi::control::{MAX_DESCRIPTORS, MAX_MESSAGE};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use std::cell::RefCell;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// A received datagram.
#[derive(Debug)]
pub(crate) enum Received {
    /// A whole message with the descriptors that came along.
    Message(Vec<u8>, Vec<OwnedFd>),
    /// Longer than a message may be, or more descriptors than may come: all of it is gone.
    Oversized,
    /// The other side is closed.
    Closed,
    /// Nothing there.
    Nothing,
}

/// A pair of connected sockets for one sandbox: ours and theirs.
pub(crate) fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// Sends one message at once or not at all ([`Errno::AGAIN`] when the other side does not read).
pub(crate) fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::TOOMANYREFS);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, flags) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(sent) if sent == bytes.len() => return Ok(()),
            Ok(_) => return Err(Errno::MSGSIZE),
        }
    }
}

/// Receives what is there.
pub(crate) fn receive(socket: impl AsFd) -> rustix::io::Result<Received> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_MESSAGE]);
    }
    BUFFER.with_borrow_mut(|buffer| {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let message = loop {
            match rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut control, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::CONNRESET | Errno::PIPE) => return Ok(Received::Closed),
                Err(errno) => return Err(errno),
                Ok(message) => break message,
            }
        };
        let mut fds = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = part {
                fds.extend(rights);
            }
        }
        if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Ok(Received::Oversized);
        }
        match buffer.get(..message.bytes) {
            // A datagram of no bytes looks like the end, and no message is empty.
            None | Some([]) => Ok(Received::Closed),
            Some(bytes) => Ok(Received::Message(bytes.to_vec(), fds)),
        }
    })
}

/// Receives, waiting until the deadline.
pub(crate) fn receive_by(socket: impl AsFd, deadline: Instant) -> rustix::io::Result<Received> {
    loop {
        match receive(&socket)? {
            Received::Nothing if wait_readable(&[socket.as_fd()], Some(deadline))? => {}
            other => return Ok(other),
        }
    }
}

/// Waits until one of the descriptors is readable or closed; `false` at the deadline.
pub(crate) fn wait_readable(fds: &[BorrowedFd<'_>], deadline: Option<Instant>) -> rustix::io::Result<bool> {
    wait(fds, PollFlags::IN, deadline)
}

/// Waits until the socket takes a message or is closed; `false` at the deadline.
pub(crate) fn wait_writable(socket: BorrowedFd<'_>, deadline: Instant) -> rustix::io::Result<bool> {
    wait(&[socket], PollFlags::OUT, Some(deadline))
}

fn wait(fds: &[BorrowedFd<'_>], events: PollFlags, deadline: Option<Instant>) -> rustix::io::Result<bool> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.map(timespec);
        let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, events)).collect();
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(0) if left.is_some_and(|left| left.is_zero()) => return Ok(false),
            Ok(0) => {}
            Ok(_) => return Ok(true),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_travel_and_the_end_is_seen() {
        let (ours, theirs) = pair().expect("pair");
        send(&ours, b"hello", &[ours.as_fd(), theirs.as_fd()]).expect("send");
        match receive(&theirs).expect("receive") {
            Received::Message(bytes, fds) => assert_eq!((bytes.as_slice(), fds.len()), (&b"hello"[..], 2)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(receive(&theirs), Ok(Received::Nothing)));
        drop(ours);
        assert!(matches!(receive(&theirs), Ok(Received::Closed)));
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_whole() {
        let (ours, theirs) = pair().expect("pair");
        rustix::net::send(&ours, &vec![1; MAX_MESSAGE + 1], SendFlags::empty()).expect("send");
        assert!(matches!(receive(&theirs), Ok(Received::Oversized)));
        assert!(matches!(receive(&theirs), Ok(Received::Nothing)));
    }

    #[test]
    fn sending_never_blocks() {
        let (ours, _theirs) = pair().expect("pair");
        let errno = loop {
            if let Err(errno) = send(&ours, &[0; 4096], &[]) {
                break errno;
            }
        };
        assert_eq!(errno, Errno::AGAIN);
    }
}
