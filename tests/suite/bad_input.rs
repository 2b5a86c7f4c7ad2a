//! Bad input of the command line: programs, configurations and images that are not in order, hosts that lack
//! something. Each is refused with one sentence that names what is wrong.

use crate::hostile_place::{Place, Who};
use crate::process::{Outcome, run};
use crate::sandbox::catalyzer;
use crate::{Case, named};
use crate::{repository, scratch};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 8] = [
        ("programs_that_are_none", programs_that_are_none),
        ("absent_interpreter_is_named", absent_interpreter_is_named),
        ("wrong_configurations_name_file_line_and_key", wrong_configurations_name_file_line_and_key),
        ("a_port_that_is_never_opened_shows_the_threads", a_port_that_is_never_opened_shows_the_threads),
        ("files_that_are_no_images", files_that_are_no_images),
        ("damaged_images_are_refused_by_section", damaged_images_are_refused_by_section),
        ("no_user_namespaces_says_what_to_do", no_user_namespaces_says_what_to_do),
        ("absent_folders_are_named", absent_folders_are_named),
    ];
    Ok(named("bad", cases))
}

/// The status, and one line on stderr that names it.
fn refused(outcome: &Outcome, status: i32, about: &str) -> Result<()> {
    outcome.expect_status(status)?;
    let errors = outcome.errors();
    ensure!(errors.contains(about), "the message doesn't mention {about:?}\n{outcome}");
    ensure!(errors.lines().count() == 1, "more than one sentence\n{outcome}");
    ensure!(outcome.stdout.is_empty(), "a refusal prints nothing on stdout\n{outcome}");
    Ok(())
}

fn file(folder: &Path, name: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, Permissions::from_mode(mode))?;
    Ok(())
}

/// `catalyzer run` of a file in a folder that is shown as `/b`.
fn run_file(folder: &Path, name: &str) -> Result<Outcome> {
    let mount = format!("{}:/b", folder.display());
    run(&mut catalyzer(["run", "--mount", &mount, "--", &format!("/b/{name}")]), b"", LIMIT)
}

