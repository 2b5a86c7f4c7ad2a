//! `function.toml`: what a function is.
//!
//! The file is read once into a [`Function`] whose paths are all absolute; that form is what the rest
//! of the program works with and what an image carries. Everything wrong with a file is reported with
//! the file, the line and the key.

pub mod layer;
pub mod options;
pub mod units;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use units::{Size, Span, Target, User};

/// Name of the file in a function's directory.
pub const FILE_NAME: &str = "function.toml";
/// The guest's `PATH` unless the function sets one.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A function with absolute paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What it is called.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The port the program listens on, inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Working directory, inside.
    #[serde(default = "slash")]
    pub workdir: String,
    /// Host name the program sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// User the program sees itself as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Where the program may connect to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_connect: Vec<Target>,
    /// Environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What files there are.
    #[serde(default)]
    pub rootfs: Rootfs,
    /// What an instance may use.
    #[serde(default)]
    pub limits: Limits,
    /// What happens before the image is taken.
    #[serde(default, skip_serializing_if = "Warmup::is_empty")]
    pub warmup: Warmup,
    /// What `catalyzer bench` compares with.
    #[serde(default, skip_serializing_if = "Bench::is_empty")]
    pub bench: Bench,
    /// The directory of the file it was read from.
    #[serde(skip)]
    pub directory: Option<PathBuf>,
}

/// The lower layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rootfs {
    /// Directory shown as `/`; absent: what every user of the host may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Spanned<PathBuf>>,
    /// A container image instead of a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Spanned<String>>,
    /// Further host directories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<MountPoint>,
}

/// A host directory or file shown in the guest, read-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountPoint {
    /// On the host; in the file, relative to the file's directory.
    pub source: Spanned<PathBuf>,
    /// Absolute path in the guest.
    pub target: Spanned<String>,
}

/// What an instance may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Spanned<f64>>,
    /// Threads and processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// Wall time from the first connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
}

/// What happens before the image is taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warmup {
    /// Sent one after the other once the program listens.
    #[serde(default)]
    pub requests: Vec<WarmupRequest>,
}

impl Warmup {
    fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

/// A request sent before the image is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmupRequest {
    /// HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query.
    #[serde(default = "slash")]
    pub path: String,
    /// Body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How many times.
    #[serde(default = "one")]
    pub count: u32,
}

/// What `catalyzer bench` compares with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bench {
    /// An initialised interpreter that forks for each request, run unsandboxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork_server: Option<Vec<String>>,
}

impl Bench {
    fn is_empty(&self) -> bool {
        self.fork_server.is_none()
    }
}

fn slash() -> String {
    "/".into()
}

fn get() -> String {
    "GET".into()
}

fn one() -> u32 {
    1
}

