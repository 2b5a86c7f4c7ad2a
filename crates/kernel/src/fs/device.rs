//! Device nodes.

use super::file::{File, Mapping, OpenFile, OpenFlags, Stat};
use super::generation::GenerationFile;
use super::inode::{Inode, Place};
use crate::errno::{EACCES, EFAULT, ENODEV, ENOSPC, ENXIO, Errno};
use crate::host;
use crate::syscall::Outcome;
use crate::syscall::dispatch::current;
use crate::user_memory::{Sink, Source};
use crate::wait::Events;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;

/// Kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `/dev/null`.
    Null,
    /// `/dev/zero`.
    Zero,
    /// `/dev/full`.
    Full,
    /// `/dev/random` and `/dev/urandom`.
    Random,
    /// `/dev/tty`: the controlling terminal, or the terminal among the standard streams.
    Tty,
    /// `/dev/ptmx`: makes a terminal.
    Master,
    /// `/dev/pts/N`.
    Terminal(u32),
    /// `/dev/catalyzer/entry`: opening it is the func-entry point.
    Entry,
    /// `/dev/catalyzer/generation`: a number that differs in each instance.
    Generation,
    /// A device, FIFO or socket of the host, or one made by `mknod(2)`: it can't be opened.
    Foreign,
}

impl Device {
    /// Opens it. `no_terminal`: it does not become the controlling terminal (`O_NOCTTY`).
    ///
    /// # Errors
    /// `ENXIO` for a terminal that isn't there, `EACCES` for what belongs to the host.
    pub fn open(
        self,
        inode: &Rc<Inode>,
        place: Place,
        flags: OpenFlags,
        no_terminal: bool,
    ) -> Result<Rc<OpenFile>, Errno> {
        match self {
            Self::Foreign => return Err(EACCES),
            Self::Master => return crate::tty::ends::open_master(inode, flags),
            Self::Terminal(number) => {
                let terminal = crate::kernel().terminals.find(number).ok_or(ENXIO)?;
                return crate::tty::ends::open_own(&terminal, None, flags, no_terminal);
            }
            Self::Tty => {
                if let Some(terminal) = crate::tty::Terminals::controlling(&current().process()) {
                    return crate::tty::ends::open_own(&terminal, Some(inode), flags, true);
                }
                let terminal = super::streams::terminal().ok_or(ENXIO)?;
                return Ok(OpenFile::new(terminal, flags));
            }
            Self::Entry => crate::snapshot::entry_point::named(),
            Self::Generation => return Ok(OpenFile::new(Rc::new(GenerationFile::new(inode, place)), flags)),
            _ => {}
        }
        Ok(OpenFile::new(Rc::new(DeviceFile { device: self, inode: inode.clone(), place }), flags))
    }
}

/// An open device.
pub struct DeviceFile {
    /// Which.
    pub device: Device,
    inode: Rc<Inode>,
    place: Place,
}

impl File for DeviceFile {
    fn kind(&self) -> &'static str {
        "device"
    }

    fn name(&self) -> String {
        String::from_utf8_lossy(&self.place.path(&self.inode)).into_owned()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.inode.stat())
    }

    fn read(&self, _file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        match self.device {
            Device::Zero | Device::Full => fill(sink, |piece| {
                piece.fill(0);
                Ok(())
            }),
            Device::Random => fill(sink, host::random),
            _ => Ok(0),
        }
    }

    fn write(&self, _file: &OpenFile, source: &mut dyn Source, _position: u64) -> Outcome {
        match self.device {
            Device::Full => Err(ENOSPC.into()),
            _ => {
                let mut buffer = alloc::vec![0u8; source.left().min(64 << 10)];
                let mut done = 0;
                // `/dev/null` does not look at what it is given; the others do, for `EFAULT`.
                if self.device == Device::Null {
                    return Ok(source.left());
                }
                while source.left() > 0 {
                    match source.take(&mut buffer) {
                        Ok(0) => break,
                        Ok(taken) => done += taken,
                        Err(errno) if done == 0 => return Err(errno.into()),
                        Err(_) => break,
                    }
                }
                Ok(done)
            }
        }
    }

    fn seekable(&self) -> bool {
        true
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        /// `/dev/random`, which takes writes and never says so; `/dev/urandom` says nothing of itself.
        const RANDOM: u64 = 1 << 8 | 8;
        let always = Events::IN | Events::RDNORM;
        if self.inode.meta().rdev == RANDOM { always } else { always | Events::OUT | Events::WRNORM }
    }

    fn map(&self, _file: &OpenFile) -> Result<Mapping, Errno> {
        match self.device {
            Device::Zero => Ok(Mapping::Zero),
            _ => Err(ENODEV),
        }
    }

    fn inode(&self) -> Option<Rc<Inode>> {
        Some(self.inode.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn fill(sink: &mut dyn Sink, mut make: impl FnMut(&mut [u8]) -> Result<(), Errno>) -> Outcome {
    let mut buffer = alloc::vec![0u8; sink.room().min(16 << 10)];
    let mut done = 0;
    while sink.room() > 0 {
        let len = sink.room().min(buffer.len());
        let piece = buffer.get_mut(..len).ok_or(EFAULT)?;
        make(piece)?;
        match sink.put(piece) {
            Ok(0) => break,
            Ok(taken) => done += taken,
            Err(errno) if done == 0 => return Err(errno.into()),
            Err(_) => break,
        }
    }
    Ok(done)
}
