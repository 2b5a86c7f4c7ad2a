//! Tests of the whole system, from outside: they start the built `catalyzer` binary and look at what it does.
//!
//! * [`differential`]: every program of `tests/linux/`, and some others, runs natively first, which tests the test, then in a
//!   sandbox, and must print the same and end the same way; then again with an image taken at random system
//!   calls in between.
//! * [`command`]: the contract of `catalyzer run`: streams, exit statuses, limits, options.
//! * [`python`]: Python's own tests for threads, sockets, mappings and epoll, compared test by test.
//! * [`boots`]: the functions of the gallery through every kind of boot.
//! * [`gallery`]: the languages and frameworks of the gallery, likewise, and what they answer.
//! * [`crash`]: the reports of programs and guest kernels that die, and gdb on a live sandbox.
//! * [`guest_files`]: the entry point that a program names, and the number of its instance.
//! * [`ordinary_user`]: all of it without privileges.
//! * [`bad_input`]: programs, configurations and images that are not in order.
//! * [`uniqueness`]: what differs between instances of one image, and their clocks.
//! * [`random`]: random programs of memory maps, natively and in the sandbox.
//! * [`hostile`]: guests that try what is forbidden, one tiny program a deed.
//!
//! Nothing is skipped when the sandbox doesn't work: the case fails.

pub mod bad_input;
pub mod boots;
pub mod command;
pub mod compile;
pub mod crash;
pub mod differential;
pub mod fuzz_calls;
pub mod gallery;
pub mod guest_files;
pub mod hostile;
pub mod hostile_place;
mod hostile_siblings;
mod hostile_trace;
pub mod known_failures;
pub mod ordinary_user;
pub mod process;
pub mod python;
pub mod random;
pub mod sandbox;
pub mod serving;
pub mod uniqueness;

use libtest_mimic::Trial;
use std::path::PathBuf;

/// A case by name.
pub type Case = (&'static str, fn() -> anyhow::Result<()>);

/// The cases of a group.
pub fn named(group: &str, cases: impl IntoIterator<Item = Case>) -> Vec<Trial> {
    let trial = |(name, case): Case| Trial::test(format!("{group}::{name}"), move || differential::done(case()));
    cases.into_iter().map(trial).collect()
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}

/// A folder below the target folder for what the tests build.
pub fn scratch(name: &str) -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let folder = target.join("system-tests").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
