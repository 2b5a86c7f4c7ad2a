//! Freezing a sandbox and continuing it: from running threads to data, and back.

pub mod relations;

use crate::entry::Frame;
use crate::task::Thread;
use alloc::rc::Rc;

/// The thread is at the system call that the launch named: the whole sandbox is frozen before it.
pub fn freeze_at_call(_thread: &Rc<Thread>, _frame: &mut Frame) {}

/// The monitor asked for a freeze.
pub fn freeze_now(_thread: &Rc<Thread>, _frame: &mut Frame) {}

/// A thread is about to park: announces the func-entry point when it is reached.
pub fn entry_point_check(_thread: &Rc<Thread>) {}
