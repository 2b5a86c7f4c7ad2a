//! The system-call table: one row a call, nothing about a call is said twice. A row gives number, name,
//! arguments with their kinds (decoded for the handler, printed by `--strace`), the handler, and how
//! much of the call is there (`docs/linux.md` is generated from it). Calls without a row are absent:
//! `ENOSYS`, and named in the log once.

use super::arguments::{Argument, Fd, UserPath};
use super::execve;
use super::{Context, Outcome, credentials, events, machine, pidfds, prctl, process, threads};
use super::{attributes, descriptors, files, inotify, io, mounts, names, opening, paths, splice, transfer};
use super::{memory, memory_locks, memory_seals, mqueue, process_memory, scheduling, seccomp, sockets, system, sysv};
use super::{signals, time, wait};
use crate::events::epoll::Reported;
use crate::user_memory::{UserAddr, UserPtr};
use core::fmt::{self, Write};

/// How much of a call is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    Full,
    /// What is missing.
    Partial(&'static str),
}

/// One system call.
pub struct Row {
    /// Number on x86-64.
    pub number: usize,
    /// Name in `man 2`.
    pub name: &'static str,
    /// How much of it is there.
    pub support: Support,
    /// Names of the arguments.
    pub arguments: &'static [&'static str],
    /// Decodes the registers and calls the handler.
    pub call: fn(&mut Context<'_>, &[u64; 6]) -> Outcome,
    /// Prints the arguments, separated by commas.
    pub show: fn(&[u64; 6], &mut dyn Write) -> fmt::Result,
}

macro_rules! support {
    (full) => {
        Support::Full
    };
    (partial($note:literal)) => {
        Support::Partial($note)
    };
}

macro_rules! rows {
    ($($number:literal $name:ident ($($argument:ident: $kind:ty),*) => $handler:path, $support:ident $(($note:literal))?;)*) => {
        /// All rows, by family.
        pub const ROWS: &[Row] = &[$(Row {
            number: $number,
            name: stringify!($name),
            support: support!($support $(($note))?),
            arguments: &[$(stringify!($argument)),*],
            call: |context, registers| {
                let mut registers = registers.iter();
                $(let $argument = <$kind as Argument>::decode(registers.next().copied().unwrap_or(0))?;)*
                let _ = &mut registers;
                $handler(context, $($argument),*)
            },
            show: |registers, to| {
                let mut registers = registers.iter();
                let mut _separator = "";
                $(
                    to.write_str(_separator)?;
                    <$kind as Argument>::show(registers.next().copied().unwrap_or(0), to)?;
                    let _ = stringify!($argument);
                    _separator = ", ";
                )*
                let _ = (&mut registers, to);
                Ok(())
            },
        }),*];
    };
}

