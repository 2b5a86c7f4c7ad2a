//! The map of an address space, and what changes it.

use super::patch::Patches;
use super::region::{Backing, Region, RegionFlags, Sharing};
use super::{SharedObject, page_down, page_up};
use crate::entry::Fault;
use crate::errno::{EEXIST, ENOMEM, Errno};
use crate::fs::file::{Mapping, OpenFile};
use crate::host::{self, GuestRange, map_flags, protection};
use crate::kernel;
use crate::user_memory::{UserAddr, UserBuffers};
use abi::layout::{GUEST_END, GUEST_START, GUEST_VDSO, PAGE_SIZE};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// Address space that the first thread's stack may take, with its growth.
const STACK_ROOM: u64 = 256 << 20;
/// Kept free between the stack and the mappings: the slots of the fast entry lie up to 85 MB above their sites.
const SLOT_ROOM: u64 = 192 << 20;
/// Kept free below a region that grows down (`stack_guard_gap`).
const GUARD: u64 = 256 * PAGE_SIZE;
/// Most regions of an address space (`vm.max_map_count`).
const MAX_REGIONS: usize = 65530;

/// A guest address space. See [`super`].
pub struct AddressSpace {
    /// Tells it from others, for futexes.
    pub number: u64,
    /// Number of the host process whose memory it is.
    pub host: Cell<u32>,
    /// It is mapped nowhere: its number in the image that it lies in.
    pub in_image: Cell<Option<u32>>,
    pub(super) regions: RefCell<BTreeMap<u64, Region>>,
    /// Sites of the fast entry; mappings are not placed in their slot windows.
    pub(super) patches: RefCell<Patches>,
    /// Mappings are placed below.
    top: Cell<u64>,
    /// Where the stack of the first thread ends.
    stack_end: Cell<u64>,
    /// The `brk(2)` heap: start and end, not rounded.
    pub(super) heap: Cell<(u64, u64)>,
    /// Bytes that count against the memory limit.
    charged: Cell<u64>,
    /// Bytes mapped (`RLIMIT_AS`).
    mapped: Cell<u64>,
    /// `mlockall(MCL_FUTURE)`.
    pub(crate) lock_future: Cell<bool>,
    /// Pages of private mappings that are their own, in an image and until its mappings are made again: start and end.
    pub(super) own_pages: RefCell<Vec<(u64, u64)>>,
    /// Commands of `membarrier(2)` that the process registered for.
    pub(crate) membarrier: Cell<u32>,
}

impl Default for AddressSpace {
    fn default() -> Self {
        Self {
            number: kernel().tasks.next_space(),
            host: Cell::new(crate::local::local().host.load(core::sync::atomic::Ordering::Relaxed)),
            regions: RefCell::default(),
            patches: RefCell::default(),
            in_image: Cell::default(),
            top: Cell::new(page_down(GUEST_VDSO - STACK_ROOM - SLOT_ROOM)),
            stack_end: Cell::new(GUEST_VDSO - PAGE_SIZE),
            heap: Cell::default(),
            charged: Cell::default(),
            mapped: Cell::default(),
            lock_future: Cell::default(),
            own_pages: RefCell::default(),
            membarrier: Cell::default(),
        }
    }
}

/// Where a region's first content comes from.
pub enum Content {
    /// Zeros.
    Zero,
    /// A host file from this offset on, privately.
    Host(host::HostFd, u64),
    /// What reading the file from this offset on gives.
    Read(Rc<OpenFile>, u64),
    /// An object's content from this offset on.
    Object(Rc<SharedObject>, u64, Sharing),
}

