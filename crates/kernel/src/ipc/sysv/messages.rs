//! System V message queues (`msgop(2)`).

use super::{Access, Owned, Owner, seconds};
use crate::errno::{E2BIG, Errno};
use crate::kernel;
use crate::task::Pid;
use crate::task::process::Credentials;
use crate::wait::{Events, WaitQueue};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// `MSGMAX`: bytes of a message.
pub const MOST: usize = 8192;
/// `MSGMNB`: bytes in a queue.
pub const DEFAULT_CAPACITY: u32 = 16_384;
/// `MSGMNI`: queues.
pub const QUEUES: i32 = 32_000;

/// What waiters wait for: a message, or room.
pub const ARRIVAL: Events = Events::IN;
/// See [`ARRIVAL`].
pub const ROOM: Events = Events::OUT;

/// A message: eight bytes of its type, then its text; the guest chooses both.
#[derive(Clone)]
pub struct Message(Vec<u8>);

impl Message {
    /// A message of a type.
    pub fn new(kind: i64, text: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(8 + text.len());
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(text);
        Self(bytes)
    }

    /// Its type.
    pub fn kind(&self) -> i64 {
        self.0.first_chunk().map_or(0, |kind| i64::from_ne_bytes(*kind))
    }

    /// Its text.
    pub fn text(&self) -> &[u8] {
        self.0.get(8..).unwrap_or_default()
    }
}

/// Which message is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The first of a type.
    Kind(i64),
    /// The first of another type (`MSG_EXCEPT`).
    NotKind(i64),
    /// The first of the lowest type up to this.
    UpTo(i64),
}

/// A message queue.
pub struct MessageQueue {
    owner: Owner,
    messages: RefCell<VecDeque<Message>>,
    bytes: Cell<usize>,
    capacity: Cell<u32>,
    last_sender: Cell<u32>,
    last_receiver: Cell<u32>,
    sent_at: Cell<u64>,
    received_at: Cell<u64>,
    changed_at: Cell<u64>,
    /// Who waits for a message or for room.
    pub queue: Rc<WaitQueue>,
}

impl Owned for MessageQueue {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl MessageQueue {
    /// An empty queue.
    pub fn new(owner: Owner) -> Self {
        Self {
            owner,
            messages: RefCell::default(),
            bytes: Cell::new(0),
            capacity: Cell::new(DEFAULT_CAPACITY),
            last_sender: Cell::new(0),
            last_receiver: Cell::new(0),
            sent_at: Cell::new(0),
            received_at: Cell::new(0),
            changed_at: Cell::new(seconds()),
            queue: WaitQueue::new(),
        }
    }

    /// Whether a message of this length has room.
    pub fn has_room(&self, len: usize) -> bool {
        let capacity = self.capacity.get() as usize;
        self.bytes.get() + len <= capacity && self.messages.borrow().len() < capacity
    }

    /// Appends a message.
    pub fn send(&self, message: Message, sender: Pid) {
        self.bytes.set(self.bytes.get() + message.text().len());
        self.messages.borrow_mut().push_back(message);
        self.last_sender.set(sender.0);
        self.sent_at.set(seconds());
        self.queue.wake(ARRIVAL);
    }

    /// Takes a message; none: there is none of that kind.
    ///
    /// # Errors
    /// `E2BIG` when it is longer than `room` and may not be cut.
    pub fn receive(&self, which: Which, room: usize, may_cut: bool, receiver: Pid) -> Result<Option<Message>, Errno> {
        let mut messages = self.messages.borrow_mut();
        let position = match which {
            Which::First => (!messages.is_empty()).then_some(0),
            Which::Kind(kind) => messages.iter().position(|message| message.kind() == kind),
            Which::NotKind(kind) => messages.iter().position(|message| message.kind() != kind),
            Which::UpTo(most) => {
                let lowest = messages.iter().map(Message::kind).filter(|kind| *kind <= most).min();
                lowest.and_then(|lowest| messages.iter().position(|message| message.kind() == lowest))
            }
        };
        let Some(position) = position else { return Ok(None) };
        if messages.get(position).is_some_and(|message| message.text().len() > room) && !may_cut {
            return Err(E2BIG);
        }
        let taken = messages.remove(position);
        drop(messages);
        if let Some(message) = &taken {
            self.bytes.set(self.bytes.get() - message.text().len());
            self.last_receiver.set(receiver.0);
            self.received_at.set(seconds());
            self.queue.wake(ROOM);
        }
        Ok(taken)
    }

    /// A copy of the message at a place (`MSG_COPY`).
    pub fn at(&self, place: usize) -> Option<Message> {
        self.messages.borrow().get(place).cloned()
    }

    /// `IPC_SET`.
    pub fn change(&self, uid: u32, gid: u32, mode: u32, capacity: u32) {
        self.owner.change(uid, gid, mode);
        self.capacity.set(capacity);
        self.changed_at.set(seconds());
        // There may be room now.
        self.queue.wake(ROOM);
    }

    /// What `IPC_SET` may not exceed without a capability.
    pub fn capacity(&self) -> u32 {
        self.capacity.get()
    }

    /// Messages and bytes in it.
    pub fn content(&self) -> (usize, usize) {
        (self.messages.borrow().len(), self.bytes.get())
    }

    /// `struct msqid64_ds`.
    pub fn encode(&self, number: i32) -> Vec<u8> {
        let mut bytes = self.owner.encode(number);
        let (count, size) = self.content();
        for word in [
            self.sent_at.get(),
            self.received_at.get(),
            self.changed_at.get(),
            size as u64,
            count as u64,
            u64::from(self.capacity.get()),
        ] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        for pid in [&self.last_sender, &self.last_receiver] {
            bytes.extend_from_slice(&kernel().tasks.shown(pid.get()).to_ne_bytes());
        }
        bytes.resize(120, 0);
        bytes
    }

    /// Whether the caller may do this.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, caller: &Credentials, access: Access) -> Result<(), Errno> {
        self.owner.check(caller, access.bits())
    }

    fn line(&self, number: i32) -> String {
        let (key, mode, [uid, gid, creator, creator_group]) = self.owner.columns();
        let (count, size) = self.content();
        let shown = |pid: &Cell<u32>| kernel().tasks.shown(pid.get());
        format!(
            "{key:10} {number:10}  {mode:4o}  {size:10} {count:10} {:5} {:5} {uid:5} {gid:5} {creator:5} {creator_group:5} \
             {:10} {:10} {:10}\n",
            shown(&self.last_sender),
            shown(&self.last_receiver),
            self.sent_at.get(),
            self.received_at.get(),
            self.changed_at.get(),
        )
    }
}

/// `/proc/sysvipc/msg`.
pub fn listing() -> Vec<u8> {
    let mut text = String::from(
        "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n",
    );
    text.extend(kernel().ipc.messages.all().iter().map(|(number, queue)| queue.line(*number)));
    text.into_bytes()
}
