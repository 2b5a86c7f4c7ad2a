//! The fast entry's sites: system-call instructions of the program that became jumps into the kernel.
//!
//! A trap costs 2.5 µs, a jump 3 ns. So a site that traps again and again is patched: the seven bytes
//! `mov $nr,%eax; syscall` (`b8 nr nr nr nr 0f 05`) become `3e ff 25 xx xx 0f 05`, a `jmp *[slot]` whose slot lies
//! 0x050f_xxxx bytes behind it. The last two bytes stay `0f 05`: a thread between the two instructions, a call that is
//! run again after a signal, and a jump from elsewhere to the `syscall` still trap.
//!
//! The slot is the first word of a *stub* in the guest's memory, in the *slot window* of the module that the site is
//! in: it loads number and way back and jumps to [`crate::entry::asm::fast_entry`]. Stubs and patched pages are guest
//! memory like all other, so images hold them (an image runs on the kernel build that made it only, so the entry's
//! address stays true).
//!
//! * Patched is only text of private file mappings that nobody may write to; it keeps its protection. When a
//!   range loses that (`mprotect`), or a window is mapped over, its sites get their old bytes back; when it is
//!   unmapped, they are forgotten. Stubs are not used twice: a thread may still be on its way through one.
//! * Other threads may run through a site while it changes: `int3` goes first, then the middle, then the first byte,
//!   with a barrier for all cores in between. Who meets the `int3` comes back to the site when it is a jump.
//! * A thread that is interrupted inside a stub is taken back to the site before anybody sees its registers.

use super::region::{Backing, Region, RegionFlags};
use super::space::{AddressSpace, Content};
use super::{page_down, page_up};
use crate::entry::asm::fast_entry;
use crate::errno::{EINVAL, ENOMEM, Errno};
use crate::host::{self, GuestRange, protection};
use crate::user_memory::{UserAddr, copy_in, copy_out};
use abi::image::Registers;
use abi::layout::PAGE_SIZE;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Bytes of a site.
const SITE: u64 = 7;
/// Distance from the end of a site to its slot: `0f 05` are the upper bytes, the lower ones are free.
const SLOT_NEAR: u64 = 0x050f_0000;
const SLOT_FAR: u64 = 0x050f_ffff;
/// Bytes of a stub: slot, code, padding.
const STUB: u64 = 32;
/// Traps of a site before it is patched: patching costs about as much as six, and a page.
const TRAPS: u8 = 8;
/// Sites that are counted at most.
const MAX_COUNTED: usize = 4096;
/// `rt_sigreturn`: unwinders know a signal frame by the bytes of this site.
const SIGRETURN: u32 = 15;
const RX: u32 = protection::READ | protection::EXEC;
const RWX: u32 = RX | protection::WRITE;

/// What an address space knows of its sites. All addresses are the guest's.
#[derive(Clone, Default)]
pub struct Patches {
    /// Patched sites: number of the call, and their stub.
    sites: BTreeMap<u64, (u32, u64)>,
    /// Stubs: the site each was made for; also of sites that are gone.
    stubs: BTreeMap<u64, u64>,
    /// How often sites trapped that are not patched; `u8::MAX`: never to be patched.
    traps: BTreeMap<u64, u8>,
    /// Slot windows, start and end: mappings are not placed there.
    windows: BTreeMap<u64, u64>,
}

impl Patches {
    /// The start of a slot window that a range meets.
    pub(super) fn window_over(&self, start: u64, end: u64) -> Option<u64> {
        let (window, window_end) = self.windows.range(..end).next_back()?;
        (*window_end > start).then_some(*window)
    }

    /// The window that holds an address.
    fn window_of(&self, address: u64) -> Option<(u64, u64)> {
        let (start, end) = self.windows.range(..=address).next_back()?;
        (address < *end).then_some((*start, *end))
    }

    /// Adds a window, joined with those it meets.
    fn add_window(&mut self, mut start: u64, mut end: u64) {
        while let Some(other) = self.window_over(start, end) {
            let other_end = self.windows.remove(&other).unwrap_or(other);
            start = start.min(other);
            end = end.max(other_end);
        }
        self.windows.insert(start, end);
    }

    /// A free stub between two addresses: in a page that has some already, else in the middle, so that sites
    /// before and behind can share its page.
    fn free_stub(&self, near: u64, far: u64) -> Option<u64> {
        let used = self.stubs.range(near..far).map(|(stub, _)| page_down(*stub));
        let mut pages: Vec<u64> = used.collect();
        pages.dedup();
        pages.push(page_down(near + (far - near) / 2));
        pages.into_iter().find_map(|page| {
            // The last word of a page holds the kernel's address.
            let last = far.min(page + PAGE_SIZE - 2 * STUB);
            (page..=last).step_by(STUB as usize).find(|stub| *stub >= near && !self.stubs.contains_key(stub))
        })
    }
}

