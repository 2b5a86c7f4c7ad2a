//! The system-call table: one row a call, nothing about a call is said twice. A row gives number, name,
//! arguments with their kinds (decoded for the handler, printed by `--strace`), the handler, and how
//! much of the call is there (`docs/linux.md` is generated from it). Calls without a row are absent:
//! `ENOSYS`, and named in the log once.

use super::arguments::{Argument, Fd, UserPath};
use super::memory;
use super::{Context, Outcome, events, process, threads};
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

    // Memory.
    9 mmap(address: UserAddr, len: u64, protection: u32, flags: u32, fd: Fd, offset: u64) => memory::mmap, full;
    10 mprotect(address: UserAddr, len: u64, protection: u32) => memory::mprotect, full;
    11 munmap(address: UserAddr, len: u64) => memory::munmap, full;
    12 brk(end: UserAddr) => memory::brk, full;
    25 mremap(address: UserAddr, old_len: u64, new_len: u64, flags: u32, to: UserAddr) => memory::mremap, full;
    26 msync(address: UserAddr, len: u64, flags: u32) => memory::msync, full;
    27 mincore(address: UserAddr, len: u64, vector: UserPtr<u8>) => memory::mincore, partial("all mapped pages count as present");
    28 madvise(address: UserAddr, len: u64, advice: i32) => memory::madvise, full;
    149 mlock(address: UserAddr, len: u64) => memory::mlock, partial("kept in the books only");
    150 munlock(address: UserAddr, len: u64) => memory::munlock, partial("kept in the books only");
    151 mlockall(flags: u32) => memory::mlockall, partial("kept in the books only");
    152 munlockall() => memory::munlockall, partial("kept in the books only");
    324 membarrier(command: u32, flags: u32, cpu: i32) => memory::membarrier, partial("without the commands for restartable sequences");
    325 mlock2(address: UserAddr, len: u64, flags: u32) => memory::mlock2, partial("kept in the books only");
    329 pkey_mprotect(address: UserAddr, len: u64, protection: u32, key: i32) => memory::pkey_mprotect, partial("key -1 only");
    330 pkey_alloc(flags: u64, rights: u64) => memory::pkey_alloc, partial("no keys to be had");

    // Processes and threads.
    39 getpid() => process::getpid, full;
    56 clone(flags: u64, stack: UserAddr, parent_tid: UserPtr<u32>, child_tid: UserPtr<u32>, tls: u64) => threads::clone, partial("threads only, no processes");
    60 exit(status: i32) => threads::exit, full;
    110 getppid() => process::getppid, full;
    186 gettid() => threads::gettid, full;
    202 futex(word: UserPtr<u32>, operation: u32, value: u32, time: u64, other: UserPtr<u32>, value3: u32) => threads::futex, partial("no priority inheritance");
    218 set_tid_address(tid: UserAddr) => threads::set_tid_address, full;
    231 exit_group(status: i32) => threads::exit_group, full;
    273 set_robust_list(head: UserAddr, len: usize) => threads::set_robust_list, full;
    274 get_robust_list(tid: i32, head: UserPtr<u64>, len: UserPtr<u64>) => threads::get_robust_list, full;
    334 rseq(area: UserAddr, len: u32, flags: i32, signature: u32) => threads::rseq, partial("never there");
    435 clone3(arguments: UserAddr, size: usize) => threads::clone3, partial("threads only, no processes");

    // Signals.

    // Time.

    // Events.
    7 poll(entries: UserPtr<u64>, count: u32, timeout_ms: i32) => events::poll, full;
    22 pipe(ends: UserPtr<[i32; 2]>) => events::pipe, full;
    23 select(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<[i64; 2]>) => events::select, full;
    213 epoll_create(size: i32) => events::epoll_create, full;
    232 epoll_wait(set: Fd, events: UserPtr<Reported>, max: i32, timeout_ms: i32) => events::epoll_wait, full;
    233 epoll_ctl(set: Fd, operation: i32, fd: Fd, event: UserPtr<Reported>) => events::epoll_ctl, full;
    270 pselect6(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<[i64; 2]>, mask: UserPtr<[u64; 2]>) => events::pselect6, partial("the signal mask is not applied");
    271 ppoll(entries: UserPtr<u64>, count: u32, timeout: UserPtr<[i64; 2]>, mask: UserPtr<u64>, mask_size: usize) => events::ppoll, partial("the signal mask is not applied");
    281 epoll_pwait(set: Fd, events: UserPtr<Reported>, max: i32, timeout_ms: i32, mask: UserPtr<u64>, mask_size: usize) => events::epoll_pwait, partial("the signal mask is not applied");
    283 timerfd_create(clock: i32, flags: u32) => events::timerfd_create, full;
    284 eventfd(initial: u32) => events::eventfd, full;
    286 timerfd_settime(fd: Fd, flags: u32, new: UserPtr<[i64; 4]>, old: UserPtr<[i64; 4]>) => events::timerfd_settime, full;
    287 timerfd_gettime(fd: Fd, current: UserPtr<[i64; 4]>) => events::timerfd_gettime, full;
    290 eventfd2(initial: u32, flags: u32) => events::eventfd2, full;
    291 epoll_create1(flags: u32) => events::epoll_create1, full;
    293 pipe2(ends: UserPtr<[i32; 2]>, flags: u32) => events::pipe2, full;
    441 epoll_pwait2(set: Fd, events: UserPtr<Reported>, max: i32, timeout: UserPtr<[i64; 2]>, mask: UserPtr<u64>, mask_size: usize) => events::epoll_pwait2, partial("the signal mask is not applied");

    // Sockets.
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
