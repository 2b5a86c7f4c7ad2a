//! The accept thread of a function: accepts, boots, hands the instance to the watch thread.

use crate::pool::Pool;
use crate::watch::{Arrival, Mailbox, reset};
use monitor::{Client, Company};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Time};

/// Pause after the host had no descriptor or memory for a connection: without it, this would be a busy loop
/// until one is free.
const OUT_OF_RESOURCES: Duration = Duration::from_millis(10);

/// What the thread works with.
pub(crate) struct Acceptor {
    pub(crate) name: String,
    pub(crate) listener: Arc<TcpListener>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) mailbox: Mailbox,
    /// All connections go to one instance, which the watch thread has.
    pub(crate) reuse: bool,
    pub(crate) stopping: Arc<AtomicBool>,
}

impl Acceptor {
    /// Until the listener is shut down.
    pub(crate) fn run(self) {
        let mut others_waited = false;
        loop {
            match rustix::net::acceptfrom_with(&*self.listener, SocketFlags::CLOEXEC) {
                _ if self.stopping.load(Ordering::Acquire) => return,
                Ok((fd, peer)) => {
                    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
                    let others_wait = self.others_wait();
                    let company = if others_wait || others_waited { Company::Crowd } else { Company::Alone };
                    others_waited = others_wait;
                    if let Some(peer) = peer {
                        self.take(fd, peer, company);
                    }
                }
                // The client was faster away than we at it.
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
                Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                    log::warn!("{}: a connection has to wait: {error}", self.name);
                    std::thread::sleep(OUT_OF_RESOURCES);
                }
                Err(error) => {
                    log::error!("{}: no more connections can be accepted: {error}", self.name);
                    return;
                }
            }
        }
    }

    /// Whether further clients have connected.
    fn others_wait(&self) -> bool {
        let mut polled = [PollFd::new(&*self.listener, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    fn take(&self, fd: OwnedFd, peer: SocketAddr, company: Company) {
        let asked = Time::now();
        // Answers are often many small writes.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&fd, true);
        let ours = match fd.try_clone() {
            Ok(ours) => TcpStream::from(ours),
            Err(error) => {
                log::warn!("{}: a connection was dropped: {error}", self.name);
                return reset(TcpStream::from(fd));
            }
        };
        let client = Client { fd, peer };
        if self.reuse {
            return self.mailbox.send(Arrival::Connection { client, ours });
        }
        match self.pool.boot(client, company) {
            Ok(instance) => self.mailbox.send(Arrival::Instance { instance: Box::new(instance), ours, asked }),
            Err(error) => {
                log::warn!("{}: no instance for a connection: {error}", self.name);
                reset(ours);
            }
        }
    }
}
