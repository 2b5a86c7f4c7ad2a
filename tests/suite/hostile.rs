//! Hostile guests: one tiny program a forbidden deed (`tests/hostile/`), each as root and as an ordinary user.
//!
//! A deed that passes prints `SUCCEEDED`, which is a breach. Everything else is told by how the sandbox ends: killed
//! by the hostcall filter (159), by the monitor for what it did (125 and a sentence), at a limit (124, 137), or
//! served by the guest kernel as a program on Linux would be. What the guests ask the host for by the kernel's own
//! system-call instruction is judged by the hostcall table itself.

use crate::differential::done;
use crate::hostile_place::{Place, Who};
use crate::process::Outcome;
use abi::hostcalls::{self, Check, TABLE};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use std::fs;

/// What has to come of a deed.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The filter killed it.
    Filter,
    /// The monitor killed it, and said this.
    Violation(&'static str),
    /// It ended with this status and printed this, as on Linux.
    Served(i32, &'static str),
    /// It may break itself in any way, but it ends and what ends it is reported.
    Ends,
}

struct Deed {
    program: &'static str,
    arguments: &'static [&'static str],
    options: &'static [&'static str],
    expected: Expected,
}

const fn deed(program: &'static str, arguments: &'static [&'static str], expected: Expected) -> Deed {
    Deed { program, arguments, options: &[], expected }
}

const fn limited(
    program: &'static str,
    arguments: &'static [&'static str],
    options: &'static [&'static str],
    expected: Expected,
) -> Deed {
    Deed { program, arguments, options, expected }
}

use Expected::{Ends, Filter, Served, Violation};

const MEMORY: &[&str] = &["--memory", "64MiB", "--timeout", "60s"];
const LONG: &[&str] = &["--timeout", "60s"];
const TIME: &[&str] = &["--timeout", "500ms"];

