//! The crash report: what is sent to the monitor when the guest kernel dies.
#![allow(unsafe_code)]

use super::frame::Fault;
use crate::local::{local, per_thread};
use abi::control::encode_crash;
use abi::image::Registers;
use core::fmt::Write;
use core::sync::atomic::Ordering::SeqCst;

/// Text in a fixed buffer: the heap may be what is broken.
struct Text {
    bytes: [u8; 4096],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.bytes.len() - self.len;
        let len = text.len().min(room);
        self.bytes[self.len..self.len + len].copy_from_slice(&text.as_bytes()[..len]);
        self.len += len;
        Ok(())
    }
}

/// The kernel itself faulted: reports and ends the sandbox.
pub fn kernel_fault(fault: &Fault, registers: &Registers) -> ! {
    report(
        format_args!(
            "guest kernel fault: signal {} code {} at {:#x}, rip {:#x}, lock {}",
            fault.signal,
            fault.code,
            fault.address,
            registers.rip,
            super::trap::lock_state()
        ),
        Some(registers),
    )
}

/// Reports a death of the kernel and ends the sandbox.
pub fn report(reason: core::fmt::Arguments<'_>, registers: Option<&Registers>) -> ! {
    if local().crashing.swap(1, SeqCst) != 0 {
        crate::host::exit_group(125);
    }
    let mut text = Text { bytes: [0; 4096], len: 0 };
    let _ = writeln!(text, "{reason}");
    let _ = writeln!(text, "thread {} in slot {}", per_thread().tid.get(), per_thread().slot);
    if let Some(registers) = registers {
        let _ = writeln!(text, "{}", Lines(registers));
        backtrace(&mut text, registers.rsp);
    } else {
        let rsp: u64;
        // SAFETY: reads a register.
        unsafe { core::arch::asm!("mov {}, rsp", out(reg) rsp) };
        backtrace(&mut text, rsp);
    }
    let _ = text.write_str("last system calls:\n");
    last_calls(&mut text, |_| true);
    let mut message = [0; 4608];
    let encoded = encode_crash(&text.bytes[..text.len], &mut message);
    let _ = crate::host::transmit(crate::control::socket(), encoded, &[], true);
    crate::control::end_sandbox(125)
}

/// Addresses of the kernel that lie on the stack: the kernel is compiled without frame pointers. The monitor, which
/// has the kernel's binary, picks those that follow a call and names them.
fn backtrace(text: &mut Text, rsp: u64) {
    let top = per_thread().stack_top;
    let _ = text.write_str("stack:");
    let mut address = rsp & !7;
    if top.wrapping_sub(address) > abi::layout::STACK_SLOT {
        let _ = text.write_str(" not on the kernel's stack\n");
        return;
    }
    let mut found = 0;
    while address < top && found < 40 {
        // SAFETY: between the stack pointer and the top of the own kernel stack.
        let word = unsafe { (address as *const u64).read() };
        if (abi::layout::KERNEL_BASE..abi::layout::KERNEL_BASE + abi::layout::KERNEL_SIZE).contains(&word) {
            let _ = write!(text, " {word:#x}");
            found += 1;
        }
        address += 8;
    }
    let _ = text.write_str("\n");
}

/// Registers for people.
pub struct Lines<'a>(pub &'a Registers);

impl core::fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let r = self.0;
        writeln!(f, "  rip {:#018x}  rsp {:#018x}  rbp {:#018x}  flags {:#x}", r.rip, r.rsp, r.rbp, r.rflags)?;
        writeln!(f, "  rax {:#018x}  rbx {:#018x}  rcx {:#018x}  rdx {:#018x}", r.rax, r.rbx, r.rcx, r.rdx)?;
        writeln!(f, "  rsi {:#018x}  rdi {:#018x}  r8  {:#018x}  r9  {:#018x}", r.rsi, r.rdi, r.r8, r.r9)?;
        writeln!(f, "  r10 {:#018x}  r11 {:#018x}  r12 {:#018x}  r13 {:#018x}", r.r10, r.r11, r.r12, r.r13)?;
        write!(f, "  r14 {:#018x}  r15 {:#018x}  fs  {:#018x}", r.r14, r.r15, r.fs_base)
    }
}

/// The last system calls of these threads, the latest last.
pub fn last_calls(text: &mut dyn Write, of: impl Fn(u32) -> bool) {
    let end = local().calls.load(SeqCst);
    let kept = local().last_calls.len() as u32;
    for index in end.saturating_sub(kept)..end {
        let call = local().last_calls[(index % kept) as usize].load(SeqCst);
        let (tid, number) = ((call >> 41) as u32, call >> 32 & 0x1ff);
        if !of(tid) {
            continue;
        }
        let name = crate::syscall::table::row(number).map_or("?", |row| row.name);
        let _ = writeln!(text, "  thread {}: {name} ({number}) = {}", tid, call as u32 as i32);
    }
}
