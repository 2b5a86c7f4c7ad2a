//! The sandbox options that `run`, `build`, `invoke` and `bench` share, and the launch they make.

use super::layer::{Layer, check_target};
use super::units::{Size, Span, Target, User};
use super::{DEFAULT_PATH, Function, MountPoint, plain};
use abi::launch::{Launch, MAX_TARGETS};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Options that say what a sandbox is like; they override the function's configuration.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxOptions {
    /// Show this directory as the read-only root [default: the host's /usr /bin /sbin /lib* /etc /opt]
    #[arg(long, value_name = "DIR")]
    pub rootfs: Option<PathBuf>,
    /// Show another host directory or file, read-only
    #[arg(long, value_name = "SRC:DST", value_parser = parse_mount)]
    pub mount: Vec<(PathBuf, String)>,
    /// Set a variable of the environment
    #[arg(long, value_name = "K=V", value_parser = parse_env)]
    pub env: Vec<(String, String)>,
    /// Working directory in the sandbox; made when missing
    #[arg(long, value_name = "DIR", value_parser = parse_workdir)]
    pub workdir: Option<String>,
    /// User the program sees itself as [default: 0:0]
    #[arg(long, value_name = "UID[:GID]")]
    pub user: Option<User>,
    /// Most memory an instance may use, e.g. 256MiB
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Size>,
    /// Processors an instance may use, e.g. 0.5
    #[arg(long, value_name = "N", value_parser = parse_cpus)]
    pub cpus: Option<f64>,
    /// Most threads and processes of an instance
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pids: Option<u32>,
    /// Most wall time of an instance, e.g. 30s
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<Span>,
    /// Host name the program sees
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Print the program's system calls to standard error, or to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub strace: Option<Option<PathBuf>>,
    /// Let the program connect to this target, by the name or address given here [default: none]
    #[arg(long, value_name = "HOST:PORT")]
    pub allow_connect: Vec<Target>,
}

fn parse_mount(text: &str) -> Result<(PathBuf, String), String> {
    let (source, target) = text.split_once(':').ok_or_else(|| format!("\"{text}\": write SOURCE:TARGET"))?;
    check_target(target)?;
    Ok((PathBuf::from(source), target.to_owned()))
}

fn parse_env(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("\"{text}\": write NAME=VALUE")),
    }
}

fn parse_workdir(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err(format!("\"{text}\": not an absolute path")) }
}

fn parse_cpus(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(cpus) if (0.01..=1024.0).contains(&cpus) => Ok(cpus),
        _ => Err(format!("\"{text}\": between 0.01 and 1024 processors")),
    }
}

/// A value that stands in no file.
fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

impl SandboxOptions {
    /// Refuses options that an image can't follow any more: the program has seen its surroundings.
    ///
    /// # Errors
    /// Such an option is given.
    pub fn check_against_image(&self) -> Result<()> {
        let given = [
            ("--rootfs", self.rootfs.is_some()),
            ("--mount", !self.mount.is_empty()),
            ("--env", !self.env.is_empty()),
            ("--workdir", self.workdir.is_some()),
            ("--user", self.user.is_some()),
            ("--hostname", self.hostname.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => bail!("{name} can't change an image: give the function it is built from instead"),
            None => Ok(()),
        }
    }

    /// Puts the options over a function's configuration.
    ///
    /// # Errors
    /// A directory isn't there, or what is asked for isn't possible.
    pub fn apply(&self, function: &mut Function) -> Result<()> {
        let found = |path: &Path| match path.canonicalize() {
            Ok(path) => Ok(path),
            Err(error) => bail!("{}: {}", path.display(), plain(&error)),
        };
        for target in &self.allow_connect {
            if !function.allow_connect.contains(target) {
                function.allow_connect.push(target.clone());
            }
        }
        if function.allow_connect.len() > MAX_TARGETS {
            bail!("--allow-connect: more than {MAX_TARGETS} targets");
        }
        if let Some(path) = &self.rootfs {
            let path = found(path).context("--rootfs")?;
            if !path.is_dir() {
                bail!("--rootfs: {}: not a directory", path.display());
            }
            function.rootfs.path = Some(unplaced(path));
        }
        for (source, target) in &self.mount {
            let source = unplaced(found(source).context("--mount")?);
            function.rootfs.mounts.push(MountPoint { source, target: unplaced(target.clone()) });
        }
        function.env.extend(self.env.iter().cloned());
        if let Some(workdir) = &self.workdir {
            function.workdir.clone_from(workdir);
        }
        function.user = self.user.or(function.user);
        function.limits.memory = self.memory.or(function.limits.memory);
        function.limits.cpus = self.cpus.map(unplaced).or(function.limits.cpus.take());
        function.limits.pids = self.pids.or(function.limits.pids);
        function.limits.timeout = self.timeout.or(function.limits.timeout);
        if let Some(hostname) = &self.hostname {
            function.hostname = Some(hostname.clone());
        }
        Ok(())
    }
}

impl Function {
    /// A function that is nothing but a program, for `catalyzer run`.
    pub fn of_command(command: Vec<String>) -> Self {
        let first = command.first().map(String::as_str).unwrap_or_default();
        let name = Path::new(first).file_name().and_then(|n| n.to_str()).unwrap_or("program").to_owned();
        Self {
            name,
            command,
            port: None,
            workdir: "/".into(),
            hostname: None,
            allow_connect: Vec::new(),
            user: None,
            env: Default::default(),
            rootfs: Default::default(),
            limits: Default::default(),
            warmup: Default::default(),
            bench: Default::default(),
            directory: None,
        }
    }

