//! `signalfd(2)`: pending signals of whoever reads, as data.

use crate::errno::{EINVAL, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::heap::guest_word::ByteBox;
use crate::syscall::Outcome;
use crate::syscall::dispatch::{caller, current};
use crate::task::signal::{self, Signal, queue::Info};
use crate::user_memory::Sink;
use crate::wait::{Events, WaitQueue};
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::RefCell;

/// Bytes of a `struct signalfd_siginfo`.
const RECORD: usize = 128;

/// The signals it is for.
pub struct SignalFd {
    // The guest chooses the set.
    set: RefCell<ByteBox<u64>>,
}

impl SignalFd {
    /// Opens a new one.
    pub fn open(set: u64, flags: OpenFlags) -> Rc<OpenFile> {
        let file = Self { set: RefCell::default() };
        file.change(set);
        OpenFile::new(Rc::new(file), flags | OpenFlags::RDWR)
    }

    /// Names other signals.
    pub fn change(&self, set: u64) {
        self.set.borrow_mut().store(set & !Signal::UNSTOPPABLE);
    }
}

/// `siginfo_t` as `struct signalfd_siginfo`.
fn record(info: &Info) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let mut put = |at: usize, value: i32| record[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    put(0, info.get(0));
    put(4, info.get(4));
    put(8, info.code());
    match (info.code(), info.signal()) {
        (signal::queue::SI_TIMER, _) => {
            put(24, info.get(16));
            put(32, info.get(20));
            put(44, info.get(24));
        }
        (code, Signal::CHLD) if code > 0 => {
            put(12, info.get(16));
            put(16, info.get(20));
            put(40, info.get(24));
        }
        (code, _) if code > 0 => {}
        _ => {
            put(12, info.get(16));
            put(16, info.get(20));
            put(44, info.get(24));
        }
    }
    match (info.code(), info.signal()) {
        (code, Signal::CHLD) if code > 0 => {
            record[56..64].copy_from_slice(&info.get_word(32).to_ne_bytes());
            record[64..72].copy_from_slice(&info.get_word(40).to_ne_bytes());
        }
        (code, _) if code > 0 => record[72..80].copy_from_slice(&info.get_word(16).to_ne_bytes()),
        _ => record[48..56].copy_from_slice(&info.get_word(24).to_ne_bytes()),
    }
    record
}

impl File for SignalFd {
    fn kind(&self) -> &'static str {
        "signalfd"
    }

    fn name(&self) -> String {
        "anon_inode:[signalfd]".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        if sink.room() < RECORD {
            return Err(EINVAL.into());
        }
        let thread = current();
        let set = self.set.borrow().load();
        let mut done = 0;
        while sink.room() >= RECORD
            && let Some(info) = signal::dequeue(&thread, set)
        {
            sink.put(&record(&info))?;
            done += RECORD;
        }
        if done == 0 {
            let arrived = thread.process().signals.arrived.clone();
            return Err(file.block(&arrived, Events::IN, "signalfd: a signal"));
        }
        Ok(done)
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        // Whose signals they are depends on who asks; when a process ends nobody does.
        let pending = caller().map_or(0, |thread| signal::pending(&thread)) & self.set.borrow().load();
        if pending != 0 { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(caller()?.process().signals.arrived.clone())
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
