//! The monitor: what all functions of this process share.

use crate::error::{Result, at};
use crate::function::{Function, FunctionSpec};
use crate::tree::{Helper, Spawner};
use crate::{filter, kernel_image};
use abi::control::Instance as Identity;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Pids that instances of images see go from here ...
const FIRST_PID: u32 = 1000;
/// ... to here and round again.
const LAST_PID: u32 = 4_000_000;

/// How the monitor starts its helpers.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// Becomes keepers: must call [`crate::keeper::main`].
    pub keeper: Helper,
    /// Becomes file servers: must call `fileserver::main`.
    pub file_server: Helper,
    /// User and group on the host that sandboxes have when the monitor is root's.
    pub unprivileged: (u32, u32),
}

impl Default for MonitorOptions {
    /// This very program with `__keeper` or `__fileserver` as its argument; user and group 65534.
    fn default() -> Self {
        Self { keeper: Helper::own("__keeper"), file_server: Helper::own("__fileserver"), unprivileged: (65534, 65534) }
    }
}

/// One for a process. Everything it started ends with it and its functions.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<MonitorInner>);

#[derive(Debug)]
pub(crate) struct MonitorInner {
    pub(crate) options: MonitorOptions,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) kernel: OwnedFd,
    pub(crate) filter: Vec<u8>,
    generation: AtomicU64,
    pid: AtomicU32,
}

impl MonitorInner {
    /// Generation and pid for one more instance.
    pub(crate) fn identity(&self) -> Identity {
        let generation = loop {
            match self.generation.fetch_add(1, Ordering::Relaxed) {
                0 => {}
                generation => break generation,
            }
        };
        let pid = FIRST_PID + self.pid.fetch_add(1, Ordering::Relaxed) % (LAST_PID - FIRST_PID);
        Identity { generation, pid, spare: false, populate: false, crowd: false, syscall_stats: false }
    }
}

impl Monitor {
    /// Compiles the filter, seals the guest kernel into a memory file, and starts the thread that owns helpers.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn new(options: MonitorOptions) -> Result<Self> {
        let filter = filter::program(abi::hostcalls::TABLE, kernel_image::TEXT_START..kernel_image::TEXT_END)?;
        let spawner =
            Spawner::new().map_err(|source| crate::Error::KeeperStart { program: "(thread)".into(), source })?;
        // From a random start, so that instances of two monitors differ, too.
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(at("getrandom"))?;
        Ok(Self(Arc::new(MonitorInner {
            options,
            spawner,
            kernel: kernel_image::sealed_memfd()?,
            filter,
            generation: AtomicU64::new(u64::from_ne_bytes(random)),
            pid: AtomicU32::new(0),
        })))
    }

    #[cfg(test)]
    pub(crate) fn inner(&self) -> Arc<MonitorInner> {
        Arc::clone(&self.0)
    }

    /// Makes the process tree of a function: jail, keeper, nursery, file server. Everything that is expensive
    /// happens here, nothing of it in a boot.
    ///
    /// # Errors
    /// When the jail can't be built, with what to do about it.
    pub fn sandbox_class(&self, spec: FunctionSpec) -> Result<Function> {
        Function::start(Arc::clone(&self.0), spec)
    }
}

/// BLAKE3 of the guest kernel that is built in: images are made for exactly one.
pub fn kernel_build() -> &'static [u8; 32] {
    &kernel_image::BUILD_ID
}

/// The guest kernel that is built in, an ELF executable: for symbolising its addresses.
pub fn kernel_elf() -> &'static [u8] {
    kernel_image::ELF
}
