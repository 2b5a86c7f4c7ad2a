//! Everything that is measured of one function, ready to be measured.

use super::breakdown::Watched;
use super::faults::Watch;
use super::floors::bare::{Bare, Shape};
use super::floors::fork_server::ForkServer;
use super::floors::native::Native;
use super::report::{BootRow, FloorRow, Pages};
use super::rows::{Measured, Row, Subject};
use super::stats::Samples;
use super::{Plan, breakdown};
use crate::boots::{Boots, boot_us};
use crate::clock::{now_ns, us_between};
use crate::http::{Pairs, Request, Response};
use crate::sandbox::{self, Sandboxes, show};
use abi::boot::BootPage;
use anyhow::{Context, Result, bail};
use gateway::BootKind;
use image::Image;
use monitor::{Client, Company, Event, Instance, Template};
use std::fs::File;
use std::time::{Duration, Instant as Time};

/// How long any answer may take before a measurement counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Instances whose memory at rest is looked at.
const RESTING: usize = 5;
/// Boots of each kind whose page faults are watched.
const WATCHED: usize = 15;
/// How long an instance may take to come to rest.
const SETTLING: Duration = Duration::from_secs(5);
/// The bare process where no template tells its shape.
const PLAIN: Shape = Shape { mappings: 40, pages: 10 };

/// See the module documentation.
pub struct Contest<'a> {
    sandboxes: &'a Sandboxes,
    request: Request,
    expected: Option<&'a str>,
    pairs: Pairs,
    boots: Boots<'a>,
    native: Option<Native>,
    native_pages: Option<f64>,
    fork_server: Option<ForkServer>,
    bare: Option<Bare>,
    /// Boot pages by row, for the breakdown.
    pages: Option<Vec<(BootKind, u64, BootPage)>>,
    /// What can't be compared, and why.
    pub notes: Vec<(&'static str, String)>,
}

impl<'a> Contest<'a> {
    /// Makes everything ready: template, native surroundings, bare process.
    ///
    /// # Errors
    /// The image can't be continued.
    pub fn new(plan: &'a Plan, sandboxes: &'a Sandboxes, image: Option<Image>) -> Result<Self> {
        let file = match &image {
            Some(image) => image.file().try_clone()?,
            None => File::open("/proc/self/exe")?,
        };
        let mut contest = Self {
            sandboxes,
            request: Request::get("/")?,
            expected: plan.expected.as_deref(),
            pairs: Pairs::new()?,
            boots: Boots::new(sandboxes, image, None),
            native: None,
            native_pages: None,
            fork_server: None,
            bare: None,
            pages: plan.breakdown.then(Vec::new),
            notes: Vec::new(),
        };
        let shape = if plan.boots.iter().any(|kind| matches!(kind, BootKind::Fork | BootKind::Spare)) {
            contest.shape()?
        } else {
            PLAIN
        };
        let native = Native::prepare(&sandboxes.config, &sandboxes.layer);
        contest.native = contest.or_note("native-spawn", native);
        if let Some(native) = &contest.native {
            let resting = native.private_pages(&contest.request);
            contest.native_pages = contest.or_note("native memory", resting);
        }
        let fork_server = ForkServer::start(&sandboxes.config);
        contest.fork_server = contest.or_note("fork-server", fork_server).flatten();
        contest.bare = contest.or_note("bare-clone", Bare::start(shape, &file));
        Ok(contest)
    }

    fn or_note<T>(&mut self, what: &'static str, made: Result<T>) -> Option<T> {
        made.map_err(|error| self.notes.push((what, format!("{error:#}")))).ok()
    }

    /// What a bare process must be like to be compared with fork boots: the template's mappings, and the
    /// pages that an instance has written when it has answered.
    fn shape(&mut self) -> Result<Shape> {
        let (_, mut instance) = self.respond(BootKind::Fork).context("the first fork boot")?;
        let pages = instance.private_pages().context("the first instance")?.private_dirty;
        let mappings = self
            .boots
            .template()
            .map(Template::mappings)
            .transpose()
            .context("the template")?
            .unwrap_or(PLAIN.mappings);
        end(&mut instance)?;
        Ok(Shape { mappings, pages: usize::try_from(pages)? })
    }

