//! Every way a `function.toml` can be wrong names the file, the line and the key.

use super::*;

const GOOD: &str = r#"name = "hello"
command = ["/usr/bin/python3", "/app/server.py"]
port = 8080
workdir = "/app"
[env]
GREETING = "hello"
[rootfs]
mounts = [{ source = ".", target = "/app" }]
[limits]
memory = "256MiB"
cpus = 1.0
pids = 64
timeout = "30s"
[warmup]
requests = [{ method = "GET", path = "/", count = 10 }]
[bench]
fork_server = ["/usr/bin/python3", "/app/fork.py"]
"#;

fn parse(text: &str) -> Result<Function> {
    Function::parse(text, "function.toml", Path::new("/usr"))
}

/// The error for the good file with one line replaced.
fn error_with(line: usize, replacement: &str) -> String {
    let lines: Vec<&str> = GOOD.lines().enumerate().map(|(i, l)| if i + 1 == line { replacement } else { l }).collect();
    format!("{:#}", parse(&lines.join("\n")).expect_err(replacement))
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let function = parse(GOOD).unwrap();
    assert_eq!(function.port, Some(8080));
    assert_eq!(function.limits.memory, Some(Size(256 << 20)));
    assert_eq!(function.rootfs.mounts[0].source.get_ref(), Path::new("/usr"));
    assert_eq!(function.warmup.requests[0].count, 10);
}

#[test]
fn what_an_image_carries_reads_back_as_the_same_function() {
    let function = parse(GOOD).unwrap();
    let text = function.to_text().unwrap();
    let again = Function::parse(&text, "image", Path::new("/nowhere")).unwrap();
    assert_eq!(again.to_text().unwrap(), text);
    assert_eq!(again.rootfs.mounts[0].source.get_ref(), Path::new("/usr"));
}

#[test]
fn the_shortest_function_has_a_name_and_a_command() {
    let function = parse("name = 'a'\ncommand = ['/bin/true']").unwrap();
    assert_eq!((function.port, function.workdir.as_str()), (None, "/"));
}

#[test]
fn an_error_names_file_line_and_key() {
    for (line, replacement, key, expected) in [
        (3, "prot = 8080", "prot", "unknown field"),
        (3, "port = \"8080\"", "port", "invalid type: string"),
        (3, "port = 80800", "port", "invalid value"),
        (3, "port = 0", "port", "port 0"),
        (4, "workdir = \"app\"", "workdir", "absolute"),
        (1, "name = \"a/b\"", "name", "letters"),
        (1, "name = 7", "name", "invalid type"),
        (2, "command = []", "command", "no program"),
        (2, "command = \"/bin/true\"", "command", "invalid type"),
        (6, "GREETING = 5", "env.GREETING", "invalid type"),
        (8, "mounts = [{ source = \"missing\", target = \"/app\" }]", "rootfs.mounts[0].source", "/usr/missing"),
        (8, "mounts = [{ source = \".\", target = \"app\" }]", "rootfs.mounts[0].target", "absolute"),
        (8, "mounts = [{ source = \".\", target = \"/a/../b\" }]", "rootfs.mounts[0].target", "\"..\""),
        (8, "path = \"missing\"", "rootfs.path", "/usr/missing"),
        (8, "image = \"oci:x\"", "rootfs.image", "not supported yet"),
        (10, "memory = \"lots\"", "limits.memory", "not a size"),
        (10, "memory = 5", "limits.memory", "invalid type"),
        (11, "cpus = 0.0", "limits.cpus", "between"),
        (12, "pids = 0", "pids", "at least one"),
        (13, "timeout = \"30\"", "limits.timeout", "not a duration"),
        (15, "requests = [{ path = \"x\" }]", "path", "starts with"),
        (15, "requests = [{ pth = \"/\" }]", "warmup.requests[0].pth", "unknown field"),
        (17, "fork_server = []", "fork_server", "no program"),
    ] {
        let error = error_with(line, replacement);
        assert!(error.starts_with(&format!("function.toml:{line}: {key}: ")), "{replacement}: {error}");
        assert!(error.contains(expected), "{replacement}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn broken_toml_names_the_line() {
    let error = error_with(5, "[env");
    assert!(error.starts_with("function.toml:5: "), "{error}");
}

#[test]
fn a_missing_key_is_named() {
    let error = error_with(2, "");
    assert!(error.contains("missing field `command`"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = format!("{:#}", Function::load(Path::new("/nowhere/function.toml")).unwrap_err());
    assert!(error.starts_with("/nowhere/function.toml: "), "{error}");
}

#[test]
fn mutated_configurations_are_read_or_refused_in_one_line() {
    let corpus = [GOOD.as_bytes().to_vec(), b"name = 'a'\ncommand = ['/bin/true']".to_vec()];
    fuzz::fuzz(2_000, &corpus, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match parse(text) {
            // What is taken can be carried by an image.
            Ok(function) => {
                let text = function.to_text().unwrap();
                assert_eq!(Function::parse(&text, "image", Path::new("/")).unwrap().to_text().unwrap(), text);
            }
            Err(error) => assert!(!format!("{error:#}").contains('\n'), "{error:#}"),
        }
    });
}
