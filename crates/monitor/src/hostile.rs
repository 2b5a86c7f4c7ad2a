//! Tests of what a hostile sandbox can do over its control socket: a test plays the sandbox, `sleep` is its process.

use crate::end::{End, How, Reason};
use crate::function::{FunctionInner, FunctionSpec};
use crate::limits::Limits;
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::tree::Tree;
use crate::{Client, Company, Error, Event, Instance, Monitor, MonitorOptions, Template, wire};
use abi::control::{Exit, FromParent, FromSandbox, Instance as Identity, LogStream, MAX_MESSAGE, ToSandbox};
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::process::PidfdFlags;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::time::{Duration, Instant as Time};

/// An instance whose other side is ours.
struct Fake {
    instance: Instance,
    socket: OwnedFd,
    process: Child,
}

fn sleeper() -> (Child, OwnedFd) {
    let child = Command::new("sleep").arg("1000").spawn().expect("sleep");
    let pidfd = rustix::process::pidfd_open(rustix::process::Pid::from_child(&child), PidfdFlags::empty());
    (child, pidfd.expect("pidfd"))
}

fn fake_with(limits: Limits) -> Fake {
    let monitor = Monitor::new(MonitorOptions::default()).expect("monitor");
    // The tree waits for its keeper itself.
    let (_, keeper) = sleeper();
    let spec = FunctionSpec { limits, ..FunctionSpec::default() };
    let function = FunctionInner::for_test(monitor.inner(), spec, Tree::for_test(keeper));
    let (process, pidfd) = sleeper();
    let pid = i32::try_from(process.id()).expect("pid");
    let (control, socket) = wire::pair().expect("pair");
    let sandbox = Sandbox::for_test(function, control, Process::for_test(pidfd, pid));
    let identity =
        Identity { generation: 1, pid: 1000, spare: false, populate: false, crowd: false, syscall_stats: false };
    Fake { instance: Instance::new(sandbox, identity, false), socket, process }
}

fn fake() -> Fake {
    fake_with(Limits::default())
}

impl Fake {
    fn say(&self, message: &FromSandbox) {
        wire::send(&self.socket, &abi::encode(message), &[]).expect("send");
    }

    fn next(&mut self) -> Event {
        let event = self.instance.next_event(Time::now() + Duration::from_secs(20)).expect("the monitor works");
        event.expect("an event comes")
    }

    /// The instance must end now, for what it did, and its process be dead.
    fn must_be_killed(mut self, what: &str) {
        loop {
            match self.next() {
                Event::Ended(End { reason: Reason::Violation(said), .. }) => {
                    assert!(said.contains(what), "{said}");
                    break;
                }
                Event::Ended(end) => panic!("{end:?}"),
                _ => {}
            }
        }
        assert!(!self.process.wait().expect("wait").success());
    }
}

fn client() -> Client {
    let (fd, _) = wire::pair().expect("pair");
    Client { fd, peer: ([127, 0, 0, 1], 4000).into() }
}

#[test]
fn malformed_messages_kill() {
    for bytes in [&[200][..], &[2, 0], &[2, 0, 0, 0], &[0, 0], &[7, 9, 0]] {
        let fake = fake();
        rustix::net::send(&fake.socket, bytes, SendFlags::empty()).expect("send");
        fake.must_be_killed("malformed");
    }
}

#[test]
fn descriptors_are_closed_and_kill() {
    let fake = fake();
    let (ours, theirs) = wire::pair().expect("pair");
    wire::send(&fake.socket, &abi::encode(&FromSandbox::AtEntry), &[theirs.as_fd()]).expect("send");
    drop(theirs);
    fake.must_be_killed("descriptors");
    assert!(matches!(wire::receive(&ours), Ok(wire::Received::Closed)), "the descriptor was kept open");
}

#[test]
fn messages_that_are_too_long_kill() {
    let fake = fake();
    rustix::net::send(&fake.socket, &vec![0; MAX_MESSAGE + 1], SendFlags::empty()).expect("send");
    fake.must_be_killed("too long");
}

