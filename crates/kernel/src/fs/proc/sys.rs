//! `/sys`, as far as run-time systems look, and what the kernel calls itself.

use super::nodes::{add_directory, add_fixed, add_text, directory as new_directory};
use super::{cpus, memory};
use crate::fs::inode::{Inode, SYS_DEVICE};
use crate::kernel;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// `uname -r`.
pub const RELEASE: &str = "6.1.0-catalyzer";
/// `uname -v`.
pub const VERSION: &str = "#1 SMP PREEMPT_DYNAMIC";

fn cpu_list() -> Vec<u8> {
    match cpus() {
        1 => b"0\n".to_vec(),
        count => format!("0-{}\n", count - 1).into_bytes(),
    }
}

/// The whole of `/sys`.
pub fn directory() -> Rc<Inode> {
    let root = new_directory(SYS_DEVICE);
    for path in ["online", "possible", "present"] {
        let path = match path {
            "online" => "devices/system/cpu/online",
            "possible" => "devices/system/cpu/possible",
            _ => "devices/system/cpu/present",
        };
        add_text(&root, path, cpu_list);
    }
    add_fixed(&root, "devices/system/cpu/offline", "\n");
    add_fixed(&root, "devices/system/cpu/kernel_max", "8191\n");
    add_fixed(&root, "devices/system/node/online", "0\n");
    add_fixed(&root, "devices/system/node/possible", "0\n");
    add_text(&root, "devices/system/node/node0/cpulist", cpu_list);
    add_fixed(&root, "kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    add_fixed(&root, "kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise madvise [never]\n");
    add_fixed(&root, "kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n");
    add_fixed(&root, "kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny force\n");
    add_directory(&root, "kernel/mm/hugepages");
    // A sandbox looks like the root of a version 2 hierarchy that has its limits.
    add_fixed(&root, "fs/cgroup/cgroup.controllers", "cpu memory pids\n");
    add_fixed(&root, "fs/cgroup/cgroup.subtree_control", "\n");
    add_fixed(&root, "fs/cgroup/cgroup.type", "domain\n");
    add_text(&root, "fs/cgroup/memory.max", || format!("{}\n", memory()).into_bytes());
    add_fixed(&root, "fs/cgroup/memory.high", "max\n");
    add_fixed(&root, "fs/cgroup/memory.swap.max", "0\n");
    add_text(&root, "fs/cgroup/memory.current", || {
        let processes = kernel().tasks.processes.borrow();
        let used: u64 = processes.values().map(|process| process.space().sizes().0).sum();
        format!("{used}\n").into_bytes()
    });
    add_text(&root, "fs/cgroup/cpu.max", || {
        format!("{} 100000\n", u64::from(kernel().launch.borrow().cpus_milli.max(1)) * 100).into_bytes()
    });
    add_fixed(&root, "fs/cgroup/cpu.weight", "100\n");
    add_text(&root, "fs/cgroup/pids.max", || match kernel().launch.borrow().pids {
        0 => b"max\n".to_vec(),
        limit => format!("{limit}\n").into_bytes(),
    });
    add_text(&root, "fs/cgroup/pids.current", || format!("{}\n", kernel().tasks.threads.borrow().len()).into_bytes());
    add_directory(&root, "block");
    add_directory(&root, "bus");
    add_directory(&root, "class/net");
    add_directory(&root, "module");
    root
}
