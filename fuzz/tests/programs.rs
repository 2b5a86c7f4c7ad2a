//! Programs: what the guest kernel's loader makes of files.

use abi::layout::GUEST_END;
use kernel::task::elf::{Header, PROGRAM_HEADER, Program, script};

/// The starts of programs that are here anyway, and of one that is only just one.
fn corpus() -> Vec<Vec<u8>> {
    let files = ["/bin/true", "/bin/sh", "/proc/self/exe"];
    let mut corpus: Vec<Vec<u8>> = files
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .map(|bytes| bytes[..bytes.len().min(4096)].to_vec())
        .collect();
    corpus.push(b"#!/usr/bin/env -S python3 -u\nprint()\n".to_vec());
    corpus.push(b"#! /bin/sh".to_vec());
    corpus
}

#[test]
fn programs() {
    fuzz::fuzz(50_000, &corpus(), |bytes| {
        let _ = script(&bytes[..bytes.len().min(256)]);
        let Ok(header) = Header::parse(bytes) else { return };
        let len = header.count * PROGRAM_HEADER;
        let Some(table) = usize::try_from(header.table).ok().and_then(|at| bytes.get(at..at.checked_add(len)?)) else {
            return;
        };
        let Ok(program) = Program::parse(&header, table) else { return };
        for segment in &program.segments {
            assert!(segment.file_len <= segment.len);
        }
        if let Ok((start, end)) = program.span() {
            assert!(start <= end && end <= GUEST_END, "{start:#x}..{end:#x}");
        }
    });
}
