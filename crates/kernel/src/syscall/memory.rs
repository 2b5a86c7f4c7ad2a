//! Memory: `mmap(2)` and its family.

use super::arguments::Fd;
use super::{Context, Outcome};
use crate::errno::{
    EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EFAULT, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, Errno,
};
use crate::fs::file::{Mapping, OpenFile};
use crate::fs::open::{SEAL_FUTURE_WRITE, SEAL_WRITE, opened};
use crate::host::{self, GuestRange, map_flags, protection};
use crate::local::local;
use crate::mm::operations::Destination;
use crate::mm::space::{Content, whole_pages};
use crate::mm::{AddressSpace, Backing, Region, RegionFlags, SharedObject, Sharing, page_down, page_up};
use crate::task::process::UNLIMITED;
use crate::user_memory::{UserAddr, UserPtr, copy_out};
use abi::layout::{GUEST_END, GUEST_START, PAGE_SIZE};
use alloc::rc::Rc;
use bitflags::bitflags;
use core::sync::atomic::Ordering::Relaxed;

bitflags! {
    /// `MAP_*` of `mmap(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct MapFlags: u32 {
        const SHARED = 0x1;
        const PRIVATE = 0x2;
        const SHARED_VALIDATE = 0x3;
        const FIXED = 0x10;
        const ANONYMOUS = 0x20;
        const BIT_32 = 0x40;
        const GROWSDOWN = 0x100;
        const DENYWRITE = 0x800;
        const EXECUTABLE = 0x1000;
        const LOCKED = 0x2000;
        const NORESERVE = 0x4000;
        const POPULATE = 0x8000;
        const NONBLOCK = 0x10000;
        const STACK = 0x20000;
        const HUGETLB = 0x40000;
        const SYNC = 0x80000;
        const FIXED_NOREPLACE = 0x10_0000;
        const UNINITIALIZED = 0x400_0000;
        /// Sizes of huge pages.
        const HUGE_SIZES = 31 << 26;
    }
}

/// Index of `RLIMIT_DATA` and `RLIMIT_AS`.
const LIMIT_DATA: usize = 2;
const LIMIT_ADDRESS_SPACE: usize = 9;
const PROTECTIONS: u32 = protection::READ | protection::WRITE | protection::EXEC;

fn is_aligned(address: u64) -> bool {
    address.is_multiple_of(PAGE_SIZE)
}

/// `RLIMIT_AS` allows `more` bytes, and `RLIMIT_DATA` as well when they are private and can be written.
fn check_limits(context: &Context<'_>, space: &AddressSpace, more: u64, data: bool) -> Result<(), Errno> {
    let (all, data_limit) = {
        let process = context.process();
        let limits = process.limits.borrow();
        (limits[LIMIT_ADDRESS_SPACE].0, limits[LIMIT_DATA].0)
    };
    if space.sizes().0.saturating_add(more) > all {
        return Err(ENOMEM);
    }
    let over = data && data_limit != UNLIMITED && space.data_bytes().saturating_add(more) > data_limit;
    if over { Err(ENOMEM) } else { Ok(()) }
}

/// `RLIMIT_AS` allows a shared mapping of this range.
///
/// # Errors
/// `ENOMEM`.
pub fn check_address_space(context: &Context<'_>, space: &AddressSpace, range: GuestRange) -> Result<(), Errno> {
    let replaced: u64 = space.parts(range).0.iter().map(|part| part.len).sum();
    check_limits(context, space, range.len - replaced, false)
}

/// Whether memory mapped so counts against `RLIMIT_DATA`.
fn is_data(protection: u32, flags: MapFlags) -> bool {
    let private = flags.intersection(MapFlags::SHARED_VALIDATE) == MapFlags::PRIVATE;
    private && protection & protection::WRITE != 0 && !flags.contains(MapFlags::GROWSDOWN)
}

