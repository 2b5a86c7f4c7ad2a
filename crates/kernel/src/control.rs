//! The control socket: what the monitor tells this sandbox, and what it is told.

use crate::errno::EINTR;
use crate::host::{self, Descriptors, EpollEvent, HostFd};
use crate::task::poller::HostHandle;
use crate::{kernel, lock};
use abi::control::{Connection, Exit, FromSandbox, LogStream, ToSandbox};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What goes on between this sandbox and the monitor.
#[derive(Default)]
pub struct Control {
    /// Connections that came while nobody listened.
    pub early: RefCell<VecDeque<(Connection, HostHandle)>>,
    /// The file-server connection.
    pub files: HostHandle,
    /// The memory that holds the arena of shared objects ([`crate::mm::shared`]).
    pub memory: HostHandle,
    /// The trace stream.
    pub trace: HostHandle,
    /// The func-entry point was announced.
    pub entry_announced: Cell<bool>,
    /// All threads are to become data for an image: the monitor asked for it, or a host process began.
    pub freeze_asked: Cell<bool>,
    /// How often a short sleep has kept the func-entry point from being reached.
    pub short_sleeps: Cell<u32>,
    /// That is to be asked for as soon as the guest is at its entry point again.
    pub freeze_at_rest: Cell<bool>,
    /// Who coordinates that, and what it shares with the other host processes.
    pub freeze: crate::snapshot::freeze::Coordination,
}

/// The control socket of this sandbox.
pub fn socket() -> HostFd {
    HostFd(crate::local::local().control_fd.load(core::sync::atomic::Ordering::Relaxed))
}

/// Sends a message to the monitor. A full socket is waited for: the monitor drains it.
pub fn send(message: &FromSandbox, descriptors: &[HostFd]) {
    let bytes = abi::encode(message);
    while let Err(errno) = host::transmit(socket(), &bytes, descriptors, true) {
        if errno != EINTR {
            // The monitor is gone: nobody is left to run for.
            host::exit_group(125);
        }
    }
}

