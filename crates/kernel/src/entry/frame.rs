//! The user state of a thread that is in the kernel.
#![allow(unsafe_code)]

use crate::local::boot_page;
use crate::task::thread::Saved;
use abi::image::Registers;
use alloc::vec::Vec;

/// User registers while a thread is in the kernel, and where its vector state is. Lies on the kernel stack;
/// `asm.rs` knows the offsets.
#[repr(C, align(16))]
pub struct Frame {
    /// General registers. The call's number is in `syscall`, and in `rax` until there is a result.
    pub registers: Registers,
    way: u64,
    /// Host signal frame's `ucontext` (trap), or a raw `Vec` with the vector state to load (data).
    pointer: u64,
    xmm: [[u8; 16]; 16],
}

/// Entered by the fast entry: the vector state is live but for `xmm`.
const FAST: u64 = 0;
/// Entered by a host signal: the vector state is in the host's signal frame.
const TRAP: u64 = 1;
/// The state is data: leaves through a signal frame of our own.
const DATA: u64 = 2;

const _: () = assert!(core::mem::offset_of!(Frame, way) == 160);
const _: () = assert!(core::mem::offset_of!(Frame, pointer) == 168);
const _: () = assert!(core::mem::offset_of!(Frame, xmm) == 176);
const _: () = assert!(size_of::<Frame>() == super::asm::FRAME_SIZE);

