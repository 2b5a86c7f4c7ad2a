//! Terminals (`tty(4)`, `pty(7)`): line disciplines of the guest's own.
//!
//! * [`discipline`]: what becomes of bytes, [`settings`]: what it is told; neither knows of processes.
//! * [`terminal`]: a discipline between two sides, with its session and its foreground process group.
//! * [`ends`]: what processes open, `/dev/ptmx` and `/dev/pts/N`; [`ioctl`]: what they ask of it.
//! * [`console`]: a terminal whose other side is the host's (`catalyzer run -t`).

pub mod console;
pub mod discipline;
pub mod ends;
pub mod ioctl;
pub mod settings;
pub mod terminal;

use crate::errno::{ENOSPC, Errno};
use crate::fs::inode::{Content, DEV_DEVICE, Inode, S_IFCHR, S_IFDIR, VirtualDirectory};
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::task::{Pid, Process};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::RefCell;
use terminal::Terminal;

/// `/proc/sys/kernel/pty/max`.
const MOST: u32 = 4096;
/// The number of the terminal that the program was started in.
pub const FIRST: u32 = 0;

/// All terminals.
#[derive(Default)]
pub struct Terminals {
    by_number: RefCell<BTreeMap<u32, Rc<Terminal>>>,
    /// Processes that gave up the controlling terminal of their session for themselves alone.
    without: RefCell<BTreeSet<Pid>>,
}

impl Terminals {
    /// A new terminal. The first number is kept for the one that the program was started in.
    fn add(&self) -> Result<Rc<Terminal>, Errno> {
        let number = (FIRST + 1..MOST).find(|number| !self.by_number.borrow().contains_key(number)).ok_or(ENOSPC)?;
        let process = current().process();
        let (uid, gid) = (process.credentials.borrow().uid[3], process.credentials.borrow().gid[3]);
        let terminal = Terminal::new(number, uid, gid);
        self.by_number.borrow_mut().insert(number, terminal.clone());
        Ok(terminal)
    }

    fn remove(&self, number: u32) {
        self.by_number.borrow_mut().remove(&number);
    }

    /// The terminal with a number.
    pub fn find(&self, number: u32) -> Option<Rc<Terminal>> {
        self.by_number.borrow().get(&number).cloned()
    }

    /// The controlling terminal of a process.
    pub fn controlling(process: &Process) -> Option<Rc<Terminal>> {
        let terminals = &kernel().terminals;
        if terminals.without.borrow().contains(&process.pid) {
            return None;
        }
        terminals
            .by_number
            .borrow()
            .values()
            .find(|terminal| terminal.session() == Some(process.session.get()))
            .cloned()
    }

    /// A process does without the controlling terminal of its session from now on.
    fn leave(&self, pid: Pid) {
        self.without.borrow_mut().insert(pid);
    }

    /// Whether one of them is the host's.
    pub fn has_console(&self) -> bool {
        self.by_number.borrow().get(&FIRST).is_some_and(|terminal| terminal.console.borrow().is_some())
    }
}

/// A process ends: with the leader of a session its terminal is nobody's.
pub fn process_ends(process: &Process) {
    let terminals = &kernel().terminals;
    if process.session.get() == process.pid
        && let Some(terminal) = Terminals::controlling(process)
    {
        ioctl::give_up(&terminal);
    }
    terminals.without.borrow_mut().remove(&process.pid);
}

/// `/dev/pts`.
pub struct Listing {
    /// `/dev/pts/0` where that is a terminal of the host's with the host's discipline.
    first: Rc<Inode>,
    master: Rc<Inode>,
}

impl VirtualDirectory for Listing {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        if name == b"ptmx" {
            return Some(self.master.clone());
        }
        let text = core::str::from_utf8(name).ok()?;
        let number: u32 = text.parse().ok().filter(|number: &u32| number.to_string() == text)?;
        match kernel().terminals.find(number) {
            Some(terminal) => Some(terminal.inode.clone()),
            None => (number == FIRST && crate::fs::streams::terminal().is_some()).then(|| self.first.clone()),
        }
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        let mut numbers: BTreeSet<u32> = kernel().terminals.by_number.borrow().keys().copied().collect();
        if crate::fs::streams::terminal().is_some() {
            numbers.insert(FIRST);
        }
        let mut names: Vec<_> = numbers.iter().map(|number| (number.to_string().into_bytes(), S_IFCHR)).collect();
        names.push((b"ptmx".to_vec(), S_IFCHR));
        names
    }
}

/// Its node; `first` is what the name 0 means where the host's discipline is used.
pub fn directory(first: Rc<Inode>, master: Rc<Inode>) -> Rc<Inode> {
    Inode::new(DEV_DEVICE, Content::Virtual(Rc::new(Listing { first, master })), S_IFDIR | 0o755, 0, 0)
}
