//! The loop: waits for sockets, reads one request, sends one reply.
//!
//! A socket that is ready gets one request served; what else it holds is met in the next round, after
//! the others had their turn.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::files::{FileReply, FileRequest, MAX_REPLY, MAX_REQUEST};
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::Error;
use crate::listing::{Key, Listings};
use crate::tree::Tree;

/// Sockets looked at in one round.
const EVENTS: usize = 64;
/// The event of the control socket; clients count up from 0 and don't get there.
const CONTROL: u64 = u64::MAX;

/// The server, confined.
pub struct Server {
    tree: Tree,
    control: OwnedFd,
    epoll: OwnedFd,
    clients: Clients,
    listings: Listings,
    request: Vec<u8>,
    reply: Vec<u8>,
}

/// Why a client is dropped.
enum Reason {
    /// It closed, or its socket failed.
    Gone,
    /// It sent what is no request.
    Garbage,
    /// It sent descriptors.
    Descriptors,
    /// It doesn't read its replies.
    Stalled,
}

impl Server {
    /// A server of `tree` that gets its clients over `control`.
    pub fn new(tree: Tree, max_clients: usize, control: OwnedFd) -> Result<Self, Error> {
        let failed = |errno: Errno| Error::Socket(errno.into());
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed)?;
        epoll::add(&epoll, &control, epoll::EventData::new_u64(CONTROL), epoll::EventFlags::IN).map_err(failed)?;
        Ok(Self {
            tree,
            control,
            epoll,
            clients: Clients { slots: Vec::new(), free: Vec::new(), next_serial: 0, max: max_clients },
            listings: Listings::default(),
            // One byte more than allowed, so that a request that is too long shows.
            request: vec![0; MAX_REQUEST + 1],
            reply: vec![0; MAX_REPLY],
        })
    }

    /// Serves until the control socket closes.
    pub fn run(&mut self) -> Result<(), Error> {
        let mut events = [MaybeUninit::uninit(); EVENTS];
        loop {
            let ready = match epoll::wait(&self.epoll, &mut events[..], None) {
                Ok((ready, _)) => ready,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(Error::Socket(errno.into())),
            };
            for event in ready.iter() {
                let token = event.data.u64();
                if token == CONTROL {
                    match self.accept() {
                        Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                        Err(Errno::PIPE | Errno::CONNRESET) => return Ok(()),
                        Err(errno) => return Err(Error::Socket(errno.into())),
                    }
                } else if let Err(reason) = self.serve(token) {
                    self.drop_client(token, &reason);
                }
            }
        }
    }

    /// Takes the client that a datagram on the control socket brings; `EPIPE` when that is closed.
    fn accept(&mut self) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = rustix::net::recvmsg(&self.control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags)?;
        let mut sockets = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let Some(socket) = sockets.next().and_then(|mut sockets| sockets.next()) else {
            return if received.bytes == 0 { Err(Errno::PIPE) } else { Ok(()) };
        };
        drop(sockets);
        match self.clients.add(socket) {
            Some((token, socket)) => {
                let data = epoll::EventData::new_u64(token);
                if let Err(errno) = epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN) {
                    log::warn!("file server: a new connection can't be watched: {errno}");
                    self.clients.remove(token);
                }
            }
            None => log::warn!("file server: {} connections are open, a new one is refused", self.clients.max),
        }
        Ok(())
    }

    /// Serves the next request of a client, if it is still there.
    fn serve(&mut self, token: u64) -> Result<(), Reason> {
        let Some(socket) = self.clients.get(token) else { return Ok(()) };
        // No room for descriptors: the kernel throws away those that are sent, and says so.
        let mut nothing = RecvAncillaryBuffer::default();
        let mut buffer = [IoSliceMut::new(&mut self.request)];
        let received = match rustix::net::recvmsg(socket, &mut buffer, &mut nothing, RecvFlags::DONTWAIT) {
            Ok(received) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(_) => return Err(Reason::Gone),
        };
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Reason::Descriptors);
        }
        if received.bytes == 0 {
            return Err(Reason::Gone);
        }
        if received.bytes > MAX_REQUEST || received.flags.contains(ReturnFlags::TRUNC) {
            return Err(Reason::Garbage);
        }
        let bytes = self.request.get(..received.bytes).unwrap_or_default();
        let request: FileRequest = abi::decode(bytes).map_err(|_| Reason::Garbage)?;
        let (reply, descriptor) = match answer(&self.tree, &mut self.listings, token, request) {
            Ok(answer) => answer,
            Err(errno) => (FileReply::Error(errno.raw_os_error()), None),
        };
        // Whatever is answered fits: a page is cut to fit, and a link's target is at most a path.
        let bytes = postcard::to_slice(&reply, &mut self.reply).map_err(|_| Reason::Gone)?;
        send(socket, bytes, descriptor.as_ref().map(AsFd::as_fd))
    }

    fn drop_client(&mut self, token: u64, reason: &Reason) {
        match reason {
            Reason::Gone => log::debug!("file server: connection {token:#x} is closed"),
            Reason::Garbage => log::warn!("file server: connection {token:#x} dropped: it sent no valid request"),
            Reason::Descriptors => log::warn!("file server: connection {token:#x} dropped: it sent descriptors"),
            Reason::Stalled => log::warn!("file server: connection {token:#x} dropped: it does not read its replies"),
        }
        if let Some(socket) = self.clients.get(token) {
            // Closing is not enough where the monitor still holds the same socket. It can't fail.
            let _ = epoll::delete(&self.epoll, socket);
        }
        self.clients.remove(token);
        self.listings.forget(token);
    }
}

