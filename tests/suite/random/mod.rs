//! Random programs, natively and in the sandbox: the same operations must have the same outcomes.
//!
//! A [`Family`] makes lists of operations from a seed, and an interpreter in C (`tests/random/NAME.c`) does them and
//! prints a line each: number, operation, `ok` or the errno's name, what there was to see. A list that diverges is
//! shrunk to the operations that it takes, and the message names the seed. How often each operation worked and with
//! which errors it failed is printed, and one that never worked is a failure, so that nothing passes by failing.
//!
//! `CATALYZER_RANDOM_OPERATIONS` is how many operations each family gets (a slice by default), `CATALYZER_SEED` makes
//! others of them.

mod files;
mod maps;
mod pipes;

use crate::differential::{Random, done, number_from_environment};
use crate::process::{Outcome, run};
use crate::sandbox::run_with_folder;
use crate::{compile, repository, scratch};
use anyhow::{Result, bail};
use libtest_mimic::Trial;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SEED: u64 = 1;
/// Operations of each family in `make test`.
const SLICE: u64 = 3000;
/// Operations of a program.
const PROGRAM: u64 = 250;
/// Runs that shrinking may take, of both sides.
const SHRINKING: usize = 300;
const LIMIT: Duration = Duration::from_secs(60);

/// A kind of random programs.
pub trait Family: Send + Sync {
    /// Its name, and that of its interpreter.
    fn name(&self) -> &'static str;
    /// The next operation, a line.
    fn operation(&self, random: &mut Random) -> String;
}

/// One case for each family.
pub fn trials() -> Result<Vec<Trial>> {
    let operations = number_from_environment("CATALYZER_RANDOM_OPERATIONS")?.unwrap_or(SLICE);
    let seed = number_from_environment("CATALYZER_SEED")?.unwrap_or(SEED);
    let families: [Box<dyn Family>; 3] = [Box::new(maps::Maps), Box::new(files::Files), Box::new(pipes::Pipes)];
    let trial = |family: Box<dyn Family>| {
        let name = format!("random::{}", family.name());
        Trial::test(name, move || done(campaign(&*family, seed, operations)))
    };
    Ok(families.into_iter().map(trial).collect())
}

/// How often each operation had each result.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

fn campaign(family: &dyn Family, seed: u64, operations: u64) -> Result<()> {
    let interpreter = Interpreter::build(family.name())?;
    let mut counts = Counts::new();
    for index in 0..operations.div_ceil(PROGRAM) {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9) ^ index);
        let program: Vec<String> = (0..PROGRAM).map(|_| family.operation(&mut random)).collect();
        let (native, inside) = interpreter.run_both(&program)?;
        if let Some(difference) = difference(&native, &inside) {
            let name = family.name();
            let (program, difference) = interpreter.shrink(program, difference)?;
            bail!(
                "random::{name}, CATALYZER_SEED={seed}, program {index}: {} operations diverge\n{}\n{difference}",
                program.len(),
                program.join("\n")
            );
        }
        count(&native, &mut counts);
    }
    println!("random::{}, CATALYZER_SEED={seed}: {}", family.name(), summary(&counts));
    let never: Vec<&str> =
        counts.iter().filter(|(_, results)| !results.contains_key("ok")).map(|(name, _)| name.as_str()).collect();
    if !never.is_empty() {
        bail!("never worked: {}", never.join(", "));
    }
    Ok(())
}

fn count(outcome: &Outcome, counts: &mut Counts) {
    for line in outcome.text().lines() {
        let mut words = line.split(' ').skip(1);
        if let (Some(operation), Some(result)) = (words.next(), words.next())
            && !line.starts_with("end")
        {
            *counts.entry(operation.to_owned()).or_default().entry(result.to_owned()).or_default() += 1;
        }
    }
}

fn summary(counts: &Counts) -> String {
    let total: u64 = counts.values().flat_map(BTreeMap::values).sum();
    let results = |results: &BTreeMap<String, u64>| {
        results.iter().map(|(result, count)| format!("{result} {count}")).collect::<Vec<_>>().join(" ")
    };
    let parts: Vec<String> = counts.iter().map(|(name, counts)| format!("{name}: {}", results(counts))).collect();
    format!("{total} operations; {}", parts.join("; "))
}

/// The first difference in words.
fn difference(native: &Outcome, inside: &Outcome) -> Option<String> {
    if native.stdout == inside.stdout && native.status == inside.status {
        return None;
    }
    let (expected, got) = (native.text(), inside.text());
    let pair = expected.lines().zip(got.lines()).find(|(left, right)| left != right);
    let lines = pair.map_or_else(
        || format!("{} lines natively, {} inside", expected.lines().count(), got.lines().count()),
        |(left, right)| format!("  natively {left}\n  inside   {right}"),
    );
    Some(format!("{lines}\n  status {} natively, {} inside\n{}", native.status, inside.status, inside.errors()))
}

struct Interpreter {
    path: PathBuf,
    inside: String,
    folder: PathBuf,
}

impl Interpreter {
    fn build(name: &str) -> Result<Self> {
        let folder = scratch("programs")?;
        let path = folder.join(format!("random_{name}"));
        compile::build_interpreter(&repository().join("tests/random"), name, &path)?;
        Ok(Self { inside: format!("/t/random_{name}"), path, folder })
    }

    fn run_both(&self, program: &[String]) -> Result<(Outcome, Outcome)> {
        let input = format!("{}\n", program.join("\n")).into_bytes();
        let mut native = Command::new(&self.path);
        native.env_clear().current_dir("/");
        let mut inside = run_with_folder(&self.folder);
        inside.arg("--").arg(&self.inside);
        Ok((run(&mut native, &input, LIMIT)?, run(&mut inside, &input, LIMIT)?))
    }

    /// Leaves out what a divergence does not take: ever smaller pieces, as long as something differs.
    fn shrink(&self, mut program: Vec<String>, mut difference: String) -> Result<(Vec<String>, String)> {
        let mut runs = 0;
        let mut piece = program.len().div_ceil(2);
        while piece > 0 && runs < SHRINKING {
            let mut at = 0;
            while at < program.len() && runs < SHRINKING {
                let mut shorter = program.clone();
                shorter.drain(at..(at + piece).min(program.len()));
                let (native, inside) = self.run_both(&shorter)?;
                runs += 1;
                match self::difference(&native, &inside) {
                    Some(still) => (program, difference) = (shorter, still),
                    None => at += piece,
                }
            }
            piece /= 2;
        }
        Ok((program, difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_by_operation() {
        let text = "1 mmap ok 5\n2 mmap EEXIST\n3 look ok hole\nend 00000000";
        let outcome = Outcome { stdout: text.into(), stderr: Vec::new(), status: 0 };
        let mut counts = Counts::new();
        count(&outcome, &mut counts);
        assert_eq!(summary(&counts), "3 operations; look: ok 1; mmap: EEXIST 1 ok 1");
    }
}
