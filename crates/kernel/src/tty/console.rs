//! The host's terminal as the other side of one of ours (`catalyzer run -t`): the host passes bytes as they are, and the line
//! discipline is the guest's.

use super::terminal::{Terminal, WRITABLE};
use super::{FIRST, Terminals};
use crate::errno::{EAGAIN, EINTR, EPERM};
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::streams::write_whole;
use crate::host::{self, EpollEvent, HostFd};
use crate::task::poller::HostHandle;
use crate::task::{PROGRAM, Pid};
use crate::wait::{Events, Observer, WaitQueue};
use crate::{kernel, lock};
use abi::launch::Stdio;
use alloc::rc::{Rc, Weak};
use core::cell::Cell;

/// Bytes moved at once.
const PIECE: usize = 4096;

/// The host's side.
pub struct Console {
    input: HostHandle,
    output: HostHandle,
    /// An epoll set of the host with the input alone: tells whether there is some.
    probe: HostHandle,
    /// The input can't be polled: it never blocks.
    never_blocks: Cell<bool>,
    ended: Cell<bool>,
    /// A thread is writing.
    writing: Cell<bool>,
    /// Woken by the poller.
    queue: Rc<WaitQueue>,
    terminal: Weak<Terminal>,
}

/// Makes the terminal that the program is started in: it leads a session there.
pub fn start(kinds: [Stdio; 3], descriptors: [Option<HostFd>; 3], window: [u16; 2]) -> Rc<OpenFile> {
    let terminal = Terminal::new(FIRST, 0, 0);
    terminal.locked.set(false);
    terminal.begin(PROGRAM);
    let console = Rc::new(Console {
        input: HostHandle::default(),
        output: HostHandle::default(),
        probe: HostHandle::default(),
        never_blocks: Cell::new(false),
        ended: Cell::new(false),
        writing: Cell::new(false),
        queue: WaitQueue::new(),
        terminal: Rc::downgrade(&terminal),
    });
    let observer: Weak<dyn Observer> = Rc::<Console>::downgrade(&console);
    console.queue.observe(observer);
    *terminal.console.borrow_mut() = Some(console.clone());
    kernel().terminals.insert(&terminal);
    resize(window);
    console.connect(kinds, descriptors);
    super::ends::adopt_standard(&terminal, OpenFlags::RDWR)
}

/// After a boot from an image: what the host has there now. Answers whether there is such a terminal.
pub fn reconnect(kinds: [Stdio; 3], descriptors: [Option<HostFd>; 3]) -> bool {
    let Some(console) = console() else { return false };
    console.connect(kinds, descriptors);
    true
}

/// The host's terminal has another size.
pub fn resize([rows, columns]: [u16; 2]) {
    if let Some(terminal) = kernel().terminals.find(FIRST) {
        terminal.set_window([rows, columns, 0, 0]);
    }
}

/// Each host process that polls waits for what is typed.
pub fn watch() {
    if let Some(console) = console() {
        console.watch();
    }
}

/// The sandbox ends: what was written goes out before.
pub fn finish() {
    let Some(console) = console() else { return };
    while console.writing.get() {
        lock::released(host::sched_yield);
    }
    if let Some(terminal) = console.terminal.upgrade() {
        console.pass_on(&terminal);
    }
}

fn console() -> Option<Rc<Console>> {
    kernel().terminals.find(FIRST)?.console.borrow().clone()
}

impl Terminals {
    fn insert(&self, terminal: &Rc<Terminal>) {
        self.by_number.borrow_mut().insert(terminal.number, terminal.clone());
    }
}

impl Terminal {
    /// A session of this leader begins in it.
    fn begin(&self, leader: Pid) {
        self.session.set(Some(leader));
        self.foreground.set(Some(leader));
    }
}

impl Console {
    fn connect(&self, kinds: [Stdio; 3], descriptors: [Option<HostFd>; 3]) {
        let [input, output, error] = descriptors;
        if let Some(error) = error {
            host::close(error);
        }
        self.ended.set(false);
        self.never_blocks.set(kinds.first() == Some(&Stdio::File));
        if let Some(output) = output {
            self.output.set(output);
        }
        let Some(input) = input else { return };
        self.input.set(input);
        // Before there are several host processes: all of them have it then.
        match host::epoll_create() {
            Ok(probe) => {
                self.probe.set(probe);
                let interest = EpollEvent { events: Events::IN.bits(), data: 0 };
                self.never_blocks.set(host::epoll_control(probe, 1, input, interest) == Err(EPERM));
            }
            Err(_) => self.ended.set(true),
        }
        self.watch();
        if let Some(terminal) = self.terminal.upgrade() {
            self.pump(&terminal);
        }
    }

    /// Has the poller of this host process tell of what is typed.
    fn watch(&self) {
        if let Some(input) = self.input.get().filter(|_| !self.never_blocks.get() && !self.ended.get()) {
            // One that can't be watched is looked at when somebody reads.
            let _ = kernel().tasks.hosts.current().poller.watch(input, &self.queue);
        }
    }

    fn has_input(&self) -> bool {
        if self.never_blocks.get() {
            return true;
        }
        let Some(probe) = self.probe.get() else { return false };
        matches!(host::epoll_wait(probe, &mut [EpollEvent::default()], 0), Ok(1))
    }

    /// Takes what the host has, as far as there is room. The host never makes it wait.
    pub fn pump(&self, terminal: &Terminal) {
        let Some(fd) = self.input.get().filter(|_| !self.ended.get()) else { return };
        let mut bytes = [0; PIECE];
        loop {
            let room = terminal.input_room().min(PIECE);
            if room == 0 || !self.has_input() {
                return;
            }
            match host::read(fd, bytes.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    self.ended.set(true);
                    terminal.end_input();
                    return;
                }
                Ok(len) => terminal.receive(bytes.get(..len).unwrap_or_default()),
                Err(EAGAIN | EINTR) => return,
                Err(_) => {
                    self.ended.set(true);
                    terminal.hang_up();
                    return;
                }
            }
        }
    }

    /// Writes what the terminal has for the host. One thread does so, without the lock, for all that come meanwhile.
    pub fn pass_on(&self, terminal: &Terminal) {
        if self.writing.replace(true) {
            return;
        }
        let mut bytes = [0; PIECE];
        loop {
            let mut room = bytes.as_mut_slice();
            let len = if terminal.is_stopped() { 0 } else { terminal.take_output(&mut room).unwrap_or(0) };
            let Some(rest) = bytes.get(..len).filter(|rest| !rest.is_empty()) else { break };
            if let Some(fd) = self.output.get()
                && write_whole(fd, rest).is_err()
            {
                break;
            }
        }
        self.writing.set(false);
        terminal.queue.wake(WRITABLE);
    }
}

impl Observer for Console {
    fn notify(&self, _events: Events) -> bool {
        if let Some(terminal) = self.terminal.upgrade() {
            self.pump(&terminal);
        }
        false
    }
}
