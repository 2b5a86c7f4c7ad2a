//! The command line: one file a subcommand, exit statuses in `exit.rs`.

mod bench;
mod clock;
mod config;
mod doctor;
mod exit;
mod http;

use anyhow::Result;
use clap::Parser;
use exit::Status;
use std::process::ExitCode;

/// Sandboxes for other people's Linux programs, continued from images instead of booted
#[derive(Debug, Parser)]
#[command(name = "catalyzer", version, propagate_version = true)]
enum Command {
    Bench(bench::Args),
    Doctor(doctor::Args),
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
    env_logger::Builder::from_env(env_logger::Env::default().filter_or("CATALYZER_LOG", "warn"))
        .format_timestamp(None)
        .format_target(false)
        .init();
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are errors of this kind too, with status 0.
            let status = if error.use_stderr() { Status::Failed } else { Status::Success };
            let _ = error.print();
            return status.into();
        }
    };
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
        Command::Bench(args) => bench::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::FloorBare { shape } => bench::floors::bare::serve(&shape).map(|()| Status::Success),
        Command::FloorNative { stage } => bench::floors::native::serve(&stage).map(|()| Status::Success),
    }
}
