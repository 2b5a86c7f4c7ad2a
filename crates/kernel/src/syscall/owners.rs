//! Who is told by a signal that a descriptor became ready (`F_SETOWN` and its relatives in `fcntl(2)`). The numbers are
//! kept and answered; [`crate::events::asynchronous`] serves `O_ASYNC`.

use super::Outcome;
use crate::errno::{EINVAL, ESRCH, Errno};
use crate::fs::file::OpenFile;
use crate::kernel;
use crate::task::{Pid, Tid};
use crate::user_memory::UserPtr;
use alloc::rc::Rc;

/// `F_OWNER_TID`, `F_OWNER_PID`, `F_OWNER_PGRP`.
pub const OWNER_TID: u8 = 0;
/// See [`OWNER_TID`].
pub const OWNER_PID: u8 = 1;
const OWNER_GROUP: u8 = 2;

/// Whose signals they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOwner {
    /// Its number; 0: nobody's. What lies beside it is small, so that the word never looks like an address.
    pub number: i32,
    /// `F_SETSIG`; 0: `SIGIO`.
    pub signal: u8,
    /// `F_OWNER_*`.
    pub kind: u8,
}

fn exists(kind: u8, number: i32) -> bool {
    let number = kernel().tasks.meant(number.cast_unsigned());
    match kind {
        OWNER_TID => kernel().thread(Tid(number)).is_some(),
        OWNER_PID => kernel().tasks.processes.borrow().contains_key(&Pid(number)),
        _ => kernel().tasks.processes.borrow().values().any(|process| process.group.get() == Pid(number)),
    }
}

fn set(file: &Rc<OpenFile>, kind: u8, number: i32) -> Result<(), Errno> {
    if number != 0 && !exists(kind, number) {
        return Err(ESRCH);
    }
    file.owner.set(FileOwner { kind, number, ..file.owner.get() });
    Ok(())
}

/// `F_SETOWN`, `F_GETOWN`, `F_SETSIG`, `F_GETSIG`, `F_SETOWN_EX`, `F_GETOWN_EX`.
pub fn control(file: &Rc<OpenFile>, command: u32, argument: u64) -> Outcome {
    let owner = file.owner.get();
    let pair = UserPtr::<[i32; 2]>::new(argument);
    match command {
        8 => {
            let number = argument as i32;
            let kind = if number < 0 { OWNER_GROUP } else { OWNER_PID };
            set(file, kind, number.checked_abs().ok_or(EINVAL)?)?;
        }
        9 => {
            let number = if owner.kind == OWNER_GROUP { -owner.number } else { owner.number };
            return Ok(number as isize as usize);
        }
        10 => {
            let signal = u8::try_from(argument).ok().filter(|signal| *signal <= 64).ok_or(EINVAL)?;
            file.owner.set(FileOwner { signal, ..owner });
        }
        11 => return Ok(owner.signal as usize),
        15 => {
            let [kind, number] = pair.read()?;
            let kind = u8::try_from(kind).ok().filter(|kind| *kind <= OWNER_GROUP).ok_or(EINVAL)?;
            set(file, kind, number)?;
        }
        _ => pair.write([i32::from(owner.kind), owner.number])?,
    }
    Ok(0)
}
