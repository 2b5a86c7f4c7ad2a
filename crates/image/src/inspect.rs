//! What `catalyzer image inspect` shows.

use crate::check;
use crate::error::Result;
use crate::open::Image;
use crate::sparse::stored;
use abi::dump::{IoEntry, IoState};
use abi::image::{RegionKind, SectionKind};
use serde::Serialize;
use std::os::unix::fs::MetadataExt;

/// An image at a glance. Texts that came from the guest have their control characters escaped.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Where it was opened.
    pub path: String,
    /// Format version.
    pub version: u32,
    /// Name of the function.
    pub function: Option<String>,
    /// BLAKE3 of the function's configuration.
    pub function_digest: String,
    /// BLAKE3 of the guest kernel that made it.
    pub kernel_build: String,
    /// Length of the file, bytes.
    pub file_len: u64,
    /// What the file takes on the disk, bytes.
    pub allocated: u64,
    /// Base of the kernel heap when it was dumped.
    pub heap_base: u64,
    /// Words of the kernel heap that point into it.
    pub heap_pointers: u64,
    /// Words of the kernel heap that point into the guest kernel.
    pub kernel_pointers: u64,
    /// Guest `CLOCK_MONOTONIC` at the dump, ns.
    pub monotonic_ns: u64,
    /// Host mappings that a boot makes of it: one a region of the first address space, one for threads and kernel heap.
    pub host_mappings: usize,
    /// Pages of the working set.
    pub working_set: usize,
    /// The sections in the file's order.
    pub sections: Vec<SectionInfo>,
    /// Sums over the regions by kind and protection.
    pub totals: Vec<Total>,
    /// The regions.
    pub regions: Vec<RegionInfo>,
    /// The threads.
    pub threads: Vec<ThreadInfo>,
    /// Descriptors and connections.
    pub descriptors: Vec<DescriptorInfo>,
    /// Lower files that the state depends on.
    pub lower_files: Vec<String>,
}

/// A section.
#[derive(Clone, Debug, Serialize)]
pub struct SectionInfo {
    /// Its name.
    pub name: &'static str,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Length, bytes.
    pub len: u64,
    /// Bytes of it that are not holes of the file.
    pub stored: u64,
    /// BLAKE3.
    pub digest: String,
}

/// A region.
#[derive(Clone, Debug, Serialize)]
pub struct RegionInfo {
    /// Number of its address space; a boot maps those of 0.
    pub space: u32,
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// `private`, `reserved` or `shared`.
    pub kind: &'static str,
    /// Like `rw-`.
    pub protection: String,
    /// Where its pages lie in the file; 0: nowhere.
    pub file_offset: u64,
    /// Bytes of it that are not holes of the file.
    pub stored: u64,
}

/// Sum over the regions of a kind and protection.
#[derive(Clone, Debug, Serialize)]
pub struct Total {
    /// `private`, `reserved` or `shared`.
    pub kind: &'static str,
    /// Like `rw-`.
    pub protection: String,
    /// How many.
    pub regions: usize,
    /// Bytes of address space.
    pub len: u64,
    /// Bytes that are not holes of the file.
    pub stored: u64,
}

/// A thread.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadInfo {
    /// Guest process.
    pub pid: u32,
    /// Guest thread.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// Instruction pointer.
    pub rip: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Thread pointer.
    pub fs_base: u64,
    /// Number of the system call it is in; none: interrupted in user code.
    pub syscall: Option<i64>,
    /// Bytes of vector state.
    pub vector: usize,
    /// What it waits for.
    pub waits_for: String,
}

/// A descriptor or connection.
#[derive(Clone, Debug, Serialize)]
pub struct DescriptorInfo {
    /// Guest process.
    pub pid: u32,
    /// Number; none: held by the kernel only.
    pub fd: Option<u32>,
    /// What it is.
    pub kind: String,
    /// Path, address or number.
    pub name: String,
    /// `active`, `closed` or `not reconnected`.
    pub state: &'static str,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text of a guest, harmless on a terminal.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn protection(bits: u32) -> String {
    [(1, 'r'), (2, 'w'), (4, 'x')].map(|(bit, letter)| if bits & bit == 0 { '-' } else { letter }).iter().collect()
}

const fn kind_name(kind: RegionKind) -> &'static str {
    match kind {
        RegionKind::Private => "private",
        RegionKind::Reserved => "reserved",
        RegionKind::Shared => "shared",
    }
}

fn descriptor(entry: &IoEntry) -> DescriptorInfo {
    DescriptorInfo {
        pid: entry.pid,
        fd: entry.fd,
        kind: printable(&entry.kind),
        name: printable(&entry.name),
        state: match entry.state {
            IoState::Active => "active",
            IoState::Closed => "closed",
            IoState::NotReconnected => "not reconnected",
        },
    }
}

