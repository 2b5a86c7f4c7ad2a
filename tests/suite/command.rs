//! The contract of `catalyzer run`: what goes in, what comes out, how it ends.

use crate::process::{Outcome, run, shell_status, wait};
use crate::sandbox::catalyzer;
use crate::scratch;
use crate::{Case, named};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 32] = [
        ("stdin_passes_through_unchanged", stdin_passes_through_unchanged),
        ("stdin_may_stay_unread", stdin_may_stay_unread),
        ("streams_stay_apart", streams_stay_apart),
        ("closed_stdout_ends_the_program_with_sigpipe", closed_stdout_ends_the_program_with_sigpipe),
        ("exit_status_is_the_programs", exit_status_is_the_programs),
        ("death_by_signal_is_128_and_its_number", death_by_signal_is_128_and_its_number),
        ("sigterm_ends_a_busy_program", sigterm_ends_a_busy_program),
        ("absent_program_is_127", absent_program_is_127),
        ("text_without_permission_is_126", text_without_permission_is_126),
        ("directory_is_126", directory_is_126),
        ("foreign_format_is_126", foreign_format_is_126),
        ("unknown_option_is_125", unknown_option_is_125),
        ("absent_rootfs_is_125", absent_rootfs_is_125),
        ("absent_mount_is_125", absent_mount_is_125),
        ("time_limit_is_124", time_limit_is_124),
        ("busy_program_meets_its_time_limit", busy_program_meets_its_time_limit),
        ("memory_limit_is_137", memory_limit_is_137),
        ("environment_is_what_was_asked_for", environment_is_what_was_asked_for),
        ("working_directory_is_made", working_directory_is_made),
        ("host_name_is_the_given_one", host_name_is_the_given_one),
        ("user_is_the_given_one", user_is_the_given_one),
        ("mounted_folder_is_readable", mounted_folder_is_readable),
        ("writes_stay_inside", writes_stay_inside),
        ("syscall_stats_count_calls", syscall_stats_count_calls),
        ("files_not_for_everyone_stay_closed", files_not_for_everyone_stay_closed),
        ("connections_go_nowhere_by_default", connections_go_nowhere_by_default),
        ("allowed_address_is_dialled", allowed_address_is_dialled),
        ("allowed_name_is_resolved_outside", allowed_name_is_resolved_outside),
        ("connecting_has_the_errors_of_the_network", connecting_has_the_errors_of_the_network),
        ("outgoing_connection_of_an_image_is_reset", outgoing_connection_of_an_image_is_reset),
        ("every_command_has_help_with_an_example", every_command_has_help_with_an_example),
        ("completion_knows_the_commands", completion_knows_the_commands),
    ];
    Ok(named("run", cases))
}

/// `catalyzer run OPTIONS… -- PROGRAM…`, given as one line of words.
fn inside(words: &[&str]) -> Result<Outcome> {
    run(catalyzer(["run"]).args(words), b"", LIMIT)
}

fn shell(script: &str) -> Result<Outcome> {
    inside(&["--", "/bin/sh", "-c", script])
}

fn expect(outcome: &Outcome, status: i32, stdout: &str) -> Result<()> {
    outcome.expect_status(status)?;
    ensure!(outcome.text() == stdout, "expected {stdout:?}\n{outcome}");
    Ok(())
}

/// Our own refusals: the status, and one sentence on stderr.
fn expect_refusal(outcome: &Outcome, status: i32, about: &str) -> Result<()> {
    outcome.expect_status(status)?;
    ensure!(outcome.stdout.is_empty(), "a refusal prints nothing on stdout\n{outcome}");
    ensure!(outcome.errors().contains(about), "the message doesn't mention {about:?}\n{outcome}");
    Ok(())
}

