//! The host's view: `strace` of everything that catalyzer starts, while guests try what is forbidden.

use crate::hostile_place::{Place, Who};
use crate::process::run;
use abi::hostcalls::{BUDGET, TABLE};
use abi::layout::{KERNEL_BASE, KERNEL_SIZE};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Calls whose names `strace` spells in another way than `man 2`.
const SPELLED: &[(&str, &str)] = &[("pread", "pread64")];

/// A call that a process of a sandbox makes is either trapped (and so never done by the host), or fatal, or listed. A process belongs
/// to a sandbox from its first instruction of the guest kernel on after the filter was installed.
pub(crate) fn only_listed_calls_reach_the_host() -> Result<()> {
    assert!(TABLE.len() <= BUDGET);
    Command::new("strace").arg("-V").output().context("is strace installed? see `make test-deps`")?;
    let place = Place::get()?;
    let guests: [(&str, &[&str]); 5] = [
        ("look_outside", &[]),
        ("kernel_call", &["59", "own", "own", "own"]),
        ("kernel_call", &["41", "2", "1", "0"]),
        ("kernel_call", &["101", "16", "1"]),
        ("exhaust", &["processes-host"]),
    ];
    for (number, (program, arguments)) in guests.into_iter().enumerate() {
        let file = place.folder_of(Who::Own)?.join(format!("trace.{number}"));
        let inner = place.command(Who::Own, &[], program, arguments)?;
        let mut command = Command::new("strace");
        command.args(["-f", "-i", "-o"]).arg(&file).arg(inner.get_program()).args(inner.get_args());
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        let outcome = run(&mut command, b"", Duration::from_secs(90))?;
        let trace = fs::read_to_string(&file)?;
        let seen = judge(&trace).with_context(|| format!("{program} {arguments:?}\n{outcome}"))?;
        ensure!(seen > 20, "only {seen} calls of the guest kernel were seen in {program}'s trace\n{outcome}");
    }
    Ok(())
}

/// How many calls of sandboxes the host did; an error for the first one that is not listed.
fn judge(trace: &str) -> Result<usize> {
    // What a process has begun, until its next line says what came of it.
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut sealed = false;
    let mut seen = 0;
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let Some((address, call)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else { continue };
        // Where another process's line came between, a call that has no result is told in two parts.
        if call.starts_with("<... ") && call.ends_with(" = ?") {
            continue;
        }
        let trapped_or_dead = call.starts_with("--- SIGSYS") || call.starts_with("+++ killed");
        if let Some(before) = begun.remove(pid)
            && !trapped_or_dead
        {
            seen += 1;
            ensure!(is_listed(name(before)), "the host did {before}");
        }
        let in_kernel = u64::from_str_radix(address, 16)
            .is_ok_and(|address| (KERNEL_BASE..KERNEL_BASE + KERNEL_SIZE).contains(&address));
        if in_kernel && name(call) == "seccomp" {
            sealed = true;
        } else if sealed && in_kernel && !call.starts_with(['-', '+', '<']) {
            begun.insert(pid, call);
        }
    }
    ensure!(sealed, "no process installed a filter");
    Ok(seen)
}

fn name(call: &str) -> &str {
    let name = call.split(['(', ' ']).next().unwrap_or(call);
    SPELLED.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long)
}

fn is_listed(name: &str) -> bool {
    TABLE.iter().any(|row| row.name == name)
}

/// An unlisted call that comes back is found, one that kills is none.
pub(crate) fn the_judge_tells_calls_from_attempts() -> Result<()> {
    const SEALED: &str = "7 [00007e0000001000] seccomp(SECCOMP_SET_MODE_FILTER, 0, 0x1) = 0\n";
    const ATTEMPT: &str = "8 [00007e0000001000] socket(AF_UNIX) = 4\n";
    let done = format!("{SEALED}{ATTEMPT}8 [00007e0000001000] read(0) = 1\n");
    ensure!(judge(&done).is_err(), "a call that came back was not found");
    let killed = format!("{SEALED}{ATTEMPT}8 [????????????????] +++ killed by SIGSYS +++\n");
    ensure!(judge(&killed)? == 0, "a call that killed was counted");
    const PARTS: &str =
        "8 [00007e0000001000] socket(AF_UNIX <unfinished ...>\n8 [????????????????] <... socket resumed>";
    let killed = format!("{SEALED}{PARTS}) = ?\n8 [????????????????] +++ killed by SIGSYS +++\n");
    ensure!(judge(&killed)? == 0, "a call that killed was counted because it was told in parts");
    for came_back in [") = 4\n", ") = ?\n8 [00007e0000001000] read(0) = 1\n"] {
        ensure!(judge(&format!("{SEALED}{PARTS}{came_back}")).is_err(), "a call told in parts was not found");
    }
    Ok(())
}
