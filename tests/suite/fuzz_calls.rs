//! System calls with wild arguments: `tests/fuzz-calls/`, systematically and at random.
//!
//! `CATALYZER_FUZZ_CALLS` is how many random calls are made (a slice by default), `CATALYZER_SEED` makes others of them.

use crate::differential::number_from_environment;
use crate::process::run;
use crate::sandbox::run_with_folder;
use crate::{Case, compile, named, repository, scratch};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SEED: u64 = 1;
const SLICE: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(60);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 2] = [
        ("wild_pointers_fail_as_natively", wild_pointers_fail_as_natively),
        ("random_calls_end_as_linux_would_end_them", random_calls_end_as_linux_would_end_them),
    ];
    Ok(named("fuzz", cases))
}

fn program() -> Result<PathBuf> {
    let path = scratch("programs")?.join("fuzz-calls");
    compile::build_interpreter(&repository().join("tests/fuzz-calls"), "fuzz-calls", &path)?;
    Ok(path)
}

/// A wild pointer for each pointer argument of each call. As another user than root Linux refuses more calls before it
/// looks at pointers: then the sandbox only has to survive.
fn wild_pointers_fail_as_natively() -> Result<()> {
    let program = program()?;
    let native = run(Command::new(&program).arg("wild").env_clear().current_dir("/"), b"", LIMIT)?;
    let mut command = run_with_folder(&scratch("programs")?);
    let inside = run(command.args(["--", "/t/fuzz-calls", "wild"]), b"", LIMIT)?;
    inside.expect_status(0)?;
    ensure!(inside.text().ends_with("\ndone\n"), "it did not come to its end\n{inside}");
    if rustix::process::geteuid().is_root() {
        let (expected, got) = (native.text(), inside.text());
        let differ: Vec<String> = expected
            .lines()
            .zip(got.lines())
            .filter(|(left, right)| left != right)
            .map(|(left, right)| format!("  natively {left}\n  inside   {right}"))
            .collect();
        ensure!(differ.is_empty() && native.stdout == inside.stdout, "{}", differ.join("\n"));
    }
    Ok(())
}

/// Nothing but errno values and signals that Linux would give, no crash of the guest kernel, no hang.
fn random_calls_end_as_linux_would_end_them() -> Result<()> {
    program()?;
    let calls = number_from_environment("CATALYZER_FUZZ_CALLS")?.unwrap_or(SLICE);
    let seed = number_from_environment("CATALYZER_SEED")?.unwrap_or(SEED);
    let limit = LIMIT + Duration::from_millis(10 * calls);
    let mut command = run_with_folder(&scratch("programs")?);
    command.args(["--memory", "512MiB", "--", "/t/fuzz-calls", &seed.to_string(), &calls.to_string()]);
    let outcome = run(&mut command, b"", limit).with_context(|| format!("seed {seed}"))?;
    let told = outcome.text();
    ensure!(outcome.status == 0 && told.ends_with("\ndone\n"), "seed {seed}\n{outcome}");
    println!("fuzz-calls: {}", told.trim_end().trim_end_matches("done").trim_end());
    Ok(())
}
