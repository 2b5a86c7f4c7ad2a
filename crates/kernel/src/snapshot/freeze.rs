//! Freezing: from running threads to data.
//!
//! One host thread, the coordinator, stops all others: each saves its guest thread, waiting or not, and
//! ends; in other host processes one is left ([`Coordination`]). Then the coordinator saves its own guest thread, makes the state fit for an image, describes it
//! ([`super::dump`]) and stays until the monitor has read everything and ends the sandbox.
//!
//! Who coordinates: the thread whose system call is the one to freeze at; else the first one that sees
//! [`crate::control::Control::freeze_asked`]: on its way out of the kernel, parked, or idle.

use super::dump;
use crate::entry::Frame;
use crate::host::{EpollEvent, HostFd};
use crate::local::{local, per_thread};
use crate::mm::AddressSpace;
use crate::task::poller::HostHandle;
use crate::task::{Thread, dormant, host_process, park};
use crate::{control, host, kernel, local, lock, time};
use abi::control::FromSandbox;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A kick can hit a thread just before it blocks in the host, so it is repeated until all are gone.
const KICK_AGAIN_NS: u64 = 2_000_000;

/// The thread is at the system call that the launch named: the whole sandbox is frozen before it. After a
/// boot from the image the call is made anew.
pub fn freeze_at_call(thread: &Rc<Thread>, frame: &mut Frame) {
    if local().stopping.load(SeqCst) != 0 || kernel().control.freeze.by.get().is_some() {
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

/// How the host processes of a sandbox become one image. The one whose thread is the first to see that a freeze is asked
/// for *coordinates*. In every other one a thread stops the rest, says so, and waits until it is that host process's
/// turn to look at its own memory; when all have done that, nothing of the sandbox runs any more.
#[derive(Default)]
pub struct Coordination {
    /// The host process that coordinates.
    by: Cell<Option<u32>>,
    /// An eventfd that is written to when a host process has stopped, and when it has looked at its memory.
    done: HostHandle,
    /// An eventfd that is written to for the next one to look.
    turn: HostHandle,
}

fn freeze(own: Option<(&Rc<Thread>, &Frame)>) -> ! {
    let host = local().host.load(Relaxed);
    if kernel().control.freeze.by.get().is_none() && crate::task::awaken::all().is_err() {
        let sentence = "there is no room to bring the processes of the last image together";
        control::send(&FromSandbox::CantFreeze(sentence.into()), &[]);
        control::end_sandbox_with_lock(125);
    }
    match kernel().control.freeze.by.get() {
        None => coordinate(own),
        // Another thread of this host process does.
        Some(by) if by == host => {
            if let Some((thread, frame)) = own {
                thread.become_data(frame);
                per_thread().tid.set(0);
            }
            crate::entry::end_host_thread()
        }
        Some(_) => stop_for_another(own),
    }
}

fn coordinate(own: Option<(&Rc<Thread>, &Frame)>) -> ! {
    let freeze = &kernel().control.freeze;
    freeze.by.set(Some(local().host.load(Relaxed)));
    if local::common().is_some() {
        let (Ok(done), Ok(turn)) = (host::eventfd(), host::waiting_eventfd()) else {
            control::fatal("no descriptors left to make an image");
        };
        freeze.done.set(done);
        freeze.turn.set(turn);
    }
    kernel().control.freeze_asked.set(true);
    stop_all_others();
    if let (Some(done), Some(turn)) = (freeze.done.get(), freeze.turn.get()) {
        stop_other_host_processes(done, turn);
    }
    if let Some((thread, frame)) = own {
        thread.become_data(frame);
    }
    if let Some(program) = crate::task::exit::find_process(crate::task::PROGRAM) {
        kernel().time.process_cpu_before_ns.set(crate::time::clock::process_cpu_ns(&program));
    }
    kernel().shared.note_own_pages();
    let hosts = settle(own.map(|(thread, _)| thread));
    let len = match dump::write(hosts) {
        Ok(len) => len,
        Err(dump::TooLong) => control::fatal("the sandbox's description of itself does not fit"),
    };
    // From here on nothing changes the heap: the monitor reads it, and then the host ends one process after the other.
    if let Some(common) = local::common() {
        common.frozen.store(1, SeqCst);
    }
    let frozen = FromSandbox::Frozen { len, host: local().host_pid.load(Relaxed).unsigned_abs() };
    if control::send_small(&frozen, &[]).is_err() {
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

/// Has all other host processes stop and look at their memory.
fn stop_other_host_processes(done: HostFd, turn: HostFd) {
    let set = host::epoll_create();
    let watch = |set| host::epoll_control(set, 1, done, EpollEvent { events: 1, data: 0 }).map(|()| set);
    let Ok(set) = set.and_then(watch) else { control::fatal("no descriptors left to make an image") };
    let await_done = |timeout_ms| {
        let _ = lock::released(|| host::epoll_wait(set, &mut [EpollEvent::default()], timeout_ms));
        host::read(done, &mut [0; 8]).is_ok()
    };
    loop {
        let others = kernel().tasks.hosts.all_others();
        let running: Vec<_> = others.iter().filter(|host| !host.stopped.get()).collect();
        if running.is_empty() {
            break;
        }
        for other in running {
            other.poller.ring();
            for thread in kernel().tasks.threads.borrow().values().filter(|thread| thread.host() == other.number) {
                host_process::interrupt_thread(thread);
            }
        }
        await_done((KICK_AGAIN_NS / 1_000_000) as i32);
    }
    // Who has stopped said so with the lock, which is held now: what is read here is not of the turns.
    let _ = host::read(done, &mut [0; 8]);
    for _ in kernel().tasks.hosts.all_others() {
        let _ = host::write(turn, &1u64.to_ne_bytes());
        while !await_done(-1) {}
    }
    host::close(set);
}

/// Another host process coordinates: this one stops, does its part, and waits for the end.
fn stop_for_another(own: Option<(&Rc<Thread>, &Frame)>) -> ! {
    stop_all_others();
    if let Some((thread, frame)) = own {
        thread.become_data(frame);
        per_thread().tid.set(0);
    }
    kernel().tasks.hosts.current().stopped.set(true);
    let (Some(done), Some(turn)) = (kernel().control.freeze.done.get(), kernel().control.freeze.turn.get()) else {
        control::fatal("an image is made, and nobody coordinates");
    };
    let say_done = || {
        let _ = host::write(done, &1u64.to_ne_bytes());
    };
    say_done();
    while lock::released(|| host::read(turn, &mut [0; 8])).is_err() {}
    kernel().shared.note_own_pages();
    host::block_kick(true);
    lock::release();
    say_done();
    loop {
        let _ = host::futex_wait(&local().gone, 0, None);
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

/// Nothing of this boot stays: all threads dormant, those that can go on queued, the dead past closed. Answers for each
/// address space which host process holds it, by its number for the host.
fn settle(own: Option<&Rc<Thread>>) -> Vec<u32> {
    let kernel = kernel();
    kernel.control.freeze_asked.set(false);
    kernel.control.freeze_at_rest.set(false);
    kernel.control.freeze.by.set(None);
    kernel.control.freeze.done.close();
    kernel.control.freeze.turn.close();
    kernel.control.early.borrow_mut().clear();
    let mut spaces = spaces();
    let first = crate::snapshot::entry_point::waits_for_connection().or_else(|| own.map(|own| own.process()));
    let first = first.or_else(|| crate::task::exit::find_process(crate::task::PROGRAM));
    if let Some(at) = first.and_then(|first| spaces.iter().position(|space| Rc::ptr_eq(space, &first.space()))) {
        spaces.swap(0, at);
    }
    let several = local::common().is_some();
    let holder = |space: &Rc<AddressSpace>| match kernel.tasks.hosts.get(space.host.get()) {
        Some(host) if several => host.pid.get().unsigned_abs(),
        _ => local().host_pid.load(Relaxed).unsigned_abs(),
    };
    let hosts: Vec<u32> = spaces.iter().map(holder).collect();
    kernel.shared.pack();
    let poller = |number| kernel.tasks.hosts.get(number).map(|host| host.poller.forget());
    poller(local().host.load(Relaxed));
    poller(0);
    kernel.tasks.hosts.fall_asleep(spaces.len().saturating_sub(1) as u32);
    for (number, space) in (0..).zip(&spaces) {
        space.belongs_to_image();
        space.host.set(number);
        space.in_image.set((number != 0).then_some(number));
    }
    kernel.tasks.image_end.set(kernel.tasks.next_tid.get());
    for process in kernel.tasks.processes.borrow().values() {
        process.knows_second_number.set(false);
        process.parent_is_second.set(false);
    }
    kernel.time.make_dormant();
    for thread in kernel.tasks.threads.borrow().values() {
        thread.slot.set(None);
        thread.host_tid.set(0);
        if !thread.is_waiting() {
            dormant::queue(thread);
        }
    }
    hosts
}

/// The address spaces of processes that are alive, in the order of their numbers once [`settle`] has given them.
pub(super) fn spaces() -> Vec<Rc<AddressSpace>> {
    let mut spaces: Vec<Rc<AddressSpace>> = Vec::new();
    for process in kernel().tasks.processes.borrow().values().filter(|process| !process.is_zombie()) {
        let space = process.space();
        if !spaces.iter().any(|other| Rc::ptr_eq(other, &space)) {
            spaces.push(space);
        }
    }
    spaces
}
