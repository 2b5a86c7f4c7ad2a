//! The command line: one file a subcommand, exit statuses in `exit.rs`.

mod bench;
mod boots;
mod build;
mod clock;
mod completion;
mod config;
mod demo;
mod doctor;
mod exit;
mod http;
mod image;
mod invoke;
mod ps;
mod run;
mod sandbox;
mod serve;
mod stats;
mod terminal;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use exit::Status;
use std::ffi::OsStr;
use std::process::ExitCode;

/// Sandboxes for other people's Linux programs, continued from images instead of booted
#[derive(Debug, Parser)]
#[command(name = "catalyzer", version, propagate_version = true)]
enum Command {
    Run(Box<run::Args>),
    Build(Box<build::Args>),
    Invoke(Box<invoke::Args>),
    Image(image::Args),
    Serve(serve::Args),
    Ps(ps::Args),
    Bench(Box<bench::Args>),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Completion(completion::Args),
    /// The program behind `bench --micro`
    #[command(name = "__probe", hide = true)]
    Probe,
    /// A bare process, which `bench` compares with
    #[command(name = "__floor-bare", hide = true)]
    FloorBare {
        /// What it shall be like, as JSON
        shape: String,
    },
    /// The program's native surroundings, which `bench` compares with
    #[command(name = "__floor-native", hide = true)]
    FloorNative {
        /// What they shall be like, as JSON
        stage: String,
    },
}

fn main() -> ExitCode {
    // The monitor starts these from this very program. They are trusted to be small: nothing is parsed or
    // set up before they take over.
    match std::env::args_os().nth(1).as_deref().and_then(OsStr::to_str) {
        Some("__keeper") => return monitor::keeper::main(),
        Some("__fileserver") => {
            return match fileserver::main() {
                Ok(()) => Status::Success.into(),
                // The monitor has been told why.
                Err(_) => Status::Failed.into(),
            };
        }
        _ => {}
    }
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are errors of this kind too, with status 0.
            let status = if error.use_stderr() { Status::Failed } else { Status::Success };
            let _ = error.print();
            return status.into();
        }
    };
    // What functions print is of interest while they are served.
    let level = if matches!(command, Command::Serve(_)) { "info" } else { "warn" };
    env_logger::Builder::from_env(env_logger::Env::default().filter_or("CATALYZER_LOG", level))
        .format_timestamp(None)
        .format_target(false)
        .init();
    match run(command) {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("catalyzer: {error:#}");
            Status::Failed.into()
        }
    }
}

fn run(command: Command) -> Result<Status> {
    match command {
        Command::Run(args) => run::run(*args),
        Command::Build(args) => build::run(&args),
        Command::Invoke(args) => invoke::run(&args),
        Command::Image(args) => image::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Ps(args) => ps::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Probe => bench::micro::probe::main().map(|()| Status::Success),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completion(args) => Ok(completion::run(&args, &Command::command())),
        Command::FloorBare { shape } => bench::floors::bare::serve(&shape).map(|()| Status::Success),
        Command::FloorNative { stage } => bench::floors::native::serve(&stage).map(|()| Status::Success),
    }
}
