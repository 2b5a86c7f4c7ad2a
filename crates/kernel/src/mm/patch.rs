//! The fast entry's sites: system-call instructions of the program that became jumps into the kernel.
//!
//! A trap costs 2.5 µs, a jump 3 ns. So a site that traps again and again is patched: the whole instructions in front
//! of its `syscall`, five bytes of them or a few more, become one jump. The `0f 05` stays: a thread between the two
//! instructions, a call that is run again after a signal, and a jump from elsewhere to the `syscall` still trap.
//!
//! The jump goes to a *stub* in the guest's memory, in the *slot window* of the module that the site is in, which lies
//! 0x050f_xxxx bytes behind it: displaced instructions, way back into `rcx`, jump to
//! [`crate::entry::asm::fast_entry`]. Most sites are `mov $nr,%eax; syscall` and become `3e ff 25 xx xx 0f 05`, a
//! `jmp *[slot]` whose upper bytes are the `0f 05`; the slot is the first word of the stub.
//!
//! Where several instructions are displaced a thread may be between them. So there stays a breakpoint (`cc`), from
//! which it goes on in the stub. That has to fit the jump: the distance, and so the stub's place, is chosen by it. In the
//! `jmp *[slot]` the last two bytes are free, in `e9 xx xx 0f 05`, a jump to the stub itself, the two behind the first.
//! Prefixes without meaning make the jump as long as what it stands for.
//!
//! Stubs and patched pages are guest memory like all other, so images hold them (an image runs on the kernel build that
//! made it only, so the entry's address stays true).
//!
//! * Patched is only text of private file mappings that nobody may write to; it keeps its protection. When a
//!   range loses that (`mprotect`), or a window is mapped over, its sites get their old bytes back; when it is
//!   unmapped, they are forgotten. Stubs are not used twice: a thread may still be on its way through one.
//! * Other threads may run through a site while it changes: breakpoints go first, then what is between them, then the
//!   first byte, with a barrier for all cores in between. Who meets the first one comes back when it is a jump.
//! * A thread that is interrupted inside a stub is taken back to the site before anybody sees its registers.

use super::decode;
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

/// Bytes of `syscall`.
const CALL: u64 = 2;
/// Bytes of a jump.
const JUMP: usize = 5;
/// Most bytes in front of a `syscall` that are displaced.
const DISPLACED: usize = 11;
/// Distance from a site to its stub: `0f 05` are the upper bytes, the lower ones are free.
const SLOT_NEAR: u64 = 0x050f_0000;
const SLOT_FAR: u64 = 0x050f_ffff;
/// Bytes of a stub: slot, displaced instructions, way back, jump.
const STUB: u64 = 32;
const SLOT: u64 = 8;
const BREAKPOINT: u8 = 0xcc;
/// Traps of a site before it is patched: patching costs about as much as six, and a page.
const TRAPS: u8 = 8;
/// Sites that are counted at most.
const MAX_COUNTED: usize = 4096;
/// `rt_sigreturn`: unwinders know a signal frame by the bytes of this site.
const SIGRETURN: u32 = 15;
const RX: u32 = protection::READ | protection::EXEC;
const RWX: u32 = RX | protection::WRITE;

/// Where a jump is and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Site {
    /// Its first byte.
    start: u64,
    /// Bytes from there to the `syscall`.
    len: usize,
    /// The free bytes of the jump that are breakpoints: bit 0 the one right behind its opcode, bit 1 the next.
    breakpoints: [bool; 2],
    /// The jump goes to the stub itself, not through its slot.
    direct: bool,
}

impl Site {
    /// The `syscall`.
    const fn call(&self) -> u64 {
        self.start + self.len as u64
    }

    /// What the lower bytes of the jump are counted from to find the stub.
    const fn base(&self) -> u64 {
        if self.direct { self.call() - SLOT } else { self.call() + CALL }
    }

    /// The jump to a stub.
    fn jump(&self, stub: u64) -> [u8; DISPLACED] {
        let [low, high, ..] = (stub - self.base()).to_le_bytes();
        let mut bytes = [0x3e; DISPLACED];
        let jump = if self.direct { [0xe9, low, high, 0x0f, 0x05] } else { [0x3e, 0xff, 0x25, low, high] };
        bytes[self.len - JUMP..self.len].copy_from_slice(&jump);
        bytes
    }

    /// Offsets of the breakpoints.
    fn inner(&self) -> impl Iterator<Item = usize> + use<> {
        let first = if self.direct { self.len - 4 } else { self.len - 2 };
        self.breakpoints.into_iter().enumerate().filter(|(_, here)| *here).map(move |(byte, _)| first + byte)
    }
}

