//! System V message queues, semaphores and shared memory.

use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{E2BIG, EAGAIN, EFBIG, EIDRM, EINVAL, ENOMEM, ENOMSG, ENOSPC, EPERM, ERANGE, Errno};
use crate::host::{GuestRange, protection};
use crate::ipc::sysv::memory::{self, Segment};
use crate::ipc::sysv::messages::{self, Message, MessageQueue, Which};
use crate::ipc::sysv::semaphores::{self, Operated, Operation, SemaphoreSet};
use crate::ipc::sysv::{Access, Owned};
use crate::kernel;
use crate::mm::space::Content;
use crate::mm::{Backing, Region, RegionFlags, Sharing, page_down, page_up};
use crate::task::capability::{CAP_IPC_LOCK, CAP_SYS_RESOURCE};
use crate::task::process::Credentials;
use crate::user_memory::{UserAddr, UserPtr, bytes_of, copy_in, copy_out};
use crate::wait::{Events, Progress, WaitFor, WaitQueue};
use abi::layout::{GUEST_END, GUEST_START, PAGE_SIZE};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// `IPC_NOWAIT`.
const NOWAIT: u32 = 0o4000;
const IPC_RMID: i32 = 0;
const IPC_SET: i32 = 1;
const IPC_STAT: i32 = 2;
const IPC_INFO: i32 = 3;

fn caller(context: &Context<'_>) -> Credentials {
    context.process().credentials.borrow().clone()
}

/// The object of a number that a continued call had found before.
fn found<T>(context: &Context<'_>, found: Result<Rc<T>, Errno>) -> Result<Rc<T>, Errno> {
    found.map_err(|errno| if context.resumed.is_some() { EIDRM } else { errno })
}

/// Waits for an object; a signal always ends it.
fn wait(queue: &Rc<WaitQueue>, events: Events, deadline: Option<u64>, what: &'static str) -> Stop {
    let progress = deadline.map_or(Progress::None, Progress::Deadline);
    Stop::Wait(WaitFor::events(queue, events, what).until(deadline).progress(progress), RestartRule::Never)
}

