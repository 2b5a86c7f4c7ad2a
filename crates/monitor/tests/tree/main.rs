//! The process tree with the real guest kernel: jail, keeper, nursery, zygotes; as root and as an ordinary user.
//!
//! The test is its own helper: arguments choose what this process becomes.

mod jail;
mod life;
mod look;

use libtest_mimic::{Arguments, Trial};
use monitor::{ClassLimits, Function, FunctionSpec, Monitor, MonitorOptions};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// What is checked, by name.
const CHECKS: &[(&str, fn())] = &[
    ("keeper_has_no_privileges", jail::keeper_has_no_privileges),
    ("nursery_keeps_one_capability_and_is_filtered", jail::nursery_keeps_one_capability_and_is_filtered),
    ("no_namespace_is_shared_with_the_host", jail::no_namespace_is_shared_with_the_host),
    ("the_root_is_empty_and_read_only", jail::the_root_is_empty_and_read_only),
    ("the_nursery_has_only_its_control_socket", jail::the_nursery_has_only_its_control_socket),
    ("limits_are_low", jail::limits_are_low),
    ("a_zygote_is_pid_1_of_its_own_namespace", jail::a_zygote_is_pid_1_of_its_own_namespace),
    ("dropping_a_function_ends_all_of_it", life::dropping_a_function_ends_all_of_it),
    ("dropping_a_zygote_ends_it_alone", life::dropping_a_zygote_ends_it_alone),
    ("killing_the_monitor_leaves_nothing", life::killing_the_monitor_leaves_nothing),
    ("killing_the_keeper_ends_the_function", life::killing_the_keeper_ends_the_function),
    ("functions_may_be_started_from_threads_that_end", life::functions_may_be_started_from_threads_that_end),
    ("a_missing_root_is_named", life::a_missing_root_is_named),
    ("a_limited_function_works", life::a_limited_function_works),
];

/// An ordinary user.
const USER: u32 = 1000;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("__keeper") => return monitor::keeper::main(),
        Some("__fileserver") => return code(fileserver::main().is_ok()),
        Some("__monitor") => life::be_a_monitor(),
        Some("__check") => {
            let name = args.next().unwrap_or_default();
            CHECKS.iter().find(|(check, _)| *check == name).expect("a check").1();
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let root = rustix::process::geteuid().is_root();
    let mut trials = Vec::new();
    for (name, check) in CHECKS {
        trials.push(Trial::test(*name, move || {
            check();
            Ok(())
        }));
        if root {
            trials.push(Trial::test(format!("{name}_as_user"), move || as_user(name)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a check in a process of an ordinary user.
fn as_user(name: &str) -> Result<(), libtest_mimic::Failed> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["__check", name]).uid(USER).gid(USER).stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn monitor() -> Monitor {
    Monitor::new(MonitorOptions::default()).expect("monitor")
}

fn function() -> Function {
    let roots = vec![fileserver::Root { path: "/usr".into(), world_readable_only: true }];
    monitor().sandbox_class(FunctionSpec { roots, ..FunctionSpec::default() }).expect("function")
}

fn limited() -> FunctionSpec {
    let class = ClassLimits { memory: Some(256 << 20), cpus_milli: Some(1500), pids: Some(50) };
    FunctionSpec { class, ..FunctionSpec::default() }
}
