//! The seccomp program, compiled from the hostcall table.
//!
//! Order of the rules, each a test below: architecture (another one kills, which ends `int 0x80`), the x32 bit
//! (kills), then the instruction pointer: a call from outside the guest kernel's text raises `SIGSYS`, which is
//! how the application's system calls reach the guest kernel. Calls from the text pass when the table lists the
//! number and all conditions of one of its alternatives hold; everything else kills the process.
//!
//! The instruction pointer *routes*, it protects nothing: a guest can jump to the kernel's text or map over it.
//! What a sandbox may do is decided by numbers and arguments alone.

use crate::error::{Error, Result};
use abi::hostcalls::{Check, Hostcall};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};
use std::collections::BTreeMap;
use std::ops::Range;

/// `AUDIT_ARCH_X86_64`.
const ARCHITECTURE: u32 = 0xc000_003e;
/// Set in the number of every call of the x32 ABI.
const X32_BIT: u32 = 0x4000_0000;
/// From here on numbers are negative: no ABI has them, so they are routed like any other unknown one.
const NEGATIVE: u32 = 0x8000_0000;

// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const IP_LOW: u32 = 8;
const IP_HIGH: u32 = 12;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The program for a kernel whose text lies at `text`, 8 bytes an instruction, as
/// [`abi::control::ToParent::Seal`] carries it.
///
/// # Errors
/// [`Error::Filter`] when the table can't be expressed or the text crosses a 4 GiB boundary.
pub fn program(table: &[Hostcall], text: Range<u64>) -> Result<Vec<u8>> {
    let mut program = prologue(text)?;
    program.extend(compile(table)?);
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for instruction in program {
        bytes.extend(instruction.code.to_le_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_le_bytes());
    }
    Ok(bytes)
}

/// Everything up to the instruction pointer.
fn prologue(text: Range<u64>) -> Result<BpfProgram> {
    let last = text.end.checked_sub(1).filter(|last| *last >= text.start);
    let last = last.ok_or_else(|| Error::Filter("the kernel has no text".to_owned()))?;
    let (high, low) = halves(text.start);
    let (high_of_last, low_of_last) = halves(last);
    if high != high_of_last || low_of_last == u32::MAX {
        return Err(Error::Filter(format!("the kernel's text {text:x?} crosses a 4 GiB boundary")));
    }
    Ok(vec![
        step(LOAD, 0, 0, ARCH),
        step(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        step(LOAD, 0, 0, NUMBER),
        step(JUMP_AT_LEAST, 2, 0, NEGATIVE),
        step(JUMP_AT_LEAST, 0, 1, X32_BIT),
        step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        step(LOAD, 0, 0, IP_HIGH),
        step(JUMP_EQUAL, 0, 3, high),
        step(LOAD, 0, 0, IP_LOW),
        step(JUMP_AT_LEAST, 0, 1, low),
        step(JUMP_AT_LEAST, 0, 1, low_of_last + 1),
        step(RETURN, 0, 0, libc::SECCOMP_RET_TRAP),
    ])
}

fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// High and low half of an address.
fn halves(address: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = address.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

/// Numbers and arguments.
fn compile(table: &[Hostcall]) -> Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for row in table {
        let any = row.alternatives.iter().any(|alternative| alternative.is_empty());
        let alternatives = if any {
            // No rule at all is the compiler's word for "always".
            Vec::new()
        } else {
            row.alternatives.iter().map(|alternative| rule(alternative)).collect::<Result<_>>()?
        };
        if rules.insert(i64::from(row.number), alternatives).is_some() {
            return Err(Error::Filter(format!("{} is listed twice", row.name)));
        }
    }
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, TargetArch::x86_64)
        .map_err(wrong)?;
    BpfProgram::try_from(filter).map_err(wrong)
}

