//! The rules for what an image holds, applied alike to what a sandbox says (a dump) and to what a file
//! holds. Both are hostile: counts are bounded before they are used, sums are checked.

use crate::error::{Flaw, Invalid, Part};
use crate::format::{REGION_LEN, page_aligned, page_up};
use abi::dump::{IoEntry, LowerFile, ThreadDump};
use abi::image::{HEADER_SIZE, Header, IoTable, Region, RegionKind, SECTIONS, SectionKind};
use abi::layout::{GUEST_END, GUEST_START, HEAP_ALIGN, HEAP_RESERVE, HEAPS, KERNEL_BASE, KERNEL_END, KERNEL_SIZE};

/// Longest encoded dump that is worth reading out of a sandbox, bytes.
pub const MAX_DUMP: u64 = 256 << 20;
/// Most regions; Linux's own limit of mappings.
pub const MAX_REGIONS: u64 = 65_530;
/// Most bytes of regions that have content (1 TiB; untouched parts cost nothing).
pub const MAX_CONTENT: u64 = 1 << 40;
/// Longest memory section, bytes, with the gaps that keep distances.
pub const MAX_MEMORY: u64 = 2 << 40;
/// Most address spaces.
pub const MAX_SPACES: u64 = 4096;
/// Most threads.
pub const MAX_THREADS: u64 = 32_768;
/// Longest encoded threads section, bytes.
pub const MAX_THREADS_LEN: u64 = 1 << 30;
/// Longest vector state of a thread, bytes.
pub const MAX_VECTOR: u64 = 64 << 10;
/// Most entries of the I/O table.
pub const MAX_IO_ENTRIES: u64 = 1 << 20;
/// Most lower files.
pub const MAX_LOWER_FILES: u64 = 1 << 20;
/// Longest encoded I/O table, bytes.
pub const MAX_IO_LEN: u64 = 1 << 30;
/// Longest text about a thread or descriptor, bytes.
pub const MAX_TEXT: u64 = 8 << 10;
/// Longest path, bytes (`PATH_MAX`).
pub const MAX_PATH: u64 = 4096;
/// Most pages of a working set.
pub const MAX_WORKING_SET: u64 = 1 << 24;
/// Longest `function.toml`, bytes.
pub const MAX_FUNCTION: u64 = 1 << 20;

/// The kind of a region.
///
/// # Errors
/// [`Flaw::Kind`] when there is none of that number.
pub fn region_kind(region: &Region) -> Result<RegionKind, Invalid> {
    match region.kind {
        0 => Ok(RegionKind::Private),
        1 => Ok(RegionKind::Reserved),
        2 => Ok(RegionKind::Shared),
        other => Err(Flaw::Kind(other).of(SectionKind::Regions)),
    }
}

/// Whether a region has pages in the file.
pub const fn has_content(region: &Region) -> bool {
    region.kind != RegionKind::Reserved as u32
}

fn at_most(count: usize, limit: u64, what: &'static str, part: impl Into<Part>) -> Result<(), Invalid> {
    let count = count as u64;
    if count > limit { Err(Flaw::TooMany { what, count, limit }.of(part)) } else { Ok(()) }
}

fn no_longer(len: usize, limit: u64, what: &'static str, part: impl Into<Part>) -> Result<(), Invalid> {
    let len = len as u64;
    if len > limit { Err(Flaw::TooLong { what, len, limit }.of(part)) } else { Ok(()) }
}

/// Regions as the guest has them: address spaces one after the other from 0 on, in each whole pages, ascending, apart,
/// inside the guest, known protection and kind, bounded in number and content. File offsets are looked at by [`file_offsets`].
///
/// # Errors
/// The first rule that is broken.
pub fn regions(regions: &[Region]) -> Result<(), Invalid> {
    let part = SectionKind::Regions;
    at_most(regions.len(), MAX_REGIONS, "regions", part)?;
    let mut free = GUEST_START;
    let mut content = 0u64;
    let mut space = 0;
    for region in regions {
        if region.space == space + 1 {
            (space, free) = (region.space, GUEST_START);
        }
        if region.space != space || region.reserved != 0 {
            return Err(Flaw::Space(region.space).of(part));
        }
        for value in [region.start, region.len] {
            if !page_aligned(value) {
                return Err(Flaw::Unaligned { value }.of(part));
            }
        }
        let range = Flaw::Range { start: region.start, len: region.len };
        let end = match region.start.checked_add(region.len) {
            Some(end) if region.len > 0 && region.start >= GUEST_START && end <= GUEST_END => end,
            _ => return Err(range.of(part)),
        };
        if region.start < free {
            return Err(Flaw::Order { value: region.start }.of(part));
        }
        if region.protection > 7 {
            return Err(Flaw::Protection(region.protection).of(part));
        }
        if region_kind(region)? != RegionKind::Reserved {
            content += region.len;
        }
        if content > MAX_CONTENT {
            return Err(Flaw::TooLong { what: "memory", len: content, limit: MAX_CONTENT }.of(part));
        }
        free = end;
    }
    Ok(())
}

