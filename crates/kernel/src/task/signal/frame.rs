//! The frame that a handler finds on its stack, and the way back from it: Linux's `struct rt_sigframe` of
//! x86-64, word by word.
//!
//! ```text
//!   rsp ─▶ return address (restorer)     ucontext: flags, link, stack, registers, fpstate, mask
//!          ucontext                      siginfo
//!          siginfo              …        fpstate: XSAVE area, 64-byte aligned, above the frame
//! ```

use super::actions::{Action, ActionFlags};
use super::queue::Info;
use super::{AltStack, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, send};
use crate::entry::Frame;
use crate::entry::frame::{MAGIC2, SW_BYTES, initial_vector};
use crate::errno::{EFAULT, EINVAL, ENOMEM, EPERM, Errno};
use crate::task::Thread;
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out, from_bytes};
use abi::image::Registers;
use abi::layout::GUEST_END;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Words of the frame.
const WORDS: usize = 55;
/// Words up to the end of the mask: what is read back.
const READ_WORDS: usize = 39;
const BYTES: u64 = WORDS as u64 * 8;

const PRETCODE: usize = 0;
const CONTEXT: usize = 1;
const STACK: usize = 3;
const GENERAL: usize = 6;
const SEGMENTS: usize = 24;
const ERROR: usize = 25;
const TRAP: usize = 26;
const OLD_MASK: usize = 27;
const CR2: usize = 28;
const FPSTATE: usize = 29;
const MASK: usize = 38;
const INFO: usize = 39;

/// `UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS`.
const CONTEXT_FLAGS: u64 = 7;
/// `cs` 0x33, `gs` 0, `fs` 0, `ss` 0x2b.
const USER_SEGMENTS: u64 = 0x002b_0000_0000_0033;
/// Below the stack pointer, used by leaf functions.
const RED_ZONE: u64 = 128;
const TRAP_FLAG: u64 = 0x100;
const DIRECTION_FLAG: u64 = 0x400;
const RESUME_FLAG: u64 = 0x1_0000;
/// Flags that `rt_sigreturn` sets: AC OF DF SF ZF AF PF CF. Not TF: a step would end inside the kernel's way out.
const RESTORED_FLAGS: u64 = 0x4_0000 | 0x800 | 0x400 | 0x80 | 0x40 | 0x10 | 0x4 | 0x1;
/// Interrupts enabled, and the bit that is always set.
const FIXED_FLAGS: u64 = 0x202;
/// `MINSIGSTKSZ`.
const MINIMUM_STACK: u64 = 2048;

/// Where the parts of a frame go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    frame: u64,
    vector: u64,
}

/// Finds the place below the user's stack pointer or on the alternate stack.
fn place(rsp: u64, stack: &AltStack, action: &Action, vector_len: u64) -> Result<Place, Errno> {
    let mut top = rsp.wrapping_sub(RED_ZONE);
    let nested = stack.size != 0 && stack.holds(top);
    let entering = action.flags.contains(ActionFlags::ONSTACK) && stack.size != 0 && !nested;
    if entering {
        top = stack.start.wrapping_add(stack.size);
    }
    let vector = top.wrapping_sub(vector_len) & !63;
    let frame = (vector.wrapping_sub(BYTES) & !15).wrapping_sub(8);
    // An alternate stack that is too small is an error, not a reason to write below it.
    if (nested || entering) && !(frame > stack.start && frame - stack.start <= stack.size) {
        return Err(EFAULT);
    }
    Ok(Place { frame, vector })
}

fn general_words(registers: &Registers) -> [u64; 18] {
    let r = registers;
    [
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax, r.rcx, r.rsp,
        r.rip, r.rflags,
    ]
}

fn registers_from(words: &[u64], before: &Registers) -> Registers {
    let mut general = [0; 18];
    general.copy_from_slice(&words[GENERAL..SEGMENTS]);
    let [r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags] = general;
    let rflags = FIXED_FLAGS | rflags & RESTORED_FLAGS;
    let (fs_base, syscall) = (before.fs_base, -1);
    Registers {
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rdi,
        rsi,
        rbp,
        rbx,
        rdx,
        rax,
        rcx,
        rsp,
        rip,
        rflags,
        fs_base,
        syscall,
    }
}

