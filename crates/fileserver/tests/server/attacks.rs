//! What a guest that has taken over its kernel may try.

use std::fs;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use abi::files::{FileReply, FileRequest, MAX_REQUEST};
use fileserver::Error;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::support::{Client, World, config, spawn};

crate::tests! {
    dots_and_odd_slashes_are_refused,
    symbolic_links_lead_nowhere,
    proc_and_sys_are_refused,
    devices_are_never_opened,
    fifos_are_never_opened,
    sockets_are_never_opened,
    a_file_swapped_for_a_symlink_never_leads_outside,
    a_directory_swapped_for_a_symlink_never_leads_outside,
    a_file_swapped_for_a_fifo_opens_no_fifo,
    a_file_swapped_for_a_device_opens_no_device,
    garbage_ends_the_connection_and_no_other,
    descriptors_sent_end_the_connection,
    a_client_that_does_not_read_is_dropped,
    a_closed_connection_leaves_nothing_behind,
    connections_are_bounded,
}

/// Watches a directory and tells which of its entries were opened, by whatever means but `O_PATH`.
struct Opens(OwnedFd);

impl Opens {
    fn watch(directory: &Path) -> Self {
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, directory, WatchFlags::OPEN).unwrap();
        Self(watch)
    }

    fn names(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::uninit(); 64 << 10];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut names = Vec::new();
        loop {
            match events.next() {
                Ok(event) => names.extend(event.file_name().map(|name| name.to_str().unwrap().to_string())),
                Err(Errno::AGAIN) => return names,
                Err(errno) => panic!("{errno}"),
            }
        }
    }
}

fn still_serves(client: &Client) {
    let socket = client.server.connect().unwrap();
    let (reply, _) = fileserver::request(&socket, &FileRequest::Lookup { root: 0, path: vec![] }).unwrap();
    assert!(matches!(reply, FileReply::Attributes { .. }));
}

fn dots_and_odd_slashes_are_refused() {
    let world = World::new();
    world.directory("d", 0o755).file("d/file", "", 0o644);
    for client in [world.serve(), world.serve_world_readable()] {
        for path in [
            "..",
            "../outside/secret",
            "d/..",
            "d/../../outside/secret",
            "d/./file",
            ".",
            "./d",
            "/",
            "/d",
            "d/",
            "d//file",
            "/etc/passwd",
            "//",
            "\0",
            "d/file\0",
            "d\0/../../outside/secret",
        ] {
            assert_eq!(client.refusal(path), Errno::INVAL.raw_os_error(), "{path:?}");
            assert!(client.lookup(path).is_err(), "{path:?}");
            assert!(client.names(path).is_err(), "{path:?}");
        }
        client.open("d/file").unwrap();
    }
}

fn symbolic_links_lead_nowhere() {
    let world = World::new();
    let outside = world.dir.path().join("outside");
    world.file("inside", "", 0o644);
    world
        .link("relative", "../outside")
        .link("absolute", outside.to_str().unwrap())
        .link("direct", "../outside/secret");
    world.link("proc", "/proc/self/root").link("magic", "/proc/self/fd/0").link("good", "inside").link("loop", "loop");
    for client in [world.serve(), world.serve_world_readable()] {
        for path in
            ["relative/secret", "absolute/secret", "direct", "proc/etc/passwd", "magic", "good", "loop", "loop/x"]
        {
            assert_eq!(client.refusal(path), Errno::LOOP.raw_os_error(), "{path}");
        }
        for path in ["relative/secret", "absolute/secret", "proc/etc/passwd"] {
            assert_eq!(client.lookup(path), Err(Errno::LOOP.raw_os_error()), "{path}");
        }
        assert!(client.names("relative").is_err());
    }
}

fn proc_and_sys_are_refused() {
    for root in ["/proc", "/sys", "/proc/self/fd", "/proc/version"] {
        assert!(matches!(spawn(&[(Path::new(root), false)]), Err(Error::Refused(_))), "{root}");
    }
    // As mount points beneath a root.
    for world_readable_only in [false, true] {
        let client = Client::new(Path::new("/"), world_readable_only);
        for path in
            ["proc/version", "proc/self/environ", "proc/1/root/etc/passwd", "proc/kcore", "sys/kernel/uevent_seqnum"]
        {
            assert!(client.open(path).is_err(), "{path}");
        }
        assert!(client.lookup("proc").is_err());
        assert!(client.names("proc").is_err());
        assert!(client.names("").unwrap().contains(&"proc".to_string()));
    }
}