    /// The rows that can be measured.
    pub fn rows(&self, plan: &Plan) -> Vec<Row> {
        let boots = plan.boots.iter().map(|kind| Subject::Boot(*kind));
        let floors = [
            (Subject::NativeSpawn, self.native.is_some()),
            (Subject::ForkServer, self.fork_server.is_some()),
            (Subject::BareClone, self.bare.is_some()),
            (Subject::BareWake, self.bare.is_some()),
        ];
        let floors = floors.into_iter().filter(|(_, there)| *there).map(|(subject, _)| subject);
        boots.chain(floors).map(Row::new).collect()
    }

    fn check(&self, response: &Response) -> Result<()> {
        if response.status >= 400 {
            bail!("status {}", response.status);
        }
        let body = String::from_utf8_lossy(&response.body);
        match self.expected {
            Some(expected) if !body.contains(expected) => bail!("a wrong answer: {body:?}"),
            _ if body.is_empty() => bail!("an empty answer"),
            _ => Ok(()),
        }
    }

    /// One measurement of a row.
    ///
    /// # Errors
    /// No correct response came.
    pub fn measure(&mut self, subject: Subject) -> Result<Measured> {
        let gone = "its process is not there";
        match subject {
            Subject::Boot(kind) => {
                let (measured, mut instance) = self.respond(kind)?;
                end(&mut instance)?;
                // The next zygote or spare comes to rest while other rows are measured.
                self.boots.prepare(kind)?;
                Ok(measured)
            }
            Subject::NativeSpawn => {
                let (us, response) = self.native.as_ref().context(gone)?.first_response(&self.request)?;
                self.check(&response)?;
                Ok(Measured { boot_us: None, first_response_us: Some(us) })
            }
            Subject::ForkServer => {
                let (us, response) = self.fork_server.as_ref().context(gone)?.first_response(&self.request)?;
                self.check(&response)?;
                Ok(Measured { boot_us: None, first_response_us: Some(us) })
            }
            Subject::BareClone => {
                let measured = self.bare.as_ref().context(gone)?.clone_once()?;
                Ok(Measured { boot_us: Some(measured.first_us), first_response_us: Some(measured.last_us) })
            }
            Subject::BareWake => {
                let measured = self.bare.as_ref().context(gone)?.wake_once()?;
                Ok(Measured { boot_us: Some(measured.first_us), first_response_us: None })
            }
        }
    }

    /// Boots an instance with a client whose request is on its way, and reads the response.
    fn respond(&mut self, kind: BootKind) -> Result<(Measured, Instance)> {
        self.boots.prepare(kind)?;
        let mut pair = self.pairs.connect()?;
        self.request.send(&mut pair.client)?;
        let asked_ns = now_ns();
        let mut instance = self.boots.boot(kind, Some(Client { fd: pair.server, peer: pair.peer }))?;
        let response = sandbox::response(&self.request, &mut pair.client, &mut instance, PATIENCE)?;
        self.check(&response)?;
        let page = instance.boot_page().context("its boot page")?;
        if let Some(pages) = &mut self.pages {
            pages.push((kind, asked_ns, page));
        }
        let first_response_us = Some(us_between(asked_ns, response.first_byte_ns));
        let boot_us = boot_us(&page, asked_ns);
        Ok((Measured { boot_us, first_response_us }, instance))
    }

    /// Boots of this kind with the host's counter of page faults on everything the nursery clones.
    fn watch(&mut self, kind: BootKind) -> Result<Vec<Watched>> {
        let mut watch = Watch::nursery_of(self.sandboxes.class.keeper_pid())?;
        self.boots.begin_anew();
        let mut boots = Vec::new();
        for _ in 0..WATCHED {
            self.boots.prepare(kind)?;
            watch.take()?;
            let (_, mut instance) = self.respond(kind)?;
            let pid = instance.pid()?;
            end(&mut instance)?;
            let faults = watch.take()?;
            // Noting costs time: these are not among the boots whose steps are timed.
            if let Some((_, asked_ns, page)) = self.pages.as_mut().and_then(Vec::pop) {
                boots.push(Watched { asked_ns, page, pid, faults });
            }
        }
        self.boots.begin_anew();
        Ok(boots)
    }

