//! A running sandbox, seen from outside: events out, connections and signals in.
//!
//! **Everything a sandbox says is hostile.** Each message is decoded here and nowhere else, its kind must make
//! sense at that moment, descriptors are closed and their sender killed, logs and messages have budgets. Nothing
//! here ever blocks on a sandbox: sockets are used without waiting, waits have deadlines.

use crate::dial::Dialler;
use crate::end::{End, How, Reason};
use crate::error::{Error, Result};
use crate::limits::Bucket;
use crate::process::PageCounts;
use crate::sandbox::Sandbox;
use crate::streams::Client;
use crate::wire::{self, Received};
use abi::boot::BootPage;
use abi::control::{CallCount, Exit, FromSandbox, Instance as Identity, LogStream, ToSandbox};
use rustix::io::Errno;
use std::collections::{BTreeSet, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant as Time};

/// Log bytes at once and a second; what is more is left out.
const LOG_BYTES: (u64, u64) = (4 << 20, 1 << 20);
/// Longest log message, bytes.
const LOG_MESSAGE: usize = 32 << 10;
/// Messages at once and a second; who sends more is killed.
const MESSAGES: (u64, u64) = (1 << 16, 1 << 14);
/// File-server connections at once and a second; who asks for more is killed.
const FILE_CONNECTIONS: (u64, u64) = (16, 1);
/// How long a sandbox may live on after it said that it ends.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long a sandbox that is to freeze is given to finish what it is at.
const TO_REST: Duration = Duration::from_secs(2);

/// What a sandbox did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The func-entry point is reached.
    AtEntry,
    /// It stopped all its threads, as it was asked to; an image can be written.
    Frozen,
    /// Log bytes; `dropped` more came before them and were left out because there were too many.
    Log {
        /// Which log.
        stream: LogStream,
        /// The bytes.
        bytes: Vec<u8>,
        /// Bytes left out.
        dropped: u64,
    },
    /// The guest closed this connection.
    ConnectionDone {
        /// Its number.
        id: u32,
    },
    /// What each thread waits for, one line a thread.
    Threads(String),
    /// The system calls it counted, of which it tells what it likes.
    Counts(Vec<CallCount>),
    /// The program ended; [`Event::Ended`] follows.
    Exited(Exit),
    /// The program could not be started; [`Event::Ended`] follows.
    StartFailed {
        /// Linux errno.
        errno: i32,
        /// A sentence.
        message: String,
    },
    /// The image could not be continued; [`Event::Ended`] follows.
    BootFailed(String),
    /// The guest kernel died, with this report; [`Event::Ended`] follows.
    Crashed(String),
    /// The process is gone. The last event; asked again, it comes again.
    Ended(End),
}

/// A running sandbox. Dropping it kills it.
#[derive(Debug)]
pub struct Instance {
    pub(crate) sandbox: Sandbox,
    identity: Identity,
    queue: VecDeque<Event>,
    connections: BTreeSet<u32>,
    next_connection: u32,
    /// When it is killed for time, and whether for its own timeout or for outliving its last words.
    deadline: Option<Time>,
    leaving: bool,
    /// Of a frozen sandbox the length of its dump and the number of the host process it lies in.
    frozen: Option<(u64, u32)>,
    may_freeze: bool,
    may_park: bool,
    parked: bool,
    at_entry: bool,
    wants_threads: bool,
    messages: Bucket,
    file_connections: Bucket,
    dialler: Dialler,
    /// The memory file that it asked for: what lies there is no private page of it, but counts.
    memory: Option<OwnedFd>,
    log: Bucket,
    log_dropped: u64,
    reason: Option<Reason>,
    end: Option<End>,
}

