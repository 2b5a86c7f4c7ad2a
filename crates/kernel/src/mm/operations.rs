//! `mprotect`, `mremap`, `madvise` and `brk` on an address space.

use super::page_up;
use super::region::{Backing, Region, RegionFlags, Sharing};
use super::space::{AddressSpace, Content};
use crate::errno::{EACCES, EFAULT, EINVAL, ENOMEM, EPERM, Errno};
use crate::host::{self, GuestRange, protection};
use abi::layout::PAGE_SIZE;

/// Where `mremap(2)` may put the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Only where they are.
    InPlace,
    /// Anywhere.
    Anywhere,
    /// At this address where it is free, else anywhere.
    Near(u64),
    /// At this address, replacing what is there.
    At(u64),
}

impl AddressSpace {
    /// `mprotect(2)`.
    ///
    /// # Errors
    /// `ENOMEM` at the first hole (what lies before it is changed), `EACCES`.
    pub fn protect(&self, range: GuestRange, new: u32) -> Result<(), Errno> {
        let (parts, whole) = self.parts(range);
        let mut at = range.start;
        for part in parts {
            if part.start != at {
                return Err(ENOMEM);
            }
            at = part.end();
            if part.flags.contains(RegionFlags::SEALED) {
                return Err(EPERM);
            }
            if new & protection::WRITE != 0 && part.flags.contains(RegionFlags::READ_ONLY) {
                return Err(EACCES);
            }
            if part.protection == new {
                continue;
            }
            let piece = GuestRange::new(part.start, part.len)?;
            let changed = Region { protection: new, ..part };
            self.check_charge(piece, changed.charge())?;
            super::patch::reprotected(self, piece, new);
            self.protect_host(&changed, piece)?;
            let old = self.take_out(piece);
            super::patch::mapped(self, &changed);
            let gets_written = new & protection::WRITE != 0 && part.protection & protection::WRITE == 0;
            let brought_in = changed.flags.contains(RegionFlags::LOCKED) && gets_written && changed.is_private();
            self.put_in(changed);
            drop(old);
            if brought_in {
                let _ = self.populate(piece);
            }
        }
        if whole { Ok(()) } else { Err(ENOMEM) }
    }

    /// Whether a part of a range is sealed (`mseal(2)`).
    pub fn is_sealed(&self, range: GuestRange) -> bool {
        self.parts(range).0.iter().any(|part| part.flags.contains(RegionFlags::SEALED))
    }

    /// Changes the flags of all regions in a range.
    pub fn change_flags(&self, range: GuestRange, set: RegionFlags, clear: RegionFlags) {
        for part in self.parts(range).0 {
            let flags = part.flags.difference(clear).union(set);
            if flags != part.flags
                && let Ok(piece) = GuestRange::new(part.start, part.len)
            {
                let old = self.take_out(piece);
                self.put_in(Region { flags, ..part });
                drop(old);
            }
        }
    }

    /// `mremap(2)`; answers the new address. Lengths are whole pages, `old.len` not 0.
    ///
    /// # Errors
    /// `EFAULT` when the range is not in one region, `ENOMEM`, `EINVAL`.
    pub fn remap(&self, old: GuestRange, new_len: u64, to: Destination, keep_old: bool) -> Result<u64, Errno> {
        let region = self.one_region(old)?;
        if let Destination::At(address) = to {
            self.unmap(GuestRange::new(address, new_len).map_err(|_| EINVAL)?)?;
            let old = self.shrink(old, new_len)?;
            return self.relocate(&region, old, address, new_len, keep_old);
        }
        if !keep_old {
            if new_len <= old.len {
                self.shrink(old, new_len)?;
                return Ok(old.start);
            }
            let more = GuestRange::new(old.start + old.len, new_len - old.len);
            if let Ok(more) = more
                && self.is_free(more)
            {
                self.extend(&region, more)?;
                return Ok(old.start);
            }
        }
        if to == Destination::InPlace {
            return Err(ENOMEM);
        }
        let address = match to {
            Destination::Near(hint) if self.hint_is_free(hint, new_len) => hint,
            _ => self.find(new_len)?,
        };
        self.relocate(&region, old, address, new_len, keep_old)
    }

