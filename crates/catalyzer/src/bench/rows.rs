//! The rows of a benchmark: what is measured, how often, and what came out.

use super::stats::Samples;
use gateway::BootKind;

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One of our boots.
    Boot(BootKind),
    /// The program started natively.
    NativeSpawn,
    /// An unsandboxed interpreter that forks.
    ForkServer,
    /// A bare process cloned.
    BareClone,
    /// A bare process woken.
    BareWake,
}

impl Subject {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boot(kind) => kind.name(),
            Self::NativeSpawn => "native-spawn",
            Self::ForkServer => "fork-server",
            Self::BareClone => "bare-clone",
            Self::BareWake => "bare-wake",
        }
    }
}

/// One measurement, microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// To the end of the boot.
    pub boot_us: Option<f64>,
    /// To the first byte of the response.
    pub first_response_us: Option<f64>,
}

/// A row being measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it measures.
    pub subject: Subject,
    /// Boots.
    pub boot: Samples,
    /// First responses.
    pub first_response: Samples,
    /// Measurements that gave no correct response.
    pub failures: usize,
    /// Why the last of them failed.
    pub last_failure: Option<String>,
    /// Measure in every round whose number this divides.
    every: usize,
}

/// What takes longer than this is measured in fewer rounds.
const LONG_US: f64 = 100_000.0;
/// How many fewer.
const SPARSE: usize = 10;
/// Failures after which a row is given up.
const MAX_FAILURES: usize = 10;

impl Row {
    /// An empty row.
    pub fn new(subject: Subject) -> Self {
        let (boot, first_response) = (Samples::default(), Samples::default());
        Self { subject, boot, first_response, failures: 0, last_failure: None, every: 1 }
    }

    /// Whether it is measured in this round.
    pub fn takes_part(&self, round: usize) -> bool {
        round.is_multiple_of(self.every) && self.failures < MAX_FAILURES
    }

    /// Adds what a round gave.
    pub fn add(&mut self, outcome: anyhow::Result<Measured>) {
        match outcome {
            Ok(measured) => {
                self.boot.extend(measured.boot_us);
                self.first_response.extend(measured.first_response_us);
                let longest = self.boot.percentile(50.0).max(self.first_response.percentile(50.0));
                self.every = if longest > LONG_US { SPARSE } else { 1 };
            }
            Err(error) => {
                self.failures += 1;
                self.last_failure = Some(format!("{error:#}"));
            }
        }
    }

    /// How many measurements there are.
    pub fn runs(&self) -> usize {
        self.boot.len().max(self.first_response.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(us: f64) -> anyhow::Result<Measured> {
        Ok(Measured { boot_us: None, first_response_us: Some(us) })
    }

    #[test]
    fn slow_rows_take_part_less_often() {
        let mut row = Row::new(Subject::NativeSpawn);
        row.add(first(60_000.0));
        assert!(row.takes_part(1));
        row.add(first(150_000.0));
        row.add(first(150_000.0));
        assert_eq!((0..100).filter(|round| row.takes_part(*round)).count(), 10);
    }

    #[test]
    fn a_row_that_only_fails_is_given_up() {
        let mut row = Row::new(Subject::ForkServer);
        (0..MAX_FAILURES).for_each(|_| row.add(Err(anyhow::anyhow!("no"))));
        assert!(!row.takes_part(0));
        assert_eq!((row.runs(), row.last_failure.as_deref()), (0, Some("no")));
    }
}
