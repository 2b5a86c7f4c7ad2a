//! Scratch boot: no image; the program is loaded and initialises itself.

use super::HEAP;
use crate::entry::{frame, threads};
use crate::errno::{EACCES, ENOENT, Errno};
use crate::fs::descriptors::DescriptorTable;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::host::{self, Descriptors, HostFd};
use crate::local::{self, local, per_thread};
use crate::task::process::Credentials;
use crate::task::thread::Saved;
use crate::task::{PROGRAM, Pid, Process, Thread, exec};
use crate::{Kernel, control, fs, kernel, lock};
use abi::boot::Stamp;
use abi::control::{FromSandbox, LogStream};
use abi::launch::Launch;
use abi::layout::{HEAP_RESERVE, heap_base};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

/// Becomes a sandbox that runs a program from its beginning.
pub fn boot(trace: bool, mut descriptors: Descriptors) -> ! {
    make_heap();
    lock::acquire();
    let Some(launch) = descriptors.take().and_then(read_launch) else {
        boot_failed("the launch configuration is missing or malformed");
    };
    if let Some(files) = descriptors.take() {
        kernel().control.files.set(files);
    }
    let table = Rc::new(DescriptorTable::default());
    let kinds = launch.stdio;
    let handed_in = kinds.map(|kind| if kind.has_descriptor() { descriptors.take() } else { None });
    match launch.terminal {
        Some(window) => {
            let file = crate::tty::console::start(kinds, handed_in, window);
            for _ in kinds {
                let _ = table.add(file.clone(), false);
            }
        }
        None => {
            let streams = [LogStream::Out, LogStream::Out, LogStream::Err];
            for ((kind, descriptor), stream) in kinds.into_iter().zip(handed_in).zip(streams) {
                let object = fs::streams::standard_stream(kind, descriptor, stream);
                let _ = table.add(OpenFile::new(object, OpenFlags::RDWR), false);
            }
        }
    }
    if trace && let Some(stream) = descriptors.take() {
        kernel().control.trace.set(stream);
    }
    *kernel().launch.borrow_mut() = launch.clone();
    let context = match fs::setup(&launch) {
        Ok(context) => context,
        Err(errno) => boot_failed(&alloc::format!("the file system can't be set up: {errno:?}")),
    };
    let process = Process::new(PROGRAM, Pid(1), Rc::default(), table, context);
    *process.credentials.borrow_mut() = credentials(&launch);
    let thread = Thread::new(kernel().tasks.allocate(), process.clone());
    process.threads.borrow_mut().insert(thread.tid, thread.clone());
    kernel().tasks.processes.borrow_mut().insert(process.pid, process.clone());
    kernel().tasks.threads.borrow_mut().insert(thread.tid, thread.clone());
    match load(&process, &launch) {
        Ok(registers) => *thread.saved.borrow_mut() = Some(Saved::new(&registers, frame::initial_vector())),
        Err(errno) => {
            let message = why_not_started(&process, &launch, errno).into_bytes();
            control::send(&FromSandbox::StartFailed { errno: errno.0.into(), message }, &[]);
            host::exit_group(if errno == ENOENT { 127 } else { 126 })
        }
    }
    local::stamp(Stamp::Relocated);
    per_thread().tid.set(thread.tid.0);
    // A server has booted when it takes its first connection, any other program with its first instruction.
    if launch.port.is_none() {
        local().stamp_resume.store(thread.tid.0, Relaxed);
    }
    drop((launch, process, thread));
    threads::run(per_thread())
}

/// Makes a heap at a random base, and the root object in it.
#[allow(unsafe_code)]
fn make_heap() {
    let mut random = [0; 8];
    if host::random(&mut random).is_err() {
        host::exit_group(121);
    }
    let base = heap_base(u64::from_ne_bytes(random));
    // SAFETY: the window of heaps is empty in a fresh sandbox.
    if unsafe { HEAP.create(base, HEAP_RESERVE - 4096) }.is_err() {
        host::exit_group(121);
    }
    let root = Box::into_raw(Box::<Kernel>::default()) as u64;
    // SAFETY: one thread.
    unsafe {
        local::change_boot_page(|page| {
            page.heap_base = base;
            page.root = root;
            page.generation = 1;
        });
    }
    local::stamp(Stamp::Mapped);
}

fn read_launch(source: HostFd) -> Option<Launch> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match host::pread(source, &mut piece, bytes.len() as u64) {
            Ok(0) => break,
            Ok(len) => bytes.extend_from_slice(&piece[..len]),
            Err(_) => return None,
        }
    }
    host::close(source);
    abi::decode(&bytes).ok()
}

/// The capabilities that mean something inside (`capabilities(7)`): over files, processes, users, System V objects and
/// limits. Nobody has those over the machine, its network, clock and modules, nor `CAP_SYS_ADMIN`: what they allow is
/// answered with `EPERM`.
const GRANTED: u64 = {
    const NUMBERS: [u32; 19] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 15, 18, 19, 23, 24, 27, 31, 34];
    let (mut set, mut index) = (0, 0);
    while index < NUMBERS.len() {
        set |= 1 << NUMBERS[index];
        index += 1;
    }
    set
};

fn credentials(launch: &Launch) -> Credentials {
    let all = if launch.uid == 0 { GRANTED } else { 0 };
    Credentials {
        uid: [launch.uid; 4],
        gid: [launch.gid; 4],
        groups: Vec::new(),
        capabilities: [all, all, 0],
        bounding: GRANTED,
        no_new_privileges: false,
        ambient: 0,
        secure_bits: 0,
    }
}

/// Loads the program: a path as it is, a bare name from the directories of `PATH`.
fn load(process: &Rc<Process>, launch: &Launch) -> Result<abi::image::Registers, Errno> {
    if launch.program.contains(&b'/') {
        return exec::load(process, &launch.program, &launch.args, &launch.env);
    }
    let path = launch.env.iter().find_map(|entry| entry.strip_prefix(b"PATH="));
    let mut refused = ENOENT;
    for directory in path.unwrap_or(b"/usr/local/bin:/usr/bin:/bin").split(|byte| *byte == b':') {
        let candidate = [if directory.is_empty() { b"." } else { directory }, b"/", &launch.program].concat();
        match exec::load(process, &candidate, &launch.args, &launch.env) {
            Err(EACCES) => refused = EACCES,
            Err(errno) if errno == ENOENT || errno == crate::errno::ENOTDIR => {}
            other => return other,
        }
    }
    Err(refused)
}

/// A sentence for who started the program. `ENOENT` means two things, of which the second one is not seen in the path.
fn why_not_started(process: &Rc<Process>, launch: &Launch, errno: Errno) -> alloc::string::String {
    let program = launch.program.escape_ascii();
    if let Some(interpreter) = exec::absent_interpreter(process, &launch.program) {
        return alloc::format!("{program}: its interpreter {} is not there", interpreter.escape_ascii());
    }
    let why = match errno {
        ENOENT => "not found",
        EACCES => "not an executable file that the user may execute",
        crate::errno::ENOEXEC => "neither a program for x86-64 nor a script",
        errno => return alloc::format!("{program}: can't be executed: {errno:?}"),
    };
    alloc::format!("{program}: {why}")
}

/// Says why the boot failed and ends the sandbox.
pub fn boot_failed(sentence: &str) -> ! {
    control::send(&FromSandbox::BootFailed(sentence.as_bytes().to_vec()), &[]);
    host::exit_group(121)
}
