//! Memory that several mappings share, or mappings and `read(2)`.
//!
//! A [`SharedObject`] lies in a window of the kernel's part of the address space, as a shared mapping of the
//! host; a mapping of the guest is a second mapping of the same pages (`mremap` with an old length of 0), so the
//! kernel reaches the content through the window whatever the guest did to its own mappings. A file of the
//! upper layer that is mapped keeps its content here from then on.
//!
//! Objects of files lie in the *arena*: memory that the monitor gives on first need, mapped as a whole. A private
//! mapping of a file is a private mapping of that memory, so that the host copies a page when it is written to and
//! shows the file's content until then. Pages behind the end of the content are not accessible to the guest
//! ([`super::view`]): there Linux answers `SIGBUS`.
//!
//! Once the sandbox has several host processes ([`crate::task::share`]) all new objects lie in the arena, which each of
//! them maps; those from before are inherited with their windows. A host process changes its own mappings only: what
//! others show of a content that grew is made right when they touch it, and a content that others show can't move.
//!
//! # Safety
//! A window belongs to its object from its making to its drop, and is readable and writable. Guest threads
//! write to the same pages, so the kernel reads and writes them with the copy routine only and never makes a
//! reference to them.
#![allow(unsafe_code)]

use super::page_up;
use crate::errno::{ENOMEM, Errno};
use crate::host::{self, GuestRange, HostFd, map_flags, protection};
use crate::kernel;
use abi::layout::{ARENA, HEAPS, MEMORY_ARENA, PAGE_SIZE, SHARED};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering::Relaxed;

/// All shared objects, by the address of their window.
#[derive(Default)]
pub struct SharedMemory {
    windows: RefCell<BTreeMap<u64, Window>>,
}

struct Window {
    len: u64,
    object: Weak<SharedObject>,
    /// The content in an image, up to its last byte that is not zero; empty while the window is mapped.
    packed: Vec<u8>,
}

impl SharedMemory {
    /// The objects that are alive.
    pub fn objects(&self) -> Vec<Rc<SharedObject>> {
        self.windows.borrow().values().filter_map(|window| window.object.upgrade()).collect()
    }

    /// Finds the pages that private mappings of the calling host process have for themselves, for an image. Nothing else runs.
    pub fn note_own_pages(&self) {
        for object in self.objects() {
            for process in processes() {
                process.space().note_own_pages(&object, super::view::Probe::Change);
            }
        }
    }

    /// Copies all content to the heap, for an image: the windows are no part of it.
    pub fn pack(&self) {
        for object in self.objects() {
            let (mut content, mut at) = (Vec::new(), 0);
            let mut page = [0; PAGE_SIZE as usize];
            // With what mappings show behind the end in the last page.
            while at < object.len() {
                object.page(at, &mut page);
                if let Some(last) = page.iter().rposition(|byte| *byte != 0) {
                    content.resize(at as usize, 0);
                    content.extend_from_slice(&page[..=last]);
                }
                at += PAGE_SIZE;
            }
            if let Some(window) = self.windows.borrow_mut().get_mut(&object.window.get()) {
                window.packed = content;
            }
        }
    }

    /// Makes windows and mappings anew from what [`Self::pack`] kept, in each boot: instances share nothing.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn unpack(&self) -> Result<(), Errno> {
        for object in self.objects() {
            let (start, room) = object.window();
            if start >= ARENA {
                need_arena()?;
            } else {
                map_window(start, room)?;
            }
            let content = self.windows.borrow_mut().get_mut(&start).map(|window| core::mem::take(&mut window.packed));
            object.refill(&content.unwrap_or_default());
            for process in processes() {
                process.space().show_again(&object)?;
            }
        }
        Ok(())
    }

    /// The lowest free range of a part of the window area.
    fn find(&self, len: u64, part: core::ops::Range<u64>) -> Option<u64> {
        let mut candidate = part.start;
        for (start, window) in self.windows.borrow().range(part.clone()) {
            if start - candidate >= len {
                break;
            }
            candidate = start + window.len;
        }
        (candidate.checked_add(len)? <= part.end).then_some(candidate)
    }

    /// Whether a range that begins where a window ends is free.
    fn is_free(&self, start: u64, end: u64) -> bool {
        let limit = if start > ARENA { HEAPS } else { ARENA };
        end <= limit && self.windows.borrow().range(start..end).next().is_none()
    }

    fn enter(&self, object: &Rc<SharedObject>) {
        let window = Window { len: object.room.get(), object: Rc::downgrade(object), packed: Vec::new() };
        self.windows.borrow_mut().insert(object.window.get(), window);
    }
}

