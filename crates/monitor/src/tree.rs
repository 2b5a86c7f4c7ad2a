//! The outside end of a function's process tree: starts the keeper, hears of deaths, ends it all.

use crate::cgroup::Cgroup;
use crate::end::How;
use crate::error::{Error, Result, at};
use crate::keeper::{self, FromKeeper, Setup};
use crate::parent::{PATIENCE, Parent};
use crate::wire::{self, Received};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Deaths nobody asked for yet that are remembered.
const UNCLAIMED: usize = 4096;
/// How long the keeper may take to report a death that was seen already.
const REPORT: Duration = Duration::from_secs(5);
/// How long an explanation is waited for.
const SHORTLY: Duration = Duration::from_millis(500);

/// A thread that starts processes. They ask for `PDEATHSIG`, which means the *thread* that started them, and
/// callers' threads come and go.
#[derive(Debug)]
pub(crate) struct Spawner {
    jobs: Mutex<Sender<Job>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Spawner {
    pub(crate) fn new() -> std::io::Result<Arc<Self>> {
        let (jobs, work) = mpsc::channel::<Job>();
        // Ends when the last function is gone.
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || work.iter().for_each(|job| job()))?;
        Ok(Arc::new(Self { jobs: Mutex::new(jobs) }))
    }

    /// Runs `job` on the thread and waits for what it returns.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (result, wait) = mpsc::channel();
        let job = Box::new(move || drop(result.send(job())));
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job).ok()?;
        wait.recv().ok()
    }
}

/// The command that becomes the keeper (it must call [`crate::keeper::main`]) or the file server.
#[derive(Clone, Debug)]
pub struct Helper {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Helper {
    /// This very program with one argument.
    pub fn own(argument: &str) -> Self {
        Self { program: "/proc/self/exe".into(), args: vec![argument.into()] }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir("/");
        command
    }
}

/// What the keeper reported since the start.
#[derive(Debug, Default)]
struct Deaths {
    /// Pid in the keeper's namespace and wait status.
    unclaimed: VecDeque<(i32, i32)>,
    /// The nursery could not be executed, or the keeper itself gave up.
    failed: Option<(String, Errno)>,
}

/// A function's keeper and nursery. Dropping it kills every process of the function.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nursery: Parent,
    /// Goes first, before the cgroup and the spawner's thread.
    _keeper: Keeper,
    keeper_pid: i32,
    control: OwnedFd,
    deaths: Mutex<Deaths>,
    cgroup: Option<Cgroup>,
    /// Its thread must outlive the keeper.
    _spawner: Arc<Spawner>,
}

impl Tree {
    pub(crate) fn start(
        spawner: &Arc<Spawner>,
        helper: &Helper,
        setup: &Setup,
        kernel: &OwnedFd,
        cgroup: Option<Cgroup>,
    ) -> Result<Self> {
        let (control, theirs) = wire::pair().map_err(at("making a socket"))?;
        let (nursery, nursery_theirs) = wire::pair().map_err(at("making a socket"))?;
        let mut fds = vec![kernel.as_fd(), nursery_theirs.as_fd()];
        fds.extend(cgroup.iter().flat_map(Cgroup::procs));
        wire::send(&control, &abi::encode(setup), &fds).map_err(at("sending to the keeper"))?;

        let mut command = helper.command();
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let started = spawner.run(move || command.spawn());
        let mut first = started
            .unwrap_or_else(|| Err(std::io::Error::other("the monitor is shutting down")))
            .map_err(|source| Error::KeeperStart { program: helper.program.clone(), source })?;
        let begun = Begun::listen(&control);
        if begun.keeper.is_none() {
            // It ends by itself after a failed step; or it is stuck in one.
            let _ = first.kill();
        }
        let _ = first.wait();
        let begun = begun.last_words(&control);
        let keeper = begun.keeper.map(Keeper::open).transpose()?;
        drop(nursery_theirs);
        match (keeper, begun.keeper, begun.failed) {
            (Some(keeper), Some(keeper_pid), None) => Ok(Self {
                nursery: Parent::new("the nursery", nursery),
                _keeper: keeper,
                keeper_pid,
                control,
                deaths: Mutex::default(),
                cgroup,
                _spawner: Arc::clone(spawner),
            }),
            (_, _, Some(error)) => Err(error),
            (_, _, None) => Err(Error::Tree { who: "the keeper", what: "never came to be".to_owned() }),
        }
    }

    /// A tree whose keeper is any process, and which says nothing.
    #[cfg(test)]
    pub(crate) fn for_test(keeper: OwnedFd) -> Self {
        let (ours, _) = wire::pair().expect("pair");
        let (control, _) = wire::pair().expect("pair");
        Self {
            nursery: Parent::new("the nursery", ours),
            _keeper: Keeper(keeper),
            keeper_pid: 0,
            control,
            deaths: Mutex::default(),
            cgroup: None,
            _spawner: Spawner::new().expect("spawner"),
        }
    }

    /// Installs the filter in the nursery, and so in everything that comes from it.
    pub(crate) fn seal(&self, filter: Vec<u8>) -> Result<()> {
        self.nursery.seal(filter).map_err(|error| self.explain(error))
    }

