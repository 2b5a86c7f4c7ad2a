//! One sandbox process: its control socket, and the process itself once its parent's reply has been read.

use crate::end::How;
use crate::error::{Error, Result};
use crate::function::{FunctionInner, TemplateInner};
use crate::parent::{PATIENCE, Parent, Ticket};
use crate::process::{Doubt, Kind, Process};
use crate::wire;
use abi::control::ToSandbox;
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a sandbox that is dropped before its parent answered is waited for, so that it can be killed.
const LAST_CALL: Duration = Duration::from_secs(2);

/// Who was asked to clone a sandbox.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Nursery,
    Template(Arc<TemplateInner>),
}

#[derive(Debug)]
enum State {
    /// The parent's reply has not been read.
    Pending { origin: Origin, ticket: Ticket, kind: Kind, until: Instant },
    /// Known and checked.
    Known(Process),
    /// It never came to be, or had ended before it could be looked at.
    Lost(How),
}

/// See the module documentation. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) function: Arc<FunctionInner>,
    control: OwnedFd,
    state: State,
}

impl Sandbox {
    /// A sandbox that was asked for.
    pub(crate) fn pending(
        function: Arc<FunctionInner>,
        control: OwnedFd,
        origin: Origin,
        ticket: Ticket,
        kind: Kind,
    ) -> Self {
        let until = Instant::now() + PATIENCE;
        Self { function, control, state: State::Pending { origin, ticket, kind, until } }
    }

    #[cfg(test)]
    pub(crate) fn for_test(function: Arc<FunctionInner>, control: OwnedFd, process: Process) -> Self {
        Self { function, control, state: State::Known(process) }
    }

    /// Our end of its control socket.
    pub(crate) fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// Sends to it at once.
    pub(crate) fn send(&self, message: &ToSandbox, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        wire::send(&self.control, &abi::encode(message), fds)
    }

    /// Reads and checks the parent's reply, if that has not been done.
    ///
    /// # Errors
    /// When the host could not clone, or the parent misbehaved.
    pub(crate) fn resolve(&mut self) -> Result<()> {
        let late = Instant::now() + PATIENCE;
        self.resolve_by(late).map(drop)
    }

    /// The same, but `false` when the reply has not come until the deadline and is not overdue.
    pub(crate) fn resolve_by(&mut self, deadline: Instant) -> Result<bool> {
        let State::Pending { origin, ticket, kind, until } = &self.state else { return Ok(true) };
        let parent = origin.parent(&self.function);
        let collected = parent.collect(ticket, deadline.min(*until));
        // It stays pending: the reply may come yet, and the process must then be killed.
        if let Err(Error::Silent { .. }) = collected {
            return if deadline < *until { Ok(false) } else { collected.map(|_| false) };
        }
        let pidfd = match collected {
            Ok(pidfd) => pidfd,
            Err(error) => {
                self.state = State::Lost(How::Unknown);
                return Err(error);
            }
        };
        let checked = Process::check(pidfd, self.function.tree.keeper_pid(), *kind);
        let (state, result) = match checked {
            Ok(process) if self.function.claim(process.pid()) => (State::Known(process), Ok(())),
            Ok(_) => (State::Lost(How::Unknown), Err(origin.distrust("another sandbox's process"))),
            Err(Doubt::Wrong(what)) => (State::Lost(How::Unknown), Err(origin.distrust(what))),
            Err(Doubt::Gone) => (State::Lost(self.function.tree.latest_death().unwrap_or(How::Unknown)), Ok(())),
        };
        self.state = state;
        result.map(|()| true)
    }

    /// Its process, when there is one and it is known.
    pub(crate) fn process(&self) -> Option<&Process> {
        match &self.state {
            State::Known(process) => Some(process),
            State::Pending { .. } | State::Lost(_) => None,
        }
    }

    /// Its process, resolved now.
    ///
    /// # Errors
    /// As for [`Self::resolve`], and when it has ended.
    pub(crate) fn known(&mut self) -> Result<&Process> {
        self.resolve()?;
        self.process().ok_or(Error::Host { what: "looking at a sandbox's process", errno: Errno::SRCH })
    }

    /// How it ended; waits for the end to be reported, not for the end.
    pub(crate) fn how(&self) -> How {
        match &self.state {
            State::Pending { .. } => How::Unknown,
            State::Lost(how) => *how,
            State::Known(process) => self.function.tree.death_of(process.inner_pid()).unwrap_or(How::Unknown),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Without its pid it can't be killed; its control socket closes, which ends an honest one.
        let _ = self.resolve_by(Instant::now() + LAST_CALL);
        if let State::Known(process) = &self.state {
            process.kill();
            self.function.disown(process.pid());
        }
    }
}

impl Origin {
    fn parent<'a>(&'a self, function: &'a FunctionInner) -> &'a Parent {
        match self {
            Self::Nursery => &function.tree.nursery,
            Self::Template(template) => &template.parent,
        }
    }

    /// The parent handed in something it should not have: it is compromised.
    fn distrust(&self, what: &str) -> Error {
        let who = match self {
            Self::Nursery => "the nursery",
            Self::Template(template) => {
                template.kill();
                "the template"
            }
        };
        Error::Tree { who, what: format!("handed over {what}") }
    }
}