/// `mmap(2)`.
pub fn mmap(
    context: &mut Context<'_>,
    address: UserAddr,
    len: u64,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: u64,
) -> Outcome {
    let flags = MapFlags::from_bits_retain(flags);
    let protection = protection & PROTECTIONS;
    if !is_aligned(offset) {
        return Err(EINVAL.into());
    }
    let file =
        if flags.contains(MapFlags::ANONYMOUS) { None } else { Some(context.process().descriptors().get_open(fd)?) };
    if flags.contains(MapFlags::HUGETLB) {
        // No huge pages are set aside: what Linux answers on a machine without any.
        return Err(if file.is_some() { EINVAL } else { ENOMEM }.into());
    }
    if len == 0 {
        return Err(EINVAL.into());
    }
    let len = page_up(len).filter(|len| *len <= GUEST_END).ok_or(ENOMEM)?;
    match offset.checked_add(len) {
        // Offsets are kept below the guest's end, far beyond any file, so that none looks like a pointer.
        Some(end) if file.is_none() || end <= GUEST_END => {}
        _ => return Err(EOVERFLOW.into()),
    }
    let space = context.process().space();
    let start = place(&space, address.0, len, flags)?;
    if flags.contains(MapFlags::FIXED) && space.is_sealed(GuestRange::new(start, len)?) {
        return Err(EPERM.into());
    }
    let replaced = match flags.contains(MapFlags::FIXED) {
        true => space.parts(GuestRange::new(start, len)?).0.iter().map(|part| part.len).sum(),
        false => 0,
    };
    check_limits(context, &space, len - replaced, is_data(protection, flags))?;
    let locked = flags.contains(MapFlags::LOCKED) || space.lock_future.get();
    if locked {
        super::memory_locks::check_mapping(context, &space, len, flags.contains(MapFlags::LOCKED))?;
    }
    let (backing, content, mut kept) = match &file {
        Some(file) => file_backing(file, offset, len, protection, flags)?,
        None => anonymous_backing(len, flags)?,
    };
    kept.set(RegionFlags::NO_RESERVE, flags.contains(MapFlags::NORESERVE));
    kept.set(RegionFlags::LOCKED, locked);
    kept.set(RegionFlags::GROWS_DOWN, flags.contains(MapFlags::GROWSDOWN));
    let populate = flags.contains(MapFlags::POPULATE) && !flags.contains(MapFlags::NONBLOCK);
    let extra = if populate { map_flags::POPULATE } else { 0 };
    space.map(Region { start, len, protection, backing, flags: kept }, &content, extra)?;
    if locked {
        // What can't be brought in is left out.
        let _ = space.populate(GuestRange::new(start, len)?);
    }
    Ok(start as usize)
}

/// Where a mapping goes.
fn place(space: &AddressSpace, address: u64, len: u64, flags: MapFlags) -> Result<u64, Errno> {
    if len > GUEST_END {
        return Err(ENOMEM);
    }
    if !flags.intersects(MapFlags::FIXED | MapFlags::FIXED_NOREPLACE) {
        let page = page_down(address);
        let hint = if page == 0 { 0 } else { page.max(GUEST_START) };
        if space.hint_is_free(hint, len) {
            return Ok(hint);
        }
        if flags.contains(MapFlags::BIT_32) {
            return space.find_low(len);
        }
        return space.find(len);
    }
    if address > GUEST_END - len {
        return Err(ENOMEM);
    }
    if !is_aligned(address) {
        return Err(EINVAL);
    }
    if address < GUEST_START {
        return Err(EPERM);
    }
    if flags.contains(MapFlags::FIXED_NOREPLACE) && !space.is_free(GuestRange::new(address, len)?) {
        return Err(EEXIST);
    }
    Ok(address)
}

fn anonymous_backing(len: u64, flags: MapFlags) -> Result<(Backing, Content, RegionFlags), Errno> {
    match flags.intersection(MapFlags::SHARED_VALIDATE) {
        MapFlags::PRIVATE => Ok((Backing::Anonymous, Content::Zero, RegionFlags::empty())),
        MapFlags::SHARED if !flags.contains(MapFlags::GROWSDOWN) => {
            let object = SharedObject::new(len)?;
            Ok((
                Backing::Shared(object.clone(), 0, None),
                Content::Object(object, 0, Sharing::Shared),
                RegionFlags::empty(),
            ))
        }
        _ => Err(EINVAL),
    }
}

