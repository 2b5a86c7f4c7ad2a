//! Sizes and offsets of everything that is stored or shared. When one of these fails to compile, the
//! format changed: raise [`crate::image::VERSION`] (or [`crate::boot::BOOT_MAGIC`]), then change the number here.

use crate::boot::BootPage;
use crate::image::{CpuFeatures, Header, Region, Registers, Section};
use core::mem::{offset_of, size_of};

const _: () = assert!(size_of::<Section>() == 48);
const _: () = assert!(size_of::<Region>() == 40);
const _: () = assert!(size_of::<CpuFeatures>() == 40);
const _: () = assert!(size_of::<Registers>() == 160);
const _: () = assert!(offset_of!(Header, kernel_build) == 24);
const _: () = assert!(offset_of!(Header, cpu) == 88);
const _: () = assert!(offset_of!(Header, sections) == 168);
const _: () = assert!(offset_of!(Header, digest) == 168 + 48 * crate::image::SECTIONS);
const _: () = assert!(size_of::<Header>() as u64 <= crate::image::HEADER_SIZE);
const _: () = assert!(size_of::<BootPage>() <= 4096);
const _: () = assert!(crate::hostcalls::TABLE.len() <= crate::hostcalls::BUDGET);