impl Content {
    /// The content of a private mapping of a file, and what is behind it then.
    ///
    /// # Errors
    /// `ENODEV` for what can't be mapped.
    pub fn of_file(file: &Rc<OpenFile>, offset: u64) -> Result<(Self, Backing), Errno> {
        let backing = || Backing::File(file.clone(), offset);
        Ok(match file.object.map(file)? {
            Mapping::Host(descriptor) => (Self::Host(descriptor, offset), backing()),
            Mapping::Shared(object) if object.source(0).is_some() => {
                (Self::Object(object.clone(), offset, Sharing::Private), Backing::Private(object, offset, file.clone()))
            }
            Mapping::Copy | Mapping::Shared(_) => (Self::Read(file.clone(), offset), backing()),
            Mapping::Zero => (Self::Zero, Backing::Anonymous),
        })
    }
}

impl AddressSpace {
    /// Draws the places of stack and mappings; before the program is loaded.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn randomise(&self) -> Result<(), Errno> {
        let stack_shift = random_below(4096)? * PAGE_SIZE;
        self.stack_end.set(GUEST_VDSO - PAGE_SIZE - stack_shift);
        let shift = random_below(1 << 26)? * PAGE_SIZE;
        self.top.set(page_down(self.stack_end.get() - STACK_ROOM - SLOT_ROOM - shift));
        Ok(())
    }

    /// Where the stack of the first thread ends.
    pub fn stack_end(&self) -> u64 {
        self.stack_end.get()
    }

    /// What a child has after `fork`: the same, in a host process of its own.
    pub fn copy(&self, host: u32) -> Rc<Self> {
        let copy = Self::default();
        *copy.regions.borrow_mut() = self.regions.borrow().clone();
        *copy.patches.borrow_mut() = self.patches.borrow().clone();
        copy.host.set(host);
        copy.top.set(self.top.get());
        copy.stack_end.set(self.stack_end.get());
        copy.heap.set(self.heap.get());
        copy.charged.set(self.charged.get());
        copy.mapped.set(self.mapped.get());
        copy.membarrier.set(self.membarrier.get());
        Rc::new(copy)
    }

    /// The first steps of a child in its own host process: what its parent kept from it is not there.
    ///
    /// # Errors
    /// What the host answers.
    pub fn begin_copy(&self) -> Result<(), Errno> {
        let kept_back = RegionFlags::NO_FORK | RegionFlags::WIPE_ON_FORK;
        for region in self.regions().into_iter().filter(|region| region.flags.intersects(kept_back)) {
            let range = GuestRange::new(region.start, region.len)?;
            if region.flags.contains(RegionFlags::NO_FORK) {
                self.unmap(range)?;
            } else {
                self.map(region, &Content::Zero, 0)?;
            }
        }
        Ok(())
    }

    /// All regions by address.
    pub fn regions(&self) -> Vec<Region> {
        self.regions.borrow().values().cloned().collect()
    }

    /// The region that holds an address.
    pub fn region_at(&self, address: u64) -> Option<Region> {
        let regions = self.regions.borrow();
        let (_, region) = regions.range(..=address).next_back()?;
        (address < region.end()).then(|| region.clone())
    }

    /// The parts of all regions within a range, and whether they cover it.
    pub fn parts(&self, range: GuestRange) -> (Vec<Region>, bool) {
        let end = range.start + range.len;
        let regions = self.regions.borrow();
        let from = regions.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let mut at = range.start;
        let mut whole = true;
        let mut parts = Vec::new();
        for region in regions.range(from..end).map(|(_, region)| region) {
            let (start, stop) = (region.start.max(range.start), region.end().min(end));
            if start >= stop {
                continue;
            }
            whole &= start == at;
            at = stop;
            parts.push(region.part(start, stop));
        }
        (parts, whole && at == end)
    }

    /// Whether nothing is mapped in a range.
    pub fn is_free(&self, range: GuestRange) -> bool {
        self.parts(range).0.is_empty()
    }

    /// Bytes mapped, and bytes that count against the memory limit.
    pub fn sizes(&self) -> (u64, u64) {
        (self.mapped.get(), self.charged.get())
    }

    /// Bytes that count against `RLIMIT_DATA`.
    pub fn data_bytes(&self) -> u64 {
        let counts = |region: &&Region| {
            region.is_private()
                && region.protection & protection::WRITE != 0
                && !region.flags.contains(RegionFlags::GROWS_DOWN)
        };
        self.regions.borrow().values().filter(counts).map(|region| region.len).sum()
    }

    /// Bytes that are locked (`mlock(2)`).
    pub fn locked_bytes(&self) -> u64 {
        let locked = |region: &&Region| region.flags.contains(RegionFlags::LOCKED);
        self.regions.borrow().values().filter(locked).map(|region| region.len).sum()
    }

    /// The highest free place for `len` bytes below the stack and the other mappings.
    pub fn find(&self, len: u64) -> Result<u64, Errno> {
        let mut end = self.top.get();
        loop {
            let start = self.find_below(end, len).ok_or(ENOMEM)?;
            match self.patches.borrow().window_over(start, start + len) {
                Some(window) => end = window,
                None => return Ok(start),
            }
        }
    }

    /// A free place below 2 GiB (`MAP_32BIT`).
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn find_low(&self, len: u64) -> Result<u64, Errno> {
        self.find_below(1 << 31, len)
            .filter(|start| self.patches.borrow().window_over(*start, start + len).is_none())
            .ok_or(ENOMEM)
    }

    fn find_below(&self, mut end: u64, len: u64) -> Option<u64> {
        for region in self.regions.borrow().range(..end).rev().map(|(_, region)| region) {
            if region.end().checked_add(len)? <= end {
                break;
            }
            let guard = if region.flags.contains(RegionFlags::GROWS_DOWN) { GUARD } else { 0 };
            end = end.min(region.start.saturating_sub(guard));
        }
        end.checked_sub(len).filter(|start| *start >= GUEST_START)
    }

    /// Whether a hint of `mmap(2)` can be followed; one of 0 is none.
    pub fn hint_is_free(&self, hint: u64, len: u64) -> bool {
        let Ok(range) = GuestRange::new(hint, len) else { return false };
        hint >= GUEST_START && self.is_free(range) && self.patches.borrow().window_over(hint, hint + len).is_none()
    }

    /// Maps a region, replacing what was there. `extra` are host flags (`MAP_POPULATE`).
    ///
    /// # Errors
    /// `ENOMEM` over a limit or when the host says so; `EEXIST` never; what reading the file gives.
    pub fn map(&self, region: Region, content: &Content, extra: u32) -> Result<(), Errno> {
        let range = GuestRange::new(region.start, region.len).map_err(|_| ENOMEM)?;
        self.check_charge(range, region.charge())?;
        if self.regions.borrow().len() >= MAX_REGIONS {
            return Err(ENOMEM);
        }
        super::patch::unmapped(self, range);
        let anonymous = map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::NORESERVE;
        let writable = protection::READ | protection::WRITE;
        let mapped = match content {
            Content::Zero => host::map_guest(range, region.protection, anonymous | extra, None),
            Content::Host(descriptor, offset) => {
                host::map_guest(range, region.protection, map_flags::PRIVATE | extra, Some((*descriptor, *offset)))
            }
            Content::Object(object, offset, sharing) => {
                super::view::show(object, *offset, *sharing, range, region.protection, extra)
            }
            Content::Read(file, offset) => host::map_guest(range, writable, anonymous, None)
                .and_then(|()| fill(file, *offset, range))
                .and_then(|()| host::protect_guest(range, region.protection)),
        };
        if let Err(errno) = mapped {
            // The host may have taken away what was there.
            self.unmap(range)?;
            return Err(errno);
        }
        let old = self.take_out(range);
        super::patch::mapped(self, &region);
        self.put_in(region);
        drop(old);
        Ok(())
    }

    /// Whether `charge` more bytes may be mapped once a range is replaced.
    ///
    /// What is mapped is not yet used (a thread's stack is 8 MiB), so the program may map some times its limit; the
    /// monitor and the host's cgroup look at what it touches. Beyond that a single request that is absurd answers
    /// `ENOMEM`, as Linux's overcommit does, and a program that keeps growing has broken its limit.
    pub(super) fn check_charge(&self, replaced: GuestRange, charge: u64) -> Result<(), Errno> {
        const SLACK: u64 = 512 << 20;
        // More than any host of ours has: Linux's heuristic refuses it, too.
        const UNLIMITED_REQUEST: u64 = 1 << 40;
        let limit = kernel().launch.borrow().memory;
        if limit == 0 {
            return if charge > UNLIMITED_REQUEST { Err(ENOMEM) } else { Ok(()) };
        }
        if charge == 0 {
            return Ok(());
        }
        let freed: u64 = self.parts(replaced).0.iter().map(Region::charge).sum();
        let after = self.charged.get().saturating_sub(freed).saturating_add(charge);
        if after <= limit.saturating_mul(2).saturating_add(SLACK) || charge <= freed {
            return Ok(());
        }
        if charge > limit {
            return Err(ENOMEM);
        }
        crate::control::exited(abi::control::Exit::OutOfMemory)
    }

    /// Takes all regions within a range out of the map, cutting those that reach beyond it. The caller drops them.
    pub(super) fn take_out(&self, range: GuestRange) -> Vec<Region> {
        let end = range.start + range.len;
        let mut regions = self.regions.borrow_mut();
        let mut taken = Vec::new();
        let from = regions.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let starts: Vec<u64> = regions.range(from..end).map(|(start, _)| *start).collect();
        for start in starts {
            let Some(region) = regions.remove(&start) else { continue };
            let (cut_start, cut_end) = (region.start.max(range.start), region.end().min(end));
            if cut_start >= cut_end {
                regions.insert(start, region);
                continue;
            }
            if region.start < cut_start {
                regions.insert(region.start, region.part(region.start, cut_start));
            }
            if cut_end < region.end() {
                regions.insert(cut_end, region.part(cut_end, region.end()));
            }
            let part = region.part(cut_start, cut_end);
            self.mapped.set(self.mapped.get().saturating_sub(part.len));
            self.charged.set(self.charged.get().saturating_sub(part.charge()));
            taken.push(part);
        }
        taken
    }

    /// Enters a region into a free place, joined with its neighbours.
    pub(super) fn put_in(&self, mut region: Region) {
        self.mapped.set(self.mapped.get() + region.len);
        self.charged.set(self.charged.get() + region.charge());
        let mut regions = self.regions.borrow_mut();
        let mut joined = Vec::new();
        let before = regions.range(..region.start).next_back().map(|(start, before)| (*start, before.joins(&region)));
        if let Some((start, true)) = before
            && let Some(before) = regions.remove(&start)
        {
            region = Region { start, len: before.len + region.len, ..before };
        }
        if regions.get(&region.end()).is_some_and(|after| region.joins(after))
            && let Some(after) = regions.remove(&region.end())
        {
            region.len += after.len;
            joined.push(after);
        }
        regions.insert(region.start, region);
        drop(regions);
        drop(joined);
    }

    /// Unmaps a range.
    ///
    /// # Errors
    /// `ENOMEM` when the host says so.
    pub fn unmap(&self, range: GuestRange) -> Result<(), Errno> {
        if range.len == 0 {
            return Ok(());
        }
        super::patch::unmapped(self, range);
        host::unmap_guest(range)?;
        let old = self.take_out(range);
        self.note_detached(&old);
        drop(old);
        Ok(())
    }

    /// What System V shared memory remembers of a detachment.
    fn note_detached(&self, regions: &[Region]) {
        if let Some(thread) = kernel().running() {
            crate::ipc::sysv::memory::note_detached(regions, thread.process().pid);
        }
    }

    /// Unmaps everything (`execve`).
    ///
    /// # Errors
    /// As [`AddressSpace::unmap`].
    pub fn clear(&self) -> Result<(), Errno> {
        self.patches.take();
        let everything = GuestRange::new(GUEST_START, GUEST_END - GUEST_START)?;
        if cfg!(test) {
            for region in self.regions() {
                host::unmap_guest(GuestRange::new(region.start, region.len)?)?;
            }
        } else {
            host::unmap_guest(everything)?;
        }
        let old = self.take_out(everything);
        self.note_detached(&old);
        drop(old);
        self.heap.set((0, 0));
        self.lock_future.set(false);
        self.membarrier.set(0);
        Ok(())
    }

    /// Maps a region at a free place or refuses (`MAP_FIXED_NOREPLACE`).
    ///
    /// # Errors
    /// `EEXIST`, and as [`AddressSpace::map`].
    pub fn map_free(&self, region: Region, content: &Content, extra: u32) -> Result<(), Errno> {
        if !self.is_free(GuestRange::new(region.start, region.len).map_err(|_| ENOMEM)?) {
            return Err(EEXIST);
        }
        self.map(region, content, extra)
    }

    /// Looks at a fault of user code before it becomes a signal, or makes it the one that Linux would give; `true`: go
    /// on.
    pub fn handle_fault(&self, fault: &mut Fault) -> bool {
        const SIGSEGV: u8 = 11;
        const SEGV_MAPERR: i32 = 1;
        if fault.signal != SIGSEGV {
            return false;
        }
        if fault.code == SEGV_MAPERR {
            return self.grow_down(page_down(fault.address)).is_ok();
        }
        self.behind_the_end(fault)
    }

    /// Extends the region above a page that grows down.
    fn grow_down(&self, page: u64) -> Result<(), Errno> {
        let above = {
            let regions = self.regions.borrow();
            let (_, above) = regions.range(page..).next().ok_or(ENOMEM)?;
            let below = regions.range(..page).next_back().map_or(GUEST_START, |(_, below)| below.end());
            let within = above.start - page <= STACK_ROOM && page >= below.saturating_add(GUARD);
            if !above.flags.contains(RegionFlags::GROWS_DOWN) || !within {
                return Err(ENOMEM);
            }
            above.clone()
        };
        let limit = crate::syscall::dispatch::current().process().limits.borrow()[3].0;
        if above.end() - page > limit.min(STACK_ROOM) {
            return Err(ENOMEM);
        }
        self.map(Region { start: page, len: above.start - page, ..above }, &Content::Zero, 0)
    }
}

