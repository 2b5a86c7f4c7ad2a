//! Processes and threads: who one is.

use super::{Context, Outcome};

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
