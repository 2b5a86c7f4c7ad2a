//! `native-spawn`: the program started on the host with no sandbox around it.
//!
//! A helper process makes itself a mount namespace in which the program's files lie at the same paths
//! as in the sandbox, and then starts and ends the program as it is told. The clock starts before it is
//! told, and the client connects as soon as anything listens.

use super::{Helper, PATIENCE, receive, send, standard_input};
use crate::clock::{after, now_ns, us_between};
use crate::config::Function;
use crate::config::layer::Layer;
use crate::http::{Request, Response};
use abi::launch::MountSource;
use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the client waits between two attempts to connect.
const RETRY: Duration = Duration::from_micros(50);
const SPAWN: &[u8] = b"spawn";
const KILL: &[u8] = b"kill";

/// What the helper is told.
#[derive(Debug, Serialize, Deserialize)]
struct Stage {
    /// An empty directory that becomes the root.
    root: PathBuf,
    /// Target in the root, and what is there.
    mounts: Vec<(PathBuf, Source)>,
    workdir: PathBuf,
    command: Vec<String>,
    env: Vec<(String, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Source {
    Host(PathBuf),
    Link(PathBuf),
}

/// The program, ready to be started natively again and again.
#[derive(Debug)]
pub struct Native {
    helper: Helper,
    port: u16,
    /// What is not as in the sandbox.
    pub note: Option<String>,
    /// The root of the helper's namespace; removed in the end.
    _root: tempfile::TempDir,
}

impl Native {
    /// Prepares the program's surroundings.
    ///
    /// # Errors
    /// No mount namespace can be had, or the function has no port.
    pub fn prepare(function: &Function, layer: &Layer) -> Result<Self> {
        let wanted = function.port.context("the function has no port")?;
        let (port, note) = free_port(wanted)?;
        let root = tempfile::Builder::new().prefix("catalyzer-native-").tempdir()?;
        let mounts = layer.mounts.iter().map(|mount| {
            let target = Path::new(OsStr::from_bytes(&mount.target)).to_path_buf();
            let source = match &mount.source {
                MountSource::Symlink(link) => Source::Link(Path::new(OsStr::from_bytes(link)).to_path_buf()),
                MountSource::Root(root) => Source::Host(layer.host_path(*root, b"").unwrap_or_default()),
            };
            (target, source)
        });
        let launch = function.launch(layer);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut env: Vec<_> =
            launch.env.iter().filter_map(|v| text(v).split_once('=').map(|(k, v)| (k.into(), v.into()))).collect();
        env.push(("PORT".to_owned(), port.to_string()));
        let stage = Stage {
            root: root.path().to_path_buf(),
            mounts: mounts.collect(),
            workdir: PathBuf::from(&function.workdir),
            command: function.command.clone(),
            env,
        };
        let helper = Helper::start("__floor-native", &serde_json::to_string(&stage)?)?;
        helper.receive().context("native surroundings")?;
        Ok(Self { helper, port, note, _root: root })
    }

    /// Starts the program, sends it a request and ends it: microseconds to the response's first byte.
    ///
    /// # Errors
    /// The program does not start or does not answer.
    pub fn first_response(&self, request: &Request) -> Result<(f64, Response)> {
        let socket = self.helper.socket()?;
        let asked_ns = now_ns();
        send(socket, SPAWN, &[])?;
        let response = self.exchange(request);
        self.end()?;
        let response = response?;
        Ok((us_between(asked_ns, response.first_byte_ns), response))
    }

    fn exchange(&self, request: &Request) -> Result<Response> {
        let mut client = connect(self.port, PATIENCE)?;
        request.send(&mut client)?;
        request.response(&mut client, PATIENCE)
    }

    /// Ends the program. An error if it could not be started in the first place.
    fn end(&self) -> Result<()> {
        let started = self.helper.receive();
        send(self.helper.socket()?, KILL, &[])?;
        self.helper.receive()?;
        started.map(drop)
    }

    /// Private pages of the program when it has answered one request.
    ///
    /// # Errors
    /// The program does not start or does not answer.
    pub fn private_pages(&self, request: &Request) -> Result<f64> {
        send(self.helper.socket()?, SPAWN, &[])?;
        let started = self.helper.receive()?;
        let answered = self.exchange(request);
        let pages = dirty_pages(&started);
        send(self.helper.socket()?, KILL, &[])?;
        self.helper.receive()?;
        answered?;
        pages
    }
}

/// `Private_Dirty` of a process in pages.
fn dirty_pages(pid: &str) -> Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).context(path)?;
    let kilobytes =
        text.lines().find_map(|line| line.strip_prefix("Private_Dirty:")?.split_whitespace().next()?.parse().ok());
    kilobytes.map(|kb: f64| kb / 4.0).context("no Private_Dirty in smaps_rollup")
}

