//! POSIX message queues (`mq_overview(7)`): messages by priority, behind names of their own.

use crate::errno::{EAGAIN, EEXIST, EINVAL, EMFILE, ENOENT, ENOSPC, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::fs::inode::{
    Caller, Content, DEV_DEVICE, Generate, Inode, MAY_READ, MAY_WRITE, S_IFDIR, S_IFREG, VirtualDirectory,
};
use crate::heap::guest_word::ByteBox;
use crate::kernel;
use crate::net::netlink::NetlinkSocket;
use crate::syscall::Outcome;
use crate::task::capability::CAP_SYS_RESOURCE;
use crate::task::signal::queue::{Info, SI_MESGQ};
use crate::task::signal::{Signal, send};
use crate::task::{Pid, Process};
use crate::user_memory::Sink;
use crate::wait::{Events, WaitQueue};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::cmp::Reverse;

/// `MQ_PRIO_MAX`.
pub const PRIORITIES: u32 = 32_768;
/// `/proc/sys/fs/mqueue/msg_default` and `msgsize_default`; also the largest for who has no capability.
const DEFAULT: Limits = Limits { messages: 10, size: 8192 };
/// The largest for who has it.
const LARGEST: Limits = Limits { messages: 65_536, size: 16 << 20 };
/// `/proc/sys/fs/mqueue/queues_max`.
const QUEUES: usize = 256;
/// What Linux counts for a message beside its bytes.
const OVERHEAD: u64 = 48 + 48;
/// `RLIMIT_MSGQUEUE`.
const LIMIT: usize = 12;

/// `mq_maxmsg` and `mq_msgsize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages.
    pub messages: usize,
    /// Bytes of each.
    pub size: usize,
}

impl Limits {
    /// What the guest asked for.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn new([messages, size]: [i64; 2], is_capable: bool) -> Result<Self, Errno> {
        let most = if is_capable { LARGEST } else { DEFAULT };
        let within =
            |value: i64, most| usize::try_from(value).ok().filter(|value| (1..=most).contains(value)).ok_or(EINVAL);
        Ok(Self { messages: within(messages, most.messages)?, size: within(size, most.size)? })
    }

    fn bytes(self) -> u64 {
        self.messages as u64 * (self.size as u64 + OVERHEAD)
    }
}

/// All queues that have a name.
#[derive(Default)]
pub struct MessageQueues {
    names: RefCell<BTreeMap<Vec<u8>, Rc<MessageQueue>>>,
    /// Bytes of all queues, the nameless ones that are open still included.
    bytes: Cell<u64>,
}

/// A message queue.
pub struct MessageQueue {
    inode: Rc<Inode>,
    limits: Limits,
    content: Rc<Messages>,
    notice: RefCell<Option<Notice>>,
    /// Who polls it, who waits for a message, who waits for room.
    queue: Rc<WaitQueue>,
    /// Threads in `mq_receive`.
    pub receivers: Rc<WaitQueue>,
    /// Threads in `mq_send`.
    pub senders: Rc<WaitQueue>,
}

#[derive(Default)]
struct Messages {
    by_priority: RefCell<BTreeMap<Reverse<u32>, VecDeque<Vec<u8>>>>,
    count: Cell<usize>,
    bytes: Cell<usize>,
}

impl Generate for Messages {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok(alloc::format!("QSIZE:{:<10} NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n", self.bytes.get()).into_bytes())
    }
}

/// Whom `mq_notify(3)` tells of a message in an empty queue, once.
pub struct Notice {
    /// Who asked.
    pub owner: Pid,
    /// How it is told.
    pub how: How,
}

/// How somebody is told.
pub enum How {
    /// `SIGEV_NONE`.
    Silently,
    /// `SIGEV_SIGNAL`; the guest chooses the value.
    Signal(Signal, ByteBox<u64>),
    /// `SIGEV_THREAD`: the C library waits for these bytes at a socket.
    Socket(Rc<OpenFile>, Vec<u8>),
}

/// The last byte of what goes to the socket: a message arrived, or the notice was taken back.
const WOKEN_UP: u8 = 1;
const REMOVED: u8 = 2;

