//! `O_ASYNC`: the owner of an open file gets a signal when it becomes ready (`F_SETOWN` in `fcntl(2)`).

use super::inotify::Inotify;
use crate::errno::{ENOTTY, Errno};
use crate::fs::file::{OpenFile, OpenFlags};
use crate::heap::guest_word::ByteBox;
use crate::ipc::pipe::PipeEnd;
use crate::kernel;
use crate::syscall::owners::{FileOwner, OWNER_PID, OWNER_TID};
use crate::task::process::Credentials;
use crate::task::signal::queue::{Info, SI_KERNEL};
use crate::task::signal::{self, Signal, Source};
use crate::task::{Pid, Process, Tid};
use crate::tty::ends::{Master, Own};
use crate::wait::{Events, Observer, WaitQueue};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;

/// Watches an open file that has `O_ASYNC`.
pub struct Notice {
    file: Weak<OpenFile>,
    /// The descriptor it was set through: what `si_fd` tells.
    fd: i32,
    queue: Rc<WaitQueue>,
    place: Cell<usize>,
    /// Real and effective user of who set it.
    users: ByteBox<[u32; 2]>,
}

fn is_terminal(file: &OpenFile) -> bool {
    file.downcast::<Own>().is_some() || file.downcast::<Master>().is_some()
}

/// Whether an open file can have `O_ASYNC`.
fn is_capable(file: &OpenFile) -> bool {
    let object = &file.object;
    file.downcast::<PipeEnd>().is_some()
        || object.as_socket().is_some()
        || file.downcast::<Inotify>().is_some()
        || is_terminal(file)
}

/// Sets or clears `O_ASYNC`.
///
/// # Errors
/// `ENOTTY` when the object knows nothing of it.
pub fn set(file: &Rc<OpenFile>, fd: i32, on: bool, setter: &Credentials) -> Result<(), Errno> {
    let flags = file.flags.get();
    if flags.contains(OpenFlags::ASYNC) == on && file.notice.borrow().is_some() == on {
        return Ok(());
    }
    let queue = file.object.queue().filter(|_| is_capable(file)).ok_or(ENOTTY)?;
    if is_terminal(file) && file.owner.get().number == 0 {
        let number = kernel().running().map_or(0, |thread| thread.process().pid.0.cast_signed());
        file.owner.set(FileOwner { kind: OWNER_PID, number, ..file.owner.get() });
    }
    let notice = on.then(|| {
        let notice = Rc::new(Notice {
            file: Rc::downgrade(file),
            fd,
            queue: queue.clone(),
            place: Cell::new(0),
            users: ByteBox::new([setter.uid[0], setter.uid[1]]),
        });
        let observer: Weak<dyn Observer> = Rc::downgrade(&notice) as Weak<dyn Observer>;
        notice.place.set(queue.observe(observer));
        notice
    });
    let before = file.notice.replace(notice);
    let mut flags = flags;
    flags.set(OpenFlags::ASYNC, on);
    file.flags.set(flags);
    drop(before);
    Ok(())
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.queue.unobserve(self.place.get());
    }
}

impl Observer for Notice {
    fn notify(&self, events: Events) -> bool {
        let Some(file) = self.file.upgrade() else { return false };
        // What concerns the other end of the same object is none of this one's.
        let mut mine = Events::ERR | Events::HUP | Events::PRI;
        if file.flags.get().readable() {
            mine |= Events::IN;
        }
        if file.flags.get().writable() {
            mine |= Events::OUT;
        }
        if let Some((code, band)) = told(events & mine) {
            self.send(file.owner.get(), code, band);
        }
        false
    }
}

/// `si_code` and `si_band` of an event.
fn told(events: Events) -> Option<(i32, u64)> {
    const POLL_IN: i32 = 1;
    const POLL_OUT: i32 = 2;
    const POLL_ERR: i32 = 4;
    const POLL_PRI: i32 = 5;
    const POLL_HUP: i32 = 6;
    let all = [
        (Events::IN, POLL_IN, Events::IN | Events::RDNORM),
        (Events::OUT, POLL_OUT, Events::OUT | Events::WRNORM | Events::WRBAND),
        (Events::PRI, POLL_PRI, Events::PRI | Events::RDBAND),
        (Events::HUP, POLL_HUP, Events::HUP | Events::ERR),
        (Events::ERR, POLL_ERR, Events::ERR),
    ];
    let found = all.into_iter().find(|(event, ..)| events.intersects(*event));
    found.map(|(_, code, band)| (code, u64::from(band.bits())))
}

impl Notice {
    /// As Linux: who set the owner must be allowed to signal it.
    fn may_signal(&self, target: &Process) -> bool {
        let [real, effective] = self.users.load();
        let [target_real, _, target_saved, _] = target.credentials.borrow().uid;
        effective == 0 || [real, effective].iter().any(|uid| [target_real, target_saved].contains(uid))
    }

    fn send(&self, owner: FileOwner, code: i32, band: u64) {
        if owner.number == 0 {
            return;
        }
        let number = kernel().tasks.meant(owner.number.cast_unsigned());
        let named = (owner.signal != 0).then(|| Info::from_poll(Signal(owner.signal), code, band, self.fd));
        let plain = Info::new(Signal::IO, SI_KERNEL);
        if owner.kind == OWNER_TID {
            let thread = kernel().thread(Tid(number)).filter(|thread| self.may_signal(&thread.process()));
            if let Some(thread) = thread
                && named.is_none_or(|info| signal::to_thread(&thread, info, Source::Queue).is_err())
            {
                // Without room for what is told there is still the plain signal.
                let _ = signal::to_thread(&thread, plain, Source::Other);
            }
            return;
        }
        let concerned = |process: &Rc<Process>| match owner.kind {
            OWNER_PID => process.pid == Pid(number),
            _ => process.group.get() == Pid(number),
        };
        let targets: Vec<_> =
            kernel().tasks.processes.borrow().values().filter(|process| concerned(process)).cloned().collect();
        for process in targets.into_iter().filter(|process| self.may_signal(process)) {
            if named.is_none_or(|info| signal::to_process(&process, info, Source::Queue).is_err()) {
                let _ = signal::to_process(&process, plain, Source::Other);
            }
        }
    }
}
