//! What a guest that means well gets.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use abi::files::{FileReply, FileRequest};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use crate::support::{Client, World, spawn};

crate::tests! {
    lookup_tells_the_hosts_attributes,
    lookup_of_a_symbolic_link_gives_its_target,
    open_grants_a_read_only_descriptor,
    a_file_is_opened_as_it_is_now,
    missing_and_misused_paths_answer_as_linux_does,
    long_names_are_refused_as_linux_does,
    a_root_can_be_a_single_file,
    several_roots_are_told_apart,
    lists_are_sorted_and_have_no_dots,
    large_directories_come_in_pages,
    two_clients_page_at_once,
    world_readable_root_needs_read_permission_for_others,
    callers_root_shows_what_the_caller_may_read,
    a_missing_root_is_an_error_that_names_it,
    many_connections_are_served,
}

const fn errno(errno: Errno) -> i32 {
    errno.raw_os_error()
}

fn lookup_tells_the_hosts_attributes() {
    let world = World::new();
    world.directory("d", 0o755).file("d/file", "twelve bytes", 0o640);
    let (attributes, target) = world.serve().lookup("d/file").unwrap();
    let host = fs::metadata(world.path("d/file")).unwrap();
    assert_eq!(attributes.inode, host.ino());
    assert_eq!(attributes.mode, 0o100_640);
    assert_eq!((attributes.size, attributes.links), (12, 1));
    assert_eq!((attributes.uid, attributes.gid), (host.uid(), host.gid()));
    assert_eq!(attributes.blocks, host.blocks());
    assert_eq!(attributes.modified_ns, host.mtime() * 1_000_000_000 + host.mtime_nsec());
    assert_eq!(attributes.changed_ns, host.ctime() * 1_000_000_000 + host.ctime_nsec());
    assert!(target.is_empty());
}

fn lookup_of_a_symbolic_link_gives_its_target() {
    let world = World::new();
    world.link("link", "/no/such/place");
    for client in [world.serve(), world.serve_world_readable()] {
        let (attributes, target) = client.lookup("link").unwrap();
        assert_eq!(FileType::from_raw_mode(attributes.mode), FileType::Symlink);
        assert_eq!(target, b"/no/such/place");
    }
}

fn open_grants_a_read_only_descriptor() {
    let world = World::new();
    world.file("file", "content", 0o666);
    for client in [world.serve(), world.serve_world_readable()] {
        let (attributes, file) = client.open("file").unwrap();
        assert_eq!(attributes.size, 7);
        let flags = rustix::fs::fcntl_getfl(&file).unwrap();
        assert_eq!(flags & OFlags::ACCMODE, OFlags::RDONLY);
        assert!(fs::File::from(file).write(b"x").is_err());
        assert_eq!(client.read("file"), "content");
    }
}

fn a_file_is_opened_as_it_is_now() {
    let world = World::new();
    world.file("file", "before", 0o644);
    let client = world.serve();
    assert_eq!(client.read("file"), "before");
    fs::remove_file(world.path("file")).unwrap();
    world.file("file", "after", 0o644);
    assert_eq!(client.read("file"), "after");
}

fn missing_and_misused_paths_answer_as_linux_does() {
    let world = World::new();
    world.directory("d", 0o755).file("d/file", "", 0o644).link("link", "d");
    for client in [world.serve(), world.serve_world_readable()] {
        assert_eq!(client.refusal("none"), errno(Errno::NOENT));
        assert_eq!(client.refusal("none/file"), errno(Errno::NOENT));
        assert_eq!(client.refusal("d/file/x"), errno(Errno::NOTDIR));
        assert_eq!(client.refusal("link/file"), errno(Errno::LOOP));
        assert_eq!(client.refusal("link"), errno(Errno::LOOP));
        assert_eq!(client.refusal("d"), errno(Errno::ISDIR));
        assert_eq!(client.refusal(""), errno(Errno::ISDIR));
        assert_eq!(client.names("d/file"), Err(errno(Errno::NOTDIR)));
        assert_eq!(client.names("none"), Err(errno(Errno::NOENT)));
        assert_eq!(client.lookup("d/file/x"), Err(errno(Errno::NOTDIR)));
        let (reply, _) = client.ask(&FileRequest::Lookup { root: 7, path: vec![] });
        assert_eq!(reply, FileReply::Error(errno(Errno::NOENT)));
    }
}

fn long_names_are_refused_as_linux_does() {
    let world = World::new();
    let longest = "n".repeat(255);
    world.file(&longest, "", 0o644).directory("d", 0o755);
    for client in [world.serve(), world.serve_world_readable()] {
        client.open(&longest).unwrap();
        assert_eq!(client.lookup(&"n".repeat(256)), Err(errno(Errno::NAMETOOLONG)));
        assert_eq!(client.lookup(&"n".repeat(4095)), Err(errno(Errno::NAMETOOLONG)));
        // The longest path that Linux takes is 4095 bytes.
        let path = "x/".repeat(2047) + "x";
        assert_eq!(client.lookup(&path), Err(errno(Errno::NOENT)));
    }
    let path = "x/".repeat(2050);
    assert_eq!(world.serve().lookup(path.trim_end_matches('/')), Err(errno(Errno::NAMETOOLONG)));
}

fn a_root_can_be_a_single_file() {
    let world = World::new();
    world.file("file", "content", 0o644);
    for world_readable_only in [false, true] {
        let client = Client::new(&world.path("file"), world_readable_only);
        assert_eq!(client.lookup("").unwrap().0.size, 7);
        assert_eq!(client.read(""), "content");
        assert_eq!(client.refusal("x"), errno(Errno::NOTDIR));
        assert_eq!(client.names(""), Err(errno(Errno::NOTDIR)));
    }
}

