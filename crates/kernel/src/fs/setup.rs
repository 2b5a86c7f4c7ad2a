//! The tree that a program finds when it starts.

use super::FsContext;
use super::data::Data;
use super::device::Device;
use super::inode::{Caller, Content, DEV_DEVICE, Inode, S_IFCHR, S_IFLNK, S_IFREG, SHM_DEVICE, UPPER_DEVICE};
use super::lower::{self, LowerPath};
use super::walk::{Follow, Walker};
use crate::errno::{ENOENT, ENOTDIR, Errno};
use crate::kernel;
use abi::launch::{Launch, MountSource};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Makes the tree: mounts, the empty writable directories, `/proc`, `/dev`, `/sys`, the working directory.
///
/// # Errors
/// What the file server says of a mount's source; `ENOTDIR` when a mount's target lies below a file.
pub fn setup(launch: &Launch) -> Result<Rc<FsContext>, Errno> {
    let files = &kernel().fs;
    let at_root = launch.mounts.iter().rev().find_map(|mount| match mount.source {
        MountSource::Root(root) if names(&mount.target).is_empty() => Some(root),
        _ => None,
    });
    let root = match at_root {
        Some(root) => lower::lookup(&LowerPath { root, path: Vec::new() })?,
        None => Inode::directory(0o755, 0, 0),
    };
    files.set_root(&root);
    for mount in &launch.mounts {
        let names = names(&mount.target);
        let Some((last, parents)) = names.split_last() else { continue };
        let parent = make_directories(&root, parents)?;
        let inode = match &mount.source {
            MountSource::Root(root) => lower::lookup(&LowerPath { root: *root, path: Vec::new() })?,
            MountSource::Symlink(target) => {
                Inode::new(UPPER_DEVICE, Content::Symlink(target.clone()), S_IFLNK | 0o777, 0, 0)
            }
        };
        parent.mount(last, &inode);
    }
    for (path, mode) in [
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
        ("var/log", 0o755),
        ("var/lib", 0o755),
        ("var/cache", 0o755),
        ("run", 0o755),
        ("root", 0o700),
        ("home", 0o755),
    ] {
        let names = names(path.as_bytes());
        if let Some(made) = make_missing(&root, &names)? {
            made.change(|meta| meta.mode = meta.mode & !0o7777 | mode);
        }
    }
    if let Some(text) = crate::net::outside::names(&launch.allow_connect, &launch.hostname) {
        let hosts = Inode::new(UPPER_DEVICE, Content::Regular(Data::default()), S_IFREG | 0o644, 0, 0);
        if let Some(data) = hosts.data() {
            data.write(&mut text.as_bytes(), 0)?;
        }
        make_directories(&root, &[b"etc"])?.mount(b"hosts", &hosts);
    }
    root.mount(b"dev", &devices());
    super::proc::mount(&root);
    let context = Rc::new(FsContext::default());
    let directory = if launch.workdir.is_empty() { root.clone() } else { working_directory(&root, launch)? };
    context.set_directory(directory);
    Ok(context)
}

fn working_directory(root: &Rc<Inode>, launch: &Launch) -> Result<Rc<Inode>, Errno> {
    let walker = Walker::new(root.clone(), Caller::default());
    match walker.walk(root, &launch.workdir, Follow::Yes).and_then(|found| found.existing()) {
        Ok(directory) if directory.is_directory() => Ok(directory),
        Ok(_) => Err(ENOTDIR),
        Err(ENOENT) => {
            let made = make_directories(root, &names(&launch.workdir))?;
            made.change(|meta| {
                meta.uid = launch.uid;
                meta.gid = launch.gid;
            });
            Ok(made)
        }
        Err(errno) => Err(errno),
    }
}

fn names(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"." | b"..")).collect()
}

/// The directory with these names, made as far as it is missing.
fn make_directories(root: &Rc<Inode>, names: &[&[u8]]) -> Result<Rc<Inode>, Errno> {
    let walker = Walker::new(root.clone(), Caller::default());
    let mut at = root.clone();
    for name in names {
        let found = walker.walk(&at, name, Follow::Yes)?;
        at = match found.inode {
            Some(inode) if inode.is_directory() => inode,
            Some(_) => return Err(ENOTDIR),
            None => {
                let made = Inode::directory(0o755, 0, 0);
                found.parent.insert(&found.name, &made)?;
                made
            }
        };
    }
    Ok(at)
}

/// Makes a directory unless it is there; answers it when it was made.
fn make_missing(root: &Rc<Inode>, names: &[&[u8]]) -> Result<Option<Rc<Inode>>, Errno> {
    let Some((last, parents)) = names.split_last() else { return Ok(None) };
    let parent = make_directories(root, parents)?;
    if parent.lookup(last)?.is_some() {
        return Ok(None);
    }
    make_directories(&parent, &[last]).map(Some)
}

fn devices() -> Rc<Inode> {
    let root = Inode::new(
        DEV_DEVICE,
        Content::Directory(super::directory::Directory::default()),
        super::inode::S_IFDIR | 0o755,
        0,
        0,
    );
    for (name, device, major, minor) in [
        ("null", Device::Null, 1, 3),
        ("zero", Device::Zero, 1, 5),
        ("full", Device::Full, 1, 7),
        ("random", Device::Random, 1, 8),
        ("urandom", Device::Random, 1, 9),
        ("tty", Device::Tty, 5, 0),
    ] {
        root.mount(name.as_bytes(), &node(device, 0o666, major << 8 | minor));
    }
    let catalyzer = Inode::directory(0o755, 0, 0);
    catalyzer.mount(b"entry", &node(Device::Entry, 0o666, 240 << 8));
    catalyzer.mount(b"generation", &node(Device::Generation, 0o444, 240 << 8 | 1));
    root.mount(b"catalyzer", &catalyzer);
    let master = || node(Device::Master, 0o666, 5 << 8 | 2);
    root.mount(b"ptmx", &master());
    root.mount(b"pts", &crate::tty::directory(node(Device::Tty, 0o620, 136 << 8), master()));
    root.mount(b"mqueue", &crate::ipc::mqueue::directory());
    let shared = Content::Directory(super::directory::Directory::default());
    root.mount(b"shm", &Inode::new(SHM_DEVICE, shared, super::inode::S_IFDIR | 0o1777, 0, 0));
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        let link = Content::Symlink(target.as_bytes().to_vec());
        root.mount(name.as_bytes(), &Inode::new(DEV_DEVICE, link, S_IFLNK | 0o777, 0, 0));
    }
    root
}

fn node(device: Device, mode: u32, number: u64) -> Rc<Inode> {
    let inode = Inode::new(DEV_DEVICE, Content::Device(device), S_IFCHR | mode, 0, 0);
    inode.change(|meta| meta.rdev = number);
    inode
}
