//! `--strace`: what the program asks of the kernel, for people.
//!
//! Arguments are printed from the table's rows, when the call is finished. A call that blocks is printed
//! before, as `<unfinished ...>`, and its result after `<... name resumed>`.

use super::table::{self, Row};
use super::{Outcome, RestartRule, Stop};
use crate::entry::Frame;
use crate::errno::Errno;
use crate::kernel;
use crate::task::Thread;
use crate::task::signal::Signal;
use crate::task::signal::queue::Info;
use abi::control::Exit;
use alloc::rc::Rc;
use alloc::string::String;
use core::fmt::Write;

/// Whether calls are printed.
pub fn is_on() -> bool {
    kernel().launch.borrow().strace
}

/// A call's handler has run.
pub fn call(thread: &Rc<Thread>, row: &Row, arguments: &[u64; 6], outcome: &Outcome) {
    let result = match outcome {
        Err(Stop::Wait(..)) => {
            if !thread.call_shown.replace(true) {
                let mut line = begin(thread);
                show_call(&mut line, row, arguments);
                line.push_str(" <unfinished ...>\n");
                // The thread is not in its queues yet: a wake must not pass meanwhile.
                crate::control::trace_under_lock(line.as_bytes());
            }
            return;
        }
        Ok(value) => result_text(*value as u64),
        Err(Stop::Errno(errno)) => result_text(errno.as_return()),
        Err(Stop::RegistersSet) => "0".into(),
        Err(Stop::ThreadExit | Stop::ProcessExit(_)) => "?".into(),
        Err(Stop::Replaced) => "0".into(),
    };
    end(thread, row, arguments, &result);
    if matches!(outcome, Err(Stop::ThreadExit)) && thread.process().threads.borrow().len() > 1 {
        let line = alloc::format!("[{}] +++ exited with {} +++\n", thread.tid.0, arguments[0] as u8);
        crate::control::trace(line.as_bytes());
    }
}

/// A call ended in its wait with this result.
pub fn finished(thread: &Rc<Thread>, frame: &Frame, result: u64) {
    if is_on() {
        end_of_frame(thread, frame, &result_text(result));
    }
}

/// A signal ended the wait of a call.
pub fn interrupted(thread: &Rc<Thread>, frame: &Frame, rule: RestartRule) {
    if is_on() {
        let result = match rule {
            RestartRule::IfFlagged => "? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            RestartRule::Always => "? ERESTARTNOINTR (To be restarted)",
            RestartRule::Never => "? ERESTARTNOHAND (To be restarted if no handler)",
        };
        end_of_frame(thread, frame, result);
    }
}

fn end_of_frame(thread: &Rc<Thread>, frame: &Frame, result: &str) {
    let registers = &frame.registers;
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    if let Some(row) = table::row(registers.syscall as u64) {
        end(thread, row, &arguments, result);
    }
}

fn end(thread: &Rc<Thread>, row: &Row, arguments: &[u64; 6], result: &str) {
    let mut line = begin(thread);
    if thread.call_shown.take() {
        let _ = write!(line, "<... {} resumed>", row.name);
    } else {
        show_call(&mut line, row, arguments);
    }
    let _ = writeln!(line, ") = {result}");
    crate::control::trace(line.as_bytes());
}

/// A call that is not there.
pub fn absent(thread: &Rc<Thread>, number: u64, arguments: &[u64; 6]) {
    if is_on() {
        let [a, b, c, d, e, f] = arguments;
        let error = result_text(crate::errno::ENOSYS.as_return());
        let line = alloc::format!(
            "[{}] syscall_{number:#x}({a:#x}, {b:#x}, {c:#x}, {d:#x}, {e:#x}, {f:#x}) = {error}\n",
            thread.tid.0
        );
        crate::control::trace(line.as_bytes());
    }
}

fn begin(thread: &Thread) -> String {
    alloc::format!("[{}] ", thread.tid.0)
}

fn show_call(line: &mut String, row: &Row, arguments: &[u64; 6]) {
    let _ = write!(line, "{}(", row.name);
    let _ = (row.show)(arguments, line);
}

fn result_text(result: u64) -> String {
    match Errno::check(result as isize) {
        Err(errno) => alloc::format!("-1 {} ({})", errno.name(), errno.text().trim_end_matches('.')),
        // Addresses.
        Ok(value @ 0x1_0000_0000..) => alloc::format!("{value:#x}"),
        Ok(value) => alloc::format!("{value}"),
    }
}

/// A signal is delivered.
pub fn signal(thread: &Rc<Thread>, info: &Info) {
    if !is_on() {
        return;
    }
    let mut line = begin(thread);
    let signal = info.signal();
    let _ = write!(line, "--- {} {{si_signo={}, si_code={}", SignalName(signal), SignalName(signal), info.code());
    let _ = match info.code() {
        ..=0 => write!(line, ", si_pid={}, si_uid={}", info.get(16), info.get(20)),
        _ if signal.bit() & Signal::SYNCHRONOUS != 0 => write!(line, ", si_addr={:#x}", info.get_word(16)),
        _ => Ok(()),
    };
    line.push_str("} ---\n");
    crate::control::trace(line.as_bytes());
}

/// A signal as strace writes it.
pub struct SignalName(pub Signal);

impl core::fmt::Display for SignalName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            None if self.0.0 == Signal::RT_MIN => f.write_str("SIGRTMIN"),
            None => write!(f, "SIGRT_{}", self.0.0 - Signal::RT_MIN),
        }
    }
}

/// A process is at its end.
pub fn process_ended(pid: crate::task::Pid, exit: Exit) {
    if is_on() {
        let pid = pid.0;
        let line = match exit {
            Exit::Status(status) => alloc::format!("[{pid}] +++ exited with {status} +++\n"),
            Exit::Signal(signal) => alloc::format!("[{pid}] +++ killed by {} +++\n", SignalName(Signal(signal))),
            Exit::OutOfMemory => alloc::format!("[{pid}] +++ killed for want of memory +++\n"),
        };
        crate::control::trace(line.as_bytes());
    }
}

/// The program is at its end.
pub fn at_end(exit: Exit) {
    process_ended(crate::task::PROGRAM, exit);
}
