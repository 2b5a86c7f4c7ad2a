//! The guest's own files below `/dev/catalyzer`: the entry point that a program names itself, and the number that
//! differs in each instance.

use crate::hostile_place::{Place, Who};
use crate::process::run;
use crate::{Case, named};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// The cases by name.
pub fn trials() -> Result<Vec<Trial>> {
    let cases: [Case; 2] = [
        ("generation_differs_in_each_instance", generation_differs_in_each_instance),
        ("opening_entry_is_the_entry_point", opening_entry_is_the_entry_point),
    ];
    Ok(named("guest-files", cases))
}

/// A function of one of the programs of `tests/guest`, and its image.
fn build(place: &Place, name: &str) -> Result<(PathBuf, PathBuf)> {
    let folder = place.folder_of(Who::Own)?.join(format!("function-{name}"));
    fs::create_dir_all(&folder)?;
    fs::copy(place.guest(name), folder.join("server"))?;
    let text = format!(
        "name = \"{name}\"\ncommand = [\"/app/server\"]\nport = 8080\n\
         [rootfs]\nmounts = [{{ source = \".\", target = \"/app\" }}]\n"
    );
    fs::write(folder.join("function.toml"), text)?;
    let image = folder.join("built.img");
    let mut command = place.catalyzer(Who::Own)?;
    run(command.arg("build").arg(&folder).arg("-o").arg(&image), b"", LIMIT)?.expect_status(0)?;
    Ok((folder, image))
}

fn invoke(place: &Place, target: &Path, boot: &str) -> Result<String> {
    let mut command = place.catalyzer(Who::Own)?;
    let outcome = run(command.arg("invoke").arg(target).args(["--boot", boot]), b"", LIMIT)?;
    Ok(outcome.expect_status(0)?.text())
}

/// Reading, a shared mapping and a thread in `poll` show the same number, which no other instance has; it is
/// readable until it was read.
fn generation_differs_in_each_instance() -> Result<()> {
    let place = Place::get()?;
    let (folder, image) = build(&place, "generation")?;
    let fresh = invoke(&place, &folder, "scratch")?;
    ensure!(fresh == "1 1 1 same changed=0 then=0 copy=kept", "a scratch boot says {fresh:?}");
    for boot in ["cold", "warm", "fork"] {
        let answer = invoke(&place, &image, boot)?;
        let (numbers, rest) = answer.split_once(" new ").with_context(|| format!("{boot}: {answer:?}"))?;
        ensure!(rest == "changed=1 then=0 copy=kept", "{boot}: {answer:?}");
        let numbers: BTreeSet<_> = numbers.split(' ').collect();
        ensure!(numbers.len() == 1, "{boot}: reading, mapping and poll differ: {answer:?}");
    }
    // Instances of one monitor, each with one connection.
    let mut command = place.catalyzer(Who::Own)?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut server = crate::boots::Server::start(command.arg("serve").arg(&folder).args(["--listen", &address]))?;
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let answer = server.get(&address)?;
        ensure!(seen.insert(answer.split(' ').next().map(str::to_owned)), "two instances have {answer:?}");
    }
    server.interrupt()
}

/// The image holds the program in the call that named the point: what follows is done in each instance.
fn opening_entry_is_the_entry_point() -> Result<()> {
    let place = Place::get()?;
    let (_, image) = build(&place, "entry")?;
    for boot in ["cold", "warm", "fork"] {
        let answer = invoke(&place, &image, boot)?;
        ensure!(answer == "before=1 after=1", "{boot}: {answer:?}");
    }
    // No thread waits on the port in the image: the point was not found, it was named.
    let mut command = place.catalyzer(Who::Own)?;
    let shown = run(command.args(["image", "inspect", "--json"]).arg(&image), b"", LIMIT)?;
    ensure!(!shown.expect_status(0)?.text().contains("socket"), "the program had gone on\n{shown}");
    Ok(())
}