impl Instance {
    pub(crate) fn new(sandbox: Sandbox, identity: Identity, may_freeze: bool) -> Self {
        let now = Time::now();
        Self {
            sandbox,
            identity,
            queue: VecDeque::new(),
            connections: BTreeSet::new(),
            next_connection: Client::FIRST,
            deadline: None,
            leaving: false,
            frozen: None,
            may_freeze,
            may_park: false,
            parked: false,
            at_entry: false,
            wants_threads: false,
            messages: Bucket::new(MESSAGES.0, MESSAGES.1, now),
            file_connections: Bucket::new(FILE_CONNECTIONS.0, FILE_CONNECTIONS.1, now),
            dialler: Dialler::default(),
            memory: None,
            log: Bucket::new(LOG_BYTES.0, LOG_BYTES.1, now),
            log_dropped: 0,
            reason: None,
            end: None,
        }
    }

    /// One that will say that it is parked.
    pub(crate) fn parking(mut self) -> Self {
        self.may_park = true;
        self
    }

    /// Counts the connection that was handed in together with the boot.
    pub(crate) fn booted_with(mut self, client: Option<&Client>) -> Self {
        if client.is_some() {
            self.connected();
        }
        self
    }

    fn connected(&mut self) -> u32 {
        let id = self.next_connection;
        self.next_connection = id.wrapping_add(1).max(Client::FIRST);
        self.connections.insert(id);
        if self.deadline.is_none() {
            self.start_clock();
        }
        id
    }

    /// Starts the function's timeout now.
    pub(crate) fn start_clock(&mut self) {
        self.deadline = self.sandbox.function.spec.limits.timeout.map(|timeout| Time::now() + timeout);
    }

    /// Replaces the moment at which the sandbox is killed for time; `None`: never.
    pub fn set_deadline(&mut self, deadline: Option<Time>) {
        self.deadline = deadline;
    }