    /// A range as one region: what differs only in whether it comes from an image counts as one.
    fn one_region(&self, range: GuestRange) -> Result<Region, Errno> {
        let (parts, whole) = self.parts(range);
        let mut parts = parts.into_iter();
        let mut region = parts.next().filter(|_| whole).ok_or(EFAULT)?;
        for part in parts {
            let flags = region.flags | part.flags & RegionFlags::FROM_IMAGE;
            let part = Region { flags: part.flags | region.flags & RegionFlags::FROM_IMAGE, ..part };
            region.flags = flags;
            if !region.joins(&part) {
                return Err(EFAULT);
            }
            region.len += part.len;
        }
        Ok(region)
    }

    fn shrink(&self, old: GuestRange, new_len: u64) -> Result<GuestRange, Errno> {
        if new_len < old.len {
            self.unmap(GuestRange::new(old.start + new_len, old.len - new_len)?)?;
        }
        GuestRange::new(old.start, old.len.min(new_len))
    }

    /// Maps more of what a region shows, right after it.
    fn extend(&self, region: &Region, more: GuestRange) -> Result<(), Errno> {
        let backing = region.backing.advanced(more.start - region.start);
        let content = content_of(&backing)?;
        let part = Region { start: more.start, len: more.len, backing, ..region.clone() };
        self.map(part, &content, 0)?;
        if region.flags.contains(RegionFlags::LOCKED) {
            // What can't be brought in is left out.
            let _ = self.populate(more);
        }
        Ok(())
    }

    fn relocate(&self, region: &Region, old: GuestRange, to: u64, new_len: u64, keep_old: bool) -> Result<u64, Errno> {
        let target = GuestRange::new(to, new_len).map_err(|_| ENOMEM)?;
        let moved = region.part(old.start, old.start + old.len);
        let grown = Region { len: new_len, ..moved.clone() };
        self.check_charge(if keep_old { target } else { old }, grown.charge())?;
        if keep_old && let Some(whole) = self.region_at(old.start) {
            // Linux leaves nothing locked of the region that the pages come from.
            self.change_flags(GuestRange::new(whole.start, whole.len)?, RegionFlags::empty(), RegionFlags::LOCKED);
        }
        super::patch::unmapped(self, old);
        move_pages(old, GuestRange::new(to, old.len)?)?;
        drop(self.take_out(old));
        self.put_in(Region { start: to, ..moved.clone() });
        if keep_old {
            let content = content_of(&moved.backing)?;
            let left = Region { flags: moved.flags.difference(RegionFlags::LOCKED), ..moved.clone() };
            self.map(left, &content, 0)?;
        }
        if new_len > old.len {
            let more = GuestRange::new(to + old.len, new_len - old.len)?;
            self.extend(&Region { start: to, ..moved }, more)?;
        }
        Ok(to)
    }

    /// `mremap(2)` with an old length of 0: a second mapping of shared memory.
    ///
    /// # Errors
    /// `EINVAL` for private memory, `EFAULT`, `ENOMEM`.
    pub fn duplicate(&self, from: u64, len: u64, to: Destination) -> Result<u64, Errno> {
        if self.region_at(from).ok_or(EFAULT)?.is_private() {
            return Err(EINVAL);
        }
        if let Destination::At(address) = to {
            // What is there goes first, even the memory itself.
            self.unmap(GuestRange::new(address, len).map_err(|_| EINVAL)?)?;
        }
        let region = self.region_at(from).ok_or(EFAULT)?;
        let address = match to {
            Destination::At(address) => address,
            _ => self.find(len)?,
        };
        let backing = region.backing.advanced(from - region.start);
        let content = content_of(&backing)?;
        self.map(Region { start: address, len, backing, ..region }, &content, 0)?;
        Ok(address)
    }

