//! POSIX message queues.

use super::arguments::{Fd, UserPath};
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EACCES, EBADF, EINVAL, EMSGSIZE, ENAMETOOLONG, ENOENT, ETIMEDOUT, Errno};
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::inode::Caller;
use crate::heap::guest_word::ByteBox;
use crate::ipc::mqueue::{How, Limits, MessageQueue, Notice, OpenQueue, PRIORITIES, would_block};
use crate::kernel;
use crate::net::netlink::NetlinkSocket;
use crate::task::capability::CAP_SYS_RESOURCE;
use crate::task::signal::Signal;
use crate::time::{monotonic_ns, realtime_ns};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use crate::wait::{Events, Progress, WaitFor, WaitQueue};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The name of a queue, without the slash that the C library takes off.
fn read_name(name: UserPath) -> Result<Vec<u8>, Errno> {
    let name = name.read()?;
    match &*name {
        b"" => Err(ENOENT),
        b"." | b".." => Err(EACCES),
        name if name.contains(&b'/') => Err(EACCES),
        name if name.len() > 255 => Err(ENAMETOOLONG),
        _ => Ok(name),
    }
}

/// `mq_open(2)`.
pub fn mq_open(
    context: &mut Context<'_>,
    name: UserPath,
    flags: u32,
    mode: u32,
    attributes: UserPtr<[i64; 8]>,
) -> Outcome {
    let attributes = attributes.non_null().map(UserPtr::read).transpose()?;
    let flags = OpenFlags::from_bits_truncate(flags);
    if flags.contains(OpenFlags::WRONLY | OpenFlags::RDWR) {
        return Err(EINVAL.into());
    }
    let name = read_name(name)?;
    let process = context.process();
    let is_capable = process.credentials.borrow().is_capable(CAP_SYS_RESOURCE);
    let queues = &kernel().ipc.mqueues;
    let limits = match attributes.filter(|_| flags.contains(OpenFlags::CREAT) && !queues.exists(&name)) {
        Some(attributes) => Some(Limits::new([attributes[1], attributes[2]], is_capable)?),
        None => None,
    };
    let file = queues.open(name, flags, mode, &process, limits)?;
    Ok(process.descriptors().add(file, true)?.0 as usize)
}

/// `mq_unlink(2)`.
pub fn mq_unlink(context: &mut Context<'_>, name: UserPath) -> Outcome {
    let caller = Caller::of(&context.process().credentials.borrow());
    kernel().ipc.mqueues.unlink(&read_name(name)?, &caller)?;
    Ok(0)
}

/// The open file and the queue behind a descriptor.
fn open_queue(context: &Context<'_>, fd: Fd) -> Result<(Rc<OpenFile>, Rc<MessageQueue>), Errno> {
    let file = context.process().descriptors().get(fd)?;
    let queue = file.downcast::<OpenQueue>().ok_or(EBADF)?.queue.clone();
    Ok((file, queue))
}

/// The deadline of a call whose time-out is an absolute time of the wall clock.
fn deadline(context: &Context<'_>, until: UserPtr<[i64; 2]>) -> Result<Option<u64>, Errno> {
    let until = until.non_null().map(UserPtr::read).transpose()?.map(super::events::nanoseconds).transpose()?;
    Ok(match context.progress() {
        Progress::Deadline(at) => Some(at),
        _ => until.map(|until| monotonic_ns().saturating_add(until.saturating_sub(realtime_ns()))),
    })
}

fn wait(file: &OpenFile, queue: &Rc<WaitQueue>, events: Events, deadline: Option<u64>, what: &'static str) -> Outcome {
    would_block(file)?;
    if deadline.is_some_and(|deadline| deadline <= monotonic_ns()) {
        return Err(ETIMEDOUT.into());
    }
    let progress = deadline.map_or(Progress::None, Progress::Deadline);
    let wait = WaitFor { exclusive: true, ..WaitFor::events(queue, events, what) };
    Err(Stop::Wait(wait.until(deadline).progress(progress), RestartRule::IfFlagged))
}

