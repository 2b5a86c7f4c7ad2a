//! Content of regular files: sparse pages in memory, over a lower file where there is one. A file that is
//! mapped shared and writable keeps all of its content in the shared object from then on.

use super::lower::LowerFile;
use crate::errno::{EFAULT, EFBIG, EINVAL, EIO, ENOSPC, Errno};
use crate::kernel;
use crate::mm::SharedObject;
use crate::user_memory::{Sink, Source};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

const PAGE: u64 = 4096;
/// Longest file. Below every heap address, so that a position is never taken for a pointer.
pub const MAX_SIZE: u64 = 1 << 46;

/// Bytes that are moved at once between a shared object and somebody's buffer.
const PIECE: usize = 64 << 10;

/// See the module documentation.
#[derive(Default)]
pub struct Data {
    size: Cell<u64>,
    base: Option<LowerFile>,
    /// How far the lower file shows through.
    base_len: Cell<u64>,
    // Slices of bytes: content lives in the byte arena.
    pages: RefCell<BTreeMap<u64, Box<[u8]>>>,
    shared: RefCell<Option<Rc<SharedObject>>>,
    /// `F_ADD_SEALS`; none: can't be sealed.
    pub seals: Cell<Option<u32>>,
}

impl Data {
    /// The content of a lower file.
    pub fn over(base: LowerFile) -> Self {
        let size = base.size();
        let mut data = Self::default();
        data.size.set(size);
        data.base_len.set(size);
        data.base = Some(base);
        data
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        match self.shared.borrow().as_ref() {
            Some(object) => object.len(),
            None => self.size.get(),
        }
    }

    fn object(&self) -> Option<Rc<SharedObject>> {
        self.shared.borrow().clone()
    }

    /// The shared object that holds the content; the content moves there when it is asked for first.
    ///
    /// # Errors
    /// `ENOMEM`, and what reading the lower file says.
    pub fn share(&self) -> Result<Rc<SharedObject>, Errno> {
        if let Some(object) = self.object() {
            return Ok(object);
        }
        let object = SharedObject::of_file(self.size())?;
        let mut buffer = alloc::vec![0u8; PIECE];
        let mut at = self.first_data(0);
        while at < self.size() {
            let mut sink = buffer.as_mut_slice();
            let len = self.read(&mut sink, at)?;
            object.write(at, buffer.get(..len).unwrap_or_default())?;
            at = self.first_data(at + len as u64);
        }
        let pages = core::mem::take(&mut *self.pages.borrow_mut());
        kernel().fs.uncharge(pages.len() as u64);
        self.base_len.set(0);
        *self.shared.borrow_mut() = Some(object.clone());
        Ok(object)
    }

    /// Whether a mapping can change the content, now or after an `mprotect(2)`.
    pub fn has_writable_mappings(&self) -> bool {
        self.object().is_some_and(|object| object.has_writers())
    }

    /// The first position from `at` on that may hold something but zeros.
    fn first_data(&self, at: u64) -> u64 {
        self.seek_data(at, Sought::Data).unwrap_or(u64::MAX)
    }

    /// 512-byte units in use.
    pub fn blocks(&self) -> u64 {
        if self.shared.borrow().is_some() {
            return self.size().div_ceil(PAGE) * (PAGE / 512);
        }
        let below = self.base_len.get().div_ceil(PAGE);
        let own = self.pages.borrow().range(below..).count() as u64;
        (below + own) * (PAGE / 512)
    }

    /// The lower file, where it is all there is.
    pub fn untouched(&self) -> Option<&LowerFile> {
        let whole =
            self.pages.borrow().is_empty() && self.base_len.get() == self.size.get() && self.shared.borrow().is_none();
        self.base.as_ref().filter(|base| whole && base.size() == self.size.get())
    }

    /// The lower file below.
    pub const fn base(&self) -> Option<&LowerFile> {
        self.base.as_ref()
    }

