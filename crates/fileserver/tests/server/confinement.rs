//! What the server's process is left with.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::CapabilitySet;

use crate::support::{World, spawn};

crate::tests! {
    the_server_holds_no_privileges,
    roots_of_the_caller_keep_only_the_right_to_read,
    the_server_ends_with_its_handle,
    the_server_ends_with_its_parent,
    a_dead_server_is_noticed,
}

/// A line of `/proc/PID/status`.
fn status(pid: u32, key: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().trim().replace('\t', " ")
}

/// Root with all that root has; in containers and user namespaces less can be dropped, or kept.
fn is_full_root() -> bool {
    let needed =
        CapabilitySet::SYS_ADMIN | CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::DAC_READ_SEARCH;
    let held = rustix::thread::capabilities(None).unwrap().effective.contains(needed);
    let all_users = fs::read_to_string("/proc/self/uid_map").unwrap().trim().ends_with("4294967295");
    if !(held && all_users) {
        println!("not checked: what the server of an all-powerful root is left with");
    }
    held && all_users
}

fn the_server_holds_no_privileges() {
    let server = spawn(&[(Path::new("/usr"), true)]).unwrap();
    let pid = server.pid();
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    assert_eq!(status(pid, "Seccomp"), "2");
    assert_eq!(status(pid, "Threads"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status(pid, set), "0000000000000000", "{set}");
    }
    if is_full_root() {
        assert_eq!(status(pid, "Uid"), "65534 65534 65534 65534");
        assert_eq!(status(pid, "Gid"), "65534 65534 65534 65534");
        assert_eq!(status(pid, "Groups"), "");
        assert_eq!(status(pid, "CapBnd"), "0000000000000000");
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
        assert_ne!(namespace(&pid.to_string()), namespace("self"));
        assert!(fs::read_link(format!("/proc/{pid}/root")).unwrap().ends_with("fdinfo"));
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

fn roots_of_the_caller_keep_only_the_right_to_read() {
    let world = World::new();
    let client = world.serve();
    if is_full_root() {
        const DAC_READ_SEARCH: &str = "0000000000000004";
        let pid = client.server.pid();
        assert_eq!(status(pid, "CapPrm"), DAC_READ_SEARCH);
        assert_eq!(status(pid, "CapEff"), DAC_READ_SEARCH);
        assert_eq!(status(pid, "Uid"), "65534 65534 65534 65534");
    }
}

fn the_server_ends_with_its_handle() {
    let server = spawn(&[(Path::new("/usr"), true)]).unwrap();
    let pid = Pid::from_raw(server.pid().try_into().unwrap()).unwrap();
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
    drop(server);
    let signal = rustix::process::pidfd_send_signal(&pidfd, Signal::TERM);
    assert_eq!(signal, Err(rustix::io::Errno::SRCH));
}

/// The life of a process that starts a server, tells its number, and waits to be killed.
pub fn parent() {
    let server = spawn(&[(Path::new("/usr"), true)]).unwrap();
    println!("{}", server.pid());
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn the_server_ends_with_its_parent() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut parent = command.arg(crate::PARENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    await_end(&pidfd);
}

fn await_end(pidfd: &OwnedFd) {
    rustix::event::poll(&mut [PollFd::new(pidfd, PollFlags::IN)], None).unwrap();
}

fn a_dead_server_is_noticed() {
    let world = World::new();
    let client = world.serve();
    let pid = Pid::from_raw(client.server.pid().try_into().unwrap()).unwrap();
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
    rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).unwrap();
    await_end(&pidfd);
    assert!(matches!(client.server.connect(), Err(fileserver::Error::Gone)));
}