/// What an address space knows of its sites. All addresses are the guest's.
#[derive(Clone, Default)]
pub struct Patches {
    /// Patched sites by their first byte, and their stub.
    sites: BTreeMap<u64, (Site, u64)>,
    /// Stubs: the site each was made for; also of sites that are gone.
    stubs: BTreeMap<u64, Site>,
    /// How often a `syscall` trapped that is not patched; `u8::MAX`: never to be patched.
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

    /// A place for a site's stub in a window: in a page that has some already, else near the middle, so that sites
    /// before and behind can share its page.
    fn free_stub(&self, site: &Site, window: (u64, u64)) -> Option<u64> {
        let base = site.base();
        let [low, high] = site.breakpoints;
        let places = || {
            // From the middle on, and around.
            (0x80..0x180u64)
                .map(|byte| byte & 0xff)
                .filter(move |byte| !high || *byte == u64::from(BREAKPOINT))
                .flat_map(move |upper| {
                    let here = base + SLOT_NEAR + (upper << 8);
                    let lower = (0..0x100).filter(move |byte| match low {
                        true => *byte == u64::from(BREAKPOINT),
                        false => (here + *byte).is_multiple_of(STUB),
                    });
                    lower.map(move |lower| here + lower)
                })
        };
        let free = |stub: &u64| {
            // The last word of a page holds the kernel's address.
            let page_end = page_down(*stub) + PAGE_SIZE - 8;
            let fits = *stub >= window.0 && stub + STUB <= window.1 && stub + STUB <= page_end;
            fits && self.stubs.range(stub - STUB + 1..stub + STUB).next().is_none()
        };
        let shares = |stub: &u64| {
            let page = page_down(*stub);
            self.stubs.range(page..page + PAGE_SIZE).next().is_some()
        };
        places().find(|stub| shares(stub) && free(stub)).or_else(|| places().find(free))
    }
}

/// A region was mapped: reserves the slot window of text.
pub(super) fn mapped(space: &AddressSpace, region: &Region) {
    if !is_text(region) {
        return;
    }
    let start = page_down(region.start + SLOT_NEAR);
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
    let Some(call) = registers.rip.checked_sub(CALL) else { return };
    {
        let mut patches = space.patches.borrow_mut();
        if patches.traps.len() >= MAX_COUNTED && !patches.traps.contains_key(&call) {
            return;
        }
        let count = patches.traps.entry(call).or_insert(0);
        if *count == u8::MAX {
            return;
        }
        *count += 1;
        if *count < TRAPS {
            return;
        }
    }
    let outcome = suitable(space, call, registers).and_then(|site| patch(space, site));
    let mut patches = space.patches.borrow_mut();
    match outcome {
        Ok(()) => patches.traps.remove(&call),
        Err(_) => patches.traps.insert(call, u8::MAX),
    };
}

/// What can be patched of a `syscall` that trapped.
fn suitable(space: &AddressSpace, call: u64, registers: &Registers) -> Result<Site, Errno> {
    let region = space.region_at(call).ok_or(EINVAL)?;
    let context = (call - region.start).min(decode::CONTEXT as u64) as usize;
    if !is_text(&region) || call + CALL > region.end() || registers.syscall == i64::from(SIGRETURN) {
        return Err(EINVAL);
    }
    let mut bytes = [0; decode::CONTEXT];
    let code = &mut bytes[..context];
    copy_in(code, UserAddr(call - context as u64))?;
    let site = match mov_of_number(code, registers.syscall) {
        true => Site { start: call - JUMP as u64, len: JUMP, breakpoints: [false; 2], direct: false },
        false => site_of(call, &decode::before(code)).ok_or(EINVAL)?,
    };
    // A site is mapped as a whole.
    if page_down(site.start) != page_down(call + CALL - 1) { Err(EINVAL) } else { Ok(site) }
}

/// Whether code ends with `mov $nr,%eax` for this number.
fn mov_of_number(code: &[u8], number: i64) -> bool {
    let [.., before, 0xb8, n0, n1, n2, n3] = code else { return false };
    // With a REX prefix (0x40 to 0x4f) or an operand-size prefix it is another instruction; and the five bytes may be
    // the tail of a longer one: then the register tells.
    let number_there = u32::from_le_bytes([*n0, *n1, *n2, *n3]);
    !matches!(before, 0x40..=0x4f | 0x66) && number == i64::from(number_there)
}

/// What of the instructions in front of a `syscall`, the last one first, makes room for a jump.
fn site_of(call: u64, instructions: &[decode::Instruction]) -> Option<Site> {
    let mut len = 0;
    // Whether an instruction begins so many bytes ahead.
    let mut begins = [false; JUMP];
    for instruction in instructions {
        if !instruction.movable {
            return None;
        }
        len += instruction.len;
        match begins.get_mut(len) {
            Some(begin) => *begin = true,
            None => break,
        }
    }
    if !(JUMP..=DISPLACED).contains(&len) {
        return None;
    }
    let start = call - len as u64;
    match begins {
        [_, high, low, false, false] => Some(Site { start, len, breakpoints: [low, high], direct: false }),
        [_, false, false, high, low] => Some(Site { start, len, breakpoints: [low, high], direct: true }),
        _ => None,
    }
}

