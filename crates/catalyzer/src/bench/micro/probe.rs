//! The program behind `bench --micro`: small operations of a program, each timed from inside.
//!
//! It runs natively and in a sandbox, so it uses nothing but what any program has.

use std::arch::asm;
use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long an operation is repeated in one batch.
const BATCH: Duration = Duration::from_millis(15);
/// Batches; the fastest counts, since disturbance only ever adds.
const BATCHES: usize = 5;

/// Microseconds an operation takes.
fn time(mut operation: impl FnMut()) -> f64 {
    operation();
    let mut repeats = 1u32;
    let mut best = f64::INFINITY;
    for batch in 0..BATCHES {
        loop {
            let start = Instant::now();
            for _ in 0..repeats {
                operation();
            }
            let took = start.elapsed();
            best = best.min(took.as_secs_f64() * 1e6 / f64::from(repeats));
            if batch > 0 || took >= BATCH || repeats >= 1 << 24 {
                break;
            }
            repeats *= 2;
        }
    }
    best
}

/// `getpid` from a site that can't be made a jump: the instruction before it is too short to replace.
fn getpid_from_a_trapping_site() {
    // SAFETY: the call takes no pointers; it clobbers rax, rcx and r11, as declared, and the pushed word is
    // popped again.
    unsafe {
        asm!("push 39", "pop rax", "syscall", out("rax") _, out("rcx") _, out("r11") _);
    }
}

/// A fresh anonymous mapping, each page written once, and unmapped again.
fn map_and_touch(pages: usize) {
    // SAFETY: the mapping is new, written within its bounds, and nothing else knows it.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let address = libc::mmap(std::ptr::null_mut(), pages * 4096, protection, flags, -1, 0);
        if address != libc::MAP_FAILED {
            for page in 0..pages {
                address.cast::<u8>().add(page * 4096).write_volatile(1);
            }
            libc::munmap(address, pages * 4096);
        }
    }
}

/// Two threads wake each other: the time for there and back.
fn thread_wake() -> f64 {
    let (there, inbox) = mpsc::sync_channel::<()>(0);
    let (answer, back) = mpsc::sync_channel::<()>(0);
    let other = std::thread::spawn(move || while inbox.recv().is_ok() && answer.send(()).is_ok() {});
    let took = time(|| {
        let _ = there.send(());
        let _ = back.recv();
    });
    drop(there);
    let _ = other.join();
    took
}

fn loopback() -> std::io::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    let mut byte = [0];
    Ok(time(|| {
        let _ = client.write_all(&[1]);
        let _ = server.read_exact(&mut byte);
    }))
}

/// Arithmetic without any system call.
fn compute() -> f64 {
    time(|| {
        let mut x = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..100_000 {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        black_box(x);
    })
}

/// Times everything and prints one JSON object: name to microseconds.
///
/// # Errors
/// Something an ordinary program may do does not work here.
pub fn main() -> anyhow::Result<()> {
    let mut rows = BTreeMap::new();
    // SAFETY: takes no pointers.
    rows.insert("getpid, patched site", time(|| _ = black_box(unsafe { libc::getpid() })));
    rows.insert("getpid, trapping site", time(getpid_from_a_trapping_site));
    rows.insert("clock_gettime", time(|| _ = black_box(Instant::now())));
    let (mut reader, mut writer) = std::io::pipe()?;
    let mut byte = [0];
    rows.insert(
        "pipe, write and read a byte",
        time(|| {
            let _ = writer.write_all(&[1]);
            let _ = reader.read_exact(&mut byte);
        }),
    );
    let mut zero = File::open("/dev/zero")?;
    let mut page = [0; 4096];
    rows.insert("read 4 KiB of /dev/zero", time(|| drop(black_box(zero.read(&mut page)))));
    rows.insert("open and close /etc/passwd", time(|| drop(black_box(File::open("/etc/passwd")))));
    rows.insert("stat /etc/passwd", time(|| drop(black_box(std::fs::metadata("/etc/passwd")))));
    rows.insert("map, write a page, unmap", time(|| map_and_touch(1)));
    rows.insert("map, write 256 pages, unmap", time(|| map_and_touch(256)));
    rows.insert("thread, start and join", time(|| drop(std::thread::spawn(|| ()).join())));
    rows.insert("threads, wake and back", thread_wake());
    rows.insert("loopback TCP, a byte", loopback()?);
    rows.insert("compute, 100 000 steps", compute());
    println!("{}", serde_json::to_string(&rows)?);
    Ok(())
}