/// All deeds but the sweeps over numbers and addresses.
const DEEDS: &[Deed] = &[
    // Other doors than `syscall`.
    deed("other_entry", &["int80"], Filter),
    deed("other_entry", &["int80-exit"], Filter),
    deed("other_entry", &["sysenter"], Ends),
    deed("other_entry", &["x32", "0"], Filter),
    deed("other_entry", &["x32", "39"], Filter),
    deed("other_entry", &["x32", "520"], Filter),
    deed("other_entry", &["kernel-x32", "1"], Filter),
    deed("other_entry", &["kernel-negative"], Filter),
    // Every call by an instruction of its own is the guest kernel's.
    deed("own_call", &["zeros"], Served(0, "served all")),
    deed("own_call", &["ones"], Served(0, "served all")),
    deed("own_call", &["kernel"], Served(0, "served all")),
    deed("own_call", &["boot"], Served(0, "served all")),
    deed("own_call", &["stack"], Served(0, "served all")),
    deed("own_call", &["noncanonical"], Served(0, "served all")),
    // Listed calls with what is not listed: mmap with GROWSDOWN, LOCKED, HUGETLB, SHARED_VALIDATE|SYNC, bad protections.
    deed("kernel_call", &["9", "0", "4096", "3", "290", "-1", "0"], Filter),
    deed("kernel_call", &["9", "0", "4096", "3", "8226", "-1", "0"], Filter),
    deed("kernel_call", &["9", "0", "4096", "3", "262178", "-1", "0"], Filter),
    deed("kernel_call", &["9", "0", "4096", "3", "524323", "-1", "0"], Filter),
    deed("kernel_call", &["9", "0", "4096", "16777219", "34", "-1", "0"], Filter),
    deed("kernel_call", &["10", "own", "4096", "16777219"], Filter),
    deed("kernel_call", &["10", "own", "4096", "8"], Filter),
    // mremap with unknown flags; madvise: DONTFORK, MERGEABLE, HUGEPAGE, HWPOISON, COLD, COLLAPSE.
    deed("kernel_call", &["25", "own", "4096", "4096", "8"], Filter),
    deed("kernel_call", &["28", "own", "4096", "10"], Served(0, "PASSED: 0")),
    deed("kernel_call", &["28", "own", "4096", "12"], Filter),
    deed("kernel_call", &["28", "own", "4096", "14"], Filter),
    deed("kernel_call", &["28", "own", "4096", "100"], Filter),
    deed("kernel_call", &["28", "own", "4096", "20"], Filter),
    deed("kernel_call", &["28", "own", "4096", "25"], Filter),
    // Futexes that other processes could share, and other operations.
    deed("kernel_call", &["202", "own", "0", "0"], Filter),
    deed("kernel_call", &["202", "own", "1", "1"], Filter),
    deed("kernel_call", &["202", "own", "137", "1", "0", "0", "-1"], Served(0, "PASSED: -11")),
    deed("kernel_call", &["202", "own", "393", "0"], Filter),
    deed("kernel_call", &["202", "own", "134", "0"], Filter),
    // Messages with an address, or out of band, or with MSG_FASTOPEN, MSG_ZEROCOPY.
    deed("kernel_call", &["44", "3", "own", "1", "0", "own", "16"], Filter),
    deed("kernel_call", &["44", "3", "own", "1", "0", "0", "16"], Filter),
    deed("kernel_call", &["44", "3", "own", "1", "1"], Filter),
    deed("kernel_call", &["45", "3", "own", "1", "0", "own", "own"], Filter),
    deed("control_socket", &["flags", "1"], Filter),
    deed("control_socket", &["flags", "536870912"], Filter),
    deed("control_socket", &["flags", "67108864"], Filter),
    deed("control_socket", &["address"], Violation("malformed")),
    // Clones: plain fork, vfork, new user, mount, net, time and cgroup namespaces, PTRACE, a thread that is no thread.
    deed("kernel_call", &["56", "17"], Filter),
    deed("kernel_call", &["56", "16657"], Filter),
    deed("kernel_call", &["56", "268435473"], Filter),
    deed("kernel_call", &["56", "805343249"], Filter),
    deed("kernel_call", &["56", "131089"], Filter),
    deed("kernel_call", &["56", "1073741841"], Filter),
    deed("kernel_call", &["56", "33554449"], Filter),
    deed("kernel_call", &["56", "145"], Filter),
    deed("kernel_call", &["56", "8209"], Filter),
    deed("kernel_call", &["56", "256"], Filter),
    deed("kernel_call", &["435", "own", "88"], Filter),
    deed("exhaust", &["processes-host"], Served(0, "clone: -")),
    // Signals: none but the kick, and that reaches nobody.
    deed("kernel_call", &["234", "1", "1", "9"], Filter),
    deed("kernel_call", &["234", "1", "1", "19"], Filter),
    deed("kernel_call", &["62", "-1", "9"], Filter),
    deed("kernel_call", &["234", "2", "2", "34"], Served(0, "PASSED: -3")),
    deed("kernel_call", &["234", "4242", "4242", "34"], Served(0, "PASSED: -3")),
    // What only the nursery may do.
    deed("kernel_call", &["13", "11", "own", "0", "8"], Filter),
    deed("kernel_call", &["157", "38", "1"], Filter),
    deed("kernel_call", &["317", "0", "0", "0"], Filter),
    // The guest kernel's memory.
    limited("overwrite_kernel", &["boot-page"], TIME, Ends),
    limited("overwrite_kernel", &["kernel-words"], TIME, Ends),
    limited("overwrite_kernel", &["heap"], TIME, Ends),
    limited("overwrite_kernel", &["heap-zeros"], TIME, Ends),
    limited("overwrite_kernel", &["root"], TIME, Ends),
    limited("overwrite_kernel", &["gs"], TIME, Ends),
    limited("overwrite_kernel", &["gs-zero"], TIME, Ends),
    limited("overwrite_kernel", &["gs-own"], TIME, Ends),
    limited("overwrite_kernel", &["stack"], TIME, Ends),
    limited("overwrite_kernel", &["text"], TIME, Ends),
    limited("overwrite_kernel", &["text-mapped"], TIME, Ends),
    limited("overwrite_kernel", &["unmap"], TIME, Ends),
    // The control socket.
    deed("control_socket", &["garbage"], Violation("malformed")),
    deed("control_socket", &["oversized"], Violation("too long")),
    deed("control_socket", &["descriptors"], Violation("sent descriptors")),
    deed("control_socket", &["flood"], Violation("floods")),
    deed("control_socket", &["garbage-flood"], Violation("malformed")),
    deed("control_socket", &["files-flood"], Violation("file-server connections")),
    deed("control_socket", &["parked"], Violation("parked")),
    deed("control_socket", &["frozen"], Violation("frozen")),
    deed("control_socket", &["connection"], Violation("connection")),
    limited("control_socket", &["lies"], &["--timeout", "20s"], Ends),
    limited("control_socket", &["empty"], TIME, Ends),
    limited("control_socket", &["close"], TIME, Ends),
    // All there is of something.
    limited("exhaust", &["memory"], MEMORY, Served(137, "")),
    limited("exhaust", &["memory-host"], MEMORY, Served(137, "")),
    limited("exhaust", &["mappings"], LONG, Served(0, "then: -12")),
    limited("exhaust", &["threads"], &["--pids", "32"], Served(0, "then: -11")),
    limited("exhaust", &["threads-host"], &["--pids", "32"], Served(0, "then: -11")),
    deed("exhaust", &["descriptors"], Served(0, "then: -24")),
    deed("exhaust", &["descriptors-host"], Served(0, "then: -24")),
    limited("exhaust", &["files"], MEMORY, Served(137, "")),
    deed("exhaust", &["pipes"], Served(0, "then: -24")),
    limited("exhaust", &["cpu"], TIME, Served(124, "")),
    limited("exhaust", &["cpu-deaf"], TIME, Served(124, "")),
    deed("exhaust", &["stack"], Served(139, "")),
];