/// Puts the frame of a handler on the stack and sets the registers to its beginning.
///
/// # Errors
/// `EFAULT` when the stack can't take it, there is no restorer, or the handler is no address of the guest's.
pub fn push(thread: &Rc<Thread>, frame: &mut Frame, action: &Action, info: &Info) -> Result<(), Errno> {
    if !action.flags.contains(ActionFlags::RESTORER) || action.handler >= GUEST_END {
        return Err(EFAULT);
    }
    let mut vector = frame.vector();
    if vector.is_empty() {
        vector = initial_vector();
    }
    let signals = &thread.signals;
    let stack = signals.alternate_stack();
    let Place { frame: start, vector: vector_start } = place(frame.registers.rsp, &stack, action, vector.len() as u64)?;
    let [trap, error, cr2] = signals.last_fault();
    let mask = signals.mask_for_frame();
    let mut words = [0u64; WORDS];
    words[PRETCODE] = action.restorer;
    words[CONTEXT] = CONTEXT_FLAGS;
    let stack_flags = if stack.size == 0 { SS_DISABLE } else { stack.flags };
    words[STACK..GENERAL].copy_from_slice(&[stack.start, stack_flags.into(), stack.size]);
    words[GENERAL..SEGMENTS].copy_from_slice(&general_words(&frame.registers));
    words[SEGMENTS] = USER_SEGMENTS;
    words[ERROR] = error;
    words[TRAP] = trap;
    words[OLD_MASK] = mask;
    words[CR2] = cr2;
    words[FPSTATE] = vector_start;
    words[MASK] = mask;
    if action.flags.contains(ActionFlags::SIGINFO) {
        words[INFO..].copy_from_slice(&from_bytes::<[u64; WORDS - INFO]>(&info.for_guest()));
    }
    copy_out(UserAddr(vector_start), &vector)?;
    UserPtr::<[u64; WORDS]>::new(start).write(words)?;
    let registers = &mut frame.registers;
    registers.rdi = info.signal().0.into();
    registers.rsi = start + 8 * INFO as u64;
    registers.rdx = start + 8 * CONTEXT as u64;
    registers.rax = 0;
    registers.rip = action.handler;
    registers.rsp = start;
    registers.rflags &= !(TRAP_FLAG | DIRECTION_FLAG | RESUME_FLAG);
    if stack.flags & SS_AUTODISARM != 0 {
        signals.set_alternate_stack(AltStack::default());
    }
    Ok(())
}

/// `rt_sigreturn`: goes back to the state that the frame holds. The guest may have written anything there.
///
/// # Errors
/// When it is no state of user code.
pub fn pop(thread: &Rc<Thread>, frame: &mut Frame) -> Result<(), Errno> {
    // The handler's return took the restorer's address off.
    let start = frame.registers.rsp.wrapping_sub(8);
    let words = UserPtr::<[u64; READ_WORDS]>::new(start).read()?;
    let registers = registers_from(&words, &frame.registers);
    if registers.rip >= GUEST_END {
        return Err(EFAULT);
    }
    let mut usable = frame.vector();
    if usable.is_empty() {
        usable = initial_vector();
    }
    let vector = match words[FPSTATE] {
        0 => initial_vector(),
        address => read_vector(UserAddr(address), &usable)?,
    };
    // Linux, too, lets an alternate stack that can't be set pass.
    let _ = change_stack(thread, registers.rsp, words[STACK], words[STACK + 1] as u32, words[STACK + 2]);
    frame.registers = registers;
    frame.set_vector(&vector);
    thread.signals.set_mask(words[MASK]);
    send::retarget(thread);
    Ok(())
}

