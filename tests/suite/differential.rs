//! The same program natively and in the sandbox: the same output, the same end.
//!
//! Three cases a program: `native::NAME` tests the test itself, `sandbox::NAME` compares one run, and
//! `image-at::NAME` compares runs that were imaged at random system calls, ended, restored at another base and
//! finished. `CATALYZER_IMAGE_POINTS` is how many (default 2), `CATALYZER_SEED` chooses them: it
//! is part of every failure's message.

use crate::compile::{self, Program};
use crate::process::{Outcome, run};
use crate::sandbox::run_with_folder;
use crate::{python, scratch};
use anyhow::{Context, Result, bail};
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The same slice of points in every `make test`; `make soak` takes others.
const SEED: u64 = 1;

/// The programs have a watchdog of twenty seconds themselves.
const LIMIT: Duration = Duration::from_secs(30);

/// A program and what it did natively, found out when first asked for.
struct Case {
    program: Program,
    native: OnceLock<Result<Outcome, String>>,
}

/// Three cases for each program.
pub fn trials() -> Result<Vec<Trial>> {
    let points = number_from_environment("CATALYZER_IMAGE_POINTS")?.unwrap_or(2);
    let seed = number_from_environment("CATALYZER_SEED")?.unwrap_or(SEED);
    let mut trials = Vec::new();
    for program in compile::programs()?.into_iter().chain(python::programs()) {
        let name = program.name.clone();
        if program.needs_root && !is_root()? {
            eprintln!("{name}: left out, since natively it needs root");
            continue;
        }
        let case = Arc::new(Case { program, native: OnceLock::new() });
        let (native, sandbox, image) = (case.clone(), case.clone(), case);
        trials.push(Trial::test(format!("native::{name}"), move || done(native.check_native())));
        trials.push(Trial::test(format!("sandbox::{name}"), move || done(sandbox.check_sandbox())));
        trials.push(Trial::test(format!("image-at::{name}"), move || done(image.check_images(points, seed))));
    }
    Ok(trials)
}

/// Whether programs run as root natively.
fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

/// An error as the message of a failed case.
pub fn done(result: Result<()>) -> Result<(), Failed> {
    result.map_err(|error| Failed::from(format!("{error:#}")))
}

impl Case {
    fn native(&self) -> Result<&Outcome> {
        let native = self.native.get_or_init(|| {
            let mut command = Command::new(&self.program.path);
            command.args(&self.program.arguments).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
            command.envs(self.program.environment.iter().map(|(key, value)| (key, value)));
            run(&mut command, &self.program.input, LIMIT).map_err(|error| format!("{error:#}"))
        });
        native.as_ref().map_err(|error| anyhow::anyhow!("natively: {error}"))
    }

    /// A program that finds Linux itself wrong tests nothing.
    fn check_native(&self) -> Result<()> {
        let native = self.native()?;
        let wrong =
            |line: &str| line.ends_with(": NO") || line.contains("giving up") || line.contains("without a name");
        if native.text().lines().any(wrong) || native.status == 99 {
            bail!("the program's expectations don't hold natively\n{native}");
        }
        Ok(())
    }

    fn sandbox_command(&self) -> Result<Command> {
        let mut command = run_with_folder(&scratch("programs")?);
        for (key, value) in &self.program.environment {
            command.arg("--env").arg(format!("{key}={value}"));
        }
        Ok(command)
    }

    fn finish_command(&self, command: &mut Command) {
        command.arg("--").arg(&self.program.inside).args(&self.program.arguments);
    }

    fn check_sandbox(&self) -> Result<()> {
        let mut command = self.sandbox_command()?;
        self.finish_command(&mut command);
        compare(self.native()?, &run(&mut command, &self.program.input, LIMIT)?)
    }

    fn check_images(&self, points: u64, seed: u64) -> Result<()> {
        let calls = self.count_calls()?;
        let mut random = Random(seed ^ name_hash(&self.program.name));
        for _ in 0..points {
            let at = 1 + random.below(calls);
            let mut command = self.sandbox_command()?;
            command.arg("--image-at").arg(at.to_string());
            self.finish_command(&mut command);
            run(&mut command, &self.program.input, LIMIT)
                .and_then(|outcome| compare(self.native()?, &outcome))
                .with_context(|| format!("imaged at system call {at} of {calls} (CATALYZER_SEED={seed})"))?;
        }
        Ok(())
    }

    /// About how many system calls the program makes: a line of `--strace` each.
    fn count_calls(&self) -> Result<u64> {
        let file = scratch("strace")?.join(&self.program.name);
        let mut command = self.sandbox_command()?;
        command.arg(format!("--strace={}", file.display()));
        self.finish_command(&mut command);
        run(&mut command, &self.program.input, LIMIT)?;
        let lines = fs::read(&file).with_context(|| format!("--strace wrote no {}", file.display()))?;
        fs::remove_file(&file)?;
        let count = lines.iter().filter(|&&byte| byte == b'\n').count();
        if count == 0 {
            bail!("--strace wrote nothing");
        }
        Ok(u64::try_from(count)?)
    }
}

/// The first difference, in words.
fn compare(native: &Outcome, inside: &Outcome) -> Result<()> {
    if native.stdout == inside.stdout && native.status == inside.status {
        return Ok(());
    }
    let (expected, got) = (native.text(), inside.text());
    let mut lines = expected.lines().zip(got.lines()).enumerate();
    let difference = match lines.find(|(_, (left, right))| left != right) {
        Some((at, (left, right))) => format!("line {}:\n  natively {left}\n  inside   {right}", at + 1),
        None => format!("{} lines natively, {} inside", expected.lines().count(), got.lines().count()),
    };
    bail!("{difference}\n  status {} natively, {} inside\n{inside}", native.status, inside.status)
}

/// A number that a variable of the environment names.
///
/// # Errors
/// When it is none.
pub fn number_from_environment(name: &str) -> Result<Option<u64>> {
    let Ok(value) = std::env::var(name) else { return Ok(None) };
    Ok(Some(value.parse().with_context(|| format!("{name}={value} is no number"))?))
}

fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// SplitMix64: points need to be spread, not secret.
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of these.
    pub fn pick(&mut self, of: &[u64]) -> u64 {
        let index = self.below(of.len().max(1) as u64);
        usize::try_from(index).ok().and_then(|index| of.get(index)).copied().unwrap_or(0)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
