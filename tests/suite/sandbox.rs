//! Command lines of the `catalyzer` binary under test.

use crate::repository;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary: `$CATALYZER_BIN`, or the release build.
pub fn binary() -> PathBuf {
    std::env::var_os("CATALYZER_BIN").map_or_else(|| repository().join("target/release/catalyzer"), PathBuf::from)
}

/// `catalyzer` with these arguments, in an environment of its own.
pub fn catalyzer<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().current_dir("/");
    for name in ["HOME", "PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CATALYZER_LOG", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// `catalyzer run` with a host folder seen as `/t`; options and `-- PROGRAM` are still to be added.
pub fn run_with_folder(folder: &Path) -> Command {
    let mut command = catalyzer(["run", "--workdir", "/", "--mount"]);
    command.arg(format!("{}:/t", folder.display()));
    command
}