/// `uretprobe` and `uprobe`: Linux itself hands them past every seccomp filter, and does nothing for who is no probe.
const PASSED_BY_LINUX: [u32; 2] = [335, 336];
/// Places in the kernel's text that are jumped to, for each of these words in the registers.
const JUMPS: u32 = 50;
const NUMBERS: u32 = 551;
const NUMBERS_A_CASE: u32 = 58;

/// Every deed for each user.
pub fn trials() -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for who in Who::all() {
        let mut add = |name: String, case: Box<dyn Fn() -> Result<()> + Send>| {
            trials.push(Trial::test(format!("hostile::{}::{name}", who.name()), move || done(case())));
        };
        for deed in DEEDS {
            add(format!("{}::{}", deed.program, deed.arguments.join(",")), Box::new(move || check(who, deed)));
        }
        for first in (0..NUMBERS).step_by(NUMBERS_A_CASE as usize) {
            let numbers = first..(first + NUMBERS_A_CASE).min(NUMBERS);
            let name = format!("kernel_call::numbers_{}_to_{}", numbers.start, numbers.end - 1);
            add(name, Box::new(move || numbers.clone().try_for_each(|number| kernel_call(who, number))));
        }
        for offset in [0, 7] {
            add(format!("jump_into_kernel::plus_{offset}"), Box::new(move || jump_into_kernel(who, offset)));
        }
        add("siblings_go_on".to_owned(), Box::new(move || crate::hostile_siblings::siblings_go_on(who)));
        add("look_outside".to_owned(), Box::new(move || look_outside(who)));
        add("change_lower".to_owned(), Box::new(move || change_lower(who)));
    }
    trials.push(Trial::test("hostile::strace::only_listed_calls_reach_the_host", || {
        done(crate::hostile_trace::only_listed_calls_reach_the_host())
    }));
    trials.push(Trial::test("hostile::strace::the_judge_tells_calls_from_attempts", || {
        done(crate::hostile_trace::the_judge_tells_calls_from_attempts())
    }));
    Ok(trials)
}

fn run(who: Who, options: &[&str], program: &str, arguments: &[&str]) -> Result<Outcome> {
    let place = Place::get()?;
    let outcome = place.run(who, options, program, arguments)?;
    ensure!(!outcome.text().contains("SUCCEEDED"), "the deed succeeded\n{outcome}");
    ensure!(outcome.status != 99, "the guest could not do its deed\n{outcome}");
    // 101 is a panic of our own side.
    ensure!(outcome.status != 101 && !outcome.errors().contains("panicked at crates/"), "a panic\n{outcome}");
    Ok(outcome)
}

fn check(who: Who, deed: &Deed) -> Result<()> {
    let outcome = run(who, deed.options, deed.program, deed.arguments)?;
    match deed.expected {
        Filter => killed_by_filter(&outcome),
        Violation(what) => {
            outcome.expect_status(125)?;
            ensure!(outcome.errors().contains("killed because it"), "the monitor didn't say why\n{outcome}");
            ensure!(outcome.errors().contains(what), "the reason isn't {what:?}\n{outcome}");
            Ok(())
        }
        Served(status, printed) => {
            outcome.expect_status(status)?;
            ensure!(outcome.text().contains(printed), "it didn't print {printed:?}\n{outcome}");
            Ok(())
        }
        Ends => ends_and_is_reported(&outcome),
    }
}

fn killed_by_filter(outcome: &Outcome) -> Result<()> {
    outcome.expect_status(159)?;
    ensure!(outcome.errors().contains("hostcall filter"), "the monitor didn't say why\n{outcome}");
    ensure!(!outcome.text().contains("PASSED"), "the call came back\n{outcome}");
    Ok(())
}

/// The program's own end needs no report; all other ends do.
fn ends_and_is_reported(outcome: &Outcome) -> Result<()> {
    let by_itself = outcome.status < 124 || outcome.status > 127 && outcome.status != 159;
    ensure!(by_itself || !outcome.errors().is_empty(), "nothing was reported\n{outcome}");
    Ok(())
}

/// Whether the table lets this through.
fn listed(number: u32, args: [u64; 6]) -> bool {
    let holds = |check: &Check| match *check {
        Check::Is(argument, value) => args[usize::from(argument)] == value,
        Check::AtMost(argument, value) => args[usize::from(argument)] <= value,
        Check::Only(argument, mask) => args[usize::from(argument)] & !mask == 0,
    };
    let row = TABLE.iter().find(|row| row.number == number);
    row.is_some_and(|row| row.alternatives.iter().any(|alternative| alternative.iter().all(holds)))
}

