//! `mseal(2)`: mappings that stay as they are.

use super::{Context, Outcome};
use crate::errno::{EINVAL, ENOMEM};
use crate::host::GuestRange;
use crate::mm::{RegionFlags, page_up};
use crate::user_memory::UserAddr;
use abi::layout::PAGE_SIZE;

/// `mseal(2)`.
pub fn mseal(context: &mut Context<'_>, address: UserAddr, len: u64, flags: u64) -> Outcome {
    if flags != 0 || !address.0.is_multiple_of(PAGE_SIZE) {
        return Err(EINVAL.into());
    }
    let len = page_up(len).filter(|len| address.0.checked_add(*len).is_some()).ok_or(EINVAL)?;
    if len == 0 {
        return Ok(0);
    }
    let space = context.process().space();
    let range = GuestRange::new(address.0, len).map_err(|_| ENOMEM)?;
    if !space.parts(range).1 {
        return Err(ENOMEM.into());
    }
    space.change_flags(range, RegionFlags::SEALED, RegionFlags::empty());
    Ok(0)
}