/// A region was mapped: reserves the slot window of text.
pub(super) fn mapped(space: &AddressSpace, region: &Region) {
    if !is_text(region) {
        return;
    }
    let start = page_down(region.start + SITE + SLOT_NEAR);
    let Some(end) = page_up(region.end() + SLOT_FAR) else { return };
    let Ok(range) = GuestRange::new(start, end - start) else { return };
    let others = space.parts(range).0;
    if others.iter().all(|part| matches!(part.backing, Backing::Stubs)) {
        space.patches.borrow_mut().add_window(start, end);
    }
}

fn is_text(region: &Region) -> bool {
    matches!(region.backing, Backing::File(..) | Backing::Private(..)) && region.protection == RX
}

/// A system call trapped; the registers are those after the instruction. Patches its site when that is worth it.
pub fn trapped(space: &AddressSpace, registers: &Registers) {
    let Some(site) = registers.rip.checked_sub(SITE) else { return };
    {
        let mut patches = space.patches.borrow_mut();
        if patches.traps.len() >= MAX_COUNTED && !patches.traps.contains_key(&site) {
            return;
        }
        let count = patches.traps.entry(site).or_insert(0);
        if *count == u8::MAX {
            return;
        }
        *count += 1;
        if *count < TRAPS {
            return;
        }
    }
    let outcome = suitable(space, site, registers).and_then(|number| patch(space, site, number));
    let mut patches = space.patches.borrow_mut();
    match outcome {
        Ok(()) => patches.traps.remove(&site),
        Err(_) => patches.traps.insert(site, u8::MAX),
    };
}

/// The number of a site's call, if it can be patched.
fn suitable(space: &AddressSpace, site: u64, registers: &Registers) -> Result<u32, Errno> {
    let region = space.region_at(site).ok_or(EINVAL)?;
    if !is_text(&region) || site == region.start || site + SITE > region.end() {
        return Err(EINVAL);
    }
    let mut bytes = [0; 1 + SITE as usize];
    copy_in(&mut bytes, UserAddr(site - 1))?;
    let [before, 0xb8, n0, n1, n2, n3, 0x0f, 0x05] = bytes else { return Err(EINVAL) };
    // With a REX prefix (0x40 to 0x4f) or an operand-size prefix it is another instruction.
    if matches!(before, 0x40..=0x4f | 0x66) {
        return Err(EINVAL);
    }
    let number = u32::from_le_bytes([n0, n1, n2, n3]);
    // The five bytes may be the tail of a longer instruction: then the register tells.
    if number == SIGRETURN
        || number as usize >= crate::syscall::table::NUMBERS
        || registers.syscall != i64::from(number)
    {
        return Err(EINVAL);
    }
    Ok(number)
}

fn patch(space: &AddressSpace, site: u64, number: u32) -> Result<(), Errno> {
    let stub = make_stub(space, site, number)?;
    let distance = (stub - (site + SITE)) as u32;
    let [low, high, ..] = distance.to_le_bytes();
    rewrite(site, [0x3e, 0xff, 0x25, low, high])?;
    let mut patches = space.patches.borrow_mut();
    patches.sites.insert(site, (number, stub));
    Ok(())
}

/// Writes the stub of a site; answers its address, which is that of the slot.
fn make_stub(space: &AddressSpace, site: u64, number: u32) -> Result<u64, Errno> {
    let (near, far) = (site + SITE + SLOT_NEAR, site + SITE + SLOT_FAR);
    let (stub, window) = {
        let patches = space.patches.borrow();
        let window = patches.window_of(near).ok_or(ENOMEM)?;
        let stub = patches.free_stub(near, far.min(window.1)).ok_or(ENOMEM)?;
        (stub, window)
    };
    let page = page_down(stub);
    map_window(space, window)?;
    let return_address = site + SITE;
    let mut bytes = [0x90; STUB as usize];
    bytes[..8].copy_from_slice(&(stub + 8).to_le_bytes());
    // mov eax, number
    bytes[8] = 0xb8;
    bytes[9..13].copy_from_slice(&number.to_le_bytes());
    // lea rcx, [rip + way back]
    bytes[13..16].copy_from_slice(&[0x48, 0x8d, 0x0d]);
    let back = (return_address as i64 - (stub + 20) as i64) as i32;
    bytes[16..20].copy_from_slice(&back.to_le_bytes());
    // jmp [rip + entry]: the kernel's address is the last word of the page.
    bytes[20..22].copy_from_slice(&[0xff, 0x25]);
    let entry = page + PAGE_SIZE - 8;
    bytes[22..26].copy_from_slice(&((entry - (stub + 26)) as u32).to_le_bytes());
    let page = GuestRange::new(page, PAGE_SIZE)?;
    host::protect_guest(page, RWX)?;
    let written = copy_out(UserAddr(entry), &(fast_entry as *const () as u64).to_le_bytes())
        .and_then(|()| copy_out(UserAddr(stub), &bytes));
    host::protect_guest(page, RX)?;
    written?;
    space.patches.borrow_mut().stubs.insert(stub, site);
    Ok(stub)
}

