//! The channel to a process that clones sandboxes: the nursery, or a template.
//!
//! A request is one datagram; the replies come in the order of the requests. Who asked may read its reply
//! later ([`Parent::collect`]): on the boot path only the request is sent.

use crate::error::{Error, Result, at};
use crate::wire::{self, Received};
use abi::control::FromParent;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a reply, or room for a request, is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One end of a control socket whose other end clones.
#[derive(Debug)]
pub(crate) struct Parent {
    who: &'static str,
    socket: OwnedFd,
    /// Requests so far; held while one is sent, so that tickets have the order of the requests.
    sent: Mutex<u64>,
    /// Held while a reply is waited for, which must not keep others from asking.
    replies: Mutex<Replies>,
    /// Why the channel can't be used any more.
    broken: OnceLock<String>,
}

#[derive(Debug, Default)]
struct Replies {
    received: u64,
    /// Replies that came while another one was waited for.
    arrived: BTreeMap<u64, Reply>,
}

type Reply = std::result::Result<OwnedFd, Errno>;

/// A request whose reply has not been read.
#[derive(Debug)]
pub(crate) struct Ticket(u64);

impl Parent {
    pub(crate) fn new(who: &'static str, socket: OwnedFd) -> Self {
        Self { who, socket, sent: Mutex::default(), replies: Mutex::default(), broken: OnceLock::new() }
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn sent(&self) -> MutexGuard<'_, u64> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intact(&self) -> Result<()> {
        match self.broken.get() {
            None => Ok(()),
            Some(what) => Err(Error::Tree { who: self.who, what: what.clone() }),
        }
    }

    /// Sends a request that will be answered by a pidfd.
    pub(crate) fn request(&self, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<Ticket> {
        self.intact()?;
        let mut sent = self.sent();
        self.send(message, fds)?;
        *sent += 1;
        Ok(Ticket(*sent - 1))
    }

    /// Sends, waiting a while for room.
    fn send(&self, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match wire::send(&self.socket, message, fds) {
                Ok(()) => return Ok(()),
                Err(Errno::AGAIN) if wire::wait_writable(self.socket(), deadline).map_err(at("poll"))? => {}
                Err(Errno::AGAIN) => return Err(self.silent()),
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(self.ended()),
                Err(errno) => return Err(Error::Host { what: "sending to a sandbox's parent", errno }),
            }
        }
    }

    /// Sends the filter and waits until it is in force. Before any other request.
    pub(crate) fn seal(&self, filter: Vec<u8>) -> Result<()> {
        self.send(&abi::encode(&abi::control::ToParent::Seal { filter }), &[])?;
        match wire::receive_by(&self.socket, Instant::now() + PATIENCE).map_err(at("receiving a reply"))? {
            Received::Message(bytes, fds) if fds.is_empty() => match abi::decode(&bytes) {
                Ok(FromParent::Sealed) => Ok(()),
                Ok(FromParent::Failed(errno)) => Err(Error::Tree {
                    who: self.who,
                    what: format!("can't install the hostcall filter: {}", Errno::from_raw_os_error(errno)),
                }),
                _ => Err(self.nonsense()),
            },
            Received::Nothing => Err(self.silent()),
            Received::Closed => Err(self.ended()),
            Received::Message(..) | Received::Oversized => Err(self.nonsense()),
        }
    }

