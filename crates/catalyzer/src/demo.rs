//! `catalyzer demo`: hello-python through all four boots, each with a real request, in one table.

use crate::bench::{self, Plan, table};
use crate::config::Function;
use crate::exit::Status;
use crate::sandbox::monitor;
use anyhow::{Context, Result};
use gateway::BootKind;
use std::path::PathBuf;

/// Show hello-python through all four boots beside a native start
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer demo --runs 200")]
pub struct Args {
    /// The function
    #[arg(default_value = "functions/hello-python", value_name = "FUNCTION")]
    function: PathBuf,
    /// Boots of each kind
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print one JSON object, as `bench` does
    #[arg(long)]
    json: bool,
}

/// What the body of a right answer of hello-python contains.
const EXPECTED: &str = "from Python";

/// Runs the command.
///
/// # Errors
/// The function can't be built or booted.
pub fn run(args: &Args) -> Result<Status> {
    let function =
        Function::load(&args.function).context("run the demo in the project's directory, or name a function for it")?;
    let expected = (function.name == "hello-python").then(|| EXPECTED.to_owned());
    let plan = Plan {
        boots: vec![BootKind::Scratch, BootKind::Cold, BootKind::Warm, BootKind::Fork],
        runs: args.runs as usize,
        at_once: Vec::new(),
        breakdown: false,
        expected,
    };
    let report = bench::measure(&plan, &monitor()?, function)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        table::print(&report);
        let kinds = report.results.len();
        println!("Every one of the {} answers was checked.", report.results.iter().map(|r| r.runs).sum::<usize>());
        let fork = report.results.get(kinds.wrapping_sub(1)).and_then(|row| row.first_response_us);
        let native = report.floors.iter().find(|row| row.name == "native-spawn").and_then(|row| row.first_response_us);
        if let (Some(fork), Some(native)) = (fork, native) {
            println!("A fork boot answers {:.0} × sooner than a native start.", native.p50 / fork.p50);
        }
    }
    Ok(if report.is_complete() { Status::Success } else { Status::CheckFailed })
}
