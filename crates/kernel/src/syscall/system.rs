//! Calls about the machine that are the host's business: answered for the sandbox where there is something to say,
//! refused as Linux refuses them to who may not.

use super::arguments::UserPath;
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EINVAL, EOPNOTSUPP, EPERM, ESRCH};
use crate::fs::proc::file_system_kinds;
use crate::kernel;
use crate::task::Tid;
use crate::task::capability::{CAP_SYS_ADMIN, CAP_SYSLOG};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use crate::wait::WaitFor;

fn is_capable(context: &Context<'_>, capability: u32) -> bool {
    context.process().credentials.borrow().is_capable(capability)
}

/// `syslog(2)`: the log of a kernel that says nothing.
pub fn syslog(context: &mut Context<'_>, action: i32, buffer: UserAddr, len: i32) -> Outcome {
    const READ: i32 = 2;
    const READ_ALL: i32 = 3;
    const READ_CLEAR: i32 = 4;
    const CONSOLE_LEVEL: i32 = 8;
    const SIZE_BUFFER: i32 = 10;
    const BUFFER: usize = 1 << 17;
    let privileged = is_capable(context, CAP_SYSLOG) || is_capable(context, CAP_SYS_ADMIN);
    if !privileged && !matches!(action, READ_ALL | SIZE_BUFFER) {
        return Err(EPERM.into());
    }
    match action {
        READ | READ_ALL | READ_CLEAR if buffer.is_null() || len < 0 => Err(EINVAL.into()),
        READ if len > 0 => Err(Stop::Wait(WaitFor::time(None, "syslog"), RestartRule::IfFlagged)),
        CONSOLE_LEVEL if !(1..=8).contains(&len) => Err(EINVAL.into()),
        SIZE_BUFFER => Ok(BUFFER),
        0..SIZE_BUFFER => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `sysfs(2)`: kinds of file systems by name and by number.
pub fn sysfs(_context: &mut Context<'_>, option: i32, first: u64, second: UserAddr) -> Outcome {
    match option {
        1 => {
            let name = UserPath(UserAddr(first)).read()?;
            file_system_kinds().position(|kind| kind.as_bytes() == name).ok_or(EINVAL.into())
        }
        2 => {
            let index = usize::try_from(first).map_err(|_| EINVAL)?;
            let mut name = file_system_kinds().nth(index).ok_or(EINVAL)?.as_bytes().to_vec();
            name.push(0);
            copy_out(second, &name)?;
            Ok(0)
        }
        3 => Ok(file_system_kinds().count()),
        _ => Err(EINVAL.into()),
    }
}

/// `vhangup(2)`, `reboot(2)`: only for who runs the sandbox.
pub fn reboot(_context: &mut Context<'_>) -> Outcome {
    Err(EPERM.into())
}

/// Bytes of a `struct timex`.
const TIMEX: usize = 208;

/// `adjtimex(2)`: the clock is the host's to adjust, and nobody says how good it is.
pub fn adjtimex(_context: &mut Context<'_>, timex: UserAddr) -> Outcome {
    const SINGLE_SHOT_READ: u32 = 0xa001;
    const UNSYNCHRONISED: u64 = 0x40;
    const TIME_ERROR: usize = 5;
    let mut bytes = [0u8; TIMEX];
    copy_in(&mut bytes, timex)?;
    let modes: u32 = crate::user_memory::from_bytes(&bytes[..4]);
    if modes != 0 && modes != SINGLE_SHOT_READ {
        return Err(EPERM.into());
    }
    let now = crate::time::realtime_ns();
    let mut put = |at: usize, value: u64| bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    for at in (8..TIMEX - 44).step_by(8) {
        put(at, 0);
    }
    // Largest and estimated error, status, constant, precision, tolerance, time, and microseconds a tick.
    put(24, 16_000_000);
    put(32, 16_000_000);
    put(40, UNSYNCHRONISED);
    put(48, 2);
    put(56, 1);
    put(64, 32_768_000);
    put(72, now / 1_000_000_000);
    put(80, now % 1_000_000_000 / 1000);
    put(88, 10_000);
    copy_out(timex, &bytes)?;
    Ok(TIME_ERROR)
}

/// `clock_adjtime(2)`.
pub fn clock_adjtime(context: &mut Context<'_>, clock: i32, timex: UserAddr) -> Outcome {
    copy_in(&mut [0; TIMEX], timex)?;
    match clock {
        0 => adjtimex(context, timex),
        1..=9 | 11 => Err(EOPNOTSUPP.into()),
        _ => Err(EINVAL.into()),
    }
}

/// `ptrace(2)`: nobody is traced here, so nobody can be found among one's own tracees; to begin is not permitted.
pub fn ptrace(_context: &mut Context<'_>, request: u64, pid: i32, _address: UserAddr, _data: u64) -> Outcome {
    const TRACEME: u64 = 0;
    const ATTACH: u64 = 16;
    const SEIZE: u64 = 0x4206;
    let known = u32::try_from(pid).is_ok_and(|pid| kernel().thread(Tid(kernel().tasks.meant(pid))).is_some());
    match request {
        TRACEME => Err(EPERM.into()),
        ATTACH | SEIZE if known => Err(EPERM.into()),
        _ => Err(ESRCH.into()),
    }
}

/// `ustat(2)`: of the file system with this device number.
pub fn ustat(context: &mut Context<'_>, device: u32, to: UserAddr) -> Outcome {
    let (free, inodes) = super::files::space_of_device(context, u64::from(device)).ok_or(EINVAL)?;
    let mut bytes = [0u8; 32];
    bytes[..4].copy_from_slice(&u32::try_from(free).unwrap_or(u32::MAX).to_ne_bytes());
    bytes[8..16].copy_from_slice(&inodes.to_ne_bytes());
    copy_out(to, &bytes)?;
    Ok(0)
}

/// `pkey_free(2)`: there is none that could have been taken.
pub fn pkey_free(_context: &mut Context<'_>, _key: i32) -> Outcome {
    Err(EINVAL.into())
}

/// `fsconfig(2)`: no descriptor is one of a file system to be.
pub fn fsconfig(context: &mut Context<'_>, fd: super::arguments::Fd) -> Outcome {
    if fd.0 >= 0 {
        context.process().descriptors().get_open(fd)?;
    }
    Err(EINVAL.into())
}

/// `setns(2)`: no descriptor is one of a namespace.
pub fn setns(context: &mut Context<'_>, fd: super::arguments::Fd, _kind: u32) -> Outcome {
    context.process().descriptors().get_open(fd)?;
    Err(EINVAL.into())
}

/// `cachestat(2)`: everything a file has is in memory.
pub fn cachestat(
    context: &mut Context<'_>,
    fd: super::arguments::Fd,
    range: UserPtr<[u64; 2]>,
    to: UserPtr<[u64; 5]>,
    flags: u32,
) -> Outcome {
    let file = context.process().descriptors().get_open(fd)?;
    let [offset, len] = range.read()?;
    if flags != 0 {
        return Err(EINVAL.into());
    }
    let size = file.object.stat()?.size;
    let end = if len == 0 { u64::MAX } else { offset.saturating_add(len) };
    let pages = size.min(end).div_ceil(4096).saturating_sub(offset / 4096);
    to.write([pages, 0, 0, 0, 0])?;
    Ok(0)
}