fn several_roots_are_told_apart() {
    let world = World::new();
    world.directory("a", 0o755).directory("b", 0o755).file("a/x", "1", 0o644).file("b/x", "22", 0o644);
    let server = spawn(&[(&world.path("a"), true), (&world.path("b"), false)]).unwrap();
    let socket = server.connect().unwrap();
    for (root, size) in [(0, 1), (1, 2)] {
        let lookup = FileRequest::Lookup { root, path: b"x".to_vec() };
        match fileserver::request(&socket, &lookup).unwrap().0 {
            FileReply::Attributes { attributes, .. } => assert_eq!(attributes.size, size),
            other => panic!("{other:?}"),
        }
    }
}

fn lists_are_sorted_and_have_no_dots() {
    let world = World::new();
    world.file("b", "", 0o644).directory("c", 0o755).file("a", "", 0o644).link("B", "a").fifo("p");
    for client in [world.serve(), world.serve_world_readable()] {
        let (names, more) = client.page("", 0).unwrap();
        assert!(!more);
        let found: Vec<_> =
            names.iter().map(|name| (name.name.as_slice(), FileType::from_raw_mode(name.file_type))).collect();
        let expected = [
            (&b"B"[..], FileType::Symlink),
            (b"a", FileType::RegularFile),
            (b"b", FileType::RegularFile),
            (b"c", FileType::Directory),
            (b"p", FileType::Fifo),
        ];
        assert_eq!(found, expected);
        assert_eq!(names[1].inode, fs::metadata(world.path("a")).unwrap().ino());
        assert!(client.names("c").unwrap().is_empty());
        assert_eq!(client.page("", 99), Ok((vec![], false)));
    }
}

/// A directory `d` that needs several replies.
fn large() -> (World, Vec<String>) {
    let world = World::new();
    world.directory("d", 0o755);
    let names: Vec<String> = (0..2000).map(|number| format!("{number:04}-{}", "x".repeat(100))).collect();
    for name in names.iter().rev() {
        fs::write(world.path("d").join(name), "").unwrap();
    }
    (world, names)
}

fn large_directories_come_in_pages() {
    let (world, names) = large();
    let client = world.serve();
    assert!(client.page("d", 0).unwrap().1);
    assert_eq!(client.names("d").unwrap(), names);
    // From anywhere, without having begun.
    assert_eq!(client.page("d", 1999).unwrap().0.len(), 1);
}

fn two_clients_page_at_once() {
    let (world, names) = large();
    let client = world.serve();
    let other = client.server.connect().unwrap();
    let first = client.page("d", 0).unwrap().0.len();
    let (reply, _) = fileserver::request(&other, &FileRequest::List { root: 0, path: vec![], start: 0 }).unwrap();
    assert!(matches!(reply, FileReply::Names { names, more: false } if names.len() == 1));
    let (second, _) = client.page("d", first).unwrap();
    assert_eq!(second[0].name, names[first].as_bytes());
}

fn world_readable_root_needs_read_permission_for_others() {
    let world = World::new();
    world.file("open", "", 0o604).file("closed", "", 0o640);
    world.directory("listed", 0o704).file("listed/file", "", 0o644);
    world.directory("passable", 0o701).file("passable/file", "", 0o644).directory("passable/d", 0o755);
    let client = world.serve_world_readable();
    client.open("open").unwrap();
    assert_eq!(client.refusal("closed"), errno(Errno::ACCESS));
    assert_eq!(client.lookup("closed").unwrap().0.mode, 0o100_640, "attributes need only the way");
    assert_eq!(client.refusal("listed/file"), errno(Errno::ACCESS));
    assert_eq!(client.lookup("listed/file"), Err(errno(Errno::ACCESS)));
    assert_eq!(client.lookup("listed/none"), Err(errno(Errno::ACCESS)));
    assert_eq!(client.names("listed").unwrap(), ["file"]);
    client.open("passable/file").unwrap();
    assert_eq!(client.names("passable"), Err(errno(Errno::ACCESS)));
    assert!(client.names("passable/d").unwrap().is_empty());
    world.mode("", 0o700);
    assert_eq!(client.refusal("open"), errno(Errno::ACCESS));
    world.mode("", 0o755);
}

fn callers_root_shows_what_the_caller_may_read() {
    let world = World::new();
    world.directory("d", 0o700).file("d/file", "mine", 0o600);
    assert_eq!(world.serve().read("d/file"), "mine");
    assert_eq!(world.serve().names("d").unwrap(), ["file"]);
}

fn a_missing_root_is_an_error_that_names_it() {
    let world = World::new();
    let error = spawn(&[(&world.path("none"), false)]).unwrap_err().to_string();
    assert!(error.contains("root/none") && error.contains("No such file"), "{error}");
    world.fifo("p");
    let error = spawn(&[(&world.path("p"), false)]).unwrap_err().to_string();
    assert!(error.contains("neither a directory nor a regular file"), "{error}");
}

fn many_connections_are_served() {
    let world = World::new();
    world.file("file", "", 0o644);
    let client = world.serve();
    let sockets: Vec<_> = (0..300).map(|_| client.server.connect().unwrap()).collect();
    for socket in sockets.iter().rev() {
        let (reply, file) =
            fileserver::request(socket, &FileRequest::Open { root: 0, path: b"file".to_vec() }).unwrap();
        assert!(matches!(reply, FileReply::Opened(_)) && file.is_some());
    }
}
