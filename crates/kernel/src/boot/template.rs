//! A template: a sandbox of one function that was continued from its image up to the func-entry point and
//! stays there, to be cloned (`sfork`).
//!
//! It holds one descriptor, its control socket, and its memory is clean mappings of the image but for the
//! kernel heap, a stack and the boot page; so a clone copies next to nothing. On the way of a clone the
//! template allocates nothing.

use super::{Cloned, become_sandbox, clone_process, nursery, restore};
use crate::entry::threads;
use crate::errno::EINTR;
use crate::host::{self, Descriptors, GuestRange, HostFd};
use crate::local::{self, per_thread};
use crate::{control, time};
use abi::boot::Stamp;
use abi::control::{Connection, FromParent, FromSandbox, Instance, MAX_RANGES, PageRange, ToSandbox};
use abi::hostcalls::CLONE_SFORK_FLAGS;

/// Room for a message; all that are served here are small.
const MESSAGE: usize = 256;

/// Becomes a template, on a kernel stack that is empty again: what instances write of it is then the page that
/// they write anyway, and no deeper one.
#[allow(unsafe_code)]
pub(super) fn park(monotonic_ns: u64) -> ! {
    // SAFETY: this thread's own stack, of which nothing is used any more.
    unsafe { threads::switch_stack(per_thread().stack_top, serve, monotonic_ns) }
}

/// Says that it is parked and clones instances, for ever.
extern "C" fn serve(monotonic_ns: u64) -> ! {
    say_parked();
    loop {
        let (message, descriptors) = next::<MESSAGE>();
        let received = time::host_monotonic_ns();
        let ToSandbox::Sfork { instance, connection } = message else {
            super::fail(format_args!("a template got a message that is not for it"));
        };
        sfork(instance, connection, descriptors, received, monotonic_ns);
    }
}

fn sfork(
    instance: Instance,
    connection: Option<Connection>,
    mut descriptors: Descriptors,
    received: u64,
    monotonic_ns: u64,
) {
    let (Some(control), client) = (descriptors.take(), descriptors.take()) else {
        super::fail(format_args!("a clone was asked for without its control socket"));
    };
    let (answer, pidfd) = match clone_process(CLONE_SFORK_FLAGS) {
        Ok(Cloned::Child) => begin(instance, connection, control, client, received, monotonic_ns),
        Ok(Cloned::Parent(pidfd)) => (FromParent::Spawned, Some(pidfd)),
        Err(errno) => (FromParent::Failed(errno.0.into()), None),
    };
    if control::send_small(&answer, pidfd.as_slice()).is_err()
        || super::close_others(control::socket(), local::image().as_slice()).is_err()
    {
        host::exit_group(0);
    }
}

/// First steps of an instance.
fn begin(
    instance: Instance,
    mut connection: Option<Connection>,
    control: HostFd,
    mut client: Option<HostFd>,
    received: u64,
    monotonic_ns: u64,
) -> ! {
    nursery::forget_stamps();
    local::stamp_at(Stamp::Received, received);
    let kept = [client, local::image()].map(|fd| fd.unwrap_or(control));
    if become_sandbox(control, &kept, false).is_err() {
        host::exit_group(121);
    }
    local::set_generation(instance.generation);
    if instance.crowd {
        super::crowd::enter();
    }
    if instance.spare {
        if instance.populate {
            populate();
        }
        (connection, client) = wait_for_go();
    }
    restore::run(instance, connection.zip(client), monotonic_ns)
}

/// A spare: makes the working set present, and the kernel heap its own, before anybody waits for it: then neither its
/// boot nor its first response pays for those faults (9 and 390 of them in Python, 2 µs and more each).
///
/// Never inlined: its buffer would lie on the template's stack.
#[inline(never)]
fn populate() {
    /// The least that holds [`MAX_RANGES`] encoded ranges.
    const ROOM: usize = 16 + 21 * MAX_RANGES;
    /// A larger heap is mostly not written to by one boot.
    const HEAP_MOST: u64 = 512 << 10;
    let (base, len) = (local::boot_page().heap_base, local::boot_page().heap_len);
    if len <= HEAP_MOST {
        host::populate_heap(base, len);
    }
    loop {
        let (ToSandbox::Populate { ranges, last }, _) = next::<ROOM>() else {
            super::fail(format_args!("a spare got a message that is not for it"));
        };
        for PageRange { start, len, written } in ranges {
            let Ok(range) = GuestRange::new(start, len) else { continue };
            // A page that is no longer there is only not made present.
            let _ = host::populate_guest(range, written);
        }
        if last {
            return;
        }
    }
}

/// A spare: parks until its one boot.
fn wait_for_go() -> (Option<Connection>, Option<HostFd>) {
    say_parked();
    let (message, mut descriptors) = next::<MESSAGE>();
    nursery::forget_stamps();
    local::stamp(Stamp::Received);
    match message {
        ToSandbox::Go { connection, .. } => (connection, descriptors.take()),
        _ => super::fail(format_args!("a spare got a message that is not for it")),
    }
}

fn say_parked() {
    if control::send_small(&FromSandbox::Parked, &[]).is_err() {
        host::exit_group(0);
    }
}

fn next<const ROOM: usize>() -> (ToSandbox, Descriptors) {
    let mut buffer = [0; ROOM];
    loop {
        match host::receive(control::socket(), &mut buffer, true) {
            Ok((len @ 1.., descriptors)) => match abi::decode(&buffer[..len]) {
                Ok(message) => return (message, descriptors),
                Err(_) => super::fail(format_args!("a message of the monitor is malformed")),
            },
            Err(EINTR) => {}
            Ok((0, _)) | Err(_) => host::exit_group(0),
        }
    }
}
