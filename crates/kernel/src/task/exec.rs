//! Loading a program: `execve(2)` from the opened file to the registers it starts with.

use super::elf::{HEADER, Header, PROGRAM_HEADER, Program, SCRIPT_LINE, Segment, script};
use super::{Process, Thread};
use crate::errno::{E2BIG, EINVAL, EIO, ELIBBAD, ELOOP, ENOEXEC, ENOMEM, Errno};
use crate::fs::file::OpenFile;
use crate::fs::inode::{S_ISGID, S_ISUID};
use crate::fs::open::opened;
use crate::host::{self, GuestRange, protection};
use crate::mm::space::{Content, random_below};
use crate::mm::{AddressSpace, Backing, Region, RegionFlags, page_down, page_up};
use crate::syscall::Stop;
use crate::user_memory::{UserAddr, copy_out, zero};
use abi::image::Registers;
use abi::layout::{GUEST_END, GUEST_START, PAGE_SIZE};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Lowest address of position-independent programs (`ELF_ET_DYN_BASE`), and how far it is moved at most.
const PROGRAM_BASE: u64 = 0x5555_5555_4000;
const PROGRAM_SHIFT: u64 = 1 << 28;
/// Distance from a program to its `brk` heap: the slots of the program's patched sites lie in between, 0x50f_0000
/// to 0x50f_ffff bytes behind their sites.
const HEAP_DISTANCE: u64 = 0x520_0000;
/// How far the heap is moved at most, in pages (`arch_randomize_brk`).
const HEAP_SHIFT: u64 = 8192;
/// Scripts whose interpreters are scripts.
const MAX_SCRIPTS: usize = 4;
/// Longest argument or environment string, with its zero (`MAX_ARG_STRLEN`).
pub const MAX_STRING: usize = 128 << 10;
/// Most bytes of arguments and environment, whatever the stack's limit.
pub const MAX_STRINGS: u64 = 6 << 20;
const LIMIT_STACK: usize = 3;
/// Stack that is mapped from the start; it grows to its limit.
const STACK_MAPPED: u64 = 8 << 20;

/// A program that was opened and understood, before anything of the old one is given up.
pub struct Prepared {
    /// The program that is loaded (the interpreter, for a script).
    main: Loadable,
    linker: Option<Loadable>,
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    /// The path `execve` was given.
    path: Vec<u8>,
}

struct Loadable {
    file: Rc<OpenFile>,
    header: Header,
    program: Program,
}

/// Loads a program into a process with a fresh address space.
///
/// # Errors
/// As `execve(2)`.
pub fn load(process: &Rc<Process>, path: &[u8], args: &[Vec<u8>], env: &[Vec<u8>]) -> Result<Registers, Errno> {
    prepare(process, path, || Ok([args.to_vec(), env.to_vec()]))?.start(process)
}

/// The name of a thread that runs a program (`comm`).
pub fn command_name(path: &[u8]) -> Vec<u8> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name[..name.len().min(15)].to_vec()
}

/// Opens and checks a program. Its arguments and environment are asked for once the file is open.
///
/// # Errors
/// As `execve(2)`.
pub fn prepare(
    process: &Rc<Process>,
    path: &[u8],
    strings: impl FnOnce() -> Result<[Vec<Vec<u8>>; 2], Errno>,
) -> Result<Prepared, Errno> {
    let mut file = crate::fs::open_for_exec(process, path)?;
    let [mut arguments, environment] = strings()?;
    if arguments.is_empty() {
        arguments.push(Vec::new());
    }
    let mut interpreted = path.to_vec();
    let mut scripts = 0;
    let main = loop {
        let start = read_some(&file, 0, SCRIPT_LINE)?;
        if !start.starts_with(b"#!") {
            break Loadable::read(file)?;
        }
        scripts += 1;
        if scripts > MAX_SCRIPTS {
            return Err(ELOOP);
        }
        let (interpreter, argument) = script(&start)?;
        let named = core::mem::replace(&mut interpreted, interpreter.clone());
        arguments.splice(0..1, [Some(interpreter), argument, Some(named)].into_iter().flatten());
        file = crate::fs::open_for_exec(process, &interpreted)?;
    };
    let linker = match main.program.interpreter {
        None => None,
        Some((offset, len)) => {
            let name = read_exactly(&main.file, offset, len)?;
            let name = name.strip_suffix(b"\0").ok_or(ENOEXEC)?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let file = crate::fs::open_for_exec(process, name)?;
            Some(Loadable::read(file).map_err(|errno| if errno == ENOEXEC { ELIBBAD } else { errno })?)
        }
    };
    check_strings(process, &arguments, &environment)?;
    Ok(Prepared { main, linker, arguments, environment, path: path.to_vec() })
}

