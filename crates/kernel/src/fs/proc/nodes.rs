//! Pieces that the trees of `/proc` and `/sys` are made of.

use crate::errno::Errno;
use crate::fs::directory::Directory;
use crate::fs::inode::{Content, Generate, Inode, S_IFDIR, S_IFREG};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A text that a function makes.
struct Text(fn() -> Vec<u8>);

impl Generate for Text {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok((self.0)())
    }
}

/// A text that never changes.
struct Fixed(&'static str);

impl Generate for Fixed {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok(self.0.as_bytes().to_vec())
    }
}

/// A read-only file with this text.
pub fn file(device: u64, generator: Rc<dyn Generate>, mode: u32) -> Rc<Inode> {
    Inode::new(device, Content::Generated(generator), S_IFREG | mode, 0, 0)
}

/// A directory that is filled by [`add_text`] and [`add_fixed`].
pub fn directory(device: u64) -> Rc<Inode> {
    Inode::new(device, Content::Directory(Directory::default()), S_IFDIR | 0o555, 0, 0)
}

fn parent_of(root: &Rc<Inode>, path: &'static str) -> (Rc<Inode>, &'static str) {
    let mut at = root.clone();
    let mut rest = path;
    while let Some((name, more)) = rest.split_once('/') {
        let next = match at.lookup(name.as_bytes()) {
            Ok(Some(next)) => next,
            _ => {
                let made = directory(root.device);
                at.mount(name.as_bytes(), &made);
                made
            }
        };
        at = next;
        rest = more;
    }
    (at, rest)
}

/// Adds a file below `root` whose text a function makes.
pub fn add_text(root: &Rc<Inode>, path: &'static str, make: fn() -> Vec<u8>) {
    let (parent, name) = parent_of(root, path);
    parent.mount(name.as_bytes(), &file(root.device, Rc::new(Text(make)), 0o444));
}

/// Adds a file below `root` whose text never changes.
pub fn add_fixed(root: &Rc<Inode>, path: &'static str, text: &'static str) {
    let (parent, name) = parent_of(root, path);
    parent.mount(name.as_bytes(), &file(root.device, Rc::new(Fixed(text)), 0o444));
}

/// Adds a symbolic link below `root`.
pub fn add_link(root: &Rc<Inode>, path: &'static str, target: &'static str) {
    let (parent, name) = parent_of(root, path);
    let content = Content::Symlink(target.as_bytes().to_vec());
    parent.mount(name.as_bytes(), &Inode::new(root.device, content, crate::fs::inode::S_IFLNK | 0o777, 0, 0));
}

/// Adds an empty directory below `root`.
pub fn add_directory(root: &Rc<Inode>, path: &'static str) {
    let (parent, name) = parent_of(root, path);
    parent.mount(name.as_bytes(), &directory(root.device));
}
