//! What is said when a program or the guest kernel dies, and gdb on a live sandbox.

use crate::hostile_place::{Place, Who};
use crate::process::{Outcome, run};
use crate::repository;
use crate::{Case, named};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 3] = [
        ("a_program_that_faults_leaves_a_report", a_program_that_faults_leaves_a_report),
        ("a_guest_kernel_that_faults_leaves_a_report", a_guest_kernel_that_faults_leaves_a_report),
        ("gdb_knows_the_guest_kernel", gdb_knows_the_guest_kernel),
    ];
    Ok(named("crash", cases))
}

fn says(outcome: &Outcome, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(outcome.errors().contains(part), "{part:?} isn't in the report\n{outcome}");
    }
    Ok(())
}

fn a_program_that_faults_leaves_a_report() -> Result<()> {
    let outcome = Place::get()?.run(Who::Own, &[], "crash", &[])?;
    outcome.expect_status(139)?;
    says(
        &outcome,
        &[
            "the program dies by SIGSEGV (code 1) at 0x1234 in thread 2 (crash)",
            "at /t/crash+0x1",
            "rip 0x",
            "r15 0x",
            "its last system calls:",
            "thread 2: getppid (110) = 1",
        ],
    )
}

/// It dies in its first look at what the guest put where its state was.
fn a_guest_kernel_that_faults_leaves_a_report() -> Result<()> {
    let outcome = Place::get()?.run(Who::Own, &["--timeout", "60s"], "overwrite_kernel", &["root"])?;
    outcome.expect_status(125)?;
    says(
        &outcome,
        &[
            "guest kernel fault: signal 11",
            "rip 0x",
            "<kernel::",
            "backtrace of the guest kernel:\n  0x",
            "<kernel::entry::trap::host_signal+",
            "last system calls:",
            "thread 2: getppid (110) = 1",
        ],
    )
}

/// A program that runs until this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gdb_knows_the_guest_kernel() -> Result<()> {
    let place = Place::get()?;
    let mut command = place.command(Who::Own, &[], "ready", &[])?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().context("no stdout")?).read_line(&mut line)?;
    ensure!(line == "ready\n", "the program says {line:?}");
    let sandbox = sandbox_of(running.0.id(), &place)?;

    let script = repository().join("crates/kernel-elf/guest.gdb");
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-p", &sandbox.to_string(), "-x"]).arg(script).args(["-ex", "guest-where", "-ex", "bt"]);
    // The script looks for the kernel's binary below the folder it is started in.
    let outcome = run(gdb.current_dir(repository()), b"", LIMIT).context("is gdb installed? see `make test-deps`")?;
    outcome.expect_status(0)?;
    let text = outcome.text();
    ensure!(text.contains("guest kernel symbols from "), "no symbols\n{outcome}");
    ensure!(text.contains("): guest kernel at 0x"), "the waiting thread isn't shown in the guest kernel\n{outcome}");
    ensure!(text.contains("trapped_call ()"), "its way into the guest kernel isn't shown\n{outcome}");
    ensure!(running.0.try_wait()?.is_none(), "the program did not survive\n{outcome}");
    Ok(())
}

/// The descendant that has the program mapped.
fn sandbox_of(catalyzer: u32, place: &Place) -> Result<u32> {
    let program = place.guest("ready").display().to_string();
    crate::boots::descendants(catalyzer)?
        .into_iter()
        .find(|pid| fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains(&program)))
        .with_context(|| format!("no descendant of {catalyzer} has {program} mapped"))
}