fn devices_are_never_opened() {
    let world = World::new();
    for (name, file_type, major, minor) in [
        ("null", FileType::CharacterDevice, 1, 3),
        ("mem", FileType::CharacterDevice, 1, 1),
        ("tty", FileType::CharacterDevice, 5, 0),
        ("ptmx", FileType::CharacterDevice, 5, 2),
        ("absent", FileType::CharacterDevice, 250, 250),
        ("loop", FileType::BlockDevice, 7, 0),
    ] {
        if !world.device(name, file_type, major, minor) {
            continue;
        }
        let opens = Opens::watch(&world.root());
        for client in [world.serve(), world.serve_world_readable()] {
            assert_eq!(client.refusal(name), Errno::ACCESS.raw_os_error());
            assert_eq!(client.names(name), Err(Errno::NOTDIR.raw_os_error()));
            assert_eq!(FileType::from_raw_mode(client.lookup(name).unwrap().0.mode), file_type);
        }
        assert_eq!(opens.names(), [""; 0]);
    }
}

fn fifos_are_never_opened() {
    let world = World::new();
    world.fifo("fifo");
    let opens = Opens::watch(&world.root());
    for client in [world.serve(), world.serve_world_readable()] {
        assert_eq!(client.refusal("fifo"), Errno::ACCESS.raw_os_error());
        assert!(client.names("fifo").is_err());
        let writer = rustix::fs::open(world.path("fifo"), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
        assert_eq!(writer.err(), Some(Errno::NXIO), "somebody reads the FIFO");
    }
    assert_eq!(opens.names(), [""; 0]);
}

fn sockets_are_never_opened() {
    let world = World::new();
    let _listener = UnixListener::bind(world.path("socket")).unwrap();
    assert_eq!(world.serve().refusal("socket"), Errno::NXIO.raw_os_error());
}

const SWAPS: usize = 3000;

/// Says so when it goes, also by a panic.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens `path` again and again while `one` and `other` change places as fast as they can.
fn open_while_swapping(client: &Client, path: &str, one: &Path, other: &Path, mut check: impl FnMut(OwnedFd)) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let _done = Done(&done);
        let (mut opened, mut refused) = (0, 0);
        // Until both were met often, so that the race was one.
        while opened + refused < SWAPS || opened < 10 || refused < 10 {
            match client.open(path) {
                Ok((_, file)) => {
                    opened += 1;
                    check(file);
                }
                Err(_) => refused += 1,
            }
            assert!(opened + refused < 1000 * SWAPS, "no race: {opened} opened, {refused} refused");
        }
    });
}

fn is_inside(file: OwnedFd) {
    let mut content = String::new();
    fs::File::from(file).read_to_string(&mut content).unwrap();
    assert_eq!(content, "inside");
}

fn a_file_swapped_for_a_symlink_never_leads_outside() {
    let world = World::new();
    world.file("file", "inside", 0o644).link("other", "../outside/secret");
    for client in [world.serve(), world.serve_world_readable()] {
        open_while_swapping(&client, "file", &world.path("file"), &world.path("other"), is_inside);
    }
}

fn a_directory_swapped_for_a_symlink_never_leads_outside() {
    let world = World::new();
    world.directory("d", 0o755).file("d/secret", "inside", 0o644).link("other", "../outside");
    for client in [world.serve(), world.serve_world_readable()] {
        open_while_swapping(&client, "d/secret", &world.path("d"), &world.path("other"), is_inside);
    }
}

fn a_file_swapped_for_a_fifo_opens_no_fifo() {
    let world = World::new();
    world.file("file", "inside", 0o644).fifo("other");
    let fifo = fs::metadata(world.path("other")).unwrap().ino();
    swapped_for(&world, fifo);
}

fn a_file_swapped_for_a_device_opens_no_device() {
    let world = World::new();
    world.file("file", "inside", 0o644);
    if world.device("other", FileType::CharacterDevice, 1, 3) {
        let device = fs::metadata(world.path("other")).unwrap().ino();
        swapped_for(&world, device);
    }
}

/// Swaps `file` and `other`, which must never be opened.
fn swapped_for(world: &World, inode: u64) {
    // Beside the root and under a fixed name, so that a watch on the inode tells it from the file.
    let fixed = world.dir.path().join("watched");
    fs::hard_link(world.path("other"), &fixed).unwrap();
    assert_eq!(fs::symlink_metadata(&fixed).unwrap().ino(), inode);
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &fixed, WatchFlags::OPEN).unwrap();
    for client in [world.serve(), world.serve_world_readable()] {
        open_while_swapping(&client, "file", &world.path("file"), &world.path("other"), is_inside);
    }
    let mut buffer = [0; 64];
    assert_eq!(rustix::io::read(&watch, &mut buffer), Err(Errno::AGAIN), "it was opened");
}

