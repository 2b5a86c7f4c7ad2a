//! `catalyzer bench`: boots of each kind beside what they are compared with.
//!
//! All rows of a function are measured in alternation, one measurement of each row a round, so that
//! what disturbs the machine disturbs all of them alike.

mod breakdown;
mod contest;
mod faults;
pub mod floors;
pub mod micro;
pub mod report;
mod rows;
mod stats;
pub mod table;

use crate::build::current_image;
use crate::config::Function;
use crate::config::options::SandboxOptions;
use crate::exit::Status;
use crate::sandbox::{Sandboxes, monitor};
use anyhow::{Context, Result, bail};
use contest::Contest;
use gateway::BootKind;
use indicatif::{ProgressBar, ProgressStyle};
use monitor::Monitor;
use report::{Machine, MicroReport, Report};
use rows::Subject;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Measure boots of each kind, alternating in one run, beside what they are compared with
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  catalyzer bench functions/hello-c --boot cold,warm,fork --runs 1000 --breakdown --json"
)]
pub struct Args {
    /// Directories holding a function.toml, or such files
    #[arg(required_unless_present = "micro", value_name = "FUNCTION")]
    functions: Vec<PathBuf>,
    /// Kinds of boot to measure: scratch, cold, warm, fork, spare
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "scratch,cold,warm,fork")]
    boot: Vec<BootKind>,
    /// Boots of each kind; what takes over 100 ms is measured in a tenth of them
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Add rows with this many fork boots asked for at once
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1024))]
    at_once: Vec<u32>,
    /// Say which step of a boot takes how long
    #[arg(long)]
    breakdown: bool,
    /// Measure single operations of a program, too: in a sandbox and natively
    #[arg(long)]
    micro: bool,
    /// Print one JSON object a function
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: SandboxOptions,
}

/// What to measure of a function.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Kinds of boot.
    pub boots: Vec<BootKind>,
    /// Boots of each.
    pub runs: usize,
    /// Further rows with this many at once.
    pub at_once: Vec<usize>,
    /// Say where the time goes.
    pub breakdown: bool,
    /// What every body must contain.
    pub expected: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Status> {
    let mut functions = Vec::new();
    for path in &args.functions {
        let mut function = Function::load(path)?;
        args.options.apply(&mut function)?;
        functions.push(function);
    }
    let plan = Plan {
        boots: args.boot.clone(),
        runs: args.runs as usize,
        at_once: args.at_once.iter().map(|n| *n as usize).collect(),
        breakdown: args.breakdown,
        expected: None,
    };
    let monitor = monitor()?;
    let micro = args.micro.then(|| micro::measure(&monitor)).transpose()?;
    if let Some(rows) = &micro {
        match (args.json, functions.is_empty()) {
            (false, _) => table::print_micro(rows),
            (true, true) => {
                let report = MicroReport { machine: Machine::of_this_host(), micro: rows };
                println!("{}", serde_json::to_string(&report)?);
            }
            (true, false) => {}
        }
    }
    let mut complete = true;
    for function in functions {
        let name = function.name.clone();
        let mut report = measure(&plan, &monitor, function).context(name)?;
        report.micro.clone_from(&micro);
        complete &= report.is_complete();
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            table::print(&report);
        }
    }
    Ok(if complete { Status::Success } else { Status::CheckFailed })
}

/// Measures a function.
///
/// # Errors
/// Its image can't be built, or sandboxes can't run.
pub fn measure(plan: &Plan, monitor: &Monitor, function: Function) -> Result<Report> {
    // Retries each 50 µs are not possible with the usual slack of 50 µs in every sleep.
    // SAFETY: changes how exactly this thread's timers fire, nothing else.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    if function.port.is_none() {
        bail!("the function has no `port` to send requests to");
    }
    let sandboxes = Sandboxes::new(monitor, function, false)?;
    let needs_image = !plan.at_once.is_empty() || plan.boots.iter().any(|kind| *kind != BootKind::Scratch);
    let image = if needs_image { Some(current_image(&sandboxes)?) } else { None };
    let image_bytes = match &image {
        Some(image) => image.file().metadata()?.blocks() * 512,
        None => 0,
    };
    let mut contest = Contest::new(plan, &sandboxes, image)?;
    let mut rows = contest.rows(plan);
    let progress = ProgressBar::new(plan.runs as u64);
    progress.set_style(ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rounds, {eta} left")?);
    progress.set_prefix(sandboxes.config.name.clone());
    for round in 0..plan.runs {
        for row in &mut rows {
            if row.takes_part(round) {
                row.add(contest.measure(row.subject));
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut results = Vec::new();
    for row in &rows {
        if let Some(failure) = &row.last_failure {
            log::warn!("{}: {} failed, the last with: {failure}", row.subject.name(), row.failures);
        }
        if let Subject::Boot(kind) = row.subject {
            results.push(contest.boot_row(row, kind));
        }
    }
    for count in &plan.at_once {
        results.push(contest.at_once(*count, plan.runs)?);
    }
    for (what, note) in &contest.notes {
        log::warn!("{what}: {note}");
    }
    let floors = rows.iter().filter(|row| row.runs() > 0).filter_map(|row| contest.floor(row)).collect();
    let function = sandboxes.config.name.clone();
    Ok(Report { machine: Machine::of_this_host(), function, image_bytes, results, floors, micro: None })
}
