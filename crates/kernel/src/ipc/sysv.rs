//! System V message queues, semaphores and shared memory (`sysvipc(7)`): objects with keys, found by numbers.

pub mod memory;
pub mod messages;
pub mod semaphores;

use crate::errno::{EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM, Errno};
use crate::heap::guest_word::ByteBox;
use crate::task::capability::{CAP_IPC_OWNER, CAP_SYS_ADMIN};
use crate::task::process::Credentials;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::cell::{Cell, RefCell};

/// `IPC_PRIVATE`.
const PRIVATE: i32 = 0;
/// `IPCMNI`: an object's number is its place, and how often the places were gone through above that.
const PLACES: u32 = 1 << 15;

bitflags! {
    /// `IPC_*` of the calls that get and use objects.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct GetFlags: u32 {
        /// `IPC_CREAT`.
        const CREAT = 0o1000;
        /// `IPC_EXCL`.
        const EXCL = 0o2000;
    }
}

/// Wants to read, or to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Permission to read.
    Read,
    /// Permission to write ("alter").
    Write,
}

impl Access {
    fn bits(self) -> u32 {
        match self {
            Self::Read => 0o444,
            Self::Write => 0o222,
        }
    }
}

/// `struct ipc_perm`: key, owner, group, creator, creator's group, mode.
pub struct Owner {
    // The guest chooses all of them.
    words: RefCell<ByteBox<[u32; 6]>>,
}

impl Owner {
    fn new(key: i32, mode: u32, caller: &Credentials) -> Self {
        let (uid, gid) = (caller.uid[1], caller.gid[1]);
        Self { words: RefCell::new(ByteBox::new([key.cast_unsigned(), uid, gid, uid, gid, mode & 0o777])) }
    }

    fn words(&self) -> [u32; 6] {
        self.words.borrow().load()
    }

    fn key(&self) -> i32 {
        self.words()[0].cast_signed()
    }

    /// `EACCES` unless the mode permits it.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, caller: &Credentials, wanted: u32) -> Result<(), Errno> {
        let [_, uid, gid, creator, creator_group, mode] = self.words();
        let wanted = (wanted >> 6 | wanted >> 3 | wanted) & 7;
        let in_group = |group: u32| caller.gid[1] == group || caller.groups.contains(&group);
        let granted = match caller.uid[1] {
            own if own == uid || own == creator => mode >> 6,
            _ if in_group(gid) || in_group(creator_group) => mode >> 3,
            _ => mode,
        };
        if wanted & !granted != 0 && !caller.is_capable(CAP_IPC_OWNER) { Err(EACCES) } else { Ok(()) }
    }

    /// `EPERM` unless the caller owns or created it.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_owner(&self, caller: &Credentials) -> Result<(), Errno> {
        if caller.is_capable(CAP_SYS_ADMIN) { Ok(()) } else { self.check_is_owner(caller) }
    }

    /// `EPERM` unless the caller owns or created it, whatever it is capable of.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_is_owner(&self, caller: &Credentials) -> Result<(), Errno> {
        let [_, uid, _, creator, ..] = self.words();
        if [uid, creator].contains(&caller.uid[1]) { Ok(()) } else { Err(EPERM) }
    }

    /// Sets owner, group and mode (`IPC_SET`).
    pub fn change(&self, uid: u32, gid: u32, mode: u32) {
        let mut words = self.words();
        words[1] = uid;
        words[2] = gid;
        words[5] = mode & 0o777;
        self.words.borrow_mut().store(words);
    }

    /// Nobody finds the object by its key any more.
    fn forget_key(&self) {
        let mut words = self.words();
        words[0] = PRIVATE.cast_unsigned();
        self.words.borrow_mut().store(words);
    }

    /// `struct ipc64_perm`.
    pub fn encode(&self, number: i32) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words().iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend_from_slice(&((number.cast_unsigned() / PLACES) as u16).to_ne_bytes());
        bytes.resize(48, 0);
        bytes
    }

    /// The columns that `/proc/sysvipc` begins and ends its lines with: key and mode; owners.
    fn columns(&self) -> (i32, u32, [u32; 4]) {
        let [key, uid, gid, creator, creator_group, mode] = self.words();
        (key.cast_signed(), mode, [uid, gid, creator, creator_group])
    }
}

