//! Guest processes that lie in an image: how they come to life.
//!
//! A boot maps the memory of one guest process, the one that takes the first connection. All others of the image are
//! *asleep*: their threads are data like any dormant thread, and they have no host process. When one of them is woken the
//! sandbox becomes one of several host processes ([`super::share`]), if it is not, and a host process is cloned that maps
//! the guest process's part of the image. That can't happen in the middle of whatever woke it, so it is noted
//! ([`super::host_process::HostProcesses::due`]), and done on the way out of the kernel, or before the host thread rests.

use super::host_process::HostProcess;
use super::{Thread, dormant, fork, share};
use crate::boot::restore;
use crate::errno::Errno;
use crate::kernel;
use crate::local::local;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;

/// Makes host processes for those that were woken. Called where nothing of the state is borrowed; the kernel lock may be
/// released meanwhile.
pub fn those_due() {
    if !kernel().tasks.hosts.due.get() || local().stopping.load(SeqCst) != 0 {
        return;
    }
    kernel().tasks.hosts.due.set(false);
    for host in kernel().tasks.hosts.all_others().iter().filter(|host| host.asleep.get()) {
        if let Some(thread) = host.poller.runnable.take()
            && start(host, &thread).is_err()
        {
            // No memory or no room for a process now: the next thread that comes this way tries again.
            host.poller.runnable.add(thread.tid);
            kernel().tasks.hosts.due.set(true);
        }
    }
}

/// Makes host processes for all, so that an image can be made of everything.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`.
pub fn all() -> Result<(), Errno> {
    for host in kernel().tasks.hosts.all_others().iter().filter(|host| host.asleep.get()) {
        if let Some(thread) = threads_of(host).first() {
            start(host, thread)?;
        }
    }
    Ok(())
}

fn start(host: &Rc<HostProcess>, first: &Rc<Thread>) -> Result<(), Errno> {
    share::prepare()?;
    fork::start(host, first.tid, false)?;
    host.asleep.set(false);
    Ok(())
}

/// The first steps of a host process whose guest memory lies in the image: maps it, and gives all its threads host
/// threads, as who wakes one may be another host process.
pub fn first_steps(thread: &Rc<Thread>) {
    let space = thread.process().space();
    let Some(number) = space.in_image.take() else { return };
    let shown = || -> Result<(), Errno> {
        restore::map_space(number)?;
        kernel().shared.objects().iter().try_for_each(|object| space.show_again(object))
    };
    if shown().is_err() {
        crate::control::fatal("the memory of a guest process can't be mapped from the image");
    }
    let host = kernel().tasks.hosts.current();
    host.poller.runnable.clear();
    for other in threads_of(&host).iter().filter(|other| other.tid != thread.tid) {
        dormant::give_host_thread(other);
    }
}

fn threads_of(host: &HostProcess) -> Vec<Rc<Thread>> {
    let threads = kernel().tasks.threads.borrow();
    threads.values().filter(|thread| thread.host() == host.number && thread.slot.get().is_none()).cloned().collect()
}
