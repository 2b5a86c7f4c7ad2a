//! Mounts and what else belongs to whoever runs the sandbox: refused as Linux refuses it to who may not, after the
//! checks that come first there.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::paths::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, find};
use super::{Context, Outcome};
use crate::errno::{EBADF, EFAULT, EINVAL, EOPNOTSUPP, EPERM, ESPIPE};
use crate::fs::file::OpenFlags;
use crate::fs::inode::{S_IFDIR, S_IFMT, S_IFREG};
use crate::fs::walk::Follow;
use crate::user_memory::{UserAddr, UserPtr};

/// `mount(2)`.
pub fn mount(
    context: &mut Context<'_>,
    _source: UserAddr,
    target: UserPath,
    _kind: UserAddr,
    _flags: u64,
    _data: UserAddr,
) -> Outcome {
    find(context, AT_FDCWD, &target.read()?, Follow::Yes)?.1.existing()?;
    Err(EPERM.into())
}

/// `umount2(2)`.
pub fn umount2(context: &mut Context<'_>, target: UserPath, flags: u32) -> Outcome {
    /// `MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW`.
    const KNOWN: u32 = 15;
    const NOFOLLOW: u32 = 8;
    if flags & !KNOWN != 0 {
        return Err(EINVAL.into());
    }
    let follow = if flags & NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    find(context, AT_FDCWD, &target.read()?, follow)?.1.existing()?;
    Err(EPERM.into())
}

/// `pivot_root(2)`, `fsopen(2)`, `fspick(2)`, `fsmount(2)`, `open_tree(2)`, `move_mount(2)`, `mount_setattr(2)`, `swapoff(2)`, `acct(2)`: only for who may mount.
pub fn refused(_context: &mut Context<'_>) -> Outcome {
    Err(EPERM.into())
}

/// `swapon(2)`.
pub fn swapon(_context: &mut Context<'_>, _path: UserAddr, flags: u32) -> Outcome {
    /// `SWAP_FLAGS_VALID`: a priority, `SWAP_FLAG_PREFER` and `SWAP_FLAG_DISCARD*`.
    const KNOWN: u32 = 0x7_ffff;
    Err(if flags & !KNOWN != 0 { EINVAL } else { EPERM }.into())
}

/// `name_to_handle_at(2)`: the file system makes no handles.
pub fn name_to_handle_at(
    context: &mut Context<'_>,
    directory: Fd,
    path: UserPath,
    handle: UserPtr<u32>,
    _mount: UserPtr<i32>,
    flags: u32,
) -> Outcome {
    const AT_HANDLE_FID: u32 = 0x200;
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID) != 0 {
        return Err(EINVAL.into());
    }
    let path = path.read()?;
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        if directory != AT_FDCWD {
            context.process().descriptors().get(directory)?;
        }
    } else {
        let follow = if flags & AT_SYMLINK_FOLLOW != 0 { Follow::Yes } else { Follow::No };
        find(context, directory, &path, follow)?.1.existing()?;
    }
    if handle.is_null() {
        return Err(EFAULT.into());
    }
    Err(EOPNOTSUPP.into())
}

/// `sync_file_range(2)`: memory has nothing to be written to.
pub fn sync_file_range(context: &mut Context<'_>, fd: Fd, offset: i64, len: i64, flags: u32) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    if flags & !7 != 0 || offset < 0 || offset.checked_add(len).is_none_or(|end| end < offset) {
        return Err(EINVAL.into());
    }
    match file.object.stat()?.mode & S_IFMT {
        S_IFREG | S_IFDIR => Ok(0),
        _ => Err(ESPIPE.into()),
    }
}
