//! A function: a class of sandboxes that share a keeper, a nursery and a file server; and the boot paths.

use crate::cgroup::{Cgroup, ClassLimits};
use crate::error::{Error, Result, at};
use crate::instance::Instance;
use crate::keeper::Setup;
use crate::limits::Limits;
use crate::monitor::MonitorInner;
use crate::parent::{Parent, Ticket};
use crate::process::{Kind, Process};
use crate::sandbox::{Origin, Sandbox};
use crate::streams::{Client, InstanceIo, ScratchIo, StdioSource};
use crate::tree::Tree;
use crate::{kernel_image, wire};
use abi::control::{Instance as Identity, MAX_RANGES, PageRange, Restore, Then, ToParent, ToSandbox};
use abi::launch::Launch;
use abi::layout::PAGE_SIZE;
use fileserver::{FileServer, Root};
use image::Image;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Time};

/// How long a template or spare may take to park.
const PARKING: Duration = Duration::from_secs(30);
/// Host processes of a function where the limits name none.
const PROCESSES: u64 = 8192;
/// Descriptors of one sandbox.
const DESCRIPTORS: u64 = 256;

/// What a function is.
#[derive(Clone, Debug, Default)]
pub struct FunctionSpec {
    /// Its name, for people.
    pub name: String,
    /// The program and its surroundings.
    pub launch: Launch,
    /// What the file server shows, by the numbers used in the launch.
    pub roots: Vec<Root>,
    /// Limits of each instance.
    pub limits: Limits,
    /// Limits of all sandboxes of the function together.
    pub class: ClassLimits,
}

/// A function with its process tree. Cheap to clone; everything of it is killed when the last clone and the
/// last sandbox are dropped.
#[derive(Clone, Debug)]
pub struct Function(Arc<FunctionInner>);

#[derive(Debug)]
pub(crate) struct FunctionInner {
    pub(crate) spec: FunctionSpec,
    pub(crate) tree: Tree,
    files: Option<FileServer>,
    monitor: Arc<MonitorInner>,
    /// Pids of sandboxes that are known: no process is two of them.
    owned: Mutex<BTreeSet<i32>>,
    /// Kills for lack of memory that an instance's end has been explained with.
    oom_kills: AtomicU64,
}

impl FunctionInner {
    #[cfg(test)]
    pub(crate) fn for_test(monitor: Arc<MonitorInner>, spec: FunctionSpec, tree: Tree) -> Arc<Self> {
        Arc::new(Self { spec, tree, files: None, monitor, owned: Mutex::default(), oom_kills: AtomicU64::new(0) })
    }

    /// A connection to the file server for one sandbox.
    pub(crate) fn file_connection(&self) -> Result<OwnedFd> {
        match &self.files {
            Some(files) => files.connect().map_err(|error| Error::Files(error.to_string())),
            // No root: one that is closed already.
            None => Ok(wire::pair().map_err(at("making a socket"))?.0),
        }
    }

    /// Whether the host killed one of the function's processes for lack of memory since this was last asked.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let kills = self.tree.cgroup().map_or(0, Cgroup::oom_kills);
        self.oom_kills.fetch_max(kills, Ordering::Relaxed) < kills
    }

    pub(crate) fn claim(&self, pid: i32) -> bool {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).insert(pid)
    }

    pub(crate) fn disown(&self, pid: i32) {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
    }
}

impl Function {
    pub(crate) fn start(monitor: Arc<MonitorInner>, spec: FunctionSpec) -> Result<Self> {
        let setup = Setup {
            drop_to: rustix::process::geteuid().is_root().then_some(monitor.options.unprivileged),
            descriptors: DESCRIPTORS,
            processes: spec.class.pids.map_or(PROCESSES, u64::from),
            // Counts address space, reservations of the kernel heap and of runtimes included: a wide fence
            // around the guest kernel's own accounting and the watch over private pages.
            data: spec
                .limits
                .memory
                .map(|memory| memory.saturating_mul(4).saturating_add(4 * abi::layout::HEAP_RESERVE)),
        };
        let cgroup = Cgroup::create(&spec.class);
        let tree = Tree::start(&monitor.spawner, &monitor.options.keeper, &setup, &monitor.kernel, cgroup)?;
        tree.seal(monitor.filter.clone())?;
        let files = if spec.roots.is_empty() {
            None
        } else {
            let command = monitor.options.file_server.command();
            let config = fileserver::Config { roots: spec.roots.clone() };
            let started = monitor.spawner.run(move || fileserver::spawn(command, &config));
            let started = started.ok_or_else(|| Error::Files("the monitor is shutting down".to_owned()))?;
            Some(started.map_err(|error| Error::Files(error.to_string()))?)
        };
        let owned = Mutex::default();
        Ok(Self(Arc::new(FunctionInner { spec, tree, files, monitor, owned, oom_kills: AtomicU64::new(0) })))
    }

