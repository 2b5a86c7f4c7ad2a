//! The func-entry point: the moment a function has finished initialising, found without changing it.

use crate::task::{Process, Thread};
use crate::{control, kernel};
use abi::control::FromSandbox;
use alloc::rc::Rc;

/// A thread began to wait or ended: announces the func-entry point when it is reached, that is when every
/// thread of the guest is blocked while one waits for a connection on the function's port.
pub fn check() {
    let (watched, freeze) = (crate::net::entry_is_watched(), kernel().control.freeze_at_rest.get());
    if !(watched || freeze) || !is_at_rest() {
        return;
    }
    if watched {
        announce();
    }
    if freeze {
        kernel().control.freeze_asked.set(true);
        // The caller may be about to end.
        kernel().tasks.hosts.current().poller.interrupt();
    }
}

/// Who only sleeps, and not for long, is on its way somewhere: gunicorn's arbiter between the workers it forks.
const SHORT_SLEEP_NS: u64 = 200_000_000;
/// After so many such sleeps they are what the program does all the time.
const SHORT_SLEEPS: u32 = 50;

fn is_at_rest() -> bool {
    let control = &kernel().control;
    let (mut blocked, mut dozing) = (true, false);
    let soon = crate::time::monotonic_ns() + SHORT_SLEEP_NS;
    for thread in kernel().tasks.threads.borrow().values() {
        blocked &= thread.is_waiting();
        dozing |= thread
            .waiting
            .borrow()
            .as_ref()
            .is_some_and(|wait| wait.queues.is_empty() && wait.deadline_ns.is_some_and(|deadline| deadline < soon));
    }
    if !blocked || waits_for_connection().is_none() {
        return false;
    }
    control.short_sleeps.set(control.short_sleeps.get() + u32::from(dozing));
    !dozing || control.short_sleeps.get() > SHORT_SLEEPS
}

/// A freeze is asked for; `at_rest`: where a program with a port waits for connections.
pub fn freeze(at_rest: bool) {
    let now = !at_rest || kernel().launch.borrow().port.is_none() || is_at_rest();
    kernel().control.freeze_at_rest.set(!now);
    kernel().control.freeze_asked.set(now);
}

/// A process that waits for a connection on the function's port: the one that gets the first.
pub(super) fn waits_for_connection() -> Option<Rc<Process>> {
    if let Some(thread) = kernel().net.first_acceptor().and_then(|tid| kernel().thread(tid)) {
        return Some(thread.process());
    }
    let threads = kernel().tasks.threads.borrow();
    let waits = |thread: &&Rc<Thread>| thread.waiting.borrow().as_ref().is_some_and(|wait| wait.on_listener);
    threads.values().find(waits).map(|thread| thread.process())
}

/// The program itself names the point: it opened `/dev/catalyzer/entry`. It does not run on before the monitor has said
/// what comes: the freeze, so that the image holds it in this very call, or a first request.
pub fn named() {
    if crate::net::entry_is_watched() {
        announce();
        control::receive_what_comes();
    }
}

fn announce() {
    kernel().control.entry_announced.set(true);
    control::send(&FromSandbox::AtEntry, &[]);
}
