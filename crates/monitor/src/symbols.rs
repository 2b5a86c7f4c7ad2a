//! Names for addresses of the guest kernel in a crash report, and its backtrace.

use crate::kernel_image::ELF;
use abi::layout::{KERNEL_BASE, KERNEL_SIZE};
use object::{Object as _, ObjectSegment as _, SymbolMap, SymbolMapName};
use std::fmt::Write as _;

/// How the guest kernel begins the line of what lies on its stack.
const STACK: &str = "stack:";
/// The longest `call` instruction, bytes.
const LONGEST_CALL: u64 = 7;

/// The report with `<function+offset>` after each address of the guest kernel, and the words of its stack that a
/// `call` left there as a backtrace.
pub(crate) fn annotate(report: &str) -> String {
    let Ok(file) = object::File::parse(ELF) else { return report.to_owned() };
    let symbols = file.symbol_map();
    let code_before = |address: u64| {
        let start = address.checked_sub(LONGEST_CALL)?;
        file.segments().find_map(|segment| segment.data_range(start, LONGEST_CALL).ok().flatten())
    };
    let mut annotated = String::with_capacity(report.len() * 2);
    for line in report.lines() {
        match line.strip_prefix(STACK) {
            Some(words) => {
                annotated.push_str("backtrace of the guest kernel:\n");
                for word in words.split(' ').filter(|word| follows_call(word, code_before)) {
                    annotated.push_str(&annotate_with(&format!("  {word}\n"), &symbols));
                }
            }
            None => annotated.push_str(&annotate_with(&format!("{line}\n"), &symbols)),
        }
    }
    annotated
}

/// Whether a word, as `0x…`, is the address of what comes after a `call`.
fn follows_call<'a>(word: &str, code_before: impl Fn(u64) -> Option<&'a [u8]>) -> bool {
    let address = word.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let Some(code) = address.and_then(code_before) else { return false };
    let at = |back: usize| code.len().checked_sub(back).and_then(|at| code.get(at)).copied();
    // `call rel32`, or `ff /2` with operands of any length.
    at(5) == Some(0xe8) || (2..=7).any(|back| at(back) == Some(0xff) && at(back - 1).is_some_and(|m| m >> 3 & 7 == 2))
}

fn annotate_with(report: &str, symbols: &SymbolMap<SymbolMapName<'_>>) -> String {
    let mut annotated = String::with_capacity(report.len() * 2);
    let mut rest = report;
    while let Some(place) = rest.find("0x") {
        let (before, number) = rest.split_at(place);
        let digits = number.get(2..).unwrap_or_default();
        let len = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let (number, after) = number.split_at(2 + len);
        annotated.push_str(before);
        annotated.push_str(number);
        let address = u64::from_str_radix(number.get(2..).unwrap_or_default(), 16).unwrap_or(0);
        if (KERNEL_BASE..KERNEL_BASE + KERNEL_SIZE).contains(&address)
            && let Some(symbol) = symbols.get(address)
        {
            let name = rustc_demangle::demangle(symbol.name());
            // Writing to a string can't fail.
            let _ = write!(annotated, " <{name:#}+{:#x}>", address - symbol.address());
        }
        rest = after;
    }
    annotated.push_str(rest);
    annotated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_kernel_get_names() {
        let symbols =
            SymbolMap::new(vec![SymbolMapName::new(KERNEL_BASE + 0x1000, "_ZN6kernel4trap17h0123456789abcdefE")]);
        let report = "rip 0x7e0000001020 rsp 0x10 0x\\n  0x7e0000001000";
        let expected = "rip 0x7e0000001020 <kernel::trap+0x20> rsp 0x10 0x\\n  0x7e0000001000 <kernel::trap+0x0>";
        assert_eq!(annotate_with(report, &symbols), expected);
    }

    #[test]
    fn only_words_after_a_call_are_in_a_backtrace() {
        let code = |address: u64| -> Option<&'static [u8]> {
            match address {
                0x1005 => Some(&[0x90, 0x90, 0xe8, 1, 2, 3, 4]),
                0x1006 => Some(&[0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0]),
                0x1007 => Some(&[0x90, 0xff, 0x15, 1, 2, 3, 4]),
                0x1008 => Some(&[0x90; 7]),
                _ => None,
            }
        };
        let taken: Vec<_> = ["0x1005", "0x1006", "0x1007", "0x1008", "0x2000", "1005", "0x", ""]
            .into_iter()
            .filter(|word| follows_call(word, code))
            .collect();
        assert_eq!(taken, ["0x1005", "0x1006", "0x1007"]);
    }

    #[test]
    fn a_report_that_is_none_stays_as_it_is() {
        assert_eq!(annotate("no heap\nstack: not on the kernel's stack"), "no heap\nbacktrace of the guest kernel:\n");
    }
}