/// See the module documentation.
pub struct SharedObject {
    /// Tells it from others, for futexes.
    pub number: u64,
    window: Cell<u64>,
    /// Bytes of the window, whole pages.
    room: Cell<u64>,
    /// Bytes of content.
    len: Cell<u64>,
}

/// Room that an object gets at least when it can grow.
const GROWTH: u64 = 1 << 20;
/// Room that the object of a file gets, when there is that much: it costs nothing until it is used.
const FILE_ROOM: u64 = 64 << 20;

impl SharedObject {
    /// Zeros, `len` bytes of them; not to be mapped privately.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(len: u64) -> Result<Rc<Self>, Errno> {
        let room = page_up(len.max(1)).ok_or(ENOMEM)?;
        let window = make_window(room)?;
        Ok(Self::at(window, room, len))
    }

    /// Zeros, `len` bytes of them, in the arena.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn of_file(len: u64) -> Result<Rc<Self>, Errno> {
        if need_arena().is_err() {
            return Self::new(len);
        }
        let exact = page_up(len.max(1)).ok_or(ENOMEM)?;
        let rooms = [exact.saturating_mul(4).max(FILE_ROOM), exact.saturating_add(GROWTH), exact];
        let find = |room| Some((kernel().shared.find(room, ARENA..HEAPS)?, room));
        let (window, room) = rooms.into_iter().find_map(find).ok_or(ENOMEM)?;
        Ok(Self::at(window, room, len))
    }

    fn at(window: u64, room: u64, len: u64) -> Rc<Self> {
        let number = kernel().tasks.next_space();
        let object = Rc::new(Self { number, window: Cell::new(window), room: Cell::new(room), len: Cell::new(len) });
        kernel().shared.enter(&object);
        object
    }

    /// The host's file that holds the content, and where `offset` lies in it; none outside the arena.
    pub fn source(&self, offset: u64) -> Option<(HostFd, u64)> {
        let memory = kernel().control.memory.get()?;
        let within = self.window.get().checked_sub(ARENA)?;
        Some((memory, MEMORY_ARENA + within + offset))
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len.get()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    /// Its window: address and length.
    pub fn window(&self) -> (u64, u64) {
        (self.window.get(), self.room.get())
    }

    /// How many pages of it the host holds.
    pub fn resident(&self) -> u64 {
        let (start, end) = (self.window.get(), self.window.get() + page_up(self.len.get()).unwrap_or(0));
        let mut pages = [0; 256];
        let mut count = 0;
        for at in (start..end).step_by(pages.len() * PAGE_SIZE as usize) {
            let len = (end - at).min(pages.len() as u64 * PAGE_SIZE);
            if host::resident_pages(at, len, &mut pages).is_ok() {
                count += pages.iter().take((len / PAGE_SIZE) as usize).filter(|page| **page != 0).count() as u64;
            }
        }
        count
    }

    /// Reads from a position; answers how many bytes there were.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let len = self.len.get().saturating_sub(offset).min(into.len() as u64) as usize;
        // SAFETY: within the window; `into` is ours.
        let left =
            unsafe { crate::entry::copy_user(into.as_mut_ptr(), (self.window.get() + offset) as *const u8, len) };
        len - left
    }

    /// The page at a position, with what lies behind the end of the content.
    pub fn page(&self, offset: u64, into: &mut [u8; PAGE_SIZE as usize]) {
        if offset.checked_add(PAGE_SIZE).is_some_and(|end| end <= self.room.get()) {
            // SAFETY: within the window; `into` is ours.
            unsafe {
                crate::entry::copy_user(into.as_mut_ptr(), (self.window.get() + offset) as *const u8, into.len());
            }
        }
    }

    /// Writes at a position, growing the object; answers how many bytes were written.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn write(self: &Rc<Self>, offset: u64, from: &[u8]) -> Result<usize, Errno> {
        let end = offset.checked_add(from.len() as u64).ok_or(ENOMEM)?;
        if end > self.len.get() {
            self.resize(end)?;
        }
        // SAFETY: within the window, which holds no Rust objects.
        let left =
            unsafe { crate::entry::copy_user((self.window.get() + offset) as *mut u8, from.as_ptr(), from.len()) };
        Ok(from.len() - left)
    }

    /// Puts back what an image has kept of it.
    fn refill(&self, content: &[u8]) {
        let len = (content.len() as u64).min(self.room.get()) as usize;
        // SAFETY: within the window, which holds no Rust objects.
        unsafe { crate::entry::copy_user(self.window.get() as *mut u8, content.as_ptr(), len) };
    }

    /// Changes the length. What is beyond it is zero when it comes back.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn resize(self: &Rc<Self>, len: u64) -> Result<(), Errno> {
        let old = self.len.get();
        if len > self.room.get() {
            self.grow(len)?;
        }
        // What mappings wrote behind the end in the last page is no content.
        self.clear(len.min(old), page_up(old).unwrap_or(old));
        self.len.set(len);
        let (old, new) = (page_up(old).unwrap_or(old), page_up(len).unwrap_or(len));
        if old != new {
            for process in processes() {
                process.space().show_part(self, old.min(new), old.max(new))?;
            }
        }
        Ok(())
    }

    /// Fills a part with zeros (`MADV_REMOVE`).
    pub fn zero(&self, offset: u64, len: u64) {
        self.clear(offset.min(self.room.get()), offset.saturating_add(len).min(self.room.get()));
    }

    /// Whole pages are given back to the host, what is left is overwritten.
    fn clear(&self, from: u64, to: u64) {
        const ZEROS: [u8; PAGE_SIZE as usize] = [0; PAGE_SIZE as usize];
        let mut at = from;
        while at < to {
            let whole = super::page_down(to);
            if at.is_multiple_of(PAGE_SIZE) && at < whole {
                // SAFETY: within the window, which holds no Rust objects.
                unsafe { host::remove(self.window.get() + at, whole - at) };
                at = whole;
                continue;
            }
            let step = (to - at).min(PAGE_SIZE - at % PAGE_SIZE);
            // SAFETY: within the window, which holds no Rust objects.
            unsafe { crate::entry::copy_user((self.window.get() + at) as *mut u8, ZEROS.as_ptr(), step as usize) };
            at += step;
        }
    }

    /// More room: in place where the window's neighbour is far enough. Else the content moves, and the guest's mappings
    /// follow; what the guest writes to them from another thread meanwhile may be lost, so room is given generously.
    fn grow(self: &Rc<Self>, len: u64) -> Result<(), Errno> {
        let (old, old_room) = (self.window.get(), self.room.get());
        let room = page_up(len.max(GROWTH)).and_then(|len| len.checked_mul(2)).ok_or(ENOMEM)?;
        if let Some(end) = old.checked_add(room)
            && kernel().shared.is_free(old + old_room, end)
        {
            if old < ARENA {
                map_window(old + old_room, room - old_room)?;
            }
            self.room.set(room);
            kernel().shared.enter(self);
            return Ok(());
        }
        if shows_elsewhere(self) {
            kernel().note_unsupported("growing a file far while several processes map it");
            return Err(ENOMEM);
        }
        let in_arena = old >= ARENA;
        let window =
            if in_arena { kernel().shared.find(room, ARENA..HEAPS).ok_or(ENOMEM)? } else { make_window(room)? };
        // SAFETY: both windows are ours and hold no Rust objects.
        unsafe { crate::entry::copy_user(window as *mut u8, old as *const u8, self.len.get() as usize) };
        for process in processes() {
            process.space().note_own_pages(self, super::view::Probe::Compare);
        }
        self.window.set(window);
        self.room.set(room);
        kernel().shared.windows.borrow_mut().remove(&old);
        kernel().shared.enter(self);
        for process in processes() {
            process.space().show_again(self)?;
        }
        give_back(old, old_room);
        Ok(())
    }

    /// Whether a shared mapping can write to it, now or after an `mprotect(2)`.
    pub fn has_writers(self: &Rc<Self>) -> bool {
        let all = kernel().tasks.processes.borrow();
        all.values().any(|process| process.space().may_write(self))
    }

    /// Makes guest addresses a mapping of the content from `offset` on.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn alias(&self, offset: u64, to: GuestRange) -> Result<(), Errno> {
        host::alias_guest(self.window.get() + offset, to)
    }
}

