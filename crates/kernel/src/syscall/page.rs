//! `docs/linux.md`, from the table.

use super::absent::ABSENT;
use super::table::{ROWS, Support};
use std::fmt::Write as _;
use std::string::String;
use std::vec::Vec;

const HEAD: &str = "\
# Linux system calls

What programs find inside a sandbox. This page is made from `crates/kernel/src/syscall/table.rs` by `make docs`, and a
test keeps it current. A call that is absent, or not listed, answers `ENOSYS` and is named in the log once; an option of
a listed call that is not there is named there, too, and answers with the errno that Linux gives for one it does not know.

";

fn page() -> String {
    let mut rows: Vec<_> = ROWS.iter().collect();
    rows.sort_by_key(|row| row.number);
    let full = rows.iter().filter(|row| row.support == Support::Full).count();
    let mut page = String::from(HEAD);
    let _ = writeln!(page, "{} calls, {full} of them in full.\n", rows.len());
    page.push_str("| number | call | support |\n| --- | --- | --- |\n");
    for row in rows {
        let support = match row.support {
            Support::Full => String::from("full"),
            Support::Partial(note) => std::format!("partial: {note}"),
        };
        let _ = writeln!(page, "| {} | `{}({})` | {support} |", row.number, row.name, row.arguments.join(", "));
    }
    page.push_str("\n## Absent\n\n| number | call | why |\n| --- | --- | --- |\n");
    for (number, name, why) in ABSENT {
        let _ = writeln!(page, "| {number} | `{name}` | {why} |");
    }
    page
}

#[test]
fn every_call_is_there_or_absent_for_a_reason() {
    let known = |number| u64::try_from(number).is_ok_and(|number| super::absent::name(number).is_some());
    let served = |number| ROWS.iter().any(|row| row.number == number);
    // Between 335 and 423 x86-64 has no calls.
    for number in (0..335).chain(424..470) {
        assert!(known(number) != served(number), "system call {number} is in both tables, or in none");
    }
}

#[test]
fn the_page_of_calls_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/linux.md");
    if std::env::var_os("CATALYZER_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/linux.md is not what the table says: run `make docs`");
}
