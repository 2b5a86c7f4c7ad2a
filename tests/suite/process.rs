//! Running a program to its end, with a limit, and describing what it did.

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fmt;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The status as a shell and `catalyzer run` give it: 128 + n for death by signal n.
    pub status: i32,
}

impl Outcome {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// An error unless the status is this one.
    pub fn expect_status(&self, status: i32) -> Result<&Self> {
        if self.status != status {
            bail!("status {} instead of {status}\n{self}", self.status);
        }
        Ok(self)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4000;
        for (name, text) in [("stdout", self.text()), ("stderr", self.errors())] {
            let start = text.len().saturating_sub(SHOWN);
            let start = (start..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            writeln!(f, "--- {name}{}\n{}", if start > 0 { ", its end" } else { "" }, &text[start..])?;
        }
        write!(f, "--- status {}", self.status)
    }
}

/// What this process inherited is not for its children: natively a program would find descriptor numbers taken that are
/// free in a sandbox.
///
/// # Errors
/// When they can't be listed.
#[allow(unsafe_code)]
pub fn hand_on_no_descriptors() -> Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let Some(number @ 3..) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // SAFETY: one flag of a descriptor changes, or, of the listing's own that is closed by then, nothing.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
    }
    Ok(())
}

/// Runs to the end, feeding `input`; an error when it takes longer than `limit`, with what was printed till then.
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Result<Outcome> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {:?}", command.get_program()))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let stdout = child.stdout.take().context("no stdout")?;
    let stderr = child.stderr.take().context("no stderr")?;
    let input = input.to_vec();
    // A program may end without having read everything: that is no error of the writer.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let out = thread::spawn(move || collect(stdout));
    let err = thread::spawn(move || collect(stderr));
    let ended = wait(&mut child, limit)?;
    if ended.is_none() {
        child.kill()?;
    }
    let status = child.wait()?;
    let _ = feeder.join();
    let outcome = Outcome {
        stdout: out.join().unwrap_or_default(),
        stderr: err.join().unwrap_or_default(),
        status: shell_status(status),
    };
    if ended.is_none() {
        bail!("still running after {} s\n{outcome}", limit.as_secs());
    }
    Ok(outcome)
}

/// Waits for the end of a child, at most so long.
pub fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let limit = Timespec::try_from(limit)?;
    let ready = loop {
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit)) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if ready == 0 {
        return Ok(None);
    }
    Ok(Some(child.wait()?))
}

/// A wait status as one number.
pub fn shell_status(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn collect(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is still worth showing.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}
