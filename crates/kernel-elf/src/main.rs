//! The freestanding guest kernel binary: entry symbol, memory routines, panic. Everything else is the
//! library `kernel`. The monitor's build script builds it with the `kernel` profile and embeds it.
#![no_std]
#![no_main]

mod memory;

use core::arch::global_asm;
use core::panic::PanicInfo;

global_asm!(".global _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {start}", "ud2", start = sym start);

extern "C" fn start(stack: *const u64) -> ! {
    // SAFETY: called once, with the stack that `execve` made.
    unsafe { kernel::boot::nursery::start(stack) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kernel::entry::crash::report(format_args!("guest kernel panic: {info}"), None)
}

/// The unwinder's hook: referenced by precompiled libraries, never called (`panic = "abort"`).
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
extern "C" fn _Unwind_Resume() -> ! {
    kernel::host::exit_group(125)
}