/// Maps what is not yet mapped of a window.
fn map_window(space: &AddressSpace, window: (u64, u64)) -> Result<(), Errno> {
    let mut at = window.0;
    let mut free = Vec::new();
    for part in space.parts(GuestRange::new(window.0, window.1 - window.0)?).0 {
        if !matches!(part.backing, Backing::Stubs) {
            return Err(ENOMEM);
        }
        if part.start > at {
            free.push((at, part.start));
        }
        at = part.end();
    }
    if at < window.1 {
        free.push((at, window.1));
    }
    for (start, end) in free {
        let region =
            Region { start, len: end - start, protection: RX, backing: Backing::Stubs, flags: RegionFlags::NO_RESERVE };
        space.map(region, &Content::Zero, 0)?;
    }
    Ok(())
}

/// Replaces the first five bytes of a site while other threads may run through it.
fn rewrite(site: u64, bytes: [u8; 5]) -> Result<(), Errno> {
    let start = page_down(site);
    let end = page_up(site + SITE).ok_or(EINVAL)?;
    let pages = GuestRange::new(start, end - start)?;
    let barrier = crate::syscall::memory::barrier_all;
    barrier()?;
    host::protect_guest(pages, RWX)?;
    let [first, middle @ ..] = bytes;
    let written = copy_out(UserAddr(site), &[0xcc])
        .and_then(|()| barrier())
        .and_then(|()| copy_out(UserAddr(site + 1), &middle))
        .and_then(|()| barrier())
        .and_then(|()| copy_out(UserAddr(site), &[first]));
    host::protect_guest(pages, RX)?;
    written
}

/// A range is about to be mapped anew or unmapped: its sites are gone, and those with stubs in it trap again.
pub(super) fn unmapped(space: &AddressSpace, range: GuestRange) {
    let end = range.start + range.len;
    {
        let mut patches = space.patches.borrow_mut();
        if patches.windows.is_empty() && patches.traps.is_empty() {
            return;
        }
        let inside: Vec<u64> = patches.sites.range(range.start..end).map(|(site, _)| *site).collect();
        for site in inside {
            patches.sites.remove(&site);
        }
        let counted: Vec<u64> = patches.traps.range(range.start..end).map(|(site, _)| *site).collect();
        for site in counted {
            patches.traps.remove(&site);
        }
    }
    let orphans: Vec<u64> = {
        let patches = space.patches.borrow();
        let stubs = patches.stubs.range(range.start..end);
        stubs
            .filter(|(stub, site)| patches.sites.get(site).is_some_and(|(_, of)| of == *stub))
            .map(|(_, site)| *site)
            .collect()
    };
    for site in orphans {
        restore(space, site);
    }
    let mut patches = space.patches.borrow_mut();
    let stubs: Vec<u64> = patches.stubs.range(range.start..end).map(|(stub, _)| *stub).collect();
    for stub in stubs {
        patches.stubs.remove(&stub);
    }
}

/// The protection of a range is about to change: what is no longer plain text gets its own bytes back.
pub(super) fn reprotected(space: &AddressSpace, range: GuestRange, new: u32) {
    if new == RX {
        return;
    }
    let sites: Vec<u64> =
        space.patches.borrow().sites.range(range.start..range.start + range.len).map(|(site, _)| *site).collect();
    for site in sites {
        restore(space, site);
    }
}

fn restore(space: &AddressSpace, site: u64) {
    let Some((number, _)) = space.patches.borrow_mut().sites.remove(&site) else { return };
    let [n0, n1, n2, n3] = number.to_le_bytes();
    if rewrite(site, [0xb8, n0, n1, n2, n3]).is_err() {
        crate::control::fatal("a patched system call could not be restored");
    }
    space.patches.borrow_mut().traps.insert(site, u8::MAX);
}

/// User code was interrupted: nobody sees it inside a stub.
pub fn leave_stub(space: &AddressSpace, registers: &mut Registers) {
    let patches = space.patches.borrow();
    if let Some((stub, site)) = patches.stubs.range(..=registers.rip).next_back()
        && registers.rip < stub + STUB
    {
        registers.rip = *site;
    }
}

/// User code met a breakpoint: whether it was one of a site that is being changed, to which it then returns.
pub fn met_breakpoint(space: &AddressSpace, registers: &mut Registers) -> bool {
    let Some(site) = registers.rip.checked_sub(1) else { return false };
    let mut now = [0];
    let changed = space.patches.borrow().sites.contains_key(&site) || space.patches.borrow().traps.contains_key(&site);
    if changed && copy_in(&mut now, UserAddr(site)).is_ok() && now[0] != 0xcc {
        registers.rip = site;
        return true;
    }
    false
}
