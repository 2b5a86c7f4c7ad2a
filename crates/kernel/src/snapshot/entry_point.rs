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

fn is_at_rest() -> bool {
    let all_blocked = kernel().tasks.threads.borrow().values().all(|thread| thread.is_waiting());
    all_blocked && waits_for_connection().is_some()
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