    /// What it was made from.
    pub fn spec(&self) -> &FunctionSpec {
        &self.0.spec
    }

    /// Pid of the keeper on the host, whose end is the end of everything of this function.
    pub fn keeper_pid(&self) -> i32 {
        self.0.tree.keeper_pid()
    }

    fn identity(&self) -> Identity {
        Identity { syscall_stats: self.0.spec.launch.syscall_stats, ..self.0.monitor.identity() }
    }

    /// Starts the program from nothing.
    ///
    /// # Errors
    /// When the sandbox can't be made; what the program does are events.
    pub fn scratch(&self, io: ScratchIo) -> Result<Instance> {
        let identity = self.identity();
        let launch = Launch {
            stdio: [io.stdio[0].kind(), io.stdio[1].kind(), io.stdio[2].kind()],
            announce_entry: io.announce_entry,
            freeze_at: io.freeze_at,
            generation: identity.generation,
            ..self.0.spec.launch.clone()
        };
        let launch = kernel_image::sealed_message(&abi::encode(&launch))?;
        let files = self.0.file_connection()?;
        let mut fds = vec![launch.as_fd(), files.as_fd()];
        fds.extend(io.stdio.iter().filter_map(StdioSource::fd).map(AsFd::as_fd));
        fds.extend(io.trace.as_ref().map(AsFd::as_fd));
        let first = ToSandbox::Scratch { trace: io.trace.is_some() };
        let sandbox = self.spawn(Kind::Instance, Some(first), &fds)?;
        let mut instance = Instance::new(sandbox, identity, io.freeze_at.is_some());
        if self.0.spec.launch.port.is_none() {
            instance.start_clock();
        }
        Ok(instance)
    }

    /// Continues an image in a sandbox created on the spot.
    ///
    /// # Errors
    /// When the sandbox can't be made.
    pub fn cold(&self, image: &Image, client: Option<Client>, io: InstanceIo) -> Result<Instance> {
        let request = RestoreRequest::new(self, image, client, io, Then::Run)?;
        let sandbox = self.spawn(Kind::Instance, Some(request.message.clone()), &request.fds(image))?;
        Ok(request.instance(sandbox))
    }

    /// An empty sandbox that waits to continue an image.
    ///
    /// # Errors
    /// When the sandbox can't be made.
    pub fn zygote(&self) -> Result<Zygote> {
        let mut sandbox = self.spawn(Kind::Instance, None, &[])?;
        sandbox.resolve()?;
        Ok(Zygote { sandbox })
    }

    /// Continues an image up to its func-entry point and parks there, to be the parent of instances.
    ///
    /// # Errors
    /// When the sandbox can't be made or the image can't be continued.
    pub fn template(&self, image: &Image) -> Result<Template> {
        preload(image);
        let request = RestoreRequest::new(self, image, None, InstanceIo::default(), Then::Template)?;
        let sandbox = self.spawn(Kind::Template, Some(request.message.clone()), &request.fds(image))?;
        let mut instance = request.instance(sandbox).parking();
        instance.wait_parked(Time::now() + PARKING)?;
        let parent = instance.sandbox.control().try_clone_to_owned().map_err(io_error)?;
        let parent = Parent::new("the template", parent);
        let working_set = working_set(image)?;
        let inner = TemplateInner { parent, function: self.clone(), instance: Mutex::new(instance), working_set };
        Ok(Template(Arc::new(inner)))
    }

