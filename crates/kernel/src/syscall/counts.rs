//! `--syscall-stats`: how often each call was made, by which entry, and how often it came to nothing.

use super::table::{self, NUMBERS};
use crate::errno::{ENOSYS, Errno};
use crate::kernel;
use abi::control::{CallCount, FromSandbox};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;

/// What was counted since the boot, by number. Numbers that no table can have count as one, so that a guest
/// neither grows the map nor writes pointers into it.
#[derive(Default)]
pub struct Counts {
    calls: RefCell<BTreeMap<u32, Count>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    fast: u64,
    trapped: u64,
    errors: u64,
    absent: u64,
}

/// How a call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By a jump from a patched site.
    Fast,
    /// By a trap.
    Trap,
}

impl Counts {
    fn count(&self, number: i64, change: impl FnOnce(&mut Count)) {
        // Linux looks at the lower half of rax only.
        let number = (number as u32).min(NUMBERS as u32);
        change(self.calls.borrow_mut().entry(number).or_default());
    }

    /// Begins anew.
    pub fn clear(&self) {
        self.calls.borrow_mut().clear();
    }
}

fn is_on() -> bool {
    kernel().launch.borrow().syscall_stats
}

/// A call came in.
pub fn entered(number: i64, entry: Entry) {
    if is_on() {
        kernel().counts.count(number, |count| match entry {
            Entry::Fast => count.fast += 1,
            Entry::Trap => count.trapped += 1,
        });
    }
}

/// A call has its result.
pub fn finished(number: i64, result: u64) {
    if is_on()
        && let Err(errno) = Errno::check(result as isize)
    {
        kernel().counts.count(number, |count| {
            count.errors += 1;
            count.absent += u64::from(errno == ENOSYS);
        });
    }
}

/// Tells the monitor, when it wants to know.
pub fn report() {
    if !is_on() {
        return;
    }
    let name = |number| match table::row(u64::from(number)) {
        Some(row) => row.name.as_bytes().to_vec(),
        None if number < NUMBERS as u32 => alloc::format!("{number}").into_bytes(),
        None => alloc::format!("{NUMBERS} and more").into_bytes(),
    };
    let calls: Vec<CallCount> = kernel()
        .counts
        .calls
        .borrow()
        .iter()
        .map(|(number, count)| {
            let Count { fast, trapped, errors, absent } = *count;
            CallCount { name: name(*number), fast, trapped, errors, absent }
        })
        .collect();
    crate::control::send(&FromSandbox::Counts(calls), &[]);
}
