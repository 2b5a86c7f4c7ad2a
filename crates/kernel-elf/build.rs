//! Linker arguments of the freestanding kernel: static, no C runtime, at its fixed address.

/// `abi::layout::KERNEL_BASE`.
const BASE: &str = "0x7e0000000000";

fn main() {
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        "-Wl,-z,noexecstack",
        "-Wl,-z,max-page-size=4096",
        "-Wl,--no-eh-frame-hdr",
        "-Wl,--gc-sections",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rustc-link-arg-bins=-Wl,--image-base={BASE}");
    println!("cargo:rerun-if-changed=build.rs");
}