impl Drop for SharedObject {
    fn drop(&mut self) {
        kernel().shared.windows.borrow_mut().remove(&self.window.get());
        give_back(self.window.get(), self.room.get());
    }
}

/// The guest processes whose memory is the calling host process's.
fn processes() -> Vec<Rc<crate::task::Process>> {
    let own = crate::local::local().host.load(Relaxed);
    let all = kernel().tasks.processes.borrow();
    all.values().filter(|process| process.space().host.get() == own).cloned().collect()
}

/// Whether another host process than the calling one has a mapping of an object.
fn shows_elsewhere(object: &Rc<SharedObject>) -> bool {
    let own = crate::local::local().host.load(Relaxed);
    let all = kernel().tasks.processes.borrow();
    all.values().any(|process| process.space().host.get() != own && process.space().shows(object))
}

/// Maps the arena, once a boot.
///
/// # Errors
/// `ENOMEM`.
pub fn need_arena() -> Result<(), Errno> {
    if cfg!(test) {
        return Err(ENOMEM);
    }
    if kernel().control.memory.get().is_some() {
        return Ok(());
    }
    let memory = crate::control::memory()?;
    let flags = map_flags::SHARED | map_flags::FIXED | map_flags::NORESERVE;
    let source = Some((memory, MEMORY_ARENA));
    // SAFETY: nothing lies there before, and no Rust objects ever.
    let mapped = unsafe { host::map(ARENA, HEAPS - ARENA, protection::READ | protection::WRITE, flags, source) };
    if mapped.is_err() {
        kernel().control.memory.close();
    }
    mapped.map(drop)
}

/// A window that no object has any more; the guest's mappings of it hold references.
fn give_back(window: u64, room: u64) {
    if window >= ARENA {
        // SAFETY: in the arena, which stays mapped, and holds no Rust objects.
        unsafe { host::remove(window, room) };
    } else {
        // SAFETY: a window holds no Rust objects.
        let _ = unsafe { host::unmap(window, room) };
    }
}

fn make_window(room: u64) -> Result<u64, Errno> {
    if crate::local::common().is_some() {
        return kernel().shared.find(room, ARENA..HEAPS).ok_or(ENOMEM);
    }
    map_window(kernel().shared.find(room, SHARED..ARENA).ok_or(ENOMEM)?, room)
}

fn map_window(window: u64, room: u64) -> Result<u64, Errno> {
    let flags = map_flags::SHARED | map_flags::ANONYMOUS | map_flags::FIXED | map_flags::NORESERVE;
    // SAFETY: a free range of the window area, which holds no Rust objects.
    unsafe { host::map(window, room, protection::READ | protection::WRITE, flags, None) }
}
