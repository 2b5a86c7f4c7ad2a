//! `catalyzer build`: a function becomes a func-image.
//!
//! The function is started from scratch, runs to its func-entry point, answers the warm-up requests, and
//! is then stopped and written down. `invoke`, `bench` and `serve` build in the same way when there is
//! no image that matches the function.

use crate::bench::table::bytes;
use crate::config::options::SandboxOptions;
use crate::config::units::Span;
use crate::config::{Function, WarmupRequest};
use crate::exit::Status;
use crate::http::{Pairs, Request};
use crate::sandbox::{self, Listener, Sandboxes, again, monitor, show, trace_stream};
use abi::dump::LowerFile;
use anyhow::{Context, Result, bail};
use image::{Image, Store};
use indicatif::ProgressBar;
use monitor::{Client, Event, Instance, InstanceIo, ScratchIo, StdioSource};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Time};

/// Start a function, wait for its func-entry point and write its func-image
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer build functions/hello-python -o hello.img")]
pub struct Args {
    /// Directory holding a function.toml, or such a file
    function: PathBuf,
    /// Where the image goes [default: the image store]
    #[arg(short, long, value_name = "IMAGE")]
    output: Option<PathBuf>,
    /// Most time for reaching the func-entry point
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    time_limit: Span,
    #[command(flatten)]
    options: SandboxOptions,
}

/// How long `invoke`, `bench` and `serve` wait for a func-entry point.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long the answer to one question to a sandbox may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the boot from which the working set is learned may take to answer.
const TRIAL: Duration = Duration::from_secs(10);
/// How long stopping all threads of a function may take.
const FREEZE: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// The function does not reach its entry point, or the image can't be written.
pub fn run(args: &Args) -> Result<Status> {
    let mut function = Function::load(&args.function)?;
    args.options.apply(&mut function)?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => store_path(&function)?,
    };
    let trace = trace_stream(args.options.strace.as_ref())?;
    let sandboxes = Sandboxes::new(&monitor()?, function, trace.is_some())?;
    let start = Time::now();
    let summary = build(&sandboxes, &path, args.time_limit.0, trace.as_ref())?;
    eprintln!(
        "{}: {} of memory, {} of kernel state, {} regions, built in {:.1} s",
        sandboxes.config.name,
        bytes(summary.memory_stored),
        bytes(summary.heap_len),
        summary.regions,
        start.elapsed().as_secs_f64()
    );
    println!("{}", path.display());
    Ok(Status::Success)
}

/// Where a function's image lies unless said otherwise.
///
/// # Errors
/// The user has no place for images.
pub fn store_path(function: &Function) -> Result<PathBuf> {
    Ok(Store::open_default()?.path_of(&function.name)?)
}

/// The function's image in the store; built when there is none that matches the function and the host.
///
/// # Errors
/// As [`run`].
pub fn current_image(sandboxes: &Sandboxes) -> Result<Image> {
    let path = store_path(&sandboxes.config)?;
    if let Some(why) = outdated(sandboxes, &path) {
        log::info!("{}: building an image: {why}", sandboxes.config.name);
        let spinner =
            ProgressBar::new_spinner().with_message(format!("building the image of {}", sandboxes.config.name));
        spinner.enable_steady_tick(Duration::from_millis(100));
        let built = build(sandboxes, &path, TIME_LIMIT, None);
        spinner.finish_and_clear();
        built?;
    }
    let image = Image::open(&path, monitor::kernel_build())?;
    image.verify()?;
    image.check_cpu(&image::cpu::host())?;
    Ok(image)
}

/// Why an image can't be used for a function; none when it can.
fn outdated(sandboxes: &Sandboxes, path: &Path) -> Option<String> {
    if !path.exists() {
        return Some("there is none yet".to_owned());
    }
    let look = || -> Result<Option<String>> {
        let image = Image::open(path, monitor::kernel_build())?;
        image.check_cpu(&image::cpu::host())?;
        if image.function()? != sandboxes.config.to_text()? {
            return Ok(Some("the function's configuration changed".to_owned()));
        }
        let changed = image.io()?.lower_files.into_iter().find(|file| has_changed(sandboxes, file));
        Ok(changed.map(|file| format!("{} changed", String::from_utf8_lossy(&file.path))))
    };
    look().unwrap_or_else(|error| Some(format!("{error:#}")))
}

/// Whether a file is another than the one the image remembers.
fn has_changed(sandboxes: &Sandboxes, file: &LowerFile) -> bool {
    let Some(path) = sandboxes.layer.host_path(file.root, &file.path) else { return true };
    let Ok(found) = path.symlink_metadata() else { return true };
    let modified_ns = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    let is = &file.attributes;
    // A directory's size and times say nothing about the files that the program used.
    !found.is_dir() && (found.ino(), found.len(), modified_ns) != (is.inode, is.size, is.modified_ns)
}

