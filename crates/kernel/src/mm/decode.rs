//! Where instructions begin: enough of a decoder to find the whole instructions in front of a system call.
//!
//! Text can't be read backwards, but decoding that starts anywhere falls into step after a few instructions. So
//! [`before`] decodes from many places ahead and believes only what all of them agree on.

use alloc::vec::Vec;

/// Bytes of context that are looked at in front of a system call.
pub const CONTEXT: usize = 80;
/// Places that decoding starts from; behind them there is room to fall into step.
const STARTS: usize = 40;
/// So many of them must meet the system call.
const WITNESSES: usize = 12;

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes of it.
    pub len: usize,
    /// It does the same elsewhere: no jump, no call, no trap, no address relative to itself.
    pub movable: bool,
}

/// Instructions that end where `code` ends, the last one first, as far as all witnesses agree on them. `code` is at
/// most [`CONTEXT`] bytes in front of a system call.
pub fn before(code: &[u8]) -> Vec<Instruction> {
    let mut agreed: Option<Vec<Instruction>> = None;
    let mut witnesses = 0;
    for start in 0..code.len().min(STARTS) {
        let Some(mut path) = path(code, start) else { continue };
        witnesses += 1;
        path.reverse();
        match &mut agreed {
            None => agreed = Some(path),
            Some(agreed) => {
                let same = agreed.iter().zip(&path).take_while(|(a, b)| a == b).count();
                agreed.truncate(same);
            }
        }
    }
    if witnesses < WITNESSES { Vec::new() } else { agreed.unwrap_or_default() }
}

/// The instructions from a place to the end, if they end there.
fn path(code: &[u8], start: usize) -> Option<Vec<Instruction>> {
    let mut at = start;
    let mut path = Vec::new();
    while at < code.len() {
        let instruction = decode(code.get(at..)?)?;
        at += instruction.len;
        path.push(instruction);
    }
    (at == code.len()).then_some(path)
}

/// What follows an opcode.
struct Form {
    operand: bool,
    immediate: usize,
    movable: bool,
}

const fn form(operand: bool, immediate: usize) -> Option<Form> {
    Some(Form { operand, immediate, movable: true })
}

const fn fixed(immediate: usize) -> Option<Form> {
    Some(Form { operand: false, immediate, movable: false })
}

/// One instruction of 64-bit code, of those that compilers use; `None` for others and for those cut off.
fn decode(code: &[u8]) -> Option<Instruction> {
    let mut at = 0;
    let mut narrow = false;
    while let Some(0x66 | 0xf2 | 0xf3 | 0x2e | 0x36 | 0x3e | 0x26 | 0x64 | 0x65) = code.get(at) {
        narrow |= code[at] == 0x66;
        at += 1;
    }
    let mut wide = false;
    if let Some(rex @ 0x40..=0x4f) = code.get(at) {
        wide = rex & 8 != 0;
        at += 1;
    }
    let word = if narrow && !wide { 2 } else { 4 };
    let opcode = *code.get(at)?;
    at += 1;
    let form = if opcode == 0x0f {
        let opcode = *code.get(at)?;
        at += 1;
        two_bytes(opcode)?
    } else {
        // The register field of the operand tells some apart.
        let field = code.get(at).map(|operand| operand >> 3 & 7);
        one_byte(opcode, field, word, wide)?
    };
    let mut movable = form.movable;
    if form.operand {
        let operand = *code.get(at)?;
        at += 1;
        let (mode, base) = (operand >> 6, operand & 7);
        let mut displacement = [0, 1, 4, 0][usize::from(mode)];
        if mode != 3 && base == 4 {
            let index = *code.get(at)?;
            at += 1;
            if mode == 0 && index & 7 == 5 {
                displacement = 4;
            }
        } else if mode == 0 && base == 5 {
            displacement = 4;
            movable = false;
        }
        at += displacement;
    }
    at += form.immediate;
    // No instruction is longer.
    (at <= code.len() && at <= 15).then_some(Instruction { len: at, movable })
}

