//! Where images are kept: a directory of files that nobody but their owner can change, each written once.
//!
//! Instances map these files. A write to a mapped file would show through and a truncation would kill,
//! so images from elsewhere are copied in ([`Store::import`]) before they are used.

use crate::error::{Error, Result};
use crate::open::Image;
use crate::sparse;
use crate::temporary::Temporary;
use rustix::fs::Mode;
use serde::Serialize;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest name of an image, bytes.
pub const MAX_NAME: usize = 128;
/// What image files end in.
const SUFFIX: &str = ".img";

/// A directory of images.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

/// A file of the store.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name without `.img`.
    pub name: String,
    /// The whole path.
    pub path: String,
    /// Length, bytes.
    pub file_len: u64,
    /// What it takes on the disk, bytes.
    pub allocated: u64,
    /// Why it can't be used, from a look at its header.
    pub problem: Option<String>,
}

/// The default directory for a user with this environment.
fn default_dir(is_root: bool, cache: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    if is_root {
        return Some(PathBuf::from("/var/lib/catalyzer/images"));
    }
    let absolute = |dir: Option<OsString>| dir.map(PathBuf::from).filter(|dir| dir.is_absolute());
    let cache = absolute(cache).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(cache.join("catalyzer"))
}

fn check_name(name: &str) -> Result<()> {
    let first = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if first && rest && name.len() <= MAX_NAME { Ok(()) } else { Err(Error::Name { name: name.to_owned() }) }
}

impl Store {
    /// The caller's own store: `/var/lib/catalyzer/images` for root, else `$XDG_CACHE_HOME/catalyzer`.
    ///
    /// # Errors
    /// As for [`Store::at`], and when an ordinary user has no home.
    pub fn open_default() -> Result<Self> {
        let is_root = rustix::process::geteuid().is_root();
        match default_dir(is_root, std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
            Some(dir) => Self::at(&dir),
            None => {
                let why = "neither XDG_CACHE_HOME nor HOME is an absolute path; set one";
                Err(Error::Store { dir: PathBuf::from("catalyzer"), why })
            }
        }
    }

    /// The store in a directory, which is made when missing.
    ///
    /// # Errors
    /// When it can't be made, or when others than the caller could change what is in it.
    pub fn at(dir: &Path) -> Result<Self> {
        let fail = |action| move |source| Error::Io { path: dir.to_owned(), action, source };
        // Images hold memory of programs: an ordinary user's are nobody else's business.
        let me = rustix::process::geteuid();
        let mode = if me.is_root() { 0o755 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(fail("make"))?;
        let metadata = fs::metadata(dir).map_err(fail("look at"))?;
        if metadata.uid() != me.as_raw() {
            return Err(Error::Store { dir: dir.to_owned(), why: "it belongs to another user" });
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(Error::Store { dir: dir.to_owned(), why: "others may write to it; use `chmod go-w`" });
        }
        Ok(Self { dir: fs::canonicalize(dir).map_err(fail("look at"))? })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the image of this name lies or would lie.
    ///
    /// # Errors
    /// [`Error::Name`] when it can't be a file name.
    pub fn path_of(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.dir.join(format!("{name}{SUFFIX}")))
    }

    /// Whether a file lies in the store.
    pub fn owns(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| path.parent() == Some(&self.dir))
    }

    /// The images in the store, by name.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn ls(&self, kernel_build: &[u8; 32]) -> Result<Vec<Entry>> {
        let fail = |source| Error::Io { path: self.dir.clone(), action: "list", source };
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(fail)? {
            let path = file.map_err(fail)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(SUFFIX));
            // A file that was there a moment ago may be gone.
            if let (Some(name), Ok(metadata)) = (name, fs::metadata(&path)) {
                entries.push(Entry {
                    name: name.to_owned(),
                    path: path.display().to_string(),
                    file_len: metadata.len(),
                    allocated: metadata.blocks() * 512,
                    problem: Image::open(&path, kernel_build).err().map(|error| error.to_string()),
                });
            }
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// A verified image that lies in the store: this file itself when it does already, else a copy (sharing
    /// blocks where the file system can) under a name that tells its content, made only once.
    ///
    /// # Errors
    /// When the image is not whole and ours, or can't be copied.
    pub fn import(&self, path: &Path, kernel_build: &[u8; 32]) -> Result<Image> {
        let image = Image::open(path, kernel_build)?;
        if self.owns(path) {
            image.verify()?;
            return Ok(image);
        }
        let target = self.dir.join(imported_name(&image));
        if let Ok(copy) = Image::open(&target, kernel_build)
            && copy.header().digest == image.header().digest
            && copy.verify().is_ok()
        {
            return Ok(copy);
        }
        let copy = Temporary::beside(&target)?;
        self.copy(&image, &copy, kernel_build).map_err(|source| copy.error("copy", source))??;
        copy.publish()?;
        Image::open(&target, kernel_build)
    }

    /// Copies, then verifies the copy: the original may change while it is read.
    fn copy(&self, image: &Image, copy: &Temporary, kernel_build: &[u8; 32]) -> io::Result<Result<()>> {
        sparse::copy(image.file(), copy.file())?;
        rustix::fs::fchmod(copy.file(), Mode::from_raw_mode(0o444))?;
        let copied = Image::from_file(copy.file().try_clone()?, image.path(), kernel_build);
        Ok(copied.and_then(|copied| copied.verify()).map(drop))
    }
}

/// `STEM-DIGEST.img`, with what can't be in a name replaced.
fn imported_name(image: &Image) -> String {
    let stem = image.path().file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let stem: String = stem.chars().take(MAX_NAME / 2).map(allowed).collect();
    let stem = stem.trim_start_matches(['.', '_', '-']);
    let digest: String = image.header().digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}{SUFFIX}", if stem.is_empty() { "image" } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_directories_are_those_of_the_manual() {
        let dir = |root, cache: Option<&str>, home: Option<&str>| {
            default_dir(root, cache.map(OsString::from), home.map(OsString::from))
        };
        assert_eq!(dir(true, Some("/c"), Some("/h")), Some("/var/lib/catalyzer/images".into()));
        assert_eq!(dir(false, Some("/c"), Some("/h")), Some("/c/catalyzer".into()));
        assert_eq!(dir(false, Some("relative"), Some("/h")), Some("/h/.cache/catalyzer".into()));
        assert_eq!(dir(false, None, None), None);
    }

    #[test]
    fn names_cannot_leave_the_store() {
        for name in ["hello-python", "a", "v1.2_x", "7"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "x".repeat(MAX_NAME + 1);
        for name in ["", ".", "..", "../x", "a/b", "-x", ".x", "a b", "a\0", "ü", long.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
