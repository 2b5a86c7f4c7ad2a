//! Collects the cases, runs them and counts. `cargo test -p system-tests -- FILTER` runs some of them.

use libtest_mimic::Arguments;
use std::process::ExitCode;
use system_tests::{
    bad_input, boots, command, crash, differential, fuzz_calls, gallery, guest_files, hostile, hostile_place,
    known_failures, ordinary_user, process, python, random, serving, uniqueness,
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case is a process or two that mostly waits.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    if let Err(error) = process::hand_on_no_descriptors() {
        eprintln!("inherited descriptors can't be listed: {error:#}");
        return ExitCode::FAILURE;
    }
    let mut trials = Vec::new();
    let families = [
        differential::trials,
        command::trials,
        python::trials,
        boots::trials,
        gallery::trials,
        guest_files::trials,
        ordinary_user::trials,
        crash::trials,
        random::trials,
        fuzz_calls::trials,
        uniqueness::trials,
        serving::trials,
        hostile::trials,
        bad_input::trials,
    ];
    for collect in families {
        match collect() {
            Ok(more) => trials.extend(more),
            Err(error) => {
                eprintln!("the tests can't be prepared: {error:#}");
                return ExitCode::FAILURE;
            }
        }
    }
    let known = match known_failures::read() {
        Ok(known) => known,
        Err(error) => {
            eprintln!("tests/known-failures.toml: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(stale) = known.iter().find(|name| !trials.iter().any(|trial| trial.name() == *name)) {
        eprintln!("tests/known-failures.toml names a case that does not exist: {stale}");
        return ExitCode::FAILURE;
    }
    let trials = trials
        .into_iter()
        .map(|trial| {
            let is_known = known.iter().any(|name| trial.name() == name);
            trial.with_ignored_flag(is_known)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    hostile_place::Place::remove();
    println!(
        "system tests: {} passed, {} failed, {} known to fail and not run, {} not asked for",
        conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored, conclusion.num_filtered_out
    );
    conclusion.exit_code()
}
