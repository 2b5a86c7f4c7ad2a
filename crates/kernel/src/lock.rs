//! The kernel lock: one for the whole state. Held by every host thread while it runs kernel code,
//! released while it parks, blocks in a hostcall on a standard stream, or runs user code.
//!
//! One lock, because handlers are short and never block, because two host threads seldom meet in the
//! kernel (a Python program never, it has one of its own), and because it makes the state plain data
//! that can be imaged. Uncontended it costs two atomic operations.
//!
//! Host processes can't sleep on one futex (the filter allows private ones only), so once a sandbox has several the
//! lock is a word in memory they share, and who has to sleep for it reads an eventfd. Each release that sees a
//! sleeper rings; what is rung is not lost, and who wakes and finds the lock taken sleeps again.

use crate::host::{self, HostFd};
use crate::local::{Common, common, local};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;
/// Tries before a thread sleeps: about the length of a short system call.
const SPINS: u32 = 200;

/// Takes the kernel lock.
pub fn acquire() {
    if let Some(common) = common() {
        return acquire_shared(common);
    }
    let word = &local().lock;
    if try_for_a_while(word) {
        return;
    }
    while word.swap(CONTENDED, Acquire) != FREE {
        let _ = host::futex_wait(word, CONTENDED, None);
    }
}

fn try_for_a_while(word: &AtomicU32) -> bool {
    if word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok() {
        return true;
    }
    for _ in 0..SPINS {
        if word.load(Relaxed) == FREE && word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok() {
            return true;
        }
        core::hint::spin_loop();
    }
    false
}

fn acquire_shared(common: &Common) {
    let local = local();
    local.acquiring.fetch_add(1, SeqCst);
    if !try_for_a_while(&common.lock) {
        common.waiters.fetch_add(1, SeqCst);
        while common.lock.compare_exchange(FREE, HELD, SeqCst, Relaxed).is_err() {
            if host::read(HostFd(common.sleep.load(Relaxed)), &mut [0; 8]).is_err() {
                // Interrupted, perhaps by the death of a host process.
                check_holder(common);
            }
        }
        common.waiters.fetch_sub(1, SeqCst);
    }
    if common.ending.load(SeqCst) != 0 {
        release();
        crate::control::check_end(common);
    }
    if local.gone.load(SeqCst) != 0 {
        // Another thread is about to end this host process, of which the state knows nothing any more.
        release();
        local.acquiring.fetch_sub(1, SeqCst);
        host::futex_wake(&local.acquiring, 1);
        loop {
            let _ = host::futex_wait(&local.gone, 1, None);
        }
    }
    common.holder.store(local.host_pid.load(Relaxed), Relaxed);
    local.acquiring.fetch_sub(1, SeqCst);
}

/// Before the end of this host process, which has `gone` set: waits until none of its threads has the lock, or has been
/// woken for it. Their deaths would be that of the lock, or of the wake.
pub fn await_others() {
    const AGAIN_NS: u64 = 200_000;
    let (Some(common), local) = (common(), local()) else { return };
    loop {
        let acquiring = local.acquiring.load(SeqCst);
        if acquiring == 0 {
            return;
        }
        // Whoever of all host processes sleeps for the lock looks again.
        let _ = host::write(HostFd(common.sleep.load(Relaxed)), &1u64.to_ne_bytes());
        let deadline = crate::time::host_monotonic_ns() + AGAIN_NS;
        let _ = host::futex_wait(&local.acquiring, acquiring, Some(deadline));
    }
}

/// The calling host process holds the lock and knows its number only now.
pub fn held_by(pid: i32) {
    if let Some(common) = common() {
        common.holder.store(pid, Relaxed);
    }
}

/// A host process that was killed while it held the lock has left the state half-changed: nothing can go on.
pub fn check_holder(common: &Common) {
    let holder = common.holder.load(Relaxed);
    // Who releases it says so before: when it still is the holder now, it has not.
    if holder != 0 && host::kick(holder, holder).is_err() && common.holder.load(SeqCst) == holder {
        crate::control::end_broken("a host process of the sandbox was killed in the guest kernel");
    }
}

/// Releases the kernel lock. Nothing borrowed from the state may be used afterwards.
pub fn release() {
    if let Some(common) = common() {
        common.holder.store(0, Relaxed);
        common.lock.store(FREE, SeqCst);
        if common.waiters.load(SeqCst) > 0 {
            let _ = host::write(HostFd(common.sleep.load(Relaxed)), &1u64.to_ne_bytes());
        }
        return;
    }
    let word = &local().lock;
    if word.swap(FREE, Release) == CONTENDED {
        host::futex_wake(word, 1);
    }
}

/// Releases the lock for a hostcall that may block, and takes it again.
pub fn released<T>(call: impl FnOnce() -> T) -> T {
    release();
    let result = call();
    acquire();
    result
}
