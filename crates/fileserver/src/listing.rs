//! Directory listings: read whole, sorted by name, handed out in pages.
//!
//! A listing that needs more than one reply is kept until its last page went out, so that paging
//! through `n` names costs one reading and one sorting. [`Listings`] bounds what is kept.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use abi::files::{MAX_REPLY, Name};
use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;

/// Most names in a directory that we list; beyond, the answer is `ENOMEM`.
const MAX_ENTRIES: usize = 1 << 20;
/// Most bytes of listings kept between pages, over all clients.
const MAX_KEPT: usize = 64 << 20;
/// What a name costs in a reply besides its bytes, at most: its length, the inode, the type.
const NAME_OVERHEAD: usize = 2 + 10 + 5;
/// What a reply costs besides its names, at most.
const REPLY_OVERHEAD: usize = 16;

/// The names in one directory, sorted.
pub struct Listing {
    /// All names, in the order in which they were read.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    start: u32,
    len: u16,
    file_type: u16,
    inode: u64,
}

impl Listing {
    /// Reads a directory opened for reading.
    pub fn read(directory: &OwnedFd) -> Result<Self, Errno> {
        let mut listing = Self { bytes: Vec::new(), entries: Vec::new() };
        let mut buffer = [MaybeUninit::uninit(); 32 << 10];
        let mut entries = RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let file_type = match entry.file_type() {
                // Some file systems don't say.
                FileType::Unknown => match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(errno),
                },
                known => known,
            };
            listing.push(name.to_bytes(), entry.ino(), file_type)?;
        }
        let bytes = &listing.bytes;
        listing.entries.sort_unstable_by(|a, b| name_of(bytes, a).cmp(name_of(bytes, b)));
        Ok(listing)
    }

    fn push(&mut self, name: &[u8], inode: u64, file_type: FileType) -> Result<(), Errno> {
        if self.entries.len() == MAX_ENTRIES {
            return Err(Errno::NOMEM);
        }
        let start = u32::try_from(self.bytes.len()).map_err(|_| Errno::NOMEM)?;
        let len = u16::try_from(name.len()).map_err(|_| Errno::NAMETOOLONG)?;
        let file_type = u16::try_from(file_type.as_raw_mode()).map_err(|_| Errno::IO)?;
        self.bytes.extend_from_slice(name);
        self.entries.push(Entry { start, len, file_type, inode });
        Ok(())
    }

    /// The names from the `start`-th on that fit one reply, and whether more follow.
    pub fn page(&self, start: u32) -> (Vec<Name>, bool) {
        let rest = usize::try_from(start).ok().and_then(|start| self.entries.get(start..)).unwrap_or_default();
        let mut room = MAX_REPLY - REPLY_OVERHEAD;
        let fitting = rest.iter().map_while(|entry| {
            room = room.checked_sub(NAME_OVERHEAD + usize::from(entry.len))?;
            Some(Name {
                name: name_of(&self.bytes, entry).to_vec(),
                inode: entry.inode,
                file_type: u32::from(entry.file_type),
            })
        });
        let names: Vec<Name> = fitting.collect();
        let more = names.len() < rest.len();
        (names, more)
    }

    fn size(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

fn name_of<'a>(bytes: &'a [u8], entry: &Entry) -> &'a [u8] {
    let start = entry.start as usize;
    bytes.get(start..start + usize::from(entry.len)).unwrap_or_default()
}

/// Which listing.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The client that pages through it.
    pub client: u64,
    /// The root.
    pub root: u16,
    /// The directory.
    pub path: Vec<u8>,
}

/// The listings that clients are paging through, the oldest first, at most one a client.
#[derive(Default)]
pub struct Listings {
    kept: VecDeque<(Key, Listing)>,
}

impl Listings {
    /// The listing that its client has begun to read.
    pub fn get(&self, key: &Key) -> Option<&Listing> {
        self.kept.iter().find(|(kept, _)| kept == key).map(|(_, listing)| listing)
    }

    /// Keeps a listing for its client's next page, in place of that client's former one. The oldest
    /// make room, and are read again when asked for.
    pub fn keep(&mut self, key: Key, listing: Listing) {
        self.forget(key.client);
        self.kept.push_back((key, listing));
        let mut size: usize = self.kept.iter().map(|(_, listing)| listing.size()).sum();
        while size > MAX_KEPT
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            size -= oldest.size();
        }
    }

    /// The client has read its last page, or is gone.
    pub fn forget(&mut self, client: u64) {
        self.kept.retain(|(key, _)| key.client != client);
    }
}
