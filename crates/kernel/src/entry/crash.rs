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
        let _ = writeln!(text, "{registers:x?}");
        backtrace(&mut text, registers.rbp, registers.rsp);
    } else {
        let (rbp, rsp): (u64, u64);
        // SAFETY: reads two registers.
        unsafe { core::arch::asm!("mov {}, rbp", "mov {}, rsp", out(reg) rbp, out(reg) rsp) };
        backtrace(&mut text, rbp, rsp);
    }
    last_calls(&mut text);
    let mut message = [0; 4608];
    let encoded = encode_crash(&text.bytes[..text.len], &mut message);
    let _ = crate::host::transmit(crate::control::socket(), encoded, &[], true);
    crate::host::exit_group(125)
}

/// Return addresses into the kernel that lie on the stack: a backtrace without frame pointers, with some noise.
fn backtrace(text: &mut Text, _rbp: u64, rsp: u64) {
    let top = per_thread().stack_top;
    let _ = text.write_str("stack:");
    let mut address = rsp & !7;
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

/// The last system calls of all threads, the latest last.
fn last_calls(text: &mut Text) {
    let _ = text.write_str("last system calls:\n");
    let end = local().calls.load(SeqCst);
    let kept = local().last_calls.len() as u32;
    for index in end.saturating_sub(kept)..end {
        let call = local().last_calls[(index % kept) as usize].load(SeqCst);
        let number = call >> 32 & 0x1ff;
        let name = crate::syscall::table::row(number).map_or("?", |row| row.name);
        let _ = writeln!(text, "  thread {}: {name} ({number}) = {}", call >> 41, call as u32 as i32);
    }
}