fn file_backing(
    file: &Rc<OpenFile>,
    offset: u64,
    len: u64,
    protection: u32,
    flags: MapFlags,
) -> Result<(Backing, Content, RegionFlags), Errno> {
    let known = MapFlags::all();
    let access = file.flags.get();
    let shared = match flags.intersection(MapFlags::SHARED_VALIDATE) {
        MapFlags::PRIVATE => false,
        MapFlags::SHARED => true,
        MapFlags::SHARED_VALIDATE if flags.difference(known).is_empty() && !flags.contains(MapFlags::SYNC) => true,
        MapFlags::SHARED_VALIDATE => return Err(EOPNOTSUPP),
        _ => return Err(EINVAL),
    };
    if access.contains(crate::fs::file::OpenFlags::PATH) {
        return Err(EBADF);
    }
    if !access.readable() || (shared && protection & protection::WRITE != 0 && !access.writable()) {
        return Err(EACCES);
    }
    let sealed = match opened(&file.object).and_then(|opened| opened.inode.data()) {
        Some(data) => data.seals.get().unwrap_or(0),
        None => 0,
    };
    let no_writers = shared && sealed & (SEAL_WRITE | SEAL_FUTURE_WRITE) != 0;
    if no_writers && protection & protection::WRITE != 0 {
        return Err(EPERM);
    }
    if flags.contains(MapFlags::GROWSDOWN) {
        return Err(EINVAL);
    }
    if !shared {
        let (content, backing) = Content::of_file(file, offset)?;
        return Ok((backing, content, RegionFlags::empty()));
    }
    let kept = if access.writable() && !no_writers { RegionFlags::empty() } else { RegionFlags::READ_ONLY };
    match file.object.map_shared(file)? {
        Mapping::Shared(object) => Ok((
            Backing::Shared(object.clone(), offset, Some(file.clone())),
            Content::Object(object, offset, Sharing::Shared),
            kept,
        )),
        Mapping::Zero => {
            let object = SharedObject::new(len)?;
            Ok((
                Backing::Shared(object.clone(), 0, Some(file.clone())),
                Content::Object(object, 0, Sharing::Shared),
                kept,
            ))
        }
        // Nobody can write to what lies in the lower layer: seeing it is all that sharing means.
        Mapping::Host(descriptor) if !access.writable() => {
            Ok((Backing::File(file.clone(), offset), Content::Host(descriptor, offset), kept))
        }
        Mapping::Copy if !access.writable() => {
            Ok((Backing::File(file.clone(), offset), Content::Read(file.clone(), offset), kept))
        }
        Mapping::Host(_) | Mapping::Copy => Err(ENODEV),
    }
}

/// `munmap(2)`.
pub fn munmap(context: &mut Context<'_>, address: UserAddr, len: u64) -> Outcome {
    if !is_aligned(address.0) || len == 0 {
        return Err(EINVAL.into());
    }
    let range = whole_pages(address.0, len).map_err(|_| EINVAL)?;
    let space = context.process().space();
    if space.is_sealed(range) {
        return Err(EPERM.into());
    }
    space.unmap(range)?;
    Ok(0)
}

const PROT_SEM: u32 = 8;
const PROT_GROWSDOWN: u32 = 0x0100_0000;
const PROT_GROWSUP: u32 = 0x0200_0000;