    /// The next event, or `None` at the deadline. Also does what a sandbox may ask for on the side
    /// (file-server connections) and enforces its timeout.
    ///
    /// # Errors
    /// When the sandbox could not be made at all, or the host fails the monitor. What a sandbox does is an event.
    pub fn next_event(&mut self, deadline: Time) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(Some(event));
            }
            if let Some(end) = &self.end {
                return Ok(Some(Event::Ended(end.clone())));
            }
            if !self.step(deadline)? {
                return Ok(None);
            }
        }
    }

    /// Takes one message or waits for one; `false` at the deadline.
    fn step(&mut self, deadline: Time) -> Result<bool> {
        if !self.sandbox.resolve_by(deadline)? {
            return Ok(false);
        }
        if self.deadline.is_some_and(|limit| Time::now() >= limit) {
            self.deadline = None;
            self.end_it(if self.leaving { Reason::Unannounced } else { Reason::Timeout });
        }
        if self.receive()? {
            return Ok(true);
        }
        let Some(process) = self.sandbox.process() else {
            self.finish();
            return Ok(true);
        };
        if process.has_ended() {
            // What it said before it ended comes first.
            if !self.receive()? {
                self.finish();
            }
            return Ok(true);
        }
        let limit = self.deadline.map_or(deadline, |limit| limit.min(deadline));
        let ready = wire::wait_readable(&[self.sandbox.control(), process.pidfd()], Some(limit));
        let ready = ready.map_err(crate::error::at("waiting for a sandbox"))?;
        Ok(ready || limit < deadline)
    }

    /// Takes one message; `false` when there is none.
    fn receive(&mut self) -> Result<bool> {
        let received = wire::receive(self.sandbox.control()).map_err(crate::error::at("receiving from a sandbox"))?;
        let violation = match received {
            Received::Nothing => return Ok(false),
            // An honest one is about to end; the other kind is of no use any more.
            Received::Closed => {
                if let Some(process) = self.sandbox.process()
                    && !process.has_ended()
                {
                    process.kill();
                    process.wait(Time::now() + LAST_WORDS);
                }
                return Ok(false);
            }
            Received::Oversized => Err("sent a message that is too long or has too many descriptors"),
            Received::Message(_, fds) if !fds.is_empty() => Err("sent descriptors"),
            Received::Message(..) if !self.messages.take(1, Time::now()) => Err("floods its control socket"),
            Received::Message(bytes, _) => match abi::decode(&bytes) {
                Ok(message) => self.handle(message)?,
                Err(_) => Err("sent a malformed message"),
            },
        };
        if let Err(what) = violation {
            self.violation(what);
        }
        Ok(true)
    }

    /// Acts on a message; the inner error is what it did wrong.
    fn handle(&mut self, message: FromSandbox) -> Result<std::result::Result<(), &'static str>> {
        let event = match message {
            FromSandbox::Parked if self.may_park && !self.parked => {
                self.parked = true;
                return Ok(Ok(()));
            }
            FromSandbox::Parked => return Ok(Err("says that it is parked, which nobody asked for")),
            FromSandbox::AtEntry if self.at_entry => return Ok(Err("reached its entry point twice")),
            FromSandbox::AtEntry => {
                self.at_entry = true;
                Event::AtEntry
            }
            FromSandbox::Frozen { len, host } if self.may_freeze && self.frozen.is_none() => {
                self.frozen = Some((len, host));
                Event::Frozen
            }
            FromSandbox::Frozen { .. } => return Ok(Err("says that it is frozen, which nobody asked for")),
            FromSandbox::NeedFiles => return self.send_files(),
            FromSandbox::NeedMemory => return self.send_memory(),
            FromSandbox::Dial { id, target } => return self.dial(id, target),
            FromSandbox::CantFreeze(message) if self.may_freeze && self.frozen.is_none() => {
                self.leave(Reason::Freeze(sentence(&message)));
                return Ok(Ok(()));
            }
            FromSandbox::CantFreeze(_) => return Ok(Err("can't freeze, which nobody asked for")),
            FromSandbox::ConnectionDone { id } if self.connections.remove(&id) => Event::ConnectionDone { id },
            FromSandbox::ConnectionDone { .. } => return Ok(Err("closed a connection that it does not have")),
            FromSandbox::Log { bytes, .. } if bytes.len() > LOG_MESSAGE => {
                return Ok(Err("sent too long a log message"));
            }
            FromSandbox::Log { stream, bytes } => {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                if !self.log.take(len, Time::now()) {
                    self.log_dropped = self.log_dropped.saturating_add(len);
                    return Ok(Ok(()));
                }
                Event::Log { stream, bytes, dropped: std::mem::take(&mut self.log_dropped) }
            }
            FromSandbox::Threads(text) if self.wants_threads => {
                self.wants_threads = false;
                Event::Threads(sentence(&text))
            }
            FromSandbox::Threads(_) => return Ok(Err("described its threads, which nobody asked for")),
            FromSandbox::Counts(calls) if self.identity.syscall_stats => Event::Counts(calls),
            FromSandbox::Counts(_) => return Ok(Err("counted its calls, which nobody asked for")),
            FromSandbox::Exited(exit) => {
                self.leave(Reason::Program(exit));
                Event::Exited(exit)
            }
            FromSandbox::StartFailed { errno, message } => {
                let message = sentence(&message);
                self.leave(Reason::Start(errno, message.clone()));
                Event::StartFailed { errno, message }
            }
            FromSandbox::BootFailed(message) => {
                let message = sentence(&message);
                self.leave(Reason::Boot(message.clone()));
                Event::BootFailed(message)
            }
            FromSandbox::Crashed { report } => {
                self.leave(Reason::Crash);
                Event::Crashed(crate::symbols::annotate(&sentence(&report)))
            }
        };
        self.queue.push_back(event);
        Ok(Ok(()))
    }

    /// A new connection to the file server.
    fn send_files(&mut self) -> Result<std::result::Result<(), &'static str>> {
        if !self.file_connections.take(1, Time::now()) {
            return Ok(Err("asks for too many file-server connections"));
        }
        let files = self.sandbox.function.file_connection()?;
        Ok(match self.sandbox.send(&ToSandbox::Files, &[files.as_fd()]) {
            Err(Errno::AGAIN) => Err("does not read its control socket"),
            // When it has ended, that is the next event.
            _ => Ok(()),
        })
    }

    /// An outgoing connection; the answer comes later.
    fn dial(&mut self, id: u32, target: u16) -> Result<std::result::Result<(), &'static str>> {
        let Some(target) = self.sandbox.function.spec.launch.allow_connect.get(usize::from(target)) else {
            return Ok(Err("wants to connect to where it may not"));
        };
        let control = self.sandbox.control().try_clone_to_owned();
        let control = control.map_err(|error| Error::Host {
            what: "dialling for a sandbox",
            errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
        })?;
        self.dialler.dial(control, id, target);
        Ok(Ok(()))
    }

    /// Memory that several mappings of it can share.
    fn send_memory(&mut self) -> Result<std::result::Result<(), &'static str>> {
        if self.memory.is_some() {
            return Ok(Err("asks for shared memory twice"));
        }
        let memory = crate::kernel_image::zeros(abi::layout::MEMORY_LEN)?;
        let sent = self.sandbox.send(&ToSandbox::Memory, &[memory.as_fd()]);
        self.memory = Some(memory);
        Ok(match sent {
            Err(Errno::AGAIN) => Err("does not read its control socket"),
            // When it has ended, that is the next event.
            _ => Ok(()),
        })
    }

    /// Bytes in the memory that it asked for.
    fn memory_in_use(&self) -> u64 {
        let blocks =
            self.memory.as_ref().and_then(|memory| rustix::fs::fstat(memory).ok()).map_or(0, |stat| stat.st_blocks);
        u64::try_from(blocks).unwrap_or(0).saturating_mul(512)
    }

    /// It announced its end: gives it a while.
    fn leave(&mut self, reason: Reason) {
        self.reason.get_or_insert(reason);
        if !self.leaving {
            self.leaving = true;
            let last = Time::now() + LAST_WORDS;
            self.deadline = Some(self.deadline.map_or(last, |deadline| deadline.min(last)));
        }
    }

    /// Kills it; the first reason stays.
    fn end_it(&mut self, reason: Reason) {
        self.reason.get_or_insert(reason);
        if let Some(process) = self.sandbox.process() {
            process.kill();
        }
    }

    fn violation(&mut self, what: &str) {
        // Whatever it announced before, this is why it ends.
        self.reason = Some(Reason::Violation(what.to_owned()));
        self.end_it(Reason::Unannounced);
    }

    /// The process is gone and all it said is taken.
    fn finish(&mut self) {
        let how = self.sandbox.how();
        let reason = match self.reason.take() {
            None | Some(Reason::Unannounced)
                if how == How::Signal(libc::SIGKILL) && self.sandbox.function.ran_out_of_memory() =>
            {
                Reason::Memory
            }
            // One of several host processes: the guest kernel has seen it.
            Some(Reason::Crash) if self.memory.is_some() && self.sandbox.function.ran_out_of_memory() => Reason::Memory,
            reason => reason.unwrap_or(Reason::Unannounced),
        };
        self.connections.clear();
        self.end = Some(End { how, reason });
    }

    /// Sends, where not reading means the end.
    fn tell(&mut self, message: &ToSandbox, fds: &[BorrowedFd<'_>]) -> Result<()> {
        match self.sandbox.send(message, fds) {
            Ok(()) => Ok(()),
            Err(Errno::AGAIN) => {
                self.sandbox.resolve()?;
                self.violation("does not read its control socket");
                Err(self.ended())
            }
            Err(_) => Err(self.ended()),
        }
    }

    /// The end as an error, waiting for it a little.
    fn ended(&mut self) -> Error {
        let deadline = Time::now() + LAST_WORDS;
        while self.end.is_none() {
            match self.step(deadline) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return error,
            }
        }
        let unknown = End { how: How::Unknown, reason: Reason::Unannounced };
        Error::Ended(self.end.clone().unwrap_or(unknown))
    }

    /// Hands a client's connection in; its number.
    ///
    /// # Errors
    /// [`Error::Ended`] when the sandbox has ended or does not take it.
    pub fn connect(&mut self, client: Client) -> Result<u32> {
        let id = self.connected();
        self.tell(&ToSandbox::Connection(client.connection(id)), &[client.fd.as_fd()])?;
        Ok(id)
    }

    /// Sends the program a signal (Linux's number).
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub fn signal(&mut self, signal: u8) -> Result<()> {
        self.wants_threads |= signal == 0;
        self.tell(&ToSandbox::Signal(signal), &[])?;
        self.kick();
        Ok(())
    }

    /// The terminal that the program was started in has another size: rows and columns.
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub fn resize(&mut self, window: [u16; 2]) -> Result<()> {
        self.tell(&ToSandbox::Window(window), &[])?;
        self.kick();
        Ok(())
    }

    /// A running program's threads need not block for what was just sent.
    fn kick(&self) {
        if let Some(process) = self.sandbox.process() {
            process.kick();
        }
    }

    /// Asks what each thread waits for and waits for the answer: one line a thread. Other events stay for
    /// [`Self::next_event`].
    ///
    /// # Errors
    /// [`Error::Ended`], or [`Error::Silent`] at the deadline.
    pub fn threads(&mut self, deadline: Time) -> Result<String> {
        self.signal(0)?;
        self.wait_for(deadline, |instance| {
            let place = instance.queue.iter().position(|event| matches!(event, Event::Threads(_)))?;
            match instance.queue.remove(place) {
                Some(Event::Threads(text)) => Some(text),
                _ => None,
            }
        })
    }

    /// Asks an instance of a function whose launch has `syscall_stats` for its calls since its boot. Other events
    /// stay for [`Self::next_event`].
    ///
    /// # Errors
    /// [`Error::Ended`], or [`Error::Silent`] at the deadline.
    pub fn counts(&mut self, deadline: Time) -> Result<Vec<CallCount>> {
        self.tell(&ToSandbox::Counts, &[])?;
        self.kick();
        self.wait_for(deadline, |instance| {
            let place = instance.queue.iter().position(|event| matches!(event, Event::Counts(_)))?;
            match instance.queue.remove(place) {
                Some(Event::Counts(calls)) => Some(calls),
                _ => None,
            }
        })
    }

    /// Stops the sandbox for an image and waits until it is; where it waits for connections, if it comes there soon.
    /// Other events stay for [`Self::next_event`].
    ///
    /// # Errors
    /// [`Error::Ended`], or [`Error::Silent`] at the deadline.
    pub fn freeze(&mut self, deadline: Time) -> Result<()> {
        if self.frozen.is_none() {
            self.may_freeze = true;
            self.tell(&ToSandbox::Freeze { at_rest: true }, &[])?;
            self.kick();
            let soon = deadline.min(Time::now() + TO_REST);
            if let Err(Error::Silent { .. }) = self.wait_for(soon, |instance| instance.frozen.map(drop)) {
                self.tell(&ToSandbox::Freeze { at_rest: false }, &[])?;
                self.kick();
            }
        }
        self.wait_for(deadline, |instance| instance.frozen.map(drop))?;
        self.queue.retain(|event| *event != Event::Frozen);
        Ok(())
    }

    /// Length of the dump and the number of the host process it lies in, when frozen.
    pub(crate) fn dump(&self) -> Option<(u64, u32)> {
        self.frozen
    }

    /// Waits until it is parked.
    pub(crate) fn wait_parked(&mut self, deadline: Time) -> Result<()> {
        self.wait_for(deadline, |instance| instance.parked.then_some(()))
    }

    /// Takes messages until `found` finds what it looks for.
    fn wait_for<T>(&mut self, deadline: Time, mut found: impl FnMut(&mut Self) -> Option<T>) -> Result<T> {
        let start = Time::now();
        loop {
            if let Some(found) = found(self) {
                return Ok(found);
            }
            if let Some(end) = &self.end {
                return Err(Error::Ended(end.clone()));
            }
            if !self.step(deadline)? {
                return Err(Error::Silent { who: "a sandbox", seconds: start.elapsed().as_secs() });
            }
        }
    }

    /// Kills it. [`Event::Ended`] follows.
    pub fn kill(&mut self) {
        if self.sandbox.resolve().is_ok() {
            self.end_it(Reason::Asked);
        }
    }

    /// Waits for the end, leaving out all other events.
    ///
    /// # Errors
    /// As for [`Self::next_event`].
    pub fn wait(&mut self) -> Result<End> {
        loop {
            if let Some(Event::Ended(end)) = self.next_event(Time::now() + Duration::from_secs(3600))? {
                return Ok(end);
            }
        }
    }

    /// Kills it when its private memory exceeds the function's limit; [`Event::Ended`] follows then. For loops
    /// that watch instances where no cgroup does.
    ///
    /// # Errors
    /// When its memory can't be looked at.
    pub fn check_limits(&mut self) -> Result<()> {
        let Some(limit) = self.sandbox.function.spec.limits.memory else { return Ok(()) };
        if self.end.is_some() {
            return Ok(());
        }
        let pages = match self.private_pages() {
            Ok(pages) => pages,
            // It is just ending, which the next event tells.
            Err(Error::Host { errno: Errno::SRCH | Errno::NOENT, .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        // With memory of its own file, anonymous pages are what that does not hold.
        let (private, shared) = match self.memory {
            Some(_) => (pages.anonymous_share, self.memory_in_use()),
            None => (pages.private_dirty, 0),
        };
        if private.saturating_mul(abi::layout::PAGE_SIZE).saturating_add(shared) > limit {
            self.end_it(Reason::Memory);
        }
        Ok(())
    }

    /// Its boot page, read from its memory; nothing in it is to be believed.
    ///
    /// # Errors
    /// When it has ended.
    pub fn boot_page(&mut self) -> Result<BootPage> {
        self.sandbox.known()?.boot_page()
    }

    /// Its memory, counted by the host; of all its host processes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn private_pages(&mut self) -> Result<PageCounts> {
        let several = self.memory.is_some();
        let process = self.sandbox.known()?;
        if several { process.pages_of_all() } else { process.pages() }
    }

    /// How many host mappings it has.
    ///
    /// # Errors
    /// When it has ended.
    pub fn mappings(&mut self) -> Result<usize> {
        self.sandbox.known()?.mappings()
    }

    /// Its pid on the host.
    ///
    /// # Errors
    /// When it could not be made, or ended before it was known.
    pub fn pid(&mut self) -> Result<i32> {
        Ok(self.sandbox.known()?.pid())
    }

    /// The number that differs in each instance of this monitor.
    pub fn generation(&self) -> u64 {
        self.identity.generation
    }

    /// Connections that the guest has not closed.
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// Readable when [`Self::next_event`] has work.
    pub fn control_fd(&self) -> BorrowedFd<'_> {
        self.sandbox.control()
    }

    /// Readable when the process has ended.
    ///
    /// # Errors
    /// When it could not be made, or ended before it was known.
    pub fn process_fd(&mut self) -> Result<BorrowedFd<'_>> {
        Ok(self.sandbox.known()?.pidfd())
    }

    /// Events that were taken from the socket and not yet from here.
    pub fn has_queued_events(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// Text of a guest for people: no control characters that a terminal would obey.
fn sentence(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
