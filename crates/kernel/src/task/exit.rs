//! The end of threads and processes.

use super::Thread;
use crate::kernel;
use crate::syscall::dispatch::Way;
use abi::control::Exit;
use alloc::rc::Rc;

/// The calling thread ends; with the last one its process does, with status 0.
pub fn thread_exits(thread: &Rc<Thread>) -> Way {
    let process = thread.process();
    process.threads.borrow_mut().remove(&thread.tid);
    kernel().tasks.threads.borrow_mut().remove(&thread.tid);
    if process.threads.borrow().is_empty() {
        crate::control::exited(process.exit.get().unwrap_or(Exit::Status(0)));
    }
    Way::End
}

/// The calling thread's process ends.
pub fn process_exits(_thread: &Rc<Thread>, exit: Exit) -> Way {
    crate::control::exited(exit)
}
