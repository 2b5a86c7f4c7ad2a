//! A template: a sandbox of one function that was continued from its image up to the func-entry point and
//! stays there, to be cloned (`sfork`).
//!
//! It holds one descriptor, its control socket, and its memory is clean mappings of the image but for the
//! kernel heap, a stack and the boot page; so a clone copies next to nothing. On the way of a clone the
//! template allocates nothing.

use super::{Cloned, become_sandbox, clone_process, nursery, restore};
use crate::errno::EINTR;
use crate::host::{self, Descriptors, HostFd};
use crate::local;
use crate::{control, time};
use abi::boot::Stamp;
use abi::control::{Connection, FromParent, FromSandbox, Instance, ToSandbox};
use abi::hostcalls::CLONE_SFORK_FLAGS;

/// Room for a message; all that are served here are small.
const MESSAGE: usize = 256;

/// Says that it is parked and clones instances, for ever.
pub(super) fn serve(monotonic_ns: u64) -> ! {
    say_parked();
    loop {
        let (message, descriptors) = next();
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
    if control::send_small(&answer, pidfd.as_slice()).is_err() || super::close_others(control::socket(), &[]).is_err() {
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
    if become_sandbox(control, client.as_slice(), false).is_err() {
        host::exit_group(121);
    }
    local::set_generation(instance.generation);
    if instance.spare {
        (connection, client) = wait_for_go();
    }
    restore::run(instance, connection.zip(client), monotonic_ns)
}

/// A spare: parks until its one boot.
fn wait_for_go() -> (Option<Connection>, Option<HostFd>) {
    say_parked();
    let (message, mut descriptors) = next();
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

fn next() -> (ToSandbox, Descriptors) {
    let mut buffer = [0; MESSAGE];
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
