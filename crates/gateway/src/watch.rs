//! The watch thread of a function: owns its instances, hears them, ends them with their connections.

use crate::control::Question;
use crate::error::{Result, at};
use crate::pool::Pool;
use crate::report::{InstanceReport, ServiceReport};
use abi::control::LogStream;
use monitor::{Client, Company, Event, Instance, Reason};
use rustix::event::{EventfdFlags, Timespec, epoll};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant as Time};

/// How often limits are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long an instance may go on after its client is gone: it may be writing down what it was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// Events taken from the host at once.
const EVENTS: usize = 256;
/// The token of the mailbox; instances count from 1.
const MAILBOX: u64 = 0;
/// The lowest bit of an instance's token says which descriptor it is.
const CLIENT: u64 = 1;

/// What the watch thread is told.
pub(crate) enum Arrival {
    /// An instance that was booted with a connection.
    Instance { instance: Box<Instance>, ours: TcpStream, asked: Time },
    /// A connection for the one instance of `--reuse`.
    Connection { client: Client, ours: TcpStream },
    /// Somebody wants to know.
    Report { question: Question, answer: Sender<ServiceReport> },
    /// The end.
    Stop,
}

/// The way to a watch thread.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    sender: Sender<Arrival>,
    wake: Arc<OwnedFd>,
}

impl Mailbox {
    pub(crate) fn new() -> Result<(Self, Receiver<Arrival>)> {
        let (sender, receiver) = channel();
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        Ok((Self { sender, wake: Arc::new(wake.map_err(at("making an eventfd"))?) }, receiver))
    }

    pub(crate) fn send(&self, arrival: Arrival) {
        // Neither fails while the thread lives; afterwards everything that is sent is dropped, and so ended.
        let _ = self.sender.send(arrival);
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
    }
}

/// Closes a connection so that the client sees that its answer is not complete.
pub(crate) fn reset(stream: TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
}

/// An instance and our descriptors of its connections.
struct Watched {
    instance: Box<Instance>,
    connections: BTreeMap<u32, TcpStream>,
    asked: Time,
    /// When it is ended because its client is gone.
    give_up: Option<Time>,
}

/// What the thread works with.
pub(crate) struct Watch {
    name: String,
    address: SocketAddr,
    pool: Arc<Pool>,
    reuse: bool,
    limited: bool,
    arrivals: Receiver<Arrival>,
    wake: Arc<OwnedFd>,
    epoll: OwnedFd,
    instances: BTreeMap<u64, Watched>,
    next_id: u64,
    connections: u64,
    early_ends: u64,
}

