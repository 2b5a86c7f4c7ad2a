//! The kernel lock: one for the whole state. Held by every host thread while it runs kernel code,
//! released while it parks, blocks in a hostcall on a standard stream, or runs user code.
//!
//! One lock, because handlers are short and never block, because two host threads seldom meet in the
//! kernel (a Python program never, it has one of its own), and because it makes the state plain data
//! that can be imaged. Uncontended it costs two atomic operations.

use crate::host;
use crate::local::local;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;
/// Tries before a thread sleeps: about the length of a short system call.
const SPINS: u32 = 200;

/// Takes the kernel lock.
pub fn acquire() {
    let word = &local().lock;
    if word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok() {
        return;
    }
    for _ in 0..SPINS {
        if word.load(Relaxed) == FREE && word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok() {
            return;
        }
        core::hint::spin_loop();
    }
    while word.swap(CONTENDED, Acquire) != FREE {
        let _ = host::futex_wait(word, CONTENDED, None);
    }
}

/// Releases the kernel lock. Nothing borrowed from the state may be used afterwards.
pub fn release() {
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
