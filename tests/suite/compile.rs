//! Building the C programs of `tests/linux/` and the Rust one, each as its source asks for.

use crate::{repository, scratch};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::SystemTime;

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// Against the shared C library of the system.
    Dynamic,
    /// Statically against the C library of the system.
    Static,
    /// Statically against musl.
    Musl,
    /// A Rust program of the standard library.
    Rust,
}

/// One program to run, with what its source says about how.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name of its file, and of the test case.
    pub name: String,
    /// Where it lies on the host.
    pub path: PathBuf,
    /// Where it lies in the sandbox.
    pub inside: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// Natively it shows what it should only as root.
    pub needs_root: bool,
}

/// Builds everything that is older than its source; the programs in order of name.
pub fn programs() -> Result<Vec<Program>> {
    let folder = scratch("programs")?;
    let sources = repository().join("tests/linux");
    let headers = newest(&sources, "h")?;
    let mut jobs = Vec::new();
    let mut programs = Vec::new();
    for source in files(&sources, "c")? {
        let text = fs::read_to_string(&source)?;
        for linking in linkings(&text).with_context(|| source.display().to_string())? {
            let program = describe(&source, &text, linking, &folder)?;
            jobs.push((source.clone(), program.path.clone(), linking, headers));
            programs.push(program);
        }
    }
    for source in files(&repository().join("tests/rust"), "rs")? {
        let program = describe(&source, &fs::read_to_string(&source)?, Linking::Rust, &folder)?;
        jobs.push((source, program.path.clone(), Linking::Rust, SystemTime::UNIX_EPOCH));
        programs.push(program);
    }
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let job = jobs.lock().map(|mut jobs| jobs.pop());
                        let Ok(Some((source, target, linking, headers))) = job else { return Ok(()) };
                        build(&source, &target, linking, headers)?;
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a build thread died")))
    })?;
    Ok(programs)
}

/// Builds the interpreter `NAME.c` of random programs, when it is older than its sources.
///
/// # Errors
/// What the compiler says.
pub fn build_interpreter(folder: &Path, name: &str, target: &Path) -> Result<()> {
    let headers = newest(folder, "h")?.max(newest(&repository().join("tests/linux"), "h")?);
    build(&folder.join(format!("{name}.c")), target, Linking::Dynamic, headers)
}

fn build(source: &Path, target: &Path, linking: Linking, headers: SystemTime) -> Result<()> {
    let changed = fs::metadata(source)?.modified()?.max(headers);
    if fs::metadata(target).and_then(|built| built.modified()).is_ok_and(|built| built > changed) {
        return Ok(());
    }
    let mut command = Command::new(match linking {
        Linking::Musl => "musl-gcc",
        Linking::Rust => "rustc",
        Linking::Dynamic | Linking::Static => "cc",
    });
    if linking == Linking::Rust {
        command.args(["--edition", "2024", "-O"]);
    } else {
        // The programs do on purpose what compilers warn of.
        command.args(["-O1", "-w", "-pthread"]);
    }
    if matches!(linking, Linking::Static | Linking::Musl) {
        command.arg("-static");
    }
    command.arg("-o").arg(target).arg(source);
    if linking != Linking::Rust {
        command.arg("-lm");
    }
    let output = command.output().with_context(|| format!("{command:?}: is it installed? see `make test-deps`"))?;
    if !output.status.success() {
        bail!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn describe(source: &Path, text: &str, linking: Linking, folder: &Path) -> Result<Program> {
    let stem = source.file_stem().and_then(|stem| stem.to_str()).context("a source without a name")?;
    let name = match linking {
        Linking::Dynamic => stem.to_owned(),
        Linking::Static => format!("{stem}.static"),
        Linking::Musl => format!("{stem}.musl"),
        Linking::Rust => format!("{stem}.rust"),
    };
    let mut program = Program {
        path: folder.join(&name),
        inside: format!("/t/{name}"),
        name,
        arguments: Vec::new(),
        environment: Vec::new(),
        input: Vec::new(),
        needs_root: false,
    };
    for (word, rest) in directives(text) {
        match word {
            "variants" => {}
            "needs" if rest == "root" => program.needs_root = true,
            "args" => program.arguments.extend(rest.split_whitespace().map(str::to_owned)),
            "env" => {
                let (key, value) = rest.split_once('=').with_context(|| format!("{stem}: env wants KEY=VALUE"))?;
                program.environment.push((key.to_owned(), value.to_owned()));
            }
            "stdin" => program.input.extend(format!("{rest}\n").bytes()),
            other => bail!("{stem}: unknown directive `test: {other}`"),
        }
    }
    Ok(program)
}

fn linkings(text: &str) -> Result<Vec<Linking>> {
    let Some((_, words)) = directives(text).find(|(word, _)| *word == "variants") else {
        return Ok(vec![Linking::Dynamic]);
    };
    words
        .split_whitespace()
        .map(|word| match word {
            "dynamic" => Ok(Linking::Dynamic),
            "static" => Ok(Linking::Static),
            "musl" => Ok(Linking::Musl),
            other => bail!("unknown variant {other}"),
        })
        .collect()
}

/// The `test: WORD REST` lines of a source.
fn directives(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(|line| line.trim_start_matches([' ', '*', '/', '!']).strip_prefix("test: "))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn newest(folder: &Path, extension: &str) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for file in files(folder, extension)? {
        newest = newest.max(fs::metadata(file)?.modified()?);
    }
    Ok(newest)
}
