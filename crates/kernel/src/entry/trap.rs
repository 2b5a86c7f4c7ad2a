//! The host's signals: system calls that trap, kicks, and faults of user code and of the kernel.
#![allow(unsafe_code)]

use super::asm;
use super::frame::{Fault, Frame};
use crate::errno::Errno;
use crate::host::{self, SIGCHLD};
use crate::local::{boot_page, local, per_thread};
use crate::syscall::dispatch;
use abi::hostcalls as nr;
use abi::image::Registers;
use abi::layout::{KERNEL_BASE, KERNEL_SIZE, KICK_SIGNAL, STACK_SLOT, STACKS};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// `ucontext_t` of the host's signal frame.
#[repr(C)]
pub struct UserContext {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    /// `r8` to `rflags`, in the order of [`Registers`].
    general: [u64; 18],
    segments: u64,
    error: u64,
    trap: u64,
    old_mask: u64,
    cr2: u64,
    /// Address of the vector state.
    pub vector: u64,
    reserved: [u64; 8],
    mask: u64,
}

impl UserContext {
    /// The general registers.
    pub fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        // SAFETY: the first 18 words of `Registers` are these, in this order (`abi/tripwires.rs` has its size).
        unsafe {
            core::ptr::copy_nonoverlapping(self.general.as_ptr(), (&raw mut registers).cast::<u64>(), 18);
        }
        registers
    }

    fn set_registers(&mut self, registers: &Registers) {
        // SAFETY: as above.
        unsafe {
            core::ptr::copy_nonoverlapping((&raw const *registers).cast::<u64>(), self.general.as_mut_ptr(), 18);
        }
    }

    fn rip(&self) -> u64 {
        self.general[16]
    }
}

/// `siginfo_t`, what is needed of it.
#[repr(C)]
pub struct SignalInfo {
    signal: i32,
    errno: i32,
    code: i32,
    padding: i32,
    address: u64,
    rest: [u64; 13],
}

const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGBUS: i32 = 7;
const SIGFPE: i32 = 8;
const SIGSEGV: i32 = 11;
const SIGSYS: i32 = 31;
const SA_NOCLDSTOP: u64 = 1;
const SA_NOCLDWAIT: u64 = 2;
const SA_SIGINFO: u64 = 4;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_NODEFER: u64 = 0x4000_0000;

/// Installs the handlers. In the nursery only: the filter allows no `rt_sigaction` afterwards.
///
/// # Errors
/// What the host answers.
pub fn install_handlers() -> Result<(), Errno> {
    let kick = 1u64 << (KICK_SIGNAL - 1);
    for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGCHLD, SIGSEGV, SIGSYS, KICK_SIGNAL] {
        // Host processes that have ended are not waited for.
        let children = if signal == SIGCHLD { SA_NOCLDSTOP | SA_NOCLDWAIT } else { 0 };
        // Whoever serves a fault may touch the guest's memory and fault again.
        let nested = if matches!(signal, SIGCHLD | KICK_SIGNAL) { 0 } else { SA_NODEFER };
        let action = [
            host_signal as *const () as u64,
            SA_SIGINFO | SA_ONSTACK | SA_RESTORER | children | nested,
            asm::host_restorer as *const () as u64,
            // A kick waits until the handler has returned, so none is lost on the way out.
            kick,
        ];
        // SAFETY: changes signal actions only.
        Errno::check(unsafe { host::raw(nr::RT_SIGACTION, [signal as u64, action.as_ptr() as u64, 0, 8, 0, 0]) })?;
    }
    Ok(())
}

fn in_kernel(rip: u64) -> bool {
    (KERNEL_BASE..KERNEL_BASE + KERNEL_SIZE).contains(&rip)
}

unsafe extern "C" fn host_signal(signal: i32, info: *const SignalInfo, context: *mut UserContext) {
    asm::clear_alignment_check();
    // SAFETY: the host kernel made both on our stack.
    let (info, context) = unsafe { (&*info, &mut *context) };
    match signal {
        KICK_SIGNAL => kicked(context),
        SIGCHLD => {
            // Nothing more: a message that the signal interrupts is sent or received anew, a wait looks again.
            host_process_ended(info);
        }
        SIGSYS if !in_kernel(context.rip()) => {
            let mut frame = Frame::from_signal(context);
            frame.registers.syscall = context.general[13] as i64;
            enter(context, frame, dispatch::trapped_call);
        }
        _ => faulted(signal, info, context),
    }
}

fn enter(context: &mut UserContext, mut frame: Frame, way: impl FnOnce(&mut Frame)) {
    per_thread().frame.set(&raw const frame as u64);
    way(&mut frame);
    per_thread().frame.set(0);
    if frame.is_data() {
        super::threads::leave_with(frame);
    }
    context.set_registers(&frame.registers);
}

