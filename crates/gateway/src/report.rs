//! What `ps` shows: the answer on the control socket.

use serde::{Deserialize, Serialize};

/// What a gateway holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Its process.
    pub pid: u32,
    /// One a function.
    pub functions: Vec<ServiceReport>,
}

/// A served function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceReport {
    /// The function.
    pub name: String,
    /// Where it is served.
    pub address: String,
    /// How its instances are booted.
    pub boot: String,
    /// Connections that were handed to instances so far.
    pub connections: u64,
    /// Instances that ended before their connections did.
    pub early_ends: u64,
    /// The template, where there is one.
    pub template: Option<TemplateReport>,
    /// Zygotes that wait.
    pub zygotes: usize,
    /// Spares that wait.
    pub spares: usize,
    /// Descriptors and connections of the image, and their state after a boot; when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io: Option<Vec<IoReport>>,
    /// Running instances, oldest first.
    pub instances: Vec<InstanceReport>,
}

/// A descriptor or connection of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IoReport {
    /// Guest process.
    pub pid: u32,
    /// Number; none: held by the guest kernel only.
    pub fd: Option<u32>,
    /// What it is.
    pub kind: String,
    /// Path, address or number.
    pub name: String,
    /// `active`, `closed` or `not reconnected`.
    pub state: String,
}

/// A template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TemplateReport {
    /// Its host process.
    pub pid: Option<i32>,
    /// Mappings of its host process.
    pub mappings: Option<usize>,
    /// Its memory.
    pub pages: Option<Pages>,
}

/// A running instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Its number in this gateway.
    pub id: u64,
    /// Its host process.
    pub pid: Option<i32>,
    /// `serving` with a connection, else `idle`.
    pub state: String,
    /// Open connections.
    pub connections: usize,
    /// Since its boot was asked for.
    pub age_ms: u64,
    /// Its memory.
    pub pages: Option<Pages>,
}

/// Memory in pages of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    /// Written by it, shared with nobody: what it costs.
    pub private_dirty: u64,
    /// Not shared, not written.
    pub private_clean: u64,
    /// All it maps.
    pub resident: u64,
    /// Anonymous.
    pub anonymous: u64,
}

impl From<monitor::PageCounts> for Pages {
    fn from(counts: monitor::PageCounts) -> Self {
        Self {
            private_dirty: counts.private_dirty,
            private_clean: counts.private_clean,
            resident: counts.resident,
            anonymous: counts.anonymous,
        }
    }
}