/// The port itself, or another one with a note when it is taken.
fn free_port(wanted: u16) -> Result<(u16, Option<String>)> {
    if TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted)).is_ok() {
        return Ok((wanted, None));
    }
    let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port();
    Ok((port, Some(format!("port {wanted} is taken on this host: started with PORT={port}"))))
}

/// Connects as soon as something listens.
pub fn connect(port: u16, patience: Duration) -> Result<TcpStream> {
    let deadline = after(patience);
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if now_ns() > deadline => {
                return Err(error).with_context(|| format!("nothing listens on port {port} natively"));
            }
            Err(_) => std::thread::sleep(RETRY),
        }
    }
}

/// The hidden subcommand.
///
/// # Errors
/// The benchmark is gone.
pub fn serve(argument: &str) -> Result<()> {
    let stage: Stage = serde_json::from_str(argument)?;
    if let Err(error) = stage.enter() {
        return send(standard_input(), format!("error: {error:#}").as_bytes(), &[]);
    }
    send(standard_input(), b"ready", &[])?;
    let mut running: Option<Child> = None;
    let mut buffer = [0; 16];
    loop {
        let length = receive(standard_input(), &mut buffer).map_or(0, |(length, _)| length);
        match &buffer[..length] {
            SPAWN => {
                // Without a change of user, group or limits this is a `posix_spawn`.
                let answer = match stage.command().spawn() {
                    Ok(child) => {
                        let pid = child.id().to_string();
                        running = Some(child);
                        pid
                    }
                    Err(error) => format!("error: {}: {error}", stage.command.join(" ")),
                };
                send(standard_input(), answer.as_bytes(), &[])?;
            }
            message => {
                if let Some(mut child) = running.take() {
                    child.kill()?;
                    child.wait()?;
                }
                if message != KILL {
                    return Ok(());
                }
                send(standard_input(), b"killed", &[])?;
            }
        }
    }
}

impl Stage {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(&self.workdir).env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Moves this process into the program's surroundings.
    fn enter(&self) -> Result<()> {
        if self.command.is_empty() {
            bail!("no command");
        }
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let user = if uid == 0 { 0 } else { libc::CLONE_NEWUSER };
        // SAFETY: changes the namespaces of this process only.
        if unsafe { libc::unshare(libc::CLONE_NEWNS | user) } != 0 {
            return Err(std::io::Error::last_os_error()).context("no mount namespace");
        }
        if user != 0 {
            std::fs::write("/proc/self/setgroups", "deny")?;
            std::fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
            std::fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
        }
        mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
        mount("tmpfs", &self.root, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=755"))?;
        let system = ["proc", "dev", "sys"].map(|n| (Path::new("/").join(n), Source::Host(Path::new("/").join(n))));
        for (target, source) in self.mounts.iter().chain(&system) {
            self.place(target, source).with_context(|| target.display().to_string())?;
        }
        for directory in ["tmp", "run", "root", "home", "var/tmp"] {
            let _ = std::fs::create_dir_all(self.root.join(directory));
        }
        // A read-only root file system may lack it; starting the program then says so.
        let _ = std::fs::create_dir_all(self.inside(&self.workdir));
        std::os::unix::fs::chroot(&self.root)?;
        std::env::set_current_dir("/")?;
        Ok(())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn place(&self, target: &Path, source: &Source) -> Result<()> {
        let place = self.inside(target);
        match source {
            Source::Link(link) => std::os::unix::fs::symlink(link, place)?,
            Source::Host(host) if host.is_dir() => {
                // In a read-only root the place must be there already.
                if !place.is_dir() {
                    std::fs::create_dir_all(&place)?;
                }
                mount_bind_recursive(host, &place)?;
            }
            Source::Host(host) => {
                if let Some(parent) = place.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                std::fs::File::options().create(true).append(true).open(&place)?;
                mount_bind_recursive(host, &place)?;
            }
        }
        Ok(())
    }
}
