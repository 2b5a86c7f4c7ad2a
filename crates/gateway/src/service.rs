//! A gateway: functions, each served on its own address.

use crate::accept::Acceptor;
use crate::control::Control;
use crate::error::{Error, Result, at};
use crate::kind::BootKind;
use crate::pool::Pool;
use crate::watch::{Arrival, Mailbox, Watch};
use image::Image;
use monitor::Function;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Connections that may wait to be accepted; the host's own limit is lower by default.
const BACKLOG: i32 = 4096;

/// A function to serve.
#[derive(Debug)]
pub struct ServiceOptions {
    /// The function.
    pub class: Function,
    /// Its image; scratch boots need none.
    pub image: Option<Image>,
    /// Where to listen.
    pub address: SocketAddr,
    /// How to boot.
    pub boot: BootKind,
    /// All connections go to one instance.
    pub reuse: bool,
    /// Instances cloned ahead.
    pub spares: usize,
}

/// A running gateway. Dropping it ends every instance.
#[derive(Debug)]
pub struct Gateway {
    services: Vec<Service>,
    control: Option<Control>,
}

#[derive(Debug)]
struct Service {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    stopping: Arc<AtomicBool>,
    mailbox: Mailbox,
    threads: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Listens on all addresses first, then makes the pools and begins to serve.
    ///
    /// # Errors
    /// An address is taken, or a template can't be made.
    pub fn start(services: Vec<ServiceOptions>, control: Option<PathBuf>) -> Result<Self> {
        let mut listening = Vec::new();
        for options in services {
            let address = options.address;
            let listener = TcpListener::bind(address).map_err(|source| Error::Listen { address, source })?;
            rustix::net::listen(&listener, BACKLOG).map_err(|e| Error::Listen { address, source: e.into() })?;
            listening.push((listener, options));
        }
        let mut gateway = Self { services: Vec::new(), control: None };
        for (listener, options) in listening {
            gateway.services.push(Service::start(listener, options)?);
        }
        if let Some(path) = control {
            let mailboxes = gateway.services.iter().map(|service| service.mailbox.clone()).collect();
            gateway.control = Control::listen(path.clone(), mailboxes)?;
            if gateway.control.is_none() {
                log::warn!("another gateway holds {}: `ps` shows that one", path.display());
            }
        }
        Ok(gateway)
    }

    /// Where each function is served, in the order they were given.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.services.iter().map(|service| service.address)
    }
}

impl Service {
    fn start(listener: TcpListener, options: ServiceOptions) -> Result<Self> {
        let ServiceOptions { class, image, boot, reuse, spares, .. } = options;
        let address = listener.local_addr().map_err(at("asking for a listener's address"))?;
        let name = class.spec().name.clone();
        let limited = class.spec().limits.memory.is_some();
        let pool = Arc::new(Pool::new(class, image, boot, spares)?);
        let (mailbox, arrivals) = Mailbox::new()?;
        let watch = Watch::new(name.clone(), address, Arc::clone(&pool), reuse, limited, (&mailbox, arrivals))?;
        let listener = Arc::new(listener);
        let stopping = Arc::new(AtomicBool::new(false));
        let acceptor = Acceptor {
            name,
            listener: Arc::clone(&listener),
            pool,
            mailbox: mailbox.clone(),
            reuse,
            stopping: Arc::clone(&stopping),
        };
        // From here on its drop ends what has been started.
        let mut service = Self { address, listener, stopping, mailbox, threads: Vec::new() };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        service.threads.push(thread("watch").spawn(move || watch.run()).map_err(at("making a thread"))?);
        service.threads.push(thread("accept").spawn(move || acceptor.run()).map_err(at("making a thread"))?);
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // On Linux this ends a waiting `accept`.
        let _ = rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both);
        self.mailbox.send(Arrival::Stop);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