/// Builds an image.
///
/// # Errors
/// As [`run`].
pub fn build(
    sandboxes: &Sandboxes,
    path: &Path,
    time_limit: Duration,
    trace: Option<&OwnedFd>,
) -> Result<image::Summary> {
    let io = ScratchIo {
        stdio: [StdioSource::Null, StdioSource::Log, StdioSource::Log],
        trace: again(trace)?,
        announce_entry: true,
        freeze_at: None,
    };
    let mut instance = sandboxes.class.scratch(io)?;
    reach_entry(&mut instance, sandboxes, time_limit)?;
    let pairs = Pairs::new()?;
    for request in &sandboxes.config.warmup.requests {
        for _ in 0..request.count {
            warm_up(&mut instance, &pairs, request, time_limit)
                .with_context(|| format!("warm-up request {} {}", request.method, request.path))?;
        }
    }
    instance.freeze(Time::now() + FREEZE).context("the function could not be stopped for its image")?;
    let configuration = sandboxes.config.to_text()?;
    let mut summary = instance.write_image(path, &configuration, Vec::new(), &mut |_| {})?;
    // It boots without a working set as well; only a spare takes longer to its first response.
    match working_set(sandboxes, path, &pairs) {
        Ok(pages) if pages.is_empty() => {}
        Ok(pages) => summary = instance.write_image(path, &configuration, pages, &mut |_| {})?,
        Err(error) => log::info!("{}: no working set: {error:#}", sandboxes.config.name),
    }
    instance.kill();
    instance.wait()?;
    Ok(summary)
}

/// Waits for the func-entry point.
fn reach_entry(instance: &mut Instance, sandboxes: &Sandboxes, time_limit: Duration) -> Result<()> {
    // Its own time limit starts with the first connection of a real client.
    instance.set_deadline(None);
    let deadline = Time::now() + time_limit;
    let goal = match sandboxes.config.port {
        Some(port) => format!("waited for a connection on port {port}"),
        None => "opened /dev/catalyzer/entry".to_owned(),
    };
    let mut listener = Listener::default();
    while Time::now() < deadline {
        match listener.listen(instance, None)? {
            Some(Event::AtEntry) => return Ok(()),
            Some(Event::Ended(end)) => bail!("the program ended before it {goal}: {end}"),
            Some(event) => show(&event),
            None => {}
        }
    }
    let threads = match instance.threads(Time::now() + ANSWER) {
        Ok(threads) => threads,
        Err(error) => format!("(what its threads wait for could not be found out: {error})"),
    };
    let limit = humantime::format_duration(time_limit);
    bail!("within {limit} the program never {goal}; its threads:\n{}", threads.trim_end())
}

/// The pages that an instance of the image at `path` uses until its first response; none where there is no port.
fn working_set(sandboxes: &Sandboxes, path: &Path, pairs: &Pairs) -> Result<Vec<u64>> {
    if sandboxes.config.port.is_none() {
        return Ok(Vec::new());
    }
    let request = match sandboxes.config.warmup.requests.first() {
        Some(first) => Request::new(&first.method, &first.path, &[], first.body.as_ref().map(String::as_bytes))?,
        None => Request::get("/")?,
    };
    let image = Image::open(path, monitor::kernel_build())?;
    let mut pair = pairs.connect()?;
    request.send(&mut pair.client)?;
    let client = Client { fd: pair.server, peer: pair.peer };
    let mut instance = sandboxes.class.cold(&image, Some(client), InstanceIo::default())?;
    sandbox::response(&request, &mut pair.client, &mut instance, TRIAL)?;
    Ok(instance.used_pages()?)
}

/// One request; its connection is closed on both sides afterwards.
fn warm_up(instance: &mut Instance, pairs: &Pairs, request: &WarmupRequest, patience: Duration) -> Result<()> {
    let body = request.body.as_ref().map(String::as_bytes);
    let encoded = Request::new(&request.method, &request.path, &[], body)?;
    let mut pair = pairs.connect()?;
    let id = instance.connect(Client { fd: pair.server, peer: pair.peer })?;
    instance.set_deadline(None);
    encoded.send(&mut pair.client)?;
    let response = sandbox::response(&encoded, &mut pair.client, instance, patience)?;
    drop(pair.client);
    if response.status >= 400 {
        bail!("answered with status {}", response.status);
    }
    let deadline = Time::now() + patience;
    let mut listener = Listener::default();
    while instance.open_connections() > 0 && Time::now() < deadline {
        match listener.listen(instance, None)? {
            Some(Event::ConnectionDone { id: done }) if done == id => return Ok(()),
            Some(Event::Ended(end)) => bail!("the program ended: {end}"),
            Some(event) => show(&event),
            None => {}
        }
    }
    match instance.open_connections() {
        0 => Ok(()),
        _ => bail!("the program did not close the connection"),
    }
}
