//! Beginning and end of host threads, and the way out for state that comes from data.
#![allow(unsafe_code)]

use super::asm;
use super::frame::Frame;
use super::trap::SignalFrame;
use crate::errno::Errno;
use crate::local::{PerThread, local, per_thread};
use crate::syscall::dispatch;
use crate::task::{host_process, park};
use crate::{host, kernel, lock};
use abi::hostcalls::CLONE_THREAD_FLAGS;
use abi::layout::{STACK_SLOT, STACKS};
use core::sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst};

/// Makes a host thread on the stack of a slot.
///
/// # Safety
/// The slot is fresh and belongs to the new thread.
///
/// # Errors
/// `EAGAIN`.
pub unsafe fn clone_thread(new: &'static PerThread) -> Result<(), Errno> {
    // The new thread must not be interrupted before it has its signal stack.
    // SAFETY: flags as in the hostcall table; stack and data are the new thread's own.
    let result = host::without_kicks(|| unsafe {
        asm::clone_thread_asm(CLONE_THREAD_FLAGS, new.stack_top, new.host_tid.as_ptr(), new.this)
    });
    Errno::check(result).map(drop)
}

/// First Rust code of a host thread.
pub(super) extern "C" fn host_thread_begin(this: &'static PerThread) -> ! {
    set_up_stack(this.slot);
    host::block_kick(false);
    lock::acquire();
    run(this)
}

/// Tells the host which stack the handlers use.
pub fn set_up_stack(slot: u32) {
    let start = STACKS + u64::from(slot) * STACK_SLOT + 4096;
    // SAFETY: the running thread's own slot.
    let _ = unsafe { host::set_signal_stack(start, per_thread().stack_top - start) };
}

/// Runs guest threads on the calling host thread: the one it was made for, then such as become runnable. Called with the kernel lock.
pub fn run(this: &'static PerThread) -> ! {
    loop {
        if let Some(thread) = kernel().thread(crate::task::Tid(this.tid.get())) {
            thread.slot.set(Some(this.slot));
            thread.host_tid.set(host_process::host_tid(this));
            crate::task::fork::first_steps(&thread);
            let Some(saved) = thread.saved.borrow_mut().take() else {
                crate::control::fatal("a guest thread without state was to run");
            };
            let mut frame = Frame::from_saved(saved);
            this.frame.set(&raw const frame as u64);
            let way = dispatch::go_on(&thread, &mut frame);
            this.frame.set(0);
            drop(thread);
            match way {
                dispatch::Way::Out => {
                    lock::release();
                    leave_with(frame)
                }
                dispatch::Way::End => {
                    drop(frame);
                    end_host_thread()
                }
                dispatch::Way::EndProcess => {
                    drop(frame);
                    end_host_process()
                }
                dispatch::Way::Again => {
                    drop(frame);
                    continue;
                }
            }
        }
        let host = kernel().tasks.hosts.current();
        let poller = &host.poller;
        poller.set_idle(true);
        loop {
            crate::task::awaken::those_due();
            if let Some(thread) = poller.runnable.take() {
                poller.set_idle(false);
                this.tid.set(thread.tid.0);
                crate::task::poller::hand_over();
                break;
            }
            if local().stopping.load(SeqCst) != 0 {
                poller.set_idle(false);
                crate::task::poller::hand_over();
                drop(host);
                end_host_thread();
            }
            if kernel().control.freeze_asked.get() {
                crate::snapshot::freeze::freeze_idle();
            }
            park::rest(None);
        }
    }
}

/// Leaves the kernel with state that comes from data.
pub fn leave_with(mut frame: Frame) -> ! {
    host::block_kick(true);
    while per_thread().pending.load(SeqCst) != 0 {
        per_thread().frame.set(&raw const frame as u64);
        dispatch::interrupted(&mut frame);
    }
    per_thread().frame.set(0);
    lock::acquire();
    let vector = frame.take_vector();
    let mut area = VectorArea([0; VECTOR_ROOM]);
    let len = vector.len().min(VECTOR_ROOM);
    area.0[..len].copy_from_slice(&vector[..len]);
    drop(vector);
    lock::release();
    let address = if len == 0 { 0 } else { &raw const area as u64 };
    let signal_frame = SignalFrame::new(&frame.registers, address, per_thread().slot);
    // SAFETY: a complete signal frame on the kernel stack; kicks are unblocked by it.
    unsafe { asm::leave_by_signal_frame((&raw const signal_frame).cast()) }
}

