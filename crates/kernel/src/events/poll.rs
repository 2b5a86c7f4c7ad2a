//! `poll(2)` and `select(2)`: one wait for many descriptors.

use crate::fs::descriptors::DescriptorTable;
use crate::fs::file::OpenFile;
use crate::syscall::arguments::Fd;
use crate::wait::{Events, WaitFor};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Reported whether asked for or not.
const ALWAYS: Events = Events::ERR.union(Events::HUP);

/// One descriptor and what is wanted of it.
pub struct Entry {
    /// The file; none: not a descriptor.
    file: Option<Rc<OpenFile>>,
    wanted: Events,
}

impl Entry {
    /// Looks the descriptor up.
    pub fn new(descriptors: &DescriptorTable, fd: i32, wanted: Events) -> Self {
        Self { file: descriptors.get(Fd(fd)).ok(), wanted: wanted | ALWAYS }
    }

    /// Whether it is a descriptor.
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// What it is ready for now; [`Events::NVAL`] when it is no descriptor.
    pub fn ready(&self) -> Events {
        self.file.as_ref().map_or(Events::NVAL, |file| file.object.poll(file) & self.wanted)
    }
}

/// Waits for any of the entries.
pub fn wait(entries: &[Entry], deadline_ns: Option<u64>, what: &'static str) -> WaitFor {
    let files = entries.iter().filter_map(|entry| entry.file.as_ref().map(|file| (file, entry.wanted)));
    let queues: Vec<_> =
        files.clone().filter_map(|(file, wanted)| Some((file.object.queue()?, wanted.bits()))).collect();
    let on_listener = crate::net::entry_is_watched() && files.clone().any(|(file, _)| crate::net::leads_outside(file));
    WaitFor { queues, deadline_ns, on_listener, what, ..WaitFor::default() }
}
