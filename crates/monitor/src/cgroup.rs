//! A control group for each function with a limit, where the host permits: under the monitor's own group, in
//! version 1 hierarchies and in version 2.
//!
//! The function's first process joins before it does anything else and everything inherits; nothing is ever
//! moved on a boot path (a move takes milliseconds and stalls every fork on the host).

use crate::error::Result;
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Length of the period in which processor time is counted, µs.
const PERIOD_US: u64 = 100_000;

/// Limits of all sandboxes of a function together. What is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassLimits {
    /// Memory with the page cache that the function brought in, bytes.
    pub memory: Option<u64>,
    /// Processor time in thousandths of a CPU.
    pub cpus_milli: Option<u32>,
    /// Host processes and threads.
    pub pids: Option<u32>,
}

/// The group of one function; removed on drop, which is after its last process.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directories: Vec<PathBuf>,
    procs: Vec<OwnedFd>,
    /// Where kills for lack of memory are counted.
    oom: Option<PathBuf>,
}

/// Where a controller of our own group lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    directory: PathBuf,
    unified: bool,
}

impl Cgroup {
    /// A new group, or `None` without limits or where the host does not permit it, which is said once.
    pub(crate) fn create(limits: &ClassLimits) -> Option<Self> {
        static SAID: Once = Once::new();
        if *limits == ClassLimits::default() {
            return None;
        }
        match Self::try_create(limits) {
            Ok(group) => Some(group),
            Err(error) => {
                SAID.call_once(|| {
                    log::warn!("no cgroup limits here ({error}); memory and time are limited by other means");
                });
                None
            }
        }
    }

