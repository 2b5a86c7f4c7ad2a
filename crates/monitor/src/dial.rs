//! Outgoing connections of sandboxes: names are resolved and targets dialled here, outside, and only those that the
//! function's configuration names.
//!
//! Dialling takes as long as the network takes, so each has a thread, of which an instance has few. The answer goes
//! straight to the sandbox's control socket.

use crate::wire;
use abi::control::ToSandbox;
use abi::launch::Target;
use rustix::io::Errno;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long each address of a target is tried.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most connections that are being made for an instance; further ones are answered `EAGAIN`.
const AT_ONCE: usize = 32;
/// Stack of a thread that dials: the resolver is the C library's.
const STACK: usize = 256 << 10;

/// The connections that are being made for an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialler(Arc<AtomicUsize>);

impl Dialler {
    /// Dials a target and answers on the control socket, later.
    pub(crate) fn dial(&self, control: OwnedFd, id: u32, target: &Target) {
        let free = Slot::take(&self.0);
        let target = target.clone();
        let Some(slot) = free else { return answer(&control, id, Err(Errno::AGAIN)) };
        let again = control.try_clone();
        let thread = std::thread::Builder::new().name("dial".to_owned()).stack_size(STACK);
        let begun = thread.spawn(move || {
            answer(&control, id, connect(&target));
            drop(slot);
        });
        if let (Err(_), Ok(control)) = (begun, again) {
            answer(&control, id, Err(Errno::AGAIN));
        }
    }
}

/// One connection that is being made.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(count: &Arc<AtomicUsize>) -> Option<Self> {
        let below = |count: usize| (count < AT_ONCE).then_some(count + 1);
        count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, below).ok().map(|_| Self(count.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn connect(target: &Target) -> Result<TcpStream, Errno> {
    let host = std::str::from_utf8(&target.host).map_err(|_| Errno::HOSTUNREACH)?;
    // A name that can't be resolved is a host that can't be reached.
    let addresses = (host, target.port).to_socket_addrs().map_err(|_| Errno::HOSTUNREACH)?;
    let mut last = Errno::HOSTUNREACH;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                return ready.map(|()| stream).map_err(|_| Errno::IO);
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => last = Errno::TIMEDOUT,
            Err(error) => last = Errno::from_io_error(&error).unwrap_or(Errno::HOSTUNREACH),
        }
    }
    Err(last)
}

/// A sandbox that does not read its control socket gets no answer.
fn answer(control: &OwnedFd, id: u32, connection: Result<TcpStream, Errno>) {
    let errno = connection.as_ref().err().map_or(0, |errno| u16::try_from(errno.raw_os_error()).unwrap_or(u16::MAX));
    let message = abi::encode(&ToSandbox::Dialled { id, errno });
    let _ = match &connection {
        Ok(stream) => wire::send(control, &message, &[stream.as_fd()]),
        Err(_) => wire::send(control, &message, &[]),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn target(host: &str, port: u16) -> Target {
        Target { host: host.as_bytes().to_vec(), port }
    }

    #[test]
    fn names_and_addresses_are_dialled_and_failures_have_their_errno() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        assert!(connect(&target("127.0.0.1", port)).is_ok());
        assert!(connect(&target("localhost", port)).is_ok());
        drop(listener);
        assert_eq!(connect(&target("127.0.0.1", port)).expect_err("closed"), Errno::CONNREFUSED);
        assert_eq!(connect(&target("no such name", port)).expect_err("no name"), Errno::HOSTUNREACH);
    }

    #[test]
    fn only_so_many_at_once() {
        let count = Arc::default();
        let slots: Vec<_> = (0..AT_ONCE).map(|_| Slot::take(&count).expect("free")).collect();
        assert!(Slot::take(&count).is_none());
        drop(slots);
        assert!(Slot::take(&count).is_some());
    }
}
