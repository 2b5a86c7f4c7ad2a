//! While an instance misbehaves, its siblings go on answering, and the image they all come from keeps its bytes.

use crate::boots::Server;
use crate::hostile_place::{Place, Who};
use crate::process::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// What `tests/hostile/server.c` does on these paths.
const DEEDS: [&str; 6] = ["/heap", "/filter", "/garbage", "/memory", "/descriptors", "/spin"];

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
        [limits]\nmemory = \"64MiB\"\ntimeout = \"20s\"\n[warmup]\nrequests = [{ count = 2 }]\n";
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
    let mut misbehaving = Vec::new();
    for deed in DEEDS {
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("GET {deed} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes())?;
        misbehaving.push(stream);
        for _ in 0..5 {
            ensure!(server.get(&address)? == first, "after {deed} a sibling answered something else");
        }
    }
    ensure!(stored_images(&place.folder_of(who)?)? == stored, "an image of the store changed");
    server.interrupt()?;
    drop(misbehaving);

    // The same instance by instance, from the image itself.
    for deed in DEEDS {
        let mut command = place.catalyzer(who)?;
        command.arg("invoke").arg(&image).args(["--boot", "fork", "--timeout", "1s", "--path", deed]);
        let outcome = run(&mut command, b"", LIMIT)?;
        outcome.expect_status(125).with_context(|| deed.to_owned())?;
        ensure!(!outcome.errors().is_empty(), "nothing was reported of {deed}\n{outcome}");
        ensure!(digest(&image)? == before, "{deed} changed the image");
    }
    run(place.catalyzer(who)?.args(["image", "verify"]).arg(&image), b"", LIMIT)?.expect_status(0)?;
    let answer = run(place.catalyzer(who)?.arg("invoke").arg(&image).args(["--boot", "fork"]), b"", LIMIT)?;
    ensure!(answer.expect_status(0)?.text() == first, "{answer}");
    Ok(())
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