    /// Asks the nursery for a sandbox; `fds` are those of its first message.
    fn spawn(&self, kind: Kind, first: Option<ToSandbox>, fds: &[BorrowedFd<'_>]) -> Result<Sandbox> {
        let (control, theirs) = wire::pair().map_err(at("making a control socket"))?;
        let message = ToParent::Spawn { template: kind == Kind::Template, first };
        let mut all = vec![theirs.as_fd()];
        all.extend(fds);
        let ticket = self.0.tree.nursery.request(&abi::encode(&message), &all)?;
        Ok(self.pending(control, Origin::Nursery, ticket, kind))
    }

    fn pending(&self, control: OwnedFd, origin: Origin, ticket: Ticket, kind: Kind) -> Sandbox {
        Sandbox::pending(Arc::clone(&self.0), control, origin, ticket, kind)
    }
}

/// Has the host read an image ahead, so that its pages are there, and charged to the monitor, when the first
/// instance needs them.
fn preload(image: &Image) {
    // Only a hint.
    let _ = rustix::fs::fadvise(image.file(), 0, None, rustix::fs::Advice::WillNeed);
}

/// What the image knows that a first response uses, as ranges.
fn working_set(image: &Image) -> Result<Vec<PageRange>> {
    let mut regions = image.regions()?;
    // A boot maps the first address space.
    regions.retain(|region| region.space == 0);
    let mut ranges: Vec<PageRange> = Vec::new();
    for start in image.working_set()? {
        let Some(region) = regions.iter().find(|region| (region.start..region.start + region.len).contains(&start))
        else {
            continue;
        };
        let written = region.protection & WRITABLE != 0;
        match ranges.last_mut() {
            Some(last) if last.start + last.len == start && last.written == written => last.len += PAGE_SIZE,
            _ => ranges.push(PageRange { start, len: PAGE_SIZE, written }),
        }
    }
    Ok(ranges)
}

/// `PROT_WRITE`.
const WRITABLE: u32 = 2;

fn io_error(error: std::io::Error) -> Error {
    Error::Host {
        what: "duplicating a socket",
        errno: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
    }
}

/// The message that continues an image, and what goes with it.
struct RestoreRequest {
    message: ToSandbox,
    identity: Identity,
    client: Option<Client>,
    io: InstanceIo,
}

impl RestoreRequest {
    fn new(function: &Function, image: &Image, client: Option<Client>, io: InstanceIo, then: Then) -> Result<Self> {
        if image.header().kernel_build != kernel_image::BUILD_ID {
            return Err(Error::Invalid(format!(
                "{} was made by another guest kernel: rebuild it",
                image.path().display()
            )));
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(at("getrandom"))?;
        let mut identity = function.identity();
        if io.keep_pid {
            identity.pid = 0;
        }
        let message = ToSandbox::Restore(Restore {
            heap_base: abi::layout::heap_base(u64::from_ne_bytes(random)),
            then,
            instance: identity,
            stdio: io.stdio.as_ref().map(|[input, output, error]| [input.kind(), output.kind(), error.kind()]),
            trace: io.trace.is_some(),
            connection: client.as_ref().map(|client| client.connection(Client::FIRST)),
            freeze_at: io.freeze_at,
        });
        Ok(Self { message, identity, client, io })
    }

    fn fds<'a>(&'a self, image: &'a Image) -> Vec<BorrowedFd<'a>> {
        let mut fds = vec![image.file().as_fd()];
        fds.extend(self.io.stdio.iter().flatten().filter_map(StdioSource::fd).map(AsFd::as_fd));
        fds.extend(self.io.trace.as_ref().map(AsFd::as_fd));
        fds.extend(self.client.as_ref().map(|client| client.fd.as_fd()));
        fds
    }

    fn instance(self, sandbox: Sandbox) -> Instance {
        Instance::new(sandbox, self.identity, self.io.freeze_at.is_some()).booted_with(self.client.as_ref())
    }
}

/// An empty sandbox: cloned, jailed, connected, waiting to become an instance.
#[derive(Debug)]
pub struct Zygote {
    sandbox: Sandbox,
}

impl Zygote {
    /// Continues an image in it.
    ///
    /// # Errors
    /// When it has ended meanwhile.
    pub fn boot(self, image: &Image, client: Option<Client>, io: InstanceIo) -> Result<Instance> {
        let function = Function(Arc::clone(&self.sandbox.function));
        let request = RestoreRequest::new(&function, image, client, io, Then::Run)?;
        let sent = self.sandbox.send(&request.message, &request.fds(image));
        sent.map_err(at("sending to a zygote"))?;
        Ok(request.instance(self.sandbox))
    }
}

/// Whether an instance is asked for together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody else is.
    Alone,
    /// Others are: it gives way to them when it has booted.
    Crowd,
}

/// A sandbox parked at its func-entry point. Cheap to clone; instances keep it alive until they are known.
#[derive(Clone, Debug)]
pub struct Template(Arc<TemplateInner>);

#[derive(Debug)]
pub(crate) struct TemplateInner {
    pub(crate) parent: Parent,
    function: Function,
    /// For its process; its socket is used by `parent`.
    instance: Mutex<Instance>,
    /// What spares make present while they are parked.
    working_set: Vec<PageRange>,
}

impl TemplateInner {
    pub(crate) fn kill(&self) {
        self.with_process(Process::kill);
    }

