//! `bench --micro`: single operations of a program, in the sandbox beside native.
//!
//! The probes time themselves from inside and print one JSON object, so that nothing of starting them is
//! counted; they run natively and in the sandbox by turns. A probe reports its fastest batch, since disturbance
//! only ever adds; of the turns the median counts, since a turn may have a lucky processor.

pub mod probe;

use super::stats::Samples;
use crate::config::layer::Layer;
use crate::config::{Function, MountPoint};
use crate::sandbox::{Listener, Sandboxes, show};
use abi::control::{Exit, LogStream};
use anyhow::{Context, Result, bail};
use monitor::{ClassLimits, Event, Monitor, Reason, ScratchIo, StdioSource};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use toml::Spanned;

/// How often each probe runs on either side.
const TURNS: usize = 5;
/// Where the sandbox sees this binary.
const INSIDE: &str = "/catalyzer";
const PYTHON: &str = "/usr/bin/python3";
/// Arithmetic of an interpreter; the operation's name and time as JSON.
const PYTHON_PROBE: &str = r#"
import time
def work():
    total = 0
    for i in range(300000):
        total += i * i % 7
    return total
best = 1e9
for _ in range(5):
    start = time.perf_counter()
    work()
    best = min(best, time.perf_counter() - start)
print('{"Python, 300 000 steps of a loop": %f}' % (best * 1e6))
"#;

/// An operation.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is done.
    pub name: String,
    /// In a sandbox.
    pub ours_us: f64,
    /// On the host.
    pub native_us: f64,
}

/// What one run of a probe printed: microseconds by name.
type Times = BTreeMap<String, f64>;
/// The same of all turns.
type Turns = BTreeMap<String, Samples>;

/// Measures all probes.
///
/// # Errors
/// A probe does not run to its end.
pub fn measure(monitor: &Monitor) -> Result<Vec<Row>> {
    let binary = std::fs::read_link("/proc/self/exe")?;
    let own = [binary.display().to_string(), "__probe".to_owned()];
    let mut inside = Function::of_command(vec![INSIDE.to_owned(), "__probe".to_owned()]);
    let target = Spanned::new(0..0, INSIDE.to_owned());
    inside.rootfs.mounts.push(MountPoint { source: Spanned::new(0..0, binary), target });
    let mut probes = vec![(own.to_vec(), inside)];
    if std::path::Path::new(PYTHON).exists() {
        let command = [PYTHON, "-I", "-c", PYTHON_PROBE].map(str::to_owned).to_vec();
        probes.push((command.clone(), Function::of_command(command)));
    }
    let (mut ours, mut native) = (Turns::new(), Turns::new());
    for (command, function) in probes {
        let layer = Layer::of(&function)?;
        let launch = function.launch(&layer);
        let sandboxes = Sandboxes::with_launch(monitor, function, layer, launch, ClassLimits::default())?;
        for _ in 0..TURNS {
            keep(&mut native, &on_the_host(&command)?)?;
            keep(&mut ours, &in_a_sandbox(&sandboxes).context("a probe in the sandbox")?)?;
        }
    }
    let rounded = |us: f64| (us * 10_000.0).round() / 10_000.0;
    let median = |samples: &Samples| rounded(samples.percentile(50.0));
    let rows = ours.into_iter().filter_map(|(name, turns)| {
        let native_us = median(native.get(&name)?);
        Some(Row { name, ours_us: median(&turns), native_us })
    });
    Ok(rows.collect())
}

fn keep(turns: &mut Turns, output: &[u8]) -> Result<()> {
    let times: Times = serde_json::from_slice(output).context("a probe printed something else than its times")?;
    for (name, us) in times {
        turns.entry(name).or_default().extend([us]);
    }
    Ok(())
}

fn on_the_host(command: &[String]) -> Result<Vec<u8>> {
    let output =
        Command::new(&command[0]).args(&command[1..]).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{} failed: {}", command[0], output.status);
    }
    Ok(output.stdout)
}

fn in_a_sandbox(sandboxes: &Sandboxes) -> Result<Vec<u8>> {
    let stdio = [StdioSource::Null, StdioSource::Log, StdioSource::Log];
    let mut instance = sandboxes.class.scratch(ScratchIo { stdio, ..ScratchIo::default() })?;
    let mut output = Vec::new();
    let mut listener = Listener::default();
    loop {
        match listener.listen(&mut instance, None)? {
            Some(Event::Log { stream: LogStream::Out, bytes, .. }) => output.extend(bytes),
            Some(Event::Ended(end)) if end.reason == Reason::Program(Exit::Status(0)) => return Ok(output),
            Some(Event::Ended(end)) => bail!("{end}"),
            event => event.iter().for_each(show),
        }
    }
}
