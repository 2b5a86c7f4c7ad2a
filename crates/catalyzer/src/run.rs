//! `catalyzer run`: a scratch boot with the caller's own standard streams.

use crate::config::Function;
use crate::config::layer::Layer;
use crate::config::options::SandboxOptions;
use crate::exit::Status;
use crate::sandbox::{Listener, Sandboxes, again, monitor, show, trace_stream};
use crate::stats::Stats;
use crate::terminal::{self, RawTerminal};
use anyhow::{Context, Result, bail};
use image::Image;
use monitor::{Event, Instance, InstanceIo, Reason, ScratchIo, StdioSource};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::low_level::pipe;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;

/// Run a program in a fresh sandbox
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  catalyzer run --memory 256MiB -- python3 -c 'print(6 * 7)'\n  catalyzer run -t -- bash\n\n\
Exit status: the program's; 128+N when signal N killed it; 124 at the time limit; 125 for errors of \
catalyzer itself; 126 when the program can't be executed; 127 when it is not found."
)]
pub struct Args {
    #[command(flatten)]
    options: SandboxOptions,
    /// At the N-th system call take an image, end, restore it at another base and go on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    image_at: Option<u64>,
    /// Count the program's system calls and print them at its end, to standard error
    #[arg(long)]
    syscall_stats: bool,
    /// Print the counts as one JSON object
    #[arg(long, requires = "syscall_stats")]
    json: bool,
    /// Start the program in a terminal of its own, for which the caller's is the screen and the keyboard
    #[arg(short = 't', long)]
    tty: bool,
    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// The sandbox can't be made or watched; what the program does is the status.
pub fn run(args: Args) -> Result<Status> {
    let command: Vec<Vec<u8>> = args.command.into_iter().map(OsStringExt::into_vec).collect();
    let text = command.iter().map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
    let mut function = Function::of_command(text);
    args.options.apply(&mut function)?;
    let layer = Layer::of(&function)?;
    // A program in a terminal has to know which one it is.
    let names_terminal = args.tty && !function.env.contains_key("TERM");
    let mut launch = function.launch(&layer);
    launch.strace = args.options.strace.is_some();
    launch.syscall_stats = args.syscall_stats;
    // Arguments need not be text.
    launch.program = command.first().cloned().unwrap_or_default();
    launch.args = command;
    launch.terminal = args.tty.then(terminal::window);
    if names_terminal && let Some(kind) = std::env::var_os("TERM") {
        launch.env.push([b"TERM=".to_vec(), kind.into_vec()].concat());
    }

    let monitor = monitor()?;
    let class = function.class_limits();
    let sandboxes = Sandboxes::with_launch(&monitor, function, layer, launch, class)?;
    let trace = trace_stream(args.options.strace.as_ref())?;
    // Before the program can run: a signal that comes early is kept for it.
    let mut signals = Signals::catch(args.tty)?;
    let mut screen = if args.tty { RawTerminal::of_stdin()? } else { None };
    let io = ScratchIo {
        stdio: own_stdio(),
        trace: again(trace.as_ref())?,
        announce_entry: false,
        freeze_at: args.image_at,
    };
    let name = sandboxes.config.name.as_str();
    let mut instance = match follow(name, sandboxes.class.scratch(io)?, &mut signals, &mut screen, args.json)? {
        Followed::Ended(status) => return Ok(status),
        Followed::Frozen(instance) => instance,
    };

    let directory = tempfile::Builder::new().prefix("catalyzer-").tempdir()?;
    let path = directory.path().join("run.img");
    instance.write_image(&path, &sandboxes.config.to_text()?, Vec::new(), &mut |_| {}).context("--image-at")?;
    instance.kill();
    instance.wait()?;
    let image = Image::open(&path, monitor::kernel_build())?;
    let io = InstanceIo { stdio: Some(own_stdio()), trace, freeze_at: None, keep_pid: true };
    match follow(name, sandboxes.class.cold(&image, None, io)?, &mut signals, &mut screen, args.json)? {
        Followed::Ended(status) => Ok(status),
        Followed::Frozen(_) => bail!("the program was stopped a second time"),
    }
}

/// The caller's standard streams; one that is closed is nothing inside, too.
fn own_stdio() -> [StdioSource; 3] {
    let source = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map_or(StdioSource::Null, StdioSource::Fd);
    [source(std::io::stdin().as_fd()), source(std::io::stdout().as_fd()), source(std::io::stderr().as_fd())]
}

/// Signals that are handed on to the program, each with a stream that a byte a signal comes out of.
struct Signals {
    streams: Vec<(i32, UnixStream)>,
    /// Any of them.
    any: UnixStream,
    /// The caller's terminal changed its size.
    resized: Option<UnixStream>,
}

impl Signals {
    fn catch(with_window: bool) -> Result<Self> {
        let (any, any_end) = UnixStream::pair()?;
        any.set_nonblocking(true)?;
        let mut streams = Vec::new();
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2] {
            let (stream, end) = UnixStream::pair()?;
            stream.set_nonblocking(true)?;
            // In this order: who sees the byte in `any` sees the other, too.
            pipe::register(signal, end)?;
            pipe::register(signal, any_end.try_clone()?)?;
            streams.push((signal, stream));
        }
        let resized = if with_window {
            let (stream, end) = UnixStream::pair()?;
            stream.set_nonblocking(true)?;
            pipe::register(SIGWINCH, end)?;
            pipe::register(SIGWINCH, any_end)?;
            Some(stream)
        } else {
            None
        };
        Ok(Self { streams, any, resized })
    }

    fn hand_on(&mut self, instance: &mut Instance) -> Result<()> {
        let mut bytes = [0; 64];
        while self.any.read(&mut bytes).is_ok_and(|n| n > 0) {}
        if let Some(resized) = &mut self.resized
            && resized.read(&mut bytes).is_ok_and(|n| n > 0)
        {
            match instance.resize(terminal::window()) {
                Ok(()) | Err(monitor::Error::Ended(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for (signal, stream) in &mut self.streams {
            match stream.read(&mut bytes) {
                // Several of the same signal at once are one, as ever.
                Ok(_) => match instance.signal(u8::try_from(*signal).unwrap_or_default()) {
                    // It has just ended, which is the next event.
                    Err(monitor::Error::Ended(_)) => {}
                    sent => sent.context("a signal could not be handed on")?,
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

enum Followed {
    Ended(Status),
    Frozen(Box<Instance>),
}

/// Follows an instance to its end; the caller's terminal is given back before anything is said of that.
fn follow(
    name: &str,
    mut instance: Instance,
    signals: &mut Signals,
    screen: &mut Option<RawTerminal>,
    json: bool,
) -> Result<Followed> {
    let mut listener = Listener::default();
    let mut stats = None;
    loop {
        match listener.listen(&mut instance, Some(signals.any.as_fd()))? {
            Some(Event::Frozen) => return Ok(Followed::Frozen(Box::new(instance))),
            Some(Event::Counts(counts)) => stats = Some(Stats::new(&counts)),
            Some(Event::Ended(end)) => {
                drop(screen.take());
                let status = Status::of_end(&end);
                match &end.reason {
                    Reason::Program(_) => {}
                    // These name the program themselves.
                    Reason::Start(..) => eprintln!("catalyzer: {end}"),
                    _ => eprintln!("catalyzer: {name}: {end}"),
                }
                if let Some(stats) = stats {
                    stats.print(json)?;
                }
                return Ok(Followed::Ended(status));
            }
            Some(event) => show(&event),
            None => signals.hand_on(&mut instance)?,
        }
    }
}
