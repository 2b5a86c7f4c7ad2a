//! What mappings show of an object's content.
//!
//! The host's mapping of an object ends with the page that holds the content's last byte; what a region has behind it is
//! not accessible, and a fault there that the region's own protection would allow is `SIGBUS`. When the content
//! grows or shrinks, all regions that show it follow: what is cut off is gone from private mappings too, copied or not.
//!
//! Of a private mapping the host knows which pages are its own, and the kernel does not. Where it has to (an image
//! is made, or the content moves), it finds out: a page that is the object's changes with it.

use super::region::{Backing, Region, RegionFlags, Sharing};
use super::{AddressSpace, SharedObject, page_up};
use crate::entry::Fault;
use crate::errno::{EFAULT, Errno};
use crate::host::{self, GuestRange, map_flags, protection};
use crate::user_memory::{UserAddr, copy_in};
use abi::layout::PAGE_SIZE;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How pages are told apart that belong to a private mapping alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// By a change of the object that is taken back: while nobody else runs.
    Change,
    /// By what they hold: a copy that is equal counts as none.
    Compare,
}

/// Bytes of a range from `offset` on that lie before the end of the content's last page.
pub(super) fn visible(object: &SharedObject, offset: u64, len: u64) -> u64 {
    page_up(object.len()).unwrap_or(0).saturating_sub(offset).min(len)
}

/// Maps an object's content.
///
/// # Errors
/// What the host answers.
pub(super) fn show(
    object: &SharedObject,
    offset: u64,
    sharing: Sharing,
    range: GuestRange,
    bits: u32,
    extra: u32,
) -> Result<(), Errno> {
    let len = visible(object, offset, range.len);
    let (content, behind) = range.split(len);
    if content.len != 0 {
        match (sharing, object.source(offset)) {
            (Sharing::Private, source) => {
                host::map_guest(content, bits, map_flags::PRIVATE | map_flags::NORESERVE | extra, source)?;
            }
            (Sharing::Shared, Some(source)) => {
                host::map_guest(content, bits, map_flags::SHARED | map_flags::NORESERVE | extra, Some(source))?;
            }
            (Sharing::Shared, None) => {
                object.alias(offset, content)?;
                host::protect_guest(content, bits)?;
            }
        }
    }
    hide(behind)
}

/// Makes a range one that can't be accessed.
fn hide(range: GuestRange) -> Result<(), Errno> {
    if range.len == 0 {
        return Ok(());
    }
    let flags = map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::NORESERVE;
    host::map_guest(range, protection::NONE, flags, None)
}

impl AddressSpace {
    /// Gives a region's host mapping its protection.
    pub(super) fn protect_host(&self, region: &Region, range: GuestRange) -> Result<(), Errno> {
        let range = match region.backing.object() {
            Some((object, offset, _)) => range.split(visible(object, offset, range.len)).0,
            None => range,
        };
        if range.len == 0 { Ok(()) } else { host::protect_guest(range, region.protection) }
    }

    /// Brings the pages of a range in, as `mlock(2)` does: a private mapping that can be written to has its own pages
    /// of a file from then on.
    ///
    /// # Errors
    /// `EFAULT` at the first page that can't be brought in.
    pub fn populate(&self, range: GuestRange) -> Result<(), Errno> {
        const POPULATE_WRITE: u32 = 23;
        for part in self.parts(range).0 {
            if part.protection == protection::NONE {
                return Err(EFAULT);
            }
            let (content, behind) = GuestRange::new(part.start, part.len)?.split(part.accessible());
            let copies = matches!(part.backing, Backing::Private(..)) && part.protection & protection::WRITE != 0;
            if copies && content.len != 0 {
                host::advise_guest(content, POPULATE_WRITE)?;
            }
            if behind.len != 0 {
                return Err(EFAULT);
            }
        }
        Ok(())
    }

    /// The regions that show an object.
    fn views(&self, object: &Rc<SharedObject>) -> Vec<(Region, u64, Sharing)> {
        let regions = self.regions.borrow();
        let view = |region: &Region| match region.backing.object() {
            Some((other, offset, sharing)) if Rc::ptr_eq(other, object) => Some((region.clone(), offset, sharing)),
            _ => None,
        };
        regions.values().filter_map(view).collect()
    }

    /// Whether a shared mapping of an object can be written to, now or after an `mprotect(2)`.
    pub(super) fn may_write(&self, object: &Rc<SharedObject>) -> bool {
        let writer = |(region, _, sharing): &(Region, u64, Sharing)| {
            *sharing == Sharing::Shared && !region.flags.contains(RegionFlags::READ_ONLY)
        };
        self.views(object).iter().any(writer)
    }

