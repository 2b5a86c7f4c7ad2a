//! Builds the guest kernel and embeds it.
//!
//! The kernel is freestanding and wants a profile of its own, so it is built by a nested cargo in a target
//! directory of its own (the outer cargo holds the lock of the ordinary one). What the outer cargo tells its
//! compilers (`RUSTFLAGS`, clippy as wrapper) must not reach it: the kernel may rely on nothing above SSE2.

use object::elf::{PF_X, PT_LOAD};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Variables that the outer cargo sets for build scripts and compilers, by prefix.
const DISTURBING: &[&str] = &[
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_PROFILE_",
    "CARGO_BUILD_",
    "CARGO_TARGET_",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC",
    "RUSTDOC",
    "CLIPPY_",
    "LLVM_PROFILE_FILE",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let workspace = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..");
    println!("cargo:rerun-if-changed=build.rs");
    for path in ["crates/abi", "crates/kernel", "crates/kernel-elf", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={}", workspace.join(path).display());
    }

    let target = out.join("kernel");
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if DISTURBING.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    // Present and empty, it also overrides what a configuration file says.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "");
    cargo.current_dir(&workspace).args(["build", "--package", "kernel-elf", "--profile", "kernel", "--target-dir"]);
    let status = cargo.arg(&target).status()?;
    if !status.success() {
        return Err("building the guest kernel failed (see above)".into());
    }

    let elf = target.join("kernel/kernel-elf");
    let bytes = std::fs::read(&elf)?;
    let (start, end) = text_range(&bytes)?;
    let build_id = *blake3::hash(&bytes).as_bytes();
    let constants = format!(
        "/// The guest kernel, an ELF executable.\n\
         pub static ELF: &[u8] = include_bytes!({elf:?});\n\
         /// First address of its text.\n\
         pub const TEXT_START: u64 = {start:#x};\n\
         /// First address after its text.\n\
         pub const TEXT_END: u64 = {end:#x};\n\
         /// BLAKE3 of the binary.\n\
         pub const BUILD_ID: [u8; 32] = {build_id:?};\n"
    );
    std::fs::write(out.join("kernel.rs"), constants)?;
    Ok(())
}

/// The one executable segment.
fn text_range(bytes: &[u8]) -> Result<(u64, u64), Box<dyn Error>> {
    let elf = ElfFile64::<object::Endianness>::parse(bytes)?;
    let endian = elf.endian();
    let mut text = elf
        .elf_program_headers()
        .iter()
        .filter(|header| header.p_type(endian) == PT_LOAD && header.p_flags(endian) & PF_X != 0)
        .map(|header| (header.p_vaddr(endian), header.p_vaddr(endian) + header.p_memsz(endian)));
    match (text.next(), text.next()) {
        (Some(range), None) => Ok(range),
        _ => Err("the guest kernel must have exactly one executable segment".into()),
    }
}
