//! `/proc/PID`.

use super::magic::MagicLink;
use super::{shown, status};
use crate::errno::{EACCES, ESRCH, Errno};
use crate::events::pidfd::PidFd;
use crate::fs::inode::{Content, Generate, Inode, PROC_DEVICE, S_IFDIR, S_IFLNK, S_IFREG, VirtualDirectory};
use crate::net::listing;
use crate::syscall::arguments::Fd;
use crate::task::{Pid, Process, Thread, Tid};
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Makes the text of a file of a process or thread.
type Make = fn(&Rc<Process>, &Rc<Thread>) -> Vec<u8>;

/// Names, and what makes their text; those that a thread has, too.
const FILES: &[(&str, Make)] = &[
    ("status", status::status),
    ("stat", status::stat),
    ("statm", status::statm),
    ("maps", status::maps),
    ("smaps", status::smaps),
    ("smaps_rollup", status::smaps_rollup),
    ("cmdline", |process, _| process.command_line.borrow().clone()),
    ("environ", |process, _| process.environment.borrow().clone()),
    ("auxv", |process, _| process.auxiliary.borrow().clone()),
    ("limits", status::limits),
    ("mounts", |_, _| status::mounts()),
    ("mountinfo", |_, _| status::mount_information()),
    ("cgroup", |_, _| b"0::/\n".to_vec()),
    ("io", |_, _| {
        b"rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n".to_vec()
    }),
    ("oom_score", |_, _| b"0\n".to_vec()),
    ("oom_adj", |_, _| b"0\n".to_vec()),
    ("loginuid", |_, _| b"4294967295".to_vec()),
    ("sessionid", |_, _| b"4294967295".to_vec()),
    ("personality", |process, _| alloc::format!("{:08x}\n", process.personality.get()).into_bytes()),
    ("wchan", |_, _| b"0".to_vec()),
    ("schedstat", |_, _| b"0 0 0\n".to_vec()),
    ("uid_map", |_, _| b"         0          0 4294967295\n".to_vec()),
    ("gid_map", |_, _| b"         0          0 4294967295\n".to_vec()),
    ("setgroups", |_, _| b"allow\n".to_vec()),
];

/// Makes the text of a file of `/proc/PID/net`.
type MakeOfNet = fn() -> Vec<u8>;

/// Files of `/proc/PID/net`: of the sockets of the inside, and what a network without devices but the loopback shows.
const NET: &[(&str, MakeOfNet)] = &[
    ("arp", || b"IP address       HW type     Flags       HW address            Mask     Device\n".to_vec()),
    ("dev", || {
        concat!(
            "Inter-|   Receive                                                |  Transmit\n",
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
            "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"
        )
        .as_bytes()
        .to_vec()
    }),
    ("dev_mcast", Vec::new),
    ("if_inet6", || b"00000000000000000000000000000001 01 80 10 80       lo\n".to_vec()),
    ("ipv6_route", || {
        concat!(
            "00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 ",
            "00000000 00000002 00000000 80200001       lo\n"
        )
        .as_bytes()
        .to_vec()
    }),
    ("netlink", listing::netlink),
    ("packet", || b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n".to_vec()),
    ("route", listing::route),
    ("sockstat", listing::statistics),
    ("sockstat6", listing::statistics6),
    ("tcp", || listing::tcp(false)),
    ("tcp6", || listing::tcp(true)),
    ("udp", || listing::udp(false)),
    ("udp6", || listing::udp(true)),
    ("udplite", || listing::udp_lite(false)),
    ("udplite6", || listing::udp_lite(true)),
    ("unix", listing::unix),
];

/// A file of a process or of one of its threads.
struct ProcessFile {
    process: Rc<Process>,
    thread: Option<Tid>,
    make: Make,
}

impl Generate for ProcessFile {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        let thread = self.thread.or_else(|| self.process.threads.borrow().keys().next().copied());
        let thread = thread.and_then(|tid| self.process.threads.borrow().get(&tid).cloned()).ok_or(ESRCH)?;
        Ok((self.make)(&self.process, &thread))
    }
}

/// `comm`, which can be written.
struct Name {
    process: Rc<Process>,
    thread: Option<Tid>,
}