/// Address spaces of a sandbox: bounded in number, at least one.
///
/// # Errors
/// The bound that is broken.
pub fn spaces(spaces: &[u32]) -> Result<(), Invalid> {
    let part = SectionKind::Regions;
    at_most(spaces.len(), MAX_SPACES, "address spaces", part)?;
    if spaces.is_empty() { Err(Flaw::Space(0).of(part)) } else { Ok(()) }
}

/// Where a file's regions have their pages: whole pages of the memory section, ascending, apart;
/// reserved regions have none. The regions have passed [`regions()`].
///
/// # Errors
/// [`Flaw::FileOffset`] for the first region that breaks the rule.
pub fn file_offsets(regions: &[Region], memory_start: u64, memory_end: u64) -> Result<(), Invalid> {
    let mut free = memory_start;
    for region in regions {
        let wrong = || Flaw::FileOffset { start: region.start, offset: region.file_offset }.of(SectionKind::Regions);
        if !has_content(region) {
            if region.file_offset != 0 {
                return Err(wrong());
            }
            continue;
        }
        let end = region.file_offset.checked_add(region.len).ok_or_else(wrong)?;
        if region.file_offset < free || end > memory_end || !page_aligned(region.file_offset) {
            return Err(wrong());
        }
        free = end;
    }
    Ok(())
}

/// Place of the kernel heap and of the root object.
///
/// # Errors
/// [`Flaw::Heap`] or [`Flaw::Root`].
pub fn heap(base: u64, len: u64, root: u64) -> Result<(), Invalid> {
    let part = SectionKind::Heap;
    let possible = (HEAPS..KERNEL_END).contains(&base)
        && base.is_multiple_of(HEAP_ALIGN)
        && (1..=HEAP_RESERVE).contains(&len)
        && page_aligned(len)
        && base + len <= KERNEL_END;
    if !possible {
        return Err(Flaw::Heap { base, len }.of(part));
    }
    if !(base..base + len).contains(&root) {
        return Err(Flaw::Root { root }.of(part));
    }
    Ok(())
}

fn relation_list(offsets: &[u32], heap_len: u64) -> Result<(), Invalid> {
    let part = SectionKind::Relations;
    let mut next = 0u64;
    for &offset in offsets {
        let offset = u64::from(offset);
        if !offset.is_multiple_of(8) || offset + 8 > heap_len {
            return Err(Flaw::Relation { offset }.of(part));
        }
        if offset < next {
            return Err(Flaw::Order { value: offset }.of(part));
        }
        next = offset + 8;
    }
    Ok(())
}

/// The relation table: ascending aligned words of the heap, none in both lists.
///
/// # Errors
/// The first rule that is broken.
pub fn relations(heap_pointers: &[u32], kernel_pointers: &[u32], heap_len: u64) -> Result<(), Invalid> {
    relation_list(heap_pointers, heap_len)?;
    relation_list(kernel_pointers, heap_len)?;
    let mut kernel = kernel_pointers.iter().peekable();
    for offset in heap_pointers {
        while kernel.next_if(|other| *other < offset).is_some() {}
        if kernel.peek() == Some(&offset) {
            return Err(Flaw::Ambiguous { offset: u64::from(*offset) }.of(SectionKind::Relations));
        }
    }
    Ok(())
}

/// Whether the word of a heap relation points into the heap (its end counts).
///
/// # Errors
/// [`Flaw::Pointer`].
pub fn heap_pointer(offset: u64, value: u64, base: u64, len: u64) -> Result<(), Invalid> {
    if (base..=base.saturating_add(len)).contains(&value) {
        return Ok(());
    }
    Err(Flaw::Pointer { offset, value, target: "the kernel heap" }.of(SectionKind::Relations))
}

/// Whether the word of a kernel relation points into the guest kernel.
///
/// # Errors
/// [`Flaw::Pointer`].
pub fn kernel_pointer(offset: u64, value: u64) -> Result<(), Invalid> {
    if (KERNEL_BASE..=KERNEL_BASE + KERNEL_SIZE).contains(&value) {
        return Ok(());
    }
    Err(Flaw::Pointer { offset, value, target: "the guest kernel" }.of(SectionKind::Relations))
}

/// Threads: bounded in number and size. What their registers hold is the guest's own business.
///
/// # Errors
/// The first bound that is broken.
pub fn threads(threads: &[ThreadDump]) -> Result<(), Invalid> {
    let part = SectionKind::Threads;
    at_most(threads.len(), MAX_THREADS, "threads", part)?;
    for thread in threads {
        no_longer(thread.vector.len(), MAX_VECTOR, "vector state", part)?;
        no_longer(thread.name.len(), MAX_TEXT, "thread name", part)?;
        no_longer(thread.waits_for.len(), MAX_TEXT, "description of a wait", part)?;
    }
    Ok(())
}

