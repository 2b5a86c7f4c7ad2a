//! The languages and frameworks of the gallery: each function from scratch, and from its image by every other kind
//! of boot, with the answers that show what it is there for.

use crate::differential::done;
use crate::process::run;
use crate::repository;
use crate::sandbox::catalyzer;
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use std::time::Duration;

/// A function's start may have to share two processors with four others.
const LIMIT: Duration = Duration::from_secs(180);
const BOOTS: [&str; 4] = ["scratch", "cold", "warm", "fork"];

/// A function and what it answers.
struct Function {
    name: &'static str,
    /// The beginning of what `GET /` answers, and a part of it that follows the number of the request.
    says: (&'static str, &'static str),
    /// It numbers its requests, so that the image shows the warm-up ones.
    counts: bool,
    /// Further requests: options of `invoke`, and a part of the answer.
    also: &'static [(&'static [&'static str], &'static str)],
}

const FORM: &str = "Content-Type: multipart/form-data; boundary=end";
const UPLOAD: &str = "--data=--end\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
    Content-Type: text/plain\r\n\r\nhello\r\n--end--\r\n";
const UPLOADED: &str = "{\"name\":\"a.txt\",\"bytes\":5,\
    \"sha256\":\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}";
const NUMBERS: &str = "{\"values\":[3,1,2]}";
const JSON: &str = "Content-Type: application/json";

const FUNCTIONS: [Function; 14] = [
    Function { name: "ffmpeg-thumb", says: ("UDYKMTYwIDEyMAoyNTUK", ""), counts: false, also: &[] },
    Function { name: "hello-go", says: ("hello from go", "pid"), counts: true, also: &[] },
    Function { name: "hello-java", says: ("hello from Java ", "pid"), counts: true, also: &[] },
    Function { name: "hello-node", says: ("hello from Node ", "pid"), counts: true, also: &[] },
    Function { name: "hello-ruby", says: ("hello from Ruby ", "pid"), counts: true, also: &[] },
    Function {
        name: "java-web",
        says: ("hello from Jetty 9", ""),
        counts: true,
        also: &[(&["--path", "/sort?n=1000"], "1000 numbers, check sum 2466781550")],
    },
    Function {
        name: "node-express",
        says: ("hello from Express ", ""),
        counts: true,
        also: &[
            (&["--path", "/sort", "--method", "POST", "--header", JSON, "--data", NUMBERS], "{\"values\":[1,2,3]"),
            (&["--path", "/upload", "--method", "POST", "--header", FORM, UPLOAD], UPLOADED),
        ],
    },
    Function {
        name: "nginx-static",
        says: ("hello from nginx, worker ", " of the sandbox"),
        counts: false,
        also: &[(&["--path", "/1k.txt"], "kkkkkkkk")],
    },
    // Each of the two workers numbers its own.
    Function {
        name: "python-gunicorn",
        says: ("hello from Flask ", " of worker "),
        counts: false,
        also: &[(
            &["--path", "/sort", "--method", "POST", "--header", JSON, "--data", NUMBERS],
            "{\"values\":[1,2,3]}",
        )],
    },
    Function { name: "python-django", says: ("hello from Django ", "newest group visitors"), counts: true, also: &[] },
    Function {
        name: "python-numpy",
        says: ("hello from NumPy ", "the largest 6457.306, right"),
        counts: true,
        also: &[],
    },
    Function {
        name: "ruby-sinatra",
        says: ("hello from Sinatra ", ""),
        counts: true,
        also: &[(
            &["--path", "/sort", "--method", "POST", "--header", JSON, "--data", NUMBERS],
            "{\"values\":[1,2,3]}",
        )],
    },
    Function { name: "shell-jobs", says: ("hello from bash: ", "make -j2: compiled here"), counts: true, also: &[] },
    Function { name: "sqlite-c", says: ("hello from SQLite ", "bytes of notes"), counts: true, also: &[] },
];

/// One case a function: its image is built once for all boots.
pub fn trials() -> Result<Vec<Trial>> {
    let case = |function: &'static Function| {
        Trial::test(format!("gallery::{}", function.name), move || done(answers(function)))
    };
    Ok(FUNCTIONS.iter().map(case).collect())
}

fn answers(function: &Function) -> Result<()> {
    let mut warm = None;
    for boot in BOOTS {
        let body = invoke(function, boot, &[])?;
        let (begin, rest) = function.says;
        ensure!(body.starts_with(begin) && body.contains(rest), "{boot}: {body:?}");
        if !function.counts {
            continue;
        }
        let number = crate::boots::count(&body)?;
        match warm {
            None if boot == "scratch" => ensure!(number == 1, "request {number} is the first of a scratch boot"),
            None => warm = Some(number),
            Some(warm) => ensure!(number == warm, "{boot}: request {number}, and request {warm} after another boot"),
        }
    }
    ensure!(warm > Some(1) || !function.counts, "the image holds no warm-up");
    for (options, expected) in function.also {
        for boot in ["cold", "fork"] {
            let body = invoke(function, boot, options)?;
            ensure!(body.contains(expected), "{boot}: {body:?} instead of {expected:?}");
        }
    }
    Ok(())
}

fn invoke(function: &Function, boot: &str, options: &[&str]) -> Result<String> {
    let folder = repository().join("functions").join(function.name).display().to_string();
    let mut command = catalyzer(["invoke", &folder, "--boot", boot, "--json"]);
    let outcome = run(command.args(options), b"", LIMIT)?;
    outcome.expect_status(0).with_context(|| format!("{boot} {options:?}"))?;
    let answer: Value = serde_json::from_slice(&outcome.stdout).with_context(|| outcome.to_string())?;
    ensure!(answer["status"] == 200 && answer["boot"] == boot, "{answer}");
    // What is no text comes as base64.
    let body = answer["body"].as_str().or(answer["body_base64"].as_str());
    Ok(body.context("no body")?.to_owned())
}
