//! Owner and mode of pipes and sockets that have no name in the file system: their creator's, until `fchmod(2)` or
//! `fchown(2)` says otherwise. Kept for those only that differ from root's with the usual mode.

use crate::fs::file::Stat;
use crate::heap::guest_word::ByteBox;
use crate::kernel;
use alloc::collections::BTreeMap;
use core::cell::RefCell;

/// No other permissions than it was made with.
const AS_MADE: u32 = u32::MAX;
const PERMISSIONS: u32 = 0o7777;

/// User, group and permissions by the number of the object.
#[derive(Default)]
pub struct Nameless {
    // The guest chooses all three.
    attributes: RefCell<BTreeMap<u64, ByteBox<[u32; 3]>>>,
}

impl Nameless {
    /// An object is made by the running thread.
    pub fn made(&self, number: u64) {
        let Some(thread) = kernel().running() else { return };
        let process = thread.process();
        let credentials = process.credentials.borrow();
        let (uid, gid) = (credentials.uid[3], credentials.gid[3]);
        if (uid, gid) != (0, 0) {
            self.attributes.borrow_mut().insert(number, ByteBox::new([uid, gid, AS_MADE]));
        }
    }

    /// An object is gone.
    pub fn gone(&self, number: u64) {
        self.attributes.borrow_mut().remove(&number);
    }

    /// What `stat(2)` tells of it.
    pub fn stat(&self, stat: Stat) -> Stat {
        let Some([uid, gid, mode]) = self.attributes.borrow().get(&stat.inode).map(ByteBox::load) else { return stat };
        let mode = if mode == AS_MADE { stat.mode } else { stat.mode & !PERMISSIONS | mode };
        Stat { uid, gid, mode, ..stat }
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut [u32; 3])) {
        let mut all = self.attributes.borrow_mut();
        all.entry(number).or_insert_with(|| ByteBox::new([0, 0, AS_MADE])).update(change);
    }

    /// `fchmod(2)`.
    pub fn set_mode(&self, number: u64, mode: u32) {
        self.change(number, |known| known[2] = mode & PERMISSIONS);
    }

    /// `fchown(2)`; `u32::MAX` leaves one as it is.
    pub fn set_owner(&self, number: u64, uid: u32, gid: u32) {
        self.change(number, |known| {
            known[0] = if uid == u32::MAX { known[0] } else { uid };
            known[1] = if gid == u32::MAX { known[1] } else { gid };
        });
    }
}
