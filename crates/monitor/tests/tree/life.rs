//! Who ends with whom.

use crate::look::{children, nursery, pidfd, wait};
use crate::{function, limited, monitor};
use monitor::FunctionSpec;
use rustix::process::{Pid, Signal};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// The keeper, and all its children.
fn all(keeper: i32) -> Vec<i32> {
    let mut pids = vec![keeper];
    pids.extend(children(keeper));
    pids
}

pub fn dropping_a_function_ends_all_of_it() {
    let function = function();
    let zygote = function.zygote().expect("zygote");
    let pids = all(function.keeper_pid());
    assert_eq!(pids.len(), 3);
    drop(zygote);
    drop(function);
    // At once: whoever dropped it may rely on it.
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is left");
    }
}

pub fn dropping_a_zygote_ends_it_alone() {
    let function = function();
    let first = function.zygote().expect("zygote");
    let pid = *children(function.keeper_pid()).last().expect("zygote");
    let second = function.zygote().expect("zygote");
    let ended = pidfd(pid);
    drop(first);
    wait(&ended);
    assert!(children(function.keeper_pid()).len() >= 2);
    drop(second);
    assert!(function.zygote().is_ok());
}

/// Prints the pids of what it started and waits to be killed.
pub fn be_a_monitor() -> ! {
    let function = function();
    let _zygote = function.zygote().expect("zygote");
    let own = i32::try_from(std::process::id()).expect("pid");
    let mut pids = all(function.keeper_pid());
    // The file server, a child of the thread that starts helpers.
    for task in std::fs::read_dir(format!("/proc/{own}/task")).expect("threads") {
        let path = task.expect("thread").path().join("children");
        let text = std::fs::read_to_string(path).expect("children");
        pids.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    let line: Vec<String> = pids.iter().map(ToString::to_string).collect();
    println!("{}", line.join(" "));
    std::io::stdout().flush().expect("flush");
    loop {
        std::thread::park();
    }
}

pub fn killing_the_monitor_leaves_nothing() {
    let mut command = Command::new("/proc/self/exe");
    let mut child = command.arg("__monitor").stdout(Stdio::piped()).spawn().expect("monitor");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let mut pids: Vec<i32> = line.split_ascii_whitespace().map(|pid| pid.parse().expect("pid")).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 4, "keeper, nursery, zygote, file server: {line}");
    let pidfds: Vec<_> = pids.into_iter().map(pidfd).collect();
    child.kill().expect("kill");
    child.wait().expect("wait");
    pidfds.iter().for_each(wait);
}

pub fn killing_the_keeper_ends_the_function() {
    let function = function();
    let _zygote = function.zygote().expect("zygote");
    let keeper = function.keeper_pid();
    let pidfds: Vec<_> = all(keeper).into_iter().map(pidfd).collect();
    rustix::process::kill_process(Pid::from_raw(keeper).expect("pid"), Signal::KILL).expect("kill");
    pidfds.iter().for_each(wait);
    assert!(function.zygote().is_err());
}

pub fn functions_may_be_started_from_threads_that_end() {
    let monitor = monitor();
    let function = std::thread::spawn(move || monitor.sandbox_class(FunctionSpec::default()).expect("function"));
    let function = function.join().expect("thread");
    assert!(function.zygote().is_ok());
    assert!(nursery(function.keeper_pid()) > 0);
}

pub fn a_missing_root_is_named() {
    let roots = vec![fileserver::Root { path: "/does/not/exist".into(), world_readable_only: true }];
    let error = monitor().sandbox_class(FunctionSpec { roots, ..FunctionSpec::default() }).expect_err("no such root");
    assert!(error.to_string().contains("/does/not/exist"), "{error}");
}

pub fn a_limited_function_works() {
    let function = monitor().sandbox_class(limited()).expect("function");
    let group = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("cgroup");
    let nursery = nursery(function.keeper_pid());
    if monitor::probe_cgroups().is_ok() {
        assert!(group(nursery).contains("/catalyzer-"), "{}", group(nursery));
    }
    let directories: Vec<String> =
        group(nursery).lines().filter_map(|l| Some(l.split("/catalyzer-").nth(1)?.to_owned())).collect();
    let zygote = function.zygote().expect("zygote");
    drop((zygote, function));
    for name in directories {
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").expect("cgroups").flatten() {
            assert!(!hierarchy.path().join(format!("catalyzer-{name}")).exists(), "{name} is left");
        }
    }
}
