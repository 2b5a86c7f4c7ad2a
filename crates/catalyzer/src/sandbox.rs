//! From a function's configuration to its sandboxes: what `run`, `build`, `invoke`, `bench` and `serve`
//! share.

use crate::config::Function;
use crate::config::layer::Layer;
use crate::http::{Request, Response};
use abi::control::LogStream;
use abi::launch::Launch;
use anyhow::{Context, Result};
use monitor::{ClassLimits, Event, FunctionSpec, Instance, Limits, Monitor, MonitorOptions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant as Time};

/// How often a sandbox with limits is looked at when nothing happens.
const WATCH: Duration = Duration::from_millis(100);
/// How long the end of an instance that broke its connection is waited for.
const EXPLANATION: Duration = Duration::from_millis(500);

/// A function of which sandboxes can be made.
#[derive(Debug)]
pub struct Sandboxes {
    /// Its configuration.
    pub config: Function,
    /// Its files.
    pub layer: Layer,
    /// The monitor's side of it: keeper, nursery, file server.
    pub class: monitor::Function,
}

/// Makes the monitor of this process.
///
/// # Errors
/// The host lacks something: `catalyzer doctor` says what.
pub fn monitor() -> Result<Monitor> {
    Ok(Monitor::new(MonitorOptions::default())?)
}

impl Sandboxes {
    /// Makes the function's processes; nothing of the program runs yet. With `strace`, scratch boots
    /// print system calls.
    ///
    /// # Errors
    /// A directory is missing, or the host refuses.
    pub fn new(monitor: &Monitor, config: Function, strace: bool) -> Result<Self> {
        let layer = Layer::of(&config)?;
        let launch = Launch { strace, ..config.launch(&layer) };
        Self::with_launch(monitor, config, layer, launch, ClassLimits::default())
    }

    /// The same with a launch and limits of all sandboxes together of one's own.
    ///
    /// # Errors
    /// As [`Sandboxes::new`].
    pub fn with_launch(
        monitor: &Monitor,
        config: Function,
        layer: Layer,
        launch: Launch,
        class: ClassLimits,
    ) -> Result<Self> {
        let limits = config.instance_limits();
        let spec = FunctionSpec { name: config.name.clone(), launch, roots: layer.roots.clone(), limits, class };
        let class = monitor.sandbox_class(spec)?;
        Ok(Self { config, layer, class })
    }
}

impl Function {
    /// The limits of one instance.
    pub fn instance_limits(&self) -> Limits {
        Limits {
            memory: self.limits.memory.map(|m| m.0),
            // Between 10 and 1 024 000 by the checks on `cpus`.
            cpus_milli: self.limits.cpus.as_ref().map(|cpus| (cpus.get_ref() * 1000.0).round() as u32),
            pids: self.limits.pids,
            timeout: self.limits.timeout.map(|t| t.0),
        }
    }

    /// The same limits for all sandboxes together, where there is only one.
    pub fn class_limits(&self) -> ClassLimits {
        let Limits { memory, cpus_milli, pids, .. } = self.instance_limits();
        ClassLimits { memory, cpus_milli, pids }
    }
}

/// Where `--strace` goes.
///
/// # Errors
/// The file can't be made.
pub fn trace_stream(strace: Option<&Option<PathBuf>>) -> Result<Option<OwnedFd>> {
    match strace {
        None => Ok(None),
        Some(None) => Ok(Some(std::io::stderr().as_fd().try_clone_to_owned()?)),
        Some(Some(path)) => {
            let file = File::create(path).with_context(|| format!("--strace={}", path.display()))?;
            Ok(Some(file.into()))
        }
    }
}

/// Another descriptor for the same stream.
///
/// # Errors
/// There are too many descriptors.
pub fn again(stream: Option<&OwnedFd>) -> Result<Option<OwnedFd>> {
    Ok(stream.map(OwnedFd::try_clone).transpose()?)
}

/// Shows on standard error what a sandbox said for a log: the program's output as it is, our own words
/// with a name.
pub fn show_log(stream: LogStream, bytes: &[u8]) {
    let mut stderr = std::io::stderr().lock();
    // A log that can't be written has nobody who could be told.
    let _ = match stream {
        LogStream::Out | LogStream::Err | LogStream::Trace => stderr.write_all(bytes),
        LogStream::Kernel => {
            let text = String::from_utf8_lossy(bytes);
            text.lines().try_for_each(|line| writeln!(stderr, "catalyzer: {line}"))
        }
    };
}

