//! `serve`: hands every arriving connection to an instance.
//!
//! ```text
//!            ┌ accept thread ─ boot ─▶ instance ┐            one pair of threads a function
//!  client ──▶│                                  │ (channel)
//!            └ watch thread ◀───────────────────┘──▶ logs, ends, resets
//!                  ▲
//!  `ps` ─ control thread (Unix socket)
//! ```
//!
//! The accept thread does nothing but accept and boot; what a boot needs is made ahead of time by the
//! pool. The watch thread owns all instances of its function: it hears their events, ends them with
//! their connections, and answers what is asked about them. It holds a second descriptor of each
//! connection, so that the connection of an instance that dies early can be reset instead of closed.

mod accept;
mod control;
mod error;
mod kind;
mod pool;
mod report;
mod service;
mod watch;

pub use control::{Question, ask, default_path};
pub use error::{Error, Result};
pub use kind::BootKind;
pub use report::{InstanceReport, IoReport, Pages, Report, ServiceReport, TemplateReport};
pub use service::{Gateway, ServiceOptions};