/// Largest vector state (AVX-512 and protection keys; tiles are never enabled).
const VECTOR_ROOM: usize = 4096;

#[repr(C, align(64))]
struct VectorArea([u8; VECTOR_ROOM]);

/// Ends the calling host thread. Called with the kernel lock, which it releases.
pub fn end_host_thread() -> ! {
    crate::task::awaken::those_due();
    host::block_kick(true);
    let this = per_thread();
    crate::task::poller::hand_over();
    local().host_threads.fetch_sub(1, AcqRel);
    lock::release();
    host::futex_wake(&local().host_threads, u32::MAX >> 1);
    // The first host thread stays until its host process ends: without it the host calls the process a zombie, and
    // the monitor can't look at its memory any more.
    if this.slot == local().leader.load(Relaxed) {
        // The first one of all is who is kicked when the sandbox ends.
        host::block_kick(false);
        loop {
            let _ = host::futex_wait(&this.wake, this.wake.load(SeqCst), None);
        }
    }
    let word = local().slots[this.slot as usize / 64].as_ptr();
    // SAFETY: the last thing this thread does; nothing on its stack is used again.
    unsafe { asm::end_thread_asm(word, !(1 << (this.slot % 64))) }
}

/// Ends the calling host process, whose guest process has ended. Called with the kernel lock, which it releases.
pub fn end_host_process() -> ! {
    crate::task::awaken::those_due();
    let number = local().host.load(Relaxed);
    if number == 0 {
        // With the first host process all others would end: it stays, emptied, and polls.
        host::unmap_all_guest();
        host::block_kick(false);
        run_anew();
    }
    if local().stopping.load(SeqCst) != 0 {
        // Another of its threads has a part in making an image.
        end_host_thread();
    }
    host::block_kick(true);
    if let Some(host) = kernel().tasks.hosts.get(number) {
        host.poller.forget();
    }
    kernel().tasks.hosts.remove(number);
    local().gone.store(1, SeqCst);
    lock::release();
    lock::await_others();
    host::exit_group(0)
}

/// Runs the guest thread that the calling host thread is to run now, with nothing of what is on its stack. Called with
/// the kernel lock.
pub fn run_anew() -> ! {
    let this = per_thread();
    // SAFETY: what is on the stack is given up.
    unsafe { switch_stack(this.stack_top, run_on, this.this) }
}

extern "C" fn run_on(_: u64) -> ! {
    run(per_thread())
}

/// First steps of a host process that is a clone of another one's host thread: nothing of the other threads is here.
/// `host` is its number, `tid` the guest thread it runs.
pub fn begin_host_process(host: u32, tid: u32) -> ! {
    let (this, local) = (per_thread(), local());
    for (index, word) in local.slots.iter().enumerate() {
        word.store(if this.slot as usize / 64 == index { 1 << (this.slot % 64) } else { 0 }, Relaxed);
    }
    local.host_threads.store(1, Relaxed);
    local.host.store(host, Relaxed);
    // Not known yet.
    local.host_pid.store(0, Relaxed);
    local.leader.store(this.slot, Relaxed);
    local.acquiring.store(0, Relaxed);
    local.stamp_resume.store(0, Relaxed);
    this.tid.set(tid);
    this.host_tid.store(0, Relaxed);
    this.pending.store(0, Relaxed);
    this.frame.set(0);
    // SAFETY: what is on the stack belongs to the parent.
    unsafe { switch_stack(this.stack_top, begin_with_lock, this.this) }
}

extern "C" fn begin_with_lock(_: u64) -> ! {
    // The parent says our number before it releases the lock; the lock itself wants to know it, too.
    lock::acquire();
    let pid = kernel().tasks.hosts.current().pid.get();
    local().host_pid.store(pid, Relaxed);
    lock::held_by(pid);
    host::block_kick(false);
    run(per_thread())
}

/// Continues on another stack.
///
/// # Safety
/// The stack is fresh and belongs to the caller.
pub unsafe fn switch_stack(stack: u64, function: extern "C" fn(u64) -> !, argument: u64) -> ! {
    // SAFETY: the caller's promise.
    unsafe { asm::switch_stack_asm(stack, function, argument) }
}
