//! `serve` with several functions, spares and one reused instance, `ps` beside it, and what an interrupt leaves.

use crate::boots::{Server, count, folder};
use crate::differential::done;
use crate::process::run;
use crate::sandbox::catalyzer;
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const SPARES: u64 = 3;

/// All cases.
pub fn trials() -> Result<Vec<Trial>> {
    Ok(vec![
        Trial::test("serving::several_functions_with_spares", || done(several_functions_with_spares())),
        Trial::test("serving::reuse_keeps_one_instance", || done(reuse_keeps_one_instance())),
    ])
}

/// A server whose control socket and temporary files lie in a folder of its own, so that others may run beside it.
struct Served {
    server: Server,
    home: tempfile::TempDir,
}

impl Served {
    fn start(arguments: &[String]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let serve = catalyzer(std::iter::once("serve").chain(arguments.iter().map(String::as_str)));
        let mut command = Self::own_run(&serve, home.path(), None);
        command.env("TMPDIR", home.path());
        Ok(Self { server: Server::start(&mut command)?, home })
    }

    /// The command with `home` as its runtime directory: for root, where that is `/run`, in a mount namespace of its
    /// own, or in that of a process.
    fn own_run(command: &Command, home: &Path, beside: Option<u32>) -> Command {
        let mut wrapped = match (rustix::process::geteuid().is_root(), beside) {
            (false, _) => Command::new(command.get_program()),
            (true, None) => {
                let mut wrapped = Command::new("unshare");
                let script = "mount --bind \"$0\" /run && exec \"$@\"";
                wrapped.args(["--mount", "sh", "-c", script]).arg(home).arg(command.get_program());
                wrapped
            }
            (true, Some(pid)) => {
                let mut wrapped = Command::new("nsenter");
                wrapped.args(["--mount", "--target", &pid.to_string(), "--"]).arg(command.get_program());
                wrapped
            }
        };
        wrapped.args(command.get_args()).env_clear().current_dir("/").env("XDG_RUNTIME_DIR", home);
        for (name, value) in command.get_envs().filter(|(name, _)| *name != "XDG_RUNTIME_DIR") {
            if let Some(value) = value {
                wrapped.env(name, value);
            }
        }
        wrapped
    }

    fn ps(&self) -> Result<Value> {
        let ps = catalyzer(["ps", "--pages", "--io", "--json"]);
        let outcome = run(&mut Self::own_run(&ps, self.home.path(), Some(self.server.pid())), b"", LIMIT)?;
        outcome.expect_status(0)?;
        serde_json::from_slice(&outcome.stdout).with_context(|| outcome.to_string())
    }

    /// Ctrl-C: nothing of it is left.
    fn interrupt(self) -> Result<()> {
        let pid = self.server.pid();
        self.server.interrupt()?;
        let left: Vec<_> = std::fs::read_dir(self.home.path())?.map(|entry| entry.map(|entry| entry.path())).collect();
        ensure!(left.is_empty(), "files are left: {left:?}");
        let groups = groups_of(Path::new("/sys/fs/cgroup"), &format!("catalyzer-{pid}-"));
        ensure!(groups.is_empty(), "cgroups are left: {groups:?}");
        Ok(())
    }
}

/// Folders whose names begin like this.
fn groups_of(below: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(entry.path());
            }
            found.extend(groups_of(&entry.path(), prefix));
        }
    }
    found
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn several_functions_with_spares() -> Result<()> {
    let addresses = [free_address()?, free_address()?];
    let functions = ["hello-c", "hello-python"];
    let mut arguments: Vec<_> = functions.iter().zip(&addresses).map(|(f, a)| format!("{}@{a}", folder(f))).collect();
    arguments.extend(["--spares".to_owned(), SPARES.to_string()]);
    let mut served = Served::start(&arguments)?;
    for address in &addresses {
        let first = count(&served.server.get(address)?)?;
        for _ in 0..10 {
            ensure!(count(&served.server.get(address)?)? == first, "not a fresh instance on {address}");
        }
    }
    // A client that says nothing: its instance is there for as long as it likes.
    let silent = TcpStream::connect(&addresses[0])?;
    served.server.get(&addresses[0])?;
    let report = served.ps()?;
    ensure!(report["pid"] == served.server.pid(), "{report}");
    for (index, name) in functions.iter().enumerate() {
        let function = &report["functions"][index];
        ensure!(function["name"] == *name && function["address"] == addresses[index].as_str(), "{function}");
        ensure!(function["connections"].as_u64() >= Some(11), "{function}");
        ensure!(function["spares"].as_u64() <= Some(SPARES), "{function}");
        ensure!(function["template"]["pages"]["private_dirty"].as_u64() > Some(0), "{function}");
        let io = function["io"].as_array().context("no io")?;
        ensure!(io.iter().all(|entry| entry["state"].is_string()) && !io.is_empty(), "{function}");
    }
    let instances = report["functions"][0]["instances"].as_array().context("no instances")?;
    ensure!(
        instances.iter().any(|one| one["connections"] == 1 && one["pages"]["resident"].as_u64() > Some(0)),
        "{report}"
    );
    let result = served.interrupt();
    drop(silent);
    result
}

fn reuse_keeps_one_instance() -> Result<()> {
    let address = free_address()?;
    let mut served = Served::start(&[folder("hello-c-threads"), "--listen".into(), address.clone(), "--reuse".into()])?;
    let first = count(&served.server.get(&address)?)?;
    for more in 1..=20 {
        let body = served.server.get(&address)?;
        ensure!(
            count(&body)? == first + more,
            "{body:?} is not the answer to request {} of one instance",
            first + more
        );
    }
    let report = served.ps()?;
    let instances = report["functions"][0]["instances"].as_array().context("no instances")?;
    ensure!(instances.len() == 1, "{report}");
    served.interrupt()
}