fn patch(space: &AddressSpace, site: Site) -> Result<(), Errno> {
    let stub = make_stub(space, site)?;
    rewrite(&site, &site.jump(stub)[..site.len])?;
    space.patches.borrow_mut().sites.insert(site.start, (site, stub));
    Ok(())
}

/// Writes the stub of a site; answers its address, which is that of the slot.
fn make_stub(space: &AddressSpace, site: Site) -> Result<u64, Errno> {
    let (stub, window) = {
        let patches = space.patches.borrow();
        let window = patches.window_of(site.base() + SLOT_NEAR + (SLOT_FAR - SLOT_NEAR) / 2).ok_or(ENOMEM)?;
        (patches.free_stub(&site, window).ok_or(ENOMEM)?, window)
    };
    let page = page_down(stub);
    map_window(space, window)?;
    let mut bytes = [0x90; STUB as usize];
    let (slot, code) = bytes.split_at_mut(SLOT as usize);
    slot.copy_from_slice(&(stub + SLOT).to_le_bytes());
    let (displaced, code) = code.split_at_mut(site.len);
    copy_in(displaced, UserAddr(site.start))?;
    // lea rcx, [rip + way back]
    let here = stub + SLOT + site.len as u64;
    code[..3].copy_from_slice(&[0x48, 0x8d, 0x0d]);
    let back = (site.call() + CALL) as i64 - (here + 7) as i64;
    code[3..7].copy_from_slice(&(back as i32).to_le_bytes());
    // jmp [rip + entry]: the kernel's address is the last word of the page.
    code[7..9].copy_from_slice(&[0xff, 0x25]);
    let entry = page + PAGE_SIZE - 8;
    code[9..13].copy_from_slice(&((entry - (here + 13)) as u32).to_le_bytes());
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

/// Replaces the bytes in front of a site's `syscall` while other threads may run through them.
fn rewrite(site: &Site, bytes: &[u8]) -> Result<(), Errno> {
    let start = page_down(site.start);
    let pages = GuestRange::new(start, PAGE_SIZE)?;
    let barrier = crate::syscall::memory::barrier_all;
    let put =
        |offset: usize, bytes: &[u8]| copy_out(UserAddr(site.start + offset as u64), bytes).and_then(|()| barrier());
    let mut guarded = [0; DISPLACED];
    let guarded = &mut guarded[..site.len];
    guarded.copy_from_slice(bytes);
    guarded[0] = BREAKPOINT;
    site.inner().for_each(|offset| guarded[offset] = BREAKPOINT);
    barrier()?;
    host::protect_guest(pages, RWX)?;
    // Whoever is at an instruction of the site meets a breakpoint from here on, or is past it.
    let written = put(0, &[BREAKPOINT])
        .and_then(|()| site.inner().try_for_each(|offset| put(offset, &[BREAKPOINT])))
        .and_then(|()| put(0, guarded))
        .and_then(|()| site.inner().try_for_each(|offset| put(offset, &bytes[offset..=offset])))
        .and_then(|()| put(0, &bytes[..1]));
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
            .filter(|(stub, site)| patches.sites.get(&site.start).is_some_and(|(_, of)| of == *stub))
            .map(|(_, site)| site.start)
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

fn restore(space: &AddressSpace, start: u64) {
    let Some((site, stub)) = space.patches.borrow_mut().sites.remove(&start) else { return };
    let mut bytes = [0; DISPLACED];
    let bytes = &mut bytes[..site.len];
    if copy_in(bytes, UserAddr(stub + SLOT)).and_then(|()| rewrite(&site, bytes)).is_err() {
        crate::control::fatal("a patched system call could not be restored");
    }
    space.patches.borrow_mut().traps.insert(site.call(), u8::MAX);
}

/// User code was interrupted: nobody sees it inside a stub.
pub fn leave_stub(space: &AddressSpace, registers: &mut Registers) {
    let patches = space.patches.borrow();
    if let Some((stub, site)) = patches.stubs.range(..=registers.rip).next_back()
        && registers.rip < stub + STUB
    {
        // What was displaced and has been done is done; the `syscall` itself is still there.
        let done = (registers.rip - stub).saturating_sub(SLOT);
        registers.rip = site.start + done.min(site.len as u64);
    }
}

/// User code met a breakpoint: whether it was one of a site. It then goes on in the stub, or where it was.
pub fn met_breakpoint(space: &AddressSpace, registers: &mut Registers) -> bool {
    let Some(at) = registers.rip.checked_sub(1) else { return false };
    let mut now = [0];
    if copy_in(&mut now, UserAddr(at)).is_err() {
        return false;
    }
    let patches = space.patches.borrow();
    let near = at..=at + DISPLACED as u64;
    let site = patches.sites.range(..=at).next_back().filter(|(_, (site, _))| at < site.call());
    if now != [BREAKPOINT] {
        // It was there while the site changed.
        let changed = site.is_some() || patches.traps.range(near).next().is_some();
        if changed {
            registers.rip = at;
        }
        return changed;
    }
    match site {
        Some((start, (site, stub))) if site.inner().any(|offset| start + offset as u64 == at) => {
            registers.rip = stub + SLOT + (at - start);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decode::Instruction;

    fn lengths(lens: &[usize]) -> Vec<Instruction> {
        lens.iter().map(|len| Instruction { len: *len, movable: true }).collect()
    }

    #[test]
    fn whole_instructions_make_room() {
        // The end of libc's `syscall`.
        let site = site_of(0x1000, &lengths(&[5, 3])).unwrap();
        assert_eq!((site.start, site.len, site.breakpoints, site.direct), (0xffb, 5, [false; 2], false));
        // `mov 8(%rsp),%edi; xor %eax,%eax`, `mov $nr,%eax; mov 4(%rsp),%edi`, three moves of Go's `Syscall6`.
        let site = site_of(0x1000, &lengths(&[2, 4])).unwrap();
        assert_eq!((site.len, site.direct, site.inner().collect::<Vec<_>>()), (6, false, alloc::vec![4]));
        let site = site_of(0x1000, &lengths(&[4, 5])).unwrap();
        assert_eq!((site.len, site.direct, site.inner().collect::<Vec<_>>()), (9, true, alloc::vec![5]));
        let site = site_of(0x1000, &lengths(&[3, 3, 3])).unwrap();
        assert_eq!((site.len, site.direct, site.inner().collect::<Vec<_>>()), (6, true, alloc::vec![3]));
        // Breakpoints at places that the jump needs itself; too little; too much; not to be moved.
        assert_eq!(site_of(0x1000, &lengths(&[2, 2, 5])), None);
        assert_eq!(site_of(0x1000, &lengths(&[2, 2])), None);
        assert_eq!(site_of(0x1000, &lengths(&[4, 8])), None);
        assert_eq!(site_of(0x1000, &[Instruction { len: 5, movable: false }]), None);
    }

    #[test]
    fn jumps_end_in_the_stub_and_keep_their_breakpoints() {
        for lens in [&[5][..], &[7], &[2, 4], &[1, 1, 9], &[4, 5], &[3, 3], &[3, 1, 6]] {
            for call in [0x7f00_0000_1000u64, 0x40_2f3b, 0x7f12_3456_7ff1] {
                let site = site_of(call, &lengths(lens)).unwrap();
                let window = (page_down(call + SLOT_NEAR) - PAGE_SIZE, page_down(call + SLOT_FAR) + 2 * PAGE_SIZE);
                let patches = Patches::default();
                let stub = patches.free_stub(&site, window).unwrap();
                let jump = &site.jump(stub)[..site.len];
                let (rest, jump_bytes) = jump.split_at(site.len - JUMP);
                assert!(rest.iter().all(|byte| *byte == 0x3e));
                for offset in site.inner() {
                    assert_eq!(jump[offset], BREAKPOINT, "{site:?} {jump:x?}");
                }
                if site.direct {
                    let distance = i32::from_le_bytes(jump[site.len - 4..].try_into().unwrap());
                    assert_eq!(jump_bytes[0], 0xe9);
                    assert_eq!(call.wrapping_add_signed(i64::from(distance)), stub + SLOT, "{site:?}");
                } else {
                    let [low, high] = jump[site.len - 2..] else { panic!() };
                    let distance = u32::from_le_bytes([low, high, 0x0f, 0x05]);
                    assert_eq!(call + CALL + u64::from(distance), stub, "{site:?}");
                }
            }
        }
    }

    #[test]
    fn stubs_never_overlap() {
        let mut patches = Patches::default();
        let window = (0x7f00_050f_0000, 0x7f00_0520_0000);
        let mut found: Vec<u64> = Vec::new();
        for n in 0..600u64 {
            let lens = [&[5][..], &[2, 4], &[4, 5], &[3, 3]][n as usize % 4];
            let site = site_of(0x7f00_0000_1000 + 37 * n, &lengths(lens)).unwrap();
            let Some(stub) = patches.free_stub(&site, window) else { continue };
            patches.stubs.insert(stub, site);
            found.push(stub);
        }
        assert!(found.len() > 400, "only {} found a place", found.len());
        found.sort_unstable();
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] >= STUB));
        assert!(found.iter().all(|stub| stub % PAGE_SIZE <= PAGE_SIZE - 8 - STUB));
    }
}
