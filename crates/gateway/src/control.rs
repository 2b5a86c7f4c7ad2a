//! The control socket: a client writes a line, gets one JSON object, and that was it.

use crate::error::{Error, Result};
use crate::report::Report;
use crate::watch::{Arrival, Mailbox};
use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long either side may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request.
const MAX_REQUEST: u64 = 256;

/// What is asked for beside the list of what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Memory of templates and instances.
    pub pages: bool,
    /// The I/O tables of images.
    pub io: bool,
}

impl Question {
    /// As it goes over the socket.
    fn encode(self) -> String {
        format!("ps{}{}", if self.pages { " pages" } else { "" }, if self.io { " io" } else { "" })
    }

    fn decode(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        if words.next() != Some("ps") {
            return None;
        }
        let mut question = Self::default();
        for word in words {
            match word {
                "pages" => question.pages = true,
                "io" => question.io = true,
                _ => return None,
            }
        }
        Some(question)
    }
}

/// Where the control socket lies: `/run/catalyzer.sock` for root, else in `$XDG_RUNTIME_DIR`.
///
/// # Errors
/// [`Error::NoRuntimeDirectory`].
pub fn default_path() -> Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/run/catalyzer.sock"));
    }
    let directory = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(directory.ok_or(Error::NoRuntimeDirectory)?.join("catalyzer.sock"))
}

/// Asks the gateway behind a control socket what it holds.
///
/// # Errors
/// Nothing is served there, or the answer makes no sense.
pub fn ask(path: &Path, question: Question) -> Result<Report> {
    let fail = |source| Error::NotServing { path: path.to_owned(), source };
    let mut stream = UnixStream::connect(path).map_err(fail)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    writeln!(stream, "{}", question.encode()).map_err(fail)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(fail)?;
    Ok(serde_json::from_str(&answer)?)
}

/// The listening side. Dropping it removes the socket.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    /// Tells our socket from one that another gateway has put in its place.
    inode: u64,
    stopping: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Control {
    /// Listens; none when another gateway of the same user does already.
    pub(crate) fn listen(path: PathBuf, services: Vec<Mailbox>) -> Result<Option<Self>> {
        let fail = |source| Error::Control { path: path.clone(), source };
        if UnixStream::connect(&path).is_ok() {
            return Ok(None);
        }
        // What nobody listens on was left by one that was killed.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(fail)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(fail)?;
        let inode = std::fs::symlink_metadata(&path).map_err(fail)?.ino();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                if let Err(error) = stream.and_then(|stream| answer(stream, &services)) {
                    log::debug!("control socket: {error}");
                }
            }
        });
        Ok(Some(Self { path: path.clone(), inode, stopping, thread: Some(thread.map_err(fail)?) }))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        let ours = std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if !ours {
            // The thread can't be woken any more; it holds nothing but the socket.
            return;
        }
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn answer(mut stream: UnixStream, services: &[Mailbox]) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = String::new();
    BufReader::new((&stream).take(MAX_REQUEST)).read_line(&mut request)?;
    let Some(question) = Question::decode(&request) else {
        return writeln!(stream, "{{\"error\":\"not understood\"}}");
    };
    let mut report = Report { pid: std::process::id(), functions: Vec::new() };
    for service in services {
        let (answer, report_of) = channel();
        service.send(Arrival::Report { question, answer });
        report.functions.extend(report_of.recv_timeout(PATIENCE));
    }
    serde_json::to_writer(&mut stream, &report)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_read_back() {
        for (pages, io) in [(false, false), (true, false), (false, true), (true, true)] {
            let question = Question { pages, io };
            assert_eq!(Question::decode(&question.encode()), Some(question));
        }
        assert_eq!(Question::decode("kill"), None);
        assert_eq!(Question::decode("ps everything"), None);
        assert_eq!(Question::decode(""), None);
    }

    #[test]
    fn nobody_listening_is_said_as_such() {
        let error = ask(Path::new("/nowhere/catalyzer.sock"), Question::default()).unwrap_err();
        assert!(matches!(error, Error::NotServing { .. }));
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_the_own_removed() {
        let directory = std::env::temp_dir().join(format!("catalyzer-control-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        let control = Control::listen(path.clone(), Vec::new()).unwrap().expect("nobody listens");
        assert_eq!(ask(&path, Question::default()).unwrap().pid, std::process::id());
        assert!(Control::listen(path.clone(), Vec::new()).unwrap().is_none(), "a second one");
        drop(control);
        assert!(!path.exists());
        std::fs::remove_dir(&directory).unwrap();
    }
}