/// `mprotect(2)`.
pub fn mprotect(context: &mut Context<'_>, address: UserAddr, len: u64, protection: u32) -> Outcome {
    let grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
    if grows == PROT_GROWSDOWN | PROT_GROWSUP || !is_aligned(address.0) {
        return Err(EINVAL.into());
    }
    if len == 0 {
        return Ok(0);
    }
    let protection = protection & !grows;
    if protection & !(PROTECTIONS | PROT_SEM) != 0 {
        return Err(EINVAL.into());
    }
    let space = context.process().space();
    let mut range = whole_pages(address.0, len)?;
    if grows == PROT_GROWSUP {
        return Err(EINVAL.into());
    }
    if grows == PROT_GROWSDOWN {
        let region = space.region_at(address.0).ok_or(ENOMEM)?;
        if !region.flags.contains(RegionFlags::GROWS_DOWN) {
            return Err(EINVAL.into());
        }
        range = GuestRange::new(region.start, range.start + range.len - region.start)?;
    }
    let protection = protection & PROTECTIONS;
    if protection & protection::WRITE != 0 {
        let gets_data = |part: &Region| part.is_private() && part.protection & protection::WRITE == 0;
        let more = space.parts(range).0.iter().filter(|part| gets_data(part)).map(|part| part.len).sum();
        if more > 0 && context.process().limits.borrow()[LIMIT_DATA].0 < space.data_bytes().saturating_add(more) {
            return Err(ENOMEM.into());
        }
    }
    space.protect(range, protection)?;
    Ok(0)
}

/// `pkey_mprotect(2)`: without protection keys there is only the one that everything has, or -1 for none.
pub fn pkey_mprotect(context: &mut Context<'_>, address: UserAddr, len: u64, protection: u32, key: i32) -> Outcome {
    if !matches!(key, -1 | 0) && len != 0 {
        return Err(EINVAL.into());
    }
    mprotect(context, address, len, protection)
}

/// `pkey_alloc(2)`: the processor has none, as far as the guest can see.
pub fn pkey_alloc(_context: &mut Context<'_>, _flags: u64, _rights: u64) -> Outcome {
    Err(EINVAL.into())
}

/// `mremap(2)`.
pub fn mremap(
    context: &mut Context<'_>,
    address: UserAddr,
    old_len: u64,
    new_len: u64,
    flags: u32,
    to: UserAddr,
) -> Outcome {
    const MAYMOVE: u32 = 1;
    const FIXED: u32 = 2;
    const DONTUNMAP: u32 = 4;
    let may_move = flags & MAYMOVE != 0;
    let keep = flags & DONTUNMAP != 0;
    if flags & !(MAYMOVE | FIXED | DONTUNMAP) != 0
        || flags & (FIXED | DONTUNMAP) != 0 && !may_move
        || keep && old_len != new_len
        || !is_aligned(address.0)
    {
        return Err(EINVAL.into());
    }
    let old_len = page_up(old_len).ok_or(EINVAL)?;
    let new_len = page_up(new_len).filter(|len| (1..=GUEST_END).contains(len)).ok_or(EINVAL)?;
    if flags & (FIXED | DONTUNMAP) != 0 {
        let target = GuestRange::new(to.0, new_len).map_err(|_| EINVAL)?;
        let overlaps =
            address.0 < target.start.saturating_add(new_len) && target.start < address.0.saturating_add(old_len);
        if !is_aligned(to.0) || overlaps {
            return Err(EINVAL.into());
        }
    }
    let destination = if flags & FIXED != 0 {
        if to.0 < GUEST_START {
            return Err(EPERM.into());
        }
        Destination::At(to.0)
    } else if keep {
        Destination::Near(to.0)
    } else if may_move {
        Destination::Anywhere
    } else {
        Destination::InPlace
    };
    let space = context.process().space();
    if new_len > old_len || keep {
        let region = space.region_at(address.0).ok_or(EFAULT)?;
        let data = region.is_private() && region.protection & protection::WRITE != 0;
        let more = if keep { new_len } else { new_len - old_len };
        check_limits(context, &space, more, data)?;
        if region.flags.contains(RegionFlags::LOCKED) {
            super::memory_locks::check_mapping(context, &space, more, false)?;
        }
    }
    if old_len == 0 {
        if !may_move {
            let region = space.region_at(address.0).ok_or(EFAULT)?;
            return Err(if region.is_private() { EINVAL } else { ENOMEM }.into());
        }
        return Ok(space.duplicate(address.0, new_len, destination)? as usize);
    }
    let old = GuestRange::new(address.0, old_len)?;
    let target = match destination {
        Destination::At(at) => space.is_sealed(GuestRange::new(at, new_len)?),
        _ => false,
    };
    if target || space.is_sealed(old) {
        return Err(EPERM.into());
    }
    Ok(space.remap(old, new_len, destination, keep)? as usize)
}

