//! Where the time of a boot goes, from the stamps in boot pages; and its page faults, from the host's counter.

use super::faults::Fault;
use super::report::Step;
use super::stats::Samples;
use crate::clock::us_between;
use abi::boot::{BootPage, STAMPS, Stamp};

/// What was done when a stamp was passed, on the way of an image.
const NAMES: [(Stamp, &str); 7] = [
    (Stamp::Received, "message to the parent"),
    (Stamp::Cloned, "clone"),
    (Stamp::Dropped, "close the past, drop privileges"),
    (Stamp::Mapped, "map the image"),
    (Stamp::Relocated, "relocate the kernel heap"),
    (Stamp::Connected, "hand the connection over"),
    (Stamp::Resumed, "continue the thread"),
];

/// The same for a scratch boot, where two of the stamps mean something else.
fn name(stamp: Stamp, scratch: bool) -> &'static str {
    match stamp {
        Stamp::Mapped if scratch => "make the kernel heap",
        Stamp::Relocated if scratch => "load the program",
        Stamp::Resumed if scratch => "run it until it takes the connection",
        _ => NAMES.into_iter().find(|(of, _)| *of == stamp).map_or("", |(_, name)| name),
    }
}

/// A boot whose faults were watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// When it was asked for.
    pub asked_ns: u64,
    /// Its stamps.
    pub page: BootPage,
    /// The instance.
    pub pid: i32,
    /// Faults of all processes of the function around that time.
    pub faults: Vec<Fault>,
}

impl Watched {
    /// Faults by step. Up to the clone whoever worked on this boot counts, afterwards the instance alone.
    fn by_step(&self) -> [Option<f64>; STAMPS] {
        let mut counts = [None; STAMPS];
        let mut from_ns = self.asked_ns;
        for (stamp, step) in NAMES.map(|(stamp, _)| stamp).into_iter().zip(passed(self.asked_ns, &self.page)) {
            if step.is_none() {
                continue;
            }
            let to_ns = self.page.stamps[stamp as usize];
            let shared = matches!(stamp, Stamp::Received | Stamp::Cloned);
            let own = self.faults.iter().filter(|fault| shared || fault.pid == self.pid);
            let count = own.filter(|fault| fault.ns > from_ns && fault.ns <= to_ns).count();
            counts[stamp as usize] = Some(count as f64);
            from_ns = to_ns;
        }
        counts
    }
}

/// A step of one boot.
struct Passed {
    us: f64,
    mappings: f64,
    host_calls: f64,
}

/// The steps of one boot by stamp. A stamp that was not passed on this path, or lies before the boot was
/// asked for (what a zygote or spare did ahead of time), has none: its time is not part of the boot.
fn passed(asked_ns: u64, page: &BootPage) -> [Option<Passed>; STAMPS] {
    let mut steps = [const { None }; STAMPS];
    let (mut at_ns, mut mappings, mut hostcalls) = (asked_ns, 0, 0);
    for (stamp, _) in NAMES {
        let index = stamp as usize;
        let ns = page.stamps[index];
        // The parent stamps what it received, with counts of its own.
        let own = stamp != Stamp::Received;
        if ns >= at_ns {
            steps[index] = Some(Passed {
                us: us_between(at_ns, ns),
                mappings: if own { f64::from(page.mappings[index].saturating_sub(mappings)) } else { 0.0 },
                host_calls: if own { f64::from(page.hostcalls[index].saturating_sub(hostcalls)) } else { 0.0 },
            });
            at_ns = ns;
        }
        if ns != 0 && own {
            (mappings, hostcalls) = (page.mappings[index], page.hostcalls[index]);
        }
    }
    steps
}

