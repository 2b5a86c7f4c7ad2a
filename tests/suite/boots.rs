//! The functions of the gallery through every kind of boot, and behind `serve`.

use crate::differential::done;
use crate::process::{run, wait};
use crate::repository;
use crate::sandbox::catalyzer;
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);
const FUNCTIONS: [&str; 4] = ["hello-c", "hello-c-threads", "hello-python", "hello-rust"];
const BOOTS: [&str; 4] = ["scratch", "cold", "warm", "fork"];

/// One case for each function and boot, and what belongs to them.
pub fn trials() -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for function in FUNCTIONS {
        for boot in BOOTS {
            trials.push(Trial::test(format!("boots::{function}::{boot}"), move || done(answers(function, boot))));
        }
        trials.push(Trial::test(format!("boots::{function}::serve"), move || done(serves(function))));
        trials.push(Trial::test(format!("boots::{function}::image"), move || done(image_verifies(function))));
    }
    trials.push(Trial::test("boots::status_of_an_error_is_22", || done(error_status_is_22())));
    trials.push(Trial::test("boots::absent_function_is_125", || done(absent_function_is_125())));
    Ok(trials)
}

pub(crate) fn folder(function: &str) -> String {
    repository().join("functions").join(function).display().to_string()
}

/// The number that the functions count their requests with.
pub(crate) fn count(body: &str) -> Result<u64> {
    let rest = body.split_once("request ").with_context(|| format!("no count in {body:?}"))?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("no count in {body:?}"))
}

fn invoke(function: &str, boot: &str) -> Result<String> {
    let mut command = catalyzer(["invoke", &folder(function), "--boot", boot, "--json"]);
    let outcome = run(&mut command, b"", LIMIT)?;
    outcome.expect_status(0)?;
    let answer: Value = serde_json::from_slice(&outcome.stdout).with_context(|| outcome.to_string())?;
    ensure!(answer["status"] == 200 && answer["boot"] == boot, "{answer}");
    ensure!(answer["boot_us"].is_number() && answer["first_response_us"].is_number(), "no times in {answer}");
    let body = answer["body"].as_str().context("no body")?;
    ensure!(body.starts_with("hello from "), "{body:?}");
    Ok(body.to_owned())
}

/// A right answer; from an image the counter goes on where the warm-up left it, the same each time.
fn answers(function: &str, boot: &str) -> Result<()> {
    let first = count(&invoke(function, boot)?)?;
    if boot == "scratch" {
        ensure!(first == 1, "request {first} is the first of a scratch boot");
        return Ok(());
    }
    ensure!(first > 1, "the image holds no warm-up");
    let second = count(&invoke(function, boot)?)?;
    ensure!(first == second, "two instances of one image answer as request {first} and {second}");
    Ok(())
}

fn image_verifies(function: &str) -> Result<()> {
    let image = crate::scratch("images")?.join(format!("{function}.img"));
    let image = image.display().to_string();
    let built = run(&mut catalyzer(["build", &folder(function), "-o", &image]), b"", LIMIT)?;
    built.expect_status(0)?;
    ensure!(built.text().trim_end() == image, "the path belongs on stdout\n{built}");
    run(&mut catalyzer(["image", "verify", &image]), b"", LIMIT)?.expect_status(0)?;
    let shown = run(&mut catalyzer(["image", "inspect", &image]), b"", LIMIT)?;
    shown.expect_status(0)?;
    let answer = run(&mut catalyzer(["invoke", &image]), b"", LIMIT)?;
    answer.expect_status(0)?;
    ensure!(answer.text().starts_with("hello from "), "{answer}");
    Ok(())
}

/// Every connection is a fresh instance, and an interrupt leaves no process behind.
fn serves(function: &str) -> Result<()> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = catalyzer(["serve", &folder(function), "--listen", &address.to_string()]);
    let mut server = Server::start(&mut command)?;
    let first = server.get(&address.to_string())?;
    ensure!(first.starts_with("hello from "), "{first:?}");
    for _ in 0..20 {
        let body = server.get(&address.to_string())?;
        ensure!(count(&body)? == count(&first)?, "after {first:?} came {body:?}: not a fresh instance");
    }
    server.interrupt()
}

/// A `catalyzer serve` in a process group of its own, killed when dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    /// One `GET /`; the first may have to wait for the image to be built.
    pub(crate) fn get(&mut self, address: &str) -> Result<String> {
        let start = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() > LIMIT => bail!("no connection to {address}: {error}"),
                Err(_) => {
                    // Either the server ends, which is an error, or a moment has passed.
                    if let Some(status) = wait(&mut self.child, Duration::from_millis(20))? {
                        bail!("serve ended: {status}");
                    }
                }
            }
        };
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("no answer: {answer:?}"))?;
        ensure!(head.split(' ').nth(1) == Some("200"), "{head}");
        Ok(body.to_owned())
    }

    pub(crate) fn interrupt(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        let before = descendants(self.child.id())?;
        kill_process(pid, Signal::INT)?;
        ensure!(wait(&mut self.child, LIMIT)?.is_some(), "serve doesn't end on an interrupt");
        let left: Vec<_> = before.into_iter().filter(|pid| alive(*pid)).collect();
        ensure!(left.is_empty(), "processes {left:?} outlive serve");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}

/// All processes below one.
pub(crate) fn descendants(of: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.remove(0);
    Ok(found)
}

fn error_status_is_22() -> Result<()> {
    let mut command = catalyzer(["invoke", &folder("hello-c"), "--path", "/absent"]);
    let outcome = run(&mut command, b"", LIMIT)?;
    outcome.expect_status(22)?;
    ensure!(outcome.text() == "not found\n", "{outcome}");
    Ok(())
}

fn absent_function_is_125() -> Result<()> {
    run(&mut catalyzer(["invoke", "/no/such/function"]), b"", LIMIT)?.expect_status(125).map(drop)
}
