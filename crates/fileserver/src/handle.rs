//! Both ends of the control socket: the monitor's [`FileServer`], and what the server's process reads
//! and says before it serves. Also [`request`], a client's side of one question.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use abi::files::{FileReply, FileRequest, MAX_REPLY};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use crate::{Config, Error, MAX_CONFIG};

/// How long a server may take to start, or to take a connection, before it counts as gone.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// Longest word of the server on how its start went, bytes.
const MAX_REPORT: usize = 16 << 10;

/// A running file server. Dropping it ends the process; connections handed out are then closed.
#[derive(Debug)]
pub struct FileServer {
    child: Child,
    control: OwnedFd,
}

/// Starts a file server: `command` must be a program that calls [`crate::main`]. Returns once it is
/// confined and serves.
///
/// The command's standard input and output and its environment are set here; diagnostics go to its
/// standard error. The server is killed when the *thread* that called this ends, so it is to be called
/// from one that lives as long as the server is needed.
///
/// # Errors
/// When the process can't be started, or says that it can't serve: a root that is missing, say.
pub fn spawn(mut command: Command, config: &Config) -> Result<FileServer, Error> {
    let (control, theirs) = seqpacket_pair()?;
    let config = config.encode();
    if config.len() > MAX_CONFIG {
        return Err(Error::ConfigTooLong(config.len()));
    }
    command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).env_clear();
    let child = command.spawn().map_err(Error::Start)?;
    // It holds the server's end, which would hide that the server is gone.
    drop(command);
    let server = FileServer { child, control };
    send(&server.control, &config, None)?;
    wait_for(&server.control, PollFlags::IN)?;
    let mut report = vec![0; MAX_REPORT];
    let len = retry(|| rustix::net::recv(&server.control, &mut report[..], RecvFlags::DONTWAIT)).map_err(gone)?.0;
    let report: Result<(), String> = abi::decode(report.get(..len).unwrap_or_default()).map_err(|_| Error::Gone)?;
    report.map_err(Error::Refused)?;
    Ok(server)
}

impl FileServer {
    /// A new connection for a sandbox: a blocking `SOCK_SEQPACKET` socket.
    ///
    /// # Errors
    /// When no socket can be made, or the server is gone.
    pub fn connect(&self) -> Result<OwnedFd, Error> {
        let (ours, theirs) = seqpacket_pair()?;
        send(&self.control, &[0], Some(theirs.as_fd()))?;
        Ok(ours)
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        // Fails only when it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks one question over a connection and waits for the answer, with its descriptor if it has one.
///
/// # Errors
/// [`Error::Gone`] when the server closed the connection.
pub fn request(connection: impl AsFd, request: &FileRequest) -> Result<(FileReply, Option<OwnedFd>), Error> {
    let connection = connection.as_fd();
    let bytes = abi::encode(request);
    retry(|| rustix::net::send(connection, &bytes, SendFlags::NOSIGNAL)).map_err(gone)?;
    let mut reply = vec![0; MAX_REPLY];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received =
        retry(|| rustix::net::recvmsg(connection, &mut [IoSliceMut::new(&mut reply)], &mut ancillary, flags))
            .map_err(gone)?;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let reply = abi::decode(reply.get(..received.bytes).unwrap_or_default()).map_err(|_| Error::Gone)?;
    Ok((reply, descriptor))
}

/// The server's side: takes the control socket from standard input and closes all other descriptors
/// but standard output and error.
pub(crate) fn take_control() -> Result<OwnedFd, Error> {
    // SAFETY: takes no pointers. At the start of the process's work nothing owns a descriptor but the
    // standard ones.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    if closed != 0 {
        return Err(Error::Start(std::io::Error::last_os_error()));
    }
    let stdin = std::io::stdin();
    let control = stdin.as_fd().try_clone_to_owned().map_err(Error::Start)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| Error::Start(errno.into()))?;
    rustix::stdio::dup2_stdin(null).map_err(|errno| Error::Start(errno.into()))?;
    Ok(control)
}

/// The server's side: the first datagram.
pub(crate) fn receive_config(control: &OwnedFd) -> Result<Config, Error> {
    let mut bytes = vec![0; MAX_CONFIG];
    let (len, _) = retry(|| rustix::net::recv(control, &mut bytes[..], RecvFlags::empty())).map_err(gone)?;
    Config::decode(bytes.get(..len).unwrap_or_default())
}

/// The server's side: how its start went.
pub(crate) fn report(control: &OwnedFd, outcome: &Result<(), String>) -> Result<(), Error> {
    let mut bytes = abi::encode(outcome);
    if bytes.len() > MAX_REPORT {
        bytes = abi::encode(&Err::<(), _>("the file server cannot start".to_string()));
    }
    retry(|| rustix::net::send(control, &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)).map_err(gone)?;
    Ok(())
}

fn seqpacket_pair() -> Result<(OwnedFd, OwnedFd), Error> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(|errno| Error::Socket(errno.into()))
}

/// Sends to a server, which may be busy, but not for long.
fn send(control: &OwnedFd, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> Result<(), Error> {
    loop {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = descriptor.as_slice();
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Error::Socket(Errno::NOBUFS.into()));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match rustix::net::sendmsg(control, &[IoSlice::new(bytes)], &mut ancillary, flags) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_for(control, PollFlags::OUT)?,
            Err(errno) => return Err(gone(errno)),
        }
    }
}

fn wait_for(socket: &OwnedFd, events: PollFlags) -> Result<(), Error> {
    let ready = retry(|| rustix::event::poll(&mut [PollFd::new(socket, events)], Some(&PATIENCE)))
        .map_err(|errno| Error::Socket(errno.into()))?;
    if ready == 0 { Err(Error::Gone) } else { Ok(()) }
}

fn retry<T>(call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    rustix::io::retry_on_intr(call)
}

fn gone(errno: Errno) -> Error {
    match errno {
        Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Error::Gone,
        other => Error::Socket(other.into()),
    }
}