/// The interpreter or dynamic linker that a program names and that can't be opened: `execve` answers for it as if
/// the program itself were missing.
pub fn absent_interpreter(process: &Rc<Process>, path: &[u8]) -> Option<Vec<u8>> {
    let file = crate::fs::open_for_exec(process, path).ok()?;
    let start = read_some(&file, 0, SCRIPT_LINE).ok()?;
    let name = if start.starts_with(b"#!") {
        script(&start).ok()?.0
    } else {
        let program = Loadable::read(file).ok()?;
        let (offset, len) = program.program.interpreter?;
        let name = read_exactly(&program.file, offset, len).ok()?;
        name.split(|byte| *byte == 0).next()?.to_vec()
    };
    crate::fs::open_for_exec(process, &name).is_err().then_some(name)
}

fn check_strings(process: &Process, arguments: &[Vec<u8>], environment: &[Vec<u8>]) -> Result<(), Errno> {
    let mut total = 0;
    for string in arguments.iter().chain(environment) {
        if string.len() >= MAX_STRING {
            return Err(E2BIG);
        }
        total += string.len() as u64 + 1 + 8;
    }
    let limit = (process.limits.borrow()[LIMIT_STACK].0 / 4).clamp(128 << 10, MAX_STRINGS);
    if total > limit { Err(E2BIG) } else { Ok(()) }
}

