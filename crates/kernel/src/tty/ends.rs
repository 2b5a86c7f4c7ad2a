//! What processes open: the master (`/dev/ptmx`) and the terminal itself (`/dev/pts/N`).

use super::terminal::{READABLE, Terminal, WRITABLE};
use super::{Terminals, ioctl};
use crate::errno::{EIO, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::fs::inode::{DEV_DEVICE, Inode};
use crate::kernel;
use crate::syscall::dispatch::current;
use crate::syscall::{Context, Outcome, Stop};
use crate::task::capability::CAP_SYS_ADMIN;
use crate::task::signal::Signal;
use crate::time::monotonic_ns;
use crate::user_memory::{Sink, Source, UserAddr};
use crate::wait::{Events, Progress, WaitFor, WaitQueue};
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;

/// A tenth of a second, in which `VTIME` counts.
const TENTH_NS: u64 = 100_000_000;

/// The side of the program that shows the terminal.
pub struct Master {
    /// The terminal.
    pub terminal: Rc<Terminal>,
    node: Rc<Inode>,
}

/// The side of programs that run in the terminal.
pub struct Own {
    /// The terminal.
    pub terminal: Rc<Terminal>,
    /// Opened as `/dev/tty`.
    node: Option<Rc<Inode>>,
}

/// Opens `/dev/ptmx`: a new terminal.
///
/// # Errors
/// `ENOSPC` when there are too many.
pub fn open_master(node: &Rc<Inode>, flags: OpenFlags) -> Result<Rc<OpenFile>, Errno> {
    let terminal = kernel().terminals.add()?;
    Ok(OpenFile::new(Rc::new(Master { terminal, node: node.clone() }), flags))
}

/// Opens a terminal. The leader of a session without controlling terminal gets it as that, unless it says otherwise.
///
/// # Errors
/// `EIO` while it is locked, or hung up; `EBUSY` when somebody has it for himself.
pub fn open_own(
    terminal: &Rc<Terminal>,
    node: Option<&Rc<Inode>>,
    flags: OpenFlags,
    no_terminal: bool,
) -> Result<Rc<OpenFile>, Errno> {
    if terminal.is_hung_up() || terminal.locked.get() {
        return Err(EIO);
    }
    let process = current().process();
    if terminal.exclusive.get() && !process.credentials.borrow().is_capable(CAP_SYS_ADMIN) {
        return Err(crate::errno::EBUSY);
    }
    let leads = process.session.get() == process.pid;
    let has_none = Terminals::controlling(&process).is_none();
    if leads && has_none && terminal.session().is_none() && !no_terminal && flags.readable() {
        terminal.adopt(&process);
    }
    terminal.opened();
    Ok(OpenFile::new(Rc::new(Own { terminal: terminal.clone(), node: node.cloned() }), flags))
}

/// The open file of the standard streams of a program that is started in a terminal.
pub fn adopt_standard(terminal: &Rc<Terminal>, flags: OpenFlags) -> Rc<OpenFile> {
    terminal.opened();
    OpenFile::new(Rc::new(Own { terminal: terminal.clone(), node: None }), flags)
}

impl File for Master {
    fn kind(&self) -> &'static str {
        "terminal master"
    }

    fn name(&self) -> String {
        "/dev/ptmx".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.node.stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        let terminal = &self.terminal;
        if sink.room() == 0 {
            return Ok(0);
        }
        if terminal.has_packets() {
            let packet = terminal.take_packet();
            if !packet.is_empty() {
                return Ok(sink.put(&[packet.bits()])?);
            }
        }
        if terminal.output_len() == 0 || terminal.is_stopped() && terminal.has_packets() {
            if terminal.is_left() {
                return Err(EIO.into());
            }
            return Err(file.block(&terminal.master_queue, Events::IN | Events::PRI | Events::HUP, "terminal: output"));
        }
        let head = if terminal.has_packets() { sink.put(&[0])? } else { 0 };
        Ok(head + terminal.take_output(sink)?)
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        let terminal = &self.terminal;
        if source.left() == 0 {
            return Ok(0);
        }
        let room = terminal.input_room();
        if room == 0 {
            return Err(file.block(&terminal.master_queue, Events::OUT, "terminal: room for input"));
        }
        let mut bytes = alloc::vec![0; source.left().min(room)];
        let taken = source.take(&mut bytes)?;
        terminal.receive(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        let terminal = &self.terminal;
        let mut ready = Events::empty();
        ready.set(READABLE, terminal.output_len() > 0 || terminal.has_packets() && !terminal.packet().is_empty());
        ready.set(WRITABLE, terminal.input_room() > 0);
        ready.set(Events::PRI, terminal.has_packets() && !terminal.packet().is_empty());
        ready.set(Events::HUP, terminal.is_left());
        ready
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.terminal.master_queue.clone())
    }

    fn ioctl(&self, context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        ioctl::master(context, &self.terminal, request, argument)
    }

    fn released(&self, _file: &OpenFile) {
        kernel().terminals.remove(self.terminal.number);
        self.terminal.hang_up();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Own {
    /// What a read answers that finds nothing: it waits for input, for `VTIME` at most.
    fn wait(&self, file: &OpenFile) -> Outcome {
        use super::settings::{Local, Special};
        let terminal = &self.terminal;
        let settings = terminal.settings();
        let stop = file.block(&terminal.queue, Events::IN | Events::HUP, "terminal: input");
        let (min, time) = (settings.number(Special::Min), u64::from(settings.number(Special::Time)));
        let waits_long = settings.local().contains(Local::CANONICAL) || time == 0;
        // With both, the time runs from byte to byte, and not before the first.
        let runs = !waits_long && (min == 0 || terminal.look(|discipline| discipline.available() > 0));
        match stop {
            Stop::Wait(wait, rule) if runs => {
                let deadline = monotonic_ns().saturating_add(time * TENTH_NS);
                Err(Stop::Wait(WaitFor { deadline_ns: Some(deadline), progress: Progress::None, ..wait }, rule))
            }
            stop => Err(stop),
        }
    }

    fn take(&self, sink: &mut dyn Sink) -> Outcome {
        let bytes = self.terminal.take(sink.room()).unwrap_or_default();
        Ok(sink.put(&bytes)?)
    }
}

impl File for Own {
    fn kind(&self) -> &'static str {
        "terminal"
    }

    fn name(&self) -> String {
        match self.node {
            Some(_) => "/dev/tty".into(),
            None => alloc::format!("/dev/pts/{}", self.terminal.number),
        }
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(Stat { device: DEV_DEVICE, ..self.node.as_ref().unwrap_or(&self.terminal.inode).stat() })
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        use super::settings::{Local, Special};
        let terminal = &self.terminal;
        if terminal.is_hung_up() || sink.room() == 0 {
            return Ok(0);
        }
        terminal.check_foreground(Signal::TTIN)?;
        let settings = terminal.settings();
        let available = terminal.look(super::discipline::Discipline::available);
        if settings.local().contains(Local::CANONICAL) {
            return if terminal.look(super::discipline::Discipline::is_readable) {
                self.take(sink)
            } else {
                self.wait(file)
            };
        }
        let (min, time) = (usize::from(settings.number(Special::Min)), settings.number(Special::Time));
        let nonblocking = file.flags.get().contains(OpenFlags::NONBLOCK);
        let enough = if nonblocking { 1 } else { min.min(sink.room()).max(1) };
        if available >= enough || min == 0 && time == 0 && !nonblocking {
            return self.take(sink);
        }
        if min == 0 && time == 0 && available == 0 {
            return Ok(0);
        }
        self.wait(file)
    }

    /// `VTIME` is over: what has come is what is read.
    fn read_in_time(&self, _file: &OpenFile, sink: &mut dyn Sink) -> Outcome {
        self.take(sink)
    }

    fn write(&self, file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        let terminal = &self.terminal;
        if terminal.is_hung_up() {
            return Err(EIO.into());
        }
        terminal.check_writer()?;
        let done = terminal.write(source)?;
        if source.left() == 0 {
            return Ok(done);
        }
        match file.block(&terminal.queue, Events::OUT | Events::HUP, "terminal: room for output") {
            Stop::Wait(wait, rule) => Err(Stop::Wait(wait.progress(Progress::Bytes(done)), rule)),
            _ if done > 0 => Ok(done),
            stop => Err(stop),
        }
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        let terminal = &self.terminal;
        if terminal.is_hung_up() {
            return READABLE | WRITABLE | Events::ERR | Events::HUP;
        }
        let mut ready = Events::empty();
        ready.set(READABLE, terminal.look(super::discipline::Discipline::is_readable));
        ready.set(WRITABLE, terminal.has_output_room());
        ready
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.terminal.queue.clone())
    }

    fn ioctl(&self, context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        if self.terminal.is_hung_up() {
            return Err(EIO.into());
        }
        ioctl::own(context, &self.terminal, request, argument)
    }

    fn released(&self, _file: &OpenFile) {
        self.terminal.closed();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