#[test]
fn messages_nobody_asked_for_kill() {
    let cases = [
        (FromSandbox::Parked, "parked"),
        (FromSandbox::Frozen { len: 9, host: 1 }, "frozen"),
        (FromSandbox::CantFreeze(b"x".to_vec()), "freeze"),
        (FromSandbox::ConnectionDone { id: 1 }, "connection"),
        (FromSandbox::Threads(b"x".to_vec()), "threads"),
        (FromSandbox::Counts(Vec::new()), "calls"),
        (FromSandbox::Dial { id: 1, target: 0 }, "may not"),
        (FromSandbox::Log { stream: LogStream::Out, bytes: vec![b'x'; 40 << 10] }, "too long"),
    ];
    for (message, what) in cases {
        let fake = fake();
        fake.say(&message);
        fake.must_be_killed(what);
    }
}

#[test]
fn reaching_the_entry_point_twice_kills() {
    let fake = fake();
    fake.say(&FromSandbox::AtEntry);
    fake.say(&FromSandbox::AtEntry);
    fake.must_be_killed("twice");
}

#[test]
fn a_flood_of_messages_kills_and_does_not_grow_the_monitor() {
    let fake = fake();
    let socket = fake.socket.try_clone().expect("dup");
    let message = abi::encode(&FromSandbox::Log { stream: LogStream::Err, bytes: vec![b'x'] });
    let flood = std::thread::spawn(move || while rustix::net::send(&socket, &message, SendFlags::NOSIGNAL).is_ok() {});
    fake.must_be_killed("floods");
    flood.join().expect("the flood ends with the socket");
}

#[test]
fn asking_for_files_again_and_again_kills() {
    let fake = fake();
    for _ in 0..100 {
        fake.say(&FromSandbox::NeedFiles);
    }
    fake.must_be_killed("file-server connections");
}

#[test]
fn asking_for_memory_twice_kills() {
    let fake = fake();
    fake.say(&FromSandbox::NeedMemory);
    fake.say(&FromSandbox::NeedMemory);
    fake.must_be_killed("twice");
}

#[test]
fn too_many_log_bytes_are_left_out_and_counted() {
    let mut fake = fake();
    let (mut sent, mut got) = (0, 0);
    let mut say = |fake: &mut Fake, len: usize| {
        fake.say(&FromSandbox::Log { stream: LogStream::Out, bytes: vec![b'x'; len] });
        sent += len as u64;
        match fake.instance.next_event(Time::now()).expect("works") {
            Some(Event::Log { bytes, dropped, .. }) => {
                got += bytes.len() as u64;
                Some((dropped, sent - got))
            }
            Some(event) => panic!("{event:?}"),
            None => None,
        }
    };
    let mut blocks = 0;
    while say(&mut fake, 32 << 10).is_some() {
        blocks += 1;
    }
    assert!(blocks >= 128, "{blocks}");
    // The budget refills: soon a line fits again, and says how much is missing before it.
    let (dropped, missing) = loop {
        if let Some(counts) = say(&mut fake, 1) {
            break counts;
        }
    };
    assert_eq!(dropped, missing);
}

#[test]
fn a_sandbox_that_does_not_read_is_killed_and_never_waited_for() {
    let mut fake = fake();
    let error = loop {
        if let Err(error) = fake.instance.connect(client()) {
            break error;
        }
    };
    assert!(matches!(error, Error::Ended(End { reason: Reason::Violation(_), .. })), "{error}");
    assert!(!fake.process.wait().expect("wait").success());
}

#[test]
fn closing_the_control_socket_is_the_end() {
    let mut fake = fake();
    fake.socket = wire::pair().expect("pair").0;
    assert!(matches!(fake.next(), Event::Ended(End { reason: Reason::Unannounced, .. })));
    assert!(!fake.process.wait().expect("wait").success());
}

