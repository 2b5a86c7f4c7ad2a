//! `seccomp(2)`: what a thread lets itself ask of the kernel. The filters are the guest's own, looked at by the guest
//! kernel; what the sandbox may ask of the host is another matter.

use super::Thread;
use crate::errno::{EINVAL, ENOMEM, Errno};
use abi::image::Registers;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// `SECCOMP_MODE_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everything is allowed.
    #[default]
    Disabled,
    /// Reading, writing, the end of a thread and the return from a handler.
    Strict,
    /// What the filters say.
    Filter,
}

/// What becomes of a call, with 16 bits of the filter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Allow,
    /// It answers this errno, 0 too.
    Errno(u16),
    /// `SIGSYS` instead of the call.
    Trap(u16),
    /// The thread ends.
    KillThread,
    /// The process ends.
    KillProcess,
    /// It is for somebody who is not there: `ENOSYS`.
    Nobody,
}

/// Bytes of a `struct sock_filter`: code, two jumps, a constant.
pub const INSTRUCTION: usize = 8;
/// `BPF_MAXINSNS`.
pub const MOST_INSTRUCTIONS: usize = 4096;
/// Bytes of a `struct seccomp_data`.
const DATA: usize = 64;
/// `AUDIT_ARCH_X86_64`.
pub const ARCHITECTURE: u32 = 0xc000_003e;
const SCRATCH: usize = 16;
/// Instructions that all filters of a thread may have, and what each counts besides its own.
const MOST_OF_ALL: usize = 32_768;
const PENALTY: usize = 4;

/// A filter, and those that were there before it.
pub struct Filter {
    // The guest's instructions.
    program: Vec<u8>,
    /// The filter that was in force before.
    pub before: Option<Rc<Filter>>,
}

#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    constant: u32,
}

fn instruction(program: &[u8], index: usize) -> Option<Instruction> {
    let at = index.checked_mul(INSTRUCTION)?;
    let bytes: &[u8; INSTRUCTION] = program.get(at..)?.first_chunk()?;
    Some(Instruction {
        code: u16::from_ne_bytes([bytes[0], bytes[1]]),
        if_true: bytes[2],
        if_false: bytes[3],
        constant: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    })
}

/// Load the accumulator from the data, and where a program ends.
const LOAD_ABSOLUTE: u16 = 0x20;
const RETURN_CONSTANT: u16 = 0x06;
const RETURN_ACCUMULATOR: u16 = 0x16;

impl Filter {
    /// A filter in front of others.
    ///
    /// # Errors
    /// `EINVAL` for a program that Linux refuses, `ENOMEM` when all of them are too long (`MAX_INSNS_PER_PATH`).
    pub fn new(program: Vec<u8>, before: Option<Rc<Self>>) -> Result<Self, Errno> {
        let count = program.len() / INSTRUCTION;
        for index in 0..count {
            let Instruction { code, if_true, if_false, constant } = instruction(&program, index).ok_or(EINVAL)?;
            let left = count - index - 1;
            let valid = match code {
                LOAD_ABSOLUTE => constant.is_multiple_of(4) && (constant as usize) < DATA,
                // Loads of the length and of constants, moves between accumulator and index.
                0x80 | 0x81 | 0x00 | 0x01 | 0x07 | 0x87 => true,
                RETURN_CONSTANT | RETURN_ACCUMULATOR => true,
                // Scratch memory.
                0x60 | 0x61 | 0x02 | 0x03 => (constant as usize) < SCRATCH,
                // Addition, subtraction, multiplication, or, and, exclusive or, negation; division by the index.
                0x04 | 0x0c | 0x14 | 0x1c | 0x24 | 0x2c | 0x44 | 0x4c | 0x54 | 0x5c | 0xa4 | 0xac | 0x84 | 0x3c => true,
                0x34 => constant != 0,
                0x64 | 0x74 => constant < 32,
                0x6c | 0x7c => true,
                0x05 => (constant as usize) < left,
                // Equal, greater, greater or equal, bits in common.
                0x15 | 0x1d | 0x25 | 0x2d | 0x35 | 0x3d | 0x45 | 0x4d => {
                    usize::from(if_true) < left && usize::from(if_false) < left
                }
                _ => false,
            };
            if !valid {
                return Err(EINVAL);
            }
        }
        let len = |filter: &Self| filter.program.len() / INSTRUCTION + PENALTY;
        if before.iter().flat_map(|before| before.all()).map(len).sum::<usize>() + count > MOST_OF_ALL {
            return Err(ENOMEM);
        }
        match count.checked_sub(1).and_then(|last| instruction(&program, last)) {
            Some(Instruction { code: RETURN_CONSTANT | RETURN_ACCUMULATOR, .. }) => Ok(Self { program, before }),
            _ => Err(EINVAL),
        }
    }

