//! Names of Unix sockets: paths (the node in the file system knows its socket) and abstract names.

use super::unix::{Kind, UnixSocket};
use crate::errno::{EADDRINUSE, ECONNREFUSED, EEXIST, EINVAL, ENOENT, EPROTOTYPE, Errno};
use crate::fs::inode::{Content, Inode, MAY_EXEC, MAY_WRITE, S_IFSOCK, UPPER_DEVICE};
use crate::fs::walk::{Follow, Last};
use crate::fs::walker;
use crate::kernel;
use crate::syscall::dispatch::current;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Who has which name.
type Taken = BTreeMap<(Kind, Vec<u8>), Weak<UnixSocket>>;

/// Abstract names.
#[derive(Default)]
pub struct Names {
    /// Each type of socket has names of its own.
    taken: RefCell<Taken>,
    automatic: Cell<u32>,
}

/// What a socket's node holds.
struct Bound(Weak<UnixSocket>);

/// The name of a socket; an abstract one is free again when this goes.
pub struct Name {
    /// As in `sun_path`: an abstract name begins with a zero.
    pub bytes: Vec<u8>,
    kind: Kind,
}

impl Name {
    fn is_abstract(&self) -> bool {
        self.bytes.first() == Some(&0)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if self.is_abstract() {
            let mut taken = kernel().net.unix.taken.borrow_mut();
            // Somebody else may have it by now.
            let key = (self.kind, self.bytes.clone());
            if taken.get(&key).is_some_and(|socket| socket.strong_count() == 0) {
                taken.remove(&key);
            }
        }
    }
}

/// Gives a socket a name; an empty one stands for a fresh abstract name.
///
/// # Errors
/// `EADDRINUSE`, and what walking a path answers.
pub fn bind(socket: &Weak<UnixSocket>, kind: Kind, bytes: &[u8]) -> Result<Rc<Name>, Errno> {
    let names = &kernel().net.unix;
    let bytes = if bytes.is_empty() { automatic(names, kind)? } else { bytes.to_vec() };
    let name = Rc::new(Name { bytes, kind });
    if name.is_abstract() {
        let mut taken = names.taken.borrow_mut();
        let key = (kind, name.bytes.clone());
        let in_use = taken.get(&key).is_some_and(|socket| socket.strong_count() > 0);
        if !in_use {
            taken.insert(key, socket.clone());
            return Ok(name);
        }
        drop(taken);
        return Err(EADDRINUSE);
    }
    make_node(&name.bytes, socket)?;
    Ok(name)
}

/// Whether something is at a path that a socket could be bound to.
pub fn is_taken(path: &[u8]) -> bool {
    let (walker, working) = walker(&current().process());
    walker.walk(&working, path, Follow::No).is_ok_and(|found| found.inode.is_some())
}

fn automatic(names: &Names, kind: Kind) -> Result<Vec<u8>, Errno> {
    for _ in 0..1 << 20 {
        let number = names.automatic.get();
        names.automatic.set((number + 1) & 0xf_ffff);
        let bytes = alloc::format!("\0{number:05x}").into_bytes();
        let key = (kind, bytes);
        if !names.taken.borrow().contains_key(&key) {
            return Ok(key.1);
        }
    }
    Err(EADDRINUSE)
}

fn make_node(path: &[u8], socket: &Weak<UnixSocket>) -> Result<(), Errno> {
    let process = current().process();
    let (walker, working) = walker(&process);
    let found = walker.walk(&working, path, Follow::No)?;
    if found.inode.is_some() || found.special.is_some() || found.last != Last::Name {
        return Err(EADDRINUSE);
    }
    if found.slash {
        return Err(ENOENT);
    }
    found.parent.check_access(&walker.caller, MAY_WRITE | MAY_EXEC)?;
    let bound: Rc<dyn Any> = Rc::new(Bound(socket.clone()));
    let mode = S_IFSOCK | 0o777 & !process.fs().umask.get();
    let content = Content::Socket(RefCell::new(Some(bound)));
    let inode = Inode::new(UPPER_DEVICE, content, mode, walker.caller.uid, walker.caller.gid);
    match found.parent.insert(&found.name, &inode) {
        Err(EEXIST) => Err(EADDRINUSE),
        inserted => inserted,
    }
}

/// The socket with a name.
///
/// # Errors
/// `ECONNREFUSED` when nobody is bound there (any more), `EPROTOTYPE` for another type, `ENOENT`, `EACCES`, and what walking a path answers.
pub fn find(kind: Kind, bytes: &[u8]) -> Result<Rc<UnixSocket>, Errno> {
    if bytes.is_empty() {
        return Err(EINVAL);
    }
    if bytes[0] == 0 {
        let taken = kernel().net.unix.taken.borrow();
        return taken.get(&(kind, bytes.to_vec())).and_then(Weak::upgrade).ok_or(ECONNREFUSED);
    }
    let (walker, working) = walker(&current().process());
    let inode = walker.walk(&working, bytes, Follow::Yes)?.existing()?;
    inode.check_access(&walker.caller, MAY_WRITE)?;
    let Content::Socket(bound) = &inode.content else { return Err(ECONNREFUSED) };
    let bound = bound.borrow();
    let socket = bound.as_ref().and_then(|bound| bound.downcast_ref::<Bound>());
    let socket = socket.and_then(|bound| bound.0.upgrade()).ok_or(ECONNREFUSED)?;
    if socket.kind() == kind { Ok(socket) } else { Err(EPROTOTYPE) }
}