#[test]
fn what_was_said_before_the_end_comes_before_it() {
    let mut fake = fake();
    fake.say(&FromSandbox::Log { stream: LogStream::Out, bytes: b"bye".to_vec() });
    fake.say(&FromSandbox::Exited(Exit::Status(3)));
    fake.process.kill().expect("kill");
    assert!(matches!(fake.next(), Event::Log { .. }));
    assert_eq!(fake.next(), Event::Exited(Exit::Status(3)));
    for _ in 0..2 {
        let end = End { how: How::Unknown, reason: Reason::Program(Exit::Status(3)) };
        assert_eq!(fake.next(), Event::Ended(end));
    }
    fake.process.wait().expect("wait");
}

#[test]
fn the_timeout_runs_from_the_first_connection() {
    let mut fake = fake_with(Limits { timeout: Some(Duration::ZERO), ..Limits::default() });
    assert_eq!(fake.instance.next_event(Time::now()).expect("works"), None);
    fake.instance.connect(client()).expect("connect");
    assert!(matches!(fake.next(), Event::Ended(End { reason: Reason::Timeout, .. })));
    fake.process.wait().expect("wait");
}

#[test]
fn private_memory_beyond_the_limit_kills() {
    let mut fake = fake_with(Limits { memory: Some(0), ..Limits::default() });
    fake.instance.check_limits().expect("smaps");
    assert!(matches!(fake.next(), Event::Ended(End { reason: Reason::Memory, .. })));
    fake.process.wait().expect("wait");
}

#[test]
fn text_of_a_guest_can_not_steer_a_terminal() {
    let mut fake = fake();
    fake.say(&FromSandbox::StartFailed { errno: Errno::NOENT.raw_os_error(), message: b"no\x1b[2J \xff\n".to_vec() });
    assert_eq!(fake.next(), Event::StartFailed { errno: 2, message: "no\u{fffd}[2J \u{fffd}\n".to_owned() });
    fake.process.kill().expect("kill");
    fake.process.wait().expect("wait");
}

/// A template whose other side is ours, and its process.
fn fake_template() -> (Template, OwnedFd, Child) {
    let Fake { instance, process, .. } = fake();
    let (parent, socket) = wire::pair().expect("pair");
    (Template::for_test(parent, instance), socket, process)
}

#[test]
fn a_fork_boot_is_one_message_and_waits_for_nothing() {
    let (template, socket, mut process) = fake_template();
    let mut instance = template.sfork(Some(client()), Company::Alone).expect("the request is sent");
    match wire::receive(&socket).expect("receive") {
        wire::Received::Message(bytes, fds) => {
            let message: ToSandbox = abi::decode(&bytes).expect("decodes");
            assert!(matches!(message, ToSandbox::Sfork { connection: Some(_), .. }), "{message:?}");
            assert_eq!(fds.len(), 2);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(wire::receive(&socket), Ok(wire::Received::Nothing)));
    assert_eq!(instance.next_event(Time::now()).expect("not overdue"), None);
    wire::send(&socket, &abi::encode(&FromParent::Failed(Errno::AGAIN.raw_os_error())), &[]).expect("reply");
    let error = instance.next_event(Time::now() + Duration::from_secs(20)).expect_err("the clone failed");
    assert!(matches!(error, Error::Clone(Errno::AGAIN)), "{error}");
    drop((instance, template));
    process.wait().expect("wait");
}

#[test]
fn a_template_that_hands_over_something_else_is_killed() {
    let (mut other, pidfd_of_other) = sleeper();
    let (no_pidfd, _theirs) = wire::pair().expect("pair");
    for handed in [&pidfd_of_other, &no_pidfd] {
        let (template, socket, mut process) = fake_template();
        let mut instance = template.sfork(None, Company::Crowd).expect("the request is sent");
        wire::send(&socket, &abi::encode(&FromParent::Spawned), &[handed.as_fd()]).expect("reply");
        let error = instance.next_event(Time::now() + Duration::from_secs(20)).expect_err("not believed");
        assert!(matches!(error, Error::Tree { who: "the template", .. }), "{error}");
        assert!(!process.wait().expect("wait").success());
    }
    assert_eq!(other.try_wait().expect("wait"), None, "a stranger was killed");
    other.kill().expect("kill");
    other.wait().expect("wait");
}
