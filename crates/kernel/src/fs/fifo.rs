//! FIFOs: names of pipes.

use super::file::{OpenFile, OpenFlags, Stat};
use super::inode::{Inode, Place};
use crate::errno::Errno;
use crate::ipc::pipe::{FifoName, Pipe};
use crate::syscall::{Context, Stop};
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::RefCell;

/// The pipe of a FIFO's inode, made when it is opened first.
#[derive(Default)]
pub struct Fifo(RefCell<Option<Rc<Pipe>>>);

struct Name {
    inode: Rc<Inode>,
    place: Place,
}

impl FifoName for Name {
    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.inode.stat())
    }

    fn inode(&self) -> Rc<Inode> {
        self.inode.clone()
    }

    fn path(&self) -> String {
        String::from_utf8_lossy(&self.place.path(&self.inode)).into_owned()
    }
}

/// Opens a FIFO (`fifo(7)`).
///
/// # Errors
/// `ENXIO`, and [`Stop::Wait`] until the other side opens it, too.
pub fn open(
    context: &Context<'_>,
    fifo: &Fifo,
    inode: &Rc<Inode>,
    place: Place,
    flags: OpenFlags,
) -> Result<Rc<OpenFile>, Stop> {
    let pipe = fifo.0.borrow_mut().get_or_insert_with(Pipe::new).clone();
    pipe.open(context, flags, Rc::new(Name { inode: inode.clone(), place }))
}
