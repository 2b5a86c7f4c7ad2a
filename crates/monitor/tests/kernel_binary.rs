//! Proofs about the guest kernel's binary and source: where it can ask the host for anything, which state it has
//! outside its heap, and that it needs every hostcall it may make.

use abi::hostcalls::{BUDGET, TABLE};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The routines that may hold a `syscall` instruction, and how many.
const WRAPPERS: &[(&str, usize, &str)] = &[
    ("raw", 1, "every hostcall but those below"),
    ("host_restorer", 1, "rt_sigreturn at the end of a signal handler"),
    ("leave_by_signal_frame", 1, "rt_sigreturn into user code"),
    ("clone_thread_asm", 1, "clone: the child comes back on another stack"),
    ("end_thread_asm", 1, "exit: without a stack"),
];

/// Symbols of the guest's vDSO: text that is copied out, lies in read-only data here and runs in the guest, where
/// it traps like any other program's.
const GUEST_TEXT: &str = "guest_vdso";

struct Kernel {
    /// Address and bytes of each executable section.
    text: Vec<(u64, Vec<u8>)>,
    /// Name without path and hash, by address.
    symbols: BTreeMap<u64, String>,
    /// Start and end of the executable text by symbols.
    starts: Vec<u64>,
}

fn kernel() -> Kernel {
    let file = object::File::parse(monitor::kernel_elf()).expect("the kernel is an ELF file");
    let text: Vec<_> = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| (section.address(), section.data().expect("text").to_vec()))
        .collect();
    assert!(!text.is_empty());
    let mut symbols = BTreeMap::new();
    for symbol in file.symbols() {
        let Ok(name) = symbol.name() else { continue };
        let within = text.iter().any(|(start, bytes)| (*start..start + bytes.len() as u64).contains(&symbol.address()));
        if within && !name.is_empty() && !name.starts_with('$') && !name.starts_with(".L") {
            symbols.insert(symbol.address(), plain(name));
        }
    }
    let starts = symbols.keys().copied().collect();
    Kernel { text, symbols, starts }
}

/// The last part of a path: `raw` of `kernel::host::raw`.
fn plain(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    name.rsplit("::").next().unwrap_or(&name).to_owned()
}

impl Kernel {
    fn symbol_of(&self, address: u64) -> &str {
        self.symbols.range(..=address).next_back().map_or("?", |(_, name)| name)
    }

    /// Every instruction, decoded from the start of each symbol, so that data between functions shifts nothing.
    fn instructions(&self, mut look: impl FnMut(&str, &Instruction)) {
        for (start, bytes) in &self.text {
            let end = start + bytes.len() as u64;
            let mut at = *start;
            while at < end {
                let next = self.starts.iter().copied().find(|&next| next > at).unwrap_or(end).min(end);
                let (from, to) = ((at - start) as usize, (next - start) as usize);
                let name = self.symbol_of(at).to_owned();
                for instruction in &mut Decoder::with_ip(64, &bytes[from..to], at, DecoderOptions::NONE) {
                    look(&name, &instruction);
                }
                at = next;
            }
        }
    }
}

fn enters_the_host(code: Code) -> bool {
    matches!(code, Code::Syscall | Code::Sysenter | Code::Int_imm8)
}

#[test]
fn the_kernel_enters_the_host_in_its_wrappers_only() {
    let kernel = kernel();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = 0_usize;
    kernel.instructions(|symbol, instruction| {
        seen += 1;
        if enters_the_host(instruction.code()) {
            assert_eq!(instruction.code(), Code::Syscall, "{symbol} at {:#x}", instruction.ip());
            *found.entry(symbol.to_owned()).or_default() += 1;
        }
    });
    assert!(seen > 10_000, "only {seen} instructions were decoded");
    for (symbol, count) in &found {
        let allowed = WRAPPERS.iter().any(|(name, most, _)| name == symbol && count <= most);
        assert!(allowed || symbol.starts_with(GUEST_TEXT), "{symbol} has {count} system-call instructions");
    }
    for (wrapper, count, reason) in WRAPPERS {
        assert_eq!(found.get(*wrapper), Some(count), "{wrapper} ({reason}) is gone: take it off the list");
    }
}

