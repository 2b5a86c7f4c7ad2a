//! A terminal: a line discipline between its own side, which processes open, and the other side, which is a program that
//! holds the master, or the host's terminal.

use super::console::Console;
use super::discipline::{Discipline, Effects, Flow, Signalled};
use super::settings::{Local, Settings};
use crate::errno::{EIO, EPERM, Errno};
use crate::fs::device::Device;
use crate::fs::inode::{Content, DEV_DEVICE, Inode, S_IFCHR};
use crate::heap::guest_word::ByteBox;
use crate::ipc::ByteQueue;
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::syscall::{RestartRule, Stop};
use crate::task::signal::queue::{Info, SI_KERNEL};
use crate::task::signal::{Signal, send};
use crate::task::wait::is_orphaned;
use crate::task::{Pid, Process};
use crate::user_memory::Source;
use crate::wait::{Events, WaitFor, WaitQueue};
use alloc::rc::Rc;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::cell::{Cell, RefCell};

/// Bytes of output that the other side has not taken.
const CAPACITY: usize = 64 << 10;
/// Bytes of output that are processed at once.
const PIECE: usize = 4096;

/// What the master's side is told of input and output.
pub const READABLE: Events = Events::IN.union(Events::RDNORM);
/// See [`READABLE`].
pub const WRITABLE: Events = Events::OUT.union(Events::WRNORM);

bitflags! {
    /// What packet mode tells (`TIOCPKT_*`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Packet: u8 {
        /// Input was flushed.
        const FLUSH_READ = 1;
        /// Output was flushed.
        const FLUSH_WRITE = 2;
        /// Output stopped.
        const STOP = 4;
        /// Output started.
        const START = 8;
        /// Flow control is not the usual one.
        const NO_STOP = 16;
        /// It is.
        const DO_STOP = 32;
    }
}

/// A terminal.
pub struct Terminal {
    /// Its number in `/dev/pts`.
    pub number: u32,
    /// Its node.
    pub inode: Rc<Inode>,
    discipline: RefCell<Discipline>,
    // Rows, columns and two more numbers; the guest chooses them.
    window: RefCell<ByteBox<[u16; 4]>>,
    /// The session whose controlling terminal it is.
    pub(super) session: Cell<Option<Pid>>,
    /// The process group that may read and gets the signals.
    pub(super) foreground: Cell<Option<Pid>>,
    /// For the other side.
    output: RefCell<ByteQueue>,
    /// Who waits on its own side.
    pub queue: Rc<WaitQueue>,
    /// Who waits at the master.
    pub master_queue: Rc<WaitQueue>,
    /// Who waits for the foreground.
    foreground_queue: Rc<WaitQueue>,
    /// Open files on its own side, and whether there ever was one.
    opened: Cell<usize>,
    was_opened: Cell<bool>,
    /// The other side is gone.
    hung_up: Cell<bool>,
    /// `TIOCSPTLCK`: its own side can't be opened.
    pub locked: Cell<bool>,
    /// `TIOCEXCL`: no more opens.
    pub exclusive: Cell<bool>,
    /// Output is stopped, by a character or by `TCOOFF`, which only `TCOON` ends.
    stopped: Cell<bool>,
    held: Cell<bool>,
    /// `TIOCPKT`.
    packets: Cell<bool>,
    packet: Cell<Packet>,
    /// The host's terminal, where that is the other side.
    pub console: RefCell<Option<Rc<Console>>>,
}

impl Terminal {
    /// A new one.
    pub fn new(number: u32, uid: u32, gid: u32) -> Rc<Self> {
        const MAJOR: u64 = 136;
        let inode = Inode::new(DEV_DEVICE, Content::Device(Device::Terminal(number)), S_IFCHR | 0o620, uid, gid);
        inode.change(|meta| meta.rdev = MAJOR << 8 | u64::from(number));
        Rc::new(Self {
            number,
            inode,
            discipline: RefCell::default(),
            window: RefCell::default(),
            session: Cell::new(None),
            foreground: Cell::new(None),
            output: RefCell::default(),
            queue: WaitQueue::new(),
            master_queue: WaitQueue::new(),
            foreground_queue: WaitQueue::new(),
            opened: Cell::new(0),
            was_opened: Cell::new(false),
            hung_up: Cell::new(false),
            locked: Cell::new(true),
            exclusive: Cell::new(false),
            stopped: Cell::new(false),
            held: Cell::new(false),
            packets: Cell::new(false),
            packet: Cell::new(Packet::empty()),
            console: RefCell::default(),
        })
    }

