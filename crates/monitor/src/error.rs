//! What can go wrong on the trusted side, in sentences.

use rustix::io::Errno;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a sandbox could not be made, fed or looked at. What a *program* does (exit, crash, breach a limit) is
/// never an error but an [`Event`](crate::Event).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A host system call of the monitor failed.
    #[error("{what}: {errno}")]
    Host {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        errno: Errno,
    },
    /// The keeper could not build the jail.
    #[error("the jail of the sandbox can't be built: {step}: {errno}{}", hint(step, *errno))]
    Jail {
        /// The step that failed.
        step: String,
        /// Why.
        errno: Errno,
    },
    /// The helper process could not be started.
    #[error("can't start the keeper process {}: {source}", program.display())]
    KeeperStart {
        /// The command.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The keeper or the nursery said something that makes no sense or ended early.
    #[error("{who} of the function {what}")]
    Tree {
        /// Which process.
        who: &'static str,
        /// What it did.
        what: String,
    },
    /// A reply did not come in time.
    #[error("{who} of the function did not answer within {seconds} s")]
    Silent {
        /// Which process.
        who: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The host refused to clone a sandbox.
    #[error("the host can't make another sandbox process: {0} (raise the limit of processes or the memory)")]
    Clone(Errno),
    /// A sandbox ended, or was killed for what it did, while something was asked of it.
    #[error("the sandbox ended: {0}")]
    Ended(crate::End),
    /// The image cannot be continued.
    #[error("the sandbox can't be continued from the image: {0}")]
    BootFailed(String),
    /// A limit or option makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The seccomp program could not be compiled from the hostcall table.
    #[error("the hostcall filter can't be compiled: {0}")]
    Filter(String),
    /// From the image crate.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// From the file server.
    #[error("the file server: {0}")]
    Files(String),
}

/// Attaches what was being done to an errno: `.map_err(at("making a socket"))`.
pub(crate) fn at(what: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::Host { what, errno }
}

/// What to do about a failed step of the jail.
fn hint(step: &str, errno: Errno) -> &'static str {
    if step.starts_with("unshare") {
        match errno {
            Errno::PERM | Errno::ACCESS => {
                " (user namespaces are switched off here, or this is a chroot: see `catalyzer doctor`; \
                 usually sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0)"
            }
            Errno::NOSPC | Errno::USERS => " (too many namespaces: raise the sysctl user.max_user_namespaces)",
            _ => "",
        }
    } else if step.starts_with("setgroups") {
        " (root of a user namespace only: run catalyzer as an ordinary user in it)"
    } else if step.starts_with("pivot") {
        " (the root directory must be a mount point, not a chroot)"
    } else {
        ""
    }
}
