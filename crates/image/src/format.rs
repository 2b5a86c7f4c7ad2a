//! Structures of [`abi::image`] to bytes and back, little-endian, without unsafe code.

use abi::image::{CpuFeatures, Header, Region, SECTIONS, Section};
use abi::layout::PAGE_SIZE;

/// Bytes of an encoded [`Header`]; what follows in the page is zero.
pub(crate) const HEADER_LEN: usize = size_of::<Header>();
/// Bytes of an encoded [`Region`].
pub(crate) const REGION_LEN: usize = size_of::<Region>();

/// Rounds up to whole pages; `None` beyond the last one.
pub(crate) const fn page_up(value: u64) -> Option<u64> {
    match value.checked_add(PAGE_SIZE - 1) {
        Some(sum) => Some(sum & !(PAGE_SIZE - 1)),
        None => None,
    }
}

/// Rounds down to whole pages.
pub(crate) const fn page_down(value: u64) -> u64 {
    value & !(PAGE_SIZE - 1)
}

/// Whether this is a multiple of the page size.
pub(crate) const fn page_aligned(value: u64) -> bool {
    value.is_multiple_of(PAGE_SIZE)
}

/// Takes fixed-size pieces from the front; what is missing reads as zero (callers check the length).
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((piece, rest)) => {
                self.0 = rest;
                *piece
            }
            None => [0; N],
        }
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// The header's bytes, [`HEADER_LEN`] of them.
pub(crate) fn encode_header(header: &Header) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN);
    out.extend(header.magic);
    out.extend(header.version.to_le_bytes());
    out.extend(header.sections_len.to_le_bytes());
    out.extend(header.file_len.to_le_bytes());
    out.extend(header.kernel_build);
    out.extend(header.function_digest);
    for word in header.cpu.words {
        out.extend(word.to_le_bytes());
    }
    for number in [
        header.cpu.xcr0,
        header.heap_base,
        header.root,
        header.heap_pointers,
        header.kernel_pointers,
        header.monotonic_ns,
    ] {
        out.extend(number.to_le_bytes());
    }
    for section in &header.sections {
        out.extend(section.offset.to_le_bytes());
        out.extend(section.len.to_le_bytes());
        out.extend(section.digest);
    }
    out.extend(header.digest);
    out
}

/// The header at the start of a page.
pub(crate) fn decode_header(page: &[u8]) -> Header {
    let mut from = Reader(page);
    Header {
        magic: from.take(),
        version: from.u32(),
        sections_len: from.u32(),
        file_len: from.u64(),
        kernel_build: from.take(),
        function_digest: from.take(),
        cpu: CpuFeatures { words: std::array::from_fn(|_| from.u32()), xcr0: from.u64() },
        heap_base: from.u64(),
        root: from.u64(),
        heap_pointers: from.u64(),
        kernel_pointers: from.u64(),
        monotonic_ns: from.u64(),
        sections: std::array::from_fn::<_, SECTIONS, _>(|_| Section {
            offset: from.u64(),
            len: from.u64(),
            digest: from.take(),
        }),
        digest: from.take(),
    }
}

/// The value that [`Header::digest`] must have.
pub(crate) fn header_digest(header: &Header) -> [u8; 32] {
    crate::digest(&encode_header(&Header { digest: [0; 32], ..*header }))
}

/// The regions section.
pub(crate) fn encode_regions(regions: &[Region]) -> Vec<u8> {
    let mut out = Vec::with_capacity(regions.len() * REGION_LEN);
    for region in regions {
        out.extend(region.start.to_le_bytes());
        out.extend(region.len.to_le_bytes());
        out.extend(region.file_offset.to_le_bytes());
        out.extend(region.protection.to_le_bytes());
        out.extend(region.kind.to_le_bytes());
        out.extend(region.space.to_le_bytes());
        out.extend(region.reserved.to_le_bytes());
    }
    out
}

/// The regions of a section whose length is a multiple of [`REGION_LEN`].
pub(crate) fn decode_regions(bytes: &[u8]) -> Vec<Region> {
    bytes
        .chunks_exact(REGION_LEN)
        .map(|piece| {
            let mut from = Reader(piece);
            Region {
                start: from.u64(),
                len: from.u64(),
                file_offset: from.u64(),
                protection: from.u32(),
                kind: from.u32(),
                space: from.u32(),
                reserved: from.u32(),
            }
        })
        .collect()
}

/// Numbers of a section whose length is a multiple of four.
pub(crate) fn decode_u32s(bytes: &[u8]) -> Vec<u32> {
    let (pieces, _) = bytes.as_chunks::<4>();
    pieces.iter().map(|piece| u32::from_le_bytes(*piece)).collect()
}

/// Numbers of a section whose length is a multiple of eight.
pub(crate) fn decode_u64s(bytes: &[u8]) -> Vec<u64> {
    let (pieces, _) = bytes.as_chunks::<8>();
    pieces.iter().map(|piece| u64::from_le_bytes(*piece)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_survives_its_encoding() {
        let bytes: Vec<u8> = (0..HEADER_LEN).map(|i| (i * 7 + 3) as u8).collect();
        assert_eq!(encode_header(&decode_header(&bytes)), bytes);
    }

    #[test]
    fn regions_survive_their_encoding() {
        let regions = [Region { start: 1, len: 2, file_offset: 3, protection: 4, kind: 5, space: 6, reserved: 7 }; 3];
        assert_eq!(decode_regions(&encode_regions(&regions)), regions);
    }

    #[test]
    fn rounding_up_at_the_end_of_numbers_is_refused() {
        assert_eq!(page_up(u64::MAX), None);
        assert_eq!(page_up(1), Some(PAGE_SIZE));
        assert_eq!(page_up(PAGE_SIZE), Some(PAGE_SIZE));
    }
}
