//! What boots need, made ahead of time: the template, zygotes, spares.
//!
//! A thread of the pool tops up what was taken, so that a boot never makes anything but its instance.
//! Locks are held for taking and putting only, never while something is made.

use crate::error::{Error, Result, at};
use crate::kind::BootKind;
use crate::report::{IoReport, TemplateReport};
use image::Image;
use monitor::{Client, Company, Function, Instance, InstanceIo, ScratchIo, Spare, StdioSource, Template, Zygote};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Zygotes that wait where boots are warm.
const ZYGOTES: usize = 4;

/// A function's pool.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// One word is enough to wake the thread; none when there is nothing to top up.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    class: Function,
    image: Option<Image>,
    kind: BootKind,
    wanted: usize,
    template: Mutex<Option<Template>>,
    zygotes: Mutex<VecDeque<Zygote>>,
    spares: Mutex<VecDeque<Spare>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Makes the template and fills the pool.
    pub(crate) fn new(class: Function, image: Option<Image>, kind: BootKind, spares: usize) -> Result<Self> {
        let wanted = match kind {
            BootKind::Warm => ZYGOTES.max(spares),
            BootKind::Spare => spares.max(1),
            BootKind::Fork => spares,
            BootKind::Scratch | BootKind::Cold => 0,
        };
        let shared = Shared {
            class,
            image,
            kind,
            wanted,
            template: Mutex::default(),
            zygotes: Mutex::default(),
            spares: Mutex::default(),
        };
        if matches!(kind, BootKind::Fork | BootKind::Spare) {
            shared.template()?;
        }
        shared.top_up()?;
        let shared = Arc::new(shared);
        if wanted == 0 {
            return Ok(Self { shared, wake: None, thread: None });
        }
        let (wake, woken) = sync_channel(1);
        let filled = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("pool".to_owned()).spawn(move || filled.run(&woken));
        Ok(Self { shared, wake: Some(wake), thread: Some(thread.map_err(at("making a thread"))?) })
    }

    /// Boots an instance for a client: the critical path.
    pub(crate) fn boot(&self, client: Client, company: Company) -> Result<Instance> {
        let shared = &*self.shared;
        match shared.kind {
            BootKind::Scratch => {
                let stdio = [StdioSource::Null, StdioSource::Log, StdioSource::Log];
                let mut instance = shared.class.scratch(ScratchIo { stdio, ..ScratchIo::default() })?;
                instance.connect(client)?;
                Ok(instance)
            }
            BootKind::Cold => Ok(shared.class.cold(shared.image()?, Some(client), InstanceIo::default())?),
            BootKind::Warm => {
                let zygote = lock(&shared.zygotes).pop_front();
                let instance = match zygote {
                    Some(zygote) => zygote.boot(shared.image()?, Some(client), InstanceIo::default())?,
                    None => shared.class.cold(shared.image()?, Some(client), InstanceIo::default())?,
                };
                self.wake();
                Ok(instance)
            }
            BootKind::Fork | BootKind::Spare => {
                let spare = if shared.wanted == 0 { None } else { lock(&shared.spares).pop_front() };
                match spare {
                    Some(spare) => {
                        let instance = spare.go(Some(client))?;
                        self.wake();
                        Ok(instance)
                    }
                    None => Ok(shared.template()?.sfork(Some(client), company)?),
                }
            }
        }
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            // Full: it is awake already.
            let _ = wake.try_send(());
        }
    }

    pub(crate) fn kind(&self) -> BootKind {
        self.shared.kind
    }

    pub(crate) fn zygotes(&self) -> usize {
        lock(&self.shared.zygotes).len()
    }

    pub(crate) fn spares(&self) -> usize {
        lock(&self.shared.spares).len()
    }

    /// The image's I/O table; none without an image.
    pub(crate) fn io(&self) -> Option<Vec<IoReport>> {
        let inspection = self.shared.image.as_ref()?.inspect().ok()?;
        let entries = inspection.descriptors.into_iter().map(|entry| IoReport {
            pid: entry.pid,
            fd: entry.fd,
            kind: entry.kind,
            name: entry.name,
            state: entry.state.to_owned(),
        });
        Some(entries.collect())
    }

    pub(crate) fn template(&self, with_pages: bool) -> Option<TemplateReport> {
        let template = lock(&self.shared.template).clone()?;
        Some(TemplateReport {
            pid: template.pid(),
            mappings: template.mappings().ok(),
            pages: if with_pages { template.private_pages().ok().map(Into::into) } else { None },
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn image(&self) -> Result<&Image> {
        self.image.as_ref().ok_or(Error::NoImage(self.kind))
    }

    /// The template; another one when it has ended.
    fn template(&self) -> Result<Template> {
        if let Some(template) = &*lock(&self.template)
            && !template.has_ended()
        {
            return Ok(template.clone());
        }
        let made = self.class.template(self.image()?)?;
        *lock(&self.template) = Some(made.clone());
        Ok(made)
    }

    fn run(&self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            if let Err(error) = self.top_up() {
                log::warn!("{}: nothing is made ahead of time: {error}", self.class.spec().name);
            }
        }
    }

    fn top_up(&self) -> Result<()> {
        match self.kind {
            BootKind::Warm => {
                while lock(&self.zygotes).len() < self.wanted {
                    let zygote = self.class.zygote()?;
                    lock(&self.zygotes).push_back(zygote);
                }
            }
            BootKind::Fork | BootKind::Spare => {
                while lock(&self.spares).len() < self.wanted {
                    let mut spare = self.template()?.spare()?;
                    spare.wait_parked()?;
                    lock(&self.spares).push_back(spare);
                }
            }
            BootKind::Scratch | BootKind::Cold => {}
        }
        Ok(())
    }
}
