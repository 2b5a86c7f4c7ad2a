//! `docs/linux.md`, from the table.

use super::table::{ROWS, Support};
use std::fmt::Write as _;
use std::string::String;
use std::vec::Vec;

const HEAD: &str = "\
# Linux system calls

What programs find inside a sandbox. This page is made from `crates/kernel/src/syscall/table.rs` by `make docs`, and a
test keeps it current. A call that is not listed answers `ENOSYS` and is named in the log once; so does an option of a
listed call that is not there, with the errno that Linux gives for one it does not know.

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
    page
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
