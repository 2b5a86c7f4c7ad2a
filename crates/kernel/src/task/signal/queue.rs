//! What is pending: a set of signals, and what is known of each of them.

use super::Signal;
use crate::heap::guest_word::ByteBox;
use alloc::collections::VecDeque;
use core::cell::RefCell;

/// Bytes of `siginfo_t`.
pub const INFO_SIZE: usize = 128;

/// `siginfo_t`. Its alignment is 1, so that queues of it lie in the byte arena.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Info([u8; INFO_SIZE]);

/// `SI_USER`: sent by `kill`.
pub const SI_USER: i32 = 0;
/// `SI_KERNEL`: sent by the kernel.
pub const SI_KERNEL: i32 = 0x80;
/// `SI_QUEUE`: sent by `sigqueue`.
pub const SI_QUEUE: i32 = -1;
/// `SI_TIMER`: sent by a POSIX timer.
pub const SI_TIMER: i32 = -2;
/// `SI_MESGQ`: a message arrived in an empty queue.
pub const SI_MESGQ: i32 = -3;
/// `SI_TKILL`: sent by `tgkill`.
pub const SI_TKILL: i32 = -6;

impl Info {
    /// Signal and code; the rest is zero.
    pub fn new(signal: Signal, code: i32) -> Self {
        let mut info = Self([0; INFO_SIZE]);
        info.put(0, i32::from(signal.0));
        info.put(8, code);
        info
    }

    /// Sent by a process (`si_pid`, `si_uid`).
    pub fn from_sender(signal: Signal, code: i32, pid: u32, uid: u32) -> Self {
        let mut info = Self::new(signal, code);
        info.put(16, pid as i32);
        info.put(20, uid as i32);
        info
    }

    /// A child ended, stopped or went on (`si_pid`, `si_uid`, `si_status`).
    pub fn from_child(signal: Signal, code: i32, pid: u32, uid: u32, status: i32) -> Self {
        let mut info = Self::from_sender(signal, code, pid, uid);
        info.put(24, status);
        info
    }