impl Watch {
    pub(crate) fn new(
        name: String,
        address: SocketAddr,
        pool: Arc<Pool>,
        reuse: bool,
        limited: bool,
        (mailbox, arrivals): (&Mailbox, Receiver<Arrival>),
    ) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(at("making an epoll"))?;
        let wake = Arc::clone(&mailbox.wake);
        epoll::add(&epoll, &*wake, epoll::EventData::new_u64(MAILBOX), epoll::EventFlags::IN)
            .map_err(at("watching the mailbox"))?;
        Ok(Self {
            name,
            address,
            pool,
            reuse,
            limited,
            arrivals,
            wake,
            epoll,
            instances: BTreeMap::new(),
            next_id: 1,
            connections: 0,
            early_ends: 0,
        })
    }

    /// Until it is told to stop; what is left of the instances ends then.
    pub(crate) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        let mut next_tick = Time::now() + TICK;
        loop {
            let wait = next_tick.saturating_duration_since(Time::now());
            let timeout = Timespec { tv_sec: 0, tv_nsec: wait.min(TICK).subsec_nanos().into() };
            // Nothing to look at regularly while there is no instance.
            let timeout = if self.instances.is_empty() { None } else { Some(&timeout) };
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    log::error!("{}: instances can't be watched any more: {error}", self.name);
                    return;
                }
            }
            for event in &events {
                let token = event.data.u64();
                let flags = event.flags;
                if token == MAILBOX {
                    let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
                    if self.take_arrivals() {
                        return;
                    }
                } else if token & CLIENT != 0 {
                    self.client_moved(token >> 1, flags);
                } else {
                    self.hear(token >> 1);
                }
            }
            if Time::now() >= next_tick {
                self.tick();
                next_tick = Time::now() + TICK;
            }
        }
    }

    /// Takes what has arrived; true when that was the order to stop.
    fn take_arrivals(&mut self) -> bool {
        while let Ok(arrival) = self.arrivals.try_recv() {
            match arrival {
                Arrival::Instance { instance, ours, asked } => {
                    self.watch(instance, ours, asked);
                }
                Arrival::Connection { client, ours } => self.connect(client, ours),
                Arrival::Report { question, answer } => {
                    // Who asked may be gone.
                    let _ = answer.send(self.report(question));
                }
                Arrival::Stop => return true,
            }
        }
        false
    }

    /// Begins to watch an instance that was booted with a connection, its first.
    fn watch(&mut self, instance: Box<Instance>, ours: TcpStream, asked: Time) {
        const FIRST: u32 = 1;
        let id = self.next_id;
        self.next_id += 1;
        let control = epoll::EventData::new_u64(id << 1);
        if let Err(error) = epoll::add(&self.epoll, instance.control_fd(), control, epoll::EventFlags::IN) {
            log::warn!("{}#{id}: can't be watched: {error}", self.name);
            return reset(ours);
        }
        let watched = Watched { instance, connections: BTreeMap::new(), asked, give_up: None };
        self.instances.insert(id, watched);
        self.watch_client(id, FIRST, ours);
        // It may have spoken, or died, before it was watched: level-triggered, so epoll says so.
    }

    fn watch_client(&mut self, id: u64, connection: u32, ours: TcpStream) {
        let flags = epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(id << 1 | CLIENT);
        if let Err(error) = epoll::add(&self.epoll, &ours, data, flags) {
            log::warn!("{}#{id}: a client can't be watched: {error}", self.name);
        }
        self.connections += 1;
        if let Some(watched) = self.instances.get_mut(&id) {
            watched.connections.insert(connection, ours);
            watched.give_up = None;
        }
    }

    /// Hands a connection to the one instance of `--reuse`, or boots that.
    fn connect(&mut self, client: Client, ours: TcpStream) {
        let asked = Time::now();
        if let Some((id, watched)) = self.instances.iter_mut().next() {
            let id = *id;
            let Ok(again) = client.fd.try_clone() else { return reset(ours) };
            match watched.instance.connect(Client { fd: again, peer: client.peer }) {
                Ok(connection) => return self.watch_client(id, connection, ours),
                // It has just ended: the next one takes the connection.
                Err(_) => self.hear(id),
            }
        }
        match self.pool.boot(client, Company::Alone) {
            Ok(instance) => self.watch(Box::new(instance), ours, asked),
            Err(error) => {
                log::warn!("{}: no instance for a connection: {error}", self.name);
                reset(ours);
            }
        }
    }

    /// A client closed its side, or its connection broke.
    fn client_moved(&mut self, id: u64, flags: epoll::EventFlags) {
        let Some(watched) = self.instances.get_mut(&id) else { return };
        if self.reuse {
            // The instance outlives its clients, and sees for itself that one is gone.
            return;
        }
        if flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
            log::debug!("{}#{id}: its client is gone", self.name);
            self.instances.remove(&id);
        } else if watched.give_up.is_none() {
            // It may have closed its sending side only, and still wait for the answer.
            watched.give_up = Some(Time::now() + GRACE);
        }
    }

    /// Takes all that an instance has to say.
    fn hear(&mut self, id: u64) {
        while let Some(watched) = self.instances.get_mut(&id) {
            match watched.instance.next_event(Time::now()) {
                Ok(None) => return,
                Ok(Some(event)) => self.happened(id, event),
                Err(error) => {
                    log::warn!("{}#{id}: {error}", self.name);
                    self.ended_early(id);
                }
            }
        }
    }

    fn happened(&mut self, id: u64, event: Event) {
        let name = &self.name;
        match event {
            Event::Log { stream, bytes, dropped } => log_lines(name, id, stream, &bytes, dropped),
            Event::Crashed(report) => log::error!("{name}#{id}: the guest kernel died:\n{}", report.trim_end()),
            Event::ConnectionDone { id: connection } => {
                let Some(watched) = self.instances.get_mut(&id) else { return };
                watched.connections.remove(&connection);
                if watched.connections.is_empty() && !self.reuse {
                    self.instances.remove(&id);
                }
            }
            Event::Ended(end) => {
                let open = self.instances.get(&id).is_some_and(|watched| !watched.connections.is_empty());
                match (open, &end.reason) {
                    (true, _) => log::warn!("{name}#{id}: its connection is reset: {end}"),
                    (false, Reason::Program(_) | Reason::Asked) => log::debug!("{name}#{id}: {end}"),
                    (false, _) => log::warn!("{name}#{id}: {end}"),
                }
                self.ended_early(id);
            }
            // What these lead to comes as the end.
            Event::Exited(_) | Event::StartFailed { .. } | Event::BootFailed(_) => {}
            Event::AtEntry | Event::Frozen | Event::Threads(_) | Event::Counts(_) => {}
        }
    }

    /// Forgets an instance that has ended and resets the connections it left.
    fn ended_early(&mut self, id: u64) {
        let Some(watched) = self.instances.remove(&id) else { return };
        if !watched.connections.is_empty() {
            self.early_ends += 1;
        }
        // The instance first: with its descriptor open, ours would not be the last.
        drop(watched.instance);
        watched.connections.into_values().for_each(reset);
    }

    /// Looks at limits, and ends what has no client any more.
    fn tick(&mut self) {
        let now = Time::now();
        let ids: Vec<u64> = self.instances.keys().copied().collect();
        for id in ids {
            let Some(watched) = self.instances.get_mut(&id) else { continue };
            if watched.give_up.is_some_and(|time| now >= time) {
                log::debug!("{}#{id}: ended after its client", self.name);
                self.instances.remove(&id);
                continue;
            }
            if self.limited
                && let Err(error) = watched.instance.check_limits()
            {
                log::debug!("{}#{id}: {error}", self.name);
            }
            // Its time limit is kept in passing.
            self.hear(id);
        }
    }

    fn report(&mut self, question: Question) -> ServiceReport {
        let instances = self.instances.iter_mut().map(|(id, watched)| InstanceReport {
            id: *id,
            pid: watched.instance.pid().ok(),
            state: if watched.connections.is_empty() { "idle" } else { "serving" }.to_owned(),
            connections: watched.connections.len(),
            age_ms: u64::try_from(watched.asked.elapsed().as_millis()).unwrap_or(u64::MAX),
            pages: if question.pages { watched.instance.private_pages().ok().map(Into::into) } else { None },
        });
        ServiceReport {
            name: self.name.clone(),
            address: self.address.to_string(),
            boot: self.pool.kind().to_string(),
            connections: self.connections,
            early_ends: self.early_ends,
            template: self.pool.template(question.pages),
            zygotes: self.pool.zygotes(),
            spares: self.pool.spares(),
            io: if question.io { self.pool.io() } else { None },
            instances: instances.collect(),
        }
    }
}

fn log_lines(name: &str, id: u64, stream: LogStream, bytes: &[u8], dropped: u64) {
    if dropped > 0 {
        log::warn!("{name}#{id}: {dropped} bytes of output left out");
    }
    let level = match stream {
        LogStream::Out | LogStream::Err => log::Level::Info,
        LogStream::Kernel => log::Level::Warn,
        LogStream::Trace => log::Level::Debug,
    };
    for line in String::from_utf8_lossy(bytes).lines() {
        // Guests must not be able to write to the terminal what looks like our own words.
        let line: String = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        log::log!(level, "{name}#{id}: {line}");
    }
}
