//! The lower layer: which host directories a sandbox sees, and where.
//!
//! Without a `rootfs` that is the system part of the host, of which the file server grants only what
//! every user of the host may read. Directories that are symbolic links on the host (`/bin` on a
//! merged-`/usr` system) stay symbolic links in the guest.

use super::{Function, plain};
use abi::launch::{Mount, MountSource};
use anyhow::{Context, Result, bail};
use fileserver::Root;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A lower layer: the mounts refer to the roots by index.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// What the guest sees.
    pub mounts: Vec<Mount>,
    /// What the file server serves.
    pub roots: Vec<Root>,
}

/// What the default layer shows of the host, besides `/lib*`.
const SYSTEM: [&str; 5] = ["usr", "bin", "sbin", "etc", "opt"];

impl Layer {
    /// The layer of a function.
    ///
    /// # Errors
    /// Something the function names isn't there.
    pub fn of(function: &Function) -> Result<Self> {
        let mut layer = match &function.rootfs.path {
            Some(path) => {
                let mut layer = Self::default();
                layer.add(Path::new("/"), path.get_ref(), false)?;
                layer
            }
            None => Self::system(Path::new("/"))?,
        };
        for mount in &function.rootfs.mounts {
            layer.add(Path::new(mount.target.get_ref()), mount.source.get_ref(), false)?;
        }
        Ok(layer)
    }

    /// What every user may read of the system installed under `host`.
    fn system(host: &Path) -> Result<Self> {
        let mut names: Vec<String> = SYSTEM.iter().map(ToString::to_string).collect();
        let entries = std::fs::read_dir(host).with_context(|| format!("{}: can't be listed", host.display()))?;
        let libraries = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
        names.extend(libraries.filter(|name| name.starts_with("lib")));
        names.sort();
        let mut layer = Self::default();
        for name in names {
            let source = host.join(&name);
            let Ok(metadata) = source.symlink_metadata() else { continue };
            let target = Path::new("/").join(&name);
            if metadata.is_symlink() {
                let link = source.read_link().with_context(|| format!("{}: can't be read", source.display()))?;
                let source = MountSource::Symlink(link.as_os_str().as_bytes().to_vec());
                layer.mounts.push(Mount { target: target.as_os_str().as_bytes().to_vec(), source });
            } else if metadata.is_dir() {
                layer.add(&target, &source, true)?;
            }
        }
        Ok(layer)
    }

    fn add(&mut self, target: &Path, source: &Path, world_readable_only: bool) -> Result<()> {
        if let Err(error) = source.metadata() {
            bail!("{}: {}", source.display(), plain(&error));
        }
        let Ok(index) = u16::try_from(self.roots.len()) else { bail!("more than 65536 mounts") };
        self.roots.push(Root { path: source.to_path_buf(), world_readable_only });
        let target = target.as_os_str().as_bytes().to_vec();
        self.mounts.push(Mount { target, source: MountSource::Root(index) });
        Ok(())
    }

    /// The host path of a file of the layer, to compare it with what an image remembers.
    pub fn host_path(&self, root: u16, path: &[u8]) -> Option<PathBuf> {
        let root = self.roots.get(usize::from(root))?;
        Some(match path {
            [] => root.path.clone(),
            _ => root.path.join(std::ffi::OsStr::from_bytes(path)),
        })
    }
}

/// Refuses what is no place for a mount.
pub fn check_target(target: &str) -> Result<(), String> {
    if !target.starts_with('/') {
        return Err(format!("\"{target}\": the place in the guest must be an absolute path"));
    }
    if target.split('/').any(|part| part == ".." || part == ".") {
        return Err(format!("\"{target}\": the place in the guest has no \".\" or \"..\" in it"));
    }
    if target.split('/').all(str::is_empty) {
        return Err(format!("\"{target}\": use the root file system's `path` for this"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(layer: &Layer) -> Vec<String> {
        layer.mounts.iter().map(|m| String::from_utf8_lossy(&m.target).into_owned()).collect()
    }

    #[test]
    fn links_of_the_host_stay_links_and_home_directories_stay_out() {
        let host = tempfile::tempdir().unwrap();
        for name in ["usr", "etc", "home", "root", "lib32"] {
            std::fs::create_dir(host.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink("usr/bin", host.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("usr/lib", host.path().join("lib")).unwrap();
        let layer = Layer::system(host.path()).unwrap();
        assert_eq!(targets(&layer), ["/bin", "/etc", "/lib", "/lib32", "/usr"]);
        assert_eq!(layer.mounts[0].source, MountSource::Symlink(b"usr/bin".to_vec()));
        assert!(layer.roots.iter().all(|r| r.world_readable_only));
        assert_eq!(layer.host_path(0, b"passwd"), Some(host.path().join("etc/passwd")));
    }

    #[test]
    fn a_rootfs_replaces_the_host_and_mounts_come_after() {
        let text = "name='f'\ncommand=['/x']\n[rootfs]\npath='/usr'\nmounts=[{source='/etc',target='/app/etc'}]";
        let layer = Layer::of(&Function::parse(text, "t", Path::new("/")).unwrap()).unwrap();
        assert_eq!(targets(&layer), ["/", "/app/etc"]);
        assert!(layer.roots.iter().all(|r| !r.world_readable_only));
    }
}
