//! Seeded mutations for the parsers of everything that a guest or a file controls. No special compiler is wanted:
//! the targets are tests (`fuzz/tests/`, and one beside `function.toml`'s reader), which run a slice in `make test`
//! and longer in `make soak`.
//!
//! `CATALYZER_FUZZ_RUNS` is how many inputs each target gets, `CATALYZER_SEED` makes a run repeatable. A failure
//! is reported with both and with the input.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The seed of a slice: `make test` is the same each time.
const SEED: u64 = 0x000c_a7a1_72e5;
/// Longest input that mutations grow to, bytes.
const LONGEST: usize = 1 << 17;
/// Numbers at the edges of what fits somewhere.
const EDGES: [u64; 12] =
    [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 47, 0x7dff_0000_0000, u64::MAX >> 1, u64::MAX];

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.word() % end.max(1) as u64) as usize
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A changed copy: a few small damages, sometimes a piece of another input, sometimes only noise.
    pub fn mutate(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..1 + self.below(4) {
            self.damage(&mut bytes, corpus);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len());
        match self.below(10) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            2 if !bytes.is_empty() => bytes[at] = self.word() as u8,
            3 => bytes.truncate(at),
            4 => bytes.insert(at, self.word() as u8),
            5 | 6 => {
                let edge = self.pick(&EDGES).to_le_bytes();
                let width = *self.pick(&[1, 2, 4, 8]);
                for (to, from) in bytes.iter_mut().skip(at & !(width - 1)).zip(&edge[..width]) {
                    *to = *from;
                }
            }
            7 if !corpus.is_empty() => {
                let other = self.pick(corpus).clone();
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            8 if !bytes.is_empty() => {
                let len = 1 + self.below((bytes.len() - at).min(64));
                let piece = bytes[at..at + len].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let len = self.below(16);
                let noise: Vec<u8> = (0..len).map(|_| self.word() as u8).collect();
                let end = (at + len).min(bytes.len());
                bytes.splice(at..end, noise);
            }
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

/// Gives `target` mutations of the corpus: `runs` in `make test`, as many as the environment says else.
///
/// # Panics
/// When the target does, after saying for which input.
pub fn fuzz(runs: u64, corpus: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let seed = number("CATALYZER_SEED", SEED);
    let runs = number("CATALYZER_FUZZ_RUNS", runs);
    for run in 0..runs {
        // A run of its own seed can be repeated alone.
        let mut random = Random::new(seed ^ run.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let start = random.pick(corpus).clone();
        let input = random.mutate(&start, corpus);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            let shown: String = input.iter().take(4096).map(|byte| format!("{byte:02x}")).collect();
            eprintln!("run {run} of CATALYZER_SEED={seed}, {} bytes: {shown}", input.len());
            resume_unwind(panic);
        }
    }
}