/// Reads the vector state of a frame. What the processor would refuse to load is refused here: `usable` is a state of
/// the form that it takes.
fn read_vector(from: UserAddr, usable: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut legacy = [0u8; 512];
    copy_in(&mut legacy, from)?;
    let own = &usable[SW_BYTES..SW_BYTES + 48];
    let mut vector = alloc::vec![0u8; usable.len()];
    // The sizes and the features at the end of the legacy area must be what a frame of ours has.
    let complete = usable.len() > 576 && legacy[SW_BYTES..SW_BYTES + 20] == own[..20] && {
        copy_in(&mut vector, from)?;
        vector[vector.len() - 4..] == MAGIC2.to_le_bytes()
    };
    if complete {
        check_header(&vector, own)?;
    } else {
        // As Linux does: only x87 and SSE, everything else in its initial state.
        vector.fill(0);
        vector[..512].copy_from_slice(&legacy);
        if vector.len() > 576 {
            vector[512] = 3;
            let end = vector.len() - 4;
            vector[end..].copy_from_slice(&MAGIC2.to_le_bytes());
        }
    }
    vector[SW_BYTES..SW_BYTES + 48].copy_from_slice(own);
    let mxcsr: u32 = from_bytes(&vector[24..28]);
    let allowed = match from_bytes::<u32>(&usable[28..32]) {
        0 => 0xffbf,
        mask => mask,
    };
    if mxcsr & !allowed != 0 {
        return Err(EINVAL);
    }
    Ok(vector)
}

/// The XSAVE header: no component we don't save, the standard form, nothing reserved.
fn check_header(vector: &[u8], own: &[u8]) -> Result<(), Errno> {
    let features: u64 = from_bytes(&own[8..16]);
    let present: u64 = from_bytes(&vector[512..520]);
    if present & !features != 0 || vector[520..576].iter().any(|byte| *byte != 0) {
        return Err(EINVAL);
    }
    Ok(())
}

