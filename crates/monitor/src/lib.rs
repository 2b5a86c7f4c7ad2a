//! The monitor: the trusted side, which creates, feeds, limits, observes and kills sandboxes.
//!
//! ```text
//!  monitor (this crate, in the command or daemon)
//!   ├─ file server                    one a function, confined, read-only descriptors
//!   └─ keeper                         pid 1 of the function's user+pid+mount+net+ipc+uts namespaces
//!       ├─ nursery          pid 2     the pristine guest kernel under the filter: clones, runs nothing
//!       ├─ template         pid n     an image continued up to its func-entry point: clones instances
//!       ├─ zygote    own pid namespace    cloned ahead, empty
//!       ├─ spare     own pid namespace    cloned ahead from the template
//!       └─ instance  own pid namespace    runs the program
//! ```
//!
//! Nursery and templates clone with `CLONE_PARENT`, so everything is the keeper's child and ends with it; the
//! keeper ends with the monitor. Each process below the keeper has one `SOCK_SEQPACKET` control socket to the
//! monitor and nothing else in common with it.
//!
//! **Trusted**: this crate, the keeper ([`keeper`], a few lines), the file server, and the nursery as long as it
//! has cloned nothing but sandboxes: it never sees a guest's data. **Not trusted**: zygotes from their boot on,
//! instances, and templates, whose memory came out of an image. What they send is believed after a check
//! ([`Instance`], `parent`, `process`); what they do is bounded by the filter ([`filter`]), namespaces, resource
//! limits and cgroups.
//!
//! **Boot paths.** [`Function::scratch`], [`Function::cold`]: one message to the nursery. [`Zygote::boot`]: one
//! message to the zygote. [`Template::sfork`]: one message to the template; its reply, the pidfd, is read and
//! checked afterwards. [`Spare::go`]: one message to the spare. No `execve`, file lookup, namespace other than the
//! pid namespace, cgroup move or filter is on any of these paths.
//!
//! **Locks**, never two at once except the first two, in this order: a parent's replies, a parent's count of requests,
//! a template's instance, the owned pids, the keeper's deaths. Replies and deaths are waited for under theirs, with
//! a deadline; nothing on a boot path takes these.
#![deny(unsafe_code)]

mod cgroup;
mod dial;
mod end;
mod error;
pub mod filter;
mod function;
#[cfg(test)]
mod hostile;
mod instance;
pub mod keeper;
mod kernel_image;
mod limits;
mod monitor;
mod parent;
mod process;
mod sandbox;
mod streams;
mod symbols;
mod take;
mod tree;
mod wire;

pub use cgroup::{ClassLimits, probe_cgroups};
pub use end::{End, How, Reason};
pub use error::{Error, Result};
pub use function::{Company, Function, FunctionSpec, Spare, Template, Zygote};
pub use instance::{Event, Instance};
pub use limits::Limits;
pub use monitor::{Monitor, MonitorOptions, kernel_build, kernel_elf};
pub use process::PageCounts;
pub use streams::{Client, InstanceIo, ScratchIo, StdioSource};
pub use tree::Helper;