fn programs_that_are_none() -> Result<()> {
    let folder = scratch("bad-programs")?;
    let elf = fs::read("/bin/true")?;
    let changed = |at: usize, byte: u8| {
        let mut bytes = elf.clone();
        bytes[at] = byte;
        bytes
    };
    file(&folder, "not-executable", 0o644, &elf)?;
    file(&folder, "empty", 0o755, b"")?;
    file(&folder, "half-a-header", 0o755, &elf[..40])?;
    file(&folder, "header-only", 0o755, &elf[..64])?;
    file(&folder, "32-bit", 0o755, &changed(4, 1))?;
    file(&folder, "big-endian", 0o755, &changed(5, 2))?;
    file(&folder, "arm", 0o755, &changed(18, 183))?;
    file(&folder, "object-file", 0o755, &changed(16, 1))?;
    file(
        &folder,
        "random",
        0o755,
        &(0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    )?;
    for name in [
        "not-executable",
        "empty",
        "half-a-header",
        "header-only",
        "32-bit",
        "big-endian",
        "arm",
        "object-file",
        "random",
    ] {
        refused(&run_file(&folder, name)?, 126, name).with_context(|| name.to_owned())?;
    }
    refused(&run_file(&folder, "absent")?, 127, "absent")
}

fn absent_interpreter_is_named() -> Result<()> {
    let folder = scratch("bad-interpreters")?;
    file(&folder, "script", 0o755, b"#!/no/such/shell\n")?;
    let mut elf = fs::read("/bin/true")?;
    let wanted = b"/lib64/ld-linux-x86-64.so.2";
    let at = elf.windows(wanted.len()).position(|window| window == wanted).context("no interpreter in /bin/true")?;
    elf[at + 1..at + 6].copy_from_slice(b"nolib");
    file(&folder, "program", 0o755, &elf)?;
    // Linux says ENOENT, as if the program itself were missing: so the sentence has to tell which it is.
    refused(&run_file(&folder, "script")?, 127, "/no/such/shell")?;
    refused(&run_file(&folder, "program")?, 127, "/nolib/ld-linux")
}

fn wrong_configurations_name_file_line_and_key() -> Result<()> {
    let folder = scratch("bad-function")?;
    let path = folder.join("function.toml");
    let good = "name = \"f\"\ncommand = [\"/bin/true\"]\nport = 8080\n";
    let cases = [
        ("", "name"),
        ("name = 5\n", "name"),
        ("name = \"f\"\n", "command"),
        ("name = \"f\"\ncommand = \"/bin/true\"\n", "command"),
        (&format!("{good}prot = 1\n"), "prot"),
        (&good.replace("8080", "99999"), "port"),
        (&good.replace("8080", "\"8080\""), "port"),
        (&format!("{good}[limits]\nmemory = \"lots\"\n"), "limits.memory"),
        (&format!("{good}[limits]\ncpus = -1.0\n"), "limits.cpus"),
        (&format!("{good}[limits]\ntimeout = \"soon\"\n"), "limits.timeout"),
        (&format!("{good}[rootfs]\npath = \"absent\"\n"), "rootfs.path"),
        (&format!("{good}[rootfs]\nmounts = [{{ source = \"absent\", target = \"/app\" }}]\n"), "source"),
        (&format!("{good}[rootfs]\nmounts = [{{ source = \".\", target = \"app\" }}]\n"), "target"),
        (&format!("{good}[warmup]\nrequests = [{{ method = \"G T\" }}]\n"), "method"),
        (&format!("{good}[[[\n"), "4"),
        ("name = \"\u{0}\"\n", "1"),
    ];
    for (text, key) in cases {
        fs::write(&path, text)?;
        for command in [["build"], ["invoke"]] {
            let outcome = run(catalyzer(command).arg(&folder), b"", LIMIT)?;
            refused(&outcome, 125, "function.toml:").with_context(|| text.to_owned())?;
            ensure!(outcome.errors().contains(key), "{key:?} isn't named for\n{text}\n{outcome}");
        }
    }
    fs::write(&path, [0xff, 0xfe, 0x00])?;
    refused(&run(catalyzer(["build"]).arg(&folder), b"", LIMIT)?, 125, "function.toml")
}

fn a_port_that_is_never_opened_shows_the_threads() -> Result<()> {
    let folder = scratch("never-opens")?;
    fs::write(folder.join("function.toml"), "name = \"never\"\ncommand = [\"/bin/sleep\", \"1000\"]\nport = 8080\n")?;
    let image = folder.join("never.img");
    let mut command = catalyzer(["build", "--time-limit", "3s", "-o"]);
    let outcome = run(command.arg(&image).arg(&folder), b"", LIMIT)?;
    outcome.expect_status(125)?;
    ensure!(outcome.errors().contains("sleep"), "what the threads wait for isn't shown\n{outcome}");
    ensure!(!image.exists(), "an image was written\n{outcome}");
    Ok(())
}

fn files_that_are_no_images() -> Result<()> {
    let folder = scratch("no-images")?;
    file(&folder, "empty.img", 0o644, b"")?;
    file(
        &folder,
        "random.img",
        0o644,
        &(0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    )?;
    file(&folder, "text.img", 0o644, b"CATIMAGE is not enough\n")?;
    for name in ["empty.img", "random.img", "text.img"] {
        refuses_image(&folder.join(name), "header")?;
    }
    let absent = folder.join("absent.img");
    run(catalyzer(["image", "verify"]).arg(&absent), b"", LIMIT)?;
    let outcome = run(catalyzer(["invoke"]).arg(&absent), b"", LIMIT)?;
    refused(&outcome, 125, "absent.img")
}

/// `image verify` and `invoke` both refuse, and name the part.
fn refuses_image(image: &Path, part: &str) -> Result<()> {
    let verified = run(catalyzer(["image", "verify"]).arg(image), b"", LIMIT)?;
    verified.expect_status(1)?;
    let said = verified.text() + &verified.errors();
    ensure!(said.contains(part), "verify doesn't name {part:?}\n{verified}");
    let invoked = run(catalyzer(["invoke"]).arg(image), b"", LIMIT)?;
    invoked.expect_status(125)?;
    ensure!(invoked.errors().contains(part), "invoke doesn't name {part:?}\n{invoked}");
    ensure!(invoked.stdout.is_empty(), "something was answered\n{invoked}");
    Ok(())
}

fn damaged_images_are_refused_by_section() -> Result<()> {
    let folder = scratch("damaged")?;
    let good = folder.join("good.img");
    let function = repository().join("functions/hello-c");
    run(catalyzer(["build"]).arg(&function).arg("-o").arg(&good), b"", LIMIT)?.expect_status(0)?;
    // The build that made it stands in its header.
    let header = fs::read(&good)?;
    let kernel_build: [u8; 32] = header.get(24..56).and_then(|bytes| bytes.try_into().ok()).context("a short image")?;
    let cases = image::damage::cases(&good, &kernel_build)?;
    ensure!(cases.len() > 30, "only {} damages", cases.len());
    let copy = folder.join("damaged.img");
    for case in cases {
        let _ = fs::remove_file(&copy);
        case.apply(&good, &copy)?;
        refuses_image(&copy, case.part).with_context(|| case.what.clone())?;
    }
    run(catalyzer(["image", "verify"]).arg(&good), b"", LIMIT)?.expect_status(0).map(drop)
}

/// Inside a user namespace that may make no further ones, which any user can set up for itself.
fn no_user_namespaces_says_what_to_do() -> Result<()> {
    let place = Place::get()?;
    let inner = place.command(Who::Own, &[], "other_entry", &["x32", "39"])?;
    let mut command = Command::new("unshare");
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    command.args(["--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "/bin/sh", "-c", forbid, "sh"]);
    command.arg(inner.get_program()).args(inner.get_args()).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    let outcome = run(&mut command, b"", LIMIT)?;
    outcome.expect_status(125)?;
    let errors = outcome.errors();
    ensure!(errors.contains("namespaces"), "the cause isn't named\n{outcome}");
    ensure!(errors.contains("max_user_namespaces") || errors.contains("doctor"), "what to do isn't said\n{outcome}");
    ensure!(errors.lines().count() == 1, "more than one sentence\n{outcome}");
    Ok(())
}

fn absent_folders_are_named() -> Result<()> {
    let folder: PathBuf = scratch("bad-folders")?;
    file(&folder, "file", 0o644, b"")?;
    let path = folder.join("file").display().to_string();
    refused(&run(&mut catalyzer(["run", "--rootfs", &path, "--", "/x"]), b"", LIMIT)?, 125, "not a directory")?;
    refused(&run(&mut catalyzer(["run", "--rootfs", "/proc", "--", "/x"]), b"", LIMIT)?, 125, "/proc")?;
    refused(&run(&mut catalyzer(["build", "/no/such/function"]), b"", LIMIT)?, 125, "/no/such/function")
}