impl Function {
    /// Reads a function given as directory or file.
    ///
    /// # Errors
    /// The file can't be read, or what is wrong in it, with file, line and key.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(FILE_NAME) } else { path.to_path_buf() };
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{}: can't read the function's configuration", file.display()))?;
        let base = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let base = base.canonicalize().with_context(|| format!("{}: no such directory", base.display()))?;
        let function = Self::parse(&text, &file.display().to_string(), &base)?;
        Ok(Self { directory: Some(base), ..function })
    }

    /// Reads a function from text, e.g. of an image, where all paths are absolute already.
    ///
    /// # Errors
    /// As [`Function::load`]; `origin` stands for the file.
    pub fn parse(text: &str, origin: &str, base: &Path) -> Result<Self> {
        let source = Source { text, origin };
        let deserializer = toml::Deserializer::parse(text).map_err(|e| source.error(e.span(), "", e.message()))?;
        let mut function: Self = serde_path_to_error::deserialize(deserializer).map_err(|e| {
            let path = e.path().to_string();
            source.error(e.inner().span(), if path == "." { "" } else { &path }, e.inner().message())
        })?;
        function.check(&source, base)?;
        Ok(function)
    }

    /// The text an image carries: read by [`Function::parse`] it gives the same function.
    ///
    /// # Errors
    /// A path that is not UTF-8, which TOML can't hold.
    pub fn to_text(&self) -> Result<String> {
        toml::to_string(self).context("the function's configuration can't be written as TOML")
    }

    /// Refuses what parses and yet makes no sense, and makes the paths absolute.
    fn check(&mut self, source: &Source<'_>, base: &Path) -> Result<()> {
        let name_is_good = !self.name.is_empty()
            && self.name.len() <= 64
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !self.name.starts_with('.');
        if !name_is_good {
            let message = "a name is 1 to 64 letters, digits, \"-\", \"_\" and \".\", and does not start with a \".\"";
            bail!(source.key_error("name", message));
        }
        if self.command.first().is_none_or(String::is_empty) {
            bail!(source.key_error("command", "the command names no program"));
        }
        if self.port == Some(0) {
            bail!(source.key_error("port", "no program listens on port 0"));
        }
        if !self.workdir.starts_with('/') {
            bail!(source.key_error("workdir", "the working directory must be an absolute path"));
        }
        if let Some(key) = self.env.keys().find(|k| k.is_empty() || k.contains('=')) {
            bail!(source.key_error(key, "a variable's name is not empty and has no \"=\""));
        }
        if let Some(image) = &self.rootfs.image {
            let message = "container images are not supported yet; unpack it and give its directory as `path`";
            bail!(source.error(Some(image.span()), "rootfs.image", message));
        }
        if let Some(path) = &mut self.rootfs.path {
            let span = path.span();
            let found =
                existing(base, path.get_ref(), true).map_err(|e| source.error(Some(span), "rootfs.path", &e))?;
            *path.get_mut() = found;
        }
        for (index, mount) in self.rootfs.mounts.iter_mut().enumerate() {
            let key = |field: &str| format!("rootfs.mounts[{index}].{field}");
            if let Err(message) = layer::check_target(mount.target.get_ref()) {
                bail!(source.error(Some(mount.target.span()), &key("target"), &message));
            }
            let found = existing(base, mount.source.get_ref(), false)
                .map_err(|e| source.error(Some(mount.source.span()), &key("source"), &e))?;
            *mount.source.get_mut() = found;
        }
        if let Some(cpus) = &self.limits.cpus
            && !(*cpus.get_ref() >= 0.01 && *cpus.get_ref() <= 1024.0)
        {
            bail!(source.error(Some(cpus.span()), "limits.cpus", "between 0.01 and 1024 processors"));
        }
        if self.limits.pids == Some(0) {
            bail!(source.key_error("pids", "a program needs at least one thread"));
        }
        for request in &self.warmup.requests {
            if !request.path.starts_with('/') {
                bail!(source.key_error("path", "a request's path starts with \"/\""));
            }
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if request.method.is_empty() || !request.method.chars().all(token) {
                bail!(source.key_error("method", "not an HTTP method"));
            }
        }
        if self.port.is_none() && !self.warmup.requests.is_empty() {
            bail!(source.key_error("requests", "requests need a `port` to go to"));
        }
        if self.bench.fork_server.as_ref().is_some_and(|c| c.first().is_none_or(String::is_empty)) {
            bail!(source.key_error("fork_server", "the command names no program"));
        }
        Ok(())
    }
}

/// A path of the file made absolute, when something is there.
fn existing(base: &Path, path: &Path, directory: bool) -> Result<PathBuf, String> {
    let path = base.join(path);
    let found = path.canonicalize().map_err(|e| format!("{}: {}", path.display(), plain(&e)))?;
    if directory && !found.is_dir() {
        return Err(format!("{}: not a directory", path.display()));
    }
    if !found.is_dir() && !found.is_file() {
        return Err(format!("{}: neither a directory nor a regular file", path.display()));
    }
    Ok(found)
}

/// An I/O error without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// A text and where it comes from, for errors.
struct Source<'a> {
    text: &'a str,
    origin: &'a str,
}

impl Source<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
    }

    fn error(&self, span: Option<Range<usize>>, key: &str, message: &str) -> anyhow::Error {
        let message = message.trim_end().replace('\n', ", ");
        // A missing key has no place of its own: serde points at the whole table or nowhere.
        let line = self.line(span.map_or(0, |s| s.start));
        match key {
            "" => anyhow!("{}:{line}: {message}", self.origin),
            _ => anyhow!("{}:{line}: {key}: {message}", self.origin),
        }
    }

    /// For values without a span of their own: the first line that starts with the key.
    fn key_error(&self, key: &str, message: &str) -> anyhow::Error {
        let is_key = |line: &str| {
            let line = line.trim_start().trim_start_matches(['"', '\'']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with('='))
        };
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            // Inline tables hold keys in the middle of a line.
            if is_key(line) || line.split(['{', ',']).skip(1).any(is_key) {
                return self.error(Some(offset..offset), key, message);
            }
            offset += line.len();
        }
        self.error(None, key, message)
    }
}

#[cfg(test)]
mod tests;