/// `mq_timedsend(2)`.
pub fn mq_timedsend(
    context: &mut Context<'_>,
    fd: Fd,
    message: UserAddr,
    len: usize,
    priority: u32,
    until: UserPtr<[i64; 2]>,
) -> Outcome {
    let deadline = deadline(context, until)?;
    if priority >= PRIORITIES {
        return Err(EINVAL.into());
    }
    let (file, queue) = open_queue(context, fd)?;
    file.check_writable()?;
    if len > queue.limits().size {
        return Err(EMSGSIZE.into());
    }
    let mut bytes = alloc::vec![0; len];
    copy_in(&mut bytes, message)?;
    if queue.is_full() {
        return wait(&file, &queue.senders, Events::OUT, deadline, "mq_send: room");
    }
    queue.send(bytes, priority, &context.process());
    Ok(0)
}

/// `mq_timedreceive(2)`.
pub fn mq_timedreceive(
    context: &mut Context<'_>,
    fd: Fd,
    into: UserAddr,
    len: usize,
    priority: UserPtr<u32>,
    until: UserPtr<[i64; 2]>,
) -> Outcome {
    let deadline = deadline(context, until)?;
    let (file, queue) = open_queue(context, fd)?;
    file.check_readable()?;
    if len < queue.limits().size {
        return Err(EMSGSIZE.into());
    }
    let Some((message, of_message)) = queue.receive() else {
        return wait(&file, &queue.receivers, Events::IN, deadline, "mq_receive: a message");
    };
    if let Some(priority) = priority.non_null() {
        priority.write(of_message)?;
    }
    copy_out(into, &message)?;
    Ok(message.len())
}

/// `mq_notify(2)`.
pub fn mq_notify(context: &mut Context<'_>, fd: Fd, event: UserPtr<[u64; 8]>) -> Outcome {
    const SIGEV_SIGNAL: u32 = 0;
    const SIGEV_NONE: u32 = 1;
    const SIGEV_THREAD: u32 = 2;
    const COOKIE: usize = 32;
    let process = context.process();
    let how = match event.non_null().map(UserPtr::read).transpose()? {
        None => None,
        Some([value, kind, ..]) => {
            let (number, kind) = (kind as u32 as i32, (kind >> 32) as u32);
            Some(match kind {
                SIGEV_NONE => How::Silently,
                SIGEV_SIGNAL if number == 0 => How::Silently,
                SIGEV_SIGNAL => How::Signal(Signal::new(number)?, ByteBox::new(value)),
                SIGEV_THREAD => {
                    let mut cookie = alloc::vec![0; COOKIE];
                    copy_in(&mut cookie, UserAddr(value))?;
                    let socket = process.descriptors().get(Fd(number))?;
                    socket.downcast::<NetlinkSocket>().ok_or(EINVAL)?;
                    How::Socket(socket, cookie)
                }
                _ => return Err(EINVAL.into()),
            })
        }
    };
    let (_, queue) = open_queue(context, fd)?;
    queue.notify(&process, how.map(|how| Notice { owner: process.pid, how }))?;
    Ok(0)
}

/// `mq_getsetattr(2)`.
pub fn mq_getsetattr(context: &mut Context<'_>, fd: Fd, new: UserPtr<[i64; 8]>, old: UserPtr<[i64; 8]>) -> Outcome {
    let nonblock = i64::from(OpenFlags::NONBLOCK.bits());
    let new = new.non_null().map(UserPtr::read).transpose()?;
    if new.is_some_and(|new| new[0] & !nonblock != 0) {
        return Err(EINVAL.into());
    }
    let (file, queue) = open_queue(context, fd)?;
    let Limits { messages, size } = queue.limits();
    let flags = file.flags.get();
    if let Some(new) = new {
        let mut flags = flags;
        flags.set(OpenFlags::NONBLOCK, new[0] & nonblock != 0);
        file.flags.set(flags);
    }
    if let Some(old) = old.non_null() {
        let flags = i64::from((flags & OpenFlags::NONBLOCK).bits());
        old.write([flags, messages as i64, size as i64, queue.len() as i64, 0, 0, 0, 0])?;
    }
    Ok(0)
}
