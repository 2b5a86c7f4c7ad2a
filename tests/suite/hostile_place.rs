//! Where guests run for any user: a folder that everybody may reach, with the binary, the programs of
//! `tests/hostile` and `tests/guest`, and a home for an ordinary user.

use crate::process::{Outcome, run};
use crate::repository;
use crate::sandbox::binary;
use anyhow::{Context, Result, bail};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(90);

/// Who runs catalyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The user that runs the tests.
    Own,
    /// Another one without any privilege; only root can become it.
    Ordinary,
}

/// The ordinary user's number.
const ORDINARY: u32 = 1000;

impl Who {
    /// Those who can be tested as.
    pub fn all() -> Vec<Self> {
        if rustix::process::geteuid().is_root() { vec![Self::Own, Self::Ordinary] } else { vec![Self::Own] }
    }

    /// For the names of tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own if rustix::process::geteuid().is_root() => "root",
            Self::Own | Self::Ordinary => "user",
        }
    }
}

/// The folder, made when first asked for.
static PLACE: Mutex<Option<TempDir>> = Mutex::new(None);

/// What lies in the folder.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// Makes it, once.
    pub fn get() -> Result<Self> {
        let Ok(mut place) = PLACE.lock() else { bail!("making the folder failed before") };
        if let Some(made) = &*place {
            return Ok(Self { folder: made.path().to_owned() });
        }
        let made = tempfile::Builder::new().prefix("catalyzer-hostile-").tempdir()?;
        let this = Self { folder: made.path().to_owned() };
        this.fill()?;
        *place = Some(made);
        Ok(this)
    }

    /// Removes it, when all tests are done.
    pub fn remove() {
        if let Ok(mut place) = PLACE.lock() {
            *place = None;
        }
    }

    fn fill(&self) -> Result<()> {
        fs::set_permissions(&self.folder, Permissions::from_mode(0o755))?;
        fs::copy(binary(), self.binary()).with_context(|| binary().display().to_string())?;
        fs::set_permissions(self.binary(), Permissions::from_mode(0o755))?;
        let guests = self.folder.join("guests");
        fs::create_dir(&guests)?;
        fs::set_permissions(&guests, Permissions::from_mode(0o755))?;
        for (folder, flags) in [("tests/hostile", FREESTANDING), ("tests/guest", HOSTED)] {
            for entry in fs::read_dir(repository().join(folder))? {
                let source = entry?.path();
                if source.extension().is_some_and(|extension| extension == "c") {
                    build(&source, &guests.join(source.file_stem().context("a source without a name")?), flags)?;
                }
            }
        }
        for who in Who::all() {
            let home = self.folder.join(who.name());
            fs::create_dir(&home)?;
            self.give(who, &home)?;
        }
        Ok(())
    }

    /// The copy of the binary that any user may execute.
    pub fn binary(&self) -> PathBuf {
        self.folder.join("catalyzer")
    }

    /// A guest that was built.
    pub fn guest(&self, name: &str) -> PathBuf {
        self.folder.join("guests").join(name)
    }

    /// A folder of this user's own.
    pub fn folder_of(&self, who: Who) -> Result<PathBuf> {
        Ok(self.folder.join(who.name()))
    }

    /// Makes a folder and the files in it this user's.
    pub fn give(&self, who: Who, folder: &Path) -> Result<()> {
        if who == Who::Own {
            return Ok(());
        }
        chown(folder, Some(ORDINARY), Some(ORDINARY))?;
        for entry in fs::read_dir(folder)? {
            chown(entry?.path(), Some(ORDINARY), Some(ORDINARY))?;
        }
        Ok(())
    }

    /// `catalyzer` as this user, with caches and sockets of its own.
    pub fn catalyzer(&self, who: Who) -> Result<Command> {
        let home = self.folder_of(who)?;
        let mut command = Command::new(self.binary());
        command.env_clear().current_dir("/").env("PATH", "/usr/bin:/bin").env("HOME", &home);
        command.env("XDG_CACHE_HOME", &home).env("XDG_RUNTIME_DIR", &home);
        if who == Who::Ordinary {
            command.uid(ORDINARY).gid(ORDINARY);
        }
        Ok(command)
    }

    /// The command that runs a guest.
    pub fn command(&self, who: Who, options: &[&str], program: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = self.catalyzer(who)?;
        command.args(["run", "--mount"]).arg(format!("{}/guests:/t", self.folder.display())).args(options);
        command.arg("--").arg(format!("/t/{program}")).args(arguments);
        Ok(command)
    }

    /// Runs a guest to its end.
    pub fn run(&self, who: Who, options: &[&str], program: &str, arguments: &[&str]) -> Result<Outcome> {
        run(&mut self.command(who, options, program, arguments)?, b"", LIMIT)
    }
}

/// No C library is between a hostile guest and its deed.
const FREESTANDING: &[&str] = &[
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-pie",
    "-no-pie",
    "-mfsgsbase",
    "-mgeneral-regs-only",
];
/// Dynamic, as most programs are.
const HOSTED: &[&str] = &["-pthread"];

fn build(source: &Path, target: &Path, flags: &[&str]) -> Result<()> {
    let mut command = Command::new("cc");
    command.arg("-O1").args(flags).arg("-o").arg(target).arg(source);
    let output = command.output().with_context(|| format!("{command:?}: is it installed? see `make test-deps`"))?;
    if !output.status.success() {
        bail!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