/// `brk(2)`: answers the end of the heap, the old one when it could not be changed.
pub fn brk(context: &mut Context<'_>, end: UserAddr) -> Outcome {
    let space = context.process().space();
    let limit = context.process().limits.borrow()[LIMIT_DATA].0;
    let now = space.brk(0, 0);
    if end.0 > now {
        let more = page_up(end.0).unwrap_or(u64::MAX).saturating_sub(page_up(now).unwrap_or(now));
        let locked =
            space.lock_future.get() && super::memory_locks::check_mapping(context, &space, more, false).is_err();
        if locked || check_limits(context, &space, more, true).is_err() {
            return Ok(now as usize);
        }
    }
    Ok(space.brk(end.0, limit.min(GUEST_END)) as usize)
}

/// `madvise(2)`.
pub fn madvise(context: &mut Context<'_>, address: UserAddr, len: u64, advice: i32) -> Outcome {
    const HWPOISON: i32 = 100;
    const SOFT_OFFLINE: i32 = 101;
    match advice {
        0..=4 | 8..=25 => {}
        HWPOISON | SOFT_OFFLINE => return Err(EPERM.into()),
        _ => return Err(EINVAL.into()),
    }
    let len = page_up(len).ok_or(EINVAL)?;
    if !is_aligned(address.0) || address.0.checked_add(len).is_none() {
        return Err(EINVAL.into());
    }
    if len == 0 {
        return Ok(0);
    }
    let range = GuestRange::new(address.0, len).map_err(|_| ENOMEM)?;
    let space = context.process().space();
    let (parts, whole) = space.parts(range);
    advise(&space, range, &parts, advice)?;
    if whole { Ok(0) } else { Err(ENOMEM.into()) }
}

/// Region by region, up to the first that refuses.
pub(super) fn advise(space: &AddressSpace, range: GuestRange, parts: &[Region], advice: i32) -> Result<(), Errno> {
    const POPULATE_READ: i32 = 22;
    const POPULATE_WRITE: i32 = 23;
    if matches!(advice, POPULATE_READ | POPULATE_WRITE) {
        return bring_in(range, parts, advice as u32);
    }
    parts.iter().try_for_each(|part| advise_region(space, part, advice))
}

fn advise_region(space: &AddressSpace, part: &Region, advice: i32) -> Result<(), Errno> {
    let range = GuestRange::new(part.start, part.len)?;
    let private = matches!(part.backing, Backing::Anonymous | Backing::Heap | Backing::Stack);
    let locked = part.flags.contains(RegionFlags::LOCKED);
    // What is sealed and can't be written to can't be lost either: DONTNEED, FREE, REMOVE, DONTFORK, WIPEONFORK,
    // DONTNEED_LOCKED.
    let kept = part.flags.contains(RegionFlags::SEALED) && private && part.protection & protection::WRITE == 0;
    if kept && matches!(advice, 4 | 8 | 9 | 10 | 18 | 24) {
        return Err(EPERM);
    }
    let pattern = RegionFlags::RANDOM | RegionFlags::SEQUENTIAL;
    match advice {
        // NORMAL, RANDOM, SEQUENTIAL: hints, but Linux tells such regions apart.
        0 => space.change_flags(range, RegionFlags::empty(), pattern),
        1 => space.change_flags(range, RegionFlags::RANDOM, RegionFlags::SEQUENTIAL),
        2 => space.change_flags(range, RegionFlags::SEQUENTIAL, RegionFlags::RANDOM),
        // DONTNEED, FREE, REMOVE, COLD, PAGEOUT
        4 | 8 | 9 | 20 | 21 if locked => return Err(EINVAL),
        // DONTNEED, DONTNEED_LOCKED
        4 | 24 => space.discard(core::slice::from_ref(part))?,
        // FREE, WIPEONFORK
        8 | 18 if !private => return Err(EINVAL),
        // FREE: what an image brought may stay, it is only a hint.
        8 if !part.flags.contains(RegionFlags::FROM_IMAGE) => host::advise_guest(range, 8)?,
        // REMOVE
        9 => match &part.backing {
            Backing::Shared(object, offset, _) if !part.flags.contains(RegionFlags::READ_ONLY) => {
                object.zero(*offset, part.len);
            }
            Backing::Shared(..) | Backing::Private(..) | Backing::File(..) => return Err(EACCES),
            _ => return Err(EINVAL),
        },
        10 => space.change_flags(range, RegionFlags::NO_FORK, RegionFlags::empty()),
        11 => space.change_flags(range, RegionFlags::empty(), RegionFlags::NO_FORK),
        // HUGEPAGE, NOHUGEPAGE
        14 => space.change_flags(range, RegionFlags::HUGE, RegionFlags::NOT_HUGE),
        15 => space.change_flags(range, RegionFlags::NOT_HUGE, RegionFlags::HUGE),
        16 => space.change_flags(range, RegionFlags::NO_DUMP, RegionFlags::empty()),
        17 => space.change_flags(range, RegionFlags::empty(), RegionFlags::NO_DUMP),
        18 => space.change_flags(range, RegionFlags::WIPE_ON_FORK, RegionFlags::empty()),
        19 => space.change_flags(range, RegionFlags::empty(), RegionFlags::WIPE_ON_FORK),
        // Read-ahead, merging, cold pages: hints that the host needs no word about.
        _ => {}
    }
    Ok(())
}

