//! The func-entry point: the moment a function has finished initialising, found without changing it.

use crate::task::Thread;
use crate::{control, kernel};
use abi::control::FromSandbox;

/// A thread began to wait or ended: announces the func-entry point when it is reached, that is when every
/// thread of the guest is blocked while one waits for a connection on the function's port.
pub fn check() {
    if !crate::net::entry_is_watched() {
        return;
    }
    let kernel = kernel();
    let all_blocked = kernel.tasks.threads.borrow().values().all(|thread| thread.is_waiting());
    if all_blocked && kernel.tasks.threads.borrow().values().any(|thread| waits_for_connection(thread)) {
        announce();
    }
}

fn waits_for_connection(thread: &Thread) -> bool {
    thread.waiting.borrow().as_ref().is_some_and(|wait| wait.on_listener)
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