/// Sends a small message (to the monitor, or as a parent of clones) without allocating.
///
/// # Errors
/// What the host answers: the monitor is gone.
pub fn send_small<T: serde::Serialize>(message: &T, descriptors: &[HostFd]) -> Result<(), crate::errno::Errno> {
    let mut buffer = [0; 64];
    let bytes = postcard::to_slice(message, &mut buffer).map_err(|_| crate::errno::EINVAL)?;
    loop {
        match host::transmit(socket(), bytes, descriptors, true) {
            Err(EINTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Sends bytes for a log, in pieces.
pub fn log(stream: LogStream, bytes: &[u8]) {
    for piece in bytes.chunks(32 << 10) {
        send(&FromSandbox::Log { stream, bytes: piece.to_vec() }, &[]);
    }
}

/// Ends the whole sandbox: its first host process is the first one of its namespace, whose end is that of all.
pub fn end_sandbox(status: u8) -> ! {
    ask_for_the_end(status);
    wait_for_the_end(status)
}

/// As [`end_sandbox`], by a thread that has the kernel lock: the first host process may need it to notice.
pub fn end_sandbox_with_lock(status: u8) -> ! {
    ask_for_the_end(status);
    if crate::local::common().is_some() {
        if let Some(first) = kernel().tasks.hosts.get(0) {
            first.poller.ring();
        }
        lock::release();
    }
    wait_for_the_end(status)
}

fn ask_for_the_end(status: u8) {
    if let Some(common) = crate::local::common() {
        common.ending.store(0x100 | u32::from(status), SeqCst);
    }
}

/// Other host processes than the first end with it: one that ends before may hold the lock, and be taken for killed.
fn wait_for_the_end(status: u8) -> ! {
    let local = crate::local::local();
    let first = local.host.load(Relaxed) == 0;
    if !first && crate::local::common().is_some() && host::kick(1, 1).is_ok() {
        loop {
            let _ = host::futex_wait(&local.gone, local.gone.load(SeqCst), None);
        }
    }
    host::exit_group(status)
}

/// The sandbox ends when another host process has said so. Without the lock, or with it.
pub fn check_end(common: &crate::local::Common) {
    let ending = common.ending.load(SeqCst);
    if ending != 0 {
        wait_for_the_end(ending as u8);
    }
}

/// The state can't be gone on with, and may not be touched: says why and ends the sandbox.
pub fn end_broken(sentence: &str) -> ! {
    let mut message = [0; 4608];
    let encoded = abi::control::encode_crash(sentence.as_bytes(), &mut message);
    let _ = host::transmit(socket(), encoded, &[], true);
    end_sandbox(125)
}

/// The program ended: reports it and ends the sandbox.
pub fn exited(exit: Exit) -> ! {
    crate::tty::console::finish();
    crate::syscall::strace::at_end(exit);
    crate::syscall::counts::report();
    send(&FromSandbox::Exited(exit), &[]);
    let status = match exit {
        Exit::Status(status) => status,
        Exit::Signal(signal) => 128 + signal,
        Exit::OutOfMemory => 137,
    };
    end_sandbox_with_lock(status)
}

/// The guest kernel can't go on: reports a sentence and ends the sandbox.
pub fn fatal(sentence: &str) -> ! {
    send(&FromSandbox::Crashed { report: sentence.as_bytes().to_vec() }, &[]);
    end_sandbox_with_lock(125)
}

/// No message to a sandbox is longer, bytes.
const MAX_TO_SANDBOX: usize = 1024;

/// Reads one message. `wait`: for as long as it takes.
pub fn receive(wait: bool) -> Option<(ToSandbox, Descriptors)> {
    let mut buffer = [0u8; MAX_TO_SANDBOX];
    // The pollers of several host processes watch the socket exclusively: each message wakes one of them, or who sleeps
    // in a receive. Who must have it waits in a way that is always woken.
    let watch = if wait && crate::local::common().is_some() { Some(watch_alone()) } else { None };
    let received = loop {
        match host::receive(socket(), &mut buffer, wait && watch.is_none()) {
            Ok((0, _)) => host::exit_group(125),
            Ok((len, descriptors)) => match abi::decode(&buffer[..len]) {
                Ok(message) => break Some((message, descriptors)),
                Err(_) => fatal("a message of the monitor is malformed"),
            },
            Err(EINTR) => {}
            Err(_) => match watch {
                Some(set) => drop(host::epoll_wait(set, &mut [EpollEvent::default()], -1)),
                None => break None,
            },
        }
    };
    if let Some(set) = watch {
        host::close(set);
    }
    received
}

/// A set of which the control socket is the only member.
fn watch_alone() -> HostFd {
    let set = host::epoll_create();
    let event = EpollEvent { events: 1, data: 0 };
    let added = set.and_then(|set| host::epoll_control(set, 1, socket(), event).map(|()| set));
    added.unwrap_or_else(|_| fatal("no descriptors left to wait for the monitor"))
}

/// Serves all messages that have come.
pub fn receive_all() {
    while let Some((message, descriptors)) = receive(false) {
        serve(message, descriptors);
    }
}

/// Waits for the monitor to freeze this sandbox or to hand it a connection, and serves what comes before.
pub fn receive_what_comes() {
    while let Some((message, descriptors)) = receive(true) {
        // The caller does not go on before it.
        let message = if message == (ToSandbox::Freeze { at_rest: true }) {
            ToSandbox::Freeze { at_rest: false }
        } else {
            message
        };
        let last = matches!(message, ToSandbox::Freeze { .. } | ToSandbox::Connection(_));
        serve(message, descriptors);
        if last {
            return;
        }
    }
}

fn serve(message: ToSandbox, mut descriptors: Descriptors) {
    match message {
        ToSandbox::Connection(connection) => {
            if let Some(socket) = descriptors.take() {
                kernel().net.connected(connection, HostHandle::new(socket));
            }
        }
        ToSandbox::Files => {
            if let Some(socket) = descriptors.take() {
                kernel().control.files.set(socket);
            }
        }
        ToSandbox::Memory => {
            if let Some(memory) = descriptors.take() {
                kernel().control.memory.set(memory);
            }
        }
        ToSandbox::Signal(0) => {
            let report = threads_report();
            send(&FromSandbox::Threads(report), &[]);
        }
        ToSandbox::Signal(signal) => crate::task::signal::from_outside(signal),
        ToSandbox::Window(window) => crate::tty::console::resize(window),
        ToSandbox::Freeze { at_rest } => crate::snapshot::entry_point::freeze(at_rest),
        ToSandbox::Counts => crate::syscall::counts::report(),
        ToSandbox::Dialled { id, errno } => {
            kernel().net.dialling.done(id, errno, descriptors.take().map(HostHandle::new));
        }
        ToSandbox::Scratch { .. }
        | ToSandbox::Restore(_)
        | ToSandbox::Sfork { .. }
        | ToSandbox::Populate { .. }
        | ToSandbox::Go { .. } => {
            fatal("the monitor sent a boot message to a running sandbox");
        }
    }
    while let Some(extra) = descriptors.take() {
        host::close(extra);
    }
}

/// The file-server connection, asked for on first need.
pub fn files() -> HostFd {
    loop {
        if let Some(socket) = kernel().control.files.get() {
            return socket;
        }
        send(&FromSandbox::NeedFiles, &[]);
        while kernel().control.files.get().is_none() {
            if let Some((message, descriptors)) = receive(true) {
                serve(message, descriptors);
            }
        }
    }
}

/// The memory that several mappings and host processes can share, asked for on first need.
///
/// # Errors
/// `ENOMEM` when the monitor gives none.
pub fn memory() -> Result<HostFd, crate::errno::Errno> {
    if let Some(memory) = kernel().control.memory.get() {
        return Ok(memory);
    }
    send(&FromSandbox::NeedMemory, &[]);
    loop {
        if let Some((message, descriptors)) = receive(true) {
            let answer = matches!(message, ToSandbox::Memory);
            serve(message, descriptors);
            if answer {
                return kernel().control.memory.get().ok_or(crate::errno::ENOMEM);
            }
        }
    }
}

/// One line a thread: what it waits for.
pub fn threads_report() -> Vec<u8> {
    use core::fmt::Write;
    let mut text = alloc::string::String::new();
    for (tid, thread) in kernel().tasks.threads.borrow().iter() {
        let waiting = thread.waiting.borrow();
        let what = waiting.as_ref().map_or("running", |wait| wait.what);
        let name = thread.name.borrow();
        let pid = thread.process().pid.0;
        let _ = writeln!(text, "process {pid} thread {} ({}): {}", tid.0, name.escape_ascii(), what);
    }
    text.into_bytes()
}

/// As [`trace`], without giving up the lock: for what must not be parted from what comes next.
pub fn trace_under_lock(line: &[u8]) {
    match kernel().control.trace.get() {
        Some(stream) => drop(host::write(stream, line)),
        None => log(LogStream::Trace, line),
    }
}

/// Writes to the trace stream, or to the log when there is none.
pub fn trace(line: &[u8]) {
    match kernel().control.trace.get() {
        Some(stream) => {
            let _ = lock::released(|| host::write(stream, line));
        }
        None => log(LogStream::Trace, line),
    }
}