/// Copies a file's content into a fresh mapping; what lies beyond its end stays zero.
fn fill(file: &Rc<OpenFile>, offset: u64, range: GuestRange) -> Result<(), Errno> {
    let mut done = 0;
    while done < range.len {
        let mut sink = UserBuffers::one(UserAddr(range.start + done), (range.len - done) as usize)?;
        match file.object.read(file, &mut sink, offset + done) {
            Ok(0) => break,
            Ok(read) => done += read as u64,
            Err(crate::syscall::Stop::Errno(errno)) => return Err(errno),
            Err(_) => return Err(crate::errno::EIO),
        }
    }
    Ok(())
}

/// A random number below a power of two.
pub fn random_below(bound: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    host::random(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) & (bound - 1))
}

/// The range of whole pages around one that begins on a page.
///
/// # Errors
/// `ENOMEM` when it leaves the guest's part.
pub fn whole_pages(start: u64, len: u64) -> Result<GuestRange, Errno> {
    GuestRange::new(start, page_up(len).ok_or(ENOMEM)?).map_err(|_| ENOMEM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mm::operations::Destination;

    const RW: u32 = protection::READ | protection::WRITE;

    fn range(start: u64, len: u64) -> GuestRange {
        GuestRange::new(start, len).unwrap()
    }

    fn anonymous(start: u64, pages: u64) -> Region {
        Region {
            start,
            len: pages * PAGE_SIZE,
            protection: RW,
            backing: Backing::Anonymous,
            flags: RegionFlags::empty(),
        }
    }

    /// A space with some pages mapped, at a place of its own.
    fn space(pages: u64) -> (AddressSpace, u64) {
        let space = AddressSpace::default();
        space.randomise().unwrap();
        let start = space.find(pages * PAGE_SIZE).unwrap();
        space.map(anonymous(start, pages), &Content::Zero, 0).unwrap();
        (space, start)
    }

    fn layout(space: &AddressSpace, start: u64) -> Vec<(u64, u64, u32)> {
        let region = |region: Region| ((region.start - start) / PAGE_SIZE, region.len / PAGE_SIZE, region.protection);
        space.regions().into_iter().map(region).collect()
    }

    #[test]
    fn protecting_the_middle_splits_and_protecting_it_back_joins() {
        let (space, start) = space(6);
        space.protect(range(start + 2 * PAGE_SIZE, 2 * PAGE_SIZE), protection::READ).unwrap();
        assert_eq!(layout(&space, start), [(0, 2, RW), (2, 2, protection::READ), (4, 2, RW)]);
        space.protect(range(start, 6 * PAGE_SIZE), RW).unwrap();
        assert_eq!(layout(&space, start), [(0, 6, RW)]);
        space.clear().unwrap();
    }

    #[test]
    fn unmapped_hole_stops_mprotect_where_it_begins() {
        let (space, start) = space(4);
        space.unmap(range(start + PAGE_SIZE, PAGE_SIZE)).unwrap();
        assert_eq!(space.protect(range(start, 4 * PAGE_SIZE), protection::READ), Err(ENOMEM));
        assert_eq!(layout(&space, start), [(0, 1, protection::READ), (2, 2, RW)]);
        space.clear().unwrap();
        assert_eq!(space.sizes(), (0, 0));
    }

    #[test]
    fn growing_in_place_needs_free_pages_behind() {
        let (space, start) = space(4);
        space.unmap(range(start + 2 * PAGE_SIZE, PAGE_SIZE)).unwrap();
        let old = range(start, 2 * PAGE_SIZE);
        assert_eq!(space.remap(old, 3 * PAGE_SIZE, Destination::InPlace, false), Ok(start));
        let old = range(start, 3 * PAGE_SIZE);
        let moved = space.remap(old, 5 * PAGE_SIZE, Destination::Anywhere, false);
        assert!(moved.is_ok_and(|moved| moved != start), "{moved:?}");
        space.clear().unwrap();
    }

    #[test]
    fn mapping_far_over_the_memory_limit_is_refused_and_a_reservation_is_not() {
        kernel().launch.borrow_mut().memory = 8 * PAGE_SIZE;
        let (space, _) = space(6);
        let pages = (1 << 30) / PAGE_SIZE;
        let place = space.find(pages * PAGE_SIZE).unwrap();
        assert_eq!(space.map(anonymous(place, pages), &Content::Zero, 0), Err(ENOMEM));
        let reserved = Region { protection: protection::NONE, ..anonymous(place, pages) };
        assert_eq!(space.map(reserved, &Content::Zero, 0), Ok(()));
        assert_eq!(space.protect(range(place, pages * PAGE_SIZE), RW), Err(ENOMEM));
        space.clear().unwrap();
    }

    #[test]
    fn heap_follows_brk_and_refuses_what_is_taken() {
        let space = AddressSpace::default();
        space.randomise().unwrap();
        let start = space.find(64 * PAGE_SIZE).unwrap();
        space.set_heap(start);
        assert_eq!(space.brk(start + 100, u64::MAX), start + 100);
        assert_eq!(layout(&space, start), [(0, 1, RW)]);
        space.map(anonymous(start + 4 * PAGE_SIZE, 1), &Content::Zero, 0).unwrap();
        assert_eq!(space.brk(start + 5 * PAGE_SIZE, u64::MAX), start + 100);
        assert_eq!(space.brk(start, u64::MAX), start);
        assert_eq!(space.brk(start - 1, u64::MAX), start);
        space.clear().unwrap();
    }
}