    /// Whether the other side is gone.
    pub fn is_hung_up(&self) -> bool {
        self.hung_up.get()
    }

    /// Whether everybody who had it open has closed it.
    pub fn is_left(&self) -> bool {
        self.was_opened.get() && self.opened.get() == 0
    }

    /// Counts an open file.
    pub fn opened(&self) {
        self.opened.set(self.opened.get() + 1);
        self.was_opened.set(true);
        self.master_queue.wake(WRITABLE);
    }

    /// An open file was closed.
    pub fn closed(&self) {
        self.opened.set(self.opened.get() - 1);
        if self.opened.get() == 0 {
            self.exclusive.set(false);
            self.master_queue.wake(Events::all());
        }
    }

    // Input.

    /// Room for input, bytes.
    pub fn input_room(&self) -> usize {
        self.discipline.borrow().room()
    }

    /// Bytes from the other side.
    pub fn receive(&self, bytes: &[u8]) {
        let mut effects = Effects::default();
        self.discipline.borrow_mut().receive(bytes, &mut effects);
        self.apply(effects);
        self.queue.wake(READABLE);
    }

    /// No more bytes will come from the other side.
    pub fn end_input(&self) {
        let mut effects = Effects::default();
        self.discipline.borrow_mut().end(&mut effects);
        self.apply(effects);
        self.queue.wake(READABLE);
    }

    fn apply(&self, effects: Effects) {
        let Effects { echo, signals, flushes_output, flow } = effects;
        for signal in signals {
            let signal = match signal {
                Signalled::Interrupt => Signal::INT,
                Signalled::Quit => Signal::QUIT,
                Signalled::Suspend => Signal::TSTP,
            };
            self.signal_foreground(signal);
        }
        if flushes_output {
            self.flush_output();
        }
        match flow {
            Some(Flow::Start) => self.start(),
            Some(Flow::Stop) => self.stop(),
            None => {}
        }
        // Nobody reads what comes back: it is dropped when there is too much of it.
        if !echo.is_empty() && self.output.borrow().len() < 2 * CAPACITY {
            self.output.borrow_mut().push(&echo);
            self.pass_on();
        }
    }

    /// Takes input; none: there is nothing yet.
    pub fn take(&self, room: usize) -> Option<Vec<u8>> {
        let taken = self.discipline.borrow_mut().read(room);
        let mut effects = Effects::default();
        self.discipline.borrow_mut().go_on(&mut effects);
        self.apply(effects);
        self.master_queue.wake(WRITABLE);
        let console = self.console.borrow().clone();
        if let Some(console) = console {
            console.pump(self);
        }
        taken
    }

    /// Drops input (`TCIFLUSH`).
    pub fn flush_input(&self) {
        self.discipline.borrow_mut().flush();
        self.tell(Packet::FLUSH_READ);
        self.master_queue.wake(WRITABLE);
    }

    /// Reads something of the discipline.
    pub fn look<T>(&self, look: impl FnOnce(&Discipline) -> T) -> T {
        look(&self.discipline.borrow())
    }

    // Output.

    /// Processes output of a program; answers how much was taken.
    ///
    /// # Errors
    /// `EFAULT`, `EIO` when it is hung up.
    pub fn write(&self, source: &mut dyn Source) -> Result<usize, Errno> {
        let mut done = 0;
        let mut bytes = [0; PIECE];
        while source.left() > 0 && self.has_output_room() {
            let limit = source.left().min(PIECE);
            let taken = match source.take(bytes.get_mut(..limit).unwrap_or_default()) {
                Ok(taken) => taken,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            };
            let mut processed = Vec::new();
            self.discipline.borrow_mut().process(bytes.get(..taken).unwrap_or_default(), &mut processed);
            self.output.borrow_mut().push(&processed);
            done += taken;
            self.pass_on();
        }
        Ok(done)
    }