/// What a request is answered with.
fn answer(
    tree: &Tree,
    listings: &mut Listings,
    client: u64,
    request: FileRequest,
) -> Result<(FileReply, Option<OwnedFd>), Errno> {
    match request {
        FileRequest::Lookup { root, path } => {
            let (attributes, target) = tree.lookup(root, &path)?;
            Ok((FileReply::Attributes { attributes, target }, None))
        }
        FileRequest::Open { root, path } => {
            let (attributes, file) = tree.open_file(root, &path)?;
            Ok((FileReply::Opened(attributes), Some(file)))
        }
        FileRequest::List { root, path, start } => {
            let key = Key { client, root, path };
            // A listing from its beginning is a new one; what was kept is for those that go on.
            let (names, more) = match listings.get(&key).filter(|_| start != 0) {
                Some(listing) => listing.page(start),
                None => {
                    let listing = tree.list(key.root, &key.path)?;
                    let page = listing.page(start);
                    if page.1 {
                        listings.keep(key, listing);
                    }
                    page
                }
            };
            if !more {
                listings.forget(client);
            }
            Ok((FileReply::Names { names, more }, None))
        }
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> Result<(), Reason> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Reason::Gone);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, flags) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            // ETOOMANYREFS: too many descriptors are under way and not received.
            Err(Errno::AGAIN | Errno::NOBUFS | Errno::TOOMANYREFS) => return Err(Reason::Stalled),
            Err(_) => return Err(Reason::Gone),
        }
    }
}

/// The connections, by token: the slot in the lower half, in the upper a serial number, so that an
/// event that was fetched before its client was dropped doesn't meet the next one in the slot.
struct Clients {
    slots: Vec<Option<(u32, OwnedFd)>>,
    free: Vec<u32>,
    next_serial: u32,
    max: usize,
}

impl Clients {
    fn add(&mut self, socket: OwnedFd) -> Option<(u64, BorrowedFd<'_>)> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < self.max => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).ok()?
            }
            None => return None,
        };
        let serial = self.next_serial;
        // 31 bits, so that no token is that of the control socket.
        self.next_serial = (serial + 1) & (u32::MAX >> 1);
        let held = self.slots.get_mut(slot as usize)?.insert((serial, socket));
        Some((u64::from(serial) << 32 | u64::from(slot), held.1.as_fd()))
    }

    fn get(&self, token: u64) -> Option<BorrowedFd<'_>> {
        let (slot, serial) = split(token);
        match self.slots.get(slot as usize) {
            Some(Some((held, socket))) if *held == serial => Some(socket.as_fd()),
            _ => None,
        }
    }

    fn remove(&mut self, token: u64) {
        let (slot, serial) = split(token);
        if let Some(entry) = self.slots.get_mut(slot as usize)
            && entry.as_ref().is_some_and(|(held, _)| *held == serial)
        {
            *entry = None;
            self.free.push(slot);
        }
    }
}

/// Slot and serial number of a token.
fn split(token: u64) -> (u32, u32) {
    #[allow(clippy::cast_possible_truncation)] // both halves are meant
    ((token & u64::from(u32::MAX)) as u32, (token >> 32) as u32)
}