    /// Whether another filter is this one, or was in force before it.
    pub fn has(&self, other: &Rc<Self>) -> bool {
        self.all().any(|filter| core::ptr::eq(filter, Rc::as_ptr(other)))
    }

    /// How many filters there are.
    pub fn depth(&self) -> usize {
        self.all().count()
    }

    /// This one and those before it.
    fn all(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |filter| filter.before.as_deref())
    }

    /// What the program answers.
    fn run(&self, data: &[u8; DATA]) -> u32 {
        let (mut a, mut x) = (0u32, 0u32);
        let mut memory = [0u32; SCRATCH];
        let mut at = 0;
        // Checked when it was made: no jump goes back, so it ends.
        while let Some(Instruction { code, if_true, if_false, constant }) = instruction(&self.program, at) {
            at += 1;
            let operand = if code & 8 == 0 { constant } else { x };
            let slot = constant as usize % SCRATCH;
            let jump = |holds: bool| usize::from(if holds { if_true } else { if_false });
            match code {
                LOAD_ABSOLUTE => {
                    let word = data.get(constant as usize..).and_then(|rest| rest.first_chunk::<4>());
                    a = word.map_or(0, |word| u32::from_ne_bytes(*word));
                }
                0x80 => a = DATA as u32,
                0x81 => x = DATA as u32,
                0x00 => a = constant,
                0x01 => x = constant,
                0x07 => x = a,
                0x87 => a = x,
                0x60 => a = memory[slot],
                0x61 => x = memory[slot],
                0x02 => memory[slot] = a,
                0x03 => memory[slot] = x,
                0x04 | 0x0c => a = a.wrapping_add(operand),
                0x14 | 0x1c => a = a.wrapping_sub(operand),
                0x24 | 0x2c => a = a.wrapping_mul(operand),
                // As Linux: a division by nothing ends the program with 0.
                0x34 | 0x3c => match a.checked_div(operand) {
                    Some(quotient) => a = quotient,
                    None => return 0,
                },
                0x44 | 0x4c => a |= operand,
                0x54 | 0x5c => a &= operand,
                0xa4 | 0xac => a ^= operand,
                0x64 | 0x6c => a = a.wrapping_shl(operand),
                0x74 | 0x7c => a = a.wrapping_shr(operand),
                0x84 => a = a.wrapping_neg(),
                0x05 => at += constant as usize,
                0x15 | 0x1d => at += jump(a == operand),
                0x25 | 0x2d => at += jump(a > operand),
                0x35 | 0x3d => at += jump(a >= operand),
                0x45 | 0x4d => at += jump(a & operand != 0),
                RETURN_CONSTANT => return constant,
                _ => return a,
            }
        }
        0
    }
}

impl Drop for Filter {
    /// One after the other, however many there are.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut filter) = next.and_then(Rc::into_inner) {
            next = filter.before.take();
        }
    }
}

/// Whether an action is one that a filter's answer can stand for here (`SECCOMP_GET_ACTION_AVAIL`).
pub fn knows(action: u32) -> bool {
    matches!(action, 0x8000_0000 | 0 | 0x3_0000 | 0x5_0000 | 0x7ff0_0000 | 0x7ffc_0000 | 0x7fff_0000)
}

