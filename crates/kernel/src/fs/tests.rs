//! The tree over a made-up file server.
#![allow(unsafe_code)]

use super::data::{Data, Sought};
use super::file::OpenFlags;
use super::inode::{
    Caller, Content, Inode, MAY_EXEC, MAY_READ, MAY_WRITE, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, UPPER_DEVICE,
};
use super::walk::{Follow, Found, Last, Walker};
use super::{lower_files, setup};
use crate::errno::{EACCES, EFBIG, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR, Errno};
use crate::host::HostFd;
use crate::kernel;
use abi::files::{Attributes, FileReply, FileRequest, MAX_REQUEST, Name};
use abi::launch::{Launch, Mount, MountSource};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, Once};

/// What the made-up server shows: paths, and a link's target, a file's content or nothing for a directory.
#[derive(Clone)]
enum Shown {
    Directory,
    File(Vec<u8>, u32),
    Link(&'static str),
}

#[derive(Default)]
struct Server {
    shown: BTreeMap<Vec<u8>, Shown>,
    requests: Vec<FileRequest>,
    modified_ns: i64,
}

impl Server {
    fn attributes(&self, shown: &Shown, inode: u64) -> Attributes {
        let (mode, size) = match shown {
            Shown::Directory => (S_IFDIR | 0o755, 4096),
            Shown::File(content, mode) => (S_IFREG | mode, content.len() as u64),
            Shown::Link(target) => (S_IFLNK | 0o777, target.len() as u64),
        };
        Attributes { inode, mode, size, links: 1, modified_ns: self.modified_ns, ..Attributes::default() }
    }