impl Name {
    fn thread(&self) -> Result<Rc<Thread>, Errno> {
        let threads = self.process.threads.borrow();
        let thread = match self.thread {
            Some(tid) => threads.get(&tid),
            None => threads.values().next(),
        };
        thread.cloned().ok_or(ESRCH)
    }
}

impl Generate for Name {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        let mut name = self.thread()?.name.borrow().clone();
        name.push(b'\n');
        Ok(name)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | 0)).unwrap_or(bytes.len()).min(15);
        *self.thread()?.name.borrow_mut() = bytes.get(..end).unwrap_or_default().to_vec();
        Ok(())
    }
}

/// `oom_score_adj`: kept, and nothing follows from it.
struct Adjustment(Rc<Process>);

/// Where the adjustment is kept among the numbers of `prctl(2)`: no option has this one.
const ADJUSTMENT: u32 = u32::MAX;

impl Generate for Adjustment {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        let value = self.0.flags.borrow().get(&ADJUSTMENT).copied().unwrap_or(0) as i16;
        Ok(alloc::format!("{value}\n").into_bytes())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let text = core::str::from_utf8(bytes).map_err(|_| crate::errno::EINVAL)?;
        let value: i16 = text.trim().parse().map_err(|_| crate::errno::EINVAL)?;
        if !(-1000..=1000).contains(&value) {
            return Err(crate::errno::EINVAL);
        }
        self.0.flags.borrow_mut().insert(ADJUSTMENT, u64::from(value.cast_unsigned()));
        Ok(())
    }
}

/// A file of `/proc/PID/net`.
struct NetFile(MakeOfNet);

impl Generate for NetFile {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        Ok((self.0)())
    }

    fn write(&self, _bytes: &[u8]) -> Result<(), Errno> {
        Err(EACCES)
    }
}

fn node(process: &Process, content: Content, mode: u32) -> Rc<Inode> {
    let credentials = process.credentials.borrow();
    Inode::new(PROC_DEVICE, content, mode, credentials.uid[1], credentials.gid[1])
}

/// `/proc/PID`, or `/proc/PID/task/TID`.
pub fn directory(process: &Rc<Process>, thread: Option<Tid>) -> Rc<Inode> {
    node(process, Content::Virtual(Rc::new(Directory { process: process.clone(), thread })), S_IFDIR | 0o555)
}

struct Directory {
    process: Rc<Process>,
    thread: Option<Tid>,
}

impl VirtualDirectory for Directory {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let process = &self.process;
        let pid = process.pid;
        let link = |link| Some(node(process, Content::Magic(link), S_IFLNK | 0o777));
        let inner = |directory: Rc<dyn VirtualDirectory>, mode| {
            Some(node(process, Content::Virtual(directory), S_IFDIR | mode))
        };
        let file =
            |generator: Rc<dyn Generate>, mode| Some(node(process, Content::Generated(generator), S_IFREG | mode));
        match name {
            b"exe" => link(MagicLink::Executable(pid)),
            b"cwd" => link(MagicLink::WorkingDirectory(pid)),
            b"root" => link(MagicLink::Root(pid)),
            b"fd" => inner(Rc::new(Descriptors(process.clone())), 0o500),
            b"fdinfo" => inner(Rc::new(DescriptorFiles(process.clone())), 0o555),
            b"net" => inner(Rc::new(Net(process.clone())), 0o555),
            b"task" if self.thread.is_none() => inner(Rc::new(Tasks(process.clone())), 0o555),
            b"comm" => file(Rc::new(Name { process: process.clone(), thread: self.thread }), 0o644),
            b"oom_score_adj" => file(Rc::new(Adjustment(process.clone())), 0o644),
            _ => {
                let (name, make) = FILES.iter().find(|(known, _)| known.as_bytes() == name)?;
                let mode = if matches!(*name, "environ" | "auxv") { 0o400 } else { 0o444 };
                file(Rc::new(ProcessFile { process: process.clone(), thread: self.thread, make: *make }), mode)
            }
        }
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        let mut names: Vec<_> = FILES.iter().map(|(name, _)| (name.as_bytes().to_vec(), S_IFREG)).collect();
        names.extend(["comm", "oom_score_adj"].map(|name| (name.as_bytes().to_vec(), S_IFREG)));
        names.extend(["exe", "cwd", "root"].map(|name| (name.as_bytes().to_vec(), S_IFLNK)));
        names.extend(["fd", "fdinfo", "net"].map(|name| (name.as_bytes().to_vec(), S_IFDIR)));
        if self.thread.is_none() {
            names.push((b"task".to_vec(), S_IFDIR));
        }
        names
    }
}