/// The value of `name` at the top of the configuration. Only for display, so a line is enough: the
/// configuration is written by `catalyzer build` in this form.
fn function_name(text: &str) -> Option<String> {
    let top = text.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    let mut values = top.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then(|| value.trim().trim_matches(['"', '\'']))
    });
    values.next().map(printable)
}

impl Image {
    /// Describes the image. Sections that are shown are checked; the heap and the memory are not, see
    /// [`Image::verify`]. Moves the file's position.
    ///
    /// # Errors
    /// When a section is damaged or can't be read.
    pub fn inspect(&self) -> Result<Inspection> {
        let header = self.header();
        let metadata = self.file().metadata().map_err(|source| self.io_error(source))?;
        let function = self.function()?;
        let regions = self.region_infos()?;
        let io = self.io()?;
        Ok(Inspection {
            path: self.path().display().to_string(),
            version: header.version,
            function: function_name(&function),
            function_digest: hex(&header.function_digest),
            kernel_build: hex(&header.kernel_build),
            file_len: metadata.len(),
            allocated: metadata.blocks() * 512,
            heap_base: header.heap_base,
            heap_pointers: header.heap_pointers,
            kernel_pointers: header.kernel_pointers,
            monotonic_ns: header.monotonic_ns,
            host_mappings: regions.iter().filter(|region| region.space == 0).count() + 1,
            working_set: self.working_set()?.len(),
            sections: self.section_infos()?,
            totals: totals(&regions),
            regions,
            threads: self.thread_infos()?,
            descriptors: io.entries.iter().map(descriptor).collect(),
            lower_files: io.lower_files.iter().map(|file| printable(&String::from_utf8_lossy(&file.path))).collect(),
        })
    }

    fn stored(&self, offset: u64, len: u64) -> Result<u64> {
        stored(self.file(), offset, offset + len).map_err(|source| self.io_error(source))
    }

    fn section_infos(&self) -> Result<Vec<SectionInfo>> {
        SectionKind::ALL
            .into_iter()
            .map(|kind| {
                let section = self.section(kind);
                Ok(SectionInfo {
                    name: kind.name(),
                    offset: section.offset,
                    len: section.len,
                    stored: self.stored(section.offset, section.len)?,
                    digest: hex(&section.digest),
                })
            })
            .collect()
    }

    fn region_infos(&self) -> Result<Vec<RegionInfo>> {
        let regions = self.regions()?;
        regions
            .iter()
            .map(|region| {
                Ok(RegionInfo {
                    space: region.space,
                    start: region.start,
                    end: region.start + region.len,
                    kind: kind_name(check::region_kind(region).map_err(|invalid| self.invalid(invalid))?),
                    protection: protection(region.protection),
                    file_offset: region.file_offset,
                    stored: if check::has_content(region) { self.stored(region.file_offset, region.len)? } else { 0 },
                })
            })
            .collect()
    }

    fn thread_infos(&self) -> Result<Vec<ThreadInfo>> {
        let threads = self.threads()?.into_iter().map(|thread| ThreadInfo {
            pid: thread.pid,
            tid: thread.tid,
            name: printable(&thread.name),
            rip: thread.registers.rip,
            rsp: thread.registers.rsp,
            fs_base: thread.registers.fs_base,
            syscall: (thread.registers.syscall >= 0).then_some(thread.registers.syscall),
            vector: thread.vector.len(),
            waits_for: printable(&thread.waits_for),
        });
        Ok(threads.collect())
    }
}

fn totals(regions: &[RegionInfo]) -> Vec<Total> {
    let mut totals: Vec<Total> = Vec::new();
    for region in regions {
        let same = |total: &&mut Total| total.kind == region.kind && total.protection == region.protection;
        let len = region.end - region.start;
        match totals.iter_mut().find(same) {
            Some(total) => {
                total.regions += 1;
                total.len += len;
                total.stored += region.stored;
            }
            None => totals.push(Total {
                kind: region.kind,
                protection: region.protection.clone(),
                regions: 1,
                len,
                stored: region.stored,
            }),
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_name_is_the_one_at_the_top() {
        assert_eq!(function_name("port = 1\nname = \"hello\"\n[env]\nname = \"x\""), Some("hello".to_owned()));
        assert_eq!(function_name("[env]\nname = \"x\""), None);
    }

    #[test]
    fn guest_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a\x1b[2Jü\n"), "a\\u{1b}[2Jü\\n");
    }

    #[test]
    fn protections_read_like_in_proc_maps() {
        assert_eq!([0, 1, 3, 5, 7].map(protection), ["---", "r--", "rw-", "r-x", "rwx"]);
    }
}