    fn with_process<T>(&self, look: impl FnOnce(&Process) -> T) -> Option<T> {
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        instance.sandbox.process().map(look)
    }
}

impl Template {
    #[cfg(test)]
    pub(crate) fn for_test(parent: OwnedFd, instance: Instance) -> Self {
        let function = Function(Arc::clone(&instance.sandbox.function));
        let parent = Parent::new("the template", parent);
        let instance = Mutex::new(instance);
        Self(Arc::new(TemplateInner { parent, function, instance, working_set: Vec::new() }))
    }

    /// Clones an instance: one message; the reply is read when the instance is first looked at.
    ///
    /// # Errors
    /// When the template has ended.
    pub fn sfork(&self, client: Option<Client>, company: Company) -> Result<Instance> {
        let identity = Identity { crowd: company == Company::Crowd, ..self.0.function.identity() };
        let instance = self.clone_one(client.as_ref(), identity)?;
        Ok(instance.booted_with(client.as_ref()))
    }

    /// Clones an instance that parks and waits for its first connection.
    ///
    /// # Errors
    /// When the template has ended.
    pub fn spare(&self) -> Result<Spare> {
        let populate = !self.0.working_set.is_empty();
        let identity = Identity { spare: true, populate, ..self.0.function.identity() };
        let instance = self.clone_one(None, identity)?;
        let mut pieces = self.0.working_set.chunks(MAX_RANGES).peekable();
        while let Some(ranges) = pieces.next() {
            let message = ToSandbox::Populate { ranges: ranges.to_vec(), last: pieces.peek().is_none() };
            instance.sandbox.send(&message, &[]).map_err(at("sending to a spare"))?;
        }
        Ok(Spare { instance: instance.parking(), identity })
    }

    fn clone_one(&self, client: Option<&Client>, identity: Identity) -> Result<Instance> {
        let (control, theirs) = wire::pair().map_err(at("making a control socket"))?;
        let connection = client.map(|client| client.connection(Client::FIRST));
        let message = abi::encode(&ToSandbox::Sfork { instance: identity, connection });
        let mut fds = vec![theirs.as_fd()];
        fds.extend(client.map(|client| client.fd.as_fd()));
        let ticket = self.0.parent.request(&message, &fds)?;
        let origin = Origin::Template(Arc::clone(&self.0));
        let sandbox = self.0.function.pending(control, origin, ticket, Kind::Instance);
        Ok(Instance::new(sandbox, identity, false))
    }

    /// Its pid on the host, while it lives.
    pub fn pid(&self) -> Option<i32> {
        self.0.with_process(Process::pid)
    }

    /// Whether it has ended (killed by the host, or for misbehaving): make another one.
    pub fn has_ended(&self) -> bool {
        self.0.with_process(Process::has_ended).unwrap_or(true)
    }

    /// Its memory, counted by the host.
    ///
    /// # Errors
    /// When it has ended.
    pub fn private_pages(&self) -> Result<crate::PageCounts> {
        self.0.with_process(Process::pages).unwrap_or(Err(gone()))
    }

    /// How many host mappings it has.
    ///
    /// # Errors
    /// When it has ended.
    pub fn mappings(&self) -> Result<usize> {
        self.0.with_process(Process::mappings).unwrap_or(Err(gone()))
    }
}

fn gone() -> Error {
    Error::Tree { who: "the template", what: "has ended".to_owned() }
}

/// An instance that was cloned ahead and waits for its one boot.
#[derive(Debug)]
pub struct Spare {
    instance: Instance,
    identity: Identity,
}

impl Spare {
    /// Waits until it is parked: from then on it starts at once.
    ///
    /// # Errors
    /// When it ended instead.
    pub fn wait_parked(&mut self) -> Result<()> {
        self.instance.wait_parked(Time::now() + PARKING)
    }

    /// Lets it run.
    ///
    /// # Errors
    /// When it has ended meanwhile.
    pub fn go(self, client: Option<Client>) -> Result<Instance> {
        let connection = client.as_ref().map(|client| client.connection(Client::FIRST));
        let message =
            ToSandbox::Go { instance: Identity { spare: false, populate: false, ..self.identity }, connection };
        let fds: Vec<_> = client.iter().map(|client| client.fd.as_fd()).collect();
        self.instance.sandbox.send(&message, &fds).map_err(at("sending to a spare"))?;
        Ok(self.instance.booted_with(client.as_ref()))
    }
}