fn rule(alternative: &[Check]) -> Result<SeccompRule> {
    let conditions = alternative.iter().map(|check| {
        let (argument, operation, value) = match *check {
            Check::Is(argument, value) => (argument, SeccompCmpOp::Eq, value),
            Check::AtMost(argument, value) => (argument, SeccompCmpOp::Le, value),
            Check::Only(argument, mask) => (argument, SeccompCmpOp::MaskedEq(!mask), 0),
        };
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operation, value).map_err(wrong)
    });
    SeccompRule::new(conditions.collect::<Result<_>>()?).map_err(wrong)
}

fn wrong(error: seccompiler::BackendError) -> Error {
    Error::Filter(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::hostcalls::{self, TABLE};
    use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP};

    const TEXT: Range<u64> = 0x7e00_0000_1000..0x7e00_0008_0000;

    /// One call as the host's kernel shows it to the program.
    #[derive(Clone, Copy)]
    struct Call {
        number: u32,
        arch: u32,
        ip: u64,
        args: [u64; 6],
    }

    fn from_kernel(number: u32, args: [u64; 6]) -> Call {
        Call { number, arch: ARCHITECTURE, ip: TEXT.start + 0x20, args }
    }

    /// Runs the program as the host would: classic BPF over `struct seccomp_data`.
    fn verdict(call: Call) -> u32 {
        let bytes = program(TABLE, TEXT).expect("the table compiles");
        assert!(bytes.len() / 8 <= libc::BPF_MAXINSNS as usize);
        let mut data = Vec::new();
        data.extend(call.number.to_le_bytes());
        data.extend(call.arch.to_le_bytes());
        data.extend(call.ip.to_le_bytes());
        call.args.iter().for_each(|argument| data.extend(argument.to_le_bytes()));
        let word = |offset: usize| u32::from_le_bytes(data[offset..offset + 4].try_into().unwrap());
        let (mut pc, mut accumulator) = (0, 0_u32);
        loop {
            let at: [u8; 8] = bytes[pc * 8..pc * 8 + 8].try_into().unwrap();
            let code = u32::from(u16::from_le_bytes([at[0], at[1]]));
            let (jt, jf) = (usize::from(at[2]), usize::from(at[3]));
            let k = u32::from_le_bytes([at[4], at[5], at[6], at[7]]);
            pc += 1;
            let mut branch = |condition: bool| pc += if condition { jt } else { jf };
            match code {
                0x20 => accumulator = word(k as usize),
                0x54 => accumulator &= k,
                0x05 => pc += k as usize,
                0x15 => branch(accumulator == k),
                0x25 => branch(accumulator > k),
                0x35 => branch(accumulator >= k),
                0x45 => branch(accumulator & k != 0),
                0x06 => return k,
                other => panic!("instruction {other:#x} is not used"),
            }
        }
    }

    #[test]
    fn every_alternative_of_every_row_passes() {
        for row in TABLE {
            for alternative in row.alternatives {
                let mut args = [0; 6];
                for check in *alternative {
                    let (Check::Is(argument, value) | Check::AtMost(argument, value) | Check::Only(argument, value)) =
                        *check;
                    args[usize::from(argument)] = value;
                }
                assert_eq!(verdict(from_kernel(row.number, args)), SECCOMP_RET_ALLOW, "{}", row.name);
            }
        }
    }

    #[test]
    fn another_architecture_kills_wherever_it_comes_from() {
        for ip in [TEXT.start, 0x1000] {
            let call = Call { arch: 0x4000_0003, ip, ..from_kernel(hostcalls::READ, [0; 6]) };
            assert_eq!(verdict(call), SECCOMP_RET_KILL_PROCESS);
        }
    }

    #[test]
    fn x32_calls_kill_wherever_they_come_from() {
        for ip in [TEXT.start, 0x1000] {
            let call = Call { ip, ..from_kernel(hostcalls::READ | X32_BIT, [0; 6]) };
            assert_eq!(verdict(call), SECCOMP_RET_KILL_PROCESS);
        }
    }

    #[test]
    fn calls_from_outside_the_kernel_text_trap() {
        let outside = [0, TEXT.start - 1, TEXT.end, TEXT.start + (1 << 32), TEXT.start - (1 << 32), u64::MAX];
        for ip in outside {
            for number in [hostcalls::READ, 57, 59, u32::MAX] {
                assert_eq!(verdict(Call { ip, ..from_kernel(number, [0; 6]) }), SECCOMP_RET_TRAP, "{ip:#x} {number}");
            }
        }
        for ip in [TEXT.start, TEXT.end - 1] {
            assert_eq!(verdict(Call { ip, ..from_kernel(hostcalls::READ, [0; 6]) }), SECCOMP_RET_ALLOW, "{ip:#x}");
        }
    }

    #[test]
    fn unlisted_numbers_from_the_kernel_text_kill() {
        for number in (0..600).chain([u32::MAX, NEGATIVE]) {
            let listed = TABLE.iter().any(|row| row.number == number);
            let verdict = verdict(from_kernel(number, [u64::MAX; 6]));
            assert!(listed || verdict == SECCOMP_RET_KILL_PROCESS, "{number}");
        }
    }

    #[test]
    fn a_condition_that_does_not_hold_kills() {
        for row in TABLE {
            let [alternative] = row.alternatives else { continue };
            for check in *alternative {
                let mut args = [0; 6];
                for other in *alternative {
                    let (Check::Is(argument, value) | Check::AtMost(argument, value) | Check::Only(argument, value)) =
                        *other;
                    args[usize::from(argument)] = value;
                }
                let (argument, wrong) = match *check {
                    Check::Is(argument, value) => (argument, [value ^ 1, value | 1 << 40]),
                    Check::AtMost(argument, value) => (argument, [value + 1, value | 1 << 40]),
                    Check::Only(argument, mask) => (argument, [1 << 63, 1 << (!mask).trailing_zeros()]),
                };
                for value in wrong {
                    args[usize::from(argument)] = value;
                    assert_eq!(
                        verdict(from_kernel(row.number, args)),
                        SECCOMP_RET_KILL_PROCESS,
                        "{} {check:?} {value:#x}",
                        row.name
                    );
                }
            }
        }
    }

    #[test]
    fn shared_futexes_kill() {
        for operation in [0, 1, 9, 9 | 256, 1 | 256, 3 | 128] {
            let call = from_kernel(hostcalls::FUTEX, [0, operation, 0, 0, 0, 0]);
            assert_eq!(verdict(call), SECCOMP_RET_KILL_PROCESS, "{operation}");
        }
    }

    #[test]
    fn a_clone_with_any_other_flag_kills() {
        let good = [
            hostcalls::CLONE_THREAD_FLAGS,
            hostcalls::CLONE_SFORK_FLAGS,
            hostcalls::CLONE_TEMPLATE_FLAGS,
            hostcalls::CLONE_PROCESS_FLAGS,
        ];
        for flags in good {
            for bit in 0..64 {
                let changed = flags ^ (1 << bit);
                let call = from_kernel(hostcalls::CLONE, [changed, 0, 0, 0, 0, 0]);
                let expected = if good.contains(&changed) { SECCOMP_RET_ALLOW } else { SECCOMP_RET_KILL_PROCESS };
                assert_eq!(verdict(call), expected, "{changed:#x}");
            }
        }
    }

    #[test]
    fn messages_with_an_address_or_other_flags_kill() {
        for args in [[9, 0, 0, 0, 1, 16], [9, 0, 0, 0, 0, 16], [9, 0, 0, 1, 0, 0], [9, 0, 0, 0x2000_0000, 0, 0]] {
            assert_eq!(verdict(from_kernel(hostcalls::SENDTO, args)), SECCOMP_RET_KILL_PROCESS, "{args:x?}");
        }
    }

    #[test]
    fn a_text_that_crosses_4_gib_is_refused() {
        assert!(program(TABLE, 0x7e00_ffff_f000..0x7e01_0000_1000).is_err());
        assert!(program(TABLE, 0x1000..0x1000).is_err());
    }
}
