//! What the processes of a function can't do.

use crate::function;
use crate::look::{capabilities, children, nursery, status};

/// `CAP_SYS_ADMIN`.
const SYS_ADMIN: u64 = 1 << 21;

pub fn keeper_has_no_privileges() {
    let function = function();
    let keeper = function.keeper_pid();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(capabilities(keeper, set), 0, "{set}");
    }
    assert_eq!(status(keeper, "NoNewPrivs"), "1");
    assert_ne!(status(keeper, "Uid").split_ascii_whitespace().next(), Some("0"));
    assert_eq!(status(keeper, "Groups"), "");
}

pub fn nursery_keeps_one_capability_and_is_filtered() {
    let function = function();
    let nursery = nursery(function.keeper_pid());
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(capabilities(nursery, set), SYS_ADMIN, "{set}");
    }
    assert_eq!(status(nursery, "NoNewPrivs"), "1");
    assert_eq!(status(nursery, "Seccomp"), "2");
    assert_eq!(status(nursery, "Seccomp_filters"), "1");
    assert_ne!(status(nursery, "Uid").split_ascii_whitespace().next(), Some("0"));
}

pub fn no_namespace_is_shared_with_the_host() {
    let function = function();
    let nursery = nursery(function.keeper_pid());
    for namespace in ["user", "mnt", "net", "ipc", "uts", "pid"] {
        let link = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/{namespace}")).expect("namespace");
        assert_ne!(link("self"), link(&nursery.to_string()), "{namespace}");
    }
}

pub fn the_root_is_empty_and_read_only() {
    let function = function();
    for pid in [function.keeper_pid(), nursery(function.keeper_pid())] {
        let root = format!("/proc/{pid}/root/");
        assert_eq!(std::fs::read_dir(&root).expect("root").count(), 0);
        let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("mountinfo");
        let [mount] = mounts.lines().collect::<Vec<_>>()[..] else { panic!("{mounts}") };
        for option in ["ro,", "nosuid", "nodev", "noexec", "tmpfs"] {
            assert!(mount.contains(option), "{mount}");
        }
    }
}

pub fn the_nursery_has_only_its_control_socket() {
    let function = function();
    let nursery = nursery(function.keeper_pid());
    let mut descriptors: Vec<(i32, String)> = std::fs::read_dir(format!("/proc/{nursery}/fd"))
        .expect("descriptors")
        .map(|entry| {
            let entry = entry.expect("entry");
            let target = std::fs::read_link(entry.path()).expect("link");
            (entry.file_name().to_str().expect("number").parse().expect("number"), target.display().to_string())
        })
        .collect();
    descriptors.sort();
    let [(0, input), (1, output), (2, error), (3, control)] = &descriptors[..] else { panic!("{descriptors:?}") };
    for null in [input, output, error] {
        assert_eq!(null, "/dev/null");
    }
    assert!(control.starts_with("socket:"), "{control}");
}

pub fn limits_are_low() {
    let function = function();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", nursery(function.keeper_pid()))).expect("limits");
    let both = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("the limit is there");
        let mut words = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
        (words.next().flatten(), words.next().flatten())
    };
    assert_eq!(both("Max open files"), (Some(256), Some(256)));
    assert_eq!(both("Max core file size"), (Some(0), Some(0)));
    assert_eq!(both("Max locked memory"), (Some(0), Some(0)));
}

pub fn a_zygote_is_pid_1_of_its_own_namespace() {
    let function = function();
    let keeper = function.keeper_pid();
    let before = children(keeper);
    let zygotes = [function.zygote().expect("zygote"), function.zygote().expect("zygote")];
    let new: Vec<i32> = children(keeper).into_iter().filter(|pid| !before.contains(pid)).collect();
    assert_eq!(new.len(), zygotes.len());
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).expect("namespace");
    for pid in &new {
        assert!(status(*pid, "NSpid").ends_with("\t1"), "{}", status(*pid, "NSpid"));
        assert_eq!(status(*pid, "Seccomp"), "2");
        assert_eq!(status(*pid, "PPid"), keeper.to_string());
    }
    assert_ne!(namespace(new[0]), namespace(new[1]));
    assert_ne!(namespace(new[0]), namespace(keeper));
}
