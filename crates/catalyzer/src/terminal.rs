//! The caller's terminal for `run -t`: it passes bytes as they are, since the line discipline is the guest's, and says how
//! large it is.

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use std::os::fd::{AsFd, OwnedFd};

/// Rows and columns where nobody says.
const DEFAULT_WINDOW: [u16; 2] = [24, 80];

/// A terminal in raw mode. Dropping it gives it back as it was.
#[derive(Debug)]
pub struct RawTerminal {
    fd: OwnedFd,
    before: Termios,
}

impl RawTerminal {
    /// Puts standard input's terminal into raw mode; none where it is no terminal.
    ///
    /// # Errors
    /// It can't be done.
    pub fn of_stdin() -> Result<Option<Self>> {
        let stdin = std::io::stdin();
        if !isatty(&stdin) {
            return Ok(None);
        }
        let before = tcgetattr(&stdin).context("the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Drain, &raw).context("the terminal can't be put into raw mode")?;
        Ok(Some(Self { fd: stdin.as_fd().try_clone_to_owned()?, before }))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = tcsetattr(&self.fd, OptionalActions::Drain, &self.before);
    }
}

/// Rows and columns of the caller's terminal.
pub fn window() -> [u16; 2] {
    let size = tcgetwinsize(std::io::stdin()).or_else(|_| tcgetwinsize(std::io::stdout()));
    size.ok()
        .filter(|size| size.ws_row > 0 && size.ws_col > 0)
        .map_or(DEFAULT_WINDOW, |size| [size.ws_row, size.ws_col])
}