    /// What a scratch boot is told, without standard streams, tracing and entry, which depend on the
    /// command; `layer` is this function's.
    pub fn launch(&self, layer: &Layer) -> Launch {
        let mut env: Vec<Vec<u8>> = self.env.iter().map(|(k, v)| format!("{k}={v}").into_bytes()).collect();
        if !self.env.contains_key("PATH") {
            env.push(format!("PATH={DEFAULT_PATH}").into_bytes());
        }
        let host_cpus = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let cpus = self.limits.cpus.as_ref().map_or(host_cpus, |cpus| *cpus.get_ref());
        let user = self.user.unwrap_or(User { uid: 0, gid: 0 });
        Launch {
            program: self.command.first().map(|p| p.clone().into_bytes()).unwrap_or_default(),
            args: self.command.iter().map(|a| a.clone().into_bytes()).collect(),
            env,
            workdir: self.workdir.clone().into_bytes(),
            uid: user.uid,
            gid: user.gid,
            hostname: self.hostname.as_ref().unwrap_or(&self.name).clone().into_bytes(),
            mounts: layer.mounts.clone(),
            memory: self.limits.memory.map_or(0, |m| m.0),
            // Between 10 and 1 024 000 by the checks on `cpus`.
            cpus_milli: (cpus * 1000.0).round() as u32,
            pids: self.limits.pids.unwrap_or(0),
            port: self.port,
            allow_connect: self
                .allow_connect
                .iter()
                .map(|target| abi::launch::Target { host: target.host.clone().into_bytes(), port: target.port })
                .collect(),
            ..Launch::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: SandboxOptions,
    }

    fn applied(args: &[&str]) -> Result<Function> {
        let command = Command::try_parse_from([&["test"], args].concat())?;
        let mut function = Function::of_command(vec!["/bin/echo".into(), "x".into()]);
        function.env.insert("KEPT".into(), "1".into());
        command.options.apply(&mut function)?;
        Ok(function)
    }

    #[test]
    fn options_override_the_file() {
        let function = applied(&[
            "--env=A=b=c",
            "--memory",
            "64MiB",
            "--cpus",
            "0.5",
            "--user",
            "7",
            "--mount",
            "/usr:/app",
            "--hostname",
            "h",
        ])
        .unwrap();
        let launch = function.launch(&Layer::of(&function).unwrap());
        assert_eq!(launch.memory, 64 << 20);
        assert_eq!(launch.cpus_milli, 500);
        assert_eq!((launch.uid, launch.gid), (7, 7));
        assert_eq!(launch.hostname, b"h");
        assert_eq!(launch.mounts.last().map(|m| m.target.clone()), Some(b"/app".to_vec()));
        let env: Vec<_> = launch.env.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
        assert_eq!(env, ["A=b=c", "KEPT=1", &format!("PATH={DEFAULT_PATH}")]);
    }

    #[test]
    fn a_path_of_the_functions_own_is_kept() {
        let function = applied(&["--env", "PATH=/app"]).unwrap();
        let launch = function.launch(&Layer::default());
        assert!(launch.env.contains(&b"PATH=/app".to_vec()));
        assert_eq!(launch.env.iter().filter(|v| v.starts_with(b"PATH=")).count(), 1);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for args in [
            &["--mount", "/usr"][..],
            &["--mount", "/usr:app"],
            &["--mount", "/missing:/app"],
            &["--rootfs", "/missing"],
            &["--rootfs", "/etc/passwd"],
            &["--env", "=x"],
            &["--cpus", "0"],
            &["--pids", "0"],
            &["--timeout", "5"],
            &["--workdir", "app"],
            &["--allow-connect", "example.org"],
            &["--allow-connect", "example.org:0"],
            &["--allow-connect", "::1:80"],
            &["--allow-connect", "a b:80"],
        ] {
            assert!(applied(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn strace_takes_a_file_only_after_an_equals_sign() {
        let options = |args: &[&str]| Command::try_parse_from([&["test"], args].concat()).map(|c| c.options.strace);
        assert_eq!(options(&["--strace"]).unwrap(), Some(None));
        assert_eq!(options(&["--strace=f"]).unwrap(), Some(Some("f".into())));
        assert!(options(&["--strace", "f"]).is_err());
    }
}
