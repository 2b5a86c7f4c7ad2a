//! What must differ between two instances of one image does, and their clocks are right.

use crate::process::run;
use crate::repository;
use crate::sandbox::catalyzer;
use crate::{Case, named};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LIMIT: Duration = Duration::from_secs(120);
/// Each kind twice: siblings, and instances of different kinds.
const BOOTS: [&str; 8] = ["cold", "cold", "warm", "warm", "fork", "fork", "spare", "spare"];

/// The cases.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 2] = [("generators_and_names", generators_and_names), ("clocks", clocks)];
    Ok(named("unique", cases))
}

/// An instance's answer.
fn sample(image: &str, boot: &str) -> Result<Value> {
    let outcome = run(&mut catalyzer(["invoke", image, "--boot", boot]), b"", LIMIT)?;
    outcome.expect_status(0)?;
    serde_json::from_slice(&outcome.stdout).with_context(|| outcome.to_string())
}

/// An image of its own for each case.
fn build(name: &str) -> Result<String> {
    let image = crate::scratch("images")?.join(name).display().to_string();
    let function = repository().join("tests/functions/unique").display().to_string();
    run(&mut catalyzer(["build", &function, "-o", &image]), b"", LIMIT)?.expect_status(0)?;
    Ok(image)
}

fn generators_and_names() -> Result<()> {
    let image = build("unique-generators.img")?;
    let mut seen = BTreeMap::new();
    for boot in BOOTS {
        let answer = sample(&image, boot)?;
        let unique = answer["unique"].as_object().context("no samples")?;
        for (source, value) in unique {
            let value = value.as_str().context("a sample is no text")?.to_owned();
            // Programs notice that they were continued by a number other than the image's; siblings behind
            // different monitors may have the same one.
            if source == "pid" {
                ensure!(value != "2", "a {boot} boot has the process number of the image");
                continue;
            }
            ensure!(!value.is_empty(), "nothing from {source}");
            if let Some(before) = seen.insert((source.clone(), value.clone()), boot) {
                anyhow::bail!("{source} gave {value} in a {before} boot and in a {boot} boot");
            }
        }
        ensure!(unique.len() >= 14, "only {} samples", unique.len());
    }
    Ok(())
}

fn seconds(clocks: &Value, name: &str) -> Result<f64> {
    clocks[name].as_f64().with_context(|| format!("no clock {name} in {clocks}"))
}

fn wall() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

/// The wall clock is the host's; the others go on where the image was taken, whatever time has passed since.
fn clocks() -> Result<()> {
    let before_build = wall()?;
    let image = build("unique-clocks.img")?;
    let building = wall()? - before_build;
    for boot in BOOTS {
        let before = wall()?;
        let answer = sample(&image, boot)?;
        let after = wall()?;
        let (then, now) = (&answer["clocks_before"], &answer["clocks"]);
        let shown = seconds(now, "wall")?;
        ensure!((before..=after).contains(&shown), "{boot}: {shown} is not between {before} and {after}");
        for name in ["monotonic", "boottime"] {
            let passed = seconds(now, name)? - seconds(then, name)?;
            ensure!(passed > 0.0, "{boot}: the {name} clock went back by {passed} s");
            // The end of building, and this instance's own life.
            let lived = building + after - before;
            ensure!(passed <= lived, "{boot}: the {name} clock jumped by {passed} s in {lived} s");
        }
        let uptime = seconds(now, "uptime")?;
        let boottime = seconds(now, "boottime")?;
        ensure!((boottime - uptime).abs() < 1.0, "{boot}: /proc/uptime says {uptime}, the clock {boottime}");
    }
    Ok(())
}