    /// Reads until the sink is full or the file ends; answers how many bytes.
    ///
    /// # Errors
    /// `EFAULT`, or what reading the lower file says, when nothing could be read.
    pub fn read(&self, sink: &mut dyn Sink, offset: u64) -> Result<usize, Errno> {
        let mut done = 0;
        while sink.room() > 0 {
            let at = offset.saturating_add(done as u64);
            if at >= self.size() {
                break;
            }
            match self.read_piece(sink, at) {
                Ok(0) => break,
                Ok(moved) => done += moved,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn read_piece(&self, sink: &mut dyn Sink, at: u64) -> Result<usize, Errno> {
        let (index, within) = (at / PAGE, (at % PAGE) as usize);
        let left = usize::try_from(self.size() - at).unwrap_or(usize::MAX);
        if let Some(object) = self.object() {
            // Page by page, as Linux does: the sink may be a mapping of what is read.
            let mut buffer = [0; PAGE as usize];
            let len = left.min(sink.room()).min(PAGE as usize - within);
            let len = object.read(at, buffer.get_mut(..len).unwrap_or_default());
            return sink.put(buffer.get(..len).unwrap_or_default());
        }
        let next = {
            let pages = self.pages.borrow();
            if let Some(page) = pages.get(&index) {
                let piece = page.get(within..).unwrap_or_default();
                return sink.put(piece.get(..left.min(piece.len())).unwrap_or_default());
            }
            pages.range(index..).next().map_or(u64::MAX, |(page, _)| page * PAGE)
        };
        if let Some(base) = self.base.as_ref().filter(|_| at < self.base_len.get()) {
            let len = self.base_len.get().min(next) - at;
            let moved = base.read(sink, at, usize::try_from(len).unwrap_or(usize::MAX))?;
            // Shorter than it was when it was looked at.
            return if moved == 0 && sink.room() > 0 { Err(EIO) } else { Ok(moved) };
        }
        const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];
        sink.put(ZEROS.get(..left.min(ZEROS.len() - within)).unwrap_or_default())
    }

    /// Writes all of the source; answers how many bytes.
    ///
    /// # Errors
    /// `EFAULT`, `EFBIG`, `ENOSPC` when nothing could be written.
    pub fn write(&self, source: &mut dyn Source, offset: u64) -> Result<usize, Errno> {
        let mut done = 0;
        while source.left() > 0 {
            let at = offset.saturating_add(done as u64);
            let result = if at >= MAX_SIZE { Err(EFBIG) } else { self.write_piece(source, at) };
            match result {
                Ok(0) => break,
                Ok(moved) => {
                    done += moved;
                    self.size.set(self.size.get().max(at + moved as u64));
                }
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn write_piece(&self, source: &mut dyn Source, at: u64) -> Result<usize, Errno> {
        let (index, within) = (at / PAGE, (at % PAGE) as usize);
        let len = source.left().min(PAGE as usize - within);
        if let Some(object) = self.object() {
            // Page by page, as Linux does: the source may be a mapping of what is written.
            let mut buffer = [0; PAGE as usize];
            let taken = source.take(buffer.get_mut(..len).unwrap_or_default())?;
            return object.write(at, buffer.get(..taken).unwrap_or_default());
        }
        self.own_page(index)?;
        let mut pages = self.pages.borrow_mut();
        let page = pages.get_mut(&index).and_then(|page| page.get_mut(within..within + len)).ok_or(EFAULT)?;
        source.take(page)
    }

    /// Makes a page one of our own, with what it showed before.
    fn own_page(&self, index: u64) -> Result<(), Errno> {
        if self.pages.borrow().contains_key(&index) {
            return Ok(());
        }
        kernel().fs.charge(1)?;
        let mut page = alloc::vec![0u8; PAGE as usize].into_boxed_slice();
        let start = index * PAGE;
        if let Some(base) = self.base.as_ref().filter(|_| start < self.base_len.get()) {
            let len = (self.base_len.get() - start).min(PAGE) as usize;
            let mut sink = page.get_mut(..len).unwrap_or_default();
            while !sink.is_empty() {
                let at = start + (len - sink.len()) as u64;
                let room = sink.len();
                match base.read(&mut sink, at, room) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(errno) => {
                        kernel().fs.uncharge(1);
                        return Err(errno);
                    }
                }
            }
        }
        self.pages.borrow_mut().insert(index, page);
        Ok(())
    }

    /// Sets the length.
    ///
    /// # Errors
    /// `EFBIG`, and what reading a page from below says.
    pub fn truncate(&self, len: u64) -> Result<(), Errno> {
        if len > MAX_SIZE {
            return Err(EFBIG);
        }
        if let Some(object) = self.object() {
            return object.resize(len);
        }
        if len < self.size.get() {
            let within = (len % PAGE) as usize;
            // Bytes behind the end must be zero should the file grow again.
            if within != 0 && self.pages.borrow().contains_key(&(len / PAGE)) {
                let mut pages = self.pages.borrow_mut();
                if let Some(tail) = pages.get_mut(&(len / PAGE)).and_then(|page| page.get_mut(within..)) {
                    tail.fill(0);
                }
            }
            let cut = self.pages.borrow_mut().split_off(&len.div_ceil(PAGE));
            kernel().fs.uncharge(cut.len() as u64);
            self.base_len.set(self.base_len.get().min(len));
        }
        self.size.set(len);
        Ok(())
    }

    /// Makes a range zeros (`FALLOC_FL_PUNCH_HOLE`, `FALLOC_FL_ZERO_RANGE`) without changing the length.
    ///
    /// # Errors
    /// As [`Data::write`].
    pub fn zero(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset.saturating_add(len);
        if let Some(object) = self.object() {
            // Mappings show what lies behind the end in the last page.
            let end = end.min(self.size().next_multiple_of(PAGE));
            object.zero(offset, end.saturating_sub(offset));
            return Ok(());
        }
        let end = end.min(self.size());
        let mut at = offset;
        while at < end {
            let (index, within) = (at / PAGE, (at % PAGE) as usize);
            let step = (end - at).min(PAGE - within as u64);
            let below = index * PAGE < self.base_len.get();
            // The last page is whole where the file ends.
            if within == 0 && (step == PAGE || at + step == self.size()) && !below {
                if self.pages.borrow_mut().remove(&index).is_some() {
                    kernel().fs.uncharge(1);
                }
            } else if below || self.pages.borrow().contains_key(&index) {
                self.own_page(index)?;
                let mut pages = self.pages.borrow_mut();
                let range = within..within + step as usize;
                if let Some(bytes) = pages.get_mut(&index).and_then(|page| page.get_mut(range)) {
                    bytes.fill(0);
                }
            }
            at += step;
        }
        Ok(())
    }

    /// Makes all pages of below from an offset on our own, so that they can move.
    fn own_from(&self, offset: u64) -> Result<(), Errno> {
        for index in offset / PAGE..self.base_len.get().div_ceil(PAGE) {
            self.own_page(index)?;
        }
        self.base_len.set(self.base_len.get().min(offset));
        Ok(())
    }

    /// Moves the content of a shared object from one offset to another, piece by piece.
    fn move_shared(object: &Rc<SharedObject>, from: u64, to: u64, len: u64) -> Result<(), Errno> {
        let mut buffer = alloc::vec![0u8; PIECE];
        let mut done = 0;
        while done < len {
            let step = (len - done).min(PIECE as u64);
            // Upwards the last piece goes first, so that nothing is overwritten before it has moved.
            let at = if to > from { len - done - step } else { done };
            let piece = buffer.get_mut(..step as usize).ok_or(EFAULT)?;
            object.read(from + at, piece);
            object.write(to + at, piece)?;
            done += step;
        }
        Ok(())
    }

    /// `FALLOC_FL_COLLAPSE_RANGE`: takes whole pages out; what follows moves down.
    ///
    /// # Errors
    /// `EINVAL` unless the range is whole pages before the end; as [`Data::write`].
    pub fn collapse(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let size = self.size();
        if !offset.is_multiple_of(PAGE) || !len.is_multiple_of(PAGE) || offset + len >= size {
            return Err(EINVAL);
        }
        if let Some(object) = self.object() {
            Self::move_shared(&object, offset + len, offset, size - offset - len)?;
            return object.resize(size - len);
        }
        self.own_from(offset)?;
        let mut pages = self.pages.borrow_mut();
        let mut gone = pages.split_off(&(offset / PAGE));
        let kept = gone.split_off(&((offset + len) / PAGE));
        kernel().fs.uncharge(gone.len() as u64);
        pages.extend(kept.into_iter().map(|(index, page)| (index - len / PAGE, page)));
        self.size.set(size - len);
        Ok(())
    }

    /// `FALLOC_FL_INSERT_RANGE`: a hole of whole pages; what follows moves up.
    ///
    /// # Errors
    /// `EINVAL` unless the range is whole pages and begins before the end; `EFBIG`; as [`Data::write`].
    pub fn insert(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let size = self.size();
        if !offset.is_multiple_of(PAGE) || !len.is_multiple_of(PAGE) || offset >= size {
            return Err(EINVAL);
        }
        if size + len > MAX_SIZE {
            return Err(EFBIG);
        }
        if let Some(object) = self.object() {
            object.resize(size + len)?;
            Self::move_shared(&object, offset, offset + len, size - offset)?;
            object.zero(offset, len);
            return Ok(());
        }
        self.own_from(offset)?;
        let mut pages = self.pages.borrow_mut();
        let moved = pages.split_off(&(offset / PAGE));
        pages.extend(moved.into_iter().map(|(index, page)| (index + len / PAGE, page)));
        self.size.set(size + len);
        Ok(())
    }

    /// `SEEK_DATA` (`data`) and `SEEK_HOLE`: the first such position from `offset` on.
    pub fn seek_data(&self, offset: u64, data: Sought) -> Option<u64> {
        let size = self.size();
        if offset >= size {
            return None;
        }
        if self.shared.borrow().is_some() {
            return Some(if data == Sought::Data { offset } else { size });
        }
        let pages = self.pages.borrow();
        let is_data = |at: u64| at < self.base_len.get() || pages.contains_key(&(at / PAGE));
        let mut at = offset;
        while at < size {
            if is_data(at) == (data == Sought::Data) {
                return Some(at);
            }
            at = (at / PAGE + 1) * PAGE;
            if data == Sought::Data && at >= self.base_len.get() {
                // Holes may be long: go to the next page at once.
                let next = pages.range(at / PAGE..).next().map(|(index, _)| index * PAGE);
                return next.filter(|next| *next < size);
            }
        }
        (data == Sought::Hole).then_some(size)
    }
}

/// What `lseek(2)` seeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// `SEEK_DATA`.
    Data,
    /// `SEEK_HOLE`.
    Hole,
}

impl Drop for Data {
    fn drop(&mut self) {
        kernel().fs.uncharge(self.pages.borrow().len() as u64);
    }
}

/// Most pages that files may hold when the sandbox has no memory limit.
const UNLIMITED_PAGES: u64 = (2 << 30) / PAGE;

impl super::Files {
    /// Takes pages for content.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn charge(&self, pages: u64) -> Result<(), Errno> {
        let limit = match kernel().launch.borrow().memory / PAGE {
            0 => UNLIMITED_PAGES,
            limit => limit.min(UNLIMITED_PAGES),
        };
        let used = self.pages.get() + pages;
        if used > limit {
            return Err(ENOSPC);
        }
        self.pages.set(used);
        Ok(())
    }

    /// Gives pages back.
    pub fn uncharge(&self, pages: u64) {
        self.pages.set(self.pages.get().saturating_sub(pages));
    }

    /// Pages that files may hold, and those they hold.
    pub fn space(&self) -> (u64, u64) {
        let limit = match kernel().launch.borrow().memory / PAGE {
            0 => UNLIMITED_PAGES,
            limit => limit.min(UNLIMITED_PAGES),
        };
        (limit, self.pages.get())
    }
}