    /// Whether a program may write.
    pub fn has_output_room(&self) -> bool {
        !self.stopped.get() && self.output.borrow().len() < CAPACITY
    }

    /// Bytes that the other side has not taken.
    pub fn output_len(&self) -> usize {
        self.output.borrow().len()
    }

    /// Moves output out for the other side.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn take_output(&self, sink: &mut dyn crate::user_memory::Sink) -> Result<usize, Errno> {
        let taken = self.output.borrow_mut().drain(sink, usize::MAX)?;
        if taken > 0 {
            self.queue.wake(WRITABLE);
        }
        Ok(taken)
    }

    /// There is output for the other side.
    fn pass_on(&self) {
        let console = self.console.borrow().clone();
        match console {
            Some(console) => console.pass_on(self),
            None => {
                self.master_queue.wake(READABLE);
            }
        }
    }

    /// Drops output (`TCOFLUSH`).
    pub fn flush_output(&self) {
        *self.output.borrow_mut() = ByteQueue::default();
        self.tell(Packet::FLUSH_WRITE);
        self.queue.wake(WRITABLE);
    }

    /// `TCOOFF`.
    pub fn hold(&self) {
        if !self.held.replace(true) {
            self.stop();
        }
    }

    /// `TCOON`.
    pub fn release(&self) {
        if self.held.replace(false) {
            self.start();
        }
    }

    /// Output stops (`VSTOP`).
    pub fn stop(&self) {
        if !self.stopped.replace(true) {
            self.packet.set(self.packet.get() - Packet::START);
            self.tell(Packet::STOP);
        }
    }

    /// Output goes on (`VSTART`), unless it is held.
    pub fn start(&self) {
        if !self.held.get() && self.stopped.replace(false) {
            self.packet.set(self.packet.get() - Packet::STOP);
            self.tell(Packet::START);
            self.queue.wake(WRITABLE);
            if self.output_len() > 0 {
                self.pass_on();
            }
        }
    }

    /// Whether output is stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    // Packet mode.

    fn tell(&self, what: Packet) {
        if self.packets.get() {
            self.packet.set(self.packet.get() | what);
            self.master_queue.wake(READABLE | Events::PRI);
        }
    }

    /// `TIOCPKT`.
    pub fn set_packets(&self, on: bool) {
        if !self.packets.replace(on) {
            self.packet.set(Packet::empty());
        }
    }

    /// Whether packet mode is on.
    pub fn has_packets(&self) -> bool {
        self.packets.get()
    }

    /// What packet mode has to tell.
    pub fn packet(&self) -> Packet {
        self.packet.get()
    }

    /// The same, once.
    pub fn take_packet(&self) -> Packet {
        self.packet.replace(Packet::empty())
    }

    // Settings.

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.discipline.borrow().settings()
    }

    /// Changes them.
    pub fn set(&self, settings: Settings) {
        let before = self.settings();
        self.discipline.borrow_mut().set(settings);
        let (old, new) = (before.has_usual_flow_control(), settings.has_usual_flow_control());
        if old != new {
            self.packet.set(self.packet.get() - (Packet::DO_STOP | Packet::NO_STOP));
            self.tell(if new { Packet::DO_STOP } else { Packet::NO_STOP });
        }
        if !settings.input().contains(super::settings::Input::FLOW) {
            self.start();
        }
        // What was not enough to be read may be so now.
        self.queue.wake(READABLE);
    }

    /// Rows, columns, and two more numbers.
    pub fn window(&self) -> [u16; 4] {
        self.window.borrow().load()
    }

    /// `TIOCSWINSZ`: who is in the foreground is told of a change.
    pub fn set_window(&self, window: [u16; 4]) {
        if self.window() != window {
            self.window.borrow_mut().store(window);
            self.signal_foreground(Signal::WINCH);
        }
    }

    // Sessions and jobs.

    /// The session whose controlling terminal it is.
    pub fn session(&self) -> Option<Pid> {
        self.session.get()
    }

    /// The foreground process group.
    pub fn foreground(&self) -> Option<Pid> {
        self.foreground.get()
    }

    /// Becomes the controlling terminal of a process's session.
    pub fn adopt(&self, process: &Process) {
        self.session.set(Some(process.session.get()));
        self.foreground.set(Some(process.group.get()));
    }

    /// Is nobody's controlling terminal any more.
    pub fn abandon(&self) {
        self.session.set(None);
        self.foreground.set(None);
        self.foreground_queue.wake(Events::all());
    }

    /// Whether it is the controlling terminal of a process.
    pub fn controls(&self, process: &Process) -> bool {
        self.session.get() == Some(process.session.get()) && !kernel().terminals.without.borrow().contains(&process.pid)
    }

    /// `TIOCSPGRP`.
    ///
    /// # Errors
    /// `EPERM` for a group of another session.
    pub fn set_foreground(&self, group: Pid) -> Result<(), Errno> {
        let session = self.session.get();
        let processes = kernel().tasks.processes.borrow();
        let mut members = processes.values().filter(|process| process.group.get() == group);
        if !members.any(|member| Some(member.session.get()) == session) {
            return Err(EPERM);
        }
        drop(members);
        drop(processes);
        self.foreground.set(Some(group));
        self.foreground_queue.wake(Events::all());
        Ok(())
    }

    fn signal_foreground(&self, signal: Signal) {
        if let Some(group) = self.foreground.get() {
            signal_group(group, signal);
        }
    }

    /// A process in the background that wants to read, or to change something, is stopped by a signal for its group; one
    /// that ignores the signal gets an error or goes on.
    ///
    /// # Errors
    /// `EIO`, or [`Stop::Wait`] for the signal.
    pub fn check_foreground(&self, signal: Signal) -> Result<(), Stop> {
        let thread = current();
        let process = thread.process();
        let group = process.group.get();
        if !self.controls(&process) || self.foreground.get().is_none_or(|foreground| foreground == group) {
            return Ok(());
        }
        let ignores = process.signals.actions.get(signal).ignores(signal);
        if thread.signals.mask() & signal.bit() != 0 || ignores {
            return if signal == Signal::TTIN { Err(EIO.into()) } else { Ok(()) };
        }
        if is_orphaned(group, process.session.get()) {
            return Err(EIO.into());
        }
        signal_group(group, signal);
        let wait = WaitFor::events(&self.foreground_queue, Events::all(), "terminal: the foreground");
        Err(Stop::Wait(wait, RestartRule::IfFlagged))
    }

    /// As [`Self::check_foreground`] for a write, which `TOSTOP` forbids to the background.
    ///
    /// # Errors
    /// As there.
    pub fn check_writer(&self) -> Result<(), Stop> {
        let stops = self.settings().local().contains(Local::STOP_WRITERS);
        if stops { self.check_foreground(Signal::TTOU) } else { Ok(()) }
    }

    /// The other side is gone.
    pub fn hang_up(&self) {
        if self.hung_up.replace(true) {
            return;
        }
        let (session, foreground) = (self.session.get(), self.foreground.get());
        self.abandon();
        for group in [session, foreground.filter(|group| session != Some(*group))].into_iter().flatten() {
            hang_up_group(group);
        }
        self.queue.wake(Events::all());
        self.master_queue.wake(Events::all());
    }
}

/// A process group has lost its terminal.
pub fn hang_up_group(group: Pid) {
    signal_group(group, Signal::HUP);
    signal_group(group, Signal::CONT);
}

/// Sends a signal to all processes of a group.
fn signal_group(group: Pid, signal: Signal) {
    let processes = kernel().tasks.processes.borrow();
    let members: Vec<_> = processes.values().filter(|process| process.group.get() == group).cloned().collect();
    drop(processes);
    for member in members {
        // The kernel's signals need no room.
        let _ = send::to_process(&member, Info::new(signal, SI_KERNEL), send::Source::Other);
    }
}
