//! What `--syscall-stats` prints. A guest tells it about itself, so it is for people, not for decisions.

use abi::control::CallCount;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;

/// The counts of one instance, most frequent first.
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    calls: u64,
    fast: u64,
    trapped: u64,
    errors: u64,
    enosys: u64,
    /// The part of all calls that trapped.
    trapped_share: f64,
    by_name: Vec<Call>,
}

#[derive(Debug, Serialize)]
struct Call {
    name: String,
    calls: u64,
    fast: u64,
    trapped: u64,
    errors: u64,
    enosys: u64,
}

impl Stats {
    /// Of what an instance reported.
    pub fn new(counts: &[CallCount]) -> Self {
        let mut by_name: Vec<Call> = counts
            .iter()
            .map(|count| Call {
                name: String::from_utf8_lossy(&count.name).chars().filter(|c| !c.is_control()).collect(),
                calls: count.fast.saturating_add(count.trapped),
                fast: count.fast,
                trapped: count.trapped,
                errors: count.errors,
                enosys: count.absent,
            })
            .collect();
        by_name.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
        let sum = |of: fn(&Call) -> u64| by_name.iter().map(of).fold(0, u64::saturating_add);
        let (calls, trapped) = (sum(|call| call.calls), sum(|call| call.trapped));
        Self {
            calls,
            fast: sum(|call| call.fast),
            trapped,
            errors: sum(|call| call.errors),
            enosys: sum(|call| call.enosys),
            trapped_share: if calls == 0 { 0.0 } else { trapped as f64 / calls as f64 },
            by_name,
        }
    }

    /// Prints them to standard error.
    ///
    /// # Errors
    /// They can't be put into JSON.
    pub fn print(&self, json: bool) -> Result<()> {
        if json {
            eprintln!("{}", serde_json::to_string(self)?);
        } else {
            eprint!("{}", self.table());
        }
        Ok(())
    }

    /// A table, a line a call.
    fn table(&self) -> String {
        let mut text =
            format!("{:>10} {:>10} {:>10} {:>8} {:>8}  call\n", "calls", "fast", "trapped", "errors", "ENOSYS");
        let mut line = |calls, fast, trapped, errors, enosys, name: &str| {
            let _ = writeln!(text, "{calls:>10} {fast:>10} {trapped:>10} {errors:>8} {enosys:>8}  {name}");
        };
        for call in &self.by_name {
            line(call.calls, call.fast, call.trapped, call.errors, call.enosys, &call.name);
        }
        let share = format!("all; {:.2} % trapped", self.trapped_share * 100.0);
        line(self.calls, self.fast, self.trapped, self.errors, self.enosys, &share);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_call_comes_first() {
        let count =
            |name: &[u8], fast, trapped| CallCount { name: name.to_vec(), fast, trapped, ..CallCount::default() };
        let stats = Stats::new(&[count(b"a", 1, 1), count(b"b\x1b[2J", 7, 1)]);
        assert_eq!((stats.calls, stats.trapped, stats.trapped_share), (10, 2, 0.2));
        assert_eq!(stats.by_name[0].name, "b[2J");
        assert!(stats.table().ends_with("all; 20.00 % trapped\n"));
    }

    #[test]
    fn nothing_is_no_division_by_nothing() {
        assert_eq!(Stats::new(&[]).trapped_share, 0.0);
    }
}