/// What a thread's filters, or its strict mode, say to a call: the strictest of them counts, the newest among equals.
pub fn judge(thread: &Thread, registers: &Registers) -> Verdict {
    const READ: u32 = 0;
    const WRITE: u32 = 1;
    const SIGRETURN: u32 = 15;
    const EXIT: u32 = 60;
    let number = registers.syscall as u32;
    match thread.seccomp_mode.get() {
        Mode::Disabled => return Verdict::Allow,
        Mode::Strict if matches!(number, READ | WRITE | SIGRETURN | EXIT) => return Verdict::Allow,
        Mode::Strict => return Verdict::KillThread,
        Mode::Filter => {}
    }
    let mut data = [0; DATA];
    data[..4].copy_from_slice(&number.to_ne_bytes());
    data[4..8].copy_from_slice(&ARCHITECTURE.to_ne_bytes());
    data[8..16].copy_from_slice(&registers.rip.to_ne_bytes());
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    for (place, argument) in data[16..].chunks_exact_mut(8).zip(arguments) {
        place.copy_from_slice(&argument.to_ne_bytes());
    }
    let mut strictest = 0x7fff_0000;
    let mut at = thread.seccomp.borrow().clone();
    while let Some(filter) = at {
        let answer = filter.run(&data);
        if action_of(answer).cast_signed() < action_of(strictest).cast_signed() {
            strictest = answer;
        }
        at = filter.before.clone();
    }
    let told = strictest as u16;
    match action_of(strictest) {
        0x7fff_0000 | 0x7ffc_0000 => Verdict::Allow,
        0x7ff0_0000 | 0x7fc0_0000 => Verdict::Nobody,
        0x5_0000 => Verdict::Errno(told.min(4095)),
        0x3_0000 => Verdict::Trap(told),
        0 => Verdict::KillThread,
        _ => Verdict::KillProcess,
    }
}

fn action_of(answer: u32) -> u32 {
    answer & 0xffff_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(lines: &[(u16, u8, u8, u32)]) -> Vec<u8> {
        let bytes = |(code, if_true, if_false, constant): &(u16, u8, u8, u32)| {
            let mut line = code.to_ne_bytes().to_vec();
            line.extend([*if_true, *if_false]);
            line.extend(constant.to_ne_bytes());
            line
        };
        lines.iter().flat_map(bytes).collect()
    }

    fn data(number: u32) -> [u8; DATA] {
        let mut data = [0; DATA];
        data[..4].copy_from_slice(&number.to_ne_bytes());
        data
    }

    #[test]
    fn a_filter_tells_one_call_from_another() {
        let lines = [(0x20, 0, 0, 0), (0x15, 0, 1, 39), (0x06, 0, 0, 0x5_0007), (0x06, 0, 0, 0x7fff_0000)];
        let filter = Filter::new(program(&lines), None).unwrap();
        assert_eq!(filter.run(&data(39)), 0x5_0007);
        assert_eq!(filter.run(&data(40)), 0x7fff_0000);
    }

    #[test]
    fn programs_that_leave_themselves_are_refused() {
        let refused: &[&[(u16, u8, u8, u32)]] = &[
            &[],
            &[(0x20, 0, 0, 0)],
            &[(0x20, 0, 0, 2), (0x06, 0, 0, 0)],
            &[(0x20, 0, 0, 64), (0x06, 0, 0, 0)],
            &[(0x15, 1, 0, 0), (0x06, 0, 0, 0)],
            &[(0x05, 0, 0, u32::MAX), (0x06, 0, 0, 0)],
            &[(0x34, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x60, 0, 0, 16), (0x06, 0, 0, 0)],
            &[(0x28, 0, 0, 0), (0x06, 0, 0, 0)],
        ];
        for lines in refused {
            assert!(Filter::new(program(lines), None).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn arithmetic_and_scratch_memory() {
        let lines = [
            (0x00, 0, 0, 7),
            (0x02, 0, 0, 3),
            (0x01, 0, 0, 0),
            (0x61, 0, 0, 3),
            (0x24, 0, 0, 6),
            (0x1c, 0, 0, 0),
            (0x64, 0, 0, 1),
            (0x16, 0, 0, 0),
        ];
        assert_eq!(Filter::new(program(&lines), None).unwrap().run(&data(0)), (7 * 6 - 7) << 1);
    }
}
