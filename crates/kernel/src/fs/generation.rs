//! `/dev/catalyzer/generation`: a 64-bit number that differs in each instance, for programs that keep what must not be
//! the same twice (generators of random numbers, identifiers). Reading gives it; `poll(2)` says that it has changed
//! since this open file was read; a shared mapping always shows it, so that looking costs no call.

use super::file::{File, Mapping, OpenFile, Stat};
use super::inode::{Inode, Place};
use crate::errno::{EACCES, EINVAL, Errno};
use crate::kernel;
use crate::local::boot_page;
use crate::mm::SharedObject;
use crate::syscall::Outcome;
use crate::user_memory::{Sink, Source};
use crate::wait::{Events, WaitQueue};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

const READY: Events = Events::IN.union(Events::RDNORM);

/// Who has to learn of a new number.
#[derive(Default)]
pub struct Generation {
    /// What shared mappings show; none when nobody has one.
    page: RefCell<Weak<SharedObject>>,
    queue: Rc<WaitQueue>,
}

impl Generation {
    /// This boot has another number than the image: tells mappings and those who wait. A boot of a program that does not
    /// use the number writes nothing here.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn changed(&self) -> Result<(), Errno> {
        if let Some(page) = self.page.borrow().upgrade() {
            page.write(0, &number())?;
        }
        self.queue.wake(READY);
        Ok(())
    }

    fn page(&self) -> Result<Rc<SharedObject>, Errno> {
        if let Some(page) = self.page.borrow().upgrade() {
            return Ok(page);
        }
        let bytes = number();
        let page = SharedObject::new(bytes.len() as u64)?;
        page.write(0, &bytes)?;
        *self.page.borrow_mut() = Rc::downgrade(&page);
        Ok(page)
    }
}

fn number() -> [u8; 8] {
    boot_page().generation.to_ne_bytes()
}

/// The open device.
pub struct GenerationFile {
    inode: Rc<Inode>,
    place: Place,
    /// The number that was read last; 0, which none is: never read.
    seen: Cell<u64>,
}

impl GenerationFile {
    /// Of this device node.
    pub fn new(inode: &Rc<Inode>, place: Place) -> Self {
        Self { inode: inode.clone(), place, seen: Cell::new(0) }
    }
}

impl File for GenerationFile {
    fn kind(&self) -> &'static str {
        "device"
    }

    fn name(&self) -> String {
        String::from_utf8_lossy(&self.place.path(&self.inode)).into_owned()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.inode.stat())
    }

    fn read(&self, _file: &OpenFile, sink: &mut dyn Sink, position: u64) -> Outcome {
        let start = usize::try_from(position).map_err(|_| EINVAL)?;
        let taken = sink.put(number().get(start..).unwrap_or_default())?;
        self.seen.set(boot_page().generation);
        Ok(taken)
    }

    fn write(&self, _file: &OpenFile, _source: &mut dyn Source, _position: u64) -> Outcome {
        Err(EACCES.into())
    }

    fn seekable(&self) -> bool {
        true
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        if self.seen.get() == boot_page().generation { Events::default() } else { READY }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(kernel().fs.generation.queue.clone())
    }

    fn map(&self, _file: &OpenFile) -> Result<Mapping, Errno> {
        Ok(Mapping::Shared(kernel().fs.generation.page()?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
