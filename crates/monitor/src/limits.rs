//! Limits of a function and of what a sandbox may make the monitor do.

use std::time::{Duration, Instant};

/// Limits of one instance. What is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory of its own, bytes.
    pub memory: Option<u64>,
    /// Processor time in thousandths of a CPU.
    pub cpus_milli: Option<u32>,
    /// Threads and processes.
    pub pids: Option<u32>,
    /// Wall time from the first connection, or from the start of a program without a port.
    pub timeout: Option<Duration>,
}

/// A budget that refills steadily.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    level: u64,
    burst: u64,
    per_second: u64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(burst: u64, per_second: u64, now: Instant) -> Self {
        Self { level: burst, burst, per_second, filled: now }
    }

    /// Takes `amount` out, or nothing when there is less.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) -> bool {
        let passed = u64::try_from(now.saturating_duration_since(self.filled).as_micros()).unwrap_or(u64::MAX);
        let refill = passed.saturating_mul(self.per_second) / 1_000_000;
        if refill > 0 {
            self.level = self.level.saturating_add(refill).min(self.burst);
            self.filled = now;
        }
        match self.level.checked_sub(amount) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 5, start);
        assert!(bucket.take(10, start));
        assert!(!bucket.take(1, start));
        assert!(!bucket.take(6, start + Duration::from_secs(1)));
        assert!(bucket.take(5, start + Duration::from_secs(1)));
        assert!(!bucket.take(11, start + Duration::from_secs(1000)));
        assert!(bucket.take(10, start + Duration::from_secs(1000)));
    }
}