/// Sends bytes over a new connection, which must then be closed.
fn is_dropped_for(client: &Client, bytes: &[u8]) {
    let socket = client.server.connect().unwrap();
    rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL).unwrap();
    assert_closed(&socket);
}

fn assert_closed(socket: &OwnedFd) {
    let mut buffer = [0; 64];
    match rustix::io::read(socket, &mut buffer) {
        Ok(0) | Err(Errno::CONNRESET) => {}
        other => panic!("{other:?}"),
    }
}

fn garbage_ends_the_connection_and_no_other() {
    let world = World::new();
    let client = world.serve();
    let good = abi::encode(&FileRequest::Lookup { root: 0, path: b"x".to_vec() });
    is_dropped_for(&client, b"\xff");
    is_dropped_for(&client, &[0; 1]);
    is_dropped_for(&client, &vec![0xff; MAX_REQUEST]);
    is_dropped_for(&client, &vec![0; MAX_REQUEST + 1]);
    is_dropped_for(&client, &vec![0; 100_000]);
    // A length that nothing follows, of almost 2⁶⁴ bytes.
    is_dropped_for(&client, &[0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    is_dropped_for(&client, &[good.as_slice(), &[0]].concat());
    for len in 1..good.len() {
        is_dropped_for(&client, &good[..len]);
    }
    // Any two bytes: an answer or the end, never a dead server.
    for bytes in (0..=u16::MAX).step_by(97) {
        let socket = client.server.connect().unwrap();
        rustix::net::send(&socket, &bytes.to_le_bytes(), SendFlags::NOSIGNAL).unwrap();
    }
    client.lookup("").unwrap();
    still_serves(&client);
}

fn send_descriptor(socket: &OwnedFd, bytes: &[u8], descriptor: &OwnedFd) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
}

fn descriptors_sent_end_the_connection() {
    let world = World::new();
    let client = world.serve();
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let request = abi::encode(&FileRequest::Lookup { root: 0, path: vec![] });
    send_descriptor(&client.socket, &request, &writer);
    assert_closed(&client.socket);
    drop(writer);
    // The server's copy is closed, too: the pipe has no writer.
    let mut buffer = [0; 1];
    assert_eq!(rustix::io::read(&reader, &mut buffer), Ok(0));
    still_serves(&client);
}

fn a_client_that_does_not_read_is_dropped() {
    let world = World::new();
    world.file("file", "", 0o644);
    let client = world.serve();
    let other = client.server.connect().unwrap();
    let request = abi::encode(&FileRequest::Open { root: 0, path: b"file".to_vec() });
    loop {
        match rustix::net::send(&other, &request, SendFlags::NOSIGNAL) {
            Ok(_) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => break,
            Err(errno) => panic!("{errno}"),
        }
        client.lookup("file").unwrap();
    }
    still_serves(&client);
}

fn a_closed_connection_leaves_nothing_behind() {
    let world = World::new();
    let client = world.serve();
    let descriptors = format!("/proc/{}/fd", client.server.pid());
    let count = || fs::read_dir(&descriptors).map(Iterator::count);
    client.lookup("").unwrap();
    let Ok(before) = count() else {
        return println!("not checked: only root can see the server's descriptors");
    };
    for _ in 0..5000 {
        let socket = client.server.connect().unwrap();
        fileserver::request(&socket, &FileRequest::Lookup { root: 0, path: vec![] }).unwrap();
    }
    // The last may not have been noticed yet; a question more, and they have been.
    client.lookup("").unwrap();
    client.lookup("").unwrap();
    assert!(count().unwrap() <= before + 1);
}

fn connections_are_bounded() {
    let world = World::new();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$1\""]).arg(std::env::current_exe().unwrap()).arg(crate::SERVER);
    let server = fileserver::spawn(command, &config(&[(&world.root(), false)])).unwrap();
    let lookup = FileRequest::Lookup { root: 0, path: vec![] };
    let first = server.connect().unwrap();
    let others: Vec<_> = (0..100).map(|_| server.connect().unwrap()).collect();
    let served = others.iter().filter(|socket| fileserver::request(socket, &lookup).is_ok()).count();
    assert!((10..64).contains(&served), "{served} of 100");
    // Those that came first don't suffer, and who goes makes room.
    fileserver::request(&first, &lookup).unwrap();
    drop(others);
    fileserver::request(&first, &lookup).unwrap();
    fileserver::request(server.connect().unwrap(), &lookup).unwrap();
}
