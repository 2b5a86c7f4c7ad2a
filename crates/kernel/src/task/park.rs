//! Parking and waking of guest threads.

use super::{Thread, Tid, dormant, host_process, poller};
use crate::local::{local, per_thread};
use crate::wait::{WaitFor, Wake};
use crate::{host, kernel, lock};
use alloc::rc::Rc;
use core::sync::atomic::Ordering::{Acquire, Release, SeqCst};

/// How a parked thread comes back.
pub enum Unparked {
    /// Something woke it.
    Woken(Wake),
    /// All threads are being stopped; it stays in its wait and becomes data.
    Stop,
    /// The monitor asked for a freeze, and this thread is the first to see it.
    Freeze,
}

/// Whether a thread is in a wait that nothing has ended.
pub fn is_waiting(tid: Tid) -> bool {
    kernel().thread(tid).is_some_and(|thread| thread.is_waiting())
}

/// Enters a thread in the queues of what it waits for.
pub fn begin_wait(thread: &Rc<Thread>, wait: WaitFor) {
    for (queue, events) in &wait.queues {
        queue.enter(thread.tid, *events, wait.exclusive);
    }
    if let Some(deadline) = wait.deadline_ns {
        kernel().time.arm_deadline(thread.tid, deadline);
    }
    thread.woken.set(None);
    *thread.waiting.borrow_mut() = Some(wait);
}

/// Takes a woken thread out of all queues; answers what it had waited for.
pub fn end_wait(thread: &Rc<Thread>) -> Option<WaitFor> {
    let wait = thread.waiting.borrow_mut().take()?;
    for (queue, _) in &wait.queues {
        queue.leave(thread.tid);
    }
    if let Some(deadline) = wait.deadline_ns {
        kernel().time.disarm_deadline(thread.tid, deadline);
    }
    Some(wait)
}

/// Ends a thread's wait. Does nothing when it does not wait, or was woken already.
pub fn wake(tid: Tid, wake: Wake) {
    let Some(thread) = kernel().thread(tid) else { return };
    if !thread.is_waiting() {
        return;
    }
    thread.woken.set(Some(wake));
    match thread.slot.get() {
        Some(slot) => host_process::wake(thread.host(), slot),
        None => dormant::make_runnable(&thread),
    }
}

/// Wakes the host thread in a slot of this host process, parked or polling.
pub fn wake_own_slot(slot: u32) {
    let target = host_process::per_thread_of(slot);
    target.wake.store(1, Release);
    let host = kernel().tasks.hosts.current();
    if host.poller.holder() == Some(slot) {
        host.poller.interrupt();
    } else {
        host::futex_wake(&target.wake, 1);
    }
}

/// Parks the running host thread until its guest thread is woken or all threads are stopped. It takes the
/// poller role when somebody has to poll. Called and left with the kernel lock held.
pub fn park(thread: &Rc<Thread>) -> Unparked {
    loop {
        super::awaken::those_due();
        if let Some(wake) = thread.woken.take() {
            poller::hand_over();
            return Unparked::Woken(wake);
        }
        if local().stopping.load(SeqCst) != 0 {
            poller::hand_over();
            return Unparked::Stop;
        }
        if kernel().control.freeze_asked.get() {
            return Unparked::Freeze;
        }
        let deadline = thread.waiting.borrow().as_ref().and_then(|wait| wait.deadline_ns);
        rest(deadline);
        if deadline.is_some_and(|deadline| thread.is_waiting() && crate::time::monotonic_ns() >= deadline) {
            thread.woken.set(Some(Wake::Timeout));
        }
    }
}

/// One step of waiting: polls when somebody has to, else sleeps until woken or until the deadline (guest monotonic ns).
pub fn rest(deadline_ns: Option<u64>) {
    let this = per_thread();
    this.wake.store(0, Release);
    if poller::is_needed() && kernel().tasks.hosts.current().poller.take(this.slot) {
        poller::poll_once();
        return;
    }
    let deadline_ns = deadline_ns.map(crate::time::to_host_monotonic);
    lock::release();
    if this.wake.load(Acquire) == 0 {
        let _ = host::futex_wait(&this.wake, 0, deadline_ns);
    }
    lock::acquire();
}