/// The medians of all boots, step by step, and the share of the boots that all steps together explain. Faults are
/// those of the boots that were `watched`, which are others.
pub fn steps<'a>(
    boots: impl Iterator<Item = (u64, &'a BootPage)>,
    watched: &[Watched],
    scratch: bool,
) -> (Vec<Step>, f64) {
    let faults: Vec<_> = watched.iter().map(Watched::by_step).collect();
    let faults = |stamp: Stamp| {
        let counts: Samples = faults.iter().filter_map(|counts| counts[stamp as usize]).collect();
        (counts.len() > 0).then(|| counts.percentile(50.0))
    };
    let mut samples: [[Samples; 3]; STAMPS] = Default::default();
    let (mut explained_us, mut all_us) = (0.0, 0.0);
    let mut count = 0;
    for (asked_ns, page) in boots {
        count += 1;
        all_us += us_between(asked_ns, page.stamps[Stamp::Resumed as usize]);
        for (samples, passed) in samples.iter_mut().zip(passed(asked_ns, page)) {
            if let Some(passed) = passed {
                explained_us += passed.us;
                let values = [passed.us, passed.mappings, passed.host_calls];
                samples.iter_mut().zip(values).for_each(|(samples, value)| samples.extend([value]));
            }
        }
    }
    let steps = NAMES.into_iter().filter_map(|(stamp, _)| {
        let [us, mappings, host_calls] = &samples[stamp as usize];
        let median = |samples: &Samples| samples.percentile(50.0);
        // A zygote that had to be waited for is not what a warm boot is made of.
        (us.len() * 2 > count).then(|| Step {
            step: name(stamp, scratch),
            p50_us: (median(us) * 10.0).round() / 10.0,
            faults: faults(stamp),
            mappings: median(mappings),
            host_calls: median(host_calls),
        })
    });
    let accounted = if all_us > 0.0 { explained_us / all_us } else { 0.0 };
    (steps.collect(), (accounted * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(stamps: [u64; STAMPS], hostcalls: [u32; STAMPS]) -> BootPage {
        BootPage {
            magic: abi::boot::BOOT_MAGIC,
            heap_base: 0,
            heap_len: 0,
            root: 0,
            monotonic_offset_ns: 0,
            realtime_offset_ns: 0,
            vdso_clock_gettime: 0,
            vdso_start: 0,
            vdso_end: 0,
            generation: 1,
            xsave_size: 0,
            xsave_features: 0,
            reserved: 0,
            stamps,
            hostcalls,
            mappings: [0; STAMPS],
        }
    }

    #[test]
    fn steps_of_a_fork_boot_add_up_to_the_boot() {
        let page = page([11_000, 91_000, 95_000, 0, 0, 99_000, 111_000, 0], [0, 0, 2, 0, 0, 3, 4, 0]);
        let fault = |ns, pid| Fault { ns, pid };
        // The template's answer to the monitor is none of the instance's business; what came before and after, too.
        let faults = vec![fault(500, 7), fault(90_000, 7), fault(92_000, 7), fault(93_000, 9), fault(99_500, 9)];
        let watched = Watched { asked_ns: 1_000, page, pid: 9, faults };
        let (steps, accounted) = steps([(1_000, &page)].into_iter(), &[watched], false);
        let faults: Vec<_> = steps.iter().map(|step| step.faults.unwrap_or(-1.0)).collect();
        assert_eq!(faults, [0.0, 1.0, 1.0, 0.0, 1.0]);
        let of: Vec<_> = steps.iter().map(|s| (s.step, s.p50_us, s.host_calls)).collect();
        assert_eq!(
            of,
            [
                ("message to the parent", 10.0, 0.0),
                ("clone", 80.0, 0.0),
                ("close the past, drop privileges", 4.0, 2.0),
                ("hand the connection over", 4.0, 1.0),
                ("continue the thread", 12.0, 1.0),
            ]
        );
        assert_eq!(accounted, 1.0);
    }

    #[test]
    fn what_was_done_ahead_of_time_is_no_step() {
        let page = page([500, 600, 700, 3_000, 4_000, 5_000, 6_000, 0], [0, 1, 2, 4, 4, 5, 6, 0]);
        let (steps, _) = steps([(1_000, &page)].into_iter(), &[], false);
        assert_eq!(steps.first().map(|s| (s.step, s.p50_us, s.host_calls)), Some(("map the image", 2.0, 2.0)));
    }
}
