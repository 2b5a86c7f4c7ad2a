//! Random operations of pipes, socket pairs, event counters and `epoll(7)` sets.

use super::Family;
use crate::differential::Random;

/// Descriptors that the interpreter has.
const SLOTS: u64 = 8;
/// `EPOLLIN`, `EPOLLPRI`, `EPOLLOUT`, `EPOLLRDHUP`, `EPOLLET`, `EPOLLONESHOT`.
const EVENTS: [u64; 8] = [1, 1, 4, 5, 0x2001, 0x8000_0005, 0x8000_0001, 0x4000_0001];
/// `MSG_PEEK`, `MSG_TRUNC`, `MSG_NOSIGNAL`.
const FLAGS: [u64; 6] = [0, 0, 0, 2, 0x20, 0x4000];

/// The family. Socket pairs are of datagrams and packets: how much a stream takes is the kernel's own.
pub struct Pipes;

impl Family for Pipes {
    fn name(&self) -> &'static str {
        "pipes"
    }

    fn operation(&self, random: &mut Random) -> String {
        let slot = random.below(SLOTS);
        let other = (slot + 1 + random.below(SLOTS - 1)) % SLOTS;
        match random.below(100) {
            0..=7 => format!("pipe {slot} {other} 0"),
            8..=13 => format!("socketpair {slot} {other} {}", random.pick(&[2, 5])),
            14..=17 => format!("eventfd {slot} {} {}", random.pick(&[0, 1, 5, 0xffff_ffff]), random.below(2)),
            18..=22 => format!("epoll {slot}"),
            23 | 24 => format!("close {slot}"),
            25..=27 => format!("dup {slot} {other}"),
            28..=38 => format!("read {slot} {}", length(random)),
            39..=50 => format!("write {slot} {} {}", length(random), random.below(100)),
            51..=53 => format!("add {slot} {}", random.pick(&[1, 1, 7, 0, u64::MAX, u64::MAX - 2]).cast_signed()),
            54..=57 => {
                format!("send {slot} {} {} {}", length(random), random.below(100), random.pick(&[0, 0x4000, 0x40]))
            }
            58..=61 => format!("recv {slot} {} {}", length(random), random.pick(&FLAGS)),
            62 | 63 => format!("shutdown {slot} {}", random.below(4)),
            64 | 65 => format!("size {slot} {}", random.pick(&[0, 4096, 8192, 65536, 100])),
            66 | 67 => format!("waiting {slot}"),
            68..=70 => format!("splice {slot} {other} {}", length(random)),
            71 | 72 => format!("tee {slot} {other} {}", length(random)),
            73..=82 => {
                format!("ctl {slot} {} {other} {}", random.pick(&[1, 1, 1, 3, 2]), random.pick(&EVENTS))
            }
            83..=92 => format!("wait {slot}"),
            _ => format!("poll {}", random.pick(&[1, 4, 5, 0x2005, 0])),
        }
    }
}

fn length(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => random.below(10),
        1 => 8,
        2 => random.below(20) * 4096,
        _ => random.below(9000),
    }
}
