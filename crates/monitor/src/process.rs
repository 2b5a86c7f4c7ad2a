//! A sandbox's host process as the monitor sees it: a checked pidfd, and what `/proc` says.
//!
//! Everything is looked up by pid and then confirmed through the pidfd, which can't be recycled.

use crate::error::{Error, Result};
use crate::wire;
use abi::boot::{BOOT_MAGIC, BootPage};
use rustix::process::Signal;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// What a pidfd is expected to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An instance, zygote or spare: pid 1 of a namespace of its own.
    Instance,
    /// In the keeper's namespace itself.
    Template,
}

/// A checked process of a sandbox.
#[derive(Debug)]
pub(crate) struct Process {
    pidfd: OwnedFd,
    pid: i32,
    /// Its pid in the keeper's namespace, by which the keeper reports its end.
    inner_pid: i32,
}

/// Memory of one process in pages of 4 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// Written by it and shared with nobody: what an instance costs.
    pub private_dirty: u64,
    /// Private but clean.
    pub private_clean: u64,
    /// Of all pages it maps, shared ones included.
    pub resident: u64,
    /// Anonymous memory.
    pub anonymous: u64,
    /// Shared pages by their share.
    pub proportional: u64,
    /// Anonymous memory, shared pages by their share.
    pub anonymous_share: u64,
}

/// Why a pidfd was not believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It has ended and was reaped already.
    Gone,
    /// It names something else.
    Wrong(&'static str),
}

impl Process {
    /// Believes a pidfd that came from a nursery or template, once it names a child of the keeper of the
    /// expected kind.
    pub(crate) fn check(pidfd: OwnedFd, keeper: i32, kind: Kind) -> std::result::Result<Self, Doubt> {
        let (pid, inner_pid) = identify(&pidfd, kind)?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|_| Doubt::Gone)?;
        let parent = field(&status, "PPid:").and_then(|value| value.parse::<i32>().ok());
        // The number was the pidfd's before, and is after: so it was in between.
        if identify(&pidfd, kind)? != (pid, inner_pid) {
            return Err(Doubt::Gone);
        }
        match parent {
            Some(parent) if parent == keeper => Ok(Self { pidfd, pid, inner_pid }),
            _ => Err(Doubt::Wrong("a process that is not its keeper's")),
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(pidfd: OwnedFd, pid: i32) -> Self {
        Self { pidfd, pid, inner_pid: 2 }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn inner_pid(&self) -> i32 {
        self.inner_pid
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(crate) fn kill(&self) {
        // Fails only when it has ended.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Makes a sandbox whose threads all run user code look at its control socket.
    pub(crate) fn kick(&self) {
        // SAFETY: a number the sandbox's kernel has a handler for; nothing in this process uses it.
        #[allow(unsafe_code)]
        let signal = unsafe { Signal::from_raw_unchecked(abi::layout::KICK_SIGNAL) };
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, signal);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.wait(Instant::now())
    }

    /// Waits for the end; `false` at the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        wire::wait_readable(&[self.pidfd.as_fd()], Some(deadline)).unwrap_or(false)
    }

    /// The file `name` of its directory in `/proc`, certainly its own.
    pub(crate) fn open(&self, name: &str) -> Result<File> {
        let file = File::open(format!("/proc/{}/{name}", self.pid));
        let file =
            file.map_err(|error| Error::Host { what: "looking at a sandbox's process", errno: errno(&error) })?;
        if self.has_ended() {
            return Err(Error::Host { what: "looking at a sandbox's process", errno: rustix::io::Errno::SRCH });
        }
        Ok(file)
    }

    /// The process with this number in the sandbox's own pid namespace. It is the first one there, so all others are its
    /// descendants; that the one found is one of them is certain.
    ///
    /// # Errors
    /// When there is none (any more).
    pub(crate) fn of_its_sandbox(&self, number: u32) -> Result<Self> {
        let gone = || Error::Host { what: "looking for a host process of a sandbox", errno: rustix::io::Errno::SRCH };
        let wanted = i32::try_from(number).map_err(|_| gone())?;
        if wanted == 1 {
            let pidfd = self.pidfd.try_clone().map_err(|_| gone())?;
            return Ok(Self { pidfd, pid: self.pid, inner_pid: self.inner_pid });
        }
        let found = descendants(self.pid).find_map(|pid| self.descendant(pid).filter(|(_, number)| *number == wanted));
        found.map(|(process, _)| process).ok_or_else(gone)
    }

    /// The process with this pid, if it is one of the sandbox that this one is the first of, and its number there.
    fn descendant(&self, pid: i32) -> Option<(Self, i32)> {
        let pidfd =
            rustix::process::pidfd_open(rustix::process::Pid::from_raw(pid)?, rustix::process::PidfdFlags::empty());
        let pidfd = pidfd.ok()?;
        let numbers = numbers_of(&pidfd).ok()?;
        let [seen, inner_pid, number] = *numbers.as_slice() else { return None };
        // The namespace of a pid that may name another process by now: only what is true after, too, counts.
        let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let same = namespace(seen)? == namespace(self.pid)?;
        let found = Self { pidfd, pid: seen, inner_pid };
        (same && !found.has_ended() && !self.has_ended()).then_some((found, number))
    }

    fn text(&self, name: &str) -> Result<String> {
        io::read_to_string(self.open(name)?)
            .map_err(|error| Error::Host { what: "looking at a sandbox's process", errno: errno(&error) })
    }

    /// The boot page, believed in nothing but that it is one.
    pub(crate) fn boot_page(&self) -> Result<BootPage> {
        let mut bytes = [0; size_of::<BootPage>()];
        let memory = self.open("mem")?;
        memory
            .read_exact_at(&mut bytes, abi::layout::BOOT_PAGE)
            .map_err(|error| Error::Host { what: "reading the boot page", errno: errno(&error) })?;
        let page = decode_boot_page(&bytes);
        if page.magic == BOOT_MAGIC {
            Ok(page)
        } else {
            Err(Error::Invalid("the sandbox has no boot page (yet)".to_owned()))
        }
    }

    pub(crate) fn pages(&self) -> Result<PageCounts> {
        Ok(counts(&self.text("smaps_rollup")?))
    }

    /// The same, summed over all host processes of its sandbox: it is the first one of their namespace, so all others
    /// are its descendants.
    pub(crate) fn pages_of_all(&self) -> Result<PageCounts> {
        let mut sum = self.pages()?;
        for pid in descendants(self.pid) {
            // One that has ended meanwhile has nothing left.
            let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            sum = sum.plus(counts(&text));
        }
        Ok(sum)
    }

    pub(crate) fn mappings(&self) -> Result<usize> {
        Ok(self.text("maps")?.lines().count())
    }
}

impl PageCounts {
    fn plus(self, other: Self) -> Self {
        Self {
            private_dirty: self.private_dirty.saturating_add(other.private_dirty),
            private_clean: self.private_clean.saturating_add(other.private_clean),
            resident: self.resident.saturating_add(other.resident),
            anonymous: self.anonymous.saturating_add(other.anonymous),
            proportional: self.proportional.saturating_add(other.proportional),
            anonymous_share: self.anonymous_share.saturating_add(other.anonymous_share),
        }
    }
}

/// From the text of `smaps_rollup`.
fn counts(text: &str) -> PageCounts {
    let pages = |name: &str| {
        let value = field(text, name).and_then(|value| value.strip_suffix("kB"));
        value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0) / 4
    };
    PageCounts {
        private_dirty: pages("Private_Dirty:"),
        private_clean: pages("Private_Clean:"),
        resident: pages("Rss:"),
        anonymous: pages("Anonymous:"),
        proportional: pages("Pss:"),
        anonymous_share: pages("Pss_Anon:"),
    }
}

/// The descendants of a process, each before its own.
fn descendants(pid: i32) -> impl Iterator<Item = i32> {
    let mut waiting = children(pid);
    std::iter::from_fn(move || {
        let next = waiting.pop()?;
        waiting.extend(children(next));
        Some(next)
    })
}

/// The children of a process.
fn children(pid: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    texts
        .flat_map(|text| text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Pid as the monitor sees it and in the keeper's namespace.
fn identify(pidfd: &OwnedFd, kind: Kind) -> std::result::Result<(i32, i32), Doubt> {
    match (kind, numbers_of(pidfd)?.as_slice()) {
        (_, [..=0, ..]) => Err(Doubt::Gone),
        (Kind::Instance, [pid, inner, 1]) | (Kind::Template, [pid, inner @ 2..=i32::MAX]) => Ok((*pid, *inner)),
        _ => Err(Doubt::Wrong("a process in the wrong namespace")),
    }
}

/// The pids of a process, in our namespace first and in its own last.
fn numbers_of(pidfd: &OwnedFd) -> std::result::Result<Vec<i32>, Doubt> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).map_err(|_| Doubt::Gone)?;
    let numbers = field(&info, "NSpid:").ok_or(Doubt::Wrong("a descriptor that is no pidfd"))?;
    Ok(numbers.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect())
}

/// The value of `name` in a file of `name value` lines.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn errno(error: &io::Error) -> rustix::io::Errno {
    rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO)
}