/// One number by the kernel's instruction, with the words of a hostile caller: what the table does not list kills,
/// what it lists answers or ends the guest that asked for it.
fn kernel_call(who: Who, number: u32) -> Result<()> {
    let row = TABLE.iter().any(|row| row.number == number);
    // One word is enough to see that an unlisted number kills.
    let words: &[(&str, u64)] =
        if row { &[("-1", u64::MAX), ("0", 0), ("wild", 0x7dfe_0000_0000)] } else { &[("-1", u64::MAX)] };
    for (word, value) in words {
        let text = number.to_string();
        let outcome = run(who, LONG, "kernel_call", &[&text, word, word, word, word, word, word])?;
        if PASSED_BY_LINUX.contains(&number) {
            ensure!(outcome.status != 0 || outcome.text().contains("PASSED: -"), "{outcome}");
            continue;
        }
        let said = format!("calls: {number}\n");
        ensure!(outcome.text().starts_with(&said), "it did not come to the call\n{outcome}");
        if !listed(number, [*value; 6]) {
            killed_by_filter(&outcome).with_context(|| format!("number {number} with {word}"))?;
            continue;
        }
        let ends = [hostcalls::EXIT, hostcalls::EXIT_GROUP, hostcalls::RT_SIGRETURN].contains(&number);
        ensure!(outcome.status != 159, "number {number} with {word} is listed and was killed\n{outcome}");
        // Its control socket, or its standard streams, may be what it just closed or what it sent nonsense on.
        let cut_off = [hostcalls::CLOSE, hostcalls::CLOSE_RANGE, hostcalls::MUNMAP].contains(&number);
        if !ends && !cut_off && !outcome.text().contains("PASSED: ") {
            bail!("number {number} with {word} neither came back nor was killed\n{outcome}");
        }
    }
    Ok(())
}

fn jump_into_kernel(who: Who, offset: u32) -> Result<()> {
    for jump in 0..JUMPS {
        let per_mille = (jump * 1000 / JUMPS).to_string();
        let arguments = [per_mille.as_str(), &offset.to_string(), if jump % 2 == 0 { "-1" } else { "139637976662016" }];
        let outcome = run(who, TIME, "jump_into_kernel", &arguments)?;
        ends_and_is_reported(&outcome).with_context(|| format!("{per_mille} per mille into the text"))?;
    }
    Ok(())
}

/// What is asked for of the host is refused, the same for everybody.
fn look_outside(who: Who) -> Result<()> {
    /// These may be answered: they are the guest's own.
    const OWN: &[&str] =
        &["mknod", "mknod mem", "/proc/1/mem", "/root/.ssh/authorized_keys", "/proc/sys/kernel/core_pattern"];
    let core_pattern = fs::read("/proc/sys/kernel/core_pattern")?;
    let outcome = run(who, &[], "look_outside", &[])?;
    outcome.expect_status(0)?;
    ensure!(outcome.text().ends_with("looked at all\n"), "{outcome}");
    ensure!(fs::read("/proc/sys/kernel/core_pattern")? == core_pattern, "the host's setting changed\n{outcome}");
    for line in outcome.text().lines() {
        let Some((what, answer)) = line.rsplit_once(": ") else { continue };
        let answer: i64 = answer.parse().with_context(|| line.to_owned())?;
        ensure!(answer < 0 || OWN.contains(&what), "{what} was answered with {answer}\n{outcome}");
    }
    Ok(())
}

/// A folder of the caller's, changed in every way from inside, is the same afterwards.
fn change_lower(who: Who) -> Result<()> {
    let place = Place::get()?;
    let folder = place.folder_of(who)?.join("lower");
    fs::create_dir_all(&folder)?;
    let names = ["written", "cut", "removed", "renamed", "mode", "mapped"];
    for name in names {
        fs::write(folder.join(name), format!("{name} as it was\n"))?;
    }
    place.give(who, &folder)?;
    let before = state(&folder)?;
    let mount = format!("{}:/w", folder.display());
    let outcome = run(who, &["--mount", &mount], "change_lower", &[])?;
    ensure!(state(&folder)? == before, "the host's files changed\n{outcome}");
    outcome.expect_status(0)?;
    ensure!(!outcome.text().contains("wrote through a descriptor"), "{outcome}");
    ensure!(outcome.text().ends_with("changed all\n"), "{outcome}");
    Ok(())
}

/// Name, content, mode and owner of a file.
type FileState = (String, Vec<u8>, u32, u32);

/// Names, contents, modes and owners of a folder's files.
fn state(folder: &std::path::Path) -> Result<Vec<FileState>> {
    use std::os::unix::fs::MetadataExt;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.path().symlink_metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read(entry.path())?, metadata.mode(), metadata.uid()));
    }
    files.sort();
    Ok(files)
}