impl Notice {
    fn tell(self, sender: &Process, state: u8) {
        match self.how {
            How::Silently => {}
            How::Signal(signal, value) if state == WOKEN_UP => {
                let owner = kernel().tasks.processes.borrow().get(&self.owner).cloned();
                let Some(owner) = owner else { return };
                let uid = sender.credentials.borrow().uid[0];
                let pid = kernel().tasks.shown(sender.pid.0);
                let info = Info::from_sender(signal, SI_MESGQ, pid, uid).with_value(value.load());
                // Without room it is known by its bit.
                let _ = send::to_process(&owner, info, send::Source::Other);
            }
            How::Signal(..) => {}
            How::Socket(file, mut cookie) => {
                if let (Some(socket), Some(last)) = (file.downcast::<NetlinkSocket>(), cookie.last_mut()) {
                    *last = state;
                    socket.deliver(cookie);
                }
            }
        }
    }
}

impl MessageQueues {
    /// `mq_open(3)`.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`, `EACCES`, `EMFILE`, `ENOSPC`.
    pub fn open(
        &self,
        name: Vec<u8>,
        flags: OpenFlags,
        mode: u32,
        process: &Process,
        limits: Option<Limits>,
    ) -> Result<Rc<OpenFile>, Errno> {
        let caller = Caller::of(&process.credentials.borrow());
        let found = self.names.borrow().get(&name).cloned();
        let queue = match found {
            Some(_) if flags.contains(OpenFlags::CREAT | OpenFlags::EXCL) => return Err(EEXIST),
            Some(queue) => {
                let reads = if flags.readable() { MAY_READ } else { 0 };
                let writes = if flags.writable() { MAY_WRITE } else { 0 };
                queue.inode.check_access(&caller, reads | writes)?;
                queue
            }
            None if !flags.contains(OpenFlags::CREAT) => return Err(ENOENT),
            None => {
                let is_capable = process.credentials.borrow().is_capable(CAP_SYS_RESOURCE);
                if self.names.borrow().len() >= QUEUES && !is_capable {
                    return Err(ENOSPC);
                }
                let limits = limits.unwrap_or(DEFAULT);
                let bytes = self.bytes.get() + limits.bytes();
                if bytes > process.limits.borrow()[LIMIT].0 {
                    return Err(EMFILE);
                }
                self.bytes.set(bytes);
                let mode = mode & 0o777 & !process.fs().umask.get();
                let queue = MessageQueue::new(limits, mode, &caller);
                self.names.borrow_mut().insert(name, queue.clone());
                queue
            }
        };
        let kept = flags & (OpenFlags::NONBLOCK | OpenFlags::WRONLY | OpenFlags::RDWR);
        Ok(OpenFile::new(Rc::new(OpenQueue { queue }), kept))
    }

    /// Whether there is a queue of this name.
    pub fn exists(&self, name: &[u8]) -> bool {
        self.names.borrow().contains_key(name)
    }

    /// `mq_unlink(3)`.
    ///
    /// # Errors
    /// `ENOENT`, `EPERM`.
    pub fn unlink(&self, name: &[u8], caller: &Caller) -> Result<(), Errno> {
        let queue = self.names.borrow().get(name).cloned().ok_or(ENOENT)?;
        queue.inode.check_owner(caller)?;
        self.names.borrow_mut().remove(name);
        Ok(())
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        let bytes = &kernel().ipc.mqueues.bytes;
        bytes.set(bytes.get().saturating_sub(self.limits.bytes()));
    }
}

