//! Debian's Python in the sandbox: scripts, and the interpreter's own tests compared with the host, test by test.
//!
//! A test that passes on the host must pass inside, or stand in `tests/python/exceptions.toml` with a reason;
//! those are not run.

use crate::compile::Program;
use crate::differential::done;
use crate::process::{Outcome, run};
use crate::repository;
use crate::sandbox::run_with_folder;
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

const PYTHON: &str = "/usr/bin/python3";
const MODULES: [&str; 4] = ["test_threading", "test_socket", "test_mmap", "test_epoll"];
const SCRIPTS: [(&str, &str); 3] = [
    (
        "threads",
        "import threading\nn = []\nl = threading.Lock()\ndef f(i):\n  for _ in range(1000):\n    with l: n.append(i)\n\
         t = [threading.Thread(target=f, args=(i,)) for i in range(8)]\n[x.start() for x in t]\n[x.join() for x in t]\n\
         print(len(n), sum(n))",
    ),
    (
        "queues_and_pools",
        "from concurrent.futures import ThreadPoolExecutor\nimport queue, time\nq = queue.Queue(3)\n\
         with ThreadPoolExecutor(4) as p:\n  a = p.submit(lambda: [q.get(timeout=5) for _ in range(50)])\n  \
         [q.put(i) for i in range(50)]\n  print(sum(a.result()), sorted(p.map(lambda x: x * x, range(10))))\n\
         e = __import__('threading').Event()\nprint(e.wait(0.01))",
    ),
    (
        "standard_library",
        "import json, hashlib, tempfile, os, re, decimal, datetime, asyncio, sqlite3, zlib, random\n\
         print(json.dumps({'a': [1, 2.5, None]}), hashlib.sha256(b'x').hexdigest(), decimal.Decimal(1) / 7)\n\
         with tempfile.TemporaryDirectory() as d:\n  open(os.path.join(d, 'f'), 'w').write('text')\n  print(os.listdir(d))\n\
         c = sqlite3.connect(':memory:')\nprint(c.execute('select 6 * 7').fetchall())\n\
         async def main():\n  await asyncio.sleep(0.01)\n  return 'slept'\nprint(asyncio.run(main()))\n\
         print(zlib.crc32(b'abc' * 1000), random.Random(1).random(), datetime.date(2024, 2, 29).isoformat())",
    ),
];

/// One file for all modules: `[[exception]] test = "…" reason = "…"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// The test's full name, or a prefix that ends with a dot.
    test: String,
    /// Why it isn't asked for.
    reason: String,
}

/// The scripts, for the differential cases.
pub fn programs() -> Vec<Program> {
    let program = |(name, script): (&str, &str)| Program {
        name: format!("python_{name}"),
        path: PYTHON.into(),
        inside: PYTHON.to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: Vec::new(),
        input: Vec::new(),
        needs_root: false,
    };
    SCRIPTS.into_iter().map(program).collect()
}

/// The modules of Python's own tests, each natively and inside.
pub fn trials() -> Result<Vec<Trial>> {
    let case = |module| Trial::test(format!("python::{module}"), move || done(compare_module(module)));
    Ok(MODULES.into_iter().map(case).collect())
}

fn compare_module(module: &str) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(240);
    let folder = repository().join("tests/python");
    let exceptions = exceptions()?;
    let mut native = Command::new(PYTHON);
    native.arg(folder.join("run_tests.py")).arg(module).args(exceptions.iter().map(|exception| &exception.test));
    native.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    let native = run(&mut native, b"", LIMIT).context("natively")?;
    let expected = results(&native).context("natively")?;
    let mut inside = run_with_folder(&folder);
    inside.args(["--env", "PATH=/usr/bin:/bin", "--", PYTHON, "/t/run_tests.py", module]);
    inside.args(exceptions.iter().map(|exception| &exception.test));
    let inside = run(&mut inside, b"", LIMIT)?;
    let got = results(&inside)?;
    let mut worse = Vec::new();
    let mut passed = 0;
    for (test, result) in &expected {
        if result != "ok" {
            continue;
        }
        match got.get(test).map(String::as_str) {
            Some("ok") => passed += 1,
            other => worse.push(format!("{test}: {}", other.unwrap_or("not reached"))),
        }
    }
    if !worse.is_empty() {
        bail!("{passed} tests pass, {} are worse than on the host:\n{}\n{inside}", worse.len(), worse.join("\n"));
    }
    ensure!(passed > 0, "nothing was tested\n{inside}");
    Ok(())
}

fn exceptions() -> Result<Vec<Exception>> {
    let file = repository().join("tests/python/exceptions.toml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let all: Exceptions = toml::from_str(&text).with_context(|| file.display().to_string())?;
    for exception in &all.exception {
        ensure!(!exception.reason.is_empty(), "{}: {} has no reason", file.display(), exception.test);
    }
    Ok(all.exception)
}

/// The lines `= RESULT TEST` of the driver.
fn results(outcome: &Outcome) -> Result<BTreeMap<String, String>> {
    let text = outcome.text();
    let results: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.strip_prefix("= ")?.split_once(' '))
        .map(|(result, test)| (test.to_owned(), result.to_owned()))
        .collect();
    ensure!(!results.is_empty(), "no test ran\n{outcome}");
    Ok(results)
}
