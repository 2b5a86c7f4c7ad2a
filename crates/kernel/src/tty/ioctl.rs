//! `ioctl_tty(2)`.

use super::settings::{SIZE, Settings};
use super::terminal::{Terminal, hang_up_group};
use super::{Terminals, ends};
use crate::errno::{EINVAL, EIO, ENOTTY, EPERM, ESRCH, Errno};
use crate::fs::file::OpenFlags;
use crate::kernel;
use crate::syscall::{Context, Outcome};
use crate::task::Pid;
use crate::task::capability::CAP_SYS_ADMIN;
use crate::task::signal::Signal;
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use alloc::rc::Rc;

const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TCSETSW: u32 = 0x5403;
const TCSETSF: u32 = 0x5404;
const TCSBRK: u32 = 0x5409;
const TCXONC: u32 = 0x540a;
const TCFLSH: u32 = 0x540b;
const TIOCEXCL: u32 = 0x540c;
const TIOCNXCL: u32 = 0x540d;
const TIOCSCTTY: u32 = 0x540e;
const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCOUTQ: u32 = 0x5411;
const TIOCSTI: u32 = 0x5412;
const TIOCGWINSZ: u32 = 0x5413;
const TIOCSWINSZ: u32 = 0x5414;
const FIONREAD: u32 = 0x541b;
const TIOCPKT: u32 = 0x5420;
const TIOCNOTTY: u32 = 0x5422;
const TIOCSETD: u32 = 0x5423;
const TIOCGETD: u32 = 0x5424;
const TCSBRKP: u32 = 0x5425;
const TIOCGSID: u32 = 0x5429;
const TCGETS2: u32 = 0x802c_542a;
const TCSETS2: u32 = 0x402c_542b;
const TCSETSW2: u32 = 0x402c_542c;
const TCSETSF2: u32 = 0x402c_542d;
const TIOCGPTN: u32 = 0x8004_5430;
const TIOCSPTLCK: u32 = 0x4004_5431;
const TIOCGPKT: u32 = 0x8004_5438;
const TIOCGPTLCK: u32 = 0x8004_5439;
const TIOCGEXCL: u32 = 0x8004_5440;
const TIOCGPTPEER: u32 = 0x5441;

fn word(argument: UserAddr) -> UserPtr<u32> {
    UserPtr::new(argument.0)
}

/// Of the master.
///
/// # Errors
/// As there; `ENOTTY` for an unknown request.
pub fn master(context: &mut Context<'_>, terminal: &Rc<Terminal>, request: u32, argument: UserAddr) -> Outcome {
    match request {
        TIOCGPTN => word(argument).write(terminal.number)?,
        TIOCSPTLCK => terminal.locked.set(word(argument).read()? != 0),
        TIOCGPTLCK => word(argument).write(u32::from(terminal.locked.get()))?,
        TIOCPKT => terminal.set_packets(word(argument).read()? != 0),
        TIOCGPKT => word(argument).write(u32::from(terminal.has_packets()))?,
        TIOCGPTPEER => {
            let flags = OpenFlags::from_bits_truncate(argument.0 as u32);
            let kept = flags - (OpenFlags::CLOEXEC | OpenFlags::NOCTTY);
            let file = ends::open_own(terminal, None, kept, flags.contains(OpenFlags::NOCTTY))?;
            let fd = context.process().descriptors().add(file, flags.contains(OpenFlags::CLOEXEC))?;
            return Ok(fd.0 as usize);
        }
        FIONREAD => word(argument).write(terminal.output_len() as u32)?,
        // The group that is told of: whose controlling terminal it is does not matter to who shows it.
        TIOCGPGRP => word(argument).write(shown(terminal.foreground()))?,
        TIOCGSID => word(argument).write(shown(Some(terminal.session().ok_or(ENOTTY)?)))?,
        TIOCSCTTY => return own(context, terminal, request, argument),
        TIOCNOTTY => return Err(ENOTTY.into()),
        TCFLSH => flush(argument, || terminal.flush_output(), || terminal.flush_input())?,
        _ => return both(terminal, request, argument),
    }
    Ok(0)
}