    fn answer(&self, request: &FileRequest) -> Result<(FileReply, Option<OwnedFd>), Errno> {
        let find = |path: &[u8]| {
            let (at, shown) = self.shown.iter().enumerate().find(|(_, (known, _))| *known == path).ok_or(ENOENT)?;
            Ok::<_, Errno>((shown.1.clone(), self.attributes(shown.1, at as u64 + 10)))
        };
        match request {
            FileRequest::Lookup { path, .. } => {
                let (shown, attributes) = find(path)?;
                let target = if let Shown::Link(target) = shown { target.as_bytes().to_vec() } else { Vec::new() };
                Ok((FileReply::Attributes { attributes, target }, None))
            }
            FileRequest::List { path, start, .. } => {
                find(path)?;
                let mut prefix = path.clone();
                if !prefix.is_empty() {
                    prefix.push(b'/');
                }
                let inside = self.shown.iter().filter_map(|(known, shown)| {
                    let name = known.strip_prefix(prefix.as_slice())?;
                    let file_type = self.attributes(shown, 0).mode & S_IFMT;
                    let plain = !name.is_empty() && !name.contains(&b'/');
                    plain.then(|| Name { name: name.to_vec(), inode: 1, file_type })
                });
                let all: Vec<_> = inside.skip(*start as usize).collect();
                // Two names a reply, so that listings come in pages.
                let more = all.len() > 2;
                Ok((FileReply::Names { names: all.into_iter().take(2).collect(), more }, None))
            }
            FileRequest::Open { path, .. } => {
                let (shown, attributes) = find(path)?;
                let Shown::File(content, mode) = shown else { return Err(EACCES) };
                if mode & 0o004 == 0 {
                    return Err(EACCES);
                }
                let path = std::env::temp_dir().join(std::format!("lower-{:?}", std::thread::current().id()));
                std::fs::write(&path, &content).unwrap();
                let file = std::fs::File::open(&path).unwrap();
                std::fs::remove_file(&path).unwrap();
                Ok((FileReply::Opened(attributes), Some(file.into())))
            }
        }
    }
}

static BOOT_PAGE: Once = Once::new();

/// Starts a server and connects the test's kernel to it.
fn serve(shown: &[(&str, Shown)]) -> Arc<Mutex<Server>> {
    BOOT_PAGE.call_once(|| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        let (page, access) = (abi::layout::BOOT_PAGE, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: `MAP_FIXED_NOREPLACE`: nothing is replaced. Another test may have mapped it already.
        let _ = unsafe { libc::mmap(page as *mut libc::c_void, 4096, access, flags, -1, 0) };
        // SAFETY: once, before any test of this file reads it.
        unsafe { crate::local::change_boot_page(|page| page.generation = 7) };
    });
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let server = Arc::new(Mutex::new(Server::default()));
    for (path, shown) in shown {
        server.lock().unwrap().shown.insert(path.as_bytes().to_vec(), shown.clone());
    }
    let shared = server.clone();
    std::thread::spawn(move || {
        let mut buffer = alloc::vec![0; MAX_REQUEST];
        loop {
            let socket = HostFd(theirs.as_raw_fd());
            let Ok((len @ 1.., _)) = crate::host::receive(socket, &mut buffer, true) else { return };
            let request: FileRequest = abi::decode(&buffer[..len]).unwrap();
            let mut server = shared.lock().unwrap();
            server.requests.push(request.clone());
            let (reply, file) = match server.answer(&request) {
                Ok(answer) => answer,
                Err(errno) => (FileReply::Error(errno.0.into()), None),
            };
            drop(server);
            let descriptors: Vec<_> = file.iter().map(|file| HostFd(file.as_raw_fd())).collect();
            crate::host::transmit(socket, &abi::encode(&reply), &descriptors, true).unwrap();
        }
    });
    kernel().control.files.set(HostFd(ours.into_raw_fd()));
    server
}

fn file(content: &[u8]) -> Shown {
    Shown::File(content.to_vec(), 0o644)
}

fn usual() -> Arc<Mutex<Server>> {
    let server = serve(&[
        ("", Shown::Directory),
        ("bin", Shown::Directory),
        ("bin/tool", Shown::File(b"#!/bin/sh\n".to_vec(), 0o755)),
        ("bin/link", Shown::Link("tool")),
        ("bin/absolute", Shown::Link("/usr/bin/tool")),
        ("bin/loop", Shown::Link("loop")),
        ("bin/secret", Shown::File(b"hidden".to_vec(), 0o600)),
        ("text", file(b"some text of the lower layer")),
    ]);
    let launch = Launch {
        workdir: b"/app".to_vec(),
        mounts: alloc::vec![
            Mount { target: b"/usr".to_vec(), source: MountSource::Root(0) },
            Mount { target: b"/bin".to_vec(), source: MountSource::Symlink(b"usr/bin".to_vec()) },
        ],
        ..Launch::default()
    };
    *kernel().launch.borrow_mut() = launch.clone();
    let context = setup(&launch).unwrap();
    assert_eq!(context.directory().path_below(&kernel().fs.root()).unwrap(), b"/app");
    server
}

fn walker() -> Walker {
    Walker::new(kernel().fs.root(), Caller::default())
}

fn find(path: &str) -> Result<Found, Errno> {
    walker().walk(&kernel().fs.root(), path.as_bytes(), Follow::Yes)
}

fn get(path: &str) -> Rc<Inode> {
    find(path).unwrap().existing().unwrap()
}

fn error(path: &str) -> Errno {
    find(path).and_then(|found| found.existing()).err().unwrap()
}

fn content(data: &Data) -> Vec<u8> {
    let mut bytes = alloc::vec![0; data.size() as usize];
    let mut at = 0;
    while at < bytes.len() {
        let mut sink = &mut bytes[at..];
        at += data.read(&mut sink, at as u64).unwrap();
    }
    bytes
}

fn names(directory: &Rc<Inode>) -> Vec<Vec<u8>> {
    directory.list().unwrap().into_iter().map(|line| line.name).collect()
}

fn new_file() -> Rc<Inode> {
    Inode::new(UPPER_DEVICE, Content::Regular(Data::default()), S_IFREG | 0o644, 0, 0)
}

#[test]
fn names_of_the_lower_layer_are_asked_for_once() {
    let server = usual();
    let before = server.lock().unwrap().requests.len();
    for _ in 0..3 {
        assert_eq!(get("/usr/bin/tool").size(), 10);
        assert_eq!(error("/usr/bin/nothing"), ENOENT);
    }
    // bin, tool, nothing.
    assert_eq!(server.lock().unwrap().requests.len(), before + 3);
}

#[test]
fn links_lead_on_and_a_loop_ends() {
    usual();
    let tool = get("/usr/bin/tool");
    assert!(Rc::ptr_eq(&tool, &get("/bin/link")));
    assert!(Rc::ptr_eq(&tool, &get("/bin/absolute")));
    assert!(Rc::ptr_eq(&tool, &get("/bin/../../usr//bin/./tool")));
    assert_eq!(error("/bin/loop"), ELOOP);
    let link = walker().walk(&kernel().fs.root(), b"/bin/link", Follow::No).unwrap();
    assert!(link.existing().unwrap().is_link());
}

#[test]
fn paths_end_as_linux_sees_it() {
    usual();
    assert_eq!(error(""), ENOENT);
    assert_eq!(error("/usr/text/"), ENOTDIR);
    assert_eq!(error("/usr/text/x"), ENOTDIR);
    assert_eq!(error(&std::format!("/{}", "x".repeat(256))), ENAMETOOLONG);
    assert_eq!(find("/usr/..").unwrap().last, Last::DotDot);
    assert_eq!(find("/").unwrap().last, Last::Root);
    assert!(Rc::ptr_eq(&get("/../.."), &kernel().fs.root()));
    let missing = find("/tmp/new/").unwrap();
    assert!(missing.slash && missing.inode.is_none() && missing.name == b"new");
}

#[test]
fn a_written_lower_file_keeps_what_was_not_written() {
    usual();
    let inode = get("/usr/text");
    let data = inode.data().unwrap();
    assert!(data.untouched().is_some());
    let mut source: &[u8] = b"MORE";
    assert_eq!(data.write(&mut source, 5).unwrap(), 4);
    assert_eq!(content(data), b"some MORE of the lower layer");
    assert!(data.untouched().is_none());
    data.truncate(9).unwrap();
    data.truncate(12).unwrap();
    assert_eq!(content(data), b"some MORE\0\0\0");
}

#[test]
fn a_truncated_lower_file_does_not_come_back() {
    usual();
    let inode = get("/usr/text");
    let data = inode.data().unwrap();
    data.truncate(4).unwrap();
    data.truncate(28).unwrap();
    assert_eq!(content(data), [b"some".as_slice(), &[0; 24]].concat());
}

#[test]
fn a_lower_file_that_changed_is_not_read() {
    let server = usual();
    let inode = get("/usr/text");
    server.lock().unwrap().modified_ns = 99;
    // The log line goes to the control socket, which nobody reads here.
    let (ours, _theirs) = UnixDatagram::pair().unwrap();
    crate::local::local().control_fd.store(ours.as_raw_fd(), core::sync::atomic::Ordering::Relaxed);
    let mut bytes = [0; 4];
    assert_eq!(inode.data().unwrap().read(&mut bytes.as_mut_slice(), 0), Err(EIO));
}

#[test]
fn removed_names_of_below_stay_removed() {
    usual();
    let bin = get("/usr/bin");
    bin.remove(b"tool").unwrap();
    assert_eq!(error("/usr/bin/tool"), ENOENT);
    assert_eq!(names(&bin), [b"absolute".to_vec(), b"link".to_vec(), b"loop".to_vec(), b"secret".to_vec()]);
    bin.insert(b"tool", &new_file()).unwrap();
    assert_eq!(get("/usr/bin/tool").size(), 0);
    assert_eq!(names(&bin).len(), 5);
}

#[test]
fn a_moved_lower_directory_takes_its_names_along() {
    usual();
    let (usr, tmp) = (get("/usr"), get("/tmp"));
    let bin = usr.remove(b"bin").unwrap();
    tmp.insert(b"moved", &bin).unwrap();
    assert_eq!(get("/tmp/moved/tool").size(), 10);
    assert_eq!(bin.path_below(&kernel().fs.root()).unwrap(), b"/tmp/moved");
    assert_eq!(error("/bin/tool"), ENOENT);
}

#[test]
fn a_removed_directory_has_no_path() {
    usual();
    let tmp = get("/tmp");
    let directory = Inode::directory(0o755, 0, 0);
    tmp.insert(b"d", &directory).unwrap();
    assert_eq!(tmp.meta().links, 3);
    tmp.remove(b"d").unwrap().change(|meta| meta.links = 0);
    assert_eq!(tmp.meta().links, 2);
    assert_eq!(directory.path_below(&kernel().fs.root()), None);
    assert_eq!(directory.insert(b"x", &new_file()), Err(ENOENT));
}

#[test]
fn permissions_follow_owner_group_and_others() {
    let inode = Inode::new(UPPER_DEVICE, Content::Regular(Data::default()), S_IFREG | 0o640, 10, 20);
    let caller = |uid, gid, groups: &[u32]| Caller { uid, gid, groups: groups.to_vec(), capabilities: 0 };
    assert!(inode.check_access(&caller(10, 1, &[]), MAY_READ | MAY_WRITE).is_ok());
    assert!(inode.check_access(&caller(11, 1, &[20]), MAY_READ).is_ok());
    assert_eq!(inode.check_access(&caller(11, 20, &[]), MAY_WRITE), Err(EACCES));
    assert_eq!(inode.check_access(&caller(11, 1, &[]), MAY_READ), Err(EACCES));
    assert!(inode.check_access(&Caller::default(), MAY_WRITE).is_ok());
    assert_eq!(inode.check_access(&Caller::default(), MAY_EXEC), Err(EACCES));
}

#[test]
fn what_the_file_server_refuses_is_refused_to_root() {
    usual();
    let secret = get("/usr/bin/secret");
    let base = secret.data().unwrap().base().unwrap();
    assert_eq!(base.check_granted(secret.meta().mode), Err(EACCES));
}

#[test]
fn sparse_files_have_holes() {
    let data = Data::default();
    let mut source: &[u8] = b"end";
    data.write(&mut source, 100_000).unwrap();
    assert_eq!(data.size(), 100_003);
    assert_eq!(data.blocks(), 8);
    assert_eq!(data.seek_data(0, Sought::Data), Some(98_304));
    assert_eq!(data.seek_data(0, Sought::Hole), Some(0));
    assert_eq!(data.seek_data(99_000, Sought::Hole), Some(100_003));
    assert_eq!(data.seek_data(100_003, Sought::Data), None);
    let mut bytes = [1; 8];
    assert_eq!(data.read(&mut bytes.as_mut_slice(), 99_995), Ok(8));
    assert_eq!(&bytes, b"\0\0\0\0\0end");
    data.zero(100_000, 3).unwrap();
    assert_eq!(content(&data), alloc::vec![0; 100_003]);
}

#[test]
fn files_are_bounded_by_the_memory_limit() {
    kernel().launch.borrow_mut().memory = 2 * 4096;
    let data = Data::default();
    let bytes = alloc::vec![7; 3 * 4096];
    let mut source = bytes.as_slice();
    assert_eq!(data.write(&mut source, 0), Ok(2 * 4096));
    assert_eq!(data.write(&mut &bytes[..1], 2 * 4096), Err(ENOSPC));
    assert_eq!(data.write(&mut &bytes[..1], 1 << 46), Err(EFBIG));
    drop(data);
    assert_eq!(kernel().fs.space().1, 0);
}

#[test]
fn the_initial_tree_is_there() {
    usual();
    for (path, mode) in
        [("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/var/log", 0o755), ("/root", 0o700), ("/dev/shm", 0o1777)]
    {
        assert_eq!(get(path).meta().mode, S_IFDIR | mode, "{path}");
    }
    assert_eq!(names(&kernel().fs.root()).len(), 11);
    for device in ["null", "zero", "full", "random", "urandom", "tty", "catalyzer/entry", "catalyzer/generation"] {
        assert_eq!(get(&std::format!("/dev/{device}")).meta().mode & S_IFMT, 0o020_000, "{device}");
    }
}

#[test]
fn generated_files_tell_the_sandbox_s_own_limits() {
    usual();
    kernel().launch.borrow_mut().memory = 256 << 20;
    kernel().launch.borrow_mut().cpus_milli = 1500;
    let text = |path: &str| match &get(path).content {
        Content::Generated(generator) => std::string::String::from_utf8(generator.text().unwrap()).unwrap(),
        _ => panic!("{path} is not generated"),
    };
    assert!(text("/proc/meminfo").starts_with("MemTotal:         262144 kB\n"));
    assert_eq!(text("/sys/fs/cgroup/memory.max"), "268435456\n");
    assert_eq!(text("/sys/fs/cgroup/cpu.max"), "150000 100000\n");
    assert_eq!(text("/sys/devices/system/cpu/online"), "0-1\n");
    assert_eq!(text("/proc/cpuinfo").matches("processor").count(), 2);
    assert_eq!(text("/proc/sys/net/core/somaxconn"), "4096\n");
}

#[test]
fn an_image_depends_on_the_lower_files_that_were_seen() {
    usual();
    get("/usr/text");
    get("/usr/bin/tool");
    let paths: Vec<_> = lower_files().into_iter().map(|file| file.path).collect();
    assert!(paths.contains(&b"text".to_vec()) && paths.contains(&b"bin/tool".to_vec()));
    assert_eq!(paths.len(), 2);
}

#[test]
fn an_open_file_knows_its_path_and_that_it_was_removed() {
    usual();
    let process = crate::task::Process::new(
        crate::task::PROGRAM,
        crate::task::Pid(1),
        Rc::default(),
        Rc::default(),
        Rc::default(),
    );
    let file = super::open_for_exec(&process, b"/bin/link").unwrap();
    assert_eq!(file.object.name(), "/usr/bin/tool");
    assert_eq!(super::open_for_exec(&process, b"/usr/text").err(), Some(EACCES));
    assert_eq!(super::open_for_exec(&process, b"/usr/bin").err(), Some(EACCES));
    get("/usr/bin").remove(b"tool").unwrap();
    assert_eq!(file.object.name(), "/usr/bin/tool (deleted)");
    let mut bytes = [0; 2];
    assert_eq!(file.object.read(&file, &mut bytes.as_mut_slice(), 0).ok(), Some(2));
    assert_eq!(&bytes, b"#!");
    assert!(file.flags.get() == OpenFlags::empty());
}