rows! {
    // Files.
    0 read(fd: Fd, buffer: UserAddr, len: usize) => io::read, full;
    1 write(fd: Fd, buffer: UserAddr, len: usize) => io::write, full;
    2 open(path: UserPath, flags: u32, mode: u32) => opening::open, full;
    3 close(fd: Fd) => descriptors::close, full;
    4 stat(path: UserPath, stat: UserAddr) => files::stat, full;
    5 fstat(fd: Fd, stat: UserAddr) => files::fstat, full;
    6 lstat(path: UserPath, stat: UserAddr) => files::lstat, full;
    8 lseek(fd: Fd, offset: i64, whence: u32) => io::lseek, full;
    16 ioctl(fd: Fd, request: u32, argument: UserAddr) => descriptors::ioctl, partial("what the object knows");
    17 pread64(fd: Fd, buffer: UserAddr, len: usize, offset: i64) => io::pread64, full;
    18 pwrite64(fd: Fd, buffer: UserAddr, len: usize, offset: i64) => io::pwrite64, full;
    19 readv(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) => io::readv, full;
    20 writev(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) => io::writev, full;
    21 access(path: UserPath, mode: u32) => files::access, full;
    32 dup(fd: Fd) => descriptors::dup, full;
    33 dup2(old: Fd, new: Fd) => descriptors::dup2, full;
    40 sendfile(out: Fd, input: Fd, offset: UserPtr<i64>, count: usize) => transfer::sendfile, full;
    72 fcntl(fd: Fd, command: u32, argument: u64) => descriptors::fcntl, partial("no leases, no F_NOTIFY");
    73 flock(fd: Fd, operation: u32) => descriptors::flock, full;
    74 fsync(fd: Fd) => descriptors::fsync, full;
    75 fdatasync(fd: Fd) => descriptors::fsync, full;
    76 truncate(path: UserPath, len: i64) => files::truncate, full;
    77 ftruncate(fd: Fd, len: i64) => files::ftruncate, full;
    78 getdents(fd: Fd, buffer: UserAddr, len: usize) => files::getdents, full;
    79 getcwd(buffer: UserAddr, len: usize) => paths::getcwd, full;
    80 chdir(path: UserPath) => paths::chdir, full;
    81 fchdir(fd: Fd) => paths::fchdir, full;
    82 rename(old: UserPath, new: UserPath) => names::rename, full;
    83 mkdir(path: UserPath, mode: u32) => names::mkdir, full;
    84 rmdir(path: UserPath) => names::rmdir, full;
    85 creat(path: UserPath, mode: u32) => opening::creat, full;
    86 link(old: UserPath, new: UserPath) => names::link, full;
    87 unlink(path: UserPath) => names::unlink, full;
    88 symlink(target: UserPath, path: UserPath) => names::symlink, full;
    89 readlink(path: UserPath, buffer: UserAddr, len: usize) => paths::readlink, full;
    90 chmod(path: UserPath, mode: u32) => files::chmod, full;
    91 fchmod(fd: Fd, mode: u32) => files::fchmod, full;
    92 chown(path: UserPath, uid: u32, gid: u32) => files::chown, full;
    93 fchown(fd: Fd, uid: u32, gid: u32) => files::fchown, full;
    94 lchown(path: UserPath, uid: u32, gid: u32) => files::lchown, full;
    95 umask(mask: u32) => paths::umask, full;
    132 utime(path: UserPath, times: UserPtr<[i64; 2]>) => files::utime, full;
    133 mknod(path: UserPath, mode: u32, device: u64) => names::mknod, partial("of devices only the harmless ones");
    137 statfs(path: UserPath, to: UserAddr) => files::statfs, full;
    138 fstatfs(fd: Fd, to: UserAddr) => files::fstatfs, full;
    161 chroot(path: UserPath) => paths::chroot, full;
    162 sync() => descriptors::sync, full;
    187 readahead(fd: Fd, offset: i64, len: usize) => files::readahead, full;
    188 setxattr(path: UserPath, name: UserPath, value: UserAddr, size: usize, flags: u32) => attributes::setxattr, full;
    189 lsetxattr(path: UserPath, name: UserPath, value: UserAddr, size: usize, flags: u32) => attributes::lsetxattr, full;
    190 fsetxattr(fd: Fd, name: UserPath, value: UserAddr, size: usize, flags: u32) => attributes::fsetxattr, full;
    191 getxattr(path: UserPath, name: UserPath, value: UserAddr, size: usize) => attributes::getxattr, full;
    192 lgetxattr(path: UserPath, name: UserPath, value: UserAddr, size: usize) => attributes::lgetxattr, full;
    193 fgetxattr(fd: Fd, name: UserPath, value: UserAddr, size: usize) => attributes::fgetxattr, full;
    194 listxattr(path: UserPath, list: UserAddr, size: usize) => attributes::listxattr, full;
    195 llistxattr(path: UserPath, list: UserAddr, size: usize) => attributes::llistxattr, full;
    196 flistxattr(fd: Fd, list: UserAddr, size: usize) => attributes::flistxattr, full;
    197 removexattr(path: UserPath, name: UserPath) => attributes::removexattr, full;
    198 lremovexattr(path: UserPath, name: UserPath) => attributes::lremovexattr, full;
    199 fremovexattr(fd: Fd, name: UserPath) => attributes::fremovexattr, full;
    217 getdents64(fd: Fd, buffer: UserAddr, len: usize) => files::getdents64, full;
    221 fadvise64(fd: Fd, offset: i64, len: i64, advice: u32) => files::fadvise64, full;
    235 utimes(path: UserPath, times: UserPtr<[i64; 4]>) => files::utimes, full;
    101 ptrace(request: u64, pid: i32, address: UserAddr, data: u64) => system::ptrace, partial("EPERM: nobody is traced");
    103 syslog(action: i32, buffer: UserAddr, len: i32) => system::syslog, full;
    136 ustat(device: u32, to: UserAddr) => system::ustat, full;
    139 sysfs(option: i32, first: u64, second: UserAddr) => system::sysfs, full;
    153 vhangup() => system::reboot, partial("EPERM");
    159 adjtimex(timex: UserAddr) => system::adjtimex, partial("tells the time; EPERM for changes");
    169 reboot() => system::reboot, partial("EPERM");
    305 clock_adjtime(clock: i32, timex: UserAddr) => system::clock_adjtime, partial("tells the time; EPERM for changes");
    308 setns(fd: Fd, kind: u32) => system::setns, partial("there are no namespaces to enter");
    331 pkey_free(key: i32) => system::pkey_free, full;
    431 fsconfig(fd: Fd) => system::fsconfig, partial("there are no file systems to be");
    451 cachestat(fd: Fd, range: UserPtr<[u64; 2]>, to: UserPtr<[u64; 5]>, flags: u32) => system::cachestat, partial("everything counts as clean and in memory");
    155 pivot_root() => mounts::refused, partial("EPERM");
    163 acct() => mounts::refused, partial("EPERM");
    165 mount(source: UserAddr, target: UserPath, kind: UserAddr, flags: u64, data: UserAddr) => mounts::mount, partial("EPERM");
    166 umount2(target: UserPath, flags: u32) => mounts::umount2, partial("EPERM");
    167 swapon(path: UserAddr, flags: u32) => mounts::swapon, partial("EPERM");
    168 swapoff() => mounts::refused, partial("EPERM");
    277 sync_file_range(fd: Fd, offset: i64, len: i64, flags: u32) => mounts::sync_file_range, full;
    303 name_to_handle_at(directory: Fd, path: UserPath, handle: UserPtr<u32>, mount: UserPtr<i32>, flags: u32) => mounts::name_to_handle_at, partial("EOPNOTSUPP: the file system makes no handles");
    304 open_by_handle_at() => mounts::refused, partial("EPERM");
    428 open_tree() => mounts::refused, partial("EPERM");
    429 move_mount() => mounts::refused, partial("EPERM");
    430 fsopen() => mounts::refused, partial("EPERM");
    432 fsmount() => mounts::refused, partial("EPERM");
    433 fspick() => mounts::refused, partial("EPERM");
    442 mount_setattr() => mounts::refused, partial("EPERM");
    253 inotify_init() => inotify::inotify_init, full;
    254 inotify_add_watch(fd: Fd, path: UserPath, mask: u32) => inotify::inotify_add_watch, full;
    255 inotify_rm_watch(fd: Fd, watch: i32) => inotify::inotify_rm_watch, full;
    294 inotify_init1(flags: u32) => inotify::inotify_init1, full;
    257 openat(directory: Fd, path: UserPath, flags: u32, mode: u32) => opening::openat, full;
    258 mkdirat(directory: Fd, path: UserPath, mode: u32) => names::mkdirat, full;
    259 mknodat(directory: Fd, path: UserPath, mode: u32, device: u64) => names::mknodat, partial("of devices only the harmless ones");
    260 fchownat(directory: Fd, path: UserPath, uid: u32, gid: u32, flags: u32) => files::fchownat, full;
    261 futimesat(directory: Fd, path: UserPath, times: UserPtr<[i64; 4]>) => files::futimesat, full;
    262 newfstatat(directory: Fd, path: UserPath, stat: UserAddr, flags: u32) => files::newfstatat, full;
    263 unlinkat(directory: Fd, path: UserPath, flags: u32) => names::unlinkat, full;
    264 renameat(from: Fd, old: UserPath, to: Fd, new: UserPath) => names::renameat, full;
    265 linkat(from: Fd, old: UserPath, to: Fd, new: UserPath, flags: u32) => names::linkat, full;
    266 symlinkat(target: UserPath, directory: Fd, path: UserPath) => names::symlinkat, full;
    267 readlinkat(directory: Fd, path: UserPath, buffer: UserAddr, len: usize) => paths::readlinkat, full;
    268 fchmodat(directory: Fd, path: UserPath, mode: u32) => files::fchmodat, full;
    269 faccessat(directory: Fd, path: UserPath, mode: u32) => files::faccessat, full;
    280 utimensat(directory: Fd, path: UserPath, times: UserPtr<[i64; 4]>, flags: u32) => files::utimensat, full;
    275 splice(input: Fd, from: UserPtr<i64>, output: Fd, to: UserPtr<i64>, len: usize, flags: u32) => splice::splice, full;
    276 tee(input: Fd, output: Fd, len: usize, flags: u32) => splice::tee, full;
    278 vmsplice(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, flags: u32) => splice::vmsplice, full;
    285 fallocate(fd: Fd, mode: u32, offset: i64, len: i64) => files::fallocate, full;
    292 dup3(old: Fd, new: Fd, flags: u32) => descriptors::dup3, full;
    295 preadv(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) => io::preadv, full;
    296 pwritev(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) => io::pwritev, full;
    306 syncfs(fd: Fd) => descriptors::syncfs, full;
    316 renameat2(from: Fd, old: UserPath, to: Fd, new: UserPath, flags: u32) => names::renameat2, full;
    319 memfd_create(name: UserPath, flags: u32) => paths::memfd_create, full;
    326 copy_file_range(input: Fd, from: UserPtr<i64>, out: Fd, to: UserPtr<i64>, len: usize, flags: u32) => transfer::copy_file_range, full;
    327 preadv2(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64, high: u64, flags: u32) => io::preadv2, full;
    328 pwritev2(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64, high: u64, flags: u32) => io::pwritev2, full;
    332 statx(directory: Fd, path: UserPath, flags: u32, mask: u32, to: UserAddr) => files::statx, full;
    436 close_range(first: u32, last: u32, flags: u32) => descriptors::close_range, full;
    437 openat2(directory: Fd, path: UserPath, how: UserPtr<[u64; 3]>, size: usize) => opening::openat2, full;
    439 faccessat2(directory: Fd, path: UserPath, mode: u32, flags: u32) => files::faccessat2, full;
    452 fchmodat2(directory: Fd, path: UserPath, mode: u32, flags: u32) => files::fchmodat2, full;

    // Memory.
    9 mmap(address: UserAddr, len: u64, protection: u32, flags: u32, fd: Fd, offset: u64) => memory::mmap, full;
    10 mprotect(address: UserAddr, len: u64, protection: u32) => memory::mprotect, full;
    11 munmap(address: UserAddr, len: u64) => memory::munmap, full;
    12 brk(end: UserAddr) => memory::brk, full;
    25 mremap(address: UserAddr, old_len: u64, new_len: u64, flags: u32, to: UserAddr) => memory::mremap, full;
    26 msync(address: UserAddr, len: u64, flags: u32) => memory::msync, full;
    27 mincore(address: UserAddr, len: u64, vector: UserPtr<u8>) => memory::mincore, partial("pages of files and of an image count as present");
    28 madvise(address: UserAddr, len: u64, advice: i32) => memory::madvise, full;
    149 mlock(address: UserAddr, len: u64) => memory_locks::mlock, partial("kept in the books only");
    150 munlock(address: UserAddr, len: u64) => memory_locks::munlock, partial("kept in the books only");
    151 mlockall(flags: u32) => memory_locks::mlockall, partial("kept in the books only");
    152 munlockall() => memory_locks::munlockall, partial("kept in the books only");
    216 remap_file_pages(address: UserAddr, len: u64, protection: u32, page: u64, flags: u32) => memory::remap_file_pages, full;
    310 process_vm_readv(pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) => process_memory::process_vm_readv, partial("the calling process only");
    311 process_vm_writev(pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) => process_memory::process_vm_writev, partial("the calling process only");
    440 process_madvise(fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, advice: i32, flags: u32) => process_memory::process_madvise, full;
    462 mseal(address: UserAddr, len: u64, flags: u64) => memory_seals::mseal, full;
    324 membarrier(command: u32, flags: u32, cpu: i32) => memory::membarrier, partial("without the commands for restartable sequences");
    325 mlock2(address: UserAddr, len: u64, flags: u32) => memory_locks::mlock2, partial("kept in the books only");
    329 pkey_mprotect(address: UserAddr, len: u64, protection: u32, key: i32) => memory::pkey_mprotect, partial("no keys but 0");
    330 pkey_alloc(flags: u64, rights: u64) => memory::pkey_alloc, partial("no keys to be had");

    // Processes and threads.
    59 execve(path: UserPath, arguments: UserAddr, environment: UserAddr) => execve::execve, full;
    322 execveat(directory: Fd, path: UserPath, arguments: UserAddr, environment: UserAddr, flags: u32) => execve::execveat, full;
    39 getpid() => process::getpid, full;
    56 clone(flags: u64, stack: UserAddr, parent_tid: UserPtr<u32>, child_tid: UserPtr<u32>, tls: u64) => threads::clone, partial("no namespaces");
    60 exit(status: i32) => threads::exit, full;
    110 getppid() => process::getppid, full;
    158 arch_prctl(operation: u32, address: u64) => process::arch_prctl, partial("GS belongs to the kernel");
    186 gettid() => threads::gettid, full;
    202 futex(word: UserPtr<u32>, operation: u32, value: u32, time: u64, other: UserPtr<u32>, value3: u32) => threads::futex, partial("PI locks are handed on in order: nobody's priority is raised");
    449 futex_waitv(words: UserPtr<[u64; 3]>, count: u32, flags: u32, time: u64, clock: i32) => threads::futex_waitv, full;
    454 futex_wake(word: UserPtr<u32>, mask: u64, count: i32, flags: u32) => threads::futex_wake, partial("words of 32 bits, no memory nodes");
    455 futex_wait(word: UserPtr<u32>, value: u64, mask: u64, flags: u32, time: u64, clock: i32) => threads::futex_wait, partial("words of 32 bits, no memory nodes");
    456 futex_requeue(words: UserPtr<[u64; 3]>, flags: u32, wake: i32, requeue: i32) => threads::futex_requeue, partial("words of 32 bits, no memory nodes");
    218 set_tid_address(tid: UserAddr) => threads::set_tid_address, full;
    231 exit_group(status: i32) => threads::exit_group, full;
    273 set_robust_list(head: UserAddr, len: usize) => threads::set_robust_list, full;
    274 get_robust_list(tid: i32, head: UserPtr<u64>, len: UserPtr<u64>) => threads::get_robust_list, full;
    435 clone3(arguments: UserAddr, size: usize) => threads::clone3, partial("no namespaces, no chosen numbers");

    272 unshare(flags: u64) => process::unshare, partial("no namespaces: EPERM");
    312 kcmp(first: i32, second: i32, kind: i32, left: u64, right: u64) => process::kcmp, partial("no KCMP_EPOLL_TFD");
    448 process_mrelease(fd: Fd, flags: u32) => pidfds::process_mrelease, full;
    63 uname(into: UserAddr) => machine::uname, full;
    97 getrlimit(resource: u32, into: UserPtr<[u64; 2]>) => machine::getrlimit, full;
    98 getrusage(who: i32, into: UserPtr<u64>) => machine::getrusage, partial("times and memory only");
    99 sysinfo(into: UserAddr) => machine::sysinfo, full;
    102 getuid() => credentials::getuid, full;
    104 getgid() => credentials::getgid, full;
    105 setuid(uid: u32) => credentials::setuid, full;
    106 setgid(gid: u32) => credentials::setgid, full;
    107 geteuid() => credentials::geteuid, full;
    108 getegid() => credentials::getegid, full;
    109 setpgid(pid: u32, group: u32) => process::setpgid, full;
    111 getpgrp() => process::getpgrp, full;
    112 setsid() => process::setsid, full;
    113 setreuid(real: u32, effective: u32) => credentials::setreuid, full;
    114 setregid(real: u32, effective: u32) => credentials::setregid, full;
    115 getgroups(size: i32, list: UserPtr<u32>) => credentials::getgroups, full;
    116 setgroups(size: usize, list: UserPtr<u32>) => credentials::setgroups, full;
    117 setresuid(real: u32, effective: u32, saved: u32) => credentials::setresuid, full;
    118 getresuid(real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) => credentials::getresuid, full;
    119 setresgid(real: u32, effective: u32, saved: u32) => credentials::setresgid, full;
    120 getresgid(real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) => credentials::getresgid, full;
    121 getpgid(pid: u32) => process::getpgid, full;
    122 setfsuid(uid: u32) => credentials::setfsuid, full;
    123 setfsgid(gid: u32) => credentials::setfsgid, full;
    124 getsid(pid: u32) => process::getsid, full;
    125 capget(header: UserPtr<u32>, data: UserPtr<u32>) => credentials::capget, full;
    126 capset(header: UserPtr<u32>, data: UserPtr<u32>) => credentials::capset, full;
    135 personality(persona: u32) => process::personality, partial("only ADDR_NO_RANDOMIZE and PER_LINUX32's name of the machine have an effect");
    24 sched_yield() => scheduling::sched_yield, full;
    140 getpriority(which: i32, who: i32) => scheduling::getpriority, full;
    141 setpriority(which: i32, who: i32, nice: i32) => scheduling::setpriority, partial("kept in the books only: the host decides what runs");
    142 sched_setparam(pid: i32, parameters: UserPtr<i32>) => scheduling::sched_setparam, partial("kept in the books only: the host decides what runs");
    143 sched_getparam(pid: i32, parameters: UserPtr<i32>) => scheduling::sched_getparam, full;
    144 sched_setscheduler(pid: i32, policy: i32, parameters: UserPtr<i32>) => scheduling::sched_setscheduler, partial("kept in the books only: the host decides what runs");
    145 sched_getscheduler(pid: i32) => scheduling::sched_getscheduler, full;
    146 sched_get_priority_max(policy: u32) => scheduling::sched_get_priority_max, full;
    147 sched_get_priority_min(policy: u32) => scheduling::sched_get_priority_min, full;
    148 sched_rr_get_interval(pid: i32, interval: UserPtr<[i64; 2]>) => scheduling::sched_rr_get_interval, full;
    203 sched_setaffinity(pid: i32, len: usize, mask: UserAddr) => scheduling::sched_setaffinity, partial("kept in the books only: the host decides what runs");
    204 sched_getaffinity(pid: i32, len: usize, mask: UserAddr) => scheduling::sched_getaffinity, full;
    251 ioprio_set(which: i32, who: i32, priority: i32) => scheduling::ioprio_set, partial("kept in the books only");
    252 ioprio_get(which: i32, who: i32) => scheduling::ioprio_get, full;
    309 getcpu(cpu: UserPtr<u32>, node: UserPtr<u32>, cache: UserAddr) => scheduling::getcpu, full;
    314 sched_setattr(pid: i32, attributes: UserPtr<u32>, flags: u32) => scheduling::sched_setattr, partial("kept in the books only: the host decides what runs");
    315 sched_getattr(pid: i32, attributes: UserAddr, size: usize, flags: u32) => scheduling::sched_getattr, full;
    157 prctl(option: u32, first: u64, second: u64, third: u64, fourth: u64) => prctl::prctl, partial("no PR_SET_MM, no PR_SET_VMA, no write protection of code");
    160 setrlimit(resource: u32, from: UserPtr<[u64; 2]>) => machine::setrlimit, full;
    170 sethostname(name: UserAddr, len: usize) => process::sethostname, partial("EPERM: the name is given from outside");
    171 setdomainname(name: UserAddr, len: usize) => process::sethostname, partial("EPERM: the name is given from outside");
    57 fork() => threads::fork, full;
    58 vfork() => threads::vfork, full;
    61 wait4(pid: i32, status: UserPtr<u32>, options: u32, usage: UserPtr<u64>) => wait::wait4, full;
    247 waitid(kind: u32, id: u32, info: UserAddr, options: u32, usage: UserPtr<u64>) => wait::waitid, full;
    424 pidfd_send_signal(fd: Fd, signal: signals::SignalNumber, info: UserPtr<[u8; 128]>, flags: u32) => pidfds::pidfd_send_signal, full;
    434 pidfd_open(pid: i32, flags: u32) => pidfds::pidfd_open, full;
    438 pidfd_getfd(fd: Fd, target: Fd, flags: u32) => pidfds::pidfd_getfd, full;
    302 prlimit64(pid: i32, resource: u32, new: UserPtr<[u64; 2]>, old: UserPtr<[u64; 2]>) => machine::prlimit64, full;
    317 seccomp(operation: u32, flags: u32, argument: UserAddr) => seccomp::seccomp, partial("no listeners, nothing is logged");
    318 getrandom(into: UserAddr, len: usize, flags: u32) => machine::getrandom, full;

    // Signals.
    13 rt_sigaction(signal: signals::SignalNumber, new: UserPtr<[u64; 4]>, old: UserPtr<[u64; 4]>, size: usize) => signals::rt_sigaction, full;
    14 rt_sigprocmask(how: i32, set: UserPtr<u64>, old: UserPtr<u64>, size: usize) => signals::rt_sigprocmask, full;
    15 rt_sigreturn() => signals::rt_sigreturn, full;
    34 pause() => signals::pause, full;
    62 kill(pid: i32, signal: signals::SignalNumber) => signals::kill, full;
    127 rt_sigpending(set: UserPtr<u64>, size: usize) => signals::rt_sigpending, full;
    128 rt_sigtimedwait(set: UserPtr<u64>, info: UserPtr<[u8; 128]>, time: UserPtr<[i64; 2]>, size: usize) => signals::rt_sigtimedwait, full;
    129 rt_sigqueueinfo(pid: i32, signal: signals::SignalNumber, info: UserPtr<[u8; 128]>) => signals::rt_sigqueueinfo, full;
    130 rt_sigsuspend(set: UserPtr<u64>, size: usize) => signals::rt_sigsuspend, full;
    131 sigaltstack(new: UserPtr<[u64; 3]>, old: UserPtr<[u64; 3]>) => signals::sigaltstack, full;
    200 tkill(tid: i32, signal: signals::SignalNumber) => signals::tkill, full;
    219 restart_syscall() => signals::restart_syscall, full;
    234 tgkill(tgid: i32, tid: i32, signal: signals::SignalNumber) => signals::tgkill, full;
    297 rt_tgsigqueueinfo(tgid: i32, tid: i32, signal: signals::SignalNumber, info: UserPtr<[u8; 128]>) => signals::rt_tgsigqueueinfo, full;

    // Time.
    35 nanosleep(request: UserPtr<[i64; 2]>, left: UserPtr<[i64; 2]>) => time::nanosleep, full;
    36 getitimer(which: i32, into: UserPtr<[[i64; 2]; 2]>) => time::getitimer, partial("ITIMER_VIRTUAL counts system time, too");
    37 alarm(seconds: u32) => time::alarm, full;
    38 setitimer(which: i32, new: UserPtr<[[i64; 2]; 2]>, old: UserPtr<[[i64; 2]; 2]>) => time::setitimer, partial("ITIMER_VIRTUAL counts system time, too");
    96 gettimeofday(time: UserPtr<[i64; 2]>, zone: UserPtr<[i32; 2]>) => time::gettimeofday, full;
    100 times(into: UserPtr<[i64; 4]>) => time::times, partial("all time is user time");
    164 settimeofday(time: UserPtr<[i64; 2]>, zone: UserPtr<[i32; 2]>) => time::settimeofday, partial("EPERM");
    201 time(into: UserPtr<i64>) => time::time, full;
    222 timer_create(clock: i32, event: UserPtr<[u64; 8]>, id: UserPtr<i32>) => time::timer_create, full;
    223 timer_settime(id: i32, flags: i32, new: UserPtr<[[i64; 2]; 2]>, old: UserPtr<[[i64; 2]; 2]>) => time::timer_settime, full;
    224 timer_gettime(id: i32, into: UserPtr<[[i64; 2]; 2]>) => time::timer_gettime, full;
    225 timer_getoverrun(id: i32) => time::timer_getoverrun, full;
    226 timer_delete(id: i32) => time::timer_delete, full;
    227 clock_settime(clock: i32, time: UserPtr<[i64; 2]>) => time::clock_settime, partial("EPERM");
    228 clock_gettime(clock: i32, time: UserPtr<[i64; 2]>) => time::clock_gettime, full;
    229 clock_getres(clock: i32, time: UserPtr<[i64; 2]>) => time::clock_getres, full;
    230 clock_nanosleep(clock: i32, flags: i32, request: UserPtr<[i64; 2]>, left: UserPtr<[i64; 2]>) => time::clock_nanosleep, full;

    // Events.
    7 poll(entries: UserPtr<u64>, count: u32, timeout_ms: i32) => events::poll, full;
    22 pipe(ends: UserPtr<[i32; 2]>) => events::pipe, full;
    23 select(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<[i64; 2]>) => events::select, full;
    213 epoll_create(size: i32) => events::epoll_create, full;
    232 epoll_wait(set: Fd, events: UserPtr<Reported>, max: i32, timeout_ms: i32) => events::epoll_wait, full;
    233 epoll_ctl(set: Fd, operation: i32, fd: Fd, event: UserPtr<Reported>) => events::epoll_ctl, full;
    270 pselect6(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<[i64; 2]>, mask: UserPtr<[u64; 2]>) => events::pselect6, full;
    271 ppoll(entries: UserPtr<u64>, count: u32, timeout: UserPtr<[i64; 2]>, mask: UserPtr<u64>, mask_size: usize) => events::ppoll, full;
    281 epoll_pwait(set: Fd, events: UserPtr<Reported>, max: i32, timeout_ms: i32, mask: UserPtr<u64>, mask_size: usize) => events::epoll_pwait, full;
    282 signalfd(fd: Fd, set: UserPtr<u64>, size: usize) => events::signalfd, full;
    289 signalfd4(fd: Fd, set: UserPtr<u64>, size: usize, flags: u32) => events::signalfd4, full;
    283 timerfd_create(clock: i32, flags: u32) => events::timerfd_create, full;
    284 eventfd(initial: u32) => events::eventfd, full;
    286 timerfd_settime(fd: Fd, flags: u32, new: UserPtr<[i64; 4]>, old: UserPtr<[i64; 4]>) => events::timerfd_settime, full;
    287 timerfd_gettime(fd: Fd, current: UserPtr<[i64; 4]>) => events::timerfd_gettime, full;
    290 eventfd2(initial: u32, flags: u32) => events::eventfd2, full;
    291 epoll_create1(flags: u32) => events::epoll_create1, full;
    293 pipe2(ends: UserPtr<[i32; 2]>, flags: u32) => events::pipe2, full;
    441 epoll_pwait2(set: Fd, events: UserPtr<Reported>, max: i32, timeout: UserPtr<[i64; 2]>, mask: UserPtr<u64>, mask_size: usize) => events::epoll_pwait2, full;

    // System V shared memory, message queues and semaphores, POSIX message queues.
    29 shmget(key: i32, size: u64, flags: u32) => sysv::shmget, full;
    30 shmat(number: i32, address: UserAddr, flags: u32) => sysv::shmat, full;
    31 shmctl(number: i32, command: i32, buffer: UserAddr) => sysv::shmctl, full;
    67 shmdt(address: UserAddr) => sysv::shmdt, full;
    64 semget(key: i32, count: i32, flags: u32) => sysv::semget, full;
    65 semop(number: i32, operations: UserAddr, count: usize) => sysv::semop, full;
    66 semctl(number: i32, index: i32, command: i32, argument: u64) => sysv::semctl, full;
    68 msgget(key: i32, flags: u32) => sysv::msgget, full;
    69 msgsnd(number: i32, message: UserAddr, len: usize, flags: u32) => sysv::msgsnd, full;
    70 msgrcv(number: i32, to: UserAddr, room: usize, kind: i64, flags: u32) => sysv::msgrcv, full;
    71 msgctl(number: i32, command: i32, buffer: UserAddr) => sysv::msgctl, full;
    220 semtimedop(number: i32, operations: UserAddr, count: usize, timeout: UserPtr<[i64; 2]>) => sysv::semtimedop, full;
    240 mq_open(name: UserPath, flags: u32, mode: u32, attributes: UserPtr<[i64; 8]>) => mqueue::mq_open, full;
    241 mq_unlink(name: UserPath) => mqueue::mq_unlink, full;
    242 mq_timedsend(queue: Fd, message: UserAddr, len: usize, priority: u32, until: UserPtr<[i64; 2]>) => mqueue::mq_timedsend, full;
    243 mq_timedreceive(queue: Fd, into: UserAddr, len: usize, priority: UserPtr<u32>, until: UserPtr<[i64; 2]>) => mqueue::mq_timedreceive, full;
    244 mq_notify(queue: Fd, event: UserPtr<[u64; 8]>) => mqueue::mq_notify, full;
    245 mq_getsetattr(queue: Fd, new: UserPtr<[i64; 8]>, old: UserPtr<[i64; 8]>) => mqueue::mq_getsetattr, full;

    // Sockets.
    41 socket(domain: i32, kind: i32, protocol: i32) => sockets::socket, partial("AF_UNIX, and TCP and UDP over loopback");
    42 connect(fd: Fd, address: UserAddr, len: u32) => sockets::connect, partial("loopback only");
    43 accept(fd: Fd, address: UserAddr, len: UserPtr<i32>) => sockets::accept, full;
    44 sendto(fd: Fd, buffer: UserAddr, len: usize, flags: u32, address: UserAddr, address_len: u32) => sockets::sendto, full;
    45 recvfrom(fd: Fd, buffer: UserAddr, len: usize, flags: u32, address: UserAddr, address_len: UserPtr<i32>) => sockets::recvfrom, full;
    46 sendmsg(fd: Fd, header: UserPtr<[u64; 7]>, flags: u32) => sockets::sendmsg, full;
    47 recvmsg(fd: Fd, header: UserPtr<[u64; 7]>, flags: u32) => sockets::recvmsg, full;
    48 shutdown(fd: Fd, how: i32) => sockets::shutdown, full;
    49 bind(fd: Fd, address: UserAddr, len: u32) => sockets::bind, full;
    50 listen(fd: Fd, backlog: i32) => sockets::listen, full;
    51 getsockname(fd: Fd, address: UserAddr, len: UserPtr<i32>) => sockets::getsockname, full;
    52 getpeername(fd: Fd, address: UserAddr, len: UserPtr<i32>) => sockets::getpeername, full;
    53 socketpair(domain: i32, kind: i32, protocol: i32, pair: UserPtr<[i32; 2]>) => sockets::socketpair, full;
    54 setsockopt(fd: Fd, level: i32, name: i32, value: UserAddr, len: i32) => sockets::setsockopt, partial("options that change nothing here are kept and answered");
    55 getsockopt(fd: Fd, level: i32, name: i32, value: UserAddr, len: UserPtr<i32>) => sockets::getsockopt, full;
    288 accept4(fd: Fd, address: UserAddr, len: UserPtr<i32>, flags: i32) => sockets::accept4, full;
    299 recvmmsg(fd: Fd, headers: UserAddr, count: u32, flags: u32, timeout: UserPtr<[i64; 2]>) => sockets::recvmmsg, full;
    307 sendmmsg(fd: Fd, headers: UserAddr, count: u32, flags: u32) => sockets::sendmmsg, full;
}

/// Numbers end below this.
pub const NUMBERS: usize = 512;

static BY_NUMBER: [Option<&'static Row>; NUMBERS] = {
    let mut table: [Option<&'static Row>; NUMBERS] = [const { None }; NUMBERS];
    let mut index = 0;
    while index < ROWS.len() {
        let row: &'static Row = &ROWS[index];
        assert!(table[row.number].is_none(), "two rows for one number");
        table[row.number] = Some(row);
        index += 1;
    }
    table
};

/// The row of a call.
pub fn row(number: u64) -> Option<&'static Row> {
    BY_NUMBER.get(usize::try_from(number).ok()?).copied().flatten()
}