fn encode(words: &[i32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Owner, group and mode of the `struct ipc64_perm` that `IPC_SET` reads.
fn read_owner(bytes: &[u8]) -> [u32; 3] {
    [4, 8, 20].map(|at| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes))
}

/// `msgget(2)`.
pub fn msgget(context: &mut Context<'_>, key: i32, flags: u32) -> Outcome {
    let make = |owner| Ok(MessageQueue::new(owner));
    let number = kernel().ipc.messages.get(key, flags, &caller(context), |_| Ok(()), make)?;
    Ok(number as usize)
}

/// `msgsnd(2)`.
pub fn msgsnd(context: &mut Context<'_>, number: i32, message: UserAddr, len: usize, flags: u32) -> Outcome {
    let kind = UserPtr::<i64>::new(message.0).read()?;
    if len > messages::MOST || number < 0 || kind < 1 {
        return Err(EINVAL.into());
    }
    let mut text = alloc::vec![0; len];
    copy_in(&mut text, message.add(8))?;
    let queue = found(context, kernel().ipc.messages.find(number))?;
    queue.check(&caller(context), Access::Write)?;
    if !queue.has_room(len) {
        if flags & NOWAIT != 0 {
            return Err(EAGAIN.into());
        }
        return Err(wait(&queue.queue, messages::ROOM, None, "msgsnd: room"));
    }
    queue.send(Message::new(kind, &text), context.process().pid);
    Ok(0)
}

/// `msgrcv(2)`.
pub fn msgrcv(context: &mut Context<'_>, number: i32, to: UserAddr, room: usize, kind: i64, flags: u32) -> Outcome {
    const NOERROR: u32 = 0o10000;
    const EXCEPT: u32 = 0o20000;
    const COPY: u32 = 0o40000;
    if number < 0 || room > i64::MAX as usize {
        return Err(EINVAL.into());
    }
    if flags & COPY != 0 && (flags & EXCEPT != 0 || flags & NOWAIT == 0) {
        return Err(EINVAL.into());
    }
    let which = match kind {
        0 => Which::First,
        kind if kind < 0 => Which::UpTo(kind.checked_neg().unwrap_or(i64::MAX)),
        kind if flags & EXCEPT != 0 => Which::NotKind(kind),
        kind => Which::Kind(kind),
    };
    let queue = found(context, kernel().ipc.messages.find(number))?;
    queue.check(&caller(context), Access::Read)?;
    if flags & COPY != 0 {
        // The type is a place in the queue, and the message stays.
        let message = usize::try_from(kind).ok().and_then(|place| queue.at(place)).ok_or(ENOMSG)?;
        if message.text().len() > room {
            return Err(if flags & NOERROR == 0 { E2BIG } else { EINVAL }.into());
        }
        return hand_out(&message, to, room);
    }
    let Some(message) = queue.receive(which, room, flags & NOERROR != 0, context.process().pid)? else {
        if flags & NOWAIT != 0 {
            return Err(ENOMSG.into());
        }
        return Err(wait(&queue.queue, messages::ARRIVAL, None, "msgrcv: a message"));
    };
    hand_out(&message, to, room)
}

/// Writes a `struct msgbuf`.
fn hand_out(message: &Message, to: UserAddr, room: usize) -> Outcome {
    let text = message.text();
    let text = &text[..text.len().min(room)];
    UserPtr::<i64>::new(to.0).write(message.kind())?;
    copy_out(to.add(8), text)?;
    Ok(text.len())
}

/// `msgctl(2)`.
pub fn msgctl(context: &mut Context<'_>, number: i32, command: i32, buffer: UserAddr) -> Outcome {
    const MSG_STAT: i32 = 11;
    const MSG_INFO: i32 = 12;
    const MSG_STAT_ANY: i32 = 13;
    let queues = &kernel().ipc.messages;
    let caller = caller(context);
    if number < 0 || command < 0 {
        return Err(EINVAL.into());
    }
    match command {
        IPC_INFO | MSG_INFO => {
            let all = queues.all();
            let content = all.iter().map(|(_, queue)| queue.content());
            let (count, bytes) = content.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let info = match command {
                MSG_INFO => [all.len(), count, bytes],
                // What Linux computes of its limits.
                _ => [messages::QUEUES as usize * 16_384 / 1024, 16_384, 16_384],
            };
            let [pool, map, total] = info.map(|value| i32::try_from(value).unwrap_or(i32::MAX));
            let most = messages::MOST as i32;
            let mut bytes = encode(&[pool, map, most, 16_384, messages::QUEUES, 16, total]);
            bytes.extend_from_slice(&encode(&[0xffff]));
            copy_out(buffer, &bytes)?;
            Ok(queues.highest_place())
        }
        MSG_STAT | MSG_STAT_ANY | IPC_STAT => {
            let (number, queue) = match command {
                IPC_STAT => (number, queues.find(number)?),
                _ => queues.at_place(number)?,
            };
            if command != MSG_STAT_ANY {
                queue.check(&caller, Access::Read)?;
            }
            copy_out(buffer, &queue.encode(number))?;
            Ok(if command == IPC_STAT { 0 } else { number as usize })
        }
        IPC_SET => {
            let mut bytes = [0; 120];
            copy_in(&mut bytes, buffer)?;
            let queue = queues.find(number)?;
            queue.owner().check_owner(&caller)?;
            let capacity: [u8; 8] = bytes[88..96].try_into().unwrap_or_default();
            let capacity = u32::try_from(u64::from_ne_bytes(capacity)).unwrap_or(u32::MAX);
            if capacity > messages::DEFAULT_CAPACITY && !caller.is_capable(CAP_SYS_RESOURCE) {
                return Err(EPERM.into());
            }
            let [uid, gid, mode] = read_owner(&bytes);
            queue.change(uid, gid, mode, capacity);
            Ok(0)
        }
        IPC_RMID => {
            let queue = queues.find(number)?;
            queue.owner().check_owner(&caller)?;
            queues.remove(number);
            queue.queue.wake(messages::ARRIVAL | messages::ROOM);
            Ok(0)
        }
        _ => Err(EINVAL.into()),
    }
}

/// `semget(2)`.
pub fn semget(context: &mut Context<'_>, key: i32, count: i32, flags: u32) -> Outcome {
    if !(0..=semaphores::MOST).contains(&count) {
        return Err(EINVAL.into());
    }
    let count = count as usize;
    let check = |set: &SemaphoreSet| if count > set.len() { Err(EINVAL) } else { Ok(()) };
    let make = |owner| if count == 0 { Err(EINVAL) } else { Ok(SemaphoreSet::new(owner, count)) };
    Ok(kernel().ipc.semaphores.get(key, flags, &caller(context), check, make)? as usize)
}

/// `semop(2)`.
pub fn semop(context: &mut Context<'_>, number: i32, operations: UserAddr, count: usize) -> Outcome {
    semtimedop(context, number, operations, count, UserPtr::new(0))
}

/// `semtimedop(2)`.
pub fn semtimedop(
    context: &mut Context<'_>,
    number: i32,
    operations: UserAddr,
    count: usize,
    timeout: UserPtr<[i64; 2]>,
) -> Outcome {
    let timeout = timeout.non_null().map(UserPtr::read).transpose()?;
    if count > semaphores::OPERATIONS {
        return Err(E2BIG.into());
    }
    if count < 1 || number < 0 {
        return Err(EINVAL.into());
    }
    let mut bytes = alloc::vec![0; count * 6];
    copy_in(&mut bytes, operations)?;
    let operations: Vec<_> = bytes
        .chunks_exact(6)
        .map(|entry| Operation {
            number: u16::from_ne_bytes([entry[0], entry[1]]),
            change: i16::from_ne_bytes([entry[2], entry[3]]),
            flags: i16::from_ne_bytes([entry[4], entry[5]]),
        })
        .collect();
    let timeout_ns = timeout.map(super::events::nanoseconds).transpose()?;
    let set = found(context, kernel().ipc.semaphores.find(number))?;
    if operations.iter().any(|operation| usize::from(operation.number) >= set.len()) {
        return Err(EFBIG.into());
    }
    let alters = operations.iter().any(|operation| operation.change != 0);
    set.check(&caller(context), if alters { Access::Write } else { Access::Read })?;
    match set.operate(&operations, context.process().pid)? {
        Operated::Done => Ok(0),
        Operated::Waits(..) if context.timed_out() => Err(EAGAIN.into()),
        Operated::Waits(queue, events) => Err(wait(&queue, events, context.deadline(timeout_ns), "semop")),
    }
}

/// `semctl(2)`.
pub fn semctl(context: &mut Context<'_>, number: i32, index: i32, command: i32, argument: u64) -> Outcome {
    const GETPID: i32 = 11;
    const GETVAL: i32 = 12;
    const GETALL: i32 = 13;
    const GETNCNT: i32 = 14;
    const GETZCNT: i32 = 15;
    const SETVAL: i32 = 16;
    const SETALL: i32 = 17;
    const SEM_STAT: i32 = 18;
    const SEM_INFO: i32 = 19;
    const SEM_STAT_ANY: i32 = 20;
    let sets = &kernel().ipc.semaphores;
    let (caller, pid) = (caller(context), context.process().pid);
    if number < 0 {
        return Err(EINVAL.into());
    }
    let buffer = UserAddr(argument);
    match command {
        IPC_INFO | SEM_INFO => {
            let all = sets.all();
            let total: usize = all.iter().map(|(_, set)| set.len()).sum();
            let used = [all.len() as i32, i32::try_from(total).unwrap_or(i32::MAX)];
            let [used_sets, used_semaphores] = if command == SEM_INFO { used } else { [20, semaphores::LARGEST] };
            copy_out(
                buffer,
                &encode(&[
                    1_024_000_000,
                    semaphores::SETS,
                    1_024_000_000,
                    1_024_000_000,
                    semaphores::MOST,
                    semaphores::OPERATIONS as i32,
                    semaphores::OPERATIONS as i32,
                    used_sets,
                    semaphores::LARGEST,
                    used_semaphores,
                ]),
            )?;
            return Ok(sets.highest_place());
        }
        SEM_STAT | SEM_STAT_ANY | IPC_STAT => {
            let (number, set) = match command {
                IPC_STAT => (number, sets.find(number)?),
                _ => sets.at_place(number)?,
            };
            if command != SEM_STAT_ANY {
                set.check(&caller, Access::Read)?;
            }
            copy_out(buffer, &set.encode(number))?;
            return Ok(if command == IPC_STAT { 0 } else { number as usize });
        }
        IPC_SET => {
            let mut bytes = [0; 104];
            copy_in(&mut bytes, buffer)?;
            let set = sets.find(number)?;
            set.owner().check_owner(&caller)?;
            let [uid, gid, mode] = read_owner(&bytes);
            set.change(uid, gid, mode);
            return Ok(0);
        }
        IPC_RMID => {
            let set = sets.find(number)?;
            set.owner().check_owner(&caller)?;
            sets.remove(number);
            set.removed();
            return Ok(0);
        }
        GETPID..=SETALL => {}
        _ => return Err(EINVAL.into()),
    }
    let set = sets.find(number)?;
    let index = usize::try_from(index).ok().filter(|index| *index < set.len());
    if matches!(command, GETALL | SETALL) {
        set.check(&caller, if command == GETALL { Access::Read } else { Access::Write })?;
        if command == GETALL {
            let bytes: Vec<u8> = set.values().iter().flat_map(|value| value.to_ne_bytes()).collect();
            copy_out(buffer, &bytes)?;
            return Ok(0);
        }
        let mut bytes = alloc::vec![0; set.len() * 2];
        copy_in(&mut bytes, buffer)?;
        let values: Vec<_> = bytes.chunks_exact(2).map(|value| u16::from_ne_bytes([value[0], value[1]])).collect();
        if values.iter().any(|value| i32::from(*value) > semaphores::LARGEST) {
            return Err(ERANGE.into());
        }
        set.set(0, &values, pid);
        return Ok(0);
    }
    if command == SETVAL {
        let value = u16::try_from(argument as i32).ok().filter(|value| i32::from(*value) <= semaphores::LARGEST);
        let value = value.ok_or(ERANGE)?;
        let index = index.ok_or(EINVAL)?;
        set.check(&caller, Access::Write)?;
        set.set(index, &[value], pid);
        return Ok(0);
    }
    set.check(&caller, Access::Read)?;
    let index = index.ok_or(EINVAL)?;
    let answer = match command {
        GETVAL => set.value(index).map(usize::from),
        GETPID => set.last_process(index).map(|pid| kernel().tasks.shown(pid) as usize),
        GETNCNT | GETZCNT => Some(set.waiters(index, command == GETZCNT)),
        _ => None,
    };
    Ok(answer.ok_or(EINVAL)?)
}

/// `shmget(2)`.
pub fn shmget(context: &mut Context<'_>, key: i32, size: u64, flags: u32) -> Outcome {
    const HUGETLB: u32 = 0o4000;
    memory::tidy();
    let segments = &kernel().ipc.segments;
    let pid = context.process().pid;
    let check = |segment: &Segment| if size > segment.size() { Err(EINVAL) } else { Ok(()) };
    let make = |owner| {
        if size == 0 || size > memory::MOST {
            return Err(EINVAL);
        }
        if flags & HUGETLB != 0 {
            // No huge pages are set aside: what Linux answers on a machine without any.
            return Err(ENOMEM);
        }
        if segments.all().len() as u64 >= memory::SEGMENTS {
            return Err(ENOSPC);
        }
        if size > GUEST_END {
            return Err(ENOMEM);
        }
        Segment::new(owner, size, pid)
    };
    Ok(segments.get(key, flags, &caller(context), check, make)? as usize)
}

const SHM_RDONLY: u32 = 0o10000;
const SHM_RND: u32 = 0o20000;
const SHM_REMAP: u32 = 0o40000;
const SHM_EXEC: u32 = 0o100000;

/// `shmat(2)`.
pub fn shmat(context: &mut Context<'_>, number: i32, address: UserAddr, flags: u32) -> Outcome {
    if number < 0 {
        return Err(EINVAL.into());
    }
    let mut at = address.0;
    if at == 0 && flags & SHM_REMAP != 0 {
        return Err(EINVAL.into());
    }
    if !at.is_multiple_of(PAGE_SIZE) {
        at = page_down(at);
        if flags & SHM_RND == 0 || at == 0 && flags & SHM_REMAP != 0 {
            return Err(EINVAL.into());
        }
    }
    let (mut bits, mut wanted) = (protection::READ | protection::WRITE, 0o666);
    if flags & SHM_RDONLY != 0 {
        (bits, wanted) = (protection::READ, 0o444);
    }
    if flags & SHM_EXEC != 0 {
        bits |= protection::EXEC;
        wanted |= 0o111;
    }
    memory::tidy();
    let segment = kernel().ipc.segments.find(number)?;
    segment.owner().check(&caller(context), wanted)?;
    let object = segment.object().ok_or(EINVAL)?;
    let len = page_up(segment.size()).ok_or(EINVAL)?;
    let space = context.process().space();
    let start = if address.0 == 0 { space.find(len)? } else { at };
    let range =
        GuestRange::new(start, len).map_err(|_| if start.checked_add(len).is_none() { EINVAL } else { ENOMEM })?;
    if address.0 != 0 {
        if flags & SHM_REMAP == 0 && !space.is_free(range) {
            return Err(EINVAL.into());
        }
        if start < GUEST_START {
            return Err(EPERM.into());
        }
    }
    super::memory::check_address_space(context, &space, range)?;
    let mut kept = RegionFlags::ATTACHED;
    kept.set(RegionFlags::READ_ONLY, flags & SHM_RDONLY != 0);
    kept.set(RegionFlags::LOCKED, space.lock_future.get());
    let region =
        Region { start, len, protection: bits, backing: Backing::Shared(object.clone(), 0, None), flags: kept };
    space.map(region.clone(), &Content::Object(object, 0, Sharing::Shared), 0)?;
    memory::note_attached(&[region], context.process().pid);
    Ok(start as usize)
}

/// `shmdt(2)`: what is left of the attachment that began at this address goes, wherever it was cut.
pub fn shmdt(context: &mut Context<'_>, address: UserAddr) -> Outcome {
    if !address.0.is_multiple_of(PAGE_SIZE) {
        return Err(EINVAL.into());
    }
    let space = context.process().space();
    let begins_there = |region: &Region| match &region.backing {
        Backing::Shared(object, offset, None)
            if region.flags.contains(RegionFlags::ATTACHED) && region.start >= address.0 =>
        {
            let (_, segment) = memory::of_object(object)?;
            (region.start - address.0 == *offset).then(|| (object.clone(), segment.size()))
        }
        _ => None,
    };
    let regions = space.regions();
    let (object, size) = regions.iter().find_map(begins_there).ok_or(EINVAL)?;
    let end = address.0.saturating_add(page_up(size).unwrap_or(size));
    for region in regions.iter().filter(|region| region.start >= address.0 && region.end() <= end) {
        let Backing::Shared(other, offset, None) = &region.backing else { continue };
        if Rc::ptr_eq(other, &object) && region.start - address.0 == *offset {
            space.unmap(GuestRange::new(region.start, region.len)?)?;
        }
    }
    Ok(0)
}

/// `shmctl(2)`.
pub fn shmctl(context: &mut Context<'_>, number: i32, command: i32, buffer: UserAddr) -> Outcome {
    const SHM_LOCK: i32 = 11;
    const SHM_UNLOCK: i32 = 12;
    const SHM_STAT: i32 = 13;
    const SHM_INFO: i32 = 14;
    const SHM_STAT_ANY: i32 = 15;
    const LIMIT_MEMLOCK: usize = 8;
    let segments = &kernel().ipc.segments;
    let caller = caller(context);
    if number < 0 || command < 0 {
        return Err(EINVAL.into());
    }
    memory::tidy();
    match command {
        IPC_INFO => {
            let words = [memory::MOST, 1, memory::SEGMENTS, memory::SEGMENTS, memory::MOST, 0, 0, 0, 0];
            copy_out(buffer, bytes_of(&words))?;
            Ok(segments.highest_place())
        }
        SHM_INFO => {
            let all = segments.all();
            let pages = all.iter().map(|(_, segment)| segment.pages()).sum();
            let resident = all.iter().map(|(_, segment)| segment.resident()).sum();
            copy_out(buffer, bytes_of(&[all.len() as u64, pages, resident, 0, 0, 0]))?;
            Ok(segments.highest_place())
        }
        SHM_STAT | SHM_STAT_ANY | IPC_STAT => {
            let (number, segment) = match command {
                IPC_STAT => (number, segments.find(number)?),
                _ => segments.at_place(number)?,
            };
            if command != SHM_STAT_ANY {
                segment.check(&caller, Access::Read)?;
            }
            copy_out(buffer, &segment.encode(number))?;
            Ok(if command == IPC_STAT { 0 } else { number as usize })
        }
        IPC_SET => {
            let mut bytes = [0; 112];
            copy_in(&mut bytes, buffer)?;
            let segment = segments.find(number)?;
            segment.owner().check_owner(&caller)?;
            let [uid, gid, mode] = read_owner(&bytes);
            segment.change(uid, gid, mode);
            Ok(0)
        }
        IPC_RMID => {
            let segment = segments.find(number)?;
            segment.owner().check_owner(&caller)?;
            segment.remove();
            memory::tidy();
            Ok(0)
        }
        SHM_LOCK | SHM_UNLOCK => {
            let segment = segments.find(number)?;
            if !caller.is_capable(CAP_IPC_LOCK) {
                segment.owner().check_is_owner(&caller)?;
                if command == SHM_LOCK && context.process().limits.borrow()[LIMIT_MEMLOCK].0 == 0 {
                    return Err(EPERM.into());
                }
            }
            segment.lock(command == SHM_LOCK);
            Ok(0)
        }
        _ => Err(EINVAL.into()),
    }
}
