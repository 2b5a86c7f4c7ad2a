//! Messages: whatever arrives is one value of its type or refused, and a value is what was sent.

use abi::control::{
    CallCount, Connection, Exit, FromParent, FromSandbox, Instance, LogStream, Restore, Then, ToParent, ToSandbox,
};
use abi::files::{Attributes, FileReply, FileRequest, Name};
use abi::launch::{Launch, Mount, MountSource, Stdio};

/// Decodes; what decodes is the same after a way over the border.
fn round<T: for<'a> serde::Deserialize<'a> + serde::Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = abi::decode::<T>(bytes) {
        assert_eq!(abi::decode::<T>(&abi::encode(&value)), Ok(value));
    }
}

#[test]
fn messages_of_sandboxes() {
    let corpus: Vec<Vec<u8>> = [
        FromSandbox::Parked,
        FromSandbox::Frozen { len: 1 << 40, host: 7 },
        FromSandbox::BootFailed(b"no".to_vec()),
        FromSandbox::StartFailed { errno: 2, message: b"not found".to_vec() },
        FromSandbox::ConnectionDone { id: 7 },
        FromSandbox::Log { stream: LogStream::Err, bytes: vec![b'x'; 300] },
        FromSandbox::Exited(Exit::Signal(9)),
        FromSandbox::Crashed { report: vec![b'r'; 200] },
        FromSandbox::Threads(b"1: futex\n".to_vec()),
        FromSandbox::Counts(vec![CallCount { name: b"read".to_vec(), fast: 7, ..CallCount::default() }; 3]),
    ]
    .iter()
    .map(abi::encode)
    .chain([FromParent::Sealed, FromParent::Spawned, FromParent::Failed(-1)].iter().map(abi::encode))
    .collect();
    fuzz::fuzz(20_000, &corpus, |bytes| {
        round::<FromSandbox>(bytes);
        round::<FromParent>(bytes);
    });
}

#[test]
fn messages_to_sandboxes() {
    let instance =
        Instance { generation: 9, pid: 1000, spare: false, syscall_stats: true, populate: true, crowd: true };
    let connection = Connection { id: 1, peer: [127, 0, 0, 1], peer_port: 4000 };
    let restore = Restore {
        heap_base: 0x7e50_0000_0000,
        then: Then::Template,
        instance,
        stdio: Some([Stdio::Null, Stdio::Log, Stdio::Pipe]),
        trace: true,
        connection: Some(connection),
        freeze_at: Some(3),
    };
    let spawn = ToParent::Spawn { template: false, first: Some(ToSandbox::Restore(restore)) };
    let corpus = [
        abi::encode(&spawn),
        abi::encode(&ToParent::Seal { filter: vec![6; 64] }),
        abi::encode(&ToSandbox::Sfork { instance, connection: Some(connection) }),
        abi::encode(&ToSandbox::Signal(15)),
    ];
    fuzz::fuzz(10_000, &corpus, |bytes| {
        round::<ToParent>(bytes);
        round::<ToSandbox>(bytes);
    });
}

#[test]
fn file_server_messages() {
    let path = b"usr/lib/python3.11/os.py".to_vec();
    let corpus = [
        abi::encode(&FileRequest::Lookup { root: 0, path: path.clone() }),
        abi::encode(&FileRequest::List { root: 3, path: path.clone(), start: 77 }),
        abi::encode(&FileRequest::Open { root: 65535, path: vec![b'a'; 4096] }),
        abi::encode(&FileReply::Attributes { attributes: Attributes::default(), target: path.clone() }),
        abi::encode(&FileReply::Names { names: vec![Name { name: path, inode: 1, file_type: 0o100_000 }], more: true }),
        abi::encode(&FileReply::Error(2)),
    ];
    fuzz::fuzz(20_000, &corpus, |bytes| {
        round::<FileRequest>(bytes);
        round::<FileReply>(bytes);
    });
}

#[test]
fn launches() {
    let launch = Launch {
        program: b"/bin/true".to_vec(),
        args: vec![b"true".to_vec(); 3],
        env: vec![b"PATH=/bin".to_vec()],
        mounts: vec![
            Mount { target: b"/usr".to_vec(), source: MountSource::Root(0) },
            Mount { target: b"/bin".to_vec(), source: MountSource::Symlink(b"usr/bin".to_vec()) },
        ],
        port: Some(8080),
        ..Launch::default()
    };
    fuzz::fuzz(10_000, &[abi::encode(&launch)], round::<Launch>);
}
