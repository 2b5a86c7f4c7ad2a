//! Giving way in a crowd.
//!
//! Of many instances that are asked for at once, those that have booted run what their program does before it waits for
//! its request, while others on the same processor still have to boot. For Python that is 570 µs after a boot of which 75
//! are the instance's own, and the host does not switch before it blocks. So who has booted in a crowd lets the others go
//! first, once, with its first system call: its boot ended before that, with the return to user code.

use crate::local::local;
use crate::{host, lock};
use core::sync::atomic::Ordering::Relaxed;

const NOTHING_DUE: u32 = 0;
const AFTER_BOOT: u32 = 1;
const NOW: u32 = 2;

/// This instance was asked for together with others.
pub fn enter() {
    local().give_way.store(AFTER_BOOT, Relaxed);
}

/// The boot is about to end.
pub fn booted() {
    if local().give_way.load(Relaxed) == AFTER_BOOT {
        local().give_way.store(NOW, Relaxed);
    }
}

/// A system call begins. Called with the kernel lock, which is released where the instance gives way.
#[inline]
pub fn give_way_if_due() {
    if local().give_way.load(Relaxed) == NOW {
        give_way();
    }
}

#[cold]
fn give_way() {
    local().give_way.store(NOTHING_DUE, Relaxed);
    lock::released(|| {
        // Once would move its deadline only, and the host prefers it to clones that were placed later, behind what
        // their template ran meanwhile.
        host::sched_yield();
        host::sched_yield();
    });
}
