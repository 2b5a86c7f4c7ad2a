//! What `/proc` says.

use rustix::process::{Pid, PidfdFlags};
use std::os::fd::OwnedFd;

/// The value of a line `name: value` of a process's status.
pub fn status(pid: i32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("the field is there").trim().to_owned()
}

/// Bits of a capability set.
pub fn capabilities(pid: i32, name: &str) -> u64 {
    u64::from_str_radix(&status(pid, name), 16).expect("a mask")
}

/// Children of a process with one thread, oldest first.
pub fn children(pid: i32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("children");
    text.split_ascii_whitespace().map(|pid| pid.parse().expect("pid")).collect()
}

/// The nursery: the keeper's first child.
pub fn nursery(keeper: i32) -> i32 {
    *children(keeper).first().expect("the nursery")
}

pub fn pidfd(pid: i32) -> OwnedFd {
    rustix::process::pidfd_open(Pid::from_raw(pid).expect("pid"), PidfdFlags::empty()).expect("pidfd")
}

/// Waits for the end of a process.
pub fn wait(pidfd: &OwnedFd) {
    use rustix::event::{PollFd, PollFlags, Timespec};
    let timeout = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ready = rustix::event::poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout)).expect("poll");
    assert_eq!(ready, 1, "the process does not end");
}
