//! The file server as a sandbox, and as an attacker in one, sees it.
//!
//! Each test starts servers by executing this program again with [`SERVER`] as its argument, so what
//! is tested is the confined process.

mod attacks;
mod confinement;
mod files;
mod support;

use libtest_mimic::{Arguments, Trial};

/// Argument that makes this program a file server.
pub const SERVER: &str = "be-the-file-server";
/// Argument that makes it a process that started one.
pub const PARENT: &str = "be-its-parent";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(SERVER) => {
            if fileserver::main().is_err() {
                std::process::exit(1);
            }
        }
        Some(PARENT) => confinement::parent(),
        _ => test(),
    }
}

fn test() {
    let tests = [files::TESTS, attacks::TESTS, confinement::TESTS].concat();
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