/// An object that has an owner.
pub trait Owned {
    /// Its owner.
    fn owner(&self) -> &Owner;
}

/// All objects of a kind.
pub struct Objects<T> {
    by_number: RefCell<BTreeMap<i32, Rc<T>>>,
    rounds: Cell<u32>,
    next: Cell<u32>,
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { by_number: RefCell::default(), rounds: Cell::new(0), next: Cell::new(0) }
    }
}

impl<T: Owned> Objects<T> {
    /// `msgget(2)`, `semget(2)` and `shmget(2)`: the number of the object with a key, which is made when the flags say so.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`, `EACCES`, `ENOSPC`, and what `check` of the existing or `make` of the new one answers.
    pub fn get(
        &self,
        key: i32,
        flags: u32,
        caller: &Credentials,
        check: impl FnOnce(&T) -> Result<(), Errno>,
        make: impl FnOnce(Owner) -> Result<T, Errno>,
    ) -> Result<i32, Errno> {
        let asked = GetFlags::from_bits_truncate(flags);
        let found = self
            .by_number
            .borrow()
            .iter()
            .find(|(_, object)| object.owner().key() == key)
            .map(|(number, object)| (*number, object.clone()));
        if let Some((number, object)) = found.filter(|_| key != PRIVATE) {
            if asked.contains(GetFlags::CREAT | GetFlags::EXCL) {
                return Err(EEXIST);
            }
            check(&object)?;
            object.owner().check(caller, flags & 0o777)?;
            return Ok(number);
        }
        if key != PRIVATE && !asked.contains(GetFlags::CREAT) {
            return Err(ENOENT);
        }
        let number = self.free_number().ok_or(ENOSPC)?;
        let object = make(Owner::new(key, flags, caller))?;
        self.by_number.borrow_mut().insert(number, Rc::new(object));
        Ok(number)
    }

    /// As Linux: places are gone through in turn, a round is longer than what is in use.
    fn free_number(&self) -> Option<i32> {
        let objects = self.by_number.borrow();
        let round = (objects.len() as u32 * 3 / 2).clamp(64, PLACES);
        let taken = |place: u32| objects.keys().any(|number| number.cast_unsigned() % PLACES == place);
        let next = self.next.get();
        let place = (next..round).find(|place| !taken(*place));
        let place = match place {
            Some(place) => place,
            None => {
                self.rounds.set((self.rounds.get() + 1) % (1 << 16));
                (0..PLACES).find(|place| !taken(*place))?
            }
        };
        self.next.set(place + 1);
        i32::try_from(self.rounds.get() * PLACES + place).ok()
    }

    /// The object with a number.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn find(&self, number: i32) -> Result<Rc<T>, Errno> {
        self.by_number.borrow().get(&number).cloned().ok_or(EINVAL)
    }

    /// The object at a place in the table, and its number (`MSG_STAT`, `SEM_STAT`). Of a number the place counts.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn at_place(&self, place: i32) -> Result<(i32, Rc<T>), Errno> {
        let place = u32::try_from(place).map_err(|_| EINVAL)? % PLACES;
        let objects = self.by_number.borrow();
        let found = objects.iter().find(|(number, _)| number.cast_unsigned() % PLACES == place);
        found.map(|(number, object)| (*number, object.clone())).ok_or(EINVAL)
    }

    /// Takes an object out.
    pub fn remove(&self, number: i32) {
        self.by_number.borrow_mut().remove(&number);
    }

    /// All objects with their numbers.
    pub fn all(&self) -> Vec<(i32, Rc<T>)> {
        self.by_number.borrow().iter().map(|(number, object)| (*number, object.clone())).collect()
    }

    /// The highest place in use, 0 without any.
    pub fn highest_place(&self) -> usize {
        let objects = self.by_number.borrow();
        objects.keys().map(|number| number.cast_unsigned() % PLACES).max().unwrap_or(0) as usize
    }
}

/// Now, in seconds of the wall clock.
fn seconds() -> u64 {
    crate::time::realtime_ns() / 1_000_000_000
}
