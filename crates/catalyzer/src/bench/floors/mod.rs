//! What boots are compared with, measured in the same run by the same client.
//!
//! Each floor that needs surroundings of its own is a process started from this very binary by a
//! hidden subcommand: a bare process with nothing of a sandbox in it ([`bare`]), or a place where the
//! program runs natively, its files at the same paths as in the sandbox ([`native`]). Both talk to the
//! benchmark over a `SOCK_SEQPACKET` socket that is their standard input, and end with it.

pub mod bare;
pub mod fork_server;
pub mod native;

use anyhow::{Context, Result, bail};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a floor may take for one step before the benchmark gives it up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most descriptors in a message.
const DESCRIPTORS: usize = 2;

/// A process of a floor and the socket to it. Dropping it ends the process.
#[derive(Debug)]
struct Helper {
    child: Child,
    socket: Option<OwnedFd>,
}

impl Helper {
    fn start(subcommand: &str, argument: &str) -> Result<Self> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        rustix::net::sockopt::set_socket_timeout(&ours, rustix::net::sockopt::Timeout::Recv, Some(PATIENCE))?;
        let child = Command::new("/proc/self/exe")
            .args([subcommand, argument])
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .context("a process for the comparison could not be started")?;
        Ok(Self { child, socket: Some(ours) })
    }

    fn socket(&self) -> Result<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd).context("the process for the comparison has ended")
    }

    /// Waits for a message; an empty one means that the process is gone.
    fn receive(&self) -> Result<String> {
        let mut buffer = vec![0; 16 << 10];
        let length = receive(self.socket()?, &mut buffer)?.0;
        if length == 0 {
            bail!("the process for the comparison died");
        }
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        match message.strip_prefix("error: ") {
            Some(error) => bail!("{error}"),
            None => Ok(message),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.socket = None;
        let _ = self.child.wait();
    }
}

fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        bail!("more than {DESCRIPTORS} descriptors in a message");
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(message)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a message: its length and the descriptors that came with it.
fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<(usize, [Option<OwnedFd>; DESCRIPTORS])> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
    })
    .context("no answer from the process for the comparison")?;
    let mut descriptors = [const { None }; DESCRIPTORS];
    let rights = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    for (slot, descriptor) in descriptors.iter_mut().zip(rights.flatten()) {
        *slot = Some(descriptor);
    }
    Ok((received.bytes, descriptors))
}

/// The helpers' end of the socket.
fn standard_input() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}
