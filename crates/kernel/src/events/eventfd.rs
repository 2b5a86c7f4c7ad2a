//! `eventfd(2)`: a counter that can be waited for.

use crate::errno::{EINVAL, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::heap::guest_word::ByteBox;
use crate::syscall::Outcome;
use crate::user_memory::{Sink, Source};
use crate::wait::{Events, WaitQueue};
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::RefCell;

/// The counter.
pub struct EventFd {
    // The guest chooses its value.
    counter: RefCell<ByteBox<u64>>,
    semaphore: bool,
    queue: Rc<WaitQueue>,
}

/// The counter never gets there by a write.
const FULL: u64 = u64::MAX;

impl EventFd {
    /// Opens a new one.
    pub fn open(initial: u32, semaphore: bool, flags: OpenFlags) -> Rc<OpenFile> {
        let counter = RefCell::new(ByteBox::new(u64::from(initial)));
        OpenFile::new(Rc::new(Self { counter, semaphore, queue: WaitQueue::new() }), flags | OpenFlags::RDWR)
    }
}

impl File for EventFd {
    fn kind(&self) -> &'static str {
        "eventfd"
    }

    fn name(&self) -> String {
        "anon_inode:[eventfd]".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        if sink.room() < 8 {
            return Err(EINVAL.into());
        }
        let counter = self.counter.borrow().load();
        if counter == 0 {
            return Err(file.block(&self.queue, Events::IN, "eventfd: a count"));
        }
        let value = if self.semaphore { 1 } else { counter };
        // As Linux: what can't be handed over is lost.
        self.counter.borrow_mut().store(counter - value);
        self.queue.wake(Events::OUT | Events::WRNORM);
        sink.put(&value.to_ne_bytes())?;
        Ok(8)
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        if source.left() != 8 {
            return Err(EINVAL.into());
        }
        let mut bytes = [0; 8];
        source.take(&mut bytes)?;
        let value = u64::from_ne_bytes(bytes);
        if value == FULL {
            return Err(EINVAL.into());
        }
        let counter = self.counter.borrow().load();
        if value >= FULL - counter {
            return Err(file.block(&self.queue, Events::OUT, "eventfd: room"));
        }
        self.counter.borrow_mut().store(counter + value);
        self.queue.wake(Events::IN | Events::RDNORM);
        Ok(8)
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        let counter = self.counter.borrow().load();
        let mut ready = Events::empty();
        ready.set(Events::IN, counter > 0);
        ready.set(Events::OUT, counter < FULL - 1);
        ready
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.queue.clone())
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
