//! A directory to show, a server that shows it, and short ways to ask.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use abi::files::{Attributes, FileReply, FileRequest, Name};
use fileserver::{Config, FileServer, Root};
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

pub type Test = (&'static str, fn());

/// Pairs of name and function.
#[macro_export]
macro_rules! tests {
    ($($test:ident,)*) => {
        pub const TESTS: &[$crate::support::Test] = &[$((stringify!($test), $test),)*];
    };
}

/// `root/` is shown; `outside/` beside it is not.
pub struct World {
    pub dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/secret"), "secret").unwrap();
        fs::set_permissions(dir.path().join("root"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// A file with a mode.
    pub fn file(&self, path: &str, content: &str, mode: u32) -> &Self {
        fs::write(self.path(path), content).unwrap();
        self.mode(path, mode)
    }

    pub fn directory(&self, path: &str, mode: u32) -> &Self {
        fs::create_dir(self.path(path)).unwrap();
        self.mode(path, mode)
    }

    pub fn link(&self, path: &str, target: &str) -> &Self {
        symlink(target, self.path(path)).unwrap();
        self
    }

    pub fn mode(&self, path: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn fifo(&self, path: &str) -> &Self {
        mknod(&self.path(path), FileType::Fifo, 0).unwrap();
        self
    }

    /// A device node; `false` where only root may make one.
    pub fn device(&self, path: &str, file_type: FileType, major: u32, minor: u32) -> bool {
        let made = mknod(&self.path(path), file_type, rustix::fs::makedev(major, minor)).is_ok();
        if !made {
            println!("not checked: {path}: only root can make device nodes");
        }
        made
    }

    /// A server that shows what the caller may read.
    pub fn serve(&self) -> Client {
        Client::new(&self.root(), false)
    }

    /// A server that shows what everybody may read.
    pub fn serve_world_readable(&self) -> Client {
        Client::new(&self.root(), true)
    }
}

fn mknod(path: &Path, file_type: FileType, device: rustix::fs::Dev) -> rustix::io::Result<()> {
    rustix::fs::mknodat(CWD, path, file_type, Mode::from_raw_mode(0o666), device)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    Ok(())
}

pub fn config(roots: &[(&Path, bool)]) -> Config {
    let roots = roots.iter().map(|(path, world_readable_only)| Root {
        path: path.to_path_buf(),
        world_readable_only: *world_readable_only,
    });
    Config { roots: roots.collect() }
}

pub fn spawn(roots: &[(&Path, bool)]) -> Result<FileServer, fileserver::Error> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(crate::SERVER);
    fileserver::spawn(command, &config(roots))
}

/// A server with one connection.
pub struct Client {
    pub server: FileServer,
    pub socket: OwnedFd,
}

impl Client {
    pub fn new(root: &Path, world_readable_only: bool) -> Self {
        let server = spawn(&[(root, world_readable_only)]).unwrap();
        let socket = server.connect().unwrap();
        Self { server, socket }
    }

    pub fn ask(&self, request: &FileRequest) -> (FileReply, Option<OwnedFd>) {
        fileserver::request(&self.socket, request).unwrap()
    }

    pub fn lookup(&self, path: &str) -> Result<(Attributes, Vec<u8>), i32> {
        match self.ask(&FileRequest::Lookup { root: 0, path: path.into() }) {
            (FileReply::Attributes { attributes, target }, None) => Ok((attributes, target)),
            (FileReply::Error(errno), None) => Err(errno),
            other => panic!("{other:?}"),
        }
    }

    pub fn open(&self, path: &str) -> Result<(Attributes, OwnedFd), i32> {
        match self.ask(&FileRequest::Open { root: 0, path: path.into() }) {
            (FileReply::Opened(attributes), Some(file)) => Ok((attributes, file)),
            (FileReply::Error(errno), None) => Err(errno),
            other => panic!("{other:?}"),
        }
    }

    pub fn page(&self, path: &str, start: usize) -> Result<(Vec<Name>, bool), i32> {
        let start = start.try_into().unwrap();
        match self.ask(&FileRequest::List { root: 0, path: path.into(), start }) {
            (FileReply::Names { names, more }, None) => Ok((names, more)),
            (FileReply::Error(errno), None) => Err(errno),
            other => panic!("{other:?}"),
        }
    }

    pub fn names(&self, path: &str) -> Result<Vec<String>, i32> {
        let mut all: Vec<Name> = Vec::new();
        loop {
            let (names, more) = self.page(path, all.len())?;
            all.extend(names);
            if !more {
                return Ok(all.into_iter().map(|name| String::from_utf8(name.name).unwrap()).collect());
            }
        }
    }

    /// The error of an `Open`, which must not succeed.
    pub fn refusal(&self, path: &str) -> i32 {
        self.open(path).map(|(attributes, _)| attributes).expect_err(path)
    }

    pub fn read(&self, path: &str) -> String {
        let (_, file) = self.open(path).unwrap();
        std::io::read_to_string(fs::File::from(file)).unwrap()
    }
}