fn read_some(file: &Rc<OpenFile>, offset: u64, len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = alloc::vec![0; len];
    let mut done = 0;
    while done < len {
        let mut sink = &mut bytes[done..];
        match file.object.read(file, &mut sink, offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(Stop::Errno(errno)) => return Err(errno),
            Err(_) => return Err(EIO),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

fn read_exactly(file: &Rc<OpenFile>, offset: u64, len: usize) -> Result<Vec<u8>, Errno> {
    let bytes = read_some(file, offset, len)?;
    if bytes.len() == len { Ok(bytes) } else { Err(ENOEXEC) }
}

impl Loadable {
    fn read(file: Rc<OpenFile>) -> Result<Self, Errno> {
        let header = Header::parse(&read_some(&file, 0, HEADER)?)?;
        if header.table > GUEST_END {
            return Err(ENOEXEC);
        }
        let table = read_exactly(&file, header.table, header.count * PROGRAM_HEADER)?;
        let program = Program::parse(&header, &table)?;
        Ok(Self { file, header, program })
    }

    /// Maps all segments; answers what is added to the file's addresses.
    fn map(&self, space: &AddressSpace, base: impl FnOnce(u64) -> Result<u64, Errno>) -> Result<u64, Errno> {
        let (start, end) = self.program.span()?;
        let bias = if self.header.relocatable {
            let align = self.program.align;
            // Room to align within.
            let place = base(end - start + align - PAGE_SIZE)?;
            place.checked_next_multiple_of(align).ok_or(ENOMEM)?.wrapping_sub(start & !(align - 1))
        } else {
            0
        };
        let whole = GuestRange::new(start.wrapping_add(bias), end - start).map_err(|_| ENOMEM)?;
        if whole.start < GUEST_START || !space.is_free(whole) {
            return Err(ENOMEM);
        }
        for segment in &self.program.segments {
            self.map_segment(space, segment, bias)?;
        }
        Ok(bias)
    }

    fn map_segment(&self, space: &AddressSpace, segment: &Segment, bias: u64) -> Result<(), Errno> {
        let address = segment.address.wrapping_add(bias);
        let start = page_down(address);
        let file_end = address + segment.file_len;
        let end = page_up(address + segment.len).ok_or(ENOMEM)?;
        let mut zeros = start;
        if segment.file_len > 0 {
            zeros = page_up(file_end).ok_or(ENOMEM)?;
            let offset = page_down(segment.offset);
            let (content, backing) = Content::of_file(&self.file, offset)?;
            let flags = RegionFlags::empty();
            let region = Region { start, len: zeros - start, protection: segment.protection, backing, flags };
            space.map(region, &content, 0)?;
            // What the file holds behind the segment is not the program's to see, if it may write there.
            if segment.len > segment.file_len && segment.protection & protection::WRITE != 0 {
                zero(UserAddr(file_end), (zeros - file_end) as usize)?;
            }
        }
        if end > zeros {
            space.map(anonymous(zeros, end - zeros, segment.protection, Backing::Anonymous), &Content::Zero, 0)?;
        }
        Ok(())
    }
}

fn anonymous(start: u64, len: u64, protection: u32, backing: Backing) -> Region {
    Region { start, len, protection, backing, flags: RegionFlags::empty() }
}

impl Prepared {
    /// The name the thread gets that goes on with the program.
    pub fn command_name(&self) -> Vec<u8> {
        command_name(&self.path)
    }

    /// The user and the group that the program runs as, if its file says so (`S_ISUID`, `S_ISGID`): that of the
    /// interpreter, for a script.
    pub fn identities(&self) -> (Option<u32>, Option<u32>) {
        /// Without the permission to execute the second bit stands for mandatory locks.
        const GROUP: u32 = S_ISGID | 0o010;
        let Some(opened) = opened(&self.main.file.object) else { return (None, None) };
        let meta = opened.inode.meta();
        let user = (meta.mode & S_ISUID != 0).then_some(meta.uid);
        (user, (meta.mode & GROUP == GROUP).then_some(meta.gid))
    }

    /// Loads it. The process's address space is empty.
    ///
    /// # Errors
    /// `ENOMEM`, `EINVAL`, `EIO`: nothing of the old program is left then.
    pub fn start(self, process: &Rc<Process>) -> Result<Registers, Errno> {
        /// `ADDR_NO_RANDOMIZE` of `personality(2)`.
        const NO_RANDOMIZE: u32 = 0x4_0000;
        let space = process.space();
        let is_random = process.personality.get() & NO_RANDOMIZE == 0;
        let random = |bound| if is_random { random_below(bound) } else { Ok(0) };
        if is_random {
            space.randomise()?;
        }
        let stack = self.map_stack(process, &space)?;
        let bias = self.main.map(&space, |_| Ok(PROGRAM_BASE + random(PROGRAM_SHIFT)? * PAGE_SIZE))?;
        let (_, end) = self.main.program.span()?;
        let heap = end.wrapping_add(bias) + HEAP_DISTANCE + end.wrapping_sub(self.main.program.span()?.0);
        space.set_heap(page_up(heap).ok_or(ENOMEM)? + random(HEAP_SHIFT)? * PAGE_SIZE);
        let entry = self.main.header.entry.wrapping_add(bias);
        let (base, first) = match &self.linker {
            Some(linker) => {
                let base = linker.map(&space, |len| space.find(len))?;
                (base, linker.header.entry.wrapping_add(base))
            }
            None => (0, entry),
        };
        if first >= GUEST_END {
            return Err(EINVAL);
        }
        let vdso = crate::mm::vdso::map(&space)?;
        let pairs = self.auxiliary(process, bias, base, entry, vdso);
        let rsp = self.write_stack(process, stack, pairs)?;
        self.describe(process);
        Ok(Registers { rip: first, rsp, rflags: 0x202, syscall: -1, ..Registers::default() })
    }

    /// Maps the stack; answers its range.
    fn map_stack(&self, process: &Process, space: &AddressSpace) -> Result<GuestRange, Errno> {
        let limit = process.limits.borrow()[LIMIT_STACK].0;
        let strings: u64 = self.arguments.iter().chain(&self.environment).map(|string| string.len() as u64 + 9).sum();
        let len = page_up(limit.clamp(128 << 10, STACK_MAPPED) + strings).ok_or(ENOMEM)?;
        let start = space.stack_end() - len;
        let mut bits = protection::READ | protection::WRITE;
        if self.main.program.executable_stack {
            bits |= protection::EXEC;
        }
        let region = Region { flags: RegionFlags::GROWS_DOWN, ..anonymous(start, len, bits, Backing::Stack) };
        space.map(region, &Content::Zero, 0)?;
        GuestRange::new(start, len)
    }

    fn auxiliary(&self, process: &Process, bias: u64, base: u64, entry: u64, vdso: u64) -> Vec<(u64, u64)> {
        let credentials = process.credentials.borrow();
        let secure = credentials.uid[0] != credentials.uid[1] || credentials.gid[0] != credentials.gid[1];
        let table = match self.main.program.table_address {
            0 => 0,
            address => address.wrapping_add(bias),
        };
        alloc::vec![
            (33, vdso),                         // AT_SYSINFO_EHDR
            (51, signal_stack()),               // AT_MINSIGSTKSZ
            (16, u64::from(capabilities())),    // AT_HWCAP
            (6, PAGE_SIZE),                     // AT_PAGESZ
            (17, 100),                          // AT_CLKTCK
            (3, table),                         // AT_PHDR
            (4, PROGRAM_HEADER as u64),         // AT_PHENT
            (5, self.main.header.count as u64), // AT_PHNUM
            (7, base),                          // AT_BASE
            (8, 0),                             // AT_FLAGS
            (9, entry),                         // AT_ENTRY
            (11, credentials.uid[0].into()),    // AT_UID
            (12, credentials.uid[1].into()),    // AT_EUID
            (13, credentials.gid[0].into()),    // AT_GID
            (14, credentials.gid[1].into()),    // AT_EGID
            (23, u64::from(secure)),            // AT_SECURE
        ]
    }

    /// Writes strings and vectors as the ABI wants them; answers the stack pointer.
    fn write_stack(&self, process: &Process, stack: GuestRange, mut pairs: Vec<(u64, u64)>) -> Result<u64, Errno> {
        const AT_PLATFORM: u64 = 15;
        const AT_RANDOM: u64 = 25;
        const AT_EXECFN: u64 = 31;
        let mut random = [0u8; 16];
        host::random(&mut random)?;
        // Highest first: the end marker, the path, environment, arguments (both ascending).
        let mut strings = Vec::new();
        let mut offsets = Vec::new();
        for string in self.arguments.iter().chain(&self.environment).chain([&self.path]) {
            offsets.push(strings.len() as u64);
            strings.extend_from_slice(string);
            strings.push(0);
        }
        strings.extend_from_slice(&[0; 8]);
        let strings_at = stack.start + stack.len - strings.len() as u64;
        let random_at = (strings_at - 16) & !15;
        let platform_at = random_at - 16;
        let address = |index: usize| strings_at + offsets.get(index).copied().unwrap_or(0);
        let (arguments, environment) = (self.arguments.len(), self.environment.len());
        pairs.extend([
            (AT_RANDOM, random_at),
            (AT_EXECFN, address(arguments + environment)),
            (AT_PLATFORM, platform_at),
            (0, 0),
        ]);
        let mut words = alloc::vec![arguments as u64];
        words.extend((0..arguments).map(address));
        words.push(0);
        words.extend((arguments..arguments + environment).map(address));
        words.push(0);
        let auxiliary: Vec<u8> =
            pairs.iter().flat_map(|(kind, value)| [*kind, *value]).flat_map(u64::to_le_bytes).collect();
        let mut vectors: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        vectors.extend_from_slice(&auxiliary);
        let rsp = (platform_at - vectors.len() as u64) & !15;
        if rsp < stack.start {
            return Err(E2BIG);
        }
        copy_out(UserAddr(strings_at), &strings)?;
        copy_out(UserAddr(random_at), &random)?;
        copy_out(UserAddr(platform_at), b"x86_64\0")?;
        copy_out(UserAddr(rsp), &vectors)?;
        *process.auxiliary.borrow_mut() = auxiliary;
        Ok(rsp)
    }

    /// What `/proc` tells of the process.
    fn describe(&self, process: &Rc<Process>) {
        let join = |strings: &[Vec<u8>]| strings.iter().flat_map(|string| string.iter().copied().chain([0])).collect();
        *process.command_line.borrow_mut() = join(&self.arguments);
        *process.environment.borrow_mut() = join(&self.environment);
        *process.executable.borrow_mut() = self.main.file.object.name().into_bytes();
        let name = self.command_name();
        let threads: Vec<Rc<Thread>> = process.threads.borrow().values().cloned().collect();
        for thread in threads {
            *thread.name.borrow_mut() = name.clone();
        }
    }
}

/// CPUID leaf 1, edx.
fn capabilities() -> u32 {
    core::arch::x86_64::__cpuid(1).edx
}

/// Least size of a signal stack: vector state, registers and what the kernel puts around them.
fn signal_stack() -> u64 {
    const REST: u64 = 1024;
    let vector = if cfg!(test) { 2696 } else { u64::from(crate::local::boot_page().xsave_size) };
    vector + REST
}