    /// A nursery that ends without a word may have been reported by the keeper.
    fn explain(&self, error: Error) -> Error {
        let Error::Tree { who, what } = error else { return error };
        let mut deaths = self.deaths();
        let deadline = Instant::now() + SHORTLY;
        while deaths.failed.is_none() && deaths.unclaimed.is_empty() && self.hear(&mut deaths, deadline) {}
        match (&deaths.failed, deaths.unclaimed.back()) {
            (Some((step, errno)), _) => Error::Jail { step: step.clone(), errno: *errno },
            (None, Some((_, status))) => Error::Tree { who, what: format!("{what}: {}", How::from_wait(*status)) },
            (None, None) => Error::Tree { who, what },
        }
    }

    /// The keeper's pid as the monitor sees it.
    pub(crate) fn keeper_pid(&self) -> i32 {
        self.keeper_pid
    }

    pub(crate) fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// The wait status of a child of the keeper that is known to have ended.
    pub(crate) fn death_of(&self, pid: i32) -> Option<How> {
        let deadline = Instant::now() + REPORT;
        let mut deaths = self.deaths();
        loop {
            if let Some(place) = deaths.unclaimed.iter().rposition(|(dead, _)| *dead == pid) {
                return deaths.unclaimed.remove(place).map(|(_, status)| How::from_wait(status));
            }
            if !self.hear(&mut deaths, deadline) {
                return None;
            }
        }
    }

    /// The latest death that nobody asked for: most likely that of a child that ended before its pid was known.
    pub(crate) fn latest_death(&self) -> Option<How> {
        let mut deaths = self.deaths();
        while self.hear(&mut deaths, Instant::now()) {}
        // The keeper reaps first and tells then.
        if deaths.unclaimed.is_empty() {
            self.hear(&mut deaths, Instant::now() + SHORTLY);
        }
        deaths.unclaimed.pop_back().map(|(_, status)| How::from_wait(status))
    }

    fn deaths(&self) -> MutexGuard<'_, Deaths> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one word of the keeper; `false` when there is none until the deadline.
    fn hear(&self, deaths: &mut Deaths, deadline: Instant) -> bool {
        let Ok(Received::Message(bytes, _)) = wire::receive_by(&self.control, deadline) else { return false };
        match keeper::decode(&bytes) {
            Ok(FromKeeper::Died(pid, status)) => {
                if deaths.unclaimed.len() == UNCLAIMED {
                    deaths.unclaimed.pop_front();
                }
                deaths.unclaimed.push_back((pid, status));
            }
            Ok(FromKeeper::Failed(step, errno)) => deaths.failed = Some((step, Errno::from_raw_os_error(errno))),
            Ok(FromKeeper::Cloned(_) | FromKeeper::Ready(_)) | Err(_) => {}
        }
        true
    }
}

/// The keeper's process. Dropping it kills it, which is the end of its whole namespace, and waits for that.
#[derive(Debug)]
struct Keeper(OwnedFd);

impl Keeper {
    /// Of a child that has not been waited for: so the number is still its own.
    fn open(pid: i32) -> Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(Error::Tree { who: "the keeper", what: "has no pid".to_owned() })?;
        rustix::process::pidfd_open(pid, PidfdFlags::empty()).map(Self).map_err(at("opening the keeper's pidfd"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.0, Signal::KILL);
        let _ = rustix::process::waitid(WaitId::PidFd(self.0.as_fd()), WaitIdOptions::EXITED);
    }
}

/// What `P0` and the keeper said during the start; they speak over one socket, in no order.
#[derive(Default)]
struct Begun {
    keeper: Option<i32>,
    ready: bool,
    failed: Option<Error>,
}

impl Begun {
    /// Listens until all is well or something is not.
    fn listen(control: &OwnedFd) -> Self {
        let mut begun = Self::default();
        while begun.failed.is_none() && !(begun.ready && begun.keeper.is_some()) {
            match wire::receive_by(control, Instant::now() + PATIENCE) {
                Ok(Received::Message(bytes, _)) => begun.hear(&bytes),
                Ok(Received::Nothing) => {
                    begun.failed = Some(Error::Silent { who: "the keeper", seconds: PATIENCE.as_secs() });
                }
                Ok(Received::Closed | Received::Oversized) => {
                    let what = "ended while it was being set up".to_owned();
                    begun.failed = Some(Error::Tree { who: "the keeper", what });
                }
                Err(errno) => begun.failed = Some(Error::Host { what: "receiving from the keeper", errno }),
            }
        }
        begun
    }

    /// Takes what `P0` said before it ended: a keeper that failed has to be waited for all the same.
    fn last_words(mut self, control: &OwnedFd) -> Self {
        while self.keeper.is_none()
            && let Ok(Received::Message(bytes, _)) = wire::receive(control)
        {
            self.hear(&bytes);
        }
        self
    }

    fn hear(&mut self, bytes: &[u8]) {
        match keeper::decode(bytes) {
            Ok(FromKeeper::Cloned(pid)) => self.keeper = Some(pid),
            Ok(FromKeeper::Ready(_)) => self.ready = true,
            Ok(FromKeeper::Failed(step, errno)) => {
                self.failed.get_or_insert(Error::Jail { step, errno: Errno::from_raw_os_error(errno) });
            }
            // A nursery that ended at once is noticed when it is sealed.
            Ok(FromKeeper::Died(..)) => {}
            Err(error) => self.failed = Some(error),
        }
    }
}