fn decode_boot_page(bytes: &[u8; size_of::<BootPage>()]) -> BootPage {
    // SAFETY: the type is `repr(C)` and made of integers only, for which every bit pattern is a value; the
    // array is exactly as long, and the read asks for no alignment.
    #[allow(unsafe_code)]
    unsafe {
        std::ptr::read_unaligned(bytes.as_ptr().cast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::PidfdFlags;
    use std::process::{Child, Command};

    fn child() -> (Child, OwnedFd) {
        let child = Command::new("sleep").arg("100").spawn().expect("sleep");
        let pid = rustix::process::Pid::from_child(&child);
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).expect("pidfd");
        (child, pidfd)
    }

    #[test]
    fn a_process_of_our_own_namespace_is_not_believed() {
        let (mut child, pidfd) = child();
        let own = i32::try_from(std::process::id()).expect("pid");
        for kind in [Kind::Instance, Kind::Template] {
            let doubt = Process::check(pidfd.try_clone().expect("dup"), own, kind).expect_err("not believed");
            assert_eq!(doubt, Doubt::Wrong("a process in the wrong namespace"));
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        assert_eq!(Process::check(pidfd, own, Kind::Instance).expect_err("gone"), Doubt::Gone);
    }

    #[test]
    fn something_that_is_no_pidfd_is_not_believed() {
        let (ours, _theirs) = wire::pair().expect("pair");
        let doubt = Process::check(ours, 1, Kind::Instance).expect_err("not believed");
        assert_eq!(doubt, Doubt::Wrong("a descriptor that is no pidfd"));
    }
}
