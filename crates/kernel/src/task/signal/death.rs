//! The report of a program that died of a fault of its own.

use super::{Signal, queue::Info};
use crate::entry::{Frame, crash};
use crate::mm::region::Backing;
use crate::syscall::strace::SignalName;
use crate::task::Thread;
use abi::control::LogStream;
use alloc::rc::Rc;
use alloc::string::String;
use core::fmt::Write;

/// Logs where the thread was and what it last asked for, when the signal says that the program went wrong.
pub fn report(thread: &Rc<Thread>, frame: &Frame, info: &Info) {
    let signal = info.signal();
    if signal.bit() & (Signal::SYNCHRONOUS | Signal::ABRT.bit()) == 0 {
        return;
    }
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write!(text, "the program dies by {}", SignalName(signal));
    if signal.bit() & Signal::SYNCHRONOUS != 0 && info.code() > 0 {
        let _ = write!(text, " (code {}) at {:#x}", info.code(), info.get_word(16));
    }
    let _ = writeln!(text, " in thread {} ({})", thread.tid.0, thread.name.borrow().escape_ascii());
    let _ = writeln!(text, "  {}", place(thread, frame.registers.rip));
    let _ = writeln!(text, "{}", crash::Lines(&frame.registers));
    let _ = text.write_str("  its last system calls:\n");
    crash::last_calls(&mut text, |tid| tid == thread.tid.0);
    crate::control::log(LogStream::Kernel, text.as_bytes());
}

/// The instruction in words: the file that is mapped there, with the offset in it.
fn place(thread: &Rc<Thread>, rip: u64) -> String {
    let Some(region) = thread.process().space().region_at(rip) else {
        return String::from("at an instruction in no mapping");
    };
    let into = rip - region.start;
    match &region.backing {
        Backing::File(file, offset) => alloc::format!("at {}+{:#x}", file.object.name(), offset + into),
        _ => alloc::format!("at {into:#x} in the mapping at {:#x}", region.start),
    }
}
