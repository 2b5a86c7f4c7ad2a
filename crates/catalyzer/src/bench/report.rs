//! What `bench` and `demo` print: JSON as the interface fixes it, or a table for people.

use super::stats::Summary;
use serde::Serialize;
use std::fs;

/// The host a report comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Processors that may be used.
    pub cores: usize,
    /// Kernel release.
    pub kernel: String,
}

impl Machine {
    /// This host.
    pub fn of_this_host() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
        Self {
            cpu: model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: crate::doctor::kernel_release(),
        }
    }
}

/// All of one function's measurements.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where they were made.
    pub machine: Machine,
    /// The function's name.
    pub function: String,
    /// Bytes the image takes on disk.
    pub image_bytes: u64,
    /// Our boots.
    pub results: Vec<BootRow>,
    /// What they are compared with.
    pub floors: Vec<FloorRow>,
    /// Single operations (`--micro`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro: Option<Vec<super::micro::Row>>,
}

/// Single operations without a function.
#[derive(Clone, Debug, Serialize)]
pub struct MicroReport<'a> {
    /// Where they were measured.
    pub machine: Machine,
    /// The operations.
    pub micro: &'a [super::micro::Row],
}

impl Report {
    /// Whether every boot gave a correct response, and there was one of each kind.
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(|row| row.failures == 0 && row.runs > 0)
    }
}

/// One kind of boot.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BootRow {
    /// `scratch`, `cold`, `warm`, `fork`, `spare`.
    pub boot: String,
    /// How many boots were measured.
    pub runs: usize,
    /// How many were asked for at once, when not one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Asked for to the guest's return to user code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_us: Option<Summary>,
    /// Mean of the boots that were asked for at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_mean_us: Option<f64>,
    /// Asked for to the first byte of a correct response.
    pub first_response_us: Option<Summary>,
    /// Private pages of an instance at rest, before any connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_pages: Option<Pages>,
    /// Mappings of the host process at rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_mappings: Option<u64>,
    /// Boots that gave no correct response.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: usize,
    /// Where the time went (`--breakdown`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Vec<Step>>,
    /// The share of the boot that the steps explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounted: Option<f64>,
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A count of pages.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pages {
    /// Median.
    pub p50: f64,
}

/// A step of a boot.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub step: &'static str,
    /// Median time.
    pub p50_us: f64,
    /// Median of page faults of other boots, watched by the host's counter; none where it is not permitted.
    pub faults: Option<f64>,
    /// Median of mappings made.
    pub mappings: f64,
    /// Median of hostcalls.
    pub host_calls: f64,
}

/// Something ours is compared with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FloorRow {
    /// `native-spawn`, `bare-clone`, `bare-wake`, `fork-server`.
    pub name: &'static str,
    /// How many measurements.
    pub runs: usize,
    /// To the first instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_us: Option<Summary>,
    /// To the first byte of a response, or to the end of the copied pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_response_us: Option<Summary>,
    /// Private pages of the program at rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_pages: Option<Pages>,
    /// Mappings that the bare process held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mappings: Option<usize>,
    /// Pages the bare child copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<usize>,
    /// Flags of its `clone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
    /// What could not be as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