fn descriptor(name: &[u8]) -> Option<Fd> {
    // One spelling each: no sign, no leading zero.
    let number: i32 = core::str::from_utf8(name).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == name).then_some(Fd(number))
}

/// `/proc/PID/fd`.
struct Descriptors(Rc<Process>);

impl VirtualDirectory for Descriptors {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let fd = descriptor(name)?;
        let entry = self.0.descriptors().entry(fd).ok()?;
        let flags = entry.file.flags.get();
        let mode = 0o100 | if flags.readable() { 0o400 } else { 0 } | if flags.writable() { 0o200 } else { 0 };
        Some(node(&self.0, Content::Magic(MagicLink::Descriptor(self.0.pid, fd)), S_IFLNK | mode))
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        let all = self.0.descriptors().all().into_iter();
        all.map(|(fd, _)| (fd.0.to_string().into_bytes(), S_IFLNK)).collect()
    }
}

/// `/proc/PID/fdinfo`.
struct DescriptorFiles(Rc<Process>);

struct DescriptorFile(Rc<Process>, Fd);

impl Generate for DescriptorFile {
    fn text(&self) -> Result<Vec<u8>, Errno> {
        let entry = self.0.descriptors().entry(self.1)?;
        let mut flags = entry.file.flags.get().bits();
        if entry.close_on_exec {
            flags |= crate::fs::file::OpenFlags::CLOEXEC.bits();
        }
        let inode = entry.file.object.stat().map_or(0, |stat| stat.inode);
        let position = entry.file.position.get();
        let mount = crate::fs::open::opened(&entry.file.object).map_or(1, |opened| opened.inode.mount_id());
        let more = entry.file.downcast::<PidFd>().map(PidFd::information).unwrap_or_default();
        let text = alloc::format!("pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t{inode}\n{more}");
        Ok(text.into_bytes())
    }
}

impl VirtualDirectory for DescriptorFiles {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let fd = descriptor(name)?;
        self.0.descriptors().entry(fd).ok()?;
        Some(node(&self.0, Content::Generated(Rc::new(DescriptorFile(self.0.clone(), fd))), S_IFREG | 0o444))
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        let all = self.0.descriptors().all().into_iter();
        all.map(|(fd, _)| (fd.0.to_string().into_bytes(), S_IFREG)).collect()
    }
}

/// `/proc/PID/task`.
struct Tasks(Rc<Process>);

impl VirtualDirectory for Tasks {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let number: u32 = core::str::from_utf8(name).ok()?.parse().ok()?;
        let known = |tid: &Tid| self.0.threads.borrow().contains_key(tid);
        let tid = match Tid(number) {
            tid if known(&tid) => tid,
            // The number of the instance is a second one for the first thread.
            _ if Pid(number) == shown(&self.0) => Tid(self.0.pid.0),
            _ => return None,
        };
        Some(directory(&self.0, Some(tid)))
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        self.0.threads.borrow().keys().map(|tid| (tid.0.to_string().into_bytes(), S_IFDIR)).collect()
    }
}

/// `/proc/PID/net`.
struct Net(Rc<Process>);

impl VirtualDirectory for Net {
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>> {
        let (_, make) = NET.iter().find(|(known, _)| known.as_bytes() == name)?;
        Some(node(&self.0, Content::Generated(Rc::new(NetFile(*make))), S_IFREG | 0o444))
    }

    fn list(&self) -> Vec<(Vec<u8>, u32)> {
        NET.iter().map(|(name, _)| (name.as_bytes().to_vec(), S_IFREG)).collect()
    }
}