impl MessageQueue {
    fn new(limits: Limits, mode: u32, caller: &Caller) -> Rc<Self> {
        let content = Rc::<Messages>::default();
        let inode = Inode::new(DEV_DEVICE, Content::Generated(content.clone()), S_IFREG | mode, caller.uid, caller.gid);
        Rc::new(Self {
            inode,
            limits,
            content,
            notice: RefCell::default(),
            queue: WaitQueue::new(),
            receivers: WaitQueue::new(),
            senders: WaitQueue::new(),
        })
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Messages in it.
    pub fn len(&self) -> usize {
        self.content.count.get()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.len() >= self.limits.messages
    }

    /// Appends a message; there is room.
    pub fn send(&self, message: Vec<u8>, priority: u32, sender: &Process) {
        let was_empty = self.is_empty();
        self.content.bytes.set(self.content.bytes.get() + message.len());
        self.content.count.set(self.len() + 1);
        self.content.by_priority.borrow_mut().entry(Reverse(priority)).or_default().push_back(message);
        let somebody_waits = self.receivers.count(Events::IN.bits()) > 0;
        self.receivers.wake(Events::IN);
        self.queue.wake(Events::IN | Events::RDNORM);
        if was_empty && !somebody_waits {
            let notice = self.notice.borrow_mut().take();
            if let Some(notice) = notice {
                notice.tell(sender, WOKEN_UP);
            }
        }
    }

    /// Takes the first message of the highest priority.
    pub fn receive(&self) -> Option<(Vec<u8>, u32)> {
        let mut by_priority = self.content.by_priority.borrow_mut();
        let mut first = by_priority.first_entry()?;
        let priority = first.key().0;
        let message = first.get_mut().pop_front()?;
        if first.get().is_empty() {
            first.remove();
        }
        drop(by_priority);
        self.content.count.set(self.len() - 1);
        self.content.bytes.set(self.content.bytes.get() - message.len());
        self.senders.wake(Events::OUT);
        self.queue.wake(Events::OUT | Events::WRNORM);
        Some((message, priority))
    }

    /// `mq_notify(3)`: none takes back what the process itself asked for.
    ///
    /// # Errors
    /// `EBUSY`.
    pub fn notify(&self, process: &Process, notice: Option<Notice>) -> Result<(), Errno> {
        let is_own = self.notice.borrow().as_ref().map(|notice| notice.owner == process.pid);
        match (notice, is_own) {
            (Some(_), Some(_)) => return Err(crate::errno::EBUSY),
            (Some(notice), None) => *self.notice.borrow_mut() = Some(notice),
            (None, Some(true)) => self.take_back(process),
            (None, _) => {}
        }
        Ok(())
    }

    fn take_back(&self, process: &Process) {
        let notice = self.notice.borrow_mut().take();
        if let Some(notice) = notice {
            notice.tell(process, REMOVED);
        }
    }
}

/// An open message queue.
pub struct OpenQueue {
    /// The queue.
    pub queue: Rc<MessageQueue>,
}

impl File for OpenQueue {
    fn kind(&self) -> &'static str {
        "message queue"
    }

    fn name(&self) -> String {
        let names = kernel().ipc.mqueues.names.borrow();
        let name = names.iter().find(|(_, queue)| Rc::ptr_eq(queue, &self.queue)).map(|(name, _)| name);
        name.map_or("/ (deleted)".into(), |name| alloc::format!("/{}", String::from_utf8_lossy(name)))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(Stat { size: 80, ..self.queue.inode.stat() })
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, position: u64) -> Outcome {
        file.check_readable()?;
        let text = self.queue.content.text()?;
        let start = usize::try_from(position).map_err(|_| EINVAL)?;
        Ok(sink.put(text.get(start..).unwrap_or_default())?)
    }

    fn seekable(&self) -> bool {
        true
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        let mut ready = Events::empty();
        ready.set(Events::IN | Events::RDNORM, !self.queue.is_empty());
        ready.set(Events::OUT | Events::WRNORM, !self.queue.is_full());
        ready
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.queue.queue.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A process closes a descriptor of a queue: it is not told of messages any more.
pub fn closed(file: &Rc<OpenFile>, process: &Process) {
    let Some(open) = file.object.as_any().downcast_ref::<OpenQueue>() else { return };
    let is_own = open.queue.notice.borrow().as_ref().is_some_and(|notice| notice.owner == process.pid);
    if is_own {
        open.queue.take_back(process);
    }
}

/// `/dev/mqueue`.
pub struct Listing;

impl VirtualDirectory for Listing {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        kernel().ipc.mqueues.names.borrow().get(name).map(|queue| queue.inode.clone())
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        kernel().ipc.mqueues.names.borrow().keys().map(|name| (name.clone(), S_IFREG)).collect()
    }
}

/// Its node.
pub fn directory() -> Rc<Inode> {
    Inode::new(DEV_DEVICE, Content::Virtual(Rc::new(Listing)), S_IFDIR | 0o1777, 0, 0)
}

/// What a call answers that may not wait.
pub fn would_block(file: &OpenFile) -> Result<(), Errno> {
    if file.flags.get().contains(OpenFlags::NONBLOCK) { Err(EAGAIN) } else { Ok(()) }
}