/// `MADV_POPULATE_READ` and `MADV_POPULATE_WRITE`.
fn bring_in(range: GuestRange, parts: &[Region], advice: u32) -> Result<(), Errno> {
    let needed = if advice == 22 { protection::READ } else { protection::WRITE };
    let mut at = range.start;
    for part in parts {
        if part.start != at {
            return Err(ENOMEM);
        }
        at = part.end();
        if part.protection & needed == 0 {
            return Err(EINVAL);
        }
        let (content, behind) = GuestRange::new(part.start, part.len)?.split(part.accessible());
        if content.len != 0 {
            host::advise_guest(content, advice)?;
        }
        if behind.len != 0 {
            return Err(EFAULT);
        }
    }
    Ok(())
}

/// `msync(2)`: what is mapped shared is the content itself.
pub fn msync(context: &mut Context<'_>, address: UserAddr, len: u64, flags: u32) -> Outcome {
    const ASYNC: u32 = 1;
    const INVALIDATE: u32 = 2;
    const SYNC: u32 = 4;
    if flags & !(ASYNC | INVALIDATE | SYNC) != 0 || flags & (ASYNC | SYNC) == ASYNC | SYNC || !is_aligned(address.0) {
        return Err(EINVAL.into());
    }
    // Linux lets a length that wraps around count as none.
    let len = page_up(len).unwrap_or(0);
    if len == 0 {
        return Ok(0);
    }
    let (parts, whole) = context.process().space().parts(whole_pages(address.0, len)?);
    if flags & INVALIDATE != 0 && parts.iter().any(|part| part.flags.contains(RegionFlags::LOCKED)) {
        return Err(EBUSY.into());
    }
    if whole { Ok(0) } else { Err(ENOMEM.into()) }
}

/// `mincore(2)`. Of what comes from files or an image every page counts as present.
pub fn mincore(context: &mut Context<'_>, address: UserAddr, len: u64, vector: UserPtr<u8>) -> Outcome {
    if !is_aligned(address.0) {
        return Err(EINVAL.into());
    }
    let range = whole_pages(address.0, len)?;
    let (parts, whole) = context.process().space().parts(range);
    if !whole && range.len != 0 {
        return Err(ENOMEM.into());
    }
    let mut present = [0; 256];
    for part in parts {
        let known = match part.backing {
            Backing::Anonymous | Backing::Heap | Backing::Stack => !part.flags.contains(RegionFlags::FROM_IMAGE),
            Backing::Shared(..) => true,
            _ => false,
        };
        let mut at = part.start;
        while at < part.end() {
            let step = (part.end() - at).min(present.len() as u64 * PAGE_SIZE);
            let pages = &mut present[..(step / PAGE_SIZE) as usize];
            pages.fill(1);
            let (content, behind) = GuestRange::new(at, step)?.split(part.accessible().saturating_sub(at - part.start));
            if known && content.len != 0 {
                host::resident(content, pages)?;
            }
            pages[(content.len / PAGE_SIZE) as usize..][..(behind.len / PAGE_SIZE) as usize].fill(0);
            copy_out(vector.address().add((at - range.start) / PAGE_SIZE), pages)?;
            at += step;
        }
    }
    Ok(0)
}

