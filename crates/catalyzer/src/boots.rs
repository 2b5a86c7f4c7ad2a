//! The kinds of boot behind one face: what each needs is made ahead of time, the boot itself is one call.

use crate::clock::us_between;
use crate::sandbox::{Sandboxes, again};
use abi::boot::{BootPage, Stamp};
use anyhow::{Context, Result};
use gateway::BootKind;
use image::Image;
use monitor::{Client, Company, Instance, InstanceIo, ScratchIo, Spare, StdioSource, Template, Zygote};
use std::os::fd::OwnedFd;

/// One function's ways to boot.
#[derive(Debug)]
pub struct Boots<'a> {
    sandboxes: &'a Sandboxes,
    image: Option<Image>,
    trace: Option<OwnedFd>,
    template: Option<Template>,
    zygote: Option<Zygote>,
    spare: Option<Spare>,
}

impl<'a> Boots<'a> {
    /// Boots of a function from an image; without one only scratch boots are possible. System calls are
    /// printed to `trace`, except after a fork boot, which inherits nothing.
    pub fn new(sandboxes: &'a Sandboxes, image: Option<Image>, trace: Option<OwnedFd>) -> Self {
        Self { sandboxes, image, trace, template: None, zygote: None, spare: None }
    }

    /// Gives up what was made ahead; the next boots make their own.
    pub fn begin_anew(&mut self) {
        (self.template, self.zygote, self.spare) = (None, None, None);
    }

    fn image(&self) -> Result<&Image> {
        self.image.as_ref().context("this kind of boot needs an image")
    }

    /// The template, when it is made.
    pub fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// Makes what the next boot of this kind needs.
    ///
    /// # Errors
    /// The image can't be continued, or the host refuses.
    pub fn prepare(&mut self, kind: BootKind) -> Result<()> {
        if kind == BootKind::Warm && self.zygote.is_none() {
            self.zygote = Some(self.sandboxes.class.zygote()?);
        }
        if matches!(kind, BootKind::Fork | BootKind::Spare) && self.template.as_ref().is_none_or(Template::has_ended) {
            self.template = Some(self.sandboxes.class.template(self.image()?)?);
        }
        if kind == BootKind::Spare && self.spare.is_none() {
            let mut spare = self.template.as_ref().context(NOT_PREPARED)?.spare()?;
            spare.wait_parked()?;
            self.spare = Some(spare);
        }
        Ok(())
    }

    /// Boots: the critical path and nothing else.
    ///
    /// # Errors
    /// What the kind needs is not prepared, or the boot fails.
    pub fn boot(&mut self, kind: BootKind, client: Option<Client>) -> Result<Instance> {
        let class = &self.sandboxes.class;
        Ok(match kind {
            BootKind::Scratch => {
                let stdio = [StdioSource::Null, StdioSource::Log, StdioSource::Log];
                let trace = again(self.trace.as_ref())?;
                // Nobody waits for the entry point of what has a connection already.
                let announce_entry = client.is_none();
                let mut instance = class.scratch(ScratchIo { stdio, trace, announce_entry, freeze_at: None })?;
                if let Some(client) = client {
                    instance.connect(client)?;
                }
                instance
            }
            BootKind::Cold => class.cold(self.image()?, client, self.io()?)?,
            BootKind::Warm => {
                let zygote = self.zygote.take().context(NOT_PREPARED)?;
                zygote.boot(self.image()?, client, self.io()?)?
            }
            BootKind::Fork => self.sfork(client, Company::Alone)?,
            BootKind::Spare => self.spare.take().context(NOT_PREPARED)?.go(client)?,
        })
    }

    /// A fork boot, alone or together with others.
    ///
    /// # Errors
    /// As [`Boots::boot`].
    pub fn sfork(&self, client: Option<Client>, company: Company) -> Result<Instance> {
        Ok(self.template.as_ref().context(NOT_PREPARED)?.sfork(client, company)?)
    }

    fn io(&self) -> Result<InstanceIo> {
        Ok(InstanceIo { trace: again(self.trace.as_ref())?, ..InstanceIo::default() })
    }
}

const NOT_PREPARED: &str = "what this kind of boot needs is not made yet";

/// Microseconds of the boot that was asked for at `asked_ns`, by the instance's own stamp; none while it
/// has not ended.
pub fn boot_us(page: &BootPage, asked_ns: u64) -> Option<f64> {
    let resumed = page.stamps[Stamp::Resumed as usize];
    (resumed >= asked_ns).then(|| us_between(asked_ns, resumed))
}
