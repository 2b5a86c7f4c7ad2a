//! Freezing: from running threads to data.
//!
//! One host thread, the coordinator, stops all others: each saves its guest thread, waiting or not, and
//! ends. Then the coordinator saves its own guest thread, makes the state fit for an image, describes it
//! ([`super::dump`]) and stays until the monitor has read everything and ends the sandbox.
//!
//! Who coordinates: the thread whose system call is the one to freeze at; else the first one that sees
//! [`crate::control::Control::freeze_asked`]: on its way out of the kernel, parked, or idle.

use super::dump;
use crate::entry::Frame;
use crate::local::{local, per_thread};
use crate::task::{Thread, host_process, park};
use crate::{control, host, kernel, lock, time};
use abi::control::FromSandbox;
use alloc::rc::Rc;
use core::sync::atomic::Ordering::SeqCst;

/// A kick can hit a thread just before it blocks in the host, so it is repeated until all are gone.
const KICK_AGAIN_NS: u64 = 2_000_000;

/// The thread is at the system call that the launch named: the whole sandbox is frozen before it. After a
/// boot from the image the call is made anew.
pub fn freeze_at_call(thread: &Rc<Thread>, frame: &mut Frame) {
    if local().stopping.load(SeqCst) != 0 {
        return;
    }
    // Trapping and patched sites alike end in the two bytes of `syscall`.
    frame.registers.rip -= 2;
    frame.registers.rax = frame.registers.syscall as u64;
    frame.registers.syscall = -1;
    kernel().syscalls.set(kernel().syscalls.get() - 1);
    freeze(Some((thread, frame)))
}

/// The monitor asked for a freeze, and this thread is on its way out to user code.
pub fn freeze_now(thread: &Rc<Thread>, frame: &mut Frame) -> ! {
    frame.registers.syscall = -1;
    freeze(Some((thread, frame)))
}

/// As [`freeze_now`], noticed by a thread that waits in a call.
pub fn freeze_waiting(thread: &Rc<Thread>, frame: &Frame) -> ! {
    freeze(Some((thread, frame)))
}

/// As [`freeze_now`], noticed by an idle host thread.
pub fn freeze_idle() -> ! {
    freeze(None)
}

fn freeze(own: Option<(&Rc<Thread>, &Frame)>) -> ! {
    if kernel().tasks.processes.borrow().len() > 1 {
        let sentence = "the program has several processes now, and images of those are not made yet";
        control::send(&FromSandbox::CantFreeze(sentence.into()), &[]);
        control::end_sandbox(125);
    }
    stop_all_others();
    if let Some((thread, frame)) = own {
        thread.become_data(frame);
    }
    if let Some(program) = crate::task::exit::find_process(crate::task::PROGRAM) {
        kernel().time.process_cpu_before_ns.set(crate::time::clock::process_cpu_ns(&program));
    }
    settle();
    let len = match dump::write() {
        Ok(len) => len,
        Err(dump::TooLong) => control::fatal("the sandbox's description of itself does not fit"),
    };
    // From here on nothing changes the heap: the monitor reads it.
    if control::send_small(&FromSandbox::Frozen { len }, &[]).is_err() {
        host::exit_group(125);
    }
    let mut message = [0; 64];
    loop {
        match host::receive(control::socket(), &mut message, true) {
            Ok((1.., mut descriptors)) => {
                while let Some(descriptor) = descriptors.take() {
                    host::close(descriptor);
                }
            }
            Err(crate::errno::EINTR) => {}
            Ok((0, _)) | Err(_) => host::exit_group(0),
        }
    }
}

/// Stops all other host threads: their guest threads become data. Called with the kernel lock, which is
/// released meanwhile.
pub(crate) fn stop_all_others() {
    local().stopping.store(1, SeqCst);
    loop {
        let threads = local().host_threads.load(SeqCst);
        if threads <= 1 {
            return;
        }
        for slot in host_process::slots_in_use() {
            if slot != per_thread().slot {
                host_process::interrupt(slot);
                park::wake_own_slot(slot);
            }
        }
        let deadline = time::host_monotonic_ns() + KICK_AGAIN_NS;
        lock::released(|| {
            let _ = host::futex_wait(&local().host_threads, threads, Some(deadline));
        });
    }
}

/// Nothing of this boot stays: all threads dormant, those that can go on queued, the dead past closed.
fn settle() {
    let kernel = kernel();
    kernel.control.freeze_asked.set(false);
    kernel.control.early.borrow_mut().clear();
    for process in kernel.tasks.processes.borrow().values() {
        process.space().belongs_to_image();
    }
    kernel.shared.pack();
    kernel.tasks.hosts.forget_others();
    let host = kernel.tasks.hosts.current();
    let poller = &host.poller;
    poller.forget();
    poller.runnable.clear();
    kernel.time.make_dormant();
    for thread in kernel.tasks.threads.borrow().values() {
        thread.slot.set(None);
        if !thread.is_waiting() {
            poller.runnable.add(thread.tid);
        }
    }
}