fn io_entry(entry: &IoEntry) -> Result<(), Invalid> {
    no_longer(entry.kind.len(), MAX_TEXT, "kind of a descriptor", SectionKind::Io)?;
    no_longer(entry.name.len(), MAX_TEXT, "name of a descriptor", SectionKind::Io)
}

fn lower_file(file: &LowerFile) -> Result<(), Invalid> {
    no_longer(file.path.len(), MAX_PATH, "path", SectionKind::Io)?;
    let plain = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
    // The root itself is the empty path.
    if file.path.is_empty() || file.path.split(|byte| *byte == b'/').all(plain) {
        return Ok(());
    }
    Err(Flaw::Path { path: String::from_utf8_lossy(&file.path).into_owned() }.of(SectionKind::Io))
}

/// The I/O table: bounded, lower files by plain relative paths, the I/O cache within the table.
///
/// # Errors
/// The first rule that is broken.
pub fn io(table: &IoTable) -> Result<(), Invalid> {
    let part = SectionKind::Io;
    at_most(table.entries.len(), MAX_IO_ENTRIES, "descriptors", part)?;
    at_most(table.lower_files.len(), MAX_LOWER_FILES, "lower files", part)?;
    at_most(table.cache.len(), MAX_IO_ENTRIES, "cached descriptors", part)?;
    table.entries.iter().try_for_each(io_entry)?;
    table.lower_files.iter().try_for_each(lower_file)?;
    match table.cache.iter().find(|index| **index as usize >= table.entries.len()) {
        Some(index) => Err(Flaw::Index(*index).of(part)),
        None => Ok(()),
    }
}

/// The working set: page addresses of the guest, ascending.
///
/// # Errors
/// The first rule that is broken.
pub fn working_set(pages: &[u64]) -> Result<(), Invalid> {
    let part = SectionKind::WorkingSet;
    at_most(pages.len(), MAX_WORKING_SET, "pages", part)?;
    let mut next = 0;
    for &page in pages {
        if !page_aligned(page) {
            return Err(Flaw::Unaligned { value: page }.of(part));
        }
        if !(GUEST_START..GUEST_END).contains(&page) {
            return Err(Flaw::Range { start: page, len: abi::layout::PAGE_SIZE }.of(part));
        }
        if page < next {
            return Err(Flaw::Order { value: page }.of(part));
        }
        next = page + 1;
    }
    Ok(())
}

/// The function's configuration.
///
/// # Errors
/// [`Flaw::TooLong`].
pub fn function(text: &str) -> Result<(), Invalid> {
    no_longer(text.len(), MAX_FUNCTION, "configuration", SectionKind::Function)
}

/// What the header alone can say: sections lie where the format puts them, one after the other to the
/// end of the file, with lengths that fit what they hold.
///
/// # Errors
/// The first section that is not where it belongs.
pub fn header(header: &Header) -> Result<(), Invalid> {
    if header.sections_len as usize != SECTIONS {
        return Err(Flaw::Sections(header.sections_len).of(Part::Header));
    }
    let mut place = HEADER_SIZE;
    for kind in SectionKind::ALL {
        let section = &header.sections[kind as usize];
        if section.offset != place {
            return Err(Flaw::Place { found: section.offset, expected: place }.of(kind));
        }
        let relations = header.heap_pointers.checked_add(header.kernel_pointers).and_then(|n| n.checked_mul(4));
        let len = section.len;
        let fits = match kind {
            SectionKind::Regions => len.is_multiple_of(REGION_LEN as u64) && len / REGION_LEN as u64 <= MAX_REGIONS,
            SectionKind::Threads => len <= MAX_THREADS_LEN,
            SectionKind::Heap => (1..=HEAP_RESERVE).contains(&len) && page_aligned(len),
            SectionKind::Relations => Some(len) == relations && len <= HEAP_RESERVE,
            SectionKind::Io => len <= MAX_IO_LEN,
            SectionKind::WorkingSet => len.is_multiple_of(8) && len / 8 <= MAX_WORKING_SET,
            SectionKind::Function => len <= MAX_FUNCTION,
            SectionKind::Memory => len <= MAX_MEMORY && page_aligned(len),
        };
        let end = section.offset.checked_add(len).and_then(page_up);
        match end {
            Some(end) if fits => place = end,
            _ => return Err(Flaw::Length { len }.of(kind)),
        }
    }
    if header.file_len != place {
        return Err(Flaw::Length { len: header.file_len }.of(Part::Header));
    }
    heap(header.heap_base, header.sections[SectionKind::Heap as usize].len, header.root)
}
