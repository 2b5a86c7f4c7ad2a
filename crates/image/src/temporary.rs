//! A file that has no name until it is complete.

use crate::error::{Error, Result};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// A file beside `target` that becomes it when published. A writer that is killed leaves nothing: the file
/// has no name (where the file system can't do that, it has a temporary one beginning with a dot).
pub(crate) struct Temporary {
    file: File,
    named: Option<TempPath>,
    directory: PathBuf,
    target: PathBuf,
}

impl Temporary {
    pub(crate) fn beside(target: &Path) -> Result<Self> {
        let directory = directory_of(target);
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(fd) = rustix::fs::open(&directory, flags, Mode::from_raw_mode(0o444)) {
            return Ok(Self { file: fd.into(), named: None, directory, target: target.to_owned() });
        }
        Self::named_beside(target)
    }

    fn named_beside(target: &Path) -> Result<Self> {
        let (directory, target) = (directory_of(target), target.to_owned());
        match tempfile::Builder::new().prefix(".image-").suffix(".tmp").tempfile_in(&directory) {
            Ok(named) => {
                let (file, path) = named.into_parts();
                Ok(Self { file, named: Some(path), directory, target })
            }
            Err(source) => Err(Error::Io { path: target, action: "create", source }),
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// An error of an operation on this file, for people.
    pub(crate) fn error(&self, action: &'static str, source: io::Error) -> Error {
        Error::Io { path: self.target.clone(), action, source }
    }

    /// Syncs the file, then gives it its name, replacing what had it.
    pub(crate) fn publish(mut self) -> Result<()> {
        self.sync_and_rename().map_err(|source| self.error("finish", source))
    }

    fn sync_and_rename(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let named = match self.named.take() {
            Some(named) => {
                rustix::fs::fchmod(&self.file, Mode::from_raw_mode(0o444))?;
                named
            }
            None => {
                let unnamed = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                let link =
                    |path: &Path| Ok(rustix::fs::linkat(CWD, unnamed.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW)?);
                tempfile::Builder::new()
                    .prefix(".image-")
                    .suffix(".tmp")
                    .make_in(&self.directory, link)?
                    .into_temp_path()
            }
        };
        named.persist(&self.target).map_err(|failed| failed.error)?;
        File::open(&self.directory)?.sync_all()
    }
}

fn directory_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn named_or_not_it_replaces_the_target_only_when_published() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        for (round, make) in [Temporary::beside, Temporary::named_beside].into_iter().enumerate() {
            fs::write(&target, "old").unwrap();
            let dropped = make(&target).unwrap();
            dropped.file().write_all(b"half").unwrap();
            drop(dropped);
            assert_eq!(fs::read(&target).unwrap(), b"old", "{round}");
            let published = make(&target).unwrap();
            published.file().write_all(b"new").unwrap();
            published.publish().unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"new", "{round}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{round}");
            fs::remove_file(&target).unwrap();
        }
    }

    #[test]
    fn missing_directory_is_an_error_that_names_the_file() {
        let error = Temporary::beside(Path::new("/nonexistent/x.img")).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.starts_with("/nonexistent/x.img: cannot create")));
    }
}