#[test]
fn no_wrapper_is_inlined_elsewhere() {
    let kernel = kernel();
    let count = kernel.symbols.values().filter(|name| *name == "raw").count();
    assert_eq!(count, 1, "the one door of all ordinary hostcalls");
}

/// Port input and output, `hlt` and their like only fault, but they have no business here either.
#[test]
fn the_kernel_has_no_privileged_instruction() {
    kernel().instructions(|symbol, instruction| {
        let bad = instruction.is_privileged() && instruction.flow_control() != FlowControl::Exception;
        assert!(!bad, "{symbol} has {:?} at {:#x}", instruction.code(), instruction.ip());
    });
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Rust files of a folder without test modules, with their text up to `#[cfg(test)] mod`.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the source lies beside this crate") {
            let path = entry.expect("entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).expect("readable");
                let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
                found.push((path, text[..end].to_owned()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// State outside the kernel heap, which no image holds: each with the reason why it is none.
const STATICS: &[(&str, &str)] = &[
    ("BY_NUMBER", "the system-call table by number, made by the compiler, never written"),
    ("HEAP", "the allocator itself: a handle; its state lies at the start of the heap"),
];

/// A `static` that only names an address in the text or data, from assembly or the linker.
fn names_an_address(line: &str) -> bool {
    line.trim_end().ends_with(": u8;")
}

#[test]
fn no_state_lies_outside_the_kernel_heap() {
    let mut found = Vec::new();
    for folder in ["crates/kernel/src", "crates/kernel-elf/src"] {
        for (path, text) in sources(&workspace().join(folder)) {
            let thread_locals = text.find("std::thread_local!").unwrap_or(text.len());
            for (number, line) in text[..thread_locals].lines().enumerate() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let Some(at) = words.iter().position(|word| *word == "static") else { continue };
                let declares =
                    words[..at].iter().all(|word| word.starts_with("pub") || *word == "unsafe" || word.ends_with(')'));
                if !declares || names_an_address(line) {
                    continue;
                }
                let name = words.get(at + 1).copied().unwrap_or_default();
                let name = if name == "mut" { words.get(at + 2).copied().unwrap_or_default() } else { name };
                found.push((name.trim_end_matches(':').to_owned(), format!("{}:{}", path.display(), number + 1)));
            }
        }
    }
    for (name, place) in &found {
        let reason = STATICS.iter().find(|(listed, _)| listed == name);
        assert!(
            reason.is_some(),
            "{place}: `static {name}` is state that no image holds; it belongs in the kernel heap"
        );
    }
    for (name, _) in STATICS {
        assert!(found.iter().any(|(found, _)| found == name), "{name} is gone: take it off the list");
    }
}

/// What the linker made of it: nothing that is meant to be written, beyond the list's. (`.data.rel.ro` holds
/// addresses of constants.)
#[test]
fn the_kernel_binary_has_no_writable_data() {
    let file = object::File::parse(monitor::kernel_elf()).expect("the kernel is an ELF file");
    let writable = [".data", ".bss", ".tdata", ".tbss"];
    let sections = file.sections().filter(|section| section.name().is_ok_and(|name| writable.contains(&name)));
    let size: u64 = sections.map(|section| section.size()).sum();
    assert!(size <= 64, "{size} bytes of data outside the heap");
}

#[test]
fn every_hostcall_has_a_reason_and_a_user() {
    assert!(TABLE.len() <= BUDGET, "{} hostcalls", TABLE.len());
    let source: String = sources(&workspace().join("crates/kernel/src")).into_iter().map(|(_, text)| text).collect();
    for row in TABLE {
        assert!(!row.reason.trim().is_empty(), "{} has no reason", row.name);
        let constant = format!("nr::{}", row.name.to_uppercase());
        let used = source.match_indices(&constant).any(|(at, _)| {
            !source[at + constant.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
        });
        let by_assembly = ASSEMBLY.iter().any(|(name, _)| *name == row.name);
        assert!(used || by_assembly, "nobody uses {} ({})", row.name, row.reason);
    }
}

/// Hostcalls that no wrapper in Rust makes.
const ASSEMBLY: &[(&str, &str)] = &[
    ("rt_sigreturn", "the restorer and the way back to user code, in assembly"),
    ("clone", "threads are made in assembly, by number"),
    ("exit", "the end of a thread, in assembly"),
    ("restart_syscall", "the host itself makes it, in the name of a stopped and continued wait"),
];