/// A host process that this one has cloned is gone. Its guest process has ended before, or nothing can go on: nobody
/// inside a sandbox kills host processes, and a crash has its own status.
fn host_process_ended(info: &SignalInfo) {
    const EXITED: i32 = 1;
    if crate::local::common().is_some_and(|common| common.frozen.load(SeqCst) != 0) {
        return;
    }
    // `si_status` follows `si_pid` and `si_uid`.
    let status = info.rest[0] as u32;
    if info.code != EXITED {
        crate::control::end_broken("a host process of the sandbox was killed");
    }
    if status != 0 {
        crate::control::end_sandbox(status as u8);
    }
    if let Some(common) = crate::local::common() {
        crate::lock::check_holder(common);
    }
}

fn kicked(context: &mut UserContext) {
    if let Some(common) = crate::local::common() {
        crate::control::check_end(common);
    }
    if context.rip() == &raw const asm::fast_exit_jump as u64 {
        // As if the last jump, to the address in `rcx`, had been made.
        context.general[16] = context.general[14];
    }
    // In user code, too: only a thread with pending work looks at the control socket, and the monitor kicks for that.
    per_thread().pending.store(1, SeqCst);
    let rip = context.rip();
    let page = boot_page();
    if (page.vdso_start..page.vdso_end).contains(&rip) {
        return;
    }
    if in_kernel(rip) {
        let (start, end) = (&raw const asm::fast_exit as u64, &raw const asm::fast_exit_end as u64);
        if (start..end).contains(&rip) {
            context.general[16] = start;
            context.general[15] = per_thread().frame.get();
        }
        let vdso = super::vdso::exit_range();
        if vdso.contains(&rip) {
            context.general[16] = vdso.start;
        }
        return;
    }
    let frame = Frame::from_signal(context);
    enter(context, frame, dispatch::interrupted);
}

fn faulted(signal: i32, info: &SignalInfo, context: &mut UserContext) {
    let rip = context.rip();
    if rip == &raw const asm::copy_user_begin as u64 {
        context.general[16] = &raw const asm::copy_user_fault as u64;
        return;
    }
    if rip == &raw const asm::exchange_user_begin as u64 {
        context.general[16] = &raw const asm::exchange_user_fault as u64;
        return;
    }
    if rip == &raw const asm::load_user_begin as u64 {
        context.general[16] = &raw const asm::load_user_fault as u64;
        return;
    }
    let fault = Fault {
        signal: signal as u8,
        code: info.code,
        address: info.address,
        trap: context.trap,
        error: context.error,
    };
    if in_kernel(rip) {
        super::crash::kernel_fault(&fault, &context.registers());
    }
    let frame = Frame::from_signal(context);
    enter(context, frame, |frame| dispatch::faulted(frame, fault));
}

/// The fast entry's system call.
pub(super) extern "C" fn fast_system_call(frame: &mut Frame) {
    dispatch::system_call(frame);
    leave_if_data(frame);
}

/// Work turned up on the fast way out.
pub(super) extern "C" fn fast_pending(frame: &mut Frame) {
    dispatch::interrupted(frame);
    leave_if_data(frame);
}

fn leave_if_data(frame: &mut Frame) {
    if frame.is_data() {
        // SAFETY: the frame lies on the stack that is left behind; it is read once, here.
        super::threads::leave_with(unsafe { core::ptr::read(frame) });
    }
}

/// A signal frame of our own that continues user code with these registers.
#[repr(C, align(16))]
pub(super) struct SignalFrame {
    pretcode: u64,
    context: UserContext,
}

impl SignalFrame {
    /// For these registers and the vector state at this address.
    pub(super) fn new(registers: &Registers, vector: u64, slot: u32) -> Self {
        let stack = STACKS + u64::from(slot) * STACK_SLOT + 4096;
        let mut context = UserContext {
            // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
            flags: 7,
            link: 0,
            stack: [stack, 0, per_thread().stack_top - stack],
            general: [0; 18],
            // cs 0x33, gs 0, fs 0, ss 0x2b
            segments: 0x002b_0000_0000_0033,
            error: 0,
            trap: 0,
            old_mask: 0,
            cr2: 0,
            vector,
            reserved: [0; 8],
            mask: 0,
        };
        context.set_registers(registers);
        Self { pretcode: 0, context }
    }
}

/// Address of the host process's lock word, so that the crash report can tell who holds it.
pub(super) fn lock_state() -> u32 {
    local().lock.load(Relaxed)
}
