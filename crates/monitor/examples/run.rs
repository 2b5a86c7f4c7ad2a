//! The smallest use of the monitor: runs a program in a sandbox that shows the host's system directories.
//!
//! `cargo run -p monitor --example run -- [--strace] PROGRAM [ARGS...]`

use abi::launch::{Launch, Mount, MountSource};
use monitor::{Event, FunctionSpec, Monitor, MonitorOptions, ScratchIo, StdioSource};
use std::error::Error;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.first().and_then(|argument| argument.to_str()) {
        Some("__keeper") => return monitor::keeper::main(),
        Some("__fileserver") => {
            return if fileserver::main().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        _ => {}
    }
    let strace = args.first().is_some_and(|argument| argument == "--strace");
    if strace {
        args.remove(0);
    }
    run(args, strace).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(125)
    })
}

fn run(args: Vec<OsString>, strace: bool) -> Result<ExitCode, Box<dyn Error>> {
    let program = args.first().ok_or("no program")?.clone();
    let mut spec = FunctionSpec { name: "run".to_owned(), ..FunctionSpec::default() };
    spec.launch = Launch {
        program: program.into_vec(),
        args: args.into_iter().map(OsString::into_vec).collect(),
        env: vec![b"PATH=/usr/bin:/bin".to_vec()],
        workdir: b"/".to_vec(),
        hostname: b"sandbox".to_vec(),
        cpus_milli: 1000,
        strace,
        ..Launch::default()
    };
    for path in ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt"].map(Path::new) {
        let source = match std::fs::read_link(path) {
            Ok(target) => MountSource::Symlink(target.into_os_string().into_vec()),
            Err(_) if path.is_dir() => {
                spec.roots.push(fileserver::Root { path: path.to_owned(), world_readable_only: true });
                MountSource::Root(u16::try_from(spec.roots.len() - 1)?)
            }
            Err(_) => continue,
        };
        spec.launch.mounts.push(Mount { target: path.as_os_str().as_bytes().to_vec(), source });
    }

    let stdio = [
        StdioSource::Fd(std::io::stdin().as_fd().try_clone_to_owned()?),
        StdioSource::Fd(std::io::stdout().as_fd().try_clone_to_owned()?),
        StdioSource::Fd(std::io::stderr().as_fd().try_clone_to_owned()?),
    ];
    let trace = if strace { Some(std::io::stderr().as_fd().try_clone_to_owned()?) } else { None };
    let function = Monitor::new(MonitorOptions::default())?.sandbox_class(spec)?;
    let mut instance = function.scratch(ScratchIo { stdio, trace, ..ScratchIo::default() })?;
    let mut status = 125;
    while let Some(event) = instance.next_event(Instant::now() + Duration::from_secs(3600))? {
        match event {
            Event::Exited(abi::control::Exit::Status(code)) => status = code,
            Event::Exited(abi::control::Exit::Signal(signal)) => status = 128 + signal,
            Event::Log { bytes, .. } => eprint!("{}", String::from_utf8_lossy(&bytes)),
            Event::Crashed(report) => eprintln!("{report}"),
            Event::Ended(end) if status == 125 => {
                eprintln!("{end}");
                break;
            }
            Event::Ended(_) => break,
            _ => {}
        }
    }
    Ok(ExitCode::from(status))
}