    /// The content between two positions came or went.
    pub(super) fn show_part(&self, object: &Rc<SharedObject>, from: u64, to: u64) -> Result<(), Errno> {
        for (region, offset, sharing) in self.views(object) {
            let (start, end) = (from.max(offset), to.min(offset + region.len));
            if start < end {
                let range = GuestRange::new(region.start + start - offset, end - start)?;
                show(object, start, sharing, range, region.protection, 0)?;
            }
        }
        Ok(())
    }

    /// How many regions show an object.
    pub(crate) fn views_of(&self, object: &Rc<SharedObject>) -> usize {
        self.views(object).len()
    }

    /// Whether a region shows an object.
    pub(super) fn shows(&self, object: &Rc<SharedObject>) -> bool {
        !self.views(object).is_empty()
    }

    /// All mappings of an object are made anew, but for the pages of [`Self::note_own_pages`].
    pub fn show_again(&self, object: &Rc<SharedObject>) -> Result<(), Errno> {
        let own = self.own_pages.borrow().clone();
        for (region, offset, sharing) in self.views(object) {
            let mut at = region.start;
            let inside = own.iter().filter(|(start, end)| *start < region.end() && *end > region.start);
            for (start, end) in inside.copied().chain([(region.end(), region.end())]) {
                if start > at {
                    let range = GuestRange::new(at, start - at)?;
                    show(object, offset + (at - region.start), sharing, range, region.protection, 0)?;
                }
                at = end;
            }
        }
        self.own_pages.borrow_mut().retain(|(start, _)| {
            self.region_at(*start)
                .is_some_and(|region| region.backing.object().is_some_and(|(other, ..)| !Rc::ptr_eq(other, object)))
        });
        Ok(())
    }

    /// Finds the pages that private mappings of an object have for themselves.
    pub(super) fn note_own_pages(&self, object: &Rc<SharedObject>, probe: Probe) {
        let mut own: Vec<(u64, u64)> = Vec::new();
        for (region, offset, _) in self.views(object).into_iter().filter(|(.., sharing)| *sharing == Sharing::Private) {
            let len = visible(object, offset, region.len);
            let Ok(range) = GuestRange::new(region.start, len) else { continue };
            if len == 0 || host::protect_guest(range, region.protection | protection::READ).is_err() {
                continue;
            }
            for distance in (0..len).step_by(PAGE_SIZE as usize) {
                let page = region.start + distance;
                if is_own(object, offset + distance, page, probe) {
                    match own.last_mut() {
                        Some((_, end)) if *end == page => *end += PAGE_SIZE,
                        _ => own.push((page, page + PAGE_SIZE)),
                    }
                }
            }
            let _ = host::protect_guest(range, region.protection);
        }
        self.own_pages.borrow_mut().extend(own);
    }

    /// A fault behind the end of a content is a bus error, if the region is otherwise accessible. Where the content has
    /// grown since, by another host process, it is shown now; `true`: go on.
    pub(super) fn behind_the_end(&self, fault: &mut Fault) -> bool {
        const SIGBUS: u8 = 7;
        const BUS_ADRERR: i32 = 2;
        const WRITE: u64 = 2;
        const FETCH: u64 = 16;
        let Some(region) = self.region_at(fault.address) else { return false };
        let Some((object, offset, sharing)) = region.backing.object() else { return false };
        let allowed = match fault.error {
            error if error & WRITE != 0 => region.protection & protection::WRITE != 0,
            error if error & FETCH != 0 => region.protection & protection::EXEC != 0,
            _ => region.protection != protection::NONE,
        };
        if !allowed {
            return false;
        }
        if fault.address - region.start >= visible(object, offset, region.len) {
            (fault.signal, fault.code) = (SIGBUS, BUS_ADRERR);
            return false;
        }
        let page = super::page_down(fault.address);
        let range = GuestRange::new(page, PAGE_SIZE);
        let shown =
            range.and_then(|range| show(object, offset + (page - region.start), sharing, range, region.protection, 0));
        crate::local::common().is_some() && shown.is_ok()
    }
}

fn is_own(object: &Rc<SharedObject>, offset: u64, page: u64, probe: Probe) -> bool {
    let (mut ours, mut theirs) = ([0; PAGE_SIZE as usize], [0; PAGE_SIZE as usize]);
    object.page(offset, &mut theirs);
    if copy_in(&mut ours, UserAddr(page)).is_err() {
        return false;
    }
    if ours != theirs {
        return true;
    }
    if probe == Probe::Compare {
        return false;
    }
    let (before, mut after) = (theirs[0], [0]);
    let changed = object.write(offset, &[!before]).is_ok() && copy_in(&mut after, UserAddr(page)).is_ok();
    let restored = object.write(offset, &[before]).is_ok();
    changed && restored && after[0] == before
}