    /// A row of our own boots, with memory at rest and breakdown.
    pub fn boot_row(&mut self, row: &Row, kind: BootKind) -> BootRow {
        let resting = self.resting(kind);
        let resting = self.or_note("memory at rest", resting);
        let watched = if self.pages.is_some() {
            let watched = self.watch(kind);
            self.or_note("page faults", watched).unwrap_or_default()
        } else {
            Vec::new()
        };
        let pages = self.pages.as_ref().map(|pages| {
            let own = pages.iter().filter(|(of, ..)| *of == kind);
            let own = own.map(|(_, asked_ns, page)| (*asked_ns, page));
            breakdown::steps(own, &watched, kind == BootKind::Scratch)
        });
        BootRow {
            boot: kind.name().to_owned(),
            runs: row.runs(),
            boot_us: row.boot.summary(),
            first_response_us: row.first_response.summary(),
            private_pages: resting.as_ref().map(|(pages, _)| Pages { p50: pages.percentile(50.0) }),
            host_mappings: resting.as_ref().map(|(_, mappings)| *mappings),
            failures: row.failures,
            accounted: pages.as_ref().map(|(_, accounted)| *accounted),
            breakdown: pages.map(|(steps, _)| steps),
            ..BootRow::default()
        }
    }

    /// Private pages and mappings of instances at rest, before any connection.
    fn resting(&mut self, kind: BootKind) -> Result<(Samples, u64)> {
        let mut pages = Samples::default();
        let mut mappings = 0;
        for _ in 0..RESTING {
            self.boots.prepare(kind)?;
            let mut instance = self.boots.boot(kind, None)?;
            settle(&mut instance, kind)?;
            pages.extend([instance.private_pages()?.private_dirty as f64]);
            mappings = instance.mappings()? as u64;
            end(&mut instance)?;
        }
        Ok((pages, mappings))
    }

    /// A row of what ours is compared with.
    pub fn floor(&self, row: &Row) -> Option<FloorRow> {
        let mut floor = FloorRow {
            name: row.subject.name(),
            runs: row.runs(),
            boot_us: row.boot.summary(),
            first_response_us: row.first_response.summary(),
            ..FloorRow::default()
        };
        match row.subject {
            Subject::Boot(_) => return None,
            Subject::NativeSpawn => {
                floor.private_pages = self.native_pages.map(|p50| Pages { p50 });
                floor.note = self.native.as_ref().and_then(|native| native.note.clone());
            }
            Subject::ForkServer => {}
            Subject::BareClone | Subject::BareWake => {
                let built = self.bare.as_ref().map(|bare| bare.built.clone())?;
                floor.mappings = Some(built.mappings);
                floor.note = built.note;
                if row.subject == Subject::BareClone {
                    (floor.pages, floor.flags) = (Some(built.pages), Some(built.flags));
                }
            }
        }
        Some(floor)
    }

    /// Fork boots, `count` of them asked for at once, in as many rounds as give about `runs` boots.
    ///
    /// Crowds take turns: in one the requests are sent before the boots are asked for and the first responses count;
    /// in the other the requests follow when all have booted and the boots count, because otherwise an instance that
    /// has booted answers on the processor that another one boots on.
    ///
    /// # Errors
    /// Connections can't be made.
    pub fn at_once(&mut self, count: usize, runs: usize) -> Result<BootRow> {
        let mut row = Row::new(Subject::Boot(BootKind::Fork));
        for _ in 0..(runs / count).max(3) {
            for requests in [Requests::AfterBoots, Requests::BeforeBoots] {
                self.boots.prepare(BootKind::Fork)?;
                for outcome in self.crowd(count, requests)? {
                    row.add(outcome);
                }
            }
        }
        if let Some(failure) = &row.last_failure {
            log::warn!("{count} at once: {} failed, the last with: {failure}", row.failures);
        }
        Ok(BootRow {
            boot: BootKind::Fork.name().to_owned(),
            at_once: Some(count),
            runs: row.runs(),
            boot_us: row.boot.summary(),
            boot_mean_us: Some((row.boot.mean() * 10.0).round() / 10.0),
            first_response_us: row.first_response.summary(),
            failures: row.failures,
            ..BootRow::default()
        })
    }