    fn try_create(limits: &ClassLimits) -> io::Result<Self> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let mut places =
            places(&std::fs::read_to_string("/proc/self/cgroup")?, &std::fs::read_to_string("/proc/self/mountinfo")?);
        let wanted = [
            ("memory", limits.memory.is_some()),
            ("pids", limits.pids.is_some()),
            ("cpu", limits.cpus_milli.is_some()),
        ];
        settle(&mut places, wanted.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| *name))?;
        let name = format!("catalyzer-{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        let mut group = Self { directories: Vec::new(), procs: Vec::new(), oom: None };
        if let Some(bytes) = limits.memory {
            let (directory, unified) = group.enter(&places, "memory", &name)?;
            let file = if unified { "memory.max" } else { "memory.limit_in_bytes" };
            std::fs::write(directory.join(file), bytes.to_string())?;
            group.oom = Some(directory.join(if unified { "memory.events" } else { "memory.oom_control" }));
        }
        if let Some(pids) = limits.pids {
            let (directory, _) = group.enter(&places, "pids", &name)?;
            std::fs::write(directory.join("pids.max"), pids.to_string())?;
        }
        if let Some(cpus) = limits.cpus_milli {
            let (directory, unified) = group.enter(&places, "cpu", &name)?;
            let quota = (u64::from(cpus) * PERIOD_US / 1000).max(1000);
            if unified {
                std::fs::write(directory.join("cpu.max"), format!("{quota} {PERIOD_US}"))?;
            } else {
                std::fs::write(directory.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
                std::fs::write(directory.join("cpu.cfs_quota_us"), quota.to_string())?;
            }
        }
        Ok(group)
    }

    /// Makes the group's directory in the hierarchy of a controller, once for each hierarchy.
    fn enter(&mut self, places: &BTreeMap<String, Place>, controller: &str, name: &str) -> io::Result<(PathBuf, bool)> {
        let place = places.get(controller);
        let place = place.ok_or_else(|| io::Error::other(format!("the host has no {controller} controller for us")))?;
        let directory = place.directory.join(name);
        if self.directories.contains(&directory) {
            return Ok((directory, place.unified));
        }
        remove_stale(&place.directory);
        std::fs::create_dir(&directory)?;
        self.directories.push(directory.clone());
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        self.procs.push(rustix::fs::open(directory.join("cgroup.procs"), flags, Mode::empty())?);
        Ok((directory, place.unified))
    }

    /// The files that a process writes itself into to join.
    pub(crate) fn procs(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.procs.iter().map(AsFd::as_fd)
    }

    /// How many processes were killed for lack of memory.
    pub(crate) fn oom_kills(&self) -> u64 {
        let text = self.oom.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for directory in &self.directories {
            // A process that has been reaped may still be counted for a moment.
            for _ in 0..50 {
                match std::fs::remove_dir(directory) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Version 2 lets a group with processes, such as ours, have no groups with controllers below it (the root apart),
/// so the new group may have to lie beside ours. Decides where, for all wanted controllers at once: a process is in
/// one group only.
fn settle<'a>(places: &mut BTreeMap<String, Place>, wanted: impl Iterator<Item = &'a str> + Clone) -> io::Result<()> {
    let unified: Vec<&str> = wanted.filter(|name| places.get(*name).is_some_and(|place| place.unified)).collect();
    let Some(own) = unified.first().and_then(|name| places.get(*name)).map(|place| place.directory.clone()) else {
        return Ok(());
    };
    let enable = |directory: &Path| {
        let control = directory.join("cgroup.subtree_control");
        let enabled = std::fs::read_to_string(&control)?;
        for name in &unified {
            if !enabled.split_ascii_whitespace().any(|enabled| enabled == *name) {
                std::fs::write(&control, format!("+{name}"))?;
            }
        }
        Ok(())
    };
    let home = match (enable(&own), own.parent()) {
        (Ok(()), _) => own,
        (Err(_), Some(parent)) if enable(parent).is_ok() => parent.to_owned(),
        (Err(error), _) => return Err(error),
    };
    for place in places.values_mut().filter(|place| place.unified) {
        place.directory.clone_from(&home);
    }
    Ok(())
}

/// Removes what monitors left that were killed: groups named after a process that is no more. Others refuse.
fn remove_stale(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix("catalyzer-")?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// Directory of our own group for each controller, from `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn places(own: &str, mounts: &str) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let ([_, _, _, root, mount, ..], [kind, _, options]) = (left.as_slice(), right.as_slice()) else { continue };
        let unified = *kind == "cgroup2";
        if !unified && *kind != "cgroup" {
            continue;
        }
        for group in own.lines() {
            let mut parts = group.splitn(3, ':');
            let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let here = if unified {
                number == "0"
            } else {
                !controllers.is_empty()
                    && controllers.split(',').all(|name| options.split(',').any(|option| option == name))
            };
            // What is mounted may be a part of the hierarchy.
            let Some(path) = (if *root == "/" { Some(path) } else { path.strip_prefix(root) }).filter(|_| here) else {
                continue;
            };
            let directory = Path::new(mount).join(path.trim_start_matches('/'));
            let available = std::fs::read_to_string(directory.join("cgroup.controllers")).unwrap_or_default();
            let names: Vec<&str> =
                if unified { available.split_ascii_whitespace().collect() } else { controllers.split(',').collect() };
            for name in names {
                places.insert(name.to_owned(), Place { directory: directory.clone(), unified });
            }
        }
    }
    places
}

/// Whether the host lets the caller limit these together, or what stands in the way: for `doctor`.
///
/// # Errors
/// A sentence's worth of reason.
pub fn probe_cgroups() -> Result<()> {
    let limits = ClassLimits { memory: Some(1 << 30), cpus_milli: Some(1000), pids: Some(64) };
    Cgroup::try_create(&limits).map(drop).map_err(|error| crate::Error::Invalid(format!("no cgroup limits: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_is_found_in_version_1_hierarchies() {
        let own = "9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/\n";
        let mounts = "30 25 0:26 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
                      31 25 0:27 /a /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
                      32 25 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n";
        let places = places(own, mounts);
        let directory = |name: &str| places[name].directory.to_str().expect("text").to_owned();
        assert_eq!(directory("pids"), "/sys/fs/cgroup/pids/");
        assert_eq!(directory("memory"), "/sys/fs/cgroup/memory/b");
        assert_eq!(directory("cpu"), "/sys/fs/cgroup/cpu/c");
    }

    #[test]
    fn a_version_2_group_lies_where_its_controllers_can_be() {
        let root = tempfile::tempdir().expect("directory");
        let own = root.path().join("slice/own");
        std::fs::create_dir_all(&own).expect("directories");
        let place = Place { directory: own.clone(), unified: true };
        let mut places: BTreeMap<_, _> = ["memory", "pids"].map(|name| (name.to_owned(), place.clone())).into();
        // Ours refuses (here: for want of the file), its parent has one controller already and takes the other.
        assert!(settle(&mut places, ["memory"].into_iter()).is_err());
        let control = own.with_file_name("cgroup.subtree_control");
        std::fs::write(&control, "memory\n").expect("file");
        settle(&mut places, ["memory", "pids", "cpu"].into_iter()).expect("beside ours");
        assert_eq!(std::fs::read_to_string(control).expect("file"), "+pids");
        assert!(places.values().all(|place| place.directory == root.path().join("slice")));
    }

    #[test]
    fn without_limits_there_is_no_group() {
        assert!(Cgroup::create(&ClassLimits::default()).is_none());
    }

    #[test]
    fn a_group_is_gone_when_dropped() {
        let limits = ClassLimits { memory: Some(64 << 20), pids: Some(10), cpus_milli: Some(500) };
        // Only where the host permits.
        if let Ok(group) = Cgroup::try_create(&limits) {
            let directories = group.directories.clone();
            assert!(directories.iter().all(|directory| directory.exists()));
            drop(group);
            assert!(!directories.iter().any(|directory| directory.exists()));
        }
    }
}
