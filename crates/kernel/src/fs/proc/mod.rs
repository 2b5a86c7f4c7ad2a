//! `/proc` and `/sys`: made up, of what the sandbox is and may have. Nothing of the host shows.

mod global;
pub mod magic;
mod nodes;
mod process;
mod status;
mod sys;

use crate::fs::inode::{Content, Inode, PROC_DEVICE, S_IFDIR, S_IFLNK, VirtualDirectory};
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::task::{Pid, Process};
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;

pub use global::file_system_kinds;
pub use sys::{RELEASE, VERSION};

/// Mounts `/proc` and `/sys`.
pub fn mount(root: &Rc<Inode>) {
    let top = Rc::new(Top { fixed: global::directory() });
    let proc = Inode::new(PROC_DEVICE, Content::Virtual(top), S_IFDIR | 0o555, 0, 0);
    root.mount(b"proc", &proc);
    root.mount(b"sys", &sys::directory());
}

/// CPUs that the guest sees.
pub fn cpus() -> u32 {
    kernel().launch.borrow().cpus_milli.div_ceil(1000).max(1)
}

/// Memory that the guest has, bytes: its limit, or what an unlimited sandbox is told.
pub fn memory() -> u64 {
    const UNLIMITED: u64 = 4 << 30;
    match kernel().launch.borrow().memory {
        0 => UNLIMITED,
        limit => limit,
    }
}

/// The number under which a process shows: that of the instance for the program itself.
pub fn shown(process: &Process) -> Pid {
    Pid(kernel().tasks.shown(process.pid.0))
}

/// A process by a number in `/proc`; the number of the instance is a second one for the program.
fn by_number(number: &[u8]) -> Option<Rc<Process>> {
    let number: u32 = core::str::from_utf8(number).ok().filter(|text| !text.starts_with('+'))?.parse().ok()?;
    kernel().tasks.processes.borrow().get(&Pid(kernel().tasks.meant(number))).cloned()
}

/// `/proc` itself.
struct Top {
    fixed: Rc<Inode>,
}

impl VirtualDirectory for Top {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let link = |target: Vec<u8>| Some(Inode::new(PROC_DEVICE, Content::Symlink(target), S_IFLNK | 0o777, 0, 0));
        match name {
            b"self" => link(shown(&current().process()).0.to_string().into_bytes()),
            b"thread-self" => {
                let thread = current();
                link(alloc::format!("{}/task/{}", shown(&thread.process()).0, thread.tid.0).into_bytes())
            }
            _ => match by_number(name) {
                Some(process) => Some(process::directory(&process, None)),
                None => self.fixed.lookup(name).ok().flatten(),
            },
        }
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        let mut names: Vec<_> = Vec::new();
        for process in kernel().tasks.processes.borrow().values() {
            names.push((shown(process).0.to_string().into_bytes(), S_IFDIR));
        }
        let fixed = self.fixed.list().unwrap_or_default();
        names.extend(fixed.into_iter().map(|line| (line.name, line.file_type)));
        names.push((b"self".to_vec(), S_IFLNK));
        names.push((b"thread-self".to_vec(), S_IFLNK));
        names
    }
}