    fn crowd(&mut self, count: usize, requests: Requests) -> Result<Vec<Result<Measured>>> {
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let mut pair = self.pairs.connect()?;
            if requests == Requests::BeforeBoots {
                self.request.send(&mut pair.client)?;
            }
            pairs.push(pair);
        }
        let mut clients = Vec::with_capacity(count);
        let mut instances = Vec::with_capacity(count);
        let asked_ns = now_ns();
        for pair in pairs {
            instances.push(self.boots.sfork(Some(Client { fd: pair.server, peer: pair.peer }), Company::Crowd));
            clients.push(pair.client);
        }
        if requests == Requests::AfterBoots {
            for instance in instances.iter_mut().flatten() {
                // One that does not boot gives no response either, and counts as failed.
                let _ = booted(instance, asked_ns);
            }
            for client in &mut clients {
                self.request.send(client)?;
            }
        }
        // One thread a client, as there would be one process a client; they only wait.
        let request = &self.request;
        let answers: Vec<Result<(Response, Instance)>> = std::thread::scope(|scope| {
            let threads: Vec<_> = instances
                .into_iter()
                .zip(clients)
                .map(|(instance, mut client)| {
                    scope.spawn(move || {
                        let mut instance = instance?;
                        let response = sandbox::response(request, &mut client, &mut instance, PATIENCE)?;
                        Ok((response, instance))
                    })
                })
                .collect();
            let crashed = |_| Err(anyhow::anyhow!("the client panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(crashed)).collect()
        });
        let measured = answers.into_iter().map(|answer| {
            let (response, mut instance) = answer?;
            self.check(&response)?;
            let boot_us = boot_us(&instance.boot_page()?, asked_ns);
            end(&mut instance)?;
            let first_response_us = Some(us_between(asked_ns, response.first_byte_ns));
            Ok(match requests {
                Requests::AfterBoots => Measured { boot_us, first_response_us: None },
                Requests::BeforeBoots => Measured { boot_us: None, first_response_us },
            })
        });
        Ok(measured.collect())
    }
}

/// When the requests of many at once are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requests {
    BeforeBoots,
    AfterBoots,
}

/// Waits until an instance has booted, looking seldom enough not to disturb the others.
fn booted(instance: &mut Instance, asked_ns: u64) -> Result<()> {
    let deadline = Time::now() + PATIENCE;
    loop {
        std::thread::sleep(Duration::from_millis(5));
        if let Some(Event::Ended(end)) = instance.next_event(Time::now())? {
            bail!("the instance ended: {end}");
        }
        if instance.boot_page().is_ok_and(|page| boot_us(&page, asked_ns).is_some()) {
            return Ok(());
        }
        if Time::now() > deadline {
            bail!("an instance does not boot");
        }
    }
}

/// Kills an instance and waits until it is gone, so that the next measurement has the machine to itself.
fn end(instance: &mut Instance) -> Result<()> {
    instance.kill();
    instance.wait()?;
    Ok(())
}

/// Waits until an instance writes no more pages.
fn settle(instance: &mut Instance, kind: BootKind) -> Result<()> {
    let deadline = Time::now() + SETTLING;
    let mut at_entry = kind != BootKind::Scratch;
    let mut last = None;
    while Time::now() < deadline {
        match instance.next_event(Time::now() + Duration::from_millis(2))? {
            Some(Event::AtEntry) => at_entry = true,
            Some(Event::Ended(end)) => bail!("the instance ended: {end}"),
            Some(event) => show(&event),
            None if at_entry => {
                let now = Some(instance.private_pages()?);
                if now == last {
                    return Ok(());
                }
                last = now;
            }
            None => {}
        }
    }
    bail!("an instance does not come to rest")
}
