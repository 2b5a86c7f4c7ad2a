//! What can go wrong while serving.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a gateway can't serve or be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The control socket can't be made.
    #[error("the control socket {}: {source}", path.display())]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing answers on the control socket.
    #[error("nothing is served here: {}: {source} (start `catalyzer serve` first)", path.display())]
    NotServing {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What came over the control socket is no report.
    #[error("the answer on the control socket makes no sense: {0}")]
    Answer(#[from] serde_json::Error),
    /// An ordinary user's session has no directory for sockets.
    #[error("XDG_RUNTIME_DIR is not set to an absolute path, so there is no place for the control socket")]
    NoRuntimeDirectory,
    /// Something needs an image and there is none.
    #[error("{0} boots need an image")]
    NoImage(crate::BootKind),
    /// A thread or descriptor can't be had.
    #[error("{what}: {source}")]
    Host {
        /// What for.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// From the monitor.
    #[error(transparent)]
    Monitor(#[from] monitor::Error),
}

/// Attaches what was being done: `.map_err(at("making a thread"))`.
pub(crate) fn at<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Host { what, source: source.into() }
}