/// `remap_file_pages(2)`: a shared mapping shows another part of its file from here on, as its own mapping.
pub fn remap_file_pages(
    context: &mut Context<'_>,
    address: UserAddr,
    len: u64,
    protection: u32,
    page: u64,
    _flags: u32,
) -> Outcome {
    let start = page_down(address.0);
    let len = page_down(len);
    let offset = page.checked_mul(PAGE_SIZE).filter(|offset| *offset <= GUEST_END - len.min(GUEST_END));
    let (Some(offset), 0, true) = (offset, protection, len != 0) else { return Err(EINVAL.into()) };
    let space = context.process().space();
    let range = GuestRange::new(start, len).map_err(|_| EINVAL)?;
    let (parts, whole) = space.parts(range);
    let first = parts.first().filter(|_| whole).ok_or(EINVAL)?;
    let Backing::Shared(object, _, file) = &first.backing else { return Err(EINVAL.into()) };
    let same = |part: &Region| {
        part.protection == first.protection
            && part.flags == first.flags
            && matches!(&part.backing, Backing::Shared(other, ..) if Rc::ptr_eq(other, object))
    };
    if !parts.iter().all(same) {
        return Err(EINVAL.into());
    }
    let region = Region { start, len, backing: Backing::Shared(object.clone(), offset, file.clone()), ..first.clone() };
    space.map(region, &Content::Object(object.clone(), offset, Sharing::Shared), 0)?;
    Ok(0)
}

/// `membarrier(2)`. All barriers are the strongest kind that the host gives.
pub fn membarrier(context: &mut Context<'_>, command: u32, flags: u32, _cpu: i32) -> Outcome {
    const GLOBAL: u32 = 1;
    const GLOBAL_EXPEDITED: u32 = 2;
    const REGISTER_GLOBAL_EXPEDITED: u32 = 4;
    const PRIVATE_EXPEDITED: u32 = 8;
    const REGISTER_PRIVATE_EXPEDITED: u32 = 16;
    const PRIVATE_EXPEDITED_SYNC_CORE: u32 = 32;
    const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: u32 = 64;
    const GET_REGISTRATIONS: u32 = 512;
    if flags != 0 {
        return Err(EINVAL.into());
    }
    let space = context.process().space();
    let registered = space.membarrier.get();
    match command {
        0 => Ok((0x7f | GET_REGISTRATIONS) as usize),
        GLOBAL | GLOBAL_EXPEDITED => barrier(),
        REGISTER_GLOBAL_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED_SYNC_CORE => {
            space.membarrier.set(registered | command);
            Ok(0)
        }
        PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE if registered & (command << 1) == 0 => Err(EPERM.into()),
        PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE => barrier(),
        GET_REGISTRATIONS => Ok(registered as usize),
        _ => Err(EINVAL.into()),
    }
}

fn barrier() -> Outcome {
    barrier_all().map_err(|_| EAGAIN)?;
    Ok(0)
}

/// All host threads pass a barrier that also serialises their cores.
pub(crate) fn barrier_all() -> Result<(), Errno> {
    // The registration belongs to the host process and not to the state: a boot from an image begins without.
    if local().membarrier_ready.load(Relaxed) == 0 {
        host::membarrier_sync_core(true)?;
        local().membarrier_ready.store(1, Relaxed);
    }
    host::membarrier_sync_core(false)
}
