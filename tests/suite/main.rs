//! Collects the cases, runs them and counts. `cargo test -p system-tests -- FILTER` runs some of them.

use libtest_mimic::Arguments;
use std::process::ExitCode;
use system_tests::{bad_input, boots, command, differential, hostile, hostile_place, python};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case is a process or two that mostly waits.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let mut trials = Vec::new();
    for collect in
        [differential::trials, command::trials, python::trials, boots::trials, hostile::trials, bad_input::trials]
    {
        match collect() {
            Ok(more) => trials.extend(more),
            Err(error) => {
                eprintln!("the tests can't be prepared: {error:#}");
                return ExitCode::FAILURE;
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    hostile_place::Place::remove();
    println!(
        "system tests: {} passed, {} failed, {} not asked for",
        conclusion.num_passed,
        conclusion.num_failed,
        conclusion.num_filtered_out + conclusion.num_ignored
    );
    conclusion.exit_code()
}