/// A fault of user code (`sigaction(2)`, `siginfo_t`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// `SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE` or `SIGTRAP`.
    pub signal: u8,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`.
    pub address: u64,
    /// The processor's trap number.
    pub trap: u64,
    /// The processor's error code.
    pub error: u64,
}

/// Offset of `fpx_sw_bytes` in the legacy area of a signal frame's vector state.
pub const SW_BYTES: usize = 464;
/// `FP_XSTATE_MAGIC1`: more than the legacy area follows.
pub const MAGIC1: u32 = 0x4650_5853;
/// `FP_XSTATE_MAGIC2`, behind the area.
pub const MAGIC2: u32 = 0x4650_5845;

impl Frame {
    /// For a host signal.
    pub(super) fn from_signal(context: &super::trap::UserContext) -> Self {
        Self {
            registers: Registers { syscall: -1, ..context.registers() },
            way: TRAP,
            pointer: core::ptr::from_ref(context) as u64,
            xmm: [[0; 16]; 16],
        }
    }

    /// From data.
    pub fn from_saved(saved: Saved) -> Self {
        let registers = saved.registers();
        let mut frame = Self { registers, way: DATA, pointer: 0, xmm: [[0; 16]; 16] };
        frame.keep(saved.vector);
        super::set_fs_base(registers.fs_base);
        frame
    }

    /// As data.
    pub fn save(&self) -> Saved {
        Saved::new(&Registers { fs_base: super::fs_base(), ..self.registers }, self.vector())
    }

    /// Whether it has to leave through a signal frame of our own.
    pub(super) fn is_data(&self) -> bool {
        self.way == DATA
    }

    /// The vector state in the format of a signal frame.
    pub fn vector(&self) -> Vec<u8> {
        match self.way {
            FAST => self.save_live(),
            TRAP => {
                let area = self.host_area();
                // SAFETY: the host's signal frame, `len` bytes of it, as its own header says.
                unsafe { core::slice::from_raw_parts(area.0, area.1) }.to_vec()
            }
            _ if self.pointer == 0 => Vec::new(),
            // SAFETY: made by `keep`.
            _ => unsafe { (*(self.pointer as *const Vec<u8>)).clone() },
        }
    }

    /// Replaces the vector state (`rt_sigreturn` of the guest). The bytes are in the format of a signal frame; empty:
    /// the initial state.
    pub fn set_vector(&mut self, vector: &[u8]) {
        if self.way == TRAP {
            let (start, len) = self.host_area();
            if vector.len() == len && len > 0 {
                // SAFETY: the host's signal frame on our stack.
                unsafe { core::ptr::copy_nonoverlapping(vector.as_ptr(), start, len) };
                return;
            }
        }
        self.drop_kept();
        self.way = DATA;
        self.keep(vector.to_vec());
    }

    fn keep(&mut self, vector: Vec<u8>) {
        self.pointer = alloc::boxed::Box::into_raw(alloc::boxed::Box::new(vector)) as u64;
    }

    fn drop_kept(&mut self) {
        if self.way == DATA && self.pointer != 0 {
            // SAFETY: made by `keep`, dropped once.
            drop(unsafe { alloc::boxed::Box::from_raw(self.pointer as *mut Vec<u8>) });
        }
        self.pointer = 0;
    }

    /// Takes the vector state that is to be loaded.
    pub(super) fn take_vector(&mut self) -> Vec<u8> {
        if self.way != DATA || self.pointer == 0 {
            return Vec::new();
        }
        // SAFETY: made by `keep`, taken once.
        let vector = unsafe { alloc::boxed::Box::from_raw(self.pointer as *mut Vec<u8>) };
        self.pointer = 0;
        *vector
    }

    fn host_area(&self) -> (*mut u8, usize) {
        // SAFETY: the trap's ucontext is on our stack as long as the frame.
        let start = unsafe { (*(self.pointer as *const super::trap::UserContext)).vector } as *mut u8;
        if start.is_null() {
            return (core::ptr::NonNull::dangling().as_ptr(), 0);
        }
        // SAFETY: `fpx_sw_bytes` of the host's frame.
        unsafe {
            let words = start.add(SW_BYTES).cast::<u32>();
            let len = if words.read() == MAGIC1 { words.add(1).read() as usize } else { 512 };
            (start, len)
        }
    }

    /// XSAVE of the live state, `xmm0-15` as they were in user code.
    fn save_live(&self) -> Vec<u8> {
        let size = boot_page().xsave_size as usize;
        let features = boot_page().xsave_features;
        let mut room = alloc::vec![0u8; size + 64 + 4];
        let start = room.as_ptr().align_offset(64);
        // SAFETY: the area is aligned and large enough; the kernel's own use of the registers ends here: the
        // compiler is told that all of them change.
        unsafe {
            super::asm::save_vector(room.as_mut_ptr().add(start), self.xmm.as_ptr().cast(), features);
        }
        let mut vector = room[start..start + size + 4].to_vec();
        vector[SW_BYTES..SW_BYTES + 48].fill(0);
        vector[SW_BYTES..SW_BYTES + 4].copy_from_slice(&MAGIC1.to_le_bytes());
        vector[SW_BYTES + 4..SW_BYTES + 8].copy_from_slice(&(size as u32 + 4).to_le_bytes());
        vector[SW_BYTES + 8..SW_BYTES + 16].copy_from_slice(&features.to_le_bytes());
        vector[SW_BYTES + 16..SW_BYTES + 20].copy_from_slice(&(size as u32).to_le_bytes());
        vector[size..size + 4].copy_from_slice(&MAGIC2.to_le_bytes());
        vector
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.drop_kept();
    }
}

/// The initial vector state in the format of a signal frame: x87 and SSE control words, everything else in
/// its initial configuration.
pub fn initial_vector() -> Vec<u8> {
    let size = boot_page().xsave_size as usize;
    let mut vector = alloc::vec![0u8; size + 4];
    vector[0..2].copy_from_slice(&0x37f_u16.to_le_bytes());
    vector[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    vector[SW_BYTES..SW_BYTES + 4].copy_from_slice(&MAGIC1.to_le_bytes());
    vector[SW_BYTES + 4..SW_BYTES + 8].copy_from_slice(&(size as u32 + 4).to_le_bytes());
    vector[SW_BYTES + 8..SW_BYTES + 16].copy_from_slice(&boot_page().xsave_features.to_le_bytes());
    vector[SW_BYTES + 16..SW_BYTES + 20].copy_from_slice(&(size as u32).to_le_bytes());
    // XSTATE_BV: x87 and SSE are in the area.
    vector[512] = 3;
    vector[size..size + 4].copy_from_slice(&MAGIC2.to_le_bytes());
    vector
}
