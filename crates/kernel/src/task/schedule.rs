//! What a thread asked of the scheduler: policy, priority, nice value, processors. Kept in the books; the host decides
//! what runs where and when.

use super::{Process, Thread};
use crate::heap::guest_word::ByteBox;
use alloc::vec::Vec;

/// `SCHED_OTHER`.
pub const OTHER: u32 = 0;
/// `SCHED_FIFO`.
pub const FIFO: u32 = 1;
/// `SCHED_RR`.
pub const RR: u32 = 2;
/// `SCHED_BATCH`.
pub const BATCH: u32 = 3;
/// `SCHED_IDLE`.
pub const IDLE: u32 = 5;
/// `SCHED_DEADLINE`.
pub const DEADLINE: u32 = 6;

/// `PR_SET_TIMERSLACK` of the first thread, ns.
const TIMER_SLACK_NS: u64 = 50_000;

/// See the module documentation.
#[derive(Clone)]
pub struct Schedule {
    /// `SCHED_*`.
    pub policy: u32,
    /// Of a real-time policy.
    pub priority: u32,
    /// -20 to 19.
    pub nice: i32,
    /// `SCHED_RESET_ON_FORK`.
    pub reset_on_fork: bool,
    /// `ioprio_set(2)`.
    pub io_priority: u16,
    /// Run time, deadline and period of `SCHED_DEADLINE`.
    pub deadline: ByteBox<[u64; 3]>,
    /// Processors as bits; empty: all.
    pub affinity: Vec<u8>,
    /// Timer slack, and its default.
    pub slack: ByteBox<[u64; 2]>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            policy: OTHER,
            priority: 0,
            nice: 0,
            reset_on_fork: false,
            io_priority: 0,
            deadline: ByteBox::default(),
            affinity: Vec::new(),
            slack: ByteBox::new([TIMER_SLACK_NS; 2]),
        }
    }
}

impl Schedule {
    /// Whether the policy is a real-time one.
    pub fn is_real_time(&self) -> bool {
        matches!(self.policy, FIFO | RR)
    }

    /// What a thread that this one makes begins with.
    #[must_use]
    pub fn of_child(&self) -> Self {
        let mut child = self.clone();
        let [slack, _] = self.slack.load();
        child.slack.store([slack; 2]);
        if self.reset_on_fork {
            let urgent = self.is_real_time() || self.policy == DEADLINE;
            child.policy = if urgent { OTHER } else { self.policy };
            child.priority = 0;
            child.nice = if urgent { 0 } else { self.nice.max(0) };
            child.reset_on_fork = false;
        }
        child
    }

    /// Sets policy and priority. A real-time thread's timers have no slack.
    pub fn set_policy(&mut self, policy: u32, priority: u32) {
        (self.policy, self.priority) = (policy, priority);
        let [slack, default] = self.slack.load();
        if self.is_real_time() || policy == DEADLINE {
            self.slack.store([0, default]);
        } else if slack == 0 {
            self.slack.store([default; 2]);
        }
    }

    /// Whether it may run on a processor.
    pub fn allows(&self, processor: usize) -> bool {
        self.affinity.is_empty()
            || self.affinity.get(processor / 8).is_some_and(|byte| byte >> (processor % 8) & 1 != 0)
    }
}

/// The threads of a process.
pub fn threads_of(process: &Process) -> Vec<alloc::rc::Rc<Thread>> {
    process.threads.borrow().values().cloned().collect()
}
