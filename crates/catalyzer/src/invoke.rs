//! `catalyzer invoke`: one instance, one HTTP request (or the same one again and again).

use crate::boots::{Boots, boot_us};
use crate::build::current_image;
use crate::clock::{now_ns, us_between};
use crate::config::Function;
use crate::config::layer::Layer;
use crate::config::options::SandboxOptions;
use crate::exit::Status;
use crate::http::{Pairs, Request, Response};
use crate::sandbox::{self, Sandboxes, monitor, show, trace_stream};
use crate::stats::Stats;
use abi::launch::Launch;
use anyhow::{Context, Result, bail};
use base64::Engine;
use gateway::BootKind;
use image::Store;
use monitor::{ClassLimits, Client, Event, Monitor};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Time};

/// Boot one instance and send it one HTTP request
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer invoke functions/hello-python --boot fork --path /\n\n\
The body goes to standard output, status and timings to standard error. Exit status: 0 below HTTP status \
400, else 22; 125 for errors of catalyzer itself.")]
pub struct Args {
    /// A func-image, or a directory holding a function.toml, or such a file
    #[arg(value_name = "IMAGE|FUNCTION")]
    target: PathBuf,
    /// How to boot: scratch, cold, warm, fork or spare
    #[arg(long, value_name = "KIND", default_value = "cold")]
    boot: BootKind,
    /// HTTP method
    #[arg(long, value_name = "M", default_value = "GET")]
    method: String,
    /// Path and query
    #[arg(long, value_name = "P", default_value = "/")]
    path: String,
    /// A header field, NAME: VALUE
    #[arg(long, value_name = "H")]
    header: Vec<String>,
    /// Body; @FILE reads it from a file, @- from standard input
    #[arg(long, value_name = "D|@FILE")]
    data: Option<String>,
    /// Send the request this many times, each by a connection of its own; what is printed is the first answer
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Count the instance's system calls since its boot and print them to standard error
    #[arg(long)]
    syscall_stats: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: SandboxOptions,
}

/// How long a response may take where the function has no time limit.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long the end of an instance that is killed may take.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    boot: &'static str,
    boot_us: Option<f64>,
    first_response_us: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    syscalls: Option<&'a Stats>,
}

/// Runs the command.
///
/// # Errors
/// No response came.
pub fn run(args: &Args) -> Result<Status> {
    let body = args.data.as_deref().map(read_data).transpose()?;
    let request = Request::new(&args.method, &args.path, &args.header, body.as_deref())?;
    let monitor = monitor()?;
    let trace = trace_stream(args.options.strace.as_ref())?;
    let (sandboxes, image) = if is_image(&args.target)? {
        let image = Store::open_default()?.import(&args.target, monitor::kernel_build())?;
        image.check_cpu(&image::cpu::host())?;
        let mut function = Function::parse(&image.function()?, &args.target.display().to_string(), Path::new("/"))?;
        args.options.check_against_image()?;
        args.options.apply(&mut function)?;
        (made(&monitor, function, trace.is_some(), args.syscall_stats)?, Some(image))
    } else {
        let mut function = Function::load(&args.target)?;
        args.options.apply(&mut function)?;
        let sandboxes = made(&monitor, function, trace.is_some(), args.syscall_stats)?;
        let image = if args.boot == BootKind::Scratch { None } else { Some(current_image(&sandboxes)?) };
        (sandboxes, image)
    };
    if sandboxes.config.port.is_none() {
        bail!("{}: the function has no `port` to send a request to", sandboxes.config.name);
    }
    let mut boots = Boots::new(&sandboxes, image, trace);
    boots.prepare(args.boot)?;
    let patience = sandboxes.config.limits.timeout.map_or(PATIENCE, |t| t.0);
    let answer = answers(args, &mut boots, &request, patience)?;
    print(args, &answer)?;
    Ok(if answer.response.status < 400 { Status::Success } else { Status::HttpError })
}

/// The function's processes; with `count`, its instances count their system calls.
fn made(monitor: &Monitor, function: Function, strace: bool, count: bool) -> Result<Sandboxes> {
    let layer = Layer::of(&function)?;
    let launch = Launch { strace, syscall_stats: count, ..function.launch(&layer) };
    Sandboxes::with_launch(monitor, function, layer, launch, ClassLimits::default())
}