    /// Sent by a process with a value of the guest's (`si_value`).
    pub fn with_value(mut self, value: u64) -> Self {
        self.0[24..32].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// A filter refused a call (`si_call_addr`, `si_syscall`, `si_arch`).
    pub fn from_filter(told: u16, address: u64, number: i32, architecture: u32) -> Self {
        const SYS_SECCOMP: i32 = 1;
        let mut info = Self::new(Signal::SYS, SYS_SECCOMP);
        info.put(4, told.into());
        info.0[16..24].copy_from_slice(&address.to_ne_bytes());
        info.put(24, number);
        info.put(28, architecture.cast_signed());
        info
    }

    /// A descriptor became ready (`si_band`, `si_fd`).
    pub fn from_poll(signal: Signal, code: i32, band: u64, fd: i32) -> Self {
        let mut info = Self::new(signal, code);
        info.0[16..24].copy_from_slice(&band.to_ne_bytes());
        info.put(24, fd);
        info
    }

    /// A fault at an address (`si_addr`).
    pub fn from_fault(signal: Signal, code: i32, address: u64) -> Self {
        let mut info = Self::new(signal, code);
        info.0[16..24].copy_from_slice(&address.to_ne_bytes());
        info
    }

    /// A timer expired (`si_timerid`, `si_overrun`, `si_value`).
    pub fn from_timer(signal: Signal, timer: i32, overrun: i32, value: u64) -> Self {
        let mut info = Self::new(signal, SI_TIMER);
        info.put(16, timer);
        info.put(20, overrun);
        info.0[24..32].copy_from_slice(&value.to_ne_bytes());
        info
    }

    /// From the guest's bytes; the number is the kernel's, and so is the last byte (padding in all of Linux's forms).
    pub fn from_guest(signal: Signal, bytes: [u8; INFO_SIZE]) -> Self {
        let mut info = Self(bytes);
        info.put(0, i32::from(signal.0));
        info.0[INFO_SIZE - 1] = 0;
        info
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        Signal(self.0[0])
    }

    /// `si_code`.
    pub fn code(&self) -> i32 {
        self.get(8)
    }

    /// A field of 32 bits by its offset in the structure.
    pub fn get(&self, offset: usize) -> i32 {
        i32::from_ne_bytes([self.0[offset], self.0[offset + 1], self.0[offset + 2], self.0[offset + 3]])
    }

    /// A field of 64 bits by its offset in the structure.
    pub fn get_word(&self, offset: usize) -> u64 {
        crate::user_memory::from_bytes(&self.0[offset..offset + 8])
    }

    fn put(&mut self, offset: usize, value: i32) {
        self.0[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// Whether it lay in the queue; one that did not fit is known by its bit only.
    pub fn is_queued(&self) -> bool {
        self.0[INFO_SIZE - 1] != 0
    }

    fn mark_queued(&mut self) {
        self.0[INFO_SIZE - 1] = 1;
    }

    /// As the guest sees it, without the kernel's mark.
    pub fn for_guest(&self) -> [u8; INFO_SIZE] {
        let mut bytes = self.0;
        bytes[INFO_SIZE - 1] = 0;
        bytes
    }
}

/// Pending signals of a thread or a process.
#[derive(Default)]
pub struct Queue {
    set: RefCell<ByteBox<u64>>,
    entries: RefCell<VecDeque<Info>>,
}

impl Queue {
    /// The pending signals.
    pub fn set(&self) -> u64 {
        self.set.borrow().load()
    }

    /// Appends; with its information when there is room.
    pub fn push(&self, mut info: Info, room: bool) {
        self.set.borrow_mut().update(|set| *set |= info.signal().bit());
        if room {
            info.mark_queued();
            self.entries.borrow_mut().push_back(info);
        }
    }

    /// Takes the first entry of a pending signal.
    pub fn take(&self, signal: Signal) -> Info {
        let mut entries = self.entries.borrow_mut();
        let place = entries.iter().position(|info| info.signal() == signal);
        let info = place.and_then(|place| entries.remove(place));
        if !entries.iter().any(|info| info.signal() == signal) {
            self.set.borrow_mut().update(|set| *set &= !signal.bit());
        }
        info.unwrap_or_else(|| Info::new(signal, SI_USER))
    }

    /// Moves everything to another queue, which is empty.
    pub fn move_to(&self, other: &Self) {
        other.set.borrow_mut().update(|set| *set = self.set());
        self.set.borrow_mut().update(|set| *set = 0);
        *other.entries.borrow_mut() = self.entries.take();
    }

    /// Drops all entries of some signals; answers how many were queued.
    pub fn discard(&self, set: u64) -> u32 {
        if self.set() & set == 0 {
            return 0;
        }
        self.set.borrow_mut().update(|pending| *pending &= !set);
        let mut entries = self.entries.borrow_mut();
        let before = entries.len();
        entries.retain(|info| info.signal().bit() & set == 0);
        (before - entries.len()) as u32
    }

    /// Adds to the overrun of a timer's signal that is still queued; answers whether there is one.
    pub fn add_overrun(&self, timer: i32, count: u64) -> bool {
        let mut entries = self.entries.borrow_mut();
        let Some(info) = entries.iter_mut().find(|info| info.code() == SI_TIMER && info.get(16) == timer) else {
            return false;
        };
        let overrun = i64::from(info.get(20)).saturating_add_unsigned(count).min(i64::from(i32::MAX));
        info.put(20, overrun as i32);
        true
    }

    /// Drops the signals of a timer.
    pub fn discard_timer(&self, timer: i32) -> u32 {
        let mut entries = self.entries.borrow_mut();
        let before = entries.len();
        entries.retain(|info| info.code() != SI_TIMER || info.get(16) != timer);
        let left = entries.iter().fold(0, |set, info| set | info.signal().bit());
        if before != entries.len() {
            self.set.borrow_mut().update(|set| *set &= left);
        }
        (before - entries.len()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_signals_keep_order_and_values() {
        let queue = Queue::default();
        for timer in 1..4 {
            queue.push(Info::from_timer(Signal(40), timer, 0, timer as u64 * 10), true);
        }
        queue.push(Info::new(Signal(35), SI_QUEUE), true);
        assert_eq!(Signal::first_of(queue.set()), Some(Signal(35)));
        queue.take(Signal(35));
        let values: alloc::vec::Vec<_> = (0..3).map(|_| queue.take(Signal(40)).get_word(24)).collect();
        assert_eq!(values, [10, 20, 30]);
        assert_eq!(queue.set(), 0);
    }

    #[test]
    fn faults_come_first() {
        assert_eq!(Signal::first_of(Signal::HUP.bit() | Signal::SEGV.bit()), Some(Signal::SEGV));
        assert_eq!(Signal::first_of(0), None);
    }

    #[test]
    fn signal_without_room_is_known_by_its_bit() {
        let queue = Queue::default();
        queue.push(Info::from_sender(Signal::USR1, SI_QUEUE, 7, 8), false);
        let info = queue.take(Signal::USR1);
        assert!(!info.is_queued());
        assert_eq!(info.code(), SI_USER);
        assert_eq!(queue.set(), 0);
    }

    #[test]
    fn overrun_is_added_while_the_signal_is_queued() {
        let queue = Queue::default();
        queue.push(Info::from_timer(Signal::ALRM, 5, 0, 1), true);
        assert!(queue.add_overrun(5, 3));
        assert!(!queue.add_overrun(6, 3));
        assert_eq!(queue.take(Signal::ALRM).get(20), 3);
        assert!(!queue.add_overrun(5, 1));
    }

    #[test]
    fn discarding_counts_what_was_queued() {
        let queue = Queue::default();
        queue.push(Info::new(Signal::TSTP, 0), true);
        queue.push(Info::new(Signal(50), 0), true);
        queue.push(Info::new(Signal(50), 0), true);
        assert_eq!(queue.discard(Signal(50).bit()), 2);
        assert_eq!(queue.set(), Signal::TSTP.bit());
    }
}