fn stdin_passes_through_unchanged() -> Result<()> {
    let input: Vec<u8> = (0..1_000_000u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let outcome = run(&mut catalyzer(["run", "--", "/bin/cat"]), &input, LIMIT)?;
    outcome.expect_status(0)?;
    ensure!(outcome.stdout == input, "{} bytes came back of {}", outcome.stdout.len(), input.len());
    Ok(())
}

fn stdin_may_stay_unread() -> Result<()> {
    let outcome = run(&mut catalyzer(["run", "--", "/bin/echo", "done"]), &[b'x'; 500_000], LIMIT)?;
    expect(&outcome, 0, "done\n")
}

fn streams_stay_apart() -> Result<()> {
    let outcome = shell("echo out; echo err >&2")?;
    expect(&outcome, 0, "out\n")?;
    ensure!(outcome.errors().lines().any(|line| line == "err"), "{outcome}");
    Ok(())
}

fn closed_stdout_ends_the_program_with_sigpipe() -> Result<()> {
    let mut command = catalyzer(["run", "--", "/usr/bin/yes"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdout = child.stdout.take().context("no stdout")?;
    let read = stdout.read_exact(&mut [0; 1000]);
    drop(stdout);
    let Some(status) = wait(&mut child, LIMIT)? else {
        child.kill()?;
        child.wait()?;
        bail!("still running without a reader");
    };
    read.context("reading the first thousand bytes")?;
    ensure!(shell_status(status) == 141, "status {} instead of 141", shell_status(status));
    Ok(())
}

fn exit_status_is_the_programs() -> Result<()> {
    for status in [0, 1, 42, 124, 255] {
        expect(&shell(&format!("exit {status}"))?, status, "")?;
    }
    Ok(())
}

fn death_by_signal_is_128_and_its_number() -> Result<()> {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11), ("INT", 2)] {
        expect(&shell(&format!("echo before; kill -{name} $$; echo after"))?, 128 + number, "before\n")?;
    }
    Ok(())
}

/// Handed on to a program that makes no system call that could notice it.
fn sigterm_ends_a_busy_program() -> Result<()> {
    const PROMPTLY: Duration = Duration::from_secs(5);
    let mut command = catalyzer(["run", "--", "/bin/sh", "-c", "echo ready; while :; do :; done"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let ready = child.stdout.as_mut().context("no stdout").and_then(|stdout| Ok(stdout.read_exact(&mut [0; 6])?));
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let Some(status) = wait(&mut child, PROMPTLY)? else {
        child.kill()?;
        child.wait()?;
        bail!("still running {} s after SIGTERM", PROMPTLY.as_secs());
    };
    ready.context("waiting for the program")?;
    ensure!(shell_status(status) == 143, "status {} instead of 143", shell_status(status));
    Ok(())
}

fn absent_program_is_127() -> Result<()> {
    expect_refusal(&inside(&["--", "/usr/bin/no-such-program"])?, 127, "no-such-program")
}

fn text_without_permission_is_126() -> Result<()> {
    expect_refusal(&inside(&["--", "/etc/passwd"])?, 126, "/etc/passwd")
}

fn directory_is_126() -> Result<()> {
    expect_refusal(&inside(&["--", "/usr"])?, 126, "/usr")
}

fn foreign_format_is_126() -> Result<()> {
    let folder = scratch("foreign")?;
    let file = folder.join("program");
    fs::write(&file, "neither ELF nor script\n")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    expect_refusal(&inside(&["--mount", &format!("{}:/t", folder.display()), "--", "/t/program"])?, 126, "/t/program")
}

fn unknown_option_is_125() -> Result<()> {
    expect_refusal(&inside(&["--no-such-option", "--", "/bin/true"])?, 125, "no-such-option")
}

fn absent_rootfs_is_125() -> Result<()> {
    expect_refusal(&inside(&["--rootfs", "/no/such/folder", "--", "/bin/true"])?, 125, "/no/such/folder")
}

fn absent_mount_is_125() -> Result<()> {
    expect_refusal(&inside(&["--mount", "/no/such/folder:/t", "--", "/bin/true"])?, 125, "/no/such/folder")
}

fn time_limit_is_124() -> Result<()> {
    inside(&["--timeout", "300ms", "--", "/bin/sleep", "100"])?.expect_status(124).map(drop)
}

fn busy_program_meets_its_time_limit() -> Result<()> {
    inside(&["--timeout", "300ms", "--", "/bin/sh", "-c", "while :; do :; done"])?.expect_status(124).map(drop)
}

fn memory_limit_is_137() -> Result<()> {
    let hungry = "b = []\nwhile True: b.append(bytearray(b'x' * 1048576))";
    inside(&["--memory", "64MiB", "--", "/usr/bin/python3", "-c", hungry])?.expect_status(137).map(drop)
}

fn environment_is_what_was_asked_for() -> Result<()> {
    let outcome = inside(&["--env", "ONE=1", "--env", "TWO=a b=c", "--", "/usr/bin/env"])?;
    outcome.expect_status(0)?;
    let text = outcome.text();
    ensure!(text.lines().any(|line| line == "ONE=1") && text.lines().any(|line| line == "TWO=a b=c"), "{outcome}");
    ensure!(!text.contains("RUST_BACKTRACE") && !text.contains("CATALYZER"), "the host's environment shows\n{outcome}");
    Ok(())
}

fn working_directory_is_made() -> Result<()> {
    expect(&inside(&["--workdir", "/work/deep/inside", "--", "/bin/pwd"])?, 0, "/work/deep/inside\n")
}

fn host_name_is_the_given_one() -> Result<()> {
    expect(&inside(&["--hostname", "somewhere", "--", "/bin/uname", "-n"])?, 0, "somewhere\n")
}

fn user_is_the_given_one() -> Result<()> {
    expect(&inside(&["--", "/usr/bin/id", "-u"])?, 0, "0\n")?;
    expect(&inside(&["--user", "1234:567", "--", "/usr/bin/id", "-u"])?, 0, "1234\n")?;
    expect(&inside(&["--user", "1234:567", "--", "/usr/bin/id", "-g"])?, 0, "567\n")
}

fn mounted_folder_is_readable() -> Result<()> {
    let folder = scratch("mounted")?;
    fs::write(folder.join("file"), "from the host\n")?;
    let mount = format!("{}:/made/for/it", folder.display());
    expect(&inside(&["--mount", &mount, "--", "/bin/cat", "/made/for/it/file"])?, 0, "from the host\n")
}

fn writes_stay_inside() -> Result<()> {
    let folder = scratch("untouched")?;
    fs::write(folder.join("file"), "before\n")?;
    let mount = format!("{}:/t", folder.display());
    let script = "echo inside > /t/file; read line < /t/file; echo $line; echo new > /t/new";
    let outcome = inside(&["--mount", &mount, "--", "/bin/sh", "-c", script])?;
    ensure!(fs::read_to_string(folder.join("file"))? == "before\n", "the host's file changed\n{outcome}");
    ensure!(!folder.join("new").exists(), "a file appeared on the host\n{outcome}");
    outcome.expect_status(0).map(drop)
}

fn syscall_stats_count_calls() -> Result<()> {
    let script = "import os, ctypes\nfor _ in range(500): os.write(1, b'x')\nctypes.CDLL(None).syscall(500)";
    let python = ["--", "/usr/bin/python3", "-c", script];
    let outcome = inside(&[&["--syscall-stats", "--json"], &python[..]].concat())?;
    expect(&outcome, 0, &"x".repeat(500))?;
    let text = outcome.errors();
    let line = text.lines().last().context("nothing on stderr")?;
    let stats: Value = serde_json::from_str(line).with_context(|| outcome.to_string())?;
    let calls = stats["by_name"].as_array().context("no calls")?;
    let named = |name: &str| calls.iter().find(|call| call["name"] == name).cloned().unwrap_or_default();
    let write = named("write");
    ensure!(write["calls"] == 500 && write["fast"].as_u64() > Some(480) && write["errors"] == 0, "{write}");
    let absent = named("500");
    ensure!(absent["calls"] == 1 && absent["trapped"] == 1 && absent["enosys"] == 1, "{absent}");
    ensure!(stats["enosys"].as_u64() >= Some(1) && stats["calls"].as_u64() > Some(600), "{line}");
    let outcome = inside(&[&["--syscall-stats"], &python[..]].concat())?;
    ensure!(outcome.errors().lines().any(|line| line.ends_with("  write")), "{outcome}");
    Ok(())
}

fn files_not_for_everyone_stay_closed() -> Result<()> {
    let outcome = inside(&["--", "/bin/cat", "/etc/shadow"])?;
    outcome.expect_status(1)?;
    ensure!(outcome.errors().contains("Permission denied"), "{outcome}");
    Ok(())
}

/// Each command explains itself with an example, and its data comes as JSON where it is asked to.
fn every_command_has_help_with_an_example() -> Result<()> {
    let commands: [&[&str]; 12] = [
        &["run"],
        &["build"],
        &["invoke"],
        &["image", "inspect"],
        &["image", "verify"],
        &["image", "ls"],
        &["serve"],
        &["ps"],
        &["bench"],
        &["demo"],
        &["doctor"],
        &["completion"],
    ];
    const PRINT_DATA: [&str; 7] = ["invoke", "inspect", "verify", "ls", "ps", "bench", "doctor"];
    for command in commands {
        let outcome = run(catalyzer(command).arg("--help"), b"", LIMIT)?;
        let help = outcome.expect_status(0)?.text();
        ensure!(help.contains("Example"), "no example for {command:?}\n{help}");
        let prints_data = command.last().is_some_and(|last| PRINT_DATA.contains(last));
        ensure!(!prints_data || help.contains("--json"), "no --json for {command:?}\n{help}");
    }
    Ok(())
}

fn completion_knows_the_commands() -> Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut catalyzer(["completion", shell]), b"", LIMIT)?;
        let text = script.expect_status(0)?.text();
        ensure!(text.contains("invoke") && !text.contains("__probe"), "{shell}\n{text}");
    }
    Ok(())
}

