//! Everything a user does, as an ordinary one. When the suite is started by root, the commands run as another user;
//! else as the one that runs the tests.

use crate::boots::{Server, count};
use crate::hostile_place::{Place, Who};
use crate::process::{Outcome, run};
use crate::repository;
use crate::{Case, named};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 6] = [
        ("runs_programs", runs_programs),
        ("limits_hold", limits_hold),
        ("builds_and_invokes_every_boot", builds_and_invokes_every_boot),
        ("serves", serves),
        ("benches", benches),
        ("doctor_says_that_sandboxes_can_run", doctor_says_that_sandboxes_can_run),
    ];
    Ok(named("user", cases))
}

fn user() -> Who {
    *Who::all().last().unwrap_or(&Who::Own)
}

/// `catalyzer` with these arguments, to its end.
fn catalyzer<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Outcome> {
    run(Place::get()?.catalyzer(user())?.args(arguments), b"", LIMIT)
}

/// A function of the gallery where the user can read it.
fn function(name: &str, user_of_it: &str) -> Result<PathBuf> {
    let place = Place::get()?;
    let copy = place.folder_of(user())?.join(format!("{name}-to-{user_of_it}"));
    copy_folder(&repository().join("functions").join(name), &copy)?;
    place.give(user(), &copy)?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn runs_programs() -> Result<()> {
    let outcome = catalyzer(["run", "--", "/bin/echo", "hello"])?;
    ensure!(outcome.expect_status(0)?.text() == "hello\n", "{outcome}");
    catalyzer(["run", "--", "/bin/sh", "-c", "exit 7"])?.expect_status(7)?;
    catalyzer(["run", "--", "/bin/sh", "-c", "kill -TERM $$"])?.expect_status(143)?;
    catalyzer(["run", "--", "/no/such/program"])?.expect_status(127)?;
    let script = "import threading\nn = []\nt = [threading.Thread(target=n.append, args=(i,)) for i in range(8)]\n\
                  [x.start() for x in t]\n[x.join() for x in t]\nprint(sorted(n))";
    let outcome = catalyzer(["run", "--", "/usr/bin/python3", "-c", script])?;
    ensure!(outcome.expect_status(0)?.text() == "[0, 1, 2, 3, 4, 5, 6, 7]\n", "{outcome}");
    Ok(())
}

fn limits_hold() -> Result<()> {
    let script = "b = []\nwhile True: b.append(bytearray(1 << 20))";
    catalyzer(["run", "--memory", "64MiB", "--", "/usr/bin/python3", "-c", script])?.expect_status(137)?;
    catalyzer(["run", "--timeout", "300ms", "--", "/bin/sleep", "1000"])?.expect_status(124).map(drop)
}

fn builds_and_invokes_every_boot() -> Result<()> {
    for name in ["hello-c-threads", "hello-python"] {
        let folder = function(name, "invoke")?;
        let image = folder.join("built.img");
        let built = catalyzer([OsStr::new("build"), folder.as_os_str(), OsStr::new("-o"), image.as_os_str()])?;
        ensure!(built.expect_status(0)?.text().trim_end() == image.display().to_string(), "{built}");
        catalyzer([OsStr::new("image"), OsStr::new("verify"), image.as_os_str()])?.expect_status(0)?;
        for boot in ["scratch", "cold", "warm", "fork"] {
            // From the folder, so that the user's own store is used, too.
            let arguments = [OsStr::new("invoke"), folder.as_os_str(), OsStr::new("--boot"), OsStr::new(boot)];
            let answer = catalyzer(arguments)?;
            ensure!(answer.expect_status(0)?.text().starts_with("hello from "), "{name}, {boot}\n{answer}");
        }
    }
    Ok(())
}

fn serves() -> Result<()> {
    let folder = function("hello-c", "serve")?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut server =
        Server::start(Place::get()?.catalyzer(user())?.arg("serve").arg(&folder).args(["--listen", &address]))?;
    let first = server.get(&address)?;
    ensure!(first.starts_with("hello from "), "{first:?}");
    for _ in 0..10 {
        ensure!(count(&server.get(&address)?)? == count(&first)?, "not a fresh instance");
    }
    let report: Value = serde_json::from_slice(&catalyzer(["ps", "--json"])?.expect_status(0)?.stdout)?;
    ensure!(report["functions"][0]["name"] == "hello-c", "{report}");
    server.interrupt()
}

fn benches() -> Result<()> {
    let folder = function("hello-c", "bench")?;
    let arguments =
        [OsStr::new("bench"), folder.as_os_str(), OsStr::new("--runs"), OsStr::new("3"), OsStr::new("--json")];
    let outcome = catalyzer(arguments)?;
    let report: Value =
        serde_json::from_slice(&outcome.expect_status(0)?.stdout).with_context(|| outcome.to_string())?;
    for boot in ["scratch", "cold", "warm", "fork"] {
        let rows = report["results"].as_array().context("no results")?;
        let row = rows.iter().find(|row| row["boot"] == boot).with_context(|| format!("no {boot} in {report}"))?;
        ensure!(row["boot_us"]["p50"].is_number() && row["first_response_us"]["p50"].is_number(), "{row}");
    }
    Ok(())
}

fn doctor_says_that_sandboxes_can_run() -> Result<()> {
    let outcome = catalyzer(["doctor", "--json"])?;
    let report: Value = serde_json::from_slice(&outcome.expect_status(0)?.stdout)?;
    ensure!(report["can_run"] == true, "{report}");
    let said = catalyzer(["doctor"])?;
    ensure!(said.text().ends_with("Sandboxes can run here.\n"), "{said}");
    // What is missing says what that costs.
    for check in report["checks"].as_array().context("no checks")? {
        ensure!(check["ok"] == true || check["cost"].as_str().is_some_and(|cost| !cost.is_empty()), "{check}");
    }
    Ok(())
}