fn one_byte(opcode: u8, field: Option<u8>, word: usize, wide: bool) -> Option<Form> {
    match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => form(true, 0),
            4 => form(false, 1),
            5 => form(false, word),
            _ => None,
        },
        0x50..=0x5f | 0x90..=0x99 => form(false, 0),
        0x63 | 0x84..=0x8b | 0x8d | 0xd0..=0xd3 => form(true, 0),
        0x68 => form(false, 4),
        0x69 | 0x81 => form(true, word),
        0x6a | 0xa8 => form(false, 1),
        0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 => form(true, 1),
        0x70..=0x7f | 0xeb => fixed(1),
        0xa4..=0xa7 | 0xaa..=0xaf => form(false, 0),
        0xa9 => form(false, word),
        0xb0..=0xb7 => form(false, 1),
        0xb8..=0xbf => form(false, if wide { 8 } else { word }),
        0xc6 if field == Some(0) => form(true, 1),
        0xc7 if field == Some(0) => form(true, word),
        0xc3 | 0xc9 | 0xcc | 0xf4 => fixed(0),
        0xe8 | 0xe9 => fixed(4),
        0xf6 => form(true, usize::from(field? < 2)),
        0xf7 => form(true, if field? < 2 { word } else { 0 }),
        0xfe if field? < 2 => form(true, 0),
        0xff => match field? {
            0 | 1 | 6 => form(true, 0),
            2..=5 => Some(Form { operand: true, immediate: 0, movable: false }),
            _ => None,
        },
        _ => None,
    }
}

fn two_bytes(opcode: u8) -> Option<Form> {
    match opcode {
        0x05 | 0x0b => fixed(0),
        0x10..=0x17 | 0x1e | 0x1f | 0x28..=0x2f | 0x40..=0x6f | 0x74..=0x76 | 0x7e | 0x7f => form(true, 0),
        0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => form(true, 1),
        0x80..=0x8f => fixed(4),
        0x90..=0x9f | 0xa3 | 0xa5 | 0xab | 0xad | 0xaf..=0xb1 | 0xb3 | 0xb6 | 0xb7 | 0xbb..=0xc1 => form(true, 0),
        0xc8..=0xcf => form(false, 0),
        0xd0..=0xfe => form(true, 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `nop`s, then what is given.
    fn behind_nops(code: &[u8]) -> Vec<(usize, bool)> {
        let mut text = alloc::vec![0x90; CONTEXT - code.len()];
        text.extend_from_slice(code);
        before(&text).iter().map(|found| (found.len, found.movable)).take(4).collect()
    }

    #[test]
    fn the_ends_of_wrappers_are_found() {
        // mov %r8,%r10; mov %r9,%r8; mov 8(%rsp),%r9
        let found = behind_nops(&[0x4d, 0x89, 0xc2, 0x4d, 0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 0x08]);
        assert_eq!(found, [(5, true), (3, true), (3, true), (1, true)]);
        // call; mov 0x18(%rsp),%rdx; mov %eax,%r8d; mov 8(%rsp),%edi; xor %eax,%eax
        let found = behind_nops(&[
            0xe8, 1, 2, 3, 4, 0x48, 0x8b, 0x54, 0x24, 0x18, 0x41, 0x89, 0xc0, 0x8b, 0x7c, 0x24, 0x08, 0x31, 0xc0,
        ]);
        assert_eq!(found, [(2, true), (4, true), (3, true), (5, true)]);
        // mov $0x119,%eax; mov 4(%rsp),%edi
        assert_eq!(behind_nops(&[0xb8, 0x19, 1, 0, 0, 0x8b, 0x7c, 0x24, 0x04])[..2], [(4, true), (5, true)]);
    }

    #[test]
    fn jumps_and_relative_addresses_stay_where_they_are() {
        // je +0x17; xor %eax,%eax
        assert_eq!(behind_nops(&[0x74, 0x17, 0x31, 0xc0])[..2], [(2, true), (2, false)]);
        // lea 0x1178dd(%rip),%rsi
        assert_eq!(behind_nops(&[0x48, 0x8d, 0x35, 0xdd, 0x78, 0x11, 0])[..1], [(7, false)]);
        assert_eq!(behind_nops(&[0xe8, 0, 0, 0, 0])[..1], [(5, false)]);
    }

    #[test]
    fn what_is_not_clear_is_not_believed() {
        // The end of a long instruction that looks like another one: decoding from inside the constant differs.
        let mut text = Vec::new();
        while text.len() < CONTEXT {
            // mov $imm64,%rax, whose constant holds such instructions itself.
            text.extend_from_slice(&[0x48, 0xb8, 0x48, 0xb8, 0x48, 0xb8, 0x48, 0xb8, 0x48, 0xb8]);
        }
        let found = before(&text[..CONTEXT]);
        assert!(found.iter().map(|found| found.len).sum::<usize>() < 20, "{found:?}");
        assert!(before(&[0x90; WITNESSES - 1]).is_empty(), "too little to go by");
        assert!(before(&[0x06; CONTEXT]).is_empty(), "no code");
    }
}
