//! `pidfd_open(2)`: a descriptor that refers to a process, or to one of its threads, whatever becomes of its number.

use crate::errno::Errno;
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::kernel;
use crate::task::{Process, Tid};
use crate::wait::{Events, WaitQueue};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;

/// See the module documentation.
pub struct PidFd {
    /// The process.
    pub process: Rc<Process>,
    /// The thread, when it is one alone (`PIDFD_THREAD`).
    pub thread: Option<Tid>,
}

impl PidFd {
    /// Opens a new one.
    pub fn open(process: Rc<Process>, thread: Option<Tid>, flags: OpenFlags) -> Rc<OpenFile> {
        OpenFile::new(Rc::new(Self { process, thread }), flags | OpenFlags::RDWR)
    }

    /// Whether nothing is left of it: it was waited for.
    pub fn is_gone(&self) -> bool {
        match self.thread {
            Some(tid) if tid.0 != self.process.pid.0 => kernel().thread(tid).is_none(),
            _ => !kernel()
                .tasks
                .processes
                .borrow()
                .get(&self.process.pid)
                .is_some_and(|it| Rc::ptr_eq(it, &self.process)),
        }
    }

    /// Lines of `/proc/PID/fdinfo`.
    pub fn information(&self) -> String {
        let number = self.thread.map_or(self.process.pid.0, |tid| tid.0);
        let number = if self.is_gone() { -1 } else { i64::from(kernel().tasks.shown(number)) };
        format!("Pid:\t{number}\nNSpid:\t{number}\n")
    }
}

impl File for PidFd {
    fn kind(&self) -> &'static str {
        "pidfd"
    }

    fn name(&self) -> String {
        "anon_inode:[pidfd]".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        match self.thread {
            _ if self.is_gone() => Events::IN | Events::RDNORM | Events::HUP,
            None if self.process.is_zombie() => Events::IN | Events::RDNORM,
            Some(tid) if kernel().thread(tid).is_none() => Events::IN | Events::RDNORM,
            _ => Events::empty(),
        }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.process.ended.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
