//! Names for addresses of the guest kernel in a crash report.

use crate::kernel_image::ELF;
use abi::layout::{KERNEL_BASE, KERNEL_SIZE};
use object::{Object as _, SymbolMap, SymbolMapName};
use std::fmt::Write as _;

/// The report with `<function+offset>` after each address of the guest kernel.
pub(crate) fn annotate(report: &str) -> String {
    match object::File::parse(ELF) {
        Ok(file) => annotate_with(report, &file.symbol_map()),
        Err(_) => report.to_owned(),
    }
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
}