/// Shows an event that is for people.
pub fn show(event: &Event) {
    match event {
        Event::Log { stream, bytes, dropped } => {
            if *dropped > 0 {
                log::warn!("{dropped} bytes of output left out: too much at once");
            }
            show_log(*stream, bytes);
        }
        Event::Crashed(report) => eprintln!("catalyzer: the guest kernel died:\n{}", report.trim_end()),
        Event::Threads(text) => eprintln!("{}", text.trim_end()),
        _ => {}
    }
}

/// Listens to an instance and looks at its limits now and then.
#[derive(Debug)]
pub struct Listener {
    next_look: Time,
}

impl Default for Listener {
    fn default() -> Self {
        Self { next_look: Time::now() + WATCH }
    }
}

impl Listener {
    /// Waits for the instance to have something to say, for another descriptor, or for the next look at
    /// its limits; the event, if there is one.
    ///
    /// # Errors
    /// The instance could not be made, or the host fails.
    pub fn listen(&mut self, instance: &mut Instance, other: Option<BorrowedFd<'_>>) -> Result<Option<Event>> {
        if !instance.has_queued_events() {
            // Both are needed: an instance may die without a word. Where it could not be made or is gone,
            // the next event says so.
            let process = instance.process_fd().ok().and_then(|fd| fd.try_clone_to_owned().ok());
            let descriptors = [Some(instance.control_fd()), process.as_ref().map(AsFd::as_fd), other];
            let timeout =
                if process.is_some() { Some(self.next_look.saturating_duration_since(Time::now())) } else { None };
            wait(descriptors.into_iter().flatten(), timeout)?;
        }
        if Time::now() >= self.next_look {
            instance.check_limits()?;
            self.next_look = Time::now() + WATCH;
        }
        Ok(instance.next_event(Time::now())?)
    }
}

/// Waits until one of the descriptors has something to read; nothing special when time is over before.
fn wait<'a>(descriptors: impl Iterator<Item = BorrowedFd<'a>>, timeout: Option<Duration>) -> Result<()> {
    let mut polled: Vec<_> = descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let timeout = timeout.map(|timeout| Timespec { tv_sec: 0, tv_nsec: timeout.min(WATCH).subsec_nanos().into() });
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error).context("waiting for a sandbox"),
    }
}

/// Reads the response of an instance to a request that is sent already.
///
/// # Errors
/// No complete response came: why the instance ended, if it did.
pub fn response(
    request: &Request,
    client: &mut TcpStream,
    instance: &mut Instance,
    patience: Duration,
) -> Result<Response> {
    let mut wait = |client: BorrowedFd<'_>| attend(instance, client, patience);
    let error = match request.response_after(client, patience, &mut wait) {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let deadline = Time::now() + EXPLANATION;
    while let Ok(Some(event)) = instance.next_event(deadline) {
        match event {
            Event::Ended(end) => return Err(error.context(format!("the instance ended: {end}"))),
            event => show(&event),
        }
    }
    Err(error)
}

/// Waits until a client's connection has something to read, or `patience` is over; meanwhile listens to
/// the instance that answers it, which may need files, and shows its logs.
///
/// # Errors
/// The instance could not be made, or the host fails.
fn attend(instance: &mut Instance, client: BorrowedFd<'_>, patience: Duration) -> Result<()> {
    let deadline = Time::now() + patience;
    while Time::now() < deadline {
        let control = instance.control_fd();
        let mut polled =
            [PollFd::from_borrowed_fd(client, PollFlags::IN), PollFd::from_borrowed_fd(control, PollFlags::IN)];
        // Not on the process, too: its descriptor is not known yet, and finding out would delay what is
        // being measured. A control socket closes with its process.
        let timeout = Timespec { tv_sec: 0, tv_nsec: WATCH.subsec_nanos().into() };
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => instance.check_limits()?,
            Ok(_) if !polled[0].revents().is_empty() => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for a response"),
        }
        match instance.next_event(Time::now())? {
            // Its end closes the connection, which is something to read.
            Some(Event::Ended(_)) => return Ok(()),
            event => event.iter().for_each(show),
        }
    }
    // Reading says that nothing came.
    Ok(())
}