/// Of the terminal itself.
///
/// # Errors
/// As there; `ENOTTY` for an unknown request.
pub fn own(context: &mut Context<'_>, terminal: &Rc<Terminal>, request: u32, argument: UserAddr) -> Outcome {
    let process = context.process();
    let changes = matches!(
        request,
        TCSETS..=TCSETSF | TCSETS2..=TCSETSF2 | TCSBRK | TCSBRKP | TCXONC | TCFLSH | TIOCSPGRP | TIOCSETD
    );
    if changes {
        terminal.check_foreground(Signal::TTOU)?;
    }
    match request {
        TIOCSCTTY => {
            let (leads, session) = (process.session.get() == process.pid, process.session.get());
            if leads && terminal.session() == Some(session) {
                return Ok(0);
            }
            if !leads || Terminals::controlling(&process).is_some() {
                return Err(EPERM.into());
            }
            if terminal.session().is_some() {
                let steals = argument.0 == 1 && process.credentials.borrow().is_capable(CAP_SYS_ADMIN);
                if !steals {
                    return Err(EPERM.into());
                }
            }
            terminal.adopt(&process);
        }
        TIOCNOTTY => {
            if !terminal.controls(&process) {
                return Err(ENOTTY.into());
            }
            // The leader gives it up for all.
            if process.session.get() == process.pid {
                give_up(terminal);
            } else {
                kernel().terminals.leave(process.pid);
            }
        }
        TIOCGPGRP if !terminal.controls(&process) => return Err(ENOTTY.into()),
        TIOCGPGRP => word(argument).write(shown(terminal.foreground()))?,
        TIOCSPGRP => {
            if !terminal.controls(&process) {
                return Err(ENOTTY.into());
            }
            let group = word(argument).read()?;
            if group.cast_signed() < 0 {
                return Err(EINVAL.into());
            }
            let group = Pid(kernel().tasks.meant(group));
            let exists = kernel().tasks.processes.borrow().values().any(|process| process.group.get() == group);
            if !exists {
                return Err(ESRCH.into());
            }
            terminal.set_foreground(group)?;
        }
        TIOCGSID => {
            if !terminal.controls(&process) {
                return Err(ENOTTY.into());
            }
            word(argument).write(shown(terminal.session()))?;
        }
        FIONREAD => {
            let readable = terminal.look(super::discipline::Discipline::available);
            word(argument).write(readable as u32)?;
        }
        TCFLSH => flush(argument, || terminal.flush_input(), || terminal.flush_output())?,
        _ => return both(terminal, request, argument),
    }
    Ok(0)
}

/// `TCFLSH` of either side: what it has not read yet (`TCIFLUSH`), what it wrote (`TCOFLUSH`), or both.
fn flush(queue: UserAddr, input: impl FnOnce(), output: impl FnOnce()) -> Result<(), Errno> {
    match queue.0 {
        0 => input(),
        1 => output(),
        2 => {
            input();
            output();
        }
        _ => return Err(EINVAL),
    }
    Ok(())
}

fn shown(pid: Option<Pid>) -> u32 {
    pid.map_or(0, |pid| kernel().tasks.shown(pid.0))
}

/// The leader of its session gives it up.
pub fn give_up(terminal: &Terminal) {
    let foreground = terminal.foreground();
    terminal.abandon();
    if let Some(group) = foreground {
        hang_up_group(group);
    }
}

fn read_settings(argument: UserAddr) -> Result<Settings, Errno> {
    let mut bytes = [0; SIZE];
    copy_in(&mut bytes, argument)?;
    Ok(Settings(bytes))
}

/// What both sides answer alike.
fn both(terminal: &Rc<Terminal>, request: u32, argument: UserAddr) -> Outcome {
    match request {
        TCGETS => copy_out(argument, &terminal.settings().0)?,
        TCGETS2 => copy_out(argument, &terminal.settings().with_speeds())?,
        TCSETS | TCSETSW | TCSETS2 | TCSETSW2 => terminal.set(read_settings(argument)?),
        TCSETSF | TCSETSF2 => {
            let settings = read_settings(argument)?;
            terminal.flush_input();
            terminal.set(settings);
        }
        TIOCGWINSZ => UserPtr::<[u16; 4]>::new(argument.0).write(terminal.window())?,
        TIOCSWINSZ => terminal.set_window(UserPtr::<[u16; 4]>::new(argument.0).read()?),
        // Nothing is on its way to anywhere.
        TIOCOUTQ => word(argument).write(0)?,
        TCSBRK | TCSBRKP => {}
        TCXONC => match argument.0 {
            0 => terminal.hold(),
            1 => terminal.release(),
            2 | 3 => {
                use super::settings::Special;
                let special = if argument.0 == 2 { Special::Stop } else { Special::Start };
                let byte = terminal.settings().number(special);
                if byte != 0 {
                    terminal.write(&mut [byte].as_slice())?;
                }
            }
            _ => return Err(EINVAL.into()),
        },
        TIOCEXCL => terminal.exclusive.set(true),
        TIOCNXCL => terminal.exclusive.set(false),
        TIOCGEXCL => word(argument).write(u32::from(terminal.exclusive.get()))?,
        TIOCGETD => word(argument).write(0)?,
        TIOCSETD if word(argument).read()? == 0 => {}
        TIOCSETD => return Err(EINVAL.into()),
        // As Linux since 6.2: nobody types for others.
        TIOCSTI => return Err(EIO.into()),
        _ => return Err(ENOTTY.into()),
    }
    Ok(0)
}
