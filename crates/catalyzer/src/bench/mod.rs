//! `catalyzer bench`: boots of each kind beside what they are compared with.
//!
//! All rows of a function are measured in alternation, one measurement of each row a round, so that
//! what disturbs the machine disturbs all of them alike.

pub mod floors;
pub mod micro;
pub mod report;
mod rows;
pub mod stats;
pub mod table;

use crate::config::Function;
use crate::config::layer::Layer;
use crate::config::options::SandboxOptions;
use crate::exit::Status;
use crate::http::{Request, Response};
use anyhow::{Context, Result, bail};
use floors::bare::{Bare, Shape};
use floors::fork_server::ForkServer;
use floors::native::Native;
use gateway::BootKind;
use indicatif::{ProgressBar, ProgressStyle};
use report::{FloorRow, Machine, Report};
use rows::{Measured, Row, Subject};
use std::fs::File;
use std::path::PathBuf;

/// Measure boots of each kind, alternating in one run, beside what they are compared with
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  catalyzer bench functions/hello-c --boot cold,warm,fork --runs 1000 --breakdown --json"
)]
pub struct Args {
    /// Directories holding a function.toml, or such files
    #[arg(required = true, value_name = "FUNCTION")]
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
    let mut complete = true;
    for function in functions {
        let report = measure(&plan, &function).with_context(|| function.name.clone())?;
        complete &= report.results.iter().all(|row| row.failures == 0 && row.runs > 0);
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            table::print(&report);
        }
    }
    Ok(if complete { Status::Success } else { Status::CheckFailed })
}

/// Everything that is measured of one function, ready.
struct Contest<'a> {
    request: Request,
    expected: Option<&'a str>,
    native: Option<Native>,
    fork_server: Option<ForkServer>,
    bare: Option<Bare>,
}

/// Says once what can't be compared.
fn or_note<T>(what: &str, made: Result<T>, notes: &mut Vec<(String, String)>) -> Option<T> {
    made.map_err(|error| notes.push((what.to_owned(), format!("{error:#}")))).ok()
}

/// Measures a function.
///
/// # Errors
/// Its image can't be built, or sandboxes can't run.
pub fn measure(plan: &Plan, function: &Function) -> Result<Report> {
    // Retries each 50 µs are not possible with the usual slack of 50 µs in every sleep.
    // SAFETY: changes how exactly this thread's timers fire, nothing else.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    let layer = Layer::of(function)?;
    let mut notes = Vec::new();
    let image = File::open("/proc/self/exe")?;
    let shape = Shape { mappings: 40, pages: 10 };
    let mut contest = Contest {
        request: Request::get("/")?,
        expected: plan.expected.as_deref(),
        native: or_note("native-spawn", Native::prepare(function, &layer), &mut notes),
        fork_server: or_note("fork-server", ForkServer::start(function), &mut notes).flatten(),
        bare: or_note("bare-clone", Bare::start(shape, &image), &mut notes),
    };
    let mut rows = contest.rows(plan);
    let progress = ProgressBar::new(plan.runs as u64);
    progress.set_style(ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rounds, {eta} left")?);
    progress.set_prefix(function.name.clone());
    for round in 0..plan.runs {
        for row in &mut rows {
            if row.takes_part(round) {
                row.add(contest.measure(row.subject));
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    for row in &rows {
        if let Some(failure) = &row.last_failure {
            log::warn!("{}: {} failed, the last with: {failure}", row.subject.name(), row.failures);
        }
    }
    for (what, note) in &notes {
        log::warn!("{what}: {note}");
    }
    let floors = rows.iter().filter(|row| row.runs() > 0).filter_map(|row| contest.floor(row)).collect();
    Ok(Report {
        machine: Machine::of_this_host(),
        function: function.name.clone(),
        image_bytes: 0,
        results: Vec::new(),
        floors,
    })
}

impl Contest<'_> {
    fn rows(&self, plan: &Plan) -> Vec<Row> {
        let boots = plan.boots.iter().map(|kind| Subject::Boot(*kind));
        let floors = [
            (Subject::NativeSpawn, self.native.is_some()),
            (Subject::ForkServer, self.fork_server.is_some()),
            (Subject::BareClone, self.bare.is_some()),
            (Subject::BareWake, self.bare.is_some()),
        ];
        let floors = floors.into_iter().filter(|(_, there)| *there).map(|(subject, _)| subject);
        boots.chain(floors).map(Row::new).collect()
    }

    fn check(&self, response: &Response) -> Result<()> {
        if response.status >= 400 {
            bail!("status {}", response.status);
        }
        let body = String::from_utf8_lossy(&response.body);
        match self.expected {
            Some(expected) if !body.contains(expected) => bail!("a wrong answer: {body:?}"),
            _ if body.is_empty() => bail!("an empty answer"),
            _ => Ok(()),
        }
    }

    fn measure(&mut self, subject: Subject) -> Result<Measured> {
        let gone = "its process is not there";
        match subject {
            Subject::Boot(kind) => bail!("{kind}"),
            Subject::NativeSpawn => {
                let (us, response) = self.native.as_ref().context(gone)?.first_response(&self.request)?;
                self.check(&response)?;
                Ok(Measured { boot_us: None, first_response_us: Some(us) })
            }
            Subject::ForkServer => {
                let (us, response) = self.fork_server.as_ref().context(gone)?.first_response(&self.request)?;
                self.check(&response)?;
                Ok(Measured { boot_us: None, first_response_us: Some(us) })
            }
            Subject::BareClone => {
                let measured = self.bare.as_ref().context(gone)?.clone_once()?;
                Ok(Measured { boot_us: Some(measured.first_us), first_response_us: Some(measured.last_us) })
            }
            Subject::BareWake => {
                let measured = self.bare.as_ref().context(gone)?.wake_once()?;
                Ok(Measured { boot_us: Some(measured.first_us), first_response_us: None })
            }
        }
    }

    fn floor(&self, row: &Row) -> Option<FloorRow> {
        let mut floor = FloorRow {
            name: row.subject.name(),
            runs: row.runs(),
            boot_us: row.boot.summary(),
            first_response_us: row.first_response.summary(),
            ..FloorRow::default()
        };
        match row.subject {
            Subject::Boot(_) => return None,
            Subject::NativeSpawn => floor.note = self.native.as_ref().and_then(|native| native.note.clone()),
            Subject::ForkServer => {}
            Subject::BareClone | Subject::BareWake => {
                let built = self.bare.as_ref().map(|bare| bare.built.clone())?;
                floor.mappings = Some(built.mappings);
                floor.note = built.note;
                if row.subject == Subject::BareClone {
                    (floor.pages, floor.flags) = (Some(built.pages), Some(built.flags));
                }
            }
        }
        Some(floor)
    }
}
