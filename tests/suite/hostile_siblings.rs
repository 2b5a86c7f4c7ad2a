//! While an instance misbehaves, its siblings go on answering, and the image they all come from keeps its bytes.

use crate::boots::Server;
use crate::hostile_place::{Place, Who};
use crate::process::run;
use abi::layout::{BOOT_PAGE, HEAPS, STACKS};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// What `tests/hostile/server.c` does on these paths, the time it has for it, and what is said of its end.
const DEEDS: [(&str, &str, &str); 9] = [
    ("/heap", "60s", "ended"),
    ("/filter", "60s", "hostcall filter"),
    ("/garbage", "60s", "malformed"),
    ("/memory", "60s", "memory limit"),
    ("/descriptors", "1s", "time limit"),
    ("/threads", "1s", "time limit"),
    ("/overflow", "60s", "floods"),
    ("/passes", "60s", "sent descriptors"),
    ("/spin", "1s", "time limit"),
];

fn digest(file: &Path) -> Result<[u8; 32]> {
    Ok(image::digest(&fs::read(file).with_context(|| file.display().to_string())?))
}

/// A folder with the hostile server and its configuration.
fn function(place: &Place, who: Who) -> Result<std::path::PathBuf> {
    let folder = place.folder_of(who)?.join("function");
    fs::create_dir_all(&folder)?;
    fs::copy(place.guest("server"), folder.join("server"))?;
    let text = "name = \"hostile\"\ncommand = [\"/app/server\"]\nport = 8080\n\
        [rootfs]\nmounts = [{ source = \".\", target = \"/app\" }]\n\
        [limits]\nmemory = \"64MiB\"\npids = 32\ntimeout = \"20s\"\n[warmup]\nrequests = [{ count = 2 }]\n";
    fs::write(folder.join("function.toml"), text)?;
    place.give(who, &folder)?;
    Ok(folder)
}

/// One `serve`: every deed has an instance of its own, and between them everybody else is served.
pub(crate) fn siblings_go_on(who: Who) -> Result<()> {
    let place = Place::get()?;
    let folder = function(&place, who)?;
    let image = folder.join("hostile.img");
    run(place.catalyzer(who)?.arg("build").arg(&folder).arg("-o").arg(&image), b"", LIMIT)?.expect_status(0)?;
    let before = digest(&image)?;

    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut server = Server::start(place.catalyzer(who)?.arg("serve").arg(&folder).args(["--listen", &address]))?;
    let first = server.get(&address)?;
    // Its own copy in the store, which all instances map.
    let stored = stored_images(&place.folder_of(who)?)?;
    let template = template_of(server.pid())?;
    let memory = template_memory(template)?;
    let mut misbehaving = Vec::new();
    for (deed, ..) in DEEDS {
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("GET {deed} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes())?;
        misbehaving.push(stream);
        for _ in 0..5 {
            ensure!(server.get(&address)? == first, "after {deed} a sibling answered something else");
        }
    }
    ensure!(stored_images(&place.folder_of(who)?)? == stored, "an image of the store changed");
    ensure!(template_memory(template)? == memory, "the template's memory changed");
    server.interrupt()?;
    drop(misbehaving);

    // The same instance by instance, from the image itself.
    for (deed, time, said) in DEEDS {
        let mut command = place.catalyzer(who)?;
        command.arg("invoke").arg(&image).args(["--boot", "fork", "--timeout", time, "--path", deed]);
        let outcome = run(&mut command, b"", LIMIT)?;
        outcome.expect_status(125).with_context(|| deed.to_owned())?;
        ensure!(outcome.errors().contains(said), "of {deed} nothing was said about {said:?}\n{outcome}");
        ensure!(digest(&image)? == before, "{deed} changed the image");
    }
    run(place.catalyzer(who)?.args(["image", "verify"]).arg(&image), b"", LIMIT)?.expect_status(0)?;
    let answer = run(place.catalyzer(who)?.arg("invoke").arg(&image).args(["--boot", "fork"]), b"", LIMIT)?;
    ensure!(answer.expect_status(0)?.text() == first, "{answer}");
    Ok(())
}

/// The host process of a server's template: the one sandbox whose memory is an image and that is no instance, pid 1 of
/// a namespace of its own.
fn template_of(server: u32) -> Result<u32> {
    crate::boots::descendants(server)?
        .into_iter()
        .find(|pid| {
            let in_own_namespace = fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
                let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
                numbers.is_none_or(|numbers| numbers.trim_end().ends_with("\t1"))
            });
            let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
            !in_own_namespace && maps.contains(".img")
        })
        .context("the server has no template")
}

/// Checksums of what a template was made from: all writable memory but the stacks and the boot page, on which it does
/// its own work.
fn template_memory(pid: u32) -> Result<Vec<(String, [u8; 32])>> {
    let memory = fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut sums = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let (range, rest) = line.split_once(' ').context("a mapping")?;
        let (start, end) = range.split_once('-').context("a range")?;
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        let own = (STACKS..HEAPS).contains(&start) || start == BOOT_PAGE || rest.contains('[');
        if !rest.starts_with("rw") || own {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start)?];
        memory.read_exact_at(&mut bytes, start).with_context(|| line.to_owned())?;
        sums.push((range.to_owned(), image::digest(&bytes)));
    }
    ensure!(!sums.is_empty(), "the template has no memory");
    Ok(sums)
}

/// Checksums of all images below a user's home.
fn stored_images(home: &Path) -> Result<Vec<(std::path::PathBuf, [u8; 32])>> {
    let mut found = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "img") {
                found.push((path.clone(), digest(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}