/// A server outside that sends back what it gets, upper case, connection after connection, as long as the test lives;
/// its port.
fn outside() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(len @ 1..) = client.read(&mut bytes) {
                    bytes[..len].make_ascii_uppercase();
                    if client.write_all(&bytes[..len]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(port)
}

const CLIENT: &str = "import errno, socket, sys
def say(host, port):
    try:
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b'hello ' * 1000)
            client.shutdown(socket.SHUT_WR)
            got = client.makefile('rb').read()
            print(len(got), got[:5].decode())
    except OSError as error:
        print(errno.errorcode.get(error.errno, error))
";

fn client(options: &[&str], script: &str) -> Result<Outcome> {
    let script = format!("{CLIENT}{script}");
    inside(&[options, &["--", "/usr/bin/python3", "-c", &script]].concat())
}

fn connections_go_nowhere_by_default() -> Result<()> {
    let port = outside()?;
    let script = format!("say('127.0.0.1', {port}); say('192.0.2.1', 80); say('2001:db8::1', 80)");
    expect(&client(&[], &script)?, 0, "ECONNREFUSED\nENETUNREACH\nENETUNREACH\n")
}

fn allowed_address_is_dialled() -> Result<()> {
    let port = outside()?;
    let script = format!("say('127.0.0.1', {port}); say('127.0.0.1', {port})");
    let allowed = format!("127.0.0.1:{port}");
    expect(&client(&["--allow-connect", &allowed], &script)?, 0, "6000 HELLO\n6000 HELLO\n")?;
    // That port and no other one.
    let script = format!("say('127.0.0.1', {})", port ^ 1);
    expect(&client(&["--allow-connect", &allowed], &script)?, 0, "ECONNREFUSED\n")
}

