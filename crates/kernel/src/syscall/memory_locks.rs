//! `mlock(2)` and its family: kept in the books, with their limits; the sandbox itself is never locked into the
//! host's memory.

use super::{Context, Outcome};
use crate::errno::{EAGAIN, EINVAL, ENOMEM, EPERM, Errno};
use crate::host::GuestRange;
use crate::mm::{AddressSpace, RegionFlags, page_down, page_up};
use crate::task::capability::CAP_IPC_LOCK;
use crate::user_memory::UserAddr;
use abi::layout::GUEST_END;

/// Index of `RLIMIT_MEMLOCK`.
const LIMIT: usize = 8;
const ONFAULT: u32 = 1;

/// Bytes that the caller may lock; none: as many as it likes.
fn limit(context: &Context<'_>) -> Option<u64> {
    let process = context.process();
    let bound = !process.credentials.borrow().is_capable(CAP_IPC_LOCK);
    let limit = process.limits.borrow()[LIMIT].0;
    bound.then_some(page_down(limit))
}

/// Whether `more` bytes may be mapped that are locked from the beginning. `asked`: by `MAP_LOCKED`.
///
/// # Errors
/// `EPERM` when the caller may lock nothing and asked for it, `EAGAIN` over the limit.
pub fn check_mapping(context: &Context<'_>, space: &AddressSpace, more: u64, asked: bool) -> Result<(), Errno> {
    match limit(context) {
        Some(0) if asked => Err(EPERM),
        Some(limit) if space.locked_bytes().saturating_add(more) > limit => Err(EAGAIN),
        _ => Ok(()),
    }
}

/// `mlock(2)`.
pub fn mlock(context: &mut Context<'_>, address: UserAddr, len: u64) -> Outcome {
    lock(context, address, len, 0)
}

/// `mlock2(2)`.
pub fn mlock2(context: &mut Context<'_>, address: UserAddr, len: u64, flags: u32) -> Outcome {
    if flags & !ONFAULT != 0 {
        return Err(EINVAL.into());
    }
    lock(context, address, len, flags)
}

/// The whole pages of a range; none when there are none. A length that wraps around counts as none, as on Linux.
fn pages(address: UserAddr, len: u64) -> Result<Option<GuestRange>, Errno> {
    let start = page_down(address.0);
    let len = page_up(len.wrapping_add(address.0 - start)).unwrap_or(0);
    let end = start.checked_add(len).ok_or(EINVAL)?;
    if len == 0 {
        return Ok(None);
    }
    GuestRange::new(start, end - start).map(Some).map_err(|_| ENOMEM)
}

fn lock(context: &mut Context<'_>, address: UserAddr, len: u64, flags: u32) -> Outcome {
    let limit = limit(context);
    if limit == Some(0) {
        return Err(EPERM.into());
    }
    let Some(range) = pages(address, len)? else { return Ok(0) };
    let space = context.process().space();
    if let Some(limit) = limit {
        let parts = space.parts(range).0;
        let locked: u64 =
            parts.iter().filter(|part| part.flags.contains(RegionFlags::LOCKED)).map(|part| part.len).sum();
        if space.locked_bytes().saturating_add(range.len) - locked > limit {
            return Err(ENOMEM.into());
        }
    }
    change(&space, range, RegionFlags::LOCKED, RegionFlags::empty())?;
    if flags & ONFAULT == 0 {
        space.populate(range).map_err(|_| ENOMEM)?;
    }
    Ok(0)
}

/// `munlock(2)`.
pub fn munlock(context: &mut Context<'_>, address: UserAddr, len: u64) -> Outcome {
    let Some(range) = pages(address, len)? else { return Ok(0) };
    change(&context.process().space(), range, RegionFlags::empty(), RegionFlags::LOCKED)
}

/// Changes flags up to the first hole.
fn change(space: &AddressSpace, range: GuestRange, set: RegionFlags, clear: RegionFlags) -> Outcome {
    let (parts, whole) = space.parts(range);
    let mut end = range.start;
    for part in &parts {
        if part.start != end {
            break;
        }
        end = part.end();
    }
    space.change_flags(GuestRange::new(range.start, end - range.start)?, set, clear);
    if whole { Ok(0) } else { Err(ENOMEM.into()) }
}

/// `mlockall(2)`.
pub fn mlockall(context: &mut Context<'_>, flags: u32) -> Outcome {
    const CURRENT: u32 = 1;
    const FUTURE: u32 = 2;
    const ONFAULT: u32 = 4;
    if flags == 0 || flags & !(CURRENT | FUTURE | ONFAULT) != 0 || flags == ONFAULT {
        return Err(EINVAL.into());
    }
    let space = context.process().space();
    match limit(context) {
        Some(0) => return Err(EPERM.into()),
        Some(limit) if flags & CURRENT != 0 && space.sizes().0 > limit => return Err(ENOMEM.into()),
        _ => {}
    }
    space.lock_future.set(flags & FUTURE != 0);
    if flags & CURRENT != 0 {
        space.change_flags(GuestRange::new(0, GUEST_END)?, RegionFlags::LOCKED, RegionFlags::empty());
        if flags & ONFAULT == 0 {
            for region in space.regions() {
                // What can't be brought in is left out.
                let _ = space.populate(GuestRange::new(region.start, region.len)?);
            }
        }
    }
    Ok(0)
}

/// `munlockall(2)`.
pub fn munlockall(context: &mut Context<'_>) -> Outcome {
    let space = context.process().space();
    space.lock_future.set(false);
    space.change_flags(GuestRange::new(0, GUEST_END)?, RegionFlags::empty(), RegionFlags::LOCKED);
    Ok(0)
}
