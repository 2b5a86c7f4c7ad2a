//! Processes and threads: who one is.

use super::{Context, Outcome};
use crate::errno::{EINVAL, EPERM};
use crate::user_memory::{UserAddr, UserPtr};

/// `getpid(2)`.
pub fn getpid(context: &mut Context<'_>) -> Outcome {
    let process = context.process();
    let instance = crate::kernel().tasks.instance_pid.get().filter(|_| process.pid == crate::task::PROGRAM);
    Ok(instance.unwrap_or(process.pid).0 as usize)
}

/// `getppid(2)`.
pub fn getppid(context: &mut Context<'_>) -> Outcome {
    Ok(context.process().parent.get().0 as usize)
}

/// `arch_prctl(2)`.
pub fn arch_prctl(context: &mut Context<'_>, command: u32, address: UserAddr) -> Outcome {
    const SET_GS: u32 = 0x1001;
    const SET_FS: u32 = 0x1002;
    const GET_FS: u32 = 0x1003;
    const GET_GS: u32 = 0x1004;
    match command {
        SET_FS if address.0 >= 1 << 47 => Err(EPERM.into()),
        SET_FS => {
            crate::entry::set_fs_base(address.0);
            Ok(0)
        }
        GET_FS => {
            UserPtr::new(address.0).write(crate::entry::fs_base())?;
            Ok(0)
        }
        // GS is the kernel's.
        SET_GS | GET_GS => {
            crate::kernel().note_unsupported("arch_prctl of the GS base");
            let _ = context;
            Err(EINVAL.into())
        }
        _ => Err(EINVAL.into()),
    }
}