/// `sigaltstack(2)`: names the alternate stack.
///
/// # Errors
/// `EPERM` while it is in use, `EINVAL`, `ENOMEM` when it is too small.
pub fn change_stack(thread: &Thread, rsp: u64, start: u64, flags: u32, size: u64) -> Result<(), Errno> {
    let now = thread.signals.alternate_stack();
    if now.size != 0 && now.holds(rsp) {
        return Err(EPERM);
    }
    if (start, flags, size) == (now.start, now.flags, now.size) {
        return Ok(());
    }
    match flags & !SS_AUTODISARM {
        SS_DISABLE => thread.signals.set_alternate_stack(AltStack::default()),
        0 | SS_ONSTACK if size < MINIMUM_STACK => return Err(ENOMEM),
        0 | SS_ONSTACK => {
            thread.signals.set_alternate_stack(AltStack { start, size, flags: flags & SS_AUTODISARM });
        }
        _ => return Err(EINVAL),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::frame::MAGIC1;
    use core::mem::offset_of;

    const HANDLER: Action = Action { handler: 0x1000, flags: ActionFlags::RESTORER, restorer: 0x2000, mask: 0 };

    /// The kernel's context is the C library's up to the mask, whose first word is the kernel's mask.
    #[test]
    fn words_lie_where_c_has_them() {
        type C = libc::ucontext_t;
        let of_context = |word: usize| 8 * (word - CONTEXT);
        assert_eq!(of_context(STACK), offset_of!(C, uc_stack));
        assert_eq!(of_context(GENERAL), offset_of!(C, uc_mcontext));
        assert_eq!(of_context(MASK), offset_of!(C, uc_sigmask));
        let general = |register: libc::c_int| GENERAL + register as usize;
        assert_eq!(general(libc::REG_CSGSFS), SEGMENTS);
        assert_eq!(general(libc::REG_ERR), ERROR);
        assert_eq!(general(libc::REG_TRAPNO), TRAP);
        assert_eq!(general(libc::REG_OLDMASK), OLD_MASK);
        assert_eq!(general(libc::REG_CR2), CR2);
        assert_eq!(FPSTATE, general(libc::REG_CR2) + 1);
        assert_eq!(size_of::<libc::siginfo_t>(), 8 * (WORDS - INFO));
    }

    #[test]
    fn registers_are_in_the_order_of_c() {
        let registers = Registers { r8: 1, rip: 2, rsp: 3, rflags: 4, rax: 5, ..Registers::default() };
        let words = general_words(&registers);
        assert_eq!(words[libc::REG_R8 as usize], 1);
        assert_eq!(words[libc::REG_RIP as usize], 2);
        assert_eq!(words[libc::REG_RSP as usize], 3);
        assert_eq!(words[libc::REG_EFL as usize], 4);
        assert_eq!(words[libc::REG_RAX as usize], 5);
    }

    #[test]
    fn frame_is_aligned_and_spares_the_red_zone() {
        for rsp in 0x7000_0000..0x7000_0080 {
            let place = place(rsp, &AltStack::default(), &HANDLER, 836).unwrap();
            assert_eq!(place.frame % 16, 8);
            assert_eq!(place.vector % 64, 0);
            assert!(place.vector + 836 <= rsp - 128);
            assert!(place.frame + BYTES <= place.vector);
        }
    }

    #[test]
    fn alternate_stack_is_entered_once() {
        let stack = AltStack { start: 0x5000_0000, size: 0x4000, flags: 0 };
        let action = Action { flags: HANDLER.flags | ActionFlags::ONSTACK, ..HANDLER };
        let first = place(0x7000_0000, &stack, &action, 836).unwrap();
        assert!(stack.holds(first.frame));
        let second = place(first.frame, &stack, &action, 836).unwrap();
        assert!(second.frame < first.frame && stack.holds(second.frame));
        assert_eq!(place(stack.start + 0x300, &stack, &action, 836), Err(EFAULT));
    }

    #[test]
    fn user_chooses_only_harmless_flags() {
        let mut words = [0; READ_WORDS];
        words[GENERAL + 17] = u64::MAX;
        let registers = registers_from(&words, &Registers { fs_base: 9, ..Registers::default() });
        assert_eq!(registers.rflags, FIXED_FLAGS | RESTORED_FLAGS);
        assert_eq!(registers.rflags & (TRAP_FLAG | 0x3000), 0);
        assert_eq!((registers.fs_base, registers.syscall), (9, -1));
    }

    fn vector_of(len: usize) -> Vec<u8> {
        let mut vector = alloc::vec![0u8; len];
        vector[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
        vector[SW_BYTES..SW_BYTES + 4].copy_from_slice(&MAGIC1.to_le_bytes());
        vector[SW_BYTES + 4..SW_BYTES + 8].copy_from_slice(&(len as u32).to_le_bytes());
        vector[SW_BYTES + 8..SW_BYTES + 16].copy_from_slice(&7u64.to_le_bytes());
        vector[SW_BYTES + 16..SW_BYTES + 20].copy_from_slice(&(len as u32 - 4).to_le_bytes());
        vector[512] = 7;
        let end = len - 4;
        vector[end..].copy_from_slice(&MAGIC2.to_le_bytes());
        vector
    }

    fn read(vector: &[u8], usable: &[u8]) -> Result<Vec<u8>, Errno> {
        read_vector(UserAddr(vector.as_ptr() as u64), usable)
    }

    #[test]
    fn vector_state_comes_back_whole() {
        let mut vector = vector_of(836);
        vector[600] = 42;
        assert_eq!(read(&vector, &vector_of(836)), Ok(vector));
    }

    #[test]
    fn forged_vector_state_is_refused_or_cut() {
        let usable = vector_of(836);
        let mut reserved = usable.clone();
        reserved[530] = 1;
        assert_eq!(read(&reserved, &usable), Err(EINVAL));
        let mut unknown = usable.clone();
        unknown[513] = 2;
        assert_eq!(read(&unknown, &usable), Err(EINVAL));
        let mut mxcsr = usable.clone();
        mxcsr[27] = 0xff;
        assert_eq!(read(&mxcsr, &usable), Err(EINVAL));
        let mut cut = usable.clone();
        cut[SW_BYTES] = 0;
        cut[600] = 42;
        let read = read(&cut, &usable).unwrap();
        assert_eq!((read[600], read[512]), (0, 3));
        assert_eq!(read[SW_BYTES..SW_BYTES + 48], usable[SW_BYTES..SW_BYTES + 48]);
    }
}