/// A response and its times.
struct Timed {
    response: Response,
    boot_us: Option<f64>,
    first_response_us: f64,
    stats: Option<Stats>,
}

fn answers(args: &Args, boots: &mut Boots<'_>, request: &Request, patience: Duration) -> Result<Timed> {
    let pairs = Pairs::new()?;
    let mut pair = pairs.connect()?;
    request.send(&mut pair.client)?;
    let asked_ns = now_ns();
    let mut instance = boots.boot(args.boot, Some(Client { fd: pair.server, peer: pair.peer }))?;
    let response = sandbox::response(request, &mut pair.client, &mut instance, patience)?;
    // Read while the instance is there; one that ended with its answer has no page any more.
    let boot_us = instance.boot_page().ok().and_then(|page| boot_us(&page, asked_ns));
    let first_response_us = us_between(asked_ns, response.first_byte_ns);
    drop(pair.client);
    for n in 2..=args.requests {
        let mut pair = pairs.connect()?;
        instance.connect(Client { fd: pair.server, peer: pair.peer })?;
        request.send(&mut pair.client)?;
        let more = sandbox::response(request, &mut pair.client, &mut instance, patience)?;
        if more.status != response.status {
            bail!("request {n} was answered with status {}, the first one with {}", more.status, response.status);
        }
    }
    let stats = match args.syscall_stats {
        true => Some(Stats::new(&instance.counts(Time::now() + LAST_WORDS)?)),
        false => None,
    };
    instance.kill();
    // What it said before it was killed comes first.
    loop {
        match instance.next_event(Time::now() + LAST_WORDS)? {
            None | Some(Event::Ended(_)) => break,
            Some(event) => show(&event),
        }
    }
    Ok(Timed { response, boot_us, first_response_us, stats })
}

fn print(args: &Args, answer: &Timed) -> Result<()> {
    let Timed { response, boot_us, first_response_us, stats } = answer;
    let mut stdout = std::io::stdout().lock();
    if args.json {
        let text = std::str::from_utf8(&response.body).ok();
        let base64 = || base64::engine::general_purpose::STANDARD.encode(&response.body);
        let mut headers = BTreeMap::new();
        for (name, value) in &response.headers {
            let values: &mut String = headers.entry(name.to_ascii_lowercase()).or_default();
            if !values.is_empty() {
                values.push_str(", ");
            }
            values.push_str(value);
        }
        let answer = Answer {
            status: response.status,
            headers,
            body: text,
            body_base64: if text.is_none() { Some(base64()) } else { None },
            boot: args.boot.name(),
            boot_us: *boot_us,
            first_response_us: *first_response_us,
            syscalls: stats.as_ref(),
        };
        writeln!(stdout, "{}", serde_json::to_string(&answer)?)?;
    } else {
        stdout.write_all(&response.body)?;
        stdout.flush()?;
        let boot = boot_us.map_or_else(|| "not told".to_owned(), |us| format!("{us:.0} µs"));
        eprintln!("status {}, {} boot {boot}, first response {first_response_us:.0} µs", response.status, args.boot);
        if let Some(stats) = stats {
            stats.print(false)?;
        }
    }
    Ok(())
}

fn read_data(data: &str) -> Result<Vec<u8>> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).context("the body could not be read")?;
            Ok(body)
        }
        Some(path) => std::fs::read(path).with_context(|| format!("--data @{path}")),
    }
}

/// A function is a directory or a TOML text; everything else is meant to be an image, and opening it says
/// what is wrong with it.
fn is_image(path: &Path) -> Result<bool> {
    if path.is_dir() || path.extension().is_some_and(|extension| extension == "toml") {
        return Ok(false);
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut magic = Vec::new();
    file.take(8).read_to_end(&mut magic).with_context(|| path.display().to_string())?;
    Ok(magic == abi::image::MAGIC || path.extension().is_some_and(|extension| extension == "img") || !magic.is_ascii())
}