fn allowed_name_is_resolved_outside() -> Result<()> {
    let port = outside()?;
    let script = format!("say('localhost', {port}); print(socket.gethostbyname('db.example') != '127.0.0.1')");
    let (local, other) = (format!("localhost:{port}"), "db.example:5432");
    let options = ["--allow-connect", &local, "--allow-connect", other];
    expect(&client(&options, &script)?, 0, "6000 HELLO\nTrue\n")
}

fn connecting_has_the_errors_of_the_network() -> Result<()> {
    // Bound, so that nobody else gets it, and nobody listens.
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let port = socket.local_addr()?.port();
    drop(socket);
    let script = format!(
        "say('127.0.0.1', {port}); say('no-such-host.invalid', 9)
import select
client = socket.socket()
client.setblocking(False)
print(errno.errorcode[client.connect_ex(('127.0.0.1', {port}))])
poll = select.poll()
poll.register(client, select.POLLOUT)
print(bool(poll.poll(10000)), errno.errorcode[client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)])"
    );
    let options = ["--allow-connect", &format!("127.0.0.1:{port}"), "--allow-connect", "no-such-host.invalid:9"];
    expect(&client(&options, &script)?, 0, "ECONNREFUSED\nEHOSTUNREACH\nEINPROGRESS\nTrue ECONNREFUSED\n")
}

/// The program learns of it at its next use, and connects anew.
fn outgoing_connection_of_an_image_is_reset() -> Result<()> {
    let port = outside()?;
    let allowed = format!("127.0.0.1:{port}");
    let script = format!(
        "client = socket.create_connection(('127.0.0.1', {port}))
try:
    for _ in range(2000):
        client.sendall(b'x')
        client.recv(1)
    print('never imaged')
except ConnectionResetError:
    print('reset')
except BrokenPipeError:
    print('reset')
say('127.0.0.1', {port})"
    );
    let calls = client(&["--allow-connect", &allowed, "--strace"], "")?.errors().lines().count() + 1000;
    let options = ["--allow-connect", &allowed, "--image-at", &calls.to_string()];
    expect(&client(&options, &script)?, 0, "reset\n6000 HELLO\n")
}