    /// The reply to a request: the pidfd, unchecked.
    pub(crate) fn collect(&self, ticket: &Ticket, deadline: Instant) -> Result<OwnedFd> {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reply) = replies.arrived.remove(&ticket.0) {
                return reply.map_err(Error::Clone);
            }
            self.intact()?;
            let error = match wire::receive_by(&self.socket, deadline) {
                Ok(Received::Message(bytes, fds)) => match reply(&bytes, fds) {
                    Some(reply) if replies.received < *self.sent() => {
                        let number = replies.received;
                        replies.received += 1;
                        replies.arrived.insert(number, reply);
                        continue;
                    }
                    _ => self.nonsense(),
                },
                Ok(Received::Oversized) => self.nonsense(),
                Ok(Received::Closed) => self.ended(),
                Ok(Received::Nothing) => return Err(self.silent()),
                Err(errno) => return Err(Error::Host { what: "receiving a reply", errno }),
            };
            if let Error::Tree { what, .. } = &error {
                let _ = self.broken.set(what.clone());
            }
        }
    }

    fn silent(&self) -> Error {
        Error::Silent { who: self.who, seconds: PATIENCE.as_secs() }
    }

    fn ended(&self) -> Error {
        Error::Tree { who: self.who, what: "has ended".to_owned() }
    }

    fn nonsense(&self) -> Error {
        Error::Tree { who: self.who, what: "said something malformed".to_owned() }
    }
}

/// One reply, or `None` for nonsense, whose descriptors are closed.
fn reply(bytes: &[u8], fds: Vec<OwnedFd>) -> Option<Reply> {
    let mut fds = fds.into_iter();
    match (abi::decode(bytes), fds.next(), fds.next()) {
        (Ok(FromParent::Spawned), Some(pidfd), None) => Some(Ok(pidfd)),
        (Ok(FromParent::Failed(errno)), None, None) => Some(Err(Errno::from_raw_os_error(errno))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> (Parent, OwnedFd) {
        let (ours, theirs) = wire::pair().expect("pair");
        (Parent::new("the nursery", ours), theirs)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn replies_find_their_requests_in_any_order_of_collecting() {
        let (parent, theirs) = channel();
        let tickets = [parent.request(b"a", &[]).expect("a"), parent.request(b"b", &[]).expect("b")];
        wire::send(&theirs, &abi::encode(&FromParent::Failed(11)), &[]).expect("reply");
        wire::send(&theirs, &abi::encode(&FromParent::Spawned), &[theirs.as_fd()]).expect("reply");
        assert!(parent.collect(&tickets[1], soon()).is_ok());
        assert!(matches!(parent.collect(&tickets[0], soon()), Err(Error::Clone(Errno::AGAIN))));
    }

    #[test]
    fn nonsense_breaks_the_channel_for_good() {
        let cases: [(&[u8], usize); 4] = [
            (&[99], 0),
            (&abi::encode(&FromParent::Spawned), 0),
            (&abi::encode(&FromParent::Spawned), 2),
            (&abi::encode(&FromParent::Failed(11)), 1),
        ];
        for (bytes, fds) in cases {
            let (parent, theirs) = channel();
            let ticket = parent.request(b"a", &[]).expect("request");
            wire::send(&theirs, bytes, &vec![theirs.as_fd(); fds]).expect("reply");
            assert!(matches!(parent.collect(&ticket, soon()), Err(Error::Tree { .. })));
            assert!(matches!(parent.request(b"b", &[]), Err(Error::Tree { .. })));
        }
    }

    #[test]
    fn a_reply_nobody_asked_for_is_nonsense() {
        let (parent, theirs) = channel();
        let ticket = parent.request(b"a", &[]).expect("request");
        for _ in 0..2 {
            wire::send(&theirs, &abi::encode(&FromParent::Failed(11)), &[]).expect("reply");
        }
        assert!(parent.collect(&ticket, soon()).is_err());
        assert!(matches!(parent.collect(&Ticket(1), soon()), Err(Error::Tree { .. })));
    }

    #[test]
    fn sealing_wants_exactly_the_answer() {
        for (answer, good) in
            [(FromParent::Sealed, true), (FromParent::Spawned, false), (FromParent::Failed(22), false)]
        {
            let (parent, theirs) = channel();
            wire::send(&theirs, &abi::encode(&answer), &[]).expect("reply");
            assert_eq!(parent.seal(vec![0; 8]).is_ok(), good, "{answer:?}");
        }
    }
}