    /// `madvise(MADV_DONTNEED)` of regions that lie in the range: their content is as when they were mapped.
    ///
    /// # Errors
    /// What the host answers.
    pub fn discard(&self, parts: &[Region]) -> Result<(), Errno> {
        for part in parts {
            let range = GuestRange::new(part.start, part.len)?;
            match &part.backing {
                Backing::Vdso | Backing::Stubs => return Err(EINVAL),
                Backing::File(..) | Backing::Private(..) | Backing::Anonymous | Backing::Heap | Backing::Stack => {
                    let content = content_of(&part.backing)?;
                    let from_image = part.flags.contains(RegionFlags::FROM_IMAGE);
                    if from_image || matches!(content, Content::Read(..)) {
                        // The host would bring back what the image holds, or zeros: neither is the content.
                        let fresh = Region { flags: part.flags.difference(RegionFlags::FROM_IMAGE), ..part.clone() };
                        self.map(fresh, &content, 0)?;
                    } else {
                        host::advise_guest(range, DONTNEED)?;
                    }
                }
                Backing::Shared(..) => host::advise_guest(range, DONTNEED)?,
            }
        }
        Ok(())
    }

    /// Says that what is mapped now will come from an image: before one is made, so that the books of a
    /// restored instance are right without a write.
    pub fn belongs_to_image(&self) {
        for region in self.regions.borrow_mut().values_mut() {
            if !matches!(region.backing, Backing::Shared(..)) {
                region.flags.insert(RegionFlags::FROM_IMAGE);
            }
        }
    }

    /// Sets the place of the `brk(2)` heap.
    pub fn set_heap(&self, start: u64) {
        self.heap.set((start, start));
    }

    /// `brk(2)`: the end of the heap afterwards.
    pub fn brk(&self, end: u64, limit: u64) -> u64 {
        let (start, old) = self.heap.get();
        let sealed = |range| self.is_sealed(range);
        let shrinks = end >= start && end < old && GuestRange::new(end, old - end).is_ok_and(sealed);
        if end < start || end - start > limit || shrinks {
            return old;
        }
        let (Some(old_pages), Some(new_pages)) = (page_up(old), page_up(end)) else { return old };
        let changed = if new_pages < old_pages {
            GuestRange::new(new_pages, old_pages - new_pages).and_then(|range| self.unmap(range))
        } else if new_pages > old_pages {
            self.grow_heap(old_pages, new_pages)
        } else {
            Ok(())
        };
        if changed.is_err() {
            return old;
        }
        self.heap.set((start, end));
        end
    }

    fn grow_heap(&self, from: u64, to: u64) -> Result<(), Errno> {
        // A guard page stays between the heap and what follows.
        if !self.is_free(GuestRange::new(from, to - from + PAGE_SIZE)?) {
            return Err(ENOMEM);
        }
        let heap = Region {
            start: from,
            len: to - from,
            protection: protection::READ | protection::WRITE,
            backing: Backing::Heap,
            flags: RegionFlags::empty(),
        };
        self.map(heap, &Content::Zero, 0)
    }
}

const DONTNEED: u32 = 4;

/// The content that a mapping of this backing shows at first.
fn content_of(backing: &Backing) -> Result<Content, Errno> {
    match backing {
        Backing::File(file, offset) => match Content::of_file(file, *offset)?.0 {
            // It was mapped when it was a lower file still; what it shows now would need books of its own.
            Content::Object(..) => Ok(Content::Read(file.clone(), *offset)),
            content => Ok(content),
        },
        Backing::Shared(object, offset, _) => Ok(Content::Object(object.clone(), *offset, Sharing::Shared)),
        Backing::Private(object, offset, _) => Ok(Content::Object(object.clone(), *offset, Sharing::Private)),
        _ => Ok(Content::Zero),
    }
}

/// Moves pages. The host moves only what is one mapping for it; what is one region here may be several there, so a
/// refused range is moved by halves.
fn move_pages(from: GuestRange, to: GuestRange) -> Result<(), Errno> {
    match host::remap_guest(from, to) {
        Err(EFAULT) if from.len > PAGE_SIZE => {
            let half = super::page_down(from.len / 2).max(PAGE_SIZE);
            let part = |range: GuestRange| -> Result<(GuestRange, GuestRange), Errno> {
                Ok((GuestRange::new(range.start, half)?, GuestRange::new(range.start + half, range.len - half)?))
            };
            let ((from_low, from_high), (to_low, to_high)) = (part(from)?, part(to)?);
            move_pages(from_low, to_low)?;
            move_pages(from_high, to_high)
        }
        other => other,
    }
}
