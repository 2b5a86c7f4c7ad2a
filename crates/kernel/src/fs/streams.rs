//! Standard streams.

use super::file::{File, OpenFile, Stat};
use crate::errno::Errno;
use crate::host::HostFd;
use crate::wait::Events;
use abi::control::LogStream;
use abi::launch::Stdio;
use alloc::rc::Rc;
use alloc::string::String;

struct Null;

impl File for Null {
    fn kind(&self) -> &'static str {
        "stream"
    }
    fn name(&self) -> String {
        "/dev/null".into()
    }
    fn stat(&self) -> Result<Stat, Errno> {
        Ok(Stat::default())
    }
    fn poll(&self, _file: &OpenFile) -> Events {
        Events::OUT
    }
    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

/// A standard stream.
pub fn standard_stream(_kind: Stdio, _descriptor: Option<HostFd>, _log: LogStream) -> Rc<dyn File> {
    Rc::new(Null)
}

/// After a boot from an image: the objects behind the standard streams, wherever they are open, become these.
pub fn reconnect(_kinds: [Stdio; 3], _descriptors: [Option<HostFd>; 3]) {}
